//! When the worker wakes and drains the journal. The rule stands here once.
//!
//! Pure: no lock, no clock, no bell. The recorder says what was appended, under the callers' lock;
//! the worker takes a copy and asks it what is due.

use crate::config::{DRAIN_AFTER_MS, DRAIN_AT_EVENTS};

/// What the journal holds for the worker, and how soon the worker should take it over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DrainSignal {
    /// Events in the journal that the store does not have yet.
    undrained: u64,
    /// When the first record came that the worker has not sealed yet, by the elapsed clock.
    waiting_since_ms: Option<u64>,
    /// Drain without waiting for more records.
    drain_now: bool,
}

impl DrainSignal {
    /// An event was appended. A segment that is filling up is drained at once.
    pub(super) fn on_event(&mut self, segment_is_half_full: bool, now_ms: u64) {
        self.undrained += 1;
        self.drain_now |= segment_is_half_full;
        self.look_soon(now_ms);
    }

    /// The worker should look within a second: a note of a dropped event was appended, or the disk
    /// refused a record.
    pub(super) fn look_soon(&mut self, now_ms: u64) {
        self.waiting_since_ms.get_or_insert(now_ms);
    }

    /// A call was tapped: its record and all before it are drained at once.
    pub(super) fn on_call(&mut self) {
        self.drain_now = true;
    }

    /// A journal was opened that holds `events` of an earlier process; with `any_record`, also if
    /// it holds nothing but notes. They are taken over at once: there may be calls among them, and
    /// no code is offered before those are known.
    pub(super) fn on_open(&mut self, events: u64, any_record: bool) {
        self.undrained += events;
        self.drain_now |= events > 0 || any_record;
    }

    /// Somebody waits for what is in the journal: drain it without waiting for more.
    pub(super) fn request(&mut self) {
        self.drain_now |= self.undrained > 0;
    }

    /// The worker has sealed everything that was appended so far.
    pub(super) fn on_seal(&mut self) {
        self.drain_now = false;
        self.waiting_since_ms = None;
    }

    /// The store has taken over `events` of the sealed ones.
    pub(super) fn on_drained(&mut self, events: u64) {
        self.undrained = self.undrained.saturating_sub(events);
    }

    /// Whether what happened since `before` must wake the worker. The first record does, and the
    /// worker then waits for more; the hundredth event ends that wait, and so does whatever is to
    /// be drained at once. A call always does: storage that failed is then tried again.
    pub(super) fn wakes_worker(&self, before: &Self, is_call: bool) -> bool {
        let first = self.waiting_since_ms.is_some() && before.waiting_since_ms.is_none();
        let enough = self.undrained >= DRAIN_AT_EVENTS && before.undrained < DRAIN_AT_EVENTS;
        let at_once = self.drain_now && !before.drain_now;
        is_call || first || enough || at_once
    }

    /// Events in the journal that the store does not have yet.
    pub(crate) fn undrained(&self) -> u64 {
        self.undrained
    }

    /// Whether anything was appended, or refused, that the worker has not looked at.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting_since_ms.is_some()
    }

    /// Whether to drain without waiting for more records, also while storage waits for a retry.
    pub(crate) fn is_urgent(&self) -> bool {
        self.drain_now
    }

    /// Whether to drain now; with `closing`, whatever waits.
    pub(crate) fn is_due(&self, now_ms: u64, closing: bool) -> bool {
        self.drain_now
            || self.undrained >= DRAIN_AT_EVENTS
            || self.deadline_ms().is_some_and(|due_ms| now_ms >= due_ms)
            || (closing && self.is_waiting())
    }

    /// When to drain what waits, by the elapsed clock; `None` while nothing does.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        self.waiting_since_ms.map(|since_ms| since_ms + DRAIN_AFTER_MS)
    }
}

#[cfg(test)]
#[path = "drain_signal_test.rs"]
mod tests;
