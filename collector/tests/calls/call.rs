//! The way of a call: from the tap to what the agent sees, with data and without.

use serde_json::json;

use crate::support::{self, MINUTE_MS, Phone, Site, code, lease};

#[tokio::test]
async fn a_call_shows_what_the_customer_just_did() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let mut events =
        vec![phone.customer(Some("ana")), phone.screen("product/{id}"), phone.product("1004856")];
    events.push(phone.event(json!({"type": "search", "query": "tent", "results": 3})));
    events.push(phone.event(json!({"type": "cart_change", "product": {"id": "7"}, "delta": 2})));
    events.push(phone.event(json!({"type": "order",
        "order": {"id": "o1", "status": "paid", "total": {"minor": 13076, "currency": "EUR"}}})));
    events.push(phone.event(json!({"type": "failure",
        "failure": {"code": "payment_declined", "screen": "product/{id}"}})));
    events.push(
        phone.event(
            json!({"type": "location", "location": {"latitude": 48.8512, "longitude": 2.35}}),
        ),
    );
    let locator = lease(&site, &mut phone, &events).await;
    phone.oldest = phone.next;
    site.clock.advance(5_000);
    let code = code(locator, 1);
    let (request, token) = phone.tap(Some(&code), Some("ana"), &[]);
    site.call(&request).await.ok();

    let view = site.resolve("code", &code, "call-1").await.ok();

    assert_eq!(view["call"]["token"], token);
    assert_eq!(view["call"]["topic"], "billing");
    assert_eq!(view["call"]["scope"], "everything");
    assert_eq!(view["call"]["confirmed"], true);
    assert_eq!(view["customer"], json!({"id": "ana", "verified": false}));
    assert_eq!(view["freshness"]["state"], "live");
    assert_eq!(view["freshness"]["pending"], 0);
    assert_eq!(view["last_screen"]["name"], "product/{id}");
    assert_eq!(view["last_screen"]["dwell_ms"], 5_000);
    assert_eq!(view["failure"]["code"], "payment_declined");
    let texts: Vec<_> =
        view["steps"].as_array().unwrap().iter().map(|step| step["text"].clone()).collect();
    assert_eq!(
        texts,
        [
            "I opened product/{id}",
            "I looked at Product 1004856",
            "I searched for “tent”",
            "I put 2 × product 7 in my cart",
            "I ordered o1: paid, 130.76\u{a0}EUR",
            "I saw an error: payment declined",
        ]
    );
    assert_eq!(view["products"][0]["id"], "7");
    assert_eq!(view["products"][1]["id"], "1004856");
    assert_eq!(view["orders"][0]["id"], "o1");
    assert_eq!(view["location"]["latitude"], 48.85);
    assert!(view["desk"].as_str().unwrap().starts_with("/desk/"));
}

#[tokio::test]
async fn a_leased_code_works_with_no_data_at_the_tap() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.customer(Some("ana")), phone.screen("list"), phone.screen("checkout")];
    let locator = lease(&site, &mut phone, &events).await;
    phone.oldest = phone.next;
    site.clock.advance(26 * MINUTE_MS);

    let view = site.resolve("code", &code(locator, 1), "call-1").await.ok();

    assert_eq!(view["call"]["confirmed"], false);
    assert_eq!(view["call"]["token"], json!(null));
    assert_eq!(view["customer"]["id"], "ana");
    assert_eq!(view["last_screen"]["name"], "list", "the code's own digits say so");
    assert_eq!(view["freshness"]["state"], "pending");
    assert_eq!(view["freshness"]["synced_at"], support::START_MS);
    assert_eq!(view["steps"].as_array().unwrap().len(), 2);

    // The record arrives later and joins the claim.
    let (request, token) = phone.tap(Some(&code(locator, 1)), Some("ana"), &[]);
    site.call(&request).await.ok();
    let view = site.resolve("token", &token, "call-1").await.ok();
    assert_eq!(view["call"]["confirmed"], true);
    site.resolve("token", &token, "call-2").await.is_problem(404, "no-context");
}
