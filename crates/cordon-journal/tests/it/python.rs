//! The second verifier, which shares no code with ours, comes to the same verdicts.

use std::fs;
use std::path::Path;
use std::process::Command;

use cordon_journal::verify::verify_stream;

use crate::build::{Plan, Random, folder, put, signer};
use crate::corrupt::{Damaged, damage, kinds};

const PYTHON: &str = "/usr/bin/python3";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verify_journal.py");

fn has_python() -> bool {
    let import = Command::new(PYTHON).args(["-c", "import cryptography"]).output();
    import.is_ok_and(|output| output.status.success())
}

/// Puts a stream, whole or damaged, into a journal of its own.
fn one(dir: &Path, number: usize, random: &mut Random) -> Damaged {
    let mut plan = Plan::random(random);
    plan.origin = format!("h/gw-{number}/evidence");
    let kind = random.range(0, kinds());
    let kept = random.range(1, plan.records.len() + 1);
    let whole = || Damaged {
        kind: "whole",
        files: plan.write(),
        heads: vec![plan.head(kept)],
        file: String::new(),
        lines: 0..=0,
    };
    let damaged = match number % 3 {
        0 => whole(),
        _ => damage(&plan, random, kind).unwrap_or_else(whole),
    };
    let journal = dir.join(number.to_string());
    put(&journal, "evidence", &damaged.files);
    fs::write(journal.join("journal.pub"), signer(&plan.origin).verifier().text()).unwrap();
    damaged
}

#[test]
fn python_agrees() {
    if !has_python() {
        println!("skipped: {PYTHON} with the package `cryptography` is not there");
        return;
    }
    let seed = 0x7079_7468_6f6e;
    println!("seed {seed:#x}");
    let mut random = Random(seed);
    let dir = folder();
    let mut command = Command::new(PYTHON);
    command.arg(SCRIPT);
    let mut expect = Vec::new();
    for number in 0..1_000 {
        let damaged = one(dir.path(), number, &mut random);
        for (at, head) in damaged.heads.iter().enumerate() {
            let path = dir.path().join(format!("{number}.{at}.head"));
            fs::write(&path, head).unwrap();
            command.arg("--head").arg(path);
        }
        let stream = dir.path().join(number.to_string()).join("evidence");
        let key = signer(&format!("h/gw-{number}/evidence")).verifier();
        let report = verify_stream(&stream, &[key], &damaged.options()).unwrap();
        let sound = report.head.as_ref().filter(|_| report.is_sound());
        let sound = sound.map(|head| format!("sound {} {} {}", head.origin, head.size, head.root));
        expect.push((damaged.kind, sound, report.faults));
        command.arg(stream);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1_000, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
    for (number, (line, (kind, sound, faults))) in text.lines().zip(&expect).enumerate() {
        match sound {
            Some(sound) => assert_eq!(line, sound, "{number} {kind}"),
            None => {
                assert!(line.starts_with("broken "), "{number} {kind}: {line}, ours {faults:#?}")
            }
        }
    }
    assert!(expect.iter().filter(|(_, sound, _)| sound.is_some()).count() > 300);
}
