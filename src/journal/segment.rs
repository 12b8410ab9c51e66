//! One file of the journal: its header and its records, and how both are written and read back.
//! Which of the two files is written or drained is decided in the parent module.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::config::EVENT_BYTES_MAX;
use crate::event::{Kind, Record};

pub(super) const MAGIC: &[u8; 8] = b"JALONJ1\0";
/// Magic, ordinal, salt, session, wall clock of its last event, CRC.
pub(super) const HEADER_BYTES: u64 = 8 + 8 + 4 + 4 + 8 + 4;
pub(super) const RECORD_MAGIC: u16 = 0x1A4A;
/// Magic, kind, reserved, body's length, CRC, run, index, wall clock, elapsed clock, session.
pub(super) const RECORD_BYTES: usize = 2 + 1 + 1 + 4 + 4 + 8 + 8 + 8 + 8 + 4;
pub(super) const CRC_AT: usize = 8;
pub(super) const CRC_END: usize = 12;

/// The start of a segment. A record is valid only with its segment's salt, so that writing a new
/// header frees the whole segment at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The newer of the two segments has the higher ordinal.
    pub(super) ordinal: u64,
    pub(super) salt: u32,
    /// The last session among the records freed before, which would otherwise be lost with them.
    pub(super) session: u32,
    pub(super) session_wall_ms: i64,
}

/// One file of the journal.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) file: File,
    pub(super) header: Header,
    /// Where the next record goes; the file's position is there too.
    pub(super) end: u64,
}

impl Segment {
    /// Removes all records, and writes a new header.
    pub(super) fn start(
        mut file: File,
        ordinal: u64,
        salt: u32,
        session: (u32, i64),
    ) -> io::Result<Self> {
        let header = Header { ordinal, salt, session: session.0, session_wall_ms: session.1 };
        // In this order, so that a kill between the two leaves an empty segment, not a damaged one.
        file.set_len(HEADER_BYTES.min(file.metadata()?.len()))?;
        file.write_all_at(&header.encode(), 0)?;
        file.seek(SeekFrom::Start(HEADER_BYTES))?;
        Ok(Self { file, header, end: HEADER_BYTES })
    }

    pub(super) fn append(&mut self, record: &[u8]) -> io::Result<()> {
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
            // Back to the last whole record. If this fails too, the scan skips the torn one.
            let _ = self.file.set_len(self.end);
            let _ = self.file.seek(SeekFrom::Start(self.end));
        }
        outcome
    }

    pub(super) fn last_session(&self) -> (u32, i64) {
        let mut bytes = vec![0; (self.end - HEADER_BYTES) as usize];
        let read = self.file.read_exact_at(&mut bytes, HEADER_BYTES);
        let last = read.ok().and_then(|()| scan(&bytes, self.header.salt, |_| ()).last);
        last.unwrap_or((self.header.session, self.header.session_wall_ms))
    }
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.ordinal.to_le_bytes());
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&self.session.to_le_bytes());
        bytes.extend_from_slice(&self.session_wall_ms.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
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

/// A segment as it was found on disk.
pub(super) struct Found {
    pub(super) file: File,
    pub(super) header: Option<Header>,
    pub(super) records: u64,
    pub(super) events: u64,
    pub(super) end: u64,
    pub(super) torn: bool,
    pub(super) last: Option<(u32, i64)>,
}

impl Found {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
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
            // The header is not ours, so the records after it cannot be told from noise.
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

    /// Prepares to append after the last whole record; starts the segment again if it has no
    /// header.
    pub(super) fn into_segment(
        mut self,
        ordinal: u64,
        salt: u32,
        session: (u32, i64),
    ) -> io::Result<Segment> {
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

/// The bytes of one valid record.
pub(super) struct RawRecord<'a>(pub(super) &'a [u8]);

impl<'a> RawRecord<'a> {
    /// Reads the record at the start of `bytes`, if there is a whole, valid one.
    pub(super) fn at(bytes: &'a [u8], salt: u32) -> Option<Self> {
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

    pub(super) fn run(&self) -> u64 {
        chunk(self.0, 12).map_or(0, u64::from_le_bytes)
    }

    pub(super) fn index(&self) -> u64 {
        chunk(self.0, 20).map_or(0, u64::from_le_bytes)
    }

    pub(super) fn at_ms(&self) -> i64 {
        chunk(self.0, 28).map_or(0, i64::from_le_bytes)
    }

    pub(super) fn session(&self) -> u32 {
        chunk(self.0, 44).map_or(0, u32::from_le_bytes)
    }

    pub(super) fn to_record(&self) -> Record {
        Record {
            run: self.run(),
            index: self.index(),
            at_ms: self.at_ms(),
            elapsed_ms: chunk(self.0, 36).map_or(0, u64::from_le_bytes),
            session: self.session(),
            kind: Kind::from_number(self.0[2]).unwrap_or(Kind::Dropped),
            body: self.0[RECORD_BYTES..].to_vec(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) records: u64,
    /// Records that are events, not notes of dropped ones.
    pub(super) events: u64,
    /// Where the last whole record ends.
    pub(super) end: usize,
    /// Stretches before `end` that cannot be read.
    pub(super) damages: u64,
    pub(super) last: Option<(u32, i64)>,
}

/// Visits every whole record. After damage it looks for the next one.
pub(super) fn scan<'a>(bytes: &'a [u8], salt: u32, mut visit: impl FnMut(&RawRecord<'a>)) -> Scan {
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

pub(super) fn crc_of(salt: u32, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(&record[..CRC_AT]);
    hasher.update(&record[CRC_END..]);
    hasher.finalize()
}

pub(super) fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}
