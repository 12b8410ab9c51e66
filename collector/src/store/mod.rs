//! What the collector asks of its storage: one small trait, so that an engine for many machines
//! can join with the same tests. SQLite is behind it.
//!
//! Every write is on disk when its future resolves. Times come in as arguments.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;

use crate::keys::{Key, KeyKind};
use crate::proof::IdentityKey;
use crate::secret::Hash;

mod append;
mod audit;
mod call;
mod claimant;
mod erase;
mod identity_key;
mod lease;
mod model;
mod queue;
mod read;
mod schema;
mod sqlite;
mod wal;
mod writer;

pub use audit::{AuditEntry, AuditError, AuditLog};
pub use claimant::Claimant;
pub use model::{
    Appended, Claim, Context, ContextId, EpochState, Handle, Identification, InstallationError,
    NewCall, NewEvent, NewStatement, StoredCall, StoredEvent, Upload, View,
};
pub use sqlite::SqliteStorage;

/// The answer of a storage, in time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Where events, calls, leases and keys are kept.
pub trait Storage: Send + Sync {
    /// Stores an upload's events and calls, each once, and tops up the leases.
    fn append(&self, upload: Upload) -> Answer<'_, Result<Appended, InstallationError>>;

    /// Binds a call to a call id, if it can be claimed, and notes the view in the audit log.
    /// `None` for unknown, expired, claimed and another app's alike.
    fn claim(&self, claim: Claim) -> Answer<'_, Option<ContextId>>;

    /// Reads what a claimed call shows. `None` once it is erased.
    fn context(&self, app: String, id: ContextId) -> Answer<'_, Option<Context>>;

    /// Watches for changes of an installation's context: the number of its newest commit.
    fn follow(&self, installation: i64) -> watch::Receiver<u64>;

    /// Notes in the audit log that a desk link was opened. `false` once the call is erased: what
    /// was read of it before must not be shown.
    fn note_view(&self, view: View) -> Answer<'_, bool>;

    /// Erases an installation, also one never seen: nothing is kept but a tombstone.
    fn erase(
        &self,
        app: String,
        installation: Hash,
        at: i64,
    ) -> Answer<'_, Result<(), InstallationError>>;

    /// Erases every installation that a customer used, in one app or in all; says how many.
    fn erase_customer(&self, app: Option<String>, customer: String, at: i64) -> Answer<'_, u64>;

    /// Removes one slice of what has expired; says whether there may be more.
    fn expire(&self, now: i64) -> Answer<'_, bool>;

    /// Keeps a key's hash.
    fn add_key(&self, key: Key, at: i64) -> Answer<'_, ()>;

    /// Finds a key by its hash.
    fn key(&self, hash: Hash) -> Answer<'_, Option<(KeyKind, String)>>;

    /// Keeps an identity key; `false` when the app has as many as it may.
    fn add_identity_key(&self, key: IdentityKey, at: i64) -> Answer<'_, bool>;

    /// The identity keys of an app, or of all, oldest first, and since when.
    fn identity_keys(&self, app: Option<String>) -> Answer<'_, Vec<(IdentityKey, i64)>>;

    /// Forgets an identity key; `false` when the app has none of that id.
    fn remove_identity_key(&self, app: String, id: String) -> Answer<'_, bool>;

    /// Gives numbers to screens, in this order, unless they have one; says which each has, as far as
    /// there are numbers.
    fn number_screens(&self, app: String, names: Vec<String>) -> Answer<'_, BTreeMap<String, u16>>;

    /// Whether writes get through.
    fn ready(&self) -> Answer<'_, ()>;
}

/// Why the storage failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said so. Its messages name tables and causes, never values.
    #[error("failed to use SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file system said so.
    #[error("failed to use the data folder: {0}")]
    Io(#[from] std::io::Error),
    /// The commit that many shared failed for all of them.
    #[error("failed to commit: {0}")]
    Commit(std::sync::Arc<rusqlite::Error>),
    /// Made by a later version.
    #[error("failed to open a store of schema {0}: this collector is older than it")]
    Later(i64),
    /// More waits than is bearable.
    #[error("failed to queue: too much is waiting for the disk")]
    Busy,
    /// Shutting down.
    #[error("failed to reach the storage: it has ended")]
    Ended,
}
