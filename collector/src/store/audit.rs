//! The audit log: who looked at what, and that a customer was erased. Each entry seals the one before it.
//!
//! A seal is the keyed hash of the seal before it and of every column of its own entry: without the
//! secret, no entry can be altered, inserted, moved or removed undetected. The log alone does not
//! show that entries were removed from its end, or that somebody who also read the secret sealed
//! everything again. A seal that was kept elsewhere shows both.
//!
//! It names calls and customers by keyed hash alone, so it outlives erasing and retention.

use std::io;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::claimant::Claimant;
use super::{StoreError, schema};
use crate::limits::AUDIT_ENTRIES_READ;
use crate::secret::Secret;

/// The purpose of a seal's keyed hash.
const PURPOSE: &str = "audit";

/// A view or an erasure to be noted.
pub(super) struct Noted<'a> {
    /// When it was.
    pub(super) at: i64,
    /// The app.
    pub(super) app: &'a str,
    /// What was done: `resolve`, `desk`, `live`, `erase`.
    pub(super) act: &'a str,
    /// Whose call it was, or which customer.
    pub(super) claimant: &'a Claimant,
    /// The agent who views it.
    pub(super) agent: Option<&'a str>,
}

/// Appends a sealed entry, within the transaction of what it notes: the write lock is held, so that no
/// other process can seal on the same entry.
pub(super) fn note(
    connection: &Connection,
    secret: &Secret,
    noted: &Noted<'_>,
) -> rusqlite::Result<()> {
    let (last, previous) = connection
        .prepare_cached("SELECT id, seal FROM audit ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?, bytes(row.get_ref(1)?))))
        .optional()?
        .unwrap_or_default();
    let id = last.saturating_add(1);
    let columns = [
        ValueRef::Integer(id),
        ValueRef::Integer(noted.at),
        ValueRef::Text(noted.app.as_bytes()),
        ValueRef::Text(noted.act.as_bytes()),
        ValueRef::Blob(noted.claimant.as_bytes()),
        noted.agent.map_or(ValueRef::Null, |agent| ValueRef::Text(agent.as_bytes())),
    ];
    let seal = secret.hash(PURPOSE, &sealed(&previous, columns));
    connection
        .prepare_cached(
            "INSERT INTO audit (id, at, app, act, call, agent, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![id, noted.at, noted.app, noted.act, noted.claimant, noted.agent, seal])?;
    Ok(())
}

/// The bytes under a seal: each value after its type and its length, so that no two entries have the
/// same bytes.
fn sealed(previous: &[u8], columns: [ValueRef<'_>; 6]) -> Vec<u8> {
    let mut text = Vec::with_capacity(256);
    for value in [ValueRef::Blob(previous)].into_iter().chain(columns) {
        let bytes = bytes(value);
        text.push(match value {
            ValueRef::Null => 0,
            ValueRef::Integer(_) => 1,
            ValueRef::Real(_) => 2,
            ValueRef::Text(_) => 3,
            ValueRef::Blob(_) => 4,
        });
        text.extend((bytes.len() as u64).to_be_bytes());
        text.extend(bytes);
    }
    text
}

fn bytes(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Null => Vec::new(),
        ValueRef::Integer(number) => number.to_be_bytes().to_vec(),
        ValueRef::Real(number) => number.to_bits().to_be_bytes().to_vec(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
    }
}

/// The audit log of a data folder, to read and to check. Changes nothing and works while the collector
/// serves; SQLite may leave an empty write-ahead log beside the database.
pub struct AuditLog {
    connection: Connection,
    secret: Secret,
}

/// An entry of the log, as far as it can be read: an altered entry may make no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the log; the first is 1.
    pub id: i64,
    /// When the view was opened, in ms since the Unix epoch by the collector's clock.
    pub at: i64,
    /// The app.
    pub app: String,
    /// What was done: `resolve`, `desk`, `live`, `erase`.
    pub act: String,
    /// Whose call it was, as the bytes of [`AuditLog::claimant`], or which customer was erased; unless they
    /// were altered.
    pub claimant: Vec<u8>,
    /// The agent who viewed it, if the contact centre said so.
    pub agent: Option<String>,
    /// The seal on this entry and on all before it.
    pub seal: Vec<u8>,
    /// What the check found, if the entry is not as it was written.
    pub error: Option<AuditError>,
}

/// Why the log is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditError {
    /// The seal does not match the entry, or the entry before it.
    Altered,
    /// Entries before this one are missing, and it cannot be checked without them.
    Missing {
        /// The first of them.
        from: i64,
        /// The last of them.
        to: i64,
    },
}

impl AuditLog {
    /// Opens the log of a data folder. Creates neither folder nor secret.
    ///
    /// # Errors
    /// [`StoreError::Io`] with `NotFound` where there is no collector's data, [`StoreError::Later`]
    /// for a database of a later version; else the error of SQLite or the file system.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("collector.db");
        if !path.is_file() {
            let text = format!("no collector's data in {}", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, text).into());
        }
        let secret = Secret::read(folder)?;
        Ok(Self { connection: schema::open_to_look(&path)?, secret })
    }

    /// The claimant that a contact centre's call stands for in the log.
    pub fn claimant(&self, app: &str, call_id: &str) -> Claimant {
        Claimant::new(&self.secret, app, call_id)
    }

    /// All entries, oldest first, each checked against the one before it, until the first error. Reads
    /// in slices, so that a log of any length takes little memory and delays nobody.
    pub fn entries(&self) -> impl Iterator<Item = Result<AuditEntry, StoreError>> + '_ {
        let mut chain = Chain { last: 0, previous: Vec::new() };
        let mut from = Some(i64::MIN);
        let mut slice = Vec::new().into_iter();
        std::iter::from_fn(move || {
            if slice.len() == 0 {
                match self.slice(from?, &mut chain) {
                    Ok(entries) => slice = entries.into_iter(),
                    Err(error) => return Some(Err(error)),
                }
            }
            let entry = slice.next()?;
            from = entry.id.checked_add(1);
            Some(Ok(entry))
        })
    }

    fn slice(&self, from: i64, chain: &mut Chain) -> Result<Vec<AuditEntry>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, at, app, act, call, agent, seal FROM audit
             WHERE id >= ?1 ORDER BY id LIMIT ?2",
        )?;
        let mut rows = statement.query(params![from, AUDIT_ENTRIES_READ as i64])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let mut columns = [ValueRef::Null; 6];
            for (index, column) in columns.iter_mut().enumerate() {
                *column = row.get_ref(index)?;
            }
            let seal = bytes(row.get_ref(6)?);
            entries.push(chain.next(&self.secret, columns, seal));
        }
        Ok(entries)
    }
}

/// The last entry that was checked.
struct Chain {
    last: i64,
    previous: Vec<u8>,
}

impl Chain {
    /// Checks an entry against the one before it. After an error it goes on from the entry as it is, so
    /// that each error is reported once.
    fn next(&mut self, secret: &Secret, columns: [ValueRef<'_>; 6], seal: Vec<u8>) -> AuditEntry {
        let [id, at, app, act, call, agent] = columns;
        let number = |value: ValueRef<'_>| value.as_i64().unwrap_or_default();
        let text = |value| String::from_utf8_lossy(&bytes(value)).into_owned();
        let id = number(id);
        let expected = self.last.saturating_add(1);
        let error = if id > expected {
            Some(AuditError::Missing { from: expected, to: id - 1 })
        } else if id == expected && secret.verify(PURPOSE, &sealed(&self.previous, columns), &seal)
        {
            None
        } else {
            Some(AuditError::Altered)
        };
        // An entry with a number below 1 was never written.
        if id >= expected {
            self.last = id;
            self.previous.clone_from(&seal);
        }
        AuditEntry {
            id,
            at: number(at),
            app: text(app),
            act: text(act),
            claimant: bytes(call),
            agent: (agent != ValueRef::Null).then(|| text(agent)),
            seal,
            error,
        }
    }
}
