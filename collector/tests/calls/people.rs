//! Whose journey an agent sees: this customer's alone, and only what they let the call carry.

use serde_json::{Value, json};

use crate::support::{DAY_MS, Phone, Site, code, lease};

fn products(view: &Value) -> Vec<&str> {
    let id = |step: &Value| step["product"]["id"].is_string();
    let steps = view["steps"].as_array().unwrap().iter().filter(|step| id(step));
    steps.map(|step| step["product"]["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_next_person_on_a_phone_does_not_show_the_one_before() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [
        phone.product("before-ana"),
        phone.customer(Some("ana")),
        phone.product("ana"),
        phone.event(json!({"type": "order", "order": {"id": "o", "status": "paid"}})),
        phone.event(json!({"type": "location", "location": {"latitude": 1, "longitude": 2}})),
        phone.customer(None),
        phone.product("before-ben"),
        phone.customer(Some("ben")),
        phone.product("ben"),
    ];
    site.batch(&phone.batch(&events)).await.ok();
    let (call, token) = phone.tap(None, Some("ben"), &events[8..]);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(view["customer"]["id"], "ben");
    assert_eq!(products(&view), ["before-ben", "ben"]);
    assert_eq!(view["orders"], json!([]));
    assert_eq!(view["location"], Value::Null);
    assert_eq!(view["products"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_snapshot_that_overtakes_the_change_of_customer_is_already_theirs() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let early = [phone.customer(Some("ana")), phone.product("ana")];
    site.batch(&phone.batch(&early)).await.ok();
    let backlog = [phone.customer(Some("ben")), phone.product("ben-1")];
    let snapshot = [phone.product("ben-2")];
    let (call, token) = phone.tap(None, Some("ben"), &snapshot);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(view["customer"]["id"], "ben");
    assert_eq!(products(&view), ["ben-2"]);
    site.batch(&phone.batch(&backlog)).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(products(&view), ["ben-1", "ben-2"]);
}

#[tokio::test]
async fn a_desk_that_is_open_does_not_show_who_called_next() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let anas = [phone.customer(Some("ana")), phone.product("ana")];
    site.batch(&phone.batch(&anas)).await.ok();
    let (call, token) = phone.tap(None, Some("ana"), &[]);
    site.call(&call).await.ok();
    // Offline, Ana signs out and Ben signs in; his call overtakes these events.
    let mut backlog = vec![phone.customer(None), phone.customer(Some("ben"))];
    backlog.extend((0..30).map(|at| phone.product(&format!("ben-{at}"))));
    let (bens_call, bens_token) = phone.tap(None, Some("ben"), &backlog[12..]);
    site.call(&bens_call).await.ok();
    let anas = site.resolve("token", &token, "call").await.ok();
    assert_eq!((&anas["customer"]["id"], products(&anas)), (&json!("ana"), vec!["ana"]));
    let bens = site.resolve("token", &bens_token, "bens-call").await.ok();
    assert_eq!((&bens["customer"]["id"], products(&bens).len()), (&json!("ben"), 20));
    site.batch(&phone.batch(&backlog)).await.ok();
    assert_eq!(products(&site.resolve("token", &token, "call").await.ok()), ["ana"]);
    assert_eq!(products(&site.resolve("token", &bens_token, "bens-call").await.ok()).len(), 30);
}

#[tokio::test]
async fn a_snapshot_with_a_change_in_it_shows_what_came_after_alone() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let named = phone.customer(Some("ana"));
    site.batch(&phone.batch(&[named])).await.ok();
    let snapshot = [
        phone.product("ana-1"),
        phone.product("ana-2"),
        phone.customer(Some("ben")),
        phone.product("ben-1"),
    ];
    // The phone could not say who called: the customer has changed since.
    let (call, token) = phone.tap(None, None, &snapshot);
    phone.oldest = 2;
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!((&view["customer"]["id"], products(&view)), (&json!("ben"), vec!["ben-1"]));
}

#[tokio::test]
async fn a_call_about_one_screen_shows_only_what_failed_on_it_up_to_the_tap() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let failure = |phone: &mut Phone, code: &str, screen: &str| {
        phone.event(json!({"type": "failure", "screen": screen,
            "failure": {"code": code, "screen": screen}}))
    };
    let earlier = [
        phone.screen("product/{id}"),
        failure(&mut phone, "another-product", "product/{id}"),
        phone.screen("home"),
        phone.screen("product/{id}"),
    ];
    let locator = lease(&site, &mut phone, &earlier).await;
    // Without the record it is unknown which visit of the screen the tap was on.
    let odd = code(locator + 1, 1);
    let unconfirmed = site.resolve("code", &odd, "unconfirmed").await.ok();
    assert_eq!(unconfirmed["failure"], Value::Null);
    let (mut call, token) = phone.tap(None, None, &[]);
    call["call"]["scope"] = json!("screen");
    call["call"]["screen"] = json!("product/{id}");
    site.call(&call).await.ok();
    let later = [phone.screen("product/{id}"), failure(&mut phone, "later", "product/{id}")];
    site.batch(&phone.batch(&later)).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(
        (&view["last_screen"]["name"], &view["failure"]),
        (&json!("product/{id}"), &Value::Null)
    );
    let events = [phone.screen("payment"), failure(&mut phone, "declined", "payment")];
    let (mut call, token) = phone.tap(None, None, &events);
    call["call"]["scope"] = json!("screen");
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "second").await.ok();
    assert_eq!(view["failure"]["code"], "declined");
}

#[tokio::test]
async fn a_call_that_comes_alone_names_its_screen() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    for scope in ["screen", "everything"] {
        let (mut call, token) = phone.tap(None, None, &[]);
        call["call"]["scope"] = json!(scope);
        call["call"]["screen"] = json!("payment");
        site.call(&call).await.ok();
        let view = site.resolve("token", &token, scope).await.ok();
        assert_eq!(view["last_screen"]["name"], "payment");
    }
}

#[tokio::test]
async fn a_call_without_a_customer_shows_only_its_snapshot_until_the_sign_out_has_arrived() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let early = [phone.customer(Some("ana")), phone.product("ana")];
    site.batch(&phone.batch(&early)).await.ok();
    phone.oldest = phone.next;
    let backlog = [phone.customer(None), phone.product("nobody-1")];
    let snapshot = [phone.product("nobody-2")];
    let (mut call, token) = phone.tap(None, None, &snapshot);
    call["next"] = json!(phone.next);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(view["customer"]["id"], Value::Null);
    assert_eq!(products(&view), ["nobody-2"]);
    site.batch(&phone.batch(&backlog)).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(products(&view), ["nobody-1", "nobody-2"]);
}

#[tokio::test]
async fn a_record_that_could_not_say_who_called_leaves_it_to_the_backlog() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let mine = [phone.customer(Some("ana")), phone.product("ana")];
    // Signed out and in as another before the record could leave: it names no customer.
    let (call, token) = phone.tap(None, None, &mine[1..]);
    let later = [phone.customer(None), phone.customer(Some("ben")), phone.product("ben")];
    site.call(&call).await.ok();
    site.batch(&phone.batch(&mine)).await.ok();
    site.batch(&phone.batch(&later)).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(view["customer"]["id"], "ana");
    assert_eq!(products(&view), ["ana"]);
}

#[tokio::test]
async fn a_lease_shows_only_the_customer_it_was_given_under() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.customer(Some("ana")), phone.product("ana")];
    let locator = lease(&site, &mut phone, &events).await;
    let events = [phone.customer(Some("ben")), phone.product("ben")];
    site.batch(&phone.batch(&events)).await.ok();
    let view = site.resolve("code", &code(locator, 0), "call").await.ok();
    assert_eq!(view["customer"]["id"], "ana");
    assert_eq!(products(&view), ["ana"]);
}

#[tokio::test]
async fn a_lease_given_without_a_customer_belongs_to_the_first_who_signs_in() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.product("nobody")];
    let locator = lease(&site, &mut phone, &events).await;
    let events = [phone.customer(Some("ana")), phone.product("ana")];
    site.batch(&phone.batch(&events)).await.ok();
    let view = site.resolve("code", &code(locator, 0), "call").await.ok();
    assert_eq!(view["customer"]["id"], "ana");
    assert_eq!(products(&view), ["nobody", "ana"]);
}

#[tokio::test]
async fn a_call_about_only_this_screen_shows_nothing_else() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [
        phone.customer(Some("ana")),
        phone.product("1"),
        phone.event(json!({"type": "failure", "screen": "list", "failure": {"code": "elsewhere"}})),
        phone.screen("checkout"),
    ];
    site.batch(&phone.batch(&events)).await.ok();
    let (mut call, token) = phone.tap(None, Some("ana"), &[]);
    call["call"]["scope"] = json!("screen");
    site.call(&call).await.ok();
    let answer = site.resolve("token", &token, "call").await;
    let view = answer.ok();
    assert_eq!(view["call"]["scope"], "screen");
    assert_eq!(view["last_screen"]["name"], "checkout");
    assert_eq!(view["customer"], json!({"id": null, "verified": false}));
    assert_eq!(view["failure"], Value::Null);
    for list in ["steps", "products", "orders"] {
        assert_eq!(view[list], json!([]), "{list}");
    }
    assert!(!answer.text().contains("ana") && !answer.text().contains("elsewhere"));
}

#[tokio::test]
async fn an_odd_locator_says_only_this_screen_with_no_data_at_the_tap() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.customer(Some("ana")), phone.screen("list"), phone.screen("checkout")];
    let locator = lease(&site, &mut phone, &events).await;
    let odd = code(locator + 1, 2);
    let view = site.resolve("code", &odd, "call").await.ok();
    assert_eq!(view["call"]["scope"], "screen");
    assert_eq!(view["customer"]["id"], Value::Null);
    assert_eq!(view["last_screen"]["name"], "checkout");
    assert_eq!(view["steps"], json!([]));
    // The even neighbour is the same lease: it is claimed already, and its scope stays.
    site.resolve("code", &code(locator, 2), "other").await.is_problem(404, "no-context");
    let view = site.resolve("code", &code(locator, 2), "call").await.ok();
    assert_eq!(view["call"]["scope"], "screen");
}

#[tokio::test]
async fn a_failure_of_an_earlier_session_is_not_what_they_call_about() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let mut events =
        [phone.event(json!({"type": "failure", "failure": {"code": "old"}})), phone.screen("list")];
    events[1]["session"] = json!(2);
    let (call, token) = phone.tap(None, None, &events);
    site.call(&call).await.ok();
    assert_eq!(site.resolve("token", &token, "call").await.ok()["failure"], Value::Null);
}

#[tokio::test]
async fn a_view_is_bounded_and_keeps_the_newest() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let order = phone.event(json!({"type": "order", "order": {"id": "old", "status": "paid"}}));
    site.batch(&phone.batch(&[order])).await.ok();
    for _ in 0..5 {
        let events: Vec<_> = (0..500).map(|n| phone.product(&format!("{}", n % 30))).collect();
        site.batch(&phone.batch(&events)).await.ok();
    }
    let (call, token) = phone.tap(None, None, &[]);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    let steps = view["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 200);
    assert_eq!(steps.last().unwrap()["seq"], 2_501);
    assert_eq!(view["products"].as_array().unwrap().len(), 20);
    assert_eq!(view["products"][0]["id"], "19");
    assert_eq!(view["orders"][0]["id"], "old", "an order is shown however much came after it");
}

#[tokio::test]
async fn who_it_was_before_the_oldest_event_is_said_in_each_envelope() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let ana = [phone.customer(Some("ana")), phone.product("ana-1")];
    site.batch(&phone.batch(&ana)).await.ok();
    // Ben's sign-in was dropped on the phone: only the envelope says that it happened.
    phone.customer(Some("ben"));
    let ben = [phone.product("ben-1")];
    let mut batch = phone.batch(&ben);
    batch["oldest"] = json!(4);
    batch["owner"] = json!({"seq": 3, "id": "ben", "at": phone.now()});
    site.batch(&batch).await.ok();
    let (call, token) = phone.tap(None, None, &[]);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(view["customer"]["id"], "ben");
    assert!(!view.to_string().contains("ana"), "{view}");
}

#[tokio::test]
async fn an_anonymous_caller_does_not_see_what_somebody_did_who_signed_in_and_out_meanwhile() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let before = [phone.product("ana-1")];
    site.batch(&phone.batch(&before)).await.ok();
    // Ana signs in (2) and out (3), and neither has arrived when the next person calls.
    let waiting = [phone.customer(Some("ana")), phone.customer(None)];
    let theirs = [phone.product("next-1")];
    let (mut call, token) = phone.tap(None, None, &theirs);
    call["oldest"] = json!(2);
    call["call"]["since"] = json!(3);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert!(view.to_string().contains("next-1") && !view.to_string().contains("ana-1"), "{view}");
    site.batch(&phone.batch(&waiting)).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert!(view.to_string().contains("next-1") && !view.to_string().contains("ana"), "{view}");
}

#[tokio::test]
async fn where_the_phone_lost_records_nobody_is_taken_for_who_came_before_or_after() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let ana = [phone.customer(Some("ana")), phone.product("ana-1")];
    site.batch(&phone.batch(&ana)).await.ok();
    let lost = [phone.product("lost-1")];
    let mut batch = phone.batch(&lost);
    batch["owner"] = json!({"seq": 3, "unknown": true, "id": null});
    site.batch(&batch).await.ok();
    let ben = [phone.customer(Some("ben")), phone.product("ben-1")];
    site.batch(&phone.batch(&ben)).await.ok();
    let (call, token) = phone.tap(None, Some("ben"), &[]);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(view["customer"]["id"], "ben");
    assert!(!view.to_string().contains("ana-1") && !view.to_string().contains("lost-1"), "{view}");
}

#[tokio::test]
async fn a_change_of_customer_outranks_what_was_said_before_it_came() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    // Ana, by an envelope that was sent before the next event had its number.
    let mut empty = phone.batch(&[]);
    empty["owner"] = json!({"seq": 1, "id": "ana", "at": phone.now()});
    site.batch(&empty).await.ok();
    let next = [phone.customer(None), phone.product("next-1")];
    site.batch(&phone.batch(&next)).await.ok();
    let (call, token) = phone.tap(None, None, &[]);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert!(view.to_string().contains("next-1") && !view.to_string().contains("ana"), "{view}");
}

#[tokio::test]
async fn a_callers_steps_are_not_for_the_next_caller_once_the_call_is_forgotten() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let ben = [phone.customer(Some("ben")), phone.product("ben-1")];
    site.batch(&phone.batch(&ben)).await.ok();
    // Ana's sign-in (3) waits, and the quota drops it. Her call overtook it.
    phone.customer(Some("ana"));
    let anas = [phone.product("ana-1")];
    let (mut call, _) = phone.tap(None, Some("ana"), &anas);
    call["call"]["since"] = json!(3);
    site.call(&call).await.ok();
    let again = [phone.customer(Some("ben")), phone.product("ben-2")];
    let mut batch = phone.batch(&again);
    batch["oldest"] = json!(6);
    site.batch(&batch).await.ok();
    site.clock.advance(3 * DAY_MS);
    site.collector.expire().await.unwrap();
    let (call, token) = phone.tap(None, Some("ben"), &[]);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(products(&view), ["ben-1", "ben-2"]);
}
