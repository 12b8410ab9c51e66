//! The wire, version 1: the only place that writes or reads its JSON.
//!
//! A record's body is the event as the wire carries it, without `seq`: it is encoded once, on the
//! caller's thread, and a batch is bodies side by side. No policy: what is sent when, and what an
//! answer's status means, is `upload`'s.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize, Serializer};

use crate::config::{App, CODES_MAX, SCREEN_BYTES_MAX, SCREENS_MAX};
use crate::event::{Dropped, Entry, Event, Order, Price, Product, Value};

/// Path of a batch.
pub(crate) const BATCHES: &str = "/v1/batches";
/// Path of a call's snapshot.
pub(crate) const CALLS: &str = "/v1/calls";
/// Path that warms a connection.
pub(crate) const HEALTH: &str = "/healthz";

/// What an event's `seq` adds to its body: its name, up to twenty digits, two commas.
pub(crate) const SEQ_BYTES_MAX: usize = 28;

/// What the SDK knows of the moment an entry was recorded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Frame<'a> {
    pub at_ms: i64,
    pub session: u32,
    pub screen: Option<&'a str>,
    /// Of a screen view: the screen before, and how long it stood.
    pub previous: Option<(&'a str, u64)>,
}

/// Writes an entry's body behind what is in `out`.
pub(crate) fn write_body(out: &mut Vec<u8>, entry: &Entry, frame: &Frame<'_>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, &Body::of(entry, frame)).is_err() {
        // Strings, finite numbers and writing to memory cannot fail. Should serde ever disagree,
        // the collector rejects this body by its `seq`, and it is counted.
        out.truncate(start);
        out.extend_from_slice(b"{\"type\":\"invalid\"}");
    }
}

#[derive(Serialize, Default)]
struct Body<'a> {
    at: i64,
    session: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    screen: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dwell_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<ProductBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'a BTreeMap<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LocationBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<CallBody<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cut: &'a [&'static str],
}

#[derive(Serialize)]
struct ProductBody<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<PriceBody<'a>>,
}

#[derive(Serialize)]
struct PriceBody<'a> {
    minor: i64,
    currency: &'a str,
}

#[derive(Serialize)]
struct OrderBody<'a> {
    id: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<PriceBody<'a>>,
}

#[derive(Serialize)]
struct FailureBody<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    screen: Option<&'a str>,
}

#[derive(Serialize)]
struct CustomerBody<'a> {
    id: Option<&'a str>,
    proof: Option<&'a str>,
}

#[derive(Serialize)]
struct LocationBody {
    latitude: f64,
    longitude: f64,
}

#[derive(Serialize)]
struct CallBody<'a> {
    token: &'a str,
    code: Option<&'a str>,
    tapped_at: i64,
    scope: &'static str,
    topic: Option<&'a str>,
}

impl<'a> Body<'a> {
    fn of(entry: &'a Entry, frame: &Frame<'a>) -> Self {
        let common = Self {
            at: frame.at_ms,
            session: frame.session,
            screen: frame.screen,
            ..Self::default()
        };
        match entry {
            Entry::App { event, cut } => Self { cut, ..common.with_event(event, frame) },
            Entry::Customer { id, proof } => Self {
                kind: "customer",
                customer: Some(CustomerBody { id: id.as_deref(), proof: proof.as_deref() }),
                ..common
            },
            Entry::Location { latitude, longitude } => Self {
                kind: "location",
                location: Some(LocationBody { latitude: *latitude, longitude: *longitude }),
                ..common
            },
            Entry::Call { token, code, topic } => Self {
                kind: "call",
                call: Some(CallBody {
                    token,
                    code: code.as_deref(),
                    tapped_at: frame.at_ms,
                    scope: "everything",
                    topic: topic.as_deref(),
                }),
                ..common
            },
        }
    }

    fn with_event(self, event: &'a Event, frame: &Frame<'a>) -> Self {
        match event {
            Event::ScreenView { screen } => Self {
                kind: "screen_view",
                screen: Some(screen),
                previous: frame.previous.map(|(screen, _)| screen),
                dwell_ms: frame.previous.map(|(_, dwell_ms)| dwell_ms),
                ..self
            },
            Event::ProductView { product } => {
                Self { kind: "product_view", product: Some(product.into()), ..self }
            }
            Event::Search { query, results } => {
                Self { kind: "search", query: query.as_deref(), results: *results, ..self }
            }
            Event::CartChange { product, delta } => Self {
                kind: "cart_change",
                product: Some(product.into()),
                delta: Some(*delta),
                ..self
            },
            Event::Order { order } => Self { kind: "order", order: Some(order.into()), ..self },
            Event::Failure { code, screen } => Self {
                kind: "failure",
                failure: Some(FailureBody { code, screen: screen.as_deref().or(frame.screen) }),
                ..self
            },
            Event::Custom { name, values } => {
                Self { kind: "custom", name: Some(name), values: Some(values), ..self }
            }
        }
    }
}

impl<'a> From<&'a Product> for ProductBody<'a> {
    fn from(product: &'a Product) -> Self {
        Self {
            id: &product.id,
            name: product.name.as_deref(),
            category: product.category.as_deref(),
            brand: product.brand.as_deref(),
            price: product.price.as_ref().map(PriceBody::from),
        }
    }
}

impl<'a> From<&'a Price> for PriceBody<'a> {
    fn from(price: &'a Price) -> Self {
        Self { minor: price.minor, currency: &price.currency }
    }
}

impl<'a> From<&'a Order> for OrderBody<'a> {
    fn from(order: &'a Order) -> Self {
        Self {
            id: &order.id,
            status: &order.status,
            total: order.total.as_ref().map(PriceBody::from),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
        }
    }
}

/// The customer a body names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Customer {
    pub id: Option<String>,
    pub proof: Option<String>,
}

/// The call a body records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    #[serde(default)]
    seq: u64,
    token: String,
    pub code: Option<String>,
    tapped_at: i64,
    scope: String,
    topic: Option<String>,
}

/// Reads the customer out of a `customer` record's body.
pub(crate) fn read_customer(body: &[u8]) -> Option<Customer> {
    #[derive(Deserialize)]
    struct Outer {
        customer: Customer,
    }
    serde_json::from_slice::<Outer>(body).ok().map(|outer| outer.customer)
}

/// Reads the call out of a `call` record's body.
pub(crate) fn read_call(body: &[u8]) -> Option<Call> {
    #[derive(Deserialize)]
    struct Outer {
        call: Call,
    }
    serde_json::from_slice::<Outer>(body).ok().map(|outer| outer.call)
}

/// What stands above the events of a batch and of a call alike.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub sdk: &'a str,
    pub installation: String,
    pub epoch: u32,
    pub sent_at_ms: i64,
    pub oldest: u64,
    pub next: u64,
    pub dropped: Dropped,
    pub codes_left: usize,
    pub app: &'a App,
}

#[derive(Serialize)]
struct HeaderBody<'a> {
    sdk: &'a str,
    installation: &'a str,
    epoch: u32,
    sent_at: i64,
    oldest: u64,
    next: u64,
    dropped: BTreeMap<&'static str, u64>,
    codes_left: usize,
    app: AppBody<'a>,
}

#[derive(Serialize)]
struct AppBody<'a> {
    id: &'a str,
    version: &'a str,
    os: &'a str,
    device: &'a str,
    locale: &'a str,
}

/// Encodes a batch, not yet compressed.
pub(crate) fn batch(header: &Header<'_>, events: &[(u64, &[u8])]) -> Vec<u8> {
    let mut out = open_envelope(header);
    close_envelope(&mut out, events);
    out
}

/// Encodes a call's snapshot, not yet compressed.
pub(crate) fn call(
    header: &Header<'_>,
    seq: u64,
    call: Call,
    customer: Option<(&str, Option<&str>)>,
    events: &[(u64, &[u8])],
) -> Vec<u8> {
    let mut out = open_envelope(header);
    out.extend_from_slice(b",\"call\":");
    write_json(&mut out, &Call { seq, ..call });
    out.extend_from_slice(b",\"customer\":");
    write_json(&mut out, &customer.map(|(id, proof)| CustomerBody { id: Some(id), proof }));
    close_envelope(&mut out, events);
    out
}

/// Compresses a request's body.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder =
        GzEncoder::new(Vec::with_capacity(bytes.len() / 4 + 64), Compression::default());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn open_envelope(header: &Header<'_>) -> Vec<u8> {
    let app = header.app;
    let body = HeaderBody {
        sdk: header.sdk,
        installation: &header.installation,
        epoch: header.epoch,
        sent_at: header.sent_at_ms,
        oldest: header.oldest,
        next: header.next,
        dropped: header
            .dropped
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| (reason.name(), count))
            .collect(),
        codes_left: header.codes_left,
        app: AppBody {
            id: &app.id,
            version: &app.version,
            os: &app.os,
            device: &app.device,
            locale: &app.locale,
        },
    };
    let mut out = Vec::with_capacity(1024);
    write_json(&mut out, &body);
    // The closing brace comes back with the events.
    out.pop();
    out
}

fn close_envelope(out: &mut Vec<u8>, events: &[(u64, &[u8])]) {
    out.extend_from_slice(b",\"events\":[");
    for (at, (seq, body)) in events.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{{\"seq\":{seq},");
        out.extend_from_slice(body.get(1..).unwrap_or(b"}"));
    }
    out.extend_from_slice(b"]}");
}

fn write_json(out: &mut Vec<u8>, value: &impl Serialize) {
    // Strings, numbers and writing to memory cannot fail.
    let _ = serde_json::to_writer(out, value);
}

/// What the collector answers to a batch or a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Answer {
    /// That it is there tells our collector from a captive portal.
    stored: u64,
    #[serde(default)]
    pub rejected: Vec<Rejected>,
    #[serde(default)]
    codes: Vec<CodeBody>,
    #[serde(default)]
    pub screens: BTreeMap<String, u16>,
}

/// An event the collector refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Rejected {
    pub seq: u64,
    #[serde(default)]
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct CodeBody {
    locator: String,
    expires_in_s: u64,
}

impl Answer {
    /// The leased locators, each with its life in ms.
    pub(crate) fn leases(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.codes.iter().take(CODES_MAX).filter_map(|code| {
            let whole = code.locator.len() == 9 && code.locator.bytes().all(|b| b.is_ascii_digit());
            let locator = code.locator.parse().ok().filter(|_| whole)?;
            Some((locator, code.expires_in_s.min(60 * 86_400) * 1_000))
        })
    }
}

/// Reads an answer; `None` when it is not our collector's.
pub(crate) fn read_answer(body: &[u8]) -> Option<Answer> {
    let mut answer: Answer = serde_json::from_slice(body).ok()?;
    // Whatever is no screen's number and name cannot be used, and is not kept.
    answer.screens.retain(|name, number| {
        name.len() <= SCREEN_BYTES_MAX && (1..=SCREENS_MAX).contains(&usize::from(*number))
    });
    Some(answer)
}

#[cfg(test)]
#[path = "wire_test.rs"]
mod tests;
