//! Says when storage that failed is tried again. Pure; trying is `storage`'s.

use crate::clock::Now;
use crate::config::{STORAGE_RETRY_MAX_MS, STORAGE_RETRY_MIN_MS};

/// The wait after a failure; none by default.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Retry {
    at_ms: Option<u64>,
    failures: u32,
}

impl Retry {
    /// Returns whether storage may be tried: it did not fail, or its wait is over.
    pub(super) fn is_due(self, now: Now) -> bool {
        self.at_ms.is_none_or(|at_ms| now.elapsed_ms >= at_ms)
    }

    /// Returns when the wait is over, in ms of the elapsed clock.
    pub(super) fn at_ms(self) -> Option<u64> {
        self.at_ms
    }

    /// Ends the wait: storage is tried again at once.
    pub(super) fn cut_short(&mut self) {
        self.at_ms = None;
    }

    /// Notes a failure. Each one in a row doubles the wait.
    pub(super) fn on_failure(&mut self, now: Now) {
        let wait_ms = (STORAGE_RETRY_MIN_MS << self.failures.min(20)).min(STORAGE_RETRY_MAX_MS);
        self.failures = self.failures.saturating_add(1);
        self.at_ms = Some(now.elapsed_ms + wait_ms);
    }
}
