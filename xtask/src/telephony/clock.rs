//! The run's clock: the only module here that reads the time and sleeps.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a run measures real calls, on a machine that does not sleep meanwhile"
)]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// When the run began.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A moment of the run, counted from its start.
pub(crate) type Moment = Duration;

/// Now.
pub(crate) fn now() -> Moment {
    START.elapsed()
}

/// Waits for this long.
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Asks repeatedly until there is an answer or the time is over.
pub(crate) fn until<T>(within: Duration, mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    const BETWEEN: Duration = Duration::from_millis(20);
    let end = now() + within;
    loop {
        match answer() {
            Some(answer) => return Some(answer),
            None if now() >= end => return None,
            None => pause(BETWEEN),
        }
    }
}
