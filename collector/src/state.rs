//! The state that every request works on: settings, storage, counters, and the bounds that all
//! requests share.
//!
//! Lies below the routes and the policy and knows neither: no HTTP, no decision about an upload or a
//! look-up.

use std::collections::BTreeMap;
use std::sync::Arc;

use governor::Quota;
use jalon::clock::Clock;
use tokio::sync::{Semaphore, watch};

use crate::config::Options;
use crate::key_cache::KeyCache;
use crate::keys::Key;
use crate::labels::Labels;
use crate::limits::{
    BODIES_BYTES_MAX, EVENTS_PER_S, LEASE_SCREENS_MAX, MISSES_PER_CALLER, MISSES_PER_KEY,
    THROTTLE_KEYS_MAX, UPLOADS_MAX,
};
use crate::link::{DeskLink, MissesOf};
use crate::metrics::Metrics;
use crate::secret::{Hash, Secret};
use crate::store::{Storage, StoreError};
use crate::streams::Streams;
use crate::throttle::{Throttle, at_least_one};

/// A write key may save up this many seconds of its quota: phones come back online together.
const QUOTA_BURST_S: u32 = 10;

/// The numbers of an app's configured screens, by name.
pub(crate) type ScreenNumbers = BTreeMap<String, u16>;

/// The state of one collector.
pub(crate) struct AppState {
    pub(crate) options: Options,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) secret: Secret,
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) metrics: Metrics,
    pub(crate) keys: KeyCache,
    pub(crate) quotas: Quotas,
    pub(crate) streams: Streams,
    /// Room for bodies still arriving, in bytes.
    pub(crate) bodies: Semaphore,
    /// Uploads read and stored at once.
    pub(crate) uploads: Semaphore,
    /// Whether live streams and the retention job end.
    pub(crate) ending: watch::Sender<bool>,
    labels: BTreeMap<String, Labels>,
    no_labels: Labels,
    screen_numbers: BTreeMap<String, ScreenNumbers>,
}

impl AppState {
    /// The state of a collector with this storage, in which each app's screens have these numbers.
    pub(crate) fn new(
        options: Options,
        clock: Arc<dyn Clock>,
        secret: Secret,
        storage: Box<dyn Storage>,
        screen_numbers: BTreeMap<String, ScreenNumbers>,
    ) -> Self {
        let metrics = Metrics::new(options.dropped_log_lines.clone());
        let labels = options.apps.iter();
        let labels = labels.map(|(app, entry)| (app.clone(), Labels::new(&entry.screens)));
        Self {
            labels: labels.collect(),
            no_labels: Labels::default(),
            screen_numbers,
            keys: KeyCache::new(Arc::clone(&clock)),
            quotas: Quotas::new(&options, &clock),
            streams: Streams::new(metrics.streams.clone()),
            bodies: Semaphore::new(BODIES_BYTES_MAX),
            uploads: Semaphore::new(UPLOADS_MAX),
            ending: watch::Sender::new(false),
            options,
            clock,
            secret,
            storage,
            metrics,
        }
    }

    /// The collector's wall clock, in ms since the Unix epoch.
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now().wall_ms
    }

    /// The business words of an app's screens.
    pub(crate) fn labels(&self, app: &str) -> &Labels {
        self.labels.get(app).unwrap_or(&self.no_labels)
    }

    /// The numbers that a phone with fresh codes may need for screens it has not named yet: its
    /// customer may see them first without data.
    pub(crate) fn screen_numbers(&self, app: &str) -> impl Iterator<Item = (&String, u16)> {
        let numbers = self.screen_numbers.get(app).into_iter().flatten();
        numbers.take(LEASE_SCREENS_MAX).map(|(name, number)| (name, *number))
    }

    /// The key that a client presents, if there is such a key.
    pub(crate) async fn key(&self, key: &str) -> Result<Option<Key>, StoreError> {
        self.keys.find(&*self.storage, key).await
    }

    /// The address of a desk link. Relative where there is no public URL.
    pub(crate) fn desk_url(&self, link: &DeskLink) -> String {
        let base = self.options.public_url.as_deref().unwrap_or_default();
        format!("{base}/desk/{}", link.sign(&self.secret))
    }
}

/// How much the write keys may bring, and how often a look-up may miss.
pub(crate) struct Quotas {
    by_app: BTreeMap<String, Throttle<Hash>>,
    default: Throttle<Hash>,
    caller_misses: Throttle<Hash>,
    key_misses: Throttle<Hash>,
}

impl Quotas {
    fn new(options: &Options, clock: &Arc<dyn Clock>) -> Self {
        let throttle = |quota| Throttle::new(quota, THROTTLE_KEYS_MAX, Arc::clone(clock));
        let events_per_s = |count: u32| {
            let burst = at_least_one(count.saturating_mul(QUOTA_BURST_S));
            throttle(Quota::per_second(at_least_one(count)).allow_burst(burst))
        };
        let by_app = options.apps.iter();
        Self {
            by_app: by_app
                .map(|(app, entry)| (app.clone(), events_per_s(entry.events_per_s)))
                .collect(),
            default: events_per_s(EVENTS_PER_S),
            caller_misses: throttle(Quota::per_hour(at_least_one(MISSES_PER_CALLER))),
            key_misses: throttle(Quota::per_hour(at_least_one(MISSES_PER_KEY))),
        }
    }

    /// Charges `cost`, in events, to a write key.
    ///
    /// # Errors
    /// The seconds to wait, when the key is over its quota.
    pub(crate) fn charge(&self, key: &Key, cost: u32) -> Result<(), u64> {
        self.by_app.get(&key.app).unwrap_or(&self.default).take(&key.hash, cost)
    }

    /// Takes one miss, before a look-up that may turn out to be one.
    ///
    /// # Errors
    /// The seconds to wait, after too many misses.
    pub(crate) fn take_miss(&self, of: MissesOf) -> Result<(), u64> {
        let (misses, hash) = self.misses(of);
        misses.take(&hash, 1)
    }

    /// Gives a miss back, after a look-up that was none.
    pub(crate) fn give_back_miss(&self, of: MissesOf) {
        let (misses, hash) = self.misses(of);
        misses.give_back(&hash);
    }

    fn misses(&self, of: MissesOf) -> (&Throttle<Hash>, Hash) {
        match of {
            MissesOf::Caller(hash) => (&self.caller_misses, hash),
            MissesOf::Key(hash) => (&self.key_misses, hash),
        }
    }
}
