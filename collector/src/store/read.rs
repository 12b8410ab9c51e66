//! Reads the context of a call.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::call::scope_of;
use super::{Context, ContextId, EpochState, StoredCall, StoredEvent};
use crate::attribution::{self, CallerStatement, CustomerChange, Person, Span, Start};
use crate::limits::{VIEW_CUSTOMERS_MAX, VIEW_EVENTS_MAX, VIEW_ORDERS_MAX, VIEW_QUEUE_MAX};

/// Reads the context of a call; `None` when it is gone.
pub(super) fn context(
    connection: &Connection,
    app: &str,
    id: ContextId,
) -> rusqlite::Result<Option<Context>> {
    let found = connection
        .prepare_cached(
            "SELECT installation, token, calls.epoch, seq, tapped_at, scope, topic, stated,
               customer, stated_from, code_screen, synced_at, change, verified, calls.since
             FROM calls JOIN installations ON installations.id = installation
             WHERE calls.id = ?1 AND calls.app = ?2",
        )?
        .query_row(params![id, app], CallRow::read)
        .optional()?;
    let Some(row) = found else { return Ok(None) };
    let epoch = epoch(connection, row.installation)?;
    let person = person(connection, id, &row, &epoch)?;
    let code_screen = connection
        .prepare_cached("SELECT name FROM screens WHERE app = ?1 AND number = ?2")?
        .query_row(params![app, row.code_screen], |row| row.get(0))
        .optional()?;
    Ok(Some(Context {
        installation: row.installation,
        change: row.change,
        events: events(connection, row.installation, &person)?,
        person,
        code_screen,
        epoch,
        synced_at: row.synced_at,
        call: row.call,
    }))
}

struct CallRow {
    installation: i64,
    call: StoredCall,
    /// Who calls, if the record says so.
    statement: Option<CallerStatement>,
    code_screen: u16,
    synced_at: i64,
    change: u64,
}

impl CallRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let stated: bool = row.get(7)?;
        let place = (number(row, 2)?, number(row, 3)?);
        let from = Start { snapshot: row.get(9)?, since: row.get(14)? };
        let statement = CallerStatement::new(place, from, row.get(8)?, row.get(13)?);
        Ok(Self {
            installation: row.get(0)?,
            call: StoredCall {
                token: row.get(1)?,
                place,
                tapped_at: row.get(4)?,
                scope: scope_of(&row.get::<_, String>(5)?),
                topic: row.get(6)?,
            },
            statement: stated.then_some(statement),
            code_screen: row.get(10)?,
            synced_at: row.get(11)?,
            change: number(row, 12)?,
        })
    }
}

/// Reads whatever says who used this phone, and finds who calls.
fn person(
    connection: &Connection,
    id: ContextId,
    row: &CallRow,
    epoch: &EpochState,
) -> rusqlite::Result<Person> {
    let changes = changes(connection, row.installation)?;
    let others = statements_of_calls(connection, row.installation, id)?;
    let is_awaited = |place| epoch.awaited_before(place);
    Ok(attribution::attribute_call(
        row.call.place,
        row.statement.as_ref(),
        &others,
        changes,
        is_awaited,
    ))
}

/// What the phone's other calls state about their callers, oldest first.
fn statements_of_calls(
    connection: &Connection,
    installation: i64,
    but: ContextId,
) -> rusqlite::Result<Vec<CallerStatement>> {
    let mut statements: Vec<CallerStatement> = connection
        .prepare_cached(
            "SELECT epoch, seq, stated_from, customer, verified, since FROM calls
             WHERE installation = ?1 AND stated = 1 AND id <> ?2
             ORDER BY epoch DESC, seq DESC LIMIT ?3",
        )?
        .query_map(params![installation, but, VIEW_CUSTOMERS_MAX as i64], |row| {
            let at = (number(row, 0)?, number(row, 1)?);
            let from = Start { snapshot: row.get(2)?, since: row.get(5)? };
            Ok(CallerStatement::new(at, from, row.get(3)?, row.get(4)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    statements.reverse();
    Ok(statements)
}

/// The changes of customer that are here, oldest first.
fn changes(connection: &Connection, installation: i64) -> rusqlite::Result<Vec<CustomerChange>> {
    let mut changes: Vec<CustomerChange> = connection
        .prepare_cached(
            "SELECT epoch, seq, customer, verified, unknown, begins FROM customers WHERE installation = ?1
             ORDER BY epoch DESC, seq DESC LIMIT ?2",
        )?
        .query_map(params![installation, VIEW_CUSTOMERS_MAX as i64], |row| {
            Ok(CustomerChange {
                at: (number(row, 0)?, number(row, 1)?),
                customer: row.get(2)?,
                verified: row.get(3)?,
                unknown: row.get(4)?,
                begins: row.get(5)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    changes.reverse();
    Ok(changes)
}

/// The newest events of a person, with their newest orders and location however old. Oldest first.
fn events(
    connection: &Connection,
    installation: i64,
    person: &Person,
) -> rusqlite::Result<Vec<StoredEvent>> {
    const NEWEST: &str = "SELECT epoch, seq, at, type, body FROM events
         WHERE installation = ?1 AND (epoch, seq) >= (?2, ?3) AND (epoch, seq) < (?4, ?5)
         ORDER BY epoch DESC, seq DESC LIMIT ?6";
    // Without `INDEXED BY`, SQLite walks the whole range by the primary key to find one location.
    const ORDERS: &str = "SELECT epoch, seq, at, type, body FROM events INDEXED BY events_orders
         WHERE type = 'order'
           AND installation = ?1 AND (epoch, seq) >= (?2, ?3) AND (epoch, seq) < (?4, ?5)
         ORDER BY epoch DESC, seq DESC LIMIT ?6";
    const LOCATIONS: &str =
        "SELECT epoch, seq, at, type, body FROM events INDEXED BY events_locations
         WHERE type = 'location'
           AND installation = ?1 AND (epoch, seq) >= (?2, ?3) AND (epoch, seq) < (?4, ?5)
         ORDER BY epoch DESC, seq DESC LIMIT ?6";
    let sources = [
        (NEWEST, VIEW_EVENTS_MAX),
        // The same order may be recorded more than once.
        (ORDERS, VIEW_ORDERS_MAX * 5),
        (LOCATIONS, 1),
    ];
    let mut events = Vec::new();
    for (sql, limit) in sources {
        let mut wanted = limit;
        let mut statement = connection.prepare_cached(sql)?;
        // Newest span first, until there are enough.
        for span in person.spans.iter().rev() {
            if wanted == 0 {
                break;
            }
            let read = read_span(&mut statement, installation, span, wanted)?;
            wanted -= read.len();
            events.extend(read);
        }
    }
    events.sort_unstable_by_key(|event: &StoredEvent| event.place);
    events.dedup_by_key(|event| event.place);
    Ok(events)
}

fn read_span(
    statement: &mut rusqlite::CachedStatement<'_>,
    installation: i64,
    ((from_epoch, from_seq), (to_epoch, to_seq)): &Span,
    limit: usize,
) -> rusqlite::Result<Vec<StoredEvent>> {
    let end = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    statement
        .query_map(
            params![
                installation,
                *from_epoch as i64,
                *from_seq as i64,
                end(*to_epoch),
                end(*to_seq),
                limit as i64
            ],
            |row| {
                Ok(StoredEvent {
                    place: (number(row, 0)?, number(row, 1)?),
                    at: row.get(2)?,
                    kind: row.get(3)?,
                    body: row.get(4)?,
                })
            },
        )?
        .collect()
}

/// How complete the newest epoch is. Pending events are counted from what is stored, not taken from the
/// phone.
fn epoch(connection: &Connection, installation: i64) -> rusqlite::Result<EpochState> {
    let mut state = connection
        .prepare_cached(
            "SELECT epoch, oldest, next, stored, refused, dropped FROM epochs
             WHERE installation = ?1 ORDER BY epoch DESC LIMIT 1",
        )?
        .query_row([installation], |row| {
            Ok(EpochState {
                epoch: number(row, 0)?,
                oldest: number(row, 1)?,
                next: number(row, 2)?,
                stored: number(row, 3)?,
                refused: number(row, 4)?,
                dropped: serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or_default(),
                ..EpochState::default()
            })
        })
        .optional()?
        .unwrap_or_default();
    let epoch = state.epoch as i64;
    state.at_seq = connection
        .prepare_cached("SELECT max(seq) FROM events WHERE installation = ?1 AND epoch = ?2")?
        .query_row([installation, epoch], |row| row.get::<_, Option<i64>>(0))?
        .unwrap_or(0) as u64;
    let (oldest, next) = (state.oldest as i64, state.next as i64);
    let queue = [installation, epoch, oldest, next, VIEW_QUEUE_MAX as i64];
    let mut here = connection.prepare_cached(
        "SELECT seq FROM events WHERE installation = ?1 AND epoch = ?2 AND seq >= ?3 AND seq < ?4
         ORDER BY seq LIMIT ?5",
    )?;
    let mut expected = state.oldest;
    let mut rows = here.query(queue)?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let seq = number(row, 0)?;
        if seq == expected {
            expected += 1;
        }
        count += 1;
    }
    state.pending = state.next.saturating_sub(state.oldest).saturating_sub(count);
    state.first_pending = (expected < state.next).then_some(expected);
    Ok(state)
}

/// Reads a part of a place: stored as a signed number, and never negative.
fn number(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(index)? as u64)
}
