//! The worker's end of the journal: seals, reads, frees and maps.

use std::io;

use super::segment::{Segment, Tail};
use super::writer::Writer;
use crate::error::Error;
use crate::event::{DropReason, Dropped, Form, Kind, Record};

/// The worker's end of the journal.
#[derive(Debug)]
pub(crate) struct Drainer {
    run: u64,
    /// The highest ordinal given so far.
    ordinal: u64,
    /// Empty: the caller's next one, once its header is newer than the active segment's.
    spare: Option<Segment>,
    /// Holds records that the store has not committed yet, or that are not freed yet.
    sealed: Option<Segment>,
    /// The last session among the records read so far, and the wall clock of its last event.
    session: (u32, i64),
}

/// The records of a sealed segment.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    pub records: Vec<Record>,
    /// Events that the segment was to hold, whether or not they can be read.
    pub events: u64,
    /// Stretches that cannot be read, each of one record or more; the gaps in `index` say how many.
    pub damages: u64,
}

impl Drained {
    /// Returns the drops that are noted between the events.
    pub(crate) fn noted(&self) -> Dropped {
        let mut noted = Dropped::default();
        for dropped in self.records.iter().filter_map(Record::dropped) {
            noted.merge(&dropped);
        }
        noted
    }
}

impl Drainer {
    pub(super) fn new(
        run: u64,
        ordinal: u64,
        spare: Option<Segment>,
        sealed: Option<Segment>,
        session: (u32, i64),
    ) -> Self {
        Self { run, ordinal, spare, sealed, session }
    }

    /// Returns whether a sealed segment waits to be read and freed.
    pub(crate) fn has_sealed(&self) -> bool {
        self.sealed.is_some()
    }

    /// Returns the run of the records that are appended to this journal.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// Seals what the caller has written. No I/O, so that it can be done under the callers' lock.
    /// Returns whether everything appended so far is sealed or drained: not while an earlier segment
    /// is still sealed, and not while the caller has no other segment to go on in.
    pub(crate) fn seal(&mut self, writer: &mut Writer) -> bool {
        if self.sealed.is_some() {
            return false;
        }
        self.sealed = writer.take_sealed();
        writer.is_empty()
    }

    /// Maps the spare segment, allocating it if need be, so that the caller can go on in it without
    /// a system call. Blocks on the disk.
    ///
    /// # Errors
    /// The reason why it cannot be mapped. The journal goes on without.
    pub(crate) fn map(&mut self) -> Result<(), Error> {
        let spare = self.spare.as_mut().filter(|spare| !spare.is_mapped());
        spare.map_or(Ok(()), Segment::map).map_err(Error::io("map the journal"))
    }

    /// Gives the caller the spare segment. Another one, without records, may come back for it, to be
    /// mapped and handed over as well. No I/O.
    pub(crate) fn hand_over_spare(&mut self, writer: &mut Writer) {
        let newest = self.ordinal;
        if let Some(spare) = self.spare.take_if(|spare| spare.ordinal() == newest) {
            self.spare = writer.offer(spare);
        }
    }

    /// Has the spare segment, if there is one here, be newer than the one that the caller writes to:
    /// one that came back from the caller is started again. Returns whether there is one.
    pub(crate) fn renew_spare(&mut self, salt: impl FnOnce() -> u32) -> Result<bool, Error> {
        let (ordinal, session) = (self.ordinal + 1, self.session);
        let Some(spare) = self.spare.as_mut() else { return Ok(false) };
        if spare.ordinal() < self.ordinal {
            spare.clear(ordinal, salt(), session).map_err(Error::io("start the journal"))?;
            self.ordinal = ordinal;
        }
        Ok(true)
    }

    /// Reads the sealed segment.
    pub(crate) fn read(&mut self) -> Result<Drained, Error> {
        self.read_sealed().map_err(Error::io("read the journal"))
    }

    fn read_sealed(&mut self) -> io::Result<Drained> {
        let mut drained = Drained::default();
        let Some(sealed) = self.sealed.as_mut() else { return Ok(drained) };
        let (scan, counts) = sealed.read(|record| drained.records.push(record))?;
        (drained.damages, drained.events) = (scan.damages, sealed.events());
        self.session = scan.last.unwrap_or(self.session);
        let mut dropped = counts;
        let read = drained.records.last().map(|record| (record.run, record.index));
        match sealed.tail() {
            Tail::Appended(last) if read != Some((self.run, last)) => {
                // In the place of the last one: the gap before it shows how many more are missing.
                let mut missing = Dropped::default();
                missing.add(DropReason::Corrupt, 1);
                drained.records.push(note(self.run, last, &missing));
            }
            Tail::Unknown if scan.is_torn => dropped.add(DropReason::Corrupt, 1),
            _ => {}
        }
        if dropped.total() > 0 {
            // As a record of a run of its own, so that the store takes it over once, however often
            // the segment is read.
            let run = sealed.ordinal() << 32 | u64::from(sealed.salt());
            drained.records.push(note(run, 1, &dropped));
        }
        Ok(drained)
    }

    /// Frees the sealed segment. The store must have committed all of it.
    pub(crate) fn free(&mut self, salt: u32) -> Result<(), Error> {
        let Some(mut sealed) = self.sealed.take() else { return Ok(()) };
        match sealed.clear(self.ordinal + 1, salt, self.session) {
            Ok(()) => {
                self.ordinal += 1;
                self.spare = Some(sealed);
                Ok(())
            }
            Err(error) => {
                // It stays sealed: reading it again is harmless, and freeing it is tried again.
                self.sealed = Some(sealed);
                Err(Error::io("free the journal")(error))
            }
        }
    }
}

/// A note of dropped events that the segment does not hold as a record.
fn note(run: u64, index: u64, dropped: &Dropped) -> Record {
    Record {
        run,
        index,
        at_ms: 0,
        elapsed_ms: 0,
        session: 0,
        kind: Kind::Dropped,
        form: Form::Json,
        body: Record::body_of_counts(dropped),
    }
}
