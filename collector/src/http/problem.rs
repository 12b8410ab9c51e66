//! The answer to a request that fails: RFC 9457 problem details. The one place where an error becomes a
//! status.
//!
//! No text ever holds content: no event, installation, key, token or code. A desk link holds only
//! what the contact centre itself sent.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ingest::IngestError;
use crate::lookup::LookUpError;
use crate::store::{InstallationError, StoreError};

/// A problem, as `application/problem+json`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The kind of problem: `urn:jalon:problem:` and a stable name.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The problem in a few words.
    pub(crate) title: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What to do about it, if there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// For a look-up: a desk link to hand to the agent nevertheless. Its page takes the code that the
    /// customer reads aloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) desk: Option<String>,
    /// Seconds until a repeat can succeed: the Retry-After header.
    #[serde(skip)]
    pub(crate) retry_after_s: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, name: &str, title: &'static str) -> Self {
        Self {
            kind: format!("urn:jalon:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: None,
            desk: None,
            retry_after_s: None,
        }
    }

    /// Adds what to do about it.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a desk link for the agent.
    pub(crate) fn desk(mut self, link: String) -> Self {
        self.desk = Some(link);
        self
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds.max(1));
        self
    }

    /// 400: the request is not of the form that this route reads.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request is malformed").detail(detail)
    }

    /// 422: the request can be read, but a value is not valid.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value is not valid")
            .detail(detail)
    }

    /// 401: no key, or an unknown one.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "key", "A valid key is required")
            .detail("send `Authorization: Bearer <key>`")
    }

    /// 403: a key of the other kind.
    pub(crate) fn wrong_kind(needed: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "key-kind", "This key cannot do that")
            .detail(format!("a {needed} key is needed"))
    }

    /// 403: an installation of another app.
    pub(crate) fn other_app() -> Self {
        Self::new(StatusCode::FORBIDDEN, "other-app", "This installation belongs to another app")
    }

    /// 404: unknown, expired or claimed; the answer does not say which.
    pub(crate) fn no_context() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no-context", "No context can be claimed with this")
    }

    /// 404: no such page.
    pub(crate) fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no-route", "There is nothing here")
            .detail("see /openapi.json")
    }

    /// 405.
    pub(crate) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", "This method is not allowed here")
    }

    /// 408: the body did not come in time.
    pub(crate) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The body did not arrive in time")
    }

    /// 409: another phone has sent other events under the same numbers.
    pub(crate) fn conflict() -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "Another phone uses this installation")
            .detail("one of the two is a copy: begin a new installation")
    }

    /// 410: the installation was erased and stores nothing any more.
    pub(crate) fn erased() -> Self {
        Self::new(StatusCode::GONE, "erased", "This installation was erased")
    }

    /// 413: too many events or bytes.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large")
            .detail(detail)
    }

    /// 415: an encoding that is not supported.
    pub(crate) fn encoding() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoding", "This encoding is not supported")
            .detail("Content-Encoding may be gzip, zstd or identity")
    }

    /// 429, with Retry-After.
    pub(crate) fn throttled(retry_after_s: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "throttled", "Too many requests")
            .retry_after(retry_after_s)
    }

    /// 503, with Retry-After: too many requests at the same time, or the disk fails.
    pub(crate) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "The collector is busy: try again later")
            .retry_after(2)
    }

    /// 500: a defect of the collector.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The collector failed")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<LookUpError> for Problem {
    fn from(error: LookUpError) -> Self {
        match error {
            LookUpError::Malformed(detail) => Self::malformed(detail),
            LookUpError::Invalid(detail) => Self::invalid(detail),
            LookUpError::Throttled { retry_after_s } => Self::throttled(retry_after_s),
            LookUpError::NoContext => Self::no_context(),
            LookUpError::Store(error) => error.into(),
            LookUpError::Internal => Self::internal(),
        }
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Malformed(detail) => Self::malformed(detail),
            IngestError::TooLarge(detail) => Self::too_large(detail),
            IngestError::Invalid(detail) => Self::invalid(detail),
            IngestError::Throttled { retry_after_s } => Self::throttled(retry_after_s),
            IngestError::Installation(InstallationError::Erased) => Self::erased(),
            IngestError::Installation(InstallationError::OtherApp) => Self::other_app(),
            IngestError::Installation(InstallationError::Conflict) => Self::conflict(),
            IngestError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // The cause is for the operator; the client can only wait.
        tracing::error!(error = %error, "failed to use the store");
        Self::busy()
    }
}
