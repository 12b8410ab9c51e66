use super::super::{Action, Backlog, Upload, Verdict};
use crate::config::{BATCH_EVENTS_MAX, CALL_WAIT_MAX_MS, CALL_YOUNG_MS};

const BATCH: Option<Action> = Some(Action::Batch { events_max: BATCH_EVENTS_MAX });

fn unsent(count: u64) -> Backlog {
    Backlog { unsent: count, first_unsent_ms: (count > 0).then_some(1_000), ..Backlog::default() }
}

/// A call alone.
const CALL: Backlog = Backlog {
    unsent: 0,
    first_unsent_ms: None,
    calls: 1,
    untried_call: false,
    erasures: 0,
    wants_codes: false,
};

/// A schedule with a call that was just tapped and is being sent.
fn sending(now_ms: u64) -> Upload {
    let mut upload = Upload::new();
    upload.on_tap(now_ms);
    assert_eq!(upload.next(now_ms, &CALL), Some(Action::Call));
    upload
}

#[test]
fn a_call_goes_at_once_and_the_backlog_pauses_while_it_is_sent() {
    let mut upload = Upload::new();
    assert_eq!(upload.next(1_000, &unsent(500)), BATCH);
    let backlog = Backlog { calls: 1, ..unsent(500) };
    assert_eq!(upload.next(1_000, &backlog), Some(Action::Call), "not even for a batch in flight");
    upload.on_backlog(Verdict::Stored, 100, 1_000, 0);
    assert_eq!(upload.next(1_000, &backlog), None);
    assert_eq!(upload.deadline(&backlog), Some(4_000));
    upload.on_call(Verdict::Stored, 1_000, 0);
    assert_eq!(upload.next(1_000, &unsent(400)), BATCH);
}

#[test]
fn a_failing_call_lets_the_backlog_go_on() {
    let mut upload = Upload::new();
    let backlog = Backlog { calls: 1, ..unsent(500) };
    assert_eq!(upload.next(1_000, &backlog), Some(Action::Call));
    upload.on_call(Verdict::BackOff, 1_000, 1_500);
    assert_eq!(upload.next(1_000, &backlog), BATCH);
    assert_eq!(upload.next(2_500, &backlog), Some(Action::Call));
}

#[test]
fn a_call_that_is_being_sent_holds_the_backlog_for_three_seconds_only() {
    let mut upload = sending(1_000);
    let backlog = Backlog { calls: 1, ..unsent(500) };
    assert_eq!(upload.next(3_999, &backlog), None);
    assert_eq!(upload.deadline(&backlog), Some(4_000));
    assert_eq!(upload.next(4_000, &backlog), BATCH);
    upload.on_backlog(Verdict::Stored, 100, 4_500, 0);
    assert_eq!(upload.next(5_000, &backlog), Some(Action::CallAgain));
    assert_eq!(upload.next(5_000, &backlog), BATCH, "the second try does not hold it once more");
}

#[test]
fn a_call_without_an_answer_goes_out_again_after_four_seconds_and_twice_at_most_at_a_time() {
    let mut upload = sending(1_000);
    assert_eq!(upload.deadline(&CALL), Some(5_000));
    assert_eq!(upload.next(4_999, &CALL), None);
    assert_eq!(upload.next(5_000, &CALL), Some(Action::CallAgain));
    assert_eq!(upload.deadline(&CALL), None, "both are under way");
    assert_eq!(upload.next(60_000, &CALL), None);
    assert!(!upload.on_call(Verdict::BackOff, 11_000, 0), "the second may still bring an answer");
    assert_eq!(upload.next(11_000, &CALL), Some(Action::CallAgain), "overdue in its turn");
    assert!(upload.on_call(Verdict::Stored, 11_500, 0), "the first answer counts");
    assert!(!upload.is_sending());
}

#[test]
fn a_second_try_that_fails_at_once_is_no_reason_to_hurry() {
    let mut upload = sending(1_000);
    assert_eq!(upload.next(5_000, &CALL), Some(Action::CallAgain));
    assert!(!upload.on_call(Verdict::BackOff, 5_000, 0));
    assert_eq!(upload.next(5_000, &CALL), None);
    assert_eq!(upload.deadline(&CALL), Some(9_000));
    assert!(upload.on_call(Verdict::BackOff, 6_000, 1_000), "both have failed");
    assert_eq!(upload.deadline(&CALL), Some(7_000));
}

#[test]
fn a_tap_waits_for_nothing_that_came_before_it() {
    for verdict in [Verdict::BackOff, Verdict::Advised(30_000), Verdict::Wait(30_000)] {
        let mut upload = sending(1_000);
        upload.on_call(verdict, 1_000, 1_999);
        assert_eq!(upload.next(1_000, &CALL), None);
        upload.on_tap(1_001);
        let both = Backlog { calls: 2, untried_call: true, ..CALL };
        assert_eq!(upload.deadline(&both), Some(0));
        assert_eq!(upload.next(1_001, &both), Some(Action::UntriedCall));
        upload.on_call(verdict, 1_002, 1_999);
        assert_eq!(upload.next(1_002, &Backlog { calls: 2, ..CALL }), None, "all were tried");
    }
}

#[test]
fn a_tap_while_another_call_is_being_sent_does_not_wait_for_its_answer() {
    let mut upload = sending(1_000);
    upload.on_tap(2_000);
    let both = Backlog { calls: 2, untried_call: true, ..CALL };
    assert_eq!(upload.next(2_000, &both), Some(Action::UntriedCall));
    upload.on_call(Verdict::Stored, 3_000, 0);
    let older = Backlog { calls: 1, ..CALL };
    assert_eq!(upload.next(3_000, &older), Some(Action::Call), "the older one is sent again");
}

#[test]
fn a_tap_asks_a_collector_that_refused_the_key_once_more() {
    let mut upload = sending(1_000);
    let backlog = Backlog { calls: 1, ..unsent(20) };
    upload.on_call(Verdict::Pause, 1_000, 0);
    assert_eq!((upload.next(1_000, &backlog), upload.deadline(&backlog)), (None, None));
    upload.on_tap(2_000);
    assert_eq!(upload.next(2_000, &backlog), Some(Action::Call));
    upload.on_call(Verdict::Pause, 2_000, 0);
    assert_eq!((upload.next(2_000, &backlog), upload.deadline(&backlog)), (None, None));
    upload.on_tap(3_000);
    assert_eq!(upload.next(3_000, &backlog), Some(Action::Call));
    assert_eq!(upload.next(6_500, &backlog), None, "the backlog stays paused");
    upload.on_call(Verdict::Stored, 6_500, 0);
    assert_eq!(upload.next(6_500, &unsent(20)), BATCH, "the key is accepted again");
}

#[test]
fn a_young_call_is_tried_every_few_seconds_and_an_older_one_backs_off() {
    let mut upload = sending(0);
    let mut now_ms = 0;
    for bound_ms in [2_000, 4_000, 5_000, 5_000, 5_000, 5_000] {
        upload.on_call(Verdict::BackOff, now_ms, bound_ms);
        now_ms += bound_ms;
        assert_eq!(upload.deadline(&CALL), Some(now_ms));
        assert_eq!(upload.next(now_ms, &CALL), Some(Action::Call));
    }
    now_ms = CALL_YOUNG_MS + 1;
    upload.on_call(Verdict::BackOff, now_ms, 100_000);
    assert_eq!(upload.deadline(&CALL), Some(now_ms + 100_000));
}

#[test]
fn nobody_makes_a_call_wait_longer_than_half_a_minute() {
    for verdict in [Verdict::Wait(86_400_000), Verdict::Advised(300_000), Verdict::Wait(29_999)] {
        for tapped in [true, false] {
            let mut upload = Upload::new();
            if tapped {
                upload.on_tap(0);
            }
            assert_eq!(upload.next(0, &CALL), Some(Action::Call));
            upload.on_call(verdict, 0, 999);
            assert_eq!(upload.deadline(&CALL), Some(CALL_WAIT_MAX_MS), "{verdict:?}");
        }
    }
}

#[test]
fn back_online_a_call_that_was_being_sent_goes_out_again_at_once() {
    let mut upload = sending(1_000);
    upload.set_online(false);
    assert_eq!((upload.next(9_000, &CALL), upload.deadline(&CALL)), (None, None));
    upload.set_online(true);
    assert_eq!(upload.next(1_500, &CALL), Some(Action::CallAgain));
}
