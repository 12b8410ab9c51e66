//! What phones send: batches, calls, and the wish to be erased.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use super::problem::Problem;
use super::{Outcome, PathPart, authorize, body, no_store, part};
use crate::ingest::{self, Form};
use crate::keys::KeyKind;
use crate::state::AppState;
use crate::wire::{UploadAnswer, UploadRequest};

/// Stores a batch of events, each exactly once. Answers after the commit is on disk.
#[utoipa::path(
    post, path = "/v1/batches", request_body = UploadRequest, security(("write" = [])),
    responses(
        (status = 200, description = "Stored, but for what `rejected` names", body = UploadAnswer),
        (status = 400, description = "Not JSON, or a field of the wrong type", body = Problem),
        (status = 401, description = "No key, or an unknown one", body = Problem),
        (status = 403, description = "Not a write key, or another app's installation", body = Problem),
        (status = 410, description = "The installation was erased", body = Problem),
        (status = 413, description = "Too many events or bytes", body = Problem),
        (status = 422, description = "A value out of its range", body = Problem),
        (status = 429, description = "Over the key's quota: see Retry-After", body = Problem),
        (status = 503, description = "Busy: see Retry-After", body = Problem)
    )
)]
pub(super) async fn batches(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Body,
) -> Outcome {
    take(&state, &headers, body, Form::Batch).await
}

/// Stores a call and its snapshot. The same token again is the same call.
#[utoipa::path(
    post, path = "/v1/calls", request_body = UploadRequest, security(("write" = [])),
    responses(
        (status = 200, description = "Stored, but for what `rejected` names", body = UploadAnswer),
        (status = 400, description = "Not JSON, or a field of the wrong type", body = Problem),
        (status = 401, description = "No key, or an unknown one", body = Problem),
        (status = 403, description = "Not a write key, or another app's installation", body = Problem),
        (status = 410, description = "The installation was erased", body = Problem),
        (status = 413, description = "Too many events or bytes", body = Problem),
        (status = 422, description = "A value out of its range", body = Problem),
        (status = 429, description = "Over the key's quota: see Retry-After", body = Problem),
        (status = 503, description = "Busy: see Retry-After", body = Problem)
    )
)]
pub(super) async fn calls(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Body,
) -> Outcome {
    take(&state, &headers, body, Form::Call).await
}

async fn take(state: &AppState, headers: &HeaderMap, body: Body, form: Form) -> Outcome {
    let key = authorize(state, headers, KeyKind::Write).await?;
    let bytes = body::read(headers, body, &state.bodies).await?;
    // Bounds what is in memory; a phone keeps what it has and comes again.
    let _upload = state.uploads.try_acquire().map_err(|_| Problem::busy())?;
    let request: UploadRequest<'_> = body::json(&bytes)?;
    let accepted = ingest::accept(state, key, request, form)?;
    drop(bytes);
    Ok(no_store(axum::Json(ingest::store(state, accepted).await?)))
}

/// Erases an installation: its events, calls and leases go, and whatever it still sends is
/// refused. Also for one never seen.
#[utoipa::path(
    delete, path = "/v1/installations/{id}", security(("write" = [])),
    params(("id" = String, Path, description = "The installation: 32 hexadecimal digits")),
    responses(
        (status = 204, description = "Nothing of it is left"),
        (status = 401, description = "No key, or an unknown one", body = Problem),
        (status = 403, description = "Not a write key, or another app's installation", body = Problem),
        (status = 422, description = "Not the id of an installation", body = Problem),
        (status = 429, description = "Over the key's quota: see Retry-After", body = Problem),
        (status = 503, description = "Busy: see Retry-After", body = Problem)
    )
)]
pub(super) async fn erase(
    State(state): State<Arc<AppState>>,
    id: PathPart,
    headers: HeaderMap,
) -> Outcome {
    let key = authorize(&state, &headers, KeyKind::Write).await?;
    ingest::erase(&state, key, &part(id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
