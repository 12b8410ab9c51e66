//! Promise: the app hears when it must ask for consent again, and only then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jalon::Consent;

use crate::support::Phone;
use crate::{granted, installations};

/// Counts how often the app is asked to ask.
fn counted(phone: &Phone) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    phone.journey().on_consent_needed(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    calls
}

#[test]
fn an_erasure_asks_for_consent_again_whoever_began_it() {
    for by_collector in [false, true] {
        let phone = granted();
        let calls = counted(&phone);
        phone.network.online();
        if by_collector {
            let id = installations(&phone)[0].clone();
            phone.collector(|collector| collector.erased.insert(id));
            phone.journey().upload_now();
        } else {
            phone.journey().erase();
        }
        phone.clock.advance(600_000);
        assert_eq!(phone.status().consent, Consent::Unknown);
        assert_eq!(calls.load(Ordering::Relaxed), 1, "by the collector: {by_collector}");
    }
}

#[test]
fn a_refusal_or_a_restart_asks_nothing() {
    let mut phone = granted();
    let calls = counted(&phone);
    phone.journey().set_consent(Consent::Denied);
    phone.clock.advance(600_000);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    phone.journey().erase();
    phone.run_until_idle();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    // From then on the app reads the status as it starts.
    phone.restart();
    let calls = counted(&phone);
    phone.clock.advance(600_000);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[test]
fn the_hook_may_answer_at_once() {
    let phone = Arc::new(granted());
    let app = Arc::downgrade(&phone);
    phone.journey().on_consent_needed(move || {
        app.upgrade().unwrap().journey().set_consent(Consent::Granted);
    });
    phone.journey().erase();
    phone.run_until_idle();
    assert_eq!(phone.status().consent, Consent::Granted);
    phone.views(["goes on"]);
    assert_eq!(phone.status().storage_trouble, None);
}
