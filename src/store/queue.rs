//! The queue: selects the next batch, and applies the collector's answers. `upload` decides when to
//! send.

use rusqlite::{Transaction, params};

use super::{State, Store, customers, leases};
use crate::clock::Now;
use crate::config::NEWEST_KEPT;
use crate::error::Error;
use crate::event::DropReason;
use crate::wire::{Answer, SEQ_BYTES_MAX};

/// An event's `seq` and body.
pub(crate) type Row = (u64, Vec<u8>);

/// What a request told the collector, to be read with its answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// It told of every change of customer up to and including this `seq`.
    pub through: u64,
    /// The locators that it named, to have them renewed; `None` if it did not ask for codes.
    pub codes: Option<Vec<u32>>,
    /// The customer is still the same as when it was sent.
    pub same_customer: bool,
}

impl Store {
    /// Returns the next batch: the oldest unsent events within both bounds, but at least one if
    /// there is one. They are in flight until [`acknowledge_batch`](Self::acknowledge_batch),
    /// [`release`](Self::release) or [`drop_refused`](Self::drop_refused).
    pub(crate) fn next_batch(
        &mut self,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Row>, Error> {
        let mut batch: Vec<Row> = Vec::new();
        let end = self.first_untold_by_event(self.counts()?.oldest_seq)?.unwrap_or(u64::MAX);
        let mut bytes = 0;
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq, body FROM events WHERE sent = 0 ORDER BY seq LIMIT ?1")?;
        let mut rows = statement.query([events_max as i64])?;
        while let Some(row) = rows.next()? {
            let body: Vec<u8> = row.get(1)?;
            bytes += body.len() + SEQ_BYTES_MAX;
            let seq = row.get::<_, i64>(0)? as u64;
            if seq >= end || (bytes > bytes_max && !batch.is_empty()) {
                break;
            }
            batch.push((seq, body));
        }
        drop(rows);
        drop(statement);
        self.in_flight = batch.first().zip(batch.last()).map(|(first, last)| (first.0, last.0));
        Ok(batch)
    }

    /// Notes that the batch in flight was not stored: its events wait again.
    pub(crate) fn release(&mut self) {
        self.in_flight = None;
    }

    /// Notes that the collector has the batch in flight, except for what `answer` rejects. Returns
    /// whether the codes in the answer were kept; see [`keep_answer`].
    pub(crate) fn acknowledge_batch(
        &mut self,
        answer: &Answer,
        request: &Told,
        now: Now,
    ) -> Result<bool, Error> {
        let span = self.in_flight;
        let kept = self.write(now, |tx, state, age_ms| {
            if let Some((first, last)) = span {
                mark_sent(tx, state, answer, first, last)?;
            }
            keep_answer(tx, state, answer, request, (age_ms, now.wall_ms))
        })?;
        self.in_flight = None;
        self.after_answer(answer, request, kept, now)
    }

    /// Notes that the collector has the snapshot of the call with this `seq`. Returns whether the
    /// codes in the answer were kept; see [`keep_answer`].
    pub(crate) fn acknowledge_call(
        &mut self,
        answer: &Answer,
        seq: u64,
        request: &Told,
        now: Now,
    ) -> Result<bool, Error> {
        let kept = self.write(now, |tx, state, age_ms| {
            tx.execute("UPDATE events SET calling = 0 WHERE seq = ?1", [seq as i64])?;
            keep_answer(tx, state, answer, request, (age_ms, now.wall_ms))
        })?;
        self.after_answer(answer, request, kept, now)
    }

    fn after_answer(
        &mut self,
        answer: &Answer,
        request: &Told,
        kept: bool,
        now: Now,
    ) -> Result<bool, Error> {
        if kept && request.codes.is_some() {
            self.codes_doubted = false;
        }
        self.codes_doubted |= answer.codes_doubted;
        let honoured = |code: &u32| answer.leases().any(|(honoured, _)| honoured == *code);
        let gave_up = kept && !request.codes.iter().flatten().all(honoured);
        if gave_up || answer.codes_doubted {
            // Rare: the collector has lost commits. A power cut must not bring back codes that lead
            // nowhere.
            self.make_durable(now)?;
        }
        self.give_back()?;
        Ok(kept)
    }

    /// Drops and counts the one event in flight: it was refused although it was sent alone.
    pub(crate) fn drop_refused(&mut self, now: Now) -> Result<(), Error> {
        let Some((seq, _)) = self.in_flight else { return Ok(()) };
        self.write(now, |tx, state, _| {
            let deleted =
                tx.execute("DELETE FROM events WHERE seq = ?1 AND sent = 0", [seq as i64])? as u64;
            state.unsent -= deleted;
            state.dropped.add(DropReason::Rejected, deleted);
            Ok(())
        })?;
        self.in_flight = None;
        Ok(())
    }

    /// Notes that a call's snapshot need not be sent any more.
    pub(crate) fn call_is_done(&mut self, seq: u64, now: Now) -> Result<(), Error> {
        self.write(now, |tx, _, _| {
            tx.execute("UPDATE events SET calling = 0 WHERE seq = ?1", [seq as i64])?;
            Ok(())
        })
    }

    /// Deletes events past their time to live, sent or not, and expired leases. Keeps the batch in
    /// flight, and what is older. Returns the last `seq` that was deleted; 0 if none was.
    pub(crate) fn expire(&mut self, now: Now) -> Result<u64, Error> {
        self.expire_leases(now)?;
        let age_ms = self.age_at(now);
        let recorded_before_ms = age_ms.saturating_sub(self.limits.time_to_live_ms);
        let after = self.in_flight.map_or(0, |(_, last)| last);
        let due: bool = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM (SELECT born FROM events WHERE seq > ?2 ORDER BY seq LIMIT 1) WHERE born < ?1)")?
            .query_row(params![recorded_before_ms as i64, after as i64], |row| row.get(0))?;
        if !due {
            return Ok(0);
        }
        let through = self.write(now, |tx, state, _| {
            let deleted: Vec<(bool, i64)> = tx
                .prepare_cached(
                    "DELETE FROM events WHERE seq > ?1 AND born < ?2 RETURNING sent, seq",
                )?
                .query_map(params![after as i64, recorded_before_ms as i64], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<Result<_, _>>()?;
            let unsent = deleted.iter().filter(|(sent, _)| !sent).count() as u64;
            state.unsent -= unsent;
            state.dropped.add(DropReason::Expired, unsent);
            customers::prune(tx, state)?;
            Ok(deleted.iter().map(|(_, seq)| *seq as u64).max().unwrap_or(0))
        })?;
        self.give_back()?;
        Ok(through)
    }

    /// Returns the newest [`NEWEST_KEPT`] events, sent or not, oldest first.
    pub(crate) fn newest(&self) -> Result<Vec<Row>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, body FROM (SELECT seq, body FROM events ORDER BY seq DESC LIMIT ?1) ORDER BY seq",
        )?;
        let rows = statement
            .query_map([NEWEST_KEPT as i64], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// Returns the `seq` of the calls whose snapshot waits to be sent, oldest first.
    pub(crate) fn calls_waiting(&self) -> Result<Vec<u64>, Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq FROM events WHERE calling = 1 ORDER BY seq")?;
        let seqs = statement
            .query_map([], |row| Ok(row.get::<_, i64>(0)? as u64))?
            .collect::<Result<_, _>>()?;
        Ok(seqs)
    }

    /// Returns the numbers that the collector gave to screens.
    pub(crate) fn screens(&self) -> Result<Vec<(String, u16)>, Error> {
        let mut statement = self.connection.prepare_cached("SELECT name, number FROM screens")?;
        let screens = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(screens)
    }

    /// Gives free pages back to the file system, a few at a time.
    fn give_back(&self) -> Result<(), Error> {
        let free: i64 =
            self.connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if free > 64 {
            self.connection.execute_batch("PRAGMA incremental_vacuum(256)")?;
        }
        Ok(())
    }
}

/// Marks the unsent events of a span as sent, except for those that the answer rejects: these are
/// deleted and counted.
fn mark_sent(
    tx: &Transaction<'_>,
    state: &mut State,
    answer: &Answer,
    first: u64,
    last: u64,
) -> Result<(), Error> {
    let mut delete = tx.prepare_cached("DELETE FROM events WHERE seq = ?1 AND sent = 0")?;
    for rejected in answer.rejected.iter().filter(|r| (first..=last).contains(&r.seq)) {
        let deleted = delete.execute([rejected.seq as i64])? as u64;
        state.unsent -= deleted;
        state.dropped.add(DropReason::Rejected, deleted);
    }
    let sent = tx
        .prepare_cached(
            "UPDATE events SET sent = 1, calling = 0 WHERE seq BETWEEN ?1 AND ?2 AND sent = 0",
        )?
        .execute(params![first as i64, last as i64])? as u64;
    state.unsent -= sent;
    state.delivered += sent;
    Ok(())
}

/// Deletes the sent events that are not among the newest, and keeps the content of an answer: the
/// screen numbers, and the codes, unless the customer has changed since the request or the collector
/// does not know the customer yet: a lease belongs to the customer it was given under. Returns
/// whether the codes were kept.
fn keep_answer(
    tx: &Transaction<'_>,
    state: &State,
    answer: &Answer,
    request: &Told,
    given: (u64, i64),
) -> Result<bool, Error> {
    // Delete sent events except for the newest, which snapshots and previews need.
    let newest = state.next_seq.saturating_sub(NEWEST_KEPT as u64);
    tx.prepare_cached("DELETE FROM events INDEXED BY sent_already WHERE sent = 1 AND seq < ?1")?
        .execute([newest as i64])?;
    let knows_all = customers::told(tx, request.through)?;
    customers::prune(tx, state)?;
    let keeps_codes = knows_all && request.same_customer;
    if keeps_codes {
        leases::keep(tx, answer, request.codes.as_deref(), given)?;
    }
    keep_screens(tx, answer)?;
    Ok(keeps_codes)
}

/// Keeps the screens' numbers in an answer. A collector whose backup was restored numbers anew what it
/// does not know: a number from before is nobody's then, or another screen's.
fn keep_screens(tx: &Transaction<'_>, answer: &Answer) -> Result<(), Error> {
    if answer.codes_doubted {
        tx.execute("DELETE FROM screens", [])?;
    }
    let mut forget = tx.prepare_cached("DELETE FROM screens WHERE name = ?1 AND number <> ?2")?;
    let mut keep =
        tx.prepare_cached("INSERT OR REPLACE INTO screens (name, number) VALUES (?1, ?2)")?;
    for (name, number) in &answer.screens {
        forget.execute(params![name, number])?;
        keep.execute(params![name, number])?;
    }
    Ok(())
}
