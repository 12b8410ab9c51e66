//! Decides whether to ask the collector for more codes. Pure; asking is `uploader`'s.

use crate::config::LEASE_RENEWED_AFTER_MS;

/// The state of asking for codes. Every answer to a batch brings codes if the batch asked for them;
/// an empty batch asks when there is nothing else to send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CodeRequest {
    /// When codes were requested, in ms of the elapsed clock, unless some were used up since.
    asked_ms: Option<u64>,
    /// The last request for codes failed. The app may know when the collector can be reached again.
    out_of_reach: bool,
}

impl CodeRequest {
    /// Returns whether to ask, if there are few or old codes: not again before they are old again.
    pub(super) fn is_due(self, now_ms: u64) -> bool {
        self.asked_ms.is_none_or(|asked_ms| now_ms >= asked_ms + LEASE_RENEWED_AFTER_MS)
    }

    /// Notes that a call may have used up a code.
    pub(super) fn on_call(&mut self) {
        self.asked_ms = None;
    }

    /// Notes that the app asks for an upload: it may know that the collector can be reached again.
    pub(super) fn on_upload_asked(&mut self) {
        if std::mem::take(&mut self.out_of_reach) {
            self.asked_ms = None;
        }
    }

    /// Notes that a batch of `events` events was stored, and whether the codes in its answer were
    /// `kept`. If not, they are requested again, but after an empty batch only once the next batch
    /// with events was stored: until the collector knows the customer, the outcome would be the
    /// same.
    pub(super) fn on_stored(&mut self, events: usize, kept: bool, now_ms: u64) {
        self.asked_ms = (kept || events == 0).then_some(now_ms);
    }

    /// Notes that a batch of `events` events was not stored. An empty one is not repeated, to save
    /// wake-ups: the next batch with events brings codes.
    pub(super) fn on_failure(&mut self, events: usize, now_ms: u64) {
        if events == 0 {
            self.asked_ms = Some(now_ms);
            self.out_of_reach = true;
        }
    }
}
