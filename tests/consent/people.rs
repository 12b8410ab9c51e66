//! Promise: leased codes stay with the customer they were given under, and sessions and people
//! outlive the process.

use std::collections::BTreeMap;

use jalon::{CallRequest, CallScope, Consent, DropReason, Event, StepKind, Value};

use crate::support::Phone;

/// A phone with codes that were leased before any customer signed in.
fn leased() -> Phone {
    let mut phone = Phone::new();
    phone.collector(|collector| collector.leases = (1..=40).map(|at| at * 2).collect());
    phone.open();
    phone.views(["home"]);
    phone.upload_all();
    assert_eq!(phone.status().codes, 5);
    phone
}

#[test]
fn from_nobody_to_somebody_keeps_the_codes_also_through_a_restart() {
    let mut phone = leased();
    phone.network.offline();
    phone.journey().identify("A", None);
    assert_eq!(phone.status().codes, 5);
    phone.clock.advance(1_000);
    assert_eq!(phone.status().codes, 5);
    phone.restart();
    phone.journey().identify("A", None);
    phone.journey().identify("A", Some("proof".into()));
    phone.clock.advance(1_000);
    assert_eq!(phone.status().codes, 5);
    assert!(phone.journey().call_context(&CallRequest::to("112")).unwrap().code.is_some());
}

#[test]
fn from_one_to_another_or_to_nobody_drops_the_codes_at_once_and_for_good() {
    for next in [Some("B"), None] {
        let mut phone = leased();
        phone.journey().identify("A", None);
        phone.upload_all();
        phone.network.offline();
        match next {
            Some(id) => phone.journey().identify(id, None),
            None => phone.journey().clear_customer(),
        }
        let call = phone.journey().call_context(&CallRequest::to("112")).unwrap();
        assert_eq!((call.code, phone.status().codes), (None, 0));
        assert!(call.token.is_some());
        phone.clock.advance(1_000);
        assert_eq!(phone.status().codes, 0);
        phone.restart();
        assert_eq!(phone.status().codes, 0);
        // The next answer brings new ones.
        phone.network.online();
        phone.upload_all();
        phone.clock.advance(1_000);
        assert_eq!(phone.status().codes, 5, "{next:?}");
    }
}

#[test]
fn an_erasure_drops_codes_and_customer() {
    let phone = leased();
    phone.journey().identify("A", None);
    phone.upload_all();
    phone.journey().erase();
    assert_eq!(phone.status().codes, 0);
    phone.run_until_idle();
    phone.journey().set_consent(jalon::Consent::Granted);
    phone.views(["new"]);
    phone.journey().call_context(&CallRequest::to("112")).unwrap();
    phone.run_until_idle();
    phone.collector(|collector| {
        let call = collector.calls.last().unwrap();
        assert!(call["customer"].is_null() && call["events"].as_array().unwrap().len() == 1);
    });
}

#[test]
fn a_session_survives_a_restart_within_half_an_hour_and_no_longer() {
    let mut phone = Phone::running();
    phone.views(["home"]);
    for (minutes, session) in [(29, 1), (29, 1), (30, 2), (10, 2), (31, 3)] {
        phone.close();
        phone.clock.advance(minutes * 60_000);
        phone.open();
        phone.views(["again"]);
        assert_eq!(phone.status().session, session, "after {minutes} minutes");
    }
    phone.upload_all();
    let sessions: Vec<u64> = phone.collector(|collector| {
        collector.journey(1).iter().map(|event| event["session"].as_u64().unwrap()).collect()
    });
    assert_eq!(sessions, [1, 1, 1, 2, 2, 3]);
}

/// The customers and the screens at the collector, in their order.
fn told(phone: &Phone) -> Vec<String> {
    phone.collector(|collector| {
        let events = collector.events.values();
        let told = events.filter_map(|event| match event["type"].as_str()? {
            "customer" => Some(event["customer"]["id"].as_str().unwrap_or("nobody").to_owned()),
            "screen_view" => Some(event["screen"].as_str()?.to_owned()),
            _ => None,
        });
        told.collect()
    })
}

#[test]
fn a_change_of_customer_that_the_disk_does_not_take_still_comes_before_what_follows() {
    let mut phone = Phone::new();
    phone.config.quota_bytes = 1024 * 1024;
    phone.collector(|collector| collector.leases = (1..=40).map(|at| at * 2).collect());
    phone.open();
    phone.journey().identify("A", None);
    phone.views(["home of A"]);
    phone.upload_all();
    assert_eq!(phone.status().codes, 5);
    phone.network.offline();
    // The store is locked, so that the journal fills up to its last byte.
    let store = rusqlite::Connection::open(phone.folder().join("journey.db")).unwrap();
    store.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for text in [200, 1] {
        let mut full = false;
        while !full {
            let before = phone.status().dropped.get(DropReason::Disk);
            let values = BTreeMap::from([("x".to_owned(), Value::Text("x".repeat(text)))]);
            phone.journey().record(Event::Custom { name: "filler".into(), values });
            full = phone.status().dropped.get(DropReason::Disk) > before;
        }
    }
    phone.journey().identify("B", None);
    phone.views(["lost"]);
    let call = phone.journey().call_context(&CallRequest::to("112")).unwrap();
    assert_eq!(call.code, None, "no code of A's for B");
    store.execute_batch("COMMIT").unwrap();
    drop(store);
    phone.clock.advance(400_000);
    phone.views(["home of B"]);
    phone.clock.advance(2_000);
    assert_eq!(phone.status().codes, 0, "A's codes are gone");
    phone.network.online();
    phone.upload_all();
    assert_eq!(told(&phone), ["A", "home of A", "B", "home of B"]);
    let status = phone.status();
    assert_eq!(status.recorded, status.delivered + status.dropped.total());
}

#[test]
fn the_customer_is_kept_however_many_events_wait_for_consent() {
    let mut phone = Phone::new();
    phone.config.consent = None;
    phone.open();
    phone.journey().identify("A", None);
    phone.views((0..300).map(|number| number.to_string()));
    phone.journey().set_consent(Consent::Granted);
    phone.upload_all();
    assert_eq!(told(&phone)[..2], ["A".to_owned(), "101".to_owned()]);
    assert_eq!(phone.accounted(301).dropped.get(DropReason::Consent), 101);
}

#[test]
fn a_customer_named_after_a_refusal_is_named_again_after_the_grant() {
    let mut phone = Phone::new();
    phone.config.consent = None;
    phone.open();
    phone.journey().set_consent(Consent::Denied);
    phone.journey().identify("A", None);
    phone.run_until_idle();
    phone.journey().set_consent(Consent::Granted);
    phone.journey().identify("A", None);
    phone.views(["home"]);
    phone.upload_all();
    assert_eq!(told(&phone), ["A", "home"]);
}

#[test]
fn nobody_is_shown_another_customers_steps_after_time_took_the_change_between_them() {
    let mut phone = Phone::running();
    phone.journey().identify("A", None);
    phone.views(["a-1", "a-2"]);
    phone.upload_all();
    // Two weeks in which A opens the app daily; the change of customer is long gone.
    for day in 0..14 {
        phone.clock.advance(24 * 3_600_000 - 60_000);
        phone.views([format!("a-day-{day}")]);
        phone.upload_all();
    }
    phone.restart();
    phone.journey().clear_customer();
    phone.journey().identify("B", None);
    phone.views(["b-1"]);
    let preview = phone.journey().preview(CallScope::Everything);
    let screens: Vec<_> = preview.steps.iter().filter_map(|step| step.screen.as_deref()).collect();
    assert!(screens.contains(&"b-1"), "{screens:?}");
    assert!(
        !preview.steps.iter().any(|step| {
            step.what == StepKind::ScreenView
                && step.about.as_deref().is_some_and(|name| name.starts_with("a-"))
        }),
        "{:?}",
        preview.steps
    );
}

#[test]
fn what_follows_a_change_of_customer_that_does_not_fit_waits_for_it() {
    let mut phone = Phone::new();
    phone.config.consent = None;
    phone.config.quota_bytes = 1024 * 1024;
    phone.open();
    phone.journey().identify("A", None);
    let filler = |at: usize| Event::Custom {
        name: format!("filler-{at}"),
        values: (0..4).map(|key| (format!("{key}"), Value::Text("x".repeat(250)))).collect(),
    };
    for at in 0..90 {
        phone.journey().record(filler(at));
    }
    // Too large for what the journal has left, and small enough for it.
    phone.journey().identify("B", Some("p".repeat(4_000)));
    phone.views(["b-1"]);
    phone.journey().set_consent(Consent::Granted);
    phone.upload_all();
    phone.views(["b-2"]);
    phone.upload_all();
    let mut customer = None;
    let mut seen = Vec::new();
    phone.collector(|collector| {
        for event in collector.events.values() {
            if event["type"] == "customer" {
                customer = event["customer"]["id"].as_str().map(str::to_owned);
            }
            if let Some(name @ ("b-1" | "b-2")) = event["screen"].as_str()
                && event["type"] == "screen_view"
            {
                seen.push((name.to_owned(), customer.clone()));
            }
        }
    });
    let of_b = |name: &str| (name.to_owned(), Some("B".to_owned()));
    assert_eq!(seen, [of_b("b-1"), of_b("b-2")]);
}

#[test]
fn a_new_installation_does_not_take_whoever_uses_the_app_for_nobody() {
    let phone = Phone::running();
    phone.journey().identify("ana", None);
    phone.run_until_idle();
    phone.journey().set_consent(Consent::Denied);
    phone.run_until_idle();
    phone.journey().set_consent(Consent::Granted);
    // Still Ana's: the app told only the last installation.
    phone.views(["of ana"]);
    phone.run_until_idle();
    phone.journey().clear_customer();
    phone.journey().identify("ben", None);
    phone.views(["of ben"]);
    let preview = phone.journey().preview(CallScope::Everything);
    let screens: Vec<_> = preview.steps.iter().filter_map(|step| step.screen.clone()).collect();
    assert_eq!((preview.customer.as_deref(), &*screens), (Some("ben"), &["of ben".to_owned()][..]));
}

#[test]
fn a_customer_who_cannot_be_named_is_not_the_one_before() {
    let phone = leased();
    phone.journey().identify("ana", None);
    phone.views(["of ana"]);
    phone.run_until_idle();
    phone.journey().identify(" ", None);
    phone.views(["of somebody"]);
    assert_eq!(phone.status().codes, 0);
    let preview = phone.journey().preview(CallScope::Everything);
    assert_eq!(preview.customer, None);
    assert!(preview.steps.iter().all(|step| step.screen.as_deref() != Some("of ana")));
    assert_eq!(phone.status().dropped.get(DropReason::Invalid), 1);
    phone.journey().identify("ben", Some("x".repeat(5_000)));
    phone.run_until_idle();
    let preview = phone.journey().preview(CallScope::Everything);
    assert_eq!(preview.customer.as_deref(), Some("ben"), "without the proof");
}
