//! Keys: whoever holds one that is revoked or has ended is refused within seconds, and nonsense costs no
//! reads.

use axum::http::StatusCode;
use futures_util::FutureExt as _;
use jalon_collector::KeyKind;
use jalon_collector::keys::hash;
use serde_json::json;

use super::server::{Server, batch, create_key, request, run, stdout};
use super::support::{APP, Phone, Site};

/// More than the two seconds for which keys that were read count.
const A_MOMENT_MS: i64 = 2_001;

async fn status(site: &Site, key: &str) -> StatusCode {
    let mut phone = Phone::new(site);
    let events = [phone.product("1")];
    site.post("/v1/batches", key, &phone.batch(&events)).await.status
}

/// A key that holds, and its id.
async fn leaked_key(site: &Site) -> (String, String) {
    let leaked = site.collector.create_key(KeyKind::Write, APP).await.unwrap();
    assert_eq!(status(site, &leaked).await, StatusCode::OK);
    let keys = site.collector.keys().await.unwrap();
    let id = keys.iter().find(|key| key.hash == hash(&leaked)).unwrap().id();
    (leaked, id)
}

#[tokio::test]
async fn a_key_that_another_process_revokes_is_refused_within_seconds() {
    let site = Site::open().await;
    let (leaked, id) = leaked_key(&site).await;
    let other = site.beside().await;
    assert!(other.revoke_key(&id).await.unwrap());
    assert!(!other.revoke_key(&id).await.unwrap(), "it has gone");
    site.clock.advance(A_MOMENT_MS);
    assert_eq!(status(&site, &leaked).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&site, &site.write).await, StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_hangs_up_keeps_no_revoked_key_alive() {
    let site = Site::open().await;
    let (leaked, id) = leaked_key(&site).await;
    assert!(site.beside().await.revoke_key(&id).await.unwrap());
    site.clock.advance(A_MOMENT_MS);
    // Its request reads the keys, and ends before they are read.
    let request = Box::pin(status(&site, "jalon_write_nobody"));
    assert!(futures_util::future::select(request, std::future::ready(())).now_or_never().is_some());
    assert_eq!(status(&site, &leaked).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_ends_when_it_was_told_to() {
    let site = Site::open().await;
    let keys = site.collector.keys().await.unwrap();
    let write = keys.iter().find(|key| key.kind == KeyKind::Write).unwrap();
    let ends_at = super::support::START_MS + 60_000;
    assert!(site.collector.expire_key(&write.id(), ends_at).await.unwrap());
    site.clock.advance(59_999);
    assert_eq!(status(&site, &site.write).await, StatusCode::OK);
    site.clock.advance(1);
    assert_eq!(status(&site, &site.write).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_new_key_holds_at_once_also_one_of_another_process() {
    let site = Site::open().await;
    assert_eq!(status(&site, &site.write).await, StatusCode::OK);
    let other = site.beside().await;
    let key = other.create_key(KeyKind::Write, APP).await.unwrap();
    assert_eq!(status(&site, &key).await, StatusCode::OK);
}

#[tokio::test]
async fn a_flood_of_nonsense_reads_no_keys_and_shuts_nobody_out() {
    let site = Site::open().await;
    for n in 0..100 {
        assert_eq!(status(&site, &format!("jalon_write_{n}")).await, StatusCode::UNAUTHORIZED);
    }
    let other = site.beside().await;
    let key = other.create_key(KeyKind::Write, APP).await.unwrap();
    assert_eq!(status(&site, &key).await, StatusCode::UNAUTHORIZED, "nothing was read for it");
    assert_eq!(status(&site, &site.write).await, StatusCode::OK);
    site.clock.advance(A_MOMENT_MS);
    assert_eq!(status(&site, &key).await, StatusCode::OK);
}

#[tokio::test]
async fn the_id_of_an_app_is_not_blank() {
    let site = Site::open().await;
    for app in ["", "  ", &"x".repeat(257)] {
        let error = site.collector.create_key(KeyKind::Write, app).await.unwrap_err();
        assert!(error.to_string().contains("1 to 256 characters"), "{error}");
    }
}

#[test]
fn keys_are_listed_and_revoked_by_command_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let (write, _) = (create_key(data, "write"), create_key(data, "contact-centre"));
    let key = |args: &[&str]| run(&[&["key"], args, &["--data", data]].concat());
    let list = stdout(&key(&["list"]));
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 2, "{list}");
    assert!(lines[0].contains("  write  ") && lines[0].ends_with("  no end  shop"), "{list}");
    assert!(lines[1].contains("  contact-centre  ") && !list.contains(&write), "{list}");
    assert_eq!(stdout(&key(&["list", "--app", "another"])), "");
    let id = lines[0].split(' ').next().unwrap();

    let said = stdout(&key(&["expire", "--id", id, "--at", "2126-01-01"]));
    assert_eq!(said, format!("{id} ends 2126-01-01T00:00:00Z\n"));
    assert!(stdout(&key(&["list"])).contains("ends 2126-01-01"));
    assert_eq!(stdout(&key(&["revoke", "--id", id])), format!("revoked {id}\n"));
    let again = key(&["revoke", "--id", id]);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("list them first"));

    let server = Server::start(folder.path());
    let answer = request(&server.address, "POST", "/v1/batches", &write, &batch(1, 1, 1)).unwrap();
    assert_eq!((answer.0, &answer.1["type"]), (401, &json!("urn:jalon:problem:key")));
}
