//! The storage: one small trait, with SQLite behind it. An engine for many machines can implement the
//! same trait and pass the same tests.
//!
//! Every write is on disk when its future resolves. Times come in as arguments, in ms since the Unix
//! epoch by the collector's clock.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;

use crate::keys::Key;
use crate::proof::IdentityKey;
use crate::secret::Hash;

mod append;
mod audit;
mod call;
mod claimant;
mod erase;
mod health;
mod identity_key;
mod key;
mod lease;
mod model;
mod queue;
mod read;
mod schema;
mod screen;
mod sqlite;
mod wal;
mod writer;

pub use audit::{AuditEntry, AuditError, AuditLog};
pub use claimant::Claimant;
pub use health::Health;
pub use model::{
    Appended, Claim, Context, ContextId, CustomerData, EpochState, Handle, Identification,
    InstallationError, NewCall, NewEvent, NewOwner, NewStatement, NumberedScreen, StoredCall,
    StoredEvent, Upload, View,
};
pub use sqlite::SqliteStorage;

/// The answer of a storage, as a future.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Stores events, calls, leases, keys and the audit log.
pub trait Storage: Send + Sync {
    /// Stores an upload's events and calls, each exactly once, and tops up the leases.
    fn append(&self, upload: Upload) -> Answer<'_, Result<Appended, InstallationError>>;

    /// Binds a call to a call id, if it can be claimed, and notes the view in the audit log.
    /// `None` alike for a call that is unknown, expired, claimed or another app's.
    fn claim(&self, claim: Claim) -> Answer<'_, Option<ContextId>>;

    /// Reads the context of a claimed call. `None` once it is erased.
    fn context(&self, app: String, id: ContextId) -> Answer<'_, Option<Context>>;

    /// Watches an installation for changes: the channel holds the number of its newest commit.
    fn follow(&self, installation: i64) -> watch::Receiver<u64>;

    /// Notes in the audit log that a desk link was opened. `false` once the call is erased: then a
    /// context that was read before must not be shown.
    fn note_view(&self, view: View) -> Answer<'_, bool>;

    /// Erases an installation, also one that was never seen. Only a tombstone is kept.
    fn erase(
        &self,
        app: String,
        installation: Hash,
        at: i64,
    ) -> Answer<'_, Result<(), InstallationError>>;

    /// Counts what `erase_customer` would erase.
    fn customer_data(&self, app: Option<String>, customer: String) -> Answer<'_, CustomerData>;

    /// Erases every installation that a customer used, in one app or in all, and answers how many. Notes
    /// it in the audit log of each app.
    fn erase_customer(&self, app: Option<String>, customer: String, at: i64) -> Answer<'_, u64>;

    /// The latest time at which what has expired was removed, as the next two were told; none if it never
    /// was.
    fn last_retention(&self) -> Answer<'_, Option<i64>>;

    /// Notes that what has expired is being removed. An earlier time changes nothing.
    fn note_retention(&self, at: i64) -> Answer<'_, ()>;

    /// Notes the same, also an earlier time.
    fn set_retention(&self, at: i64) -> Answer<'_, ()>;

    /// Removes one slice of what has expired, and answers whether there may be more.
    fn expire(&self, now: i64) -> Answer<'_, bool>;

    /// Stores a key by its hash.
    fn add_key(&self, key: Key) -> Answer<'_, ()>;

    /// All keys, oldest first.
    fn keys(&self) -> Answer<'_, Vec<Key>>;

    /// Removes a key; `false` when there is none of this hash.
    fn remove_key(&self, hash: Hash) -> Answer<'_, bool>;

    /// Lets a key end at a time; `false` when there is none of this hash.
    fn expire_key(&self, hash: Hash, at: i64) -> Answer<'_, bool>;

    /// Stores an identity key; `false` when the app has as many as it may.
    fn add_identity_key(&self, key: IdentityKey, at: i64) -> Answer<'_, bool>;

    /// The identity keys of an app, or of all apps, oldest first, each with the time it was added.
    fn identity_keys(&self, app: Option<String>) -> Answer<'_, Vec<(IdentityKey, i64)>>;

    /// Removes an identity key; `false` when the app has no key of that id.
    fn remove_identity_key(&self, app: String, id: String) -> Answer<'_, bool>;

    /// Numbers the screens that a screens file lists, in this order, unless they have a number, and answers
    /// the number of each. A screen has none once all numbers are taken.
    fn number_screens(&self, app: String, names: Vec<String>) -> Answer<'_, BTreeMap<String, u16>>;

    /// The numbers of an app's screens, or of all apps'.
    fn screens(&self, app: Option<String>) -> Answer<'_, Vec<NumberedScreen>>;

    /// Writes, and resolves once that has reached the disk.
    fn ready(&self, at: i64) -> Answer<'_, ()>;

    /// Whether the storage's threads live.
    fn health(&self) -> &Health;
}

/// Why the storage failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite failed. Its messages name tables and causes, never values.
    #[error("failed to use SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file system failed.
    #[error("failed to use the data folder: {0}")]
    Io(#[from] std::io::Error),
    /// The commit failed, for all requests that shared it.
    #[error("failed to commit: {0}")]
    Commit(std::sync::Arc<rusqlite::Error>),
    /// The database was made by a later version.
    #[error(
        "failed to open a database of schema {0}: use a collector at least as new as its writer"
    )]
    Later(i64),
    /// The writer's queue is full.
    #[error("failed to queue: too many requests wait for the disk")]
    Busy,
    /// The storage has shut down.
    #[error("failed to reach the storage: it has shut down")]
    Ended,
}
