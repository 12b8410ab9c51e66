//! The desk link: a page for one call, two hours, and no key in the browser.

use serde_json::json;

use crate::support::{HOUR_MS, Phone, Site};

async fn resolved(site: &Site) -> (Phone, String, String) {
    let mut phone = Phone::new(site);
    let events = [phone.customer(Some("ana")), phone.product("1004856")];
    let (call, token) = phone.tap(None, Some("ana"), &events);
    site.call(&call).await.ok();
    let request = json!({"token": token, "call_id": "call", "agent": "agent-7"});
    let view = site.post("/v1/contexts/resolve", &site.centre, &request).await.ok();
    (phone, token, view["desk"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_link_opens_the_calls_page_under_a_strict_policy() {
    let site = Site::open().await;
    let (phone, token, desk) = resolved(&site).await;
    let page = site.get(&desk, None).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("ana") && page.text().contains("Product 1004856"));
    assert!(page.text().contains(&format!("{desk}/live")));
    assert!(!page.text().contains(&phone.installation) && !page.text().contains(&token));
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe"));
    assert!(page.headers.get("set-cookie").is_none());
    for asset in ["desk.css", "desk.js"] {
        let answer = site.get(&format!("/desk/assets/{asset}"), None).await;
        assert_eq!(answer.status, 200);
        assert!(page.text().contains(&format!("/desk/assets/{asset}")));
    }
    assert_eq!(
        site.count("SELECT count(*) FROM audit WHERE act = 'desk' AND agent = 'agent-7'"),
        1
    );
}

#[tokio::test]
async fn the_operator_names_the_public_url_and_who_may_frame_the_desk() {
    let site = Site::open_with(|mut options| {
        options.public_url = Some("https://calls.example.com/jalon/".to_owned());
        options.frame_ancestors = vec!["https://desk.example.com".to_owned()];
        options
    })
    .await;
    let (_, _, desk) = resolved(&site).await;
    let path = desk.strip_prefix("https://calls.example.com/jalon").unwrap();
    let page = site.get(path, None).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("frame-ancestors https://desk.example.com"));
    assert!(page.text().contains("\"/jalon/desk/assets/desk.js\""));
}

#[tokio::test]
async fn a_link_ends_after_two_hours_and_resolving_again_gives_a_fresh_one() {
    let site = Site::open().await;
    let (_, token, desk) = resolved(&site).await;
    site.clock.advance(2 * HOUR_MS - 1);
    assert_eq!(site.get(&desk, None).await.status, 200);
    site.clock.advance(1);
    assert_eq!(site.get(&desk, None).await.status, 403);
    assert_eq!(site.get(&format!("{desk}/live"), None).await.status, 403);
    let fresh = site.resolve("token", &token, "call").await.ok();
    assert_eq!(site.get(fresh["desk"].as_str().unwrap(), None).await.status, 200);
}

#[tokio::test]
async fn a_link_that_was_changed_or_made_elsewhere_shows_nothing() {
    let site = Site::open().await;
    let (_, _, desk) = resolved(&site).await;
    let other = Site::open().await;
    let (_, _, foreign) = resolved(&other).await;
    let flipped = format!("{}{}", &desk[..desk.len() - 2], "AA");
    let half = &desk[..desk.len() / 2];
    for link in [&foreign, &flipped, half, "/desk/x", "/desk/.", "/desk/a.b"] {
        let answer = site.get(link, None).await;
        assert_eq!(answer.status, 403, "{link}");
        assert!(!answer.text().contains("ana"));
        assert!(answer.headers.contains_key("content-security-policy"));
    }
}

#[tokio::test]
async fn an_erased_customers_link_says_so() {
    let site = Site::open().await;
    let (_, _, desk) = resolved(&site).await;
    site.collector.erase_customer(None, "ana").await.unwrap();
    let page = site.get(&desk, None).await;
    assert_eq!(page.status, 410);
    assert!(!page.text().contains("1004856"));
    assert_eq!(site.get(&format!("{desk}/live"), None).await.status, 410);
}

#[tokio::test]
async fn only_the_owner_may_read_the_folders_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::open().await;
    for file in ["secret", "collector.db", "collector.db-wal"] {
        let metadata = std::fs::metadata(site.folder.path().join(file)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{file}");
    }
}
