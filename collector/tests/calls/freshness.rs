//! How complete a context is: counted from what is stored, never guessed.

use serde_json::{Value, json};

use crate::support::{self, MINUTE_MS, Phone, Site, code, lease};

async fn freshness(site: &Site, token: &str) -> Value {
    site.resolve("token", token, "call").await.ok()["freshness"].clone()
}

#[tokio::test]
async fn a_call_that_overtakes_its_backlog_says_what_is_pending_until_it_is_here() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events: Vec<_> = (0..100).map(|_| phone.screen("list")).collect();
    let (call, token) = phone.tap(None, None, &events[90..]);
    let mut call = call;
    call["next"] = json!(phone.next);
    site.call(&call).await.ok();
    let now = freshness(&site, &token).await;
    assert_eq!(now["state"], "pending");
    assert_eq!(now["pending"], 90);
    assert_eq!(now["complete_through"], 0);
    assert_eq!(now["at_seq"], 101);
    assert_eq!(now["missing"], 0);

    site.batch(&phone.batch(&events[..50])).await.ok();
    let now = freshness(&site, &token).await;
    assert_eq!((&now["state"], &now["pending"]), (&json!("pending"), &json!(40)));
    assert_eq!(now["complete_through"], 50);

    site.batch(&phone.batch(&events[50..])).await.ok();
    let now = freshness(&site, &token).await;
    assert_eq!((&now["state"], &now["pending"]), (&json!("live"), &json!(0)));
    assert_eq!(now["complete_through"], 101);
    assert_eq!(now["synced_at"], support::START_MS);

    site.clock.advance(2 * MINUTE_MS + 1);
    assert_eq!(freshness(&site, &token).await["state"], "synced");
}

#[tokio::test]
async fn what_comes_after_the_tap_does_not_end_live() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let (call, token) = phone.tap(None, None, &[]);
    site.call(&call).await.ok();
    phone.screen("later");
    site.batch(&phone.batch(&[])).await.ok();
    let now = freshness(&site, &token).await;
    assert_eq!((&now["state"], &now["pending"]), (&json!("live"), &json!(1)));
}

#[tokio::test]
async fn what_the_phone_dropped_explains_what_is_missing() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events: Vec<_> = (0..10).map(|_| phone.screen("list")).collect();
    phone.oldest = 8;
    phone.dropped = json!({"quota": 4, "expired": 1, "consent": 9});
    // Seven are below `oldest`. The phone says that it dropped five of them; two are unexplained.
    let (mut call, token) = phone.tap(None, None, &events[7..]);
    call["next"] = json!(phone.next);
    site.call(&call).await.ok();
    let now = freshness(&site, &token).await;
    assert_eq!(now["missing"], 2);
    assert_eq!(now["pending"], 0);
    assert_eq!(now["dropped"], json!({"quota": 4, "expired": 1, "consent": 9}));
}

#[tokio::test]
async fn requests_that_overtake_each_other_never_lower_the_counts() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let early = phone.batch(&[]);
    let events = [phone.screen("list"), phone.screen("list")];
    phone.dropped = json!({"quota": 3});
    let (mut call, token) = phone.tap(None, None, &[]);
    call["next"] = json!(phone.next);
    site.call(&call).await.ok();
    site.batch(&early).await.ok();
    let now = freshness(&site, &token).await;
    assert_eq!((&now["pending"], &now["dropped"]["quota"]), (&json!(2), &json!(3)));
    site.batch(&phone.batch(&events)).await.ok();
    assert_eq!(freshness(&site, &token).await["pending"], 0);
}

#[tokio::test]
async fn what_was_rejected_is_neither_pending_nor_missing() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("list"), phone.event(json!({"type": "dance"}))];
    site.batch(&phone.batch(&events)).await.ok();
    site.batch(&phone.batch(&events)).await.ok();
    phone.oldest = 3;
    phone.dropped = json!({"rejected": 1});
    let (mut call, token) = phone.tap(None, None, &[]);
    call["next"] = json!(phone.next);
    site.call(&call).await.ok();
    let now = freshness(&site, &token).await;
    assert_eq!((&now["pending"], &now["missing"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn without_the_calls_record_more_is_always_pending() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("list")];
    let locator = lease(&site, &mut phone, &events).await;
    let view = site.resolve("code", &code(locator, 0), "call").await.ok();
    assert_eq!(view["freshness"]["state"], "pending");
    assert_eq!(view["freshness"]["pending"], 0);
    assert_eq!(view["last_screen"]["name"], "list");
}
