//! Moving what is committed from SQLite's write-ahead log into the database, beside the writer.
//!
//! Left to SQLite, the commit that fills the log does all of it, and a caller's look-up waits behind
//! tens of MB of writing. Here another connection moves the bulk while the writer goes on (a passive
//! checkpoint blocks nobody), and the writer itself only the little that came meanwhile, between two
//! groups: once all is moved, its next commit begins the log anew.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

use super::{StoreError, schema};
use crate::limits::{CHECKPOINT_PAGES, CHECKPOINT_PASSES_MAX, CHECKPOINT_REST_PAGES};

/// What the writer and the thread that moves pages tell each other.
#[derive(Default)]
pub(super) struct Log {
    /// Pages in the log, as of the last commit.
    pages: AtomicUsize,
    /// Little enough is left for the writer to move.
    rest: AtomicBool,
    ended: Mutex<bool>,
    bell: Condvar,
}

impl Log {
    /// Has SQLite tell of each commit on the writer's connection, and do nothing else about it.
    pub(super) fn watch(self: &Arc<Self>, writer: &mut Connection) -> rusqlite::Result<()> {
        let log = Arc::clone(self);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            let pages = usize::try_from(pages).unwrap_or(0);
            log.pages.store(pages, Ordering::Relaxed);
            if pages >= CHECKPOINT_PAGES {
                log.bell.notify_one();
            }
            Ok(())
        }))
    }

    /// Moves the rest, where that is asked for: on the writer's thread, between two groups.
    pub(super) fn move_rest(&self, writer: &Connection) {
        if self.rest.load(Ordering::Relaxed) {
            checkpoint(writer);
            self.pages.store(0, Ordering::Relaxed);
            self.rest.store(false, Ordering::Relaxed);
        }
    }

    /// Waits until the log is long; `false` once it has ended.
    fn wait(&self) -> bool {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let is_short = || {
            // While the writer has yet to move the rest, there is nothing for us.
            self.pages.load(Ordering::Relaxed) < CHECKPOINT_PAGES
                || self.rest.load(Ordering::Relaxed)
        };
        while !*ended && is_short() {
            ended = self.bell.wait(ended).unwrap_or_else(PoisonError::into_inner);
        }
        !*ended
    }
}

/// The thread that moves pages; ends when this is dropped.
pub(super) struct Checkpointer {
    log: Arc<Log>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread, with a connection of its own.
    pub(super) fn start(path: &Path, log: Arc<Log>) -> Result<Self, StoreError> {
        let connection = schema::open_checkpointer(path)?;
        let thread = std::thread::Builder::new().name("jalon-checkpoint".to_owned()).spawn({
            let log = Arc::clone(&log);
            move || {
                while log.wait() {
                    move_bulk(&connection);
                    log.rest.store(true, Ordering::Relaxed);
                }
            }
        })?;
        Ok(Self { log, thread: Some(thread) })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        *self.log.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.log.bell.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported there.
            let _ = thread.join();
        }
    }
}

/// Moves pages until what came meanwhile is little, or it is clear that the writer is faster.
fn move_bulk(connection: &Connection) {
    let mut moved_before = 0;
    for _ in 0..CHECKPOINT_PASSES_MAX {
        let Some(moved) = checkpoint(connection) else { return };
        // The log that is moved begins anew with the writer: then there is nothing to wait for.
        if moved.saturating_sub(moved_before) <= CHECKPOINT_REST_PAGES {
            return;
        }
        moved_before = moved;
    }
}

/// Moves what is in the log now, waiting for nobody; says how many of its pages are moved.
fn checkpoint(connection: &Connection) -> Option<usize> {
    match connection.wal_checkpoint_v2(Some(rusqlite::MAIN_DB), CheckpointMode::PASSIVE) {
        Ok((_, moved)) => usize::try_from(moved).ok(),
        // Somebody else is moving it: the writer after an erase, another process.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
        Err(error) => {
            tracing::warn!(%error, "failed to move the log into the database");
            None
        }
    }
}
