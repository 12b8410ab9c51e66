//! Promise: nothing is written before a grant; a refusal or an erasure deletes, and an erasure
//! reaches the collector whatever happens in between.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jalon::clock::{Clock as _, SystemClock};
use jalon::{CallRequest, Config, Consent, DropReason, Event, Journey, Method, SendError};
use serde_json::json;

use crate::support::child::{self, copy_folder};
use crate::support::collector::answer;
use crate::support::{Fault, Phone, TestNetwork};

/// Every file below a folder: name and content.
fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    snapshot(folder).into_keys().collect()
}

/// A phone whose customer was not asked yet.
fn unasked() -> Phone {
    let mut phone = Phone::new();
    phone.config.consent = None;
    phone
}

/// The same, once the customer agreed, with three screens at the collector and one on the phone.
fn granted() -> Phone {
    let mut phone = unasked();
    phone.open().set_consent(Consent::Granted);
    phone.views(["sent/0", "sent/1", "sent/2"]);
    phone.upload_all();
    phone.network.offline();
    phone.views(["kept"]);
    phone.clock.advance(1_000);
    phone
}

/// The installations whose events the collector has.
fn installations(phone: &Phone) -> Vec<String> {
    let mut ids: Vec<String> =
        phone.collector(|collector| collector.events.keys().map(|key| key.0.clone()).collect());
    ids.dedup();
    ids
}

fn screens(phone: &Phone) -> Vec<String> {
    phone.collector(|collector| collector.screens_seen())
}

#[test]
fn nothing_is_written_and_nothing_sent_before_the_grant() {
    let mut phone = unasked();
    for round in 0..3 {
        phone.open();
        phone.views((0..250).map(|at| format!("{round}/{at}")));
        let journey = phone.journey();
        journey.identify("customer", None);
        journey.allow_location(true);
        journey.set_location(48.8, 2.3);
        journey.prepare_call();
        let call = journey.call_context(&CallRequest::to("+33 1 23 45 67 89")).unwrap();
        assert_eq!(call.dial_string.as_deref(), Some("tel:+33123456789"));
        assert_eq!((call.token, call.code, call.spoken_code), (None, None, None));
        assert_eq!((call.sip_headers, call.link_parameter), (Vec::new(), None));
        assert_eq!(journey.proof_nonce(), None, "there is no installation yet");
        journey.upload_now();
        phone.clock.advance(60_000);
        assert_eq!(snapshot(&phone.folder()), BTreeMap::new());
        // The tap recorded nothing: 250 screens, the customer and the position are all there is.
        let status = phone.accounted(252);
        assert_eq!((status.queued, status.consent), (200, Consent::Unknown));
        phone.close();
        assert_eq!(snapshot(&phone.folder()), BTreeMap::new());
    }
    assert_eq!(phone.network.sent(), []);
}

#[test]
fn the_newest_two_hundred_get_through_at_the_grant_with_their_own_time_and_order() {
    let mut phone = unasked();
    phone.open();
    for at in 0..230 {
        phone.views([format!("{at}")]);
        phone.clock.advance(10);
    }
    phone.journey().set_consent(Consent::Granted);
    phone.views(["after"]);
    phone.upload_all();
    let mut expected: Vec<String> = (30..230).map(|at| at.to_string()).collect();
    expected.push("after".into());
    assert_eq!(screens(&phone), expected);
    let status = phone.accounted(231);
    assert_eq!((status.delivered, status.dropped.get(DropReason::Consent)), (201, 30));
    phone.collector(|collector| {
        let events = collector.journey(1);
        assert_eq!(events[1]["at"].as_i64().unwrap() - events[0]["at"].as_i64().unwrap(), 10);
        assert_eq!(events[0]["seq"], 1, "dropped before the journal: no number was given");
        assert_eq!(collector.headers.last().unwrap()["dropped"]["consent"], 30);
    });
}

#[test]
fn a_refusal_leaves_an_empty_note_and_nothing_waits() {
    let mut phone = granted();
    phone.journey().set_consent(Consent::Denied);
    // At once for the app, and the note stands before the call returns.
    assert_eq!(fs::read(phone.folder().join("denied")).unwrap(), [0; 0]);
    phone.settle();
    assert_eq!(snapshot(&phone.folder()), BTreeMap::from([("denied".to_owned(), Vec::new())]));
    phone.network.online();
    let before = phone.network.sent().len();
    for _ in 0..2 {
        phone.views(["refused"]);
        let call = phone.journey().call_context(&CallRequest::to("112")).unwrap();
        assert_eq!((call.dial_string.as_deref(), call.token), (Some("tel:112"), None));
        phone.journey().upload_now();
        phone.clock.advance(60_000);
        let status = phone.accounted(1);
        assert_eq!((status.queued, status.dropped.get(DropReason::Consent)), (0, 1));
        assert_eq!(names(&phone.folder()), ["denied"]);
        phone.restart();
        assert_eq!(phone.status().consent, Consent::Denied, "it is remembered");
    }
    assert_eq!(phone.network.sent().len(), before);
    // A later grant begins a new installation.
    phone.journey().set_consent(Consent::Granted);
    phone.views(["granted again"]);
    phone.upload_all();
    assert!(!names(&phone.folder()).contains(&"denied".to_owned()));
    assert_eq!(installations(&phone).len(), 2);
}

#[test]
fn a_refusal_that_was_killed_is_carried_out_at_the_next_start() {
    let mut phone = granted();
    let before = phone.outside().join("before");
    copy_folder(&phone.folder(), &before);
    phone.close();
    // The kill came between the note and the deletion.
    fs::write(before.join("denied"), b"").unwrap();
    phone.config.folder = before;
    phone.open();
    assert_eq!(phone.status().consent, Consent::Denied);
    assert_eq!(names(&phone.folder()), ["denied"]);
}

#[test]
fn what_the_app_says_at_open_wins_over_what_is_stored() {
    let mut phone = granted();
    phone.config.consent = Some(Consent::Denied);
    phone.restart();
    assert_eq!(names(&phone.folder()), ["denied"]);
    phone.config.consent = Some(Consent::Granted);
    phone.restart();
    assert_eq!(phone.status().consent, Consent::Granted);
    assert!(!names(&phone.folder()).contains(&"denied".to_owned()));
    phone.config.consent = None;
    phone.restart();
    assert_eq!(phone.status().consent, Consent::Granted, "it is remembered");
}

#[test]
fn what_waited_while_a_grant_was_taken_back_gets_through_at_the_next_one() {
    let phone = granted();
    phone.network.online();
    phone.journey().set_consent(Consent::Unknown);
    phone.views(["waits/0", "waits/1"]);
    phone.clock.advance(60_000);
    phone.journey().set_consent(Consent::Granted);
    phone.views(["after"]);
    phone.upload_all();
    let expected = ["sent/0", "sent/1", "sent/2", "kept", "waits/0", "waits/1", "after"];
    assert_eq!(screens(&phone), expected);
}

#[test]
fn the_location_has_a_consent_of_its_own_that_is_refused_at_first() {
    let mut phone = granted();
    phone.network.online();
    phone.journey().set_location(48.858_37, 2.294_48);
    phone.journey().allow_location(true);
    phone.journey().set_location(48.858_37, 2.294_48);
    phone.restart();
    phone.journey().set_location(-33.856_78, 151.215_29);
    phone.journey().allow_location(false);
    phone.journey().set_location(1.0, 1.0);
    phone.restart();
    phone.journey().set_location(1.0, 1.0);
    phone.upload_all();
    let positions: Vec<_> = phone.collector(|collector| {
        let events = collector.journey(1);
        events.iter().filter_map(|event| event.get("location").cloned()).collect()
    });
    let expected = [(48.86, 2.29), (-33.86, 151.22)]
        .map(|(latitude, longitude)| json!({"latitude": latitude, "longitude": longitude}));
    assert_eq!(positions, expected);
    assert_eq!(phone.status().dropped.get(DropReason::Consent), 3);
}

#[test]
fn an_erasure_leaves_one_note_and_once_the_collector_knows_an_empty_folder() {
    let phone = granted();
    let id = installations(&phone)[0].clone();
    phone.journey().erase();
    let noted = BTreeMap::from([("erase".to_owned(), format!("{id}\n").into_bytes())]);
    assert_eq!(snapshot(&phone.folder())["erase"], noted["erase"], "before the call returns");
    phone.settle();
    assert_eq!(snapshot(&phone.folder()), noted);
    assert_eq!(phone.status().consent, Consent::Unknown);
    phone.views(["waits for a consent"]);
    phone.network.online();
    phone.clock.advance(600_000);
    assert_eq!(snapshot(&phone.folder()), BTreeMap::new());
    let (_, request) = phone.network.sent().pop().unwrap();
    assert_eq!(request.method, Method::Delete);
    phone.collector(|collector| {
        assert!(collector.erased.contains(&id) && collector.events.is_empty());
    });
    // A new installation, with nothing of the old one.
    phone.journey().set_consent(Consent::Granted);
    phone.views(["new"]);
    phone.upload_all();
    assert_ne!(installations(&phone), [id]);
    assert_eq!(screens(&phone), ["waits for a consent", "new"]);
    assert_eq!(phone.accounted(2).delivered, 2);
}

#[test]
fn an_erasure_made_offline_is_carried_out_after_restarts_and_beside_a_new_installation() {
    for consent in [None, Some(Consent::Granted), Some(Consent::Denied)] {
        let mut phone = granted();
        let old = installations(&phone)[0].clone();
        phone.journey().erase();
        phone.config.consent = consent;
        for _ in 0..3 {
            phone.restart();
            phone.views(["new"]);
            phone.clock.advance(1_000);
            assert!(names(&phone.folder()).contains(&"erase".to_owned()));
        }
        phone.network.online();
        phone.journey().upload_now();
        phone.clock.advance(3_600_000);
        phone.collector(|collector| {
            assert!(collector.erased.contains(&old), "{consent:?}");
            assert!(collector.events.keys().all(|key| key.0 != old), "{consent:?}");
            let new = if consent == Some(Consent::Granted) { 3 } else { 0 };
            assert_eq!(collector.events.len(), new, "{consent:?}");
        });
        assert!(!names(&phone.folder()).contains(&"erase".to_owned()));
    }
}

#[test]
fn an_erasure_whose_deletion_was_killed_at_any_file_is_carried_out() {
    let mut phone = granted();
    let old = installations(&phone)[0].clone();
    let full = phone.outside().join("full");
    copy_folder(&phone.folder(), &full);
    phone.journey().erase();
    phone.settle();
    fs::copy(phone.folder().join("erase"), full.join("erase")).unwrap();
    phone.close();
    let all = names(&full);
    for gone in 0..all.len() {
        // `identity` is deleted last, and `erase` stays.
        let left: Vec<&String> = all.iter().filter(|name| *name != "erase").skip(gone).collect();
        let mut next = unasked();
        fs::create_dir(next.folder()).unwrap();
        for name in left.into_iter().chain(["identity".to_owned(), "erase".to_owned()].iter()) {
            fs::copy(full.join(name), next.folder().join(name)).unwrap();
        }
        next.network.offline();
        next.open();
        assert_eq!(names(&next.folder()), ["erase"], "{gone} files were gone");
        assert_eq!(next.status().consent, Consent::Unknown);
        next.network.online();
        next.clock.advance(3_600_000);
        assert_eq!(names(&next.folder()), [""; 0]);
        assert!(next.collector(|collector| collector.erased.contains(&old)));
    }
}

/// A real process, killed as soon as `erase` has returned, before its worker did anything or while
/// it did.
#[test]
fn an_erasure_survives_a_sigkill_right_after_it() {
    const FOLDER: &str = "JALON_TEST_FOLDER";
    if child::is_child(an_erasure_survives_a_sigkill_right_after_it) {
        let mut config =
            Config::new(std::env::var_os(FOLDER).unwrap(), "https://collector.example", "wk_test");
        config.consent = Some(Consent::Granted);
        let network = TestNetwork::default();
        network.offline();
        let journey = Journey::open_with(
            config,
            std::sync::Arc::new(network),
            std::sync::Arc::new(SystemClock),
        )
        .unwrap();
        for at in 0..30 {
            journey.record(Event::ScreenView { screen: format!("{at}") });
        }
        let mut bits = [0; 2];
        SystemClock.random(&mut bits);
        (0..u16::from_le_bytes(bits) % 2_000).for_each(|_| std::hint::spin_loop());
        journey.erase();
        let pid = std::process::id().to_string();
        child::run("kill", &["-KILL", &pid]);
        unreachable!("killed");
    }
    for _ in 0..25 {
        let mut phone = unasked();
        let mut killed = child::command(an_erasure_survives_a_sigkill_right_after_it, &[]);
        let output = killed.env(FOLDER, phone.folder()).output().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(9));
        phone.network.offline();
        phone.open();
        assert_eq!(names(&phone.folder()), ["erase"]);
        assert_eq!(phone.status().consent, Consent::Unknown);
        phone.network.online();
        phone.clock.advance(3_600_000);
        assert_eq!(names(&phone.folder()), [""; 0]);
        assert_eq!(phone.collector(|collector| collector.erased.len()), 1);
    }
}

#[test]
fn a_late_batch_after_the_erasure_stays_out() {
    let phone = granted();
    let old = installations(&phone)[0].clone();
    // A batch is on its way and slow; meanwhile the customer erases, and that arrives first.
    phone.network.online();
    phone.network.next_faults([Fault::Held]);
    phone.journey().upload_now();
    phone.settle();
    assert_eq!(phone.network.held(), 1);
    phone.journey().erase();
    phone.settle();
    phone.clock.advance(600_000);
    assert!(phone.collector(|collector| collector.erased.contains(&old)));
    phone.journey().set_consent(Consent::Granted);
    phone.views(["new"]);
    phone.network.release();
    phone.upload_all();
    assert_eq!(screens(&phone), ["new"]);
    assert!(!installations(&phone).contains(&old));
    assert_eq!(phone.accounted(1).delivered, 1, "the late answer erased nothing new");
}

#[test]
fn an_installation_that_the_collector_has_erased_is_purged_here() {
    for by_call in [false, true] {
        let mut phone = granted();
        let old = installations(&phone)[0].clone();
        phone.collector(|collector| {
            collector.erased.insert(old.clone());
            collector.events.clear();
        });
        phone.network.online();
        if by_call {
            phone.journey().call_context(&CallRequest::to("112")).unwrap();
        } else {
            phone.journey().upload_now();
        }
        phone.settle();
        assert_eq!(snapshot(&phone.folder()), BTreeMap::new());
        assert_eq!(phone.status().consent, Consent::Unknown);
        assert_eq!(phone.accounted(0).queued, 0);
        phone.restart();
        phone.journey().set_consent(Consent::Granted);
        phone.views(["new"]);
        phone.upload_all();
        assert_eq!(screens(&phone), ["new"]);
        assert!(!installations(&phone).contains(&old));
    }
}

#[test]
fn an_erasure_is_tried_until_the_collector_confirms_it() {
    let phone = granted();
    phone.journey().erase();
    let portal = answer(200, &json!({"welcome": "to the hotel"}));
    phone.network.every_request(Fault::Answered(portal));
    phone.clock.advance(600_000);
    for status in [302, 404, 500, 429, 200] {
        phone.network.every_request(Fault::Answered(answer(status, &json!({}))));
        phone.clock.advance(1_200_000);
        assert_eq!(names(&phone.folder()), ["erase"], "{status}");
    }
    phone.network.every_request(Fault::LostReply(SendError::Broken));
    phone.clock.advance(1_200_000);
    phone.network.online();
    phone.clock.advance(1_200_000);
    assert_eq!(names(&phone.folder()), [""; 0]);
    assert_eq!(phone.clock.next_wake_ms(), None);
}
