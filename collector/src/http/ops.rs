//! The routes of the operator: health, readiness, counters, and the description of the API.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Outcome;
use super::problem::Problem;
use crate::state::AppState;

/// The description of the API, rendered once.
#[derive(Clone)]
pub(super) struct ApiPage(Arc<str>);

impl ApiPage {
    pub(super) fn new(api: &utoipa::openapi::OpenApi) -> Self {
        Self(api.to_json().unwrap_or_default().into())
    }
}

/// Says whether the process lives, with all its threads. If not, it ends by itself.
#[utoipa::path(get, path = "/healthz", responses(
    (status = 200, description = "The process lives"),
    (status = 500, description = "A thread has died: the process ends", body = Problem)
))]
pub(super) async fn healthz(State(state): State<Arc<AppState>>) -> Outcome {
    if state.storage.health().is_dead() {
        Err(Problem::internal())
    } else {
        Ok("ok".into_response())
    }
}

/// Says whether writes reach the disk, by making one.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, description = "Writes reach the disk"),
    (status = 503, description = "Writes fail: see Retry-After", body = Problem)
))]
pub(super) async fn readyz(State(state): State<Arc<AppState>>) -> Outcome {
    state.storage.ready(state.now_ms()).await?;
    Ok("ok".into_response())
}

/// The counters, in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "The counters")))]
pub(super) async fn metrics(State(state): State<Arc<AppState>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], state.metrics.page()).into_response()
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "This description")))]
pub(super) async fn openapi(Extension(page): Extension<ApiPage>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], page.0.to_string()).into_response()
}
