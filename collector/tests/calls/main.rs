//! **Calls**: an exchange that looks up a call gets what the customer shares, and no more.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_look_ups;
mod call;
mod claims;
mod freshness;
mod guesses;
mod people;
#[path = "../support/mod.rs"]
mod support;
mod typed;
