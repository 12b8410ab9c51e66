//! The native libraries of the AAR: built by the NDK that `ANDROID_NDK_HOME` names, and checked
//! before they are packed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use goblin::elf::Elf;
use goblin::elf::header::{EM_AARCH64, EM_ARM, EM_X86_64};
use goblin::elf::program_header::PT_LOAD;

use crate::tools::{self, cargo};

/// The name that Kotlin loads, with Linux's prefix and suffix.
pub(crate) const NAME: &str = "libjalon.so";

/// Phones with pages of 16 KiB load nothing that is aligned to less (Android 15 and later).
const PAGE_BYTES: u64 = 16_384;

/// What every Android has for apps. Anything else would have to be in the AAR too.
const SYSTEM: [&str; 5] = ["libc.so", "libm.so", "libdl.so", "liblog.so", "libandroid.so"];

/// One kind of processor, by its three names.
pub(crate) struct Abi {
    /// Android's, and its folder in the AAR.
    pub(crate) name: &'static str,
    /// Rust's.
    target: &'static str,
    /// The NDK's, of its compiler.
    clang: &'static str,
    /// ELF's.
    machine: u16,
}

/// Phones of the last ten years, and the emulator.
pub(crate) const ABIS: [Abi; 3] = [
    Abi {
        name: "arm64-v8a",
        target: "aarch64-linux-android",
        clang: "aarch64-linux-android",
        machine: EM_AARCH64,
    },
    Abi {
        name: "armeabi-v7a",
        target: "armv7-linux-androideabi",
        clang: "armv7a-linux-androideabi",
        machine: EM_ARM,
    },
    Abi {
        name: "x86_64",
        target: "x86_64-linux-android",
        clang: "x86_64-linux-android",
        machine: EM_X86_64,
    },
];

/// An NDK whose tools are there.
#[derive(Debug)]
pub(crate) struct Ndk {
    tools: PathBuf,
    min_sdk: u32,
}

impl Ndk {
    /// The one that `ANDROID_NDK_HOME` names, if it is set.
    ///
    /// # Errors
    /// Where it is set and no NDK is there, with what was looked for; where Rust lacks its own
    /// library for a target.
    pub(crate) fn of_environment(min_sdk: u32) -> Result<Option<Self>> {
        let home = std::env::var_os("ANDROID_NDK_HOME").filter(|home| !home.is_empty());
        let Some(home) = home else { return Ok(None) };
        let ndk = Self::at(Path::new(&home), min_sdk)?;
        ABIS.iter().try_for_each(ensure_std)?;
        Ok(Some(ndk))
    }

    fn at(home: &Path, min_sdk: u32) -> Result<Self> {
        let hosts = home.join("toolchains/llvm/prebuilt");
        let wrong = || format!("ANDROID_NDK_HOME names no NDK: looked for {}/*", hosts.display());
        // One folder, named after the machine that the NDK runs on.
        let entries = fs::read_dir(&hosts).with_context(wrong)?.filter_map(Result::ok);
        let host = entries.map(|entry| entry.path()).find(|path| path.is_dir());
        let ndk = Self { tools: host.with_context(wrong)?.join("bin"), min_sdk };
        let compilers = ABIS.iter().map(|abi| ndk.compiler(abi));
        for tool in compilers.chain([ndk.archiver()]) {
            let says = "ANDROID_NDK_HOME names no NDK that builds for this Android";
            ensure!(tool.is_file(), "{says}: looked for {}", tool.display());
        }
        Ok(ndk)
    }

    /// Builds the library for one kind of processor, and checks what came out.
    pub(crate) fn build(&self, abi: &Abi) -> Result<PathBuf> {
        let compiler = self.compiler(abi);
        let mut build = cargo(["rustc", "--release", "--package", "jalon-bindings", "--lib"]);
        build.args(["--crate-type", "cdylib", "--target", abi.target, "--"]);
        build.args(["-C", &format!("link-arg=-Wl,-z,max-page-size={PAGE_BYTES}")]);
        // It is renamed below: its own name is what Android's linker knows it by.
        build.args(["-C", &format!("link-arg=-Wl,-soname,{NAME}")]);
        let name = abi.target.replace('-', "_");
        build.env(format!("CARGO_TARGET_{}_LINKER", name.to_uppercase()), &compiler);
        build.env(format!("CC_{name}"), &compiler);
        build.env(format!("AR_{name}"), self.archiver());
        tools::run(&mut build)?;
        let library = crate::target().join(abi.target).join("release/libjalon_ffi.so");
        let bytes =
            fs::read(&library).with_context(|| format!("could not read {}", library.display()))?;
        check(abi, &bytes).with_context(|| format!("{} is not fit", library.display()))?;
        Ok(library)
    }

    fn compiler(&self, abi: &Abi) -> PathBuf {
        self.tools.join(format!("{}{}-clang", abi.clang, self.min_sdk))
    }

    fn archiver(&self) -> PathBuf {
        self.tools.join("llvm-ar")
    }
}

/// Rust's own library for the target: rustup brings it.
fn ensure_std(abi: &Abi) -> Result<()> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut ask = Command::new(rustc);
    ask.args(["--print", "target-libdir", "--target", abi.target]).current_dir(crate::root());
    let folder = tools::output(&mut ask)?;
    ensure!(
        Path::new(folder.trim()).is_dir(),
        "Rust's standard library for {0} is missing: run `rustup target add {0}`",
        abi.target
    );
    Ok(())
}

/// Whether Android will load it, on every phone of that kind.
fn check(abi: &Abi, bytes: &[u8]) -> Result<()> {
    let elf = Elf::parse(bytes).context("it is no ELF file")?;
    let machine = elf.header.e_machine;
    ensure!(machine == abi.machine, "it is for machine {machine}, not {}", abi.machine);
    let mut segments = elf.program_headers.iter().filter(|header| header.p_type == PT_LOAD);
    ensure!(segments.clone().next().is_some(), "it has nothing to load");
    if let Some(segment) = segments.find(|segment| segment.p_align % PAGE_BYTES != 0) {
        bail!("a segment is aligned to {:#x}, and phones have pages of 16 KiB", segment.p_align);
    }
    if let Some(library) = elf.libraries.iter().find(|name| !SYSTEM.contains(name)) {
        bail!("it needs {library}, which is not on every Android");
    }
    ensure!(elf.soname == Some(NAME), "it calls itself {:?}, not {NAME}", elf.soname);
    let mut exports = elf.dynsyms.iter().filter(|symbol| !symbol.is_import());
    let exported = |name: &str| name.starts_with("Java_jalon_android_");
    ensure!(
        exports.any(|symbol| elf.dynstrtab.get_at(symbol.st_name).is_some_and(exported)),
        "it exports no Java_jalon_android_*: Kotlin would find nothing in it"
    );
    Ok(())
}

#[cfg(test)]
#[path = "native_test.rs"]
mod tests;
