//! **Calls**: an exchange looks a call up, and gets what this customer lets it see, and no more.
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
