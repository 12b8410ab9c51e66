//! Malformed uploads: each is a clear JSON problem and never a 5xx, and nothing is half stored.

use std::io::Write as _;

use axum::body::Body;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use jalon_collector::KeyKind;
use serde_json::{Value, json};

use crate::support::{self, Answer, Phone, Site};

async fn send(site: &Site, body: impl Into<Body>) -> Answer {
    site.request(Method::POST, "/v1/batches", Some(&site.write), &[], body).await
}

fn nothing_stored(site: &Site) {
    assert_eq!(site.count("SELECT count(*) FROM events"), 0);
    assert_eq!(site.count("SELECT count(*) FROM installations"), 0);
    assert_eq!(site.count("SELECT count(*) FROM calls"), 0);
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    let site = Site::open().await;
    let deep = "[".repeat(100_000);
    for body in ["", "hello", "{", "[]", "7", "{}", "null", "\u{0}", &deep] {
        send(&site, body.to_owned()).await.is_problem(400, "malformed");
    }
    send(&site, vec![0xff, 0xfe, 0x00]).await.is_problem(400, "malformed");
    nothing_stored(&site);
}

#[tokio::test]
async fn wrong_types_in_the_header_are_malformed_and_not_repeated() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("list")];
    let good = phone.batch(&events);
    for (field, wrong) in [
        ("installation", json!(7)),
        ("epoch", json!("secret-word")),
        ("epoch", json!(-1)),
        ("sent_at", json!(1.5)),
        ("oldest", Value::Null),
        ("next", json!([])),
        ("dropped", json!({"quota": "secret-word"})),
        ("codes_left", json!(-2)),
        ("events", json!({})),
        ("app", json!("secret-word")),
    ] {
        let mut batch = good.clone();
        batch[field] = wrong;
        let answer = site.batch(&batch).await;
        answer.is_problem(400, "malformed");
        assert!(!answer.text().contains("secret-word"), "{field}");
    }
    for field in ["installation", "epoch", "sent_at", "oldest", "next", "events"] {
        let mut batch = good.clone();
        batch.as_object_mut().unwrap().remove(field);
        let answer = site.batch(&batch).await;
        answer.is_problem(400, "malformed");
        assert!(answer.text().contains(field), "names what is missing: {}", answer.text());
    }
    nothing_stored(&site);
}

#[tokio::test]
async fn values_out_of_range_are_invalid() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("list")];
    let good = phone.batch(&events);
    for (field, wrong) in [
        ("installation", json!("xyz")),
        ("installation", json!("+8f0c8f0c8f0c8f0c8f0c8f0c8f0c8f0")),
        ("installation", json!("0".repeat(32))),
        ("epoch", json!(u64::MAX)),
        ("oldest", json!(99)),
        ("next", json!(u64::MAX)),
        ("events", json!([{"type": "search"}])),
        ("events", json!([{"seq": u64::MAX, "at": 1, "session": 1, "type": "search"}])),
        ("events", json!([7])),
    ] {
        let mut batch = good.clone();
        batch[field] = wrong;
        site.batch(&batch).await.is_problem(422, "invalid");
    }
    nothing_stored(&site);
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_unknown_types_rejected_by_name() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let mut events = vec![
        phone.screen("list"),
        phone.event(json!({"type": "dance", "product": 7})),
        phone.event(json!({"type": "cart_change", "product": {"id": "1"}, "delta": "two"})),
        phone.event(json!({"type": "search", "query": "x".repeat(17 * 1024)})),
        phone.event(json!({"type": "location", "location": {"latitude": 91, "longitude": 0}})),
        phone.event(json!({"type": "call", "call": {"token": "short", "code": null,
            "tapped_at": 1, "scope": "everything", "topic": null}})),
        phone.event(json!({"type": "call", "call": {"token": support::token(), "code": null,
            "tapped_at": 1, "scope": "galaxy", "topic": null}})),
    ];
    events[0]["mood"] = json!({"deep": [1, 2, 3]});
    let abyss = format!("{}{}", "[".repeat(7_000), "]".repeat(7_000));
    let mut batch = phone.batch(&events);
    batch["weather"] = json!("fine");
    // Nested deeper than any stack allows, in a field that is ignored.
    let text = batch.to_string().replacen("[1,2,3]", &abyss, 1);
    let answer = send(&site, text).await.ok();
    assert_eq!(answer["stored"], 1);
    assert_eq!(
        answer["rejected"],
        json!([
            {"seq": 2, "reason": "unknown_type"},
            {"seq": 3, "reason": "invalid"},
            {"seq": 4, "reason": "too_large"},
            {"seq": 5, "reason": "invalid"},
            {"seq": 6, "reason": "invalid"},
            {"seq": 7, "reason": "invalid"},
        ])
    );
    assert_eq!(site.count("SELECT count(*) FROM events WHERE type <> 'refused'"), 1);
    assert_eq!(site.count("SELECT count(*) FROM calls"), 0);
}

#[tokio::test]
async fn five_hundred_events_are_taken_and_501_are_not() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events: Vec<_> = (0..501).map(|_| phone.screen("list")).collect();
    site.batch(&phone.batch(&events)).await.is_problem(413, "too-large");
    nothing_stored(&site);
    assert_eq!(site.batch(&phone.batch(&events[..500])).await.ok()["stored"], 500);
}

#[tokio::test]
async fn a_mebibyte_inflated_is_taken_and_one_byte_more_is_not() {
    let site = Site::open().await;
    let phone = Phone::new(&site);
    let mut batch = phone.batch(&[]);
    batch["padding"] = json!("");
    let padding = 1024 * 1024 - batch.to_string().len();
    for (extra, status) in [(0, 200), (1, 413)] {
        batch["padding"] = json!("x".repeat(padding + extra));
        let text = batch.to_string();
        assert_eq!(send(&site, text.clone()).await.status.as_u16(), status);
        let headers = [("content-encoding", "gzip")];
        let request = site.request(
            Method::POST,
            "/v1/batches",
            Some(&site.write),
            &headers,
            gzip(text.as_bytes()),
        );
        assert_eq!(request.await.status.as_u16(), status);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_bomb_stops_inflating_at_the_bound() {
    let site = Site::open().await;
    let zeros = vec![0; 64 * 1024 * 1024];
    let zstd = zstd::encode_all(&zeros[..], 19).unwrap();
    let gzip = gzip(&zeros);
    assert!(gzip.len() < 100_000 && zstd.len() < 100_000);
    // A few bytes that ask for a window of 128 MiB: refused before any memory is taken.
    let window = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00];
    for (encoding, body, status) in
        [("gzip", gzip, 413), ("zstd", zstd, 413), ("zstd", window, 400)]
    {
        let headers = [("content-encoding", encoding)];
        let answer =
            site.request(Method::POST, "/v1/batches", Some(&site.write), &headers, body).await;
        assert_eq!(answer.status.as_u16(), status, "{encoding}");
    }
    nothing_stored(&site);
}

#[tokio::test]
async fn an_encoding_that_is_false_or_unknown_is_a_problem() {
    let site = Site::open().await;
    for (encoding, status, name) in [
        ("gzip", 400, "malformed"),
        ("zstd", 400, "malformed"),
        ("br", 415, "encoding"),
        ("gzip, gzip", 415, "encoding"),
    ] {
        let headers = [("content-encoding", encoding)];
        site.request(Method::POST, "/v1/batches", Some(&site.write), &headers, "{}")
            .await
            .is_problem(status, name);
    }
}

#[tokio::test]
async fn a_missing_key_a_wrong_one_and_one_of_the_wrong_kind_are_told_apart() {
    let site = Site::open().await;
    let body = || Body::from("{}");
    for path in ["/v1/batches", "/v1/calls", "/v1/contexts/resolve"] {
        site.request(Method::POST, path, None, &[], body()).await.is_problem(401, "key");
        site.request(Method::POST, path, Some("wrong"), &[], body()).await.is_problem(401, "key");
        let basic = [("authorization", "Basic eDp5")];
        site.request(Method::POST, path, None, &basic, body()).await.is_problem(401, "key");
    }
    let basic = STANDARD.encode(format!("exchange:{}", site.centre));
    let basic = format!("Basic {basic}");
    let basic = [("authorization", basic.as_str())];
    site.request(Method::POST, "/v1/contexts/resolve", None, &basic, body())
        .await
        .is_problem(400, "malformed");
    let other = |path, key| site.request(Method::POST, path, Some(key), &[], body());
    other("/v1/batches", &site.centre).await.is_problem(403, "key-kind");
    other("/v1/calls", &site.centre).await.is_problem(403, "key-kind");
    other("/v1/contexts/resolve", &site.write).await.is_problem(403, "key-kind");
}

#[tokio::test]
async fn another_apps_installation_cannot_be_written_or_erased() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("list")];
    let batch = phone.batch(&events);
    site.batch(&batch).await.ok();
    let other = site.collector.create_key(KeyKind::Write, "com.example.other").await.unwrap();
    site.post("/v1/batches", &other, &batch).await.is_problem(403, "other-app");
    let path = format!("/v1/installations/{}", phone.installation);
    site.request(Method::DELETE, &path, Some(&other), &[], Body::empty())
        .await
        .is_problem(403, "other-app");
    assert_eq!(site.count("SELECT count(*) FROM events"), 1);
}

#[tokio::test]
async fn a_malformed_call_is_refused() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    site.call(&phone.batch(&[])).await.is_problem(400, "malformed");
    let (good, _) = phone.tap(None, None, &[]);
    for (field, wrong) in [
        ("token", json!("short")),
        ("token", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("code", json!("412907385217")),
        ("seq", Value::Null),
    ] {
        let mut call = good.clone();
        call["call"][field] = wrong;
        site.call(&call).await.is_problem(422, "invalid");
    }
    let mut call = good.clone();
    call["call"]["scope"] = json!("nothing");
    site.call(&call).await.is_problem(400, "malformed");
    let events: Vec<_> = (0..21).map(|_| phone.screen("list")).collect();
    let (many, _) = phone.tap(None, None, &events);
    site.call(&many).await.is_problem(413, "too-large");
    let wide: Vec<_> = (0..3)
        .map(|_| phone.event(json!({"type": "search", "query": "x".repeat(6 * 1024)})))
        .collect();
    let (wide, _) = phone.tap(None, None, &wide);
    site.call(&wide).await.is_problem(413, "too-large");
    nothing_stored(&site);
}

#[tokio::test]
async fn a_text_too_long_for_an_agent_is_refused() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let (long, short) = ("x".repeat(1_025), "x".repeat(1_024));
    let (good, _) = phone.tap(None, Some(&short), &[]);
    for (part, field) in [("call", "topic"), ("customer", "id")] {
        let mut call = good.clone();
        call[part][field] = json!(long);
        site.call(&call).await.is_problem(422, "invalid");
    }
    nothing_stored(&site);
    site.call(&good).await.ok();
    let events = [
        phone.screen(&long),
        phone.customer(Some(&long)),
        phone.product(&long),
        phone.event(json!({"type": "order", "order": {"id": "1", "status": "paid",
            "total": {"minor": 1, "currency": long}}})),
        phone.event(json!({"type": "failure", "failure": {"code": long}})),
        phone.screen(&short),
    ];
    let answer = site.batch(&phone.batch(&events)).await.ok();
    assert_eq!(answer["stored"], 1);
    for rejected in answer["rejected"].as_array().unwrap() {
        assert_eq!(rejected["reason"], "too_large");
    }
}

#[tokio::test]
async fn many_slow_bodies_do_not_keep_other_phones_out() {
    let site = Site::open().await;
    site.batch(&Phone::new(&site).batch(&[])).await.ok();
    let slow = (0..300).map(|_| {
        let endless = futures_util::stream::pending::<Result<&[u8], std::io::Error>>();
        let body = Body::from_stream(endless);
        Box::pin(site.request(Method::POST, "/v1/batches", Some(&site.write), &[], body))
    });
    let mut slow: Vec<_> = slow.collect();
    // The key is cached by now, so that each waits for its body after one poll.
    assert!(slow.iter_mut().all(|request| request.now_or_never().is_none()));
    site.batch(&Phone::new(&site).batch(&[])).await.ok();
}

#[tokio::test]
async fn an_unknown_route_or_method_is_a_problem_too() {
    let site = Site::open().await;
    site.get("/v2/batches", None).await.is_problem(404, "no-route");
    site.get("/v1/batches", None).await.is_problem(405, "method");
    site.get("/desk/assets/nothing", None).await.is_problem(404, "no-route");
}
