//! Moving what is committed from SQLite's write-ahead log into the database, beside the writer.
//!
//! Left to SQLite, the commit that fills the log does all of it, and a caller's look-up waits behind
//! tens of MB of writing. Here another connection moves it bit by bit while the writer goes on (a
//! passive checkpoint blocks nobody). Only once the log is long does the writer move the little that
//! came meanwhile, between two groups: with nothing left in it, its next commit begins the log anew.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

use super::{StoreError, schema};
use crate::limits::{CHECKPOINT_PAGES, LOG_PAGES};

/// What the writer and the thread that moves pages tell each other.
#[derive(Default)]
pub(super) struct WalMonitor {
    /// Pages in the log, as of the last commit.
    pages: AtomicUsize,
    /// How many of them are moved.
    moved: AtomicUsize,
    /// The log is long, and little is left: the writer moves it.
    rest: AtomicBool,
    ended: Mutex<bool>,
    bell: Condvar,
}

impl WalMonitor {
    /// Has SQLite tell of each commit on the writer's connection, and do nothing else about it.
    pub(super) fn watch(self: &Arc<Self>, writer: &mut Connection) -> rusqlite::Result<()> {
        let monitor = Arc::clone(self);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            let pages = usize::try_from(pages).unwrap_or(0);
            if pages < monitor.pages.swap(pages, Ordering::Relaxed) {
                monitor.moved.store(0, Ordering::Relaxed);
            }
            // Should the thread miss it, between looking and waiting: the next commit tells it again.
            if monitor.is_due() {
                monitor.bell.notify_one();
            }
            Ok(())
        }))
    }

    /// Moves the rest, where that is asked for: on the writer's thread, between two groups.
    pub(super) fn checkpoint_rest(&self, writer: &Connection) {
        if self.rest.load(Ordering::Relaxed) {
            self.note_moved(checkpoint(writer));
            self.rest.store(false, Ordering::Relaxed);
        }
    }

    fn is_due(&self) -> bool {
        let (pages, moved) =
            (self.pages.load(Ordering::Relaxed), self.moved.load(Ordering::Relaxed));
        // While the writer has yet to move the rest, there is nothing for the thread.
        pages >= moved + CHECKPOINT_PAGES && !self.rest.load(Ordering::Relaxed)
    }

    /// Waits until there is something to move; `false` once the log has ended.
    fn wait(&self) -> bool {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended && !self.is_due() {
            ended = self.bell.wait(ended).unwrap_or_else(PoisonError::into_inner);
        }
        !*ended
    }

    /// Notes what was moved. What could not be is tried again with as much more, not at once.
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
    pub(super) fn start(path: &Path, monitor: Arc<WalMonitor>) -> Result<Self, StoreError> {
        let connection = schema::open_checkpointer(path)?;
        let thread = std::thread::Builder::new().name("jalon-checkpoint".to_owned()).spawn({
            let monitor = Arc::clone(&monitor);
            move || {
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
            // A panic there was reported there.
            let _ = thread.join();
        }
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
