//! Contexts as calls bring them, for the examples and the tests.

use std::collections::BTreeMap;

use jalon_desk::view::{
    CallView, ContextView, CustomerView, FailureView, Freshness, FreshnessState, LocationView,
    OrderView, Price, ProductView, Scope, ScreenView, Step,
};

/// The collector's time in every fixture: 2026-11-22 14:32:05 UTC.
pub(crate) const NOW: i64 = 1_795_357_925_000;
pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;

pub(crate) fn price(minor: i64, currency: &str) -> Price {
    Price { minor, currency: currency.to_owned() }
}

pub(crate) fn product(id: &str, name: &str, category: &str, brand: &str, eur: i64) -> ProductView {
    ProductView {
        id: id.to_owned(),
        name: Some(name.to_owned()),
        category: Some(category.to_owned()),
        brand: Some(brand.to_owned()),
        price: Some(price(eur, "EUR")),
    }
}

pub(crate) fn screen(name: &str, label: &str, dwell_ms: Option<u64>) -> ScreenView {
    ScreenView {
        name: name.to_owned(),
        label: label.to_owned(),
        stage: Some("purchase".to_owned()),
        dwell_ms,
    }
}

pub(crate) fn step(seq: u64, at: i64, kind: &str, screen: &str, text: &str) -> Step {
    Step {
        seq,
        at,
        kind: kind.to_owned(),
        screen: Some(screen.to_owned()),
        text: text.to_owned(),
        product: None,
    }
}

/// The two events an app records when a customer opens a product.
pub(crate) fn view_of(seq: u64, at: i64, product: &ProductView) -> [Step; 2] {
    let name = product.name.clone().unwrap_or_default();
    let mut view =
        step(seq + 1, at + 250, "product_view", "product/{id}", &format!("I looked at {name}"));
    view.product = Some(product.clone());
    [step(seq, at, "screen_view", "product/{id}", "I opened Product page"), view]
}

/// Nobody identified, no screen, nothing recorded: a leased code's first call, say.
pub(crate) fn nothing_known() -> ContextView {
    ContextView {
        call: CallView {
            token: None,
            tapped_at: None,
            topic: None,
            scope: Scope::Everything,
            confirmed: false,
        },
        customer: CustomerView { id: None, verified: false },
        freshness: Freshness {
            state: FreshnessState::Pending,
            complete_through: 0,
            at_seq: 0,
            pending: 0,
            missing: 0,
            dropped: BTreeMap::new(),
            synced_at: None,
        },
        last_screen: None,
        failure: None,
        steps: Vec::new(),
        products: Vec::new(),
        orders: Vec::new(),
        location: None,
        desk: String::new(),
    }
}

/// A verified customer whose card was declined, live.
pub(crate) fn live() -> ContextView {
    let phone = product("1004856", "Galaxy A10", "electronics.smartphone", "samsung", 13_076);
    let case = product("9100213", "Silicone case, black", "accessories.case", "samsung", 1_490);
    let kettle =
        product("1005115", "Water kettle 1.7 l", "appliances.kitchen.kettle", "bosch", 3_999);
    let mut steps = Vec::new();
    let yesterday = NOW - 26 * 60 * MINUTE;
    steps.extend(view_of(380, yesterday, &kettle));
    steps.push(step(382, yesterday + 3 * MINUTE, "search", "search", "I searched, 14 results"));
    let start = NOW - 18 * MINUTE;
    steps.push(step(400, start, "screen_view", "home", "I opened Home"));
    for (place, at) in [2, 5, 7].into_iter().enumerate() {
        steps.extend(view_of(402 + 2 * place as u64, start + at * MINUTE, &phone));
    }
    steps.extend(view_of(410, start + 9 * MINUTE, &case));
    let mut cart = step(
        413,
        start + 11 * MINUTE,
        "cart_change",
        "product/{id}",
        "I put Galaxy A10 into my cart",
    );
    cart.product = Some(phone.clone());
    steps.push(cart);
    steps.push(step(414, start + 13 * MINUTE, "screen_view", "cart", "I opened Cart"));
    steps.push(step(
        415,
        start + 15 * MINUTE,
        "screen_view",
        "checkout/payment",
        "I opened Payment",
    ));
    for seq in [416, 417] {
        let at = start + 16 * MINUTE + (seq as i64 - 416) * 40 * SECOND;
        steps.push(step(seq, at, "failure", "checkout/payment", "I saw an error: card declined"));
    }
    ContextView {
        call: CallView {
            token: Some("q1W2e3R4t5Y6u7I8o9P0aA".to_owned()),
            tapped_at: Some(NOW - 20 * SECOND),
            topic: Some("billing".to_owned()),
            scope: Scope::Everything,
            confirmed: true,
        },
        customer: CustomerView { id: Some("515136153".to_owned()), verified: true },
        freshness: Freshness {
            state: FreshnessState::Live,
            complete_through: 417,
            at_seq: 417,
            pending: 0,
            missing: 0,
            dropped: BTreeMap::new(),
            synced_at: Some(NOW - 4 * SECOND),
        },
        last_screen: Some(screen("checkout/payment", "Payment", Some(130_000))),
        failure: Some(FailureView {
            code: "card_declined".to_owned(),
            screen: Some(screen("checkout/payment", "Payment", None)),
            at: NOW - 80 * SECOND,
        }),
        steps,
        products: vec![case, phone, kettle],
        orders: vec![OrderView {
            id: "A-20391".to_owned(),
            status: "shipped".to_owned(),
            total: Some(price(108_198, "EUR")),
            at: yesterday - 40 * 60 * MINUTE,
        }],
        location: Some(LocationView { latitude: 48.86, longitude: 2.35, at: NOW - 19 * MINUTE }),
        desk: String::new(),
    }
}

/// The phone had no data at the tap: all that is known is 26 minutes old.
pub(crate) fn pending() -> ContextView {
    let mut view = live();
    view.freshness.state = FreshnessState::Pending;
    view.freshness.synced_at = Some(NOW - 26 * MINUTE);
    view.freshness.pending = 12;
    view.freshness.missing = 3;
    view.freshness.dropped = BTreeMap::from([("quota".to_owned(), 41), ("expired".to_owned(), 2)]);
    view.failure = None;
    view
}

/// A leased code, dialled before the app could say so.
pub(crate) fn not_confirmed() -> ContextView {
    let mut view = pending();
    view.call.token = None;
    view.call.tapped_at = None;
    view.call.topic = None;
    view.call.confirmed = false;
    view.customer.verified = false;
    view.freshness.pending = 0;
    view.freshness.missing = 0;
    view.freshness.dropped.clear();
    view.last_screen = Some(screen("returns/{order}/label", "returns/{order}/label", None));
    view
}

/// The customer shares only the screen they call from.
pub(crate) fn this_screen_only() -> ContextView {
    let mut view = nothing_known();
    view.call = CallView { scope: Scope::Screen, ..live().call };
    view.call.topic = None;
    view.freshness = live().freshness;
    view.last_screen = Some(screen("checkout/delivery", "Delivery options", Some(45_000)));
    view
}

/// An order just placed, everything here, nothing pending.
pub(crate) fn synced() -> ContextView {
    let mut view = live();
    view.customer.verified = false;
    view.customer.id = Some("elodie.marchand@example.com".to_owned());
    view.freshness.state = FreshnessState::Synced;
    view.freshness.synced_at = Some(NOW - 7 * MINUTE);
    view.failure = None;
    view.last_screen = Some(screen("order/{id}", "Order status", Some(4_000)));
    view.orders.insert(
        0,
        OrderView {
            id: "A-20544".to_owned(),
            status: "awaiting_payment".to_owned(),
            total: Some(price(13_076, "EUR")),
            at: NOW - 30 * SECOND,
        },
    );
    view.call.topic = Some("delivery".to_owned());
    view
}

/// Two hundred steps, names that never end, that run from right to left, and that are markup.
pub(crate) fn hostile() -> ContextView {
    let mut view = live();
    let long = "Ultra ".repeat(60) + "Phone";
    let markup = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    view.customer.id = Some("0b7e5c1e-9f7a-4c55-9d8e-".to_owned() + &"a1b2c3d4".repeat(9));
    view.call.topic = Some("\"><b>bold</b> {{ 7*7 }} &amp;".to_owned());
    view.last_screen = Some(screen("x", "مراجعة الطلب 🛒 والدفع", Some(90_061_000)));
    if let Some(failure) = &mut view.failure {
        markup.clone_into(&mut failure.code);
    }
    let names = [long.as_str(), markup, "قميص قطني أزرق", "👩‍👩‍👧‍👦 Family pack 🇫🇷", "Ωμέγα"];
    view.products = names
        .iter()
        .enumerate()
        .map(|(id, name)| product(&id.to_string(), name, "a.b_c..d", "brand & co", 100_000_000))
        .collect();
    view.steps = (0..200)
        .map(|n| {
            let product = &view.products[n % names.len()];
            let at = NOW - (200 - n as i64) * 7 * MINUTE;
            let text = format!("I looked at {}", product.name.clone().unwrap_or_default());
            Step {
                product: Some(product.clone()),
                ..step(n as u64, at, "product_view", "product/{id}", &text)
            }
        })
        .collect();
    view
}
