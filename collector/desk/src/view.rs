//! What an agent sees of a call: the answer of a resolve, and what the desk renders.
//!
//! Only shapes. What goes into them is decided where events are read; how it looks, in `desk`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The context of one call, as the agent's tools receive it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContextView {
    /// The call itself.
    pub call: CallView,
    /// Who calls.
    pub customer: CustomerView,
    /// How complete and how fresh the picture is.
    pub freshness: Freshness,
    /// The screen the customer called from, or was last seen on.
    pub last_screen: Option<ScreenView>,
    /// What the customer last saw go wrong in this session, if anything did.
    pub failure: Option<FailureView>,
    /// The newest 200 steps of this customer, oldest first, not collapsed.
    pub steps: Vec<Step>,
    /// The newest 20 distinct products, newest first.
    pub products: Vec<ProductView>,
    /// The newest 10 orders, newest first.
    pub orders: Vec<OrderView>,
    /// The last coarse position, where the customer allowed it.
    pub location: Option<LocationView>,
    /// The desk link: a page for this call alone, to open as a screen pop. Relative where the
    /// collector has no public URL.
    pub desk: String,
}

/// The call a context belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallView {
    /// The context token; null while only a leased code is known.
    pub token: Option<String>,
    /// When the customer tapped, by the collector's clock, in ms since the Unix epoch; null while
    /// the app has not confirmed the call.
    pub tapped_at: Option<i64>,
    /// What the call is about, in the app's words.
    pub topic: Option<String>,
    /// What the customer lets the call carry.
    pub scope: Scope,
    /// Whether the app's own record of this call has arrived.
    pub confirmed: bool,
}

/// What the customer lets a call carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole journey.
    Everything,
    /// Only the screen the call was made from.
    Screen,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustomerView {
    /// The app's id of the customer; null where nobody was identified.
    pub id: Option<String>,
    /// Whether the collector verified a proof of that id.
    pub verified: bool,
}

/// How fresh a context is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FreshnessState {
    /// Everything up to the tap is here, and the phone was heard within the last two minutes.
    Live,
    /// Everything the phone said it had is here.
    Synced,
    /// The phone has, or may have, steps that are not here yet.
    Pending,
}

/// How complete and how fresh a context is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Freshness {
    /// The state in a word.
    pub state: FreshnessState,
    /// The highest `seq` up to which nothing is pending.
    pub complete_through: u64,
    /// The highest `seq` stored.
    pub at_seq: u64,
    /// How many steps the phone still holds, as far as it said.
    pub pending: u64,
    /// How many steps are gone for good, beyond what `dropped` explains.
    pub missing: u64,
    /// How many the phone dropped since its epoch began, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// When the phone was last heard, in ms since the Unix epoch; null if never.
    pub synced_at: Option<i64>,
}

/// A screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScreenView {
    /// The app's name of it, a route pattern.
    pub name: String,
    /// Its business words; the pattern where the collector has none.
    pub label: String,
    /// The stage of the customer's journey, from the screens file.
    pub stage: Option<String>,
    /// How long the customer has been on it at the tap, or was, in ms.
    pub dwell_ms: Option<u64>,
}

/// What the customer saw go wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    /// The app's code of it.
    pub code: String,
    /// Where it showed.
    pub screen: Option<ScreenView>,
    /// When, by the collector's clock, in ms since the Unix epoch.
    pub at: i64,
}

/// One step of the journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Its place in the phone's order.
    pub seq: u64,
    /// When, by the collector's clock, in ms since the Unix epoch.
    pub at: i64,
    /// The event's type, as on the wire.
    #[serde(rename = "type")]
    pub kind: String,
    /// The screen it happened on.
    pub screen: Option<String>,
    /// What happened, as the customer would say it: "I looked at Galaxy A10".
    pub text: String,
    /// The product it concerns.
    pub product: Option<ProductView>,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProductView {
    /// The app's id of it.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its category, as the app writes it.
    pub category: Option<String>,
    /// Its brand.
    pub brand: Option<String>,
    /// Its price.
    pub price: Option<Price>,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Price {
    /// In minor units: 13076 is 130.76 EUR.
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// The app's id of it.
    pub id: String,
    /// Its status, in the app's words.
    pub status: String,
    /// Its total.
    pub total: Option<Price>,
    /// When the app last spoke of it, by the collector's clock, in ms since the Unix epoch.
    pub at: i64,
}

/// A coarse position, rounded to 0.01 degrees (about a kilometre).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LocationView {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// When, by the collector's clock, in ms since the Unix epoch.
    pub at: i64,
}
