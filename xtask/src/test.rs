//! `cargo xtask test`: every check, in the order in which they fail fastest.

use anyhow::Result;
use clap::ValueEnum;

use crate::apple;
use crate::node::node_tests;
use crate::tools::{self, cargo, need};
use crate::{android, kotlin, recipes};

/// A part of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// rustfmt.
    Format,
    /// clippy, warnings denied.
    Clippy,
    /// rustdoc, warnings denied.
    Docs,
    /// The core: unit and promise tests, doctests, and the slim build without reqwest.
    Core,
    /// The collector and the desk.
    Collector,
    /// The simulator's own tests, and 2,000 runs.
    Simulator,
    /// The desk in a real browser.
    Browser,
    /// The contact centres' recipes: run against a collector where possible, else checked for format.
    Recipes,
    /// The Rust side's types, for Android's two ABIs of phones.
    AndroidTypes,
    /// The Kotlin library and the sample app: JVM, Robolectric, end to end.
    Kotlin,
    /// The sample app after R8, end to end.
    Shrunk,
    /// The Swift package: run on Linux, end to end; the types of its Apple half; its public surface.
    Swift,
    /// The XCFramework's slice for the phone: the static library and its content.
    Xcframework,
}

/// Runs one part, or all of them.
fn run_part(part: Part) -> Result<()> {
    match part {
        Part::Format => tools::run(&mut cargo(["fmt", "--all", "--check"])),
        Part::Clippy => tools::run(&mut cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])),
        Part::Docs => tools::run(
            cargo(["doc", "--no-deps", "--package", "jalon"])
                .args(["--package", "jalon-collector", "--package", "jalon-desk"])
                .args(["--package", "jalon-bindings"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        ),
        Part::Core => core(),
        Part::Collector => tools::run(&mut cargo([
            "test",
            "--package",
            "jalon-collector",
            "--package",
            "jalon-desk",
        ])),
        Part::Simulator => simulator(),
        Part::Browser => browser(),
        Part::Recipes => recipes::test(),
        Part::AndroidTypes => android::types::check(),
        Part::Kotlin => kotlin::test(),
        Part::Shrunk => android::shrink::test(),
        Part::Swift => apple::test(),
        Part::Xcframework => apple::framework::test(),
    }
}

/// Runs the parts asked for.
pub(crate) fn run(only: Option<Part>) -> Result<()> {
    for part in Part::value_variants().iter().filter(|part| only.is_none_or(|one| one == **part)) {
        eprintln!("\n== {part:?} ==");
        run_part(*part)?;
    }
    eprintln!("\nall of it passed");
    Ok(())
}

fn core() -> Result<()> {
    need("strace", "strace", "the tests that watch system calls")?;
    tools::run(&mut cargo(["test", "--package", "jalon"]))?;
    // The slim core: an app that brings its own transport.
    tools::run(
        cargo(["clippy", "--package", "jalon", "--no-default-features"])
            .args(["--", "-D", "warnings"]),
    )
}

fn simulator() -> Result<()> {
    tools::run(&mut cargo(["test", "--package", "jalon-simulator"]))?;
    tools::run(&mut cargo(["run", "--package", "jalon-simulator", "--", "--seeds", "2000"]))
}

fn browser() -> Result<()> {
    const WHY: &str = "the tests of the desk";
    need("chromium", "chromium", WHY)?;
    let screenshots = crate::target().join("desk-screenshots");
    tools::run(node_tests("collector/tests/browser", WHY)?.env("JALON_SCREENSHOTS", screenshots))
}
