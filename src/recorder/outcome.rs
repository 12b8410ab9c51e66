//! What became of an entry, for whoever recorded it under the lock.

/// What became of an entry.
pub(super) struct Outcome {
    /// It is in the journal, or waits in memory.
    pub(super) kept: bool,
    pub(super) wake: Wake,
    /// The screen before, which was written: freed once the lock is.
    pub(super) spent: Option<(String, u64)>,
}

/// Whether the worker must be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    No,
    /// Unless it wakes by itself by this time, in ms of the elapsed clock.
    By(u64),
    AtOnce,
}

impl Outcome {
    /// Nothing was kept, and the worker has nothing to do.
    pub(super) const IGNORED: Self = Self { kept: false, wake: Wake::No, spent: None };
}
