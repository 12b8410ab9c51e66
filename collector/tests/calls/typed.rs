//! A call without a valid code or token: the agent still gets a page, and can type the code there.

use axum::http::Method;
use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::{Answer, HOUR_MS, Phone, Site, code, lease, token};

/// The desk link that the exchange gets for a call of which nothing is known.
async fn nothing_known(site: &Site, request: Value) -> String {
    let answer = site.post("/v1/contexts/resolve", &site.centre, &request).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    answer.json()["desk"].as_str().unwrap().to_owned()
}

async fn type_code(site: &Site, desk: &str, typed: &str) -> Answer {
    let body = format!("code={}", typed.replace(' ', "+"));
    site.request(Method::POST, desk, None, &[], body).await
}

#[tokio::test]
async fn every_look_up_that_finds_nothing_still_brings_a_page_for_the_agent() {
    let site = Site::open().await;
    let path = |query: &str| format!("/v1/contexts{query}");
    for (status, request) in [
        (404, json!({"call_id": "c"})),
        (404, json!({"call_id": "c", "code": "", "token": "", "uui": ""})),
        (404, json!({"call_id": "c", "code": code(412_907_384, 0)})),
        (404, json!({"call_id": "c", "token": token()})),
        (422, json!({"call_id": "c", "code": "4129"})),
        (422, json!({"call_id": "c", "token": "short"})),
        (422, json!({"call_id": "c", "uui": "00ff;encoding=hex"})),
        (400, json!({"call_id": "c", "code": "4129", "token": token()})),
    ] {
        let answer = site.post("/v1/contexts/resolve", &site.centre, &request).await;
        assert_eq!(answer.status, status, "{request}");
        let desk = answer.json()["desk"].as_str().unwrap().to_owned();
        let page = site.get(&desk, None).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("Nothing is known of this call"));
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(site.get(&format!("{desk}/live"), None).await.status, 403);
    }
    for (status, query) in
        [(404, "?call_id=c"), (404, "?call_id=c&code="), (422, "/4129?call_id=c")]
    {
        let answer = site.get(&path(query), Some(&site.centre)).await;
        assert_eq!(answer.status, status);
        assert!(answer.json()["desk"].is_string(), "{query}");
    }
    // Without a call id there is no call that a page could be for.
    assert!(site.get(&path(""), Some(&site.centre)).await.json()["desk"].is_null());
    assert_eq!(site.count("SELECT count(*) FROM audit"), 0, "nobody saw anything");
}

#[tokio::test]
async fn a_platform_that_reads_the_body_of_a_200_alone_gets_the_page_too() {
    let site = Site::open().await;
    for request in [json!({"call_id": "c", "code": "4129"}), json!({"call_id": "c"})] {
        let answer = site
            .request(
                Method::POST,
                "/v1/contexts/resolve",
                Some(&site.centre),
                &[("prefer", "return=minimal, handling=lenient")],
                request.to_string(),
            )
            .await;
        assert_eq!(answer.headers["preference-applied"], "handling=lenient");
        let problem = answer.ok();
        assert!(problem["status"].as_u64().unwrap() >= 404);
        let desk = problem["desk"].as_str().unwrap();
        assert!(site.get(desk, None).await.text().contains("Nothing is known of this call"));
    }
    // A request that no page can help with stays a problem.
    let lenient = [("prefer", "handling=lenient")];
    let path = "/v1/contexts/resolve";
    let answer = site.request(Method::POST, path, Some(&site.centre), &lenient, "{}").await;
    answer.is_problem(400, "malformed");
    let answer = site.request(Method::POST, path, None, &lenient, "{}").await;
    answer.is_problem(401, "key");
}

#[tokio::test]
async fn a_look_up_by_query_finds_what_a_look_up_by_body_finds() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let screen = phone.screen("payment");
    let (call, token) = phone.tap(None, Some("ana"), &[screen]);
    site.call(&call).await.ok();
    let path = format!("/v1/contexts?token={token}&call_id=c&agent=a&caller=");
    let view = site.get(&path, Some(&site.centre)).await.ok();
    assert_eq!(view["customer"]["id"], "ana");
    let head = site.request(Method::HEAD, &path, Some(&site.centre), &[], "").await;
    assert_eq!(head.status, 405);
}

#[tokio::test]
async fn a_code_read_aloud_opens_the_call_for_the_same_call_id() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let screen = phone.customer(Some("ana"));
    let code = code(lease(&site, &mut phone, &[screen]).await, 0);
    let desk = nothing_known(&site, json!({"call_id": "c", "agent": "agent-7"})).await;

    let grouped = format!("{} {} {}-{} ", &code[..3], &code[3..6], &code[6..9], &code[9..]);
    let answer = type_code(&site, &desk, &grouped).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let found = answer.headers["location"].to_str().unwrap();
    assert!(site.get(found, None).await.text().contains("ana"));
    assert_eq!(
        site.count("SELECT count(*) FROM audit WHERE act = 'resolve' AND agent = 'agent-7'"),
        1
    );
    // Loaded again, or by an agent to whom the call was transferred: nothing is typed twice.
    let again = site.get(&desk, None).await;
    assert_eq!(again.status, 303);
    let found_again = again.headers["location"].to_str().unwrap();
    assert!(site.get(found_again, None).await.text().contains("ana"));
    // The exchange may ask again; no other call id gets the call.
    site.resolve("code", &code, "c").await.ok();
    site.resolve("code", &code, "another").await.is_problem(404, "no-context");
    assert_eq!(type_code(&site, found, &code).await.status, 405);
}

#[tokio::test]
async fn a_mistyped_code_uses_up_no_attempt_and_a_wrong_one_counts_as_the_callers_miss() {
    let site = Site::open().await;
    let right = code(412_907_384, 0);
    let request = json!({"call_id": "c", "caller": "+33123456789"});
    let desk = nothing_known(&site, request.clone()).await;
    for slip in ["", "4129", "abc", "<b>", &right.replace('7', "1"), &"4".repeat(100_000)] {
        let answer = type_code(&site, &desk, slip).await;
        assert_eq!(answer.status, 422, "{slip:.20}");
        assert!(answer.text().contains("That is no code") && !answer.text().contains("<b>"));
    }
    for _ in 0..5 {
        assert_eq!(type_code(&site, &desk, &right).await.status, 404);
    }
    let answer = type_code(&site, &desk, &right).await;
    assert_eq!(answer.status, 429);
    assert!(answer.text().contains("for 12&nbsp;min"), "{}", answer.text());
    // The exchange asks for the same caller, so it waits too; another caller does not.
    let asked = json!({"call_id": "c", "caller": "+33123456789", "code": right});
    let answer = site.post("/v1/contexts/resolve", &site.centre, &asked).await;
    answer.is_problem(429, "throttled");
    assert!(answer.json()["desk"].is_string());
    let other = nothing_known(&site, json!({"call_id": "d", "caller": "+33987654321"})).await;
    assert_eq!(type_code(&site, &other, &right).await.status, 404);
}

#[tokio::test]
async fn a_page_without_a_caller_uses_up_its_own_calls_misses_and_not_the_keys() {
    let site = Site::open().await;
    let right = code(412_907_384, 0);
    let desk = nothing_known(&site, json!({"call_id": "c"})).await;
    for _ in 0..5 {
        assert_eq!(type_code(&site, &desk, &right).await.status, 404);
    }
    assert_eq!(type_code(&site, &desk, &right).await.status, 429);
    let other = nothing_known(&site, json!({"call_id": "d"})).await;
    assert_eq!(type_code(&site, &other, &right).await.status, 404);
    site.resolve("code", &right, "e").await.is_problem(404, "no-context");
}

#[tokio::test]
async fn the_link_names_nobody_and_lasts_two_hours() {
    let site = Site::open().await;
    let desk = nothing_known(&site, json!({"call_id": "c", "caller": "+33123456789"})).await;
    let payload = desk.rsplit('/').next().unwrap().split('.').next().unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    assert!(!String::from_utf8(payload).unwrap().contains("33123456789"));
    site.clock.advance(2 * HOUR_MS);
    assert_eq!(site.get(&desk, None).await.status, 403);
    assert_eq!(type_code(&site, &desk, &code(1, 0)).await.status, 403);
}
