//! Checkpoints SQLite's write-ahead log, beside the writer: moves committed pages into the database.
//!
//! Left to SQLite, the commit that fills the log would move all of it, and a caller's look-up would
//! wait behind tens of MB of writing. Here another connection moves the pages in small pieces while
//! the writer goes on (a passive checkpoint blocks nobody). Only once the log is long does the writer
//! move the few pages that came meanwhile, between two groups: its next commit then restarts the
//! empty log.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

use super::health::Health;
use super::{StoreError, schema};
use crate::limits::{CHECKPOINT_PAGES, LOG_PAGES};

/// How long the log is and how much of it is moved, shared by the writer and the checkpointer.
#[derive(Default)]
pub(super) struct WalMonitor {
    /// Pages in the log, as of the last commit.
    pages: AtomicUsize,
    /// How many of them are moved into the database.
    moved: AtomicUsize,
    /// Whether the log is long and little of it is left, so that the writer moves the rest.
    rest: AtomicBool,
    ended: Mutex<bool>,
    bell: Condvar,
}

impl WalMonitor {
    /// Follows the commits on the writer's connection, on which SQLite then does no checkpoint itself.
    pub(super) fn watch(self: &Arc<Self>, writer: &mut Connection) -> rusqlite::Result<()> {
        let monitor = Arc::clone(self);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            let pages = usize::try_from(pages).unwrap_or(0);
            if pages < monitor.pages.swap(pages, Ordering::Relaxed) {
                monitor.moved.store(0, Ordering::Relaxed);
            }
            // If the thread misses this between looking and waiting, the next commit wakes it.
            if monitor.is_due() {
                monitor.bell.notify_one();
            }
            Ok(())
        }))
    }

    /// Moves the rest of a long log, if there is one. For the writer's thread, between two groups.
    pub(super) fn checkpoint_rest(&self, writer: &Connection) {
        if self.rest.load(Ordering::Relaxed) {
            self.note_moved(checkpoint(writer));
            self.rest.store(false, Ordering::Relaxed);
        }
    }

    fn is_due(&self) -> bool {
        let (pages, moved) =
            (self.pages.load(Ordering::Relaxed), self.moved.load(Ordering::Relaxed));
        // While the writer has the rest to move, there is nothing to do for the thread.
        pages >= moved + CHECKPOINT_PAGES && !self.rest.load(Ordering::Relaxed)
    }

    /// Waits until there are pages to move; `false` once the storage ends.
    fn wait(&self) -> bool {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended && !self.is_due() {
            ended = self.bell.wait(ended).unwrap_or_else(PoisonError::into_inner);
        }
        !*ended
    }

    /// Notes how many pages are moved. After a failure (`None`), it is tried again once as many pages
    /// have come again, not at once.
    fn note_moved(&self, pages: Option<usize>) {
        let pages = pages.unwrap_or_else(|| self.pages.load(Ordering::Relaxed));
        self.moved.store(pages, Ordering::Relaxed);
    }
}

/// The thread that moves pages; ends when this is dropped.
pub(super) struct Checkpointer {
    monitor: Arc<WalMonitor>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread, with a connection of its own.
    pub(super) fn start(
        path: &Path,
        monitor: Arc<WalMonitor>,
        health: &Health,
    ) -> Result<Self, StoreError> {
        let connection = schema::open_checkpointer(path)?;
        let thread = std::thread::Builder::new().name("jalon-checkpoint".to_owned()).spawn({
            let (monitor, alive) = (Arc::clone(&monitor), health.of_this_thread());
            move || {
                let _alive = alive;
                while monitor.wait() {
                    monitor.note_moved(checkpoint(&connection));
                    let is_long = monitor.pages.load(Ordering::Relaxed) >= LOG_PAGES;
                    monitor.rest.store(is_long, Ordering::Relaxed);
                }
            }
        })?;
        Ok(Self { monitor, thread: Some(thread) })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        *self.monitor.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.monitor.bell.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic in it is noted in the health.
            let _ = thread.join();
        }
    }
}

/// Moves the pages that are in the log now, waiting for nobody. Answers how many of the log's pages are
/// moved; `None` when it failed.
fn checkpoint(connection: &Connection) -> Option<usize> {
    match connection.wal_checkpoint_v2(Some(rusqlite::MAIN_DB), CheckpointMode::PASSIVE) {
        Ok((_, moved)) => usize::try_from(moved).ok(),
        // Another connection is moving them: the writer after an erase, or another process.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
        Err(error) => {
            tracing::warn!(%error, "failed to move the write-ahead log into the database: trying again");
            None
        }
    }
}
