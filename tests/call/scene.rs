//! The real core and the real collector, over a link of 256 kbit/s whose time a test drives, and
//! which it can cut.
#![allow(unreachable_pub, missing_docs, dead_code, reason = "nothing here leaves the tests")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request as HttpRequest, Uri};
use http_body_util::BodyExt as _;
use jalon::clock::Clock;
use jalon::{
    Config, Consent, Done, Event, Journey, Lane, Method, Request, Response, SendError, Transport,
};
use jalon_collector::config::{AppOptions, Screen};
use jalon_collector::{Collector, KeyKind, Options};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::support::{TestClock, child};

const APP: &str = "com.example.shop";
/// 256 kbit/s.
const BYTES_PER_MS: f64 = 32.0;
/// A round trip on a bad mobile network.
const ROUND_TRIP_MS: f64 = 300.0;
/// What HTTP and TLS add to the size of a body.
const OVERHEAD_BYTES: f64 = 600.0;
pub const STEP_MS: u64 = 10;

/// A slow link to the real collector. Requests under way at the same time share its rate.
pub struct SlowLink {
    pub collector: Arc<RealCollector>,
    cut: AtomicBool,
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
        if self.cut.load(Ordering::Relaxed) {
            return done.call(Err(SendError::Connect));
        }
        let bytes = request.body.as_ref().map_or(0, Vec::len) as f64 + OVERHEAD_BYTES;
        let transfer =
            Transfer { bytes_left: bytes, wait_ms: ROUND_TRIP_MS, request, done: Some(done) };
        self.transfers.lock().unwrap().push(transfer);
    }
}

impl SlowLink {
    /// Cuts the link, as flight mode does: requests under way fail too.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
        let under_way = std::mem::take(&mut *self.transfers.lock().unwrap());
        for mut transfer in under_way {
            transfer.done.take().unwrap().call(Err(SendError::Connect));
        }
    }

    /// Makes the link work again.
    pub fn mend(&self) {
        self.cut.store(false, Ordering::Relaxed);
    }

    /// Lets time pass on the link.
    pub fn pass(&self, ms: u64) {
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
            let response = self.collector.take(&transfer.request);
            transfer.done.take().unwrap().call(Ok(response));
        }
    }
}

/// The names that agents know the app's screens by.
fn business_words() -> AppOptions {
    let screens = [("home", "Home page"), ("cart", "Shopping cart"), ("payment", "Paying")];
    let screen = |(name, label): (&str, &str)| Screen {
        name: name.to_owned(),
        label: label.to_owned(),
        stage: None,
        channel: None,
    };
    AppOptions { screens: screens.into_iter().map(screen).collect(), events_per_s: 1_000_000 }
}

/// The collector, reached without a socket.
pub struct RealCollector {
    runtime: Runtime,
    collector: Collector,
    agent_key: String,
    write_key: String,
}

impl RealCollector {
    pub fn open(data: &std::path::Path, clock: Arc<dyn Clock>) -> Self {
        let runtime = Runtime::new().unwrap();
        let mut options = Options::new(data);
        options.apps.insert(APP.to_owned(), business_words());
        let collector = runtime.block_on(Collector::open(options, clock)).unwrap();
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

    /// What the agent who takes the call sees.
    pub fn resolve(&self, code: &str) -> Value {
        let (status, body) = self.try_resolve(code);
        assert_eq!(status, 200, "{body}");
        body
    }

    /// What the exchange gets as an answer.
    pub fn try_resolve(&self, code: &str) -> (u16, Value) {
        let body = json!({"code": code, "call_id": "call-1", "agent": "Alex"}).to_string();
        let http = HttpRequest::post("/v1/contexts/resolve")
            .header("authorization", format!("Bearer {}", self.agent_key))
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let (status, body) = self.exchange(http);
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub fn desk(&self, context: &Value) -> String {
        let path = context["desk"].as_str().unwrap().to_owned();
        let http = HttpRequest::get(path).body(Body::empty()).unwrap();
        let (status, body) = self.exchange(http);
        assert_eq!(status, 200);
        String::from_utf8(body).unwrap()
    }
}

/// A phone with the app, its link, and the collector at the other end.
pub struct Scene {
    pub clock: Arc<TestClock>,
    pub link: Arc<SlowLink>,
    /// While the app runs.
    journey: Option<Journey>,
    config: Config,
    processes: u32,
    dir: tempfile::TempDir,
}

impl Scene {
    /// A phone that has just been online.
    pub fn open() -> Self {
        let mut scene = Self::offline();
        scene.link.mend();
        scene.start();
        scene.pass(2_000);
        scene
    }

    /// A phone that never had data, with the app not yet running.
    pub fn offline() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::new());
        let collector =
            Arc::new(RealCollector::open(&dir.path().join("collector"), Arc::clone(&clock) as _));
        let cut = AtomicBool::new(true);
        let link = Arc::new(SlowLink { collector, cut, transfers: Mutex::default() });
        let mut config = Config::new(
            dir.path().join("phone-0"),
            "https://collector.example",
            link.collector.write_key.clone(),
        );
        config.consent = Some(Consent::Granted);
        APP.clone_into(&mut config.app.id);
        Self { clock, link, journey: None, config, processes: 0, dir }
    }

    /// Starts the app.
    pub fn start(&mut self) {
        let (link, clock) = (Arc::clone(&self.link), Arc::clone(&self.clock));
        let journey = Journey::open_with(self.config.clone(), link, clock).unwrap();
        self.clock.worker_started();
        self.journey = Some(journey);
        self.clock.run_until_idle();
    }

    /// Kills the app: the next process finds what a SIGKILL at this instant would have left.
    pub fn kill(&mut self) {
        // Copying several files takes a while: the worker must not change them meanwhile.
        self.clock.run_until_idle();
        self.processes += 1;
        let left: PathBuf = self.dir.path().join(format!("phone-{}", self.processes));
        child::copy_folder(&self.config.folder, &left);
        self.config.folder = left;
        let cut = self.link.cut.load(Ordering::Relaxed);
        self.link.cut();
        self.close();
        if !cut {
            self.link.mend();
        }
    }

    fn close(&mut self) {
        if let Some(journey) = self.journey.take() {
            self.clock.worker_ended();
            journey.close();
        }
    }

    pub fn journey(&self) -> &Journey {
        self.journey.as_ref().unwrap()
    }

    pub fn view(&self, screen: &str) {
        self.journey().record(Event::ScreenView { screen: screen.to_owned() });
    }

    pub fn pass(&self, ms: u64) {
        self.pass_until(ms, || false);
    }

    /// Lets time pass until `holds`, and returns how long that took, in ms.
    pub fn pass_until(&self, at_most_ms: u64, holds: impl Fn() -> bool) -> u64 {
        for passed in (0..at_most_ms).step_by(STEP_MS as usize) {
            if holds() {
                return passed;
            }
            self.clock.advance(STEP_MS);
            self.link.pass(STEP_MS);
            self.clock.run_until_idle();
        }
        at_most_ms
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.close();
    }
}
