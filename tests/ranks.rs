//! The structure: each module of `src/` uses lower ranks only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The table of `ARCHITECTURE.md`.
const RANKS: [&[&str]; 8] = [
    &["error", "clock"],
    &["config", "call"],
    &["event", "session", "consent", "preview", "proof"],
    &["wire"],
    &["journal", "store", "transport", "upload"],
    &["recorder"],
    &["installation"],
    &["worker"],
];
const TOP: &str = "journey";

#[test]
fn each_module_uses_lower_ranks_only() {
    let mut rank: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, modules) in RANKS.iter().enumerate() {
        rank.extend(modules.iter().map(|module| (*module, number)));
    }
    rank.insert(TOP, RANKS.len());
    let mut seen = Vec::new();
    for (module, path) in sources(Path::new("src"), None) {
        let Some(own) = rank.get(module.as_str()) else {
            panic!("{path} has no rank: give it one here and in ARCHITECTURE.md");
        };
        let text = fs::read_to_string(&path).unwrap();
        for used in text.split("crate::").skip(1) {
            let used: String =
                used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            // Uses of the crate's public names in docs (`crate::Status`) start with a capital.
            if used.is_empty() || used == module {
                continue;
            }
            let other = rank.get(used.as_str()).unwrap_or_else(|| panic!("{used} has no rank"));
            assert!(other < own, "{path}: {module} (rank {own}) uses {used} (rank {other})");
        }
        seen.push(module);
    }
    for module in rank.keys() {
        assert!(seen.iter().any(|s| s == module), "{module} has a rank and no file");
    }
}

#[test]
fn sqlite_and_the_wires_json_stay_in_their_modules() {
    for (module, path) in sources(Path::new("src"), None) {
        let text = fs::read_to_string(&path).unwrap();
        if path.ends_with("_test.rs") {
            continue;
        }
        let may_sql = ["store", "error"].contains(&module.as_str());
        assert!(may_sql || !text.contains("rusqlite"), "{path} uses SQLite");
        assert!(module == "wire" || !text.contains("serde_json"), "{path} uses JSON");
    }
}

fn sources(dir: &Path, module: Option<&str>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(sources(&path, Some(module.unwrap_or(&stem))));
        } else if path.extension().is_some_and(|e| e == "rs") && stem != "lib" {
            let name = stem.trim_end_matches("_test");
            found.push((module.unwrap_or(name).to_owned(), path.display().to_string()));
        }
    }
    found
}
