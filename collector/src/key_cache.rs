//! The keys, all of them in memory: they are few. They are read again every two seconds, so that what an
//! operator creates, revokes or lets expire holds within that time; and when a key is not known, so that a
//! new one holds at once. How often the latter may be is bounded: whoever sends nonsense costs no reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::Quota;
use jalon::clock::{Clock, Now};

use crate::keys::{self, Key};
use crate::limits::{KEYS_FRESH_MS, UNKNOWN_KEYS_BURST, UNKNOWN_KEYS_PER_S};
use crate::secret::Hash;
use crate::store::{Storage, StoreError};
use crate::throttle::{Throttle, at_least_one};

/// The keys of one collector.
pub(crate) struct KeyCache {
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Held while the keys are read, so that none is overwritten by an earlier state.
    reading: tokio::sync::Mutex<()>,
    unknown: Throttle<()>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<Hash, Key>,
    /// When they were last read, in ms of the elapsed clock.
    read_ms: Option<u64>,
}

impl KeyCache {
    /// Knows no key yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::per_second(at_least_one(UNKNOWN_KEYS_PER_S));
        let quota = quota.allow_burst(at_least_one(UNKNOWN_KEYS_BURST));
        let unknown = Throttle::new(quota, 1, Arc::clone(&clock));
        let (known, reading) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { clock, known, reading, unknown }
    }

    /// Finds the key that a client presents, if it is valid now.
    ///
    /// # Errors
    /// An error of the storage, where it had to be asked for a key that is not known.
    pub(crate) async fn find(
        &self,
        storage: &dyn Storage,
        key: &str,
    ) -> Result<Option<Key>, StoreError> {
        let hash = keys::hash(key);
        let now = self.clock.now();
        if self.is_due(now) {
            let reading = self.reading.lock().await;
            // Unless whoever held it has just read them.
            if self.is_due(now) {
                let read = self.read_now(storage, now).await;
                drop(reading);
                if let (Err(error), None) = (read, self.valid(&hash, now)) {
                    return Err(error);
                }
            }
        }
        let found = self.valid(&hash, now);
        if found.is_none() && self.unknown.take(&(), 1).is_ok() {
            self.read(storage).await?;
            return Ok(self.valid(&hash, now));
        }
        Ok(found)
    }

    /// Reads all keys.
    ///
    /// # Errors
    /// An error of the storage.
    pub(crate) async fn read(&self, storage: &dyn Storage) -> Result<(), StoreError> {
        let _reading = self.reading.lock().await;
        self.read_now(storage, self.clock.now()).await
    }

    /// A client that hangs up ends this with its request, and the next one reads. Those that cannot be read
    /// are tried again at the next request; meanwhile those that are known hold.
    async fn read_now(&self, storage: &dyn Storage, now: Now) -> Result<(), StoreError> {
        let keys = storage.keys().await?;
        let keys = keys.into_iter().map(|key| (key.hash, key)).collect();
        *self.lock() = Known { keys, read_ms: Some(now.elapsed_ms) };
        Ok(())
    }

    fn is_due(&self, now: Now) -> bool {
        let read_ms = self.lock().read_ms;
        read_ms.is_none_or(|read_ms| now.elapsed_ms >= read_ms + KEYS_FRESH_MS)
    }

    fn valid(&self, hash: &Hash, now: Now) -> Option<Key> {
        let key = self.lock().keys.get(hash).cloned();
        key.filter(|key| key.expires_at.is_none_or(|at| now.wall_ms < at))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
