//! **Once, in order**: the collector stores each event exactly once, ordered by `(epoch, seq)`,
//! whatever is lost, repeated, delayed or killed; and no `seq` is given to two events, not even
//! after a power cut.

use std::sync::{Arc, Mutex};

use jalon::clock::{Bell, Clock as _, SystemClock};
use jalon::{
    CallRequest, Config, Consent, Done, DropReason, Event, Journey, Lane, Request, Response,
    SendError, Transport, UploadProblem,
};
use serde_json::Value;

use crate::support::collector::{inflate, problem};
use crate::support::{Disk, Fault, Phone, child};

fn names(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

fn answered(status: u16, wait_s: Option<u64>, body: &str) -> Fault {
    let retry_after_ms = wait_s.map(|seconds| seconds * 1_000);
    Fault::Answered(Response { status, retry_after_ms, body: body.into() })
}

/// The batches that were handed to the network.
fn batches(phone: &Phone) -> Vec<Value> {
    let sent = phone.network.sent();
    let batches = sent.iter().filter(|(_, request)| request.url.ends_with("/v1/batches"));
    batches.map(|(_, request)| inflate(request)).collect()
}

#[test]
fn no_fault_of_a_network_loses_or_duplicates_anything() {
    let faults = [
        Fault::LostRequest(SendError::Connect),
        Fault::LostRequest(SendError::Timeout),
        Fault::LostReply(SendError::Broken),
        Fault::LostReply(SendError::Timeout),
        Fault::Repeated,
        Fault::Delayed,
        Fault::Forgotten,
        answered(500, None, ""),
        answered(503, None, ""),
        answered(429, Some(7), ""),
        answered(408, None, ""),
    ];
    for fault in faults {
        let phone = Phone::running();
        for round in 0..5 {
            let several = [fault.clone(), Fault::None, fault.clone(), fault.clone()];
            phone.network.next_faults(several);
            phone.views(names(round * 60..(round + 1) * 60));
            phone.upload_all();
        }
        let seen = phone.collector(|collector| collector.screens_seen());
        assert_eq!(seen, names(0..300), "{fault:?}");
        assert_eq!(phone.accounted(300).delivered, 300, "{fault:?}");
    }
}

#[test]
fn a_storm_of_429_and_503_is_waited_out_as_asked_however_impatient_the_app() {
    for status in [429, 503] {
        let phone = Phone::running();
        let busy = Response { retry_after_ms: Some(120_000), ..problem(status) };
        phone.network.every_request(Fault::Answered(busy));
        phone.views(names(0..30));
        phone.journey().upload_now();
        phone.clock.advance(1_000);
        let before = batches(&phone).len();
        for _ in 0..5 {
            phone.clock.advance(110_000);
            phone.journey().upload_now();
            phone.run_until_idle();
            phone.clock.advance(32_000);
        }
        // One request for each 120 to 133 seconds, and none cut short.
        assert_eq!(batches(&phone).len() - before, 5);
        let status = phone.accounted(30);
        assert_eq!((status.queued, status.dropped.total()), (30, 0));
        phone.network.online();
        phone.clock.advance(133_000);
        assert_eq!(phone.collector(|collector| collector.screens_seen()), names(0..30));
    }
}

#[test]
fn an_answer_that_is_not_the_collectors_is_neither_followed_nor_believed() {
    let portal = "<html>Welcome to the train's network</html>";
    for fault in [
        answered(200, None, portal),
        answered(200, None, "{}"),
        answered(200, None, ""),
        answered(204, None, ""),
        answered(301, None, ""),
        answered(302, None, portal),
        answered(307, None, "{\"stored\":3}"),
        answered(308, None, ""),
        // Only our own collector's problem document deletes or drops.
        answered(400, None, portal),
        answered(410, None, portal),
        answered(413, None, "{}"),
        answered(422, None, "{\"status\":410}"),
    ] {
        let phone = Phone::running();
        phone.network.every_request(fault.clone());
        phone.views(names(0..3));
        phone.journey().upload_now();
        phone.clock.advance(1_000);
        let status = phone.accounted(3);
        assert_eq!((status.queued, status.delivered), (3, 0), "{fault:?}");
        let problem = status.last_upload.unwrap().problem;
        match fault {
            Fault::Answered(Response { status: status @ 400.., .. }) => {
                assert_eq!(problem, Some(UploadProblem::Status(status)));
            }
            _ => assert_eq!(problem, Some(UploadProblem::NotACollector), "{fault:?}"),
        }
        phone.network.online();
        phone.upload_all();
        assert_eq!(phone.collector(|collector| collector.screens_seen()), names(0..3));
        let sent = phone.network.sent();
        assert!(sent.iter().all(|(_, request)| request.url.starts_with(&phone.config.endpoint)));
    }
}

#[test]
fn a_wrong_key_keeps_everything_and_is_quiet_until_the_app_asks() {
    for status in [401, 403] {
        let phone = Phone::running();
        phone.network.every_request(Fault::Answered(problem(status)));
        phone.views(names(0..30));
        phone.clock.advance(31_000);
        let before = phone.network.sent().len();
        phone.clock.advance(3_600_000);
        assert_eq!(phone.network.sent().len(), before, "{status}: quiet");
        phone.network.online();
        phone.upload_all();
        assert_eq!(phone.collector(|collector| collector.screens_seen()), names(0..30));
    }
}

#[test]
fn a_poison_event_is_found_dropped_as_rejected_and_stops_nothing_else() {
    for status in [400, 413, 422] {
        let phone = Phone::running();
        let refuse: fn(&Value) -> Option<u16> = match status {
            400 => |event| (event["screen"] == "77").then_some(400),
            413 => |event| (event["screen"] == "77").then_some(413),
            _ => |event| (event["screen"] == "77").then_some(422),
        };
        phone.collector(|collector| collector.refuse = Some(refuse));
        // Everything is queued before the first batch goes out, so that batches are always the
        // same.
        phone.network.offline();
        phone.views(names(0..250));
        phone.clock.advance(1_000);
        let offline = batches(&phone).len();
        phone.network.online();
        phone.upload_all();
        let status = phone.accounted(250);
        assert_eq!(status.dropped.get(DropReason::Rejected), 1);
        assert_eq!((status.dropped.total(), status.delivered), (1, 249));
        let mut others = names(0..250);
        others.remove(77);
        assert_eq!(phone.collector(|collector| collector.screens_seen()), others);
        // Halving: 100, 50, 25, … down to the one, and up again.
        let count = batches(&phone).len() - offline;
        assert!(count < 25, "{count}");
    }
}

#[test]
fn what_the_collector_rejects_by_name_is_dropped_for_good_and_the_rest_is_stored() {
    let phone = Phone::running();
    let reject: fn(&Value) -> Option<&'static str> =
        |event| event["screen"].as_str()?.ends_with('7').then_some("unknown_type");
    phone.collector(|collector| collector.reject = Some(reject));
    phone.network.next_faults([Fault::LostReply(SendError::Broken), Fault::Repeated]);
    phone.views(names(0..100));
    phone.upload_all();
    let status = phone.accounted(100);
    assert_eq!(status.dropped.get(DropReason::Rejected), 10);
    assert_eq!(status.dropped.total(), 10);
    phone.collector(|collector| collector.reject = None);
    phone.upload_all();
    assert_eq!(phone.collector(|collector| collector.screens_seen()).len(), 90, "for good");
}

#[test]
fn a_half_open_connection_holds_neither_a_call_nor_what_is_recorded_meanwhile() {
    let mut phone = Phone::running();
    phone.network.next_faults([Fault::Held]);
    phone.views(names(0..40));
    phone.clock.advance(1_000);
    assert_eq!(phone.network.held(), 1);
    phone.views(names(40..50));
    phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    phone.run_until_idle();
    assert_eq!(phone.collector(|collector| collector.calls.len()), 1, "the call's own lane");
    // The batch arrives after the process that sent it, and after it was sent again.
    phone.restart();
    phone.upload_all();
    phone.network.release();
    phone.accounted(51);
    assert_eq!(phone.collector(|collector| collector.screens_seen()), names(0..50));
}

#[test]
fn what_was_recorded_a_moment_before_is_uploaded_when_the_app_asks() {
    let phone = Phone::running();
    phone.views(names(0..3));
    phone.journey().upload_now();
    phone.run_until_idle();
    assert_eq!(phone.collector(|collector| collector.screens_seen()), names(0..3));
}

#[test]
fn a_change_of_customer_does_not_make_the_phone_ask_for_codes_over_and_over() {
    let mut phone = Phone::new();
    phone.collector(|collector| collector.leases = (1..10_000).map(|at| at * 2).collect());
    phone.open();
    phone.journey().identify("a", None);
    phone.upload_all();
    assert_eq!(phone.status().codes, 5);
    // A tap used one up, so that more may be requested.
    phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    phone.run_until_idle();
    let before = phone.network.sent().len();
    phone.journey().identify("b", None);
    phone.run_until_idle();
    let sent = phone.network.sent();
    assert!(sent.len() <= before + 2, "the call's batch, and one that asks: {}", sent.len());
    phone.upload_all();
    assert_eq!(phone.status().codes, 5);
    // The same with one whose record the collector refuses.
    phone.collector(|collector| {
        collector.refuse = Some(|event| (event["customer"]["id"] == "c").then_some(400));
    });
    phone.journey().identify("c", None);
    phone.upload_all();
    assert!(phone.network.sent().len() <= before + 12);
}

#[test]
fn after_a_power_cut_no_seq_means_two_things() {
    let mut phone = Phone::running();
    let durable = watch_durable(&phone);
    phone.views(names(0..30));
    phone.network.next_faults([Fault::Held]);
    phone.clock.advance(1_000);
    // Numbered and committed, but neither synced nor sent: the power cut takes them.
    phone.views(names(30..45));
    phone.clock.advance(1_000);
    let left = durable.lock().unwrap().clone().unwrap();
    phone.close();
    left.restore(&phone.folder());
    phone.open();
    phone.views(names(100..120));
    phone.upload_all();
    phone.network.release();
    let seen = phone.collector(|collector| collector.screens_seen());
    assert_eq!(seen, [names(0..30), names(100..120)].concat());
    let seqs: Vec<u64> =
        phone.collector(|collector| collector.events.keys().map(|key| key.2).collect());
    assert_eq!(seqs, (1..=50).collect::<Vec<_>>(), "the numbers of those lost are given again");
}

/// Keeps what was on disk each time a request left the device.
fn watch_durable(phone: &Phone) -> Arc<Mutex<Option<Disk>>> {
    let durable = Arc::new(Mutex::new(None));
    let (noted, folder) = (Arc::clone(&durable), phone.folder());
    phone.network.watch(move |_| *noted.lock().unwrap() = Some(Disk::of(&folder)));
    durable
}

/// Notes in a file that a request left: whatever was written before it in the trace must be synced.
struct Marker(Mutex<std::fs::File>);

impl Transport for Marker {
    fn send(&self, _: Lane, request: Request, done: Done) {
        std::io::Write::write_all(&mut *self.0.lock().unwrap(), request.url.as_bytes()).unwrap();
        let body = br#"{"stored":0}"#.to_vec();
        done.call(Ok(Response { status: 200, retry_after_ms: None, body }));
    }
}

#[test]
fn nothing_leaves_the_device_before_it_is_synced_on_it() {
    let test = nothing_leaves_the_device_before_it_is_synced_on_it;
    if child::is_child(test) {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::new(dir.path().join("jalon"), "https://c.example", "wk_test");
        config.consent = Some(Consent::Granted);
        let left = Marker(Mutex::new(std::fs::File::create(dir.path().join("left")).unwrap()));
        let journey = Journey::open_with(config, Arc::new(left), Arc::new(SystemClock)).unwrap();
        for n in 0..1_000 {
            journey.record(Event::ScreenView { screen: n.to_string() });
            if n % 100 == 50 {
                journey.call_context(&CallRequest::to("+33123456789")).unwrap();
            }
        }
        while journey.status().queued > 0 {
            journey.upload_now();
            let until_ms = SystemClock.now().elapsed_ms + 5;
            SystemClock.wait(&Bell::new(), Some(until_ms));
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let calls = "trace=write,pwrite64,fsync,fdatasync,rename";
    let wrapper = ["strace", "-f", "-y", "-e", calls, "-o", trace.to_str().unwrap()];
    child::passes_in_a_child(test, &wrapper, "strace");
    let trace = std::fs::read_to_string(&trace).unwrap();
    let (mut wal_dirty, mut identity_dirty, mut left) = (false, false, 0);
    for line in trace.lines() {
        let syncs = line.contains(" fsync(") || line.contains(" fdatasync(");
        if line.contains("journey.db-wal>") {
            wal_dirty = !syncs;
        } else if line.contains("rename(") && line.contains("identity") {
            identity_dirty = true;
        } else if syncs && line.contains("/jalon>") {
            identity_dirty = false;
        } else if line.contains("/left>") {
            assert!(!wal_dirty && !identity_dirty, "left before it was synced: {line}");
            left += 1;
        }
    }
    assert!(left > 10, "{left}");
}
