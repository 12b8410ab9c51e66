//! Apple's open headers and the list of what its system library offers: as the Zig compiler's wheel
//! carries them, for building and checking static libraries where there is no Xcode.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::tools::{self, need};

/// The wheel, by name and content.
const WHEEL: &str = "ziglang==0.17.1 \
    --hash=sha256:ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54\n";
const HEADERS: &str = "ziglang/lib/libc/include/any-darwin-any";
const SYSTEM: &str = "ziglang/lib/libc/darwin/libSystem.tbd";

/// The folder of headers, as `usr/include` of an SDK.
pub(crate) fn headers() -> Result<PathBuf> {
    Ok(unpacked()?.join(HEADERS))
}

/// The symbols that `libSystem` exports on every platform we build for, as the linker knows them.
pub(crate) fn system_symbols() -> Result<Vec<String>> {
    let text = fs::read_to_string(unpacked()?.join(SYSTEM))?;
    Ok(symbols_of(&text))
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Fetches the wheel by pip, which checks its content, and takes out what is used.
fn unpacked() -> Result<PathBuf> {
    const WHY: &str = "Apple's headers, out of a Python wheel,";
    let folder = crate::target().join("apple/sdk-0.17.1");
    if folder.join(SYSTEM).exists() {
        return Ok(folder);
    }
    need("python3", "python3-minimal", WHY)?;
    need("pip3", "python3-pip", WHY)?;
    let half = folder.with_extension("half-made");
    if half.exists() {
        fs::remove_dir_all(&half)?;
    }
    fs::create_dir_all(&half)?;
    let wanted = half.join("wanted.txt");
    fs::write(&wanted, WHEEL)?;
    let mut pip = Command::new("pip3");
    pip.args(["download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]);
    pip.args(["--platform", "manylinux2010_x86_64", "--dest"]).arg(&half);
    tools::run(pip.arg("--requirement").arg(&wanted))?;
    let wheel = fs::read_dir(&half)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip brought no wheel")?;
    let mut archive = zip::ZipArchive::new(fs::File::open(&wheel)?)?;
    for at in 0..archive.len() {
        let mut file = archive.by_index(at)?;
        let name = file.name()?.into_owned();
        if file.is_dir() || !(name.starts_with(HEADERS) || name == SYSTEM) {
            continue;
        }
        let path = file.enclosed_name().context("a path out of the wheel")?;
        let path = half.join(path);
        fs::create_dir_all(path.parent().context("a file without a folder")?)?;
        std::io::copy(&mut file, &mut fs::File::create(&path)?)?;
    }
    fs::remove_file(&wheel)?;
    ensure!(half.join(SYSTEM).exists(), "the wheel has no {SYSTEM}");
    fs::rename(&half, &folder)?;
    Ok(folder)
}

/// The names in the lists of a text-based stub.
fn symbols_of(stub: &str) -> Vec<String> {
    let names = stub.split(|c: char| c.is_whitespace() || ",[]{}'\"".contains(c));
    names.filter(|name| name.starts_with('_')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_symbols_out_of_a_stub() {
        let stub = "exports:\n  - targets: [ arm64-ios ]\n    symbols: [ _open, '_stat$INODE64',\n      _read ]\n";
        assert_eq!(symbols_of(stub), ["_open", "_stat$INODE64", "_read"]);
    }
}
