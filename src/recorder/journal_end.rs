//! The recorder's end of the journal: what is appended, what is dropped and counted, and when the
//! worker should drain. Decides neither what may be recorded nor what waits in memory.

use super::drain_signal::DrainSignal;
use crate::clock::Now;
use crate::event::{DropReason, Dropped, Entry, Form, Kind};
use crate::journal::{AppendError, Drainer, Writer};
use crate::wire::{self, Stamp};

/// The journal as the app's threads use it, and the counts beside it.
#[derive(Default)]
pub(super) struct JournalEnd {
    writer: Option<Writer>,
    signal: DrainSignal,
    /// Drops that are counted in neither the journal nor the store.
    dropped: Dropped,
    /// Drops that are counted in the journal.
    noted: Dropped,
    /// An event was too large, and the log has not said so yet.
    warns_too_large: bool,
}

impl JournalEnd {
    pub(super) fn is_open(&self) -> bool {
        self.writer.is_some()
    }

    /// Takes the journal, in which `waiting` events were found.
    pub(super) fn install(&mut self, writer: Writer, waiting: u64) {
        self.signal.on_open(waiting, !writer.is_empty());
        self.writer = Some(writer);
    }

    /// Gives the journal up, to be dropped once the lock is free.
    pub(super) fn close(&mut self) -> Option<Writer> {
        self.writer.take()
    }

    pub(super) fn signal(&self) -> DrainSignal {
        self.signal
    }

    /// Notes that what comes next is to be drained at once.
    pub(super) fn on_urgent(&mut self) {
        self.signal.on_urgent();
    }

    pub(super) fn request_drain(&mut self) {
        self.signal.request();
    }

    /// Appends an entry. One that is too large is counted as dropped.
    ///
    /// # Errors
    /// Neither full nor refused entries are counted: that is the caller's to decide.
    pub(super) fn append(
        &mut self,
        entry: &Entry,
        stamp: &Stamp<'_>,
        elapsed_ms: u64,
    ) -> Result<(), AppendError> {
        let Some(writer) = self.writer.as_mut() else { return Err(AppendError::Refused) };
        let body = |out: &mut [u8]| wire::write_compact(out, entry, stamp);
        let (kind, at) = ((entry.kind(), Form::Compact), (stamp.at_ms, elapsed_ms));
        let appended = writer.append(kind, at, stamp.session, body);
        match appended {
            Ok(()) => self.signal.on_event(writer.is_half_full(), elapsed_ms),
            Err(AppendError::TooLarge) => {}
            // The worker should look: perhaps it could not drain.
            Err(AppendError::Full | AppendError::Refused) => self.signal.look_soon(elapsed_ms),
        }
        appended
    }

    /// Counts an entry that could not be appended.
    pub(super) fn drop_refused(&mut self, error: &AppendError, session: u32, now: Now) {
        if *error == AppendError::TooLarge {
            self.warns_too_large = true;
            self.note_dropped(DropReason::TooLarge, session, now);
        } else {
            self.count_beside(DropReason::Disk);
        }
    }

    /// Notes a dropped event in its place in the journal, if there is one: there the count survives
    /// a kill.
    pub(super) fn note_dropped(&mut self, reason: DropReason, session: u32, now: Now) {
        let body = |out: &mut [u8]| {
            *out.first_mut()? = reason as u8;
            Some(1)
        };
        let (kind, at) = ((Kind::Dropped, Form::Json), (now.wall_ms, now.elapsed_ms));
        let writer = self.writer.as_mut();
        if writer.is_some_and(|writer| writer.append(kind, at, session, body).is_ok()) {
            self.noted.add(reason, 1);
            // A note alone is drained too, so that the store counts it.
            self.signal.look_soon(now.elapsed_ms);
        } else {
            self.count_beside(reason);
        }
    }

    /// Counts dropped events in memory alone, since nothing may be written about them.
    pub(super) fn count_dropped(&mut self, reason: DropReason, count: u64) {
        self.dropped.add(reason, count);
    }

    /// Counts a dropped event beside the journal's records, where the count survives a kill; in
    /// memory if that cannot be.
    fn count_beside(&mut self, reason: DropReason) {
        let writer = self.writer.as_mut();
        let counted = writer.is_some_and(|writer| writer.count_dropped(reason));
        let counts = if counted { &mut self.noted } else { &mut self.dropped };
        counts.add(reason, 1);
    }

    /// Returns whether an event was too large since the last time this was asked.
    pub(super) fn take_too_large(&mut self) -> bool {
        std::mem::take(&mut self.warns_too_large)
    }

    /// Returns how many events in the journal the store does not have yet.
    pub(super) fn undrained(&self) -> u64 {
        self.signal.undrained()
    }

    /// Returns all drops that the store does not count yet.
    pub(super) fn dropped(&self) -> Dropped {
        let mut dropped = self.dropped;
        dropped.merge(&self.noted);
        dropped
    }

    // For the worker.

    /// Seals what was appended so far: no I/O. Returns the drops that the store is to count, since no
    /// journal does, and whether nothing is left to seal.
    pub(super) fn seal(&mut self, drainer: &mut Drainer) -> (Dropped, bool) {
        let all = self.writer.as_mut().is_some_and(|writer| drainer.seal(writer));
        if all {
            self.signal.on_seal();
        }
        (self.dropped, all)
    }

    /// Takes the worker's spare segment. Another one may go back.
    pub(super) fn take_spare(&mut self, drainer: &mut Drainer) {
        if let Some(writer) = &mut self.writer {
            drainer.hand_over_spare(writer);
        }
    }

    pub(super) fn on_drained(&mut self, events: u64, noted: &Dropped, counted: &Dropped) {
        self.signal.on_drained(events);
        self.noted.subtract(noted);
        self.dropped.subtract(counted);
    }
}
