//! Promise: a call carries what its customer lets it carry, and nothing else.

use jalon::{CallContext, CallRequest, CallScope, Event, Preview, StepKind};
use serde_json::{Value, json};

use crate::support::Phone;

/// A phone whose customer went from the cart to a payment that failed.
fn at_payment() -> Phone {
    let mut phone = Phone::new();
    phone.collector(|collector| {
        collector.leases = (1..=40).map(|at| at * 2).collect();
        collector.screens = [("cart".to_owned(), 6), ("payment".to_owned(), 7)].into();
    });
    phone.open();
    phone.journey().identify("c-42", Some("a.b.c".into()));
    phone.views(["cart"]);
    phone.upload_all();
    let failure = |code: &str| Event::Failure { code: code.into(), screen: None };
    phone.journey().record(failure("out_of_stock"));
    phone.views(["payment"]);
    phone.journey().record(failure("declined"));
    phone.journey().record(Event::Custom { name: "coupon".into(), values: [].into() });
    phone.run_until_idle();
    phone
}

fn call(phone: &Phone, scope: CallScope) -> CallContext {
    phone.journey().call_context(&CallRequest::to("112").about("billing").sharing(scope)).unwrap()
}

/// The last snapshot that was uploaded.
fn snapshot(phone: &Phone) -> Value {
    phone.run_until_idle();
    phone.collector(|collector| collector.calls.last().unwrap().clone())
}

#[test]
fn everything_is_what_a_call_carries_unless_it_says_otherwise() {
    let phone = at_payment();
    let request = CallRequest::to("112").about("billing");
    assert_eq!(request, request.clone().sharing(CallScope::Everything));
    let call = call(&phone, CallScope::Everything);
    assert_eq!(call.code.unwrap().locator() % 2, 0);
    let snapshot = snapshot(&phone);
    assert_eq!(snapshot["call"]["scope"], "everything");
    assert_eq!(snapshot["call"]["screen"], "payment");
    assert_eq!(snapshot["customer"]["id"], "c-42");
    assert_eq!(snapshot["events"].as_array().unwrap().len(), 6);
}

#[test]
fn only_this_screen_carries_its_name_and_what_failed_on_it() {
    let phone = at_payment();
    let call = call(&phone, CallScope::OnlyThisScreen);
    let snapshot = snapshot(&phone);
    assert_eq!(snapshot["call"]["scope"], "screen");
    assert_eq!(snapshot["call"]["screen"], "payment");
    assert_eq!(snapshot["call"]["topic"], "billing");
    assert_eq!(snapshot["customer"], Value::Null);
    let codes: Vec<&Value> =
        snapshot["events"].as_array().unwrap().iter().map(|e| &e["failure"]["code"]).collect();
    assert_eq!(codes, ["declined"]);
    for kept in ["cart", "c-42", "a.b.c", "out_of_stock", "coupon"] {
        assert!(!snapshot.to_string().contains(kept), "{kept} in {snapshot}");
    }
    assert_eq!(call.code.unwrap().locator() % 2, 1, "the code says so without data too");
    assert_eq!(call.code.unwrap().screen(), 7);
}

#[test]
fn a_code_that_shares_one_screen_uses_up_its_lease_for_good() {
    let mut phone = at_payment();
    phone.network.offline();
    let codes = phone.status().codes;
    let locators: Vec<u32> = [CallScope::OnlyThisScreen, CallScope::Everything]
        .into_iter()
        .map(|scope| call(&phone, scope).code.unwrap().locator() & !1)
        .collect();
    assert_ne!(locators[0], locators[1]);
    phone.clock.advance(1_000);
    phone.restart();
    assert_eq!(phone.status().codes, codes - 2);
}

#[test]
fn only_the_number_dials_no_code_and_uploads_nothing() {
    let phone = at_payment();
    phone.upload_all();
    let (before, requests) = (phone.status(), phone.network.sent().len());
    let call = call(&phone, CallScope::OnlyTheNumber);
    assert_eq!(call.dial_string.as_deref(), Some("tel:112"));
    assert_eq!((call.token, call.code, call.spoken_code), (None, None, None));
    assert_eq!((call.sip_headers, call.link_parameter), (Vec::new(), None));
    phone.clock.advance(60_000);
    let after = phone.status();
    assert_eq!((after.recorded, after.codes), (before.recorded, before.codes));
    assert_eq!(phone.network.sent().len(), requests);
}

#[test]
fn a_preview_shows_what_a_call_of_that_scope_would_carry() {
    let phone = at_payment();
    let preview = |scope| phone.journey().preview(scope);
    let everything = preview(CallScope::Everything);
    assert_eq!((everything.customer.as_deref(), everything.steps.len()), (Some("c-42"), 6));
    assert!(everything.uploaded_before);

    let screen = preview(CallScope::OnlyThisScreen);
    assert_eq!((screen.customer, screen.uploaded_before), (None, false));
    let steps: Vec<_> =
        screen.steps.iter().map(|step| (step.what, step.about.as_deref().unwrap())).collect();
    assert_eq!(steps, [(StepKind::ScreenView, "payment"), (StepKind::Failure, "declined")]);

    assert_eq!(preview(CallScope::OnlyTheNumber), Preview::default());
}

#[test]
fn a_screen_that_came_up_long_ago_is_still_named_by_the_call() {
    let phone = at_payment();
    for _ in 0..60 {
        phone.journey().record(Event::Custom { name: "step".into(), values: [].into() });
    }
    phone.clock.advance(1_000);
    call(&phone, CallScope::OnlyThisScreen);
    let snapshot = snapshot(&phone);
    assert_eq!(snapshot["call"]["screen"], "payment");
    assert_eq!(snapshot["events"], json!([]));
}
