//! The call: its snapshot overtakes the backlog, the desk shows it first, and the rest follows.
//!
//! The real core and the real collector, over a link of 256 kbit/s whose time the test drives.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request as HttpRequest, Uri};
use http_body_util::BodyExt as _;
use jalon::clock::Clock;
use jalon::{
    CallRequest, Config, Consent, Done, Event, Journey, Lane, Method, Request, Response, Transport,
};
use jalon_collector::{Collector, KeyKind, Options};
use serde_json::{Value, json};
use support::TestClock;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

const APP: &str = "com.example.shop";
/// 256 kbit/s.
const BYTES_PER_MS: f64 = 32.0;
/// There and back, on a bad mobile network.
const ROUND_TRIP_MS: f64 = 300.0;
/// What HTTP and TLS add to a body.
const OVERHEAD_BYTES: f64 = 600.0;
const STEP_MS: u64 = 10;

/// A slow link to the real collector: what is under way shares its rate.
struct SlowLink {
    site: Arc<Site>,
    transfers: Mutex<Vec<Transfer>>,
}

struct Transfer {
    bytes_left: f64,
    wait_ms: f64,
    request: Request,
    done: Option<Done>,
}

impl Transport for SlowLink {
    fn send(&self, _lane: Lane, request: Request, done: Done) {
        let bytes = request.body.as_ref().map_or(0, Vec::len) as f64 + OVERHEAD_BYTES;
        let transfer =
            Transfer { bytes_left: bytes, wait_ms: ROUND_TRIP_MS, request, done: Some(done) };
        self.transfers.lock().unwrap().push(transfer);
    }
}

impl SlowLink {
    /// Lets time pass on the link.
    fn pass(&self, ms: u64) {
        let mut transfers = self.transfers.lock().unwrap();
        let sending = transfers.iter().filter(|t| t.bytes_left > 0.0).count().max(1);
        for transfer in transfers.iter_mut() {
            if transfer.bytes_left > 0.0 {
                transfer.bytes_left -= BYTES_PER_MS * ms as f64 / sending as f64;
            } else {
                transfer.wait_ms -= ms as f64;
            }
        }
        let (ended, under_way): (Vec<_>, Vec<_>) =
            transfers.drain(..).partition(|t| t.bytes_left <= 0.0 && t.wait_ms <= 0.0);
        *transfers = under_way;
        drop(transfers);
        for mut transfer in ended {
            let response = self.site.take(&transfer.request);
            transfer.done.take().unwrap().call(Ok(response));
        }
    }
}

/// The collector, spoken to without a socket.
struct Site {
    runtime: Runtime,
    collector: Collector,
    agent_key: String,
    write_key: String,
}

impl Site {
    fn open(data: &std::path::Path, clock: Arc<dyn Clock>) -> Self {
        let runtime = Runtime::new().unwrap();
        let collector = runtime.block_on(Collector::open(Options::new(data), clock)).unwrap();
        let key = |kind| runtime.block_on(collector.create_key(kind, APP)).unwrap();
        let (write_key, agent_key) = (key(KeyKind::Write), key(KeyKind::ContactCentre));
        Self { runtime, collector, agent_key, write_key }
    }

    fn take(&self, request: &Request) -> Response {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        };
        let mut http = HttpRequest::builder()
            .method(method)
            .uri(request.url.parse::<Uri>().unwrap().path().to_owned())
            .header("authorization", format!("Bearer {}", request.key));
        if request.body.is_some() {
            http = http.header("content-type", "application/json");
            http = http.header("content-encoding", "gzip");
        }
        let http = http.body(Body::from(request.body.clone().unwrap_or_default())).unwrap();
        let (status, body) = self.exchange(http);
        Response { status, retry_after_ms: None, body }
    }

    fn exchange(&self, http: HttpRequest<Body>) -> (u16, Vec<u8>) {
        self.runtime.block_on(async {
            let response = self.collector.router().oneshot(http).await.unwrap();
            let status = response.status().as_u16();
            (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
        })
    }

    /// What the agent who picked up sees.
    fn resolve(&self, code: &str) -> Value {
        let body = json!({"code": code, "call_id": "call-1", "agent": "Alex"}).to_string();
        let http = HttpRequest::post("/v1/contexts/resolve")
            .header("authorization", format!("Bearer {}", self.agent_key))
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let (status, body) = self.exchange(http);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    fn desk(&self, context: &Value) -> String {
        let path = context["desk"].as_str().unwrap().to_owned();
        let http = HttpRequest::get(path).body(Body::empty()).unwrap();
        let (status, body) = self.exchange(http);
        assert_eq!(status, 200);
        String::from_utf8(body).unwrap()
    }
}

struct Scene {
    clock: Arc<TestClock>,
    link: Arc<SlowLink>,
    journey: Journey,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new());
        let site = Arc::new(Site::open(&dir.path().join("collector"), Arc::clone(&clock) as _));
        let link = Arc::new(SlowLink { site, transfers: Mutex::default() });
        let mut config = Config::new(
            dir.path().join("phone"),
            "https://collector.example",
            link.site.write_key.clone(),
        );
        config.consent = Some(Consent::Granted);
        APP.clone_into(&mut config.app.id);
        let journey =
            Journey::open_with(config, Arc::clone(&link) as _, Arc::clone(&clock) as _).unwrap();
        clock.worker_started();
        let scene = Self { clock, link, journey, _dir: dir };
        scene.pass(2_000);
        scene
    }

    fn view(&self, screen: &str) {
        self.journey.record(Event::ScreenView { screen: screen.to_owned() });
    }

    fn pass(&self, ms: u64) {
        self.pass_until(ms, || false);
    }

    /// Lets time pass until something holds; how long that took, in ms.
    fn pass_until(&self, at_most_ms: u64, holds: impl Fn() -> bool) -> u64 {
        for passed in (0..at_most_ms).step_by(STEP_MS as usize) {
            if holds() {
                return passed;
            }
            self.clock.advance(STEP_MS);
            self.link.pass(STEP_MS);
            self.clock.settle();
        }
        at_most_ms
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.clock.worker_ended();
        self.journey.close();
    }
}

#[test]
fn the_snapshot_overtakes_ten_thousand_events_on_a_slow_link_and_the_rest_follows() {
    let scene = Scene::open();
    assert!(scene.journey.status().codes >= 3, "codes were leased while online");
    scene.journey.identify("c-42", None);
    for number in 0..10_000 {
        scene.view(&format!("product/{number}"));
        if number % 500 == 499 {
            // The worker keeps up; the link does not.
            scene.pass(STEP_MS);
        }
    }
    scene.view("payment");
    scene.pass(1_000);
    let behind = scene.journey.status().queued;
    assert!(behind > 9_000, "{behind} events queued");

    let call = scene.journey.call_context(&CallRequest::to("+33123456789")).unwrap();
    let code = call.code.unwrap().to_string();
    let confirmed = || {
        let context = scene.link.site.resolve(&code);
        context["call"]["confirmed"] == true
    };
    let shown_ms = scene.pass_until(10_000, confirmed);
    assert!(shown_ms < 2_000, "the desk showed the call after {shown_ms} ms");

    let context = scene.link.site.resolve(&code);
    assert_eq!(context["last_screen"]["name"], "payment");
    assert_eq!(context["customer"]["id"], "c-42");
    assert_eq!(context["freshness"]["state"], "pending");
    let pending = context["freshness"]["pending"].as_u64().unwrap();
    assert!(pending > 9_000, "{pending} steps pending while the desk shows the last one");
    let desk = scene.link.site.desk(&context);
    assert!(desk.contains("payment") && desk.contains("c-42") && desk.contains("pending"));

    let follow_ms = scene.pass_until(600_000, || scene.journey.status().queued == 0);
    assert!(follow_ms > 5 * shown_ms, "the backlog took {follow_ms} ms, the call {shown_ms} ms");
    let context = scene.link.site.resolve(&code);
    assert_eq!(context["freshness"]["pending"], 0);
    assert_eq!(context["freshness"]["missing"], 0);
    assert_eq!(context["steps"].as_array().unwrap().len(), 200);
}

#[test]
fn a_call_tapped_without_data_finds_its_installation_and_its_screen_and_catches_up() {
    let scene = Scene::open();
    scene.journey.identify("c-42", None);
    scene.view("home");
    scene.view("payment");
    scene.journey.upload_now();
    scene.pass(5_000);
    // No data from here on: time passes for the phone, and nothing on the link.
    scene.view("cart");
    scene.view("payment");
    let call = scene.journey.call_context(&CallRequest::to("+33123456789")).unwrap();
    assert!(call.dial_string.as_deref().unwrap().starts_with("tel:+33123456789,,"));
    let code = call.code.unwrap().to_string();
    scene.clock.advance(1_000);

    let context = scene.link.site.resolve(&code);
    assert_eq!(context["call"]["confirmed"], false);
    assert_eq!(context["customer"]["id"], "c-42");
    assert_eq!(context["last_screen"]["name"], "payment", "from the code's own digits");
    assert_eq!(context["freshness"]["state"], "pending");

    scene.pass_until(60_000, || scene.journey.status().queued == 0);
    let context = scene.link.site.resolve(&code);
    assert_eq!(context["call"]["confirmed"], true, "the record joined the claim");
    assert_eq!(context["freshness"]["pending"], 0);
    assert_eq!(context["call"]["token"], call.token.unwrap().to_string());
}
