//! The view of a call: the answer to a look-up, and the data that the desk renders.
//!
//! Only shapes. The collector decides what goes into them, the rest of this crate how it looks.

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
    /// The last error that the customer saw in this session, if any.
    pub failure: Option<FailureView>,
    /// The newest 200 steps of this customer, oldest first; repeats are not joined.
    pub steps: Vec<Step>,
    /// The newest 20 distinct products, newest first.
    pub products: Vec<ProductView>,
    /// The newest 10 orders, newest first.
    pub orders: Vec<OrderView>,
    /// The last coarse position, if the customer allowed it.
    pub location: Option<LocationView>,
    /// The desk link: the page of this call, to open as a screen pop. Relative if the collector has no
    /// public URL.
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
    /// What the customer lets the agent see.
    pub scope: Scope,
    /// Whether the app's own record of this call has arrived.
    pub confirmed: bool,
}

/// What the customer lets the agent see.
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
    /// The app's id of the customer; null when nobody was identified.
    pub id: Option<String>,
    /// Whether the collector verified a proof of that id.
    pub verified: bool,
}

/// How fresh a context is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FreshnessState {
    /// Everything up to the tap is here, and the phone was heard of within the last two minutes.
    Live,
    /// Everything that the phone announced is here.
    Synced,
    /// The phone has, or may have, steps that are not here yet.
    Pending,
}

/// How complete and how fresh a context is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Freshness {
    /// The state in one word.
    pub state: FreshnessState,
    /// The highest `seq` up to which nothing is pending.
    pub complete_through: u64,
    /// The highest `seq` stored.
    pub at_seq: u64,
    /// How many steps the phone still holds, as far as it announced them.
    pub pending: u64,
    /// How many steps are lost for good, beyond those that `dropped` explains.
    pub missing: u64,
    /// How many events the phone dropped since its epoch began, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// When the phone was last heard of, in ms since the Unix epoch; null if never.
    pub synced_at: Option<i64>,
}

/// A screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScreenView {
    /// The app's name for it, a route pattern.
    pub name: String,
    /// Its business words; the pattern if the collector has none.
    pub label: String,
    /// The stage of the customer's journey, from the screens file.
    pub stage: Option<String>,
    /// How long the customer had been on it at the tap, in ms.
    pub dwell_ms: Option<u64>,
}

/// An error that the customer saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    /// The app's code for it.
    pub code: String,
    /// The screen it appeared on.
    pub screen: Option<ScreenView>,
    /// When it happened, by the collector's clock, in ms since the Unix epoch.
    pub at: i64,
}

/// One step of the journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Its place in the phone's order.
    pub seq: u64,
    /// When it happened, by the collector's clock, in ms since the Unix epoch.
    pub at: i64,
    /// The event's type, as on the wire.
    #[serde(rename = "type")]
    pub kind: String,
    /// The screen it happened on.
    pub screen: Option<String>,
    /// The step as the customer would tell it: "I looked at Galaxy A10".
    pub text: String,
    /// The product it concerns.
    pub product: Option<ProductView>,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProductView {
    /// Its id in the app.
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
    /// Its id in the app.
    pub id: String,
    /// Its status, in the app's words.
    pub status: String,
    /// Its total.
    pub total: Option<Price>,
    /// When the app last recorded it, by the collector's clock, in ms since the Unix epoch.
    pub at: i64,
}

/// A coarse position, rounded to 0.01 degrees (about a kilometre).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LocationView {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// When it happened, by the collector's clock, in ms since the Unix epoch.
    pub at: i64,
}
