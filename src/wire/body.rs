//! Encodes an entry's body: the event as on the wire, without `seq`. Reading bodies back is the
//! rest of `wire`'s, and what the caller writes is `compact`'s.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::call::CallScope;
use crate::event::{Entry, Event, Order, Price, Product, Value};

/// When and where an entry was recorded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stamp<'a> {
    pub at_ms: i64,
    pub session: u32,
    pub screen: Option<&'a str>,
    /// For a screen view: the previous screen, and how long it was shown, in ms.
    pub previous: Option<(&'a str, u64)>,
}

/// Appends an entry's body to `out`.
pub(crate) fn write_body(out: &mut Vec<u8>, entry: &Entry, stamp: &Stamp<'_>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, &Body::of(entry, stamp)).is_err() {
        // Strings, finite numbers and writing to memory cannot fail. If serde ever disagrees, the
        // collector rejects this body by its `seq`, and it is counted.
        out.truncate(start);
        out.extend_from_slice(b"{\"type\":\"invalid\"}");
    }
}

/// Returns how many bytes an entry's body takes.
pub(super) fn body_bytes(entry: &Entry, stamp: &Stamp<'_>) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    let counted = serde_json::to_writer(&mut count, &Body::of(entry, stamp));
    counted.map_or(usize::MAX, |()| count.0)
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
    values: Option<Values<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LocationBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<CallBody<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cut: &'a [Cow<'static, str>],
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
pub(super) struct CustomerBody<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) proof: Option<&'a str>,
    /// In a call: when the customer was identified. An event has its own `at` instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<i64>,
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
    fn of(entry: &'a Entry, stamp: &Stamp<'a>) -> Self {
        let common = Self {
            at: stamp.at_ms,
            session: stamp.session,
            screen: stamp.screen,
            ..Self::default()
        };
        match entry {
            Entry::App { event, cut } => Self { cut, ..common.with_event(event, stamp) },
            Entry::Customer { id, proof } => Self {
                kind: "customer",
                customer: Some(CustomerBody {
                    id: id.as_deref(),
                    proof: proof.as_deref(),
                    at: None,
                }),
                ..common
            },
            Entry::Location { latitude, longitude } => Self {
                kind: "location",
                location: Some(LocationBody { latitude: *latitude, longitude: *longitude }),
                ..common
            },
            Entry::Call { token, code, scope, topic } => Self {
                kind: "call",
                call: Some(CallBody {
                    token,
                    code: code.as_deref(),
                    tapped_at: stamp.at_ms,
                    scope: scope_name(*scope),
                    topic: topic.as_deref(),
                }),
                ..common
            },
        }
    }

    fn with_event(self, event: &'a Event, stamp: &Stamp<'a>) -> Self {
        match event {
            Event::ScreenView { screen } => Self {
                kind: "screen_view",
                screen: Some(screen),
                previous: stamp.previous.map(|(screen, _)| screen),
                dwell_ms: stamp.previous.map(|(_, dwell_ms)| dwell_ms),
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
                failure: Some(FailureBody { code, screen: screen.as_deref().or(stamp.screen) }),
                ..self
            },
            Event::Custom { name, values } => {
                Self { kind: "custom", name: Some(name), values: Some(Values(values)), ..self }
            }
        }
    }
}

/// Returns a scope's name on the wire. A call that carries only the number is never recorded.
fn scope_name(scope: CallScope) -> &'static str {
    match scope {
        CallScope::Everything => "everything",
        CallScope::OnlyThisScreen | CallScope::OnlyTheNumber => super::ONLY_THIS_SCREEN,
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

/// The values of a custom event. On the wire each is plain JSON, without its type's name.
struct Values<'a>(&'a BTreeMap<String, Value>);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, Plain(value))))
    }
}

struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
        }
    }
}
