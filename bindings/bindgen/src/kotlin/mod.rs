//! The Kotlin half: three files in the library's own package.

mod converters;
mod natives;
mod shape;
mod types;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use uniffi_bindgen::ComponentInterface;

/// The library's package, into which `bindings/src/jni.rs` reaches by name.
const PACKAGE: &str = "jalon.android";
/// Types that only the library itself uses.
const INTERNAL: [&str; 2] = ["Config", "JourneyError"];

/// What crosses to Swift alone: Android's log is reached from Rust, Apple's from Swift; and
/// `bindings/src/jni.rs` calls `Native.consentNeeded` by itself.
const OF_SWIFT: [&str; 4] = ["log_to", "LogSink", "on_consent_needed", "ConsentListener"];

const HEADER: &str = "\
// Written by `cargo xtask bindings kotlin` from bindings/src: change it there.
@file:Suppress(\"RedundantVisibilityModifier\")

package jalon.android
";

/// The files, by their path below the source root.
///
/// # Errors
/// The name of whatever has a shape that Kotlin is not given here.
pub(crate) fn files(interface: &ComponentInterface) -> Result<BTreeMap<&'static str, String>> {
    refuse_unknown(interface)?;
    Ok(BTreeMap::from([
        ("jalon/android/Types.kt", format!("{HEADER}{}", types::all(interface)?)),
        ("jalon/android/Converters.kt", format!("{HEADER}{}", converters::all(interface)?)),
        ("jalon/android/Native.kt", format!("{HEADER}{}", natives::all(interface)?)),
    ]))
}

fn refuse_unknown(interface: &ComponentInterface) -> Result<()> {
    if let Some(function) =
        interface.function_definitions().iter().find(|function| of_kotlin(function.name()))
    {
        bail!("function `{}`: only methods of an object can cross", function.name());
    }
    if let Some(callback) = interface
        .callback_interface_definitions()
        .iter()
        .find(|callback| of_kotlin(callback.name()))
    {
        bail!("callback interface `{}`: nothing here calls into Kotlin", callback.name());
    }
    for object in interface.object_definitions() {
        if object.name() != "Journey" || object.is_trait_interface() {
            bail!("object `{}`: the journey is the only one that can cross", object.name());
        }
    }
    Ok(())
}

fn of_kotlin(name: &str) -> bool {
    !OF_SWIFT.contains(&name)
}

/// Whether the app sees the type.
fn visibility(name: &str) -> &'static str {
    if INTERNAL.contains(&name) { "internal" } else { "public" }
}

/// KDoc of Rust's documentation, at an indentation.
fn kdoc(docs: Option<&str>, indent: &str) -> String {
    // What is no value in Rust is null here, and a field's name has the language's case.
    let Some(docs) = docs.map(|docs| docs.trim().replace("`None`", "`null`")) else {
        return String::new();
    };
    let lines: Vec<&str> = docs.lines().map(str::trim_end).collect();
    if let [line] = lines[..] {
        return format!("{indent}/** {line} */\n");
    }
    let body: String = lines
        .iter()
        .map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n")
        .collect();
    format!("{indent}/**\n{body}{indent} */\n")
}
