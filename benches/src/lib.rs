//! Shared by the benchmarks: a stopwatch, a phone, a collector, real rows, and the report.
//!
//! One binary a benchmark under `bin/`; each prints its table beside the figures to reach and
//! writes `target/bench/NAME.json`. Nothing here is a test, and no test times anything.

pub mod child;
pub mod clock;
pub mod collector;
pub mod http;
pub mod load;
pub mod phone;
pub mod report;
pub mod rows;
