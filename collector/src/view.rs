//! Builds what an agent sees from stored events. Pure: no storage, no clock.
//!
//! Who the person is and which events are theirs was decided in `attribution`; here, what is shown of
//! them, and how complete it is.

use std::collections::HashSet;

use jalon::call::ContextToken;
use jalon_desk::view::{
    CallView, ContextView, CustomerView, FailureView, Freshness, FreshnessState, LocationView,
    OrderView, ProductView, Scope, ScreenView, Step,
};

use crate::event::Product;
use crate::labels::Labels;
use crate::limits::{LIVE_MS, VIEW_ORDERS_MAX, VIEW_PRODUCTS_MAX, VIEW_STEPS_MAX};
use crate::narration;
use crate::store::Context;
use crate::stored_event::ReadEvent;

/// Builds the view of a call, with the desk link it is opened by.
pub(crate) fn build(context: &Context, labels: &Labels, now_ms: i64, desk: String) -> ContextView {
    let events: Vec<ReadEvent<'_>> = context.events.iter().filter_map(ReadEvent::new).collect();
    let last_screen = last_screen(context, &events, labels);
    let failure = failure(&events, labels);
    let view = ContextView {
        call: CallView {
            token: context.call.token.map(|bits| ContextToken::from_bytes(bits).to_string()),
            tapped_at: context.call.tapped_at,
            topic: context.call.topic.clone(),
            scope: context.call.scope,
            confirmed: context.call.token.is_some(),
        },
        customer: CustomerView {
            id: context.person.customer.clone(),
            // Anybody may have dialled a code for which there is no record of the app.
            verified: context.person.verified && context.call.token.is_some(),
        },
        freshness: freshness(context, now_ms),
        last_screen,
        failure,
        steps: steps(&events, labels),
        products: products(&events),
        orders: orders(&events),
        location: location(&events),
        desk,
    };
    match context.call.scope {
        Scope::Everything => view,
        Scope::Screen => {
            let screen = view.last_screen.as_ref();
            let failure = failure_of_the_tap(context, &events, screen, labels);
            ContextView { failure, ..only_screen(view) }
        }
    }
}

/// The part of a view that is left when the customer shares only the screen.
fn only_screen(view: ContextView) -> ContextView {
    ContextView {
        customer: CustomerView { id: None, verified: false },
        failure: None,
        steps: Vec::new(),
        products: Vec::new(),
        orders: Vec::new(),
        location: None,
        ..view
    }
}

/// How complete the context is: counted from what is stored, not from what the phone announced.
fn freshness(context: &Context, now_ms: i64) -> Freshness {
    let epoch = &context.epoch;
    // Only events dropped for these reasons had a seq.
    let dropped = |reason: &str| epoch.dropped.get(reason).copied().unwrap_or(0);
    let explained = [
        dropped("quota"),
        dropped("expired"),
        dropped("corrupt"),
        // Those refused by name have a row of their own.
        dropped("rejected").saturating_sub(epoch.refused),
    ]
    .into_iter()
    .fold(0, u64::saturating_add);
    // The first seq is 1.
    let given = epoch.next.saturating_sub(1);
    let absent = given.saturating_sub(epoch.stored + epoch.refused + epoch.pending);
    let confirmed = context.call.token.is_some();
    let whole_at_tap = !epoch.awaited_before(context.call.place);
    let heard = now_ms - context.synced_at <= LIVE_MS;
    let state = match (confirmed, whole_at_tap && heard, epoch.pending) {
        (true, true, _) => FreshnessState::Live,
        (true, false, 0) => FreshnessState::Synced,
        // Without the call's record, the phone may have steps that it never announced.
        _ => FreshnessState::Pending,
    };
    Freshness {
        state,
        complete_through: epoch.first_pending.map_or(given, |seq| seq.saturating_sub(1)),
        at_seq: epoch.at_seq,
        pending: epoch.pending,
        missing: absent.saturating_sub(explained),
        dropped: epoch.dropped.clone(),
        synced_at: Some(context.synced_at),
    }
}

/// The screen of the tap. Once the call's record is here, the events before it say which; until then
/// the code's digits do, since they are newer than any upload.
fn last_screen(context: &Context, events: &[ReadEvent<'_>], labels: &Labels) -> Option<ScreenView> {
    let tapped_at = context.call.tapped_at;
    let until = tapped_at.map_or(crate::attribution::END, |_| context.call.place);
    let seen = events
        .iter()
        .rev()
        .filter(|event| event.stored.place <= until)
        .find_map(|event| event.body.screen.as_ref());
    // Events uploaded before a tap that is not here need not be of its screen.
    let only_this = tapped_at.is_none() && context.call.scope == Scope::Screen;
    let seen = seen.filter(|_| !only_this);
    let name = match (tapped_at, seen, &context.code_screen) {
        (Some(_), Some(seen), _) | (None, Some(seen), None) => seen,
        (_, _, Some(coded)) => coded,
        (_, None, None) => return None,
    };
    let dwell_ms = tapped_at.and_then(|tapped_at| {
        let view = events
            .iter()
            .rev()
            .find(|event| event.stored.kind == "screen_view" && event.stored.place <= until)?;
        (view.body.screen.as_ref() == Some(name))
            .then(|| u64::try_from(tapped_at - view.stored.at).unwrap_or(0))
    });
    Some(ScreenView { dwell_ms, ..labels.screen(name) })
}

/// The newest failure of the newest session.
fn failure(events: &[ReadEvent<'_>], labels: &Labels) -> Option<FailureView> {
    let session = events.iter().rev().find_map(|event| event.body.session)?;
    let event = events
        .iter()
        .rev()
        .take_while(|event| event.body.session.is_none_or(|of| of == session))
        .find(|event| event.body.failure.is_some())?;
    shown_failure(event, labels)
}

/// The failure on the screen of the tap, between its opening and the tap: the customer chose to share
/// it, and saw it in the preview. `None` until the app's record says when the tap was.
fn failure_of_the_tap(
    context: &Context,
    events: &[ReadEvent<'_>],
    screen: Option<&ScreenView>,
    labels: &Labels,
) -> Option<FailureView> {
    let name = &screen?.name;
    context.call.tapped_at?;
    let event = events
        .iter()
        .rev()
        .filter(|event| event.stored.place <= context.call.place)
        .take_while(|event| event.stored.kind != "screen_view")
        .find(|event| {
            event.body.failure.as_ref().is_some_and(|failure| {
                failure.screen.as_ref().or(event.body.screen.as_ref()) == Some(name)
            })
        })?;
    shown_failure(event, labels)
}

fn shown_failure(event: &ReadEvent<'_>, labels: &Labels) -> Option<FailureView> {
    let failure = event.body.failure.as_ref()?;
    let screen = failure.screen.as_ref().or(event.body.screen.as_ref());
    Some(FailureView {
        code: failure.code.clone(),
        screen: screen.map(|name| labels.screen(name)),
        at: event.stored.at,
    })
}

/// The customer's steps, oldest first. The SDK's own events are not steps.
fn steps(events: &[ReadEvent<'_>], labels: &Labels) -> Vec<Step> {
    let mut steps: Vec<Step> = events
        .iter()
        .rev()
        .filter_map(|event| {
            Some(Step {
                seq: event.stored.place.1,
                at: event.stored.at,
                kind: event.stored.kind.clone(),
                screen: event.body.screen.clone(),
                text: narration::step(event, labels)?,
                product: event.body.product.as_ref().map(product),
            })
        })
        .take(VIEW_STEPS_MAX)
        .collect();
    steps.reverse();
    steps
}

/// The newest distinct products, as last seen, newest first.
fn products(events: &[ReadEvent<'_>]) -> Vec<ProductView> {
    let mut seen = HashSet::new();
    events
        .iter()
        .rev()
        .filter_map(|event| event.body.product.as_ref())
        .filter(|product| seen.insert(&product.id))
        .take(VIEW_PRODUCTS_MAX)
        .map(product)
        .collect()
}

fn product(product: &Product) -> ProductView {
    ProductView {
        id: product.id.clone(),
        name: product.name.clone(),
        category: product.category.clone(),
        brand: product.brand.clone(),
        price: product.price.clone(),
    }
}

/// The newest orders, each in its last recorded state, newest first.
fn orders(events: &[ReadEvent<'_>]) -> Vec<OrderView> {
    let mut seen = HashSet::new();
    events
        .iter()
        .rev()
        .filter_map(|event| Some((event.stored.at, event.body.order.as_ref()?)))
        .filter(|(_, order)| seen.insert(&order.id))
        .take(VIEW_ORDERS_MAX)
        .map(|(at, order)| OrderView {
            id: order.id.clone(),
            status: order.status.clone(),
            total: order.total.clone(),
            at,
        })
        .collect()
}

fn location(events: &[ReadEvent<'_>]) -> Option<LocationView> {
    let (at, location) = events
        .iter()
        .rev()
        .find_map(|event| Some((event.stored.at, event.body.location.as_ref()?)))?;
    let coarse = |degrees: f64| (degrees * 100.0).round() / 100.0;
    Some(LocationView {
        latitude: coarse(location.latitude),
        longitude: coarse(location.longitude),
        at,
    })
}
