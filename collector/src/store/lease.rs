//! Leases call codes in advance, so that a call carries its context without data at the tap.

use rusqlite::{Connection, params};

use super::Upload;
use super::writer::State;
use crate::limits::{
    DAY_MS, LEASE_HONOURED_MS, LEASE_MS, LEASES_A_DAY_MAX, LEASES_HELD, LEASES_LOW,
    LEASES_UNCLAIMED_MAX, LEASES_UNCLAIMED_NAMED_MAX,
};
use crate::secret::{Hash, Secret};
use crate::wire::Lease;

/// Draws in one top-up. With half of all even locators taken, 32 draws all fail once in four thousand
/// million top-ups.
const DRAWS_MAX: u32 = 32;

/// The hash by which a locator is stored and found. An odd locator belongs to the lease of the even one
/// below it.
pub(super) fn hash(secret: &Secret, locator: u32) -> Hash {
    secret.hash("locator", &(locator & !1).to_be_bytes())
}

/// The codes that an installation gets with an answer.
#[derive(Default)]
pub(super) struct ToppedUp {
    pub(super) codes: Vec<Lease>,
    /// Their version, if there are any.
    pub(super) version: Option<u32>,
    /// The phone holds codes that are not honoured: a restored backup does not know the newest.
    pub(super) doubted: bool,
}

/// Renews the codes that the phone names, as far as they are honoured, and leases fresh ones to an
/// installation that holds few.
pub(super) fn top_up(
    connection: &Connection,
    state: &State,
    installation: i64,
    upload: &Upload,
) -> rusqlite::Result<ToppedUp> {
    let Some(said) = upload.codes_left else { return Ok(ToppedUp::default()) };
    let honoured: u32 = connection
        .prepare_cached(
            "SELECT count(*) FROM leases WHERE installation = ?1 AND ends_at > ?2
               AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.lease = leases.locator)",
        )?
        .query_row(params![installation, upload.arrived_at], |row| row.get(0))?;
    let mut leases = renew(connection, state, installation, upload)?;
    let held = if upload.codes.is_some() { leases.len() as u32 } else { said };
    if held < LEASES_LOW {
        let most = match upload.codes {
            Some(_) => LEASES_UNCLAIMED_NAMED_MAX,
            None => LEASES_UNCLAIMED_MAX,
        };
        let today = upload.arrived_at / DAY_MS;
        let given = given_on(connection, installation, today)?;
        let room = most.saturating_sub(honoured).min(LEASES_A_DAY_MAX.saturating_sub(given));
        let wanted = (LEASES_HELD - held).min(room) as usize;
        let renewed = leases.len();
        draw_leases(connection, state, installation, upload, wanted, &mut leases)?;
        let drawn = (leases.len() - renewed) as u32;
        if drawn > 0 {
            note_given(connection, installation, today, given + drawn)?;
        }
    }
    if !leases.is_empty() {
        let version = draw_version(connection, state, installation)?;
        return Ok(ToppedUp { codes: leases, version: Some(version), doubted: false });
    }
    let named = upload.codes.is_some() || said == 0;
    let doubted =
        !named && (said > honoured || is_other_version(connection, installation, upload)?);
    Ok(ToppedUp { doubted, ..ToppedUp::default() })
}

/// How many codes an installation was given on a day.
fn given_on(connection: &Connection, installation: i64, day: i64) -> rusqlite::Result<u32> {
    connection
        .prepare_cached(
            "SELECT iif(leases_day = ?2, leases_given, 0) FROM installations WHERE id = ?1",
        )?
        .query_row([installation, day], |row| row.get(0))
}

fn note_given(
    connection: &Connection,
    installation: i64,
    day: i64,
    given: u32,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE installations SET leases_day = ?2, leases_given = ?3 WHERE id = ?1",
        )?
        .execute(params![installation, day, given])?;
    Ok(())
}

/// Draws the version of the codes that an installation holds from now on.
fn draw_version(
    connection: &Connection,
    state: &State,
    installation: i64,
) -> rusqlite::Result<u32> {
    let mut bits = [0; 4];
    state.clock.random(&mut bits);
    let version = u32::from_be_bytes(bits);
    connection
        .prepare_cached("UPDATE installations SET codes_version = ?2 WHERE id = ?1")?
        .execute(params![installation, version])?;
    Ok(version)
}

fn is_other_version(
    connection: &Connection,
    installation: i64,
    upload: &Upload,
) -> rusqlite::Result<bool> {
    let Some(said) = upload.codes_version else { return Ok(false) };
    let known: u32 = connection
        .prepare_cached("SELECT codes_version FROM installations WHERE id = ?1")?
        .query_row([installation], |row| row.get(0))?;
    Ok(said != known)
}

/// Renews the codes that the phone names, and answers with those that are honoured.
fn renew(
    connection: &Connection,
    state: &State,
    installation: i64,
    upload: &Upload,
) -> rusqlite::Result<Vec<Lease>> {
    let mut renew = connection.prepare_cached(
        "UPDATE leases SET ends_at = ?4 WHERE locator = ?1 AND installation = ?2 AND ends_at > ?3
           AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.lease = leases.locator)",
    )?;
    let ends_at = upload.arrived_at + LEASE_HONOURED_MS;
    let mut honoured = Vec::new();
    for locator in upload.codes.iter().flatten() {
        let hash = hash(&state.secret, *locator);
        if renew.execute(params![hash, installation, upload.arrived_at, ends_at])? == 1 {
            honoured.push(lease(*locator));
        }
    }
    Ok(honoured)
}

/// Ends the codes of an installation that no call has used.
pub(super) fn end_unclaimed(
    connection: &Connection,
    installation: i64,
    at: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE leases SET ends_at = min(ends_at, ?2) WHERE installation = ?1
               AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.lease = leases.locator)",
        )?
        .execute([installation, at])?;
    Ok(())
}

fn lease(locator: u32) -> Lease {
    Lease { locator: format!("{locator:09}"), expires_in_s: (LEASE_MS / 1_000) as u64 }
}

/// Leases so many fresh codes, at the newest place that is known.
fn draw_leases(
    connection: &Connection,
    state: &State,
    installation: i64,
    upload: &Upload,
    wanted: usize,
    leases: &mut Vec<Lease>,
) -> rusqlite::Result<()> {
    if wanted == 0 {
        return Ok(());
    }
    let (epoch, seq): (i64, i64) = connection
        .prepare_cached(
            "SELECT epoch, seq FROM
               (SELECT epoch, seq FROM
                  (SELECT epoch, seq FROM events WHERE installation = ?1
                   ORDER BY epoch DESC, seq DESC LIMIT 1)
                UNION ALL SELECT epoch, seq FROM
                  (SELECT epoch, seq FROM customers WHERE installation = ?1
                   ORDER BY epoch DESC, seq DESC LIMIT 1))
             ORDER BY epoch DESC, seq DESC LIMIT 1",
        )?
        .query_row([installation], |row| Ok((row.get(0)?, row.get(1)?)))
        .or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok((upload.epoch as i64, 0)),
            error => Err(error),
        })?;
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO leases (locator, installation, epoch, seq, ends_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let ends_at = upload.arrived_at + LEASE_HONOURED_MS;
    let mut drawn = 0;
    for _ in 0..DRAWS_MAX {
        if drawn == wanted {
            break;
        }
        let Some(locator) = draw(state) else { continue };
        let hash = hash(&state.secret, locator);
        if insert.execute(params![hash, installation, epoch, seq, ends_at])? == 1 {
            leases.push(lease(locator));
            drawn += 1;
        }
    }
    Ok(())
}

/// Draws an even locator, each with the same probability. `None` for a draw past the last whole
/// multiple, which would favour some.
fn draw(state: &State) -> Option<u32> {
    const EVEN: u32 = jalon::call::LOCATOR_END / 2;
    let mut bits = [0; 4];
    state.clock.random(&mut bits);
    let drawn = u32::from_be_bytes(bits);
    (drawn < u32::MAX / EVEN * EVEN).then(|| drawn % EVEN * 2)
}
