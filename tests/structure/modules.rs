//! The modules of a crate, and which uses which. It judges nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::source::{Mention, ModuleLine, Source, Words};

/// The text of a crate's files.
pub(crate) type Files = BTreeMap<PathBuf, String>;
/// A module's names, from the crate's root on. The root has none.
pub(crate) type ModulePath = Vec<String>;

#[derive(Default)]
pub(crate) struct Modules(BTreeMap<ModulePath, Module>);

#[derive(Default)]
struct Module {
    for_tests: bool,
    /// What `use` lines bring in, by the name that it has here.
    imports: BTreeMap<String, Words>,
    mentions: Vec<(PathBuf, Mention)>,
}

/// One module uses another.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(crate) from: ModulePath,
    pub(crate) to: ModulePath,
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    /// Whether it is compiled for tests only.
    pub(crate) in_test: bool,
}

impl Modules {
    /// Reads a crate from its root file on, along its `mod` lines.
    pub(crate) fn read(files: &Files, root: &Path) -> Self {
        let mut modules = Self::default();
        modules.0.insert(ModulePath::new(), Module::default());
        modules.read_file(files, root, &ModulePath::new(), false);
        modules
    }

    fn read_file(&mut self, files: &Files, file: &Path, module: &ModulePath, for_tests: bool) {
        let Source { modules, imports, mentions } = Source::read(&files[file])
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let below = |inside: &Words| [module.as_slice(), inside].concat();
        for line in modules {
            let path = [below(&line.inside), vec![line.name.clone()]].concat();
            let for_tests = for_tests || line.in_test;
            self.0.entry(path.clone()).or_default().for_tests = for_tests;
            if line.has_file {
                self.read_file(files, &file_of(files, file, &line), &path, for_tests);
            }
        }
        for import in imports {
            let module = self.0.get_mut(&below(&import.inside)).unwrap();
            module.imports.insert(import.name, import.words);
        }
        for mut mention in mentions {
            mention.in_test |= for_tests;
            let module = self.0.get_mut(&below(&mention.inside)).unwrap();
            module.mentions.push((file.to_owned(), mention));
        }
    }

    /// Every module that is compiled into the crate, but the root.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &ModulePath> {
        let paths = self.0.iter().filter(|(_, module)| !module.for_tests).map(|(path, _)| path);
        paths.filter(|path| !path.is_empty())
    }

    /// Every use of one module by another.
    pub(crate) fn uses(&self) -> Vec<Use> {
        let mut uses = Vec::new();
        for (from, module) in &self.0 {
            for (file, Mention { words, line, in_test, .. }) in &module.mentions {
                let to = self.resolve(from, words, 0);
                if to != *from {
                    let (from, file) = (from.clone(), file.clone());
                    uses.push(Use { from, to, file, line: *line, in_test: *in_test });
                }
            }
        }
        uses
    }

    /// The module that a path leads to from where it stands. A path out of the crate leads nowhere,
    /// that is, to where it stands.
    fn resolve(&self, here: &ModulePath, words: &[String], renames: usize) -> ModulePath {
        let Some((first, mut rest)) = words.split_first() else { return here.clone() };
        let mut at = here.clone();
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => _ = at.pop(),
            _ => rest = words,
        }
        while let Some(("super", further)) = rest.split_first().map(|(w, r)| (w.as_str(), r)) {
            at.pop();
            rest = further;
        }
        self.descend(at, rest, renames)
    }

    /// Goes down by names of children, and by what the modules on the way import.
    fn descend(&self, mut at: ModulePath, words: &[String], renames: usize) -> ModulePath {
        // More than any path goes through; `use log::log` would go on for ever.
        const RENAMES_MAX: usize = 16;
        for (place, word) in words.iter().enumerate() {
            at.push(word.clone());
            if self.0.contains_key(&at) {
                continue;
            }
            at.pop();
            let imported = self.0.get(&at).and_then(|module| module.imports.get(word));
            return match imported {
                Some(target) if renames < RENAMES_MAX => {
                    let words = [target, &words[place + 1..]].concat();
                    self.resolve(&at, &words, renames + 1)
                }
                _ => at,
            };
        }
        at
    }
}

/// Where the compiler looks for the file of a `mod name;` that stands in `file`.
fn file_of(files: &Files, file: &Path, line: &ModuleLine) -> PathBuf {
    let folder = file.parent().unwrap();
    if let Some(path) = &line.path {
        return folder.join(path);
    }
    let stem = file.file_stem().unwrap();
    let is_folders_own = ["lib", "main", "mod"].iter().any(|own| stem == *own);
    let folder = if is_folders_own { folder.to_owned() } else { folder.join(stem) };
    let folder = line.inside.iter().fold(folder, |folder, module| folder.join(module));
    let name = &line.name;
    let places = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
    let found = places.into_iter().find(|place| files.contains_key(place));
    found.unwrap_or_else(|| panic!("{}: `mod {name};` has no file", file.display()))
}
