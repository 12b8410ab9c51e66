//! The store: the only user of SQLite. It gives each event its `seq`, and keeps it until the
//! collector has it, within the quota and the time to live.
//!
//! Used on the worker's thread only. Does not decide when to send or what an answer means. Readers
//! take `&Connection`, writers `&Transaction`.

mod customers;
mod drain;
mod leases;
mod queue;
mod schema;
mod watermark;

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

pub(crate) use leases::Lease;
pub(crate) use queue::{Row, Told};
use schema::{EMPTY, configure, migrate};
use watermark::Watermark;

use crate::clock::Now;
use crate::error::Error;
use crate::event::{DropReason, Dropped};
use crate::session::wall_step;
use crate::wire::Who;

/// The store's file; SQLite adds `-wal` and `-shm`.
pub(crate) const FILE: &str = "journey.db";
/// The file of a store that was set aside, kept for a while.
pub(crate) const SET_ASIDE: &str = "set-aside.db";

/// The bounds of a store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes that its pages may fill.
    pub bytes_max: u64,
    pub time_to_live_ms: u64,
}

/// The row of the table `state` and the counts that go with it, as of the last commit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    /// The installation and epoch that the store belongs to.
    owner: ([u8; 16], u32),
    next_seq: u64,
    unsent: u64,
    delivered: u64,
    dropped: Dropped,
    /// The customer after the newest event, and the `seq` at which their use of the phone began.
    customer: Who,
    since: u64,
}

/// The store of one installation and epoch.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    limits: Limits,
    state: State,
    watermark: Watermark,
    /// The store's age at `anchor`, a moment of this process.
    age_ms: u64,
    anchor: Now,
    /// The first and last `seq` of the batch that is being sent: neither quota nor age deletes
    /// these events meanwhile.
    in_flight: Option<(u64, u64)>,
    /// The collector honours fewer codes than this store holds.
    codes_doubted: bool,
    /// Something was committed that a power cut could still take away.
    volatile: bool,
}

/// The store's counts, for the status and the envelope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub next_seq: u64,
    pub oldest_seq: u64,
    pub unsent: u64,
    pub delivered: u64,
    pub dropped: Dropped,
}

impl Store {
    /// Opens the store of `installation` in `epoch`. Makes one if there is none. Adopts the store
    /// of another installation (whose `identity` was lost): its unsent events become this one's,
    /// with new numbers.
    ///
    /// # Errors
    /// [`Error::condemns_the_store`] says whether to set the store aside or to try again.
    pub(crate) fn open(
        path: &Path,
        installation: &[u8; 16],
        epoch: u32,
        limits: Limits,
        now: Now,
    ) -> Result<Self, Error> {
        Self::open_any(path, installation, epoch, limits, now, true)
    }

    /// Opens a store that is known to exist. If it is missing or empty it was lost, and with it
    /// which numbers were given: that is an error.
    ///
    /// # Errors
    /// The same as `open`.
    pub(crate) fn open_again(
        path: &Path,
        installation: &[u8; 16],
        epoch: u32,
        limits: Limits,
        now: Now,
    ) -> Result<Self, Error> {
        Self::open_any(path, installation, epoch, limits, now, false)
    }

    fn open_any(
        path: &Path,
        installation: &[u8; 16],
        epoch: u32,
        limits: Limits,
        now: Now,
        may_be_new: bool,
    ) -> Result<Self, Error> {
        let mut connection = Connection::open(path)?;
        // Nobody else writes here. If somebody does, the worker tries again later, and `close` does
        // not wait for the lock.
        connection.busy_timeout(Duration::ZERO)?;
        configure(&connection, limits)?;
        migrate(&mut connection, may_be_new)?;
        let mut store = Self {
            connection,
            limits,
            state: State {
                owner: (*installation, epoch),
                next_seq: 1,
                unsent: 0,
                delivered: 0,
                dropped: Dropped::default(),
                customer: Who::Nobody,
                since: 0,
            },
            watermark: Watermark::read(path, (*installation, epoch)),
            age_ms: 0,
            anchor: now,
            in_flight: None,
            codes_doubted: false,
            volatile: true,
        };
        store.load(may_be_new, now)?;
        if store.watermark.contradicts(store.state.next_seq) {
            return Err(Error::StoreUnusable("it has lost numbers that were already given"));
        }
        Ok(store)
    }

    fn load(&mut self, may_be_new: bool, now: Now) -> Result<(), Error> {
        let owner = self.state.owner;
        let found = self
            .connection
            .query_row(
                "SELECT installation, epoch, next_seq, delivered, age, wall, sum FROM state",
                [],
                |row| {
                    let state = State {
                        owner: (row.get(0)?, row.get(1)?),
                        next_seq: row.get::<_, i64>(2)? as u64,
                        unsent: 0,
                        delivered: row.get::<_, i64>(3)? as u64,
                        dropped: Dropped::default(),
                        customer: Who::Nobody,
                        since: 0,
                    };
                    let age_ms = row.get::<_, i64>(4)? as u64;
                    Ok((state, age_ms, row.get::<_, i64>(5)?, row.get::<_, u32>(6)?))
                },
            )
            .optional()?;
        let Some((mut state, age_ms, wall_ms, checksum)) = found else {
            return if may_be_new { self.begin(owner) } else { Err(EMPTY) };
        };
        state.dropped = read_dropped(&self.connection)?;
        (state.customer, state.since) = customers::newest(&self.connection)?;
        let newest: Option<i64> =
            self.connection.query_row("SELECT max(seq) FROM events", [], |row| row.get(0))?;
        if checksum != checksum_of(&state, age_ms, wall_ms)
            || newest.unwrap_or(0) as u64 >= state.next_seq
        {
            return Err(Error::StoreUnusable("its numbers contradict its checksum or its events"));
        }
        self.state = state;
        self.age_ms = age_ms + wall_step(wall_ms, now.wall_ms);
        if self.state.owner.0 != owner.0 {
            return self.begin(owner);
        }
        if self.state.owner.1 != owner.1 {
            return Err(Error::StoreUnusable("it belongs to an earlier epoch"));
        }
        self.state.unsent = count_unsent(&self.connection)?;
        Ok(())
    }

    /// Starts again for an installation and an epoch: only unsent events stay, with new numbers.
    fn begin(&mut self, owner: ([u8; 16], u32)) -> Result<(), Error> {
        let now = self.anchor;
        self.write(now, |tx, state, _| {
            tx.execute_batch("DELETE FROM events WHERE sent = 1; DELETE FROM dropped; DELETE FROM leases; DELETE FROM screens; DELETE FROM state;")?;
            customers::renumber(tx, owner.1 > 1)?;
            let seqs: Vec<i64> = tx
                .prepare("SELECT seq FROM events ORDER BY seq")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let mut renumber = tx.prepare("UPDATE events SET seq = ?2 WHERE seq = ?1")?;
            // A new number is never above the old one, and so never taken already.
            for (at, seq) in seqs.iter().enumerate() {
                renumber.execute(params![seq, at as i64 + 1])?;
            }
            tx.execute(
                "INSERT INTO state (id, installation, epoch, next_seq, delivered, syncs, age, wall, sum) VALUES (1, ?1, ?2, 1, 0, 0, 0, 0, 0)",
                params![owner.0.as_slice(), owner.1],
            )?;
            let (customer, since) = customers::newest(tx)?;
            *state = State {
                owner,
                next_seq: seqs.len() as u64 + 1,
                unsent: seqs.len() as u64,
                delivered: 0,
                dropped: Dropped::default(),
                customer,
                since,
            };
            Ok(())
        })
    }

    /// Returns the store's age in ms: the time known to have passed since it was made, by the
    /// elapsed clock within a process, and across processes by the wall clock as far as
    /// [`wall_step`] believes it.
    fn age_at(&self, now: Now) -> u64 {
        self.age_ms + now.elapsed_ms.saturating_sub(self.anchor.elapsed_ms)
    }

    /// Runs one transaction: commits all of `change` together with the state it left, or nothing.
    fn write<T>(
        &mut self,
        now: Now,
        change: impl FnOnce(&Transaction<'_>, &mut State, u64) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let age_ms = self.age_at(now);
        let mut state = self.state.clone();
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = change(&tx, &mut state, age_ms)?;
        write_state(&tx, &state, age_ms, now)?;
        tx.commit()?;
        self.state = state;
        self.volatile = true;
        Ok(outcome)
    }

    /// Makes everything that was committed survive a power cut: one commit with a sync of the
    /// write-ahead log. Nothing may leave the device before this. The commit increments a counter,
    /// since a commit that changes no page writes and syncs nothing.
    pub(crate) fn make_durable(&mut self, now: Now) -> Result<(), Error> {
        if !self.volatile {
            return Ok(());
        }
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let written = self.write(now, |tx, _, _| {
            tx.prepare_cached("UPDATE state SET syncs = syncs + 1")?.execute([])?;
            Ok(())
        });
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        written?;
        self.volatile = false;
        self.watermark.note(self.state.next_seq);
        Ok(())
    }

    /// Returns the counts as of the last commit.
    pub(crate) fn counts(&self) -> Result<Counts, Error> {
        let oldest: Option<i64> = self
            .connection
            .prepare_cached("SELECT seq FROM events WHERE sent = 0 ORDER BY seq LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok(Counts {
            next_seq: self.state.next_seq,
            oldest_seq: oldest.map_or(self.state.next_seq, |seq| seq as u64),
            unsent: self.state.unsent,
            delivered: self.state.delivered,
            dropped: self.state.dropped,
        })
    }

    /// Returns how many events wait to be sent.
    pub(crate) fn unsent(&self) -> u64 {
        self.state.unsent
    }

    /// Returns how many events the collector has.
    pub(crate) fn delivered(&self) -> u64 {
        self.state.delivered
    }

    /// Counts the events that were lost with the store that this one replaces.
    pub(crate) fn note_lost(&mut self, lost: u64, now: Now) -> Result<(), Error> {
        self.write(now, |_, state, _| {
            state.dropped.add(DropReason::Corrupt, lost);
            Ok(())
        })
    }
}

fn write_state(tx: &Transaction<'_>, state: &State, age_ms: u64, now: Now) -> Result<(), Error> {
    tx.prepare_cached(
        "UPDATE state SET next_seq = ?1, delivered = ?2, age = ?3, wall = ?4, sum = ?5",
    )?
    .execute(params![
        state.next_seq as i64,
        state.delivered as i64,
        age_ms as i64,
        now.wall_ms,
        checksum_of(state, age_ms, now.wall_ms),
    ])?;
    let mut upsert =
        tx.prepare_cached("INSERT OR REPLACE INTO dropped (reason, count) VALUES (?1, ?2)")?;
    for (reason, count) in state.dropped.iter().filter(|(_, count)| *count > 0) {
        upsert.execute(params![reason as i64, count as i64])?;
    }
    Ok(())
}

fn checksum_of(state: &State, age_ms: u64, wall_ms: i64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&state.owner.0);
    hasher.update(&state.owner.1.to_le_bytes());
    let customer = state.customer.identified();
    let identified_at = customer.map_or(0, |known| known.at_ms) as u64;
    for number in [state.next_seq, state.delivered, age_ms, wall_ms as u64, identified_at] {
        hasher.update(&number.to_le_bytes());
    }
    for (_, count) in state.dropped.iter() {
        hasher.update(&count.to_le_bytes());
    }
    let proof = customer.and_then(|known| known.proof.as_ref());
    for text in [customer.map(|known| &known.id), proof] {
        // A length of its own for `None`, so that no two states hash the same input.
        hasher.update(&text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hasher.update(text.map_or(&[], |text| text.as_bytes()));
    }
    hasher.finalize()
}

fn read_dropped(connection: &Connection) -> Result<Dropped, Error> {
    let mut dropped = Dropped::default();
    let mut statement = connection.prepare("SELECT reason, count FROM dropped")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        if let Some(reason) = DropReason::ALL.get(number as usize) {
            dropped.add(*reason, row.get::<_, i64>(1)? as u64);
        }
    }
    Ok(dropped)
}

fn count_unsent(connection: &Connection) -> Result<u64, Error> {
    let count: i64 =
        connection.query_row("SELECT count(*) FROM events WHERE sent = 0", [], |row| row.get(0))?;
    Ok(count as u64)
}

/// Returns how many unsent events a damaged store held, as far as it can be read; at least 1.
pub(crate) fn count_lost(path: &Path) -> u64 {
    Connection::open(path)
        .map_err(Error::from)
        .and_then(|connection| count_unsent(&connection))
        .unwrap_or(1)
        .max(1)
}

#[cfg(test)]
#[path = "store_test.rs"]
mod tests;
