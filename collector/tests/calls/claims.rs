//! Claims: the first to resolve holds the call, and nobody learns more from a miss.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use jalon::call::ContextToken;
use jalon_collector::KeyKind;
use serde_json::json;

use crate::support::{self, DAY_MS, HOUR_MS, MINUTE_MS, Phone, Site, code, lease, token};

async fn tapped(site: &Site) -> (Phone, String, String) {
    let mut phone = Phone::new(site);
    let code = code(lease(site, &mut phone, &[]).await, 0);
    let (call, token) = phone.tap(Some(&code), None, &[]);
    site.call(&call).await.ok();
    (phone, code, token)
}

#[tokio::test]
async fn the_first_call_id_holds_the_call_for_a_day() {
    let site = Site::open().await;
    let (_, code, token) = tapped(&site).await;
    site.resolve("code", &code, "first").await.ok();
    site.clock.advance(DAY_MS - 1);
    for (handle, text) in [("code", &code), ("token", &token)] {
        site.resolve(handle, text, "first").await.ok();
        site.resolve(handle, text, "second").await.is_problem(404, "no-context");
    }
    site.clock.advance(1);
    site.resolve("code", &code, "first").await.is_problem(404, "no-context");
}

#[tokio::test]
async fn a_confirmed_code_can_be_claimed_for_ten_minutes_and_its_token_for_a_day() {
    let site = Site::open().await;
    let (_, code, token) = tapped(&site).await;
    site.clock.advance(10 * MINUTE_MS);
    site.resolve("code", &code, "call").await.is_problem(404, "no-context");
    site.clock.advance(DAY_MS - 10 * MINUTE_MS - 1);
    site.resolve("token", &token, "call").await.ok();

    let (_, _, token) = tapped(&site).await;
    site.clock.advance(DAY_MS);
    site.resolve("token", &token, "call").await.is_problem(404, "no-context");
}

#[tokio::test]
async fn ten_minutes_count_by_the_collectors_clock() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let code = code(lease(&site, &mut phone, &[]).await, 0);
    // Tapped nine minutes before it was sent, on a phone that is a day ahead.
    let (mut call, _) = phone.tap(Some(&code), None, &[]);
    call["sent_at"] = json!(phone.now() + DAY_MS);
    call["call"]["tapped_at"] = json!(phone.now() + DAY_MS - 9 * MINUTE_MS);
    site.call(&call).await.ok();
    site.clock.advance(MINUTE_MS - 1);
    site.resolve("code", &code, "call").await.ok();
}

#[tokio::test]
async fn a_leased_code_without_its_record_is_claimed_once() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let code = code(lease(&site, &mut phone, &[]).await, 0);
    let view = site.resolve("code", &code, "first").await.ok();
    assert_eq!(view["call"]["confirmed"], false);
    site.resolve("code", &code, "second").await.is_problem(404, "no-context");
    site.clock.advance(DAY_MS + 3 * HOUR_MS);
    site.collector.expire().await.unwrap();
    // The claim has ended and is deleted, but the code stays used up.
    for call_id in ["first", "second"] {
        site.resolve("code", &code, call_id).await.is_problem(404, "no-context");
    }
}

#[tokio::test]
async fn a_call_does_not_join_a_claim_that_was_made_before_its_tap() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.customer(Some("ana"))];
    let code = code(lease(&site, &mut phone, &events).await, 0);
    // Somebody guessed or mistyped it.
    site.resolve("code", &code, "stranger").await.ok();
    site.clock.advance(3 * HOUR_MS);
    let payment = phone.screen("payment");
    let (call, token) = phone.tap(Some(&code), Some("ana"), &[payment]);
    site.call(&call).await.ok();
    let real = site.resolve("code", &code, "real").await.ok();
    assert_eq!((&real["call"]["token"], &real["call"]["confirmed"]), (&json!(token), &json!(true)));
    site.resolve("code", &code, "stranger").await.is_problem(404, "no-context");
    let theirs = json!({"call_id": "stranger"});
    let strangers = site.post("/v1/contexts/resolve", &site.centre, &theirs).await.ok();
    assert_eq!(strangers["call"]["confirmed"], false);
    // The same record again changes nothing.
    site.call(&call).await.ok();
    assert_eq!(site.resolve("code", &code, "real").await.ok()["call"]["token"], token);
}

#[tokio::test]
async fn the_same_call_id_alone_gets_its_call_again_while_the_claim_lasts() {
    let site = Site::open().await;
    let (_, code, token) = tapped(&site).await;
    let ask = |call_id: &'static str| {
        let site = &site;
        let request = json!({"call_id": call_id, "agent": "agent-8"});
        async move { site.post("/v1/contexts/resolve", &site.centre, &request).await }
    };
    ask("holder").await.is_problem(404, "no-context");
    site.resolve("code", &code, "holder").await.ok();
    assert_eq!(ask("holder").await.ok()["call"]["token"], token);
    ask("another").await.is_problem(404, "no-context");
    site.clock.advance(DAY_MS);
    ask("holder").await.is_problem(404, "no-context");
    assert_eq!(site.count("SELECT count(*) FROM audit WHERE agent = 'agent-8'"), 1);
}

#[tokio::test]
async fn a_call_id_given_again_names_the_later_call_although_the_clock_went_back() {
    for back_ms in [0, 1, HOUR_MS] {
        let site = Site::open().await;
        // The later call's record comes first: its row is not the newer one.
        let (_, _, later) = tapped(&site).await;
        let (_, _, earlier) = tapped(&site).await;
        site.resolve("token", &earlier, "again").await.ok();
        site.clock.advance(-back_ms);
        site.resolve("token", &later, "again").await.ok();
        let request = json!({"call_id": "again"});
        let found = site.post("/v1/contexts/resolve", &site.centre, &request).await.ok();
        assert_eq!(found["call"]["token"], later, "{back_ms} ms back");
    }
}

#[tokio::test]
async fn a_call_id_given_again_never_names_the_caller_before_also_once_the_later_one_is_erased() {
    let site = Site::open().await;
    let (_, _, earlier) = tapped(&site).await;
    let (phone, _, later) = tapped(&site).await;
    site.resolve("token", &earlier, "again").await.ok();
    site.resolve("token", &later, "again").await.ok();
    let path = format!("/v1/installations/{}", phone.installation);
    let erased = site.request(Method::DELETE, &path, Some(&site.write), &[], Body::empty()).await;
    assert_eq!(erased.status, StatusCode::NO_CONTENT);
    let request = json!({"call_id": "again"});
    let found = site.post("/v1/contexts/resolve", &site.centre, &request).await;
    found.is_problem(404, "no-context");
    // Whoever holds the earlier call's token still gets it.
    let held = site.resolve("token", &earlier, "again").await.ok();
    assert_eq!(held["call"]["token"], earlier);
}

#[tokio::test]
async fn a_number_of_a_screen_that_a_restored_backup_does_not_know_leads_to_its_record_alone() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let numbered = code(lease(&site, &mut phone, &[]).await, 6);
    site.resolve("code", &numbered, "call").await.is_problem(404, "no-context");
    let (call, token) = phone.tap(Some(&numbered), None, &[]);
    site.call(&call).await.ok();
    assert_eq!(site.resolve("code", &numbered, "call").await.ok()["call"]["token"], token);
}

#[tokio::test]
async fn a_code_speaks_only_for_the_phone_it_was_leased_to() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.customer(Some("ana"))];
    let code = code(lease(&site, &mut phone, &events).await, 0);
    let mut thief = Phone::new(&site);
    let (call, token) = thief.tap(Some(&code), Some("eve"), &[]);
    site.call(&call).await.ok();
    let view = site.resolve("code", &code, "call").await.ok();
    assert_eq!(view["customer"]["id"], "ana");
    assert_eq!(view["call"]["confirmed"], false);
    assert_eq!(site.resolve("token", &token, "other").await.ok()["customer"]["id"], "eve");
}

#[tokio::test]
async fn unknown_expired_claimed_and_another_apps_answer_alike() {
    let site = Site::open().await;
    let (_, claimed, claimed_token) = tapped(&site).await;
    let (_, theirs, their_token) = tapped(&site).await;
    site.resolve("code", &claimed, "holder").await.ok();
    let mut unclaimed = Phone::new(&site);
    let leased = code(lease(&site, &mut unclaimed, &[]).await, 0);
    let other = site.collector.create_key(KeyKind::ContactCentre, "other").await.unwrap();
    let miss = async |key: &str, handle: &str, text: &str| {
        let request = json!({handle: text, "call_id": "asker"});
        let answer = site.post("/v1/contexts/resolve", key, &request).await;
        answer.is_problem(404, "no-context");
        let mut problem = answer.json();
        // The link holds who asked, and nothing of what was asked for.
        assert!(problem["desk"].take().as_str().is_some_and(|desk| desk.len() > 100));
        let mut headers = answer.headers;
        headers.remove("content-length");
        (format!("{headers:?}"), problem)
    };
    let unknown = miss(&site.centre, "token", &token()).await;
    assert_eq!(miss(&site.centre, "code", &code(123_456_788, 0)).await, unknown);
    assert_eq!(miss(&site.centre, "code", &claimed).await, unknown);
    assert_eq!(miss(&site.centre, "token", &claimed_token).await, unknown);
    assert_eq!(miss(&other, "code", &theirs).await, unknown);
    assert_eq!(miss(&other, "code", &leased).await, unknown);
    assert_eq!(miss(&other, "token", &their_token).await, unknown);
    site.clock.advance(9 * DAY_MS);
    assert_eq!(miss(&site.centre, "code", &leased).await, unknown);
    assert_eq!(miss(&site.centre, "token", &their_token).await, unknown);
}

#[tokio::test]
async fn a_known_token_does_not_take_over_another_claimed_code() {
    let site = Site::open().await;
    let (mut phone, _, known) = tapped(&site).await;
    let locator = lease(&site, &mut phone, &[]).await;
    let claimed = code(locator, 0);
    site.resolve("code", &claimed, "early").await.ok();
    let (mut call, _) = phone.tap(Some(&claimed), None, &[]);
    call["call"]["token"] = json!(known);
    site.call(&call).await.ok();
    assert_eq!(site.resolve("code", &claimed, "early").await.ok()["call"]["confirmed"], false);
    site.resolve("token", &known, "call").await.ok();
}

#[tokio::test]
async fn get_does_the_same_and_head_claims_nothing() {
    let site = Site::open().await;
    let (_, code, token) = tapped(&site).await;
    for handle in [&code, &token] {
        let path = format!("/v1/contexts/{handle}?call_id=head");
        let answer =
            site.request(Method::HEAD, &path, Some(&site.centre), &[], Body::empty()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let answer = site.get(&format!("/v1/contexts/{code}?call_id=get"), Some(&site.centre)).await;
    assert_eq!(answer.ok()["call"]["token"], token);
    assert_eq!(answer.headers["cache-control"], "no-store");
    site.get(&format!("/v1/contexts/{token}?call_id=get"), Some(&site.centre)).await.ok();
}

#[tokio::test]
async fn a_user_to_user_header_is_read_as_exchanges_hand_it_on() {
    let site = Site::open().await;
    let (_, _, token) = tapped(&site).await;
    let header = ContextToken::parse(&token).unwrap().user_to_user();
    site.resolve("uui", &header, "call").await.ok();
    site.resolve("uui", &format!("deadbeef, \"{header}\""), "call").await.ok();
}

#[tokio::test]
async fn a_look_up_storm_is_throttled_for_its_caller_and_tokens_never_are() {
    let site = Site::open().await;
    let (_, good, good_token) = tapped(&site).await;
    let ask = async |code: &str, caller: &str| {
        let request = json!({"code": code, "call_id": "c", "caller": caller});
        site.post("/v1/contexts/resolve", &site.centre, &request).await
    };
    for n in 0..5 {
        ask(&code(2 * n, 0), "+331").await.is_problem(404, "no-context");
    }
    let over = ask(&good, "+331").await;
    over.is_problem(429, "throttled");
    assert_eq!(over.headers["retry-after"], "720");
    let request = json!({"token": token(), "call_id": "c", "caller": "+331"});
    site.post("/v1/contexts/resolve", &site.centre, &request).await.is_problem(404, "no-context");
    let request = json!({"token": good_token, "call_id": "c", "caller": "+331"});
    site.post("/v1/contexts/resolve", &site.centre, &request).await.ok();
    // Another caller is not held back, and hits never count.
    for _ in 0..20 {
        ask(&good, "+332").await.ok();
    }
    site.clock.advance(12 * MINUTE_MS);
    ask(&code(998, 0), "+331").await.is_problem(404, "no-context");
}

#[tokio::test]
async fn misses_that_name_no_caller_count_for_their_key() {
    let site = Site::open().await;
    for n in 0..600 {
        site.resolve("code", &code(2 * n, 0), "c").await.is_problem(404, "no-context");
    }
    site.resolve("code", &code(5_000, 0), "c").await.is_problem(429, "throttled");
    let other = site.collector.create_key(KeyKind::ContactCentre, support::APP).await.unwrap();
    let request = json!({"code": code(5_000, 0), "call_id": "c"});
    site.post("/v1/contexts/resolve", &other, &request).await.is_problem(404, "no-context");
}

#[tokio::test]
async fn what_cannot_be_logged_is_not_shown_and_a_failure_counts_as_no_miss() {
    let site = Site::open().await;
    let (_, code, token) = tapped(&site).await;
    let ask = async |handle: &str, text: &str| {
        let request = json!({handle: text, "call_id": "c", "agent": "maria", "caller": "+331"});
        site.post("/v1/contexts/resolve", &site.centre, &request).await
    };
    let store = rusqlite::Connection::open(site.folder.path().join("collector.db")).unwrap();
    store
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON audit
             BEGIN SELECT raise(ABORT, 'no room'); END",
        )
        .unwrap();
    for _ in 0..6 {
        for (handle, text) in [("code", &code), ("token", &token)] {
            assert_eq!(ask(handle, text).await.status, StatusCode::SERVICE_UNAVAILABLE);
        }
    }
    assert_eq!(site.count("SELECT count(*) FROM calls WHERE claimed_by IS NOT NULL"), 0);
    store.execute_batch("DROP TRIGGER full").unwrap();
    let desk = ask("code", &code).await.ok()["desk"].as_str().unwrap().to_owned();
    store
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON audit
             BEGIN SELECT raise(ABORT, 'no room'); END",
        )
        .unwrap();
    for path in [desk.clone(), format!("{desk}/live")] {
        let answer = site.get(&path, None).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!answer.text().contains("billing"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_write_key_over_its_quota_learns_when_to_retry() {
    let site = Site::open_with(|mut options| {
        let app = jalon_collector::config::AppOptions { screens: Vec::new(), events_per_s: 10 };
        options.apps.insert(support::APP.to_owned(), app);
        options
    })
    .await;
    let phone = Phone::new(&site);
    for _ in 0..10 {
        site.batch(&phone.batch(&[])).await.ok();
    }
    let over = site.batch(&phone.batch(&[])).await;
    over.is_problem(429, "throttled");
    assert_eq!(over.headers["retry-after"], "1");
    site.clock.advance(1_000);
    site.batch(&phone.batch(&[])).await.ok();
}

#[tokio::test]
async fn an_exchange_that_prefers_a_minimal_answer_gets_the_link_and_no_journey() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let seen: Vec<_> = (0..200).map(|id| phone.product(&format!("product-{id}"))).collect();
    let code = code(lease(&site, &mut phone, &seen).await, 0);
    let body = json!({"code": code, "call_id": "call"}).to_string();
    let resolve = |headers: &'static [(&str, &str)]| {
        site.request(
            Method::POST,
            "/v1/contexts/resolve",
            Some(&site.centre),
            headers,
            body.clone(),
        )
    };
    let little = resolve(&[("prefer", "wait=1, Return=minimal")]).await;
    assert_eq!(little.headers["preference-applied"], "return=minimal");
    // The limit of a variable in Asterisk's dialplan.
    assert!(little.body.len() < 4_096, "{} bytes", little.body.len());
    let (little, whole) = (little.ok(), resolve(&[]).await.ok());
    assert!(little["desk"].is_string());
    assert_eq!(little["last_screen"], whole["last_screen"]);
    assert_eq!(little["steps"], json!([]));
    assert_eq!(whole["steps"].as_array().unwrap().len(), 200);
}

#[tokio::test]
async fn a_code_with_a_screen_that_the_app_or_the_call_does_not_have_is_misdialled() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("home"), phone.screen("cart")];
    let locator = lease(&site, &mut phone, &events).await;
    site.resolve("code", &code(locator, 3), "call-1").await.is_problem(404, "no-context");
    let (call, _) = phone.tap(Some(&code(locator, 2)), None, &[]);
    site.call(&call).await.ok();
    site.resolve("code", &code(locator, 1), "call-1").await.is_problem(404, "no-context");
    site.resolve("code", &code(locator, 2), "call-1").await.ok();
}
