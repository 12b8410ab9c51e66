//! Measures whether a store that holds much slows down whoever uses the journey, and what memory it
//! takes.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jalon::clock::SystemClock;
use jalon::{
    CallRequest, CallScope, Done, DropReason, Event, Journey, Lane, Product, Request, SendError,
    Transport,
};
use jalon_benches::clock::{Pace, Watch, sleep};
use jalon_benches::phone;
use jalon_benches::report::{Report, Row, Sample, Unit, folder, number_shown};

const SMALL: usize = 1_000;
const LARGE: usize = 1_000_000;
const ROUNDS: usize = 20;
/// Events of a drain, and taps and previews of a round.
const BLOCK: usize = 100;
/// Bytes that a million product views need.
const QUOTA_BYTES: u64 = 1024 * 1024 * 1024;
/// Events whose memory is weighed, and how far they are apart.
const WEIGHED: usize = 100_000;
const WEIGHED_STEP: Duration = Duration::from_micros(100);

/// What is measured, in the order of a round.
const STEPS: [&str; 5] =
    ["record", "preview after 100 records", "preview", "tap", "batch, from asked to sent"];

fn main() -> Result<()> {
    let mut report = Report::new(
        "growth",
        format!(
            "A store of {LARGE} unsent events beside one of {SMALL}; {ROUNDS} rounds of {BLOCK} of each, in \
             turn; p50 and p99 are medians over the rounds, worst is of all."
        ),
    );
    let products = phone::products()?;
    weigh(&mut report, &products)?;
    let dir = tempfile::Builder::new().prefix("growth-").tempdir_in(folder()?)?;
    let mut stores = Vec::new();
    for count in [SMALL, LARGE] {
        let mut config = phone::config_offline(&dir.path().join(format!("{count}")));
        config.quota_bytes = QUOTA_BYTES;
        phone::fill(config.clone(), Arc::new(phone::Offline), &products, count)?;
        let transport = Arc::new(Watched::default());
        let journey =
            Journey::open_with(config, Arc::clone(&transport) as _, Arc::new(SystemClock))?;
        let _ = journey.preview(CallScope::Everything);
        stores.push((count, journey, transport, [(); 5].map(|()| Sample::default())));
    }
    for _ in 0..ROUNDS {
        for (_, journey, transport, samples) in &mut stores {
            for (sample, times) in samples.iter_mut().zip(round(journey, transport, &products)?) {
                sample.add(times);
            }
        }
    }
    for (count, journey, ..) in &stores {
        let status = journey.status();
        ensure!(status.dropped.total() == 0, "events were dropped: {:?}", status.dropped);
        ensure!(status.queued >= *count as u64, "{} of {count} are queued", status.queued);
    }
    for (at, step) in STEPS.iter().enumerate() {
        for (count, _, _, samples) in &stores {
            report.row(Row::new(format!("{step}, {count} events")).sample(&samples[at], Unit::Us));
        }
        let [small, large] = [0, 1].map(|store| stores[store].3[at].percentile(99.0));
        let measured = format!("{:.2} ×", large / small);
        report.reach(
            &format!("{step}, p99"),
            "≤ 1.5 × the small store's",
            &measured,
            large <= 1.5 * small,
        );
    }
    report.finish()
}

/// One round on one store: the times of each step, in ns.
fn round(journey: &Journey, transport: &Watched, products: &[Product]) -> Result<[Vec<u64>; 5]> {
    let mut times = [(); 5].map(|()| Vec::with_capacity(BLOCK));
    let request = CallRequest::to("+33 1 23 45 67 89");
    let mut pace = Pace::every(Duration::from_micros(50));
    for event in phone::views(products, BLOCK) {
        pace.wait();
        times[0].push(timed(|| journey.record(event)));
    }
    for _ in 0..BLOCK / 10 {
        for event in phone::views(products, BLOCK) {
            journey.record(event);
        }
        times[1].push(timed(|| drop(journey.preview(CallScope::Everything))));
    }
    for _ in 0..BLOCK {
        times[2].push(timed(|| drop(journey.preview(CallScope::Everything))));
        sleep(Duration::from_millis(1));
        let tapped = timed(|| drop(journey.call_context(&request)));
        times[3].push(tapped);
    }
    for _ in 0..BLOCK / 10 {
        let watch = Watch::start();
        let sent = transport.expect(|| journey.upload_now())?;
        ensure!(sent, "no batch was sent");
        times[4].push(watch.ns());
        // Until the worker knows that it failed.
        drop(journey.preview(CallScope::Everything));
    }
    Ok(times)
}

fn timed(what: impl FnOnce()) -> u64 {
    let watch = Watch::start();
    what();
    watch.ns()
}

/// Says when a batch comes, and has no network.
#[derive(Default)]
struct Watched {
    came: (Mutex<u64>, Condvar),
}

impl Watched {
    /// Whether a batch comes within ten seconds after `ask`.
    fn expect(&self, ask: impl FnOnce()) -> Result<bool> {
        let (count, changed) = &self.came;
        let count = count.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *count;
        ask();
        let wait = Duration::from_secs(10);
        let waited = changed.wait_timeout_while(count, wait, |count| *count == before);
        Ok(!waited.ok().context("a panic")?.1.timed_out())
    }
}

impl Transport for Watched {
    fn send(&self, lane: Lane, _: Request, done: Done) {
        if matches!(lane, Lane::Backlog) {
            *self.came.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.came.1.notify_all();
        }
        done.call(Err(SendError::Connect));
    }
}

/// Weighs what a journey adds to this process, after many events: its own memory, and the journal's
/// map. Not the code, which the system can drop at any time.
fn weigh(report: &mut Report, products: &[Product]) -> Result<()> {
    let dir = tempfile::Builder::new().prefix("weigh-").tempdir_in(folder()?)?;
    let folder = dir.path().join("jalon");
    let events: Vec<Event> = phone::views(products, WEIGHED).collect();
    let before = own_bytes()?;
    let config = phone::config_offline(&folder);
    let journey = Journey::open_with(config, Arc::new(phone::TakesAll), Arc::new(SystemClock))?;
    let mut pace = Pace::every(WEIGHED_STEP);
    for event in &events {
        pace.wait();
        journey.record(event.clone());
    }
    drop(journey.preview(CallScope::Everything));
    let own = own_bytes()?.saturating_sub(before) as f64 / 1e6;
    let files = ["journal-0", "journal-1"].map(|name| folder.join(name).metadata());
    let map: u64 = files.into_iter().flatten().map(|file| file.len()).sum();
    let map = map as f64 / 1e6;
    let lost = journey.status().dropped.get(DropReason::Disk);
    ensure!(lost == 0, "{lost} events found no room in the journal");
    let measured = format!("{} MB and a map of {} MB", number_shown(own), number_shown(map));
    let name = "memory added, 100,000 events";
    report.reach(name, "≤ 3 MB, with the map", &measured, own + map <= 3.0);
    Ok(())
}

/// What of this process is in memory and its own: neither code nor mapped files.
fn own_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kb: u64 =
        line.and_then(|line| line.split_whitespace().next()).context("RssAnon")?.parse()?;
    Ok(kb * 1024)
}
