//! Promise: a copy of the folder, on another phone or in another place, is another installation.

use std::fs;
use std::sync::Arc;

use jalon::{Consent, DropReason, Method};

use crate::support::Phone;
use crate::support::child::{PLACE, clone_folder, copy_folder};
use crate::{granted, installations, names, snapshot, unasked};

/// Another phone of the same collector, on a copy of this one's folder. It draws other numbers.
fn copy_of(phone: &Phone) -> Phone {
    let mut copy = unasked();
    copy.network = Arc::clone(&phone.network);
    copy.config.folder = copy.outside().join("copy");
    clone_folder(&phone.folder(), &copy.config.folder);
    jalon::clock::Clock::random(&*copy.clock, &mut [0; 256]);
    copy
}

#[test]
fn a_copy_is_a_new_installation_and_the_original_goes_on() {
    let mut phone = granted();
    phone.journey().allow_location(true);
    let id = installations(&phone);
    let mut copy = copy_of(&phone);
    copy.open();
    assert_eq!(copy.status().consent, Consent::Granted, "a grant stays a grant");
    assert_ne!(copy.journey().proof_nonce(), phone.journey().proof_nonce());
    copy.views(["on the copy"]);
    // So does the answer about the location: this is counted as delivered below.
    copy.journey().set_location(48.8, 2.3);
    phone.views(["on the original"]);
    phone.network.online();
    copy.upload_all();
    phone.upload_all();
    let ids = installations(&phone);
    assert_eq!(ids.iter().filter(|it| id.contains(it)).count(), 1);
    phone.collector(|collector| {
        assert!(collector.erased.is_empty(), "the original lives on");
        assert_eq!(collector.conflicts, []);
        let of_copy: Vec<_> = collector.events.iter().filter(|it| it.0.0 != id[0]).collect();
        assert_eq!(of_copy.len(), 2, "nothing of the original's");
        assert_eq!(of_copy[0].1["screen"], "on the copy");
        assert_eq!(collector.events.len(), 7);
    });
    assert!(phone.network.sent().iter().all(|(_, request)| request.method != Method::Delete));
    // The event that was not yet sent, and whatever else: counted as one.
    assert_eq!(copy.accounted(3).dropped.get(DropReason::Corrupt), 1);
    assert_eq!(phone.accounted(5).dropped.total(), 0);
    let nonces = [&copy, &phone].map(|it| it.journey().proof_nonce());
    copy.restart();
    phone.restart();
    assert_eq!([&copy, &phone].map(|it| it.journey().proof_nonce()), nonces);
    assert_eq!(copy.accounted(3).dropped.get(DropReason::Corrupt), 1);
}

#[test]
fn a_copy_keeps_a_refusal_and_an_erasure_and_a_refusal_at_open_holds() {
    for (answer, given) in
        [(None, None), (Some(Consent::Denied), None), (None, Some(Consent::Denied))]
    {
        let phone = granted();
        match (answer, given) {
            (Some(consent), _) => phone.journey().set_consent(consent),
            (None, None) => phone.journey().erase(),
            (None, Some(_)) => {}
        }
        phone.run_until_idle();
        let mut copy = copy_of(&phone);
        copy.config.consent = given;
        copy.open();
        let expected = answer.or(given).unwrap_or_default();
        assert_eq!(copy.status().consent, expected);
        let note = if expected == Consent::Denied { "denied" } else { "erase" };
        assert_eq!(names(&copy.folder()), [note]);
        if given.is_some() {
            assert_eq!(
                snapshot(&copy.folder())[note],
                b"",
                "nothing to erase: the original lives on"
            );
        }
    }
}

#[test]
fn a_copy_whose_deletion_was_killed_at_any_file_is_still_a_new_installation_with_a_grant() {
    let phone = granted();
    let all = names(&phone.folder());
    let whole: Vec<&String> =
        all.iter().filter(|name| *name != "identity" && *name != PLACE).collect();
    for gone in 0..=whole.len() + 1 {
        let mut copy = copy_of(&phone);
        // `identity` goes last, and `place` stays.
        for name in whole.iter().copied().chain([&"identity".to_owned()]).take(gone) {
            fs::remove_file(copy.folder().join(name)).unwrap();
        }
        copy.open();
        assert_eq!(copy.status().consent, Consent::Granted, "{gone} files were gone");
        let nonce = copy.journey().proof_nonce();
        assert!(nonce.is_some() && nonce != phone.journey().proof_nonce());
        assert_eq!(copy.accounted(1).dropped.get(DropReason::Corrupt), 1);
        copy.restart();
        assert_eq!(copy.journey().proof_nonce(), nonce);
    }
}

#[test]
fn a_folder_without_the_mark_or_with_a_damaged_one_is_no_copy_and_is_marked() {
    let mut phone = granted();
    let nonce = phone.journey().proof_nonce();
    let mark = snapshot(&phone.folder())[PLACE].clone();
    for at in 0..=mark.len() {
        phone.close();
        let mut damaged = mark.clone();
        match damaged.get_mut(at) {
            Some(byte) => {
                *byte ^= 1 << (at % 8);
                fs::write(phone.folder().join(PLACE), damaged).unwrap();
            }
            None => fs::remove_file(phone.folder().join(PLACE)).unwrap(),
        }
        phone.open();
        assert_eq!(phone.journey().proof_nonce(), nonce, "byte {at}");
        assert_eq!(snapshot(&phone.folder())[PLACE], mark);
    }
    // As an earlier version left it, copied by a kill that is simulated.
    let older = phone.outside().join("older");
    copy_folder(&phone.folder(), &older);
    phone.close();
    phone.config.folder = older;
    phone.open();
    assert_eq!(phone.journey().proof_nonce(), nonce);
    assert!(names(&phone.folder()).contains(&PLACE.to_owned()));
}

#[test]
fn a_copy_that_only_the_collector_can_tell_begins_a_new_installation_too() {
    let mut phone = granted();
    let before = phone.journey().proof_nonce();
    phone.collector(|collector| {
        collector.refuse = Some(|event| (event["screen"] == "of two phones").then_some(409));
    });
    phone.views(["of two phones"]);
    phone.network.online();
    phone.clock.advance(60_000);
    assert_eq!(phone.status().consent, Consent::Granted);
    let after = phone.journey().proof_nonce();
    assert_ne!(after, before);
    phone.collector(|collector| collector.refuse = None);
    phone.views(["of one"]);
    phone.upload_all();
    let status = phone.status();
    assert_eq!((status.delivered, status.dropped.get(DropReason::Corrupt)), (1, 1));
    assert!(phone.network.sent().iter().all(|(_, request)| request.method != Method::Delete));
    phone.restart();
    assert_eq!(phone.journey().proof_nonce(), after);
    assert_eq!(phone.status().consent, Consent::Granted);
}
