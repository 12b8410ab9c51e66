//! The keys that apps and contact centres send, by their hashes.

use rusqlite::{Connection, params};

use crate::keys::{Key, KeyKind};
use crate::secret::Hash;

/// Adds a key.
pub(super) fn add(connection: &Connection, key: &Key) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO keys (hash, kind, app, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![key.hash, key.kind.as_str(), key.app, key.created_at, key.expires_at])?;
    Ok(())
}

/// All keys, oldest first. One of a kind that a later version made is left out.
pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<Key>> {
    let mut statement = connection.prepare_cached(
        "SELECT hash, kind, app, created_at, expires_at FROM keys ORDER BY created_at, hash",
    )?;
    let rows = statement.query_map([], |row| {
        let kind: String = row.get(1)?;
        let (hash, app) = (row.get(0)?, row.get(2)?);
        let (created_at, expires_at) = (row.get(3)?, row.get(4)?);
        Ok(KeyKind::parse(&kind).map(|kind| Key { hash, kind, app, created_at, expires_at }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

/// Removes a key; `false` if there is none.
pub(super) fn remove(connection: &Connection, hash: &Hash) -> rusqlite::Result<bool> {
    let removed = connection.prepare_cached("DELETE FROM keys WHERE hash = ?1")?.execute([hash])?;
    Ok(removed == 1)
}

/// Lets a key end at a time; `false` if there is none.
pub(super) fn expire(connection: &Connection, hash: &Hash, at: i64) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached("UPDATE keys SET expires_at = ?2 WHERE hash = ?1")?
        .execute(params![hash, at])?;
    Ok(changed == 1)
}
