//! The status of a journey, as an app reads it. Only the shapes; `Journey::status` fills them.

use crate::config::Consent;
use crate::event::Dropped;
use crate::worker::UploadProblem;

/// The state of a journey at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The customer's answer about consent.
    pub consent: Consent,
    /// The current session's number; 0 before the first event.
    pub session: u32,
    /// Events that were recorded since the epoch began: `delivered + queued + dropped.total()`.
    pub recorded: u64,
    /// Events that the collector has.
    pub delivered: u64,
    /// Events that wait in memory, in the journal or in the store.
    pub queued: u64,
    /// Events that were dropped, by reason.
    pub dropped: Dropped,
    /// Call codes that are ready, so that a tap needs no data connection.
    pub codes: usize,
    /// The last upload; `None` before the first.
    pub last_upload: Option<LastUpload>,
    /// A text for the developer if the disk cannot be used: why events wait in memory instead, or
    /// why the folder could not be locked against other processes; or that the worker has stopped
    /// (it starts again once by itself). `None` if all is well.
    pub storage_trouble: Option<String>,
}

/// The end of the last upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastUpload {
    /// When, by the phone's wall clock, in ms since the Unix epoch.
    pub at_ms: i64,
    /// Why it did not succeed; `None` if it did.
    pub problem: Option<UploadProblem>,
}
