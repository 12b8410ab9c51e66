//! What can go wrong: every cause for us, a variant for the app only where it would act differently.

use std::io;

/// What Linux and Android answer for anything in a folder whose key is not there (fscrypt;
/// <https://docs.kernel.org/filesystems/fscrypt.html>, "Without the key"). No errno of Apple's.
const ENOKEY: i32 = 126;

/// Why events wait in memory on a device that was not unlocked since it started. Also for a façade
/// that knows of the lock where the system does not say.
pub const NOT_UNLOCKED: &str =
    "the device was not unlocked since it started: events wait in memory until it is";

/// An internal failure, with its cause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file or folder could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The system has no key to the folder yet: Android, before the first unlock.
    #[error("{}", NOT_UNLOCKED)]
    NotUnlocked,
    /// Another process, or another journey of this one, holds the folder.
    #[error("the folder is in use by another journey")]
    InUse,
    /// The customer took the grant back, or asked for an erasure, while something was prepared.
    #[error("consent was withdrawn meanwhile")]
    Withdrawn,
    /// SQLite answered with an error.
    #[error("sqlite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The store cannot be used and never will be: corrupt, or written by a later version.
    #[error("the store is unusable: {0}")]
    StoreUnusable(&'static str),
}

impl Error {
    /// Wraps a system error; for `map_err`.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.raw_os_error() {
            Some(ENOKEY) => Self::NotUnlocked,
            _ => Self::Io { what, source },
        }
    }

    /// Whether the store's content, and not its surroundings, is at fault: only then it is set
    /// aside. A full disk, a locked device, a missing permission or a busy file pass.
    pub(crate) fn condemns_the_store(&self) -> bool {
        match self {
            // The last four: values of another type than was written.
            Self::StoreUnusable(_)
            | Self::Sqlite(
                rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::Utf8Error(..),
            ) => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
            ),
            Self::Io { .. } | Self::NotUnlocked | Self::InUse | Self::Withdrawn => false,
        }
    }
}

/// Why a journey could not be opened, or a call not be given its context.
///
/// Recording never fails: what cannot be kept is counted in [`Status`](crate::Status).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JourneyError {
    /// An option has a value that can never work; the text says which and what to write instead.
    #[error("configuration: {0}")]
    Config(String),
    /// Another process, or another journey of this one, records in the same folder.
    #[error("the folder is in use by another journey: open it once, in one process")]
    InUse,
    /// The number to call is no phone number.
    #[error("not a phone number: give 3 to 15 digits, perhaps after a +")]
    PhoneNumber,
}
