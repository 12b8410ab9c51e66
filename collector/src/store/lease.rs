//! Leases call codes in advance, so that a call carries its context without data at the tap.

use rusqlite::{Connection, params};

use super::Upload;
use super::writer::State;
use crate::limits::{LEASE_HONOURED_MS, LEASE_MS, LEASES_HELD, LEASES_LOW, LEASES_UNCLAIMED_MAX};
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

/// Leases codes to an installation that holds few.
pub(super) fn top_up(
    connection: &Connection,
    state: &State,
    installation: i64,
    upload: &Upload,
) -> rusqlite::Result<Vec<Lease>> {
    let Some(held) = upload.codes_left.filter(|held| *held < LEASES_LOW) else {
        return Ok(Vec::new());
    };
    let unclaimed: u32 = connection
        .prepare_cached(
            "SELECT count(*) FROM leases WHERE installation = ?1 AND ends_at > ?2
               AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.lease = leases.locator)",
        )?
        .query_row(params![installation, upload.arrived_at], |row| row.get(0))?;
    let wanted = (LEASES_HELD - held).min(LEASES_UNCLAIMED_MAX.saturating_sub(unclaimed));
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let (epoch, seq): (i64, i64) = connection
        .prepare_cached(
            "SELECT epoch, seq FROM events WHERE installation = ?1
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
    let mut leases = Vec::new();
    for _ in 0..DRAWS_MAX {
        if leases.len() == wanted as usize {
            break;
        }
        let Some(locator) = draw(state) else { continue };
        let hash = hash(&state.secret, locator);
        if insert.execute(params![hash, installation, epoch, seq, ends_at])? == 1 {
            leases.push(Lease {
                locator: format!("{locator:09}"),
                expires_in_s: (LEASE_MS / 1_000) as u64,
            });
        }
    }
    Ok(leases)
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
