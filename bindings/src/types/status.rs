//! The state of a journey: consent, counts, the last upload.

use jalon::DropReason;

/// Whether the customer agreed to be recorded.
pub type Consent = jalon::Consent;

/// Whether the customer agreed to be recorded.
#[uniffi::remote(Enum)]
pub enum Consent {
    /// Not asked yet: the newest 200 events wait in memory, and nothing is written to disk.
    Unknown,
    /// Events are recorded and uploaded.
    Granted,
    /// Nothing is recorded, and everything recorded before is deleted.
    Denied,
}

/// How many events were lost, by reason, since the epoch began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, uniffi::Record)]
pub struct Dropped {
    /// The storage quota was full; the oldest were deleted first.
    #[uniffi(default = 0)]
    pub quota: u64,
    /// They could not be uploaded within their time to live.
    #[uniffi(default = 0)]
    pub expired: u64,
    /// They could not be read back.
    #[uniffi(default = 0)]
    pub corrupt: u64,
    /// Larger than 16 KiB, or a custom event of more than 16 values.
    #[uniffi(default = 0)]
    pub too_large: u64,
    /// A name was blank, a currency or a phone number not valid, or a number not finite.
    #[uniffi(default = 0)]
    pub invalid: u64,
    /// The customer had not consented.
    #[uniffi(default = 0)]
    pub consent: u64,
    /// They could not be written to disk.
    #[uniffi(default = 0)]
    pub disk: u64,
    /// The collector rejected them permanently.
    #[uniffi(default = 0)]
    pub rejected: u64,
    /// All of them together.
    #[uniffi(default = 0)]
    pub total: u64,
}

impl From<jalon::Dropped> for Dropped {
    fn from(dropped: jalon::Dropped) -> Self {
        Self {
            quota: dropped.get(DropReason::Quota),
            expired: dropped.get(DropReason::Expired),
            corrupt: dropped.get(DropReason::Corrupt),
            too_large: dropped.get(DropReason::TooLarge),
            invalid: dropped.get(DropReason::Invalid),
            consent: dropped.get(DropReason::Consent),
            disk: dropped.get(DropReason::Disk),
            rejected: dropped.get(DropReason::Rejected),
            total: dropped.total(),
        }
    }
}

/// How the last upload ended.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LastUpload {
    /// When, by the phone's wall clock, in ms since the Unix epoch.
    pub at_ms: i64,
    /// Why it did not succeed, as text for a developer; `None` if it did.
    pub problem: Option<String>,
}

/// The state of a journey. `recorded` = `delivered` + `queued` + `dropped.total`.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Status {
    /// Why nothing is recorded, if this journey could not be opened: as text for a developer.
    #[uniffi(default = None)]
    pub problem: Option<String>,
    /// Why events wait in memory instead of on disk, if they do: as text for a developer.
    #[uniffi(default = None)]
    pub storage_trouble: Option<String>,
    /// The customer's answer.
    pub consent: Consent,
    /// The current session's number; 0 before the first event.
    #[uniffi(default = 0)]
    pub session: u32,
    /// Events taken since the epoch began.
    #[uniffi(default = 0)]
    pub recorded: u64,
    /// Events that the collector has acknowledged.
    #[uniffi(default = 0)]
    pub delivered: u64,
    /// Events that wait, in memory or on disk.
    #[uniffi(default = 0)]
    pub queued: u64,
    /// Events that were lost.
    #[uniffi(default)]
    pub dropped: Dropped,
    /// Call codes left for calls made offline.
    #[uniffi(default = 0)]
    pub codes: u32,
    /// The last upload; `None` before the first.
    #[uniffi(default = None)]
    pub last_upload: Option<LastUpload>,
}

impl Status {
    /// The status of a journey that records nothing, with the reason.
    pub(crate) fn idle(problem: &str) -> Self {
        Self {
            problem: Some(problem.to_owned()),
            storage_trouble: None,
            consent: Consent::Unknown,
            session: 0,
            recorded: 0,
            delivered: 0,
            queued: 0,
            dropped: Dropped::default(),
            codes: 0,
            last_upload: None,
        }
    }
}

impl From<jalon::Status> for Status {
    fn from(status: jalon::Status) -> Self {
        let last_upload = status.last_upload.map(|last| LastUpload {
            at_ms: last.at_ms,
            problem: last.problem.map(|problem| problem.to_string()),
        });
        Self {
            problem: None,
            storage_trouble: status.storage_trouble,
            consent: status.consent,
            session: status.session,
            recorded: status.recorded,
            delivered: status.delivered,
            queued: status.queued,
            dropped: status.dropped.into(),
            codes: u32::try_from(status.codes).unwrap_or(u32::MAX),
            last_upload,
        }
    }
}
