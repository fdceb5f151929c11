//! The project's own rules, held by a program: each rule is a function, and its doc comment says why it is there.
//!
//! Marks that a rule looks for are written here in two halves, so that no rule finds itself.

mod arrows;
mod docs;
mod files;
mod marks;
mod names;
mod tree;

use std::fmt;

use anyhow::bail;

pub(crate) use self::tree::Tree;

use crate::repo::Repo;
use crate::term;

/// One place where a rule does not hold.
#[derive(Debug)]
struct Violation {
    file: String,
    line: usize,
    rule: &'static str,
    message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.rule, self.message)
    }
}

/// Where a rule puts what it finds: file, line (from 1), message.
struct Findings {
    rule: &'static str,
    found: Vec<Violation>,
}

impl Findings {
    fn add(&mut self, file: &str, line: usize, message: impl Into<String>) {
        let (file, message) = (file.to_owned(), message.into());
        self.found.push(Violation { file, line, rule: self.rule, message });
    }
}

type Rule = fn(&Tree, &mut Findings);

const RULES: &[(&str, Rule)] = &[
    ("arrow", arrows::arrow),
    ("wall", arrows::wall),
    ("workspace-lints", arrows::workspace_lints),
    ("pure-lints", arrows::pure_lints),
    ("lockfile", files::lockfile),
    ("file-size", files::file_size),
    ("line-ends", files::line_ends),
    ("sources", files::sources),
    ("stored", files::stored),
    ("module-name", names::module_name),
    ("type-name", names::type_name),
    ("mod-file", names::mod_file),
    ("unfinished", marks::unfinished),
    ("lint-exception", marks::lint_exception),
    ("ignored-test", marks::ignored_test),
    ("machine-path", marks::machine_path),
    ("link", docs::link),
    ("trailing-space", docs::trailing_space),
];

/// `cargo xtask tidy`.
///
/// # Errors
/// When a rule does not hold somewhere; every place is printed.
pub(crate) fn run(repo: &Repo) -> anyhow::Result<()> {
    let tree = Tree::load(repo)?;
    let mut count = 0_usize;
    for &(name, rule) in RULES {
        for violation in judge(name, rule, &tree) {
            term::line(violation)?;
            count += 1;
        }
    }
    match count {
        0 => term::line(format_args!("{} rules hold", RULES.len())),
        _ => bail!("{count} places where a rule of the project does not hold"),
    }
}

fn judge(name: &'static str, rule: Rule, tree: &Tree) -> Vec<Violation> {
    let mut findings = Findings { rule: name, found: Vec::new() };
    rule(tree, &mut findings);
    findings.found
}

#[cfg(test)]
mod tests;
