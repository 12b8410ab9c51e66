//! The first glance: who calls, what they are stuck on, what it is about, how fresh it is.
//!
//! Decides which few words an agent sees first. The template decides how they look.

use crate::view::{ContextView, Freshness, FreshnessState};
use crate::words::{self, Moment};

/// The page says "Live" for this long after the phone was last heard of; an open page then stops.
const LIVE_FOR_MS: i64 = 2 * 60 * 1000;

/// The four answers, in the order an agent needs them.
#[derive(Debug)]
pub(crate) struct Glance<'a> {
    pub(crate) who: Who<'a>,
    pub(crate) on: On<'a>,
    pub(crate) about: About,
    pub(crate) fresh: Fresh,
}

/// Who calls.
#[derive(Debug)]
pub(crate) struct Who<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) verified: bool,
    pub(crate) confirmed: bool,
}

/// What the customer is stuck on.
#[derive(Debug)]
pub(crate) struct On<'a> {
    pub(crate) screen: Option<&'a str>,
    /// Whether `screen` is a route pattern, because it has no business words.
    pub(crate) pattern: bool,
    pub(crate) dwell: Option<String>,
    pub(crate) failure: Option<Failure<'a>>,
}

/// The error that the customer saw.
#[derive(Debug)]
pub(crate) struct Failure<'a> {
    pub(crate) what: String,
    /// The screen it appeared on, unless that is the screen already named.
    pub(crate) elsewhere: Option<&'a str>,
    pub(crate) at: Moment,
}

/// What the call is about.
#[derive(Debug)]
pub(crate) struct About {
    /// The product or order that the customer last dealt with.
    pub(crate) subject: Option<String>,
    /// The order's status.
    pub(crate) status: Option<String>,
    pub(crate) topic: Option<String>,
}

/// How fresh the picture is.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) state: &'static str,
    pub(crate) synced: Option<Moment>,
    /// Until when the page may say "Live", in ms since the Unix epoch.
    pub(crate) live_until: i64,
    /// The steps that are not here, if any: "3 newer steps pending, 1 missing".
    pub(crate) gaps: Option<String>,
}

impl<'a> Glance<'a> {
    pub(crate) fn new(view: &'a ContextView, now_ms: i64) -> Self {
        Self {
            who: Who {
                id: words::non_blank(view.customer.id.as_deref()),
                verified: view.customer.verified,
                confirmed: view.call.confirmed,
            },
            on: On::new(view, now_ms),
            about: About::new(view),
            fresh: Fresh::new(&view.freshness, now_ms),
        }
    }
}

impl Who<'_> {
    /// The answer as one spoken sentence.
    pub(crate) fn sentence(&self) -> String {
        let who = match (self.id, self.verified) {
            (Some(id), true) => format!("Customer {id}, verified"),
            (Some(id), false) => format!("Customer {id}, not verified"),
            (None, _) => "Unknown customer".to_owned(),
        };
        if self.confirmed { who } else { format!("{who}, not confirmed by the app") }
    }
}

impl<'a> On<'a> {
    fn new(view: &'a ContextView, now_ms: i64) -> Self {
        let screen = view.last_screen.as_ref();
        Self {
            screen: screen
                .and_then(|s| words::non_blank(Some(&s.label)).or(words::non_blank(Some(&s.name)))),
            pattern: screen.is_some_and(|s| s.label == s.name || s.label.trim().is_empty()),
            dwell: screen.and_then(|s| s.dwell_ms).and_then(words::dwell),
            failure: view.failure.as_ref().map(|failure| Failure {
                what: words::non_blank(Some(&failure.code))
                    .map_or_else(|| "Something failed".to_owned(), words::plain),
                elsewhere: failure
                    .screen
                    .as_ref()
                    .filter(|at| screen.is_none_or(|s| s.name != at.name))
                    .and_then(|at| words::non_blank(Some(&at.label))),
                at: Moment::new(failure.at, now_ms),
            }),
        }
    }

    /// The failure as one spoken sentence. The screen is not announced: the step that led to it is, and
    /// says the same.
    pub(crate) fn sentence(&self) -> Option<String> {
        let failure = self.failure.as_ref()?;
        Some(match failure.elsewhere.or(self.screen) {
            Some(screen) => format!("{} on {screen}", failure.what),
            None => failure.what.clone(),
        })
    }
}

impl About {
    /// The newest subject of the customer's steps: a product or an order.
    fn new(view: &ContextView) -> Self {
        let step = view.steps.iter().rev().find(|step| step.product.is_some());
        let product = step.and_then(|s| s.product.as_ref()).or(view.products.first());
        let order = view
            .orders
            .first()
            .filter(|order| product.is_none() || step.is_none_or(|step| order.at >= step.at));
        let (subject, status) = match (order, product) {
            (Some(order), _) => (
                Some(format!("Order {}", order.id)),
                words::non_blank(Some(&order.status)).map(words::plain),
            ),
            (None, Some(product)) => {
                // A cart step may have only the id; the list may have the rest.
                let known = view.products.iter().find(|p| p.id == product.id).unwrap_or(product);
                (Some(words::product(known)), None)
            }
            (None, None) => (None, None),
        };
        Self {
            subject,
            status,
            topic: words::non_blank(view.call.topic.as_deref()).map(words::plain),
        }
    }
}

impl Fresh {
    fn new(freshness: &Freshness, now_ms: i64) -> Self {
        let synced_at = freshness.synced_at;
        Self {
            state: match freshness.state {
                FreshnessState::Live => "live",
                FreshnessState::Synced => "synced",
                FreshnessState::Pending => "pending",
            },
            synced: synced_at.map(|at| Moment::new(at, now_ms)),
            live_until: synced_at.unwrap_or(now_ms).saturating_add(LIVE_FOR_MS),
            gaps: gaps(freshness),
        }
    }

    /// The answer as one spoken sentence. Without the time, which changes by itself.
    pub(crate) fn sentence(&self) -> String {
        match (self.state, &self.gaps) {
            ("live", None) => "Live".to_owned(),
            ("live", Some(gaps)) => format!("Live, {gaps}"),
            (_, None) => "Synced".to_owned(),
            (_, Some(gaps)) => gaps.clone(),
        }
    }
}

fn gaps(freshness: &Freshness) -> Option<String> {
    let pending = match (freshness.state, freshness.pending) {
        (FreshnessState::Pending, 0) if freshness.synced_at.is_none() => {
            Some("steps pending".to_owned())
        }
        (FreshnessState::Pending, 0) => Some("newer steps pending".to_owned()),
        (_, 0) => None,
        (_, 1) => Some("1\u{a0}newer step pending".to_owned()),
        (_, n) => Some(format!("{n}\u{a0}newer steps pending")),
    };
    match (pending, freshness.missing) {
        (pending, 0) => pending,
        (Some(pending), missing) => Some(format!("{pending}, {missing}\u{a0}missing")),
        (None, missing) => Some(format!("{} missing", words::count(missing, "step"))),
    }
}
