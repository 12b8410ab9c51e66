//! Tells the app that it must ask for consent again. Does not know what consent allows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What the app wants to be called.
type Hook = Arc<dyn Fn() + Send + Sync>;

/// The app's hook, and whether an erasure is under way of which it has not been told.
#[derive(Default)]
pub(super) struct ConsentHook {
    hook: Mutex<Option<Hook>>,
    due: AtomicBool,
}

impl ConsentHook {
    /// Takes the app's hook, in place of the one before.
    pub(super) fn set(&self, hook: Hook) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(hook);
    }

    /// Notes that an erasure begins.
    pub(super) fn arm(&self) {
        self.due.store(true, Ordering::Release);
    }

    /// Calls the hook, if an erasure began since the last call. Holds no lock meanwhile: the hook may
    /// answer at once.
    pub(super) fn call_if_armed(&self) {
        if !self.due.swap(false, Ordering::AcqRel) {
            return;
        }
        let hook = self.hook.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // The app's own code must not end the worker.
        if hook.is_some_and(|hook| catch_unwind(AssertUnwindSafe(|| hook())).is_err()) {
            log::error!("the app's hook about consent panicked");
        }
    }
}
