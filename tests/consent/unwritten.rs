//! Promise: an answer that the disk did not take is written once it does.

use std::fs;

use jalon::{Consent, DropReason};

use crate::support::Phone;
use crate::{granted, installations, names, snapshot};

/// While it exists, the small file of this name cannot be written: a folder is in the way.
struct Barred(std::path::PathBuf);

impl Barred {
    fn new(phone: &Phone, name: &str) -> Self {
        let way = phone.folder().join(format!("{name}.new"));
        fs::create_dir(&way).unwrap();
        Self(way)
    }
}

impl Drop for Barred {
    fn drop(&mut self) {
        fs::remove_dir(&self.0).unwrap();
    }
}

#[test]
fn the_answer_about_the_location() {
    let mut phone = granted();
    let barred = Barred::new(&phone, "identity");
    phone.journey().allow_location(true);
    phone.run_until_idle();
    assert!(phone.status().storage_trouble.is_some());
    // What is recorded meanwhile is kept.
    phone.views(["meanwhile"]);
    drop(barred);
    phone.clock.advance(600_000);
    assert_eq!(phone.status().storage_trouble, None);
    phone.restart();
    phone.journey().set_location(48.8, 2.3);
    assert_eq!(phone.status().dropped.get(DropReason::Consent), 0, "it is remembered");
}

#[test]
fn a_refusal_and_what_it_deletes() {
    let mut phone = granted();
    let id = installations(&phone)[0].clone();
    let barred = Barred::new(&phone, "denied");
    phone.journey().set_consent(Consent::Denied);
    phone.run_until_idle();
    assert!(phone.status().storage_trouble.is_some());
    drop(barred);
    phone.clock.advance(600_000);
    assert_eq!(names(&phone.folder()), ["denied"]);
    assert_eq!(snapshot(&phone.folder())["denied"], format!("{id}\n").into_bytes());
    phone.restart();
    assert_eq!(phone.status().consent, Consent::Denied);
}

#[test]
fn an_erasure_that_the_collector_has_confirmed() {
    let phone = granted();
    let id = installations(&phone)[0].clone();
    phone.journey().erase();
    phone.run_until_idle();
    let barred = Barred::new(&phone, "erase");
    phone.network.online();
    phone.journey().upload_now();
    phone.run_until_idle();
    assert!(phone.collector(|collector| collector.erased.contains(&id)));
    assert!(phone.status().storage_trouble.is_some());
    let asked = phone.network.sent().len();
    drop(barred);
    phone.clock.advance(600_000);
    assert_eq!(snapshot(&phone.folder())["erase"], b"", "nobody waits any more");
    assert_eq!(phone.network.sent().len(), asked);
    assert_eq!(phone.clock.next_wake_ms(), None);
}
