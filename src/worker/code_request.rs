//! Decides whether to ask the collector for more codes. Pure; asking is `uploader`'s.

use crate::config::CODES_LOW;

/// The state of asking for codes. Every answer to a batch brings codes; an empty batch asks for
/// them when there is nothing else to send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CodeRequest {
    /// Codes were requested since they last ran low.
    asked: bool,
    /// The last request for codes failed. The app may know when the collector can be reached again.
    out_of_reach: bool,
}

impl CodeRequest {
    /// Returns whether to ask, with this many codes left.
    pub(super) fn is_due(self, codes_left: usize) -> bool {
        codes_left < CODES_LOW && !self.asked
    }

    /// Notes that a call may have used up a code.
    pub(super) fn on_call(&mut self) {
        self.asked = false;
    }

    /// Notes that the app asks for an upload: it may know that the collector can be reached again.
    pub(super) fn on_upload_asked(&mut self) {
        self.asked &= !std::mem::take(&mut self.out_of_reach);
    }

    /// Notes that a batch of `events` events was stored, and whether the codes in its answer were
    /// `kept`. If not, they are requested again, but after an empty batch only once the next batch
    /// with events was stored: until the collector knows the customer, the outcome would be the
    /// same.
    pub(super) fn on_stored(&mut self, events: usize, kept: bool) {
        self.asked = kept || events == 0;
    }

    /// Notes that a batch of `events` events was not stored. An empty one is not repeated, to save
    /// wake-ups: the next batch with events brings codes.
    pub(super) fn on_failure(&mut self, events: usize) {
        self.asked |= events == 0;
        self.out_of_reach |= events == 0;
    }
}
