//! The routes: who may ask what, in which form, and with which status it is answered. What is stored
//! and shown is decided outside.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jalon_desk::view::ContextView;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::keys::{Key, KeyKind};
use crate::link::DeskLink;
use crate::metrics::RequestLabels;
use crate::state::AppState;
use crate::store::Context;
use crate::view;
use crate::wire::UploadAnswer;

mod body;
mod contexts;
mod desk;
mod ingest;
mod ops;
mod problem;
mod responses;

use problem::Problem;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Jalon collector",
        description = "Stores customers' journeys and shows one to the agent who takes the call."
    ),
    components(schemas(ContextView, Problem, UploadAnswer)),
    modifiers(&Keys)
)]
struct Api;

struct Keys;

impl utoipa::Modify for Keys {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        for (name, description) in [
            ("write", "A write key: stores the events and calls of one app"),
            (
                "contact_centre",
                "A contact-centre key: resolves the calls of one app. An exchange without bearer \
                 tokens can send it as the password of Basic, with any user name",
            ),
        ] {
            let scheme = HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(description))
                .build();
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
    }
}

/// All routes, with the page that describes them.
pub(crate) fn router(state: Arc<AppState>) -> Router {
    let (router, api) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(ingest::batches))
        .routes(routes!(ingest::calls))
        .routes(routes!(ingest::erase))
        .routes(routes!(contexts::resolve))
        .routes(routes!(contexts::query, contexts::no_query_head))
        .routes(routes!(contexts::look_up, contexts::no_head))
        .routes(routes!(desk::page::page, desk::page::enter))
        .routes(routes!(desk::live::stream))
        .routes(routes!(desk::page::asset))
        .routes(routes!(ops::healthz))
        .routes(routes!(ops::readyz))
        .routes(routes!(ops::metrics))
        .routes(routes!(ops::openapi))
        .split_for_parts();
    router
        .fallback(|| async { Problem::no_route() })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(Extension(ops::ApiPage::new(&api)))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), count))
        .with_state(state)
}

/// Counts a request, and sets the header that every answer carries.
async fn count(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let route = route.unwrap_or("other").to_owned();
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    state.metrics.requests.get_or_create(&RequestLabels { route, status }).inc();
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The key of a request, which must be of this kind.
async fn authorize(state: &AppState, headers: &HeaderMap, kind: KeyKind) -> Result<Key, Problem> {
    let key = presented(headers).ok_or_else(Problem::unauthorized)?;
    let key = state.key(&key).await?.ok_or_else(Problem::unauthorized)?;
    if key.kind == kind { Ok(key) } else { Err(Problem::wrong_kind(kind.as_str())) }
}

/// The key that a request presents: a bearer token, or the password of Basic (RFC 7617), for exchanges
/// that know only users and passwords. The user's name does not matter.
fn presented(headers: &HeaderMap) -> Option<String> {
    /// Longer than any key we draw, in base64 too.
    const CHARS_MAX: usize = 256;
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, text) = value.split_once(' ')?;
    let text = Some(text.trim()).filter(|text| text.len() <= CHARS_MAX)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(text.to_owned());
    }
    let decoded = Some(scheme).filter(|scheme| scheme.eq_ignore_ascii_case("basic"));
    let decoded = decoded.and_then(|_| STANDARD.decode(text).ok())?;
    let (_, key) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(key.to_owned())
}

/// The outcome of a handler: an answer or a problem.
type Outcome = Result<Response, Problem>;

/// The one variable part of a path.
type PathPart = Result<Path<String>, PathRejection>;

fn part(path: PathPart) -> Result<String, Problem> {
    path.map(|Path(part)| part).map_err(|_| Problem::malformed("the path is not UTF-8"))
}

/// What an agent sees of a call, with the desk link it is opened by.
fn view(state: &AppState, context: &Context, link: &DeskLink) -> ContextView {
    view::build(context, state.labels(&link.app), state.now_ms(), state.desk_url(link))
}

fn no_store(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
