//! Kotlin's public surface beside Swift's: the same nouns, in the same order, but for what
//! `ios/api/surface.md` names with its reason. And everything public in Swift is documented.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

const TABLE: &str = "ios/api/surface.md";
const KOTLIN: &str = "android/jalon/api/jalon-android.api";

/// Compares both with the table; `graphs` holds what `swift-symbolgraph-extract` wrote.
pub(crate) fn check(graphs: &Path) -> Result<()> {
    let root = crate::root();
    let kotlin = kotlin_of(&fs::read_to_string(root.join(KOTLIN))?);
    let swift = swift_of(graphs)?;
    let rows = rows_of(&fs::read_to_string(root.join(TABLE)).context(TABLE)?)?;
    let column = |which: fn(&Row) -> &String| -> BTreeSet<String> {
        rows.iter().map(which).filter(|name| !name.is_empty()).cloned().collect()
    };
    differ("Kotlin", &kotlin, &column(|row| &row.kotlin))?;
    differ("Swift", &swift, &column(|row| &row.swift))?;
    for row in &rows {
        let same = row.kotlin == row.swift;
        ensure!(same != row.has_reason, "{TABLE}: `{}` | `{}`", row.kotlin, row.swift);
    }
    order(&root)
}

/// One row of the table.
struct Row {
    kotlin: String,
    swift: String,
    has_reason: bool,
}

fn rows_of(table: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [kotlin, swift, reason] = cells[..] else { bail!("{TABLE}: no three cells: {line}") };
        let name = |cell: &str| cell.trim_matches('`').to_owned();
        rows.push(Row { kotlin: name(kotlin), swift: name(swift), has_reason: !reason.is_empty() });
    }
    Ok(rows)
}

fn differ(language: &str, found: &BTreeSet<String>, table: &BTreeSet<String>) -> Result<()> {
    let new: Vec<_> = found.difference(table).collect();
    let gone: Vec<_> = table.difference(found).collect();
    ensure!(
        new.is_empty() && gone.is_empty(),
        "{TABLE} is not {language}'s surface: it lacks {new:?}, and {gone:?} is gone"
    );
    Ok(())
}

/// The public functions of both journeys stand in the same order.
fn order(root: &Path) -> Result<()> {
    let functions = |file: &str, keyword: &str| -> Result<Vec<String>> {
        let text = fs::read_to_string(root.join(file))?;
        let mut names: Vec<String> = Vec::new();
        for part in text.split(keyword).skip(1) {
            let name: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    };
    let kotlin =
        functions("android/jalon/src/main/kotlin/jalon/android/Journey.kt", "public fun ")?;
    let swift = functions("ios/Sources/Jalon/Journey.swift", "public func ")?;
    let only = |names: &[String], others: &[String]| -> Vec<String> {
        names.iter().filter(|name| others.contains(name)).cloned().collect()
    };
    let (ours, theirs) = (only(&swift, &kotlin), only(&kotlin, &swift));
    ensure!(
        ours == theirs,
        "Journey's functions stand in the order\n{ours:?} in Swift, and\n{theirs:?} in Kotlin"
    );
    Ok(())
}

/// The nouns of Kotlin's dump: classes, and what one can ask of them.
fn kotlin_of(dump: &str) -> BTreeSet<String> {
    /// What every class or view has, or the compiler made.
    const NONE: [&str; 9] = [
        "equals",
        "hashCode",
        "getEntries",
        "valueOf",
        "values",
        "onInitializeAccessibilityNodeInfo",
        "onSaveInstanceState",
        "onRestoreInstanceState",
        "Companion",
    ];
    let mut names = BTreeSet::new();
    let mut class = String::new();
    for line in dump.lines() {
        if let Some((_, rest)) = line.split_once("class jalon/android/") {
            class = rest.split([' ', '{']).next().unwrap_or_default().replace('$', ".");
            class = match class.split_once('.') {
                Some((outer, inner)) => format!("{outer}.{}", lower_first(inner)),
                None => class,
            };
            if !class.ends_with(".companion") {
                names.insert(class.clone());
            }
            continue;
        }
        // What a case holds is part of the case.
        if class.contains('.') || line.contains("synthetic") {
            continue;
        }
        let member = if let Some((_, rest)) = line.split_once(" fun ") {
            rest.split(' ').next().unwrap_or_default().to_owned()
        } else if let Some((_, rest)) = line.split_once(" field ") {
            rest.split(' ').next().unwrap_or_default().to_owned()
        } else {
            continue;
        };
        if member.starts_with('<') || NONE.contains(&member.as_str()) {
            continue;
        }
        let is_property = line.contains("()L") || line.contains(" ()") && !line.ends_with(")V");
        let property = member.strip_prefix("get").filter(|name| is_property && starts_upper(name));
        let setter = member.strip_prefix("set").filter(|name| starts_upper(name));
        let name = match (property, setter) {
            (Some(property), _) => lower_first(property),
            // The property's own name, where there is one to read too.
            (None, Some(property)) if dump_reads(dump, &class, property) => continue,
            _ if member.contains('_') || member.chars().all(|c| c.is_ascii_uppercase()) => {
                camel(&member)
            }
            _ => member,
        };
        names.insert(format!("{class}.{name}"));
    }
    names
}

fn dump_reads(dump: &str, class: &str, property: &str) -> bool {
    let start = format!("class jalon/android/{class} ");
    let body = dump.split_once(&start).map_or("", |(_, rest)| rest);
    let body = body.split_once("\n}").map_or(body, |(body, _)| body);
    body.contains(&format!(" get{property} ()"))
}

/// The nouns of Swift's symbol graphs, without the `Journey` that types are nested in.
fn swift_of(graphs: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut bare = BTreeMap::new();
    for entry in fs::read_dir(graphs)? {
        let path = entry?.path();
        if !path.to_string_lossy().ends_with(".symbols.json") {
            continue;
        }
        let graph: Value = serde_json::from_slice(&fs::read(&path)?)?;
        for symbol in graph["symbols"].as_array().context("no symbols")? {
            let file = symbol["location"]["uri"].as_str().unwrap_or_default();
            let made = symbol["identifier"]["precise"].as_str().unwrap_or_default();
            let kind = symbol["kind"]["identifier"].as_str().unwrap_or_default();
            let parts: Vec<&str> = symbol["pathComponents"]
                .as_array()
                .context("no path")?
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let written = file.contains("/ios/Sources/Jalon/") && !made.contains("::SYNTHESIZED::");
            if !written {
                continue;
            }
            if symbol["docComment"].is_null() {
                bare.insert(parts.join("."), file.to_owned());
            }
            if kind == "swift.init" || kind == "swift.func.op" {
                continue;
            }
            names.insert(plain(&parts, kind));
        }
    }
    ensure!(bare.is_empty(), "public and without documentation: {bare:?}");
    Ok(names)
}

/// `Journey.Event.screenView(_:)` is `Event.screenView`; `Journey.record(_:)` is itself.
fn plain(parts: &[&str], kind: &str) -> String {
    let is_type = ["swift.struct", "swift.enum", "swift.class", "swift.protocol"].contains(&kind);
    let nested =
        parts.first() == Some(&"Journey") && (parts.len() > 2 || is_type && parts.len() > 1);
    let parts = if nested { &parts[1..] } else { parts };
    let names: Vec<&str> =
        parts.iter().map(|part| part.split('(').next().unwrap_or(part)).collect();
    names.join(".")
}

fn starts_upper(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}

/// `NO_DIALER` is `noDialer`.
fn camel(constant: &str) -> String {
    let mut name = String::new();
    for (at, word) in constant.split('_').enumerate() {
        let word = word.to_ascii_lowercase();
        if at == 0 {
            name += &word;
        } else {
            name += &word[..1].to_ascii_uppercase();
            name += &word[1..];
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_nouns_of_a_kotlin_dump() {
        let dump = "public final class jalon/android/Journey {\n\
            \tpublic final fun setConsent (Ljalon/android/Consent;)V\n\
            \tpublic final fun status ()Ljalon/android/Status;\n}\n\
            public final class jalon/android/Event$CartChange : jalon/android/Event {\n\
            \tpublic final fun getDelta ()I\n}\n\
            public final class jalon/android/CallTexts {\n\
            \tpublic fun <init> ()V\n\
            \tpublic final fun getClose ()Ljava/lang/String;\n\
            \tpublic final fun setClose (Ljava/lang/String;)V\n}\n\
            public final class jalon/android/CallOutcome : java/lang/Enum {\n\
            \tpublic static final field NO_DIALER Ljalon/android/CallOutcome;\n}\n";
        let found: Vec<_> = kotlin_of(dump).into_iter().collect();
        assert_eq!(
            found,
            [
                "CallOutcome",
                "CallOutcome.noDialer",
                "CallTexts",
                "CallTexts.close",
                "Event.cartChange",
                "Journey",
                "Journey.setConsent",
                "Journey.status",
            ]
        );
    }

    #[test]
    fn takes_the_journey_off_what_is_nested_in_it() {
        assert_eq!(plain(&["Journey", "record(_:)"], "swift.method"), "Journey.record");
        assert_eq!(plain(&["Journey", "Event"], "swift.enum"), "Event");
        assert_eq!(plain(&["Journey", "Event", "order(_:)"], "swift.enum.case"), "Event.order");
        assert_eq!(plain(&["CallUsButton"], "swift.struct"), "CallUsButton");
    }
}
