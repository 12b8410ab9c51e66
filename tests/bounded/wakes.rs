//! How often the library wakes a phone: its processor by the worker, its radio by a request. By a
//! clock that the test moves. (The network of the test answers at once. A real answer wakes the worker
//! once more.)

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jalon::CallRequest;

use crate::support::Phone;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// A phone whose first codes have come, and the number of its requests.
fn settled_phone() -> (Phone, Arc<AtomicU64>) {
    let mut phone = Phone::new();
    phone.collector(|collector| collector.leases = (0..200).map(|at| at * 2).collect());
    let requests = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&requests);
    phone.network.watch(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    phone.open();
    phone.views(["home"]);
    phone.upload_all();
    phone.clock.pass(MINUTE);
    (phone, requests)
}

/// Wake-ups of the worker, and requests, while `use_it` runs.
fn counted(phone: &Phone, requests: &AtomicU64, use_it: impl FnOnce()) -> (u64, u64) {
    let before = (phone.clock.wakes(), requests.load(Ordering::Relaxed));
    use_it();
    (phone.clock.wakes() - before.0, requests.load(Ordering::Relaxed) - before.1)
}

#[test]
fn a_phone_with_nothing_to_send_wakes_nobody() {
    let (phone, requests) = settled_phone();
    let idle = counted(&phone, &requests, || phone.clock.pass(12 * HOUR));
    assert_eq!(idle, (0, 0));
}

#[test]
fn an_event_a_minute_takes_three_wake_ups_and_one_request_a_minute() {
    let (phone, requests) = settled_phone();
    let hour = counted(&phone, &requests, || {
        for at in 0..60 {
            phone.views([format!("screen/{at}")]);
            phone.clock.pass(MINUTE);
        }
    });
    // The event, the drain a second later, the upload half a minute later.
    assert_eq!(hour, (3 * 60, 60));
}

#[test]
fn a_burst_of_events_takes_no_more_wake_ups_than_a_few() {
    let (phone, requests) = settled_phone();
    let burst = counted(&phone, &requests, || {
        phone.views((0..15).map(|at| format!("screen/{at}")));
        phone.clock.pass(MINUTE);
    });
    assert_eq!(burst, (3, 1));
}

#[test]
fn an_event_wakes_nobody_while_the_worker_comes_within_a_second_anyway() {
    let (phone, requests) = settled_phone();
    phone.views(["first"]);
    // The drain a second later; the upload half a minute after that.
    phone.clock.pass(2_000);
    let until_ms = phone.clock.next_wake_ms().unwrap();
    phone.clock.pass(until_ms - 500 - phone.clock.elapsed_ms());
    let second = counted(&phone, &requests, || {
        phone.views(["second"]);
        phone.run_until_idle();
    });
    assert_eq!(second, (0, 0));
    let upload = counted(&phone, &requests, || phone.clock.pass(MINUTE));
    assert!(upload.0 <= 3, "{upload:?}");
    assert_eq!(phone.status().queued, 0);
}

#[test]
fn a_tap_takes_one_wake_up_and_one_request_beside_the_answer() {
    let (phone, requests) = settled_phone();
    let tap = counted(&phone, &requests, || {
        phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
        phone.clock.pass(HOUR);
    });
    assert!(tap.0 <= 5 && tap.1 <= 2, "{tap:?}");
}

#[test]
fn a_phone_out_of_reach_wakes_up_ever_less_often() {
    let (phone, requests) = settled_phone();
    phone.network.offline();
    phone.views(["unsent"]);
    let first = counted(&phone, &requests, || phone.clock.pass(HOUR));
    let later = counted(&phone, &requests, || phone.clock.pass(HOUR));
    assert!(first.1 <= 40 && later.1 <= 15, "{first:?}, {later:?}");
    assert!(later.0 <= 2 * later.1 + 2, "{later:?}");
}
