//! Promise: whoever waits for an upload is woken as soon as nothing is queued any more, or as soon
//! as waiting longer is useless; and asking often costs no extra request.

use std::fs;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use jalon::{CallRequest, Consent, Lane, Response, SendError, UploadProblem};

use crate::support::collector::problem;
use crate::support::{Fault, Phone};

const LONG: Duration = Duration::from_mins(10);

fn requests(phone: &Phone) -> usize {
    phone.network.sent().len()
}

fn answered(status: u16, retry_after_ms: Option<u64>) -> Fault {
    Fault::Answered(Response { retry_after_ms, ..problem(status) })
}

/// A phone that has requested its codes and has nothing left to do.
fn idle() -> Phone {
    let phone = Phone::running();
    phone.run_until_idle();
    assert_eq!(phone.clock.next_wake_ms(), None);
    phone
}

/// Waits for an upload on a thread of its own while `during` runs, and returns the answer.
fn wait_while(phone: &Phone, during: impl FnOnce()) -> bool {
    thread::scope(|scope| {
        let waiter: ScopedJoinHandle<'_, bool> =
            scope.spawn(|| phone.journey().upload_and_wait(LONG));
        phone.clock.callers_wait(1);
        phone.run_until_idle();
        assert!(!waiter.is_finished(), "it did not wait");
        during();
        waiter.join().unwrap()
    })
}

#[test]
fn what_stands_in_the_journal_is_uploaded_and_nothing_waits_when_it_returns() {
    let phone = idle();
    phone.views((0..250).map(|at| at.to_string()));
    assert!(phone.journey().upload_and_wait(LONG));
    let status = phone.status();
    assert_eq!((status.queued, status.delivered), (0, 250));
    assert_eq!(phone.collector(|collector| collector.screens_seen().len()), 250);
    // No time has passed, and nothing more is requested.
    assert_eq!(phone.clock.next_wake_ms(), None);
    let before = requests(&phone);
    assert!(phone.journey().upload_and_wait(LONG));
    assert_eq!(requests(&phone), before);
}

#[test]
fn with_nothing_unsent_asking_makes_no_request_and_leaves_no_wake_up() {
    let phone = idle();
    phone.views(["home"]);
    phone.upload_all();
    for round in 0..3 {
        let before = requests(&phone);
        phone.journey().upload_now();
        phone.run_until_idle();
        assert!(phone.journey().upload_and_wait(LONG));
        assert_eq!(requests(&phone), before, "round {round}");
        assert_eq!(phone.clock.next_wake_ms(), None, "round {round}");
        // What is recorded next is not sent sooner because of it.
        phone.views(["later"]);
        phone.clock.advance(1_000);
        assert_eq!(requests(&phone), before, "round {round}");
        phone.upload_all();
    }
}

#[test]
fn a_failed_upload_ends_the_wait_at_once_and_the_journey_goes_on_by_itself() {
    let phone = idle();
    phone.network.offline();
    phone.views(["home"]);
    for _ in 0..3 {
        // Each call cuts the back-off short: one request, and no time passes.
        let before = requests(&phone);
        assert!(!phone.journey().upload_and_wait(LONG));
        assert_eq!(requests(&phone), before + 1);
        assert_eq!(phone.status().queued, 1);
    }
    phone.network.online();
    phone.clock.advance(60_000);
    assert_eq!(phone.status().queued, 0);
}

#[test]
fn an_upload_that_was_under_way_before_does_not_end_the_wait_when_it_fails() {
    let phone = idle();
    phone.network.next_faults([Fault::Held]);
    phone.views(["home"]);
    phone.journey().upload_now();
    phone.run_until_idle();
    assert_eq!(phone.network.held(), 1);
    let nothing_waits = wait_while(&phone, || phone.network.fail_held(SendError::Timeout));
    assert!(nothing_waits, "tried again at once, and stored");
    assert_eq!(phone.collector(|collector| collector.screens_seen()), ["home"]);

    // The one that follows does, if it fails too.
    phone.network.next_faults([Fault::Held, Fault::LostRequest(SendError::Connect)]);
    phone.views(["cart"]);
    phone.journey().upload_now();
    phone.run_until_idle();
    assert!(!wait_while(&phone, || phone.network.fail_held(SendError::Timeout)));
}

#[test]
fn a_collector_that_asks_to_wait_or_refuses_the_key_ends_it_without_another_request() {
    let phone = idle();
    phone.views(["home"]);
    phone.network.next_faults([answered(429, Some(120_000))]);
    assert!(!phone.journey().upload_and_wait(LONG));
    let before = requests(&phone);
    assert!(!phone.journey().upload_and_wait(LONG), "nobody may cut that wait short");
    assert_eq!(requests(&phone), before);
    phone.clock.advance(200_000);
    assert_eq!(phone.status().queued, 0);

    phone.views(["cart"]);
    phone.network.next_faults([answered(401, None)]);
    assert!(!phone.journey().upload_and_wait(LONG));
    let last = phone.status().last_upload.unwrap();
    assert_eq!(last.problem, Some(UploadProblem::Status(401)));
    assert!(phone.journey().upload_and_wait(LONG), "asking ends the pause");
}

#[test]
fn it_gives_up_after_its_timeout_and_the_upload_goes_on() {
    let phone = idle();
    phone.network.next_faults([Fault::Held]);
    phone.views(["home"]);
    let nothing_waits = wait_while(&phone, || {
        phone.clock.advance(LONG.as_millis() as u64 - 1);
        phone.clock.callers_wait(1);
        phone.clock.advance(1);
    });
    assert!(!nothing_waits);
    phone.network.release();
    phone.run_until_idle();
    assert_eq!(phone.status().queued, 0);
    assert_eq!(requests(&phone), 2, "codes, and one batch");
    assert!(phone.journey().upload_and_wait(Duration::MAX));
}

#[test]
fn what_is_recorded_while_it_waits_is_uploaded_too() {
    let phone = idle();
    phone.network.next_faults([Fault::Held, Fault::Held]);
    phone.views(["first"]);
    let nothing_waits = wait_while(&phone, || {
        phone.views(["second", "third"]);
        phone.run_until_idle();
        assert_eq!(phone.network.held(), 1, "what comes gathers while a batch is under way");
        phone.network.release();
        phone.run_until_idle();
        assert_eq!(phone.network.held(), 1, "and follows at once");
        phone.network.release();
    });
    assert!(nothing_waits);
    let seen = phone.collector(|collector| collector.screens_seen());
    assert_eq!(seen, ["first", "second", "third"]);
    assert_eq!(phone.network.sent().len(), 3, "codes, and two batches");
}

#[test]
fn a_queued_call_is_waited_for() {
    let phone = idle();
    phone.network.next_faults([Fault::Held]);
    phone.views(["payment"]);
    phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    phone.run_until_idle();
    assert!(wait_while(&phone, || phone.network.release()));
    let lanes: Vec<Lane> = phone.network.sent()[1..].iter().map(|(lane, _)| *lane).collect();
    assert_eq!(lanes, [Lane::Call, Lane::Backlog]);
    phone
        .collector(|collector| assert_eq!((collector.calls.len(), collector.events.len()), (1, 2)));
}

#[test]
fn without_a_grant_only_an_erasure_can_wait() {
    for consent in [Consent::Unknown, Consent::Denied] {
        let mut phone = Phone::new();
        phone.config.consent = Some(consent);
        phone.open();
        phone.views(["home"]);
        assert!(phone.journey().upload_and_wait(LONG), "{consent:?}");
        assert_eq!(requests(&phone), 0);

        phone.journey().set_consent(Consent::Granted);
        phone.views(["home"]);
        phone.upload_all();
        phone.network.offline();
        phone.journey().erase();
        assert!(!phone.journey().upload_and_wait(LONG), "the collector does not know yet");
        phone.network.online();
        phone.network.next_faults([Fault::Held]);
        assert!(wait_while(&phone, || phone.network.release()));
        phone.collector(|collector| {
            assert_eq!((collector.erased.len(), collector.events.len()), (1, 0));
        });
        assert_eq!(phone.status().consent, Consent::Unknown);
    }
}

#[test]
fn what_deletes_everything_ends_the_wait() {
    let phone = idle();
    phone.network.next_faults([Fault::Held]);
    phone.views(["home"]);
    assert!(wait_while(&phone, || phone.journey().set_consent(Consent::Denied)));
    assert_eq!(phone.collector(|collector| collector.events.len()), 0);

    let phone = idle();
    phone.network.next_faults([Fault::Held]);
    phone.views(["home"]);
    assert!(wait_while(&phone, || phone.journey().erase()), "the erasure was confirmed");
    assert_eq!(phone.collector(|collector| collector.erased.len()), 1);
}

#[test]
fn a_disk_that_fails_ends_the_wait() {
    let mut phone = Phone::new();
    fs::write(phone.folder(), b"in the way").unwrap();
    phone.open();
    phone.views(["home"]);
    assert!(!phone.journey().upload_and_wait(LONG));
    assert!(phone.status().storage_trouble.is_some());
    fs::remove_file(phone.folder()).unwrap();
    assert!(phone.journey().upload_and_wait(LONG), "asking tries again");
    assert_eq!(phone.collector(|collector| collector.screens_seen()), ["home"]);
}

#[test]
fn closing_wakes_every_thread_that_waits_and_afterwards_nobody_waits() {
    let phone = idle();
    phone.network.next_faults([Fault::Held]);
    phone.views(["home"]);
    thread::scope(|scope| {
        let waiters: Vec<_> =
            (0..8).map(|_| scope.spawn(|| phone.journey().upload_and_wait(LONG))).collect();
        phone.clock.callers_wait(8);
        phone.clock.worker_ended();
        phone.journey().close();
        for waiter in waiters {
            assert!(!waiter.join().unwrap(), "the batch was not confirmed");
        }
    });
    assert!(!phone.journey().upload_and_wait(LONG), "it still waits, for the next process");
    phone.clock.worker_started();

    let phone = idle();
    phone.views(["home"]);
    assert!(phone.journey().upload_and_wait(LONG));
    phone.clock.worker_ended();
    phone.journey().close();
    assert!(phone.journey().upload_and_wait(LONG));
    phone.clock.worker_started();
}

#[test]
fn many_threads_wait_at_once_and_one_upload_answers_them_all() {
    let phone = idle();
    phone.network.next_faults([Fault::Held]);
    phone.views(["home"]);
    thread::scope(|scope| {
        let waiters: Vec<_> =
            (0..8).map(|_| scope.spawn(|| phone.journey().upload_and_wait(LONG))).collect();
        phone.clock.callers_wait(8);
        phone.run_until_idle();
        phone.network.release();
        assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
    });
    assert_eq!(requests(&phone), 2, "codes, and one batch");
}
