//! **The desk**: the page of one call, and the stream that keeps it current.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod live;
mod page;
#[path = "../support/mod.rs"]
mod support;
