//! Decides when to send, and what an answer means. Sending, and applying the answer, is `worker`'s.
//!
//! Pure: no I/O; time and randomness are arguments. There are two lanes with one connection each: a
//! call never waits for the backlog, and no batch is started while a call is being sent.

use crate::config::{
    BACKOFF_MAX_MS, BACKOFF_MIN_MS, BATCH_EVENTS_MAX, RETRY_AFTER_MAX_MS, UPLOAD_AFTER_MS,
    UPLOAD_AT_EVENTS,
};

/// The meaning of an answer for what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The collector has it.
    Stored,
    /// Something in it was refused: send less at a time, and drop an event that is refused alone.
    Divide,
    /// The installation was erased: delete everything here.
    Erased,
    /// The key is not accepted: keep all, and wait until the app opens the journey again or asks
    /// for an upload.
    Pause,
    /// The collector asks to wait for so many ms.
    Wait(u64),
    /// Anything else: keep all, and try again later.
    BackOff,
}

/// Returns the verdict of an answer. `ours` says whether the body was our collector's: no other
/// answer may delete or drop anything.
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

/// A summary of what waits to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    pub unsent: u64,
    /// When the first unsent event was seen, in ms of the elapsed clock.
    pub first_unsent_ms: Option<u64>,
    pub calls: usize,
    pub erasures: usize,
    /// Codes are running low, and an empty batch would bring more.
    pub wants_codes: bool,
}

/// The next request to send.
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
    /// Backs off until this time; a request of the app for an upload ends the wait.
    Waiting(u64),
    /// Waits until this time because the collector asked for it; nothing ends the wait early.
    Asked(u64),
}

#[derive(Debug, Clone, Copy)]
struct LaneState {
    state: State,
    failures: u32,
}

/// The upload schedule: the state of both lanes.
#[derive(Debug)]
pub(crate) struct Upload {
    backlog: LaneState,
    call: LaneState,
    /// Erasures use the backlog's connection but have their own back-off: one that fails must not
    /// delay the events of the next installation.
    erasure: LaneState,
    events_max: usize,
    /// An upload was requested or has begun: go on until nothing is left.
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

    /// Notes that the app asks for an upload now. Ends back-offs and a pause, but no wait that the
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

    /// Uploads until nothing is left, but ends no wait early.
    pub(crate) fn request_flush(&mut self) {
        self.flush_requested = true;
    }

    /// Returns whether a request is under way.
    pub(crate) fn is_sending(&self) -> bool {
        [self.backlog, self.call, self.erasure].iter().any(|lane| lane.state == State::Sending)
    }

    /// Returns what to send now, if anything; its lane then counts as sending.
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

    /// Returns when to call [`next`](Self::next) again, in ms of the elapsed clock; `None` if only
    /// an answer or a change of the backlog can make something due.
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

    /// Notes the answer to a call.
    pub(crate) fn on_call(&mut self, verdict: Verdict, now_ms: u64, random: u64) {
        self.paused |= verdict == Verdict::Pause;
        self.call.on_answer(verdict, now_ms, random);
    }

    /// Notes the answer to an erasure. No answer makes anything else wait.
    pub(crate) fn on_erasure(&mut self, verdict: Verdict, now_ms: u64, random: u64) {
        let verdict = match verdict {
            Verdict::Divide | Verdict::Pause => Verdict::BackOff,
            other => other,
        };
        self.erasure.on_answer(verdict, now_ms, random);
    }

    /// Notes the answer to a batch of `events` events. Returns true if the batch held a single
    /// event that was refused, which must be dropped.
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
            // An empty batch was refused: dividing cannot help.
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

    /// Returns when it can send; `None` while it is sending.
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
                // Up to a tenth plus a second later, so that phones that were told the same do not
                // all come back at once.
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
