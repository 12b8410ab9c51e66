//! The Kotlin library: its generated files, and its build and tests by Maven.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::tools::{self, cargo, need, need_file};

/// The oldest Java that Robolectric runs on.
const JAVA: u32 = 17;

/// Android's own resources, as android/pom.xml names them.
const FRAMEWORK_RESOURCES: &str = "/usr/share/android-framework-res/framework-res.apk";

/// Fetches jars and writes class paths.
pub(crate) const DEPENDENCY_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0";
/// In a module's folder: what is on its class path under test.
pub(crate) const CLASS_PATH: &str = "target/test-classpath.txt";

/// Writes the generated files of the Kotlin library, or checks that they match the Rust side.
pub(crate) fn bindings(check: bool) -> Result<()> {
    tools::run(&mut cargo(["build", "--package", "jalon-bindings"]))?;
    let mut bindgen = cargo(["run", "--package", "jalon-bindgen", "--", "kotlin"]);
    bindgen.arg("--library").arg(library());
    bindgen.arg("--out").arg(crate::root().join("android/jalon/src/main/generated"));
    if check {
        bindgen.arg("--check");
    }
    tools::run(&mut bindgen)
}

/// Builds library and sample and runs their tests, against the native library and a real collector.
pub(crate) fn test() -> Result<()> {
    need("strace", "strace", "the test that watches what the calling thread writes")?;
    bindings(true)?;
    tools::run(&mut cargo(["test", "--package", "jalon-bindgen"]))?;
    let given = Given::built()?;
    tools::run(given.to(maven()?.arg("verify")))
}

/// Builds the jars, without running tests; with `publish`, sources and documentation too. Writes
/// down what is on each module's class path under test.
pub(crate) fn package(publish: bool) -> Result<()> {
    let mut maven = maven()?;
    maven.args([
        "--quiet",
        "-DskipTests",
        "package",
        &format!("{DEPENDENCY_PLUGIN}:build-classpath"),
    ]);
    maven.arg(format!("-Dmdep.outputFile={CLASS_PATH}"));
    if publish {
        maven.arg("-Ppublish");
    }
    tools::run(&mut maven)
}

/// Maven on `android/`, with a Java that is new enough, and what compiles the tests' manifests.
pub(crate) fn maven() -> Result<Command> {
    jdk()?;
    need("aapt2", "aapt", "the manifests of the tests")?;
    need_file(FRAMEWORK_RESOURCES, "android-framework-res", "the manifests of the tests")?;
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--no-transfer-progress", "--file"]);
    maven.arg(crate::root().join("android/pom.xml"));
    Ok(maven)
}

/// The home of the JDK that Maven runs on, which is new enough.
pub(crate) fn jdk() -> Result<PathBuf> {
    const WHY: &str = "the Kotlin library and its tests";
    need("javac", "openjdk-17-jdk-headless", WHY)?;
    need("mvn", "maven", WHY)?;
    let versions = tools::output(Command::new("mvn").args(["--batch-mode", "--version"]))?;
    let (java, home) = java_of(&versions).context("`mvn --version` names no Java")?;
    ensure!(java >= JAVA, "Maven runs on Java {java}: set JAVA_HOME to a JDK {JAVA} or later");
    Ok(home.into())
}

/// What the tests are given: the native library under the name that Java loads, and a collector.
pub(crate) struct Given {
    /// The folder that holds the library.
    pub(crate) libraries: PathBuf,
    /// The collector's binary.
    pub(crate) collector: PathBuf,
}

impl Given {
    /// Builds both, in the dev profile.
    pub(crate) fn built() -> Result<Self> {
        tools::run(&mut cargo(["build", "--package", "jalon-bindings"]))?;
        tools::run(&mut cargo(["build", "--package", "jalon-collector"]))?;
        let target = crate::target().canonicalize()?;
        let libraries = target.join("kotlin");
        fs::create_dir_all(&libraries)?;
        let name = format!("{DLL_PREFIX}jalon{DLL_SUFFIX}");
        // Renamed into place: a JVM that has the old one open keeps it whole.
        let copy = libraries.join(format!("{name}.new"));
        fs::copy(library(), &copy).context("could not copy the native library")?;
        fs::rename(&copy, libraries.join(name))?;
        Ok(Self { libraries, collector: target.join("debug/jalon-collector") })
    }

    fn to<'a>(&self, maven: &'a mut Command) -> &'a mut Command {
        maven.arg(format!("-Djalon.library.path={}", self.libraries.display()));
        maven.arg(format!("-Djalon.collector={}", self.collector.display()))
    }
}

/// The bindings as the dev profile builds them, with the symbols that the generator reads.
fn library() -> PathBuf {
    crate::target().join("debug").join(format!("{DLL_PREFIX}jalon_ffi{DLL_SUFFIX}"))
}

/// Major version and home out of `Java version: 17.0.19, vendor: Debian, runtime: /usr/lib/jvm/…`.
fn java_of(versions: &str) -> Option<(u32, &str)> {
    let line = versions.lines().find_map(|line| line.strip_prefix("Java version: "))?;
    let major = line.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some((major, line.split_once("runtime: ")?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_java_that_maven_runs_on() {
        let printed = "Apache Maven 3.8.7\nMaven home: /usr/share/maven\n\
                       Java version: 17.0.19, vendor: Debian, runtime: /usr/lib/jvm\n";
        assert_eq!(java_of(printed), Some((17, "/usr/lib/jvm")));
        // Java 8 calls itself 1.8: too old either way.
        let old = "Java version: 1.8.0_392, vendor: x, runtime: /opt/a b/jre";
        assert_eq!(java_of(old), Some((1, "/opt/a b/jre")));
        assert_eq!(java_of("Apache Maven 3.8.7"), None);
    }
}
