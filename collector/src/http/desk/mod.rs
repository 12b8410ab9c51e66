//! The routes of an agent's browser: the page behind a desk link, its live stream, and their files.
//!
//! This file decides whether a link may be opened, and notes each view in the audit log.

use axum::http::StatusCode;
use jalon_desk::EndReason;

use super::problem::Problem;
use crate::link::DeskLink;
use crate::state::AppState;
use crate::store::{ContextId, View};

mod headers;
pub(super) mod live;
pub(super) mod page;

/// Opens a link, or says why it shows nothing.
fn open(state: &AppState, signed: &str) -> Result<DeskLink, EndReason> {
    let link = DeskLink::read(signed, &state.secret).ok_or(EndReason::Invalid)?;
    if state.now_ms() < link.expires_at { Ok(link) } else { Err(EndReason::Expired) }
}

/// Notes in the audit log that a link was opened. `false` when its call was erased meanwhile: then
/// nothing may be shown.
async fn note(
    state: &AppState,
    link: &DeskLink,
    id: ContextId,
    act: &'static str,
) -> Result<bool, Problem> {
    let (app, agent) = (link.app.clone(), link.agent.clone());
    let view = View { app, act, context: id, agent, at: state.now_ms() };
    Ok(state.storage.note_view(view).await?)
}

/// The status of a link that shows nothing. The page's script tells the reasons apart by it.
fn ended_status(why: EndReason) -> StatusCode {
    match why {
        EndReason::Expired | EndReason::Invalid => StatusCode::FORBIDDEN,
        EndReason::Erased => StatusCode::GONE,
    }
}

fn failed(error: &jalon_desk::Error) -> Problem {
    tracing::error!(%error, "failed to render the desk");
    Problem::internal()
}
