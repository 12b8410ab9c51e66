//! `cargo xtask demo`: a collector on loopback, the phones of real customers (`examples/replay`),
//! and the desk of the agent who takes their calls.
//!
//! Starts and ends the programs. What is replayed and checked is `examples/replay`'s.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::tools::{self, cargo, screenshot};

const APP: &str = "com.example.shop";
/// What the collector's first line begins with.
const LISTENING: &str = "listening on ";

/// The options of the demo.
#[derive(Args)]
pub(crate) struct Options {
    /// Check that the agent's view is exactly what the input says (times aside), take screenshots
    /// into target/demo, and end with 0 or 1.
    #[arg(long)]
    once: bool,
    /// Rows of the same CSV form, plain or .gz; else the extract in tests/fixtures/shop.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// How many customers: those with the most rows, ties by lowest user id.
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..))]
    customers: u32,
    /// Write what each call came to: an array of `user_id`, `token`, `code`, `rows` and `context`.
    #[arg(long, value_name = "OUT.json")]
    report: Option<PathBuf>,
}

/// Runs the demo: until Ctrl-C, or once, with its outcome checked.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let input = match &options.input {
        Some(input) => input.clone(),
        None => crate::root().join("tests/fixtures/shop/clickstream.csv"),
    };
    ensure!(input.exists(), "there is no {}", input.display());
    tools::run(&mut cargo(["build", "--package", "jalon-collector"]))?;
    tools::run(&mut cargo(["build", "--package", "jalon", "--example", "replay"]))?;
    let ended = asked_to_end()?;
    let folder = Fresh::new()?;
    let data = folder.0.join("collector");
    let write_key = create_key(&data, "write")?;
    let agent_key = create_key(&data, "contact-centre")?;
    let mut collector = Collector::start(&data, &folder.0)?;

    let own_report = folder.0.join("report.json");
    let report = options.report.as_ref().unwrap_or(&own_report);
    let mut replay = crate::built("examples/replay");
    replay.args(["--collector", &collector.url, "--write-key", &write_key]);
    replay.args(["--agent-key", &agent_key, "--customers", &options.customers.to_string()]);
    replay.arg("--folder").arg(&folder.0).arg("--input").arg(input);
    replay.arg("--report").arg(report);
    if options.once {
        replay.arg("--once");
    }
    // A child that is waited for below, or ended with the demo.
    let mut phones = Running(replay.spawn().context("could not start the phones")?);
    let (replayed, served) = loop {
        let states = (phones.0.try_wait()?, collector.process.0.try_wait()?);
        // Ctrl-C ends the children too, perhaps before it is heard of here.
        if ended.recv_timeout(Duration::from_millis(100)).is_ok() {
            say("The demo has ended.");
            return Ok(if options.once { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
        if states != (None, None) {
            break states;
        }
    };
    match (replayed, served) {
        (Some(status), _) if status.success() => {}
        (None, Some(status)) => bail!("the collector ended ({status})"),
        // It has said why.
        _ => return Ok(ExitCode::FAILURE),
    }
    if options.once {
        watch(&collector.url, report)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Looks at the first customer's desk as an agent would.
fn watch(collector: &str, report: &Path) -> Result<()> {
    if !tools::is_there("chromium") {
        say("No screenshots: there is no chromium.");
        return Ok(());
    }
    let calls: Value = serde_json::from_slice(&fs::read(report)?)?;
    let link = calls[0]["context"]["desk"].as_str().context("the report holds no desk link")?;
    let link = if link.starts_with('/') { format!("{collector}{link}") } else { link.into() };
    let folder = crate::target().join("demo");
    let profile = folder.join("chromium");
    for (name, size) in [("desk-360.png", (360, 900)), ("desk-1280.png", (1280, 900))] {
        let file = folder.join(name);
        screenshot(&link, size, &file, &profile)?;
        say(&format!("screenshot: {}", file.display()));
    }
    Ok(())
}

/// Hears of Ctrl-C, so that nothing the demo started outlives it.
fn asked_to_end() -> Result<Receiver<()>> {
    let (sender, ended) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // Nobody listens any more: the demo is ending.
            let _ = sender.send(());
        }
    });
    Ok(ended)
}

fn create_key(data: &Path, kind: &str) -> Result<String> {
    let mut command = crate::built("jalon-collector");
    command.args(["key", "create", "--app", APP, "--kind", kind, "--data"]).arg(data);
    let printed = tools::output(&mut command)?;
    let key = printed.lines().last().context("no key was printed")?;
    Ok(key.trim().to_owned())
}

/// A folder of this demo alone, gone with it.
struct Fresh(PathBuf);

impl Fresh {
    fn new() -> Result<Self> {
        let folder = crate::target().join("demo").join(format!("run-{}", std::process::id()));
        if folder.exists() {
            // Of a process that had our number and was killed.
            fs::remove_dir_all(&folder).context("could not clear an old demo's folder")?;
        }
        fs::create_dir_all(&folder).context("could not make the demo's folder")?;
        Ok(Self(folder.canonicalize()?))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // What stays goes with `cargo clean`.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The collector, on a port of its own.
struct Collector {
    process: Running,
    url: String,
    /// Kept open: what it prints later must not end it.
    _rest: BufReader<ChildStdout>,
}

impl Collector {
    fn start(data: &Path, folder: &Path) -> Result<Self> {
        let config = folder.join("collector.toml");
        let screens = crate::root().join("tests/fixtures/shop/screens.toml").canonicalize()?;
        fs::write(&config, format!("[apps.\"{APP}\"]\nscreens = \"{}\"\n", screens.display()))?;
        let mut command = crate::built("jalon-collector");
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.arg("--config").arg(config).stdout(Stdio::piped());
        if std::env::var_os("JALON_LOG").is_none() {
            command.env("JALON_LOG", "warn");
        }
        let mut process = Running(command.spawn().context("could not start the collector")?);
        let mut rest = BufReader::new(process.0.stdout.take().context("no standard output")?);
        let mut line = String::new();
        rest.read_line(&mut line)?;
        let url = line.trim().strip_prefix(LISTENING).context("the collector ended early")?;
        Ok(Self { url: url.to_owned(), process, _rest: rest })
    }
}

/// A process of the demo, ended with it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already is just as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn say(line: &str) {
    // A closed terminal is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{line}");
}
