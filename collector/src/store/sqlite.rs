//! The embedded storage: SQLite, one thread that writes, a few connections that read.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jalon::clock::Clock;
use rusqlite::{Connection, OptionalExtension as _};
use tokio::sync::{Semaphore, watch};

use super::health::Health;
use super::wal::{Checkpointer, WalMonitor};
use super::writer::{Followers, State, Writer};
use super::{
    Answer, Appended, Claim, Context, ContextId, CustomerData, InstallationError, NumberedScreen,
    Storage, StoreError, Upload, View, append, call, erase, identity_key, key, read, schema,
    screen,
};
use crate::keys::Key;
use crate::limits::READERS_MAX;
use crate::proof::IdentityKey;
use crate::secret::{Hash, Secret};

/// The database of one data folder. When dropped, it commits what waits and closes.
pub struct SqliteStorage {
    writer: Writer,
    _checkpointer: Checkpointer,
    followers: Followers,
    readers: Arc<Readers>,
    health: Health,
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl SqliteStorage {
    /// Opens `collector.db` in the data folder, or creates it.
    ///
    /// # Errors
    /// [`StoreError::Later`] for a database of a later version; else the error of SQLite or the file
    /// system.
    pub fn open(folder: &Path, secret: Secret, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let path = folder.join("collector.db");
        let mut connection = schema::open_writer(&path)?;
        let monitor = Arc::new(WalMonitor::default());
        monitor.watch(&mut connection)?;
        let followers = Followers::default();
        let state = State {
            secret,
            clock,
            screens: HashMap::new(),
            changed: Vec::new(),
            // The last process may have ended after an erase, while a reader still held the log.
            uncleared: true,
        };
        let health = Health::default();
        let (of_writer, watched) = (Arc::clone(&monitor), Arc::clone(&followers));
        let writer = Writer::start(connection, state, watched, of_writer, &health)?;
        let checkpointer = Checkpointer::start(&path, monitor, &health)?;
        let permits = Semaphore::new(READERS_MAX);
        let readers = Arc::new(Readers { path, idle: Mutex::default(), permits });
        Ok(Self { writer, _checkpointer: checkpointer, followers, readers, health })
    }

    /// Runs `work` on a reading connection, on a blocking thread and in one snapshot.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _permit = self.readers.permits.acquire().await.map_err(|_| StoreError::Ended)?;
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || {
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => schema::open_reader(&readers.path)?,
            };
            let snapshot = connection.unchecked_transaction()?;
            let outcome = work(&snapshot)?;
            snapshot.finish()?;
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok(outcome)
        })
        .await
        .map_err(|_| StoreError::Ended)?
    }
}

#[cfg(test)]
impl SqliteStorage {
    /// Lets the writer's thread panic, and waits until that is noted.
    #[allow(clippy::panic, reason = "what is tested")]
    pub(crate) async fn kill_writer(&self) {
        let died = self.writer.write(|_, _| -> rusqlite::Result<()> { panic!("a defect") }).await;
        assert!(matches!(died, Err(StoreError::Ended)), "nobody waits for a dead thread");
        self.health.died().await;
    }
}

impl Storage for SqliteStorage {
    fn append(&self, upload: Upload) -> Answer<'_, Result<Appended, InstallationError>> {
        Box::pin(
            self.writer.write(move |connection, state| append::append(connection, state, &upload)),
        )
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Option<ContextId>> {
        Box::pin(
            self.writer
                .write_lookup(move |connection, state| call::claim(connection, state, &claim)),
        )
    }

    fn context(&self, app: String, id: ContextId) -> Answer<'_, Option<Context>> {
        Box::pin(self.read(move |connection| read::context(connection, &app, id)))
    }

    fn follow(&self, installation: i64) -> watch::Receiver<u64> {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        // Streams that closed without another change are forgotten here.
        followers.retain(|_, follower| follower.receiver_count() > 0);
        followers.entry(installation).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    fn note_view(&self, view: View) -> Answer<'_, bool> {
        Box::pin(
            self.writer
                .write_lookup(move |connection, state| call::note_view(connection, state, &view)),
        )
    }

    fn erase(
        &self,
        app: String,
        installation: Hash,
        at: i64,
    ) -> Answer<'_, Result<(), InstallationError>> {
        Box::pin(self.writer.write(move |connection, state| {
            erase::erase(connection, state, &app, &installation, at)
        }))
    }

    fn customer_data(&self, app: Option<String>, customer: String) -> Answer<'_, CustomerData> {
        Box::pin(
            self.read(move |connection| {
                erase::customer_data(connection, app.as_deref(), &customer)
            }),
        )
    }

    fn erase_customer(&self, app: Option<String>, customer: String, at: i64) -> Answer<'_, u64> {
        Box::pin(self.writer.write(move |connection, state| {
            erase::erase_customer(connection, state, app.as_deref(), &customer, at)
        }))
    }

    fn last_retention(&self) -> Answer<'_, Option<i64>> {
        Box::pin(self.read(|connection| {
            connection
                .prepare_cached("SELECT at FROM retention WHERE only = 1")?
                .query_row([], |row| row.get(0))
                .optional()
        }))
    }

    fn note_retention(&self, at: i64) -> Answer<'_, ()> {
        Box::pin(self.writer.write(move |connection, _| {
            connection
                .prepare_cached(
                    "INSERT INTO retention (only, at) VALUES (1, ?1)
                     ON CONFLICT (only) DO UPDATE SET at = max(at, excluded.at)",
                )?
                .execute([at])?;
            Ok(())
        }))
    }

    fn set_retention(&self, at: i64) -> Answer<'_, ()> {
        Box::pin(self.writer.write(move |connection, _| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO retention (only, at) VALUES (1, ?1)")?
                .execute([at])?;
            Ok(())
        }))
    }

    fn expire(&self, now: i64) -> Answer<'_, bool> {
        Box::pin(self.writer.write(move |connection, state| {
            let more = erase::expire(connection, state, now)?;
            // Data that another process erased may still be in the write-ahead log.
            state.uncleared |= !more;
            Ok(more)
        }))
    }

    fn add_key(&self, key: Key) -> Answer<'_, ()> {
        Box::pin(self.writer.write(move |connection, _| key::add(connection, &key)))
    }

    fn keys(&self) -> Answer<'_, Vec<Key>> {
        Box::pin(self.read(key::list))
    }

    fn remove_key(&self, hash: Hash) -> Answer<'_, bool> {
        Box::pin(self.writer.write(move |connection, _| key::remove(connection, &hash)))
    }

    fn expire_key(&self, hash: Hash, at: i64) -> Answer<'_, bool> {
        Box::pin(self.writer.write(move |connection, _| key::expire(connection, &hash, at)))
    }

    fn add_identity_key(&self, key: IdentityKey, at: i64) -> Answer<'_, bool> {
        Box::pin(self.writer.write(move |connection, _| identity_key::add(connection, &key, at)))
    }

    fn identity_keys(&self, app: Option<String>) -> Answer<'_, Vec<(IdentityKey, i64)>> {
        Box::pin(self.read(move |connection| identity_key::list(connection, app.as_deref())))
    }

    fn remove_identity_key(&self, app: String, id: String) -> Answer<'_, bool> {
        Box::pin(
            self.writer.write(move |connection, _| identity_key::remove(connection, &app, &id)),
        )
    }

    fn number_screens(&self, app: String, names: Vec<String>) -> Answer<'_, BTreeMap<String, u16>> {
        Box::pin(self.writer.write(move |connection, state| {
            let mut numbers = BTreeMap::new();
            for name in names {
                if let Some(number) =
                    screen::number_listed(connection, &mut state.screens, &app, &name)?
                {
                    numbers.insert(name, number);
                }
            }
            Ok(numbers)
        }))
    }

    fn screens(&self, app: Option<String>) -> Answer<'_, Vec<NumberedScreen>> {
        Box::pin(self.read(move |connection| screen::list(connection, app.as_deref())))
    }

    fn ready(&self, at: i64) -> Answer<'_, ()> {
        Box::pin(self.writer.write(move |connection, _| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO heartbeat (only, at) VALUES (1, ?1)")?
                .execute([at])?;
            Ok(())
        }))
    }

    fn health(&self) -> &Health {
        &self.health
    }
}
