//! Promise: a call works with no data at the tap. The agent sees who it is, what was uploaded
//! before and the screen of the tap, and the desk catches up once there is data again.
//!
//! The real core and the real collector; the test cuts the link, kills the app, and lets days pass.

use jalon::{CallContext, CallRequest, CallScope};
use serde_json::Value;

use crate::scene::Scene;

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

fn tap(scene: &Scene, scope: CallScope) -> CallContext {
    let request = CallRequest::to("+33123456789").sharing(scope);
    scene.journey().call_context(&request).unwrap()
}

fn code(call: &CallContext) -> String {
    call.code.unwrap().to_string()
}

fn codes(scene: &Scene) -> usize {
    scene.journey().status().codes
}

/// A customer whose phone was online up to the cart and then lost its data. 26 minutes have passed.
fn in_flight_mode() -> Scene {
    let scene = Scene::open();
    scene.journey().identify("c-42", None);
    scene.view("home");
    scene.view("cart");
    scene.journey().upload_now();
    scene.pass(5_000);
    assert_eq!(scene.journey().status().queued, 0);
    scene.link.cut();
    scene.view("payment");
    scene.clock.advance(26 * MINUTE_MS);
    scene
}

fn until_uploaded(scene: &Scene) {
    scene.journey().upload_now();
    scene.pass_until(60_000, || scene.journey().status().queued == 0);
    assert_eq!(scene.journey().status().queued, 0);
}

/// The text that an agent reads on the page, without its tags.
fn words(page: &str) -> String {
    let text = page.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
    text.collect::<Vec<_>>()
        .join(" ")
        .replace('\u{a0}', " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn in_flight_mode_the_agent_sees_who_what_was_uploaded_and_the_screen_of_the_tap() {
    let scene = in_flight_mode();
    let call = tap(&scene, CallScope::Everything);
    let dial = format!("tel:+33123456789,,{}", code(&call));
    assert_eq!(call.dial_string.as_deref(), Some(&*dial));

    let context = scene.link.collector.resolve(&code(&call));
    assert_eq!(context["call"]["confirmed"], false);
    assert_eq!(context["customer"]["id"], "c-42");
    assert_eq!(context["last_screen"]["label"], "Paying", "from the code's own digits");
    assert_eq!(context["steps"].as_array().unwrap().len(), 2, "as last uploaded");
    assert_eq!(context["freshness"]["state"], "pending");
    let page = words(&scene.link.collector.desk(&context));
    for said in
        ["c-42", "Not confirmed by the app", "Paying", "Synced 26 min ago", "newer steps pending"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[test]
fn the_desk_catches_up_by_itself_when_data_returns() {
    let scene = in_flight_mode();
    let call = tap(&scene, CallScope::Everything);
    let context = scene.link.collector.resolve(&code(&call));
    scene.link.mend();
    // The app asks for nothing: the phone retries by itself.
    scene.pass_until(11 * MINUTE_MS, || scene.journey().status().queued == 0);
    caught_up(&scene, &call, &context);
}

#[test]
fn the_desk_catches_up_also_after_the_app_was_killed_in_between() {
    let mut scene = in_flight_mode();
    let call = tap(&scene, CallScope::Everything);
    // Before the worker could drain the journal, as when the dialer covers the app.
    scene.kill();
    let context = scene.link.collector.resolve(&code(&call));
    assert_eq!(context["call"]["confirmed"], false);
    scene.link.mend();
    scene.start();
    until_uploaded(&scene);
    caught_up(&scene, &call, &context);
}

#[track_caller]
fn caught_up(scene: &Scene, call: &CallContext, before: &Value) {
    let after = scene.link.collector.resolve(&code(call));
    assert_eq!(after["call"]["confirmed"], true, "the record joined the claim");
    assert_eq!(after["call"]["token"], call.token.unwrap().to_string());
    assert_eq!(after["steps"].as_array().unwrap().len(), 3);
    assert_eq!(after["last_screen"]["name"], "payment");
    assert!(after["last_screen"]["dwell_ms"].as_u64().unwrap() >= 26 * MINUTE_MS);
    assert_eq!(after["freshness"]["pending"], 0);
    assert_eq!(after["freshness"]["missing"], 0);
    // The page that the agent already has open shows the same.
    let page = words(&scene.link.collector.desk(before));
    assert!(page.contains("Live") && !page.contains("Not confirmed"), "{page}");
}

#[test]
fn what_the_customer_keeps_to_themselves_stays_so_without_data() {
    let mut scene = in_flight_mode();
    let call = tap(&scene, CallScope::OnlyThisScreen);
    let shows_one_screen = |context: &Value| {
        assert_eq!(context["call"]["scope"], "screen");
        assert_eq!(context["customer"]["id"], Value::Null);
        assert_eq!(context["last_screen"]["label"], "Paying");
        assert_eq!(context["steps"].as_array().unwrap().len(), 0);
        let page = words(&scene.link.collector.desk(context));
        assert!(page.contains("The customer chose to share only this screen."), "{page}");
        assert!(!page.contains("c-42") && !page.contains("Shopping cart"), "{page}");
    };
    let context = scene.link.collector.resolve(&code(&call));
    shows_one_screen(&context);
    scene.link.mend();
    scene.journey().upload_now();
    scene.pass_until(60_000, || scene.journey().status().queued == 0);
    let context = scene.link.collector.resolve(&code(&call));
    assert_eq!(context["call"]["confirmed"], true);
    shows_one_screen(&context);
    // Only the number: no code is dialled, so there is nothing to look up.
    scene.kill();
    scene.start();
    let call = tap(&scene, CallScope::OnlyTheNumber);
    assert_eq!((call.dial_string.as_deref(), call.code), (Some("tel:+33123456789"), None));
}

#[test]
fn leases_survive_a_kill_and_each_is_dialled_once() {
    let mut scene = in_flight_mode();
    let had = codes(&scene);
    assert!(had >= 3, "{had} codes");
    let mut dialled = Vec::new();
    for left in (0..had).rev() {
        dialled.push(code(&tap(&scene, CallScope::Everything)));
        scene.kill();
        scene.start();
        assert_eq!(codes(&scene), left);
    }
    let call = tap(&scene, CallScope::Everything);
    assert_eq!(call.code, None, "all are dialled");
    assert_eq!(call.dial_string.as_deref(), Some("tel:+33123456789"));
    assert!(call.token.is_some(), "a call over data still has its token");
    dialled.sort_unstable();
    dialled.dedup();
    assert_eq!(dialled.len(), had);
    for code in &dialled {
        assert_eq!(scene.link.collector.resolve(code)["customer"]["id"], "c-42");
    }
}

#[test]
fn codes_are_refilled_below_three_and_expire_after_seven_days() {
    let scene = in_flight_mode();
    while codes(&scene) >= 3 {
        tap(&scene, CallScope::Everything);
    }
    scene.link.mend();
    until_uploaded(&scene);
    scene.pass(5_000);
    assert_eq!(codes(&scene), 5);
    scene.link.cut();
    // Six days later one still works; the collector honours it.
    scene.clock.advance(6 * DAY_MS);
    let call = tap(&scene, CallScope::Everything);
    assert_eq!(scene.link.collector.resolve(&code(&call))["customer"]["id"], "c-42");
    scene.clock.advance(DAY_MS);
    let call = tap(&scene, CallScope::Everything);
    assert_eq!((call.code, codes(&scene)), (None, 0));
}

#[test]
fn after_a_change_of_customer_no_code_speaks_for_the_one_before() {
    let scene = in_flight_mode();
    scene.journey().identify("c-43", None);
    let call = tap(&scene, CallScope::Everything);
    assert_eq!((call.code, codes(&scene)), (None, 0));
    scene.link.mend();
    until_uploaded(&scene);
    scene.pass(5_000);
    let call = tap(&scene, CallScope::Everything);
    assert_eq!(scene.link.collector.resolve(&code(&call))["customer"]["id"], "c-43");
}

#[test]
fn a_phone_that_never_had_data_calls_without_a_code_and_nothing_pretends_otherwise() {
    let mut scene = Scene::offline();
    scene.start();
    scene.view("payment");
    let call = tap(&scene, CallScope::Everything);
    assert_eq!(call.dial_string.as_deref(), Some("tel:+33123456789"));
    assert_eq!((call.code, call.spoken_code.as_deref(), codes(&scene)), (None, None, 0));
    // The exchange has no code to look up, and gets a page that says so.
    let (status, answer) = scene.link.collector.try_resolve("");
    assert_eq!(status, 404);
    let page = words(&scene.link.collector.desk(&answer));
    assert!(page.contains("Nothing is known of this call"), "{page}");
}

#[test]
fn a_phone_that_opened_offline_has_codes_as_soon_as_the_app_says_that_there_is_data() {
    let mut scene = Scene::offline();
    scene.start();
    scene.pass(MINUTE_MS);
    scene.link.mend();
    scene.pass(MINUTE_MS);
    assert_eq!(codes(&scene), 0, "an idle phone without data has no wake-ups");
    scene.journey().upload_now();
    scene.pass(5_000);
    assert_eq!(codes(&scene), 5);
}
