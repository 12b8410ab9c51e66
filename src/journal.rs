//! The journal: two append-only segments between the caller and the store.
//!
//! The caller appends to one with a single `write(2)` a record; the worker seals it by swapping
//! in the other, reads it, and frees it once the store has committed. A record that was written
//! survives SIGKILL, because the kernel has it. It need not survive a power cut: what leaves the
//! device is durable in the store first.
//!
//! The journal gives no `seq`. After a power cut it may be older than the store, and only the
//! store knows which numbers were used; so the store gives them as it drains, and a record is
//! known until then by its run (a random number of the process) and its place in it. That also
//! makes a replay harmless: the store remembers how far it drained each run.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::config::EVENT_BYTES_MAX;
use crate::error::Error;
use crate::event::{Kind, Record};

/// Names of the two segments.
pub(crate) const SEGMENTS: [&str; 2] = ["journal-0", "journal-1"];

const MAGIC: &[u8; 8] = b"JALONJ1\0";
/// Magic, ordinal, salt, session, its last wall clock, CRC.
const HEADER_BYTES: u64 = 8 + 8 + 4 + 4 + 8 + 4;
const RECORD_MAGIC: u16 = 0x1A4A;
/// Magic, kind, reserved, body's length, CRC, run, n, at, elapsed, session.
const RECORD_BYTES: usize = 2 + 1 + 1 + 4 + 4 + 8 + 8 + 8 + 8 + 4;
const CRC_AT: usize = 8;
const CRC_END: usize = 12;

/// The start of a segment. A record counts only under its segment's salt, so that one write of a
/// new header frees a whole segment at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    /// Which of two segments is newer.
    ordinal: u64,
    salt: u32,
    /// The last session of the records freed before, so that it outlives them.
    session: u32,
    session_wall_ms: i64,
}

/// One file of the journal.
#[derive(Debug)]
struct Segment {
    file: File,
    header: Header,
    /// Where the next record goes; the file's own position stands there too.
    end: u64,
}

/// Why a record was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The segment is full, and the worker has not swapped it yet.
    Full,
    /// The record is larger than one may be.
    TooLarge,
    /// The system did not take it: the disk is full, the quota used up, the file unwritable.
    Refused,
}

/// The caller's end.
#[derive(Debug)]
pub(crate) struct Writer {
    active: Segment,
    bytes_max: u64,
    run: u64,
    n: u64,
    record: Vec<u8>,
}

/// The worker's end.
#[derive(Debug)]
pub(crate) struct Drainer {
    run: u64,
    /// Empty, with a header newer than the active segment's.
    spare: Option<Segment>,
    /// Full of records the store has not confirmed yet.
    sealed: Option<Segment>,
}

/// What was read from a sealed segment.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    pub records: Vec<Record>,
    /// Stretches that cannot be read, each of one record or more; the gaps in `n` tell how many.
    pub damages: u64,
}

/// What opening found.
#[derive(Debug)]
pub(crate) struct Opened {
    pub writer: Writer,
    pub drainer: Drainer,
    /// The last session, and the wall clock of its last event.
    pub session: (u32, i64),
    /// Events that await the worker, as far as the segments tell.
    pub waiting: u64,
    /// Torn tails that were cut off.
    pub torn: u64,
}

/// Opens the two segments, making what is missing. `run` and `salt` are random.
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
    // The older one first; one without a header is new or lost, and so the oldest of all.
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
    let writer = Writer { active, bytes_max, run, n: 0, record: Vec::with_capacity(1024) };
    Ok(Opened { writer, drainer: Drainer { run, spare, sealed }, session, waiting, torn })
}

impl Writer {
    /// Whether the active segment is filling up, and should be drained before it is full.
    pub(crate) fn is_half_full(&self) -> bool {
        self.active.end > self.bytes_max / 2
    }

    /// Whether nothing was appended to the active segment yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.active.end <= HEADER_BYTES
    }

    /// Appends one record with one `write(2)`; `body` writes its JSON behind what is there.
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
        fields[20..28].copy_from_slice(&(self.n + 1).to_le_bytes());
        fields[28..36].copy_from_slice(&at_ms.to_le_bytes());
        fields[36..44].copy_from_slice(&elapsed_ms.to_le_bytes());
        fields[44..48].copy_from_slice(&session.to_le_bytes());
        let crc = crc_of(self.active.header.salt, fields);
        fields[CRC_AT..CRC_END].copy_from_slice(&crc.to_le_bytes());
        self.active.append(&self.record).map_err(|_| AppendError::Refused)?;
        self.n += 1;
        Ok(())
    }
}

impl Drainer {
    /// Whether a sealed segment waits to be read and freed.
    pub(crate) fn has_sealed(&self) -> bool {
        self.sealed.is_some()
    }

    /// The run of the records that this process appends.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// Seals what the caller has written and gives it the other segment: two pointers, no I/O,
    /// so that it may be done under the callers' lock. False while an earlier segment is still
    /// sealed: then nothing happens.
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

    /// Frees the sealed segment: the store has committed all of it.
    pub(crate) fn free(&mut self, salt: u32) -> Result<(), Error> {
        let Some(sealed) = self.sealed.take() else { return Ok(()) };
        let session = sealed.last_session();
        let ordinal = sealed.header.ordinal + 2;
        let again = sealed.file.try_clone();
        match Segment::start(sealed.file, ordinal, salt, session) {
            Ok(spare) => self.spare = Some(spare),
            Err(error) => {
                // It stays sealed: reading it again is harmless, and freeing is tried again.
                if let Ok(file) = again {
                    self.sealed = Some(Segment { file, header: sealed.header, end: sealed.end });
                }
                return Err(Error::io("free the journal")(error));
            }
        }
        Ok(())
    }
}

impl Segment {
    /// Writes a new header, which frees whatever stood behind it, and cuts that off.
    fn start(mut file: File, ordinal: u64, salt: u32, session: (u32, i64)) -> io::Result<Self> {
        let header = Header { ordinal, salt, session: session.0, session_wall_ms: session.1 };
        file.write_all_at(&header.encode(), 0)?;
        file.set_len(HEADER_BYTES)?;
        file.seek(SeekFrom::Start(HEADER_BYTES))?;
        Ok(Self { file, header, end: HEADER_BYTES })
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let outcome = loop {
            match self.file.write(record) {
                Ok(written) if written == record.len() => break Ok(()),
                Ok(_) => break Err(io::Error::new(io::ErrorKind::StorageFull, "short write")),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if outcome.is_ok() {
            self.end += record.len() as u64;
        } else {
            // Back to the last whole record. Should this fail too, the scan skips what is torn.
            let _ = self.file.set_len(self.end);
            let _ = self.file.seek(SeekFrom::Start(self.end));
        }
        outcome
    }

    fn last_session(&self) -> (u32, i64) {
        let mut bytes = vec![0; (self.end - HEADER_BYTES) as usize];
        let read = self.file.read_exact_at(&mut bytes, HEADER_BYTES);
        let last = read.ok().and_then(|()| scan(&bytes, self.header.salt, |_| ()).last);
        last.unwrap_or((self.header.session, self.header.session_wall_ms))
    }
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.ordinal.to_le_bytes());
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&self.session.to_le_bytes());
        bytes.extend_from_slice(&self.session_wall_ms.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.get(..HEADER_BYTES as usize)?.split_last_chunk::<4>()?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let rest = body.strip_prefix(MAGIC)?;
        Some(Self {
            ordinal: u64::from_le_bytes(chunk(rest, 0)?),
            salt: u32::from_le_bytes(chunk(rest, 8)?),
            session: u32::from_le_bytes(chunk(rest, 12)?),
            session_wall_ms: i64::from_le_bytes(chunk(rest, 16)?),
        })
    }
}

/// A segment as it was found.
struct Found {
    file: File,
    header: Option<Header>,
    records: u64,
    events: u64,
    end: u64,
    torn: bool,
    last: Option<(u32, i64)>,
}

impl Found {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let header = Header::decode(&bytes);
        let Some(known) = header else {
            // A header that is not ours: what stands behind it cannot be told from noise.
            let torn = bytes.len() as u64 > HEADER_BYTES;
            return Ok(Self {
                file,
                header,
                records: 0,
                events: 0,
                end: HEADER_BYTES,
                torn,
                last: None,
            });
        };
        let body = &bytes[HEADER_BYTES as usize..];
        let scan = scan(body, known.salt, |_| ());
        let end = HEADER_BYTES + scan.end as u64;
        let torn = scan.end < body.len();
        let Scan { records, events, last, .. } = scan;
        Ok(Self { file, header, records, events, end, torn, last })
    }

    /// Goes on behind the last whole record.
    fn into_segment(mut self, ordinal: u64, salt: u32, session: (u32, i64)) -> io::Result<Segment> {
        let Some(header) = self.header else {
            return Segment::start(self.file, ordinal, salt, session);
        };
        if self.torn {
            self.file.set_len(self.end)?;
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        Ok(Segment { file: self.file, header, end: self.end })
    }
}

/// A record in place.
struct RawRecord<'a>(&'a [u8]);

impl<'a> RawRecord<'a> {
    /// Reads the record at the start of `bytes`, if one stands there whole.
    fn at(bytes: &'a [u8], salt: u32) -> Option<Self> {
        if u16::from_le_bytes(chunk(bytes, 0)?) != RECORD_MAGIC {
            return None;
        }
        let body_bytes = u32::from_le_bytes(chunk(bytes, 4)?) as usize;
        if body_bytes > EVENT_BYTES_MAX {
            return None;
        }
        let record = bytes.get(..RECORD_BYTES + body_bytes)?;
        let crc = u32::from_le_bytes(chunk(record, CRC_AT)?);
        (crc == crc_of(salt, record) && Kind::from_number(record[2]).is_some())
            .then_some(Self(record))
    }

    fn run(&self) -> u64 {
        chunk(self.0, 12).map_or(0, u64::from_le_bytes)
    }

    fn n(&self) -> u64 {
        chunk(self.0, 20).map_or(0, u64::from_le_bytes)
    }

    fn at_ms(&self) -> i64 {
        chunk(self.0, 28).map_or(0, i64::from_le_bytes)
    }

    fn session(&self) -> u32 {
        chunk(self.0, 44).map_or(0, u32::from_le_bytes)
    }

    fn to_record(&self) -> Record {
        Record {
            run: self.run(),
            n: self.n(),
            at_ms: self.at_ms(),
            elapsed_ms: chunk(self.0, 36).map_or(0, u64::from_le_bytes),
            session: self.session(),
            kind: Kind::from_number(self.0[2]).unwrap_or(Kind::Dropped),
            body: self.0[RECORD_BYTES..].to_vec(),
        }
    }
}

#[derive(Debug, Default)]
struct Scan {
    records: u64,
    /// Those that are events, and not notes of dropped ones.
    events: u64,
    /// Where the last whole record ends.
    end: usize,
    /// Stretches before the end that cannot be read.
    damages: u64,
    last: Option<(u32, i64)>,
}

/// Visits every whole record; behind damage it looks for the next one.
fn scan<'a>(bytes: &'a [u8], salt: u32, mut visit: impl FnMut(&RawRecord<'a>)) -> Scan {
    let mut scan = Scan::default();
    let mut at = 0;
    let mut damaged = false;
    while at < bytes.len() {
        let Some(record) = RawRecord::at(&bytes[at..], salt) else {
            damaged = true;
            at += 1;
            continue;
        };
        scan.damages += u64::from(std::mem::take(&mut damaged));
        if Kind::from_number(record.0[2]) != Some(Kind::Dropped) {
            scan.last = Some((record.session(), record.at_ms()));
            scan.events += 1;
        }
        scan.records += 1;
        visit(&record);
        at += record.0.len();
        scan.end = at;
    }
    scan
}

fn crc_of(salt: u32, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(&record[..CRC_AT]);
    hasher.update(&record[CRC_END..]);
    hasher.finalize()
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
#[path = "journal_test.rs"]
mod tests;
