//! The watermark: the next number as of the last synced commit, in a file beside the store. All
//! numbers below it may have left the device.
//!
//! SQLite reads a damaged write-ahead log only up to the damage, and silently continues from an
//! older commit. This file, written after each synced commit, reveals that: a store whose next
//! number is lower has lost numbers that the collector may know, and must be set aside. Setting it
//! aside is `worker`'s.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The watermark's file, beside the store's.
const FILE: &str = "journey.seq";
const BYTES: usize = 4 + 8 + 4;

/// The watermark of one installation and epoch.
#[derive(Debug)]
pub(super) struct Watermark {
    path: PathBuf,
    /// CRC-32 of installation and epoch: the numbers of another one mean nothing here.
    owner: u32,
    /// The number in the file, as far as is known.
    next_seq: u64,
}

impl Watermark {
    /// Reads the watermark beside the store at `store`. Zero if there is none, it is damaged, or it
    /// belongs to another installation or epoch.
    pub(super) fn read(store: &Path, (installation, epoch): ([u8; 16], u32)) -> Self {
        let path = store.with_file_name(FILE);
        let owner = crc32fast::hash(&[&installation[..], &epoch.to_le_bytes()].concat());
        let next_seq = fs::read(&path).ok().and_then(|bytes| decode(&bytes, owner)).unwrap_or(0);
        Self { path, owner, next_seq }
    }

    /// Returns whether a store that would give `next_seq` next has lost numbers that it gave.
    pub(super) fn contradicts(&self, next_seq: u64) -> bool {
        next_seq < self.next_seq
    }

    /// Notes that all numbers below `next_seq` may leave the device.
    pub(super) fn note(&mut self, next_seq: u64) {
        if next_seq != self.next_seq && self.write(next_seq).is_ok() {
            self.next_seq = next_seq;
        }
        // A failed write is no reason to hold events back: the store itself is synced, and the
        // watermark matters only if the store is damaged as well.
    }

    fn write(&self, next_seq: u64) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(&self.owner.to_le_bytes());
        bytes.extend_from_slice(&next_seq.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        options.open(&self.path)?.write_all_at(&bytes, 0)
    }
}

fn decode(bytes: &[u8], owner: u32) -> Option<u64> {
    let (body, crc) = bytes.get(..BYTES)?.split_last_chunk::<4>()?;
    let (whose, next_seq) = body.split_first_chunk::<4>()?;
    let ours =
        crc32fast::hash(body) == u32::from_le_bytes(*crc) && u32::from_le_bytes(*whose) == owner;
    Some(u64::from_le_bytes(next_seq.try_into().ok()?)).filter(|_| ours)
}
