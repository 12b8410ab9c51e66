//! The keys with which apps' backends sign proofs of identity.

use rusqlite::{Connection, Row, params};

use crate::limits::IDENTITY_KEYS_MAX;
use crate::proof::{IdentityKey, KeyAlgorithm};

/// Stores a key; the same key again changes nothing. `false` when the app has as many as it may.
pub(super) fn add(connection: &Connection, key: &IdentityKey, at: i64) -> rusqlite::Result<bool> {
    let others: u32 = connection
        .prepare_cached("SELECT count(*) FROM identity_keys WHERE app = ?1 AND id <> ?2")?
        .query_row(params![key.app, key.id()], |row| row.get(0))?;
    if others as usize >= IDENTITY_KEYS_MAX {
        return Ok(false);
    }
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO identity_keys (app, id, algorithm, material, added_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![key.app, key.id(), key.algorithm.as_str(), key.material, at])?;
    Ok(true)
}

/// The keys of an app, or of all apps, oldest first, each with the time it was added.
pub(super) fn list(
    connection: &Connection,
    app: Option<&str>,
) -> rusqlite::Result<Vec<(IdentityKey, i64)>> {
    let read = |row: &Row<'_>| {
        let algorithm = KeyAlgorithm::parse(&row.get::<_, String>(1)?);
        let key = algorithm.map(|algorithm| {
            Ok::<_, rusqlite::Error>(IdentityKey {
                app: row.get(0)?,
                algorithm,
                material: row.get(2)?,
            })
        });
        Ok((key.transpose()?, row.get(3)?))
    };
    let rows: Vec<(Option<IdentityKey>, i64)> = connection
        .prepare_cached(
            "SELECT app, algorithm, material, added_at FROM identity_keys
             WHERE ?1 IS NULL OR app = ?1 ORDER BY app, added_at, id",
        )?
        .query_map([app], read)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(rows.into_iter().filter_map(|(key, at)| Some((key?, at))).collect())
}

/// Removes a key; `false` when there is none of that id.
pub(super) fn remove(connection: &Connection, app: &str, id: &str) -> rusqlite::Result<bool> {
    let removed = connection
        .prepare_cached("DELETE FROM identity_keys WHERE app = ?1 AND id = ?2")?
        .execute([app, id])?;
    Ok(removed > 0)
}
