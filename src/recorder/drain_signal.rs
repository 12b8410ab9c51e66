//! Decides when the worker wakes and drains the journal. The rule is stated only here.
//!
//! Pure: no lock, no clock, no bell. The recorder tells it what was appended, under the callers'
//! lock; the worker takes a copy and asks it what is due. A segment that stays sealed, and the wait
//! before failed storage is tried again, are `worker/storage`'s.

use super::outcome::Wake;
use crate::config::{DRAIN_AFTER_MS, DRAIN_AT_EVENTS};

/// What the journal holds for the worker, and how soon the worker should drain it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DrainSignal {
    /// Events in the journal that the store does not have yet.
    undrained: u64,
    /// When the first record came, or was refused by the disk, that the worker has not looked at
    /// yet; in ms of the elapsed clock.
    waiting_since_ms: Option<u64>,
    /// Drain without waiting for more records.
    drain_now: bool,
}

impl DrainSignal {
    /// Notes that an event was appended. A segment that is half full is drained at once.
    pub(super) fn on_event(&mut self, segment_is_half_full: bool, now_ms: u64) {
        self.undrained += 1;
        self.drain_now |= segment_is_half_full;
        self.look_soon(now_ms);
    }

    /// Has the worker look within a second: a note of a dropped event was appended, or a record was
    /// refused.
    pub(super) fn look_soon(&mut self, now_ms: u64) {
        self.waiting_since_ms.get_or_insert(now_ms);
    }

    /// Notes that a call was tapped, or the customer changed: its record and all before it are drained
    /// at once.
    pub(super) fn on_urgent(&mut self) {
        self.drain_now = true;
    }

    /// Notes that a journal was opened that holds `events` of an earlier process, or at least
    /// `any_record`, such as a note of a drop. It is drained at once: there may be calls in it, and
    /// no code is offered before those are known.
    pub(super) fn on_open(&mut self, events: u64, any_record: bool) {
        self.undrained += events;
        self.drain_now |= events > 0 || any_record;
    }

    /// Has what is in the journal drained without waiting for more, because somebody waits for it.
    /// Notes of drops alone are not drained for that.
    pub(super) fn request(&mut self) {
        self.drain_now |= self.undrained > 0;
    }

    /// Notes that the worker has sealed everything that was appended so far.
    pub(super) fn on_seal(&mut self) {
        self.drain_now = false;
        self.waiting_since_ms = None;
    }

    /// Notes that the store has taken over `events` of the sealed events.
    pub(super) fn on_drained(&mut self, events: u64) {
        self.undrained = self.undrained.saturating_sub(events);
    }

    /// Returns whether what happened since `before` must wake the worker. The first record does,
    /// unless the worker comes in time by itself, and the worker then waits for more; the event with
    /// which there are enough ends that wait, and so does anything that is to be drained at once. A
    /// call always wakes it: storage that failed is then tried again.
    pub(super) fn wakes_worker(&self, before: &Self, is_call: bool) -> Wake {
        let enough = self.undrained >= DRAIN_AT_EVENTS && before.undrained < DRAIN_AT_EVENTS;
        let at_once = self.drain_now && !before.drain_now;
        if is_call || enough || at_once {
            return Wake::AtOnce;
        }
        let first = self.deadline_ms().filter(|_| before.waiting_since_ms.is_none());
        first.map_or(Wake::No, Wake::By)
    }

    /// Returns how many events in the journal the store does not have yet.
    pub(crate) fn undrained(&self) -> u64 {
        self.undrained
    }

    /// Returns whether anything was appended or refused that the worker has not looked at.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting_since_ms.is_some()
    }

    /// Returns whether to drain without waiting for more records, even while storage waits for a
    /// retry.
    pub(crate) fn drains_now(&self) -> bool {
        self.drain_now
    }

    /// Returns whether to drain now; with `closing`, whether anything waits at all.
    pub(crate) fn is_due(&self, now_ms: u64, closing: bool) -> bool {
        self.drain_now
            || self.undrained >= DRAIN_AT_EVENTS
            || self.deadline_ms().is_some_and(|due_ms| now_ms >= due_ms)
            || (closing && self.is_waiting())
    }

    /// Returns when to drain what waits, in ms of the elapsed clock; `None` while nothing waits.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        self.waiting_since_ms.map(|since_ms| since_ms + DRAIN_AFTER_MS)
    }
}

#[cfg(test)]
#[path = "drain_signal_test.rs"]
mod tests;
