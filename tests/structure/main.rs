//! **Structure**, read from the source: modules of the core use lower ranks only, modules of no crate
//! use each other in a circle, SQLite and the wire's JSON stay in their modules, and files stay
//! short. `small_crates` shows that each check finds what it is for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod circles;
mod modules;
mod ranks;
mod small_crates;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use modules::{Files, Modules};

/// A longer file holds more than one concept, and is split.
const LINES_MAX: usize = 400;

#[test]
fn each_module_of_the_core_uses_lower_ranks_only() {
    let page = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let core = Modules::read(&sources("src"), Path::new("src/lib.rs"));
    let broken = ranks::broken(&core, &ranks::table(&page));
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn modules_of_no_crate_use_each_other_in_a_circle() {
    let mut found = Vec::new();
    for folder in folders("src") {
        let files = sources(&folder);
        let roots = roots(&files);
        assert!(!roots.is_empty(), "{folder} has no crate");
        for root in roots {
            found.extend(circles::circles(&folder, &Modules::read(&files, &root)));
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn sqlite_and_the_wires_json_stay_in_their_modules() {
    for (path, text) in sources("src") {
        let shown = path.display();
        if shown.to_string().ends_with("_test.rs") {
            continue;
        }
        let module = top_level_module(&path);
        let may_sql = ["store", "error"].contains(&module.as_str());
        assert!(may_sql || !text.contains("rusqlite"), "{shown} uses SQLite");
        assert!(module == "wire" || !text.contains("serde_json"), "{shown} uses JSON");
    }
}

#[test]
fn no_source_file_is_longer_than_400_lines() {
    let folders = folders("src").into_iter().chain(folders("tests"));
    let mut long = Vec::new();
    for (path, text) in folders.flat_map(|folder| sources(&folder)) {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            long.push(format!("{} has {lines} lines", path.display()));
        }
    }
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

/// The folder of that name in each of the workspace's crates, which its manifest lists.
fn folders(name: &str) -> Vec<String> {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let list = manifest.split_once("\nmembers = [").unwrap().1.split_once(']').unwrap().0;
    let members = list.split('"').skip(1).step_by(2);
    let folder = |member| if member == "." { name.to_owned() } else { format!("{member}/{name}") };
    members.map(folder).collect()
}

/// The root files of a package's crates: of its library and its programs.
fn roots(files: &Files) -> Vec<PathBuf> {
    let is_root = |path: &&PathBuf| {
        let folder = path.parent().unwrap();
        folder.ends_with("src/bin") || path.ends_with("src/lib.rs") || path.ends_with("src/main.rs")
    };
    files.keys().filter(is_root).cloned().collect()
}

fn top_level_module(path: &Path) -> String {
    let below = path.strip_prefix("src").unwrap().components().next().unwrap();
    Path::new(&below).file_stem().unwrap().to_str().unwrap().to_owned()
}

/// Every Rust file of a folder, at whatever depth.
fn sources(folder: &str) -> Files {
    let mut files = Files::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(path.clone(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}
