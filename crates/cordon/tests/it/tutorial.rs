//! The tutorials: their commands run in order and say what they say they do.

use std::fs;
use std::process::Command;

use crate::bench::{Bench, Run, copy_dir, repository};

/// A fenced block of the tutorial.
struct Block {
    line: usize,
    /// `sh`, with the exit code where it is not 0, or `text`.
    kind: String,
    text: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(kind) = line.strip_prefix("```") {
            open = !open;
            if open {
                found.push(Block { line: number + 1, kind: kind.to_owned(), text: String::new() });
            }
        } else if open && let Some(block) = found.last_mut() {
            block.text.push_str(line);
            block.text.push('\n');
        }
    }
    found
}

/// Demands every part of a shown line; `…` stands for what was left out, milliseconds vary.
fn shown(guide: &str, block: &Block, run: &Run) {
    let said = format!("{}{}", run.err, run.out);
    for line in block.text.lines() {
        for part in line.split('…').map(str::trim).filter(|part| !part.is_empty()) {
            let at = block.line;
            assert!(said.contains(part), "{guide}:{at} shows `{part}`, but it says\n{said}");
        }
    }
}

/// Runs the commands of a guide; there must be more than so many.
fn follow(guide: &str, least: usize) {
    let bench = Bench::new();
    copy_dir(&repository().join("examples"), &bench.path("examples"));
    let text = fs::read_to_string(repository().join("docs/guide").join(guide)).unwrap();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_cordon"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", binary.parent().unwrap().display());
    let mut last: Option<Run> = None;
    let mut ran = 0;
    for block in blocks(&text) {
        let mut words = block.kind.split_whitespace();
        match words.next() {
            Some("sh") => {
                let code = words
                    .next()
                    .map_or(0, |word| word.strip_prefix("exit=").unwrap().parse().unwrap());
                let mut shell = Command::new("sh");
                shell.args(["-euc", &block.text]).current_dir(&bench.dir).env("PATH", &path);
                let run = Run::of(&mut shell);
                assert_eq!(run.code, code, "{guide}:{}: {run:#?}", block.line);
                last = Some(run);
                ran += 1;
            }
            Some("text") => {
                shown(guide, &block, last.as_ref().expect("a command before its output"))
            }
            other => panic!("{guide}:{}: a block of `{other:?}`", block.line),
        }
    }
    assert!(ran > least, "only {ran} blocks were run");
}

#[test]
fn the_tutorial_does_what_it_says() {
    follow("tutorial.md", 15);
}

#[test]
fn the_guide_to_the_journal_does_what_it_says() {
    follow("journal.md", 9);
}
