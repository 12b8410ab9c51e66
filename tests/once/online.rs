//! Promise: told that there is no network, the phone tries nothing and does not wake; told that it is
//! back, it goes on at once.

use std::time::Duration;

use jalon::{CallRequest, Response};

use crate::support::collector::problem;
use crate::support::{Fault, Phone};

fn requests(phone: &Phone) -> usize {
    phone.network.sent().len()
}

/// A phone with its codes, told that it is offline.
fn offline() -> Phone {
    let mut phone = Phone::new();
    phone.collector(|collector| collector.leases = (1..100).map(|at| at * 2).collect());
    phone.open();
    phone.run_until_idle();
    phone.journey().set_online(false);
    phone.run_until_idle();
    phone
}

#[test]
fn offline_nothing_is_tried_and_nothing_wakes_the_phone() {
    let phone = offline();
    let before = requests(&phone);
    phone.views((0..150).map(|at| at.to_string()));
    let call = phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    assert!(call.code.is_some(), "a tap works as ever");
    phone.journey().prepare_call();
    phone.journey().upload_now();
    phone.clock.advance(1_000);
    assert_eq!(phone.clock.next_wake_ms(), None);
    assert!(!phone.journey().upload_and_wait(Duration::from_mins(10)), "it does not wait");
    phone.clock.advance(86_400_000);
    assert_eq!(requests(&phone), before);
    assert_eq!(phone.accounted(151).queued, 151);

    phone.journey().set_online(true);
    phone.run_until_idle();
    assert_eq!(phone.accounted(151).queued, 0);
    assert_eq!(phone.collector(|collector| collector.calls.len()), 1);
}

#[test]
fn an_erasure_waits_for_the_network_too() {
    let phone = offline();
    phone.views(["home"]);
    phone.journey().erase();
    phone.clock.advance(3_600_000);
    assert_eq!(phone.clock.next_wake_ms(), None);
    phone.collector(|collector| assert!(collector.erased.is_empty()));
    phone.journey().set_online(true);
    phone.run_until_idle();
    phone.collector(|collector| assert_eq!(collector.erased.len(), 1));
}

#[test]
fn back_online_a_back_off_ends_also_if_the_network_was_gone_for_a_moment_only() {
    let phone = offline();
    phone.journey().set_online(true);
    phone.network.offline();
    phone.views(["home"]);
    phone.journey().upload_now();
    phone.run_until_idle();
    let before = requests(&phone);
    phone.network.online();
    phone.journey().set_online(true);
    phone.run_until_idle();
    assert_eq!(requests(&phone), before, "it was online: nothing has changed");
    phone.journey().set_online(false);
    phone.journey().set_online(true);
    phone.run_until_idle();
    assert_eq!(phone.collector(|collector| collector.screens_seen()), ["home"]);
}

#[test]
fn back_online_a_strangers_wait_ends_but_not_the_collectors() {
    let stranger = Response { status: 503, retry_after_ms: Some(300_000), body: Vec::new() };
    let ours = Response { retry_after_ms: Some(300_000), ..problem(503) };
    for (answer, queued) in [(stranger, 0), (ours, 1)] {
        let phone = offline();
        phone.journey().set_online(true);
        phone.network.next_faults([Fault::Answered(answer)]);
        phone.views(["home"]);
        phone.journey().upload_now();
        phone.run_until_idle();
        phone.journey().set_online(false);
        phone.journey().set_online(true);
        phone.run_until_idle();
        assert_eq!(phone.status().queued, queued);
    }
}
