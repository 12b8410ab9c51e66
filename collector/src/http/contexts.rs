//! What a contact centre asks: which customer is on this call.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use jalon::call::{CODE_DIGITS, CallCode, CodeError, ContextToken, TOKEN_CHARS};
use jalon_desk::view::ContextView;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Outcome, PathPart, authorize, no_store, part};
use crate::body;
use crate::collector::Shared;
use crate::keys::{Key, KeyKind};
use crate::limits::{CALL_ID_CHARS_MAX, NAME_CHARS_MAX, UUI_CHARS_MAX};
use crate::metrics::{LookupLabels, Outcome as Lookup};
use crate::problem::Problem;
use crate::secret::sha256;
use crate::store::{Claim, Handle};
use crate::wire::ResolveRequest;

/// Claims a call for a call id and answers with its context. Unknown, expired and claimed answer
/// alike.
#[utoipa::path(
    post, path = "/v1/contexts/resolve", request_body = ResolveRequest,
    security(("contact_centre" = [])),
    responses(
        (status = 200, description = "The context of the call", body = ContextView),
        (status = 400, description = "Not JSON, no `call_id`, or not exactly one of `token`, `code`, `uui`", body = Problem),
        (status = 401, description = "No key, or an unknown one", body = Problem),
        (status = 403, description = "Not a contact-centre key", body = Problem),
        (status = 404, description = "Unknown, expired or claimed", body = Problem),
        (status = 422, description = "Not a token or a code: a digit was mistyped or misheard", body = Problem),
        (status = 429, description = "Too many codes that do not exist: see Retry-After", body = Problem)
    )
)]
pub(super) async fn resolve(
    State(collector): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Outcome {
    let key = authorize(&collector, &headers, KeyKind::ContactCentre).await?;
    let bytes = body::read(&headers, body, &collector.bodies).await?;
    let request: ResolveRequest = body::json(&bytes)?;
    let handle = match (&request.token, &request.code, &request.uui) {
        (Some(token), None, None) => token_handle(token)?,
        (None, Some(code), None) => code_handle(code)?,
        (None, None, Some(uui)) => uui_handle(uui)?,
        _ => return Err(Problem::malformed("send exactly one of `token`, `code` and `uui`")),
    };
    let who = Who { call_id: request.call_id, agent: request.agent, caller: request.caller };
    answer(&collector, key, handle, who).await
}

/// Who asks, and for which call.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Who {
    /// The contact centre's own id of this call. Required.
    call_id: Option<String>,
    /// Who picks up, for the audit log.
    agent: Option<String>,
    /// Who calls, for the throttle.
    caller: Option<String>,
}

/// The same as `resolve`, for IVRs that can only GET.
#[utoipa::path(
    get, path = "/v1/contexts/{handle}", security(("contact_centre" = [])),
    params(("handle" = String, Path, description = "The token or the code"), Who),
    responses(
        (status = 200, description = "The context of the call", body = ContextView),
        (status = 400, description = "No `call_id`", body = Problem),
        (status = 401, description = "No key, or an unknown one", body = Problem),
        (status = 403, description = "Not a contact-centre key", body = Problem),
        (status = 404, description = "Unknown, expired or claimed", body = Problem),
        (status = 422, description = "Not a token or a code: a digit was mistyped or misheard", body = Problem),
        (status = 429, description = "Too many codes that do not exist: see Retry-After", body = Problem)
    )
)]
pub(super) async fn look_up(
    State(collector): State<Arc<Shared>>,
    text: PathPart,
    who: Result<Query<Who>, QueryRejection>,
    headers: HeaderMap,
) -> Outcome {
    let key = authorize(&collector, &headers, KeyKind::ContactCentre).await?;
    let Query(who) = who.map_err(|_| Problem::malformed("the query cannot be read"))?;
    let text = part(text)?;
    let handle = if text.len() == TOKEN_CHARS { token_handle(&text)? } else { code_handle(&text)? };
    answer(&collector, key, handle, who).await
}

/// Claims nothing: what only asks for headers is no call picked up.
#[utoipa::path(
    head, path = "/v1/contexts/{handle}",
    params(("handle" = String, Path, description = "The token or the code")),
    responses((status = 405, description = "Only GET claims"))
)]
pub(super) async fn no_head() -> Problem {
    Problem::method()
}

fn token_handle(text: &str) -> Result<Handle, Problem> {
    ContextToken::parse(text.trim())
        .map(|token| Handle::Token(*token.as_bytes()))
        .ok_or_else(|| Problem::invalid("a context token has 22 characters of base64url"))
}

fn code_handle(text: &str) -> Result<Handle, Problem> {
    /// A code with every separator people write.
    const CHARS_MAX: usize = 4 * CODE_DIGITS;
    let code = if text.len() > CHARS_MAX { Err(CodeError::Digits) } else { CallCode::parse(text) };
    code.map(|code| Handle::Code(code.locator(), code.screen()))
        .map_err(|error| Problem::invalid(error.to_string()))
}

fn uui_handle(text: &str) -> Result<Handle, Problem> {
    Some(text)
        .filter(|text| text.len() <= UUI_CHARS_MAX)
        .and_then(ContextToken::from_user_to_user)
        .map(|token| Handle::Token(*token.as_bytes()))
        .ok_or_else(|| Problem::invalid("this User-to-User value holds no context token"))
}

async fn answer(collector: &Shared, key: Key, handle: Handle, who: Who) -> Outcome {
    let call_id = who
        .call_id
        .filter(|id| !id.is_empty() && id.chars().count() <= CALL_ID_CHARS_MAX)
        .ok_or_else(|| Problem::malformed("`call_id` is required, of at most 256 characters"))?;
    if [&who.agent, &who.caller].into_iter().flatten().any(|n| n.chars().count() > NAME_CHARS_MAX) {
        return Err(Problem::malformed("`agent` and `caller` have at most 256 characters"));
    }
    let count = |outcome| collector.metrics.lookups.get_or_create(&LookupLabels { outcome }).inc();
    // Taken before the look-up and given back when it hits, so that guesses made at once find no
    // gap. A token cannot be guessed, so it is never throttled.
    let taken = match handle {
        Handle::Token(_) => None,
        Handle::Code(..) => {
            let (misses, key) = match who.caller.filter(|caller| !caller.is_empty()) {
                Some(caller) => {
                    (&collector.caller_misses, sha256(format!("{}\0{caller}", key.app).as_bytes()))
                }
                None => (&collector.key_misses, key.hash),
            };
            misses.take(key, 1, collector.clock.now().elapsed_ms).map_err(|seconds| {
                count(Lookup::Throttled);
                Problem::throttled(seconds)
            })?;
            Some((misses, key))
        }
    };
    let claim = Claim {
        app: key.app.clone(),
        handle,
        call_id,
        agent: who.agent.clone(),
        at: collector.now_ms(),
    };
    let Some(call) = collector.storage.claim(claim).await? else {
        count(Lookup::Miss);
        return Err(Problem::no_context());
    };
    if let Some((misses, key)) = taken {
        misses.give_back(&key);
    }
    count(Lookup::Hit);
    let link = collector.link(&key.app, call, who.agent);
    let context = collector.storage.context(key.app, call).await?;
    let context = context.ok_or_else(Problem::no_context)?;
    Ok(no_store(axum::Json(collector.view(&context, &link))))
}
