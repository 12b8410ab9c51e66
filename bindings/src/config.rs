//! The options of a journey as Kotlin and Swift pass them; an option left out takes the core's
//! default.

use std::time::Duration;

use crate::types::Consent;

/// How much is logged. Never an event's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Failures that lose events.
    Error,
    /// Also what a developer should fix.
    Warn,
    /// Also occasional notices.
    Info,
    /// Also every upload.
    Debug,
}

/// The options of a journey.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct Config {
    /// The folder that the journey alone uses: private to the app and excluded from backups.
    pub folder: String,
    /// The collector, such as `https://calls.example.com`. Plain `http` is accepted for loopback
    /// only.
    pub endpoint: String,
    /// The app's write key.
    pub write_key: String,
    /// How this build names itself to the collector, such as `jalon-android/0.1.0`.
    pub sdk: String,
    /// The app's identifier, such as `com.example.shop`.
    pub app_id: String,
    /// The app's version.
    pub app_version: String,
    /// The system, such as `Android 15`.
    pub os: String,
    /// The device's model.
    pub device: String,
    /// The language and region, such as `fr-FR`.
    pub locale: String,
    /// The consent where none is stored and nothing was erased; a refusal holds always.
    pub consent: Option<Consent>,
    /// Whether what customers type into a search is recorded.
    pub record_search_queries: bool,
    /// The most bytes to use on disk; 5 MiB if not given.
    pub quota_bytes: Option<u64>,
    /// How long an event that cannot be uploaded is kept, in ms; 7 days if not given.
    pub time_to_live_ms: Option<u64>,
    /// Further root certificates to trust, each in DER.
    pub extra_roots: Vec<Vec<u8>>,
    /// An HTTP proxy, such as `http://proxy.example.com:3128`.
    pub proxy: Option<String>,
    /// How much is logged.
    pub log_level: LogLevel,
    /// Whether the device has not been unlocked since it started. Storage that cannot be reached is
    /// then reported with that reason.
    #[uniffi(default = false)]
    pub locked: bool,
}

impl From<Config> for jalon::Config {
    fn from(given: Config) -> Self {
        let mut config = Self::new(given.folder, given.endpoint, given.write_key);
        config.sdk = given.sdk;
        config.app = jalon::App {
            id: given.app_id,
            version: given.app_version,
            os: given.os,
            device: given.device,
            locale: given.locale,
        };
        config.consent = given.consent;
        config.record_search_queries = given.record_search_queries;
        if let Some(bytes) = given.quota_bytes {
            config.quota_bytes = bytes;
        }
        if let Some(ms) = given.time_to_live_ms {
            config.time_to_live = Duration::from_millis(ms);
        }
        config.extra_roots = given.extra_roots;
        config.proxy = given.proxy;
        config
    }
}
