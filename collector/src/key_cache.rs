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
    unknown: Throttle<()>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<Hash, Key>,
    /// When they were last read, or a request began to, in ms of the elapsed clock.
    read_ms: Option<u64>,
}

impl KeyCache {
    /// Knows no key yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::per_second(at_least_one(UNKNOWN_KEYS_PER_S));
        let quota = quota.allow_burst(at_least_one(UNKNOWN_KEYS_BURST));
        let unknown = Throttle::new(quota, 1, Arc::clone(&clock));
        Self { clock, known: Mutex::default(), unknown }
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
        let is_due = self.begin_to_read(now);
        let found = self.valid(&hash, now);
        if !is_due && (found.is_some() || self.unknown.take(&(), 1).is_err()) {
            return Ok(found);
        }
        match self.read(storage).await {
            Ok(()) => Ok(self.valid(&hash, now)),
            // A key that was valid two seconds ago is better than none.
            Err(_) if found.is_some() => Ok(found),
            Err(error) => Err(error),
        }
    }

    /// Reads all keys.
    ///
    /// # Errors
    /// An error of the storage.
    pub(crate) async fn read(&self, storage: &dyn Storage) -> Result<(), StoreError> {
        let keys = storage.keys().await?;
        self.lock().keys = keys.into_iter().map(|key| (key.hash, key)).collect();
        Ok(())
    }

    /// Whether it is time to read the keys again, which the caller then does. Others go on with those that
    /// are known meanwhile.
    fn begin_to_read(&self, now: Now) -> bool {
        let mut known = self.lock();
        let is_due = known.read_ms.is_none_or(|read_ms| now.elapsed_ms >= read_ms + KEYS_FRESH_MS);
        if is_due {
            known.read_ms = Some(now.elapsed_ms);
        }
        is_due
    }

    fn valid(&self, hash: &Hash, now: Now) -> Option<Key> {
        let key = self.lock().keys.get(hash).cloned();
        key.filter(|key| key.expires_at.is_none_or(|at| now.wall_ms < at))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
