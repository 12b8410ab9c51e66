//! The server's secret: what codes and call ids are hashed with at rest, and desk links signed.
//!
//! Lost with the data folder, never sent anywhere. Installations and keys are random enough for
//! a plain SHA-256.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jalon::clock::Clock;
use sha2::{Digest as _, Sha256};

/// 32 bytes: what a hash here makes.
pub type Hash = [u8; 32];

/// SHA-256 of something random enough to need no key.
pub fn sha256(data: &[u8]) -> Hash {
    Sha256::digest(data).into()
}

/// The secret of one data folder.
#[derive(Clone)]
pub struct Secret(Hash);

impl Secret {
    /// Reads `secret` in the data folder, or makes it, for its owner alone (0600).
    ///
    /// # Errors
    /// What the file system says; `InvalidData` when the file is not 32 bytes.
    pub fn open(folder: &Path, clock: &dyn Clock) -> io::Result<Self> {
        match Self::read(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(folder, clock),
            read => read,
        }
    }

    /// Reads `secret` in the data folder, and makes none.
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

    /// Written beside and linked into place: another process that makes one at the same time
    /// loses or wins whole, and nobody reads half a secret.
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

    /// The keyed hash of `data`, apart from every other `purpose`'s.
    pub fn hash(&self, purpose: &str, data: &[u8]) -> Hash {
        self.mac(purpose, data).finalize().into_bytes().into()
    }

    /// Whether `hash` is the one of `data`, in a time that does not depend on where they differ.
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
