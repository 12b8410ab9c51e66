//! Measures the time from the tap to the `CallContext`, with a long backlog queued.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use jalon::clock::SystemClock;
use jalon::{CallRequest, Done, Journey, Lane, Request, SendError, Transport};
use jalon_benches::clock::{Watch, sleep, wait_until};
use jalon_benches::phone;
use jalon_benches::report::{Report, Row, Sample, Unit, folder, number_shown};

const QUEUED: usize = 10_000;
const ROUNDS: usize = 10;
const TAPS: usize = 100;

fn main() -> Result<()> {
    let mut report = Report::new(
        "call",
        format!(
            "call_context() with {QUEUED} events queued, {ROUNDS} rounds of {TAPS} taps, each with \
             a leased code; p50 and p99 are medians over the rounds, worst is of all."
        ),
    );
    let dir = tempfile::Builder::new().prefix("call-").tempdir_in(folder()?)?;
    let mut config = phone::config_offline(&dir.path().join("jalon"));
    // The default holds fewer of these events.
    config.quota_bytes = 16 * 1024 * 1024;
    phone::fill(config.clone(), Arc::new(phone::Offline), &phone::products()?, QUEUED)?;
    let leaser = Arc::new(Leaser::default());
    let journey = Journey::open_with(config, leaser, Arc::new(SystemClock))?;
    // The first tap finds no code: its answer brings the first ones.
    let request = CallRequest::to("+33 1 23 45 67 89").about("billing");
    journey.call_context(&request)?;
    for (machine, most_us) in [("quiet", 100.0), ("both cores spinning", 250.0)] {
        let spins = AtomicBool::new(machine != "quiet");
        let sample = std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while spins.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let sample = taps(&journey, &request);
            spins.store(false, Ordering::Relaxed);
            sample
        })?;
        report.row(Row::new(format!("tap → CallContext, {machine}")).sample(&sample, Unit::Us));
        let p99 = sample.percentile(99.0) / 1e3;
        let measured = format!("{} µs", number_shown(p99));
        let (name, figure) = (format!("tap, {machine}, p99"), format!("≤ {most_us} µs"));
        report.reach(&name, &figure, &measured, p99 <= most_us);
    }
    let status = journey.status();
    ensure!(status.dropped.total() == 0, "events were dropped: {:?}", status.dropped);
    ensure!(status.queued >= QUEUED as u64, "the backlog went: {} are queued", status.queued);
    report.note(
        "The backlog's lane has no network; the call's lane answers in the process with a code, as \
         the collector does, so that every tap spends one.",
    );
    report.finish()
}

/// Times taps, each with a leased code.
fn taps(journey: &Journey, request: &CallRequest) -> Result<Sample> {
    let mut sample = Sample::default();
    for _ in 0..ROUNDS {
        let mut round = Vec::with_capacity(TAPS);
        for _ in 0..TAPS {
            let wait = (Duration::from_millis(1), Duration::from_secs(30));
            wait_until("a code", wait.0, wait.1, || journey.status().codes > 0)?;
            // A tap comes from a thread that slept: caches are cold, as on a phone.
            sleep(Duration::from_millis(5));
            let watch = Watch::start();
            let context = journey.call_context(request)?;
            round.push(watch.ns());
            ensure!(context.token.is_some(), "a tap without a token");
            ensure!(context.code.is_some(), "a tap found no code");
        }
        sample.add(round);
    }
    Ok(sample)
}

/// Answers calls with a fresh code; the backlog finds no network.
#[derive(Default)]
struct Leaser(AtomicU64);

impl Transport for Leaser {
    fn send(&self, lane: Lane, _: Request, done: Done) {
        done.call(match lane {
            Lane::Backlog => Err(SendError::Connect),
            Lane::Call => {
                let locator = 412_000_000 + 2 * self.0.fetch_add(1, Ordering::SeqCst);
                let code = format!("{{\"locator\":\"{locator:09}\",\"expires_in_s\":604800}}");
                Ok(phone::ok(&format!("{{\"stored\":1,\"codes\":[{code}]}}")))
            }
        });
    }
}
