//! One event as it arrives: read, judged, and put into the form in which it is stored.
//!
//! Pure. What the events mean together is decided in `view`.

use std::collections::BTreeMap;

use jalon_desk::view::Price;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::limits::{EVENT_BYTES_MAX, PROOF_BYTES_MAX, TEXT_BYTES_MAX};

/// An event. Each field says to which `type` it belongs; unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its place in the phone's order.
    #[serde(skip_serializing)]
    pub seq: u64,
    /// When it happened, by the phone's clock, in ms since the Unix epoch.
    #[serde(skip_serializing)]
    pub at: i64,
    /// The session it belongs to.
    pub session: u64,
    /// `screen_view`, `product_view`, `search`, `cart_change`, `order`, `failure`, `custom`,
    /// `customer`, `location` or `call`.
    #[serde(rename = "type", skip_serializing)]
    pub kind: String,
    /// The screen it happened on, a route pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// `screen_view`: the screen before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// `screen_view`: how long the customer was on `previous`, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dwell_ms: Option<u64>,
    /// `product_view`, `cart_change`: the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// `search`: the words searched for, if the app records them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// `search`: how many results were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<u64>,
    /// `cart_change`: how many were added, or removed when negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<i64>,
    /// `order`: the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// `failure`: the error that the customer saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// `custom`: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `custom`: a few values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<String, Scalar>>,
    /// `customer`: who uses the app from this event on.
    // Stored where erasing finds it, not in the event's body.
    #[serde(skip_serializing)]
    pub customer: Option<Customer>,
    /// `location`: a coarse position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// `call`: the tap.
    // Its token and code are stored with the call, never in the event's body.
    #[serde(skip_serializing)]
    pub call: Option<CallTap>,
    /// The fields whose strings the SDK had to shorten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Vec<String>>,
}

/// A product, as the app knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// Its id in the app.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Its brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Its price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// Its id in the app.
    pub id: String,
    /// Its status, in the app's words.
    pub status: String,
    /// Its total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Price>,
}

/// An error that the customer saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// The app's code for it.
    pub code: String,
    /// The screen it appeared on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
}

/// A value of a custom event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// Yes or no.
    Bool(bool),
    /// A number.
    #[schema(value_type = f64)]
    Number(serde_json::Number),
    /// Words.
    Text(String),
}

/// Who uses the app.
#[derive(Clone, PartialEq, Deserialize, ToSchema)]
pub struct Customer {
    /// The app's id of the customer; null after a sign-out.
    pub id: Option<String>,
    /// A short-lived JWT of the app's own backend, which proves the id.
    pub proof: Option<String>,
    /// In a call: when the app named the customer, by the phone's clock, in ms since the Unix epoch.
    /// An event has its own `at`.
    #[serde(default)]
    pub at: Option<i64>,
}

impl std::fmt::Debug for Customer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Customer(..)")
    }
}

/// A coarse position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Location {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// The customer's tap on "call us".
#[derive(Clone, PartialEq, Deserialize, ToSchema)]
pub struct CallTap {
    /// The tap's place in the phone's order. In a batch, the event has it.
    #[serde(default)]
    pub seq: Option<u64>,
    /// In a snapshot: the `seq` at which the caller's use of the phone began; 0 if it began before the
    /// first event.
    #[serde(default)]
    pub since: Option<u64>,
    /// The context token: 22 characters of base64url.
    pub token: String,
    /// The call code that was dialled: 13 digits; null when the phone had none.
    pub code: Option<String>,
    /// When the customer tapped, by the phone's clock, in ms since the Unix epoch.
    pub tapped_at: i64,
    /// What the call may show: `everything` or `screen`.
    pub scope: jalon_desk::view::Scope,
    /// What the call is about, in the app's words.
    pub topic: Option<String>,
    /// The screen of the tap. In a batch, the event has it.
    #[serde(default)]
    pub screen: Option<String>,
}

impl std::fmt::Debug for CallTap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallTap(..)")
    }
}

/// Why an event is not stored, now or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A type this collector does not know.
    UnknownType,
    /// More than 16 KiB.
    TooLarge,
    /// A field is missing, of the wrong type or out of its range.
    Invalid,
}

/// An event, or the `seq` of one that is refused and the reason.
pub type Read = Result<Event, (u64, Reason)>;

/// Reads one event. `None` when it has no usable `seq`, so that it cannot even be refused by name.
pub fn read(raw: &RawValue) -> Option<Read> {
    let text = raw.get();
    if text.len() <= EVENT_BYTES_MAX
        && let Ok(event) = serde_json::from_str::<Event>(text)
    {
        let seq = in_range(event.seq)?;
        return Some(match judge(&event) {
            Ok(()) => Ok(event),
            Err(reason) => Err((seq, reason)),
        });
    }
    let head: Head<'_> = serde_json::from_str(text).ok()?;
    let seq = in_range(head.seq)?;
    let reason = if text.len() > EVENT_BYTES_MAX {
        Reason::TooLarge
    } else {
        // A string may hold escapes, so it cannot always be borrowed.
        let kind = head.kind.and_then(|kind| serde_json::from_str::<String>(kind.get()).ok());
        match kind {
            Some(kind) if known(&kind).is_none() => Reason::UnknownType,
            _ => Reason::Invalid,
        }
    };
    Some(Err((seq, reason)))
}

/// The name of an event type, if this collector knows it.
pub fn known(kind: &str) -> Option<&'static str> {
    const KINDS: [&str; 10] = [
        "screen_view",
        "product_view",
        "search",
        "cart_change",
        "order",
        "failure",
        "custom",
        "customer",
        "location",
        "call",
    ];
    KINDS.into_iter().find(|known| *known == kind)
}

fn judge(event: &Event) -> Result<(), Reason> {
    let complete = match event.kind.as_str() {
        "screen_view" => event.screen.is_some(),
        "product_view" => event.product.is_some(),
        "search" => true,
        "cart_change" => event.product.is_some() && event.delta.is_some(),
        "order" => event.order.is_some(),
        "failure" => event.failure.is_some(),
        "custom" => event.name.is_some(),
        "customer" => event.customer.is_some(),
        "location" => event.location.as_ref().is_some_and(on_earth),
        "call" => event.call.is_some(),
        _ => return Err(Reason::UnknownType),
    };
    let proof = event.customer.as_ref().and_then(|customer| customer.proof.as_ref());
    if texts(event).any(|text| text.len() > TEXT_BYTES_MAX)
        || proof.is_some_and(|proof| proof.len() > PROOF_BYTES_MAX)
    {
        return Err(Reason::TooLarge);
    }
    if complete { Ok(()) } else { Err(Reason::Invalid) }
}

/// The texts of an event that an agent may be shown.
fn texts(event: &Event) -> impl Iterator<Item = &String> {
    let own = [&event.screen, &event.query, &event.name].into_iter().map(Option::as_ref);
    let product = event.product.iter().flat_map(|product| {
        let Product { id, name, category, brand, price } = product;
        [Some(id), name.as_ref(), category.as_ref(), brand.as_ref(), currency(price.as_ref())]
    });
    let order = event
        .order
        .iter()
        .flat_map(|order| [Some(&order.id), Some(&order.status), currency(order.total.as_ref())]);
    let failure =
        event.failure.iter().flat_map(|failure| [Some(&failure.code), failure.screen.as_ref()]);
    let customer = event.customer.iter().map(|customer| customer.id.as_ref());
    let call = event.call.iter().flat_map(|call| [call.topic.as_ref(), call.screen.as_ref()]);
    own.chain(product).chain(order).chain(failure).chain(customer).chain(call).flatten()
}

fn currency(price: Option<&Price>) -> Option<&String> {
    price.map(|price| &price.currency)
}

fn on_earth(location: &Location) -> bool {
    location.latitude.abs() <= 90.0 && location.longitude.abs() <= 180.0
}

/// SQLite's numbers end below 2^63, so a `seq` must too.
fn in_range(seq: u64) -> Option<u64> {
    i64::try_from(seq).ok().map(|_| seq)
}

/// The fields that name an event which cannot be read whole.
#[derive(Deserialize)]
struct Head<'a> {
    seq: u64,
    #[serde(rename = "type", borrow)]
    kind: Option<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Option<Read> {
        let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
        read(&raw)
    }

    fn reason(text: &str) -> Option<Reason> {
        read_text(text).and_then(Result::err).map(|(_, reason)| reason)
    }

    #[test]
    fn reads_every_type_the_sdk_writes() {
        for body in [
            r#""type":"screen_view","screen":"product/{id}","previous":"list","dwell_ms":5120"#,
            r#""type":"product_view","screen":"a","product":{"id":"1","price":{"minor":5,"currency":"EUR"}}"#,
            r#""type":"search","results":12"#,
            r#""type":"cart_change","product":{"id":"1"},"delta":-1"#,
            r#""type":"order","order":{"id":"1","status":"paid","total":null}"#,
            r#""type":"failure","failure":{"code":"x","screen":null}"#,
            r#""type":"custom","name":"n","values":{"a":1,"b":"c","d":true}"#,
            r#""type":"customer","customer":{"id":null,"proof":null}"#,
            r#""type":"location","location":{"latitude":48.85,"longitude":2.35}"#,
            r#""type":"call","call":{"token":"t","code":null,"tapped_at":1,"scope":"screen","topic":null}"#,
        ] {
            let event = read_text(&format!(r#"{{"seq":1,"at":2,"session":3,"new":[],{body}}}"#));
            assert!(matches!(event, Some(Ok(_))), "{body}");
        }
    }

    #[test]
    fn says_why_an_event_is_refused() {
        assert_eq!(
            reason(r#"{"seq":1,"at":2,"session":3,"type":"dance","product":7}"#),
            Some(Reason::UnknownType)
        );
        assert_eq!(
            reason(r#"{"seq":1,"at":"noon","session":3,"type":"search"}"#),
            Some(Reason::Invalid)
        );
        assert_eq!(reason(r#"{"seq":1,"at":2,"session":3,"type":7}"#), Some(Reason::Invalid));
        assert_eq!(reason(r#"{"seq":1,"at":2,"session":3}"#), Some(Reason::Invalid));
        assert_eq!(
            reason(r#"{"seq":1,"at":2,"session":3,"type":"cart_change","delta":1}"#),
            Some(Reason::Invalid)
        );
        let long = "x".repeat(EVENT_BYTES_MAX);
        assert_eq!(
            reason(&format!(r#"{{"seq":1,"at":2,"session":3,"type":"search","query":"{long}"}}"#)),
            Some(Reason::TooLarge)
        );
    }

    #[test]
    fn an_event_without_a_usable_seq_cannot_be_named() {
        for text in ["7", r#"{"at":1}"#, r#"{"seq":-1}"#, r#"{"seq":"1"}"#, "[]"] {
            assert!(read_text(text).is_none(), "{text}");
        }
        assert!(
            read_text(r#"{"seq":18446744073709551615,"at":1,"session":1,"type":"search"}"#)
                .is_none()
        );
    }

    #[test]
    fn what_is_stored_holds_neither_customer_nor_token() {
        let text = r#"{"seq":1,"at":2,"session":3,"type":"call","unknown":1,
            "call":{"token":"secret","code":null,"tapped_at":1,"scope":"screen","topic":null},
            "customer":{"id":"secret"}}"#;
        let event = read_text(text).unwrap().unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), r#"{"session":3}"#);
    }
}
