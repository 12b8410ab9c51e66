//! Entries that wait in memory: before consent, or while the disk is out of reach.
//!
//! Does not decide what waits here, nor counts what it drops: the recorder's state does both.

use std::collections::VecDeque;

use crate::clock::Now;
use crate::config::{BUFFERED_BYTES_MAX, BUFFERED_EVENTS_MAX};
use crate::event::{Entry, Kind};
use crate::wire::Stamp;

/// Entries that wait in memory, within 200 entries and 256 KiB.
#[derive(Default)]
pub(super) struct Buffer {
    entries: VecDeque<Buffered>,
    bytes: usize,
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
    pub(super) fn is_customer(&self) -> bool {
        self.entry.kind() == Kind::Customer
    }

    /// Returns its stamp: the moment it was recorded at, whenever it is written.
    pub(super) fn stamp(&self) -> Stamp<'_> {
        Stamp {
            at_ms: self.now.wall_ms,
            session: self.session,
            screen: self.screen.as_deref(),
            previous: self.previous.as_ref().map(|(name, dwell_ms)| (name.as_str(), *dwell_ms)),
        }
    }
}

impl Buffer {
    /// Returns how many entries wait.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether a change of customer waits.
    pub(super) fn holds_customer(&self) -> bool {
        self.entries.iter().any(Buffered::is_customer)
    }

    /// Adds an entry, and returns how many of the oldest were dropped to make room. A change of
    /// customer is dropped only when nothing else is left: without it, what follows would be filed
    /// under the previous customer.
    pub(super) fn push(&mut self, buffered: Buffered) -> u64 {
        self.bytes += buffered.entry.bytes();
        self.entries.push_back(buffered);
        let mut dropped = 0;
        while self.entries.len() > BUFFERED_EVENTS_MAX || self.bytes > BUFFERED_BYTES_MAX {
            let oldest = self.entries.iter().position(|waiting| !waiting.is_customer());
            let Some(oldest) = self.entries.remove(oldest.unwrap_or(0)) else { break };
            self.bytes -= oldest.entry.bytes();
            dropped += 1;
        }
        dropped
    }

    /// Removes and returns the oldest entry.
    pub(super) fn pop(&mut self) -> Option<Buffered> {
        let oldest = self.entries.pop_front()?;
        self.bytes -= oldest.entry.bytes();
        Some(oldest)
    }

    /// Puts an entry back that was the oldest.
    pub(super) fn put_back(&mut self, oldest: Buffered) {
        self.bytes += oldest.entry.bytes();
        self.entries.push_front(oldest);
    }

    /// Counts the sessions of all entries on from the `earlier` ones, which could not be read when
    /// they were recorded.
    pub(super) fn count_sessions_from(&mut self, earlier: u32) {
        for waiting in &mut self.entries {
            waiting.session = waiting.session.wrapping_add(earlier);
        }
    }
}
