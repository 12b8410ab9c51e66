//! A value that one caller waits for and the worker provides. Knows nothing of what it means.

use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::{Bell, Clock};

/// A slot for the value that one caller waits for. The caller holds the only strong reference, so
/// the slot disappears when the caller gives up.
pub(super) struct Reply<T> {
    bell: Bell,
    value: Mutex<Option<T>>,
}

impl<T> Reply<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { bell: Bell::new(), value: Mutex::new(None) })
    }

    pub(super) fn give(&self, value: T) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        self.bell.ring();
    }

    fn take(&self) -> Option<T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Blocks the calling thread until there is a value, for at most `timeout_ms`.
    pub(super) fn wait(&self, clock: &dyn Clock, timeout_ms: u64) -> Option<T> {
        let until_ms = clock.now().elapsed_ms.saturating_add(timeout_ms);
        loop {
            let value = self.take();
            if value.is_some() || clock.now().elapsed_ms >= until_ms {
                return value;
            }
            clock.wait(&self.bell, Some(until_ms));
        }
    }
}
