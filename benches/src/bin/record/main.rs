//! Measures what `record` costs its caller beside other ways to record, and what each keeps when the
//! system kills the process.

mod instructions;
mod kill;
mod peers;
mod sqlite;

use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use jalon::clock::SystemClock;
use jalon::{Event, Journey, Product};
use jalon_benches::clock::{Pace, Watch, wait_until};
use jalon_benches::report::{Report, Row, Sample, Unit, folder, number_shown};
use jalon_benches::{child, phone};

use peers::{Channel, Inserter, Shop, View};

/// Rounds. In each, every recorder has one block in turn, so that noise affects all of them.
const ROUNDS: usize = 40;
/// Events of a block.
const BLOCK: usize = 2_000;
/// A product view each 25 µs: a hundred times what a busy customer can do, and as much as keeps
/// our worker busy without a pause while the journal never fills.
const STEP: Duration = Duration::from_micros(25);

/// What each recorder took, in ns a call.
#[derive(Default)]
struct Measured {
    ours: Sample,
    glean: Sample,
    by_channel: Sample,
    by_insert: Sample,
    encoding: Sample,
    writing: Sample,
    nothing: Sample,
    /// Our worker's share of a processor, one value per block.
    busy: Vec<f64>,
    /// Events that the collector had when the block of them ended.
    uploaded: u64,
}

fn main() -> Result<()> {
    if let Some(args) = child::args() {
        return match &args[..] {
            [what, folder, count] if what == "count" => instructions::child(folder, count),
            _ => kill::child(&args),
        };
    }
    let mut report = Report::new(
        "record",
        format!(
            "One product view, made by the caller just before. {ROUNDS} rounds of {BLOCK} events each, \
             one every {} µs, in turn; p50 and p99 are medians over the rounds, worst is of all.",
            STEP.as_micros()
        ),
    );
    let dir = tempfile::Builder::new().prefix("record-").tempdir_in(folder()?)?;
    let measured = measure(dir.path())?;
    let kept = kill::kept(dir.path())?;
    tell(&mut report, &measured, kept);
    report.note(instructions::counted(dir.path())?);
    report.finish()
}

/// Times all recorders in turn, round after round.
fn measure(dir: &Path) -> Result<Measured> {
    let products = phone::products()?;
    let journey = Journey::open_with(
        phone::config_offline(&dir.join("jalon")),
        Arc::new(phone::TakesAll),
        Arc::new(SystemClock),
    )?;
    journey.record(Event::ScreenView { screen: "product/{id}".to_owned() });
    let shop = Shop::start(&dir.join("glean"))?;
    let channel = Channel::start(&dir.join("channel.db"))?;
    let mut inserter = Inserter::start(&dir.join("inserted.db"))?;
    let mut plain = std::fs::File::create(dir.join("plain"))?;
    let mut encoded = Vec::with_capacity(1024);

    let mut measured = Measured::default();
    for _ in 0..ROUNDS {
        let (before, watch) = (worker_ns(), Watch::start());
        let delivered = journey.status().delivered;
        measured.ours.add(block(phone::views(&products, BLOCK), |event| journey.record(event)));
        if let Some(worked) = worker_ns().zip(before).map(|(after, before)| after - before) {
            measured.busy.push(worked as f64 / watch.ns() as f64);
        }
        measured.uploaded += journey.status().delivered - delivered;
        rest(&journey)?;
        measured.glean.add(block(views(&products), |view| shop.view(view)));
        shop.rest()?;
        measured.by_channel.add(block(phone::views(&products, BLOCK), |event| channel.send(event)));
        channel.rest();
        let insert = |event: Event| inserter.insert(&event);
        measured.by_insert.add(block(phone::views(&products, BLOCK), insert));
        measured.encoding.add(block(phone::views(&products, BLOCK), |event| {
            encoded.clear();
            sqlite::encode(&mut encoded, black_box(&event));
            black_box(&encoded);
        }));
        let write = |()| drop(plain.write(black_box(&encoded)));
        measured.writing.add(block((0..BLOCK).map(drop), write));
        measured.nothing.add(block((0..BLOCK).map(drop), black_box));
    }
    let dropped = journey.status().dropped;
    ensure!(dropped.total() == 0, "events were dropped while timing: {dropped:?}");
    inserter.check()?;
    drop((journey, channel, inserter));
    Shop::stop();
    Ok(measured)
}

/// Fills the report: the rows, what was aimed for, and the notes.
fn tell(report: &mut Report, measured: &Measured, kept: kill::Kept) {
    let Measured { ours, encoding, .. } = measured;
    let row = |name: &str, sample: &Sample| Row::new(name).sample(sample, Unit::Us);
    report.row(row("Jalon: record", ours).with("kept after SIGKILL", kept.ours));
    let glean = row("Glean 71: event.record", &measured.glean);
    report.row(glean.with("kept after SIGKILL", kept.glean));
    let by_channel = row("hand to a channel, SQLite behind it", &measured.by_channel);
    report.row(by_channel.with("kept after SIGKILL", kept.channel));
    let by_insert = row("insert into SQLite on the caller", &measured.by_insert);
    report.row(by_insert.with("kept after SIGKILL", kept.inserted));
    report.row(row("bare: encode the same JSON", encoding));
    report.row(row("bare: write(2) of the same bytes", &measured.writing));
    report.row(row("bare: read the clock", &measured.nothing));
    for (percent, name, most_us, share) in
        [(50.0, "record, p50", 0.35, 1.0 / 3.0), (99.0, "record, p99", 6.0, 0.5)]
    {
        let (us, gleans) =
            (ours.percentile(percent) / 1e3, measured.glean.percentile(percent) / 1e3);
        let (figure, found) = (format!("≤ {most_us} µs"), format!("{} µs", number_shown(us)));
        report.reach(name, &figure, &found, us <= most_us);
        let (figure, found) = (format!("≤ {share:.2} × Glean's"), format!("{:.2} ×", us / gleans));
        report.reach(name, &figure, &found, us <= gleans * share);
    }
    let busy = &measured.busy;
    let share = busy.iter().sum::<f64>() / busy.len().max(1) as f64 * 100.0;
    report.note(format!(
        "While `record` was timed our worker drained, synced and uploaded beside it: {:.0} % \
         of the events were with the collector when their block ended. It used {share:.0} % of a \
         processor; the rest it waited for the disk and for its turn.",
        measured.uploaded as f64 / (ROUNDS * BLOCK) as f64 * 100.0
    ));
    report.note(kill::ABOUT);
}

fn views(products: &[Product]) -> impl Iterator<Item = View> {
    products.iter().cycle().take(BLOCK).map(View::of)
}

/// Times each call of a block, but not what makes its item.
fn block<T>(mut items: impl Iterator<Item = T>, mut record: impl FnMut(T)) -> Vec<u64> {
    let mut times = Vec::with_capacity(BLOCK);
    let mut pace = Pace::every(STEP);
    loop {
        pace.wait();
        let Some(item) = items.next() else { return times };
        let watch = Watch::start();
        record(item);
        times.push(watch.ns());
    }
}

/// Waits until the worker has nothing left to do, so that the next recorder has the machine.
fn rest(journey: &Journey) -> Result<()> {
    journey.upload_now();
    let step = Duration::from_millis(1);
    wait_until("the upload", step, Duration::from_mins(1), || {
        let queued = journey.status().queued;
        // What was recorded last is drained within a second.
        if queued > 0 {
            journey.upload_now();
        }
        queued == 0
    })
}

/// How long our worker's thread has run, as the kernel counts it.
fn worker_ns() -> Option<u64> {
    let mut tasks = std::fs::read_dir("/proc/self/task").ok()?.flatten();
    let worker = tasks.find(|task| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "jalon")
    })?;
    let stat = std::fs::read_to_string(worker.path().join("schedstat")).ok()?;
    stat.split(' ').next()?.parse().ok()
}
