//! Erasure and retention: what is deleted, what little stays, and that nothing comes back.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use jalon_collector::KeyKind;

use crate::support::{self, Answer, DAY_MS, HOUR_MS, Phone, Site, code, lease, random_hex};

async fn erase(site: &Site, installation: &str) -> Answer {
    let path = format!("/v1/installations/{installation}");
    site.request(Method::DELETE, &path, Some(&site.write), &[], Body::empty()).await
}

/// The number of rows that still belong to an installation, but for those that say when its uploads came.
fn traces(site: &Site) -> i64 {
    ["installations", "events", "customers", "epochs", "calls"]
        .iter()
        .map(|table| site.count(&format!("SELECT count(*) FROM {table}")))
        .sum::<i64>()
        + site.count("SELECT count(*) FROM leases WHERE installation IS NOT NULL")
}

async fn full_phone(site: &Site, customer: &str) -> (Phone, String, String) {
    let mut phone = Phone::new(site);
    let events = [phone.customer(Some(customer)), phone.product("1")];
    let code = code(lease(site, &mut phone, &events).await, 0);
    let (call, token) = phone.tap(Some(&code), Some(customer), &[]);
    site.call(&call).await.ok();
    site.resolve("token", &token, "call").await.ok();
    (phone, code, token)
}

#[tokio::test]
async fn erasing_leaves_a_tombstone_and_whatever_comes_later_is_gone() {
    let site = Site::open().await;
    let (mut phone, code, token) = full_phone(&site, "ana").await;
    assert_eq!(erase(&site, &phone.installation).await.status, StatusCode::NO_CONTENT);
    assert_eq!(traces(&site), 0);
    assert_eq!(site.count("SELECT count(*) FROM tombstones"), 1);
    site.resolve("token", &token, "call").await.is_problem(404, "no-context");
    site.resolve("code", &code, "call").await.is_problem(404, "no-context");

    let late = [phone.product("late")];
    site.batch(&phone.batch(&late)).await.is_problem(410, "erased");
    phone.epoch = 2;
    let (call, _) = phone.tap(None, Some("ana"), &late);
    site.call(&call).await.is_problem(410, "erased");
    site.clock.advance(400 * DAY_MS);
    site.collector.expire().await.unwrap();
    site.batch(&phone.batch(&late)).await.is_problem(410, "erased");
    assert_eq!(traces(&site) + site.count("SELECT count(*) FROM arrivals"), 0);
    // Erasing again is not an error: the first answer may have been lost.
    assert_eq!(erase(&site, &phone.installation).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn erased_means_erased_in_the_files_too() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    for _ in 0..20 {
        let mut events = vec![phone.customer(Some("anastasia-2718"))];
        events.extend((0..100).map(|_| phone.product("product-31415")));
        site.batch(&phone.batch(&events)).await.ok();
    }
    let holds = |needle: &str| {
        std::fs::read_dir(site.folder.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
        })
    };
    assert!(holds("anastasia-2718") && holds("product-31415"));
    erase(&site, &phone.installation).await;
    assert!(!holds("anastasia-2718") && !holds("product-31415"));
}

#[tokio::test]
async fn what_a_reader_kept_from_being_erased_is_erased_with_the_next_commit() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.customer(Some("anastasia-2718"))];
    site.batch(&phone.batch(&events)).await.ok();
    let path = site.folder.path().join("collector.db");
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM customers;").unwrap();
    erase(&site, &phone.installation).await;
    reader.execute_batch("COMMIT").unwrap();
    site.get("/readyz", None).await;
    for file in std::fs::read_dir(site.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(14).any(|window| window == b"anastasia-2718"));
    }
}

#[tokio::test]
async fn an_installation_never_seen_is_erased_too() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    assert_eq!(erase(&site, &phone.installation).await.status, StatusCode::NO_CONTENT);
    let events = [phone.product("late")];
    site.batch(&phone.batch(&events)).await.is_problem(410, "erased");
    erase(&site, "xyz").await.is_problem(422, "invalid");
    let path = format!("/v1/installations/{}", random_hex());
    let answer = site.request(Method::DELETE, &path, Some(&site.centre), &[], Body::empty()).await;
    answer.is_problem(403, "key-kind");
}

#[tokio::test]
async fn erasing_a_customer_takes_every_phone_they_used_and_nobody_elses() {
    let site = Site::open().await;
    full_phone(&site, "ana").await;
    full_phone(&site, "ana").await;
    let (_, _, token) = full_phone(&site, "ben").await;
    let other = site.collector.create_key(KeyKind::Write, "other").await.unwrap();
    let mut elsewhere = Phone::new(&site);
    let events = [elsewhere.customer(Some("ana"))];
    site.post("/v1/batches", &other, &elsewhere.batch(&events)).await.ok();

    assert_eq!(site.collector.erase_customer(Some(support::APP), "ana").await.unwrap(), 2);
    assert_eq!(site.count("SELECT count(*) FROM installations"), 2);
    assert_eq!(site.count("SELECT count(*) FROM customers WHERE customer = 'ana'"), 1);
    assert_eq!(site.resolve("token", &token, "call").await.ok()["customer"]["id"], "ben");
    assert_eq!(site.collector.erase_customer(None, "ana").await.unwrap(), 1);
    assert_eq!(site.count("SELECT count(*) FROM customers WHERE customer = 'ana'"), 0);
    assert_eq!(site.collector.erase_customer(None, "nobody").await.unwrap(), 0);
}

#[tokio::test]
async fn the_audit_log_keeps_every_view_and_names_nobody() {
    let site = Site::open().await;
    let (phone, _, token) = full_phone(&site, "ana").await;
    let view = site.resolve("token", &token, "call").await.ok();
    let desk = view["desk"].as_str().unwrap();
    site.get(desk, None).await;
    let stream = Request::get(format!("{desk}/live")).header("last-event-id", "0");
    site.send(stream.body(Body::empty()).unwrap()).await;
    site.resolve("token", &token, "another").await;
    erase(&site, &phone.installation).await;
    assert_eq!(site.count("SELECT count(*) FROM audit WHERE act = 'resolve'"), 2);
    assert_eq!(site.count("SELECT count(*) FROM audit WHERE act = 'desk'"), 1);
    assert_eq!(site.count("SELECT count(*) FROM audit WHERE act = 'live'"), 1);
    assert_eq!(site.count("SELECT count(DISTINCT call) FROM audit WHERE length(call) = 32"), 1);
    let path = site.folder.path().join("collector.db");
    let connection = rusqlite::Connection::open(path).unwrap();
    for sql in ["DELETE FROM audit", "UPDATE audit SET agent = 'x'"] {
        let error = connection.execute(sql, []).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[tokio::test]
async fn events_go_thirty_days_after_they_arrived_however_old_they_were() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let mut events = [phone.product("1"), phone.product("2")];
    events[0]["at"] = (phone.now() - 6 * DAY_MS).into();
    site.batch(&phone.batch(&events)).await.ok();
    site.clock.advance(15 * DAY_MS);
    let later = [phone.product("3")];
    site.batch(&phone.batch(&later)).await.ok();
    site.clock.advance(15 * DAY_MS);
    site.collector.expire().await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM events"), 3);
    site.clock.advance(1);
    site.collector.expire().await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM events"), 1);
    site.clock.advance(15 * DAY_MS);
    site.collector.expire().await.unwrap();
    assert_eq!(traces(&site), 0, "nothing is left of a phone not heard of for as long");
}

#[tokio::test]
async fn what_arrived_later_in_a_gap_expires_later_than_what_is_around_it() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let mut events = [phone.product("1"), phone.product("2"), phone.product("3")];
    events[2]["seq"] = i64::MAX.into();
    site.batch(&phone.batch(&[&events[..1], &events[2..]].concat())).await.ok();
    site.clock.advance(15 * DAY_MS);
    site.batch(&phone.batch(&events[1..2])).await.ok();
    site.clock.advance(15 * DAY_MS + 1);
    site.collector.expire().await.unwrap();
    assert_eq!(site.count("SELECT seq FROM events"), 2);
    assert_eq!(site.count("SELECT count(*) FROM events"), 1);
}

#[tokio::test]
async fn who_the_customer_is_outlives_the_event_that_said_so() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.customer(Some("eve")), phone.customer(Some("ana")), phone.product("1")];
    site.batch(&phone.batch(&events)).await.ok();
    site.clock.advance(31 * DAY_MS);
    phone.oldest = phone.next;
    let events = [phone.product("2")];
    let (mut call, token) = phone.tap(None, Some("ana"), &events);
    call["next"] = phone.next.into();
    site.call(&call).await.ok();
    site.collector.expire().await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM customers"), 1);
    let view = site.resolve("token", &token, "call").await.ok();
    assert_eq!(view["customer"]["id"], "ana");
    assert_eq!(view["freshness"]["missing"], 0, "what expired here is not the phone's loss");
}

#[tokio::test]
async fn tokens_and_claims_are_forgotten_after_their_day() {
    let site = Site::open().await;
    full_phone(&site, "ana").await;
    site.clock.advance(DAY_MS + HOUR_MS);
    site.collector.expire().await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM calls"), 1, "its desk link may still be open");
    site.clock.advance(HOUR_MS + 1);
    site.collector.expire().await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM calls"), 0);
    assert_eq!(site.count("SELECT count(*) FROM events WHERE type <> 'call'"), 2);
}

#[tokio::test]
async fn retention_works_in_slices_that_ingest_passes_between() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    for _ in 0..12 {
        let events: Vec<_> = (0..500).map(|_| phone.product("1")).collect();
        site.batch(&phone.batch(&events)).await.ok();
        site.clock.advance(1);
    }
    site.clock.advance(31 * DAY_MS);
    let fresh = [phone.product("fresh")];
    let fresh = phone.batch(&fresh);
    let (expired, answer) = tokio::join!(site.collector.expire(), site.batch(&fresh));
    expired.unwrap();
    answer.ok();
    assert_eq!(site.count("SELECT count(*) FROM events"), 1);
}

#[tokio::test]
async fn a_clock_a_month_ahead_removes_nothing_until_it_is_back_or_confirmed() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.product("1")];
    site.batch(&phone.batch(&events)).await.ok();
    let stored = || site.count("SELECT count(*) FROM events");
    assert!(site.collector.expire_by_a_sound_clock().await.unwrap());

    site.clock.advance(31 * DAY_MS);
    assert!(!site.collector.expire_by_a_sound_clock().await.unwrap());
    assert!(!site.collector.expire_by_a_sound_clock().await.unwrap(), "it still may be wrong");
    assert_eq!(stored(), 1);
    site.clock.advance(-31 * DAY_MS);
    assert!(site.collector.expire_by_a_sound_clock().await.unwrap(), "it is back");
    assert_eq!(stored(), 1);

    // A machine that starts in the past, before its clock is set.
    site.clock.advance(-31 * DAY_MS);
    assert!(site.collector.expire_by_a_sound_clock().await.unwrap());
    site.clock.advance(31 * DAY_MS);
    assert!(site.collector.expire_by_a_sound_clock().await.unwrap(), "it is where it was");

    // A machine that was off for a month, and whose operator says so.
    site.clock.advance(31 * DAY_MS);
    assert!(!site.collector.expire_by_a_sound_clock().await.unwrap());
    site.beside().await.confirm_clock().await.unwrap();
    assert!(site.collector.expire_by_a_sound_clock().await.unwrap());
    assert_eq!(stored(), 0);
}

#[tokio::test]
async fn a_clock_that_goes_on_day_by_day_is_believed() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.product("1")];
    site.batch(&phone.batch(&events)).await.ok();
    for _ in 0..31 {
        assert!(site.collector.expire_by_a_sound_clock().await.unwrap());
        site.clock.advance(DAY_MS);
    }
    assert!(site.collector.expire_by_a_sound_clock().await.unwrap());
    assert_eq!(site.count("SELECT count(*) FROM events"), 0);
}
