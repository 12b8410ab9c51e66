//! The bytes of one record, how it is sealed, and how the records of a segment are found again.

use crate::config::EVENT_BYTES_MAX;
use crate::event::{Form, Kind, Record};

const MAGIC: u16 = 0x1A4A;
/// Magic, kind, form, body's length, CRC, run, index, wall clock, elapsed clock, session.
pub(super) const RECORD_BYTES: usize = 2 + 1 + 1 + 4 + 4 + 8 + 8 + 8 + 8 + 4;
const CRC_AT: usize = 8;
const CRC_END: usize = 12;

/// What a record says beside its body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) kind: Kind,
    pub(super) form: Form,
    pub(super) run: u64,
    pub(super) index: u64,
    pub(super) at_ms: i64,
    pub(super) elapsed_ms: u64,
    pub(super) session: u32,
}

/// Writes the fields before the body, which stands behind them already, and seals the record with
/// the segment's salt.
pub(super) fn seal(record: &mut [u8], fields: &Fields, salt: u32) {
    let body_bytes = record.len() - RECORD_BYTES;
    record[..2].copy_from_slice(&MAGIC.to_le_bytes());
    record[2] = fields.kind as u8;
    record[3] = fields.form as u8;
    record[4..8].copy_from_slice(&(body_bytes as u32).to_le_bytes());
    record[12..20].copy_from_slice(&fields.run.to_le_bytes());
    record[20..28].copy_from_slice(&fields.index.to_le_bytes());
    record[28..36].copy_from_slice(&fields.at_ms.to_le_bytes());
    record[36..44].copy_from_slice(&fields.elapsed_ms.to_le_bytes());
    record[44..48].copy_from_slice(&fields.session.to_le_bytes());
    let crc = crc_of(salt, record);
    record[CRC_AT..CRC_END].copy_from_slice(&crc.to_le_bytes());
}

fn crc_of(salt: u32, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(&record[..CRC_AT]);
    hasher.update(&record[CRC_END..]);
    hasher.finalize()
}

/// The bytes of one valid record.
pub(super) struct RawRecord<'a>(&'a [u8]);

impl<'a> RawRecord<'a> {
    /// Reads the record at the start of `bytes`, if there is a whole, valid one.
    fn at(bytes: &'a [u8], salt: u32) -> Option<Self> {
        if u16::from_le_bytes(chunk(bytes, 0)?) != MAGIC {
            return None;
        }
        let body_bytes = u32::from_le_bytes(chunk(bytes, 4)?) as usize;
        if body_bytes > EVENT_BYTES_MAX {
            return None;
        }
        let record = bytes.get(..RECORD_BYTES + body_bytes)?;
        let crc = u32::from_le_bytes(chunk(record, CRC_AT)?);
        let raw = Self(record);
        (crc == crc_of(salt, record) && raw.kind().is_some() && raw.form().is_some()).then_some(raw)
    }

    fn kind(&self) -> Option<Kind> {
        Kind::from_number(self.0[2])
    }

    fn form(&self) -> Option<Form> {
        Form::from_number(self.0[3])
    }

    fn number<const N: usize>(&self, at: usize) -> [u8; N] {
        chunk(self.0, at).unwrap_or([0; N])
    }

    fn run(&self) -> u64 {
        u64::from_le_bytes(self.number(12))
    }

    fn session(&self) -> (u32, i64) {
        (u32::from_le_bytes(self.number(44)), i64::from_le_bytes(self.number(28)))
    }

    pub(super) fn to_record(&self) -> Record {
        let (session, at_ms) = self.session();
        Record {
            run: self.run(),
            index: u64::from_le_bytes(self.number(20)),
            at_ms,
            elapsed_ms: u64::from_le_bytes(self.number(36)),
            session,
            kind: self.kind().unwrap_or(Kind::Dropped),
            form: self.form().unwrap_or(Form::Json),
            body: self.0[RECORD_BYTES..].to_vec(),
        }
    }
}

/// What a scan of a segment's records found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) records: u64,
    /// Records that are events, not notes of dropped ones.
    pub(super) events: u64,
    /// Where the last whole record ends.
    pub(super) end: usize,
    /// Stretches before `end` that cannot be read.
    pub(super) damages: u64,
    /// Something that is not a record stands behind the last one.
    pub(super) is_torn: bool,
    /// The last event's session, and the wall clock.
    pub(super) last: Option<(u32, i64)>,
    /// The runs of the first and of the last record.
    pub(super) runs: Option<(u64, u64)>,
}

/// Visits every whole record. After damage it looks for the next one.
pub(super) fn scan<'a>(bytes: &'a [u8], salt: u32, mut visit: impl FnMut(&RawRecord<'a>)) -> Scan {
    let mut scan = Scan::default();
    let mut at = 0;
    while at < bytes.len() {
        let Some(record) = RawRecord::at(&bytes[at..], salt) else {
            let zeros = leading_zeros(&bytes[at..]);
            scan.is_torn |= zeros == 0;
            at += zeros.max(1);
            continue;
        };
        scan.damages += u64::from(at > scan.end);
        scan.is_torn = false;
        if record.kind() != Some(Kind::Dropped) {
            scan.last = Some(record.session());
            scan.events += 1;
        }
        scan.records += 1;
        scan.runs = Some((scan.runs.map_or(record.run(), |(first, _)| first), record.run()));
        visit(&record);
        at += record.0.len();
        scan.end = at;
    }
    scan
}

/// Returns how many bytes are zero before the first that is not. Most of a segment is, so it looks
/// at many together.
pub(super) fn leading_zeros(bytes: &[u8]) -> usize {
    let blocks =
        bytes.chunks_exact(64).take_while(|block| block.iter().fold(0, |or, byte| or | byte) == 0);
    let at = blocks.count() * 64;
    at + bytes[at..].iter().take_while(|byte| **byte == 0).count()
}

pub(super) fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a segment: records with these bodies, then zeros.
    fn segment(bodies: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, body) in bodies.iter().enumerate() {
            let mut record = vec![0; RECORD_BYTES];
            record.extend_from_slice(body.as_bytes());
            let (kind, form, index) = (Kind::Event, Form::Compact, at as u64 + 1);
            let fields = Fields { kind, form, run: 7, index, at_ms: -1, elapsed_ms: 5, session: 3 };
            seal(&mut record, &fields, 42);
            bytes.extend(record);
        }
        bytes.resize(bytes.len() + 200, 0);
        bytes
    }

    fn read(bytes: &[u8], salt: u32) -> (Scan, Vec<Record>) {
        let mut records = Vec::new();
        let scan = scan(bytes, salt, |record| records.push(record.to_record()));
        (scan, records)
    }

    #[test]
    fn what_was_sealed_is_read_back_and_nothing_else() {
        let bytes = segment(&["one", "", "three"]);
        let (found, records) = read(&bytes, 42);
        assert_eq!((found.records, found.end, found.is_torn), (3, bytes.len() - 200, false));
        assert_eq!((found.last, found.runs), (Some((3, -1)), Some((7, 7))));
        let bodies: Vec<&[u8]> = records.iter().map(|record| &record.body[..]).collect();
        assert_eq!(bodies, [&b"one"[..], b"", b"three"]);
        assert_eq!(
            (records[2].index, records[2].form, records[2].elapsed_ms),
            (3, Form::Compact, 5)
        );
        let (found, records) = read(&bytes, 43);
        assert!(records.is_empty() && found.is_torn, "another salt's records do not count");
        assert!(!read(&[0; 1_000], 42).0.is_torn);
    }

    #[test]
    fn any_changed_byte_costs_the_record_it_is_in() {
        let bytes = segment(&["one", "two", "three"]);
        for at in 0..bytes.len() - 200 {
            let mut bad = bytes.clone();
            bad[at] ^= 0x20;
            let (found, records) = read(&bad, 42);
            assert_eq!(records.len(), 2, "byte {at}");
            assert!(found.damages == 1 || found.is_torn, "byte {at}");
        }
    }
}
