//! `cargo xtask xcframework`: the static library for five targets, as the one thing that Xcode takes.
//!
//! On Linux the library is built in the Debian chroot, whose Rust has the standard library's sources;
//! on a Mac by the machine's own Rust, with these targets added. A static library is never linked, so
//! no Apple linker is needed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use super::{macho, privacy, sdk};
use crate::chroot::{Chroot, Mount, Release};
use crate::tools::{self, cargo};

/// One slice: a folder of the framework.
struct Slice {
    /// As Apple's tool names it.
    identifier: &'static str,
    platform: &'static str,
    simulator: bool,
    /// The targets in it, by processor.
    targets: &'static [(&'static str, &'static str)],
    /// As the load commands say it: platform and minimum version.
    version: (u32, &'static str),
}

const IOS: &str = "15.0";
const MACOS: &str = "12.0";

const SLICES: [Slice; 3] = [
    Slice {
        identifier: "ios-arm64",
        platform: "ios",
        simulator: false,
        targets: &[("arm64", "aarch64-apple-ios")],
        version: (object::macho::PLATFORM_IOS, IOS),
    },
    Slice {
        identifier: "ios-arm64_x86_64-simulator",
        platform: "ios",
        simulator: true,
        targets: &[("arm64", "aarch64-apple-ios-sim"), ("x86_64", "x86_64-apple-ios")],
        version: (object::macho::PLATFORM_IOSSIMULATOR, IOS),
    },
    Slice {
        identifier: "macos-arm64_x86_64",
        platform: "macos",
        simulator: false,
        targets: &[("arm64", "aarch64-apple-darwin"), ("x86_64", "x86_64-apple-darwin")],
        version: (object::macho::PLATFORM_MACOS, MACOS),
    },
];

const LIBRARY: &str = "libjalon_ffi.a";
/// The C module; its headers lie in a folder of their own, since a bare module map in `Headers`
/// breaks an app that has two such packages.
const MODULE: &str = "JalonFFI";
/// What a slice may weigh for each processor: code that the app does not use is not linked.
const ARCHIVE_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// Builds all of it, checks it, and prints what a manifest needs.
pub(crate) fn run() -> Result<()> {
    let framework = assemble(&SLICES, "xcframework")?;
    check(&SLICES, &framework)?;
    archive(&framework)
}

/// The phone's slice alone, built and checked: the other four targets are the same code, and take
/// as long again each.
pub(crate) fn test() -> Result<()> {
    let phone = &SLICES[..1];
    check(phone, &assemble(phone, "xcframework-test")?)
}

/// Builds these slices and puts them together in a folder of the target's.
fn assemble(slices: &[Slice], folder: &str) -> Result<PathBuf> {
    let built = build(slices)?;
    let framework = crate::target().join(folder).join(format!("{MODULE}.xcframework"));
    if framework.exists() {
        fs::remove_dir_all(&framework)?;
    }
    for slice in slices {
        let mut parts = Vec::new();
        for (processor, target) in slice.targets {
            let archive = built.join(target).join("release").join(LIBRARY);
            let data = fs::read(&archive).with_context(|| format!("no {}", archive.display()))?;
            parts.push((*processor, data));
        }
        let file = match &parts[..] {
            [(_, one)] => one.clone(),
            several => macho::fat(several)?,
        };
        let folder = framework.join(slice.identifier);
        let headers = folder.join("Headers").join(MODULE);
        fs::create_dir_all(&headers)?;
        fs::write(folder.join(LIBRARY), file)?;
        for name in ["JalonFFI.h", "module.modulemap"] {
            fs::copy(crate::root().join("ios/JalonFFI").join(name), headers.join(name))?;
        }
    }
    fs::write(framework.join("Info.plist"), info_plist(slices))?;
    Ok(framework)
}

/// Reads the framework as it stands: every object's platform and version, what is asked of the
/// system, what is offered to Swift, and what it weighs.
fn check(slices: &[Slice], framework: &Path) -> Result<()> {
    let system: BTreeSet<String> = sdk::system_symbols()?.into_iter().collect();
    let header = fs::read_to_string(crate::root().join("ios/JalonFFI/JalonFFI.h"))?;
    let linker = Linker::found()?;
    println!("| slice | processor | archive, MB | adds, MB | asked of the system |");
    println!("|---|---|---|---|---|");
    for slice in slices {
        let data = fs::read(framework.join(slice.identifier).join(LIBRARY))?;
        let parts = macho::slices(&data)?;
        ensure!(parts.len() == slice.targets.len(), "{}: {} parts", slice.identifier, parts.len());
        for (part, (processor, target)) in parts.into_iter().zip(slice.targets) {
            let found = macho::read(part).context(*target)?;
            ensure!(
                found.processors == BTreeSet::from([*processor]),
                "{target}: {:?}",
                found.processors
            );
            let (platform, version) = slice.version;
            let versions = BTreeSet::from([(platform, version.to_owned())]);
            ensure!(found.versions == versions, "{target}: {:?}", found.versions);
            let strangers: Vec<_> = found.undefined.difference(&system).collect();
            ensure!(
                strangers.is_empty(),
                "{target} asks for more than the system's: {strangers:?}"
            );
            for function in functions(&header) {
                ensure!(
                    found.defined.contains(&format!("_{function}")),
                    "{target} lacks {function}"
                );
            }
            ensure!(part.len() as u64 <= ARCHIVE_BYTES_MAX, "{target}: {} bytes", part.len());
            privacy::check(&found.undefined).context(*target)?;
            let added = match &linker {
                Some(linker) => linker.size(slice, processor, framework, &functions(&header))?,
                None => "–".into(),
            };
            println!(
                "| {} | {processor} | {:.2} | {added} | {} symbols |",
                slice.identifier,
                part.len() as f64 / 1e6,
                found.undefined.len()
            );
        }
    }
    Ok(())
}

/// The linker that comes with Swift in the chroot: it tells what the library adds to an app, and
/// proves that the archive can be linked.
struct Linker(Chroot);

impl Linker {
    /// None on a Mac, whose own linker tells as an app is built.
    fn found() -> Result<Option<Self>> {
        if cfg!(target_os = "macos") {
            return Ok(None);
        }
        Chroot::with(Release::Trixie, &["swiftlang"], "what the library adds to an app")
            .map(|chroot| Some(Self(chroot)))
    }

    /// The size in MB with everything that Swift calls, without dead code and symbols.
    fn size(
        &self,
        slice: &Slice,
        processor: &str,
        framework: &Path,
        functions: &[&str],
    ) -> Result<String> {
        let framework = framework.canonicalize()?;
        let out = framework.with_extension("linked");
        fs::create_dir_all(&out)?;
        let mounts = [
            Mount { outside: &framework, inside: "/framework", writable: false },
            Mount { outside: &out, inside: "/linked", writable: true },
        ];
        let platform = match (slice.platform, slice.simulator) {
            ("ios", true) => "ios-simulator",
            (platform, _) => platform,
        };
        let mut link = self.0.command(&mounts, "/usr/libexec/swift/bin/ld64.lld");
        link.args(["-arch", processor, "-platform_version", platform]);
        link.args([slice.version.1, slice.version.1, "-dylib", "-dead_strip", "-x", "-S"]);
        // The system's libraries are not here; that they have all of it was checked by name.
        link.args(["-undefined", "dynamic_lookup", "-o", "/linked/library"]);
        for function in functions {
            link.args(["-exported_symbol", &format!("_{function}"), "-u", &format!("_{function}")]);
        }
        tools::output(link.arg(format!("/framework/{}/{LIBRARY}", slice.identifier)))?;
        let bytes = fs::metadata(out.join("library"))?.len();
        fs::remove_dir_all(&out)?;
        Ok(format!("{:.2}", bytes as f64 / 1e6))
    }
}

/// The C functions that Swift calls.
fn functions(header: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for line in header.lines() {
        let Some((before, _)) = line.split_once('(') else { continue };
        let name = before.rsplit([' ', '*']).next().unwrap_or_default();
        if name.starts_with("uniffi_jalon_ffi_fn") || name.starts_with("ffi_jalon_ffi_rustbuffer") {
            names.push(name);
        }
    }
    names
}

/// The archive that a manifest names by URL, and its checksum: what `swift package
/// compute-checksum` says of it.
fn archive(framework: &Path) -> Result<()> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // No time of day: the same content is the same archive.
    let options = zip::write::SimpleFileOptions::default();
    let mut files = Vec::new();
    list(framework, &mut files)?;
    files.sort();
    let above = framework.parent().context("the framework's folder has no parent")?;
    for file in files {
        zip.start_file(file.strip_prefix(above)?.to_string_lossy(), options)?;
        zip.write_all(&fs::read(&file)?)?;
    }
    let data = zip.finish()?.into_inner();
    let path = framework.with_extension("xcframework.zip");
    let checksum = Sha256::digest(&data).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    fs::write(&path, data)?;
    println!("\n{}\nchecksum: \"{checksum}\"", path.display());
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// The folder that holds a folder for each target.
fn build(slices: &[Slice]) -> Result<PathBuf> {
    let targets = slices.iter().flat_map(|slice| slice.targets).map(|(_, target)| *target);
    if cfg!(target_os = "macos") {
        for target in targets {
            tools::run(
                cargo(["rustc", "--locked", "--release", "--lib", "--crate-type", "staticlib"])
                    .args(["--package", "jalon-bindings", "--target", target])
                    .env("IPHONEOS_DEPLOYMENT_TARGET", IOS)
                    .env("MACOSX_DEPLOYMENT_TARGET", MACOS),
            )?;
        }
        return Ok(crate::target());
    }
    let packages = ["rustc-web", "rust-web-src", "cargo-web", "gcc", "libc6-dev", "clang"];
    let chroot =
        Chroot::with(Release::Trixie, &packages, "the static libraries for Apple's systems")?;
    // The machine's cargo fetches: it knows how this machine reaches the registry.
    tools::run(&mut cargo(["fetch", "--locked"]))?;
    let library = chroot.folder().join("usr/lib/rustlib/src/rust/library/Cargo.toml");
    let mut fetch = cargo(["fetch", "--locked", "--manifest-path"]);
    tools::run(fetch.arg(library).env("RUSTC_BOOTSTRAP", "1"))?;
    let built = crate::target().join("apple");
    let sdk = built.join("sdk");
    if !sdk.exists() {
        sdk::copy(&sdk::headers()?, &sdk.join("usr/include"))?;
    }
    let built = built.canonicalize()?;
    let workspace = crate::root().canonicalize()?;
    let registry = tools::cargo_home()?.join("registry");
    let mounts = [
        Mount { outside: &workspace, inside: "/workspace", writable: false },
        Mount { outside: &registry, inside: "/cargo/registry", writable: false },
        Mount { outside: &built, inside: "/built", writable: true },
    ];
    // One after the other: link-time optimisation of two would want the memory of both.
    for target in targets {
        let name = target.replace('-', "_");
        let mut rustc = chroot.command(&mounts, "env");
        rustc.args(["--chdir=/workspace", "cargo", "rustc", "--locked", "--offline", "--release"]);
        rustc.args(["--lib", "--crate-type", "staticlib", "--package", "jalon-bindings"]);
        rustc.args(["-Z", "build-std=std,panic_unwind", "--target", target]);
        // For the standard library of a stable compiler.
        rustc.env("RUSTC_BOOTSTRAP", "1").env("CARGO_HOME", "/cargo");
        rustc.env("CARGO_TARGET_DIR", "/built").env("SDKROOT", "/built/sdk");
        rustc.env("IPHONEOS_DEPLOYMENT_TARGET", IOS).env("MACOSX_DEPLOYMENT_TARGET", MACOS);
        rustc.env(format!("CC_{name}"), "clang").env(format!("AR_{name}"), "ar");
        tools::run(&mut rustc)?;
    }
    Ok(built)
}

/// As `xcodebuild -create-xcframework` writes it.
fn info_plist(slices: &[Slice]) -> String {
    let mut libraries = String::new();
    for slice in slices {
        let mut processors = String::new();
        for (processor, _) in slice.targets {
            let _ = writeln!(processors, "\t\t\t\t<string>{processor}</string>");
        }
        let variant = if slice.simulator {
            "\t\t\t<key>SupportedPlatformVariant</key>\n\t\t\t<string>simulator</string>\n"
        } else {
            ""
        };
        let (identifier, platform) = (slice.identifier, slice.platform);
        let _ = write!(
            libraries,
            "\t\t<dict>
\t\t\t<key>BinaryPath</key>
\t\t\t<string>{LIBRARY}</string>
\t\t\t<key>HeadersPath</key>
\t\t\t<string>Headers</string>
\t\t\t<key>LibraryIdentifier</key>
\t\t\t<string>{identifier}</string>
\t\t\t<key>LibraryPath</key>
\t\t\t<string>{LIBRARY}</string>
\t\t\t<key>SupportedArchitectures</key>
\t\t\t<array>
{processors}\t\t\t</array>
\t\t\t<key>SupportedPlatform</key>
\t\t\t<string>{platform}</string>
{variant}\t\t</dict>
"
        );
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<plist version=\"1.0\">
<dict>
\t<key>AvailableLibraries</key>
\t<array>
{libraries}\t</array>
\t<key>CFBundlePackageType</key>
\t<string>XFWK</string>
\t<key>XCFrameworkFormatVersion</key>
\t<string>1.0</string>
</dict>
</plist>
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_functions_that_swift_calls() {
        let header = "void uniffi_jalon_ffi_fn_method_journey_close(uint64_t ptr\n);\n\
                      RustBuffer ffi_jalon_ffi_rustbuffer_alloc(uint64_t size\n);\nint other(void);\n";
        assert_eq!(
            functions(header),
            ["uniffi_jalon_ffi_fn_method_journey_close", "ffi_jalon_ffi_rustbuffer_alloc"]
        );
    }
}
