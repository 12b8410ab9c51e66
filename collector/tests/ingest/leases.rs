//! Leased codes: answers hand them out, in limited number; locators are even, and rest before they
//! are given again.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{DAY_MS, Phone, Site, code};

fn locators(answer: &Value) -> Vec<u32> {
    let locator = |code: &Value| code["locator"].as_str().unwrap().parse().unwrap();
    answer["codes"].as_array().unwrap().iter().map(locator).collect()
}

#[tokio::test]
async fn an_empty_batch_tops_up_to_five_when_fewer_than_three_are_left() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    for (left, given) in [(5, 0), (3, 0), (2, 3), (0, 5)] {
        phone.codes_left = left;
        let answer = site.batch(&phone.batch(&[])).await.ok();
        assert_eq!(answer["codes"].as_array().unwrap().len(), given, "{left} left");
        for code in answer["codes"].as_array().unwrap() {
            assert_eq!(code["expires_in_s"], 604_800);
            assert_eq!(code["locator"].as_str().unwrap().len(), 9);
        }
    }
    let mut silent = phone.batch(&[]);
    silent.as_object_mut().unwrap().remove("codes_left");
    assert_eq!(site.batch(&silent).await.ok()["codes"], json!([]));
}

#[tokio::test]
async fn locators_are_even_and_all_different() {
    let site = Site::open().await;
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let mut phone = Phone::new(&site);
        phone.codes_left = 0;
        for locator in locators(&site.batch(&phone.batch(&[])).await.ok()) {
            assert_eq!(locator % 2, 0);
            assert!(seen.insert(locator));
        }
    }
}

#[tokio::test]
async fn a_phone_whose_answers_are_lost_holds_at_most_twenty() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    phone.codes_left = 0;
    let mut given = Vec::new();
    for _ in 0..10 {
        given.extend(locators(&site.batch(&phone.batch(&[])).await.ok()));
    }
    assert_eq!(given.len(), 20);
    // One is claimed, so that one more may follow.
    site.resolve("code", &code(given[0], 0), "call").await.ok();
    assert_eq!(locators(&site.batch(&phone.batch(&[])).await.ok()).len(), 1);
    // All have ended, so that all may be replaced.
    site.clock.advance(8 * DAY_MS + 1);
    assert_eq!(locators(&site.batch(&phone.batch(&[])).await.ok()).len(), 5);
}

#[tokio::test]
async fn a_lease_is_honoured_one_day_longer_than_the_phone_may_use_it() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    phone.codes_left = 0;
    let given = locators(&site.batch(&phone.batch(&[])).await.ok());
    site.clock.advance(8 * DAY_MS - 1);
    site.resolve("code", &code(given[0], 0), "call-1").await.ok();
    site.clock.advance(1);
    site.resolve("code", &code(given[1], 0), "call-2").await.is_problem(404, "no-context");
}

#[tokio::test]
async fn a_locator_rests_thirty_days_after_its_lease_even_when_erased() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    phone.codes_left = 0;
    let events = [phone.customer(Some("ana"))];
    site.batch(&phone.batch(&events)).await.ok();
    site.collector.erase_customer(None, "ana").await.unwrap();
    site.clock.advance(38 * DAY_MS);
    site.collector.expire().await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM leases"), 5);
    assert_eq!(site.count("SELECT count(*) FROM leases WHERE installation IS NOT NULL"), 0);
    site.clock.advance(1);
    site.collector.expire().await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM leases"), 0);
}

#[tokio::test]
async fn codes_that_are_named_live_on_and_those_that_are_not_honoured_are_replaced() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    phone.codes_left = 0;
    let given = locators(&site.batch(&phone.batch(&[])).await.ok());
    site.resolve("code", &code(given[0], 0), "call-1").await.ok();
    site.clock.advance(6 * DAY_MS);
    let mut stranger = Phone::new(&site);
    stranger.codes_left = 0;
    let theirs = locators(&site.batch(&stranger.batch(&[])).await.ok());
    // One was used, one is another phone's, one is no locator.
    phone.codes_left = 5;
    let mut request = phone.batch(&[]);
    request["codes"] = json!([
        format!("{:09}", given[0]),
        format!("{:09}", given[1]),
        format!("{:09}", given[2]),
        format!("{:09}", theirs[0]),
        "x",
    ]);
    let renewed = locators(&site.batch(&request).await.ok());
    assert_eq!((renewed.len(), &renewed[..2]), (5, &given[1..3]));
    assert!(!renewed.contains(&given[0]) && !renewed.contains(&theirs[0]));
    site.clock.advance(7 * DAY_MS);
    site.resolve("code", &code(given[1], 0), "call-2").await.ok();
    site.resolve("code", &code(given[3], 0), "call-3").await.is_problem(404, "no-context");
}

#[tokio::test]
async fn whoever_signs_in_and_out_all_day_still_gets_codes() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    phone.codes_left = 0;
    let mut batch = phone.batch(&[]);
    batch["codes"] = json!([]);
    let mut given = 0;
    for _ in 0..30 {
        given += locators(&site.batch(&batch).await.ok()).len();
    }
    assert_eq!(given, 100);
}

#[tokio::test]
async fn whoever_uses_up_each_code_at_once_gets_no_more_than_a_days_share() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let mut given = 0;
    for _ in 0..40 {
        phone.codes_left = 0;
        let fresh = locators(&site.batch(&phone.batch(&[])).await.ok());
        given += fresh.len();
        phone.codes_left = 5;
        for locator in fresh {
            // Each with a call, so that none counts as unclaimed.
            let (call, _) = phone.tap(Some(&code(locator, 0)), None, &[]);
            site.call(&call).await.ok();
        }
    }
    assert_eq!(given, 150);
    site.clock.advance(DAY_MS);
    phone.codes_left = 0;
    assert_eq!(locators(&site.batch(&phone.batch(&[])).await.ok()).len(), 5);
}

#[tokio::test]
async fn codes_of_another_version_are_doubted_until_the_phone_names_them() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    phone.codes_left = 0;
    let answer = site.batch(&phone.batch(&[])).await.ok();
    phone.codes_left = 5;
    let mut batch = phone.batch(&[]);
    batch["codes_version"] = answer["codes_version"].clone();
    assert_eq!(site.batch(&batch).await.ok()["codes_doubted"], Value::Null);
    batch["codes_version"] = json!(answer["codes_version"].as_u64().unwrap() ^ 1);
    assert_eq!(site.batch(&batch).await.ok()["codes_doubted"], true);
    batch["codes"] = json!(["000000002"]);
    let fresh = site.batch(&batch).await.ok();
    assert_eq!((locators(&fresh).len(), &fresh["codes_doubted"]), (5, &Value::Null));
    assert_ne!(fresh["codes_version"], answer["codes_version"]);
}

#[tokio::test]
async fn a_phone_that_holds_more_than_is_honoured_is_told() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    assert_eq!(site.batch(&phone.batch(&[])).await.ok()["codes_doubted"], true);
    phone.codes_left = 0;
    assert_eq!(site.batch(&phone.batch(&[])).await.ok()["codes_doubted"], Value::Null);
    phone.codes_left = 5;
    assert_eq!(site.batch(&phone.batch(&[])).await.ok()["codes_doubted"], Value::Null);
}
