//! **Ingest**: what a phone sends is stored once and within bounds, its codes and proofs are handled,
//! and all of it can be erased.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod erase;
mod leases;
mod proofs;
mod stored;
#[path = "../support/mod.rs"]
mod support;
