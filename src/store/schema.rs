//! Sets up a store, and distinguishes ours from any other file. Reads and writes no events.

use once_cell::sync::OnceCell;
use rusqlite::{Connection, TransactionBehavior};

use super::Limits;
use crate::error::Error;

/// Each migration brings the store to the version of its place, from 1 on.
pub(super) const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/0001-start.sql"), include_str!("migrations/0002-owners.sql")];

pub(super) const EMPTY: Error = Error::StoreUnusable("it is empty, but was not before");

/// The names of tables and indexes, each with its SQL.
type Schema = Vec<(String, Option<String>)>;

/// Our own schema, made once in a process: to make it is half of opening a store, and a process opens
/// another one after an erasure, a grant, or damage.
static OURS: OnceCell<Schema> = OnceCell::new();

/// Every PRAGMA with its reason.
pub(super) fn configure(connection: &Connection, limits: Limits) -> Result<(), Error> {
    // Pages of deleted events go back to the file system, a few at a time. Before any table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    // A commit is an append; readers and a killed writer leave nothing half done.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit need not reach the disk at once: the kernel has it, and SIGKILL takes nothing. It
    // is synced before anything leaves the device (`make_durable`).
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // On Apple's systems a sync stops at the drive's cache unless it is asked to go through.
    connection.pragma_update(None, "fullfsync", true)?;
    // Overwrites deleted content with zeros where that costs no further write.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    // Checkpoint at 256 KiB, and give that back: the write-ahead log counts against the quota.
    connection.pragma_update(None, "wal_autocheckpoint", 64)?;
    connection.pragma_update(None, "journal_size_limit", 256 * 1024)?;
    // No temporary files beside ours.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Nothing in the file may call functions of its own.
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    // A last bound, should our own count of bytes ever be wrong.
    let page_bytes: u64 =
        connection.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))? as u64;
    let pages_max = (limits.bytes_max.saturating_mul(6) / 5 / page_bytes).max(64);
    connection.pragma_update(None, "max_page_count", pages_max as i64)?;
    // Half a megabyte of cache is all a queue needs.
    connection.pragma_update(None, "cache_size", -512)?;
    // Every page, but not the indexes against their tables: an app is about to draw its first frame.
    let verdict: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(Error::StoreUnusable("SQLite's check failed")) }
}

pub(super) fn migrate(connection: &mut Connection, may_be_new: bool) -> Result<(), Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version == 0 && !may_be_new {
        return Err(EMPTY);
    }
    let Some(missing) = MIGRATIONS.get(version..) else {
        return Err(Error::StoreUnusable("a later version wrote it"));
    };
    for (at, migration) in missing.iter().enumerate() {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(migration).map_err(unusable_schema)?;
        tx.pragma_update(None, "user_version", (version + at + 1) as i64)?;
        tx.commit()?;
    }
    // A file of our version without our tables is not ours.
    if schema(connection)? == *OURS.get_or_try_init(our_schema)? {
        Ok(())
    } else {
        Err(Error::StoreUnusable("its tables are not ours"))
    }
}

/// Returns what the migrations make of a file that was empty.
fn our_schema() -> Result<Schema, Error> {
    let ours = Connection::open_in_memory()?;
    for migration in MIGRATIONS {
        ours.execute_batch(migration)?;
    }
    schema(&ours)
}

fn schema(connection: &Connection) -> Result<Schema, Error> {
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")?;
    let entries =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    Ok(entries)
}

/// Maps an error while the schema is made or read: an SQL error means that the file has other
/// tables.
pub(super) fn unusable_schema(error: rusqlite::Error) -> Error {
    let unknown = error.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown);
    match error {
        // What rusqlite makes of an error that SQLite can point at in the statement.
        rusqlite::Error::SqlInputError { .. } => Error::StoreUnusable("its tables are not ours"),
        _ if unknown => Error::StoreUnusable("its tables are not ours"),
        _ => Error::Sqlite(error),
    }
}
