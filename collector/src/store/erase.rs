//! Removes data: what a customer asks to be erased, and what has expired.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::append::{Found, installation};
use super::audit::{self, Noted};
use super::claimant::Claimant;
use super::writer::{ERASED, State};
use super::{CustomerData, InstallationError};
use crate::limits::{
    CLAIM_MS, DESK_LINK_MS, EXPIRE_INSTALLATIONS, EXPIRE_ROWS, EXPIRE_SLICE_MS, LOCATOR_REST_MS,
    RETENTION_MS, TOKEN_CLAIMABLE_MS,
};
use crate::secret::Hash;

/// Erases one installation and keeps a tombstone, also for one that was never seen: whatever it sends
/// later is refused.
pub(super) fn erase(
    connection: &Connection,
    state: &mut State,
    app: &str,
    hash: &Hash,
    at: i64,
) -> rusqlite::Result<Result<(), InstallationError>> {
    match installation(connection, hash)? {
        Found::Known { app: owner, .. } if owner != app => {
            return Ok(Err(InstallationError::OtherApp));
        }
        Found::Known { id, .. } => remove(connection, state, id)?,
        Found::New | Found::Erased => {}
    }
    connection
        .prepare_cached("INSERT OR IGNORE INTO tombstones (hash, erased_at) VALUES (?1, ?2)")?
        .execute(params![hash, at])?;
    Ok(Ok(()))
}

/// An installation that a customer used: its number, its hash and its app.
type Used = (i64, Hash, String);

fn used_by(
    connection: &Connection,
    app: Option<&str>,
    customer: &str,
) -> rusqlite::Result<Vec<Used>> {
    connection
        .prepare_cached(
            "SELECT id, hash, app FROM installations WHERE id IN (
               SELECT installation FROM customers
                 WHERE customer = ?1 AND (?2 IS NULL OR app = ?2)
               UNION
               SELECT installation FROM calls
                 WHERE customer = ?1 AND (?2 IS NULL OR app = ?2))",
        )?
        .query_map(params![customer, app], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// Counts what is stored of every installation that a customer used.
pub(super) fn customer_data(
    connection: &Connection,
    app: Option<&str>,
    customer: &str,
) -> rusqlite::Result<CustomerData> {
    let mut data = CustomerData::default();
    for (id, ..) in used_by(connection, app, customer)? {
        let count = |sql| -> rusqlite::Result<u64> {
            let count: i64 = connection.prepare_cached(sql)?.query_row([id], |row| row.get(0))?;
            Ok(count as u64)
        };
        data.installations += 1;
        data.events += count("SELECT count(*) FROM events WHERE installation = ?1")?;
        data.calls += count("SELECT count(*) FROM calls WHERE installation = ?1")?;
    }
    Ok(data)
}

/// Erases every installation that a customer used, and notes it in the audit log of their apps. Other
/// people's events on a shared phone go too, since they cannot be told apart for certain.
pub(super) fn erase_customer(
    connection: &Connection,
    state: &mut State,
    app: Option<&str>,
    customer: &str,
    at: i64,
) -> rusqlite::Result<u64> {
    let found = used_by(connection, app, customer)?;
    for (id, hash, _) in &found {
        remove(connection, state, *id)?;
        connection
            .prepare_cached("INSERT OR IGNORE INTO tombstones (hash, erased_at) VALUES (?1, ?2)")?
            .execute(params![hash, at])?;
    }
    let apps: BTreeSet<&str> =
        app.into_iter().chain(found.iter().map(|(.., app)| &**app)).collect();
    for app in apps {
        let claimant = &Claimant::of_customer(&state.secret, app, customer);
        let noted = Noted { at, app, act: "erase", claimant, agent: None };
        audit::note(connection, &state.secret, &noted)?;
    }
    Ok(found.len() as u64)
}

/// Removes everything about an installation. Its locators stay reserved, without naming it. So do the
/// rows that say when its uploads arrived: they are ordered by time, for `expire`, which removes them as
/// it comes to them, and no other installation ever has its number.
fn remove(connection: &Connection, state: &mut State, id: i64) -> rusqlite::Result<()> {
    for statement in [
        "DELETE FROM events WHERE installation = ?1",
        "DELETE FROM customers WHERE installation = ?1",
        "DELETE FROM epochs WHERE installation = ?1",
        "DELETE FROM calls WHERE installation = ?1",
        "UPDATE leases SET installation = NULL, epoch = 0, seq = 0 WHERE installation = ?1",
        "DELETE FROM installations WHERE id = ?1",
    ] {
        connection.prepare_cached(statement)?.execute([id])?;
    }
    state.changed.push((id, ERASED));
    Ok(())
}

/// Removes one slice of what has expired, and answers whether there may be more.
pub(super) fn expire(
    connection: &Connection,
    state: &mut State,
    now: i64,
) -> rusqlite::Result<bool> {
    let ends_at_ms = state.clock.now().elapsed_ms + EXPIRE_SLICE_MS;
    let in_time = || state.clock.now().elapsed_ms < ends_at_ms;
    let more_events = expire_events(connection, now - RETENTION_MS, in_time)?;
    let more_calls = expire_calls(connection, now)?;
    let leases = connection
        .prepare_cached(
            "DELETE FROM leases WHERE locator IN
               (SELECT locator FROM leases WHERE ends_at < ?1 LIMIT ?2)",
        )?
        .execute(params![now - LOCATOR_REST_MS, EXPIRE_ROWS as i64])?;
    // An installation that was not heard of for as long as events are kept has none left: its last
    // events were removed first, in slices. A few rows remain.
    let wanted = if more_events { 0 } else { EXPIRE_INSTALLATIONS };
    let idle: Vec<i64> = connection
        .prepare_cached("SELECT id FROM installations WHERE synced_at < ?1 LIMIT ?2")?
        .query_map([now - RETENTION_MS, wanted as i64], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in &idle {
        remove(connection, state, *id)?;
    }
    Ok(more_events || more_calls || leases == EXPIRE_ROWS || !idle.is_empty())
}

fn expire_events(
    connection: &Connection,
    before: i64,
    in_time: impl Fn() -> bool,
) -> rusqlite::Result<bool> {
    type Arrival = (i64, i64, i64, i64, i64);
    let mut next = connection.prepare_cached(
        "SELECT arrived_at, installation, epoch, first_seq, last_seq FROM arrivals
         WHERE arrived_at < ?1 ORDER BY arrived_at LIMIT 1",
    )?;
    let mut removed = 0;
    while removed < EXPIRE_ROWS && in_time() {
        let arrival: Option<Arrival> = next
            .query_row([before], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .optional()?;
        let Some((arrived_at, installation, epoch, first, last)) = arrival else {
            return Ok(false);
        };
        removed += 1 + connection
            .prepare_cached(
                "DELETE FROM events
                 WHERE installation = ?1 AND epoch = ?2 AND seq BETWEEN ?3 AND ?4",
            )?
            .execute([installation, epoch, first, last])?;
        // The newest change of customer stays: later events are still that customer's.
        removed += connection
            .prepare_cached(
                "DELETE FROM customers
                 WHERE installation = ?1 AND arrived_at < ?2 AND (epoch, seq) <
                   (SELECT epoch, seq FROM customers WHERE installation = ?1 AND arrived_at < ?2
                    ORDER BY epoch DESC, seq DESC LIMIT 1)",
            )?
            .execute([installation, before])?;
        connection
            .prepare_cached(
                "DELETE FROM arrivals WHERE arrived_at = ?1 AND installation = ?2
                   AND epoch = ?3 AND first_seq = ?4",
            )?
            .execute([arrived_at, installation, epoch, first])?;
    }
    Ok(true)
}

/// A call is removed once neither its token nor its claim nor a desk link can show it. Its lease ends
/// with it: a code that was claimed is not claimed again.
fn expire_calls(connection: &Connection, now: i64) -> rusqlite::Result<bool> {
    let arrived_before = now - TOKEN_CLAIMABLE_MS;
    let claimed_before = now - CLAIM_MS - DESK_LINK_MS;
    let ids: Vec<i64> = connection
        .prepare_cached(
            "SELECT id FROM calls WHERE arrived_at < ?1
               AND (claimed_at IS NULL OR claimed_at < ?2) LIMIT ?3",
        )?
        .query_map(params![arrived_before, claimed_before, EXPIRE_ROWS as i64], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in &ids {
        connection
            .prepare_cached(
                "UPDATE leases SET ends_at = min(ends_at, ?2)
                 WHERE locator = (SELECT lease FROM calls WHERE id = ?1)",
            )?
            .execute([*id, now])?;
        connection.prepare_cached("DELETE FROM calls WHERE id = ?1")?.execute([id])?;
    }
    Ok(ids.len() == EXPIRE_ROWS)
}
