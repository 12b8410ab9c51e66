//! The core's types as both languages see them.
//!
//! Where the core's own type can cross, its definition is repeated for UniFFI's macros, which fail
//! to compile when the two differ; where it cannot (a type with private fields), a record of its
//! own says the same. The docs here become KDoc and DocC.

use std::collections::{BTreeMap, HashMap};

use jalon::DropReason;

/// Whether the customer agreed to be recorded.
pub type Consent = jalon::Consent;

/// Whether the customer agreed to be recorded.
#[uniffi::remote(Enum)]
pub enum Consent {
    /// Nobody asked yet: the newest 200 events wait in memory, and nothing is written.
    Unknown,
    /// Recording and uploading.
    Granted,
    /// Nothing is recorded, and what was is deleted.
    Denied,
}

/// An amount of money.
pub type Price = jalon::Price;

/// An amount of money.
#[uniffi::remote(Record)]
pub struct Price {
    /// In minor units: 13076 is 130.76 EUR.
    pub minor: i64,
    /// ISO 4217: three capital letters. Any other text makes the event invalid.
    pub currency: String,
}

/// A product, as the app's catalogue knows it.
pub type Product = jalon::Product;

/// A product, as the app's catalogue knows it.
#[uniffi::remote(Record)]
pub struct Product {
    /// The catalogue's id. At most 128 bytes, never blank.
    pub id: String,
    /// Its name, as the customer reads it. At most 256 bytes.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// Its category, such as `electronics.smartphone`. At most 128 bytes.
    #[uniffi(default = None)]
    pub category: Option<String>,
    /// Its brand. At most 64 bytes.
    #[uniffi(default = None)]
    pub brand: Option<String>,
    /// Its price.
    #[uniffi(default = None)]
    pub price: Option<Price>,
}

/// An order.
pub type Order = jalon::Order;

/// An order.
#[uniffi::remote(Record)]
pub struct Order {
    /// The shop's id. At most 128 bytes, never blank.
    pub id: String,
    /// Its status, in the shop's words. At most 64 bytes.
    pub status: String,
    /// What it comes to.
    #[uniffi(default = None)]
    pub total: Option<Price>,
}

/// A value of a custom event.
pub type Value = jalon::Value;

/// A value of a custom event.
#[uniffi::remote(Enum)]
pub enum Value {
    /// A text of at most 256 bytes.
    Text(String),
    /// A finite number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

/// The values of a custom event, by name.
pub type Custom = BTreeMap<String, Value>;

uniffi::custom_type!(Custom, HashMap<String, Value>, {
    remote,
    lower: |values| values.into_iter().collect(),
    try_lift: |values| Ok(values.into_iter().collect()),
});

/// Something the customer did or saw.
pub type Event = jalon::Event;

/// Something the customer did or saw, as the app records it.
///
/// Texts are cut at their limit, and the event says which were. A blank text where one is needed
/// makes the event invalid: it is dropped and counted, and the log says so once.
#[uniffi::remote(Enum)]
pub enum Event {
    /// A screen came up. The SDK adds the previous one and how long it stood.
    ScreenView {
        /// A route pattern, such as `product/{id}`: never a URL. At most 128 bytes.
        screen: String,
    },
    /// The customer looked at a product.
    ProductView {
        /// The product.
        product: Product,
    },
    /// The customer searched.
    Search {
        /// What was typed; recorded only where the configuration allows it.
        #[uniffi(default = None)]
        query: Option<String>,
        /// How many results came up.
        #[uniffi(default = None)]
        results: Option<u32>,
    },
    /// Something went into the cart or out of it.
    CartChange {
        /// The product.
        product: Product,
        /// How many: below zero for taking out.
        delta: i32,
    },
    /// An order was placed or changed.
    Order {
        /// The order.
        order: Order,
    },
    /// The customer saw something go wrong.
    Failure {
        /// The app's code of it, such as `payment_declined`. At most 64 bytes.
        code: String,
        /// Where it showed; the current screen if not given.
        #[uniffi(default = None)]
        screen: Option<String>,
    },
    /// Anything else worth an agent's glance.
    Custom {
        /// Its name. At most 64 bytes.
        name: String,
        /// At most 16 values, each name at most 64 bytes.
        values: Custom,
    },
}

/// Why a call could not be given its context.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Error)]
pub enum JourneyError {
    /// The number to call is no phone number: 3 to 15 digits, perhaps after a `+`.
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
    /// Only the screen the call is made from: neither who calls nor what came before. Without data
    /// too, since the code itself says so.
    OnlyThisScreen,
    /// Nothing but the number: the call has no token and no code, and nobody is told of it.
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

/// A header or a parameter, with its exact value, which holds the token.
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

/// What a call carries, in the exact form of each carrier.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct CallContext {
    /// What to hand the dialer, such as `tel:+33123456789,,4129073852176`: the number, and the
    /// code where there is one. `None` for a call without a phone number.
    #[uniffi(default = None)]
    pub dial_string: Option<String>,
    /// The token. `None` without the customer's consent, and where the call carries nothing but the
    /// number.
    #[uniffi(default = None)]
    pub token: Option<String>,
    /// The code, thirteen digits. `None` where there is no token, and on a phone that has no code
    /// left: one that never had data, or dialled them all without any.
    #[uniffi(default = None)]
    pub code: Option<String>,
    /// The code in groups, for reading aloud: `412 907 385 217 6`.
    #[uniffi(default = None)]
    pub spoken_code: Option<String>,
    /// The headers of a SIP INVITE: `User-to-User` (RFC 7433) and `X-Jalon-Context`. Set both: the
    /// exchange takes whichever reaches it. Empty without a token.
    #[uniffi(default)]
    pub sip_headers: Vec<NamedValue>,
    /// The parameter of a chat, a callback request or a link: `jalon_context` and the token.
    #[uniffi(default = None)]
    pub link_parameter: Option<NamedValue>,
    /// How long the token can be claimed, in ms from the tap.
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

/// How many events were lost, by reason, since the epoch began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, uniffi::Record)]
pub struct Dropped {
    /// The device's quota was full; the oldest went first.
    #[uniffi(default = 0)]
    pub quota: u64,
    /// They could not be uploaded within their time to live.
    #[uniffi(default = 0)]
    pub expired: u64,
    /// They could not be read back.
    #[uniffi(default = 0)]
    pub corrupt: u64,
    /// Larger than 16 KiB, or a custom event of more than 16 values.
    #[uniffi(default = 0)]
    pub too_large: u64,
    /// A name was blank, a currency or a phone number none, or a number not finite.
    #[uniffi(default = 0)]
    pub invalid: u64,
    /// The customer had not agreed to it.
    #[uniffi(default = 0)]
    pub consent: u64,
    /// The disk did not take them.
    #[uniffi(default = 0)]
    pub disk: u64,
    /// The collector refused them for good.
    #[uniffi(default = 0)]
    pub rejected: u64,
    /// All of them together.
    #[uniffi(default = 0)]
    pub total: u64,
}

impl From<jalon::Dropped> for Dropped {
    fn from(dropped: jalon::Dropped) -> Self {
        Self {
            quota: dropped.get(DropReason::Quota),
            expired: dropped.get(DropReason::Expired),
            corrupt: dropped.get(DropReason::Corrupt),
            too_large: dropped.get(DropReason::TooLarge),
            invalid: dropped.get(DropReason::Invalid),
            consent: dropped.get(DropReason::Consent),
            disk: dropped.get(DropReason::Disk),
            rejected: dropped.get(DropReason::Rejected),
            total: dropped.total(),
        }
    }
}

/// How the last upload ended.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LastUpload {
    /// When, by the phone's wall clock, in ms since the Unix epoch.
    pub at_ms: i64,
    /// Why it did not succeed, in words, for a developer; `None` if it did.
    pub problem: Option<String>,
}

/// How a journey stands. `recorded` = `delivered` + `queued` + `dropped.total`.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Status {
    /// Why nothing is recorded, if this journey could not be opened: in words, for a developer.
    #[uniffi(default = None)]
    pub problem: Option<String>,
    /// Why events wait in memory instead of on disk, if they do: in words, for a developer.
    #[uniffi(default = None)]
    pub storage_trouble: Option<String>,
    /// The customer's answer.
    pub consent: Consent,
    /// The current session's number; 0 before the first event.
    #[uniffi(default = 0)]
    pub session: u32,
    /// Events taken since the epoch began.
    #[uniffi(default = 0)]
    pub recorded: u64,
    /// Events that the collector has.
    #[uniffi(default = 0)]
    pub delivered: u64,
    /// Events that wait, in memory or on disk.
    #[uniffi(default = 0)]
    pub queued: u64,
    /// Events that were lost.
    #[uniffi(default)]
    pub dropped: Dropped,
    /// Call codes ready for a tap without data.
    #[uniffi(default = 0)]
    pub codes: u32,
    /// The last upload; `None` before the first.
    #[uniffi(default = None)]
    pub last_upload: Option<LastUpload>,
}

impl Status {
    /// That of a journey that records nothing, and why.
    pub(crate) fn idle(problem: &str) -> Self {
        Self {
            problem: Some(problem.to_owned()),
            storage_trouble: None,
            consent: Consent::Unknown,
            session: 0,
            recorded: 0,
            delivered: 0,
            queued: 0,
            dropped: Dropped::default(),
            codes: 0,
            last_upload: None,
        }
    }
}

impl From<jalon::Status> for Status {
    fn from(status: jalon::Status) -> Self {
        let last_upload = status.last_upload.map(|last| LastUpload {
            at_ms: last.at_ms,
            problem: last.problem.map(|problem| problem.to_string()),
        });
        Self {
            problem: None,
            storage_trouble: status.storage_trouble,
            consent: status.consent,
            session: status.session,
            recorded: status.recorded,
            delivered: status.delivered,
            queued: status.queued,
            dropped: status.dropped.into(),
            codes: u32::try_from(status.codes).unwrap_or(u32::MAX),
            last_upload,
        }
    }
}

/// What a step of a preview is.
pub type StepKind = jalon::StepKind;

/// What a step of a preview is.
#[uniffi::remote(Enum)]
pub enum StepKind {
    /// A screen came up.
    ScreenView,
    /// A product was looked at.
    ProductView,
    /// A search.
    Search,
    /// Something went into the cart or out of it.
    CartChange,
    /// An order was placed or changed.
    Order,
    /// The customer saw something go wrong.
    Failure,
    /// An event of the app's own.
    Custom,
    /// Who the customer is from here on.
    Customer,
    /// Where the customer was, to about a kilometre.
    Location,
    /// An earlier call.
    Call,
}

/// A step that a call would carry.
pub type PreviewStep = jalon::PreviewStep;

/// A step that a call would carry.
#[uniffi::remote(Record)]
pub struct PreviewStep {
    /// When, by the phone's wall clock, in ms since the Unix epoch.
    pub at_ms: i64,
    /// The screen it happened on.
    pub screen: Option<String>,
    /// What it was.
    pub what: StepKind,
    /// Its subject, in the app's words: a product's name, a failure's code, a screen.
    pub about: Option<String>,
}

/// What a call would carry now, from this device alone.
pub type Preview = jalon::Preview;

/// What a call would carry now, from this device alone.
#[uniffi::remote(Record)]
pub struct Preview {
    /// Who the customer is, as the app said.
    #[uniffi(default = None)]
    pub customer: Option<String>,
    /// What happened last, oldest first.
    #[uniffi(default)]
    pub steps: Vec<PreviewStep>,
    /// Whether the agent may also see what was uploaded before.
    #[uniffi(default = false)]
    pub uploaded_before: bool,
}
