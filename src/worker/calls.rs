//! Which call's snapshot is sent next, and which answers are about the one under way. When it is
//! sent, `upload` decides; sending it is `uploader`'s.

use super::storage::Storage;
use crate::upload::Action;

/// The calls as the uploader sees them; the store has them.
pub(super) struct Calls {
    /// Calls from this `seq` on were never sent since their tap. Calls are tried in their order, so
    /// one number tells.
    untried_from: u64,
    under_way: Option<UnderWay>,
}

/// The call that is being sent.
struct UnderWay {
    seq: u64,
    /// The number of the first request with it: answers to earlier ones come too late.
    first_request: u64,
}

impl Default for Calls {
    fn default() -> Self {
        Self { untried_from: u64::MAX, under_way: None }
    }
}

impl Calls {
    /// Notes that calls were tapped, from this `seq` on.
    pub(super) fn on_drained(&mut self, first_seq: u64) {
        self.untried_from = self.untried_from.min(first_seq);
    }

    /// Returns whether a call waits that was never sent since its tap.
    pub(super) fn has_untried(&self, storage: &Storage) -> bool {
        storage.next_call(self.untried_from).is_some()
    }

    /// Returns the `seq` of the call to send; `None` if there is none.
    pub(super) fn next(&self, action: Action, storage: &Storage) -> Option<u64> {
        match action {
            Action::CallAgain => self.under_way.as_ref().map(|call| call.seq),
            Action::UntriedCall => storage.next_call(self.untried_from),
            _ => storage.next_call(0),
        }
    }

    /// Notes that a call is about to be sent, as this request.
    pub(super) fn on_sent(&mut self, seq: u64, request: u64) {
        if seq >= self.untried_from {
            self.untried_from = seq + 1;
        }
        if self.under_way.as_ref().is_none_or(|call| call.seq != seq) {
            self.under_way = Some(UnderWay { seq, first_request: request });
        }
    }

    /// Returns whether the answer to this request is about the call under way. If not, another
    /// request with that call was answered before.
    pub(super) fn awaits(&self, request: u64) -> bool {
        self.under_way.as_ref().is_some_and(|call| request >= call.first_request)
    }

    /// Returns whether the call under way need not be sent any more: it came with a batch.
    pub(super) fn is_superseded(&self, storage: &Storage) -> bool {
        self.under_way.as_ref().is_some_and(|call| storage.next_call(call.seq) != Some(call.seq))
    }

    /// Notes that the call under way has its answer.
    pub(super) fn on_ended(&mut self) {
        self.under_way = None;
    }
}
