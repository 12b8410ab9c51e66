//! The call's lane: a tap starts it afresh, and a call without an answer is sent again. How it
//! stands beside the backlog, `upload` says.
//!
//! A customer who has tapped is in the phone menu for half a minute or so: what comes later is of no
//! use to the agent who picks up. So this lane waits for nothing long while a call is young.

use super::lane::{Caps, LaneState};
use super::verdict::Verdict;
use crate::config::{CALL_HOLDS_BACKLOG_MS, CALL_OVERDUE_MS, CALL_TRIES_MAX, CALL_YOUNG_MS};

/// The state of the call's lane.
#[derive(Debug)]
pub(super) struct CallLane {
    lane: LaneState,
    /// When the newest call was tapped, in ms of the elapsed clock. Calls go oldest first, so while
    /// any call waits, this one does.
    tapped_ms: Option<u64>,
    /// The key was not accepted. A tap asks once more, since it is the customer who waits.
    paused: bool,
    /// How many requests with the call that is being sent are without an answer.
    under_way: u32,
    /// When the call that is being sent was sent first.
    began_ms: u64,
    /// When it is overdue: it is then sent again.
    overdue_ms: u64,
}

/// A request on the call's lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The oldest call.
    Oldest,
    /// The oldest call that was never sent since its tap.
    Untried,
    /// The call that is being sent, once more.
    Again,
}

impl CallLane {
    pub(super) const NEW: Self = Self {
        lane: LaneState::READY,
        tapped_ms: None,
        paused: false,
        under_way: 0,
        began_ms: 0,
        overdue_ms: 0,
    };

    /// Notes a tap: neither the back-off of an earlier call, nor what the collector asked for then,
    /// nor its refusal of the key makes this one wait, nor an answer that is still awaited: the
    /// earlier call is sent again later.
    pub(super) fn on_tap(&mut self, now_ms: u64) {
        *self = Self { tapped_ms: Some(now_ms), ..Self::NEW };
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    /// Ends a back-off and a pause, but no wait that the collector asked for.
    pub(super) fn flush_now(&mut self) {
        self.paused = false;
        self.lane.end_back_off();
    }

    /// Notes that the phone is online again. What was sent before went by a connection that is
    /// gone.
    pub(super) fn on_online(&mut self) {
        self.lane.end_back_off();
        self.lane.forget_failures();
        self.overdue_ms = 0;
    }

    pub(super) fn is_sending(&self) -> bool {
        self.lane.is_sending()
    }

    /// Returns until when no batch may begin; `None` while no call is being sent.
    pub(super) fn holds_backlog_until(&self) -> Option<u64> {
        self.is_sending().then_some(self.began_ms + CALL_HOLDS_BACKLOG_MS)
    }

    /// Returns what to send now while calls wait; it then counts as being sent. `untried` says
    /// whether one of them was never sent since its tap.
    pub(super) fn next(&mut self, untried: bool, now_ms: u64) -> Option<Next> {
        let next = if self.is_sending() {
            let overdue = self.under_way < CALL_TRIES_MAX && now_ms >= self.overdue_ms;
            overdue.then_some(Next::Again)
        } else if self.paused {
            None
        } else if untried {
            Some(Next::Untried)
        } else {
            self.lane.is_ready(now_ms).then_some(Next::Oldest)
        }?;
        if next != Next::Again {
            self.under_way = 0;
            self.began_ms = now_ms;
        }
        self.lane.on_sent();
        self.under_way += 1;
        self.overdue_ms = now_ms + CALL_OVERDUE_MS;
        Some(next)
    }

    /// Returns when to call [`next`](Self::next) again; `None` if only an answer or a tap can make
    /// something due.
    pub(super) fn due(&self, untried: bool) -> Option<u64> {
        if self.is_sending() {
            return (self.under_way < CALL_TRIES_MAX).then_some(self.overdue_ms);
        }
        if self.paused {
            return None;
        }
        if untried { Some(0) } else { self.lane.due() }
    }

    /// Notes an answer to the call that is being sent. Returns false if it is none: it says nothing
    /// about the call, and another request with it is still under way.
    pub(super) fn on_answer(&mut self, verdict: Verdict, now_ms: u64, random: u64) -> bool {
        self.under_way = self.under_way.saturating_sub(1);
        if verdict.is_weather() && self.under_way > 0 {
            return false;
        }
        self.under_way = 0;
        self.paused &= verdict != Verdict::Stored;
        let young = self.tapped_ms.is_some_and(|at_ms| now_ms <= at_ms + CALL_YOUNG_MS);
        let caps = if young { Caps::YOUNG_CALL } else { Caps::OLD_CALL };
        self.lane.on_answer(verdict, caps, now_ms, random);
        true
    }

    /// Notes that there is nothing to send after all.
    pub(super) fn on_nothing_to_send(&mut self) {
        self.under_way = 0;
        self.lane = LaneState::READY;
    }
}

#[cfg(test)]
#[path = "call_lane_test.rs"]
mod tests;
