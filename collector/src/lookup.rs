//! Looking a call up: what may be asked, how often, and which desk link the answer carries.
//!
//! For a contact centre's request and for a code that an agent types alike. Whatever comes of a
//! look-up, there is a desk link: to the call's context, or to a page that knows nothing of the
//! call and takes its code.

use std::sync::Arc;

use jalon::call::{CODE_DIGITS, CallCode, CodeError, ContextToken};

use crate::keys::Key;
use crate::limits::{CALL_ID_CHARS_MAX, NAME_CHARS_MAX, UUI_CHARS_MAX};
use crate::link::{DeskLink, MissesOf, Opens, Requester};
use crate::metrics::{LookUpLabels, LookUpOutcome};
use crate::problem::Problem;
use crate::state::AppState;
use crate::store::{Claim, Context, ContextId, Handle};
use crate::wire::ResolveRequest;

/// Who asks for which call.
pub(crate) struct LookUp {
    pub(crate) app: String,
    pub(crate) agent: Option<String>,
    pub(crate) requester: Requester,
}

/// A call, found and claimed.
pub(crate) struct Found {
    pub(crate) id: ContextId,
    pub(crate) context: Context,
}

impl LookUp {
    /// Reads who asks.
    ///
    /// # Errors
    /// 400, without a call id or with a name that is none.
    pub(crate) fn new(
        state: &AppState,
        key: Key,
        request: &ResolveRequest,
    ) -> Result<Self, Problem> {
        let call_id = given(request.call_id.as_ref())
            .filter(|id| id.chars().count() <= CALL_ID_CHARS_MAX)
            .ok_or_else(|| {
                Problem::malformed("`call_id` is required, of at most 256 characters")
            })?;
        let (agent, caller) = (given(request.agent.as_ref()), given(request.caller.as_ref()));
        if [agent, caller].into_iter().flatten().any(|n| n.chars().count() > NAME_CHARS_MAX) {
            return Err(Problem::malformed("`agent` and `caller` have at most 256 characters"));
        }
        let misses_of = match caller {
            Some(caller) => {
                let caller = format!("{}\0{caller}", key.app);
                MissesOf::Caller(state.secret.hash("caller", caller.as_bytes()))
            }
            None => MissesOf::Key(key.hash),
        };
        Ok(Self {
            app: key.app,
            agent: agent.cloned(),
            requester: Requester { call_id: call_id.clone(), misses_of },
        })
    }

    /// The link to a page that knows nothing of the call.
    pub(crate) fn code_entry(&self, state: &AppState) -> DeskLink {
        let opens = Opens::CodeEntry(self.requester.clone());
        DeskLink::new(self.app.clone(), opens, self.agent.clone(), state.now_ms())
    }

    /// Claims the call that `handle` names, and reads its context.
    ///
    /// # Errors
    /// 404 for unknown, expired and claimed alike, 429 after too many misses, 503.
    pub(crate) async fn find(
        &self,
        state: &Arc<AppState>,
        handle: Handle,
    ) -> Result<Found, Problem> {
        // Taken before the look-up and given back when it hits, so that guesses made at once find
        // no gap. A token cannot be guessed, so it is never throttled.
        let taken = match handle {
            Handle::Token(_) | Handle::Claimed => None,
            Handle::Code(..) => {
                let of = self.requester.misses_of;
                state.quotas.take_miss(of).map_err(|seconds| {
                    count(state, LookUpOutcome::Throttled);
                    Problem::throttled(seconds)
                })?;
                Some(of)
            }
        };
        let claim = Claim {
            app: self.app.clone(),
            handle,
            call_id: self.requester.call_id.clone(),
            agent: self.agent.clone(),
            at: state.now_ms(),
        };
        // To its end, also where the exchange hangs up meanwhile: what it did not hear is no miss.
        let claiming = tokio::spawn({
            let state = Arc::clone(state);
            async move {
                let found = state.storage.claim(claim).await;
                // Only a miss counts: a failure tells a guesser nothing, and is not the caller's.
                if let Some(of) = taken
                    && !matches!(found, Ok(None))
                {
                    state.quotas.give_back_miss(of);
                }
                found
            }
        });
        // A panic there was reported there.
        let Some(id) = claiming.await.map_err(|_| Problem::internal())?? else {
            count(state, LookUpOutcome::Miss);
            return Err(Problem::no_context());
        };
        count(state, LookUpOutcome::Hit);
        let context = state.storage.context(self.app.clone(), id).await?;
        context.map(|context| Found { id, context }).ok_or_else(Problem::no_context)
    }
}

fn count(state: &AppState, outcome: LookUpOutcome) {
    state.metrics.lookups.get_or_create(&LookUpLabels { outcome }).inc();
}

/// What a request names its call by: a token, a code, or a `User-to-User` value; without any, the
/// call that its call id holds already. Platforms send an empty text for what they do not have.
///
/// # Errors
/// 400 for more than one, 422 for one that is not of its form.
pub(crate) fn handle(request: &ResolveRequest) -> Result<Handle, Problem> {
    let ResolveRequest { token, code, uui, .. } = request;
    match (given(token.as_ref()), given(code.as_ref()), given(uui.as_ref())) {
        (Some(token), None, None) => token_handle(token),
        (None, Some(code), None) => code_handle(code),
        (None, None, Some(uui)) => uui_handle(uui),
        (None, None, None) => Ok(Handle::Claimed),
        _ => Err(Problem::malformed("send only one of `token`, `code` and `uui`")),
    }
}

/// What a code names.
///
/// # Errors
/// 422, with what is wrong with it.
pub(crate) fn code_handle(text: &str) -> Result<Handle, Problem> {
    /// A code with every separator people write.
    const CHARS_MAX: usize = 4 * CODE_DIGITS;
    let code = if text.len() > CHARS_MAX { Err(CodeError::Digits) } else { CallCode::parse(text) };
    code.map(|code| Handle::Code(code.locator(), code.screen()))
        .map_err(|error| Problem::invalid(error.to_string()))
}

fn token_handle(text: &str) -> Result<Handle, Problem> {
    ContextToken::parse(text.trim())
        .map(|token| Handle::Token(*token.as_bytes()))
        .ok_or_else(|| Problem::invalid("a context token has 22 characters of base64url"))
}

fn uui_handle(text: &str) -> Result<Handle, Problem> {
    Some(text)
        .filter(|text| text.len() <= UUI_CHARS_MAX)
        .and_then(ContextToken::from_user_to_user)
        .map(|token| Handle::Token(*token.as_bytes()))
        .ok_or_else(|| Problem::invalid("this User-to-User value holds no context token"))
}

fn given(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.trim().is_empty())
}
