//! The errors: an internal one with every cause, and a public one with a variant only where the app
//! would act differently.

use std::io;

/// The errno of Linux and Android for files in an encrypted folder whose key is not loaded
/// (fscrypt; <https://docs.kernel.org/filesystems/fscrypt.html>, "Without the key"). Apple's
/// systems do not use this number.
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
        /// The action that failed, such as "open the folder".
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The system has not loaded the folder's key yet: Android, before the first unlock.
    #[error("{}", NOT_UNLOCKED)]
    NotUnlocked,
    /// Another process, or another journey in this process, has the folder open.
    #[error("the folder is in use by another journey")]
    InUse,
    /// The file system does not support locks.
    #[error("there is no lock on the folder")]
    Unlocked,
    /// The customer withdrew consent, or asked for an erasure, while a request was being prepared.
    #[error("consent was withdrawn meanwhile")]
    Withdrawn,
    /// SQLite returned an error.
    #[error("sqlite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The store cannot be used and never will be: corrupt, or written by a later version.
    #[error("the store is unusable: {0}")]
    StoreUnusable(&'static str),
}

impl Error {
    /// Wraps a system error, for `map_err`; `what` names the action that failed.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.raw_os_error() {
            Some(ENOKEY) => Self::NotUnlocked,
            _ => Self::Io { what, source },
        }
    }

    /// Returns whether the store's content is damaged, so that the store is set aside. A full disk,
    /// a locked device, a missing permission or a busy file are not reasons: they pass.
    pub(crate) fn condemns_the_store(&self) -> bool {
        match self {
            // The last four: values of a different type than was written.
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
            Self::Io { .. }
            | Self::NotUnlocked
            | Self::InUse
            | Self::Unlocked
            | Self::Withdrawn => false,
        }
    }
}

/// The reason why a journey could not be opened, or a call got no context.
///
/// Recording never fails: what cannot be kept is counted in [`Status`](crate::Status).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JourneyError {
    /// An option has a value that can never work; the text says which and what to write instead.
    #[error("configuration: {0}")]
    Config(String),
    /// Another process, or another journey in this process, has the same folder open.
    #[error("the folder is in use by another journey: open it once, in one process")]
    InUse,
    /// The number to call is not a valid phone number.
    #[error("not a phone number: give 3 to 15 digits, perhaps after a +")]
    PhoneNumber,
}
