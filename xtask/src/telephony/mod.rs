//! `cargo xtask telephony`: the recipes of `docs/recipes` on real calls.
//!
//! SIPp is the customer's phone and dials what the SDK gave (`examples/callers`); Asterisk is the
//! IVR, Kamailio a proxy on the way, each with the recipe's own files; the agent's phone is ours
//! and notes what its INVITE carries. A call counts as resolved when its desk link opens on the
//! customer who made it. Each program has a loopback address of its own, so that all of them listen
//! on SIP's own port.
//!
//! Not part of CI: Asterisk comes from Debian's moving branch.

mod agent;
mod asterisk;
mod calls;
mod clock;
mod collector;
mod faults;
mod kamailio;
mod logs;
mod manager;
mod phones;
mod process;
mod report;
mod series;
mod sip;
mod tones;
mod verdict;

use std::fs;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use self::agent::Agents;
use self::asterisk::Asterisk;
use self::calls::{Carrier, Network};
use self::collector::Collector;
use self::faults::Faults;
use self::kamailio::Kamailio;
use self::phones::Phones;
use self::report::Report;
use crate::tools::{self, cargo, need};

/// Where the agents' phone listens.
const AGENTS: &str = "127.0.0.30:5060";
/// What the run does with its calls, for those who read the figures.
const NOTES: [&str; 4] = [
    "reached: an agent's phone got the INVITE, once; resolved: the desk link in it opens on the \
     customer who made this very call",
    "digits: from the first to the last as Asterisk heard them; SIPp sends events of 200 ms with \
     200 ms between, INFO and tones faster",
    "to desk: from Asterisk's answer to the agent's INVITE with the link, so the dialler's pause \
     (4 s and 6 s in turn) and the digits are in it; with a token in the INVITE, where nobody answers \
     before the agent, from the start of SIPp, some 0.1 s before its INVITE",
    "look-up: from the last digit to the agent's INVITE with the link",
];

/// The options of the run.
#[derive(Args)]
pub(crate) struct Options {
    /// Calls by each carrier.
    #[arg(long, value_name = "N", default_value_t = 200)]
    calls: usize,
    /// Skip the faults.
    #[arg(long)]
    no_faults: bool,
    /// Skip the benchmark of look-ups while phones upload.
    #[arg(long)]
    no_bench: bool,
}

/// Installs what is missing, makes all the calls, and says what came of them.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    clock::now();
    // First, since it says what is missing where it cannot run.
    let chroot = asterisk::chroot()?;
    need("sipp", "sip-tester", "the calls of cargo xtask telephony")?;
    kamailio::install()?;
    tools::run(&mut cargo(["build", "--package", "jalon-collector"]))?;
    tools::run(&mut cargo(["build", "--package", "jalon", "--example", "callers"]))?;
    let folder = crate::target().join("telephony");
    if folder.exists() {
        // Of the run before: its logs are told of where something failed.
        fs::remove_dir_all(&folder).context("could not clear the last run's folder")?;
    }
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;

    let mut collector = Collector::start(&folder)?;
    let phones = Phones::start(&collector, &folder)?;
    let agents = Agents::open(AGENTS)?;
    let asterisk = Asterisk::start(chroot, &collector, &folder)?;
    let mut kamailio = Kamailio::start(&collector, &folder)?;
    let network = Network::new(&agents, &asterisk.heard, folder.join("calls"));

    let mut report = Report::default();
    for carrier in [
        Carrier::Events,
        Carrier::Info,
        Carrier::Tones,
        Carrier::ContextAtIvr,
        Carrier::UserToUserAtIvr,
        Carrier::Context,
        Carrier::UserToUser,
    ] {
        say(&format!("{}: {} calls", carrier.name(), options.calls));
        report.rows.push(series::run(carrier, options.calls, &network, &phones, &collector)?);
    }
    if !options.no_faults {
        say("faults");
        let mut faults = Faults { network: &network, phones: &phones, collector: &mut collector };
        report.faults = faults.run()?;
    }
    kamailio.check()?;
    report.faults.push(logs::check(&folder, &collector.centre_key)?);
    if !options.no_bench {
        say("look-ups while phones upload");
        report.look_ups = look_ups()?;
    }
    report.notes = NOTES.map(str::to_owned).to_vec();
    say(&report.text());
    report.write()?;
    if !report.is_good() {
        say(&format!("The logs are in {}.", folder.display()));
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the bench of look-ups, which prints its own table, and reads what it reached.
fn look_ups() -> Result<Vec<serde_json::Value>> {
    crate::bench(Some("lookup"))?;
    let path = crate::root().join("target/bench/lookup.json");
    let text = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    let report: serde_json::Value = serde_json::from_str(&text)?;
    Ok(report["reach"].as_array().cloned().unwrap_or_default())
}

fn say(line: &str) {
    // A closed terminal is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{line}");
}
