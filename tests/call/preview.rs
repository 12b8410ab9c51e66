//! Promise: a preview is exactly what the snapshot of a call tapped now would carry, and leaves
//! the device alone.

use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc;
use std::thread;

use jalon::{
    CallRequest, CallScope, Consent, Event, Order, Preview, PreviewStep, Product, StepKind, Value,
};
use serde_json::json;

use crate::support::Phone;
use crate::support::clock::START_WALL_MS;

fn product(id: &str, name: Option<&str>) -> Product {
    Product { id: id.to_owned(), name: name.map(str::to_owned), ..Product::default() }
}

/// A custom event of about `bytes`.
fn custom(bytes: usize) -> Event {
    let values = (0..bytes / 256).map(|key| (format!("{key:02}"), Value::Text("x".repeat(240))));
    Event::Custom { name: "size".to_owned(), values: values.collect() }
}

fn everything(phone: &Phone) {
    let journey = phone.journey();
    journey.allow_location(true);
    journey.record(Event::ScreenView { screen: "product/{id}".into() });
    journey.record(Event::ProductView { product: product("1004856", Some("Galaxy A10")) });
    journey.record(Event::ProductView { product: product("1004857", None) });
    journey.record(Event::Search { query: Some("tente 2 places".into()), results: Some(12) });
    journey.record(Event::Search { query: None, results: Some(0) });
    journey.record(Event::CartChange { product: product("7", Some("Tente \"2\"")), delta: -1 });
    let order = Order { id: "A-1".into(), status: "placed".into(), total: None };
    journey.record(Event::Order { order });
    journey.record(Event::Failure { code: "payment_declined".into(), screen: None });
    journey.record(Event::Custom { name: "coupon".into(), values: BTreeMap::new() });
    journey.identify("c-42", Some("a.b.c".into()));
    journey.set_location(48.853_1, -0.000_1);
    journey.call_context(&CallRequest::to("112").about("billing")).unwrap();
    journey.call_context(&CallRequest::to("112")).unwrap();
}

/// When, on which screen, and what type.
type Step = (i64, Option<String>, String);

/// Taps a call, and returns what its snapshot carried as the collector got it: for whom, and the
/// steps.
fn tapped(phone: &Phone) -> (Option<String>, Vec<Step>) {
    phone.network.online();
    phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
    phone.journey().upload_now();
    phone.run_until_idle();
    phone.collector(|collector| {
        let call = collector.calls.iter().max_by_key(|call| call["call"]["seq"].as_u64()).unwrap();
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let events = call["events"].as_array().unwrap().iter().map(|event| {
            (event["at"].as_i64().unwrap(), text(&event["screen"]), text(&event["type"]).unwrap())
        });
        (text(&call["customer"]["id"]), events.collect())
    })
}

fn type_of(what: StepKind) -> &'static str {
    match what {
        StepKind::ScreenView => "screen_view",
        StepKind::ProductView => "product_view",
        StepKind::Search => "search",
        StepKind::CartChange => "cart_change",
        StepKind::Order => "order",
        StepKind::Failure => "failure",
        StepKind::Custom => "custom",
        StepKind::Customer => "customer",
        StepKind::Location => "location",
        StepKind::Call => "call",
    }
}

/// Checks a preview against the call that follows it.
#[track_caller]
fn is_what_a_call_carries(phone: &Phone) -> Preview {
    let preview = phone.journey().preview(CallScope::Everything);
    let (customer, events) = tapped(phone);
    assert_eq!(preview.customer, customer);
    let steps: Vec<Step> = preview
        .steps
        .iter()
        .map(|step| (step.at_ms, step.screen.clone(), type_of(step.what).to_owned()))
        .collect();
    assert_eq!(steps, events);
    preview
}

#[test]
fn every_type_is_shown_in_the_apps_own_words() {
    let mut phone = Phone::new();
    phone.config.record_search_queries = true;
    phone.open();
    everything(&phone);
    let preview = phone.journey().preview(CallScope::Everything);
    let shown: Vec<(StepKind, Option<&str>)> =
        preview.steps.iter().map(|step| (step.what, step.about.as_deref())).collect();
    assert_eq!(
        shown,
        [
            (StepKind::ScreenView, Some("product/{id}")),
            (StepKind::ProductView, Some("Galaxy A10")),
            (StepKind::ProductView, Some("1004857")),
            (StepKind::Search, Some("tente 2 places")),
            (StepKind::Search, None),
            (StepKind::CartChange, Some("Tente \"2\"")),
            (StepKind::Order, Some("A-1")),
            (StepKind::Failure, Some("payment_declined")),
            (StepKind::Custom, Some("coupon")),
            (StepKind::Customer, Some("c-42")),
            (StepKind::Location, Some("48.85, 0.00")),
            (StepKind::Call, Some("billing")),
            (StepKind::Call, None),
        ]
    );
    assert!(preview.steps.iter().all(|step| {
        step.at_ms == START_WALL_MS && step.screen.as_deref() == Some("product/{id}")
    }));
    assert_eq!(preview.customer.as_deref(), Some("c-42"));
}

#[test]
fn the_next_customer_is_not_shown_what_the_one_before_did() {
    let screens = |phone: &Phone, scope| -> Vec<String> {
        let preview = phone.journey().preview(scope);
        preview.steps.into_iter().filter_map(|step| step.screen).collect()
    };
    for logs_out in [true, false] {
        let mut phone = Phone::running();
        // Anonymous events belong to the customer who signs in next.
        phone.views(["before-ana"]);
        phone.journey().identify("ana", None);
        phone.views(["ana"]);
        phone.journey().record(Event::Failure { code: "declined".into(), screen: None });
        assert_eq!(
            screens(&phone, CallScope::Everything),
            ["before-ana", "before-ana", "ana", "ana"]
        );
        if logs_out {
            phone.journey().clear_customer();
            phone.views(["nobody"]);
        }
        phone.journey().identify("ben", None);
        let theirs = |phone: &Phone| {
            let seen = screens(phone, CallScope::Everything);
            assert!(!seen.iter().any(|screen| screen.contains("before")), "{seen:?}");
            let preview = phone.journey().preview(CallScope::OnlyThisScreen);
            assert!(preview.steps.iter().all(|step| step.what != StepKind::Failure));
        };
        theirs(&phone);
        let (customer, _) = tapped(&phone);
        assert_eq!(customer.as_deref(), Some("ben"));
        // Also when no event of the one before is left among the newest.
        phone.views((0..49).map(|at| format!("ben-{at}")));
        phone.upload_all();
        phone.restart();
        theirs(&phone);
    }
}

#[test]
fn it_is_what_the_snapshot_of_a_call_tapped_now_carries() {
    for online in [true, false] {
        let phone = Phone::running();
        if !online {
            phone.network.offline();
        }
        assert_eq!(is_what_a_call_carries(&phone), Preview::default());
        everything(&phone);
        phone.journey().identify("c-43", None);
        assert_eq!(is_what_a_call_carries(&phone).customer.as_deref(), Some("c-43"));
        // Thirty more than fit: some drained, some uploaded, some in the journal.
        phone.views((0..30).map(|at| format!("product/{at}")));
        phone.clock.advance(1_000);
        phone.views((30..35).map(|at| format!("product/{at}")));
        assert_eq!(is_what_a_call_carries(&phone).steps.len(), 20);
        // As many as fit into 16 KiB.
        for _ in 0..20 {
            phone.clock.advance(7);
            phone.journey().record(custom(3_000));
        }
        assert_eq!(is_what_a_call_carries(&phone).steps.len(), 5);
    }
}

#[test]
fn it_waits_for_the_journal_alone_and_sends_nothing() {
    let phone = Phone::running();
    phone.run_until_idle();
    phone.views(["home", "cart"]);
    let before = phone.network.sent().len();
    let preview = phone.journey().preview(CallScope::Everything);
    let step = |screen: &str| PreviewStep {
        at_ms: START_WALL_MS,
        screen: Some(screen.to_owned()),
        what: StepKind::ScreenView,
        about: Some(screen.to_owned()),
    };
    // No time has passed: the worker did not wait for more events.
    assert_eq!(preview.steps, [step("home"), step("cart")]);
    phone.run_until_idle();
    assert_eq!(phone.network.sent().len(), before);
    assert_eq!(phone.accounted(2).queued, 2);
    // A search does not show a query that may not be recorded.
    phone.journey().record(Event::Search { query: Some("secret".into()), results: None });
    assert_eq!(phone.journey().preview(CallScope::Everything).steps[2].about, None);
}

#[test]
fn it_says_whether_the_agent_may_see_more_and_is_there_after_a_restart() {
    let mut phone = Phone::running();
    phone.views(["home"]);
    assert!(!phone.journey().preview(CallScope::Everything).uploaded_before);
    phone.upload_all();
    let uploaded = phone.journey().preview(CallScope::Everything);
    assert!(uploaded.uploaded_before);
    assert_eq!(uploaded.steps.len(), 1, "what was uploaded is part of a snapshot");
    phone.restart();
    assert_eq!(phone.journey().preview(CallScope::Everything), uploaded);
    // The store of the next epoch does not know what an earlier one uploaded.
    phone.close();
    fs::write(phone.folder().join("journey.db"), vec![7; 8192]).unwrap();
    phone.open();
    let preview = phone.journey().preview(CallScope::Everything);
    assert_eq!((preview.steps, preview.uploaded_before), (vec![], true));
}

#[test]
fn without_a_grant_and_after_close_it_is_empty() {
    let mut phone = Phone::new();
    phone.config.consent = Some(Consent::Unknown);
    phone.open();
    phone.views(["home"]);
    assert_eq!(phone.journey().preview(CallScope::Everything), Preview::default());
    phone.journey().set_consent(Consent::Granted);
    assert_eq!(
        phone.journey().preview(CallScope::Everything).steps.len(),
        1,
        "what waited is kept now"
    );
    phone.journey().set_consent(Consent::Denied);
    assert_eq!(phone.journey().preview(CallScope::Everything), Preview::default());
    phone.journey().set_consent(Consent::Granted);
    assert_eq!(
        phone.journey().preview(CallScope::Everything),
        Preview::default(),
        "the refusal deleted it"
    );
    phone.views(["cart"]);
    phone.journey().identify("c-42", None);
    phone.upload_all();
    phone.journey().erase();
    assert_eq!(phone.journey().preview(CallScope::Everything), Preview::default());
    phone.journey().set_consent(Consent::Granted);
    assert_eq!(
        phone.journey().preview(CallScope::Everything),
        Preview::default(),
        "so did the erasure"
    );
    phone.views(["after"]);
    phone.run_until_idle();
    phone.clock.worker_ended();
    phone.journey().close();
    assert_eq!(phone.journey().preview(CallScope::Everything), Preview::default());
    phone.clock.worker_started();
}

#[test]
fn with_the_disk_out_of_reach_it_is_empty_and_does_not_wait() {
    let mut phone = Phone::new();
    fs::write(phone.folder(), b"in the way").unwrap();
    phone.open();
    phone.views(["home"]);
    assert_eq!(phone.journey().preview(CallScope::Everything), Preview::default());
    fs::remove_file(phone.folder()).unwrap();
    assert_eq!(phone.journey().preview(CallScope::Everything).steps.len(), 1, "asking tries again");
}

/// Runs `during` while the worker hangs in the transport, as it could in a sync of a slow disk.
fn with_the_worker_held_up(phone: &Phone, during: impl FnOnce()) {
    let (let_go, held) = mpsc::channel::<()>();
    let (reached, is_held) = mpsc::channel::<()>();
    phone.network.watch(move |_| {
        let _ = reached.send(());
        let _ = held.recv();
    });
    phone.journey().upload_now();
    is_held.recv().unwrap();
    during();
    drop(let_go);
    phone.run_until_idle();
}

#[test]
fn held_up_for_two_seconds_it_shows_what_was_known() {
    let phone = Phone::running();
    phone.journey().identify("c-42", None);
    phone.views(["home"]);
    with_the_worker_held_up(&phone, || {
        let show = || {
            thread::scope(|scope| {
                let preview = scope.spawn(|| phone.journey().preview(CallScope::Everything));
                phone.clock.callers_wait(1);
                phone.clock.change(|now| now.elapsed_ms += 1_999);
                assert!(!preview.is_finished());
                phone.clock.callers_wait(1);
                phone.clock.change(|now| now.elapsed_ms += 1);
                preview.join().unwrap()
            })
        };
        phone.views(["too-late"]);
        let known = show();
        assert_eq!(known.customer.as_deref(), Some("c-42"));
        assert_eq!(known.steps.len(), 2);
        // But never what another customer did.
        phone.journey().identify("c-43", None);
        assert_eq!(show(), Preview::default());
    });
    let preview = phone.journey().preview(CallScope::Everything);
    // From the change of customer on: what came before belongs to the other.
    assert_eq!((preview.customer.as_deref(), preview.steps.len()), (Some("c-43"), 1));
}

#[test]
fn nothing_of_an_erased_installation_is_shown_while_the_worker_is_held_up() {
    let phone = Phone::running();
    phone.views(["home"]);
    with_the_worker_held_up(&phone, || {
        phone.journey().erase();
        phone.journey().set_consent(Consent::Granted);
        thread::scope(|scope| {
            let preview = scope.spawn(|| phone.journey().preview(CallScope::Everything));
            phone.clock.callers_wait(1);
            phone.clock.change(|now| now.elapsed_ms += 2_000);
            assert_eq!(preview.join().unwrap(), Preview::default());
        });
    });
    phone.collector(|collector| assert_eq!(json!(collector.events.len()), json!(0)));
}

#[test]
fn a_status_after_a_preview_counts_what_an_earlier_process_left() {
    let mut phone = Phone::running();
    phone.network.offline();
    phone.views(["home", "cart"]);
    phone.restart();
    phone.journey().preview(CallScope::Everything);
    assert_eq!(phone.status().queued, 2);
}
