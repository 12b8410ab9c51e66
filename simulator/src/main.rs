//! `cargo xtask simulate`: plays many runs, and makes the first that fails short.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use jalon::clock::{Clock as _, SystemClock};
use jalon_simulator::{Outcome, as_test, draw, play, shrink};

/// Plays months of phones, people, networks and telephones against the real core and collector.
#[derive(Parser)]
struct Options {
    /// How many seeds to play, from the first on.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// Plays this seed alone, twice.
    #[arg(long)]
    seed: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// How long the longest gap of a run is, in weeks of which it takes a quarter.
    #[arg(long, default_value_t = 8)]
    weeks: u64,
    /// How many runs are played side by side; by default as many as there are cores.
    #[arg(long)]
    threads: Option<usize>,
    /// Goes on after a failure, and counts what failed by its message.
    #[arg(long)]
    all: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match options.seed {
        Some(seed) => one(seed, &options),
        None => many(&options),
    }
}

/// Plays one seed twice: the same run must come to the same.
fn one(seed: u64, options: &Options) -> ExitCode {
    let steps = draw(seed, options.weeks);
    match (play(seed, &steps), play(seed, &steps)) {
        (Ok(first), Ok(second)) if first == second => {
            println!("seed {seed}: {} steps, {first:?}", steps.len());
            ExitCode::SUCCESS
        }
        (Ok(first), Ok(second)) => {
            eprintln!("seed {seed} came to {first:?} and then to {second:?}");
            ExitCode::FAILURE
        }
        (Err(_), _) | (_, Err(_)) => {
            report(seed, options.weeks);
            ExitCode::FAILURE
        }
    }
}

fn many(options: &Options) -> ExitCode {
    let next = AtomicU64::new(options.first);
    let end = options.first.saturating_add(options.seeds);
    let totals = Mutex::new((Outcome::default(), Vec::new()));
    let begun_ms = SystemClock.now().elapsed_ms;
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let stop = !options.all && totals.lock().is_ok_and(|totals| !totals.1.is_empty());
            if seed >= end || stop {
                return;
            }
            let outcome = play(seed, &draw(seed, options.weeks));
            let Ok(mut totals) = totals.lock() else { return };
            match outcome {
                Ok(outcome) => {
                    totals.0.calls += outcome.calls;
                    totals.0.seen += outcome.seen;
                }
                Err(error) => totals.1.push((seed, format!("{error:#}"))),
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..options.threads.unwrap_or(cores).max(1) {
            scope.spawn(work);
        }
    });
    let Ok((totals, mut failures)) = totals.into_inner() else { return ExitCode::FAILURE };
    failures.sort();
    println!(
        "{} seeds in {:.0} s: {} calls tapped, {} contexts seen, {} seeds failed",
        options.seeds,
        (SystemClock.now().elapsed_ms - begun_ms) as f64 / 1_000.0,
        totals.calls,
        totals.seen,
        failures.len()
    );
    for (seed, failure) in &failures {
        println!("seed {seed}: {failure}");
    }
    match failures.first() {
        None => ExitCode::SUCCESS,
        Some((seed, _)) => {
            report(*seed, options.weeks);
            ExitCode::FAILURE
        }
    }
}

/// Makes a failing run short, and prints it as a test.
fn report(seed: u64, weeks: u64) {
    let steps = draw(seed, weeks);
    let short = shrink(&steps, |fewer| play(seed, fewer).is_err());
    let failure = play(seed, &short).err();
    eprintln!("seed {seed}, {} steps made {}: {failure:#?}", steps.len(), short.len());
    eprintln!("{}", as_test(seed, &short));
}
