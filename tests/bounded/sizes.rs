//! Promise: disk, memory, events, requests, answers and wake-ups all have a bound.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jalon::{App, CallRequest, Consent, DropReason, Event, Lane, Product, Value};
use serde_json::json;

use crate::support::collector::{inflate, inflate_bytes};
use crate::support::{Phone, child};

const MIB: u64 = 1024 * 1024;

/// Bytes of all files together.
fn bytes_on_disk(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

/// An event that takes about `bytes` encoded.
fn custom(at: usize, bytes: usize) -> Event {
    let texts = bytes / 256;
    let values = (0..texts).map(|key| (format!("key-{key:02}"), Value::Text("x".repeat(240))));
    let number = ("at".to_owned(), Value::Number(at as f64));
    Event::Custom { name: "flood".into(), values: values.chain([number]).collect() }
}

/// The largest event there can be: just below 16 KiB.
fn largest() -> Event {
    // A control character takes six bytes in JSON.
    let text = |at: usize| (format!("{at:02}"), Value::Text("\u{1}".repeat(178)));
    let mut values: BTreeMap<String, Value> = (0..16).map(text).collect();
    values.insert("15".into(), Value::Text("y".into()));
    Event::Custom { name: "largest".into(), values }
}

#[test]
fn the_folder_stays_within_the_quota_at_every_step_of_a_flood() {
    for (quota, aside) in [(MIB, MIB / 4), (MIB, 0), (5 * MIB, 5 * MIB / 4), (5 * MIB, 0)] {
        for bytes in [0, 1_000, 3_900, 15_000] {
            let mut phone = Phone::new();
            phone.config.quota_bytes = quota;
            // A store that was set aside counts too.
            fs::create_dir(phone.folder()).unwrap();
            if aside > 0 {
                let bytes = vec![7; aside as usize];
                fs::write(phone.folder().join("set-aside.db"), bytes).unwrap();
            }
            phone.network.offline();
            phone.open();
            let largest = Cell::new(0);
            let mut recorded = 0_u64;
            let check = |phone: &Phone| {
                let size = bytes_on_disk(&phone.folder());
                largest.set(size.max(largest.get()));
                assert!(size <= quota, "{size} of {quota} with events of {bytes}");
            };
            let target = quota * 2;
            while recorded * (150 + bytes as u64) < target {
                // In portions that the worker can keep up with.
                for _ in 0..(40_000 / (150 + bytes)).min(40) {
                    phone.journey().record(flood(recorded as usize, bytes));
                    recorded += 1;
                    check(&phone);
                }
                phone.run_until_idle();
                check(&phone);
            }
            let status = phone.accounted(recorded);
            assert!(status.dropped.get(DropReason::Quota) > 0, "{bytes}: {status:?}");
            assert_eq!(status.storage_trouble, None);
            assert_eq!(status.dropped.get(DropReason::Disk), 0, "{bytes}: {status:?}");
            assert!(largest.get() > quota / 2, "only {largest:?} of {quota} were used");
            phone.restart();
            check(&phone);
            phone.network.online();
            phone.upload_all();
            check(&phone);
            let status = phone.accounted(recorded);
            // The oldest were dropped: the newest is there.
            let last = phone.collector(|collector| collector.journey(1).last().copied().cloned());
            let last = last.unwrap();
            assert_eq!(last["values"]["at"], json!((recorded - 1) as f64), "{status:?}");
        }
    }
}

fn flood(at: usize, bytes: usize) -> Event {
    if bytes < 15_000 {
        return custom(at, bytes);
    }
    let Event::Custom { name, mut values } = largest() else { unreachable!() };
    values.insert("at".into(), Value::Number(at as f64));
    values.remove("15");
    Event::Custom { name, values }
}

#[test]
fn an_event_above_sixteen_kib_is_refused_and_one_just_below_still_goes_out() {
    let phone = Phone::running();
    phone.journey().record(largest());
    let Event::Custom { name, mut values } = largest() else { unreachable!() };
    values.insert("15".into(), Value::Text("\u{1}".repeat(256)));
    phone.journey().record(Event::Custom { name: name.clone(), values: values.clone() });
    values.insert("16".into(), Value::Flag(true));
    phone.journey().record(Event::Custom { name, values });
    phone.upload_all();
    let status = phone.accounted(3);
    assert_eq!((status.delivered, status.dropped.get(DropReason::TooLarge)), (1, 2));
    let sizes = phone.collector(|collector| {
        collector.journey(1).iter().map(|event| event.to_string().len()).collect::<Vec<_>>()
    });
    assert!(sizes[0] > 15 * 1024 && sizes[0] <= 16 * 1024 + 28, "{sizes:?}");
}

#[test]
fn strings_are_cut_at_their_limit_and_the_event_says_which() {
    let phone = Phone::running();
    let long = |_| "é".repeat(5_000);
    let product = Product {
        id: long(0),
        name: Some(long(1)),
        category: Some(long(2)),
        brand: Some(long(3)),
        price: None,
    };
    phone.journey().record(Event::ProductView { product });
    phone.views([long(4)]);
    phone.upload_all();
    phone.collector(|collector| {
        let events = collector.journey(1);
        let len = |value: &serde_json::Value| value.as_str().unwrap().len();
        let product = &events[0]["product"];
        let lens = ["id", "name", "category", "brand"].map(|field| len(&product[field]));
        assert_eq!(lens, [128, 256, 128, 64]);
        assert_eq!(
            events[0]["cut"],
            json!(["product.id", "product.name", "product.category", "product.brand"])
        );
        assert_eq!((len(&events[1]["screen"]), &events[1]["cut"]), (128, &json!(["screen"])));
    });
}

fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn what_waits_in_memory_is_two_hundred_events_and_256_kib_at_most_whatever_they_were_cut_from() {
    // No other test's memory is counted.
    child::alone(
        what_waits_in_memory_is_two_hundred_events_and_256_kib_at_most_whatever_they_were_cut_from,
        || {
            let mut phone = Phone::new();
            phone.config.consent = Some(Consent::Unknown);
            phone.open();
            let before = resident_bytes();
            for _ in 0..300 {
                let product = Product { id: "x".repeat(4 << 20), ..Product::default() };
                phone.journey().record(Event::ProductView { product });
            }
            let grown = resident_bytes().saturating_sub(before);
            assert!(grown < 32 * MIB, "{} MiB are held for 200 small events", grown / MIB);
            assert_eq!(phone.accounted(300).queued, 200);
            // Of large events there is room for fewer.
            for at in 0..100 {
                phone.journey().record(custom(at, 15 * 256));
            }
            let status = phone.accounted(400);
            assert!(status.queued <= 256 / 4 && status.queued > 30, "{status:?}");
            assert_eq!(status.queued + status.dropped.get(DropReason::Consent), 400);
            let grown = resident_bytes().saturating_sub(before);
            assert!(grown < 32 * MIB, "{} MiB", grown / MIB);
        },
    );
}

#[test]
fn a_request_holds_a_hundred_events_and_64_kib_inflated_at_most() {
    let mut phone = Phone::new();
    // What an app states about itself is limited too.
    let long = "x".repeat(100_000);
    phone.config.app = App {
        id: long.clone(),
        version: long.clone(),
        os: long.clone(),
        device: long.clone(),
        locale: long,
    };
    phone.config.quota_bytes = 20 * MIB;
    phone.network.offline();
    phone.open();
    let mut recorded = 0;
    for bytes in [0, 0, 500, 3_900, 15_000] {
        for at in 0..130 {
            phone.journey().record(flood(at, bytes));
            recorded += 1;
        }
        phone.clock.advance(1_000);
        phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
        recorded += 1;
        phone.clock.advance(1_000);
    }
    phone.network.online();
    phone.upload_all();
    assert_eq!(phone.accounted(recorded).dropped.total(), 0);
    let mut most = (0, 0);
    for (lane, request) in phone.network.sent() {
        let Some(size) = request.body.as_ref().map(|_| inflate_bytes(&request).len()) else {
            continue;
        };
        let events = inflate(&request)["events"].as_array().unwrap().clone();
        if lane == Lane::Call {
            let together: usize = events.iter().map(|event| event.to_string().len()).sum();
            assert!(events.len() <= 20 && together <= 16 * 1024, "{}, {together}", events.len());
        } else {
            assert!(events.len() <= 100 && size <= 64 * 1024, "{} events, {size}", events.len());
            most = (most.0.max(events.len()), most.1.max(size));
        }
    }
    assert!(most.0 == 100 && most.1 > 48 * 1024, "the bounds were not met: {most:?}");
}

#[test]
fn a_calls_snapshot_is_the_newest_twenty_events_of_16_kib_together() {
    let phone = Phone::running();
    phone.views((0..40).map(|at| format!("screen/{at}")));
    phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    phone.run_until_idle();
    (0..40).for_each(|at| phone.journey().record(custom(at, 1_500)));
    phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    phone.run_until_idle();
    phone.collector(|collector| {
        let events = |at: usize| collector.calls[at]["events"].as_array().unwrap().clone();
        assert_eq!(events(0).len(), 20);
        assert_eq!(events(0)[19]["screen"], "screen/39");
        let together: usize = events(1).iter().map(|event| event.to_string().len()).sum();
        assert!((8..20).contains(&events(1).len()) && together <= 16 * 1024, "{together}");
        assert_eq!(events(1).last().unwrap()["values"]["at"], json!(39.0));
    });
}

#[test]
fn sessions_hold_nothing_open_however_many_there_are() {
    // No other test's files are counted.
    child::alone(sessions_hold_nothing_open_however_many_there_are, || {
        let phone = Phone::running();
        phone.network.offline();
        for _ in 0..300 {
            phone.views(["home"]);
            phone.clock.advance(30 * 60_000);
        }
        assert_eq!(phone.status().session, 300);
        let open_files = fs::read_dir("/proc/self/fd").unwrap().count();
        assert!(open_files < 100, "{open_files} files are open");
    });
}

#[test]
fn options_up_to_the_end_of_their_type_are_safe() {
    let mut phone = Phone::new();
    phone.config.quota_bytes = u64::MAX;
    phone.config.time_to_live = std::time::Duration::MAX;
    phone.open();
    phone.views((0..300).map(|at| at.to_string()));
    phone.upload_all();
    phone.clock.advance(400 * 86_400_000);
    phone.restart();
    phone.views(["later"]);
    phone.upload_all();
    assert_eq!(phone.accounted(301).delivered, 301);
}
