//! The routes of the phones: batches, calls, and the erasure of an installation.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use super::problem::Problem;
use super::responses::{UploadResponses, WriteResponses};
use super::{Outcome, PathPart, authorize, body, no_store, part};
use crate::ingest::{self, Form};
use crate::keys::KeyKind;
use crate::state::AppState;
use crate::wire::UploadRequest;

/// Stores a batch of events, each exactly once. Answers after the commit is on disk.
#[utoipa::path(
    post, path = "/v1/batches", request_body = UploadRequest, security(("write" = [])),
    responses(UploadResponses, WriteResponses)
)]
pub(super) async fn batches(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Body,
) -> Outcome {
    take(&state, &headers, body, Form::Batch).await
}

/// Stores a call and its snapshot. The same token again is the same call. Answers after the commit is on
/// disk.
#[utoipa::path(
    post, path = "/v1/calls", request_body = UploadRequest, security(("write" = [])),
    responses(UploadResponses, WriteResponses)
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
    // Bounds the memory; a phone keeps its events and tries again.
    let _upload = state.uploads.try_acquire().map_err(|_| Problem::busy())?;
    let request: UploadRequest<'_> = body::json(&bytes)?;
    let accepted = ingest::accept(state, key, request, form)?;
    drop(bytes);
    Ok(no_store(axum::Json(ingest::store(state, accepted).await?)))
}

/// Erases an installation: its events, calls and leases are deleted, and whatever it sends later is
/// refused. Also accepted for an installation that was never seen.
#[utoipa::path(
    delete, path = "/v1/installations/{id}", security(("write" = [])),
    params(("id" = String, Path, description = "The installation: 32 hexadecimal digits")),
    responses(
        (status = 204, description = "Erased"),
        WriteResponses
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
