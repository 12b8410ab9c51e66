//! What is on a phone's disk at a moment, to be restored later: so a test simulates a kill or a
//! power cut within its own process.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Random;
use super::child::PLACE;

const DB: &str = "journey.db";
const WAL: &str = "journey.db-wal";

/// The journal's two files.
const JOURNAL: [&str; 2] = ["journal-0", "journal-1"];
/// What a disk writes at once.
const PAGE: usize = 4096;

/// Where the records of a journal's file end: behind them it is all zeros.
pub fn journal_end(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// The file of the journal that holds the most.
pub fn fullest_journal(folder: &Path) -> PathBuf {
    let files = JOURNAL.map(|name| folder.join(name));
    files.into_iter().max_by_key(|path| journal_end(&fs::read(path).unwrap())).unwrap()
}

/// The content of a journey's files.
#[derive(Clone, Default)]
pub struct Disk(BTreeMap<String, Vec<u8>>);

impl Disk {
    /// What is in `folder` now, without SQLite's shared memory, which does not survive a restart.
    pub fn of(folder: &Path) -> Self {
        let entries = fs::read_dir(folder).into_iter().flatten().map(Result::unwrap);
        let files = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
        let files = files.filter(|(name, _)| !name.ends_with("-shm"));
        Self(files.filter_map(|(name, path)| Some((name, fs::read(path).ok()?))).collect())
    }

    /// Makes `folder` hold exactly this. Without the mark by which a copy is known: to the journey
    /// it is the same folder.
    pub fn restore(&self, folder: &Path) {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        for (name, bytes) in self.0.iter().filter(|(name, _)| *name != PLACE) {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }

    /// What a power cut may leave of `self`, when `durable` is the last state that was synced as a
    /// whole. The store is as of then or newer, by whole transactions. A journal is never synced:
    /// each of its pages may be as old as in any of `before`, and the file cut anywhere. The small
    /// files were synced.
    pub fn after_power_cut(&self, durable: &Self, before: &[Self], random: &mut Random) -> Self {
        let mut left = self.clone();
        for name in JOURNAL {
            let by_pages = random.below(2) == 0;
            let mut any = || {
                let at = random.below(before.len() as u64 + 1) as usize;
                before.get(at).unwrap_or(self).0.get(name)
            };
            let mut bytes = any().cloned();
            if let Some(bytes) = bytes.as_mut().filter(|_| by_pages) {
                for (at, page) in bytes.chunks_mut(PAGE).enumerate() {
                    let older = any()
                        .map(Vec::as_slice)
                        .unwrap_or_default()
                        .get(at * PAGE..)
                        .unwrap_or_default();
                    let count = older.len().min(page.len());
                    page[..count].copy_from_slice(&older[..count]);
                }
            }
            if random.below(3) == 0 {
                bytes = bytes.map(|mut bytes| {
                    bytes.truncate(random.below(bytes.len() as u64 + 1) as usize);
                    bytes
                });
            }
            left.put(name, bytes);
        }
        if random.below(3) > 0 {
            let (now, then) = (self.0.get(WAL), durable.0.get(WAL));
            let mut wal = then.cloned();
            if let (Some(now), Some(then)) = (now, then)
                && self.0.get(DB) == durable.0.get(DB)
                && now.starts_with(then)
            {
                // A random part of what was appended since.
                let more = random.below((now.len() - then.len()) as u64 + 1) as usize;
                wal = Some(now[..then.len() + more].to_vec());
            }
            left.put(DB, durable.0.get(DB).cloned());
            left.put(WAL, wal);
        }
        left
    }

    fn put(&mut self, name: &str, bytes: Option<Vec<u8>>) {
        match bytes {
            Some(bytes) => drop(self.0.insert(name.to_owned(), bytes)),
            None => drop(self.0.remove(name)),
        }
    }
}
