//! Whether to ask the collector for more codes. Pure.

use crate::config::CODES_LOW;

/// What is known of asking for codes: an empty batch brings them where nothing else is to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CodeRequest {
    /// Codes were asked for since they last ran low.
    asked: bool,
    /// The collector could not be asked for codes: the app may know when it can be reached.
    out_of_reach: bool,
}

impl CodeRequest {
    /// Whether to ask, with this many codes left.
    pub(super) fn is_due(self, codes_left: usize) -> bool {
        codes_left < CODES_LOW && !self.asked
    }

    /// A call used up a code.
    pub(super) fn on_call(&mut self) {
        self.asked = false;
    }

    /// The app asks for an upload: it may know that the collector can be reached again.
    pub(super) fn on_upload_asked(&mut self) {
        self.asked &= !std::mem::take(&mut self.out_of_reach);
    }

    /// A batch of so many events was stored. Codes that could not be kept are asked for again with
    /// the next events, and not at once: until those say who the customer is, the answer would be
    /// the same.
    pub(super) fn on_stored(&mut self, events: usize, kept: bool) {
        self.asked = kept || events == 0;
    }

    /// A batch of so many events was not stored. An empty one is not worth waking up for: the next
    /// one with events brings codes.
    pub(super) fn on_failure(&mut self, events: usize) {
        self.asked |= events == 0;
        self.out_of_reach |= events == 0;
    }
}
