//! For operators: whether it lives, whether it takes writes, its counters and its description.

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

/// Says that the process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "It lives")))]
pub(super) async fn healthz() -> &'static str {
    "ok"
}

/// Says whether writes get through to the disk.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, description = "It takes writes"),
    (status = 503, description = "It does not", body = Problem)
))]
pub(super) async fn readyz(State(state): State<Arc<AppState>>) -> Outcome {
    state.storage.ready().await?;
    Ok("ok".into_response())
}

/// The counters, in Prometheus' text form.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "The counters")))]
pub(super) async fn metrics(State(state): State<Arc<AppState>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], state.metrics.page()).into_response()
}

/// This page.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "This page")))]
pub(super) async fn openapi(Extension(page): Extension<ApiPage>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], page.0.to_string()).into_response()
}
