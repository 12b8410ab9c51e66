//! The Android type check: the Rust side, compiled up to linking for the two ABIs that phones have,
//! without an NDK.
//!
//! The standard library is checked from its sources, so no target has to be downloaded. C is not
//! compiled: a stand-in answers the `-sys` crates. What this proves is that every `cfg`, type and
//! system call of ours and of our dependencies exists on Android; linking is `cargo xtask aar`'s.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::chroot::{Chroot, Mount, Release};
use crate::tools::{self, cargo};

const TARGETS: [&str; 2] = ["aarch64-linux-android", "armv7-linux-androideabi"];

/// A C compiler that makes an empty object of everything; `ar` packs those like any other. To the
/// `cc` crate, which asks by preprocessing and by `-?`, it says that it is clang, as the NDK's is.
const STAND_IN: &str = r#"#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
        -E) echo '"clang"' ;;
        '-?') exit 1 ;;
        -o) : > "$2" ;;
    esac
    shift
done
"#;

/// Checks the types of what ships, with all that its features bring.
pub(crate) fn check() -> Result<()> {
    let packages = ["rustc-web", "rust-web-src", "cargo-web", "gcc", "libc6-dev"];
    let chroot = Chroot::with(Release::Trixie, &packages, "the type checks for Android")?;
    // The machine's cargo fetches: it knows how this machine reaches the registry.
    tools::run(&mut cargo(["fetch", "--locked"]))?;
    let library = chroot.folder().join("usr/lib/rustlib/src/rust/library/Cargo.toml");
    let mut fetch = cargo(["fetch", "--locked", "--manifest-path"]);
    tools::run(fetch.arg(library).env("RUSTC_BOOTSTRAP", "1"))?;
    let built = crate::target().join("android-check");
    fs::create_dir_all(&built)?;
    let compiler = built.join("cc");
    fs::write(&compiler, STAND_IN)?;
    fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755))?;
    let workspace = crate::root().canonicalize()?;
    let registry = cargo_home()?.join("registry");
    let mounts = [
        Mount { outside: &workspace, inside: "/workspace", writable: false },
        Mount { outside: &registry, inside: "/cargo/registry", writable: false },
        Mount { outside: &built, inside: "/built", writable: true },
    ];
    let mut check = chroot.command(&mounts, "env");
    check.args(["--chdir=/workspace", "cargo", "check", "--locked", "--offline"]);
    check.args(["--package", "jalon-bindings", "-Z", "build-std=std,panic_unwind"]);
    // For the standard library of a stable compiler.
    check.env("RUSTC_BOOTSTRAP", "1").env("CARGO_HOME", "/cargo");
    check.env("CARGO_TARGET_DIR", "/built");
    for target in TARGETS {
        let name = target.replace('-', "_");
        check.args(["--target", target]);
        check.env(format!("CC_{name}"), "/built/cc").env(format!("AR_{name}"), "ar");
    }
    tools::run(&mut check)
}

fn cargo_home() -> Result<PathBuf> {
    let own = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    own.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
        .context("neither CARGO_HOME nor HOME says where cargo keeps what it fetches")
}
