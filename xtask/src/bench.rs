//! `cargo xtask bench kotlin`: what the Kotlin library costs an app, measured on a plain JVM.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::tools::{self, cargo};
use crate::{kotlin, root, target};

/// The heap is that of an app on a common phone, and does not grow meanwhile.
const JVM: [&str; 2] = ["-Xms256m", "-Xmx256m"];
/// In the module's folder: what it runs with.
const CLASS_PATH: &str = "target/bench-classpath.txt";

/// Builds native library, Kotlin library and benchmark, and runs it.
pub(crate) fn kotlin() -> Result<()> {
    // As it ships.
    tools::run(&mut cargo(["build", "--release", "--package", "jalon-bindings"]))?;
    let out = target().canonicalize()?.join("bench");
    let libraries = out.join("lib");
    fs::create_dir_all(&libraries)?;
    let built = target().join("release").join(format!("{DLL_PREFIX}jalon_ffi{DLL_SUFFIX}"));
    fs::copy(built, libraries.join(format!("{DLL_PREFIX}jalon{DLL_SUFFIX}")))
        .context("could not copy the native library")?;

    let mut maven = kotlin::maven()?;
    // `package`, since the benchmark is a friend of the library's jar.
    maven.args(["-Pbench", "--projects", ":jalon-android-bench", "--also-make", "package"]);
    maven.arg(format!("{}:build-classpath", kotlin::DEPENDENCY_PLUGIN));
    maven.arg(format!("-Dmdep.outputFile={CLASS_PATH}"));
    // Without Android's framework: nothing of it runs, and to open its jar would count as `open`.
    maven.arg("-DincludeScope=runtime");
    maven.args(["-DskipTests", "-Dskip.device=true"]);
    tools::run(&mut maven)?;

    let module = root().join("android/bench");
    let class_path = fs::read_to_string(module.join(CLASS_PATH))?;
    let classes = module.join("target/classes");
    let mut java = Command::new(kotlin::jdk()?.join("bin/java"));
    java.args(JVM).arg(format!("-Djava.library.path={}", libraries.display()));
    // By the environment: the line printed stays readable.
    java.env("CLASSPATH", format!("{}:{}", classes.display(), class_path.trim()));
    tools::run(java.arg("jalon.android.bench.MainKt").args([root().join("benches/data"), out]))
}
