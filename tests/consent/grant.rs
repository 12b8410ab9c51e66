//! Promise: nothing is written before a grant, and a refusal deletes.

use std::collections::BTreeMap;
use std::fs;

use jalon::{CallRequest, Consent, DropReason};
use serde_json::json;

use crate::support::child::copy_folder;
use crate::{granted, installations, names, screens, snapshot, unasked};

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
fn a_refusal_leaves_a_note_of_the_id_alone_and_nothing_waits() {
    let mut phone = granted();
    let note = format!("{}\n", installations(&phone)[0]).into_bytes();
    phone.journey().set_consent(Consent::Denied);
    // The note is on disk before the call returns.
    assert_eq!(fs::read(phone.folder().join("denied")).unwrap(), note);
    phone.run_until_idle();
    assert_eq!(snapshot(&phone.folder()), BTreeMap::from([("denied".to_owned(), note.clone())]));
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
        assert_eq!(snapshot(&phone.folder())["denied"], note);
        assert_eq!(names(&phone.folder()), ["denied"]);
        phone.restart();
        assert_eq!(phone.status().consent, Consent::Denied, "it is remembered");
    }
    assert_eq!(phone.network.sent().len(), before);
    // A later grant starts a new installation.
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
fn what_the_app_passes_to_open_wins_over_what_is_stored_only_if_it_refuses() {
    let mut phone = granted();
    phone.config.consent = Some(Consent::Unknown);
    phone.restart();
    assert_eq!(phone.status().consent, Consent::Granted, "it is remembered");
    phone.config.consent = Some(Consent::Denied);
    phone.restart();
    assert_eq!(names(&phone.folder()), ["denied"]);
    for given in [Some(Consent::Granted), Some(Consent::Unknown), None] {
        phone.config.consent = given;
        phone.restart();
        phone.views(["refused"]);
        phone.clock.advance(1_000);
        assert_eq!(phone.status().consent, Consent::Denied, "{given:?}");
        assert_eq!(names(&phone.folder()), ["denied"], "{given:?}");
    }
    phone.journey().set_consent(Consent::Granted);
    phone.restart();
    assert_eq!(phone.status().consent, Consent::Granted);
}

/// The folder's parent is a file until the disk comes back.
#[test]
fn a_stored_refusal_holds_for_what_came_while_the_disk_was_out_of_reach() {
    for says in [None, Some(Consent::Granted)] {
        let mut phone = granted();
        phone.journey().set_consent(Consent::Denied);
        phone.close();
        let (folder, away) = (phone.folder(), phone.outside().join("away"));
        fs::rename(&folder, &away).unwrap();
        fs::write(&folder, b"in the way").unwrap();
        phone.config.consent = Some(Consent::Granted);
        phone.open();
        phone.views(["early"]);
        if let Some(consent) = says {
            phone.journey().set_consent(consent);
        }
        fs::remove_file(&folder).unwrap();
        fs::rename(&away, &folder).unwrap();
        phone.network.online();
        phone.clock.advance(600_000);
        assert_eq!(phone.status().consent, says.unwrap_or(Consent::Denied));
        let kept = screens(&phone).contains(&"early".to_owned());
        assert_eq!(kept, says.is_some(), "the app answered since it opened");
        assert_eq!(names(&phone.folder()).contains(&"denied".to_owned()), says.is_none());
    }
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
