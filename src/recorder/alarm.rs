//! How the worker's thread sleeps and is woken. When it must be is decided in `drain_signal`.

use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome::Wake;
use crate::clock::{Bell, Clock};

/// Wakes the worker, unless it comes in time by itself.
#[derive(Default)]
pub(super) struct Alarm {
    bell: Bell,
    /// Until when the worker sleeps, in ms of the elapsed clock; 0 while it is awake.
    sleeps_until_ms: AtomicU64,
}

impl Alarm {
    /// Blocks the worker's thread until it is woken, or until the elapsed clock reaches `until_ms`.
    pub(super) fn sleep(&self, clock: &dyn Clock, until_ms: Option<u64>) {
        self.sleeps_until_ms.store(until_ms.unwrap_or(u64::MAX), Ordering::SeqCst);
        clock.wait(&self.bell, until_ms);
        self.sleeps_until_ms.store(0, Ordering::SeqCst);
    }

    /// Wakes the worker if that is needed. To be called after unlocking the state: a worker that has
    /// just woken by itself takes the lock later, and sees what was done under it.
    pub(super) fn wake(&self, wake: Wake) {
        let comes_by = |ms| (1..=ms).contains(&self.sleeps_until_ms.load(Ordering::SeqCst));
        match wake {
            Wake::No => {}
            Wake::By(ms) if comes_by(ms) => {}
            Wake::By(_) | Wake::AtOnce => self.ring(),
        }
    }

    pub(super) fn ring(&self) {
        self.bell.ring();
    }

    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Returns whether the worker was woken since this was last asked.
    #[cfg(feature = "stepped")]
    pub(super) fn take(&self) -> bool {
        self.bell.take()
    }
}
