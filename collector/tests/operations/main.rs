//! **Operations**: what the operator of a collector runs, reads and checks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit;
mod injected;
mod openapi;
mod program;
mod server;
#[path = "../support/mod.rs"]
mod support;
