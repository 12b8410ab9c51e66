//! Circles: modules beside each other that use each other, directly or by way of others.
//!
//! What stands inside a module counts as that module's. A module may use the one it stands in, and
//! what stands in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::modules::{ModulePath, Modules, Use};

/// What the modules inside one module use of each other, with the places that do.
type Level = BTreeMap<String, BTreeMap<String, Vec<Use>>>;

/// The circles of a crate, each as a text that names it and the lines that make it.
pub(crate) fn circles(folder: &str, modules: &Modules) -> Vec<String> {
    let mut levels: BTreeMap<ModulePath, Level> = BTreeMap::new();
    for one in modules.uses().into_iter().filter(|one| !one.in_test) {
        let shared = one.from.iter().zip(&one.to).take_while(|(from, to)| from == to).count();
        if let (Some(from), Some(to)) = (one.from.get(shared), one.to.get(shared)) {
            let level = levels.entry(one.from[..shared].to_vec()).or_default();
            level.entry(from.clone()).or_default().entry(to.clone()).or_default().push(one);
        }
    }
    levels.iter().flat_map(|(inside, level)| circles_of(folder, inside, level)).collect()
}

fn circles_of(folder: &str, inside: &ModulePath, level: &Level) -> Vec<String> {
    let reachable_from: BTreeMap<&String, BTreeSet<&String>> =
        level.keys().map(|module| (module, reachable(level, module))).collect();
    let leads = |from: &String, to: &String| reachable_from[from].contains(to);
    let mut told = BTreeSet::new();
    let mut circles = Vec::new();
    for first in level.keys().filter(|module| leads(module, module)) {
        let circle: BTreeSet<&String> =
            level.keys().filter(|module| leads(first, module) && leads(module, first)).collect();
        if told.insert(circle.clone()) {
            circles.push(describe(folder, inside, level, &circle));
        }
    }
    circles
}

/// What a module uses, directly or by way of others.
fn reachable<'a>(level: &'a Level, module: &String) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&String> = level[module].keys().collect();
    while let Some(module) = next.pop() {
        if found.insert(module) {
            next.extend(level.get(module).into_iter().flat_map(BTreeMap::keys));
        }
    }
    found
}

fn describe(
    folder: &str,
    inside: &ModulePath,
    level: &Level,
    circle: &BTreeSet<&String>,
) -> String {
    const LINES_MAX: usize = 3;
    let names: Vec<&str> = circle.iter().map(|name| name.as_str()).collect();
    let inside = [&[folder.to_owned()], inside.as_slice()].concat().join("/");
    let mut text = format!("in {inside}, {} use each other in a circle:", names.join(" and "));
    for from in circle {
        for (to, uses) in level[*from].iter().filter(|(to, _)| circle.contains(to)) {
            let place = |one: &Use| format!("{}:{}", one.file.display(), one.line);
            let mut places: Vec<String> = uses.iter().map(place).collect();
            places.dedup();
            let more = places.len().saturating_sub(LINES_MAX);
            places.truncate(LINES_MAX);
            let _ = write!(text, "\n  {from} uses {to}: {}", places.join(", "));
            if more > 0 {
                let _ = write!(text, " and {more} more");
            }
        }
    }
    text
}
