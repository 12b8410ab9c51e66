//! The stopwatch: the one module of the benchmarks that reads the clock and sleeps.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark measures real time, on a machine that does not sleep meanwhile"
)]

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// Time since it was started.
#[derive(Debug, Clone, Copy)]
pub struct Watch(Instant);

impl Watch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start.
    pub fn ns(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Seconds since the start.
    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// A steady beat, kept by spinning: a sleep would measure the scheduler.
#[derive(Debug)]
pub struct Pace {
    next: Instant,
    step: Duration,
}

impl Pace {
    /// A beat every `step`, the first one now.
    pub fn every(step: Duration) -> Self {
        Self { next: Instant::now(), step }
    }

    /// Waits for the beat. One that was missed is not made up for.
    pub fn wait(&mut self) {
        let mut now = Instant::now();
        while now < self.next {
            std::hint::spin_loop();
            now = Instant::now();
        }
        self.next = now.max(self.next) + self.step;
    }
}

/// Sleeps.
pub fn sleep(time: Duration) {
    std::thread::sleep(time);
}

/// Asks every `step` until the answer is yes.
///
/// # Errors
/// When it still is not after `timeout`.
pub fn wait_until(
    what: &str,
    step: Duration,
    timeout: Duration,
    mut done: impl FnMut() -> bool,
) -> Result<()> {
    let start = Instant::now();
    while !done() {
        ensure!(start.elapsed() < timeout, "waited {timeout:?} for {what}");
        std::thread::sleep(step);
    }
    Ok(())
}
