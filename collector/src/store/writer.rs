//! The one thread that writes. It puts all waiting requests into one transaction, commits once, and
//! only then answers each of them. While it waits for the disk, the next group gathers.
//!
//! A look-up does not wait for the uploads before it: it joins the group that is being written, and
//! that group then ends soon.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jalon::clock::Clock;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{oneshot, watch};

use super::StoreError;
use super::health::Health;
use super::queue::{Priority, Queue};
use super::schema::BUSY_TIMEOUT;
use super::screen::NumbersByApp;
use super::wal::WalMonitor;
use crate::limits::{GROUP_BEHIND_LOOKUP_MAX, GROUP_REQUESTS_MAX};
use crate::secret::Secret;

/// The live streams' channels, by installation.
pub(super) type Followers = Arc<Mutex<HashMap<i64, watch::Sender<u64>>>>;

/// The commit number that followers are told when an installation is erased.
pub(super) const ERASED: u64 = u64::MAX;

/// The writer's own state between requests.
pub(super) struct State {
    /// Hashes locators and call ids.
    pub(super) secret: Secret,
    /// Draws locators.
    pub(super) clock: Arc<dyn Clock>,
    /// The numbers of each app's screens, as stored.
    pub(super) screens: NumbersByApp,
    /// The installations changed in the open transaction, with their new commit numbers.
    pub(super) changed: Vec<(i64, u64)>,
    /// Whether the write-ahead log may still hold erased data.
    pub(super) uncleared: bool,
}

/// A request to the writer.
trait Work: Send {
    /// Does the work, inside a savepoint of its own.
    fn run(&mut self, connection: &Connection, state: &mut State) -> rusqlite::Result<()>;
    /// Answers, once the commit is on disk or has failed.
    fn answer(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>);
}

struct Request<F, T> {
    work: Option<F>,
    outcome: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Work for Request<F, T>
where
    F: FnOnce(&Connection, &mut State) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection, state: &mut State) -> rusqlite::Result<()> {
        if let Some(work) = self.work.take() {
            self.outcome = Some(work(connection, state)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>) {
        let outcome = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => Ok(outcome),
            (Ok(()), None) => Err(StoreError::Ended),
            (Err(error), _) => Err(StoreError::Commit(error)),
        };
        // The client may have gone.
        let _ = self.reply.send(outcome);
    }
}

/// The handle to the writer's thread, which ends when this is dropped.
pub(super) struct Writer {
    queue: Arc<Queue<Box<dyn Work>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        connection: Connection,
        state: State,
        followers: Followers,
        monitor: Arc<WalMonitor>,
        health: &Health,
    ) -> Result<Self, StoreError> {
        let queue = Arc::new(Queue::new());
        let thread = std::thread::Builder::new().name("jalon-writer".to_owned()).spawn({
            let (queue, alive) = (Arc::clone(&queue), health.of_this_thread());
            move || {
                // Dropped last: once the thread counts as dead, nobody waits for it any more.
                let _alive = alive;
                serve(connection, state, &followers, &monitor, &queue);
            }
        })?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Does `work` on the writer's thread, in its order. Resolves once it is committed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &mut State) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(Priority::Upload, work).await
    }

    /// Does `work` before everything else that waits, since a caller does. Resolves once it is
    /// committed.
    pub(super) async fn write_lookup<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &mut State) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(Priority::LookUp, work).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        priority: Priority,
        work: impl FnOnce(&Connection, &mut State) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, outcome) = oneshot::channel();
        self.queue.push(priority, Box::new(Request { work: Some(work), outcome: None, reply }))?;
        outcome.await.map_err(|_| StoreError::Ended)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.end();
        if let Some(thread) = self.thread.take() {
            // It commits its whole queue before it ends. A panic in it is noted in the health.
            let _ = thread.join();
        }
    }
}

fn serve(
    mut connection: Connection,
    mut state: State,
    followers: &Followers,
    monitor: &WalMonitor,
    queue: &Queue<Box<dyn Work>>,
) {
    // However this thread ends, nobody is left waiting for it.
    let _end = EndOnDrop(queue);
    while queue.wait() {
        commit(&mut connection, &mut state, followers, Group::of(queue));
        monitor.checkpoint_rest(&connection);
    }
}

/// Ends the queue and drops what is in it: those who wait are told that the storage has ended.
struct EndOnDrop<'a>(&'a Queue<Box<dyn Work>>);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
        self.0.clear();
    }
}

/// The requests that one transaction takes from the queue, one after the other.
struct Group<'a> {
    queue: &'a Queue<Box<dyn Work>>,
    /// How many more uploads it may take.
    uploads_left: usize,
    /// How many more look-ups it may take.
    lookups_left: usize,
}

impl<'a> Group<'a> {
    /// The uploads that wait now, and every look-up that arrives meanwhile.
    fn of(queue: &'a Queue<Box<dyn Work>>) -> Self {
        let uploads_left = queue.uploads_waiting().min(GROUP_REQUESTS_MAX);
        Self { queue, uploads_left, lookups_left: GROUP_REQUESTS_MAX }
    }
}

impl Iterator for Group<'_> {
    type Item = Box<dyn Work>;

    fn next(&mut self) -> Option<Box<dyn Work>> {
        if self.lookups_left > 0
            && let Some(lookup) = self.queue.take(Priority::LookUp)
        {
            self.lookups_left -= 1;
            // It waits for this commit, so that few uploads may join; but some, so that they never
            // stop.
            self.uploads_left = self.uploads_left.min(GROUP_BEHIND_LOOKUP_MAX);
            return Some(lookup);
        }
        self.uploads_left = self.uploads_left.checked_sub(1)?;
        self.queue.take(Priority::Upload)
    }
}

/// Runs a group in one transaction. A request that fails is undone alone and answered with its error.
fn commit(
    connection: &mut Connection,
    state: &mut State,
    followers: &Followers,
    mut group: impl Iterator<Item = Box<dyn Work>>,
) {
    state.changed.clear();
    let mut failed = Vec::new();
    let mut done = Vec::new();
    let outcome = (|| {
        let mut transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for mut work in group.by_ref() {
            let changed = state.changed.len();
            let savepoint = transaction.savepoint()?;
            match work.run(&savepoint, state) {
                Ok(()) => {
                    savepoint.commit()?;
                    done.push(work);
                }
                Err(error) => {
                    let error = Arc::new(error);
                    state.changed.truncate(changed);
                    state.screens.clear();
                    failed.push((work, Arc::clone(&error)));
                    if savepoint.is_autocommit() {
                        // A full disk or an I/O error has undone the whole transaction.
                        return Err(error);
                    }
                    savepoint.finish()?;
                }
            }
        }
        Ok(transaction.commit()?)
    })();
    match &outcome {
        Ok(()) => {
            notify(followers, &state.changed);
            state.uncleared |= state.changed.iter().any(|(_, change)| *change == ERASED);
            if state.uncleared {
                state.uncleared = !clear_log(connection);
            }
        }
        Err(error) => {
            state.screens.clear();
            tracing::error!(error = %error, requests = done.len(), "failed to commit");
        }
    }
    // When not even a transaction could begin, the requests of this group are told why.
    if outcome.is_err() && done.is_empty() && failed.is_empty() {
        done.extend(group);
    }
    for work in done {
        work.answer(outcome.clone());
    }
    for (work, error) in failed {
        work.answer(Err(error));
    }
}

/// Erased data stays in the write-ahead log until it is overwritten. This truncates the log, and
/// answers whether it could: a reader may hold the log, and then the next commit tries again.
fn clear_log(connection: &Connection) -> bool {
    let cleared = connection.busy_timeout(Duration::ZERO).and_then(|()| {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
    });
    let cleared = connection.busy_timeout(BUSY_TIMEOUT).and(cleared).map(|busy: bool| !busy);
    cleared.unwrap_or_else(|error| {
        tracing::warn!(%error, "failed to clear the log after an erase: trying again with the next commit");
        false
    })
}

/// Tells the followers of changed installations, and forgets installations that nobody follows.
fn notify(followers: &Followers, changed: &[(i64, u64)]) {
    let mut followers = followers.lock().unwrap_or_else(PoisonError::into_inner);
    for (installation, change) in changed {
        if let Some(follower) = followers.get(installation)
            && follower.send(*change).is_err()
        {
            followers.remove(installation);
        }
    }
}

#[cfg(test)]
mod tests {
    use jalon::clock::SystemClock;

    use super::*;

    fn insert(
        number: i64,
        fails: bool,
    ) -> (Box<dyn Work>, oneshot::Receiver<Result<(), StoreError>>) {
        let (reply, outcome) = oneshot::channel();
        let work = move |connection: &Connection, state: &mut State| {
            connection.execute("INSERT INTO kept VALUES (?1)", [number])?;
            state.changed.push((number, 1));
            if fails { Err(rusqlite::Error::QueryReturnedNoRows) } else { Ok(()) }
        };
        (Box::new(Request { work: Some(work), outcome: None, reply }), outcome)
    }

    #[test]
    fn where_no_transaction_can_begin_everybody_hears_why() {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let secret = Secret::open(folder.path(), &*clock).unwrap();
        let mut state =
            State { secret, clock, screens: HashMap::new(), changed: Vec::new(), uncleared: false };
        let path = folder.path().join("locked.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE kept (number INTEGER); BEGIN IMMEDIATE").unwrap();
        let mut connection = Connection::open(&path).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        let (group, outcomes): (Vec<_>, Vec<_>) = (0..3).map(|n| insert(n, false)).unzip();

        commit(&mut connection, &mut state, &Followers::default(), group.into_iter());

        for mut outcome in outcomes {
            assert!(matches!(outcome.try_recv().unwrap(), Err(StoreError::Commit(_))));
        }
    }

    #[test]
    fn a_request_that_fails_is_undone_alone() {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let secret = Secret::open(folder.path(), &*clock).unwrap();
        let mut state =
            State { secret, clock, screens: HashMap::new(), changed: Vec::new(), uncleared: false };
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY)", []).unwrap();
        let (group, outcomes): (Vec<_>, Vec<_>) = [(1, false), (2, true), (3, false)]
            .into_iter()
            .map(|(n, fails)| insert(n, fails))
            .unzip();

        commit(&mut connection, &mut state, &Followers::default(), group.into_iter());

        let kept: i64 =
            connection.query_row("SELECT sum(number) FROM kept", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 1 + 3);
        assert_eq!(state.changed, [(1, 1), (3, 1)]);
        let answered: Vec<bool> =
            outcomes.into_iter().map(|mut outcome| outcome.try_recv().unwrap().is_ok()).collect();
        assert_eq!(answered, [true, false, true]);
    }
}
