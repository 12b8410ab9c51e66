//! Swift in the Debian chroot: the generated files, and `swift test` against the host's library.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::chroot::{Chroot, Mount, Release};
use crate::tools::{self, cargo};

/// Swift 6, and a C compiler that knows Apple's targets.
const PACKAGES: [&str; 2] = ["swiftlang", "clang"];

/// Writes the generated files of the Swift package, or checks that they match the Rust side.
pub(crate) fn bindings(check: bool) -> Result<()> {
    tools::run(&mut cargo(["build", "--package", "jalon-bindings"]))?;
    let mut bindgen = cargo(["run", "--package", "jalon-bindgen", "--", "swift"]);
    bindgen.arg("--library").arg(library("debug"));
    bindgen.arg("--out").arg(crate::root().join("ios"));
    if check {
        bindgen.arg("--check");
    }
    tools::run(&mut bindgen)
}

/// Builds the package and runs its tests, against the native library and a real collector.
pub(crate) fn test() -> Result<()> {
    tools::run(&mut cargo(["build", "--package", "jalon-bindings"]))?;
    tools::run(&mut cargo(["build", "--package", "jalon-collector"]))?;
    let place = Place::with("debug")?;
    let collector = crate::target().join("debug/jalon-collector");
    replace(&collector, &place.native.join("jalon-collector"))?;
    let collector = "/native/jalon-collector";
    tools::run(place.swift("test").env("JALON_COLLECTOR", collector))?;
    // Swift's side of it; the native library is not instrumented.
    let mut races = place.swift("test");
    races.args(["--sanitize=thread", "--scratch-path", "/built/races"]);
    tools::run(races.env("JALON_COLLECTOR", collector).env("TSAN_OPTIONS", "exitcode=66"))
}

/// Measures the façade in a release build, beside the bare UniFFI call.
pub(crate) fn bench() -> Result<()> {
    // As it ships: small before fast.
    tools::run(&mut cargo(["build", "--release", "--package", "jalon-bindings"]))?;
    let place = Place::with("release")?;
    let mut build = place.swift("build");
    tools::run(build.args(["--configuration", "release", "--product", "JalonBench"]))?;
    let report = crate::target().join("bench");
    fs::create_dir_all(&report)?;
    let mut bench = place.command("/built/release/JalonBench");
    let outcome = tools::run(bench.arg("/built/bench.json"));
    let _ = fs::copy(place.scratch.join("bench.json"), report.join("swift.json"));
    outcome
}

/// Where Swift builds.
pub(crate) struct Place {
    chroot: Chroot,
    workspace: PathBuf,
    pub(crate) scratch: PathBuf,
    native: PathBuf,
}

impl Place {
    /// With the native library that `profile` built.
    pub(crate) fn with(profile: &str) -> Result<Self> {
        let chroot = Chroot::with(Release::Trixie, &PACKAGES, "the Swift package and its tests")?;
        let swift = crate::target().join("swift");
        let (scratch, native) = (swift.join("build"), swift.join("native"));
        fs::create_dir_all(&scratch)?;
        fs::create_dir_all(&native)?;
        let place = Self {
            chroot,
            workspace: crate::root().canonicalize()?,
            scratch: scratch.canonicalize()?,
            native: native.canonicalize()?,
        };
        replace(
            &library(profile),
            &place.native.join(format!("{DLL_PREFIX}jalon_ffi{DLL_SUFFIX}")),
        )?;
        Ok(place)
    }

    /// A command in the chroot: the workspace at /workspace, what is built at /built.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mount = |outside, inside, writable| Mount { outside, inside, writable };
        let mounts = [
            mount(&*self.workspace, "/workspace", false),
            mount(&*self.scratch, "/built", true),
            mount(&*self.native, "/native", false),
        ];
        let mut command = self.chroot.command(&mounts, program);
        command.env("LD_LIBRARY_PATH", "/native");
        command
    }

    /// `swift build` or `swift test` on the package.
    pub(crate) fn swift(&self, what: &str) -> Command {
        let mut command = self.command("swift");
        command.args([what, "--package-path", "/workspace", "--scratch-path", "/built"]);
        // The chroot is one already; and the workspace is read-only in it.
        command.args(["--disable-sandbox", "-Xswiftc", "-warnings-as-errors"]);
        command.args(["-Xlinker", "-L/native", "-Xlinker", "-ljalon_ffi"]);
        command
    }
}

fn library(profile: &str) -> PathBuf {
    crate::target().join(profile).join(format!("{DLL_PREFIX}jalon_ffi{DLL_SUFFIX}"))
}

/// Renamed into place: a process that has the old one open keeps it whole.
fn replace(from: &Path, to: &Path) -> Result<()> {
    let new = to.with_extension("new");
    fs::copy(from, &new).with_context(|| format!("could not copy {}", from.display()))?;
    fs::rename(&new, to)?;
    ensure!(to.exists(), "{} did not arrive", to.display());
    Ok(())
}
