//! Promise: whatever the collector answers stays within its bounds, and the worker wakes only when
//! something is due.

use std::collections::BTreeMap;
use std::fs;

use jalon::{CallRequest, Response, SendError};
use serde_json::{Value, json};

use crate::support::collector::problem;
use crate::support::{Fault, Phone};

fn bytes_on_disk(phone: &Phone) -> u64 {
    fs::read_dir(phone.folder())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}

/// Gives the next upload this answer.
fn answered(phone: &Phone, body: Vec<u8>) {
    phone.network.next_faults([Fault::Answered(Response {
        status: 200,
        retry_after_ms: None,
        body,
    })]);
    phone.journey().upload_now();
    phone.run_until_idle();
}

#[test]
fn hostile_answers_change_nothing() {
    let phone = Phone::running();
    phone.views(["kept"]);
    phone.clock.advance(1_000);
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"<html>Welcome to the hotel</html>".to_vec(),
        br#"{"stored":-1}"#.to_vec(),
        br#"{"stored":"1"}"#.to_vec(),
        br#"{"stored":1e999}"#.to_vec(),
        br#"{"stored":1"#.to_vec(),
        "[".repeat(60_000).into_bytes(),
        format!("{{\"stored\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes(),
        // An answer of 10 MB is refused, even if its JSON is valid.
        format!("{{\"stored\":1,\"x\":\"{}\"}}", "x".repeat(10_000_000)).into_bytes(),
    ];
    for body in bodies {
        let text = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        answered(&phone, body);
        assert!(phone.status().last_upload.unwrap().problem.is_some(), "{text}");
        assert_eq!(phone.accounted(1).queued, 1, "{text}");
    }
    phone.upload_all();
    assert_eq!(phone.collector(|collector| collector.screens_seen()), ["kept"]);
}

#[test]
fn a_flood_of_codes_screens_and_rejections_is_cut_to_what_can_be_used() {
    let mut phone = Phone::new();
    phone.config.quota_bytes = 1024 * 1024;
    phone.open();
    let mut recorded = 0;
    for round in 0..40 {
        phone.views(["product/{id}"]);
        recorded += 1;
        phone.clock.advance(1_000);
        let codes: Vec<Value> = (0..200)
            .map(|at| json!({"locator": format!("{:09}", round * 1_000 + at * 2), "expires_in_s": u64::MAX}))
            .chain([json!({"locator": "x", "expires_in_s": 1}), json!({"locator": "-00000001", "expires_in_s": 1})])
            .collect();
        let screens: BTreeMap<String, u32> = (0..900)
            .map(|at| (format!("{round}/{at}/{}", "s".repeat(20)), 1_000 * (at % 3) + at))
            .collect();
        let rejected: Vec<Value> =
            (0..100).map(|at| json!({"seq": u64::MAX - at, "reason": "no"})).collect();
        let body = json!({"stored": 1, "codes": codes, "screens": screens, "rejected": rejected});
        let body = body.to_string().into_bytes();
        assert!(body.len() < 64 * 1024, "{}", body.len());
        answered(&phone, body);
        let status = phone.accounted(recorded);
        assert!(status.codes <= 8, "{}", status.codes);
        assert_eq!((status.delivered, status.dropped.total()), (recorded, 0));
    }
    assert!(bytes_on_disk(&phone) < 1024 * 1024, "{} bytes", bytes_on_disk(&phone));
    phone.restart();
    // The closed database alone: the answers left at most 999 short names in it.
    phone.close();
    assert!(bytes_on_disk(&phone) < 400 * 1024, "{} bytes", bytes_on_disk(&phone));
    // And a tap still has a code.
    phone.open();
    phone.views(["39/899/ssssssssssssssssssss"]);
    let call = phone.journey().call_context(&CallRequest::to("112")).unwrap();
    assert!(call.code.unwrap().screen() < 1_000);
}

#[test]
fn with_nothing_queued_the_worker_has_no_deadline() {
    let mut phone = Phone::running();
    assert_eq!(phone.clock.next_wake_ms(), None, "just opened");
    phone.views(["home"]);
    phone.run_until_idle();
    assert!(phone.clock.next_wake_ms().is_some());
    phone.upload_all();
    assert_eq!(phone.clock.next_wake_ms(), None, "all is uploaded");
    phone.restart();
    assert_eq!(phone.clock.next_wake_ms(), None, "restarted");
    // The same without a network, when no codes can be leased.
    phone.network.offline();
    phone.restart();
    assert_eq!(phone.clock.next_wake_ms(), None, "restarted offline");
    let sent = phone.network.sent().len();
    phone.clock.advance(86_400_000);
    assert_eq!(phone.network.sent().len(), sent);
    // The same with a key that is refused, whatever is queued.
    phone.network.every_request(Fault::Answered(problem(401)));
    phone.views(["home"]);
    phone.clock.advance(1_000);
    phone.clock.advance(30_000);
    assert_eq!(phone.clock.next_wake_ms(), None, "refused");
}

#[test]
fn offline_the_wake_ups_follow_the_back_off_up_to_ten_minutes() {
    let phone = Phone::running();
    phone.network.offline();
    phone.views(["home"]);
    phone.clock.advance(31_000);
    let start = phone.network.sent().len();
    let mut waits = Vec::new();
    let mut now_ms = 1_000_000 + 31_000;
    for _ in 0..60 {
        let wake_ms = phone.clock.next_wake_ms().expect("an event waits");
        waits.push(wake_ms - now_ms);
        phone.clock.advance(wake_ms - now_ms);
        now_ms = wake_ms;
    }
    assert_eq!(phone.network.sent().len(), start + 60, "one request a wake-up");
    assert!(waits.iter().all(|wait| *wait <= 600_000), "{waits:?}");
    assert!(waits[..4].iter().all(|wait| *wait <= 2_000 << 4), "{waits:?}");
    // Full jitter between nothing and ten minutes: some five minutes on average.
    let late: u64 = waits[20..].iter().sum::<u64>() / 40;
    assert!((200_000..400_000).contains(&late), "{late}");
}

#[test]
fn a_collector_that_asks_to_wait_forever_is_asked_again_after_a_day() {
    let phone = Phone::running();
    let mut busy = problem(503);
    busy.retry_after_ms = Some(u64::MAX);
    phone.network.next_faults([Fault::Answered(busy), Fault::LostRequest(SendError::Timeout)]);
    phone.views(["home"]);
    phone.journey().upload_now();
    phone.clock.advance(1_000);
    let wait = phone.clock.next_wake_ms().unwrap() - 1_000_000;
    assert!((86_400_000..97_000_000).contains(&wait), "{wait}");
    phone.journey().upload_now();
    phone.run_until_idle();
    assert_eq!(phone.accounted(1).queued, 1, "nobody cuts that wait short");
}
