//! The collector itself: opens a data folder, takes the operator's commands, and hands out the routes.
//!
//! The only file that knows HTTP from outside; the state itself lies below the routes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jalon::clock::Clock;

use crate::config::{ConfigError, Options};
use crate::http;
use crate::keys::{self, Key, KeyKind};
use crate::limits::{
    APP_CHARS_MAX, CLOCK_JUMP_MS, EXPIRE_EVERY_S, EXPIRE_PAUSE_MS, IDENTITY_KEYS_MAX,
};
use crate::proof::IdentityKey;
use crate::secret::{Hash, Secret};
use crate::state::AppState;
use crate::store::{CustomerData, NumberedScreen, SqliteStorage, Storage as _, StoreError};

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
    /// The app's id is blank or too long.
    #[error(
        "failed to use the app's id: it has 1 to {APP_CHARS_MAX} characters, and not only spaces"
    )]
    App,
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a data folder, unless it is there.
///
/// # Errors
/// [`CollectorError::Folder`].
pub fn make_folder(folder: &Path) -> Result<(), CollectorError> {
    // Readable by its owner alone: it holds customers' journeys and the secret.
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder).map_err(CollectorError::Folder)
}

fn check_app(app: &str) -> Result<(), CollectorError> {
    let fits = !app.trim().is_empty() && app.chars().count() <= APP_CHARS_MAX;
    if fits { Ok(()) } else { Err(CollectorError::App) }
}

impl Collector {
    /// Opens the data folder, or creates it, and numbers the configured screens. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`CollectorError`], by the part that cannot be used.
    pub async fn open(options: Options, clock: Arc<dyn Clock>) -> Result<Self, CollectorError> {
        let options = options.checked()?;
        make_folder(&options.data_dir)?;
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
    /// [`CollectorError::App`] for a blank or too long id; else [`CollectorError::Store`].
    pub async fn create_key(&self, kind: KeyKind, app: &str) -> Result<String, CollectorError> {
        check_app(app)?;
        let key = keys::draw(kind, &*self.0.clock);
        let (hash, app, created_at) = (keys::hash(&key), app.to_owned(), self.0.now_ms());
        self.0.storage.add_key(Key { hash, kind, app, created_at, expires_at: None }).await?;
        self.0.keys.read(&*self.0.storage).await?;
        Ok(key)
    }

    /// All keys, oldest first.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn keys(&self) -> Result<Vec<Key>, CollectorError> {
        Ok(self.0.storage.keys().await?)
    }

    /// Revokes the key with this [`Key::id`]; `false` when there is none. Collectors that serve it refuse it
    /// within two seconds.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn revoke_key(&self, id: &str) -> Result<bool, CollectorError> {
        let Some(hash) = self.key_hash(id).await? else { return Ok(false) };
        Ok(self.0.storage.remove_key(hash).await?)
    }

    /// Lets the key with this [`Key::id`] end at a time, in ms since the Unix epoch; `false` when there is
    /// none.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn expire_key(&self, id: &str, at: i64) -> Result<bool, CollectorError> {
        let Some(hash) = self.key_hash(id).await? else { return Ok(false) };
        Ok(self.0.storage.expire_key(hash, at).await?)
    }

    async fn key_hash(&self, id: &str) -> Result<Option<Hash>, CollectorError> {
        let keys = self.0.storage.keys().await?;
        Ok(keys.iter().find(|key| key.id() == id).map(|key| key.hash))
    }

    /// Adds a key with which an app's backend signs proofs of identity. Several may be valid at the
    /// same time, so that keys can be rotated. Proofs that arrive from now on are judged by it too.
    ///
    /// # Errors
    /// [`CollectorError::IdentityKeys`] when the app has as many as it may, [`CollectorError::App`] for
    /// a blank or too long id of the app; else [`CollectorError::Store`].
    pub async fn add_identity_key(&self, key: IdentityKey) -> Result<(), CollectorError> {
        check_app(&key.app)?;
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

    /// Counts what [`erase_customer`](Self::erase_customer) would erase.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn customer_data(
        &self,
        app: Option<&str>,
        customer: &str,
    ) -> Result<CustomerData, CollectorError> {
        let app = app.map(str::to_owned);
        Ok(self.0.storage.customer_data(app, customer.to_owned()).await?)
    }

    /// Erases every installation that a customer used, in one app or in all, and answers how many. Their
    /// live streams end with `erased`. The audit log of each app notes it.
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

    /// The numbers of an app's screens, or of all apps', in their order.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn screens(&self, app: Option<&str>) -> Result<Vec<NumberedScreen>, CollectorError> {
        Ok(self.0.storage.screens(app.map(str::to_owned)).await?)
    }

    /// Removes everything that has expired, in slices between which others can write.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn expire(&self) -> Result<(), CollectorError> {
        self.expire_by(self.0.now_ms()).await
    }

    /// The time is the same for all slices: a clock that jumps meanwhile changes nothing.
    async fn expire_by(&self, now: i64) -> Result<(), CollectorError> {
        while self.0.storage.expire(now).await? {
            tokio::time::sleep(Duration::from_millis(EXPIRE_PAUSE_MS)).await;
        }
        Ok(())
    }

    /// Removes everything that has expired, unless the wall clock has gone on by more than a day since the
    /// last time: then it may be wrong, and would take everything with it. `false` in that case, until the
    /// clock is back or [`confirm_clock`](Self::confirm_clock) was called.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn expire_by_a_sound_clock(&self) -> Result<bool, CollectorError> {
        let (storage, now) = (&self.0.storage, self.0.now_ms());
        let last = storage.last_retention().await?;
        if last.is_some_and(|last| now.saturating_sub(last) > CLOCK_JUMP_MS) {
            return Ok(false);
        }
        storage.note_retention(now).await?;
        self.expire_by(now).await?;
        Ok(true)
    }

    /// Takes the wall clock for right as it is, so that what has expired by it is removed.
    ///
    /// # Errors
    /// [`CollectorError::Store`].
    pub async fn confirm_clock(&self) -> Result<(), CollectorError> {
        Ok(self.0.storage.set_retention(self.0.now_ms()).await?)
    }

    /// Keeps removing what expires, until [`end`](Self::end).
    pub async fn keep_expiring(&self) {
        let mut ending = self.0.ending.subscribe();
        let expiring = async {
            loop {
                match self.expire_by_a_sound_clock().await {
                    Ok(true) => {}
                    Ok(false) => tracing::warn!(
                        "the clock has gone on by more than a day since expired data was last removed: \
                         nothing is removed until `jalon-collector confirm-clock` says that it is right"
                    ),
                    Err(error) => tracing::error!(%error, "failed to remove what has expired"),
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

    /// Resolves once one of the storage's threads has died, which would be a defect: nothing is stored
    /// any more, and whoever serves this collector should end, to be started again.
    pub async fn died(&self) {
        self.0.storage.health().died().await;
    }

    /// Ends live streams and the retention job, so that a server can shut down. Uploads under way
    /// are still answered.
    pub fn end(&self) {
        self.0.ending.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use jalon::clock::SystemClock;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_thread_that_has_died_is_said_by_healthz_and_to_whoever_serves() {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let secret = Secret::open(folder.path(), &*clock).unwrap();
        let storage =
            SqliteStorage::open(folder.path(), secret.clone(), Arc::clone(&clock)).unwrap();
        storage.kill_writer().await;
        let options = Options::new(folder.path());
        let state = AppState::new(options, clock, secret, Box::new(storage), BTreeMap::new());
        let collector = Collector(Arc::new(state));

        collector.died().await;

        for (path, status) in [
            ("/healthz", StatusCode::INTERNAL_SERVER_ERROR),
            ("/readyz", StatusCode::SERVICE_UNAVAILABLE),
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = collector.router().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
        }
    }
}
