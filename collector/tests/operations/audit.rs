//! The audit log: every view is in it, and no change of it goes unnoticed.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use futures_util::future::join_all;
use jalon_collector::secret::Secret;
use jalon_collector::store::{
    AuditEntry, AuditError, AuditLog, SqliteStorage, Storage as _, StoreError, View,
};
use serde_json::json;

use crate::support::{APP, DAY_MS, Phone, Site};

/// The desk link of a new call that `agent` resolved for `call_id`.
async fn resolved(site: &Site, call_id: &str, agent: Option<&str>) -> String {
    let mut phone = Phone::new(site);
    let (call, token) = phone.tap(None, Some("ana"), &[]);
    site.call(&call).await.ok();
    look(site, &token, call_id, agent).await
}

async fn look(site: &Site, token: &str, call_id: &str, agent: Option<&str>) -> String {
    let request = json!({"token": token, "call_id": call_id, "agent": agent});
    let answer = site.post("/v1/contexts/resolve", &site.centre, &request).await;
    answer.ok()["desk"].as_str().unwrap().to_owned()
}

/// Five entries: one call resolved, opened and followed, and two other calls resolved.
async fn viewed() -> Site {
    let site = Site::open().await;
    let desk = resolved(&site, "call-1", Some("maria")).await;
    site.clock.advance(1_000);
    site.get(&desk, None).await;
    site.send(Request::get(format!("{desk}/live")).body(Body::empty()).unwrap()).await;
    resolved(&site, "call-2", Some("ben")).await;
    resolved(&site, "call-3", None).await;
    assert_eq!(flaws(&site), [], "as written");
    site
}

fn entries(site: &Site) -> Vec<AuditEntry> {
    let log = AuditLog::open(site.folder.path()).unwrap();
    log.entries().collect::<Result<_, _>>().unwrap()
}

fn flaws(site: &Site) -> Vec<(i64, AuditError)> {
    entries(site).iter().filter_map(|entry| Some((entry.id, entry.error?))).collect()
}

/// Changes the database as somebody with write access could.
fn tamper(site: &Site, sql: &str) {
    let path = site.folder.path().join("collector.db");
    let connection = rusqlite::Connection::open(path).unwrap();
    let triggers = "DROP TRIGGER audit_keeps; DROP TRIGGER audit_stands;";
    connection.execute_batch(&format!("{triggers} {sql}")).unwrap();
}

const ALTERED: AuditError = AuditError::Altered;

#[tokio::test]
async fn every_view_is_an_entry_and_entries_of_one_call_can_be_matched() {
    let site = viewed().await;
    let entries = entries(&site);
    let told: Vec<_> = entries.iter().map(|e| (e.id, e.act.as_str(), e.agent.as_deref())).collect();
    assert_eq!(
        told,
        [
            (1, "resolve", Some("maria")),
            (2, "desk", Some("maria")),
            (3, "live", Some("maria")),
            (4, "resolve", Some("ben")),
            (5, "resolve", None),
        ]
    );
    let log = AuditLog::open(site.folder.path()).unwrap();
    let calls = ["call-1", "call-1", "call-1", "call-2", "call-3"];
    for (entry, call) in entries.iter().zip(calls) {
        assert_eq!(entry.claimant, log.claimant(APP, call).as_bytes());
        assert_eq!(entry.app, APP);
    }
    assert_eq!(entries[1].at - entries[0].at, 1_000);
}

#[tokio::test]
async fn every_reconnect_of_a_stream_is_an_entry() {
    let site = Site::open().await;
    let live = resolved(&site, "call", None).await + "/live";
    for _ in 0..3 {
        let stream = Request::get(&live).header("last-event-id", "1");
        let answer = site.send(stream.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(entries(&site).iter().filter(|entry| entry.act == "live").count(), 3);
}

#[tokio::test]
async fn a_call_that_is_gone_when_its_view_is_noted_is_not_shown() {
    let site = Site::open().await;
    let secret = Secret::read(site.folder.path()).unwrap();
    let storage = SqliteStorage::open(site.folder.path(), secret, site.clock.clone()).unwrap();
    let view = View { app: APP.to_owned(), act: "desk", context: 1, agent: None, at: 0 };
    assert!(!storage.note_view(view).await.unwrap());
    assert_eq!(entries(&site), []);
}

#[tokio::test]
async fn whatever_is_altered_in_an_entry_is_seen() {
    for change in [
        "agent = 'eve'",
        "agent = NULL",
        "agent = ''",
        "agent = CAST(agent AS BLOB)",
        "at = at + 1",
        "at = 'never'",
        "app = app || '.other'",
        // The same letters, split differently.
        "app = 'com.example.shopd', act = 'esk'",
        "act = 'live'",
        "call = zeroblob(32)",
        "call = (SELECT call FROM audit WHERE id = 4)",
    ] {
        let site = viewed().await;
        tamper(&site, &format!("UPDATE audit SET {change} WHERE id = 2"));
        assert_eq!(flaws(&site), [(2, ALTERED)], "{change}");
    }
}

#[tokio::test]
async fn an_entry_without_an_agent_that_gets_an_empty_one_is_seen() {
    let site = viewed().await;
    tamper(&site, "UPDATE audit SET agent = '' WHERE id = 5");
    assert_eq!(flaws(&site), [(5, ALTERED)]);
}

#[tokio::test]
async fn an_altered_seal_breaks_its_entry_and_the_next() {
    for seal in ["zeroblob(32)", "'text'", "x''", "(SELECT seal FROM audit WHERE id = 3)"] {
        let site = viewed().await;
        tamper(&site, &format!("UPDATE audit SET seal = {seal} WHERE id = 2"));
        assert_eq!(flaws(&site), [(2, ALTERED), (3, ALTERED)], "{seal}");
    }
}

#[tokio::test]
async fn swapped_entries_are_seen() {
    let site = viewed().await;
    tamper(
        &site,
        "UPDATE audit SET id = 99 WHERE id = 1; UPDATE audit SET id = 1 WHERE id = 4;
         UPDATE audit SET id = 4 WHERE id = 99;",
    );
    // Together with their seals: the entry after each does not fit either.
    assert_eq!(flaws(&site).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2, 4, 5]);
    let site = viewed().await;
    tamper(
        &site,
        "UPDATE audit SET agent = iif(id = 1, 'ben', 'maria'), call = (SELECT call FROM audit AS o
           WHERE o.id = 5 - audit.id) WHERE id IN (1, 4)",
    );
    assert_eq!(flaws(&site), [(1, ALTERED), (4, ALTERED)]);
}

#[tokio::test]
async fn a_missing_entry_is_seen_first_or_in_the_middle() {
    let site = viewed().await;
    tamper(&site, "DELETE FROM audit WHERE id = 1");
    assert_eq!(flaws(&site), [(2, AuditError::Missing { from: 1, to: 1 })]);
    let site = viewed().await;
    tamper(&site, "DELETE FROM audit WHERE id IN (2, 3)");
    assert_eq!(flaws(&site), [(4, AuditError::Missing { from: 2, to: 3 })]);
    // Renumbered, to hide the gap.
    let site = viewed().await;
    tamper(
        &site,
        "DELETE FROM audit WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3;
         UPDATE audit SET id = 3 WHERE id = 4; UPDATE audit SET id = 4 WHERE id = 5;",
    );
    assert_eq!(flaws(&site), [(2, ALTERED), (3, ALTERED), (4, ALTERED)]);
}

#[tokio::test]
async fn a_forged_entry_is_seen_wherever_it_is_put() {
    for id in [i64::MIN, -1, 0, 6] {
        let site = viewed().await;
        let copy = "at, app, act, call, 'eve', seal FROM audit WHERE id = 5";
        tamper(&site, &format!("INSERT INTO audit SELECT {id}, {copy}"));
        assert_eq!(flaws(&site), [(id, ALTERED)]);
        if id != 6 {
            continue;
        }
        // Entries written after it do not make it valid.
        resolved(&site, "call-4", None).await;
        assert_eq!(flaws(&site), [(6, ALTERED)]);
    }
}

#[tokio::test]
async fn a_cut_tail_is_seen_by_a_kept_seal_alone() {
    let site = viewed().await;
    let kept = entries(&site)[4].seal.clone();
    tamper(&site, "DELETE FROM audit WHERE id > 3");
    assert_eq!(flaws(&site), [], "nothing in the log can tell");
    assert!(!entries(&site).iter().any(|entry| entry.seal == kept));
    resolved(&site, "call-4", None).await;
    resolved(&site, "call-5", None).await;
    assert_eq!(flaws(&site), []);
    assert!(!entries(&site).iter().any(|entry| entry.seal == kept), "not by what came after");
}

#[tokio::test]
async fn a_log_written_anew_with_the_secret_is_seen_by_a_kept_seal() {
    let site = viewed().await;
    let kept = entries(&site)[0].seal.clone();
    // Whoever has the secret as well can do what the collector does. Here the collector does it.
    tamper(&site, "DELETE FROM audit");
    for call_id in ["call-1", "call-2"] {
        resolved(&site, call_id, Some("maria")).await;
    }
    assert_eq!(flaws(&site), []);
    assert!(!entries(&site).iter().any(|entry| entry.seal == kept));
}

#[tokio::test]
async fn the_log_stays_whole_through_erasing_retention_and_a_restart() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let (call, token) = phone.tap(None, Some("ana"), &[]);
    site.call(&call).await.ok();
    look(&site, &token, "call-1", Some("maria")).await;
    resolved(&site, "call-2", None).await;
    let mut before = entries(&site);

    let path = format!("/v1/installations/{}", phone.installation);
    let erased = site.request(Method::DELETE, &path, Some(&site.write), &[], Body::empty()).await;
    assert_eq!(erased.status, StatusCode::NO_CONTENT);
    site.collector.erase_customer(None, "ana").await.unwrap();
    // The operator's command is an entry itself.
    before.extend(entries(&site).into_iter().skip(2));
    assert_eq!(
        before.iter().map(|entry| &*entry.act).collect::<Vec<_>>(),
        ["resolve", "resolve", "erase"]
    );
    site.clock.advance(100 * DAY_MS);
    site.collector.expire().await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM installations"), 0);
    assert_eq!(entries(&site), before);

    let Site { collector, clock, folder, .. } = site;
    drop(collector);
    let site = Site::open_on(folder, clock).await;
    assert_eq!(entries(&site), before);
    resolved(&site, "call-3", None).await;
    assert_eq!(flaws(&site), []);
    assert_eq!(entries(&site).len(), 4);
    assert!(entries(&site)[3].at >= before[0].at + 100 * DAY_MS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_at_once_from_two_collectors_on_one_folder_make_one_chain() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let (call, token) = phone.tap(None, None, &[]);
    site.call(&call).await.ok();
    let other = site.beside().await;
    let views = (0..200).map(|n| {
        let router = if n % 2 == 0 { site.collector.router() } else { other.router() };
        let body = json!({"token": token, "call_id": "call", "agent": n.to_string()});
        let request = Request::post("/v1/contexts/resolve")
            .header("authorization", format!("Bearer {}", site.centre))
            .body(Body::from(body.to_string()))
            .unwrap();
        tokio::spawn(tower::ServiceExt::oneshot(router, request))
    });
    for answer in join_all(views).await {
        assert_eq!(answer.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!(flaws(&site), []);
    assert_eq!(entries(&site).len(), 200);
}

#[tokio::test]
async fn a_long_log_is_read_in_slices_while_the_collector_writes() {
    let site = Site::open().await;
    let mut phone = Phone::new(&site);
    let (call, token) = phone.tap(None, None, &[]);
    site.call(&call).await.ok();
    for _ in 0..5 {
        join_all((0..500).map(|_| look(&site, &token, "call", Some("maria")))).await;
    }
    let log = AuditLog::open(site.folder.path()).unwrap();
    let mut reading = log.entries();
    assert_eq!(reading.next().unwrap().unwrap().id, 1);
    look(&site, &token, "call", None).await;
    let rest: Vec<_> = reading.collect::<Result<_, _>>().unwrap();
    assert!(rest.iter().all(|entry| entry.error.is_none()));
    assert_eq!(rest.last().unwrap().id, 2_501);
}

#[tokio::test]
async fn opening_the_log_makes_nothing_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let not_found = |folder: &std::path::Path| match AuditLog::open(folder) {
        Err(StoreError::Io(error)) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("opened"),
    };
    not_found(&folder.path().join("none"));
    not_found(folder.path());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let site = Site::open().await;
    std::fs::remove_file(site.folder.path().join("secret")).unwrap();
    not_found(site.folder.path());
    assert!(!site.folder.path().join("secret").exists());
}
