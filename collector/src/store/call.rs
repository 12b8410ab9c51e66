//! Calls: stored when their record arrives, claimed when an agent takes them, in either order.

use jalon_desk::view::Scope;
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};

use super::audit::{self, Noted};
use super::claimant::Claimant;
use super::writer::State;
use super::{Claim, ContextId, Handle, NewCall, Upload, View, lease};
use crate::limits::{CLAIM_MS, CODE_CLAIMABLE_MS, TAP_SKEW_MS, TOKEN_CLAIMABLE_MS};
use crate::secret::Hash;

/// Writes a scope for the database.
pub(super) fn scope_text(scope: Scope) -> &'static str {
    match scope {
        Scope::Everything => "everything",
        Scope::Screen => "screen",
    }
}

/// Reads a scope from the database; in doubt, the narrow one.
pub(super) fn scope_of(text: &str) -> Scope {
    if text == "everything" { Scope::Everything } else { Scope::Screen }
}

/// Stores a call's record. The same token again is the same call, and adds at most who calls. A record
/// whose lease was claimed before it arrived joins that claim.
pub(super) fn put(
    connection: &Connection,
    state: &State,
    installation: i64,
    upload: &Upload,
    new: &NewCall,
) -> rusqlite::Result<()> {
    let (locator, code_screen) = new.code.unwrap_or_default();
    let scope = if locator % 2 == 1 { Scope::Screen } else { new.scope };
    let statement = new.statement.as_ref();
    let identification = statement.map(|statement| &statement.identification);
    let customer = identification.and_then(|identification| identification.id.as_ref());
    let verified = identification.and_then(|identification| identification.verified);
    let stated_from = statement.map(|statement| statement.from as i64);
    let since = statement.and_then(|statement| statement.since).map(|since| since as i64);
    let lease = leased(connection, state, installation, new)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO calls (installation, app, token, lease, code_screen, epoch, seq,
           tapped_at, scope, topic, stated, customer, verified, stated_from, arrived_at, since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?17)
         ON CONFLICT (token) DO UPDATE SET
           stated = 1, customer = excluded.customer, verified = excluded.verified,
           stated_from = excluded.stated_from, since = excluded.since
         WHERE installation = excluded.installation AND stated = 0 AND excluded.stated = 1
         ON CONFLICT (lease) DO UPDATE SET
           token = excluded.token, code_screen = excluded.code_screen,
           epoch = excluded.epoch, seq = excluded.seq, tapped_at = excluded.tapped_at,
           scope = excluded.scope, topic = excluded.topic, stated = excluded.stated,
           customer = excluded.customer, verified = excluded.verified,
           stated_from = excluded.stated_from, since = excluded.since,
           arrived_at = excluded.arrived_at
         WHERE token IS NULL AND excluded.tapped_at <= claimed_at + ?16",
    )?;
    let mut put = |lease: Option<Hash>| {
        insert.execute(params![
            installation,
            upload.app,
            new.token,
            lease,
            code_screen,
            upload.epoch as i64,
            new.seq as i64,
            new.tapped_at,
            scope_text(scope),
            new.topic,
            statement.is_some(),
            customer,
            verified,
            stated_from,
            upload.arrived_at,
            TAP_SKEW_MS,
            since,
        ])
    };
    // Nothing stored: the token is known, or the code already names another call of this phone.
    if put(lease)? == 0 && lease.is_some() {
        // The code was claimed before this tap, by a guess or a typing error: it is this call's now.
        let freed = connection
            .prepare_cached(
                "UPDATE calls SET lease = NULL WHERE lease = ?1 AND token IS NULL
                   AND NOT EXISTS (SELECT 1 FROM calls WHERE token = ?2)",
            )?
            .execute(params![lease, new.token])?;
        put(if freed > 0 { lease } else { None })?;
    }
    Ok(())
}

/// The lease that a call's code names. A code counts only for the installation it was leased to.
fn leased(
    connection: &Connection,
    state: &State,
    installation: i64,
    new: &NewCall,
) -> rusqlite::Result<Option<Hash>> {
    let Some((locator, _)) = new.code else { return Ok(None) };
    let hash = lease::hash(&state.secret, locator);
    let ours = connection
        .prepare_cached("SELECT 1 FROM leases WHERE locator = ?1 AND installation = ?2")?
        .exists(params![hash, installation])?;
    Ok(ours.then_some(hash))
}

/// Binds a call to a call id and notes the view. `None` for a call that cannot be claimed: the same
/// queries are made and nothing is written, so that it takes as long for every cause.
pub(super) fn claim(
    connection: &Connection,
    state: &State,
    claim: &Claim,
) -> rusqlite::Result<Option<ContextId>> {
    let claimant = Claimant::new(&state.secret, &claim.app, &claim.call_id);
    let found = match claim.handle {
        Handle::Token(token) => by_token(connection, claim, token, &claimant)?,
        Handle::Code(locator, screen) => {
            let lease = lease::hash(&state.secret, locator);
            by_lease(connection, claim, lease, (locator, screen), &claimant)?
        }
        Handle::Claimed => by_claimant(connection, claim, &claimant)?,
    };
    if let Some(id) = found {
        let claimed = connection
            .prepare_cached(
                "UPDATE calls SET claimed_by = ?2, claimed_at = ?3
                 WHERE id = ?1 AND claimed_by IS NULL",
            )?
            .execute(params![id, claimant, claim.at])?;
        if claimed > 0 {
            // An exchange gave this id before: from now on the id names this call, whoever the one
            // before was, and also once this one is erased.
            connection
                .prepare_cached(
                    "UPDATE calls SET superseded = 1 WHERE claimed_by = ?2 AND id <> ?1",
                )?
                .execute(params![id, claimant])?;
        }
        let noted = Noted {
            at: claim.at,
            app: &claim.app,
            act: "resolve",
            claimant: &claimant,
            agent: claim.agent.as_deref(),
        };
        audit::note(connection, &state.secret, &noted)?;
    }
    Ok(found)
}

/// Notes that a desk link was opened. `false` for a call that is gone: there is nothing to show or to
/// note.
pub(super) fn note_view(
    connection: &Connection,
    state: &State,
    view: &View,
) -> rusqlite::Result<bool> {
    let claimant: Option<Claimant> = connection
        .prepare_cached(
            "SELECT claimed_by FROM calls WHERE id = ?1 AND app = ?2 AND claimed_by IS NOT NULL",
        )?
        .query_row(params![view.context, view.app], |row| row.get(0))
        .optional()?;
    let Some(claimant) = &claimant else { return Ok(false) };
    let (app, agent) = (view.app.as_str(), view.agent.as_deref());
    audit::note(
        connection,
        &state.secret,
        &Noted { at: view.at, app, act: view.act, claimant, agent },
    )?;
    Ok(true)
}

/// The columns that decide whether a call can be claimed.
struct Row {
    id: ContextId,
    tapped_at: Option<i64>,
    claimed: Option<(Claimant, i64)>,
}

impl Row {
    /// Finds an app's call by its token or its lease.
    fn find(
        connection: &Connection,
        sql: &str,
        key: impl ToSql,
        app: &str,
    ) -> rusqlite::Result<Option<Self>> {
        connection.prepare_cached(sql)?.query_row(params![key, app], Self::read).optional()
    }

    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let by: Option<Claimant> = row.get(2)?;
        let at: Option<i64> = row.get(3)?;
        Ok(Self { id: row.get(0)?, tapped_at: row.get(1)?, claimed: by.zip(at) })
    }

    fn claimable(&self, claimant: &Claimant, now: i64, after_tap_ms: i64) -> bool {
        match (&self.claimed, self.tapped_at) {
            (Some((by, at)), _) => by == claimant && now < at + CLAIM_MS,
            (None, Some(tapped_at)) => now < tapped_at + after_tap_ms,
            // A row without a record was made by a claim.
            (None, None) => false,
        }
    }
}

fn by_token(
    connection: &Connection,
    claim: &Claim,
    token: [u8; 16],
    claimant: &Claimant,
) -> rusqlite::Result<Option<ContextId>> {
    const BY_TOKEN: &str = "SELECT id, tapped_at, claimed_by, claimed_at FROM calls
         WHERE token = ?1 AND app = ?2";
    let row = Row::find(connection, BY_TOKEN, token, &claim.app)?;
    Ok(row.filter(|row| row.claimable(claimant, claim.at, TOKEN_CLAIMABLE_MS)).map(|row| row.id))
}

/// The call that a call id claimed last. None if that one is gone: the one before is another person's.
fn by_claimant(
    connection: &Connection,
    claim: &Claim,
    claimant: &Claimant,
) -> rusqlite::Result<Option<ContextId>> {
    connection
        .prepare_cached(
            "SELECT id FROM calls WHERE claimed_by = ?1 AND app = ?2 AND claimed_at > ?3
               AND superseded = 0",
        )?
        .query_row(params![claimant, claim.app, claim.at - CLAIM_MS], |row| row.get(0))
        .optional()
}

fn by_lease(
    connection: &Connection,
    claim: &Claim,
    lease: Hash,
    (locator, screen): (u32, u16),
    claimant: &Claimant,
) -> rusqlite::Result<Option<ContextId>> {
    // A record that is here knows which screen was dialled, also by a number that a backup, restored
    // since, does not know.
    const BY_LEASE: &str = "SELECT id, tapped_at, claimed_by, claimed_at,
           iif(token IS NULL, NULL, code_screen <> ?3) FROM calls WHERE lease = ?1 AND app = ?2";
    let row: Option<(Row, Option<bool>)> = connection
        .prepare_cached(BY_LEASE)?
        .query_row(params![lease, claim.app, screen], |row| Ok((Row::read(row)?, row.get(4)?)))
        .optional()?;
    // A digit that arrived twice moves the others and passes the check digit in one case of twenty,
    // with another phone's locator: without a record, only a screen that the app has shows that it may
    // be right.
    let is_screen = connection
        .prepare_cached("SELECT 1 FROM screens WHERE app = ?1 AND number = ?2")?
        .exists(params![claim.app, screen])?;
    let differs = row.as_ref().and_then(|(_, differs)| *differs);
    let dialled_wrong = differs.unwrap_or(screen != 0 && !is_screen);
    let lease_row: Option<(i64, i64, i64)> = connection
        .prepare_cached(
            "SELECT installation, leases.epoch, leases.seq FROM leases
             JOIN installations ON installations.id = leases.installation
             WHERE locator = ?1 AND ends_at > ?2 AND app = ?3",
        )?
        .query_row(params![lease, claim.at, claim.app], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    if dialled_wrong {
        return Ok(None);
    }
    if let Some((row, _)) = row {
        let claimable = row.claimable(claimant, claim.at, CODE_CLAIMABLE_MS);
        return Ok(claimable.then_some(row.id));
    }
    let Some((installation, epoch, seq)) = lease_row else { return Ok(None) };
    let scope = if locator % 2 == 1 { Scope::Screen } else { Scope::Everything };
    connection
        .prepare_cached(
            "INSERT INTO calls
               (installation, app, lease, code_screen, epoch, seq, scope, arrived_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            installation,
            claim.app,
            lease,
            screen,
            epoch,
            seq,
            scope_text(scope),
            claim.at
        ])?;
    Ok(Some(connection.last_insert_rowid()))
}
