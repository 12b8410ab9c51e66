//! Reads a record's body back as a step of a preview. `worker` decides which steps a preview shows.

use serde::Deserialize;

use crate::preview::{PreviewStep, StepKind};

#[derive(Deserialize)]
struct StepBody {
    at: i64,
    #[serde(rename = "type")]
    kind: String,
    screen: Option<String>,
    product: Option<Named>,
    query: Option<String>,
    order: Option<Named>,
    failure: Option<Coded>,
    name: Option<String>,
    customer: Option<Named>,
    location: Option<Position>,
    call: Option<Topical>,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Coded {
    code: String,
    screen: Option<String>,
}

#[derive(Deserialize)]
struct Position {
    latitude: f64,
    longitude: f64,
}

#[derive(Deserialize)]
struct Topical {
    topic: Option<String>,
}

/// Reads a step from a record's body; `None` if it is not an event of ours.
pub(crate) fn read_step(body: &[u8]) -> Option<PreviewStep> {
    let step: StepBody = serde_json::from_slice(body).ok()?;
    // A failure names the screen that showed it.
    let shown_on = step.failure.as_ref().and_then(|failure| failure.screen.clone());
    let product = |product: Option<Named>| product.and_then(|it| it.name.or(it.id));
    let (what, about) = match step.kind.as_str() {
        "screen_view" => (StepKind::ScreenView, step.screen.clone()),
        "product_view" => (StepKind::ProductView, product(step.product)),
        "search" => (StepKind::Search, step.query),
        "cart_change" => (StepKind::CartChange, product(step.product)),
        "order" => (StepKind::Order, step.order.and_then(|order| order.id)),
        "failure" => (StepKind::Failure, step.failure.map(|failure| failure.code)),
        "custom" => (StepKind::Custom, step.name),
        "customer" => (StepKind::Customer, step.customer.and_then(|customer| customer.id)),
        "location" => (StepKind::Location, step.location.map(|position| position.in_words())),
        "call" => (StepKind::Call, step.call.and_then(|call| call.topic)),
        _ => return None,
    };
    Some(PreviewStep { at_ms: step.at, screen: shown_on.or(step.screen), what, about })
}

impl Position {
    /// Formats the position in hundredths of a degree, as recorded. (Adding zero turns minus zero
    /// into zero.)
    fn in_words(&self) -> String {
        format!("{:.2}, {:.2}", self.latitude + 0.0, self.longitude + 0.0)
    }
}
