//! What an app can learn of a journey.

use crate::config::Consent;
use crate::event::Dropped;
use crate::worker::UploadProblem;

/// How a journey stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The customer's answer.
    pub consent: Consent,
    /// The current session's number; 0 before the first event.
    pub session: u32,
    /// Events taken since the epoch began: `delivered + queued + dropped.total()`.
    pub recorded: u64,
    /// Events that the collector has.
    pub delivered: u64,
    /// Events that wait, in memory, journal or store.
    pub queued: u64,
    /// Events that were lost, by reason.
    pub dropped: Dropped,
    /// Call codes ready for a tap without data.
    pub codes: usize,
    /// The last upload; `None` before the first.
    pub last_upload: Option<LastUpload>,
    /// Why events wait in memory instead of on disk, if they do; or why another process is not
    /// kept out. In words, for a developer.
    pub storage_trouble: Option<String>,
}

/// How the last upload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastUpload {
    /// When, by the phone's wall clock, in ms since the Unix epoch.
    pub at_ms: i64,
    /// Why it did not succeed; `None` if it did.
    pub problem: Option<UploadProblem>,
}
