//! The collector's secret: it hashes codes and call ids at rest, and signs desk links.
//!
//! It stays in the data folder and is never sent anywhere. Installations and keys are random enough
//! for a plain SHA-256.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jalon::clock::Clock;
use sha2::{Digest as _, Sha256};

/// A SHA-256, plain or keyed.
pub type Hash = [u8; 32];

/// SHA-256 of data that is random enough to need no key.
pub fn sha256(data: &[u8]) -> Hash {
    Sha256::digest(data).into()
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The secret of one data folder.
#[derive(Clone)]
pub struct Secret(Hash);

impl Secret {
    /// Reads `secret` in the data folder, or creates it, readable by its owner alone (0600).
    ///
    /// # Errors
    /// `InvalidData` when the file is not 32 bytes long; else the error of the file system.
    pub fn open(folder: &Path, clock: &dyn Clock) -> io::Result<Self> {
        match Self::read(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(folder, clock),
            read => read,
        }
    }

    /// Reads `secret` in the data folder, and never creates it.
    ///
    /// # Errors
    /// `NotFound` when there is none; else as [`open`](Self::open).
    pub fn read(folder: &Path) -> io::Result<Self> {
        let bytes = fs::read(folder.join("secret")).map_err(|error| {
            io::Error::new(error.kind(), format!("`secret` cannot be read: {error}"))
        })?;
        let bytes = bytes.try_into().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "`secret` is not 32 bytes long")
        })?;
        Ok(Self(bytes))
    }

    /// Writes a draft and links it into place: of two processes that create one at the same time,
    /// exactly one wins, and nobody reads half a secret.
    fn make(folder: &Path, clock: &dyn Clock) -> io::Result<Self> {
        let mut bytes = [0; 32];
        clock.random(&mut bytes);
        let draft = folder.join(format!("secret.{}", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        let linked = fs::hard_link(&draft, folder.join("secret"));
        fs::remove_file(&draft)?;
        match linked {
            Ok(()) => {
                fs::File::open(folder)?.sync_all()?;
                Ok(Self(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::open(folder, clock),
            Err(error) => Err(error),
        }
    }

    /// The keyed hash of `data` for one `purpose`; another purpose has another hash.
    pub fn hash(&self, purpose: &str, data: &[u8]) -> Hash {
        self.mac(purpose, data).finalize().into_bytes().into()
    }

    /// Whether `hash` is that of `data`. Takes the same time wherever they differ.
    pub fn verify(&self, purpose: &str, data: &[u8], hash: &[u8]) -> bool {
        self.mac(purpose, data).verify_slice(hash).is_ok()
    }

    #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, purpose: &str, data: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(data);
        mac
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}
