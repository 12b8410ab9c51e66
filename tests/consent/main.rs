//! **Consent**: what the customer agreed to decides what is kept, and whose it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod grant;
mod people;
#[path = "../support/mod.rs"]
mod support;
