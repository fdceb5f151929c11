//! `docs/standards.md`: which section of which standard stands behind which code.
//!
//! Doc comments name their sources under a heading `# Source` (or after the word `Source:`): items between
//! semicolons, each a standard and its section, as in ``RFC 8894 §3.3.1; 45 CFR 164.312(b).``

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::repo::Repo;
use crate::tidy::Tree;

const HEAD: &str = "# Standards

Made by `cargo xtask generate` from the doc comments of the code; not edited by hand.
A row says which section of the standard the code in that file follows.
";

/// Standard, then section, then the files that cite it.
type Index = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The text of the list.
///
/// # Errors
/// When the files of the repository cannot be listed or read.
pub(crate) fn render(repo: &Repo) -> anyhow::Result<String> {
    let tree = Tree::load(repo)?;
    let mut index = Index::new();
    for file in tree.files().filter(|file| file.is_source()) {
        collect(file.path(), file.text(), &mut index);
    }
    Ok(table(&index))
}

fn collect(path: &str, text: &str, index: &mut Index) {
    for source in sources(text) {
        for (standard, section) in source.split(';').filter_map(item) {
            let files = index.entry(standard).or_default().entry(section).or_default();
            if files.last().is_none_or(|last| last != path) {
                files.push(path.to_owned());
            }
        }
    }
}

/// The text below each heading `# Source`, its lines joined.
fn sources(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        let line = line.trim_start();
        let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).map(str::trim);
        let start = doc.and_then(|doc| {
            doc.strip_prefix("Source:").or_else(|| doc.strip_prefix("# Source").filter(starts_word))
        });
        match (start, doc) {
            (Some(rest), _) => {
                found.extend(open.take());
                open = Some(rest.trim().to_owned());
            }
            (None, Some(doc)) if !doc.is_empty() && !doc.starts_with("# ") => {
                if let Some(text) = &mut open {
                    let gap = if text.is_empty() { "" } else { " " };
                    text.push_str(gap);
                    text.push_str(doc);
                }
            }
            (None, _) => found.extend(open.take()),
        }
    }
    found.extend(open);
    found
}

/// True of what follows a whole word, so that `# Sources` is not taken for `# Source`.
fn starts_word(rest: &&str) -> bool {
    !rest.starts_with(|first: char| first.is_alphanumeric())
}

/// A standard and its section.
fn item(text: &str) -> Option<(String, String)> {
    let text = text.trim().trim_end_matches('.').trim();
    if text.is_empty() {
        return None;
    }
    let (standard, section) = match (text.split_once(" §"), text.strip_prefix("45 CFR ")) {
        (Some((standard, section)), _) => (standard, format!("§{section}")),
        (None, Some(section)) => ("45 CFR", section.to_owned()),
        (None, None) => (text, "whole".to_owned()),
    };
    Some((standard.to_owned(), section))
}

fn table(index: &Index) -> String {
    let mut text = HEAD.to_owned();
    for (standard, sections) in index {
        // Writing into a string cannot fail.
        let _infallible = write!(text, "\n## {standard}\n\n| section | code |\n|---|---|\n");
        for (section, files) in sections {
            let links: Vec<_> = files.iter().map(|file| format!("[{file}](../{file})")).collect();
            let _infallible =
                writeln!(text, "| {} | {} |", section.replace('|', "\\|"), links.join(", "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Index, collect, item, sources, table};

    #[test]
    fn reads_a_heading_its_lines_and_the_short_form() {
        let text = concat!(
            "/// # Source\n/// RFC 1 §2;\n/// RFC 3 §4.\nfn a() {}\n",
            "//! Source: RFC 5 §6.\n/// # Sources\n/// no\n",
            "/// # Source RFC 7 §8\n///\n/// not this\n",
        );
        assert_eq!(sources(text), ["RFC 1 §2; RFC 3 §4.", "RFC 5 §6.", "RFC 7 §8"]);
    }

    #[test]
    fn splits_standard_and_section() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(item(" RFC 8520 §3, §8."), pair("RFC 8520", "§3, §8"));
        assert_eq!(item("45 CFR 164.312(b)"), pair("45 CFR", "164.312(b)"));
        assert_eq!(item("IHE PCD TF-2 (identifiers)"), pair("IHE PCD TF-2 (identifiers)", "whole"));
        assert_eq!(item(" . "), None);
    }

    #[test]
    fn lists_a_file_once_per_section() {
        let mut index = Index::new();
        collect("a.rs", "/// # Source\n/// RFC 1 §2\nx\n/// # Source\n/// RFC 1 §2\n", &mut index);
        assert!(
            table(&index)
                .ends_with("## RFC 1\n\n| section | code |\n|---|---|\n| §2 | [a.rs](../a.rs) |\n")
        );
    }
}
