//! **The simulator** plays months of phones, people, networks and telephones in a second: the real
//! core, its worker driven step by step, and the real collector, its routes called in process, all in
//! one thread and from one seed. An oracle knows who did what.
//!
//! Checked at every step: no agent, preview or snapshot shows a step of somebody else; what is
//! recorded adds up; a code resolves for whoever was online within a week; with data, the call's
//! record is at the collector within five seconds; a call that is handed on stays the same caller's; the
//! disk stays within its quota; a phone that nobody touches sleeps if it has nothing to send, and else
//! tries within bounds. And at the end: each step is stored once and in order, or counted.
//!
//! It does not play the platforms' halves (Kotlin, Swift) or real sockets, and does not measure memory. A
//! disk that fails, `fsync` among it, needs the system's own calls: `tests/harmless/injected.rs` has them
//! fail one by one.

mod calls;
mod clock;
mod disk;
mod end;
mod later;
mod network;
mod oracle;
mod phone;
mod plan;
mod play;
mod random;
mod rest;
mod shrink;
mod site;
mod world;

pub use network::Network;
pub use plan::{Act, Dialling, Step, draw};
pub use play::{Outcome, play};
pub use shrink::{as_test, shrink};
