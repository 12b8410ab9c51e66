//! The journal: two segments of fixed length between the caller and the store.
//!
//! The caller appends to one: a copy into mapped memory, without a system call. What is there
//! survives SIGKILL, because the kernel has it. It need not survive a power cut: what leaves the
//! device is durable in the store first. The worker takes over what is sealed, and frees it once the
//! store has committed. When a segment is full, the caller seals it and goes on in the other one.
//!
//! Mapping is the worker's: it allocates a segment on the disk, maps it, and hands it to the caller.
//! Until then, and wherever a segment cannot be had so (a full disk, an odd file system), a record is
//! appended with one `write(2)`.
//!
//! The journal gives no `seq`. After a power cut it may be older than the store, and only the store
//! knows which numbers were used. So the store gives them as it drains, and until then a record is
//! identified by its run (a random number, drawn when the journal is opened) and its place in it.
//! That also makes a replay harmless: the store remembers how far it drained each run.

mod drainer;
mod header;
mod record;
mod segment;
mod writer;

use std::io;
use std::path::Path;

pub(crate) use drainer::Drainer;
use segment::{Found, Tail};
pub(crate) use writer::{AppendError, Writer};

use crate::error::Error;

/// File names of the two segments.
pub(crate) const SEGMENTS: [&str; 2] = ["journal-0", "journal-1"];

/// An opened journal, and what it already held.
#[derive(Debug)]
pub(crate) struct Opened {
    pub writer: Writer,
    pub drainer: Drainer,
    /// The last session, and the wall clock of its last event.
    pub session: (u32, i64),
    /// Events in the segments, as far as they can be read.
    pub waiting: u64,
    /// Torn tails that were cut off, and segments that cannot be read.
    pub torn: u64,
}

/// Opens the two segments, and makes those that are missing. `run` and `salt` are random. Maps
/// nothing: until the worker has, records are written.
pub(crate) fn open(folder: &Path, bytes_max: u64, run: u64, salt: u32) -> Result<Opened, Error> {
    let found = find(folder).map_err(Error::io("open the journal"))?;
    arrange(found, bytes_max, run, salt).map_err(Error::io("start the journal"))
}

fn find(folder: &Path) -> io::Result<Vec<Found>> {
    let found = SEGMENTS.iter().map(|name| Found::open(&folder.join(name)));
    let mut found = found.collect::<io::Result<Vec<_>>>()?;
    if found.iter().all(|segment| segment.scan.records > 0) {
        // One of them is appended to: nothing in it may be overlooked.
        found.iter_mut().try_for_each(Found::read_on)?;
    }
    Ok(found)
}

fn arrange(mut found: Vec<Found>, bytes_max: u64, run: u64, salt: u32) -> io::Result<Opened> {
    let waiting = found.iter().map(|segment| segment.scan.events).sum();
    // The older one first. One without a header is new or damaged, and counts as the oldest.
    found.sort_by_key(|segment| segment.header.map_or(0, |header| header.ordinal));
    let session = found
        .iter()
        .rev()
        .find_map(|segment| segment.scan.last)
        .or_else(|| {
            found.iter().rev().find_map(|segment| segment.header).map(|newest| newest.session)
        })
        .unwrap_or((0, 0));
    let (Some(newer), Some(older)) = (found.pop(), found.pop()) else {
        return Err(io::Error::other("a journal has two segments"));
    };
    let next = newer.header.map_or(0, |header| header.ordinal) + 1;
    // A torn tail is counted here if it is cut off, and else by the drain.
    let lost = |segment: &Found| u64::from(segment.is_torn && segment.scan.records == 0);
    let mut torn = lost(&newer) + lost(&older);
    let (active, spare, sealed) = match (older.scan.records > 0, newer.scan.records > 0) {
        (false, false) => {
            let active = newer.into_empty(bytes_max, next, salt, session)?;
            let spare = older.into_empty(bytes_max, next + 1, salt.wrapping_add(1), session)?;
            (active, Some(spare), None)
        }
        (false, true) | (true, false) => {
            let newer_is_full = newer.scan.records > 0;
            let (empty, full) = if newer_is_full { (older, newer) } else { (newer, older) };
            let active = empty.into_empty(bytes_max, next, salt, session)?;
            (active, None, Some(full.into_sealed(bytes_max, Tail::Unknown)?))
        }
        (true, true) => {
            torn += u64::from(newer.is_torn);
            let run = |segment: &Found| segment.scan.runs.unwrap_or_default();
            let continued = run(&older).1 == run(&newer).0;
            let tail = if continued { Tail::Continued } else { Tail::Unknown };
            let active = newer.into_active(bytes_max)?;
            (active, None, Some(older.into_sealed(bytes_max, tail)?))
        }
    };
    let drainer = Drainer::new(run, next + 1, spare, sealed, session);
    Ok(Opened { writer: Writer::new(active, run), drainer, session, waiting, torn })
}

#[cfg(test)]
mod damage_test;
#[cfg(test)]
#[path = "journal_test.rs"]
mod tests;
