//! The collector itself: what the routes share, and what an operator may ask.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::Quota;
use jalon::clock::Clock;
use jalon_desk::view::ContextView;
use tokio::sync::{Semaphore, watch};

use crate::config::{ConfigError, Options};
use crate::keys::{self, Key, KeyKind};
use crate::labels::Labels;
use crate::limits::{
    BODIES_BYTES_MAX, DESK_LINK_MS, EVENTS_PER_S, EXPIRE_EVERY_S, EXPIRE_PAUSE_MS,
    IDENTITY_KEYS_MAX, LEASE_SCREENS_MAX, MISSES_PER_CALLER, MISSES_PER_KEY, STREAMS_MAX,
    THROTTLE_KEYS_MAX, UPLOADS_MAX,
};
use crate::link::{DeskLink, Opens};
use crate::metrics::Metrics;
use crate::proof::IdentityKey;
use crate::secret::{Hash, Secret};
use crate::store::{Context, ContextId, SqliteStorage, Storage, StoreError};
use crate::throttle::Throttle;
use crate::view;

/// A write key may save up this many seconds of its quota: phones come back online together.
const QUOTA_BURST_S: u32 = 10;

/// A collector on one data folder. Clones share it; the last one dropped closes it.
#[derive(Clone)]
pub struct Collector(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) secret: Secret,
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) metrics: Metrics,
    /// Look-ups that missed, by caller.
    pub(crate) caller_misses: Throttle<Hash>,
    /// Look-ups that missed, by key.
    pub(crate) key_misses: Throttle<Hash>,
    /// Room for bodies still arriving, in bytes.
    pub(crate) bodies: Semaphore,
    pub(crate) uploads: Semaphore,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) streams_of_call: Mutex<HashMap<ContextId, usize>>,
    /// Whether live streams end.
    pub(crate) ending: watch::Sender<bool>,
    labels: BTreeMap<String, Labels>,
    /// The numbers of each app's configured screens.
    numbers: BTreeMap<String, BTreeMap<String, u16>>,
    no_labels: Labels,
    quotas: BTreeMap<String, Throttle<Hash>>,
    quota: Throttle<Hash>,
    /// Keys seen, so that an upload needs no look-up. A key is never taken back.
    keys: Mutex<HashMap<Hash, Key>>,
}

/// Why a collector cannot be opened, or an operator's command not be done.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder or the secret in it.
    #[error("failed to use the data folder: {0}")]
    Folder(#[source] io::Error),
    /// One identity key too many.
    #[error("failed to add the key: an app has {IDENTITY_KEYS_MAX} at most; remove one first")]
    IdentityKeys,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Collector {
    /// Opens the data folder, or makes it, and numbers the configured screens. Within a tokio
    /// runtime.
    ///
    /// # Errors
    /// [`CollectorError`] by what cannot be used.
    pub async fn open(options: Options, clock: Arc<dyn Clock>) -> Result<Self, CollectorError> {
        let options = options.checked()?;
        // For its owner alone: it holds customers' journeys and the secret.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&options.data_dir)
            .map_err(CollectorError::Folder)?;
        let secret = Secret::open(&options.data_dir, &*clock).map_err(CollectorError::Folder)?;
        let storage = SqliteStorage::open(&options.data_dir, secret.clone(), Arc::clone(&clock))?;
        let throttle = |quota| Throttle::new(quota, THROTTLE_KEYS_MAX, Arc::clone(&clock));
        let quota = |per_s: u32| {
            let burst = some(per_s.saturating_mul(QUOTA_BURST_S));
            throttle(Quota::per_second(some(per_s)).allow_burst(burst))
        };
        let caller_misses = throttle(Quota::per_hour(some(MISSES_PER_CALLER)));
        let key_misses = throttle(Quota::per_hour(some(MISSES_PER_KEY)));
        let default_quota = quota(EVENTS_PER_S);
        let mut labels = BTreeMap::new();
        let mut numbers = BTreeMap::new();
        let mut quotas = BTreeMap::new();
        for (app, entry) in &options.apps {
            let names = entry.screens.iter().map(|screen| screen.name.clone()).collect();
            numbers.insert(app.clone(), storage.number_screens(app.clone(), names).await?);
            labels.insert(app.clone(), Labels::new(&entry.screens));
            quotas.insert(app.clone(), quota(entry.events_per_s));
        }
        Ok(Self(Arc::new(Shared {
            options,
            clock,
            secret,
            storage: Box::new(storage),
            metrics: Metrics::new(),
            caller_misses,
            key_misses,
            bodies: Semaphore::new(BODIES_BYTES_MAX),
            uploads: Semaphore::new(UPLOADS_MAX),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            streams_of_call: Mutex::default(),
            ending: watch::Sender::new(false),
            labels,
            numbers,
            no_labels: Labels::default(),
            quotas,
            quota: default_quota,
            keys: Mutex::default(),
        })))
    }

    /// The routes, to serve or to call in a test.
    pub fn router(&self) -> axum::Router {
        crate::http::router(Arc::clone(&self.0))
    }

    /// Makes a key for an app and returns it; only its hash is kept.
    ///
    /// # Errors
    /// What the storage says.
    pub async fn create_key(&self, kind: KeyKind, app: &str) -> Result<String, CollectorError> {
        let key = keys::draw(kind, &*self.0.clock);
        let entry = Key { hash: keys::hash(&key), kind, app: app.to_owned() };
        self.0.storage.add_key(entry, self.0.now_ms()).await?;
        Ok(key)
    }

    /// Takes a key that an app's backend signs proofs of identity with; several may be valid at once,
    /// so that one can follow the other. Proofs that arrive from now on are judged by it.
    ///
    /// # Errors
    /// [`CollectorError::IdentityKeys`] when the app has as many as it may; else what the storage
    /// says.
    pub async fn add_identity_key(&self, key: IdentityKey) -> Result<(), CollectorError> {
        let added = self.0.storage.add_identity_key(key, self.0.now_ms()).await?;
        if added { Ok(()) } else { Err(CollectorError::IdentityKeys) }
    }

    /// The identity keys of an app, or of all, oldest first, and since when, in ms since the Unix
    /// epoch.
    ///
    /// # Errors
    /// What the storage says.
    pub async fn identity_keys(
        &self,
        app: Option<&str>,
    ) -> Result<Vec<(IdentityKey, i64)>, CollectorError> {
        Ok(self.0.storage.identity_keys(app.map(str::to_owned)).await?)
    }

    /// Forgets an identity key; `false` when the app has none of that id. Customers whom it proved
    /// stay verified.
    ///
    /// # Errors
    /// What the storage says.
    pub async fn remove_identity_key(&self, app: &str, id: &str) -> Result<bool, CollectorError> {
        Ok(self.0.storage.remove_identity_key(app.to_owned(), id.to_owned()).await?)
    }

    /// Erases every installation that a customer used, in one app or in all, wholly; says how
    /// many. Live streams of theirs end with `erased`.
    ///
    /// # Errors
    /// What the storage says; nothing is erased by half.
    pub async fn erase_customer(
        &self,
        app: Option<&str>,
        customer: &str,
    ) -> Result<u64, CollectorError> {
        let app = app.map(str::to_owned);
        Ok(self.0.storage.erase_customer(app, customer.to_owned(), self.0.now_ms()).await?)
    }

    /// Removes all that has expired, in slices between which others write.
    ///
    /// # Errors
    /// What the storage says.
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
            // Even within a long round: what is left waits for the next start.
            _ = ending.wait_for(|ending| *ending) => {}
        }
    }

    /// Ends live streams and the retention job, so that a server can shut down. Uploads under way
    /// are still answered.
    pub fn end(&self) {
        self.0.ending.send_replace(true);
    }
}

impl Shared {
    /// The collector's wall clock.
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now().wall_ms
    }

    /// The business words of an app's screens.
    pub(crate) fn labels(&self, app: &str) -> &Labels {
        self.labels.get(app).unwrap_or(&self.no_labels)
    }

    /// The numbers that a phone with fresh codes may need, of screens it has not named yet: its
    /// customer may see them first without data.
    pub(crate) fn numbers(&self, app: &str) -> impl Iterator<Item = (&String, u16)> {
        let numbers = self.numbers.get(app).into_iter().flatten();
        numbers.take(LEASE_SCREENS_MAX).map(|(name, number)| (name, *number))
    }

    /// How much an app's write keys may bring.
    pub(crate) fn quota(&self, app: &str) -> &Throttle<Hash> {
        self.quotas.get(app).unwrap_or(&self.quota)
    }

    /// Finds a key.
    pub(crate) async fn key(&self, key: &str) -> Result<Option<Key>, StoreError> {
        let hash = keys::hash(key);
        let seen = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if seen.is_some() {
            return Ok(seen);
        }
        let found = self.storage.key(hash).await?.map(|(kind, app)| Key { hash, kind, app });
        if let Some(key) = &found {
            let mut seen = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(hash, key.clone());
        }
        Ok(found)
    }

    /// Builds what an agent sees, with a desk link that begins to age now.
    pub(crate) fn view(&self, context: &Context, link: &DeskLink) -> ContextView {
        view::build(context, self.labels(&link.app), self.now_ms(), self.desk(link))
    }

    /// The address of a desk link.
    pub(crate) fn desk(&self, link: &DeskLink) -> String {
        let base = self.options.public_url.as_deref().unwrap_or_default();
        format!("{base}/desk/{}", link.sign(&self.secret))
    }

    /// A fresh desk link.
    pub(crate) fn link(&self, app: &str, opens: Opens, agent: Option<String>) -> DeskLink {
        let expires_at = self.now_ms() + DESK_LINK_MS;
        DeskLink { app: app.to_owned(), opens, agent, expires_at }
    }
}

/// A rate of none would never let anybody in: one.
fn some(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}
