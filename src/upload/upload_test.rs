use super::*;
use crate::config::{RETRY_AFTER_MAX_MS, STRANGER_WAIT_MAX_MS};

fn unsent(count: u64) -> Backlog {
    Backlog { unsent: count, first_unsent_ms: (count > 0).then_some(1_000), ..Backlog::default() }
}

const BATCH: Option<Action> = Some(Action::Batch { events_max: BATCH_EVENTS_MAX });

#[test]
fn a_batch_starts_at_twenty_events_or_after_half_a_minute_or_when_asked() {
    let mut upload = Upload::new();
    assert_eq!(upload.next(1_000, &unsent(19)), None);
    assert_eq!(upload.deadline(&unsent(19)), Some(31_000));
    assert_eq!(upload.next(30_999, &unsent(19)), None);
    assert_eq!(upload.next(31_000, &unsent(19)), BATCH);
    assert_eq!(Upload::new().next(1_000, &unsent(20)), BATCH);
    let mut asked = Upload::new();
    asked.flush_now();
    assert_eq!(asked.next(1_000, &unsent(1)), BATCH);
}

#[test]
fn nothing_to_send_means_no_wake_up() {
    let mut upload = Upload::new();
    upload.flush_now();
    assert_eq!(upload.next(0, &unsent(0)), None);
    assert_eq!(upload.deadline(&unsent(0)), None);
    assert_eq!(upload.next(1_001, &unsent(1)), None, "the request was spent on nothing");
}

#[test]
fn an_upload_once_begun_goes_on_until_nothing_is_left_one_batch_at_a_time() {
    let mut upload = Upload::new();
    assert_eq!(upload.next(1_000, &unsent(120)), BATCH);
    assert_eq!(upload.next(1_000, &unsent(120)), None, "one in flight");
    upload.on_backlog(Verdict::Stored, 100, 1_000, 0);
    assert_eq!(upload.next(1_000, &unsent(5)), BATCH);
}

#[test]
fn back_off_doubles_with_full_jitter_from_two_seconds_to_ten_minutes() {
    let mut upload = Upload::new();
    upload.flush_now();
    for bound_ms in
        [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 600_000, 600_000]
    {
        assert_eq!(upload.next(0, &unsent(1)), BATCH);
        upload.on_backlog(Verdict::BackOff, 1, 0, bound_ms);
        assert_eq!(upload.deadline(&unsent(1)), Some(bound_ms));
        assert_eq!(upload.next(bound_ms - 1, &unsent(1)), None);
        assert_eq!(upload.next(bound_ms, &unsent(1)), BATCH);
        upload.on_backlog(Verdict::Wait(0), 1, 0, 0);
    }
    assert_eq!(upload.next(0, &unsent(1)), BATCH);
    upload.on_backlog(Verdict::BackOff, 1, 0, 600_001);
    assert_eq!(upload.deadline(&unsent(1)), Some(0), "jitter reaches down to zero");
}

#[test]
fn an_impatient_app_cuts_a_back_off_short_but_not_what_the_collector_asked_for() {
    let mut upload = Upload::new();
    upload.flush_now();
    upload.next(0, &unsent(1));
    upload.on_backlog(Verdict::BackOff, 1, 0, 1_999);
    upload.flush_now();
    assert_eq!(upload.next(0, &unsent(1)), BATCH);
    upload.on_backlog(Verdict::Wait(60_000), 1, 0, 500);
    upload.flush_now();
    assert_eq!(upload.next(60_499, &unsent(1)), None);
    assert_eq!(upload.next(60_500, &unsent(1)), BATCH);
}

#[test]
fn a_wrong_key_pauses_until_the_app_asks_again() {
    let mut upload = Upload::new();
    upload.flush_now();
    upload.next(0, &unsent(1));
    upload.on_backlog(Verdict::Pause, 1, 0, 0);
    assert_eq!(upload.next(u64::MAX / 2, &unsent(999)), None);
    assert_eq!(upload.deadline(&unsent(999)), None);
    upload.flush_now();
    assert_eq!(upload.next(0, &unsent(1)), BATCH);
}

#[test]
fn a_poisoned_batch_is_halved_down_to_the_one_event_that_is_dropped() {
    let mut upload = Upload::new();
    let (mut sizes, mut dropped) = (vec![], 0);
    // Event 37 of 100 is refused; the events before it are sent first.
    let (mut left, mut poison) = (100usize, 37usize);
    upload.flush_now();
    while left > 0 {
        let Some(Action::Batch { events_max }) = upload.next(0, &unsent(left as u64)) else {
            panic!()
        };
        let count = events_max.min(left);
        sizes.push(count);
        if poison < count {
            upload.on_backlog(Verdict::Divide, count, 0, 0);
            if Verdict::Divide.drops(count) {
                dropped += 1;
                left -= 1;
                poison = usize::MAX;
            }
        } else {
            upload.on_backlog(Verdict::Stored, count, 0, 0);
            left -= count;
            poison = poison.saturating_sub(count);
        }
    }
    assert_eq!(dropped, 1);
    assert!(sizes.len() < 40, "{sizes:?}");
}

#[test]
fn an_empty_batch_that_is_refused_is_no_reason_to_hurry() {
    let mut upload = Upload::new();
    let backlog = Backlog { wants_codes: true, ..Backlog::default() };
    assert_eq!(upload.next(0, &backlog), BATCH);
    upload.on_backlog(Verdict::Divide, 0, 0, 1_000);
    assert!(!Verdict::Divide.drops(0));
    assert_eq!(upload.next(999, &backlog), None);
}

#[test]
fn an_erasure_that_fails_holds_up_nothing_else_not_even_with_a_wrong_key() {
    for verdict in [Verdict::BackOff, Verdict::Pause, Verdict::Divide] {
        let mut upload = Upload::new();
        let backlog = Backlog { erasures: 1, ..unsent(20) };
        assert_eq!(upload.next(1_000, &backlog), Some(Action::Erase));
        upload.on_erasure(verdict, 1_000, 1_500);
        assert_eq!(upload.next(1_000, &backlog), BATCH);
        upload.on_backlog(Verdict::Stored, 20, 1_000, 0);
        assert_eq!(upload.deadline(&Backlog { erasures: 1, ..unsent(0) }), Some(2_500));
        assert_eq!(upload.next(2_500, &backlog), Some(Action::Erase));
    }
}

#[test]
fn statuses_are_judged_as_the_wire_says() {
    for (status, retry_after_ms, ours, verdict) in [
        (200, None, true, Verdict::Stored),
        (200, None, false, Verdict::BackOff),
        (204, None, true, Verdict::Stored),
        (301, None, false, Verdict::BackOff),
        (302, Some(1), false, Verdict::BackOff),
        (400, None, true, Verdict::Divide),
        (400, None, false, Verdict::BackOff),
        (401, None, true, Verdict::Pause),
        (401, None, false, Verdict::BackOff),
        (401, Some(7_000), false, Verdict::BackOff),
        (403, None, true, Verdict::Pause),
        (403, None, false, Verdict::BackOff),
        (404, None, false, Verdict::BackOff),
        (407, None, false, Verdict::BackOff),
        (408, None, false, Verdict::BackOff),
        (409, None, true, Verdict::Conflict),
        (409, None, false, Verdict::BackOff),
        (410, None, true, Verdict::Erased),
        (410, None, false, Verdict::BackOff),
        (413, None, true, Verdict::Divide),
        (413, None, false, Verdict::BackOff),
        (422, None, true, Verdict::Divide),
        (422, None, false, Verdict::BackOff),
        (429, Some(7_000), true, Verdict::Wait(7_000)),
        (429, Some(7_000), false, Verdict::Advised(7_000)),
        (429, None, true, Verdict::BackOff),
        (429, None, false, Verdict::BackOff),
        (500, Some(7_000), true, Verdict::BackOff),
        (500, Some(7_000), false, Verdict::BackOff),
        (503, Some(u64::MAX), true, Verdict::Wait(RETRY_AFTER_MAX_MS)),
        (503, Some(u64::MAX), false, Verdict::Advised(STRANGER_WAIT_MAX_MS)),
        (511, None, false, Verdict::BackOff),
    ] {
        assert_eq!(judge(status, retry_after_ms, ours), verdict, "{status}");
    }
}

#[test]
fn a_pause_stops_no_erasure() {
    let mut upload = Upload::new();
    upload.flush_now();
    upload.next(0, &unsent(1));
    upload.on_backlog(Verdict::Pause, 1, 0, 0);
    let backlog = Backlog { erasures: 1, ..unsent(20) };
    assert_eq!(upload.deadline(&backlog), Some(0));
    assert_eq!(upload.next(0, &backlog), Some(Action::Erase));
    assert_eq!(upload.next(0, &backlog), None);
}

#[test]
fn what_a_stranger_asks_for_is_waited_for_up_to_five_minutes_or_until_the_app_asks() {
    let mut upload = Upload::new();
    upload.flush_now();
    upload.next(0, &unsent(1));
    upload.on_backlog(Verdict::Advised(60_000), 1, 0, 500);
    assert_eq!(upload.deadline(&unsent(1)), Some(60_500));
    upload.flush_now();
    assert_eq!(upload.next(0, &unsent(1)), BATCH);
    upload.on_backlog(Verdict::Advised(STRANGER_WAIT_MAX_MS), 1, 0, 500);
    assert_eq!(upload.deadline(&unsent(1)), Some(STRANGER_WAIT_MAX_MS));
}

#[test]
fn offline_nothing_is_due_and_back_online_only_the_collectors_wait_stands() {
    for (verdict, due_ms) in
        [(Verdict::BackOff, 0), (Verdict::Advised(60_000), 0), (Verdict::Wait(60_000), 62_000)]
    {
        let mut upload = Upload::new();
        let backlog = Backlog { erasures: 1, ..unsent(20) };
        assert_eq!(upload.next(1_000, &backlog), Some(Action::Erase));
        assert_eq!(upload.next(1_000, &backlog), BATCH);
        upload.on_erasure(verdict, 1_000, 1_000);
        upload.on_backlog(verdict, 20, 1_000, 1_000);
        upload.set_online(true);
        assert_ne!(upload.deadline(&backlog), Some(0), "it was online already");
        upload.set_online(false);
        assert_eq!(upload.deadline(&backlog), None);
        assert_eq!(upload.next(u64::MAX / 2, &backlog), None);
        upload.set_online(true);
        assert_eq!(upload.deadline(&backlog), Some(due_ms), "{verdict:?}");
        assert_eq!(upload.next(due_ms.max(1_000), &backlog), Some(Action::Erase));
        assert_eq!(upload.next(due_ms.max(1_000), &backlog), BATCH);
    }
}

#[test]
fn deleting_everything_does_not_make_an_offline_phone_try() {
    let mut upload = Upload::new();
    upload.set_online(false);
    upload.reset();
    assert_eq!(upload.deadline(&Backlog { erasures: 1, ..unsent(20) }), None);
}
