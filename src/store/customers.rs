//! Who used the phone from which event on. Kept beside the events, so that none of them has to stay
//! for it: quota, time to live and refusals may delete any event.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::{State, Store};
use crate::clock::Now;
use crate::error::Error;
use crate::wire::{Change, Identified, Who};

impl Store {
    /// Returns the newest change of customer below this `seq`; `None` if there was none since the
    /// installation began.
    pub(crate) fn change_before(&self, seq: u64) -> Result<Option<Change>, Error> {
        newest_before(&self.connection, seq)
    }

    /// Returns the newest change of customer up to and including this `seq`.
    pub(crate) fn change_at(&self, seq: u64) -> Result<Option<Change>, Error> {
        self.change_before(seq.saturating_add(1))
    }

    /// Returns the `seq` at which the use of the phone began by whoever recorded this `seq`.
    pub(crate) fn since(&self, seq: u64) -> Result<u64, Error> {
        Ok(self.change_at(seq)?.map_or(0, |change| change.since))
    }

    /// Returns the first change after this `seq` that no event of its own tells: a batch ends before
    /// it, so that the next one says it in its envelope.
    pub(super) fn first_untold_by_event(&self, seq: u64) -> Result<Option<u64>, Error> {
        let first: Option<i64> = self
            .connection
            .prepare_cached(
                r#"SELECT min(seq) FROM customers WHERE seq > ?1 AND (unknown OR NOT EXISTS (
                     SELECT 1 FROM events WHERE events.seq = customers.seq AND sent = 0
                       AND instr(CAST(body AS TEXT), '"type":"customer"') > 0))"#,
            )?
            .query_row([seq as i64], |row| row.get(0))?;
        Ok(first.map(|first| first as u64))
    }

    /// Returns the changes of customer from this `seq` on, oldest first.
    pub(crate) fn changes_from(&self, seq: u64) -> Result<Vec<Change>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, id, proof, at, unknown, told, since FROM customers WHERE seq >= ?1
             ORDER BY seq",
        )?;
        let changes = statement
            .query_map([seq.min(i64::MAX as u64) as i64], read)?
            .collect::<Result<_, _>>()?;
        Ok(changes)
    }

    /// Notes, in a store that holds nothing yet, that nobody can say who the customer is: another
    /// installation was told.
    pub(crate) fn begin_unknown(&mut self, now: Now) -> Result<(), Error> {
        if self.state.next_seq > 1 || self.state.customer != Who::Nobody {
            return Ok(());
        }
        self.write(now, |tx, state, _| forget(tx, state, 0))
    }

    /// Returns who the customer is after the newest event.
    pub(crate) fn customer(&self) -> &Who {
        &self.state.customer
    }
}

/// Changes the customer from this `seq` on, and returns whether that is a change at all: the same
/// customer again, without another proof, is none. A change to another customer, or to nobody,
/// deletes the leased codes, since a lease belongs to the customer it was given under.
pub(super) fn change(
    tx: &Transaction<'_>,
    state: &mut State,
    seq: u64,
    customer: Who,
) -> Result<bool, Error> {
    if state.customer.includes(&customer) {
        return Ok(false);
    }
    let continues = state.customer.continues_as(&customer);
    if !continues {
        tx.execute("DELETE FROM leases", [])?;
    }
    let since = if continues { state.since } else { seq };
    put(tx, seq, &customer, since)?;
    (state.customer, state.since) = (customer, since);
    Ok(true)
}

/// Notes that records were lost before this `seq`: a change of customer may have been among them.
pub(super) fn forget(tx: &Transaction<'_>, state: &mut State, seq: u64) -> Result<(), Error> {
    tx.execute("DELETE FROM leases", [])?;
    put(tx, seq, &Who::Unknown, seq)?;
    (state.customer, state.since) = (Who::Unknown, seq);
    Ok(())
}

fn put(tx: &Transaction<'_>, seq: u64, customer: &Who, since: u64) -> Result<(), Error> {
    let known = customer.identified();
    tx.prepare_cached(
        "INSERT OR REPLACE INTO customers (seq, id, proof, at, unknown, since, told)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
    )?
    .execute(params![
        seq as i64,
        known.map(|known| &known.id),
        known.and_then(|known| known.proof.as_ref()),
        known.map_or(0, |known| known.at_ms),
        *customer == Who::Unknown,
        since as i64,
    ])?;
    Ok(())
}

/// Notes that the collector knows of all changes up to and including this `seq`. Returns whether it
/// knows of all there are.
pub(super) fn told(tx: &Transaction<'_>, through: u64) -> Result<bool, Error> {
    tx.prepare_cached("UPDATE customers SET told = 1 WHERE seq <= ?1 AND told = 0")?
        .execute([through as i64])?;
    let waits: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM customers WHERE told = 0)")?
        .query_row([], |row| row.get(0))?;
    Ok(!waits)
}

/// Deletes the changes that say nothing about any event that is left.
pub(super) fn prune(tx: &Transaction<'_>, state: &State) -> Result<(), Error> {
    tx.prepare_cached(
        "DELETE FROM customers WHERE seq < (SELECT max(seq) FROM customers
           WHERE seq < coalesce((SELECT min(seq) FROM events), ?1))",
    )?
    .execute([state.next_seq as i64])?;
    Ok(())
}

/// Gives the changes new numbers, as the events that are left are about to get them: each begins with
/// the first event after it, and where no event is left, before all there will be: the next number may
/// be another change's own. Without any change, nobody can say who it was if a store was lost before this
/// one.
pub(super) fn renumber(tx: &Transaction<'_>, store_was_lost: bool) -> Result<(), Error> {
    let changes: Vec<Change> = tx
        .prepare(
            "SELECT EXISTS (SELECT 1 FROM events)
                 + (SELECT count(*) FROM events WHERE events.seq < customers.seq),
               id, proof, at, unknown, told, seq = since FROM customers ORDER BY seq",
        )?
        .query_map([], read)?
        .collect::<Result<_, _>>()?;
    tx.execute("DELETE FROM customers", [])?;
    let mut since = 0;
    for change in &changes {
        // Read as 1 where the person began with this very change.
        since = if change.since == 1 { change.seq } else { since };
        put(tx, change.seq, &change.customer, since)?;
    }
    if changes.is_empty() && store_was_lost { put(tx, 0, &Who::Unknown, 0) } else { Ok(()) }
}

/// Reads the newest change, for a store that is being opened: who it is, and since when.
pub(super) fn newest(connection: &Connection) -> Result<(Who, u64), Error> {
    let newest = newest_before(connection, u64::MAX)?;
    Ok(newest.map_or((Who::Nobody, 0), |change| (change.customer, change.since)))
}

fn newest_before(connection: &Connection, seq: u64) -> Result<Option<Change>, Error> {
    let change = connection
        .prepare_cached(
            "SELECT seq, id, proof, at, unknown, told, since FROM customers WHERE seq < ?1
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([seq.min(i64::MAX as u64) as i64], read)
        .optional()?;
    Ok(change)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Change> {
    let (id, proof, at_ms): (Option<String>, Option<String>, i64) =
        (row.get(1)?, row.get(2)?, row.get(3)?);
    let customer = match id {
        _ if row.get(4)? => Who::Unknown,
        Some(id) => Who::Somebody(Identified { id, proof, at_ms }),
        None => Who::Nobody,
    };
    let (seq, since) = (row.get::<_, i64>(0)? as u64, row.get::<_, i64>(6)? as u64);
    Ok(Change { seq, customer, told: row.get(5)?, since })
}
