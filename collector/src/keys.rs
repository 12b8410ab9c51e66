//! The keys that apps and contact centres send. Only their SHA-256 is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jalon::clock::Clock;

use crate::secret::{Hash, hex, sha256};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum KeyKind {
    /// Stores events and calls of one app. Shipped in the app, so not a secret.
    Write,
    /// Resolves the calls of one app.
    ContactCentre,
}

impl KeyKind {
    /// Its name, on the command line and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::ContactCentre => "contact-centre",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Write, Self::ContactCentre].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A key, as the collector knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its SHA-256.
    pub hash: Hash,
    /// What it may do.
    pub kind: KeyKind,
    /// The app it is for.
    pub app: String,
    /// When it was created, in ms since the Unix epoch.
    pub created_at: i64,
    /// From when on it is not valid any more; none for a key without an end.
    pub expires_at: Option<i64>,
}

impl Key {
    /// The name by which an operator revokes it: the beginning of its hash. Says nothing about the key.
    pub fn id(&self) -> String {
        hex(&self.hash[..8])
    }
}

/// Draws a key: 256 random bits, behind a prefix that shows the kind of a leaked key.
pub fn draw(kind: KeyKind, clock: &dyn Clock) -> String {
    let mut bits = [0; 32];
    clock.random(&mut bits);
    let prefix = match kind {
        KeyKind::Write => "jalon_write_",
        KeyKind::ContactCentre => "jalon_cc_",
    };
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bits))
}

/// The hash by which a key is stored and found.
pub fn hash(key: &str) -> Hash {
    sha256(key.as_bytes())
}
