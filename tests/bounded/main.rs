//! **Bounded**: whatever the app records and the collector answers, what the library uses of disk,
//! memory, network and battery has limits.
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
mod wakes;
