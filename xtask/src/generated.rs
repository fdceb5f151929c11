//! Files that are made from others: matrices, references, the list of standards, the example hospitals.
//!
//! They are committed, because people read and compare them; the check keeps them true.

use std::fs;

use anyhow::{Context, bail};

use crate::repo::{self, Repo};
use crate::{run_gen, standards, term};

/// Files whose text is what `cordon` prints for these arguments.
const GENERATED: &[(&str, &[&str])] = &[
    ("docs/reference/cli.md", &["help-markdown"]),
    ("docs/reference/inspection.md", &["inspect", "--reasons"]),
    ("docs/reference/schema.cedarschema", &["schema"]),
];

/// The same for every hospital in `examples/`; its folder comes last among the arguments.
const GENERATED_PER_EXAMPLE: &[(&str, &[&str])] = &[("matrix.txt", &["matrix"])];

/// The list of standards, made from the doc comments.
const STANDARDS: &str = "docs/standards.md";

/// A file of the repository and the text it should have.
#[derive(Debug)]
struct Made {
    path: String,
    text: String,
}

/// Compares every made file with what would be made now.
///
/// # Errors
/// When one differs or is missing; the message says where.
pub(crate) fn check(repo: &Repo) -> anyhow::Result<String> {
    run_gen(&["--check"]).context("the example hospitals")?;
    let made = make(repo)?;
    let mut stale = Vec::new();
    for file in &made {
        match fs::read_to_string(repo.path(&file.path)) {
            Ok(found) if found == file.text => {}
            Ok(found) => stale.push(format!("{}: {}", file.path, difference(&found, &file.text))),
            Err(error) => stale.push(format!("{}: {error}", file.path)),
        }
    }
    if stale.is_empty() {
        return Ok(format!("{} files and the example hospitals", made.len()));
    }
    bail!("not up to date (run: cargo xtask generate)\n{}", stale.join("\n"))
}

/// Writes every made file again.
///
/// # Errors
/// When one cannot be made or written.
pub(crate) fn write(repo: &Repo) -> anyhow::Result<()> {
    run_gen(&[]).context("the example hospitals")?;
    for file in make(repo)? {
        let path = repo.path(&file.path);
        if fs::read_to_string(&path).is_ok_and(|found| found == file.text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, &file.text).with_context(|| file.path.clone())?;
        term::line(format_args!("wrote {}", file.path))?;
    }
    Ok(())
}

fn make(repo: &Repo) -> anyhow::Result<Vec<Made>> {
    let cordon = repo.cordon()?;
    let mut made = vec![Made { path: STANDARDS.to_owned(), text: standards::render(repo)? }];
    for &(path, arguments) in GENERATED {
        let text = repo::text(repo.command(&cordon).args(arguments))?;
        made.push(Made { path: path.to_owned(), text });
    }
    for example in repo.examples()? {
        for &(name, arguments) in GENERATED_PER_EXAMPLE {
            let text = repo::text(repo.command(&cordon).args(arguments).arg(&example))?;
            made.push(Made { path: format!("{example}/{name}"), text });
        }
    }
    Ok(made)
}

/// The first line in which two texts differ.
fn difference(found: &str, expected: &str) -> String {
    let same = found.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(the end)").to_owned();
    format!("line {}: has `{}`, should be `{}`", same + 1, line(found), line(expected))
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn names_the_first_line_that_differs() {
        assert_eq!(difference("a\nb\n", "a\nc\n"), "line 2: has `b`, should be `c`");
        assert_eq!(difference("a\n", "a\nc\n"), "line 2: has `(the end)`, should be `c`");
    }
}
