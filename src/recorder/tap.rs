//! What a tap on "call us" was given.

use crate::call::{CallCode, ContextToken};
use crate::clock::Bell;

/// The token and the code of a call.
pub(crate) struct Tap {
    pub token: ContextToken,
    pub code: Option<CallCode>,
    /// Wakes the worker once this is dropped: the customer has the answer by then, and need not wait
    /// while the system wakes a thread.
    pub(super) wakes: Option<Bell>,
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Some(worker) = &self.wakes {
            worker.ring();
        }
    }
}
