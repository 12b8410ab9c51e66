//! Promise: a tap starts afresh. Its snapshot waits for no earlier failure, goes out again if there
//! is no answer, and takes nothing from the backlog for long.

use std::time::Duration;

use jalon::{CallRequest, DropReason, Lane, Request, Response, SendError};
use serde_json::Value;

use crate::support::collector::{inflate, problem};
use crate::support::{Fault, Phone};

/// A phone that has its codes, and nothing left to do.
fn idle() -> Phone {
    let mut phone = Phone::new();
    phone.collector(|collector| collector.leases = (1..100).map(|at| at * 2).collect());
    phone.open();
    phone.run_until_idle();
    phone
}

fn tap(phone: &Phone) {
    phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    phone.run_until_idle();
}

/// The calls that were handed to the network: the token, and whether on a new connection.
fn calls(phone: &Phone) -> Vec<(Value, bool)> {
    let sent = phone.network.sent();
    let calls = sent.iter().filter(|(lane, _)| *lane == Lane::Call);
    let shown = |request: &Request| inflate(request)["call"]["token"].clone();
    calls.map(|(_, request)| (shown(request), request.new_connection)).collect()
}

fn arrived(phone: &Phone) -> usize {
    phone.collector(|collector| collector.calls.len())
}

#[test]
fn a_second_tap_does_not_wait_for_the_back_off_of_the_first() {
    let phone = idle();
    phone.network.offline();
    tap(&phone);
    // Beyond ten minutes, the first call has backed off for long.
    for _ in 0..30 {
        phone.clock.advance(120_000);
    }
    let before = calls(&phone).len();
    phone.network.online();
    tap(&phone);
    assert_eq!((calls(&phone).len(), arrived(&phone)), (before + 2, 2), "at once, and both");
}

#[test]
fn a_call_that_fails_for_its_own_reasons_does_not_stop_the_one_after() {
    let phone = idle();
    let fails = || Fault::Answered(problem(500));
    phone.network.next_faults([fails()]);
    tap(&phone);
    phone.network.next_faults([Fault::None, fails()]);
    tap(&phone);
    let [first, second, again] = &calls(&phone)[..] else { panic!() };
    assert_eq!(first, again);
    assert_ne!(first, second);
    assert_eq!(arrived(&phone), 1);
    phone.clock.advance(5_000);
    assert_eq!(arrived(&phone), 2);
}

#[test]
fn while_the_call_is_young_it_is_tried_every_few_seconds() {
    let phone = idle();
    phone.network.offline();
    tap(&phone);
    for _ in 0..60 {
        let wait_ms = phone.clock.next_wake_ms().unwrap() - phone.clock.elapsed_ms();
        assert!(wait_ms <= 5_000, "{wait_ms}");
        phone.clock.advance(wait_ms);
    }
    for _ in 0..120 {
        phone.clock.advance(5_000);
    }
    let before = calls(&phone).len();
    phone.clock.advance(3_600_000);
    assert!(calls(&phone).len() - before < 10, "an old one backs off");
}

#[test]
fn a_refused_key_or_a_wait_of_the_collector_does_not_stop_a_tap() {
    for fault in [problem(401), Response { retry_after_ms: Some(86_400_000), ..problem(503) }] {
        let phone = idle();
        phone.network.next_faults([Fault::Answered(fault)]);
        phone.views(["home"]);
        phone.journey().upload_now();
        phone.run_until_idle();
        tap(&phone);
        assert_eq!(arrived(&phone), 1);
    }
}

#[test]
fn a_call_without_an_answer_goes_out_again_on_a_new_connection() {
    let phone = idle();
    phone.network.next_faults([Fault::Held]);
    tap(&phone);
    phone.clock.advance(3_999);
    assert_eq!(arrived(&phone), 0);
    phone.clock.advance(1);
    let sent = calls(&phone);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].0, sent[1].0, "the same call");
    assert_eq!((sent[0].1, sent[1].1), (false, true));
    assert_eq!(arrived(&phone), 1);
    let uploaded = phone.status().last_upload;
    assert_eq!(uploaded.as_ref().unwrap().problem, None);

    // The answer that comes second changes nothing, be it a failure or the same again.
    phone.network.fail_held(SendError::Timeout);
    phone.run_until_idle();
    assert_eq!(phone.status().last_upload, uploaded);
    assert_eq!(calls(&phone).len(), 2);
    phone.network.next_faults([Fault::Held, Fault::None, Fault::Held]);
    tap(&phone);
    phone.clock.advance(4_000);
    tap(&phone);
    phone.network.release();
    phone.run_until_idle();
    phone.clock.advance(60_000);
    assert_eq!(calls(&phone).len(), 5, "the second call twice, the third once");
    phone.upload_all();
    assert_eq!(phone.clock.next_wake_ms(), None);
}

#[test]
fn a_call_whose_tries_all_fail_is_tried_again() {
    let phone = idle();
    phone.network.next_faults([Fault::Held, Fault::Held]);
    tap(&phone);
    phone.clock.advance(20_000);
    assert_eq!(calls(&phone).len(), 2, "two at a time");
    phone.network.fail_held(SendError::Timeout);
    phone.run_until_idle();
    phone.clock.advance(5_000);
    assert_eq!(arrived(&phone), 1);
}

#[test]
fn the_backlog_waits_three_seconds_for_a_call_and_no_longer() {
    let phone = idle();
    phone.network.next_faults([Fault::Held]);
    tap(&phone);
    phone.views((0..30).map(|at| at.to_string()));
    phone.clock.advance(2_999);
    assert_eq!(phone.collector(|collector| collector.screens_seen().len()), 0);
    phone.clock.advance(1);
    assert_eq!(phone.collector(|collector| collector.screens_seen().len()), 30);
    // The batch brought the call too: the lane is free for the next.
    phone.clock.advance(60_000);
    assert_eq!(calls(&phone).len(), 1, "it need not be sent again");
    tap(&phone);
    assert_eq!((calls(&phone).len(), arrived(&phone)), (2, 1));
    phone.network.release();
    phone.run_until_idle();
    phone.upload_all();
    assert_eq!(phone.clock.next_wake_ms(), None);
}

#[test]
fn an_erasure_ends_the_tries_of_a_call() {
    let phone = idle();
    phone.network.next_faults([Fault::Held]);
    tap(&phone);
    phone.journey().erase();
    phone.run_until_idle();
    phone.clock.advance(60_000);
    phone.network.release();
    phone.run_until_idle();
    assert_eq!(calls(&phone).len(), 1);
}

#[test]
fn a_call_past_its_time_to_live_is_not_sent_for_ever() {
    let mut phone = Phone::new();
    phone.config.time_to_live = Duration::from_hours(48);
    phone.open();
    phone.network.offline();
    tap(&phone);
    let begun_ms = phone.clock.elapsed_ms();
    // Whoever is offline tries again within minutes, but not after the call is gone.
    while let Some(wake_ms) = phone.clock.next_wake_ms() {
        let hours = (wake_ms - begun_ms) / 3_600_000;
        assert!(hours < 49, "the phone still wakes {hours} h after the tap");
        phone.clock.advance(wake_ms - phone.clock.elapsed_ms());
    }
    let status = phone.accounted(1);
    assert_eq!((status.queued, status.dropped.get(DropReason::Expired)), (0, 1));
}
