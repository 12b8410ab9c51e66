//! The checks themselves, on small crates.

use std::path::Path;

use crate::circles::circles;
use crate::modules::{Files, Modules};
use crate::ranks;

/// A crate of these files below `src`, of which `lib.rs` is the root.
fn modules(files: &[(&str, &str)]) -> Modules {
    let file = |(path, text): &(&str, &str)| (Path::new("src").join(path), (*text).to_owned());
    let files: Files = files.iter().map(file).collect();
    Modules::read(&files, Path::new("src/lib.rs"))
}

/// The circles of such a crate.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    circles("src", &modules(files))
}

const TWO: (&str, &str) = ("lib.rs", "mod a; mod b;");

#[test]
fn modules_that_use_one_way_form_no_circle() {
    assert_eq!(found(&[TWO, ("a.rs", "use crate::b::B;"), ("b.rs", "pub struct B;")]), [""; 0]);
}

#[test]
fn a_circle_is_named_with_the_lines_that_make_it() {
    let a = "//! Uses b.\n\nuse crate::b::B;\nfn f(_: B) {}\n";
    let b = "pub struct B;\nfn g() { crate::a::f(B) }\n";
    assert_eq!(
        found(&[TWO, ("a.rs", a), ("b.rs", b)]),
        [
            "in src, a and b use each other in a circle:\n  a uses b: src/a.rs:3\n  b uses a: src/b.rs:2"
        ]
    );
}

#[test]
fn a_circle_may_go_by_way_of_others() {
    let circles = found(&[
        ("lib.rs", "mod a; mod b; mod c; mod beside;"),
        ("a.rs", "use crate::b;"),
        ("b.rs", "use crate::c;"),
        ("c.rs", "use crate::a;"),
        ("beside.rs", "use crate::a;"),
    ]);
    assert_eq!(circles.len(), 1);
    assert!(circles[0].starts_with("in src, a and b and c use each other"), "{}", circles[0]);
    assert!(circles[0].contains("c uses a: src/c.rs:1") && !circles[0].contains("beside"));
}

#[test]
fn paths_are_read_wherever_they_stand() {
    for uses_a in [
        "use crate::{c::C, a::{self, A}};",
        "use super::a::A as Other;",
        "use {crate::a::A};",
        "use super::{\n  c,\n  a::*,\n};",
        "fn f() -> Vec<crate::a::A> { vec![] }",
        "fn f() { assert_eq!(1, crate::a::ONE); }",
        "fn f() { use crate::a; }",
        "mod inner { use crate::a::A; }",
        "mod inner { use super::super::a::A; }",
        "use crate::a as other; fn f() { other::f(); }",
        "pub(crate) use self::inner::A; mod inner { pub(crate) use crate::a::A; }",
        "macro_rules! m { () => { $crate::a::f() } }",
        "fn f() -> impl Sized + use<> { crate::a::f(); }",
        "#[cfg(test)] mod tests { } fn f() { crate::a::f(); }",
    ] {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b;"),
            ("b.rs", uses_a),
            ("c.rs", "pub struct C;"),
        ];
        assert_eq!(found(&files).len(), 1, "{uses_a}");
    }
}

#[test]
fn what_is_no_use_counts_as_none() {
    for uses_nothing in [
        "/// [`crate::a::A`]\nstruct B; // crate::a::A",
        "const A: &str = \"crate::a::A\";",
        "pub(in crate::a) struct B;",
        "#[cfg(test)]\nmod tests { use crate::a::A; }",
        "#[cfg(test)]\nuse crate::a::A;",
        "#[cfg(test)]\nfn f(_: &[u8; 3]) { crate::a::f(); }",
        "use a::A; use ::a::B;",
    ] {
        let files = [TWO, ("a.rs", "use crate::b;"), ("b.rs", uses_nothing)];
        assert_eq!(found(&files), [""; 0], "{uses_nothing}");
    }
}

#[test]
fn a_name_that_another_module_hands_on_is_a_use_of_its_own_module() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::A;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "use crate::A; pub struct B;"),
    ];
    assert_eq!(found(&files).len(), 1);
}

#[test]
fn a_module_and_what_stands_in_it_may_use_each_other() {
    let files = [
        ("lib.rs", "mod a; struct Top; use a::A;"),
        ("a/mod.rs", "mod b; use b::B; pub struct A(B, crate::Top);"),
        ("a/b.rs", "use super::A; use crate::Top; pub struct B;"),
    ];
    assert_eq!(found(&files), [""; 0]);
}

#[test]
fn circles_are_found_at_every_depth_and_between_what_stands_in_two_modules() {
    let deep = [
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod b; mod c;"),
        ("a/b.rs", "use super::c::C;"),
        ("a/c.rs", "use crate::a::b;"),
    ];
    assert!(found(&deep)[0].starts_with("in src/a, b and c use each other"), "{:?}", found(&deep));
    let across = [
        TWO,
        ("a.rs", "mod inner;"),
        ("a/inner.rs", "use crate::b::inner;"),
        ("b.rs", "mod inner; mod other;"),
        ("b/inner.rs", ""),
        ("b/other.rs", "use crate::a;"),
    ];
    assert!(
        found(&across)[0].starts_with("in src, a and b use each other"),
        "{:?}",
        found(&across)
    );
}

#[test]
fn a_module_whose_file_has_another_name_is_read() {
    let files = [
        TWO,
        ("a.rs", "#[path = \"elsewhere.rs\"] mod inner;"),
        ("elsewhere.rs", "use crate::b;"),
        ("b.rs", "use crate::a;"),
    ];
    assert_eq!(found(&files).len(), 1);
}

/// What is wrong with the ranks of two modules under this page.
fn broken(page: &str, a: &str, b: &str) -> Vec<String> {
    let page = format!("# Title\n\n## Who may use whom\n\n{page}\n\n## Next\n\n| 9 | `z` | |\n");
    ranks::broken(&modules(&[TWO, ("a.rs", a), ("b.rs", b)]), &ranks::table(&page))
}

const RANKS: &str = "| rank | modules | |\n|---|---|---|\n| 0 | `a` | beside `x` |\n| 1 | `b` | |";

#[test]
fn a_lower_rank_may_be_used_and_no_other() {
    assert_eq!(broken(RANKS, "", "use crate::a;"), [""; 0]);
    assert_eq!(broken(RANKS, "\nuse crate::b;", ""), ["src/a.rs:2: a (rank 0) uses b (rank 1)"]);
    let equal = RANKS.replace("| 1 |", "| 0 |");
    assert_eq!(broken(&equal, "", "use super::a;"), ["src/b.rs:1: b (rank 0) uses a (rank 0)"]);
    let by_a_test = "#[cfg(test)] mod tests { use crate::b::B; }";
    assert_eq!(broken(RANKS, by_a_test, ""), ["src/a.rs:1: a (rank 0) uses b (rank 1)"]);
}

#[test]
fn every_module_has_a_rank_and_every_rank_a_module() {
    let for_tests = "#[cfg(all(doctest, feature = \"f\"))] mod samples {}";
    let files = [("lib.rs", &*format!("mod a; mod b; {for_tests}")), ("a.rs", ""), ("b.rs", "")];
    let ranks = ranks::table(&format!("## Who may use whom\n{RANKS}"));
    assert_eq!(ranks::broken(&modules(&files), &ranks), [""; 0]);
    let without = RANKS.replace(", `b`", "").replace("`b`", "");
    assert_eq!(broken(&without, "", ""), ["`b` has no rank: give it one in ARCHITECTURE.md"]);
    let more = RANKS.replace("`b`", "`b`, `c`");
    assert_eq!(broken(&more, "", ""), ["`c` has a rank and no file"]);
}
