//! The operator's settings: the configuration file and the screens files it names.
//!
//! ```toml
//! public_url = "https://calls.example.com"
//! frame_ancestors = ["https://desk.example.com"]
//!
//! [apps."com.example.shop"]
//! screens = "shop-screens.toml"   # beside this file
//! events_per_s = 50000
//! ```
//!
//! and `shop-screens.toml`, in the order that call codes number them:
//!
//! ```toml
//! [[screen]]
//! name = "product/{id}"
//! label = "Product page"
//! stage = "before_purchase"
//! channel = "app"
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use prometheus_client::metrics::counter::Counter;
use serde::Deserialize;

use crate::limits::EVENTS_PER_S;

/// The options that a collector is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of its database and its secret. Created when missing.
    pub data_dir: PathBuf,
    /// The URL at which agents' browsers reach it, without a slash at the end. With `None`, desk links
    /// are relative.
    pub public_url: Option<String>,
    /// The sites that may show the desk in a frame, as CSP sources; none by default.
    pub frame_ancestors: Vec<String>,
    /// The options of each app, by its id.
    pub apps: BTreeMap<String, AppOptions>,
    /// Counts the log's lines that whoever serves the collector had to drop, for `/metrics`.
    pub dropped_log_lines: Counter,
}

/// The options of one app.
#[derive(Debug, Clone)]
pub struct AppOptions {
    /// Its screens, in the order that call codes number them.
    pub screens: Vec<Screen>,
    /// Events per second that each of its write keys may upload.
    pub events_per_s: u32,
}

/// A screen, named in business words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Screen {
    /// The app's name for it, a route pattern.
    pub name: String,
    /// Its name in business words.
    pub label: String,
    /// The stage of the customer's journey: `before_purchase`, `purchase`, `use`, `recommend`.
    pub stage: Option<String>,
    /// The channel it belongs to: `app`, `web`.
    pub channel: Option<String>,
}

impl Options {
    /// The defaults, in this folder: no public URL, no frames, no screens.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            public_url: None,
            frame_ancestors: Vec::new(),
            apps: BTreeMap::new(),
            dropped_log_lines: Counter::default(),
        }
    }

    /// Reads a configuration file, and the screens files it names, over what is set here.
    ///
    /// # Errors
    /// [`ConfigError::Read`] or [`ConfigError::Form`], with the file and the place in it.
    pub fn read(mut self, path: &Path) -> Result<Self, ConfigError> {
        let file: ConfigFile = read_toml(path)?;
        self.public_url = file.public_url.or(self.public_url);
        self.frame_ancestors.extend(file.frame_ancestors);
        let folder = path.parent().unwrap_or(Path::new("."));
        for (app, entry) in file.apps {
            let screens = match entry.screens {
                Some(name) => read_toml::<ScreensFile>(&folder.join(name))?.screen,
                None => Vec::new(),
            };
            let events_per_s = entry.events_per_s.unwrap_or(EVENTS_PER_S);
            self.apps.insert(app, AppOptions { screens, events_per_s });
        }
        Ok(self)
    }

    /// Checks the values that end up in headers and links, and trims the slash at the end of the URL.
    pub(crate) fn checked(mut self) -> Result<Self, ConfigError> {
        if let Some(url) = &mut self.public_url {
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            let valid = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
                && url.chars().all(|c| c.is_ascii_graphic() && !"\"'<>?#".contains(c));
            if !valid {
                return Err(ConfigError::PublicUrl);
            }
            url.truncate(url.trim_end_matches('/').len());
        }
        let source = |text: &String| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !";,".contains(c))
        };
        if !self.frame_ancestors.iter().all(source) {
            return Err(ConfigError::FrameAncestors);
        }
        Ok(self)
    }

    /// The path of the public URL, which a proxy puts in front of ours; empty without one.
    pub(crate) fn base_path(&self) -> &str {
        let Some(url) = &self.public_url else { return "" };
        let host = url.find("://").map_or(0, |at| at + 3);
        url[host..].find('/').map_or("", |slash| &url[host + slash..])
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("failed to read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not valid TOML, or has fields that are not known.
    #[error("failed to parse {path}: {source}")]
    Form {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The public URL is not valid.
    #[error("failed to use the public URL: it must begin with https:// or http:// and name a host")]
    PublicUrl,
    /// A frame ancestor would break the header that lists it.
    #[error("failed to use a frame ancestor: it must be one CSP source, such as https://host")]
    FrameAncestors,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    public_url: Option<String>,
    #[serde(default)]
    frame_ancestors: Vec<String>,
    #[serde(default)]
    apps: BTreeMap<String, AppEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppEntry {
    screens: Option<PathBuf>,
    events_per_s: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScreensFile {
    #[serde(default)]
    screen: Vec<Screen>,
}

fn read_toml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text)
        .map_err(|source| ConfigError::Form { path: path.to_owned(), source: Box::new(source) })
}
