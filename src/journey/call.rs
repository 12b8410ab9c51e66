//! What an app asks of a call, and what it is given.

use std::time::Duration;

use crate::call::{CallCode, CallScope, ContextToken};

/// A call about to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRequest {
    number: Option<String>,
    topic: Option<String>,
    scope: CallScope,
}

impl CallRequest {
    /// A call to a phone number: 3 to 15 digits, perhaps after a `+`, with the usual separators.
    pub fn to(number: impl Into<String>) -> Self {
        Self { number: Some(number.into()), ..Self::without_number() }
    }

    /// A call that no dialer places: over SIP, in a chat, a callback.
    pub fn without_number() -> Self {
        Self { number: None, topic: None, scope: CallScope::Everything }
    }

    /// Says what the call is about, in the app's words. At most 256 bytes.
    pub fn about(self, topic: impl Into<String>) -> Self {
        Self { topic: Some(topic.into()), ..self }
    }

    /// Says what the customer lets the call carry; everything, if not said.
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

/// What a call carries, in the exact form of each carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    /// What to hand the dialer: the number, and the code where there is one. `None` for a call
    /// without a number.
    pub dial_string: Option<String>,
    /// The token. `None` without a grant, and where the call carries nothing but the number.
    pub token: Option<ContextToken>,
    /// The code, which the dial string dials. `None` where there is no token, and on a phone that
    /// has none left: one that never had data, or dialled them all without any.
    pub code: Option<CallCode>,
    /// The code as a customer reads it aloud: `412 907 385 217 6`.
    pub spoken_code: Option<String>,
    /// The headers of a SIP INVITE: `User-to-User` (RFC 7433) and `X-Jalon-Context`. Set both: the
    /// exchange takes whichever reaches it. Empty without a token.
    pub sip_headers: Vec<NamedValue>,
    /// The parameter of a chat, a callback request or a link: `jalon_context` and the token.
    pub link_parameter: Option<NamedValue>,
    /// How long the token can be claimed once the collector knows of the call, by its clock: 24
    /// hours; zero without a token.
    pub expires_in: Duration,
}

/// A header or a parameter, with its exact value.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedValue {
    /// Its name.
    pub name: String,
    /// Its value: holds the token, so no log gets it, and `Debug` hides it.
    pub value: String,
}

impl std::fmt::Debug for NamedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NamedValue({}, ..)", self.name)
    }
}
