//! Promise: what stands between phone and collector (a hotel's login page, a proxy, a load balancer)
//! is weather. Only our collector's own problem document pauses, deletes, or asks for a long wait.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request as HttpRequest;
use http_body_util::BodyExt as _;
use jalon::{CallRequest, Response, UploadProblem};
use jalon_collector::{Collector, KeyKind, Options};
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::collector::{answer, problem};
use crate::support::{Fault, Phone};

fn answered(response: Response, wait_s: Option<u64>) -> Fault {
    let retry_after_ms = wait_s.map(|seconds| seconds * 1_000);
    Fault::Answered(Response { retry_after_ms, ..response })
}

fn portal(status: u16) -> Response {
    let body = b"<html>Welcome to our hotel</html>".to_vec();
    Response { status, retry_after_ms: None, body }
}

fn screens(phone: &Phone) -> Vec<String> {
    phone.collector(|collector| collector.screens_seen())
}

/// How long until the phone tries again by itself.
fn wait_ms(phone: &Phone) -> u64 {
    phone.clock.next_wake_ms().unwrap() - phone.clock.elapsed_ms()
}

#[test]
fn a_strangers_refusal_is_waited_out_and_neither_pauses_nor_deletes_anything() {
    for status in [400, 401, 403, 407, 410, 413, 422, 429, 500, 503, 511] {
        for body in [
            portal(status),
            answer(status, &json!({})),
            answer(status, &json!({"status": status, "title": "no"})),
            answer(status, &json!({"type": "about:blank", "status": status})),
            answer(status, &json!({"type": "urn:jalon:problem:key", "status": status + 1})),
        ] {
            let phone = Phone::running();
            phone.network.every_request(answered(body.clone(), None));
            phone.views(["home"]);
            phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
            phone.journey().upload_now();
            phone.clock.advance(1_000);
            let status = phone.accounted(2);
            assert_eq!((status.queued, status.dropped.total()), (2, 0), "{body:?}");
            let problem = status.last_upload.unwrap().problem;
            assert_eq!(problem, Some(UploadProblem::Status(body.status)));
            // By itself: nobody asks for an upload.
            phone.network.online();
            phone.clock.advance(10_000);
            phone.clock.advance(10_000);
            assert_eq!(screens(&phone), ["home"], "{body:?}");
            assert_eq!(phone.collector(|collector| collector.calls.len()), 1, "{body:?}");
        }
    }
}

#[test]
fn a_stranger_may_ask_for_five_minutes_at_most_and_the_app_ends_that_wait() {
    for status in [429, 503] {
        for (asked_s, least_ms, most_ms) in
            [(60, 60_000, 67_000), (86_400, 300_000, 300_000), (u64::MAX / 1_000, 300_000, 300_000)]
        {
            let phone = Phone::running();
            phone.network.every_request(answered(portal(status), Some(asked_s)));
            phone.views(["home"]);
            phone.journey().upload_now();
            phone.run_until_idle();
            assert!((least_ms..=most_ms).contains(&wait_ms(&phone)), "{}", wait_ms(&phone));
            phone.network.online();
            phone.journey().upload_now();
            phone.run_until_idle();
            assert_eq!(screens(&phone), ["home"]);
        }
    }
}

#[test]
fn nobody_silences_a_call_for_longer_than_half_a_minute() {
    for body in [portal(429), portal(503), problem(429), problem(503)] {
        let mut phone = Phone::new();
        phone.collector(|collector| collector.leases = (1..10).map(|at| at * 2).collect());
        phone.open();
        phone.network.next_faults([answered(body, Some(86_400))]);
        phone.journey().call_context(&CallRequest::to("+33123456789")).unwrap();
        phone.run_until_idle();
        assert_eq!(phone.collector(|collector| collector.calls.len()), 0);
        assert!(wait_ms(&phone) <= 30_000, "{}", wait_ms(&phone));
        phone.clock.advance(30_000);
        assert_eq!(phone.collector(|collector| collector.calls.len()), 1);
    }
}

#[test]
fn a_problem_of_the_collector_is_believed_as_it_writes_it_today() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let phone = Phone::running();
    let refusal = runtime.block_on(async {
        let clock = Arc::clone(&phone.clock);
        let collector = Collector::open(Options::new(dir.path()), clock).await.unwrap();
        collector.create_key(KeyKind::Write, "com.example.shop").await.unwrap();
        let request = HttpRequest::post("/v1/batches")
            .header("authorization", "Bearer jalon_write_unknown")
            .body(Body::from("{}"));
        let response = collector.router().oneshot(request.unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        Response { status, retry_after_ms: None, body }
    });
    assert_eq!(refusal.status, 401);
    phone.network.every_request(answered(refusal, None));
    phone.views(["home"]);
    phone.journey().upload_now();
    phone.clock.advance(1_000);
    assert_eq!(phone.clock.next_wake_ms(), None, "paused");
}
