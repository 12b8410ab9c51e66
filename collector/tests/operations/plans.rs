//! No statement reads a whole table: each one in the sources is explained by SQLite itself.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use rusqlite::{Connection, params_from_iter, types::Null};

/// Statements that may walk a table, each with the reason why that is short.
const MAY_SCAN: [(&str, &str); 4] = [
    ("SELECT id, seal FROM audit ORDER BY id DESC LIMIT 1", "it stops at the first row"),
    ("SELECT app, algorithm, material, added_at FROM identity_keys", "an operator's command"),
    ("SELECT app, number, name, listed FROM screens", "an operator's command"),
    (
        "SELECT hash, kind, app, created_at, expires_at FROM keys",
        "read every two seconds: few rows",
    ),
];

#[test]
fn no_statement_scans_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let database = Connection::open(folder.path().join("collector.db")).unwrap();
    let statements = statements();
    assert!(statements.len() > 50, "only {} statements were found", statements.len());
    let migrations = std::fs::read_dir(sources().join("migrations")).unwrap();
    let mut migrations: Vec<_> = migrations.map(|file| file.unwrap().path()).collect();
    migrations.sort();
    for migration in migrations {
        database.execute_batch(&std::fs::read_to_string(migration).unwrap()).unwrap();
    }
    for sql in statements {
        if MAY_SCAN.iter().any(|(start, _)| sql.starts_with(start)) {
            continue;
        }
        for step in plan(&database, &sql) {
            assert!(!step.starts_with("SCAN ") || is_short(&step), "{step}: {sql}");
        }
    }
}

/// A walk over rows that the statement itself has found, or over none.
fn is_short(step: &str) -> bool {
    step == "SCAN CONSTANT ROW" || step.starts_with("SCAN (subquery")
}

fn plan(database: &Connection, sql: &str) -> Vec<String> {
    let explained = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}"));
    assert!(explained.is_ok(), "{explained:?}: {sql}");
    let mut explained = explained.unwrap();
    let nulls = vec![Null; explained.parameter_count()];
    let steps = explained.query_map(params_from_iter(nulls), |row| row.get("detail")).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

fn sources() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store"))
}

/// Every statement in the sources of the store.
fn statements() -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(sources()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            collect(text.parse().unwrap(), &mut found);
        }
    }
    found
}

fn collect(tokens: TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let text = text.trim_matches('"');
                let is_statement = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "]
                    .iter()
                    .any(|word| text.starts_with(word));
                if is_statement {
                    let whole = !text.replace("'{}'", "").contains(['{', '\\']);
                    assert!(whole, "a statement must be one literal: {text}");
                    found.push(text.to_owned());
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}
