//! Promise: malformed events and a broken clock cost events at worst, and those are counted.

use std::collections::BTreeMap;

use jalon::{CallRequest, DropReason, Event, Order, Price, Product, Value};
use proptest::prelude::*;

use crate::support::{Phone, clock::START_WALL_MS};

#[test]
fn a_clock_that_is_years_off_or_jumps_costs_nothing_within_or_between_runs() {
    const YEAR_MS: i64 = 365 * 86_400_000;
    let walls = [-10 * YEAR_MS, 10 * YEAR_MS, -1, 1, -3_600_000, 90_000_000, 0, i64::MIN, i64::MAX];
    let mut phone = Phone::running();
    let mut expected = Vec::new();
    for (round, wall) in walls.into_iter().enumerate() {
        for (step, between) in [false, true].into_iter().enumerate() {
            if between {
                phone.close();
            }
            phone.clock.change(|now| now.wall_ms = START_WALL_MS.saturating_add(wall));
            if between {
                phone.open();
            }
            let screen = format!("{round}-{step}");
            phone.views([&screen]);
            phone.clock.run_until_idle();
            expected.push(screen);
            phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
            phone.clock.change(|now| now.wall_ms = START_WALL_MS);
            phone.views([format!("{round}-{step}-back")]);
            expected.push(format!("{round}-{step}-back"));
            phone.upload_all();
        }
    }
    assert_eq!(phone.collector(|collector| collector.screens_seen()), expected);
    phone.accounted(expected.len() as u64 + 2 * walls.len() as u64);
    // A restart of the device resets the elapsed clock too.
    phone.close();
    phone.clock.change(|now| now.elapsed_ms = 5);
    phone.open();
    phone.views(["after-the-restart"]);
    phone.upload_all();
    assert_eq!(phone.accounted(expected.len() as u64 + 19).dropped.total(), 0);
}

fn wild_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,20}",
        Just(String::new()),
        Just(" \t\u{a0}".to_owned()),
        Just("\0\0\u{1}\"\\\u{7f}\u{2028}".repeat(40)),
        Just("é👩‍👩‍👧‍👦\u{202e}\u{fffd}".repeat(200)),
        Just("x".repeat(1 << 20)),
        Just("\u{10ffff}".repeat(1 << 18)),
    ]
}

fn wild_event() -> impl Strategy<Value = Event> {
    let text = wild_text;
    let price = (any::<i64>(), prop_oneof![Just("EUR".to_owned()), text()])
        .prop_map(|(minor, currency)| Price { minor, currency })
        .boxed();
    let product = (
        text(),
        proptest::option::of(text()),
        proptest::option::of(text()),
        proptest::option::of(text()),
        proptest::option::of(price.clone()),
    )
        .prop_map(|(id, name, category, brand, price)| Product { id, name, category, brand, price })
        .boxed();
    let value = prop_oneof![
        text().prop_map(Value::Text),
        any::<f64>().prop_map(Value::Number),
        Just(Value::Number(f64::NAN)),
        any::<bool>().prop_map(Value::Flag),
    ];
    let order = (text(), text(), proptest::option::of(price))
        .prop_map(|(id, status, total)| Order { id, status, total });
    prop_oneof![
        text().prop_map(|screen| Event::ScreenView { screen }),
        product.clone().prop_map(|product| Event::ProductView { product }),
        (proptest::option::of(text()), any::<Option<u32>>())
            .prop_map(|(query, results)| Event::Search { query, results }),
        (product, any::<i32>()).prop_map(|(product, delta)| Event::CartChange { product, delta }),
        order.prop_map(|order| Event::Order { order }),
        (text(), proptest::option::of(text()))
            .prop_map(|(code, screen)| Event::Failure { code, screen }),
        (text(), proptest::collection::btree_map(text(), value, 0..20)).prop_map(
            |(name, values): (String, BTreeMap<String, Value>)| Event::Custom { name, values }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn wild_events_are_kept_or_counted(events in proptest::collection::vec(wild_event(), 1..12), text in wild_text()) {
        let mut phone = Phone::new();
        phone.config.record_search_queries = true;
        phone.open();
        let journey = phone.journey();
        for event in &events {
            journey.record(event.clone());
        }
        journey.identify(text.clone(), Some(text.clone()));
        journey.set_location(f64::NAN, f64::INFINITY);
        // A call, or not a valid phone number, which counts as invalid.
        let _ = journey.call_context(&CallRequest::to(text.clone()).about(text.clone()));
        journey.call_context(&CallRequest::to("112").about(text)).unwrap();
        phone.upload_all();
        let status = phone.accounted(events.len() as u64 + 4);
        let stored = phone.collector(|collector| collector.journey(1).len() as u64);
        prop_assert_eq!(stored + status.dropped.total(), events.len() as u64 + 4);
        prop_assert_eq!(status.dropped.total(), status.dropped.get(DropReason::Invalid) + status.dropped.get(DropReason::TooLarge));
    }
}
