//! How long a contact centre waits for a look-up while phones upload: at half of what the collector
//! stores at most, beside the same look-ups on an idle collector.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use jalon::call::CallCode;
use jalon_benches::clock::{Watch, sleep};
use jalon_benches::collector::Collector;
use jalon_benches::http::{self, Client};
use jalon_benches::load::{self, BATCH, CONNECTIONS, Load, Rate};
use jalon_benches::report::{Report, Row, Sample, Unit, median, number_shown};
use serde_json::{Value, json};

/// Rounds of each side, in turn.
const ROUNDS: usize = 5;
/// Length of a round.
const SECONDS: f64 = 6.0;
/// Look-ups a second: a contact centre of thousands of agents.
const LOOK_UPS_PER_S: f64 = 100.0;
/// What the agent's view is made of.
const EVENTS: u64 = 50;
/// Any time of our days.
const SENT_AT_MS: i64 = 1_795_281_956_735;

fn main() -> Result<()> {
    let mut report = Report::new(
        "lookup",
        format!(
            "POST /v1/contexts/resolve with a call code that nobody asked for before, \
             {LOOK_UPS_PER_S:.0} a second on one kept connection; each of a phone with {EVENTS} \
             events. Beside it, {CONNECTIONS} connections upload batches of {BATCH} events at half \
             of what the collector stores when it is sent all it takes (median of 3 rounds). {SECONDS} s a round, {ROUNDS} \
             rounds; medians over the rounds."
        ),
    );
    let collector = Collector::start()?;
    let mut load = Load::new(&collector.write_key)?;
    let mut rates = Vec::new();
    for _ in 0..3 {
        let round = load.run(&collector.address, load::SECONDS, Rate::Flat)?;
        rates.push((round.answers.len() * BATCH) as f64 / round.seconds);
    }
    let half = median(rates) / 2.0;
    let mut phones = 0;
    let (mut loaded, mut idle) = (Sample::default(), Sample::default());
    let mut stored = Vec::new();
    for _ in 0..ROUNDS {
        let codes = lease(&collector, &mut phones)?;
        let over = AtomicBool::new(false);
        let (uploads, look_ups) = thread::scope(|scope| {
            let asking = scope.spawn(|| look_up(&collector, &codes, &over));
            let uploads = load.run(&collector.address, SECONDS, Rate::EventsPerSecond(half));
            over.store(true, Ordering::Release);
            (uploads, asking.join().unwrap_or_else(|_| Err(anyhow!("the asker panicked"))))
        });
        let uploads = uploads?;
        stored.push((uploads.answers.len() * BATCH) as f64 / uploads.seconds);
        loaded.add(look_ups?);
        let codes = lease(&collector, &mut phones)?;
        idle.add(look_up(&collector, &codes, &AtomicBool::new(false))?);
    }
    let column = "events a second beside it";
    report.row(
        Row::new("while phones upload")
            .sample(&loaded, Unit::Ms)
            .with(column, median(stored.clone())),
    );
    report.row(Row::new("idle").sample(&idle, Unit::Ms).with(column, 0));
    let p99 = loaded.percentile(99.0) / 1e6;
    let measured = format!("{} ms", number_shown(p99));
    report.reach("look-up at half the ingest, p99", "≤ 10 ms", &measured, p99 <= 10.0);
    ensure!(median(stored) > 0.95 * half, "the load did not keep to its pace");
    report.finish()
}

/// Phones that uploaded once, and one leased code of each.
fn lease(collector: &Collector, phones: &mut u128) -> Result<Vec<String>> {
    let mut client = Client::connect(&collector.address)?;
    let count = (SECONDS * LOOK_UPS_PER_S) as usize;
    let mut codes = Vec::with_capacity(count);
    for _ in 0..count {
        *phones += 1;
        let events: Vec<Value> = (1..=EVENTS)
            .map(|seq| {
                json!({"seq": seq, "at": SENT_AT_MS, "session": 1, "type": "screen_view",
                    "screen": "product/{id}"})
            })
            .collect();
        let installation = phones.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let batch = json!({"installation": format!("{installation:032x}"), "epoch": 1,
            "sent_at": SENT_AT_MS, "oldest": 1, "next": EVENTS + 1, "codes_left": 0,
            "events": events});
        let request =
            http::post("/v1/batches", &collector.write_key, false, batch.to_string().as_bytes());
        let answer = client.exchange(&request)?;
        ensure!(answer.status == 200, "{}", String::from_utf8_lossy(&answer.body));
        let answer: Value = serde_json::from_slice(&answer.body)?;
        let locator = answer["codes"][0]["locator"].as_str().context("no code")?.parse()?;
        codes.push(CallCode::new(locator, 1).context("no locator")?.to_string());
    }
    Ok(codes)
}

/// Looks the codes up, one after the other and at an even pace; how long each took, in ns.
fn look_up(collector: &Collector, codes: &[String], over: &AtomicBool) -> Result<Vec<u64>> {
    let mut client = Client::connect(&collector.address)?;
    let mut took = Vec::with_capacity(codes.len());
    let start = Watch::start();
    for (at, code) in codes.iter().enumerate() {
        let due = at as f64 / LOOK_UPS_PER_S;
        sleep(Duration::from_secs_f64((due - start.seconds()).max(0.0)));
        if over.load(Ordering::Acquire) {
            break;
        }
        let body = json!({"code": code, "call_id": code, "caller": code, "agent": "bench"});
        let body = body.to_string();
        let key = &collector.centre_key;
        let request = http::post("/v1/contexts/resolve", key, false, body.as_bytes());
        let watch = Watch::start();
        let answer = client.exchange(&request)?;
        took.push(watch.ns());
        ensure!(answer.status == 200, "{}", String::from_utf8_lossy(&answer.body));
    }
    Ok(took)
}
