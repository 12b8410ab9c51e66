//! Codes and times over weeks and months, with the app closed for most of them, and clocks that are
//! wrong.

use jalon::CallRequest;
use serde_json::Value;

use crate::support::Phone;
use crate::support::collector::inflate;

const DAY_MS: u64 = 86_400_000;

/// A phone that holds five codes, with the app closed.
fn closed_with_codes() -> Phone {
    let mut phone = Phone::new();
    phone.collector(|collector| collector.leases = (1..=100).map(|at| at * 2).collect());
    phone.open();
    phone.views(["home"]);
    phone.upload_all();
    assert_eq!(phone.status().codes, 5);
    phone.close();
    phone
}

fn code(phone: &Phone) -> Option<String> {
    let call = phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    phone.run_until_idle();
    call.code.map(|code| code.to_string())
}

#[test]
fn whoever_opens_the_app_weekly_dials_no_dead_code() {
    let mut phone = closed_with_codes();
    phone.network.offline();
    for (days, expected) in [(6, 5), (1, 0)] {
        phone.clock.advance(days * DAY_MS);
        phone.open();
        phone.run_until_idle();
        assert_eq!(phone.status().codes, expected);
        phone.close();
    }
    phone.open();
    assert_eq!(code(&phone), None, "a dead code is worse than none");
    phone.network.online();
    phone.upload_all();
    assert_eq!(phone.status().codes, 5);
}

#[test]
fn a_wall_clock_that_is_set_back_by_months_keeps_no_code_alive() {
    let mut phone = closed_with_codes();
    phone.network.offline();
    phone.clock.change(|now| now.wall_ms -= 90 * DAY_MS as i64);
    phone.open();
    phone.run_until_idle();
    assert_eq!(phone.status().codes, 0);
}

#[test]
fn codes_are_renewed_at_the_first_contact_after_a_day() {
    let mut phone = closed_with_codes();
    phone.clock.advance(6 * DAY_MS);
    phone.open();
    phone.run_until_idle();
    assert_eq!(phone.status().codes, 5);
    phone.close();
    phone.network.offline();
    // The codes are the same five, with six more days to live.
    phone.clock.advance(6 * DAY_MS);
    phone.open();
    phone.run_until_idle();
    assert_eq!(phone.status().codes, 5);
    let left = phone.collector(|collector| collector.leases.len());
    assert_eq!(left, 95, "renewed, not replaced");
}

#[test]
fn a_clock_that_is_corrected_between_tap_and_upload_moves_nothing() {
    let phone = Phone::running();
    phone.network.offline();
    for correction_ms in [-3_600_000, 400 * DAY_MS as i64] {
        phone.views(["home"]);
        code(&phone);
        phone.clock.advance(30_000);
        phone.clock.change(|now| now.wall_ms += correction_ms);
        phone.network.online();
        phone.upload_all();
        phone.network.offline();
        let sent = phone.network.sent();
        let body = inflate(&sent.last().unwrap().1);
        let at = |value: &Value| value.as_i64().unwrap();
        let events = body["events"].as_array().unwrap();
        assert!(!events.is_empty());
        for event in events {
            let ago_ms = at(&body["sent_at"]) - at(&event["at"]);
            assert!((30_000..40_000).contains(&ago_ms), "{ago_ms} ms before it was sent");
        }
    }
}
