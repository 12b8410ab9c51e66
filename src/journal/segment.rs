//! One file of the journal: how it is found, started, filled with zeros, mapped, appended to and
//! emptied. Which of the two files is written or drained is decided in the parent module.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::header::{BODY_AT, Header, ZEROS_AT, count_in};
use super::record::{RECORD_BYTES, Scan, leading_zeros, scan};
use crate::event::{DropReason, Dropped, Record};
use crate::system::Map;

/// How much of a segment `open` reads on the app's thread, unless there is more in it: a second of a
/// busy customer's events.
const LOOK_BYTES: usize = 16 * 1024;
/// How many zeros are written at once.
const ZEROS_BYTES: usize = 64 * 1024;
/// The mapped bytes that the worker touches ahead: a second of a busy customer's events. The caller
/// then waits for none of these pages, until the system writes them to the disk.
const TOUCHED_BYTES: usize = 64 * 1024;

/// One file of the journal, with a header of its own.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    /// Without it, records are appended with `write(2)`.
    map: Option<Map>,
    header: Header,
    /// Where the next record goes.
    end: u64,
    /// Where it is full.
    bytes_max: u64,
    /// Events that were appended or found, whether or not they can be read.
    events: u64,
    /// What is lost if it does not end in a whole record.
    tail: Tail,
}

/// What is known about the end of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// This process appended the record with this place in its run, last of all.
    Appended(u64),
    /// An earlier process did, and nothing shows how many records are missing.
    Unknown,
    /// An earlier process did, and went on in the other segment: the places there show what is missing.
    Continued,
}

impl Segment {
    /// Maps an empty segment, and allocates it first if need be: with zeros that are written one and
    /// all, since a page that has no place on the disk ends the process when it is touched. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// Whatever the system says. The segment can be appended to as before, then.
    pub(super) fn map(&mut self) -> io::Result<()> {
        let page = rustix::param::page_size() as u64;
        let bytes = self.bytes_max / page * page;
        let found = self.file.metadata()?;
        if found.len() != bytes || found.blocks() * 512 < bytes {
            self.allocate(bytes).inspect_err(|_| {
                // Cut back, so that no half of it takes a full disk's last room.
                let _ = self.file.set_len(BODY_AT);
            })?;
            if self.file.metadata()?.blocks() * 512 < bytes {
                return Err(io::Error::other("the file system allocates nothing for zeros"));
            }
        }
        let mut map = Map::of(&self.file, bytes as usize)?;
        // By the system's own hand: it says so if a page cannot be had, where touching it would end
        // the process.
        zero(map.bytes(), ZEROS_AT as usize, TOUCHED_BYTES)?;
        (self.map, self.bytes_max) = (Some(map), bytes);
        Ok(())
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(BODY_AT)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            // In one piece where the file system can: a disk that is too full says so before anything
            // is written. Where it cannot, the zeros below are what counts.
            use rustix::fs::{FallocateFlags, fallocate};
            use rustix::io::Errno;
            let allocated = fallocate(&self.file, FallocateFlags::empty(), 0, bytes);
            if matches!(allocated, Err(Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::IO)) {
                allocated?;
            }
        }
        write_zeros(&self.file, ZEROS_AT, bytes)
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.map.is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.end <= self.header.body_at
    }

    pub(super) fn is_half_full(&self) -> bool {
        self.end > self.bytes_max / 2
    }

    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.end + bytes as u64 <= self.bytes_max
    }

    pub(super) fn salt(&self) -> u32 {
        self.header.salt
    }

    pub(super) fn ordinal(&self) -> u64 {
        self.header.ordinal
    }

    /// Returns how many events it is to hold.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn tail(&self) -> Tail {
        self.tail
    }

    /// Appends the record with this place in its run, an event or not, for which there must be room.
    pub(super) fn append(&mut self, record: &[u8], index: u64, is_event: bool) -> io::Result<()> {
        let at = self.end as usize;
        let place = self.map.as_mut().and_then(|map| map.bytes().get_mut(at..at + record.len()));
        if let Some(place) = place {
            place.copy_from_slice(record);
        } else if let Err(error) = self.file.write_all_at(record, self.end) {
            // Back to the last whole record. If this fails too, the scan skips the torn one.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.end += record.len() as u64;
        self.events += u64::from(is_event);
        self.tail = Tail::Appended(index);
        Ok(())
    }

    /// Counts a drop where it survives a kill. False if the segment is not mapped, or its count is
    /// damaged.
    pub(super) fn count_dropped(&mut self, reason: DropReason) -> bool {
        self.map.as_mut().is_some_and(|map| count_in(map.bytes(), reason))
    }

    /// Reads its records and the drops that it counted; `visit` sees each record. Through the file,
    /// not the map: a disk that fails is an error then.
    pub(super) fn read(&mut self, mut visit: impl FnMut(Record)) -> io::Result<(Scan, Dropped)> {
        let Header { body_at, salt, .. } = self.header;
        let counts = self.header.read_counts(&self.file)?;
        let mut bytes = vec![0; self.end.saturating_sub(body_at) as usize];
        self.file.read_exact_at(&mut bytes, body_at)?;
        let scan = scan(&bytes, salt, |record| visit(record.to_record()));
        if !scan.is_torn {
            self.end = body_at + scan.end as u64;
        }
        Ok((scan, counts))
    }

    /// Removes all records, and starts the segment again. A mapped one stays mapped.
    pub(super) fn clear(&mut self, ordinal: u64, salt: u32, session: (u32, i64)) -> io::Result<()> {
        // While there are both records and zeros, the header says so.
        let stale = Header::new(ordinal, salt, session, true);
        self.file.write_all_at(&stale.encode(), 0)?;
        let zeroed = match self.map.as_mut() {
            Some(map) => zero(map.bytes(), ZEROS_AT as usize, self.end as usize),
            None => write_zeros(&self.file, ZEROS_AT, self.end),
        };
        if zeroed.is_err() {
            // The records go all the same, and with them the room that was allocated.
            self.map = None;
            self.file.set_len(0)?;
        }
        let header = Header { is_stale: false, ..stale };
        self.file.write_all_at(&header.encode(), 0)?;
        (self.header, self.end, self.events, self.tail) = (header, BODY_AT, 0, Tail::Unknown);
        Ok(())
    }
}

/// Writes zeros to a file, from `start` to `end`.
fn write_zeros(file: &File, start: u64, end: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES.min(end.saturating_sub(start) as usize)];
    let mut at = start;
    while at < end {
        let count = zeros.len().min((end - at) as usize);
        file.write_all_at(&zeros[..count], at)?;
        at += count as u64;
    }
    Ok(())
}

/// Has the system write zeros from `start` to `end`: it answers with an error where a page cannot be
/// had.
fn zero(mapped: &mut [u8], start: usize, end: usize) -> io::Result<()> {
    let end = end.min(mapped.len());
    let Some(stretch) = mapped.get_mut(start..end) else { return Ok(()) };
    File::open("/dev/zero")?.read_exact(stretch)
}

/// A segment as it was found on disk.
pub(super) struct Found {
    file: File,
    /// What was read of it.
    bytes: Vec<u8>,
    pub(super) header: Option<Header>,
    pub(super) scan: Scan,
    /// Something stands behind the last record, or there is no valid header.
    pub(super) is_torn: bool,
}

impl Found {
    /// Opens a segment's file, or makes it, and reads its records: up to a stretch of zeros, behind
    /// which there are none unless the power was cut.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path)?;
        let mut bytes = Vec::with_capacity(LOOK_BYTES);
        (&mut file).take(LOOK_BYTES as u64).read_to_end(&mut bytes)?;
        let mut found = Self { file, bytes, header: None, scan: Scan::default(), is_torn: false };
        found.look();
        if found.bytes.len() == LOOK_BYTES && (found.is_torn || !ends_in_zeros(&found.bytes)) {
            found.read_on()?;
        }
        Ok(found)
    }

    /// Reads the rest of it, too.
    pub(super) fn read_on(&mut self) -> io::Result<()> {
        let read = self.file.read_to_end(&mut self.bytes)?;
        if read > 0 {
            self.look();
        }
        Ok(())
    }

    fn look(&mut self) {
        self.header = Header::decode(&self.bytes);
        let body = self.header.filter(|header| !header.is_stale).map(|header| {
            let body = self.bytes.get(header.body_at as usize..).unwrap_or_default();
            scan(body, header.salt, |_| ())
        });
        // Without a header of ours, what stands there cannot be told from noise.
        let is_noise = self.header.is_none() && leading_zeros(&self.bytes) < self.bytes.len();
        self.scan = body.unwrap_or_default();
        self.is_torn = self.scan.is_torn || is_noise;
    }

    /// Prepares to append behind the last record. All of it must have been read.
    pub(super) fn into_active(self, bytes_max: u64) -> io::Result<Segment> {
        let Some(header) = self.header else { return Err(io::Error::other("there is no header")) };
        let end = header.body_at + self.scan.end as u64;
        if self.is_torn {
            // Nothing may stand behind it that a later reader could take for records. Zeros stay: on
            // a full disk they are the room that is left.
            self.file.set_len(end)?;
        }
        Ok(Segment {
            file: self.file,
            map: None,
            header,
            end,
            bytes_max,
            events: self.scan.events,
            tail: Tail::Continued,
        })
    }

    /// Prepares to read all of it, also what stands behind a stretch of zeros.
    pub(super) fn into_sealed(self, bytes_max: u64, tail: Tail) -> io::Result<Segment> {
        let Some(header) = self.header else { return Err(io::Error::other("there is no header")) };
        let end = self.file.metadata()?.len().max(header.body_at);
        let events = self.scan.events;
        Ok(Segment { file: self.file, map: None, header, end, bytes_max, events, tail })
    }

    /// Starts the segment without records.
    pub(super) fn into_empty(
        self,
        bytes_max: u64,
        ordinal: u64,
        salt: u32,
        session: (u32, i64),
    ) -> io::Result<Segment> {
        let is_clean = |known: Header| !known.is_stale && known.body_at == BODY_AT;
        if self.scan.records > 0 || self.is_torn || !self.header.is_some_and(is_clean) {
            // In this order, so that a kill between the two leaves an empty file, not a damaged one.
            self.file.set_len(0)?;
        }
        let header = Header::new(ordinal, salt, session, false);
        self.file.write_all_at(&header.encode(), 0)?;
        let (end, tail) = (BODY_AT, Tail::Unknown);
        Ok(Segment { file: self.file, map: None, header, end, bytes_max, events: 0, tail })
    }
}

/// Returns whether the last bytes are zero, as many as a record has at least.
fn ends_in_zeros(bytes: &[u8]) -> bool {
    bytes.last_chunk::<RECORD_BYTES>().is_some_and(|last| leading_zeros(last) == RECORD_BYTES)
}
