//! Stores an upload: each event exactly once, the state of its epoch, and its calls.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value};

use super::lease::ToppedUp;
use super::writer::State;
use super::{
    Appended, Identification, InstallationError, NewCall, NewEvent, NewOwner, Upload, call, lease,
    screen,
};
use crate::limits::{REASON_CHARS_MAX, REASONS_MAX};
use crate::secret::Hash;

/// Stores an upload. The same upload again changes only the time the phone was last heard of.
pub(super) fn append(
    connection: &Connection,
    state: &mut State,
    upload: &Upload,
) -> rusqlite::Result<Result<Appended, InstallationError>> {
    let found = installation(connection, &upload.installation)?;
    let (id, change) = match found {
        Found::Erased => return Ok(Err(InstallationError::Erased)),
        Found::Known { app, .. } if app != upload.app => {
            return Ok(Err(InstallationError::OtherApp));
        }
        Found::Known { id, change, .. } => (id, change + 1),
        Found::New => {
            connection
                .prepare_cached(
                    "INSERT INTO installations (hash, app, synced_at) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![upload.installation, upload.app, upload.arrived_at])?;
            (connection.last_insert_rowid(), 1)
        }
    };
    connection
        .prepare_cached(
            "UPDATE installations SET synced_at = max(synced_at, ?2), change = ?3 WHERE id = ?1",
        )?
        .execute(params![id, upload.arrived_at, change as i64])?;
    // Cached, as all that each upload runs.
    let run = |sql| connection.prepare_cached(sql)?.execute([]).map(drop);
    run("SAVEPOINT upload")?;
    insert_owner(connection, id, upload)?;
    let Some(stored) = insert_events(connection, id, upload)? else {
        run("ROLLBACK TO upload")?;
        run("RELEASE upload")?;
        // Both phones hold the same codes: none of them may lead to the other's journey.
        lease::end_unclaimed(connection, id, upload.arrived_at)?;
        return Ok(Err(InstallationError::Conflict));
    };
    run("RELEASE upload")?;
    let refused = insert_refused(connection, id, upload)?;
    if stored + refused > 0 {
        note_arrival(connection, id, upload)?;
    }
    update_epoch(connection, id, upload, stored, refused)?;
    for new in &upload.calls {
        insert_caller(connection, id, upload, new)?;
        call::put(connection, state, id, upload, new)?;
    }
    let screens = number_screens(connection, state, upload)?;
    let ToppedUp { codes, version, doubted } = lease::top_up(connection, state, id, upload)?;
    state.changed.push((id, change));
    Ok(Ok(Appended { codes, codes_version: version, codes_doubted: doubted, screens }))
}

/// What the database knows of an installation.
pub(super) enum Found {
    /// It has never written.
    New,
    /// It was erased.
    Erased,
    /// It has written before.
    Known {
        /// Its row.
        id: i64,
        /// The app it belongs to.
        app: String,
        /// The number of its newest commit.
        change: u64,
    },
}

/// Finds an installation by its hash.
pub(super) fn installation(connection: &Connection, hash: &Hash) -> rusqlite::Result<Found> {
    let known = connection
        .prepare_cached("SELECT id, app, change FROM installations WHERE hash = ?1")?
        .query_row([hash], |row| {
            let change = row.get::<_, i64>(2)? as u64;
            Ok(Found::Known { id: row.get(0)?, app: row.get(1)?, change })
        })
        .optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    let erased =
        connection.prepare_cached("SELECT 1 FROM tombstones WHERE hash = ?1")?.exists([hash])?;
    Ok(if erased { Found::Erased } else { Found::New })
}

/// A change of customer at a seq.
#[derive(Clone, Copy)]
struct Change {
    seq: u64,
    /// Another person's use of the phone begins here.
    begins: bool,
    /// Records were lost before this.
    unknown: bool,
    /// The change's own event says so. It outranks what an envelope said of this seq before: that was who
    /// used the phone as the event was still to come.
    is_event: bool,
}

/// Notes who used the phone before the oldest event that waits: the event that said so may never come.
fn insert_owner(connection: &Connection, id: i64, upload: &Upload) -> rusqlite::Result<()> {
    let Some(owner) = &upload.owner else { return Ok(()) };
    let NewOwner { seq, since, unknown, identification } = owner;
    if let Some(since) = since.filter(|since| since < seq) {
        // What happened there may never come.
        let named = Identification { id: None, verified: None, ..identification.clone() };
        insert_customer(
            connection,
            id,
            upload,
            Change { seq: since, begins: true, unknown: false, is_event: false },
            &named,
        )?;
    }
    let begins = *since == Some(*seq);
    let change = Change { seq: *seq, begins, unknown: *unknown, is_event: false };
    insert_customer(connection, id, upload, change, identification)
}

/// Notes where a caller's use of the phone began: their own sign-in may never come, the call that says so is
/// forgotten before their steps are, and these are not for whoever calls next.
fn insert_caller(
    connection: &Connection,
    id: i64,
    upload: &Upload,
    new: &NewCall,
) -> rusqlite::Result<()> {
    let Some(statement) = &new.statement else { return Ok(()) };
    let Some(seq) = statement.since else { return Ok(()) };
    let change = Change { seq, begins: true, unknown: false, is_event: false };
    insert_customer(connection, id, upload, change, &statement.identification)
}

fn insert_customer(
    connection: &Connection,
    id: i64,
    upload: &Upload,
    change: Change,
    customer: &Identification,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO customers
               (installation, epoch, seq, app, customer, verified, arrived_at, unknown, begins)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT DO UPDATE SET begins = max(begins, excluded.begins),
               customer = iif(?10, excluded.customer, customer),
               verified = iif(?10, excluded.verified, verified),
               unknown = iif(?10, excluded.unknown, unknown)",
        )?
        .execute(params![
            id,
            upload.epoch as i64,
            change.seq as i64,
            upload.app,
            customer.id,
            customer.verified,
            upload.arrived_at,
            change.unknown,
            change.begins,
            change.is_event,
        ])?;
    Ok(())
}

/// Stores the events that are not stored yet, and answers how many. `None` if another event is stored
/// under one of their seqs.
fn insert_events(
    connection: &Connection,
    id: i64,
    upload: &Upload,
) -> rusqlite::Result<Option<usize>> {
    let epoch = upload.epoch as i64;
    let mut stored = 0;
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO events (installation, epoch, seq, at, type, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for event in &upload.events {
        let seq = event.seq as i64;
        let new = insert.execute(params![id, epoch, seq, event.at, event.kind, event.body])?;
        stored += new;
        if new == 0 && is_another(connection, id, upload, event)? {
            return Ok(None);
        }
        if let Some(customer) = &event.customer
            && new > 0
        {
            let change = Change { seq: event.seq, begins: false, unknown: false, is_event: true };
            insert_customer(connection, id, upload, change, customer)?;
        }
    }
    Ok(Some(stored))
}

/// Whether the event that is stored under this seq is another one. A call is stored apart, in two parts
/// that arrive in either order; and another version of the collector may store more fields or fewer.
fn is_another(
    connection: &Connection,
    id: i64,
    upload: &Upload,
    event: &NewEvent,
) -> rusqlite::Result<bool> {
    let (kind, body): (String, String) = connection
        .prepare_cached(
            "SELECT type, body FROM events WHERE installation = ?1 AND epoch = ?2 AND seq = ?3",
        )?
        .query_row(params![id, upload.epoch as i64, event.seq as i64], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if kind == "refused" || (kind == "call" && event.kind == "call") {
        return Ok(false);
    }
    Ok(kind != event.kind
        || (body != event.body && !includes(&event.body, &body) && !includes(&body, &event.body)))
}

/// Whether a body has every field of another, with the same value.
fn includes(body: &str, other: &str) -> bool {
    let fields = |text| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let (body, other) = (fields(body), fields(other));
    other.iter().all(|(name, value)| body.get(name) == Some(value))
}

/// Stores the place of refused events, so that they count neither as pending nor as missing.
fn insert_refused(connection: &Connection, id: i64, upload: &Upload) -> rusqlite::Result<usize> {
    let mut refused = 0;
    for seq in &upload.refused {
        refused += connection
            .prepare_cached(
                "INSERT OR IGNORE INTO events (installation, epoch, seq, at, type, body)
                 VALUES (?1, ?2, ?3, ?4, 'refused', '{}')",
            )?
            .execute(params![id, upload.epoch as i64, *seq as i64, upload.arrived_at])?;
    }
    Ok(refused)
}

/// Notes what expires when, in one row per run of seqs: a single row for an honest upload. A row that
/// spans a gap would expire events that arrive in the gap later, however many and however fresh.
fn note_arrival(connection: &Connection, id: i64, upload: &Upload) -> rusqlite::Result<()> {
    let seqs = upload.events.iter().map(|event| event.seq).chain(upload.refused.iter().copied());
    let mut seqs: Vec<u64> = seqs.collect();
    seqs.sort_unstable();
    let mut insert = connection.prepare_cached(
        "INSERT INTO arrivals (arrived_at, installation, epoch, first_seq, last_seq)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)",
    )?;
    for run in seqs.chunk_by(|seq, next| next - seq <= 1) {
        let (first, last) = (run[0] as i64, run[run.len() - 1] as i64);
        insert.execute(params![upload.arrived_at, id, upload.epoch as i64, first, last])?;
    }
    Ok(())
}

/// Updates the epoch with the highest of each number that the phone sent: requests may overtake each
/// other.
fn update_epoch(
    connection: &Connection,
    id: i64,
    upload: &Upload,
    stored: usize,
    refused: usize,
) -> rusqlite::Result<()> {
    let epoch = upload.epoch as i64;
    let known: Option<String> = connection
        .prepare_cached("SELECT dropped FROM epochs WHERE installation = ?1 AND epoch = ?2")?
        .query_row([id, epoch], |row| row.get(0))
        .optional()?;
    let mut dropped: BTreeMap<String, u64> =
        known.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    for (reason, &count) in &upload.dropped {
        if let Some(known) = dropped.get_mut(reason) {
            *known = (*known).max(count);
        } else if dropped.len() < REASONS_MAX && reason.chars().count() <= REASON_CHARS_MAX {
            dropped.insert(reason.clone(), count);
        }
    }
    let dropped = serde_json::to_string(&dropped).unwrap_or_else(|_| "{}".to_owned());
    connection
        .prepare_cached(
            "INSERT INTO epochs (installation, epoch, oldest, next, stored, refused, dropped)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO UPDATE SET
               oldest = max(oldest, excluded.oldest), next = max(next, excluded.next),
               stored = stored + excluded.stored, refused = refused + excluded.refused,
               dropped = excluded.dropped",
        )?
        .execute(params![
            id,
            epoch,
            upload.oldest as i64,
            upload.next as i64,
            stored as i64,
            refused as i64,
            dropped
        ])?;
    Ok(())
}

fn number_screens(
    connection: &Connection,
    state: &mut State,
    upload: &Upload,
) -> rusqlite::Result<BTreeMap<String, u16>> {
    let mut named = BTreeMap::new();
    for name in upload.events.iter().filter_map(|event| event.screen.as_ref()) {
        if !named.contains_key(name)
            && let Some(number) = screen::number(connection, &mut state.screens, &upload.app, name)?
        {
            named.insert(name.clone(), number);
        }
    }
    Ok(named)
}
