//! The page behind a desk link, the form that takes a code, and the files they load.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use jalon_desk::{EndReason, Entry, EntryError};

use super::headers::protect;
use super::{ended_status, failed, note, open};
use crate::http::problem::Problem;
use crate::http::{Outcome, PathPart, body, no_store, part, view};
use crate::link::Opens;
use crate::lookup::{self, LookUp, LookUpError};
use crate::state::AppState;
use crate::store::{ContextId, Handle};

/// The agent's page of one call, valid for two hours. Needs no key: the link itself is signed. When the
/// look-up found nothing, it is a page that takes the call's code.
#[utoipa::path(
    get, path = "/desk/{signed}",
    params(("signed" = String, Path, description = "From `desk` of a resolved context")),
    responses(
        (status = 200, description = "The page", content_type = "text/html"),
        (status = 403, description = "The link is cut short, changed or expired", content_type = "text/html"),
        (status = 410, description = "The customer erased their data", content_type = "text/html")
    )
)]
pub(in crate::http) async fn page(State(state): State<Arc<AppState>>, signed: PathPart) -> Outcome {
    let signed = part(signed)?;
    let link = match open(&state, &signed) {
        Ok(link) => link,
        Err(why) => return ended(&state, why),
    };
    let id = match link.opens {
        Opens::Context(id) => id,
        Opens::CodeEntry(requester) => {
            let look_up = LookUp::by_link(link.app, link.agent, requester);
            // Somebody may have typed the code meanwhile, and the page was loaded again.
            return match look_up.find(&state, Handle::Claimed).await {
                Ok(found) => Ok(to_the_call(&state, look_up, found.id)),
                Err(error) => {
                    // The agent gets the page nevertheless; a failure is logged by the conversion.
                    let _ = Problem::from(error);
                    entry(&state, StatusCode::OK, &Entry::default())
                }
            };
        }
    };
    let Some(context) = state.storage.context(link.app.clone(), id).await? else {
        return ended(&state, EndReason::Erased);
    };
    if !note(&state, &link, id, "desk").await? {
        return ended(&state, EndReason::Erased);
    }
    let view = view(&state, &context, &link);
    let live_url = format!("{}/desk/{signed}/live", state.options.base_path());
    let html = jalon_desk::page(&view, state.now_ms(), &live_url, &assets(&state))
        .map_err(|error| failed(&error))?;
    Ok(html_page(&state, StatusCode::OK, html))
}

/// Takes a code that the agent typed as the customer read it aloud. It is looked up as if the exchange had
/// sent it: for the same call id, and a wrong code counts towards the same misses.
#[utoipa::path(
    post, path = "/desk/{signed}",
    params(("signed" = String, Path, description = "From `desk` of a look-up that found nothing")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "`code`: 13 digits"),
    responses(
        (status = 303, description = "Found: the page of the call"),
        (status = 403, description = "The link is cut short, changed or expired", content_type = "text/html"),
        (status = 404, description = "Unknown, expired or claimed: the same page, with that message", content_type = "text/html"),
        (status = 422, description = "Not a code: the same page, with that message", content_type = "text/html"),
        (status = 429, description = "Too many codes that do not exist", content_type = "text/html")
    )
)]
pub(in crate::http) async fn enter(
    State(state): State<Arc<AppState>>,
    signed: PathPart,
    headers: HeaderMap,
    body: Body,
) -> Outcome {
    /// Characters that the form's field takes.
    const ENTRY_MAX: usize = 40;
    let link = match open(&state, &part(signed)?) {
        Ok(link) => link,
        Err(why) => return ended(&state, why),
    };
    let Opens::CodeEntry(requester) = link.opens else { return Err(Problem::method()) };
    let form = body::read(&headers, body, &state.bodies).await?;
    let typed = form_urlencoded::parse(&form).find(|(name, _)| name == "code");
    let typed = typed.map_or_else(String::new, |(_, code)| code.chars().take(ENTRY_MAX).collect());
    let look_up = LookUp::by_typed_code(&state, link.app, link.agent, requester);
    let found = match lookup::code_handle(&typed) {
        Ok(handle) => look_up.find(&state, handle).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(found) => Ok(to_the_call(&state, look_up, found.id)),
        Err(error) => {
            let entry_error = entry_error(&error);
            let status = StatusCode::from_u16(Problem::from(error).status).unwrap_or_default();
            entry(&state, status, &Entry { typed: &typed, error: Some(entry_error) })
        }
    }
}

/// Redirects to the page of a call.
fn to_the_call(state: &AppState, look_up: LookUp, id: ContextId) -> Response {
    let link = look_up.context_link(state, id);
    let page = format!("{}/desk/{}", state.options.base_path(), link.sign(&state.secret));
    no_store(Redirect::to(&page))
}

/// What the page says of a typed code that opened nothing.
fn entry_error(error: &LookUpError) -> EntryError {
    match error {
        LookUpError::NoContext => EntryError::NotFound,
        LookUpError::Invalid(_) => EntryError::NotACode,
        LookUpError::Throttled { retry_after_s } => {
            EntryError::TooMany { minutes: retry_after_s.div_ceil(60) }
        }
        LookUpError::Malformed(_) | LookUpError::Store(_) | LookUpError::Internal => {
            EntryError::NotNow
        }
    }
}

fn entry(state: &AppState, status: StatusCode, entry: &Entry<'_>) -> Outcome {
    let html = jalon_desk::entry(entry, &jalon::call::DAMM, &assets(state))
        .map_err(|error| failed(&error))?;
    Ok(html_page(state, status, html))
}

fn assets(state: &AppState) -> String {
    format!("{}/desk/assets", state.options.base_path())
}

/// A file that the desk's pages load.
#[utoipa::path(
    get, path = "/desk/assets/{name}",
    params(("name" = String, Path, description = "The file's name")),
    responses(
        (status = 200, description = "The file"),
        (status = 404, description = "No such file", body = Problem)
    )
)]
pub(in crate::http) async fn asset(name: PathPart) -> Outcome {
    let (kind, content) = jalon_desk::asset(&part(name)?).ok_or_else(Problem::no_route)?;
    // The name has no version, so the browser asks each time; that costs a few kilobytes.
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, content).into_response())
}

fn ended(state: &AppState, why: EndReason) -> Outcome {
    let html = jalon_desk::ended(why, &assets(state)).map_err(|error| failed(&error))?;
    Ok(html_page(state, ended_status(why), html))
}

fn html_page(state: &AppState, status: StatusCode, html: String) -> Response {
    let mut response = no_store((status, Html(html)));
    protect(state, response.headers_mut());
    response
}
