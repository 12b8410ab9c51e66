//! Looking a call up: what may be asked, how often it may miss, and which desk link comes back.
//!
//! The same for a contact centre's request and for a code that an agent types. Every look-up has a
//! desk link: to the call's context, or to a page without one that takes the call's code. How a
//! request arrives and which status it is answered with is decided in `http`.

use std::sync::Arc;

use jalon::call::{CODE_DIGITS, CallCode, CodeError, ContextToken};

use crate::keys::Key;
use crate::limits::{CALL_ID_CHARS_MAX, NAME_CHARS_MAX, UUI_CHARS_MAX};
use crate::link::{DeskLink, MissesOf, Opens, Requester};
use crate::metrics::{LookUpLabels, LookUpOutcome};
use crate::state::AppState;
use crate::store::{Claim, Context, ContextId, Handle, StoreError};
use crate::wire::ResolveRequest;

/// One look-up: who asks, and for which app.
pub(crate) struct LookUp {
    app: String,
    agent: Option<String>,
    requester: Requester,
}

/// Why a look-up brings no context.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookUpError {
    /// It does not say who asks, or names the call in more than one way.
    #[error("{0}")]
    Malformed(&'static str),
    /// A token, a code or a `User-to-User` value is not of its form.
    #[error("{0}")]
    Invalid(String),
    /// Too many look-ups missed before.
    #[error("too many look-ups missed: try again in {retry_after_s} s")]
    Throttled {
        /// Seconds until the next one may be made.
        retry_after_s: u64,
    },
    /// Unknown, expired or claimed; the answer does not say which.
    #[error("no context can be claimed with this")]
    NoContext,
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A defect of ours.
    #[error("the look-up ended unexpectedly")]
    Internal,
}

/// A call, found and claimed.
pub(crate) struct Found {
    pub(crate) id: ContextId,
    pub(crate) context: Context,
}

impl LookUp {
    /// Reads who asks from a contact centre's request.
    ///
    /// # Errors
    /// [`LookUpError::Malformed`] without a call id, or with a name that is too long.
    pub(crate) fn new(
        state: &AppState,
        key: Key,
        request: &ResolveRequest,
    ) -> Result<Self, LookUpError> {
        let call_id = given(request.call_id.as_ref())
            .filter(|id| id.chars().count() <= CALL_ID_CHARS_MAX)
            .ok_or(LookUpError::Malformed("`call_id` is required, of at most 256 characters"))?;
        let (agent, caller) = (given(request.agent.as_ref()), given(request.caller.as_ref()));
        if [agent, caller].into_iter().flatten().any(|n| n.chars().count() > NAME_CHARS_MAX) {
            return Err(LookUpError::Malformed("`agent` and `caller` have at most 256 characters"));
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

    /// The look-up of a page that takes a code, by its link.
    pub(crate) fn by_link(app: String, agent: Option<String>, requester: Requester) -> Self {
        Self { app, agent, requester }
    }

    /// The look-up of a code that was typed into such a page. A link passes through histories:
    /// whoever has this one uses up its own call's misses at most.
    pub(crate) fn by_typed_code(
        state: &AppState,
        app: String,
        agent: Option<String>,
        mut requester: Requester,
    ) -> Self {
        if let MissesOf::Key(_) = requester.misses_of {
            let call = format!("{app}\0{}", requester.call_id);
            requester.misses_of = MissesOf::Caller(state.secret.hash("typed", call.as_bytes()));
        }
        Self { app, agent, requester }
    }

    /// A fresh link to a page without a context, which takes the call's code.
    pub(crate) fn code_entry(&self, state: &AppState) -> DeskLink {
        let opens = Opens::CodeEntry(self.requester.clone());
        DeskLink::new(self.app.clone(), opens, self.agent.clone(), state.now_ms())
    }

    /// A fresh link to the context that was found.
    pub(crate) fn context_link(self, state: &AppState, id: ContextId) -> DeskLink {
        DeskLink::new(self.app, Opens::Context(id), self.agent, state.now_ms())
    }

    /// Claims the call that `handle` names and reads its context.
    ///
    /// # Errors
    /// [`LookUpError::NoContext`] for unknown, expired and claimed alike,
    /// [`LookUpError::Throttled`] after too many misses, or [`LookUpError::Store`].
    pub(crate) async fn find(
        &self,
        state: &Arc<AppState>,
        handle: Handle,
    ) -> Result<Found, LookUpError> {
        // Taken before the look-up and given back when it hits, so that concurrent guesses find no
        // gap. A token cannot be guessed, so it is never throttled.
        let taken = match handle {
            Handle::Token(_) | Handle::Claimed => None,
            Handle::Code(..) => {
                let of = self.requester.misses_of;
                state.quotas.take_miss(of).map_err(|retry_after_s| {
                    count(state, LookUpOutcome::Throttled);
                    LookUpError::Throttled { retry_after_s }
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
        // A task of its own, so that it runs to its end even if the exchange hangs up meanwhile: an
        // unheard answer is not a miss.
        let claiming = tokio::spawn({
            let state = Arc::clone(state);
            async move {
                let found = state.storage.claim(claim).await;
                // Only a miss counts: a failure of ours tells a guesser nothing.
                if let Some(of) = taken
                    && !matches!(found, Ok(None))
                {
                    state.quotas.give_back_miss(of);
                }
                found
            }
        });
        // A panic in the task was reported there.
        let Some(id) = claiming.await.map_err(|_| LookUpError::Internal)?? else {
            count(state, LookUpOutcome::Miss);
            return Err(LookUpError::NoContext);
        };
        count(state, LookUpOutcome::Hit);
        let context = state.storage.context(self.app.clone(), id).await?;
        context.map(|context| Found { id, context }).ok_or(LookUpError::NoContext)
    }
}

fn count(state: &AppState, outcome: LookUpOutcome) {
    state.metrics.lookups.get_or_create(&LookUpLabels { outcome }).inc();
}

/// The handle by which a request names its call: a token, a code, or a `User-to-User` value; without
/// any, the call that its call id claimed already. Platforms send an empty text for what they do not
/// have.
///
/// # Errors
/// [`LookUpError::Malformed`] for more than one, [`LookUpError::Invalid`] for one that is not of its
/// form.
pub(crate) fn handle(request: &ResolveRequest) -> Result<Handle, LookUpError> {
    let ResolveRequest { token, code, uui, .. } = request;
    match (given(token.as_ref()), given(code.as_ref()), given(uui.as_ref())) {
        (Some(token), None, None) => token_handle(token),
        (None, Some(code), None) => code_handle(code),
        (None, None, Some(uui)) => uui_handle(uui),
        (None, None, None) => Ok(Handle::Claimed),
        _ => Err(LookUpError::Malformed("send only one of `token`, `code` and `uui`")),
    }
}

/// The handle in a code.
///
/// # Errors
/// [`LookUpError::Invalid`], with what is wrong with it.
pub(crate) fn code_handle(text: &str) -> Result<Handle, LookUpError> {
    /// As long as a code with every separator that people write.
    const CHARS_MAX: usize = 4 * CODE_DIGITS;
    let code = if text.len() > CHARS_MAX { Err(CodeError::Digits) } else { CallCode::parse(text) };
    code.map(|code| Handle::Code(code.locator(), code.screen()))
        .map_err(|error| LookUpError::Invalid(error.to_string()))
}

fn token_handle(text: &str) -> Result<Handle, LookUpError> {
    ContextToken::parse(text.trim())
        .map(|token| Handle::Token(*token.as_bytes()))
        .ok_or_else(|| invalid("a context token has 22 characters of base64url"))
}

fn uui_handle(text: &str) -> Result<Handle, LookUpError> {
    Some(text)
        .filter(|text| text.len() <= UUI_CHARS_MAX)
        .and_then(ContextToken::from_user_to_user)
        .map(|token| Handle::Token(*token.as_bytes()))
        .ok_or_else(|| invalid("this User-to-User value holds no context token"))
}

fn invalid(detail: &str) -> LookUpError {
    LookUpError::Invalid(detail.to_owned())
}

fn given(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.trim().is_empty())
}
