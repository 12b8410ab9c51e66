//! The start of a segment: its header, which makes the records behind it count, and the counts of
//! drops.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::record::chunk;
use crate::event::{DropReason, Dropped};

/// The header's first bytes, by version. Version 1 was written, not mapped; its records are JSON,
/// and it has no counts. An earlier version of this library takes a header that it does not know
/// for damage, and starts the segment again.
const MAGIC_1: &[u8; 8] = b"JALONJ1\0";
const MAGIC: &[u8; 8] = b"JALONJ2\0";
/// Ordinal, salt, session, wall clock of its last event.
const FIELDS_BYTES: usize = 8 + 4 + 4 + 8;
/// Where the counts of drops stand: for each reason, by its number, four bytes of the count and four
/// of its complement; zeros where there is none.
const COUNTS_AT: usize = 8 + FIELDS_BYTES + 4 + 4;
const COUNTS_END: usize = COUNTS_AT + 8 * DropReason::ALL.len();
/// Where the first record stands in version 1, behind magic, fields and CRC.
const BODY_AT_1: u64 = 8 + FIELDS_BYTES as u64 + 4;
/// Where the first record stands.
pub(super) const BODY_AT: u64 = 128;

/// The start of a segment. A record is valid only with its segment's salt, so that writing a new
/// header frees the whole segment at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The newer of the two segments has the higher ordinal.
    pub(super) ordinal: u64,
    pub(super) salt: u32,
    /// The last session among the records freed before, which would otherwise be lost with them;
    /// and the wall clock of its last event.
    pub(super) session: (u32, i64),
    /// What stands behind the header belongs to records that were freed before. It is being
    /// overwritten with zeros.
    pub(super) is_stale: bool,
    /// Where the first record stands.
    pub(super) body_at: u64,
}

impl Header {
    pub(super) fn new(ordinal: u64, salt: u32, session: (u32, i64), is_stale: bool) -> Self {
        Self { ordinal, salt, session, is_stale, body_at: BODY_AT }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(COUNTS_AT);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.ordinal.to_le_bytes());
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&self.session.0.to_le_bytes());
        bytes.extend_from_slice(&self.session.1.to_le_bytes());
        bytes.extend_from_slice(&u32::from(self.is_stale).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let is_old = bytes.starts_with(MAGIC_1);
        let end = if is_old { BODY_AT_1 as usize } else { COUNTS_AT };
        let (covered, crc) = bytes.get(..end)?.split_last_chunk::<4>()?;
        if crc32fast::hash(covered) != u32::from_le_bytes(*crc) {
            return None;
        }
        let fields = covered.strip_prefix(if is_old { MAGIC_1 } else { MAGIC })?;
        Some(Self {
            ordinal: u64::from_le_bytes(chunk(fields, 0)?),
            salt: u32::from_le_bytes(chunk(fields, 8)?),
            session: (
                u32::from_le_bytes(chunk(fields, 12)?),
                i64::from_le_bytes(chunk(fields, 16)?),
            ),
            is_stale: !is_old && u32::from_le_bytes(chunk(fields, FIELDS_BYTES)?) != 0,
            body_at: if is_old { BODY_AT_1 } else { BODY_AT },
        })
    }

    /// Reads the counts of drops behind it.
    pub(super) fn read_counts(&self, file: &File) -> io::Result<Dropped> {
        let mut counts = Dropped::default();
        if self.body_at == BODY_AT {
            let mut bytes = [0; COUNTS_END - COUNTS_AT];
            file.read_exact_at(&mut bytes, COUNTS_AT as u64)?;
            for (reason, bytes) in DropReason::ALL.into_iter().zip(bytes.chunks_exact(8)) {
                match count_of(chunk(bytes, 0).unwrap_or_default()) {
                    Some(count) => counts.add(reason, u64::from(count)),
                    None => counts.add(DropReason::Corrupt, 1),
                }
            }
        }
        Ok(counts)
    }
}

/// Counts a drop in a mapped segment. False if the count there is damaged.
pub(super) fn count_in(mapped: &mut [u8], reason: DropReason) -> bool {
    let at = COUNTS_AT + 8 * reason as usize;
    let place = mapped.get_mut(at..).and_then(|bytes| bytes.first_chunk_mut::<8>());
    let Some((place, count)) = place.and_then(|place| count_of(*place).map(|count| (place, count)))
    else {
        return false;
    };
    let count = count.saturating_add(1);
    *place = (u64::from(count) | u64::from(!count) << 32).to_le_bytes();
    true
}

/// Reads a count; `None` if it is damaged. A processor of 32 bits writes the halves one after the
/// other, and a kill may come between: then one of them is a step behind (and a first one damaged).
fn count_of(bytes: [u8; 8]) -> Option<u32> {
    let both = u64::from_le_bytes(bytes);
    let (count, other) = (both as u32, !((both >> 32) as u32));
    if both == 0 {
        return Some(0);
    }
    (count.abs_diff(other) <= 1).then_some(count.max(other))
}

/// The bytes of a segment that are zero where there are no records: all but the header.
pub(super) const ZEROS_AT: u64 = COUNTS_AT as u64;
