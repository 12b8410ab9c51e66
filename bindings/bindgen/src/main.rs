//! Writes the languages' half of the bindings from the definitions inside the built library.
//!
//! Kotlin gets types, converters and native methods for the crossing by JNI (`bindings/src/jni.rs`),
//! since UniFFI's own Kotlin needs JNA. A shape that this generator does not know stops it by name.
//! Swift gets what UniFFI's own generator writes.

mod kotlin;
mod swift;

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Parser, Subcommand};
use uniffi_bindgen::{BindgenLoader, BindgenPaths, ComponentInterface, GlobalConfig};

/// The namespace that `bindings/src/lib.rs` gives itself.
const NAMESPACE: &str = "jalon";

/// Writes the languages' half of the bindings.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    language: Language,
}

#[derive(Subcommand)]
enum Language {
    /// Types, converters and native methods for the Android library.
    Kotlin(Options),
    /// UniFFI's Swift, its C header and module map, for the Swift package.
    Swift(Options),
}

#[derive(Args)]
struct Options {
    /// The built library, not stripped: its symbols hold the definitions.
    #[arg(long)]
    library: Utf8PathBuf,
    /// The source root to write to.
    #[arg(long)]
    out: Utf8PathBuf,
    /// Write nothing; exit with 1 if a file differs.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    match run(&Cli::parse().language) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(language: &Language) -> Result<()> {
    let (name, options, files) = match language {
        Language::Kotlin(options) => {
            ("kotlin", options, kotlin::files(&interface(&options.library)?)?)
        }
        Language::Swift(options) => ("swift", options, swift::files(&options.library)?),
    };
    if options.check { check(&files, &options.out, name) } else { write(&files, &options.out) }
}

/// Reads the definitions out of the library.
fn interface(library: &Utf8Path) -> Result<ComponentInterface> {
    let loader = BindgenLoader::new(BindgenPaths::default(), GlobalConfig::default());
    let metadata =
        loader.load_metadata(library).with_context(|| format!("could not read {library}"))?;
    let mut interfaces = loader.load_cis(metadata)?;
    interfaces.retain(|interface| interface.namespace() == NAMESPACE);
    interfaces.pop().with_context(|| format!("{library} exports no `{NAMESPACE}`"))
}

type Files = BTreeMap<&'static str, String>;

fn write(files: &Files, out: &Utf8Path) -> Result<()> {
    for (name, text) in files {
        let path = out.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("could not make {folder}"))?;
        }
        fs::write(&path, text).with_context(|| format!("could not write {path}"))?;
    }
    Ok(())
}

fn check(files: &Files, out: &Utf8Path, language: &str) -> Result<()> {
    for (name, text) in files {
        let path = out.join(name);
        if fs::read_to_string(&path).ok().as_ref() != Some(text) {
            bail!("{path} is not what the library defines: run `cargo xtask bindings {language}`");
        }
    }
    Ok(())
}
