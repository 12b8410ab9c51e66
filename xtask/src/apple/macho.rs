//! Reads Apple's static libraries: platform, minimum version and undefined symbols. Also the fat file
//! that holds one for each processor.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use object::macho::{self, MachHeader64};
use object::read::archive::ArchiveFile;
use object::read::macho::MachHeader as _;
use object::{LittleEndian, Object as _, ObjectSymbol as _};

/// A static library, read.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    /// Platform and minimum version of each object that says so: `(2, 15.0)` is iOS 15.
    pub(crate) versions: BTreeSet<(u32, String)>,
    /// The processor, such as `arm64`.
    pub(crate) processors: BTreeSet<&'static str>,
    /// What no object in it defines.
    pub(crate) undefined: BTreeSet<String>,
    /// What it defines for others.
    pub(crate) defined: BTreeSet<String>,
}

/// Reads every object of a static library.
pub(crate) fn read(data: &[u8]) -> Result<Archive> {
    let mut found = Archive::default();
    let mut wanted = BTreeSet::new();
    let archive = ArchiveFile::parse(data).context("no archive")?;
    for member in archive.members() {
        let member = member?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let bytes = member.data(data)?;
        // rustc's own note on the crate.
        if Path::new(&name).extension().is_some_and(|extension| extension == "rmeta") {
            continue;
        }
        object_of(bytes, &mut found, &mut wanted).with_context(|| format!("object {name}"))?;
    }
    found.undefined = wanted.difference(&found.defined).cloned().collect();
    Ok(found)
}

fn object_of(bytes: &[u8], found: &mut Archive, wanted: &mut BTreeSet<String>) -> Result<()> {
    let header = MachHeader64::<LittleEndian>::parse(bytes, 0)?;
    let endian = header.endian()?;
    found.processors.insert(match header.cputype(endian) {
        macho::CPU_TYPE_ARM64 => "arm64",
        macho::CPU_TYPE_X86_64 => "x86_64",
        other => bail!("a processor of no Apple device: {other:#x}"),
    });
    let mut commands = header.load_commands(endian, bytes, 0)?;
    while let Some(command) = commands.next()? {
        if let Some(build) = command.build_version()? {
            let version = build.minos.get(endian);
            let version = format!("{}.{}", version >> 16, version >> 8 & 0xff);
            found.versions.insert((build.platform.get(endian), version));
        }
        let old = [macho::LC_VERSION_MIN_IPHONEOS, macho::LC_VERSION_MIN_MACOSX];
        ensure!(!old.contains(&command.cmd()), "a load command from before iOS 12");
    }
    for symbol in object::File::parse(bytes)?.symbols() {
        let name = symbol.name()?.to_owned();
        if symbol.is_undefined() {
            wanted.insert(name);
        } else if symbol.is_global() {
            found.defined.insert(name);
        }
    }
    Ok(())
}

/// One file with a library for each processor, as `lipo -create` writes it.
pub(crate) fn fat(slices: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    /// Archives lie at multiples of 8.
    const ALIGN: u32 = 3;
    let mut out = Vec::new();
    let mut header = |value: u32| out.extend(value.to_be_bytes());
    header(macho::FAT_MAGIC);
    header(u32::try_from(slices.len())?);
    let mut at = 8 + 20 * slices.len();
    let mut places = Vec::new();
    for (processor, data) in slices {
        at = at.next_multiple_of(1 << ALIGN);
        let (kind, subkind) = match *processor {
            "arm64" => (macho::CPU_TYPE_ARM64, macho::CPU_SUBTYPE_ARM64_ALL),
            "x86_64" => (macho::CPU_TYPE_X86_64, macho::CPU_SUBTYPE_X86_64_ALL),
            other => bail!("no processor `{other}`"),
        };
        for value in [kind, subkind, u32::try_from(at)?, u32::try_from(data.len())?, ALIGN] {
            header(value);
        }
        places.push(at);
        at += data.len();
    }
    for (place, (_, data)) in places.into_iter().zip(slices) {
        out.resize(place, 0);
        out.extend_from_slice(data);
    }
    Ok(out)
}

/// The libraries in a fat file; the one file itself where it is none.
pub(crate) fn slices(data: &[u8]) -> Result<Vec<&[u8]>> {
    use object::read::macho::FatArch as _;
    if data.starts_with(b"!<arch>\n") {
        return Ok(vec![data]);
    }
    let file = object::read::macho::MachOFatFile32::parse(data)?;
    file.arches().iter().map(|slice| Ok(slice.data(data)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fat_file_gives_back_what_went_in() -> Result<()> {
        let (one, other) = (b"!<arch>\nabc".to_vec(), b"!<arch>\nlonger than that".to_vec());
        let file = fat(&[("arm64", one.clone()), ("x86_64", other.clone())])?;
        assert_eq!(slices(&file)?, [&one[..], &other[..]]);
        assert_eq!(slices(&one)?, [&one[..]]);
        assert!(fat(&[("riscv", one)]).is_err());
        Ok(())
    }
}
