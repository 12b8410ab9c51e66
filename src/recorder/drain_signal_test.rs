use super::*;

fn after(events: u64) -> DrainSignal {
    let mut signal = DrainSignal::default();
    for _ in 0..events {
        signal.on_event(false, 1_000);
    }
    signal
}

#[test]
fn an_empty_journal_has_no_deadline_and_is_never_due() {
    let signal = DrainSignal::default();
    assert_eq!(signal.deadline_ms(), None);
    assert!(!signal.is_due(u64::MAX, true));
}

#[test]
fn the_first_record_wakes_the_worker_and_waits_a_second_for_more() {
    let (before, first) = (after(0), after(1));
    assert_eq!(first.wakes_worker(&before, false), Wake::By(1_000 + DRAIN_AFTER_MS));
    assert_eq!(first.deadline_ms(), Some(1_000 + DRAIN_AFTER_MS));
    assert!(!first.is_due(1_000 + DRAIN_AFTER_MS - 1, false));
    assert!(first.is_due(1_000 + DRAIN_AFTER_MS, false));
}

#[test]
fn the_second_record_wakes_nobody_and_the_one_with_which_there_are_enough_does() {
    assert_eq!(after(2).wakes_worker(&after(1), false), Wake::No);
    assert!(!after(DRAIN_AT_EVENTS - 1).is_due(1_000, false));
    let enough = after(DRAIN_AT_EVENTS);
    assert_eq!(enough.wakes_worker(&after(DRAIN_AT_EVENTS - 1), false), Wake::AtOnce);
    assert!(after(DRAIN_AT_EVENTS).is_due(1_000, false));
    assert_eq!(after(DRAIN_AT_EVENTS + 1).wakes_worker(&enough, false), Wake::No);
}

#[test]
fn a_call_always_wakes_the_worker_and_is_due_at_once() {
    let before = after(3);
    let mut signal = before;
    signal.on_urgent();
    assert!(signal.is_due(1_000, false) && signal.drains_now());
    assert_eq!(signal.wakes_worker(&before, true), Wake::AtOnce);
    let again = signal.wakes_worker(&signal, true);
    assert_eq!(again, Wake::AtOnce, "the worker may be waiting for a retry");
}

#[test]
fn a_segment_that_is_half_full_is_drained_at_once_and_wakes_the_worker_once() {
    let before = after(3);
    let mut half_full = before;
    half_full.on_event(true, 1_001);
    assert!(half_full.is_due(1_001, false));
    assert_eq!(half_full.wakes_worker(&before, false), Wake::AtOnce);
    let mut next = half_full;
    next.on_event(true, 1_002);
    assert_eq!(next.wakes_worker(&half_full, false), Wake::No);
}

#[test]
fn a_note_or_a_refused_record_is_looked_at_within_a_second_and_is_no_event() {
    let before = DrainSignal::default();
    let mut signal = before;
    signal.look_soon(5_000);
    assert_eq!(signal.wakes_worker(&before, false), Wake::By(5_000 + DRAIN_AFTER_MS));
    assert!(signal.is_waiting());
    assert_eq!((signal.undrained(), signal.deadline_ms()), (0, Some(5_000 + DRAIN_AFTER_MS)));
    signal.request();
    assert!(!signal.drains_now(), "nobody waits for notes");
}

#[test]
fn what_an_earlier_process_left_is_drained_at_once() {
    for (events, any_record, due) in [(7, true, true), (0, true, true), (0, false, false)] {
        let mut signal = DrainSignal::default();
        signal.on_open(events, any_record);
        assert_eq!((signal.undrained(), signal.is_due(0, false)), (events, due));
    }
}

#[test]
fn whoever_waits_for_an_upload_drains_what_is_there_and_nothing_else() {
    let mut empty = DrainSignal::default();
    empty.request();
    assert!(!empty.is_due(0, false));
    let mut some = after(1);
    some.request();
    assert!(some.is_due(0, false));
}

#[test]
fn closing_drains_whatever_waits() {
    assert!(after(1).is_due(1_000, true));
    assert!(!after(1).is_due(1_000, false));
}

#[test]
fn sealing_ends_the_wait_and_draining_takes_the_events_off() {
    let mut signal = after(150);
    signal.on_urgent();
    signal.on_seal();
    assert_eq!((signal.drains_now(), signal.deadline_ms(), signal.undrained()), (false, None, 150));
    signal.on_drained(150);
    assert_eq!(signal, DrainSignal::default());
    signal.on_drained(1);
    assert_eq!(signal.undrained(), 0, "never below none");
}
