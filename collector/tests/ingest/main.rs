//! **Ingest**: what a phone sends is checked, stored once and within limits, and erased on request;
//! and it gets its codes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod copies;
mod erase;
mod leases;
mod proofs;
mod stored;
#[path = "../support/mod.rs"]
mod support;
