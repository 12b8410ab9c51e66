//! Reads an event's body back as a step of a preview.

use serde::Deserialize;

use crate::preview::{PreviewStep, StepKind};

/// What of a body a step tells.
#[derive(Deserialize)]
struct Body {
    at: i64,
    #[serde(rename = "type")]
    what: Type,
    screen: Option<String>,
    product: Option<Named>,
    query: Option<String>,
    order: Option<Named>,
    failure: Option<Coded>,
    name: Option<String>,
    customer: Option<Named>,
    location: Option<Position>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Type {
    ScreenView,
    ProductView,
    Search,
    CartChange,
    Order,
    Failure,
    Custom,
    Customer,
    Location,
    Call,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Coded {
    code: String,
}

#[derive(Deserialize)]
struct Position {
    latitude: f64,
    longitude: f64,
}

impl Named {
    /// As a person would call it.
    fn called(self) -> Option<String> {
        self.name.or(self.id)
    }
}

/// Reads a step out of a body; `None` for one that is no event's.
pub(crate) fn read_step(body: &[u8]) -> Option<PreviewStep> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let place = |at: Position| format!("{:.2}, {:.2}", at.latitude, at.longitude);
    let (what, about) = match body.what {
        Type::ScreenView => (StepKind::ScreenView, body.screen.clone()),
        Type::ProductView => (StepKind::ProductView, body.product.and_then(Named::called)),
        Type::Search => (StepKind::Search, body.query),
        Type::CartChange => (StepKind::CartChange, body.product.and_then(Named::called)),
        Type::Order => (StepKind::Order, body.order.and_then(Named::called)),
        Type::Failure => (StepKind::Failure, body.failure.map(|failure| failure.code)),
        Type::Custom => (StepKind::Custom, body.name),
        Type::Customer => (StepKind::Customer, body.customer.and_then(Named::called)),
        Type::Location => (StepKind::Location, body.location.map(place)),
        Type::Call => (StepKind::Call, None),
    };
    Some(PreviewStep { at_ms: body.at, screen: body.screen, what, about })
}
