//! A call's context, its scope and its error.

/// Why a call could not be given its context.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Error)]
pub enum JourneyError {
    /// The number to call is not a phone number: 3 to 15 digits, with an optional leading `+`.
    PhoneNumber,
}

impl std::fmt::Display for JourneyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        jalon::JourneyError::PhoneNumber.fmt(f)
    }
}

impl std::error::Error for JourneyError {}

/// What the customer lets a call carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum CallScope {
    /// The whole journey.
    Everything,
    /// Only the screen the call is made from: neither who calls nor what came before. Also offline,
    /// since the code itself says so.
    OnlyThisScreen,
    /// Nothing but the number: the call has no token and no code, and the collector is not told of
    /// it.
    OnlyTheNumber,
}

impl From<CallScope> for jalon::CallScope {
    fn from(scope: CallScope) -> Self {
        match scope {
            CallScope::Everything => Self::Everything,
            CallScope::OnlyThisScreen => Self::OnlyThisScreen,
            CallScope::OnlyTheNumber => Self::OnlyTheNumber,
        }
    }
}

/// A header or a parameter; its exact value holds the token.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct NamedValue {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl From<jalon::NamedValue> for NamedValue {
    fn from(named: jalon::NamedValue) -> Self {
        Self { name: named.name, value: named.value }
    }
}

/// The context of a call, in the exact form that each way of calling needs.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct CallContext {
    /// The URI for the dialer, such as `tel:+33123456789,,4129073852176`: the number, and the
    /// code where there is one. `None` for a call without a phone number.
    #[uniffi(default = None)]
    pub dial_string: Option<String>,
    /// The token. `None` without the customer's consent, and where the call carries only the
    /// number.
    #[uniffi(default = None)]
    pub token: Option<String>,
    /// The code, thirteen digits. `None` where there is no token, and on a phone that has no codes
    /// left: it never had a data connection, or used all its codes offline.
    #[uniffi(default = None)]
    pub code: Option<String>,
    /// The code in groups, for reading aloud: `412 907 385 217 6`.
    #[uniffi(default = None)]
    pub spoken_code: Option<String>,
    /// The headers of a SIP INVITE: `User-to-User` (RFC 7433) and `X-Jalon-Context`. Set both: the
    /// exchange uses whichever reaches it. Empty without a token.
    #[uniffi(default)]
    pub sip_headers: Vec<NamedValue>,
    /// The parameter of a chat, a callback request or a link: `jalon_context` and the token.
    #[uniffi(default = None)]
    pub link_parameter: Option<NamedValue>,
    /// How long the token can be claimed, in ms after the tap.
    #[uniffi(default = 0)]
    pub expires_in_ms: u64,
}

impl CallContext {
    /// A call that carries nothing.
    pub(crate) fn nothing() -> Self {
        Self {
            dial_string: None,
            token: None,
            code: None,
            spoken_code: None,
            sip_headers: Vec::new(),
            link_parameter: None,
            expires_in_ms: 0,
        }
    }
}

impl From<jalon::CallContext> for CallContext {
    fn from(context: jalon::CallContext) -> Self {
        Self {
            dial_string: context.dial_string,
            token: context.token.map(|token| token.to_string()),
            code: context.code.map(|code| code.to_string()),
            spoken_code: context.spoken_code,
            sip_headers: context.sip_headers.into_iter().map(NamedValue::from).collect(),
            link_parameter: context.link_parameter.map(NamedValue::from),
            expires_in_ms: u64::try_from(context.expires_in.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
