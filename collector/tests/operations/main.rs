//! **Operations**: what the operator of a collector runs, reads and checks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit;
mod injected;
mod keys;
mod log;
mod openapi;
mod plans;
mod program;
mod server;
#[path = "../support/mod.rs"]
mod support;
