//! Reads from a DEX file how large each class of an app is. (The format: "Dalvik executable
//! format", source.android.com.)

use anyhow::{Context as _, Result, ensure};

/// What a DEX file holds.
pub(crate) struct Dex {
    /// Methods that the file names, its own and those it calls: one file takes 65,536 of them.
    pub(crate) method_ids: u32,
    /// The classes it defines.
    pub(crate) classes: Vec<Class>,
}

/// A class of its own.
pub(crate) struct Class {
    /// As in Java: `jalon.android.Journey`.
    pub(crate) name: String,
    /// Methods that it defines.
    pub(crate) methods: u32,
    /// Bytes of their code; names, constants and tables are not in it.
    pub(crate) code_bytes: u32,
}

/// Where the header keeps (size, offset) of each table.
const STRING_IDS: usize = 0x38;
const TYPE_IDS: usize = 0x40;
const METHOD_IDS: usize = 0x58;
const CLASS_DEFS: usize = 0x60;

impl Dex {
    /// Reads a file's bytes.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        ensure!(bytes.starts_with(b"dex\n"), "it is no DEX file");
        let method_ids = u32_at(bytes, METHOD_IDS)?;
        let (count, table) = (u32_at(bytes, CLASS_DEFS)?, u32_at(bytes, CLASS_DEFS + 4)?);
        let classes = (0..count).map(|index| class(bytes, (table + index * 32) as usize));
        Ok(Self { method_ids, classes: classes.collect::<Result<_>>()? })
    }
}

fn class(bytes: &[u8], definition: usize) -> Result<Class> {
    let name = type_name(bytes, u32_at(bytes, definition)?)?;
    let mut class = Class { name, methods: 0, code_bytes: 0 };
    let data = u32_at(bytes, definition + 24)? as usize;
    if data == 0 {
        // An interface without members.
        return Ok(class);
    }
    let mut at = data;
    let mut next = || leb128(bytes, &mut at);
    let fields = next()? + next()?;
    class.methods = next()? + next()?;
    for _ in 0..fields * 2 {
        next()?;
    }
    for _ in 0..class.methods {
        let (_index, _flags, code) = (next()?, next()?, next()? as usize);
        if code != 0 {
            // A code item is 16 bytes and its instructions of two bytes each.
            class.code_bytes += 16 + 2 * u32_at(bytes, code + 12)?;
        }
    }
    Ok(class)
}

/// `Ljalon/android/Journey;` as `jalon.android.Journey`.
fn type_name(bytes: &[u8], index: u32) -> Result<String> {
    let string = u32_at(bytes, u32_at(bytes, TYPE_IDS + 4)? as usize + index as usize * 4)?;
    let ids = u32_at(bytes, STRING_IDS + 4)? as usize;
    let mut at = u32_at(bytes, ids + string as usize * 4)? as usize;
    leb128(bytes, &mut at)?;
    let rest = bytes.get(at..).context("a string ends early")?;
    let end = rest.iter().position(|byte| *byte == 0).context("a string has no end")?;
    let name = std::str::from_utf8(&rest[..end])?;
    let name = name.strip_prefix('L').and_then(|name| name.strip_suffix(';'));
    Ok(name.context("a class has no class's name")?.replace('/', "."))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let four = bytes.get(at..at + 4).context("the DEX file ends early")?;
    Ok(u32::from_le_bytes(four.try_into()?))
}

fn leb128(bytes: &[u8], at: &mut usize) -> Result<u32> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(*at).context("a number ends early")?;
        *at += 1;
        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    anyhow::bail!("a number has no end")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One class `a.B` with one field, and two methods: one of three instructions, one native.
    fn file() -> Vec<u8> {
        let mut file = vec![0; 0x70];
        file[..8].copy_from_slice(b"dex\n035\0");
        let put = |at: usize, value: u32, file: &mut Vec<u8>| {
            file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        };
        // string_ids, type_ids, class_defs, then what they point to.
        let (strings, types, classes, string, code, data) = (0x70, 0x74, 0x78, 0x98, 0xa0, 0xb8);
        file.resize(0xd0, 0);
        put(STRING_IDS, 1, &mut file);
        put(STRING_IDS + 4, strings, &mut file);
        put(TYPE_IDS, 1, &mut file);
        put(TYPE_IDS + 4, types, &mut file);
        put(METHOD_IDS, 7, &mut file);
        put(CLASS_DEFS, 1, &mut file);
        put(CLASS_DEFS + 4, classes, &mut file);
        put(strings as usize, string, &mut file);
        put(classes as usize + 24, data, &mut file);
        put(code as usize + 12, 3, &mut file);
        file[string as usize..][..7].copy_from_slice(b"\x05La/B;\0");
        // Fields: none static, one of instances. Methods: two direct, none virtual.
        let members = [0, 1, 2, 0, 0, 1, 0, 1, 0xa0, 0x01, 1, 1, 0];
        file[data as usize..][..members.len()].copy_from_slice(&members);
        file
    }

    #[test]
    fn counts_methods_and_their_code() {
        let dex = Dex::read(&file()).unwrap();
        assert_eq!(dex.method_ids, 7);
        let [class] = dex.classes.as_slice() else { panic!("one class") };
        assert_eq!((class.name.as_str(), class.methods, class.code_bytes), ("a.B", 2, 22));
    }

    #[test]
    fn says_that_a_file_ends_early() {
        let file = file();
        for end in 4..0xc4 {
            assert!(Dex::read(&file[..end]).is_err(), "cut at {end:#x}");
        }
        assert!(Dex::read(b"PK\x03\x04").is_err());
    }
}
