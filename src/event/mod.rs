//! The event types, their bounds, and the reasons why an event may be dropped.
//!
//! Pure. Encoding an event is `wire`'s; keeping it is `journal`'s and `store`'s.

mod dropped;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::call::CallScope;
use crate::config::{
    CUSTOM_VALUES_MAX, ID_BYTES_MAX, NAME_BYTES_MAX, SCREEN_BYTES_MAX, WORD_BYTES_MAX,
};

pub use dropped::{DropReason, Dropped};

/// A step of the customer, as the app records it.
///
/// Strings are cut at their limit, and the event says which were. If a required name, code or id is
/// blank, the event is dropped as invalid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A screen was shown. The SDK adds the previous screen, and how long that was shown.
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
        /// The text typed, recorded only if `Config::record_search_queries` is true. At most 256
        /// bytes.
        query: Option<String>,
        /// The number of results.
        results: Option<u32>,
    },
    /// A product was put into the cart or taken out.
    CartChange {
        /// The product.
        product: Product,
        /// The change in quantity; negative if taken out.
        delta: i32,
    },
    /// An order was placed or changed.
    Order {
        /// The order.
        order: Order,
    },
    /// The customer saw something go wrong.
    Failure {
        /// The app's code for it, such as `payment_declined`. At most 64 bytes.
        code: String,
        /// The screen that showed it; the current one if not given.
        screen: Option<String>,
    },
    /// Anything else that is worth an agent's attention.
    Custom {
        /// The event's name. At most 64 bytes.
        name: String,
        /// At most 16 values, with keys of at most 64 bytes.
        values: BTreeMap<String, Value>,
    },
}

/// A product, as the app's catalogue knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The catalogue's id. At most 128 bytes, not blank.
    pub id: String,
    /// The name, as the customer reads it. At most 256 bytes.
    pub name: Option<String>,
    /// The category, such as `electronics.smartphone`. At most 128 bytes.
    pub category: Option<String>,
    /// The brand. At most 64 bytes.
    pub brand: Option<String>,
    /// The price.
    pub price: Option<Price>,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The amount in minor units: 13076 is 130.76 EUR.
    pub minor: i64,
    /// The ISO 4217 code: three capital letters.
    pub currency: String,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The shop's id. At most 128 bytes, not blank.
    pub id: String,
    /// The status, in the shop's words. At most 64 bytes.
    pub status: String,
    /// The total amount.
    pub total: Option<Price>,
}

/// A value of a custom event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// A text of at most 256 bytes.
    Text(String),
    /// A finite number.
    Number(f64),
    /// A boolean.
    Flag(bool),
}

/// The kind of a journal record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An event of the app, or a location.
    Event = 0,
    /// A change of customer.
    Customer = 1,
    /// A call.
    Call = 2,
    /// Not an event but a note that one was dropped; the body is the reason's number.
    Dropped = 3,
}

impl Kind {
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Event, Self::Customer, Self::Call, Self::Dropped].get(usize::from(number)).copied()
    }
}

/// The form of a journal record's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON as on the wire, without `seq`; or the reasons of a note of dropped events.
    Json = 0,
    /// The compact form, which is quicker to write.
    Compact = 1,
}

impl Form {
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Json, Self::Compact].get(usize::from(number)).copied()
    }
}

/// A record of the journal, as read back for the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The run that appended it: a random number, drawn whenever a journal is opened.
    pub run: u64,
    /// Its place among the records of that run, from 1 on.
    pub index: u64,
    /// When it was recorded, in ms of the wall clock since the Unix epoch.
    pub at_ms: i64,
    /// When it was recorded, in ms of the elapsed clock; meaningful only within its run.
    pub elapsed_ms: u64,
    pub session: u32,
    pub kind: Kind,
    pub form: Form,
    pub body: Vec<u8>,
}

impl Record {
    /// Returns what a note of dropped events counts; `None` for any other record. A note of one event
    /// is its reason's number; a note of more has a number and a count of eight bytes for each reason.
    pub(crate) fn dropped(&self) -> Option<Dropped> {
        if self.kind != Kind::Dropped {
            return None;
        }
        let reason = |number: u8| DropReason::ALL.get(usize::from(number)).copied();
        let mut dropped = Dropped::default();
        if let [number] = self.body[..] {
            dropped.add(reason(number).unwrap_or(DropReason::Corrupt), 1);
        }
        for counted in self.body.chunks_exact(9) {
            if let Some((number, count)) = counted.split_first_chunk::<1>()
                && let (Some(reason), Ok(count)) = (reason(number[0]), count.try_into())
            {
                dropped.add(reason, u64::from_le_bytes(count));
            }
        }
        Some(dropped)
    }

    /// Returns the body of a note that counts these.
    pub(crate) fn body_of_counts(dropped: &Dropped) -> Vec<u8> {
        let counted = dropped.iter().filter(|(_, count)| *count > 0);
        counted
            .flat_map(|(reason, count)| [reason as u8].into_iter().chain(count.to_le_bytes()))
            .collect()
    }
}

/// An entry for the journal: an event of the app, or one of the SDK's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Entry {
    App { event: Event, cut: Vec<Cow<'static, str>> },
    Customer { id: Option<String>, proof: Option<String> },
    Location { latitude: f64, longitude: f64 },
    Call { token: String, code: Option<String>, scope: CallScope, topic: Option<String> },
}

impl Entry {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::App { .. } | Self::Location { .. } => Kind::Event,
            Self::Customer { .. } => Kind::Customer,
            Self::Call { .. } => Kind::Call,
        }
    }

    /// Returns roughly how many bytes it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let text = |s: &Option<String>| s.as_ref().map_or(0, String::len);
        let of_product =
            |p: &Product| p.id.len() + text(&p.name) + text(&p.category) + text(&p.brand);
        256 + match self {
            Self::App { event, .. } => match event {
                Event::ScreenView { screen } => screen.len(),
                Event::ProductView { product } | Event::CartChange { product, .. } => {
                    of_product(product)
                }
                Event::Search { query, .. } => text(query),
                Event::Order { order } => order.id.len() + order.status.len(),
                Event::Failure { code, screen } => code.len() + text(screen),
                Event::Custom { name, values } => {
                    let value = |v: &Value| if let Value::Text(t) = v { t.len() } else { 8 };
                    name.len() + values.iter().map(|(k, v)| 64 + k.len() + value(v)).sum::<usize>()
                }
            },
            Self::Customer { id, proof } => text(id) + text(proof),
            Self::Location { .. } => 0,
            Self::Call { token, code, topic, .. } => token.len() + text(code) + text(topic),
        }
    }
}

impl Event {
    /// Brings the event within its bounds: cuts its strings, and notes which ones it cut.
    ///
    /// # Errors
    /// The reason why it must be dropped instead.
    pub(crate) fn bounded(mut self) -> Result<Entry, DropReason> {
        let mut cut = Vec::new();
        match &mut self {
            Self::ScreenView { screen } => name(screen, SCREEN_BYTES_MAX, "screen", &mut cut)?,
            Self::ProductView { product } | Self::CartChange { product, .. } => {
                bound_product(product, &mut cut)?;
            }
            Self::Search { query, .. } => shorten(query, NAME_BYTES_MAX, "query", &mut cut),
            Self::Order { order } => {
                name(&mut order.id, ID_BYTES_MAX, "order.id", &mut cut)?;
                trim(&mut order.status, WORD_BYTES_MAX, "order.status", &mut cut);
                check_price(order.total.as_ref())?;
            }
            Self::Failure { code, screen } => {
                name(code, WORD_BYTES_MAX, "failure.code", &mut cut)?;
                shorten(screen, SCREEN_BYTES_MAX, "failure.screen", &mut cut);
            }
            Self::Custom { name: title, values } => {
                name(title, WORD_BYTES_MAX, "name", &mut cut)?;
                bound_values(values, &mut cut)?;
            }
        }
        Ok(Entry::App { event: self, cut })
    }
}

fn bound_product(
    product: &mut Product,
    cut: &mut Vec<Cow<'static, str>>,
) -> Result<(), DropReason> {
    name(&mut product.id, ID_BYTES_MAX, "product.id", cut)?;
    shorten(&mut product.name, NAME_BYTES_MAX, "product.name", cut);
    shorten(&mut product.category, ID_BYTES_MAX, "product.category", cut);
    shorten(&mut product.brand, WORD_BYTES_MAX, "product.brand", cut);
    check_price(product.price.as_ref())
}

fn bound_values(
    values: &mut BTreeMap<String, Value>,
    cut: &mut Vec<Cow<'static, str>>,
) -> Result<(), DropReason> {
    if values.len() > CUSTOM_VALUES_MAX {
        return Err(DropReason::TooLarge);
    }
    for (key, value) in values {
        // A key is the app's own identifier: cutting keys could make two of them equal.
        if key.trim().is_empty() || key.len() > WORD_BYTES_MAX {
            return Err(DropReason::Invalid);
        }
        match value {
            Value::Text(text) => trim(text, NAME_BYTES_MAX, "values", cut),
            Value::Number(number) if !number.is_finite() => return Err(DropReason::Invalid),
            Value::Number(_) | Value::Flag(_) => {}
        }
    }
    Ok(())
}

fn check_price(price: Option<&Price>) -> Result<(), DropReason> {
    let iso = |currency: &str| {
        currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    match price {
        Some(price) if !iso(&price.currency) => Err(DropReason::Invalid),
        _ => Ok(()),
    }
}

fn name(
    text: &mut String,
    bytes_max: usize,
    field: &'static str,
    cut: &mut Vec<Cow<'static, str>>,
) -> Result<(), DropReason> {
    if text.trim().is_empty() {
        return Err(DropReason::Invalid);
    }
    trim(text, bytes_max, field, cut);
    Ok(())
}

fn shorten(
    text: &mut Option<String>,
    bytes_max: usize,
    field: &'static str,
    cut: &mut Vec<Cow<'static, str>>,
) {
    if let Some(text) = text {
        trim(text, bytes_max, field, cut);
    }
}

/// Cuts a text at the last whole character within the limit, and notes the field.
fn trim(
    text: &mut String,
    bytes_max: usize,
    field: &'static str,
    cut: &mut Vec<Cow<'static, str>>,
) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        // An event that waits in memory must take only the bytes it counts, not the megabyte it was
        // cut from.
        text.shrink_to_fit();
        if !cut.iter().any(|other| other == field) {
            cut.push(Cow::Borrowed(field));
        }
    }
}

#[cfg(test)]
#[path = "event_test.rs"]
mod tests;
