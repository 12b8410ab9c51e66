//! The routes of a contact centre: who is on this call?

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use jalon::call::TOKEN_CHARS;
use utoipa::IntoParams;

use super::problem::Problem;
use super::responses::LookUpResponses;
use super::{Outcome, PathPart, authorize, body, no_store, part, view};
use crate::keys::{Key, KeyKind};
use crate::lookup::{self, LookUp};
use crate::state::AppState;
use crate::wire::ResolveRequest;

/// How the client prefers the answer.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "for /openapi.json; `prefers` reads the header")]
struct Preference {
    /// `return=minimal`: without steps, products, orders and location. `handling=lenient`: a problem,
    /// with its `desk`, is answered with status 200
    #[param(rename = "Prefer")]
    prefer: Option<String>,
}

/// Claims a call for a call id and answers with its context. Unknown, expired and claimed calls are
/// answered alike. A problem has a `desk` link too, to a page that takes the call's code. An exchange
/// that only hands the link on sends `Prefer: return=minimal`; one that cannot read the body of a
/// problem sends `Prefer: handling=lenient`.
#[utoipa::path(
    post, path = "/v1/contexts/resolve", request_body = ResolveRequest,
    security(("contact_centre" = [])),
    params(Preference),
    responses(LookUpResponses)
)]
pub(super) async fn resolve(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Body,
) -> Outcome {
    let key = authorize(&state, &headers, KeyKind::ContactCentre).await?;
    let bytes = body::read(&headers, body, &state.bodies).await?;
    answer(&state, key, &body::json(&bytes)?, &headers).await
}

/// The same as `resolve`, for exchanges that can only GET.
#[utoipa::path(
    get, path = "/v1/contexts", security(("contact_centre" = [])),
    params(
        ResolveRequest,
        Preference,
    ),
    responses(LookUpResponses)
)]
pub(super) async fn query(
    State(state): State<Arc<AppState>>,
    request: Result<Query<ResolveRequest>, QueryRejection>,
    headers: HeaderMap,
) -> Outcome {
    let key = authorize(&state, &headers, KeyKind::ContactCentre).await?;
    answer(&state, key, &read(request)?, &headers).await
}

/// The same, with the token or the code in the path.
#[utoipa::path(
    get, path = "/v1/contexts/{handle}", security(("contact_centre" = [])),
    params(
        ("handle" = String, Path, description = "The token or the code"), ResolveRequest,
        Preference,
    ),
    responses(LookUpResponses)
)]
pub(super) async fn look_up(
    State(state): State<Arc<AppState>>,
    text: PathPart,
    request: Result<Query<ResolveRequest>, QueryRejection>,
    headers: HeaderMap,
) -> Outcome {
    let key = authorize(&state, &headers, KeyKind::ContactCentre).await?;
    let mut request = read(request)?;
    let text = part(text)?;
    let named = if text.len() == TOKEN_CHARS { &mut request.token } else { &mut request.code };
    *named = Some(text);
    answer(&state, key, &request, &headers).await
}

/// Claims nothing: a request for headers alone does not mean that a call was taken.
#[utoipa::path(
    head, path = "/v1/contexts", responses((status = 405, description = "Only GET claims"))
)]
pub(super) async fn no_query_head() -> Problem {
    Problem::method()
}

/// Claims nothing: a request for headers alone does not mean that a call was taken.
#[utoipa::path(
    head, path = "/v1/contexts/{handle}",
    params(("handle" = String, Path, description = "The token or the code")),
    responses((status = 405, description = "Only GET claims"))
)]
pub(super) async fn no_head() -> Problem {
    Problem::method()
}

fn read(request: Result<Query<ResolveRequest>, QueryRejection>) -> Result<ResolveRequest, Problem> {
    request
        .map(|Query(request)| request)
        .map_err(|_| Problem::malformed("the query cannot be read: send each field once, as text"))
}

async fn answer(
    state: &Arc<AppState>,
    key: Key,
    request: &ResolveRequest,
    headers: &HeaderMap,
) -> Outcome {
    let look_up = LookUp::new(state, key, request)?;
    let found = match lookup::handle(request) {
        Ok(handle) => look_up.find(state, handle).await,
        Err(error) => Err(error),
    };
    // The agent gets a page in any case, and can type the code there.
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let problem = Problem::from(error).desk(state.desk_url(&look_up.code_entry(state)));
            if !prefers(headers, LENIENT) {
                return Err(problem);
            }
            return Ok(applied(axum::Json(problem), LENIENT));
        }
    };
    let link = look_up.context_link(state, found.id);
    let mut view = view(state, &found.context, &link);
    if !prefers(headers, MINIMAL) {
        return Ok(no_store(axum::Json(view)));
    }
    view.steps.clear();
    view.products.clear();
    view.orders.clear();
    view.location = None;
    Ok(applied(axum::Json(view), MINIMAL))
}

/// For an exchange that needs only the link: a dialplan's variable holds a few kilobytes, and the
/// customer's steps have no place in its logs. RFC 7240, 4.2.
const MINIMAL: &str = "return=minimal";
/// For a platform that reads the body of a 200 only: a problem, with its desk link, is answered with
/// that status. RFC 7240, 4.4.
const LENIENT: &str = "handling=lenient";
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

fn prefers(headers: &HeaderMap, wanted: &str) -> bool {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split([',', ';']));
    preferences.any(|preference| preference.trim().eq_ignore_ascii_case(wanted))
}

fn applied(answer: impl IntoResponse, preference: &'static str) -> Response {
    let mut response = no_store(answer);
    response.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static(preference));
    response
}
