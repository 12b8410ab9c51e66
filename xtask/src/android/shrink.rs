//! R8, as an app's release build runs it: on the sample, the library and Kotlin's runtime, with
//! the library's consumer rules and what the manifest would keep, and nothing else.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use zip::ZipArchive;

use super::dex::Dex;
use super::project::{self, Project};
use crate::kotlin::{self, Given};
use crate::tools;

const R8: (&str, &str, &str) = ("com.android.tools", "r8", "9.5.28");

/// The one dependency of Kotlin's runtime.
const ANNOTATIONS: (&str, &str, &str) = ("org.jetbrains", "annotations", "13.0");

/// The test of the whole way, in the sample.
const TEST: &str = "com.example.shop.ShopDeviceTest";

/// The packages whose sizes are reported separately.
const OWNERS: [&str; 3] = ["jalon.android", "com.example.shop", "kotlin"];

/// Shrinks the sample app to DEX, and reports its size by owner.
pub(crate) fn sizes(project: &Project) -> Result<String> {
    let app = App::gather(project)?;
    let (dex, names) = (app.folder.join("shrunk.dex.zip"), app.folder.join("mapping.txt"));
    let mut r8 = app.r8(&dex);
    r8.args(["--min-api", &project.min_sdk.to_string()]);
    tools::run(r8.arg("--pg-map-output").arg(&names))?;
    let before = original_names(&project::read(&names)?);
    let mut archive = ZipArchive::new(File::open(&dex)?)?;
    let mut counts = OWNERS.map(|_| (0, 0, 0));
    let (mut ids, mut bytes) = (0, 0);
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        if !file.name()?.ends_with(".dex") {
            continue;
        }
        let mut read = Vec::new();
        file.read_to_end(&mut read)?;
        let dex = Dex::read(&read)?;
        ids += dex.method_ids;
        bytes += read.len();
        for class in &dex.classes {
            let name = before.get(&class.name).unwrap_or(&class.name);
            let owner = OWNERS.iter().position(|owner| is_of(name, owner));
            let count = &mut counts[owner.with_context(|| format!("whose is {name}?"))?];
            *count = (count.0 + 1, count.1 + class.methods, count.2 + class.code_bytes);
        }
    }
    let mut said = format!(
        "the sample app after R8: {} KiB of DEX, {ids} method references",
        bytes.div_ceil(1024)
    );
    for (owner, (classes, methods, code)) in OWNERS.iter().zip(counts) {
        write!(said, "\n  {owner}: {classes} classes, {methods} methods, {code} bytes of code")?;
    }
    Ok(said)
}

/// Runs the sample's end-to-end test against what R8 made of the app.
pub(crate) fn test() -> Result<()> {
    let given = Given::built()?;
    kotlin::package(false)?;
    let app = App::gather(&Project::read()?)?;
    let shrunk = app.folder.join("shrunk.jar");
    tools::run(app.r8(&shrunk).arg("--classfile"))?;
    let sample = project::folder().join("sample");
    let mut classes = vec![shrunk, sample.join("target/test-classes")];
    let of_tests = project::read(&sample.join(kotlin::CLASS_PATH))?;
    // What the app is made of is in the shrunk jar, and must come from nowhere else.
    let library = project::folder().join("jalon").canonicalize()?;
    classes
        .extend(std::env::split_paths(of_tests.trim()).filter(|path| !path.starts_with(&library)));
    let mut junit = app.java();
    junit.current_dir(&sample).arg("-cp").arg(std::env::join_paths(classes)?);
    junit.arg(format!("-Djava.library.path={}", given.libraries.display()));
    junit.arg(format!("-Djalon.collector={}", given.collector.display()));
    junit.arg(format!("-Djalon.screenshots={}", app.folder.join("screenshots").display()));
    tools::run(junit.args(["org.junit.runner.JUnitCore", TEST]))
}

/// All that goes into R8.
struct App {
    folder: PathBuf,
    r8: PathBuf,
    jdk: PathBuf,
    android: PathBuf,
    jars: [PathBuf; 4],
    rules: [PathBuf; 2],
}

impl App {
    fn gather(project: &Project) -> Result<Self> {
        let folder = crate::target().join("r8");
        fs::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        let rules = folder.join("manifest-rules.pro");
        fs::write(&rules, manifest_rules()?)?;
        let framework = ("org.robolectric", "android-all", project.android_all.as_str());
        let kotlin = ("org.jetbrains.kotlin", "kotlin-stdlib", project.kotlin_stdlib.as_str());
        Ok(Self {
            r8: fetched(R8)?,
            jdk: kotlin::jdk()?,
            android: fetched(framework)?,
            jars: [
                project.jar("jalon", ""),
                project.jar("sample", ""),
                fetched(kotlin)?,
                fetched(ANNOTATIONS)?,
            ],
            rules: [project::folder().join("jalon/consumer-rules.pro"), rules],
            folder,
        })
    }

    fn r8(&self, output: &Path) -> Command {
        let mut r8 = self.java();
        r8.arg("-cp").arg(&self.r8).args(["com.android.tools.r8.R8", "--release"]);
        r8.arg("--lib").arg(&self.android);
        // Robolectric's framework is without Java's own classes.
        r8.arg("--lib").arg(&self.jdk);
        for rules in &self.rules {
            r8.arg("--pg-conf").arg(rules);
        }
        // Each jar's own manifest and the like: an APK has none of them.
        r8.arg("--no-data-resources").arg("--output").arg(output).args(&self.jars);
        r8
    }

    fn java(&self) -> Command {
        Command::new(self.jdk.join("bin/java"))
    }
}

/// What aapt2 writes of a merged manifest: the system makes these classes by name.
fn manifest_rules() -> Result<String> {
    let mut rules = String::new();
    for module in ["jalon", "sample"] {
        for class in project::components(&project::read(&project::manifest(module))?)? {
            writeln!(rules, "-keep class {class} {{ <init>(); }}")?;
        }
    }
    Ok(rules)
}

/// A jar from Maven's repository, kept in target/tools.
fn fetched((group, artifact, version): (&str, &str, &str)) -> Result<PathBuf> {
    let folder = crate::target().join("tools");
    let jar = folder.join(format!("{artifact}-{version}.jar"));
    if !jar.is_file() {
        fs::create_dir_all(&folder)?;
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--quiet", &format!("{}:copy", kotlin::DEPENDENCY_PLUGIN)]);
        maven.arg(format!("-Dartifact={group}:{artifact}:{version}"));
        maven.arg(format!("-DoutputDirectory={}", folder.canonicalize()?.display()));
        tools::run(maven.current_dir(&folder))?;
        ensure!(jar.is_file(), "Maven brought no {}", jar.display());
    }
    Ok(jar.canonicalize()?)
}

/// From R8's mapping: what a class was called, by what it is called now.
fn original_names(mapping: &str) -> HashMap<String, String> {
    let classes = mapping.lines().filter(|line| !line.starts_with([' ', '#']));
    let pairs = classes.filter_map(|line| line.strip_suffix(':')?.split_once(" -> "));
    pairs.map(|(before, after)| (after.to_owned(), before.to_owned())).collect()
}

fn is_of(class: &str, package: &str) -> bool {
    class.strip_prefix(package).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_class_was_called() {
        let mapping = "# compiler: R8\njalon.android.Journey -> a.b:\n# {\"id\":\"x\"}\n    \
                       1:1:void record():12:12 -> a\nkotlin.Unit -> kotlin.Unit:\n";
        let names = original_names(mapping);
        assert_eq!(names["a.b"], "jalon.android.Journey");
        assert_eq!(names.len(), 2);
        assert!(is_of("jalon.android.Journey", "jalon.android"));
        assert!(!is_of("jalon.androidx.Journey", "jalon.android"));
    }
}
