//! The project's own commands. `cargo xtask --help` lists them.

mod android;
mod apple;
mod bench;
mod chroot;
mod demo;
mod kotlin;
mod node;
mod recipes;
mod telephony;
mod test;
mod tools;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

/// Builds, shows, tests and measures Jalon.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Replays real customers on phones, and shows the agent they call what each just did.
    Demo(demo::Options),
    /// Runs every check. Installs what it needs where it can, and says what is missing elsewhere.
    Test {
        /// Run one part alone.
        #[arg(long, value_enum)]
        only: Option<test::Part>,
    },
    /// Plays months of phones, people, networks and telephones against the real core and collector,
    /// each run from a seed; makes the first run that fails short, and prints it as a test.
    Simulate {
        /// `--seeds N`, `--first N`, `--seed S`, `--weeks W`, `--threads N`, `--all`; `--help` says more.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Kills a recording process at random instants, again and again.
    Torture {
        /// How many times.
        #[arg(long, default_value_t = 1_000)]
        kills: u32,
    },
    /// Writes the files of a language's library that are generated from `bindings/src`.
    Bindings {
        /// Which library.
        #[arg(value_enum)]
        language: Language,
        /// Write nothing; fail if a file differs.
        #[arg(long)]
        check: bool,
    },
    /// Assembles the Android library as a Maven repository in target/aar, and says what it adds to
    /// an app. The native libraries need the NDK that ANDROID_NDK_HOME names.
    Aar,
    /// Builds the static library for Apple's systems into target/xcframework, and checks it.
    Xcframework,
    /// Runs the recipes of docs/recipes for Asterisk and Kamailio on real calls, with faults; prints
    /// a table and writes target/bench/telephony.json. Root on Debian, since it installs them.
    Telephony(telephony::Options),
    /// Runs a benchmark beside its peers; prints a table and writes target/bench/NAME.json.
    Bench {
        /// record, call, desk, open, wire, collector, lookup or growth; all of them if not given. Or kotlin or swift,
        /// only by name: they need a JDK and Maven, or a Debian root with Swift.
        name: Option<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    /// The Android library, `android/jalon`.
    Kotlin,
    /// The Swift package.
    Swift,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Demo(options) => return demo::run(&options),
        Task::Test { only } => test::run(only),
        Task::Simulate { options } => tools::run(
            tools::cargo(["run", "--profile", "simulate", "--package", "jalon-simulator", "--"])
                // Two runs side by side share one SQLite, which would lock for each piece of memory only to
                // count it: a third of the time.
                .env("LIBSQLITE3_FLAGS", "-DSQLITE_DEFAULT_MEMSTATUS=0")
                .args(options),
        ),
        Task::Torture { kills } => tools::run(
            tools::cargo(["test", "--package", "jalon", "--test", "kept", "--", "--nocapture"])
                .env("JALON_KILLS", kills.to_string()),
        ),
        Task::Bindings { language: Language::Kotlin, check } => kotlin::bindings(check),
        Task::Aar => android::aar::run(),
        Task::Bindings { language: Language::Swift, check } => apple::swift::bindings(check),
        Task::Xcframework => apple::framework::run(),
        Task::Telephony(options) => return telephony::run(&options),
        Task::Bench { name } if name.as_deref() == Some("swift") => apple::swift::bench(),
        Task::Bench { name } => bench(name.as_deref()),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn bench(name: Option<&str>) -> Result<()> {
    const ALL: [&str; 8] =
        ["record", "call", "open", "growth", "wire", "desk", "collector", "lookup"];
    if name == Some("kotlin") {
        return bench::kotlin();
    }
    tools::run(&mut tools::cargo([
        "build",
        "--profile",
        "server",
        "--package",
        "jalon-collector",
    ]))?;
    for bench in ALL.iter().filter(|bench| name.is_none_or(|name| name == **bench)) {
        tools::run(&mut tools::cargo([
            "run",
            "--profile",
            "server",
            "--package",
            "jalon-benches",
            "--bin",
            bench,
        ]))?;
    }
    match name {
        Some(name) if !ALL.contains(&name) => {
            anyhow::bail!("no such benchmark: name one of {ALL:?}, \"kotlin\" or \"swift\"")
        }
        _ => Ok(()),
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The binary that the dev profile built.
fn built(name: &str) -> Command {
    Command::new(target().join("debug").join(name))
}
