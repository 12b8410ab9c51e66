//! ELF files made here, each with one fault; and folders that are no NDK.

use super::*;

/// A shared library, as small as goblin reads one.
struct Library {
    machine: u16,
    align: u64,
    needs: &'static str,
    soname: &'static str,
    exports: &'static str,
}

const GOOD: Library = Library {
    machine: EM_AARCH64,
    align: PAGE_BYTES,
    needs: "libc.so",
    soname: NAME,
    exports: "Java_jalon_android_Native_open",
};

impl Library {
    /// One segment to load (the whole file, at address 0), one dynamic table, two symbols.
    fn bytes(&self) -> Vec<u8> {
        const HEADERS: u64 = 64 + 2 * 56;
        const DYNAMIC: u64 = 7 * 16;
        const SYMBOLS: u64 = 2 * 24;
        const HASH: u64 = 4 * 5;
        let (dynamic, symbols) = (HEADERS, HEADERS + DYNAMIC);
        let (hash, strings) = (symbols + SYMBOLS, symbols + SYMBOLS + HASH);
        let mut text = vec![0];
        let [needs, soname, exports] = [self.needs, self.soname, self.exports].map(|name| {
            let at = text.len() as u64;
            text.extend(name.bytes().chain([0]));
            at
        });
        let size = strings + text.len() as u64;
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let half = |file: &mut Vec<u8>, words: &[u16]| {
            file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        };
        let word = |file: &mut Vec<u8>, words: &[u32]| {
            file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        };
        let long = |file: &mut Vec<u8>, words: &[u64]| {
            file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        };
        // The file's header: a shared library whose two program headers follow at once.
        half(&mut file, &[3, self.machine]);
        word(&mut file, &[1]);
        long(&mut file, &[0, 64, 0]);
        word(&mut file, &[0]);
        half(&mut file, &[64, 56, 2, 64, 0, 0]);
        // PT_LOAD, PT_DYNAMIC.
        word(&mut file, &[1, 5]);
        long(&mut file, &[0, 0, 0, size, size, self.align]);
        word(&mut file, &[2, 4]);
        long(&mut file, &[dynamic, dynamic, dynamic, DYNAMIC, DYNAMIC, 8]);
        // DT_NEEDED, DT_SONAME, DT_HASH, DT_STRTAB, DT_STRSZ, DT_SYMTAB, the end.
        long(&mut file, &[1, needs, 14, soname, 4, hash]);
        long(&mut file, &[5, strings, 10, text.len() as u64, 6, symbols, 0, 0]);
        // The empty symbol, and a global function.
        file.extend([0; 24]);
        word(&mut file, &[exports as u32]);
        file.extend([0x12, 0]);
        half(&mut file, &[1]);
        long(&mut file, &[dynamic, 1]);
        // A hash table of one bucket and two chains.
        word(&mut file, &[1, 2, 1, 0, 0]);
        file.extend(text);
        file
    }

    fn fault(&self) -> String {
        let checked = check(&ABIS[0], &self.bytes());
        checked.map_or_else(|error| format!("{error:#}"), |()| "none".to_owned())
    }
}

#[test]
fn takes_a_library_that_android_loads() {
    assert_eq!(GOOD.fault(), "none");
}

#[test]
fn refuses_another_machine() {
    let fault = Library { machine: EM_X86_64, ..GOOD }.fault();
    assert_eq!(fault, "it is for machine 62, not 183");
}

#[test]
fn refuses_segments_aligned_to_4_kib() {
    let fault = Library { align: 4096, ..GOOD }.fault();
    assert_eq!(fault, "a segment is aligned to 0x1000, and phones have pages of 16 KiB");
}

#[test]
fn refuses_what_needs_a_library_of_another_system() {
    let fault = Library { needs: "libgcc_s.so.1", ..GOOD }.fault();
    assert_eq!(fault, "it needs libgcc_s.so.1, which is not on every Android");
}

#[test]
fn refuses_another_name_and_a_library_without_our_methods() {
    let fault = Library { soname: "libjalon_ffi.so", ..GOOD }.fault();
    assert_eq!(fault, "it calls itself Some(\"libjalon_ffi.so\"), not libjalon.so");
    let fault = Library { exports: "jalon_open", ..GOOD }.fault();
    assert!(fault.starts_with("it exports no Java_jalon_android_*"), "{fault}");
}

#[test]
fn refuses_what_is_no_library_at_all() {
    assert!(check(&ABIS[0], b"an empty object").is_err());
}

#[test]
fn names_what_a_wrong_ndk_lacks() {
    let home = tempfile::tempdir().unwrap();
    let wrong = Ndk::at(home.path(), 23).unwrap_err();
    assert!(format!("{wrong:#}").contains("toolchains/llvm/prebuilt"), "{wrong:#}");

    let tools = home.path().join("toolchains/llvm/prebuilt/linux-x86_64/bin");
    fs::create_dir_all(&tools).unwrap();
    for tool in ["aarch64-linux-android23-clang", "armv7a-linux-androideabi23-clang", "llvm-ar"] {
        fs::write(tools.join(tool), "").unwrap();
    }
    let wrong = Ndk::at(home.path(), 23).unwrap_err();
    assert!(format!("{wrong:#}").contains("x86_64-linux-android23-clang"), "{wrong:#}");

    fs::write(tools.join("x86_64-linux-android23-clang"), "").unwrap();
    assert_eq!(Ndk::at(home.path(), 23).unwrap().tools, tools);
}
