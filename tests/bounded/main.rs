//! **Bounded**: whatever the app records and the collector answers, all that the library takes has a
//! limit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod answers;
mod sizes;
#[path = "../support/mod.rs"]
mod support;
