//! Draining: turns the journal's records into numbered events, in one transaction. Reading and
//! freeing the segment is `journal`'s.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{State, Store, customers, leases};
use crate::call::CallCode;
use crate::clock::Now;
use crate::config::{ROOM_STEP_BYTES, RUNS_KEPT};
use crate::error::Error;
use crate::event::{DropReason, Dropped, Kind, Record};
use crate::wire::{self, Who};

/// The outcome of a drain.
#[derive(Debug, Default)]
pub(crate) struct DrainOutcome {
    /// The events that it added, oldest first.
    pub added: Vec<(u64, Vec<u8>)>,
    /// The `seq` of the calls among them.
    pub calls: Vec<u64>,
    /// From which `seq` on the customer is another.
    pub changes: Vec<(u64, Who)>,
}

impl Store {
    /// Adds the records of a sealed segment, gives each event its `seq`, and enforces the quota.
    /// Skips records that were drained before, so that a kill between this commit and the freeing
    /// of the segment is harmless. `counted` is what was dropped before it reached the journal, and
    /// `damages` the number of stretches of the segment that could not be read.
    ///
    /// Records of `this_run` have times of this process's elapsed clock.
    pub(crate) fn drain(
        &mut self,
        records: Vec<Record>,
        damages: u64,
        counted: &Dropped,
        this_run: u64,
        now: Now,
    ) -> Result<DrainOutcome, Error> {
        let (anchor, start_ms) = (self.anchor, self.age_ms);
        let (bytes_max, in_flight) = (self.limits.bytes_max, self.in_flight);
        let recorded_ms = |record: &Record| {
            let since_ms = record.elapsed_ms.saturating_sub(anchor.elapsed_ms);
            if record.run == this_run { start_ms + since_ms } else { start_ms }
        };
        self.write(now, |tx, state, _| {
            let mut outcome = DrainOutcome::default();
            let mut progress = Progress::begin(tx)?;
            let mut lost = 0;
            if damages > 0 {
                forget_customer(tx, state, &mut outcome)?;
            }
            // Make room before the first record too: the quota may have shrunk since the last
            // drain.
            let mut bytes_added = ROOM_STEP_BYTES;
            for record in records {
                let Some(gap) = progress.take(tx, &record)? else { continue };
                if gap.may_hold_a_customer() {
                    forget_customer(tx, state, &mut outcome)?;
                }
                lost += gap.counted;
                if bytes_added >= ROOM_STEP_BYTES {
                    make_room(tx, state, bytes_max, in_flight)?;
                    bytes_added = 0;
                }
                bytes_added += record.body.len();
                let recorded_ms = recorded_ms(&record);
                add(tx, state, record, recorded_ms, &mut outcome)?;
            }
            progress.finish(tx)?;
            state.dropped.add(DropReason::Corrupt, lost.max(damages));
            state.dropped.merge(counted);
            make_room(tx, state, bytes_max, in_flight)?;
            Ok(outcome)
        })
    }
}

/// The records that are missing before a record.
struct Gap {
    /// How many of them no store has drained.
    counted: u64,
    /// Another store may have drained some.
    elsewhere: bool,
}

impl Gap {
    fn may_hold_a_customer(&self) -> bool {
        self.counted > 0 || self.elsewhere
    }
}

/// How far each run was drained.
#[derive(Default)]
struct Progress {
    run: u64,
    drained_through: Option<u64>,
    known: bool,
    /// The number of this drain.
    drain: u64,
}

impl Progress {
    fn begin(tx: &Transaction<'_>) -> Result<Self, Error> {
        let latest: i64 = tx
            .prepare_cached("SELECT coalesce(max(drain), 0) FROM drained")?
            .query_row([], |row| row.get(0))?;
        Ok(Self { drain: latest as u64 + 1, ..Self::default() })
    }

    /// Notes a record. Returns which records are missing before it, or `None` if it was drained
    /// before.
    fn take(&mut self, tx: &Transaction<'_>, record: &Record) -> Result<Option<Gap>, Error> {
        if !self.known || self.run != record.run {
            // A segment may hold several runs: save the progress of one before the next.
            self.save(tx)?;
            self.run = record.run;
            self.known = true;
            self.drained_through = tx
                .prepare_cached("SELECT through FROM drained WHERE run = ?1")?
                .query_row([record.run as i64], |row| row.get::<_, i64>(0))
                .optional()?
                .map(|index| index as u64);
        }
        // Of a run that this store does not know, the records before the first were drained into
        // another store.
        let before = self.drained_through.unwrap_or(record.index.saturating_sub(1));
        if record.index <= before {
            return Ok(None);
        }
        let elsewhere = self.drained_through.is_none() && before > 0;
        self.drained_through = Some(record.index);
        Ok(Some(Gap { counted: record.index - before - 1, elsewhere }))
    }

    fn save(&self, tx: &Transaction<'_>) -> Result<(), Error> {
        let Some(drained_through) = self.drained_through.filter(|_| self.known) else {
            return Ok(());
        };
        tx.prepare_cached(
            "INSERT INTO drained (run, through, drain) VALUES (?1, ?2, ?3)
             ON CONFLICT (run) DO UPDATE SET through = excluded.through, drain = excluded.drain",
        )?
        .execute(params![self.run as i64, drained_through as i64, self.drain as i64])?;
        Ok(())
    }

    /// Saves the last run, and forgets the oldest runs, but none of this drain: its segment is not
    /// freed yet and may be read again.
    fn finish(&self, tx: &Transaction<'_>) -> Result<(), Error> {
        self.save(tx)?;
        tx.prepare_cached(
            "DELETE FROM drained WHERE drain < ?1
             AND run NOT IN (SELECT run FROM drained ORDER BY drain DESC LIMIT ?2)",
        )?
        .execute(params![self.drain as i64, RUNS_KEPT])?;
        Ok(())
    }
}

fn add(
    tx: &Transaction<'_>,
    state: &mut State,
    record: Record,
    recorded_ms: u64,
    outcome: &mut DrainOutcome,
) -> Result<(), Error> {
    let snapshot_pending = match record.kind {
        Kind::Dropped => {
            let dropped = record.dropped().unwrap_or_default();
            state.dropped.merge(&dropped);
            if dropped.get(DropReason::Corrupt) > 0 {
                forget_customer(tx, state, outcome)?;
            }
            return Ok(());
        }
        Kind::Event => false,
        Kind::Customer => {
            let customer = wire::read_customer(&record.body).unwrap_or(Who::Unknown);
            if !customers::change(tx, state, state.next_seq, customer)? {
                return Ok(());
            }
            outcome.changes.push((state.next_seq, state.customer.clone()));
            false
        }
        Kind::Call => {
            use_lease(tx, &record.body)?;
            true
        }
    };
    let seq = state.next_seq;
    tx.prepare_cached("INSERT INTO events (seq, born, calling, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![seq as i64, recorded_ms as i64, snapshot_pending, record.body])?;
    state.next_seq += 1;
    state.unsent += 1;
    if snapshot_pending {
        outcome.calls.push(seq);
    }
    outcome.added.push((seq, record.body));
    Ok(())
}

/// Notes that a change of customer may have been among records that were lost here.
fn forget_customer(
    tx: &Transaction<'_>,
    state: &mut State,
    outcome: &mut DrainOutcome,
) -> Result<(), Error> {
    customers::forget(tx, state, state.next_seq)?;
    outcome.changes.push((state.next_seq, Who::Unknown));
    Ok(())
}

fn use_lease(tx: &Transaction<'_>, body: &[u8]) -> Result<(), Error> {
    let code = wire::read_call(body).and_then(|call| CallCode::parse(&call.code?).ok());
    if let Some(code) = code {
        // Leased locators are even; the odd one next to it is the same lease.
        leases::delete(tx, code.locator() & !1)?;
    }
    Ok(())
}

/// Deletes the oldest events until the pages in use fit the quota again. Keeps the batch in flight,
/// and what is older.
fn make_room(
    tx: &Transaction<'_>,
    state: &mut State,
    bytes_max: u64,
    in_flight: Option<(u64, u64)>,
) -> Result<(), Error> {
    let after = in_flight.map_or(0, |(_, last)| last);
    loop {
        let excess = bytes_used(tx)?.saturating_sub(bytes_max);
        if excess == 0 {
            break;
        }
        let oldest: Option<u64> = tx
            .prepare_cached("SELECT length(body) FROM events WHERE seq > ?1 ORDER BY seq LIMIT 1")?
            .query_row([after as i64], |row| row.get::<_, i64>(0).map(|bytes| bytes as u64))
            .optional()?;
        // As many as the excess needs, assuming that the next are as large as the oldest.
        let count = oldest.map_or(1, |bytes| (excess / bytes.max(64)).clamp(1, 64));
        let mut statement = tx.prepare_cached(
            "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2) RETURNING sent",
        )?;
        let sent: Vec<bool> = statement
            .query_map([after as i64, count as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if sent.is_empty() {
            break;
        }
        let unsent = sent.iter().filter(|sent| !**sent).count() as u64;
        state.unsent -= unsent;
        state.dropped.add(DropReason::Quota, unsent);
        customers::prune(tx, state)?;
    }
    Ok(())
}

fn bytes_used(tx: &Transaction<'_>) -> Result<u64, Error> {
    let value = |name: &str| tx.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = value("page_count")? - value("freelist_count")?;
    Ok((pages * value("page_size")?).max(0) as u64)
}
