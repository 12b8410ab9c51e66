//! When to send, and what an answer means: decided here, done elsewhere.
//!
//! Pure: no I/O, and time and randomness come in as arguments. Two lanes, a connection each: a
//! call never waits for the backlog, and the backlog pauses while a call is being sent.

use crate::config::{
    BACKOFF_MAX_MS, BACKOFF_MIN_MS, BATCH_EVENTS_MAX, RETRY_AFTER_MAX_MS, UPLOAD_AFTER_MS,
    UPLOAD_AT_EVENTS,
};

/// What an answer means for what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The collector has it.
    Stored,
    /// Something in it cannot be taken: send less at once, and drop what is refused alone.
    Divide,
    /// The installation was erased: delete everything here.
    Erased,
    /// The key is not right: keep all, until the app opens again or asks for an upload.
    Pause,
    /// The collector asks to wait this long.
    Wait(u64),
    /// Anything else: keep all, try again later.
    BackOff,
}

/// Reads the verdict out of an answer. `ours` says whether the body was our collector's: nothing
/// is deleted or dropped on another's word.
pub(crate) fn judge(status: u16, retry_after_ms: Option<u64>, ours: bool) -> Verdict {
    match (status, retry_after_ms) {
        (200 | 204, _) if ours => Verdict::Stored,
        (400 | 413 | 422, _) if ours => Verdict::Divide,
        (410, _) if ours => Verdict::Erased,
        (401 | 403, _) => Verdict::Pause,
        (429 | 503, Some(wait_ms)) => Verdict::Wait(wait_ms.min(RETRY_AFTER_MAX_MS)),
        _ => Verdict::BackOff,
    }
}

/// What waits to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    pub unsent: u64,
    /// When the first of them was seen, by the elapsed clock.
    pub first_unsent_ms: Option<u64>,
    pub calls: usize,
    pub erasures: usize,
    /// Codes run low, and an empty batch would bring more.
    pub wants_codes: bool,
}

/// What to send next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Call,
    Erase,
    Batch { events_max: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Sending,
    /// Its own back-off: an impatient app may cut it short.
    Waiting(u64),
    /// The collector asked for it: nobody may.
    Asked(u64),
}

#[derive(Debug, Clone, Copy)]
struct LaneState {
    state: State,
    failures: u32,
}

/// The state of both lanes.
#[derive(Debug)]
pub(crate) struct Upload {
    backlog: LaneState,
    call: LaneState,
    /// On the backlog's connection, but with a patience of its own: an erasure that fails must
    /// not hold up what the next installation records.
    erasure: LaneState,
    events_max: usize,
    /// An upload was asked for, or has begun: go on until nothing is left.
    flush_requested: bool,
    paused: bool,
}

const READY: LaneState = LaneState { state: State::Ready, failures: 0 };

impl Upload {
    pub(crate) fn new() -> Self {
        Self {
            backlog: READY,
            call: READY,
            erasure: READY,
            events_max: BATCH_EVENTS_MAX,
            flush_requested: false,
            paused: false,
        }
    }

    /// The app asks for an upload now: cuts back-offs and pauses short, but no wait that the
    /// collector asked for.
    pub(crate) fn flush_now(&mut self) {
        self.flush_requested = true;
        self.paused = false;
        for lane in [&mut self.backlog, &mut self.call, &mut self.erasure] {
            if matches!(lane.state, State::Waiting(_)) {
                lane.state = State::Ready;
            }
        }
    }

    /// Goes on until nothing is left, but cuts no wait short.
    pub(crate) fn request_flush(&mut self) {
        self.flush_requested = true;
    }

    /// Whether an answer is awaited.
    pub(crate) fn is_sending(&self) -> bool {
        [self.backlog, self.call, self.erasure].iter().any(|lane| lane.state == State::Sending)
    }

    /// What to send now, if anything; the lane then counts as sending.
    pub(crate) fn next(&mut self, now_ms: u64, waiting: &Backlog) -> Option<Action> {
        if self.paused {
            return None;
        }
        if waiting.calls > 0 && self.call.is_ready(now_ms) {
            self.call.state = State::Sending;
            return Some(Action::Call);
        }
        if waiting.erasures > 0 && self.erasure.is_ready(now_ms) {
            self.erasure.state = State::Sending;
            return Some(Action::Erase);
        }
        if self.call.state == State::Sending || !self.backlog.is_ready(now_ms) {
            return None;
        }
        if !self.batch_is_due(now_ms, waiting) {
            self.flush_requested &= waiting.unsent > 0;
            return None;
        }
        self.flush_requested |= waiting.unsent > 0;
        self.backlog.state = State::Sending;
        Some(Action::Batch { events_max: self.events_max })
    }

    /// When to ask again, by the elapsed clock; `None` until something happens.
    pub(crate) fn deadline(&self, waiting: &Backlog) -> Option<u64> {
        if self.paused {
            return None;
        }
        let call = (waiting.calls > 0).then(|| self.call.due()).flatten();
        let erasure = (waiting.erasures > 0).then(|| self.erasure.due()).flatten();
        let flushing =
            self.flush_requested || waiting.wants_codes || waiting.unsent >= UPLOAD_AT_EVENTS;
        let work = if flushing && (waiting.unsent > 0 || waiting.wants_codes) {
            Some(0)
        } else {
            waiting.first_unsent_ms.map(|first_ms| first_ms + UPLOAD_AFTER_MS)
        };
        let backlog = work
            .filter(|_| self.call.state != State::Sending)
            .and_then(|work_ms| self.backlog.due().map(|due| due.max(work_ms)));
        call.into_iter().chain(erasure).chain(backlog).min()
    }

    /// The call lane's answer.
    pub(crate) fn on_call(&mut self, verdict: Verdict, now_ms: u64, random: u64) {
        self.paused |= verdict == Verdict::Pause;
        self.call.on_answer(verdict, now_ms, random);
    }

    /// The answer to an erasure. Whatever it is, nothing else waits for it.
    pub(crate) fn on_erasure(&mut self, verdict: Verdict, now_ms: u64, random: u64) {
        let verdict = match verdict {
            Verdict::Divide | Verdict::Pause => Verdict::BackOff,
            other => other,
        };
        self.erasure.on_answer(verdict, now_ms, random);
    }

    /// The backlog lane's answer to a batch of `events`. True when the one event it held was
    /// refused alone, and must be dropped.
    pub(crate) fn on_backlog(
        &mut self,
        verdict: Verdict,
        events: usize,
        now_ms: u64,
        random: u64,
    ) -> bool {
        self.paused |= verdict == Verdict::Pause;
        match verdict {
            Verdict::Stored => self.events_max = (self.events_max * 2).min(BATCH_EVENTS_MAX),
            Verdict::Divide if events > 1 => self.events_max = events / 2,
            // Refused with nothing in it: dividing cannot help.
            Verdict::Divide if events == 0 => {
                self.backlog.on_answer(Verdict::BackOff, now_ms, random);
                return false;
            }
            _ => {}
        }
        self.backlog.on_answer(verdict, now_ms, random);
        verdict == Verdict::Divide && events == 1
    }

    fn batch_is_due(&self, now_ms: u64, waiting: &Backlog) -> bool {
        let waited = waiting.first_unsent_ms.is_some_and(|first| now_ms >= first + UPLOAD_AFTER_MS);
        let unsent = waiting.unsent > 0;
        waiting.wants_codes
            || (unsent && (self.flush_requested || waited || waiting.unsent >= UPLOAD_AT_EVENTS))
    }
}

impl LaneState {
    fn is_ready(&mut self, now_ms: u64) -> bool {
        if let State::Waiting(until_ms) | State::Asked(until_ms) = self.state
            && now_ms >= until_ms
        {
            self.state = State::Ready;
        }
        self.state == State::Ready
    }

    /// When it can send: `None` while it is sending.
    fn due(&self) -> Option<u64> {
        match self.state {
            State::Ready => Some(0),
            State::Sending => None,
            State::Waiting(until_ms) | State::Asked(until_ms) => Some(until_ms),
        }
    }

    fn on_answer(&mut self, verdict: Verdict, now_ms: u64, random: u64) {
        match verdict {
            Verdict::Stored | Verdict::Divide | Verdict::Erased | Verdict::Pause => *self = READY,
            Verdict::Wait(wait_ms) => {
                // Up to a tenth later, so that phones told the same do not come back together.
                let until_ms = now_ms + wait_ms + random % (wait_ms / 10 + 1_000);
                self.state = State::Asked(until_ms);
            }
            Verdict::BackOff => {
                // Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter", 2015.
                let bound_ms =
                    BACKOFF_MIN_MS.saturating_mul(1 << self.failures.min(20)).min(BACKOFF_MAX_MS);
                self.failures = self.failures.saturating_add(1);
                self.state = State::Waiting(now_ms + random % (bound_ms + 1));
            }
        }
    }
}

#[cfg(test)]
#[path = "upload_test.rs"]
mod tests;
