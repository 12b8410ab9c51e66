//! Measures what `Journey::open` costs the calling thread: an app's main thread.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use jalon::{Config, Event, Journey};
use jalon_benches::clock::Watch;
use jalon_benches::phone;
use jalon_benches::report::{Report, Row, Sample, Unit, folder, number_shown};

const ROUNDS: usize = 10;
const OPENINGS: usize = 30;

fn main() -> Result<()> {
    let mut report = Report::new(
        "open",
        format!(
            "Journey::open with the default transport, {ROUNDS} rounds of {OPENINGS}; p50 and p99 \
             are medians over the rounds, worst is of all."
        ),
    );
    let dir = tempfile::Builder::new().prefix("open-").tempdir_in(folder()?)?;
    let used = dir.path().join("used");
    let config = phone::config_offline(&used);
    phone::fill(config, Arc::new(phone::Offline), &phone::products()?, 2_000)?;
    let killed = dir.path().join("killed");
    let left = leave_a_full_journal(&killed)?;
    let fresh = dir.path().join("fresh");
    let [mut first, mut again, mut after_a_kill] = [(); 3].map(|()| Sample::default());
    for _ in 0..ROUNDS {
        let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..OPENINGS {
            a.push(time(&phone::config_offline(&fresh))?);
            std::fs::remove_dir_all(&fresh)?;
            b.push(time(&phone::config_offline(&used))?);
            copy(&killed, &fresh)?;
            c.push(time(&phone::config_offline(&fresh))?);
            std::fs::remove_dir_all(&fresh)?;
        }
        first.add(a);
        again.add(b);
        after_a_kill.add(c);
    }
    report.row(Row::new("first start").sample(&first, Unit::Us));
    report.row(Row::new("used folder, 2,000 queued").sample(&again, Unit::Us));
    let name = format!("after a kill, {left} events in the journal");
    report.row(Row::new(name).sample(&after_a_kill, Unit::Us));
    for (name, sample) in
        [("first start", &first), ("used folder", &again), ("after a kill", &after_a_kill)]
    {
        let p99 = sample.percentile(99.0) / 1e6;
        let measured = format!("{} ms", number_shown(p99));
        report.reach(&format!("open, {name}, p99"), "≤ 2 ms", &measured, p99 <= 2.0);
    }
    report.note("That no SQLite is opened on the caller's thread is proven in `tests/`.");
    report.finish()
}

fn time(config: &Config) -> Result<u64> {
    let config = config.clone();
    let watch = Watch::start();
    let journey = Journey::open(config)?;
    let ns = watch.ns();
    drop(journey);
    Ok(ns)
}

/// Leaves a segment full of events, as a kill in the middle of much work might: with a store that
/// cannot be opened, the worker drains nothing. Says how many.
fn leave_a_full_journal(folder: &Path) -> Result<u64> {
    std::fs::create_dir_all(folder.join("journey.db"))?;
    let journey = Journey::open(phone::config_offline(folder))?;
    journey.record(Event::ScreenView { screen: "product/{id}".to_owned() });
    let mut recorded = 0;
    for event in phone::views(&phone::products()?, 100_000) {
        journey.record(event);
        let status = journey.status();
        if status.dropped.total() > 0 {
            break;
        }
        recorded = status.queued;
    }
    drop(journey);
    std::fs::remove_dir_all(folder.join("journey.db"))?;
    ensure!(recorded > 1_000, "only {recorded} events fit the journal");
    Ok(recorded)
}

/// Copies a folder as a kill leaves it: without the mark by which the journey knows a copy.
fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?;
        if file.file_name() != "place" {
            std::fs::copy(file.path(), to.join(file.file_name()))?;
        }
    }
    Ok(())
}
