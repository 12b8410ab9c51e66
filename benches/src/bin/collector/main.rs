//! How many events the collector stores in a second, each answer after an fsync, beside a server
//! that does nothing but append and fsync.

mod bare;

use anyhow::{Result, ensure};
use jalon_benches::collector::Collector;
use jalon_benches::load::{BATCH, CONNECTIONS, Load, Rate, Round, SECONDS};
use jalon_benches::report::{Report, Row, Sample, Unit, folder, median, number_shown};

use bare::Bare;

const ROUNDS: usize = 5;

fn main() -> Result<()> {
    let mut report = Report::new(
        "collector",
        format!(
            "{CONNECTIONS} kept connections, each with one batch of {BATCH} events (gzip) under \
             way, {SECONDS} s a round, {ROUNDS} rounds in turn; server and load share the machine. \
             Medians over the rounds."
        ),
    );
    let collector = Collector::start()?;
    let dir = tempfile::Builder::new().prefix("bare-").tempdir_in(folder()?)?;
    let bare = Bare::start(&dir.path().join("log"))?;
    let mut load = Load::new(&collector.write_key)?;
    // What runs first finds cold caches; nobody's round should be that.
    let warm = load.run(&collector.address, 0.5, Rate::Flat)?;
    load.run(&bare.address, 0.5, Rate::Repeated)?;
    let (mut ours, mut floor) = (Side::default(), Side::default());
    let mut cpu = Vec::new();
    for _ in 0..ROUNDS {
        let before = collector.cpu_seconds()?;
        let events = ours.add(load.run(&collector.address, SECONDS, Rate::Flat)?);
        cpu.push((collector.cpu_seconds()? - before) * 1e6 / events);
        floor.add(load.run(&bare.address, SECONDS, Rate::Repeated)?);
    }
    let sent = (warm.answers.len() + ours.answers.count()) * BATCH;
    let stored = collector.events_stored()?;
    ensure!(stored == sent as u64, "{sent} were sent and answered, {stored} are stored");
    let (rate, bare_rate) = (median(ours.rates.clone()), median(floor.rates.clone()));
    report.row(ours.row("Jalon collector").with("processor µs an event", median(cpu)));
    report.row(floor.row("bare: append + fsync, not inflated, not read"));
    let measured = format!("{rate:.0} events/s");
    report.reach("collector, fsynced", "≥ 30,000 events/s", &measured, rate >= 30_000.0);
    let share = rate / bare_rate * 100.0;
    report.note(format!(
        "{} % of the bare server's rate. A batch is {} bytes gzipped. All {stored} events were found \
         in the collector's database.",
        number_shown(share),
        load.batch_bytes()
    ));
    report.finish()
}

/// One of the two.
#[derive(Default)]
struct Side {
    rates: Vec<f64>,
    answers: Sample,
}

impl Side {
    /// Adds a round; says how many events it was.
    fn add(&mut self, round: Round) -> f64 {
        let events = (round.answers.len() * BATCH) as f64;
        self.rates.push(events / round.seconds);
        self.answers.add(round.answers);
        events
    }

    fn row(&self, name: &str) -> Row {
        Row::new(name)
            .with("events a second", median(self.rates.clone()))
            .with("lowest round", self.rates.iter().copied().fold(f64::INFINITY, f64::min))
            .sample(&self.answers, Unit::Ms)
    }
}
