//! What waits in memory: before consent, or while the disk is out of reach.

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
    /// A change of customer that the disk did not take. Nothing is kept before it is.
    deferred_customer: Option<Entry>,
}

/// An entry, and the moment it was recorded in.
pub(super) struct Buffered {
    pub(super) entry: Entry,
    pub(super) now: Now,
    pub(super) session: u32,
    pub(super) screen: Option<String>,
    /// Of a screen view: the screen before, and how long it stood.
    pub(super) previous: Option<(String, u64)>,
}

impl Buffered {
    /// Its stamp, with its session counted behind the `earlier` ones.
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
    /// How many entries wait.
    pub(super) fn len(&self) -> usize {
        self.entries.len() + usize::from(self.deferred_customer.is_some())
    }

    /// Adds an entry, and returns how many of the oldest were dropped for it. A change of customer
    /// is never dropped as long as anything else can be: what follows would be filed under the
    /// customer before.
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

    /// Takes all entries out, oldest first. A deferred customer stays.
    pub(super) fn take(&mut self) -> VecDeque<Buffered> {
        self.bytes = 0;
        std::mem::take(&mut self.entries)
    }

    /// Keeps a change of customer until the disk takes it; a later one takes its place.
    pub(super) fn defer_customer(&mut self, entry: Entry) {
        self.deferred_customer = Some(entry);
    }

    /// Takes the deferred change of customer out, to try it again.
    pub(super) fn take_deferred(&mut self) -> Option<Entry> {
        self.deferred_customer.take()
    }

    pub(super) fn has_deferred(&self) -> bool {
        self.deferred_customer.is_some()
    }
}
