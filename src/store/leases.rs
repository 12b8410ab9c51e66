//! Leased codes. A lease dies by either of two clocks, whichever says so first: the store's age,
//! which nobody can set but which stands still across a step it does not believe, and the wall clock.

use rusqlite::{Transaction, params};

use super::Store;
use crate::clock::Now;
use crate::config::{CODES_MAX, LEASE_RENEWED_AFTER_MS, WALL_BACK_MAX_MS};
use crate::error::Error;
use crate::wire::Answer;

/// A leased code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    pub locator: u32,
    /// When it expires, in ms of this process's elapsed clock.
    pub expires_ms: u64,
}

/// The times of a lease in the store.
struct Times {
    /// When it was given, by the store's age and by the wall clock.
    given: (u64, i64),
    life_ms: u64,
}

impl Times {
    /// Returns how long ago the lease was given, by the clock that says longer; `None` if the wall
    /// clock says that it will be given in the future, and so cannot be trusted.
    fn age_ms(&self, age_ms: u64, wall_ms: i64) -> Option<u64> {
        let by_age = age_ms.saturating_sub(self.given.0);
        let by_wall = wall_ms.saturating_sub(self.given.1);
        (by_wall >= -WALL_BACK_MAX_MS).then(|| by_age.max(by_wall.max(0) as u64))
    }

    /// Returns how long the lease lives on; 0 if it is dead.
    fn left_ms(&self, age_ms: u64, wall_ms: i64) -> u64 {
        self.age_ms(age_ms, wall_ms).map_or(0, |passed_ms| self.life_ms.saturating_sub(passed_ms))
    }
}

impl Store {
    /// Returns the leased codes, the soonest to expire first.
    pub(crate) fn leases(&self, now: Now) -> Result<Vec<Lease>, Error> {
        let age_ms = self.age_at(now);
        let mut leases: Vec<Lease> = self
            .lease_times()?
            .into_iter()
            .map(|(locator, times)| (locator, times.left_ms(age_ms, now.wall_ms)))
            .filter(|(_, left_ms)| *left_ms > 0)
            .map(|(locator, left_ms)| Lease { locator, expires_ms: now.elapsed_ms + left_ms })
            .collect();
        leases.sort_by_key(|lease| (lease.expires_ms, lease.locator));
        Ok(leases)
    }

    /// Returns the collector's name for the codes held.
    pub(crate) fn codes_version(&self) -> Result<Option<u32>, Error> {
        let mut statement = self.connection.prepare_cached("SELECT codes_version FROM state")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Returns whether the codes should be renewed: the newest was given more than a day ago, or the
    /// collector honours fewer than this phone holds.
    pub(crate) fn codes_are_stale(&self, now: Now) -> Result<bool, Error> {
        let age_ms = self.age_at(now);
        let newest = self
            .lease_times()?
            .iter()
            .map(|(_, times)| times.age_ms(age_ms, now.wall_ms).unwrap_or(u64::MAX))
            .min();
        Ok(self.codes_doubted || newest.is_some_and(|age_ms| age_ms > LEASE_RENEWED_AFTER_MS))
    }

    /// Deletes the leases that are dead.
    pub(super) fn expire_leases(&mut self, now: Now) -> Result<(), Error> {
        let age_ms = self.age_at(now);
        let dead: Vec<u32> = self
            .lease_times()?
            .into_iter()
            .filter(|(_, times)| times.left_ms(age_ms, now.wall_ms) == 0)
            .map(|(locator, _)| locator)
            .collect();
        if dead.is_empty() {
            return Ok(());
        }
        self.write(now, |tx, _, _| dead.iter().try_for_each(|locator| delete(tx, *locator)))
    }

    fn lease_times(&self) -> Result<Vec<(u32, Times)>, Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT locator, given, wall, life FROM leases")?;
        let times = statement
            .query_map([], |row| {
                let times = Times {
                    given: (row.get::<_, i64>(1)? as u64, row.get(2)?),
                    life_ms: row.get::<_, i64>(3)? as u64,
                };
                Ok((row.get(0)?, times))
            })?
            .collect::<Result<_, _>>()?;
        Ok(times)
    }
}

/// Deletes the lease that a call has used.
pub(super) fn delete(tx: &Transaction<'_>, locator: u32) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM leases WHERE locator = ?1")?.execute([locator])?;
    Ok(())
}

/// Keeps the codes in an answer. `named` are the locators that the request named, if it asked for
/// codes: those that the answer repeats are renewed, unless a call has used them meanwhile, and the
/// others are not honoured any more.
pub(super) fn keep(
    tx: &Transaction<'_>,
    answer: &Answer,
    named: Option<&[u32]>,
    (age_ms, wall_ms): (u64, i64),
) -> Result<(), Error> {
    let named = named.unwrap_or_default();
    for locator in named {
        if !answer.leases().any(|(honoured, _)| honoured == *locator) {
            delete(tx, *locator)?;
        }
    }
    if let Some(version) = answer.codes_version {
        tx.prepare_cached("UPDATE state SET codes_version = ?1")?.execute([version])?;
    }
    let mut renew =
        tx.prepare_cached("UPDATE leases SET given = ?2, wall = ?3, life = ?4 WHERE locator = ?1")?;
    let mut add = tx.prepare_cached(
        "INSERT OR REPLACE INTO leases (locator, given, wall, life) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (locator, life_ms) in answer.leases() {
        let statement = if named.contains(&locator) { &mut renew } else { &mut add };
        statement.execute(params![locator, age_ms as i64, wall_ms, life_ms as i64])?;
    }
    tx.prepare_cached(
        "DELETE FROM leases WHERE locator NOT IN
           (SELECT locator FROM leases ORDER BY given DESC, locator LIMIT ?1)",
    )?
    .execute([CODES_MAX as i64])?;
    Ok(())
}
