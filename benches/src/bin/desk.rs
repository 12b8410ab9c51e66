//! From the tap to the desk: the real phone, the real collector, over loopback, with a long
//! backlog under way; beside the same phone with one lane, first in, first out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jalon::clock::SystemClock;
use jalon::{CallRequest, Config, Journey, Product, Transport};
use jalon_benches::clock::{Watch, sleep, wait_until};
use jalon_benches::collector::Collector;
use jalon_benches::http::{self, Client};
use jalon_benches::phone;
use jalon_benches::report::{Report, Row, Sample, Unit, folder, median, number_shown};
use serde_json::{Value, json};

/// With the taps of each, enough for a p99 that is not the worst.
const ROUNDS: usize = 25;
/// Taps of a round. One of the peer's rounds, which takes as long as all of these, follows every
/// second round.
const TAPS: usize = 8;
/// Some are uploaded between the opening and the tap: at least 10,000 must be left.
const RECORDED: usize = 11_500;
const QUEUED: u64 = 10_000;

fn main() -> Result<()> {
    let mut report = Report::new(
        "desk",
        format!(
            "From the tap until the desk's page with the call is in hand, {QUEUED} events and more \
             queued and being uploaded. {ROUNDS} rounds of {TAPS} taps, each of a fresh phone; \
             behind every other round one FIFO upload; the percentiles are of all taps."
        ),
    );
    let collector = Collector::start()?;
    let dir = tempfile::Builder::new().prefix("desk-").tempdir_in(folder()?)?;
    let bench = Bench { collector, products: phone::products()? };
    let mut ours = Taps::default();
    let mut fifo = Taps::default();
    for round in 0..ROUNDS {
        for tap in 0..TAPS {
            let folder = dir.path().join(format!("ours-{round}-{tap}"));
            let config = bench.fill(&folder)?;
            // At different moments of a batch.
            let pause = Duration::from_micros(1_700 * tap as u64);
            let journey = Journey::open(config)?;
            bench.tap(&journey, pause, Duration::from_millis(1), &mut ours)?;
            drop(journey);
            std::fs::remove_dir_all(&folder)?;
        }
        if round % 2 == 1 {
            continue;
        }
        let folder = dir.path().join(format!("fifo-{round}"));
        let config = bench.fill(&folder)?;
        let transport: Arc<dyn Transport> =
            Arc::new(phone::Fifo::connect(&bench.collector.address)?);
        let journey = Journey::open_with(config, transport, Arc::new(SystemClock))?;
        bench.tap(&journey, Duration::ZERO, Duration::from_millis(5), &mut fifo)?;
        drop(journey);
        std::fs::remove_dir_all(&folder)?;
    }
    let resolved = Sample::of(ours.resolved);
    let (page, fifo_page) = (Sample::of(ours.page), Sample::of(fifo.page));
    let queued = |queued: &[u64]| median(queued.iter().map(|count| *count as f64)) as u64;
    let (at_tap, at_tap_fifo) = (queued(&ours.queued), queued(&fifo.queued));
    let least = ours.queued.iter().min().copied().unwrap_or(0);
    ensure!(least >= QUEUED, "at one tap only {least} events were queued");
    let column = "queued at the tap";
    report.row(Row::new("Jalon: tap → resolved").sample(&resolved, Unit::Ms).with(column, at_tap));
    report.row(Row::new("Jalon: tap → desk page").sample(&page, Unit::Ms).with(column, at_tap));
    let name = "FIFO: tap → desk page";
    report.row(Row::new(name).sample(&fifo_page, Unit::Ms).with(column, at_tap_fifo));
    let p99 = page.percentile(99.0) / 1e6;
    let measured = format!("{} ms", number_shown(p99));
    report.reach("tap to visible on the desk, p99", "≤ 50 ms", &measured, p99 <= 50.0);
    let times = fifo_page.percentile(50.0) / page.percentile(50.0);
    report.note(format!("At the median, {times:.0} times sooner than FIFO."));
    report.note(
        "A contact centre that asks every ms for the token (FIFO: every 5 ms) sees it resolve, then \
         fetches the page behind its desk link. `prepare_call` was called when the app opened.",
    );
    report.finish()
}

struct Bench {
    collector: Collector,
    products: Vec<Product>,
}

/// What was measured, in ns.
#[derive(Default)]
struct Taps {
    resolved: Vec<u64>,
    page: Vec<u64>,
    queued: Vec<u64>,
}

impl Bench {
    /// A phone that was offline for long: what opens it again.
    fn fill(&self, folder: &Path) -> Result<Config> {
        let mut config =
            phone::config(folder, &self.collector.endpoint(), &self.collector.write_key);
        // The default holds fewer of these events.
        config.quota_bytes = 16 * 1024 * 1024;
        phone::fill(config.clone(), Arc::new(phone::Offline), &self.products, RECORDED)?;
        Ok(config)
    }

    /// Taps once the backlog is on its way, and waits for the desk.
    fn tap(
        &self,
        journey: &Journey,
        pause: Duration,
        step: Duration,
        taps: &mut Taps,
    ) -> Result<()> {
        journey.prepare_call();
        let mut centre = Client::connect(&self.collector.address)?;
        let soon = (Duration::from_micros(200), Duration::from_secs(30));
        wait_until("the first batch", soon.0, soon.1, || journey.status().delivered > 0)?;
        sleep(pause);
        taps.queued.push(journey.status().queued);
        let watch = Watch::start();
        let context =
            journey.call_context(&CallRequest::to("+33 1 23 45 67 89").about("billing"))?;
        let token = context.token.context("a tap without a token")?.to_string();
        let body = json!({"token": token, "call_id": token, "agent": "bench"}).to_string();
        let key = &self.collector.centre_key;
        let request = http::post("/v1/contexts/resolve", key, false, body.as_bytes());
        let view: Value = loop {
            let answer = centre.exchange(&request)?;
            match answer.status {
                200 => break serde_json::from_slice(&answer.body)?,
                404 => sleep(step),
                status => bail!("{status}: {}", String::from_utf8_lossy(&answer.body)),
            }
            ensure!(watch.seconds() < 120.0, "the call never reached the collector");
        };
        taps.resolved.push(watch.ns());
        ensure!(view["call"]["confirmed"] == true, "not confirmed: {}", view["call"]);
        ensure!(view["call"]["token"] == token, "another call: {}", view["call"]);
        let desk = view["desk"].as_str().context("no desk link")?;
        let page = centre.exchange(&http::get(desk))?;
        taps.page.push(watch.ns());
        ensure!(page.status == 200, "the desk answered {}", page.status);
        let dropped = journey.status().dropped;
        ensure!(dropped.total() == 0, "events were dropped: {dropped:?}");
        Ok(())
    }
}
