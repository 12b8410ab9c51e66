//! What an app decides, and every limit with its reason.
//!
//! Checks only what can never work. Whether a key is right, only the collector knows.

use std::path::PathBuf;
use std::time::Duration;

/// Bytes an event may take encoded: a journey step is a few hundred; more is a mistake.
pub(crate) const EVENT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a screen name: a route pattern, never a URL.
pub(crate) const SCREEN_BYTES_MAX: usize = 128;
/// Bytes of an id of a product, an order or a customer.
pub(crate) const ID_BYTES_MAX: usize = 128;
/// Bytes of a name a person reads: a product's, a search.
pub(crate) const NAME_BYTES_MAX: usize = 256;
/// Bytes of each thing an app says about itself: it stands in every request.
pub(crate) const APP_BYTES_MAX: usize = 128;
/// Bytes of a short word: a brand, a status, a failure's code, a custom event's name or key.
pub(crate) const WORD_BYTES_MAX: usize = 64;
/// Bytes of an identity proof: a JWT of three small parts; a longer one is not cut but refused.
pub(crate) const PROOF_BYTES_MAX: usize = 4 * 1024;
/// Values of a custom event: what a person can take in at a glance.
pub(crate) const CUSTOM_VALUES_MAX: usize = 16;
/// Events that wait in memory while nobody was asked for consent, or while the disk is out of
/// reach: a first launch up to its consent dialog is a few dozen.
pub(crate) const HELD_EVENTS_MAX: usize = 200;
/// Bytes of the events that wait in memory, for the same reason.
pub(crate) const HELD_BYTES_MAX: usize = 256 * 1024;
/// Sent events that stay on the device: snapshots and previews come from them.
pub(crate) const NEWEST_KEPT: usize = 50;
/// Events a call's snapshot carries at most.
pub(crate) const SNAPSHOT_EVENTS_MAX: usize = 20;
/// Bytes a call's snapshot carries at most: half a second on 256 kbit/s before compression.
pub(crate) const SNAPSHOT_BYTES_MAX: usize = 16 * 1024;
/// Events of a batch.
pub(crate) const BATCH_EVENTS_MAX: usize = 100;
/// Bytes of a batch, inflated: two seconds on 256 kbit/s before compression.
pub(crate) const BATCH_BYTES_MAX: usize = 64 * 1024;
/// Unsent events that start an upload.
pub(crate) const UPLOAD_AT_EVENTS: u64 = 20;
/// How long the first unsent event waits for company.
pub(crate) const UPLOAD_AFTER_MS: u64 = 30_000;
/// Undrained events that start a drain.
pub(crate) const DRAIN_AT_EVENTS: u64 = 100;
/// How long a recorded event may stay in the journal alone.
pub(crate) const DRAIN_AFTER_MS: u64 = 1_000;
/// First bound of the back-off; it doubles with each failure.
pub(crate) const BACKOFF_MIN_MS: u64 = 2_000;
/// Last bound of the back-off.
pub(crate) const BACKOFF_MAX_MS: u64 = 600_000;
/// Longest wait a collector can ask for: a day, so that a wrong answer cannot silence a phone.
pub(crate) const RETRY_AFTER_MAX_MS: u64 = 86_400_000;
/// A session ends after this long without an event.
pub(crate) const SESSION_TIMEOUT_MS: u64 = 30 * 60_000;
/// A step of the wall clock across restarts beyond this says nothing about time passed.
pub(crate) const WALL_STEP_MAX_MS: i64 = 24 * 3_600_000;
/// Leased codes below which more are asked for.
pub(crate) const CODES_LOW: usize = 3;
/// Leased codes kept: the collector gives five.
pub(crate) const CODES_MAX: usize = 8;
/// Screen numbers kept: as many as a code can name.
pub(crate) const SCREENS_MAX: usize = 999;
/// How long a token can be claimed, and so what a call context tells as its expiry.
pub(crate) const TOKEN_LIFE_MS: u64 = 24 * 3_600_000;
/// Bytes of an answer that are read: a batch's answer is below 8 KiB.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest life of a leased code that is believed: the design's is a week.
pub(crate) const LEASE_LIFE_MAX_S: u64 = 60 * 86_400;
/// Tokens drawn ahead, so that a tap asks the system for nothing.
pub(crate) const TOKENS_AHEAD: usize = 4;
/// Longest wait of a preview for the worker: beyond it a person looks for the way back.
pub(crate) const PREVIEW_WAIT_MAX_MS: u64 = 2_000;
/// First wait before storage that failed is tried again; it doubles.
pub(crate) const STORAGE_RETRY_MIN_MS: u64 = 1_000;
/// Last wait before storage that failed is tried again.
pub(crate) const STORAGE_RETRY_MAX_MS: u64 = 300_000;
/// How long a store that was given up is kept.
pub(crate) const SET_ASIDE_KEPT_MS: i64 = 7 * 86_400_000;
/// Runs whose progress the store remembers, besides those of the latest drain. The journal holds
/// the records of the last few only; a power cut may bring back a little more.
pub(crate) const RUNS_KEPT: u32 = 64;
/// Bytes of bodies after which a drain makes room again, so that a whole segment never outgrows
/// the store's last bound (`max_page_count`).
pub(crate) const ROOM_STEP_BYTES: usize = 16 * 1024;
/// Bytes of a write key.
const KEY_BYTES_MAX: usize = 256;
/// Smallest quota: two journal segments and a store need room to turn around.
pub(crate) const QUOTA_BYTES_MIN: u64 = 1024 * 1024;

/// Whether the customer agreed to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// Nobody asked yet: the newest events wait in memory, and nothing is written.
    #[default]
    Unknown,
    /// Recording and uploading.
    Granted,
    /// Nothing is recorded, and what was is deleted.
    Denied,
}

/// What the app is and runs on; told with each batch. Each at most 128 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct App {
    /// The app's identifier, such as `com.example.shop`.
    pub id: String,
    /// Its version, such as `8.2.0`.
    pub version: String,
    /// The system, such as `Android 15`.
    pub os: String,
    /// The device's model, such as `Pixel 8`.
    pub device: String,
    /// The language and region, such as `fr-FR`.
    pub locale: String,
}

/// The options of a journey. Start from [`Config::new`] and change what differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// A folder of the journey's own, private to the app and outside its backups. It is made
    /// when it is not there.
    pub folder: PathBuf,
    /// The collector, such as `https://journeys.example.com`. Plain `http` is refused but for
    /// loopback.
    pub endpoint: String,
    /// The app's write key. Public by nature: it can only write.
    pub write_key: String,
    /// What the app is.
    pub app: App,
    /// How this build names itself to the collector.
    pub sdk: String,
    /// The consent the app already knows of. It wins over the stored state.
    pub consent: Option<Consent>,
    /// Whether what customers type into a search is recorded, and not only how much it found.
    pub record_search_queries: bool,
    /// Bytes on disk at most, all files together. Default 5 MiB, at least 1 MiB.
    pub quota_bytes: u64,
    /// How long an event that cannot be uploaded is kept. Default 7 days.
    pub time_to_live: Duration,
    /// Further root certificates to trust, each in DER.
    pub extra_roots: Vec<Vec<u8>>,
    /// An HTTP proxy, such as `http://proxy.example.com:3128`.
    pub proxy: Option<String>,
}

impl Config {
    /// The options with their defaults.
    pub fn new(
        folder: impl Into<PathBuf>,
        endpoint: impl Into<String>,
        write_key: impl Into<String>,
    ) -> Self {
        Self {
            folder: folder.into(),
            endpoint: endpoint.into(),
            write_key: write_key.into(),
            app: App::default(),
            sdk: concat!("jalon-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
            consent: None,
            record_search_queries: false,
            quota_bytes: 5 * 1024 * 1024,
            time_to_live: Duration::from_hours(7 * 24),
            extra_roots: Vec::new(),
            proxy: None,
        }
    }

    /// Says which option can never work, and what to write instead.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.folder.as_os_str().is_empty() {
            return Err("folder is empty: name a folder private to the app".to_owned());
        }
        let key = &self.write_key;
        if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(
                "write_key must be the key that `jalon-collector key create` printed".into()
            );
        }
        if self.quota_bytes < QUOTA_BYTES_MIN {
            return Err(format!("quota_bytes must be at least {QUOTA_BYTES_MIN}"));
        }
        if self.time_to_live.is_zero() {
            return Err("time_to_live must be longer than zero".to_owned());
        }
        check_endpoint(&self.endpoint)
    }

    /// Cuts what stands in every request.
    pub(crate) fn bound(&mut self) {
        let App { id, version, os, device, locale } = &mut self.app;
        for text in [&mut self.sdk, id, version, os, device, locale] {
            text.truncate(text.floor_char_boundary(APP_BYTES_MAX));
        }
    }

    /// The address of a path at the collector.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint.trim_end_matches('/'))
    }

    /// Bytes of one journal segment: a fifth of the quota for the two.
    pub(crate) fn segment_bytes(&self) -> u64 {
        self.quota_bytes / 10
    }

    /// Bytes the store's pages may fill. The rest of the quota is the journal's (a fifth), the
    /// write-ahead log's, and room to turn around.
    pub(crate) fn store_bytes(&self) -> u64 {
        self.quota_bytes / 2
    }
}

fn check_endpoint(endpoint: &str) -> Result<(), String> {
    let (secure, rest) = match (endpoint.strip_prefix("https://"), endpoint.strip_prefix("http://"))
    {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err("endpoint must begin with https://".to_owned()),
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let bad = |c: char| c.is_whitespace() || c.is_control() || "@?#\\\"<>".contains(c);
    if authority.is_empty() || rest.contains(bad) {
        return Err("endpoint must be https://HOST, perhaps with a port and a path".to_owned());
    }
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let loopback = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if secure || loopback {
        Ok(())
    } else {
        Err("endpoint must be https: plain http is for loopback only".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        let check = |endpoint: &str| Config::new("/x", endpoint, "key").check();
        for good in [
            "https://a.example",
            "https://a.example:8443/j/",
            "http://127.0.0.1:1",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "ftp://a",
            "http://a.example",
            "https://",
            "https://u@h",
            "http://127.0.0.1.example",
            "https://a b",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn options_that_can_never_work_are_named() {
        let config = Config::new("/x", "https://a.example", "key");
        assert!(
            Config { write_key: "a key".into(), ..config.clone() }
                .check()
                .unwrap_err()
                .contains("write_key")
        );
        assert!(
            Config { quota_bytes: 1, ..config.clone() }
                .check()
                .unwrap_err()
                .contains("quota_bytes")
        );
        assert!(
            Config { folder: "".into(), ..config.clone() }.check().unwrap_err().contains("folder")
        );
        assert!(
            Config { time_to_live: Duration::ZERO, ..config }
                .check()
                .unwrap_err()
                .contains("time_to_live")
        );
    }
}
