//! The Swift half: UniFFI's own, with the header it calls through and that header's module map.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use uniffi_bindgen::bindings::{SwiftBindingsOptions, generate_swift_bindings};

use crate::Files;

const HEADER: &str =
    "// Written by `cargo xtask bindings swift` from bindings/src: change it there.\n";

/// The files, by their path below `ios/`.
///
/// # Errors
/// Where the generator fails, or writes nothing of that name.
pub(crate) fn files(library: &Utf8Path) -> Result<Files> {
    let scratch = tempfile::tempdir().context("could not make a temporary folder")?;
    let out = Utf8Path::from_path(scratch.path()).context("the temporary folder is not UTF-8")?;
    generate_swift_bindings(SwiftBindingsOptions {
        generate_swift_sources: true,
        generate_headers: true,
        source: library.to_owned(),
        out_dir: out.to_owned(),
        config: Some(Utf8PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/swift.toml"))),
        ..SwiftBindingsOptions::default()
    })?;
    let read = |name: &str| {
        let text = fs::read_to_string(out.join(name));
        text.map(|text| tidy(&text)).with_context(|| format!("the generator wrote no {name}"))
    };
    Ok(BTreeMap::from([
        ("Sources/JalonBindings/JalonBindings.swift", read("JalonBindings.swift")?),
        ("JalonFFI/JalonFFI.h", read("JalonFFI.h")?),
        ("JalonFFI/module.modulemap", module_map()),
    ]))
}

/// Nothing at a line's end, and one line end at the text's.
fn tidy(text: &str) -> String {
    let lines = text.lines().flat_map(|line| [line.trim_end(), "\n"]);
    format!("{HEADER}{}\n", lines.collect::<String>().trim_end())
}

/// The same map in the package on Linux and in the XCFramework.
fn module_map() -> String {
    format!("{HEADER}module JalonFFI {{\n    header \"JalonFFI.h\"\n    export *\n}}\n")
}
