//! Decides when to send, and what an answer means. Sending, and applying the answer, is `worker`'s.
//!
//! Pure: no I/O; time and randomness are arguments. There are two lanes with a connection each: a
//! call never waits for the backlog, and no batch is started in the first seconds in which a call is
//! being sent. A call without an answer is sent again on a new connection.

mod call_lane;
mod lane;
mod verdict;

pub(crate) use verdict::{Verdict, judge};

use crate::config::{BATCH_EVENTS_MAX, UPLOAD_AFTER_MS, UPLOAD_AT_EVENTS};
use call_lane::{CallLane, Next};
use lane::{Caps, LaneState};

/// A summary of what waits to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    pub unsent: u64,
    /// When the first unsent event was seen, in ms of the elapsed clock.
    pub first_unsent_ms: Option<u64>,
    pub calls: usize,
    /// One of the calls was never sent since its tap.
    pub untried_call: bool,
    pub erasures: usize,
    /// Codes are running low, and an empty batch would bring more.
    pub wants_codes: bool,
}

/// The next request to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The oldest call.
    Call,
    /// The oldest call that was never sent since its tap.
    UntriedCall,
    /// The call that is being sent, once more and on a new connection.
    CallAgain,
    Erase,
    Batch {
        events_max: usize,
    },
}

/// The upload schedule: the state of both lanes.
#[derive(Debug)]
pub(crate) struct Upload {
    backlog: LaneState,
    call: CallLane,
    /// Erasures use the backlog's connection but have their own back-off: one that fails must not
    /// delay the events of the next installation.
    erasure: LaneState,
    events_max: usize,
    /// An upload was requested or has begun: go on until nothing is left.
    flush_requested: bool,
    /// The key was not accepted: no batch is sent.
    paused: bool,
    /// The app has not said that there is no network.
    online: bool,
}

impl Upload {
    pub(crate) fn new() -> Self {
        Self {
            backlog: LaneState::READY,
            call: CallLane::NEW,
            erasure: LaneState::READY,
            events_max: BATCH_EVENTS_MAX,
            flush_requested: false,
            paused: false,
            online: true,
        }
    }

    /// Starts again from nothing, except for what the app said about the network.
    pub(crate) fn reset(&mut self) {
        *self = Self { online: self.online, ..Self::new() };
    }

    /// Notes that the app asks for an upload now. Ends back-offs and a pause, but no wait that the
    /// collector asked for.
    pub(crate) fn flush_now(&mut self) {
        self.flush_requested = true;
        self.paused = false;
        self.call.flush_now();
        self.backlog.end_back_off();
        self.erasure.end_back_off();
    }

    /// Uploads until nothing is left, but ends no wait early.
    pub(crate) fn request_flush(&mut self) {
        self.flush_requested = true;
    }

    /// Notes that a call was tapped.
    pub(crate) fn on_tap(&mut self, now_ms: u64) {
        self.call.on_tap(now_ms);
    }

    /// Notes what the app says about the network. Offline, nothing is due. Back online, all
    /// back-offs end, but no wait that the collector asked for and no pause.
    pub(crate) fn set_online(&mut self, online: bool) {
        let was_online = std::mem::replace(&mut self.online, online);
        if was_online || !online {
            return;
        }
        self.call.on_online();
        for lane in [&mut self.backlog, &mut self.erasure] {
            lane.end_back_off();
            lane.forget_failures();
        }
    }

    /// Returns whether anything may be sent, as far as the app has said.
    pub(crate) fn is_online(&self) -> bool {
        self.online
    }

    /// Returns whether a request is under way.
    pub(crate) fn is_sending(&self) -> bool {
        self.call.is_sending() || self.backlog.is_sending() || self.erasure.is_sending()
    }

    /// Returns what to send now, if anything; its lane then counts as sending.
    pub(crate) fn next(&mut self, now_ms: u64, waiting: &Backlog) -> Option<Action> {
        if !self.online {
            return None;
        }
        if waiting.calls > 0
            && let Some(next) = self.call.next(waiting.untried_call, now_ms)
        {
            return Some(match next {
                Next::Oldest => Action::Call,
                Next::Untried => Action::UntriedCall,
                Next::Again => Action::CallAgain,
            });
        }
        if waiting.erasures > 0 && self.erasure.is_ready(now_ms) {
            self.erasure.on_sent();
            return Some(Action::Erase);
        }
        let held = self.call.holds_backlog_until().is_some_and(|until_ms| now_ms < until_ms);
        if self.paused || held || !self.backlog.is_ready(now_ms) {
            return None;
        }
        if !self.batch_is_due(now_ms, waiting) {
            self.flush_requested &= waiting.unsent > 0;
            return None;
        }
        self.flush_requested |= waiting.unsent > 0;
        self.backlog.on_sent();
        Some(Action::Batch { events_max: self.events_max })
    }

    /// Returns when to call [`next`](Self::next) again, in ms of the elapsed clock; `None` if only
    /// an answer or a change of the backlog can make something due.
    pub(crate) fn deadline(&self, waiting: &Backlog) -> Option<u64> {
        if !self.online {
            return None;
        }
        let call = (waiting.calls > 0).then(|| self.call.due(waiting.untried_call)).flatten();
        let erasure = (waiting.erasures > 0).then(|| self.erasure.due()).flatten();
        let flushing =
            self.flush_requested || waiting.wants_codes || waiting.unsent >= UPLOAD_AT_EVENTS;
        let work = if flushing && (waiting.unsent > 0 || waiting.wants_codes) {
            Some(0)
        } else {
            waiting.first_unsent_ms.map(|first_ms| first_ms + UPLOAD_AFTER_MS)
        };
        let held_ms = self.call.holds_backlog_until().unwrap_or(0);
        let backlog = work
            .filter(|_| !self.paused)
            .and_then(|work_ms| self.backlog.due().map(|due| due.max(work_ms).max(held_ms)));
        call.into_iter().chain(erasure).chain(backlog).min()
    }

    /// Notes an answer to the call that is being sent. Returns false if it is none: the network
    /// failed or a stranger answered, and another request with this call is still under way.
    pub(crate) fn on_call(&mut self, verdict: Verdict, now_ms: u64, random: u64) -> bool {
        match verdict {
            Verdict::Pause => self.pause(),
            // The key is accepted again.
            Verdict::Stored => self.paused = false,
            _ => {}
        }
        self.call.on_answer(verdict, now_ms, random)
    }

    /// Notes that there is no call to send after all.
    pub(crate) fn on_no_call(&mut self) {
        self.call.on_nothing_to_send();
    }

    /// Notes the answer to an erasure. No answer makes anything else wait, and no pause stops it.
    pub(crate) fn on_erasure(&mut self, verdict: Verdict, now_ms: u64, random: u64) {
        let verdict = match verdict {
            Verdict::Divide | Verdict::Pause => Verdict::BackOff,
            other => other,
        };
        self.erasure.on_answer(verdict, Caps::PATIENT, now_ms, random);
    }

    /// Notes the answer to a batch of `events` events.
    pub(crate) fn on_backlog(&mut self, verdict: Verdict, events: usize, now_ms: u64, random: u64) {
        match verdict {
            Verdict::Pause => self.pause(),
            Verdict::Stored => self.events_max = (self.events_max * 2).min(BATCH_EVENTS_MAX),
            Verdict::Divide if events > 1 => self.events_max = events / 2,
            // An empty batch was refused: dividing cannot help.
            Verdict::Divide if events == 0 => {
                return self.backlog.on_answer(Verdict::BackOff, Caps::PATIENT, now_ms, random);
            }
            _ => {}
        }
        self.backlog.on_answer(verdict, Caps::PATIENT, now_ms, random);
    }

    fn pause(&mut self) {
        self.paused = true;
        self.call.pause();
    }

    fn batch_is_due(&self, now_ms: u64, waiting: &Backlog) -> bool {
        let waited = waiting.first_unsent_ms.is_some_and(|first| now_ms >= first + UPLOAD_AFTER_MS);
        let unsent = waiting.unsent > 0;
        waiting.wants_codes
            || (unsent && (self.flush_requested || waited || waiting.unsent >= UPLOAD_AT_EVENTS))
    }
}

#[cfg(test)]
#[path = "upload_test.rs"]
mod tests;
