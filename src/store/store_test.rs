use super::*;
use crate::event::{Entry, Form, Kind, Record};
use crate::wire::{Answer, Stamp, read_answer, write_body};

#[path = "people_test.rs"]
mod people;

const OWNER: [u8; 16] = [7; 16];
const RUN: u64 = 0xA11CE;
const LIMITS: Limits = Limits { bytes_max: 512 * 1024, time_to_live_ms: 1_000_000 };

fn at(elapsed_ms: u64) -> Now {
    Now { wall_ms: 1_000_000_000 + elapsed_ms as i64, elapsed_ms }
}

fn open(dir: &Path) -> Store {
    Store::open(&dir.join(FILE), &OWNER, 1, LIMITS, at(0)).unwrap()
}

fn record(run: u64, n: u64, kind: Kind, body: &str) -> Record {
    let body = body.as_bytes().to_vec();
    Record { run, index: n, at_ms: 0, elapsed_ms: 0, session: 1, kind, form: Form::Json, body }
}

/// Records of a run with the given indexes, each with its index as its body.
fn events(run: u64, n: std::ops::RangeInclusive<u64>) -> Vec<Record> {
    n.map(|n| record(run, n, Kind::Event, &format!("{{\"n\":{n}}}"))).collect()
}

fn drain(store: &mut Store, records: Vec<Record>) -> Vec<(u64, String)> {
    let outcome = store.drain(records, 0, &Dropped::default(), RUN, at(0)).unwrap();
    let text = |body| String::from_utf8(body).unwrap();
    outcome.added.into_iter().map(|(seq, body)| (seq, text(body))).collect()
}

fn batch(store: &mut Store, events_max: usize, bytes_max: usize) -> Vec<u64> {
    let batch = store.next_batch(events_max, bytes_max).unwrap();
    batch.into_iter().map(|(seq, _)| seq).collect()
}

fn answer(json: &str) -> Answer {
    read_answer(json.as_bytes()).unwrap()
}

/// A request that told of every change of customer up to this `seq`.
fn told(through: u64) -> Told {
    Told { through: through.min(i64::MAX as u64), codes: None, same_customer: true }
}

fn dropped(store: &Store, reason: DropReason) -> u64 {
    store.counts().unwrap().dropped.get(reason)
}

/// Asserts what holds at any moment.
fn check(store: &Store) {
    let Counts { next_seq, unsent, delivered, dropped, .. } = store.counts().unwrap();
    let numbered = dropped.iter().filter(|(reason, _)| reason.leaves_a_gap()).map(|(_, n)| n);
    assert_eq!(next_seq - 1, unsent + delivered + numbered.sum::<u64>());
    assert_eq!(unsent, count_unsent(&store.connection).unwrap());
}

#[test]
fn what_was_taken_over_before_is_passed_by_also_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    drain(&mut store, events(1, 1..=3));
    assert_eq!(drain(&mut store, events(1, 1..=3)), []);
    assert_eq!(drain(&mut store, events(1, 2..=4)), [(4, "{\"n\":4}".to_owned())]);
    drop(store);
    let mut store = open(dir.path());
    let two_runs = [events(1, 3..=5), events(2, 1..=1)].concat();
    let seqs: Vec<u64> = drain(&mut store, two_runs.clone()).iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, [5, 6]);
    assert_eq!(drain(&mut store, two_runs), []);
    assert_eq!(store.counts().unwrap().dropped.total(), 0);
    check(&store);
}

#[test]
fn however_many_runs_a_segment_holds_none_is_taken_over_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let crowd: Vec<Record> = (1..=300).flat_map(|run| events(run, 1..=1)).collect();
    assert_eq!(drain(&mut store, crowd.clone()).len(), 300);
    assert_eq!(drain(&mut store, crowd), [], "killed before the segment was freed");
    // A clock that stands still and many restarts do not evict the latest run.
    for run in (400..600).rev() {
        assert_eq!(drain(&mut store, events(run, 1..=2)).len(), 2);
        assert_eq!(drain(&mut store, events(run, 1..=2)), []);
    }
    check(&store);
}

#[test]
fn records_missing_from_a_run_are_counted_as_corrupt_but_not_those_of_another_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    drain(&mut store, events(1, 500..=501));
    assert_eq!(dropped(&store, DropReason::Corrupt), 0, "the first ones went elsewhere");
    drain(&mut store, [events(1, 502..=503), events(1, 507..=507)].concat());
    assert_eq!(dropped(&store, DropReason::Corrupt), 3);
    // Damage at the end leaves no gap yet, but counts when it is found. Of gap and damage, the
    // larger counts.
    store.drain(events(1, 508..=508), 2, &Dropped::default(), RUN, at(0)).unwrap();
    assert_eq!(dropped(&store, DropReason::Corrupt), 5);
    check(&store);
}

#[test]
fn notes_and_drops_before_the_journal_are_counted_and_get_no_seq() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut counted = Dropped::default();
    counted.add(DropReason::Disk, 4);
    let mut note = record(1, 1, Kind::Dropped, "");
    note.body = vec![DropReason::Invalid as u8];
    store.drain(vec![note], 0, &counted, RUN, at(0)).unwrap();
    let counts = store.counts().unwrap();
    assert_eq!((counts.next_seq, counts.dropped.total()), (1, 5));
    assert_eq!((dropped(&store, DropReason::Disk), dropped(&store, DropReason::Invalid)), (4, 1));
    drop(store);
    assert_eq!(open(dir.path()).counts().unwrap(), counts);
}

#[test]
fn the_quota_takes_the_oldest_but_never_what_is_being_sent() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let body = "x".repeat(2_100);
    let many =
        |from: u64| (from..from + 60).map(|n| record(1, n, Kind::Event, &body)).collect::<Vec<_>>();
    drain(&mut store, many(1));
    assert_eq!(batch(&mut store, 10, usize::MAX), (1..=10).collect::<Vec<_>>());
    for round in 1..10 {
        drain(&mut store, many(1 + round * 60));
        check(&store);
    }
    assert!(dropped(&store, DropReason::Quota) > 300);
    assert!(store.counts().unwrap().oldest_seq == 1, "in flight");
    store.acknowledge_batch(&answer("{\"stored\":10}"), &told(u64::MAX), at(0)).unwrap();
    let counts = store.counts().unwrap();
    assert_eq!((counts.delivered, counts.next_seq), (10, 601));
    assert_eq!(counts.oldest_seq, 601 - counts.unsent, "the newest, without a hole");
    check(&store);
}

#[test]
fn a_whole_segment_fits_a_full_store_whatever_its_events_size() {
    for bytes in [100, 2_100, 4_100, 15_000] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let body = "x".repeat(bytes);
        let mut n = 0;
        // The third is drained into a full store.
        for _ in 0..3 {
            let segment: Vec<Record> = (0..2 * LIMITS.bytes_max as usize / (bytes + 48))
                .map(|_| {
                    n += 1;
                    record(1, n, Kind::Event, &body)
                })
                .collect();
            drain(&mut store, segment);
            check(&store);
        }
        assert!(store.unsent() > 10, "{bytes}");
    }
}

#[test]
fn a_quota_that_shrank_is_kept_from_the_next_drain_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let body = "x".repeat(4_100);
    drain(&mut store, (1..=60).map(|n| record(1, n, Kind::Event, &body)).collect());
    drop(store);
    let limits = Limits { bytes_max: 256 * 1024, ..LIMITS };
    let mut store = Store::open(&dir.path().join(FILE), &OWNER, 1, limits, at(0)).unwrap();
    drain(&mut store, (61..=70).map(|n| record(1, n, Kind::Event, &body)).collect());
    let pragma = |name| {
        let value = store.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        value.unwrap() as u64
    };
    let used = (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
    assert!((limits.bytes_max - 16 * 1024..=limits.bytes_max).contains(&used), "{used}");
    assert_eq!(dropped(&store, DropReason::Quota) + store.unsent(), 70);
    check(&store);
}

#[test]
fn time_to_live_counts_from_the_recording_and_spares_what_is_being_sent() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut later = record(RUN, 3, Kind::Event, "{}");
    later.elapsed_ms = 500_000;
    let mut records = events(RUN, 1..=2);
    records.push(later);
    drain(&mut store, records);
    store.expire(at(1_000_000)).unwrap();
    assert_eq!(store.unsent(), 3);
    assert_eq!(batch(&mut store, 1, usize::MAX), [1]);
    store.expire(at(1_000_001)).unwrap();
    assert_eq!((store.unsent(), dropped(&store, DropReason::Expired)), (2, 1), "not the first");
    store.release();
    store.expire(at(1_000_001)).unwrap();
    assert_eq!((store.unsent(), dropped(&store, DropReason::Expired)), (1, 2));
    store.expire(at(1_500_001)).unwrap();
    assert_eq!((store.unsent(), dropped(&store, DropReason::Expired)), (0, 3));
    check(&store);
}

#[test]
fn a_batch_keeps_both_bounds_and_holds_at_least_one_event() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let body = "x".repeat(100);
    drain(&mut store, (1..=30).map(|n| record(1, n, Kind::Event, &body)).collect());
    assert_eq!(batch(&mut store, 7, usize::MAX).len(), 7);
    assert_eq!(batch(&mut store, 100, 128 * 4).len(), 4);
    assert_eq!(batch(&mut store, 100, 1), [1]);
    assert_eq!(batch(&mut store, 0, 1), [0_u64; 0]);
}

#[test]
fn only_what_was_in_flight_is_settled_and_only_that_can_be_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    drain(&mut store, events(1, 1..=10));
    assert_eq!(batch(&mut store, 4, usize::MAX), [1, 2, 3, 4]);
    let said = r#"{"stored":3,"rejected":[{"seq":2},{"seq":2},{"seq":9},{"seq":77}]}"#;
    store.acknowledge_batch(&answer(said), &told(u64::MAX), at(0)).unwrap();
    let counts = store.counts().unwrap();
    assert_eq!((counts.delivered, counts.unsent, counts.oldest_seq), (3, 6, 5));
    assert_eq!(dropped(&store, DropReason::Rejected), 1);
    store.acknowledge_batch(&answer("{\"stored\":0}"), &told(u64::MAX), at(0)).unwrap();
    assert_eq!(store.unsent(), 6, "nothing was in flight");
    assert_eq!(batch(&mut store, 1, usize::MAX), [5]);
    store.drop_refused(at(0)).unwrap();
    assert_eq!((store.unsent(), dropped(&store, DropReason::Rejected)), (5, 2));
    check(&store);
}

#[test]
fn another_installation_begins_anew_and_takes_the_unsent_under_new_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    drain(&mut store, events(1, 1..=10));
    batch(&mut store, 4, usize::MAX);
    let leased = r#"{"stored":4,"codes":[{"locator":"412907384","expires_in_s":600}]}"#;
    store.acknowledge_batch(&answer(leased), &told(u64::MAX), at(0)).unwrap();
    assert_eq!(store.leases(at(0)).unwrap().len(), 1);
    drop(store);
    let path = dir.path().join(FILE);
    let mut store = Store::open(&path, &[8; 16], 1, LIMITS, at(0)).unwrap();
    let rows = store.next_batch(100, usize::MAX).unwrap();
    let said = |n: u64| (n - 4, format!("{{\"n\":{n}}}").into_bytes());
    assert_eq!(rows, (5..=10).map(said).collect::<Vec<_>>());
    assert_eq!(store.leases(at(0)).unwrap(), []);
    assert_eq!(store.counts().unwrap().delivered, 0);
    // What the journal replays was already drained by the previous store.
    assert_eq!(drain(&mut store, events(1, 9..=11)).len(), 1);
    check(&store);
}

#[test]
fn what_is_not_ours_or_later_or_of_another_epoch_is_condemned_and_nothing_else_is() {
    let condemned = |prepare: &dyn Fn(&Path), epoch: u32| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        prepare(&path);
        let opened = Store::open(&path, &OWNER, epoch, LIMITS, at(0));
        opened.err().map(|error| error.condemns_the_store())
    };
    let sql = |path: &Path, sql: &str| Connection::open(path).unwrap().execute_batch(sql).unwrap();
    let ours = |path: &Path| drop(Store::open(path, &OWNER, 1, LIMITS, at(0)).unwrap());
    assert_eq!(condemned(&|_| (), 1), None);
    assert_eq!(condemned(&ours, 1), None);
    assert_eq!(condemned(&ours, 2), Some(true), "an earlier epoch");
    let later = |path: &Path| {
        ours(path);
        sql(path, "PRAGMA user_version = 99");
    };
    assert_eq!(condemned(&later, 1), Some(true));
    assert_eq!(condemned(&|path| std::fs::write(path, [9; 5_000]).unwrap(), 1), Some(true));
    assert_eq!(condemned(&|path| sql(path, "CREATE TABLE events (a)"), 1), Some(true));
    let foreign = |path: &Path| sql(path, "CREATE TABLE a (b); PRAGMA user_version = 1");
    assert_eq!(condemned(&foreign, 1), Some(true));
    assert_eq!(condemned(&|path| std::fs::create_dir(path).unwrap(), 1), Some(false));
}

#[test]
fn what_was_made_durable_has_written_even_where_nothing_changed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    drain(&mut store, events(1, 1..=3));
    let written = || dir.path().join(format!("{FILE}-wal")).metadata().unwrap().len();
    let before = written();
    store.make_durable(at(0)).unwrap();
    assert!(written() > before, "a commit without a page syncs nothing");
    let before = written();
    store.make_durable(at(0)).unwrap();
    assert_eq!(written(), before, "once is enough");
}
