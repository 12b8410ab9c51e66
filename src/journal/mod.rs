//! The journal: two append-only segments between the caller and the store.
//!
//! The caller appends to one, with a single `write(2)` per record. The worker seals it by swapping
//! in the other, reads it, and frees it once the store has committed. A record that was written
//! survives SIGKILL, because the kernel has it. It need not survive a power cut: what leaves the
//! device is durable in the store first.
//!
//! The journal gives no `seq`. After a power cut it may be older than the store, and only the store
//! knows which numbers were used. So the store gives them as it drains, and until then a record is
//! identified by its run (a random number, drawn when the journal is opened) and its place in it.
//! That also makes a replay harmless: the store remembers how far it drained each run.

mod segment;

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use segment::{
    CRC_AT, CRC_END, Found, HEADER_BYTES, RECORD_BYTES, RECORD_MAGIC, Segment, crc_of, scan,
};

use crate::config::EVENT_BYTES_MAX;
use crate::error::Error;
use crate::event::{Dropped, Kind, Record};

/// File names of the two segments.
pub(crate) const SEGMENTS: [&str; 2] = ["journal-0", "journal-1"];

/// The reason why a record was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The segment is full, and the worker has not swapped it yet.
    Full,
    /// The record's body is larger than [`EVENT_BYTES_MAX`].
    TooLarge,
    /// The system did not write it: the disk or the user's quota is full, or the file cannot be
    /// written.
    Refused,
}

/// The caller's end of the journal: appends.
#[derive(Debug)]
pub(crate) struct Writer {
    active: Segment,
    bytes_max: u64,
    run: u64,
    /// Records appended so far.
    appended: u64,
    record: Vec<u8>,
}

/// The worker's end of the journal: seals, reads and frees.
#[derive(Debug)]
pub(crate) struct Drainer {
    run: u64,
    /// Empty, with a header newer than the active segment's.
    spare: Option<Segment>,
    /// Holds records that the store has not committed yet, or that are not freed yet.
    sealed: Option<Segment>,
}

/// The records of a sealed segment.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    pub records: Vec<Record>,
    /// Stretches that cannot be read, each of one record or more; the gaps in `index` say how many.
    pub damages: u64,
}

impl Drained {
    /// Returns how many events there are, and the drops that are noted between them.
    pub(crate) fn tally(&self) -> (u64, Dropped) {
        let mut noted = Dropped::default();
        let mut events = 0;
        for record in &self.records {
            match (record.kind, record.dropped_reason()) {
                (Kind::Dropped, Some(reason)) => noted.add(reason, 1),
                _ => events += 1,
            }
        }
        (events, noted)
    }
}

/// An opened journal, and what it already held.
#[derive(Debug)]
pub(crate) struct Opened {
    pub writer: Writer,
    pub drainer: Drainer,
    /// The last session, and the wall clock of its last event.
    pub session: (u32, i64),
    /// Events in the segments, as far as they can be read.
    pub waiting: u64,
    /// Torn tails that were cut off.
    pub torn: u64,
}

/// Opens the two segments, and makes those that are missing. `run` and `salt` are random.
pub(crate) fn open(folder: &Path, bytes_max: u64, run: u64, salt: u32) -> Result<Opened, Error> {
    let io = Error::io("open the journal");
    let found = SEGMENTS
        .iter()
        .map(|name| Found::open(&folder.join(name)))
        .collect::<io::Result<Vec<_>>>()
        .map_err(io)?;
    let io = Error::io("start the journal");
    arrange(found, bytes_max, run, salt).map_err(io)
}

fn arrange(mut found: Vec<Found>, bytes_max: u64, run: u64, salt: u32) -> io::Result<Opened> {
    let torn = found.iter().filter(|segment| segment.torn).count() as u64;
    let waiting = found.iter().map(|segment| segment.events).sum();
    // The older one first. One without a header is new or damaged, and counts as the oldest.
    found.sort_by_key(|segment| segment.header.map_or(0, |header| header.ordinal));
    let session = found
        .iter()
        .rev()
        .find_map(|segment| segment.last)
        .or_else(|| {
            let newest = found.iter().rev().find_map(|segment| segment.header)?;
            Some((newest.session, newest.session_wall_ms))
        })
        .unwrap_or((0, 0));
    let (Some(newer), Some(older)) = (found.pop(), found.pop()) else {
        return Err(io::Error::other("a journal has two segments"));
    };
    let both_hold_records = older.records > 0 && newer.records > 0;
    let (active, other) =
        if newer.records > 0 || older.records == 0 { (newer, older) } else { (older, newer) };
    let active = active.into_segment(1, salt, session)?;
    let next = active.header.ordinal + 1;
    let (spare, sealed) = if both_hold_records {
        (None, Some(other.into_segment(0, salt, session)?))
    } else {
        (Some(Segment::start(other.file, next, salt.wrapping_add(1), session)?), None)
    };
    let writer = Writer { active, bytes_max, run, appended: 0, record: Vec::with_capacity(1024) };
    Ok(Opened { writer, drainer: Drainer { run, spare, sealed }, session, waiting, torn })
}

impl Writer {
    /// Returns whether the active segment is more than half full, so that it should be drained.
    pub(crate) fn is_half_full(&self) -> bool {
        self.active.end > self.bytes_max / 2
    }

    /// Returns whether the active segment has no records.
    pub(crate) fn is_empty(&self) -> bool {
        self.active.end <= HEADER_BYTES
    }

    /// Appends one record with one `write(2)`. `body` must only append its JSON to the buffer it
    /// gets.
    pub(crate) fn append(
        &mut self,
        kind: Kind,
        at_ms: i64,
        elapsed_ms: u64,
        session: u32,
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), AppendError> {
        self.record.clear();
        self.record.resize(RECORD_BYTES, 0);
        body(&mut self.record);
        let body_bytes = self.record.len() - RECORD_BYTES;
        if body_bytes > EVENT_BYTES_MAX {
            self.record = Vec::with_capacity(1024);
            return Err(AppendError::TooLarge);
        }
        if self.active.end + self.record.len() as u64 > self.bytes_max {
            return Err(AppendError::Full);
        }
        let fields = self.record.as_mut_slice();
        fields[..2].copy_from_slice(&RECORD_MAGIC.to_le_bytes());
        fields[2] = kind as u8;
        fields[4..8].copy_from_slice(&(body_bytes as u32).to_le_bytes());
        fields[12..20].copy_from_slice(&self.run.to_le_bytes());
        fields[20..28].copy_from_slice(&(self.appended + 1).to_le_bytes());
        fields[28..36].copy_from_slice(&at_ms.to_le_bytes());
        fields[36..44].copy_from_slice(&elapsed_ms.to_le_bytes());
        fields[44..48].copy_from_slice(&session.to_le_bytes());
        let crc = crc_of(self.active.header.salt, fields);
        fields[CRC_AT..CRC_END].copy_from_slice(&crc.to_le_bytes());
        self.active.append(&self.record).map_err(|_| AppendError::Refused)?;
        self.appended += 1;
        Ok(())
    }
}

impl Drainer {
    /// Returns whether a sealed segment waits to be read and freed.
    pub(crate) fn has_sealed(&self) -> bool {
        self.sealed.is_some()
    }

    /// Returns the run of the records that are appended to this journal.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// Seals what the caller has written, and gives the caller the other segment. Swaps two
    /// pointers without I/O, so that it can be done under the callers' lock. False, without any
    /// effect, while an earlier segment is still sealed.
    pub(crate) fn seal(&mut self, writer: &mut Writer) -> bool {
        if self.sealed.is_some() {
            return false;
        }
        if writer.active.end > HEADER_BYTES
            && let Some(spare) = self.spare.take()
        {
            self.sealed = Some(std::mem::replace(&mut writer.active, spare));
        }
        true
    }

    /// Reads the sealed segment.
    pub(crate) fn read(&self) -> Result<Drained, Error> {
        let Some(sealed) = &self.sealed else { return Ok(Drained::default()) };
        let mut bytes = vec![0; (sealed.end - HEADER_BYTES) as usize];
        sealed
            .file
            .read_exact_at(&mut bytes, HEADER_BYTES)
            .map_err(Error::io("read the journal"))?;
        let mut drained = Drained::default();
        let scan =
            scan(&bytes, sealed.header.salt, |record| drained.records.push(record.to_record()));
        drained.damages = scan.damages;
        Ok(drained)
    }

    /// Frees the sealed segment. The store must have committed all of it.
    pub(crate) fn free(&mut self, salt: u32) -> Result<(), Error> {
        let Some(sealed) = self.sealed.take() else { return Ok(()) };
        let session = sealed.last_session();
        let ordinal = sealed.header.ordinal + 2;
        let again = sealed.file.try_clone();
        match Segment::start(sealed.file, ordinal, salt, session) {
            Ok(spare) => self.spare = Some(spare),
            Err(error) => {
                // It stays sealed: reading it again is harmless, and freeing it is tried again.
                if let Ok(file) = again {
                    self.sealed = Some(Segment { file, header: sealed.header, end: sealed.end });
                }
                return Err(Error::io("free the journal")(error));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "journal_test.rs"]
mod tests;
