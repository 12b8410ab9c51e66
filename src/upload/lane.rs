//! One lane's state: whether it sends, and until when it waits. Which lane sends first, `upload`
//! says.

use super::verdict::Verdict;
use crate::config::{
    BACKOFF_MAX_MS, BACKOFF_MIN_MS, CALL_BACKOFF_MAX_MS, CALL_WAIT_MAX_MS, STRANGER_WAIT_MAX_MS,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Sending,
    /// Backs off until this time; a request of the app for an upload ends the wait.
    Waiting(u64),
    /// Waits until this time because the collector asked for it; on the backlog's lane nothing ends
    /// the wait early.
    Asked(u64),
}

/// The state of one lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaneState {
    state: State,
    failures: u32,
}

/// The longest waits of a lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    back_off_ms: u64,
    /// Of a wait that was asked for, with its jitter.
    asked_ms: u64,
}

impl Caps {
    /// Those of batches and erasures. What was asked for is bounded by the verdict.
    pub(super) const PATIENT: Self = Self { back_off_ms: BACKOFF_MAX_MS, asked_ms: u64::MAX };
    /// Those of a call whose customer may still be in the phone menu.
    pub(super) const YOUNG_CALL: Self =
        Self { back_off_ms: CALL_BACKOFF_MAX_MS, asked_ms: CALL_WAIT_MAX_MS };
    /// Those of an older call.
    pub(super) const OLD_CALL: Self =
        Self { back_off_ms: BACKOFF_MAX_MS, asked_ms: CALL_WAIT_MAX_MS };
}

impl LaneState {
    pub(super) const READY: Self = Self { state: State::Ready, failures: 0 };

    pub(super) fn is_ready(&mut self, now_ms: u64) -> bool {
        if let State::Waiting(until_ms) | State::Asked(until_ms) = self.state
            && now_ms >= until_ms
        {
            self.state = State::Ready;
        }
        self.state == State::Ready
    }

    pub(super) fn is_sending(&self) -> bool {
        self.state == State::Sending
    }

    /// Returns when it can send; `None` while it is sending.
    pub(super) fn due(&self) -> Option<u64> {
        match self.state {
            State::Ready => Some(0),
            State::Sending => None,
            State::Waiting(until_ms) | State::Asked(until_ms) => Some(until_ms),
        }
    }

    pub(super) fn on_sent(&mut self) {
        self.state = State::Sending;
    }

    /// Ends a back-off, but no wait that the collector asked for.
    pub(super) fn end_back_off(&mut self) {
        if matches!(self.state, State::Waiting(_)) {
            self.state = State::Ready;
        }
    }

    /// Has the back-off begin anew with the next failure.
    pub(super) fn forget_failures(&mut self) {
        self.failures = 0;
    }

    pub(super) fn on_answer(&mut self, verdict: Verdict, caps: Caps, now_ms: u64, random: u64) {
        match verdict {
            Verdict::Stored
            | Verdict::Divide
            | Verdict::Erased
            | Verdict::Conflict
            | Verdict::Pause => {
                *self = Self::READY;
            }
            Verdict::Wait(wait_ms) => {
                let wait_ms = spread(wait_ms, random).min(caps.asked_ms);
                self.state = State::Asked(now_ms + wait_ms);
            }
            Verdict::Advised(wait_ms) => {
                let cap_ms = caps.asked_ms.min(STRANGER_WAIT_MAX_MS);
                let advised_ms = spread(wait_ms, random).min(cap_ms);
                let wait_ms = self.back_off(caps, random).max(advised_ms);
                self.state = State::Waiting(now_ms + wait_ms);
            }
            Verdict::BackOff => {
                self.state = State::Waiting(now_ms + self.back_off(caps, random));
            }
        }
    }

    /// Returns how long to wait after one failure more.
    fn back_off(&mut self, caps: Caps, random: u64) -> u64 {
        // Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter", 2015.
        let doubled_ms = BACKOFF_MIN_MS.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        random % (doubled_ms.min(caps.back_off_ms) + 1)
    }
}

/// Makes a wait up to a tenth plus a second longer, so that phones that were told the same do not
/// all come back at once.
fn spread(wait_ms: u64, random: u64) -> u64 {
    wait_ms + random % (wait_ms / 10 + 1_000)
}
