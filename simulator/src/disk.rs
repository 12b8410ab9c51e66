//! What is on a phone's disk at a moment, to be put back later: so a kill and a power cut are played
//! within one process.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::random::Random;

/// The store's files.
const STORE: [&str; 3] = ["journey.db", "journey.db-wal", "journey.seq"];
/// What a disk writes at once.
const PAGE: usize = 4096;

/// The content of a journey's files.
#[derive(Clone, Default)]
pub(crate) struct Disk(BTreeMap<String, Vec<u8>>);

impl Disk {
    /// Reads what is in `folder` now, without SQLite's shared memory, which does not survive a
    /// restart.
    pub(crate) fn of(folder: &Path) -> Self {
        let files = entries(folder).filter_map(|(name, entry)| {
            let bytes = fs::read(entry.path()).ok()?;
            Some((name, bytes))
        });
        Self(files.collect())
    }

    /// Makes `folder` hold exactly this.
    ///
    /// # Errors
    /// An error of the file system.
    pub(crate) fn put_back(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            fs::remove_file(entry?.path())?;
        }
        for (name, bytes) in &self.0 {
            fs::write(folder.join(name), bytes)?;
        }
        Ok(())
    }

    /// Returns how many bytes `of` would read.
    pub(crate) fn bytes_in(folder: &Path) -> u64 {
        entries(folder).filter_map(|(_, entry)| Some(entry.metadata().ok()?.len())).sum()
    }

    /// Returns whether any file holds `text`.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let text = text.as_bytes();
        self.0.values().any(|bytes| bytes.windows(text.len()).any(|window| window == text))
    }

    /// Takes over the store from another disk.
    pub(crate) fn take_store_of(&mut self, other: &Self) {
        for name in STORE {
            match other.0.get(name) {
                Some(bytes) => self.0.insert(name.to_owned(), bytes.clone()),
                None => self.0.remove(name),
            };
        }
    }

    /// Returns what a power cut may leave of `self`, given what was on the disk when everything was
    /// last synced: the store as of then, or with a part of the later write-ahead log; each journal
    /// file as of then or as of now, or each of its pages; and cut anywhere. The small files as of now.
    pub(crate) fn after_power_cut(&self, synced: &Self, random: &mut Random) -> Self {
        let mut left = self.clone();
        for name in ["journal-0", "journal-1"] {
            let (from, other) = if random.percent(50) { (self, synced) } else { (synced, self) };
            let Some(mut bytes) = from.0.get(name).cloned() else {
                left.0.remove(name);
                continue;
            };
            if let Some(other) = other.0.get(name).filter(|_| random.percent(50)) {
                for (page, other) in bytes.chunks_mut(PAGE).zip(other.chunks(PAGE)) {
                    let count = page.len().min(other.len());
                    if random.percent(50) {
                        page[..count].copy_from_slice(&other[..count]);
                    }
                }
            }
            if random.percent(33) && !bytes.is_empty() {
                bytes.truncate(random.below(bytes.len() as u64) as usize);
            }
            left.0.insert(name.to_owned(), bytes);
        }
        if random.percent(50) {
            left.take_store_of(synced);
        }
        left
    }
}

/// The files in `folder` that survive a restart, with their names.
fn entries(folder: &Path) -> impl Iterator<Item = (String, fs::DirEntry)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        (!name.ends_with("-shm")).then_some((name, entry))
    })
}
