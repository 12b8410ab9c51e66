//! What the collector's tests share: a fake clock, a collector in a folder of its own, and a phone
//! that builds requests.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use jalon::call::{CallCode, ContextToken};
use jalon::clock::{Bell, Clock, Now, SystemClock};
use jalon_collector::{Collector, KeyKind, Options};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub(crate) const APP: &str = "com.example.shop";
pub(crate) const START_MS: i64 = 1_795_000_000_000;
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// A clock that stands still until a test moves it. Its randomness comes from the system or a seed.
pub(crate) struct FakeClock {
    wall_ms: AtomicI64,
    dice: Option<Mutex<fastrand::Rng>>,
}

impl FakeClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { wall_ms: AtomicI64::new(START_MS), dice: None })
    }

    pub(crate) fn seeded(seed: u64) -> Arc<Self> {
        let dice = Some(Mutex::new(fastrand::Rng::with_seed(seed)));
        Arc::new(Self { wall_ms: AtomicI64::new(START_MS), dice })
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Now {
        let wall_ms = self.wall_ms.load(Ordering::SeqCst);
        Now { wall_ms, elapsed_ms: wall_ms as u64 }
    }

    fn random(&self, bits: &mut [u8]) {
        match &self.dice {
            Some(dice) => dice.lock().unwrap().fill(bits),
            None => SystemClock.random(bits),
        }
    }

    fn wait(&self, bell: &Bell, until_ms: Option<u64>) {
        SystemClock.wait(bell, until_ms);
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Asserts that this is a problem of RFC 9457 with this status and name.
    pub(crate) fn is_problem(&self, status: u16, name: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let json = self.json();
        assert_eq!(json["type"], format!("urn:jalon:problem:{name}"));
        assert_eq!(json["status"], status);
        assert!(json["title"].is_string());
    }

    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()
    }
}

/// A collector with a key of each kind for one app.
pub(crate) struct Site {
    pub(crate) collector: Collector,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) write: String,
    pub(crate) centre: String,
    pub(crate) folder: TempDir,
    router: Router,
}

impl Site {
    pub(crate) async fn open() -> Self {
        Self::open_with(|options| options).await
    }

    pub(crate) async fn open_with(change: impl FnOnce(Options) -> Options) -> Self {
        Self::make(tempfile::tempdir().unwrap(), FakeClock::new(), change).await
    }

    /// A collector on this folder, which may have belonged to one that has ended, with this clock.
    pub(crate) async fn open_on(folder: TempDir, clock: Arc<FakeClock>) -> Self {
        Self::make(folder, clock, |options| options).await
    }

    async fn make(
        folder: TempDir,
        clock: Arc<FakeClock>,
        change: impl FnOnce(Options) -> Options,
    ) -> Self {
        let options = change(Options::new(folder.path()));
        let collector = Collector::open(options, clock.clone()).await.unwrap();
        let write = collector.create_key(KeyKind::Write, APP).await.unwrap();
        let centre = collector.create_key(KeyKind::ContactCentre, APP).await.unwrap();
        let router = collector.router();
        Self { collector, clock, write, centre, folder, router }
    }

    /// Another collector on the same folder, as a command of the operator opens it.
    pub(crate) async fn beside(&self) -> Collector {
        let options = Options::new(self.folder.path());
        Collector::open(options, self.clock.clone()).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.send(request.body(body.into()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.request(Method::POST, path, Some(key), &[], body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str, key: Option<&str>) -> Answer {
        self.request(Method::GET, path, key, &[], Body::empty()).await
    }

    pub(crate) async fn batch(&self, body: &Value) -> Answer {
        self.post("/v1/batches", &self.write, body).await
    }

    pub(crate) async fn call(&self, body: &Value) -> Answer {
        self.post("/v1/calls", &self.write, body).await
    }

    pub(crate) async fn resolve(&self, handle: &str, text: &str, call_id: &str) -> Answer {
        self.post("/v1/contexts/resolve", &self.centre, &json!({handle: text, "call_id": call_id}))
            .await
    }

    /// Reads one number from the collector's own database.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        let path = self.folder.path().join("collector.db");
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// A phone: gives `seq`s and builds requests by the collector's clock.
pub(crate) struct Phone {
    pub(crate) installation: String,
    pub(crate) epoch: u64,
    pub(crate) next: u64,
    pub(crate) oldest: u64,
    pub(crate) codes_left: u32,
    pub(crate) dropped: Value,
    pub(crate) clock: Arc<FakeClock>,
}

impl Phone {
    pub(crate) fn new(site: &Site) -> Self {
        Self {
            installation: random_hex(),
            epoch: 1,
            next: 1,
            oldest: 1,
            codes_left: 5,
            dropped: json!({}),
            clock: site.clock.clone(),
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().wall_ms
    }

    /// Records an event with these fields, and the header that every event has.
    pub(crate) fn event(&mut self, fields: impl std::borrow::Borrow<Value>) -> Value {
        let mut event = json!({"seq": self.next, "at": self.now(), "session": 1});
        event.as_object_mut().unwrap().extend(fields.borrow().as_object().unwrap().clone());
        self.next += 1;
        event
    }

    pub(crate) fn screen(&mut self, name: &str) -> Value {
        self.event(json!({"type": "screen_view", "screen": name}))
    }

    pub(crate) fn product(&mut self, id: &str) -> Value {
        self.event(json!({"type": "product_view", "screen": "product/{id}",
            "product": {"id": id, "name": format!("Product {id}")}}))
    }

    pub(crate) fn customer(&mut self, id: Option<&str>) -> Value {
        self.event(json!({"type": "customer", "customer": {"id": id, "proof": null}}))
    }

    pub(crate) fn batch(&self, events: &[Value]) -> Value {
        json!({"sdk": "test/1", "installation": self.installation, "epoch": self.epoch,
            "sent_at": self.now(), "oldest": self.oldest, "next": self.next,
            "dropped": self.dropped, "codes_left": self.codes_left,
            "app": {"id": APP, "version": "1"}, "events": events})
    }

    /// Taps, and returns the request for `/v1/calls` and the token.
    pub(crate) fn tap(
        &mut self,
        code: Option<&str>,
        customer: Option<&str>,
        events: &[Value],
    ) -> (Value, String) {
        let token = token();
        let seq = self.next;
        self.next += 1;
        let mut request = self.batch(events);
        request["call"] = json!({"seq": seq, "token": token, "code": code,
            "tapped_at": self.now(), "scope": "everything", "topic": "billing"});
        request["customer"] = customer.map_or(Value::Null, |id| json!({"id": id, "proof": null}));
        (request, token)
    }
}

/// Uploads events from a phone that has no codes left, and returns the first locator it gets.
pub(crate) async fn lease(site: &Site, phone: &mut Phone, events: &[Value]) -> u32 {
    phone.codes_left = 0;
    let answer = site.batch(&phone.batch(events)).await.ok();
    phone.codes_left = 5;
    answer["codes"][0]["locator"].as_str().unwrap().parse().unwrap()
}

pub(crate) fn code(locator: u32, screen: u16) -> String {
    CallCode::new(locator, screen).unwrap().to_string()
}

pub(crate) fn token() -> String {
    let mut bits = [0; 16];
    SystemClock.random(&mut bits);
    ContextToken::from_bytes(bits).to_string()
}

pub(crate) fn random_hex() -> String {
    let mut bits = [0; 16];
    SystemClock.random(&mut bits);
    format!("{:032x}", u128::from_be_bytes(bits))
}
