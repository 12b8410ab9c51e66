//! What became of an entry, for whoever recorded it under the lock.

use crate::event::Entry;

/// What became of an entry.
pub(super) struct Outcome {
    /// It is in the journal, or waits in memory.
    pub(super) kept: bool,
    /// The worker must be woken.
    pub(super) wake: bool,
    /// What was written, with the screen before: freed once the lock is.
    pub(super) spent: Option<(Entry, Option<(String, u64)>)>,
}

impl Outcome {
    /// Nothing was kept, and the worker has nothing to do.
    pub(super) const IGNORED: Self = Self { kept: false, wake: false, spent: None };
}
