//! Once, in order: what is answered is on disk, exactly once, by `(epoch, seq)`.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{Method, Request};
use jalon_collector::store::NumberedScreen;
use jalon_collector::{Collector, KeyKind, Options};
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::{self, APP, Phone, Site};

#[tokio::test]
async fn what_is_answered_is_on_disk() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("list"), phone.product("1")];
    let answer = site.batch(&phone.batch(&events)).await.ok();
    assert_eq!(answer["stored"], 2);
    assert_eq!(answer["rejected"], json!([]));
    // Another connection sees only what is committed.
    assert_eq!(site.count("SELECT count(*) FROM events"), 2);
}

#[tokio::test]
async fn a_repeated_batch_is_stored_once() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("list"), phone.screen("list")];
    let batch = phone.batch(&events);
    for _ in 0..3 {
        assert_eq!(site.batch(&batch).await.ok()["stored"], 2);
        site.clock.advance(1_000);
    }
    assert_eq!(site.count("SELECT count(*) FROM events"), 2);
    assert_eq!(site.count("SELECT stored FROM epochs"), 2);
    assert_eq!(site.count("SELECT count(*) FROM arrivals"), 1);
}

#[tokio::test]
async fn order_is_epoch_and_seq_whatever_came_first() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let first = phone.product("first");
    let second = phone.product("second");
    phone.epoch = 2;
    phone.next = 1;
    let third = phone.product("third");
    let (call, token) = phone.tap(None, None, &[third]);
    site.call(&call).await.ok();
    phone.epoch = 1;
    site.batch(&phone.batch(&[second])).await.ok();
    site.batch(&phone.batch(&[first])).await.ok();

    let view = site.resolve("token", &token, "call").await.ok();
    let order: Vec<_> = view["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["product"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["first", "second", "third"]);
}

#[tokio::test]
async fn many_at_once_are_each_answered_and_stored_once() {
    let site = Site::open().await;
    let mut phones: Vec<Phone> = (0..40).map(|_| Phone::new(&site)).collect();
    let batches: Vec<_> = phones
        .iter_mut()
        .map(|phone| {
            let events: Vec<_> = (0..10).map(|_| phone.screen("list")).collect();
            phone.batch(&events)
        })
        .collect();
    let answers =
        futures_util::future::join_all(batches.iter().map(|batch| site.batch(batch))).await;
    assert!(answers.iter().all(|answer| answer.ok()["stored"] == 10));
    assert_eq!(site.count("SELECT count(*) FROM events"), 400);
    assert_eq!(site.count("SELECT count(DISTINCT installation) FROM events"), 40);
}

#[tokio::test]
async fn gzip_and_zstd_are_inflated() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("list")];
    let batch = phone.batch(&events).to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(batch.as_bytes()).unwrap();
    let zstd = zstd::encode_all(batch.as_bytes(), 3).unwrap();
    for (encoding, body) in [("gzip", gzip.finish().unwrap()), ("zstd", zstd)] {
        let headers = [("content-encoding", encoding)];
        let answer =
            site.request(Method::POST, "/v1/batches", Some(&site.write), &headers, body).await;
        assert_eq!(answer.ok()["stored"], 1, "{encoding}");
    }
}

/// Options with a screens file that lists these.
fn listing(mut options: Options, screens: &[&str]) -> Options {
    let screen = |name: &&str| jalon_collector::config::Screen {
        name: (*name).to_owned(),
        label: "A label".to_owned(),
        stage: Some("use".to_owned()),
        channel: None,
    };
    let app = jalon_collector::config::AppOptions {
        screens: screens.iter().map(screen).collect(),
        events_per_s: 1_000_000,
    };
    options.apps.insert(APP.to_owned(), app);
    options
}

#[tokio::test]
async fn junk_leaves_half_of_the_numbers_to_the_screens_that_the_file_lists() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let mut given = 0;
    for round in 0..3 {
        let events: Vec<_> = (0..200).map(|n| phone.screen(&format!("junk-{round}-{n}"))).collect();
        let answer = site.batch(&phone.batch(&events)).await.ok();
        given += answer["screens"].as_object().unwrap().len();
    }
    assert_eq!(given, 499);

    let options = listing(Options::new(site.folder.path()), &["checkout", "junk-0-0"]);
    let next = Collector::open(options, site.clock.clone()).await.unwrap();
    let screens = next.screens(Some(APP)).await.unwrap();
    let listed: Vec<_> = screens.iter().filter(|screen| screen.listed).collect();
    assert_eq!(
        listed.iter().map(|screen| &*screen.name).collect::<Vec<_>>(),
        ["junk-0-0", "checkout"]
    );
    assert_eq!(listed[1].number, 500);
    // One that is listed now leaves its place to another.
    let room = |screens: &[NumberedScreen]| screens.iter().filter(|screen| !screen.listed).count();
    assert_eq!(room(&screens), 498);
    let write = next.create_key(KeyKind::Write, APP).await.unwrap();
    let events = [phone.screen("one more"), phone.screen("too many")];
    let request = Request::post("/v1/batches")
        .header("authorization", format!("Bearer {write}"))
        .body(Body::from(phone.batch(&events).to_string()))
        .unwrap();
    let answer = next.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(room(&next.screens(None).await.unwrap()), 499);
}

#[tokio::test]
async fn screens_get_numbers_once_and_the_configured_ones_come_first() {
    let site = Site::open_with(|options| listing(options, &["home", "checkout"])).await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("new"), phone.screen("checkout")];
    let screens = site.batch(&phone.batch(&events)).await.ok()["screens"].clone();
    assert_eq!(screens, json!({"new": 3, "checkout": 2}));
    let events = [phone.screen("new"), phone.screen("newer")];
    let screens = site.batch(&phone.batch(&events)).await.ok()["screens"].clone();
    assert_eq!(screens, json!({"new": 3, "newer": 4}));

    let events = [phone.screen("checkout")];
    let (call, token) = phone.tap(None, None, &events);
    site.call(&call).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(view["last_screen"]["label"], "A label");
    assert_eq!(view["last_screen"]["stage"], "use");
    assert_eq!(view["steps"].as_array().unwrap().last().unwrap()["text"], "I opened A label");
}

#[tokio::test]
async fn a_call_in_a_batch_does_what_the_calls_route_does() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let token = support::token();
    let tap = json!({"type": "call", "call": {"token": token, "code": null,
        "tapped_at": phone.now(), "scope": "everything", "topic": null}});
    let events = [phone.screen("list"), phone.event(tap)];
    site.batch(&phone.batch(&events)).await.ok();
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(view["call"]["confirmed"], true);
    assert_eq!(view["last_screen"]["name"], "list");
}

#[tokio::test]
async fn the_same_token_again_is_the_same_call() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let (call, token) = phone.tap(None, Some("ana"), &[]);
    site.call(&call).await.ok();
    site.clock.advance(1_000);
    site.call(&call).await.ok();
    // It comes again with the backlog, and another phone cannot take it over.
    let mut other = Phone::new(&site);
    let (mut theft, _) = other.tap(None, Some("eve"), &[]);
    theft["call"]["token"] = json!(token);
    site.call(&theft).await.ok();
    assert_eq!(site.count("SELECT count(*) FROM calls"), 1);
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(view["customer"]["id"], "ana");
    assert_eq!(view["call"]["tapped_at"], support::START_MS);
}

#[tokio::test]
async fn times_are_the_collectors_whatever_the_phone_believes() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    // The phone's clock is ten years off: only differences on it count.
    let off = 10 * 365 * support::DAY_MS;
    let mut events = [phone.screen("a"), phone.screen("b"), phone.screen("c")];
    events[0]["at"] = json!(support::START_MS + off - 7_000);
    events[1]["at"] = json!(support::START_MS + off + 99_000);
    events[2]["at"] = json!(i64::MIN);
    let mut batch = phone.batch(&events);
    batch["sent_at"] = json!(support::START_MS + off);
    site.batch(&batch).await.ok();
    let at = |seq: i64| site.count(&format!("SELECT at FROM events WHERE seq = {seq}"));
    assert_eq!(at(1), support::START_MS - 7_000);
    assert_eq!(at(2), support::START_MS, "nothing happens in the future");
    assert_eq!(at(3), support::START_MS - 30 * support::DAY_MS);
}

#[tokio::test]
async fn an_installation_is_stored_by_its_hash_alone() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("list")];
    let batch = phone.batch(&events);
    site.batch(&batch).await.ok();
    let (call, token) = phone.tap(None, None, &[]);
    site.call(&call).await.ok();
    let id = u128::from_str_radix(&phone.installation, 16).unwrap().to_be_bytes();
    for file in ["collector.db", "collector.db-wal"] {
        let bytes = std::fs::read(site.folder.path().join(file)).unwrap();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(phone.installation.as_bytes()) && !holds(&id), "{file}");
        assert!(!holds(site.write.as_bytes()) && !holds(token.as_bytes()), "{file}");
    }
}
