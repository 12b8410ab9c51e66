//! Opens the database: its settings and its migrations.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::StoreError;

/// Numbered, applied in order, never changed once released.
const MIGRATIONS: [&str; 4] = [
    include_str!("migrations/001_first.sql"),
    include_str!("migrations/002_owners.sql"),
    include_str!("migrations/003_superseded.sql"),
    include_str!("migrations/004_operations.sql"),
];

/// Another process (`key create`, `erase`) may hold the write lock for one short transaction.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Prepared statements that are cached: all of ours.
const STATEMENTS: usize = 64;

/// Opens the connection that writes, and brings the schema up to date.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    // Readable by its owner alone; SQLite gives the log beside it the same mode.
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Readers never wait for the writer, and a commit is one append and one fsync.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Whatever is answered is on disk: in WAL mode, FULL syncs the log at each commit, NORMAL does not.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // `wal` checkpoints, beside the writer.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // A log that grew under a long reader is cut back to this; below, it keeps its size, since a
    // growing file takes longer to sync.
    connection.pragma_update(None, "journal_size_limit", 128 * 1024 * 1024)?;
    // 64 MiB of pages: uploads land all over the key space, and a miss is a read.
    connection.pragma_update(None, "cache_size", -65_536)?;
    // The pages that undo a single request of a group stay in memory: past 64 KiB, SQLite would put
    // them into a file outside the data folder, with one write per page.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Deleted data is overwritten, also in freed pages: erased means erased in the file, too.
    connection.pragma_update(None, "secure_delete", true)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a connection that moves the log's pages into the database.
pub(super) fn open_checkpointer(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    // As for the writer: the log is synced before its pages are moved, and the database before the log
    // restarts.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

/// Opens a connection that reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A reader that writes would be a defect.
    connection.pragma_update(None, "query_only", true)?;
    // Pages are read from the kernel's file cache, without a copy of each.
    connection.pragma_update(None, "mmap_size", 256 * 1024 * 1024)?;
    Ok(connection)
}

/// Opens a read-only connection to a database that exists.
pub(super) fn open_to_look(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > MIGRATIONS.len() as i64 {
        return Err(StoreError::Later(version));
    }
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).ok().filter(|done| *done <= MIGRATIONS.len());
    let Some(done) = done else { return Err(StoreError::Later(version)) };
    for migration in &MIGRATIONS[done..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    transaction.commit()?;
    Ok(())
}
