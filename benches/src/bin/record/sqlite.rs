//! The SQLite that two of the peers record into, with our own store's settings, and the encoding
//! that all but Glean share.

use std::path::Path;

use anyhow::{Context as _, Result};
use jalon::{Event, Product};
use rusqlite::Connection;
use serde::Serialize;

#[derive(Serialize)]
struct Body<'a> {
    at: i64,
    session: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    screen: Option<&'a str>,
    product: ProductBody<'a>,
}

#[derive(Serialize)]
struct ProductBody<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<PriceBody<'a>>,
}

#[derive(Serialize)]
struct PriceBody<'a> {
    minor: i64,
    currency: &'a str,
}

/// Writes a product view as the wire has it, byte for byte what our encoder writes.
pub(crate) fn encode(out: &mut Vec<u8>, event: &Event) {
    let Event::ProductView { product } = event else { return };
    let Product { id, name, category, brand, price } = product;
    let body = Body {
        at: 1_795_281_950_377,
        session: 17,
        kind: "product_view",
        screen: Some("product/{id}"),
        product: ProductBody {
            id,
            name: name.as_deref(),
            category: category.as_deref(),
            brand: brand.as_deref(),
            price: price
                .as_ref()
                .map(|price| PriceBody { minor: price.minor, currency: &price.currency }),
        },
    };
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(out, &body);
}

/// Opens a database with one table.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path).context("failed to open SQLite")?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, body BLOB)")?;
    Ok(connection)
}

/// Inserts one event; a transaction of its own unless one is open.
pub(crate) fn insert(connection: &Connection, event: &Event) -> rusqlite::Result<()> {
    let mut body = Vec::with_capacity(512);
    encode(&mut body, event);
    connection.prepare_cached("INSERT INTO events (body) VALUES (?1)")?.execute([body]).map(drop)
}

/// Takes the oldest hundred out, for good.
pub(crate) fn take_out(connection: &mut Connection, checkpoint: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "BEGIN IMMEDIATE;
         DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT 100);
         COMMIT",
    )?;
    if checkpoint {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(())
}

/// Counts what is there.
pub(crate) fn count(path: &Path) -> Result<u64> {
    let connection = Connection::open(path)?;
    let count: i64 = connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
    Ok(u64::try_from(count)?)
}
