//! **The call**: what it carries, for whom, and what the agent sees of it, with data and without.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod carriers;
mod misdialled;
mod months;
mod no_data;
mod preview;
mod scene;
mod scope;
mod snapshot;
#[path = "../support/mod.rs"]
mod support;
