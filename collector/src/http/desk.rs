//! The page behind a desk link, and the files it loads.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jalon_desk::Ended;

use super::{Outcome, PathPart, no_store, part};
use crate::collector::Shared;
use crate::link::DeskLink;
use crate::problem::Problem;
use crate::store::View;

/// The agent's page of one call, for two hours. Needs no key: the link itself is signed.
#[utoipa::path(
    get, path = "/desk/{signed}",
    params(("signed" = String, Path, description = "From `desk` of a resolved context")),
    responses(
        (status = 200, description = "The page", content_type = "text/html"),
        (status = 403, description = "A link that is cut, changed or over", content_type = "text/html"),
        (status = 410, description = "The customer erased their data", content_type = "text/html")
    )
)]
pub(super) async fn page(State(collector): State<Arc<Shared>>, signed: PathPart) -> Outcome {
    let signed = part(signed)?;
    let link = match open(&collector, &signed) {
        Ok(link) => link,
        Err(why) => return ended(&collector, why),
    };
    let Some(context) = collector.storage.context(link.app.clone(), link.call).await? else {
        return ended(&collector, Ended::Erased);
    };
    note(&collector, &link, "desk").await?;
    let view = collector.view(&context, &link);
    let base = collector.options.base_path();
    let live_url = format!("{base}/desk/{signed}/live");
    let assets = format!("{base}/desk/assets");
    let html = jalon_desk::page(&view, collector.now_ms(), &live_url, &assets)
        .map_err(|error| failed(&error))?;
    Ok(html_page(&collector, StatusCode::OK, html))
}

/// A file that the desk loads.
#[utoipa::path(
    get, path = "/desk/assets/{name}",
    params(("name" = String, Path, description = "The file's name")),
    responses(
        (status = 200, description = "The file"),
        (status = 404, description = "No such file", body = Problem)
    )
)]
pub(super) async fn asset(name: PathPart) -> Outcome {
    let (kind, content) = jalon_desk::asset(&part(name)?).ok_or_else(Problem::no_route)?;
    // Not versioned by name: asked again after an update, which costs a few kilobytes.
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, content).into_response())
}

/// Reads a link; else why it shows nothing.
pub(super) fn open(collector: &Shared, signed: &str) -> Result<DeskLink, Ended> {
    let link = DeskLink::read(signed, &collector.secret).ok_or(Ended::Invalid)?;
    if collector.now_ms() < link.expires_at { Ok(link) } else { Err(Ended::Expired) }
}

/// Notes in the audit log that a link was opened.
pub(super) async fn note(
    collector: &Shared,
    link: &DeskLink,
    act: &'static str,
) -> Result<(), Problem> {
    let (app, agent) = (link.app.clone(), link.agent.clone());
    let view = View { app, act, call: link.call, agent, at: collector.now_ms() };
    Ok(collector.storage.note_view(view).await?)
}

/// The status of a link that shows nothing. The page's script tells them apart by it.
pub(super) fn ended_status(why: Ended) -> StatusCode {
    match why {
        Ended::Expired | Ended::Invalid => StatusCode::FORBIDDEN,
        Ended::Erased => StatusCode::GONE,
    }
}

fn ended(collector: &Shared, why: Ended) -> Outcome {
    let assets = format!("{}/desk/assets", collector.options.base_path());
    let html = jalon_desk::ended(why, &assets).map_err(|error| failed(&error))?;
    Ok(html_page(collector, ended_status(why), html))
}

pub(super) fn failed(error: &jalon_desk::Error) -> Problem {
    tracing::error!(%error, "failed to render the desk");
    Problem::internal()
}

fn html_page(collector: &Shared, status: StatusCode, html: String) -> Response {
    let mut response = no_store((status, Html(html)));
    protect(collector, response.headers_mut());
    response
}

/// What keeps a desk link where it belongs: no cache, no referrer, no script but our own, no frame
/// but those the operator named.
pub(super) fn protect(collector: &Shared, headers: &mut HeaderMap) {
    let frames = match collector.options.frame_ancestors.as_slice() {
        [] => "'none'".to_owned(),
        sources => sources.join(" "),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {frames}"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let robots = header::HeaderName::from_static("x-robots-tag");
    headers.insert(robots, HeaderValue::from_static("noindex"));
}
