//! The Apple half's types: code under `#if canImport(UIKit)` and `SwiftUI`, the sample app and the
//! samples of README.md and docs/, compiled in Swift 6 mode against the stand-ins of `ios/Standins`;
//! and the C that reaches into UIKit, against Apple's own headers of the Objective-C runtime.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::swift::Place;
use super::{sdk, surface};
use crate::tools;

/// In the order of their imports.
const STAND_INS: [&str; 5] = ["os", "Network", "UIKit", "BackgroundTasks", "SwiftUI"];
/// Inside the room.
const OUT: &str = "/built/apple";
const MODULE_MAPS: [&str; 2] = [
    "/workspace/ios/JalonFFI/module.modulemap",
    "/built/debug/JalonPlatform.build/module.modulemap",
];
/// A slip that only the Apple half can hold, here one that no extension compiles with; the check must
/// see it.
const SLIP: &str = "import UIKit\n@MainActor func slip() { _ = UIApplication.shared }\n";

/// Checks all of it, and the public surface that comes out.
pub(crate) fn check() -> Result<()> {
    let place = Place::with("debug")?;
    let out = place.scratch.join("apple");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    // Modules of the host, which the façade imports on every system.
    tools::run(place.swift("build").args(["--target", "Jalon"]))?;
    for name in STAND_INS {
        let source = format!("/workspace/ios/Standins/{name}.swift");
        swiftc(&place, &["-emit-module", "-module-name", name], &[module(name), source])?;
    }
    let bindings = place.scratch.join("debug/Modules/JalonBindings.swiftmodule");
    fs::copy(&bindings, out.join("JalonBindings.swiftmodule"))
        .with_context(|| format!("no {}", bindings.display()))?;
    let sources =
        sources(&crate::root().join("ios/Sources/Jalon"), "/workspace/ios/Sources/Jalon")?;
    let mut facade = vec![module("Jalon")];
    facade.extend(sources.clone());
    swiftc(&place, &["-emit-module", "-module-name", "Jalon"], &facade)?;
    // A module alone is written without looking into functions.
    swiftc(&place, &["-typecheck", "-module-name", "Jalon"], &sources)?;

    let sample = "ios/Sample/Shop.swiftpm";
    let mut shop = self::sources(&crate::root().join(sample), &format!("/workspace/{sample}"))?;
    // Its manifest imports what only Xcode has.
    shop.retain(|file| !file.ends_with("/Package.swift"));
    swiftc(&place, &["-typecheck", "-module-name", "Shop"], &shop)?;
    for (at, (page, sample)) in samples()?.iter().enumerate() {
        let name = format!("sample{at}.swift");
        fs::write(out.join(&name), sample)?;
        swiftc(&place, &["-typecheck", "-module-name", "Sample"], &[format!("{OUT}/{name}")])
            .with_context(|| format!("a Swift sample of {page}:\n{sample}"))?;
    }
    fs::write(out.join("slip.swift"), SLIP)?;
    let slip = swiftc(&place, &["-typecheck"], &[format!("{OUT}/slip.swift")]);
    ensure!(slip.is_err(), "the stand-ins let a slip pass");

    platform_c(&place)?;
    let mut symbols = place.command("/usr/libexec/swift/bin/swift-symbolgraph-extract");
    symbols.args(["-module-name", "Jalon", "-I", OUT, "-output-dir", OUT]);
    symbols.args(["-target", "x86_64-pc-linux-gnu", "-minimum-access-level", "public"]);
    tools::run(symbols.args(maps()))?;
    surface::check(&out)
}

fn module(name: &str) -> String {
    format!("-emit-module-path={OUT}/{name}.swiftmodule")
}

fn maps() -> Vec<String> {
    let mut maps = vec!["-Xcc".into(), "-I/workspace/ios/Sources/JalonPlatform/include".into()];
    for map in MODULE_MAPS {
        maps.extend(["-Xcc".into(), format!("-fmodule-map-file={map}")]);
    }
    maps
}

fn swiftc(place: &Place, options: &[&str], files: &[String]) -> Result<()> {
    let mut swiftc = place.command("swiftc");
    swiftc.args(["-parse-as-library", "-swift-version", "6", "-warnings-as-errors", "-D", "DEBUG"]);
    swiftc.args(["-I", OUT]).args(options).args(maps());
    for file in files {
        match file.split_once('=') {
            Some((option, value)) => swiftc.args([option, value]),
            None => swiftc.arg(file),
        };
    }
    tools::run(&mut swiftc)
}

/// The Swift files of a folder, as the room sees them.
fn sources(folder: &Path, inside: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "swift") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.push(format!("{inside}/{name}"));
        }
    }
    files.sort();
    Ok(files)
}

/// The Swift samples of README.md and of the pages in docs/, each with its page.
fn samples() -> Result<Vec<(String, String)>> {
    let mut pages = vec![crate::root().join("README.md")];
    for entry in fs::read_dir(crate::root().join("docs"))? {
        pages.push(entry?.path());
    }
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    let mut samples = Vec::new();
    for page in pages {
        let name = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for block in fs::read_to_string(&page)?.split("```swift\n").skip(1) {
            match block.split_once("```") {
                Some((sample, _)) => samples.push((name.clone(), sample.to_owned())),
                None => bail!("a Swift sample in {name} has no end"),
            }
        }
    }
    ensure!(!samples.is_empty(), "README.md and docs/ have no Swift sample");
    Ok(samples)
}

/// The C file, for a phone and for a Mac.
fn platform_c(place: &Place) -> Result<()> {
    let headers = sdk::headers()?;
    let link = place.scratch.join("sdk");
    if !link.exists() {
        sdk::copy(&headers, &link.join("usr/include"))?;
    }
    for target in ["arm64-apple-ios15.0", "x86_64-apple-macos12.0"] {
        let mut clang = place.command("clang");
        clang.args(["-target", target, "-isysroot", "/built/sdk", "-fsyntax-only"]);
        clang.args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-I/workspace/ios/Standins/include",
        ]);
        clang.args(["-I/workspace/ios/Sources/JalonPlatform/include"]);
        tools::run(clang.arg("/workspace/ios/Sources/JalonPlatform/jalon_platform.c"))?;
    }
    Ok(())
}
