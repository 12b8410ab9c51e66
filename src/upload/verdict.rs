//! What an answer means for what was sent. Whether it is our collector's, `worker`'s `round_trip`
//! has found out.

use crate::config::{RETRY_AFTER_MAX_MS, STRANGER_WAIT_MAX_MS};

/// The meaning of an answer for what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The collector has it.
    Stored,
    /// Something in it was refused: send less at a time, and drop an event that is refused alone.
    Divide,
    /// The installation was erased: delete everything here.
    Erased,
    /// Another phone uses this installation too: begin a new one.
    Conflict,
    /// The key is not accepted: keep all, and wait until the app opens the journey again or asks
    /// for an upload.
    Pause,
    /// The collector asks to wait for so many ms.
    Wait(u64),
    /// Something on the way asks to wait for so many ms: back off, and at least for so long.
    Advised(u64),
    /// Anything else: keep all, and try again later.
    BackOff,
}

impl Verdict {
    /// Returns whether this says nothing about what was sent: the network failed, or something
    /// other than our collector answered.
    pub(crate) fn is_weather(self) -> bool {
        matches!(self, Self::Advised(_) | Self::BackOff)
    }

    /// Returns whether this refuses a batch of a single event, which must be dropped.
    pub(crate) fn drops(self, events: usize) -> bool {
        self == Self::Divide && events == 1
    }
}

/// Returns the verdict of an answer. `ours` says whether the body was our collector's: no other
/// answer may delete or drop anything, pause, or ask for a long wait. Anybody between phone and
/// collector can answer 401 or 503: a hotel's login page, a proxy, a load balancer.
pub(crate) fn judge(status: u16, retry_after_ms: Option<u64>, ours: bool) -> Verdict {
    match (status, retry_after_ms) {
        (200 | 204, _) if ours => Verdict::Stored,
        (400 | 413 | 422, _) if ours => Verdict::Divide,
        (409, _) if ours => Verdict::Conflict,
        (410, _) if ours => Verdict::Erased,
        (401 | 403, _) if ours => Verdict::Pause,
        (429 | 503, Some(wait_ms)) if ours => Verdict::Wait(wait_ms.min(RETRY_AFTER_MAX_MS)),
        (429 | 503, Some(wait_ms)) => Verdict::Advised(wait_ms.min(STRANGER_WAIT_MAX_MS)),
        _ => Verdict::BackOff,
    }
}
