//! **Accounted**: recorded = delivered + queued + dropped; what is dropped is counted by its
//! reason, and reported to the collector. `Phone::accounted` compares with the test's own count.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use jalon::{CallRequest, Consent, DropReason, Event, Product, Status, Value};
use serde_json::json;

use crate::support::collector::inflate;
use crate::support::{Disk, Phone, fullest_journal, journal_end};

const HOUR_MS: u64 = 3_600_000;

fn names(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

/// An event of about `bytes`.
fn large(bytes: usize) -> Event {
    let value = |at| (format!("value_{at}"), Value::Text("x".repeat(bytes / 16)));
    Event::Custom { name: "large".into(), values: (0..16).map(value).collect() }
}

/// The header of the last batch that the collector got.
fn last_header(phone: &Phone) -> serde_json::Value {
    phone.collector(|collector| collector.headers.last().cloned().unwrap())
}

/// Checks what was reported to the collector: drops by reason, and which numbers may be missing
/// (below `oldest`) or pending (from there up to `next`).
fn check_report(phone: &Phone, status: &Status) {
    let header = last_header(phone);
    let counts = status.dropped.iter().filter(|(_, count)| *count > 0);
    let dropped: BTreeMap<_, _> = counts.map(|(reason, count)| (reason.name(), count)).collect();
    assert_eq!(header["dropped"], json!(dropped));
    let (oldest, next) = (header["oldest"].as_u64().unwrap(), header["next"].as_u64().unwrap());
    let epoch = header["epoch"].as_u64().unwrap();
    let (stored, below) = phone.collector(|collector| {
        let seqs = collector.events.keys().filter(|key| key.1 == epoch).map(|key| key.2);
        (seqs.clone().count() as u64, seqs.filter(|seq| *seq < oldest).count() as u64)
    });
    let gaps = [DropReason::Quota, DropReason::Expired, DropReason::Rejected];
    let missing: u64 = gaps.iter().map(|reason| status.dropped.get(*reason)).sum();
    assert_eq!((next - 1) - stored, missing, "{header}");
    assert_eq!((oldest - 1) - below, missing, "nothing is pending: {header}");
}

/// Uploads what is queued, and one more batch, whose header reports everything.
fn upload_and_account(phone: &Phone, recorded: u64) -> Status {
    phone.upload_all();
    phone.views(["last"]);
    phone.upload_all();
    let status = phone.accounted(recorded + 1);
    assert_eq!(status.queued, 0);
    status
}

#[test]
fn the_oldest_are_dropped_when_the_quota_is_full_and_the_collector_learns_how_many() {
    let mut phone = Phone::new();
    phone.config.quota_bytes = 1024 * 1024;
    phone.open();
    phone.network.offline();
    for round in 0..40 {
        for n in 0..20 {
            let name = format!("{}", round * 20 + n);
            let values = (0..10).map(|at| (format!("v{at}"), Value::Text("x".repeat(200))));
            phone.journey().record(Event::Custom { name, values: values.collect() });
        }
        phone.clock.advance(1_000);
        let status = phone.accounted((round + 1) * 20);
        assert_eq!(status.storage_trouble, None);
    }
    let quota = phone.status().dropped.get(DropReason::Quota);
    assert!((300..780).contains(&quota), "{quota}");
    phone.restart();
    assert_eq!(phone.accounted(800).dropped.get(DropReason::Quota), quota, "after a restart too");
    phone.network.online();
    let status = upload_and_account(&phone, 800);
    assert_eq!(status.dropped.total(), quota);
    check_report(&phone, &status);
    let first = phone.collector(|collector| collector.journey(1)[0]["name"].clone());
    assert_eq!(first, quota.to_string(), "the newest are kept, without a hole");
}

#[test]
fn what_outlives_its_time_is_dropped_as_expired() {
    let mut phone = Phone::new();
    phone.config.time_to_live = Duration::from_hours(48);
    phone.open();
    phone.network.offline();
    phone.views(names(0..10));
    phone.clock.advance(30 * HOUR_MS);
    phone.views(names(10..30));
    // The wall clock moves on while the app does not run.
    phone.close();
    phone.clock.change(|now| now.wall_ms += 20 * HOUR_MS as i64);
    phone.open();
    let status = phone.accounted(30);
    assert_eq!((status.queued, status.dropped.get(DropReason::Expired)), (20, 10));
    // A wall clock that jumps by years, forward or back, expires nothing.
    for years in [10_i64, -20] {
        phone.close();
        phone.clock.change(|now| now.wall_ms += years * 365 * 24 * HOUR_MS as i64);
        phone.open();
        assert_eq!(phone.accounted(30).queued, 20);
    }
    phone.network.online();
    let status = upload_and_account(&phone, 30);
    assert_eq!(status.dropped.total(), 10);
    check_report(&phone, &status);
}

#[test]
fn what_record_refuses_is_counted_by_its_reason_also_after_a_kill() {
    let mut phone = Phone::running();
    phone.network.offline();
    let journey = phone.journey();
    journey.record(Event::ScreenView { screen: "  ".into() });
    journey.record(Event::ProductView { product: Product::default() });
    journey.identify(" ", None);
    journey.set_location(91.0, 0.0);
    journey.set_location(48.85, 2.35);
    let many = (0..17).map(|at| (at.to_string(), Value::Flag(true))).collect();
    journey.record(Event::Custom { name: "many".into(), values: many });
    let check = |status: Status| {
        assert_eq!(status.dropped.get(DropReason::Invalid), 4);
        assert_eq!(status.dropped.get(DropReason::Consent), 1);
        assert_eq!(status.dropped.get(DropReason::TooLarge), 1);
        assert_eq!(status.dropped.total(), 6);
    };
    check(phone.accounted(6));
    // Killed before the worker drained the notes.
    let disk = Disk::of(&phone.folder());
    phone.close();
    disk.restore(&phone.folder());
    phone.open();
    check(phone.accounted(6));
    phone.restart();
    check(phone.accounted(6));
    phone.network.online();
    let status = upload_and_account(&phone, 6);
    check(status.clone());
    check_report(&phone, &status);
}

#[test]
fn without_a_grant_only_what_does_not_fit_the_buffer_is_dropped() {
    let mut phone = Phone::new();
    phone.config.consent = None;
    phone.open();
    phone.views(names(0..250));
    let status = phone.accounted(250);
    assert_eq!((status.queued, status.dropped.get(DropReason::Consent)), (200, 50));
    phone.journey().set_consent(Consent::Granted);
    phone.accounted(250);
    let status = upload_and_account(&phone, 250);
    assert_eq!((status.delivered, status.dropped.total()), (201, 50));
    check_report(&phone, &status);
    let seen = phone.collector(|collector| collector.screens_seen());
    assert_eq!(seen[..200], names(50..250));
}

#[test]
fn what_the_disk_does_not_take_is_dropped_as_disk() {
    let mut phone = Phone::new();
    // There is a folder in the store's place: the store cannot be opened, and the journal fills up.
    fs::create_dir_all(phone.folder().join("journey.db")).unwrap();
    phone.open();
    let mut recorded = 0;
    while phone.status().dropped.get(DropReason::Disk) < 10 {
        phone.journey().record(large(8_000));
        recorded += 1;
        assert!(recorded < 1_000);
    }
    let status = phone.accounted(recorded);
    assert_eq!(status.dropped.total(), 10);
    assert!(status.storage_trouble.is_some());
    fs::remove_dir(phone.folder().join("journey.db")).unwrap();
    phone.journey().upload_now();
    phone.run_until_idle();
    let status = upload_and_account(&phone, recorded);
    assert_eq!((status.dropped.total(), status.storage_trouble.as_ref()), (10, None));
    check_report(&phone, &status);
}

#[test]
fn each_record_damaged_in_the_journal_is_counted_as_corrupt() {
    let mut phone = Phone::running();
    phone.network.offline();
    phone.views(names(0..30));
    let disk = Disk::of(&phone.folder());
    phone.close();
    disk.restore(&phone.folder());
    let path = fullest_journal(&phone.folder());
    let mut bytes = fs::read(&path).unwrap();
    // In the middle, across several records: the gap in their places shows how many.
    let middle = journal_end(&bytes) / 2;
    bytes[middle..middle + 300].fill(0x55);
    fs::write(&path, bytes).unwrap();
    phone.open();
    let status = phone.accounted(30);
    let corrupt = status.dropped.get(DropReason::Corrupt);
    assert!((2..=6).contains(&corrupt), "{corrupt}");
    phone.network.online();
    let status = upload_and_account(&phone, 30);
    assert_eq!((status.delivered, status.dropped.total()), (31 - corrupt, corrupt));
    check_report(&phone, &status);
}

#[test]
fn what_was_lost_with_a_store_is_counted_in_the_next_epoch() {
    let mut phone = Phone::running();
    phone.network.offline();
    phone.views(names(0..40));
    phone.clock.advance(1_000);
    phone.close();
    // A later version's store can be read well enough to count what is lost with it.
    let db = rusqlite::Connection::open(phone.folder().join("journey.db")).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    phone.open();
    let status = phone.accounted(40);
    assert_eq!((status.queued, status.dropped.get(DropReason::Corrupt)), (0, 40));
    assert!(phone.folder().join("set-aside.db").exists());
    phone.network.online();
    let status = upload_and_account(&phone, 40);
    assert_eq!(last_header(&phone)["epoch"], 2);
    check_report(&phone, &status);
    // A file that is not a database counts as one loss at least.
    phone.close();
    fs::write(phone.folder().join("journey.db"), [0x42; 9_000]).unwrap();
    phone.open();
    let status = phone.accounted(1);
    assert_eq!(status.dropped.get(DropReason::Corrupt), 1);
    let status = upload_and_account(&phone, 1);
    assert_eq!((last_header(&phone)["epoch"].as_u64(), status.delivered), (Some(3), 1));
    check_report(&phone, &status);
}

#[test]
fn what_is_pending_is_reported_as_pending() {
    let phone = Phone::running();
    phone.network.offline();
    phone.views(names(0..250));
    phone.clock.advance(1_000);
    let before = phone.network.sent().len();
    phone.network.online();
    phone.upload_all();
    let sent = phone.network.sent();
    let spans: Vec<_> = sent[before..]
        .iter()
        .filter(|(_, request)| request.url.ends_with("/v1/batches"))
        .map(|(_, request)| inflate(request))
        .filter(|batch| batch["events"] != json!([]))
        .map(|batch| (batch["oldest"].clone(), batch["next"].clone(), batch["events"][0].clone()))
        .collect();
    assert!(spans.len() > 2);
    for (oldest, next, first) in &spans {
        assert_eq!(*oldest, first["seq"], "what a batch holds is not yet stored");
        assert_eq!(*next, 251);
    }
}

#[test]
fn taps_customers_and_positions_count_like_events() {
    let phone = Phone::running();
    let journey = phone.journey();
    journey.allow_location(true);
    journey.record(Event::ScreenView { screen: "home".into() });
    journey.identify("4711", None);
    journey.identify("4711", None);
    journey.set_location(48.857, 2.352);
    journey.call_context(&CallRequest::to("+33123456789")).unwrap();
    journey.clear_customer();
    let status = upload_and_account(&phone, 5);
    assert_eq!((status.delivered, status.dropped.total()), (6, 0));
    check_report(&phone, &status);
}
