//! **Harmless**: nothing that the disk, the app, the clock or other threads do stops the app or the
//! journey. It costs events at worst, and those are counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod disk;
mod events;
mod files;
mod injected;
mod log;
mod mapped;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod worker;
