//! Promise: each kind of misuse is one clear line in the log, and no line ever holds content of an
//! event, a customer or a key.

use std::collections::BTreeMap;
use std::time::Duration;

use jalon::{
    CallRequest, CallScope, Consent, DropReason, Event, Order, Price, Product, Response, SendError,
    Value,
};
use log::Level;

use crate::support::collector::problem;
use crate::support::{Fault, Phone, TestLog};

const SECRET: &str = "secret-of-the-customer";

fn answered(response: Response) -> Fault {
    Fault::Answered(response)
}

fn values(count: usize, value: &Value) -> BTreeMap<String, Value> {
    (0..count).map(|at| (format!("{SECRET}-{at}"), value.clone())).collect()
}

fn invalid() -> [Event; 5] {
    let price = Some(Price { minor: 1, currency: "euro".into() });
    let product = Product { id: SECRET.into(), price: price.clone(), ..Product::default() };
    [
        Event::ScreenView { screen: " ".into() },
        Event::ProductView { product },
        Event::Order { order: Order { id: SECRET.into(), status: SECRET.into(), total: price } },
        Event::Custom { name: SECRET.into(), values: values(1, &Value::Number(f64::NAN)) },
        Event::Failure { code: String::new(), screen: Some(SECRET.into()) },
    ]
}

/// One above 16 KiB encoded, and one with too many values.
fn too_large() -> [Event; 2] {
    let text = Value::Text("\u{1}".repeat(256));
    [
        Event::Custom { name: SECRET.into(), values: values(16, &text) },
        Event::Custom { name: SECRET.into(), values: values(17, &Value::Flag(true)) },
    ]
}

#[test]
fn each_misuse_is_one_line_that_says_what_to_do_and_further_ones_are_only_counted() {
    TestLog::read_alone(
        each_misuse_is_one_line_that_says_what_to_do_and_further_ones_are_only_counted,
        |log| {
            for _ in 0..2 {
                let phone = Phone::running();
                phone.views(["home"]);
                phone.journey().identify("c-42", None);
                phone.journey().set_location(1.0, 1.0);
                phone.upload_all();
                assert_eq!(log.warnings(), [""; 0], "nothing is wrong yet");

                let journey = phone.journey();
                for round in 0..3 {
                    for event in invalid().into_iter().chain(too_large()) {
                        journey.record(event);
                    }
                    journey.identify("", Some(SECRET.into()));
                    journey.identify(SECRET, Some(SECRET.repeat(300)));
                    journey.set_location(91.0, f64::NAN);
                    let warnings = log.warnings();
                    if round > 0 {
                        assert_eq!(warnings, [""; 0]);
                        continue;
                    }
                    let told = [
                        "an event was dropped as invalid: a name",
                        "an event was dropped as too large: it took more than 16 KiB",
                        "identify was dropped as invalid: the customer's id",
                        "a position was dropped as invalid: give",
                    ];
                    assert_eq!(warnings.len(), told.len(), "{warnings:?}");
                    for (line, begins) in warnings.iter().zip(told) {
                        assert!(line.starts_with(begins) && !line.contains(SECRET), "{line}");
                    }
                }
                // Each round also signs the customer before out, and in again without a proof.
                let dropped = phone.accounted(3 + 3 * (10 + 2)).dropped;
                let of = |reason| dropped.get(reason);
                assert_eq!((of(DropReason::Invalid), of(DropReason::TooLarge)), (3 * 8, 3 * 2));
            }
        },
    );
}

#[test]
fn an_event_that_waited_for_consent_and_is_too_large_is_reported_at_the_grant() {
    TestLog::read_alone(
        an_event_that_waited_for_consent_and_is_too_large_is_reported_at_the_grant,
        |log| {
            let mut phone = Phone::new();
            phone.config.consent = Some(Consent::Unknown);
            phone.open();
            let [large, _] = too_large();
            phone.journey().record(large);
            assert_eq!(log.warnings(), [""; 0]);
            phone.journey().set_consent(Consent::Granted);
            let warnings = log.warnings();
            assert!(matches!(&warnings[..], [line] if line.contains("too large")), "{warnings:?}");
            phone.close();
            assert_eq!(log.warnings(), [""; 0]);
        },
    );
}

#[test]
fn a_closed_journey_says_nothing() {
    TestLog::read_alone(a_closed_journey_says_nothing, |log| {
        let phone = Phone::running();
        phone.clock.worker_ended();
        phone.journey().close();
        log.take();
        for event in invalid().into_iter().chain(too_large()) {
            phone.journey().record(event);
        }
        phone.journey().identify("", None);
        assert_eq!(log.take(), []);
        phone.clock.worker_started();
    });
}

/// Lets uploads meet `fault` until one succeeds, twice, and checks that this is one warning each
/// time.
#[track_caller]
fn one_warning_until_an_upload_succeeds(log: &TestLog, fault: &Fault, says: &str) {
    let phone = Phone::running();
    phone.run_until_idle();
    for _ in 0..2 {
        phone.network.every_request(fault.clone());
        phone.views(["home"]);
        log.take();
        for round in 0..3 {
            assert!(!phone.journey().upload_and_wait(Duration::from_mins(1)));
            phone.run_until_idle();
            let lines = log.take();
            let loud: Vec<_> = lines.iter().filter(|(level, _)| *level < Level::Debug).collect();
            if round == 0 {
                assert!(
                    matches!(&loud[..], [(Level::Warn, line)] if line.contains(says)),
                    "{lines:?}"
                );
            } else {
                assert!(loud.is_empty(), "{loud:?}");
                assert!(lines.iter().any(|(_, line)| line.contains("did not succeed")));
            }
        }
        phone.network.online();
        phone.upload_all();
    }
}

#[test]
fn a_key_that_is_not_accepted_is_one_warning_until_an_upload_succeeds() {
    TestLog::read_alone(
        a_key_that_is_not_accepted_is_one_warning_until_an_upload_succeeds,
        |log| {
            for status in [401, 403] {
                let says =
                    format!("answered {status}, it does not accept the write key: set write_key");
                one_warning_until_an_upload_succeeds(log, &answered(problem(status)), &says);
            }
        },
    );
}

#[test]
fn an_endpoint_out_of_reach_is_one_warning_until_an_upload_succeeds() {
    TestLog::read_alone(an_endpoint_out_of_reach_is_one_warning_until_an_upload_succeeds, |log| {
        let portal = Response { status: 200, retry_after_ms: None, body: b"<html>".to_vec() };
        for (fault, says) in [
            (Fault::LostRequest(SendError::Connect), "no connection to the collector"),
            (Fault::LostRequest(SendError::Timeout), "did not answer in time"),
            (Fault::LostRequest(SendError::Setup), "check extra_roots and proxy"),
            (Fault::Forgotten, "the connection broke"),
            (answered(portal), "check the endpoint, or log in to the network"),
        ] {
            one_warning_until_an_upload_succeeds(log, &fault, says);
        }
    });
}

#[test]
fn no_line_at_any_level_holds_content_of_an_event_a_customer_or_a_key() {
    TestLog::read_alone(
        no_line_at_any_level_holds_content_of_an_event_a_customer_or_a_key,
        |log| {
            let mut phone = Phone::new();
            phone.config.write_key = SECRET.to_owned();
            phone.config.record_search_queries = true;
            phone.open();
            let journey = phone.journey();
            for fault in [
                Fault::None,
                Fault::LostRequest(SendError::Connect),
                answered(problem(401)),
                answered(problem(422)),
                answered(problem(500)),
            ] {
                phone.network.every_request(fault);
                for event in invalid().into_iter().chain(too_large()) {
                    journey.record(event);
                }
                journey.identify(SECRET, Some(SECRET.into()));
                journey.record(Event::ScreenView { screen: SECRET.into() });
                journey.record(Event::Search { query: Some(SECRET.into()), results: None });
                journey.call_context(&CallRequest::to("+33123456789").about(SECRET)).unwrap();
                assert!(!journey.preview(CallScope::Everything).steps.is_empty());
                journey.upload_now();
                phone.run_until_idle();
                phone.clock.advance(60_000);
            }
            phone.network.online();
            journey.erase();
            phone.run_until_idle();
            phone.close();
            let lines = log.take();
            assert!(lines.len() > 20, "{lines:?}");
            for (_, line) in lines {
                assert!(!line.contains(SECRET) && !line.contains("+33"), "{line}");
            }
        },
    );
}
