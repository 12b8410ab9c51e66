//! The types of a call: the request that an app makes, and the context it gets. Only the shapes;
//! `Journey::call_context` fills them.

use std::time::Duration;

use crate::call::{CallCode, CallScope, ContextToken};

/// A call that is about to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRequest {
    number: Option<String>,
    topic: Option<String>,
    scope: CallScope,
}

impl CallRequest {
    /// A call to a phone number: 3 to 15 digits, optionally after a `+`, with the usual separators,
    /// also as people paste it. [`dial_string`](crate::call::dial_string) says what is read.
    pub fn to(number: impl Into<String>) -> Self {
        Self { number: Some(number.into()), ..Self::without_number() }
    }

    /// A call that no dialer places: over SIP, in a chat, or a callback.
    pub fn without_number() -> Self {
        Self { number: None, topic: None, scope: CallScope::Everything }
    }

    /// Sets what the call is about, in the app's words. Cut at 256 bytes.
    pub fn about(self, topic: impl Into<String>) -> Self {
        Self { topic: Some(topic.into()), ..self }
    }

    /// Sets what the customer lets the call carry. The default is everything.
    pub fn sharing(self, scope: CallScope) -> Self {
        Self { scope, ..self }
    }

    pub(super) fn number(&self) -> Option<&str> {
        self.number.as_deref()
    }

    pub(super) fn topic(&self) -> Option<String> {
        self.topic.clone()
    }

    pub(super) fn scope(&self) -> CallScope {
        self.scope
    }
}

/// A call's context, in the exact form that each carrier needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    /// The string to give the dialer: the number, and the code if there is one. `None` for a call
    /// without a number.
    pub dial_string: Option<String>,
    /// The token. `None` without a grant, after `close`, and if the call carries only the number.
    pub token: Option<ContextToken>,
    /// The code, which the dial string includes. `None` if there is no token, and on a phone that
    /// has no code left: one that never had data, or has used all its codes since it last had.
    pub code: Option<CallCode>,
    /// The code as a customer reads it aloud: `412 907 385 217 6`.
    pub spoken_code: Option<String>,
    /// The headers of a SIP INVITE: `User-to-User` (RFC 7433) and `X-Jalon-Context`. Set both: the
    /// exchange uses whichever reaches it. Empty without a token.
    pub sip_headers: Vec<NamedValue>,
    /// The parameter of a chat, a callback request or a link: `jalon_context` and the token.
    pub link_parameter: Option<NamedValue>,
    /// How long the token can be claimed after the collector has learnt of the call, by the
    /// collector's clock: 24 hours. Zero without a token.
    pub expires_in: Duration,
}

/// A header or a parameter, with its exact value.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedValue {
    /// The header's or parameter's name.
    pub name: String,
    /// The exact value. It holds the token, so never log it; `Debug` hides it.
    pub value: String,
}

impl std::fmt::Debug for NamedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NamedValue({}, ..)", self.name)
    }
}
