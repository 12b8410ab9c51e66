//! What phones send: batches, calls, and the wish to be erased.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use super::{Outcome, PathPart, authorize, no_store, part};
use crate::body;
use crate::ingest::{self, Form};
use crate::keys::{Key, KeyKind};
use crate::limits::{PROOFS_JUDGED_MAX, REQUEST_COST};
use crate::metrics::{ProofLabels, ProofOutcome};
use crate::problem::Problem;
use crate::proof::{self, PresentedProof, ProofError};
use crate::state::AppState;
use crate::store::{Identification, InstallationError, Upload};
use crate::wire::{Rejected, UploadAnswer, UploadRequest};

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
    charge(state, &key, request.events.len())?;
    let (mut upload, rejected) = ingest::read(request, form, key.app, state.now_ms())?;
    drop(bytes);
    verify(state, &mut upload).await?;
    store(state, upload, rejected).await
}

/// Judges the proofs in an upload. A bad one is stored all the same, as not verified.
async fn verify(state: &AppState, upload: &mut Upload) -> Result<(), Problem> {
    if !upload.identifications().any(|it| it.proof.is_some()) {
        return Ok(());
    }
    let (app, nonce, arrived_at) = (upload.app.clone(), upload.nonce.clone(), upload.arrived_at);
    let keys = state.storage.identity_keys(Some(app.clone())).await?;
    let keys: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
    let mut proven: Vec<&mut Identification> =
        upload.identifications().filter(|it| it.proof.is_some()).collect();
    let mut error = None;
    for (place, identification) in proven.iter_mut().rev().enumerate() {
        let (Some(customer), Some(proof)) = (&identification.id, &identification.proof) else {
            continue;
        };
        let presented = PresentedProof {
            proof,
            customer,
            app: &app,
            at: identification.at,
            arrived_at,
            nonce: &nonce,
        };
        let judged = if place < PROOFS_JUDGED_MAX {
            proof::judge(&presented, &keys)
        } else {
            Err(ProofError::TooMany)
        };
        error = judged.err().or(error);
        let outcome = if judged.is_ok() { ProofOutcome::Accepted } else { ProofOutcome::Refused };
        state.metrics.proofs.get_or_create(&ProofLabels { outcome }).inc();
        identification.verified = match judged {
            // A call repeats the proof of a customer named long ago, and that was judged then.
            Err(ProofError::Expired) if identification.repeated => None,
            judged => Some(judged.is_ok()),
        };
    }
    if let Some(why) = error {
        tracing::warn!(app, %why, "a customer's proof is not accepted: not verified");
    }
    Ok(())
}

/// Counts a request and its events against its key's quota.
fn charge(state: &AppState, key: &Key, events: usize) -> Result<(), Problem> {
    let cost = REQUEST_COST + u32::try_from(events).unwrap_or(u32::MAX - REQUEST_COST);
    state.quotas.charge(key, cost).map_err(Problem::throttled)
}

async fn store(state: &AppState, upload: Upload, rejected: Vec<Rejected>) -> Outcome {
    let (stored, calls, app) = (upload.events.len(), upload.calls.len(), upload.app.clone());
    let mut appended = state.storage.append(upload).await?.map_err(refused)?;
    if !appended.codes.is_empty() {
        let numbers = state.screen_numbers(&app).map(|(name, number)| (name.clone(), number));
        appended.screens.extend(numbers);
    }
    let metrics = &state.metrics;
    metrics.events.inc_by(stored as u64);
    metrics.calls.inc_by(calls as u64);
    metrics.rejected.inc_by(rejected.len() as u64);
    Ok(no_store(axum::Json(UploadAnswer {
        stored,
        rejected,
        codes: appended.codes,
        screens: appended.screens,
    })))
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
    let installation = ingest::installation(&part(id)?)?;
    charge(&state, &key, 0)?;
    let now = state.now_ms();
    state.storage.erase(key.app, installation, now).await?.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn refused(refusal: InstallationError) -> Problem {
    match refusal {
        InstallationError::Erased => Problem::erased(),
        InstallationError::OtherApp => Problem::other_app(),
    }
}
