//! **Consent**: what the customer agreed to decides what is kept, and whose it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod copies;
mod erasure;
mod grant;
mod hook;
mod people;
#[path = "../support/mod.rs"]
mod support;
mod unwritten;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jalon::Consent;

use support::Phone;

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
