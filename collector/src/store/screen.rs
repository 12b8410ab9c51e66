//! The numbers of screens, which call codes carry.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::NumberedScreen;
use crate::limits::{SCREEN_BYTES_MAX, SCREENS_UNLISTED_MAX};

/// The numbers of each app's screens, as far as they were read.
pub(super) type NumbersByApp = HashMap<String, Numbers>;

/// The numbers of one app's screens, as stored.
#[derive(Default)]
pub(super) struct Numbers {
    by_name: HashMap<String, u16>,
    /// How many of them the screens file does not list.
    unlisted: usize,
}

impl Numbers {
    fn read(connection: &Connection, app: &str) -> rusqlite::Result<Self> {
        let mut numbers = Self::default();
        let mut statement =
            connection.prepare_cached("SELECT name, number, listed FROM screens WHERE app = ?1")?;
        let mut rows = statement.query([app])?;
        while let Some(row) = rows.next()? {
            numbers.by_name.insert(row.get(0)?, row.get(1)?);
            numbers.unlisted += usize::from(!row.get::<_, bool>(2)?);
        }
        Ok(numbers)
    }

    /// The next number that is free, never one that was given before.
    fn next(&self) -> Option<u16> {
        let next = u16::try_from(self.by_name.len() + 1).ok()?;
        (next < jalon::call::SCREEN_END).then_some(next)
    }
}

/// The number of a screen, given now if it has none. `None` once all numbers are taken, or those for
/// screens that the screens file does not list.
pub(super) fn number(
    connection: &Connection,
    known: &mut NumbersByApp,
    app: &str,
    name: &str,
) -> rusqlite::Result<Option<u16>> {
    let Some(numbers) = numbers_for(connection, known, app, name)? else { return Ok(None) };
    if let Some(number) = numbers.by_name.get(name) {
        return Ok(Some(*number));
    }
    if numbers.unlisted >= SCREENS_UNLISTED_MAX {
        return Ok(None);
    }
    let given = give(connection, numbers, app, name, false)?;
    if numbers.unlisted == SCREENS_UNLISTED_MAX {
        tracing::warn!(
            app,
            "{SCREENS_UNLISTED_MAX} screens have numbers that the screens file does not list: further \
             ones get none, and calls from them do not say where the customer is"
        );
    }
    Ok(given)
}

/// The number of a screen that the screens file lists. `None` once all are taken.
pub(super) fn number_listed(
    connection: &Connection,
    known: &mut NumbersByApp,
    app: &str,
    name: &str,
) -> rusqlite::Result<Option<u16>> {
    let Some(numbers) = numbers_for(connection, known, app, name)? else { return Ok(None) };
    if let Some(number) = numbers.by_name.get(name).copied() {
        let listed = connection
            .prepare_cached(
                "UPDATE screens SET listed = 1 WHERE app = ?1 AND number = ?2 AND listed = 0",
            )?
            .execute(params![app, number])?;
        numbers.unlisted -= listed;
        return Ok(Some(number));
    }
    let given = give(connection, numbers, app, name, true)?;
    if given.is_none() {
        tracing::warn!(app, name, "the screen gets no number: all are taken");
    }
    Ok(given)
}

fn give(
    connection: &Connection,
    numbers: &mut Numbers,
    app: &str,
    name: &str,
    is_listed: bool,
) -> rusqlite::Result<Option<u16>> {
    let Some(number) = numbers.next() else { return Ok(None) };
    connection
        .prepare_cached("INSERT INTO screens (app, number, name, listed) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![app, number, name, is_listed])?;
    numbers.by_name.insert(name.to_owned(), number);
    numbers.unlisted += usize::from(!is_listed);
    Ok(Some(number))
}

/// The numbers of an app's screens, of which this may be one; `None` for a name that gets no number.
fn numbers_for<'a>(
    connection: &Connection,
    known: &'a mut NumbersByApp,
    app: &str,
    name: &str,
) -> rusqlite::Result<Option<&'a mut Numbers>> {
    if name.is_empty() || name.len() > SCREEN_BYTES_MAX {
        return Ok(None);
    }
    if !known.contains_key(app) {
        known.insert(app.to_owned(), Numbers::read(connection, app)?);
    }
    Ok(known.get_mut(app))
}

/// The numbers of an app's screens, or of all apps', in their order.
pub(super) fn list(
    connection: &Connection,
    app: Option<&str>,
) -> rusqlite::Result<Vec<NumberedScreen>> {
    connection
        .prepare_cached(
            "SELECT app, number, name, listed FROM screens WHERE ?1 IS NULL OR app = ?1
             ORDER BY app, number",
        )?
        .query_map([app], |row| {
            let (app, number) = (row.get(0)?, row.get(1)?);
            Ok(NumberedScreen { app, number, name: row.get(2)?, listed: row.get(3)? })
        })?
        .collect()
}
