//! Bytes of an event on the wire, beside Segment's form of the same events.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jalon::clock::{Bell, Clock, Now, SystemClock};
use jalon::{Done, Event, Journey, Lane, Product, Request, SendError, Transport};
use jalon_benches::clock::wait_until;
use jalon_benches::phone;
use jalon_benches::report::{Report, Row, folder, number_shown};
use jalon_benches::rows::{self, ShopRow};
use serde_json::{Value, json};

/// Events of a batch.
const BATCH: usize = 100;

fn main() -> Result<()> {
    let mut report = Report::new(
        "wire",
        format!("Bytes an event, {BATCH} a batch, gzipped at the same level: real rows."),
    );
    let (customers, mixed) = (rows::customers()?, rows::mixed()?);
    let all = |row: &ShopRow| row.events();
    let one = |row: &ShopRow| row.events().pop().into_iter().collect();
    let mut measured = Vec::new();
    for (name, rows, events) in [
        (
            "busy customers: screens and products",
            &customers,
            &all as &dyn Fn(&ShopRow) -> Vec<Event>,
        ),
        ("busy customers: products alone", &customers, &one),
        ("mixed customers: screens and products", &mixed, &all),
        ("mixed customers: products alone", &mixed, &one),
    ] {
        let steps: Vec<(i64, Event)> = rows
            .iter()
            .flat_map(|row| events(row).into_iter().map(|event| (row.at_ms, event)))
            .collect();
        let (plain, ours) = of_bodies(&our_bodies(&steps)?);
        let (segment_plain, segment) = of_bodies(&segment_bodies(&steps));
        measured.push((name, ours));
        report.row(
            Row::new(name)
                .with("Jalon gzipped", ours)
                .with("Segment gzipped", segment)
                .with("ratio", segment / ours)
                .with("Jalon plain", plain)
                .with("Segment plain", segment_plain)
                .with("batches", steps.len() / BATCH),
        );
    }
    for (name, bytes) in measured {
        let shown = format!("{} bytes", number_shown(bytes));
        report.reach(&format!("bytes an event, {name}"), "≤ 30 gzipped", &shown, bytes <= 30.0);
    }
    report.note(
        "Ours are the requests of the real SDK, its header included, with the rows' own times. \
         Segment's are built as analytics-kotlin 1.27 does for Android: message id, anonymous id, \
         ISO timestamp and the whole context in each event; its ecommerce names.",
    );
    report.note(
        "A phone's batch holds one customer, as the first line's do but for three rows. The mixed \
         rows are a hundred customers' as if they were one: hardly a product twice, which \
         compresses worst.",
    );
    report.finish()
}

/// Bytes an event over whole batches: plain and gzipped.
fn of_bodies(bodies: &[(usize, usize)]) -> (f64, f64) {
    let events = (bodies.len() * BATCH) as f64;
    let plain: usize = bodies.iter().map(|(plain, _)| plain).sum();
    let gzipped: usize = bodies.iter().map(|(_, gzipped)| gzipped).sum();
    (plain as f64 / events, gzipped as f64 / events)
}

/// Sends the steps through the SDK: the sizes of its requests, plain and gzipped.
fn our_bodies(steps: &[(i64, Event)]) -> Result<Vec<(usize, usize)>> {
    let dir = tempfile::tempdir_in(folder()?)?;
    let wire = Arc::new(Tap::default());
    let clock = Arc::new(Replay::default());
    clock.0.store(steps.first().context("no rows")?.0, Ordering::SeqCst);
    let config = phone::config(&dir.path().join("jalon"), "https://collector.example", "wk_bench");
    let transport: Arc<Tap> = Arc::clone(&wire);
    let journey = Journey::open_with(config, transport, Arc::<Replay>::clone(&clock))?;
    for (at_ms, event) in steps {
        clock.0.fetch_max(*at_ms, Ordering::SeqCst);
        journey.record(event.clone());
    }
    wire.online.store(true, Ordering::SeqCst);
    // What was drained last is seen a second later.
    wait_until("the upload", Duration::from_millis(5), Duration::from_secs(30), || {
        clock.0.fetch_add(5, Ordering::SeqCst);
        journey.upload_now();
        journey.status().delivered >= steps.len() as u64
    })?;
    drop(journey);
    let bodies = wire.bodies.lock().map_err(|_| anyhow::anyhow!("a poisoned lock"))?;
    let mut sizes = Vec::new();
    for body in bodies.iter() {
        let mut text = Vec::new();
        GzDecoder::new(&body[..]).read_to_end(&mut text)?;
        let batch: Value = serde_json::from_slice(&text)?;
        if batch["events"].as_array().is_some_and(|events| events.len() == BATCH) {
            sizes.push((text.len(), body.len()));
        }
    }
    ensure!(sizes.len() == steps.len() / BATCH, "{} whole batches came", sizes.len());
    Ok(sizes)
}

/// Uploads the queue, once there is a network.
#[derive(Default)]
struct Tap {
    online: AtomicBool,
    bodies: Mutex<Vec<Vec<u8>>>,
}

impl Transport for Tap {
    fn send(&self, _: Lane, request: Request, done: Done) {
        if !self.online.load(Ordering::SeqCst) {
            return done.call(Err(SendError::Connect));
        }
        if let (Some(body), Ok(mut bodies)) = (request.body, self.bodies.lock()) {
            bodies.push(body);
        }
        done.call(Ok(phone::ok("{\"stored\":1}")));
    }
}

/// A clock that shows the time of the row being replayed, in ms.
#[derive(Default)]
struct Replay(AtomicI64);

impl Clock for Replay {
    fn now(&self) -> Now {
        let now_ms = self.0.load(Ordering::SeqCst);
        Now { wall_ms: now_ms, elapsed_ms: now_ms.unsigned_abs() }
    }

    fn random(&self, bits: &mut [u8]) {
        SystemClock.random(bits);
    }

    fn wait(&self, bell: &Bell, until_ms: Option<u64>) {
        while !bell.take() && until_ms.is_none_or(|until_ms| self.now().elapsed_ms < until_ms) {
            thread::park_timeout(Duration::from_millis(1));
        }
    }
}

/// The same steps as analytics-kotlin sends them.
fn segment_bodies(steps: &[(i64, Event)]) -> Vec<(usize, usize)> {
    let (anonymous, instance) = (uuid(), uuid());
    let context = json!({
        "library": {"name": "analytics-kotlin", "version": "1.27.0"},
        "instanceId": instance,
        "app": {
            "name": "Shop", "version": "8.2.0", "namespace": "com.example.shop", "build": "820",
        },
        "device": {
            "id": anonymous, "manufacturer": "Google", "model": "Pixel 8", "name": "shiba",
            "type": "android",
        },
        "os": {"name": "Android", "version": "15"},
        "screen": {"density": 2.625, "height": 2_274, "width": 1_080},
        "network": {"wifi": true, "bluetooth": false, "cellular": false},
        "locale": "fr-FR",
        "userAgent": "Dalvik/2.1.0 (Linux; U; Android 15; Pixel 8 Build/AP4A.250105.002)",
        "timezone": "Europe/Paris",
    });
    let event = |(at_ms, event): &(i64, Event)| {
        let mut json = json!({
            "messageId": uuid(), "anonymousId": anonymous, "integrations": {}, "context": context,
            "timestamp": iso(*at_ms),
            "_metadata": {"bundled": [], "unbundled": [], "bundledIds": []},
        });
        for (key, value) in named(event) {
            json[key] = value;
        }
        json
    };
    steps
        .chunks_exact(BATCH)
        .map(|chunk| {
            let batch: Vec<Value> = chunk.iter().map(event).collect();
            let sent_at = iso(chunk.last().map_or(0, |(at_ms, _)| *at_ms));
            let body = json!({"batch": batch, "sentAt": sent_at, "writeKey": "wk_bench"});
            let text = body.to_string();
            (text.len(), gzip(text.as_bytes()).len())
        })
        .collect()
}

/// An event's own part, in the names of Segment's ecommerce spec.
fn named(event: &Event) -> Vec<(&'static str, Value)> {
    let properties = |product: &Product| {
        let mut properties = json!({"product_id": product.id});
        let words = [("category", &product.category), ("brand", &product.brand)];
        for (key, text) in words.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))) {
            properties[key] = json!(text);
        }
        if let Some(price) = &product.price {
            properties["price"] = json!(price.minor as f64 / 100.0);
            properties["currency"] = json!(price.currency);
        }
        properties
    };
    let track = |name: &str, properties: Value| {
        vec![("type", json!("track")), ("event", json!(name)), ("properties", properties)]
    };
    match event {
        Event::ScreenView { screen } => vec![
            ("type", json!("screen")),
            ("name", json!(screen)),
            ("category", json!("")),
            ("properties", json!({})),
        ],
        Event::ProductView { product } => track("Product Viewed", properties(product)),
        Event::CartChange { product, delta } => {
            let mut properties = properties(product);
            properties["quantity"] = json!(delta);
            track("Product Added", properties)
        }
        Event::Order { order } => {
            let total = order.total.as_ref().map_or(0.0, |total| total.minor as f64 / 100.0);
            let properties = json!({"order_id": order.id, "total": total, "currency": "USD"});
            track("Order Completed", properties)
        }
        _ => Vec::new(),
    }
}

/// All rows are of 2019-10-01.
fn iso(at_ms: i64) -> String {
    let (s, ms) = (at_ms / 1_000 % 86_400, at_ms % 1_000);
    format!("2019-10-01T{:02}:{:02}:{:02}.{ms:03}Z", s / 3_600, s / 60 % 60, s % 60)
}

fn uuid() -> String {
    let mut bits = [0; 16];
    SystemClock.random(&mut bits);
    bits[6] = bits[6] & 0x0f | 0x40;
    bits[8] = bits[8] & 0x3f | 0x80;
    let mut text = String::new();
    for (at, byte) in bits.iter().enumerate() {
        let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(text, "{dash}{byte:02x}");
    }
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}
