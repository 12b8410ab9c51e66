//! Ranks: a module of the core uses lower ranks only, by the table of ARCHITECTURE.md.

use std::collections::BTreeMap;

use crate::modules::Modules;

const HEADING: &str = "## Who may use whom";

/// The rank of each module, as the page's table has it: the number in its first column, the modules
/// in backticks in its second.
pub(crate) fn table(page: &str) -> BTreeMap<String, usize> {
    let lines = page.lines().skip_while(|line| *line != HEADING).skip(1);
    let section = lines.take_while(|line| !line.starts_with("## "));
    let mut ranks = BTreeMap::new();
    for line in section {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(rank), Some(modules)) = (cells.next(), cells.next()) else { continue };
        let Ok(rank) = rank.parse() else { continue };
        for module in modules.split('`').skip(1).step_by(2) {
            let before = ranks.insert(module.to_owned(), rank);
            assert_eq!(before, None, "`{module}` has two ranks");
        }
    }
    assert!(!ranks.is_empty(), "no ranks below `{HEADING}`");
    ranks
}

/// What breaks the ranks: a module without one, a rank without its module, a use of the same rank
/// or a higher one. Tests keep to them too.
pub(crate) fn broken(modules: &Modules, ranks: &BTreeMap<String, usize>) -> Vec<String> {
    let there: Vec<&String> = modules.paths().map(|path| &path[0]).collect();
    let mut broken = Vec::new();
    for module in ranks.keys().filter(|module| !there.contains(module)) {
        broken.push(format!("`{module}` has a rank and no file"));
    }
    for path in modules.paths().filter(|path| path.len() == 1 && !ranks.contains_key(&path[0])) {
        broken.push(format!("`{}` has no rank: give it one in ARCHITECTURE.md", path[0]));
    }
    for one in modules.uses() {
        let (Some(from), Some(to)) = (one.from.first(), one.to.first()) else { continue };
        let (Some(own), Some(other)) = (ranks.get(from), ranks.get(to)) else { continue };
        if from != to && other >= own {
            let place = format!("{}:{}", one.file.display(), one.line);
            broken.push(format!("{place}: {from} (rank {own}) uses {to} (rank {other})"));
        }
    }
    broken
}
