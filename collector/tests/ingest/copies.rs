//! Two phones that use one installation: one is a copy of the other, and neither may be taken for it.

use serde_json::json;

use crate::support::{Phone, Site, code, lease};

#[tokio::test]
async fn other_events_under_the_same_numbers_are_a_conflict_and_store_nothing() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let first = [phone.screen("home"), phone.product("1")];
    site.batch(&phone.batch(&first)).await.ok();
    let mut copy = Phone { installation: phone.installation.clone(), ..Phone::new(&site) };
    let theirs = [copy.screen("home"), copy.product("2"), copy.product("3")];
    site.batch(&copy.batch(&theirs)).await.is_problem(409, "conflict");
    assert_eq!(site.count("SELECT count(*) FROM events"), 2);
    // The first one goes on; the same again is no conflict, from a snapshot or the backlog.
    let mut again = first.to_vec();
    again.push(phone.product("4"));
    site.batch(&phone.batch(&again)).await.ok();
    let (call, _) = phone.tap(None, None, &again);
    site.call(&call).await.ok();
    let tap = json!({"seq": 4, "at": phone.now(), "session": 1, "type": "call", "screen": "home",
        "call": call["call"]});
    site.batch(&phone.batch(&[tap])).await.ok();
    assert_eq!(site.count("SELECT count(*) FROM events"), 4);
}

#[tokio::test]
async fn after_a_conflict_the_codes_that_both_hold_lead_nowhere() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let events = [phone.screen("home")];
    let locator = lease(&site, &mut phone, &events).await;
    let mut copy = Phone { installation: phone.installation.clone(), ..Phone::new(&site) };
    let theirs = [copy.screen("cart")];
    site.batch(&copy.batch(&theirs)).await.is_problem(409, "conflict");
    site.resolve("code", &code(locator, 0), "call").await.is_problem(404, "no-context");
    // The phone learns it with its next answer, and gets codes of its own.
    assert_eq!(site.batch(&phone.batch(&[])).await.ok()["codes_doubted"], true);
    let mut names = phone.batch(&[]);
    names["codes"] = json!([format!("{locator:09}")]);
    let answer = site.batch(&names).await.ok();
    let given: Vec<&str> = answer["codes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|code| code["locator"].as_str())
        .collect();
    assert_eq!(given.len(), 5);
    assert!(!given.contains(&&*format!("{locator:09}")));
}
