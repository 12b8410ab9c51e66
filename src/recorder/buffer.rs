//! Entries that wait in memory: before consent, or while the disk is out of reach.
//!
//! Does not decide what waits here, nor counts what it drops: the recorder's state does both.

use std::collections::VecDeque;

use crate::clock::Now;
use crate::config::{HELD_BYTES_MAX, HELD_EVENTS_MAX};
use crate::event::{Entry, Kind};
use crate::wire::Stamp;

/// Entries that wait in memory, within 200 entries and 256 KiB.
#[derive(Default)]
pub(super) struct Buffer {
    entries: VecDeque<Buffered>,
    bytes: usize,
    /// A change of customer that the disk did not take. Nothing else is kept until it is.
    deferred_customer: Option<Entry>,
}

/// An entry, with the time, session and screen at which it was recorded.
pub(super) struct Buffered {
    pub(super) entry: Entry,
    pub(super) now: Now,
    pub(super) session: u32,
    pub(super) screen: Option<String>,
    /// For a screen view: the previous screen, and how long it was shown, in ms.
    pub(super) previous: Option<(String, u64)>,
}

impl Buffered {
    /// Returns its stamp, with its session counted on from the `earlier` ones.
    pub(super) fn stamp(&self, earlier: u32) -> Stamp<'_> {
        Stamp {
            at_ms: self.now.wall_ms,
            session: earlier.wrapping_add(self.session),
            screen: self.screen.as_deref(),
            previous: self.previous.as_ref().map(|(name, dwell_ms)| (name.as_str(), *dwell_ms)),
        }
    }
}

impl Buffer {
    /// Returns how many entries wait, a deferred change of customer included.
    pub(super) fn len(&self) -> usize {
        self.entries.len() + usize::from(self.deferred_customer.is_some())
    }

    /// Adds an entry, and returns how many of the oldest were dropped to make room. A change of
    /// customer is dropped only when nothing else is left: without it, what follows would be filed
    /// under the previous customer.
    pub(super) fn push(&mut self, buffered: Buffered) -> u64 {
        self.bytes += buffered.entry.bytes();
        self.entries.push_back(buffered);
        let mut dropped = 0;
        while self.entries.len() > HELD_EVENTS_MAX || self.bytes > HELD_BYTES_MAX {
            let is_customer = |waiting: &Buffered| waiting.entry.kind() == Kind::Customer;
            let oldest = self.entries.iter().position(|waiting| !is_customer(waiting));
            let Some(oldest) = self.entries.remove(oldest.unwrap_or(0)) else { break };
            self.bytes -= oldest.entry.bytes();
            dropped += 1;
        }
        dropped
    }

    /// Removes and returns all entries, oldest first. A deferred change of customer stays.
    pub(super) fn take(&mut self) -> VecDeque<Buffered> {
        self.bytes = 0;
        std::mem::take(&mut self.entries)
    }

    /// Keeps a change of customer until the disk takes it. A later one replaces it.
    pub(super) fn defer_customer(&mut self, entry: Entry) {
        self.deferred_customer = Some(entry);
    }

    /// Removes and returns the deferred change of customer, to try it again.
    pub(super) fn take_deferred(&mut self) -> Option<Entry> {
        self.deferred_customer.take()
    }

    pub(super) fn has_deferred(&self) -> bool {
        self.deferred_customer.is_some()
    }
}
