//! The options of a journey, and every limit with its reason.
//!
//! Checks only for options that can never work. Whether a key is right, only the collector knows.

use std::path::PathBuf;
use std::time::Duration;

/// Bytes of an encoded event: a step of a journey takes a few hundred, so more is a mistake.
pub(crate) const EVENT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a screen name: a route pattern, never a URL.
pub(crate) const SCREEN_BYTES_MAX: usize = 128;
/// Bytes of an id of a product, an order or a customer.
pub(crate) const ID_BYTES_MAX: usize = 128;
/// Bytes of a text that a person reads: a product's name, a search, a call's topic.
pub(crate) const NAME_BYTES_MAX: usize = 256;
/// Bytes of each text that an app gives about itself: they are in every request.
pub(crate) const APP_BYTES_MAX: usize = 128;
/// Bytes of a short word: a brand, a status, a failure's code, a custom event's name or key.
pub(crate) const WORD_BYTES_MAX: usize = 64;
/// Bytes of an identity proof: a JWT of three small parts. A longer one is refused, not cut.
pub(crate) const PROOF_BYTES_MAX: usize = 4 * 1024;
/// Values of a custom event: as many as a person can take in at a glance.
pub(crate) const CUSTOM_VALUES_MAX: usize = 16;
/// Events that wait in memory before an answer about consent, or while the disk is out of reach: a
/// first launch up to the consent dialog records a few dozen.
pub(crate) const BUFFERED_EVENTS_MAX: usize = 200;
/// Bytes of the events that wait in memory, for the same reason.
pub(crate) const BUFFERED_BYTES_MAX: usize = 256 * 1024;
/// Newest events that stay on the device although they were sent: snapshots and previews need them.
pub(crate) const NEWEST_KEPT: usize = 50;
/// Events in a call's snapshot.
pub(crate) const SNAPSHOT_EVENTS_MAX: usize = 20;
/// Bytes of events in a call's snapshot: half a second at 256 kbit/s before compression.
pub(crate) const SNAPSHOT_BYTES_MAX: usize = 16 * 1024;
/// Events in a batch.
pub(crate) const BATCH_EVENTS_MAX: usize = 100;
/// Bytes of a batch before compression: two seconds at 256 kbit/s.
pub(crate) const BATCH_BYTES_MAX: usize = 64 * 1024;
/// Unsent events that start an upload.
pub(crate) const UPLOAD_AT_EVENTS: u64 = 20;
/// How long the first unsent event waits for more.
pub(crate) const UPLOAD_AFTER_MS: u64 = 30_000;
/// Undrained events that start a drain before its time: few enough for any segment, and many, since a
/// caller wakes the worker for it.
pub(crate) const DRAIN_AT_EVENTS: u64 = 400;
/// How long a recorded event may be in the journal only.
pub(crate) const DRAIN_AFTER_MS: u64 = 1_000;
/// First upper bound of the back-off; it doubles with each failure.
pub(crate) const BACKOFF_MIN_MS: u64 = 2_000;
/// Last upper bound of the back-off.
pub(crate) const BACKOFF_MAX_MS: u64 = 600_000;
/// Longest wait that a collector can ask for: a day, so that a wrong answer cannot silence a phone.
pub(crate) const RETRY_AFTER_MAX_MS: u64 = 86_400_000;
/// Longest wait that anything but our collector can ask for: a proxy's outage is over sooner, and
/// a hotel's network is left behind.
pub(crate) const STRANGER_WAIT_MAX_MS: u64 = 300_000;
/// Longest wait that anybody can ask for on the call's lane: the customer is in the phone menu for
/// about so long.
pub(crate) const CALL_WAIT_MAX_MS: u64 = 30_000;
/// How long after its tap a call is young: somebody may still be on the phone.
pub(crate) const CALL_YOUNG_MS: u64 = 600_000;
/// Last upper bound of the back-off while the newest call is young: a dead spot or a lift is passed
/// within seconds, and the agent should know by then.
pub(crate) const CALL_BACKOFF_MAX_MS: u64 = 5_000;
/// How long a call may be without an answer before it is sent again on a new connection: some round
/// trips of a bad mobile network with a TLS handshake, and less than a phone menu takes.
pub(crate) const CALL_OVERDUE_MS: u64 = 4_000;
/// Requests with one call that may be without an answer at the same time: more would only share a
/// slow link.
pub(crate) const CALL_TRIES_MAX: u32 = 2;
/// How long a call that is being sent keeps new batches back: ample for a snapshot, and a dead
/// connection must not stop the backlog.
pub(crate) const CALL_HOLDS_BACKLOG_MS: u64 = 3_000;
/// Time without an event after which a session ends.
pub(crate) const SESSION_TIMEOUT_MS: u64 = 30 * 60_000;
/// Longest session, however busy: a visit belongs to a day.
pub(crate) const SESSION_LENGTH_MAX_MS: u64 = 24 * 3_600_000;
/// Largest step of the wall clock across restarts that is believed to be time passed: the longest
/// life of a leased code. People leave an app for weeks; clocks that are wrong are wrong by years.
pub(crate) const WALL_STEP_MAX_MS: i64 = LEASE_LIFE_MAX_S as i64 * 1_000;
/// How far the wall clock may have gone back before a lease's time is not believed any more: time
/// zones and corrections take less.
pub(crate) const WALL_BACK_MAX_MS: i64 = 24 * 3_600_000;
/// Bytes of a journal segment: some thousand events, ten seconds of the busiest app. Both segments are
/// in memory as long as the journey is open.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes that the store needs beside its pages: a write-ahead log of 64 pages and two drains, its
/// index, and the small files.
pub(crate) const STORE_SPARE_BYTES: u64 = 592 * 1024;
/// Number of leased codes below which more are requested.
pub(crate) const CODES_LOW: usize = 3;
/// Leased codes kept: the collector leases five.
pub(crate) const CODES_MAX: usize = 8;
/// Screen numbers kept: as many as a code can name.
pub(crate) const SCREENS_MAX: usize = 999;
/// How long a token can be claimed; a call context gives this as its expiry.
pub(crate) const TOKEN_LIFE_MS: u64 = 24 * 3_600_000;
/// Bytes of an answer that are read: the answer to a batch is below 8 KiB.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest life of a leased code that is believed: the collector gives a week.
pub(crate) const LEASE_LIFE_MAX_S: u64 = 60 * 86_400;
/// Age of the newest leased code past which the codes are renewed: an app that is opened daily then
/// always holds codes that live for nearly a week.
pub(crate) const LEASE_RENEWED_AFTER_MS: u64 = 24 * 3_600_000;
/// Tokens drawn ahead, so that a tap need not ask the system for randomness.
pub(crate) const TOKENS_AHEAD: usize = 4;
/// Longest wait of a preview for the worker: a person who waits longer gives up.
pub(crate) const PREVIEW_WAIT_MAX_MS: u64 = 2_000;
/// First wait before storage that failed is tried again; it doubles with each failure.
pub(crate) const STORAGE_RETRY_MIN_MS: u64 = 1_000;
/// Last wait before storage that failed is tried again.
pub(crate) const STORAGE_RETRY_MAX_MS: u64 = 300_000;
/// How long a store that was set aside is kept.
pub(crate) const SET_ASIDE_KEPT_MS: i64 = 7 * 86_400_000;
/// Runs whose progress the store remembers, besides those of the latest drain. The journal holds
/// the records of only the last few; a power cut may bring back a few more.
pub(crate) const RUNS_KEPT: u32 = 64;
/// Bytes of drained bodies after which a drain makes room again, so that draining a whole segment
/// never exceeds the store's last bound (`max_page_count`).
pub(crate) const ROOM_STEP_BYTES: usize = 16 * 1024;
/// Bytes of a write key.
const KEY_BYTES_MAX: usize = 256;
/// Smallest quota: two journal segments and a store need some spare room to work.
pub(crate) const QUOTA_BYTES_MIN: u64 = 1024 * 1024;

/// The customer's answer about being recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// No answer yet: the newest events wait in memory, and none is written to disk.
    #[default]
    Unknown,
    /// The customer agreed: events are recorded and uploaded.
    Granted,
    /// The customer refused: nothing is recorded, and everything recorded on the device is deleted.
    Denied,
}

/// The app and the device it runs on; sent with each batch. Each text is cut at 128 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct App {
    /// The app's identifier, such as `com.example.shop`.
    pub id: String,
    /// The app's version, such as `8.2.0`.
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
    /// A folder for the journey alone, private to the app and excluded from its backups. It is made
    /// if it is missing.
    pub folder: PathBuf,
    /// The collector's address, such as `https://journeys.example.com`. Plain `http` is refused
    /// except for loopback.
    pub endpoint: String,
    /// The app's write key. It is in every copy of the app, so it is not a secret: it can only
    /// write.
    pub write_key: String,
    /// The app and the device it runs on.
    pub app: App,
    /// The name and version by which this SDK identifies itself to the collector.
    pub sdk: String,
    /// The answer about consent where none is stored, such as one that the app asked for before it
    /// used this SDK. A stored answer goes before it, and so does an erasure, after which only
    /// [`Journey::set_consent`](crate::Journey::set_consent) answers; but `Denied` always refuses.
    pub consent: Option<Consent>,
    /// Whether to record what customers type into a search, besides the number of results. Default
    /// false.
    pub record_search_queries: bool,
    /// Maximum bytes on disk, all files together. Default 5 MiB; at least 1 MiB.
    pub quota_bytes: u64,
    /// How long an event is kept if it cannot be uploaded. Default 7 days.
    pub time_to_live: Duration,
    /// Root certificates to trust besides Mozilla's, each in DER.
    pub extra_roots: Vec<Vec<u8>>,
    /// An HTTP proxy, such as `http://proxy.example.com:3128`.
    pub proxy: Option<String>,
}

impl Config {
    /// Makes options with the defaults.
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

    /// Checks the options.
    ///
    /// # Errors
    /// A text that names an option that can never work, and says what to write instead.
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

    /// Cuts the texts that are in every request to their bound.
    pub(crate) fn bound(&mut self) {
        let App { id, version, os, device, locale } = &mut self.app;
        for text in [&mut self.sdk, id, version, os, device, locale] {
            text.truncate(text.floor_char_boundary(APP_BYTES_MAX));
        }
    }

    /// Returns the address of a path at the collector.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint.trim_end_matches('/'))
    }

    /// Returns the bytes of one journal segment: the two share a seventh of the quota at most, and
    /// take it from the beginning.
    pub(crate) fn segment_bytes(&self) -> u64 {
        (self.quota_bytes / 14).min(SEGMENT_BYTES_MAX)
    }

    /// Returns the bytes that the store's pages may fill: half of the quota, less if the rest would
    /// not do for the journal and [`STORE_SPARE_BYTES`].
    pub(crate) fn store_bytes(&self) -> u64 {
        let rest = self.quota_bytes.saturating_sub(2 * self.segment_bytes() + STORE_SPARE_BYTES);
        (self.quota_bytes / 2).min(rest)
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
        return Err("endpoint must be https://HOST, optionally with a port and a path".to_owned());
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
