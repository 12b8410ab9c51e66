//! The headers that every answer of the desk carries.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::state::AppState;

/// Protects a desk link: no referrer, only our own scripts, and only the frames that the operator named.
pub(super) fn protect(state: &AppState, headers: &mut HeaderMap) {
    let frames = match state.options.frame_ancestors.as_slice() {
        [] => "'none'".to_owned(),
        sources => sources.join(" "),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {frames}"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let robots = header::HeaderName::from_static("x-robots-tag");
    headers.insert(robots, HeaderValue::from_static("noindex"));
}
