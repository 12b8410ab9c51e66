//! What the promise tests share: a clock they drive, a network they break, a collector small
//! enough to trust, and a phone that puts them together.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]
#![allow(unreachable_pub, missing_docs, reason = "nothing here leaves the tests")]

pub mod child;
pub mod clock;
pub mod collector;
pub mod disk;
pub mod log;
pub mod network;
pub mod phone;
pub mod random;

pub use clock::TestClock;
pub use collector::ModelCollector;
pub use disk::{Disk, fullest_journal, journal_end};
pub use log::TestLog;
pub use network::{Fault, TestNetwork};
pub use phone::Phone;
pub use random::Random;
