//! Promise: an erasure deletes what is here, and reaches the collector whatever happens in between.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use jalon::clock::{Clock as _, SystemClock};
use jalon::{CallRequest, Config, Consent, Event, Journey, Method, SendError};
use serde_json::json;

use crate::support::child::{self, copy_folder};
use crate::support::collector::answer;
use crate::support::{Fault, TestNetwork};
use crate::{granted, installations, names, screens, snapshot, unasked};

#[test]
fn an_erasure_leaves_one_note_and_once_the_collector_knows_an_empty_one() {
    let phone = granted();
    let id = installations(&phone)[0].clone();
    phone.journey().erase();
    let noted = BTreeMap::from([("erase".to_owned(), format!("{id}\n").into_bytes())]);
    // This file alone: the worker is deleting the others.
    let erase = fs::read(phone.folder().join("erase")).unwrap();
    assert_eq!(erase, noted["erase"], "before the call returns");
    phone.run_until_idle();
    assert_eq!(snapshot(&phone.folder()), noted);
    assert_eq!(phone.status().consent, Consent::Unknown);
    phone.views(["waits for a consent"]);
    phone.network.online();
    phone.clock.advance(600_000);
    // Until an answer, `erase` says that there was none since.
    assert_eq!(snapshot(&phone.folder()), nothing_but_the_mark());
    let (_, request) = phone.network.sent().pop().unwrap();
    assert_eq!(request.method, Method::Delete);
    phone.collector(|collector| {
        assert!(collector.erased.contains(&id) && collector.events.is_empty());
    });
    // The new installation has nothing of the old one.
    phone.journey().set_consent(Consent::Granted);
    phone.views(["new"]);
    phone.upload_all();
    assert_ne!(installations(&phone), [id]);
    assert!(!names(&phone.folder()).contains(&"erase".to_owned()));
    assert_eq!(screens(&phone), ["waits for a consent", "new"]);
    assert_eq!(phone.accounted(2).delivered, 2);
}

#[test]
fn an_erasure_made_offline_is_carried_out_after_restarts_and_beside_a_new_installation() {
    for consent in [None, Some(Consent::Granted), Some(Consent::Denied)] {
        let mut phone = granted();
        let old = installations(&phone)[0].clone();
        phone.journey().erase();
        for _ in 0..3 {
            phone.restart();
            if let Some(consent) = consent {
                phone.journey().set_consent(consent);
            }
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
        assert_eq!(names(&phone.folder()).contains(&"erase".to_owned()), consent.is_none());
    }
}

#[test]
fn after_an_erasure_only_an_answer_ends_the_asking_however_often_the_app_starts() {
    for by_collector in [false, true] {
        for answer in [Consent::Granted, Consent::Denied] {
            let mut phone = granted();
            let old = installations(&phone)[0].clone();
            if by_collector {
                phone.collector(|collector| collector.erased.insert(old.clone()));
            } else {
                phone.journey().erase();
            }
            phone.config.consent = Some(Consent::Granted);
            phone.network.online();
            phone.journey().upload_now();
            phone.clock.advance(600_000);
            assert_eq!(snapshot(&phone.folder()), nothing_but_the_mark());
            for _ in 0..3 {
                phone.restart();
                assert_eq!(phone.status().consent, Consent::Unknown);
                // No answer, so it changes nothing.
                phone.journey().set_consent(Consent::Unknown);
                phone.views(["waits"]);
                phone.clock.advance(60_000);
                assert_eq!(snapshot(&phone.folder()), nothing_but_the_mark());
            }
            phone.journey().set_consent(answer);
            for _ in 0..2 {
                phone.restart();
                assert_eq!(phone.status().consent, answer);
                assert!(!names(&phone.folder()).contains(&"erase".to_owned()));
            }
        }
    }
}

#[test]
fn a_refusal_passed_to_open_holds_after_an_erasure_too() {
    let mut phone = granted();
    phone.journey().erase();
    phone.config.consent = Some(Consent::Denied);
    phone.restart();
    assert_eq!(phone.status().consent, Consent::Denied);
    assert_eq!(names(&phone.folder()), ["denied", "erase"]);
    phone.network.online();
    phone.clock.advance(3_600_000);
    assert_eq!(names(&phone.folder()), ["denied"]);
}

#[test]
fn an_erasure_told_by_the_collector_whose_deletion_was_killed_is_carried_out() {
    let mut phone = granted();
    let full = phone.outside().join("full");
    copy_folder(&phone.folder(), &full);
    phone.close();
    fs::write(full.join("erase"), b"").unwrap();
    phone.config.folder = full;
    phone.config.consent = Some(Consent::Granted);
    phone.open();
    assert_eq!(phone.status().consent, Consent::Unknown);
    assert_eq!(snapshot(&phone.folder()), nothing_but_the_mark());
}

/// What is left of an erasure that the collector has confirmed, until the customer answers.
fn nothing_but_the_mark() -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([("erase".to_owned(), Vec::new())])
}

#[test]
fn an_erasure_whose_deletion_was_killed_at_any_file_is_carried_out() {
    let mut phone = granted();
    let old = installations(&phone)[0].clone();
    let full = phone.outside().join("full");
    copy_folder(&phone.folder(), &full);
    phone.journey().erase();
    phone.run_until_idle();
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
        assert_eq!(snapshot(&next.folder()), nothing_but_the_mark());
        assert!(next.collector(|collector| collector.erased.contains(&old)));
    }
}

/// A real process, killed as soon as `erase` has returned: before its worker did anything, or while
/// it worked.
#[test]
fn an_erasure_survives_a_sigkill_right_after_it() {
    const FOLDER: &str = "JALON_TEST_FOLDER";
    if child::is_child(an_erasure_survives_a_sigkill_right_after_it) {
        let mut config =
            Config::new(std::env::var_os(FOLDER).unwrap(), "https://collector.example", "wk_test");
        config.consent = Some(Consent::Granted);
        let network = TestNetwork::default();
        network.offline();
        let journey = Journey::open_with(config, Arc::new(network), Arc::new(SystemClock)).unwrap();
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
        assert_eq!(snapshot(&phone.folder()), nothing_but_the_mark());
        assert_eq!(phone.collector(|collector| collector.erased.len()), 1);
    }
}

#[test]
fn an_erasure_after_a_refusal_reaches_the_collector_also_in_a_later_process() {
    for restarts in 0..3 {
        let mut phone = granted();
        let id = installations(&phone)[0].clone();
        phone.journey().set_consent(Consent::Denied);
        for _ in 0..restarts {
            phone.restart();
        }
        phone.journey().erase();
        phone.run_until_idle();
        assert_eq!(snapshot(&phone.folder())["erase"], format!("{id}\n").into_bytes());
        phone.network.online();
        phone.clock.advance(600_000);
        assert!(phone.collector(|collector| collector.erased.contains(&id)), "{restarts}");
    }
}

#[test]
fn an_erasure_after_a_refusal_that_was_killed_at_any_file_reaches_the_collector() {
    let phone = granted();
    let id = installations(&phone)[0].clone();
    let full = phone.outside().join("full");
    copy_folder(&phone.folder(), &full);
    let all = names(&full);
    // The refusal as an earlier version noted it, and as this one does.
    for note in [String::new(), format!("{id}\n")] {
        for gone in 0..all.len() {
            let mut next = unasked();
            fs::create_dir(next.folder()).unwrap();
            // `identity` is deleted last.
            let left = all.iter().filter(|name| *name != "identity").skip(gone);
            for name in left.chain([&"identity".to_owned()]) {
                fs::copy(full.join(name), next.folder().join(name)).unwrap();
            }
            fs::write(next.folder().join("denied"), &note).unwrap();
            next.network.offline();
            next.open();
            assert_eq!(snapshot(&next.folder())["denied"], format!("{id}\n").into_bytes());
            next.journey().erase();
            next.close();
            // The kill came before `denied` was deleted.
            fs::write(next.folder().join("denied"), format!("{id}\n")).unwrap();
            next.network.online();
            next.open();
            next.clock.advance(3_600_000);
            assert!(next.collector(|collector| collector.erased.contains(&id)), "{gone}");
        }
    }
}

#[test]
fn a_grant_forgets_the_installation_that_was_refused() {
    let mut phone = granted();
    let old = installations(&phone)[0].clone();
    phone.journey().set_consent(Consent::Denied);
    phone.restart();
    phone.journey().set_consent(Consent::Granted);
    phone.run_until_idle();
    assert!(!names(&phone.folder()).contains(&"denied".to_owned()));
    phone.journey().erase();
    phone.network.online();
    phone.clock.advance(3_600_000);
    phone.collector(|collector| {
        assert!(!collector.erased.contains(&old) && collector.erased.len() == 1);
    });
}

#[test]
fn a_grant_after_a_refusal_that_was_killed_begins_a_new_installation() {
    let mut phone = granted();
    let old = installations(&phone);
    let killed = phone.outside().join("killed");
    copy_folder(&phone.folder(), &killed);
    phone.close();
    fs::write(killed.join("denied"), b"").unwrap();
    phone.config.folder = killed;
    phone.open().set_consent(Consent::Granted);
    phone.network.online();
    phone.views(["new"]);
    phone.upload_all();
    let new: Vec<String> =
        installations(&phone).into_iter().filter(|id| !old.contains(id)).collect();
    assert_eq!(new.len(), 1);
    phone.collector(|collector| {
        let of_new = collector.events.keys().filter(|key| key.0 == new[0]);
        assert_eq!((of_new.count(), collector.events.len()), (1, 4), "\"kept\" was deleted");
    });
}

#[test]
fn a_late_batch_after_the_erasure_stays_out() {
    let phone = granted();
    let old = installations(&phone)[0].clone();
    // A batch is under way and slow. The customer erases meanwhile, and the erasure arrives first.
    phone.network.online();
    phone.network.next_faults([Fault::Held]);
    phone.journey().upload_now();
    phone.run_until_idle();
    assert_eq!(phone.network.held(), 1);
    phone.journey().erase();
    phone.run_until_idle();
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
        phone.run_until_idle();
        assert_eq!(snapshot(&phone.folder()), nothing_but_the_mark());
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
    assert_eq!(snapshot(&phone.folder()), nothing_but_the_mark());
    assert_eq!(phone.clock.next_wake_ms(), None);
}
