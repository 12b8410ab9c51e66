//! Everything the page shows of a context, in its final words.

use crate::glance::Glance;
use crate::money;
use crate::steps::Journey;
use crate::view::{ContextView, Freshness, Scope};
use crate::words::{self, Moment};

/// A context, ready for the template.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The collector's time in ms since the Unix epoch, from which the script counts.
    pub(crate) now_ms: i64,
    pub(crate) tapped: Option<Moment>,
    pub(crate) glance: Glance<'a>,
    /// Whether the customer shares only this screen.
    pub(crate) screen_only: bool,
    pub(crate) journey: Journey,
    /// One sentence about the steps that are lost, if there are any.
    pub(crate) lost: Option<String>,
    pub(crate) products: Vec<Product>,
    pub(crate) orders: Vec<Order<'a>>,
    pub(crate) place: Option<Place>,
}

/// A product the customer saw.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Category and brand, as far as known.
    pub(crate) about: Option<String>,
    pub(crate) price: Option<String>,
}

/// An order.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) id: &'a str,
    pub(crate) status: String,
    pub(crate) total: Option<String>,
    pub(crate) at: Moment,
}

/// Where the phone was, coarsely.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) coordinates: String,
    pub(crate) at: Moment,
}

impl<'a> Context<'a> {
    pub(crate) fn new(view: &'a ContextView, now_ms: i64) -> Self {
        let tapped_at = view.call.tapped_at;
        Self {
            now_ms,
            tapped: tapped_at.map(|at| Moment::new(at, now_ms)),
            glance: Glance::new(view, now_ms),
            screen_only: view.call.scope == Scope::Screen,
            journey: Journey::new(&view.steps, tapped_at.unwrap_or(now_ms), now_ms),
            lost: lost(&view.freshness),
            products: view.products.iter().map(Product::new).collect(),
            orders: view
                .orders
                .iter()
                .map(|order| Order {
                    id: &order.id,
                    status: words::plain(&order.status),
                    total: order.total.as_ref().map(money::amount),
                    at: Moment::new(order.at, now_ms),
                })
                .collect(),
            place: view.location.as_ref().map(|location| Place {
                coordinates: words::place(location),
                at: Moment::new(location.at, now_ms),
            }),
        }
    }

    /// Whether an empty section says "none". Under a narrowed scope it is left out: "none" would be a
    /// statement about data that the customer did not share.
    pub(crate) fn says_none(&self) -> bool {
        !self.screen_only
    }
}

impl Product {
    fn new(product: &crate::view::ProductView) -> Self {
        let category =
            product.category.as_deref().map(words::category).filter(|path| !path.is_empty());
        let brand = words::non_blank(product.brand.as_deref()).map(str::to_owned);
        let about: Vec<String> = [category, brand].into_iter().flatten().collect();
        Self {
            id: product.id.clone(),
            name: words::product(product),
            about: (!about.is_empty()).then(|| about.join(" · ")),
            price: product.price.as_ref().map(money::amount),
        }
    }
}

/// Says which steps are missing from the list for good.
fn lost(freshness: &Freshness) -> Option<String> {
    let mut parts: Vec<String> = freshness
        .dropped
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(reason, n)| format!("{n}\u{a0}{}", dropped_because(reason)))
        .collect();
    if freshness.missing > 0 {
        parts.insert(0, format!("{}\u{a0}missing without a known reason", freshness.missing));
    }
    (!parts.is_empty()).then(|| format!("Not in this list: {}.", parts.join(", ")))
}

/// The wire's reasons in an agent's words.
fn dropped_because(reason: &str) -> String {
    match reason {
        "quota" => "dropped on the phone for want of room".to_owned(),
        "expired" => "too old when the phone came online".to_owned(),
        "corrupt" => "damaged on the phone".to_owned(),
        "too_large" => "too large".to_owned(),
        "invalid" => "not valid".to_owned(),
        "consent" => "recorded before the customer agreed".to_owned(),
        "disk" => "not written because the phone's storage was full".to_owned(),
        "rejected" => "refused by the collector".to_owned(),
        other => format!("dropped ({})", words::plain(other).to_lowercase()),
    }
}
