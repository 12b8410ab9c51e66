//! **Once, in order** and **accounted**: what is recorded reaches the collector exactly once and in
//! order, or is counted as dropped; and whoever waits for an upload learns how it went.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod accounted;
mod background;
mod epochs;
mod network;
mod online;
mod simulated;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod tap;
mod transport;
mod wait;
