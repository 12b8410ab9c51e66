//! What a later version of the SDK leaves in a phone's folder, for the app's update that is rolled back:
//! the present version must neither take it for its own nor stumble over it.
//!
//! A later version first takes over what the present one left, so the journal holds nothing of ours then.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::random::Random;

/// More records of a later version than its header.
const LATER_RECORDS_BYTES: usize = 200;

/// What a later version has changed beyond our reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Later {
    /// The store has tables of that version.
    pub store: bool,
    /// The journal has another format.
    pub journal: bool,
    /// The identity has another format: which installation it was can no longer be told.
    pub identity: bool,
}

impl Later {
    /// Draws what changed: any of it, and something always.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let changed = random.between(1, 7);
        let [store, journal, identity] = [1, 2, 4].map(|bit| changed & bit != 0);
        Self { store, journal, identity }
    }

    /// Writes it into `folder`, in which no process runs.
    ///
    /// # Errors
    /// An error of the file system or of SQLite.
    pub(crate) fn write(self, folder: &Path, random: &mut Random) -> Result<()> {
        let store = folder.join("journey.db");
        if self.store && store.exists() {
            let store = rusqlite::Connection::open(store)?;
            store.execute_batch(
                "ALTER TABLE events ADD COLUMN later TEXT; PRAGMA user_version = 99",
            )?;
        }
        if self.journal {
            for name in ["journal-0", "journal-1"] {
                let mut bytes = b"JALONJ9\0".to_vec();
                bytes.resize(LATER_RECORDS_BYTES, 0);
                random.fill(&mut bytes[8..]);
                fs::write(folder.join(name), bytes)?;
            }
        }
        let identity = folder.join("identity");
        if self.identity && identity.exists() {
            let mut bytes = b"JALONID9".to_vec();
            bytes.resize(64, 0);
            random.fill(&mut bytes[8..]);
            fs::write(identity, bytes)?;
        }
        Ok(())
    }
}
