//! Counts the instructions of a `record`, on the thread that calls it, where `perf` can count.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use jalon::Journey;
use jalon::clock::SystemClock;
use jalon_benches::phone;

const FEW: u64 = 1_000;
const MANY: u64 = 101_000;

/// What was counted, in words.
pub(crate) fn counted(dir: &Path) -> Result<String> {
    let [few, many] = [FEW, MANY].map(|count| count_of(dir, count));
    Ok(match (few?, many?) {
        (Some(few), Some(many)) => {
            let each = many.saturating_sub(few) / (MANY - FEW);
            format!(
                "Instructions of a `record`, and of making its event, on the calling thread: {each}."
            )
        }
        _ => {
            "Instructions were not counted: `perf` is missing, or the machine does not count them."
                .to_owned()
        }
    })
}

/// The instructions of a child that records so many events; `None` where they cannot be counted.
fn count_of(dir: &Path, count: u64) -> Result<Option<u64>> {
    let folder = dir.join(format!("counted-{count}"));
    let mut perf = Command::new("perf");
    // Of its first thread alone: the worker is another one.
    perf.args(["stat", "-x", ",", "-e", "instructions:u", "--no-inherit", "--"]);
    perf.arg(std::env::current_exe()?).args(["--child", "count"]).arg(folder);
    let Ok(output) = perf.arg(count.to_string()).output() else { return Ok(None) };
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = told.lines().find(|line| line.contains("instructions"));
    Ok(line.and_then(|line| line.split(',').next()?.parse().ok()))
}

/// In the child: records so many events.
pub(crate) fn child(folder: &str, count: &str) -> Result<()> {
    let config = phone::config_offline(Path::new(folder));
    let count = count.parse().context("a count")?;
    let products = phone::products()?;
    let events = phone::views(&products, count);
    let journey = Journey::open_with(config, Arc::new(phone::Offline), Arc::new(SystemClock))?;
    for event in events {
        journey.record(event);
    }
    Ok(())
}
