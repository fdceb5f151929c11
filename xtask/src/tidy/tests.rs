//! Every rule is shown to fail on something bad and to pass something good.

use super::tree::{Crate, Tree};
use super::{RULES, judge};

fn tree(files: &[(&str, &str)], crates: &[(&str, &[&str])]) -> Tree {
    let crates = crates.iter().map(|(name, dependencies)| Crate {
        name: (*name).to_owned(),
        folder: format!("crates/{name}"),
        dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
    });
    Tree {
        files: files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())))
            .collect(),
        crates: crates.collect(),
    }
}

/// The places where the rule does not hold, as `file:line`.
fn places(rule: &str, tree: &Tree) -> Vec<String> {
    let (name, judge_by) = *RULES.iter().find(|(name, _)| *name == rule).unwrap();
    judge(name, judge_by, tree)
        .iter()
        .map(|found| format!("{}:{}", found.file, found.line))
        .collect()
}

#[track_caller]
fn check(rule: &str, files: &[(&str, &str)], expect: &[&str]) {
    assert_eq!(places(rule, &tree(files, &[])), expect);
}

#[track_caller]
fn check_crates(rule: &str, crates: &[(&str, &[&str])], expect: &[&str]) {
    assert_eq!(places(rule, &tree(&[], crates)), expect);
}

#[test]
fn only_arrows_of_the_table_exist() {
    let bad = ["crates/cordon-model/Cargo.toml:1"];
    check_crates(
        "arrow",
        &[("cordon-model", &["cordon-policy"]), ("cordon-policy", &["cordon-model"])],
        &bad,
    );
    check_crates(
        "arrow",
        &[("cordon-policy", &["cordon-model", "serde"]), ("cordon-model", &[])],
        &[],
    );
    let daemon = [("cordon", ["cordon-gateway"].as_slice()), ("cordon-gateway", &[])];
    check_crates("arrow", &daemon, &["crates/cordon/Cargo.toml:1"]);
    let library = [("cordon", ["cordon-control"].as_slice()), ("cordon-control", &[])];
    check_crates("arrow", &library, &[]);
    let own = [("xtask", ["cordon-model"].as_slice()), ("cordon-model", &[])];
    check_crates("arrow", &own, &["crates/xtask/Cargo.toml:1"]);
    check_crates("arrow", &[("cordon-new", &[])], &["crates/cordon-new/Cargo.toml:1"]);
}

#[test]
fn third_parties_stay_behind_their_walls() {
    check_crates("wall", &[("cordon", &["cedar-policy"])], &["crates/cordon/Cargo.toml:1"]);
    check_crates(
        "wall",
        &[("cordon-gateway", &["cedar-policy-core"])],
        &["crates/cordon-gateway/Cargo.toml:1"],
    );
    check_crates(
        "wall",
        &[("cordon-policy", &["cedar-policy"]), ("cordon-proof", &["tokio"])],
        &[],
    );
    check_crates("wall", &[("cordon-core", &["tokio-util"])], &["crates/cordon-core/Cargo.toml:1"]);
    check_crates("wall", &[("cordon-core", &["rand_core"])], &["crates/cordon-core/Cargo.toml:1"]);
    check_crates("wall", &[("xtask", &["rand_chacha"]), ("cordon-core", &["random-names"])], &[]);
}

#[test]
fn a_wall_is_reported_where_the_dependency_stands() {
    let manifest = ("crates/cordon-model/Cargo.toml", "[dependencies]\nserde = '1'\ntokio = '1'\n");
    let tree = tree(&[manifest], &[("cordon-model", &["serde", "tokio"])]);
    assert_eq!(places("wall", &tree), ["crates/cordon-model/Cargo.toml:3"]);
}

#[test]
fn crates_inherit_the_lints() {
    let with = |text| {
        let tree = tree(&[("crates/cordon/Cargo.toml", text)], &[("cordon", &[])]);
        places("workspace-lints", &tree).len()
    };
    assert_eq!(with("[lints]\nworkspace = true\n"), 0);
    assert_eq!(with("[lints]\nworkspace = false\n"), 1);
    assert_eq!(with("[package]\n"), 1);
}

#[test]
fn pure_crates_have_the_same_bans() {
    let lib = "#![deny(clippy::indexing_slicing, clippy::string_slice)]\n";
    let files = |bans, lib| {
        let files = [
            ("crates/cordon-model/clippy.toml", "a"),
            (
                "crates/cordon-model/src/lib.rs",
                "#![deny(clippy::indexing_slicing, clippy::string_slice)]\n",
            ),
            ("crates/cordon-core/clippy.toml", bans),
            ("crates/cordon-core/src/lib.rs", lib),
        ];
        places("pure-lints", &tree(&files, &[("cordon-model", &[]), ("cordon-core", &[])]))
    };
    assert!(files("a", lib).is_empty());
    assert_eq!(files("b", lib), ["crates/cordon-core/clippy.toml:1"]);
    assert_eq!(files("a", "#![deny(clippy::string_slice)]\n"), ["crates/cordon-core/src/lib.rs:1"]);
}

#[test]
fn the_lock_file_is_there() {
    check("lockfile", &[], &["Cargo.lock:1"]);
    check("lockfile", &[("Cargo.lock", "")], &[]);
}

#[test]
fn files_are_short_apart_from_tests() {
    let long = "x\n".repeat(501);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{long}}}\n");
    check("file-size", &[("crates/a/src/lib.rs", &long)], &["crates/a/src/lib.rs:501"]);
    check("file-size", &[("crates/a/src/lib.rs", &tests), ("crates/a/src/a/tests.rs", &long)], &[]);
    check("file-size", &[("crates/a/tests/it/main.rs", &long)], &[]);
}

#[test]
fn lines_end_in_lf() {
    check("line-ends", &[("a.md", "a\nb\r\nc\r\n")], &["a.md:2"]);
    check("line-ends", &[("crates/a/testdata/hl7/a.hl7", "MSH\r")], &[]);
}

#[test]
fn vectors_name_their_sources() {
    let file = ("crates/a/testdata/hl7/oru.hl7", "");
    let missing = ["crates/a/testdata/hl7/SOURCES.md:1"];
    check("sources", &[file, ("crates/a/testdata/mud/SOURCES.md", "")], &missing);
    check("sources", &[file, ("crates/a/testdata/hl7/SOURCES.md", "")], &[]);
    check("sources", &[file, ("crates/a/testdata/SOURCES.md", "")], &[]);
    check("sources", &[("testdata/a", "")], &["testdata/SOURCES.md:1"]);
}

#[test]
fn stored_forms_have_fixtures() {
    let code = ("crates/a/src/b.rs", concat!("fn a() {}\n/// STO", "RED: bundles\n"));
    check("stored", &[code], &["crates/a/src/b.rs:2"]);
    check("stored", &[code, ("crates/a/testdata/stored/v1/b.json", "")], &[]);
    check("stored", &[code, ("crates/a/testdata/stored/vague", "")], &["crates/a/src/b.rs:2"]);
}

#[test]
fn modules_are_named_for_what_they_hold() {
    check("module-name", &[("crates/a/src/util.rs", "")], &["crates/a/src/util.rs:1"]);
    check("module-name", &[("crates/a/src/service/x.rs", "")], &["crates/a/src/service/x.rs:1"]);
    check(
        "module-name",
        &[("crates/a/src/lib.rs", "\npub(crate) mod common {\n")],
        &["crates/a/src/lib.rs:2"],
    );
    check("module-name", &[("crates/a/src/database.rs", "mod base64;\n")], &[]);
}

#[test]
fn types_are_named_for_what_they_are() {
    check(
        "type-name",
        &[("crates/a/src/b.rs", "pub struct DeviceInfo {\n")],
        &["crates/a/src/b.rs:1"],
    );
    check(
        "type-name",
        &[("crates/a/src/b.rs", "    pub(super) enum Data<T> {\n")],
        &["crates/a/src/b.rs:1"],
    );
    check(
        "type-name",
        &[("crates/a/src/b.rs", "pub struct Service;\nstruct Database(u8);\n")],
        &[],
    );
}

#[test]
fn module_files_stand_beside_their_folder() {
    check("mod-file", &[("crates/a/src/b/mod.rs", "")], &["crates/a/src/b/mod.rs:1"]);
    check("mod-file", &[("crates/a/src/b.rs", "")], &[]);
}

#[test]
fn nothing_is_left_unfinished() {
    for mark in [concat!("FIX", "ME"), concat!("TO", "DO"), concat!("X", "XX")] {
        check("unfinished", &[("a.md", &format!("fine\n// {mark}: later\n"))], &["a.md:2"]);
        check("unfinished", &[("a.sh", &format!("mktemp -t {mark}{mark}\n"))], &[]);
    }
}

#[test]
fn lint_exceptions_are_expectations() {
    check("lint-exception", &[("src/a.rs", "    #[allow(dead_code)]\n")], &["src/a.rs:1"]);
    check(
        "lint-exception",
        &[("src/a.rs", "#![cfg_attr(test, allow(dead_code))]\n")],
        &["src/a.rs:1"],
    );
    check("lint-exception", &[("src/a.rs", "#[expect(dead_code, reason = \"allow( it\")]\n")], &[]);
}

#[test]
fn every_test_runs() {
    check(
        "ignored-test",
        &[("src/a.rs", concat!("#[test]\n#[ign", "ore = \"slow\"]\n"))],
        &["src/a.rs:2"],
    );
    check("ignored-test", &[("src/a.rs", "#[test]\n")], &[]);
}

#[test]
fn no_file_names_a_machine() {
    check("machine-path", &[("a.md", concat!("see /ho", "me/main\n"))], &["a.md:1"]);
    check("machine-path", &[("a.toml", concat!("a = \"/ro", "ot/x\"\n"))], &["a.toml:1"]);
    check("machine-path", &[("a.md", concat!("docs/ho", "me/plan.md ../ro", "ot/x\n"))], &[]);
}

#[test]
fn links_lead_somewhere() {
    let docs = |text| [("docs/a.md", text), ("README.md", ""), ("docs/guide/b.md", "")];
    check("link", &docs("x\n[a](c.md)\n"), &["docs/a.md:2"]);
    check("link", &docs("[a]: ../../outside.md\n"), &["docs/a.md:1"]);
    check("link", &docs("[a](../README.md#top) [b](guide) [c](guide/b.md) [d](#here)\n"), &[]);
    check("link", &docs("[a](https://example.org/x) `[b](c.md)`\n```\n[a](c.md)\n```\n"), &[]);
}

#[test]
fn lines_have_no_invisible_end() {
    check("trailing-space", &[("a.md", "a\nb \n")], &["a.md:2"]);
    check("trailing-space", &[("a.md", "a\n\nb\n")], &[]);
}

#[test]
fn every_rule_has_a_test() {
    let own = include_str!("tests.rs");
    for (name, _) in RULES {
        assert!(own.contains(&format!("\"{name}\",")), "no test of `{name}`");
    }
}
