//! The collector itself: opens a data folder, takes the operator's commands, and hands out the routes.
//!
//! The only file that knows HTTP from outside; the state itself lies below the routes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;
use std::time::Duration;

use jalon::clock::Clock;

use crate::config::{ConfigError, Options};
use crate::http;
use crate::keys::{self, Key, KeyKind};
use crate::limits::{EXPIRE_EVERY_S, EXPIRE_PAUSE_MS, IDENTITY_KEYS_MAX};
use crate::proof::IdentityKey;
use crate::secret::Secret;
use crate::state::AppState;
use crate::store::{SqliteStorage, Storage as _, StoreError};

/// A collector on one data folder. Clones share it; the last one dropped closes it.
#[derive(Clone)]
pub struct Collector(Arc<AppState>);

/// Why a collector cannot be opened, or an operator's command failed.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder or the secret in it cannot be used.
    #[error("failed to use the data folder: {0}")]
    Folder(#[source] io::Error),
    /// The app has as many identity keys as it may.
    #[error("failed to add the key: an app has at most {IDENTITY_KEYS_MAX}; remove one first")]
    IdentityKeys,
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Collector {
    /// Opens the data folder, or creates it, and numbers the configured screens. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`CollectorError`], by the part that cannot be used.
    pub async fn open(options: Options, clock: Arc<dyn Clock>) -> Result<Self, CollectorError> {
        let options = options.checked()?;
        // Readable by its owner alone: it holds customers' journeys and the secret.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&options.data_dir)
            .map_err(CollectorError::Folder)?;
        let secret = Secret::open(&options.data_dir, &*clock).map_err(CollectorError::Folder)?;
        let storage = SqliteStorage::open(&options.data_dir, secret.clone(), Arc::clone(&clock))?;
        let mut screen_numbers = BTreeMap::new();
        for (app, entry) in &options.apps {
            let names = entry.screens.iter().map(|screen| screen.name.clone()).collect();
            let numbers = storage.number_screens(app.clone(), names).await?;
            screen_numbers.insert(app.clone(), numbers);
        }
        let state = AppState::new(options, clock, secret, Box::new(storage), screen_numbers);
        Ok(Self(Arc::new(state)))
    }

    /// The routes, to serve or to call in a test without a socket.
    pub fn router(&self) -> axum::Router {
        http::router(Arc::clone(&self.0))
    }

    /// Creates a key for an app and returns it. Only its hash is stored.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn create_key(&self, kind: KeyKind, app: &str) -> Result<String, CollectorError> {
        let key = keys::draw(kind, &*self.0.clock);
        let entry = Key { hash: keys::hash(&key), kind, app: app.to_owned() };
        self.0.storage.add_key(entry, self.0.now_ms()).await?;
        Ok(key)
    }

    /// Adds a key with which an app's backend signs proofs of identity. Several may be valid at the
    /// same time, so that keys can be rotated. Proofs that arrive from now on are judged by it too.
    ///
    /// # Errors
    /// [`CollectorError::IdentityKeys`] when the app has as many as it may; else
    /// [`CollectorError::Store`].
    pub async fn add_identity_key(&self, key: IdentityKey) -> Result<(), CollectorError> {
        let added = self.0.storage.add_identity_key(key, self.0.now_ms()).await?;
        if added { Ok(()) } else { Err(CollectorError::IdentityKeys) }
    }

    /// The identity keys of an app, or of all apps, oldest first, each with the time it was added, in
    /// ms since the Unix epoch.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn identity_keys(
        &self,
        app: Option<&str>,
    ) -> Result<Vec<(IdentityKey, i64)>, CollectorError> {
        Ok(self.0.storage.identity_keys(app.map(str::to_owned)).await?)
    }

    /// Removes an identity key; `false` when the app has no key of that id. Customers that it verified
    /// stay verified.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn remove_identity_key(&self, app: &str, id: &str) -> Result<bool, CollectorError> {
        Ok(self.0.storage.remove_identity_key(app.to_owned(), id.to_owned()).await?)
    }

    /// Erases every installation that a customer used, in one app or in all, and answers how many. Their
    /// live streams end with `erased`.
    ///
    /// # Errors
    /// [`CollectorError::Store`]; then nothing is erased.
    pub async fn erase_customer(
        &self,
        app: Option<&str>,
        customer: &str,
    ) -> Result<u64, CollectorError> {
        let app = app.map(str::to_owned);
        Ok(self.0.storage.erase_customer(app, customer.to_owned(), self.0.now_ms()).await?)
    }

    /// Removes everything that has expired, in slices between which others can write.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn expire(&self) -> Result<(), CollectorError> {
        while self.0.storage.expire(self.0.now_ms()).await? {
            tokio::time::sleep(Duration::from_millis(EXPIRE_PAUSE_MS)).await;
        }
        Ok(())
    }

    /// Keeps removing what expires, until [`end`](Self::end).
    pub async fn keep_expiring(&self) {
        let mut ending = self.0.ending.subscribe();
        let expiring = async {
            loop {
                if let Err(error) = self.expire().await {
                    tracing::error!(%error, "failed to remove what has expired");
                }
                tokio::time::sleep(Duration::from_secs(EXPIRE_EVERY_S)).await;
            }
        };
        tokio::select! {
            () = expiring => {}
            // Also within a long round: the rest is removed after the next start.
            _ = ending.wait_for(|ending| *ending) => {}
        }
    }

    /// Ends live streams and the retention job, so that a server can shut down. Uploads under way
    /// are still answered.
    pub fn end(&self) {
        self.0.ending.send_replace(true);
    }
}
