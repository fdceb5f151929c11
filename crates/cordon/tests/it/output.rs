//! What programs read: JSON of every command, no escape bytes in pipes, pipes that close early.

use std::fs::{self, File};
use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::bench::{Bench, Run, append, clinic, fields, metropolitan, testdata};

#[test]
fn json_of_every_command_has_the_documented_fields() {
    let bench = Bench::new();
    bench.run(["compile", &clinic(), "--out", "out", "--without-proof"]).exits(0);
    let (clinic, flows) = (clinic(), testdata("flows/conn.log"));
    let (table, form) = (testdata("import/devices.csv"), testdata("import/mds2-flow.csv"));
    let imported = "accepted conflicts devices_csv held more rows_blank rows_read warnings";
    let table_rows: [(Vec<&str>, i32, &str); 18] = [
        (vec!["init", "new"], 0, "dir files"),
        (vec!["check", &clinic], 0, "classes guardrails invariants ok policies summary warnings"),
        (vec!["classify", &clinic], 0, "devices findings"),
        (
            vec!["classify", &clinic, "--device", "pump-01"],
            0,
            "confidence declared derived device evidence exposure finding kind overridden",
        ),
        (vec!["explain", &clinic, "--device", "pump-01", "--to", "time"], 0, "answers"),
        (vec!["diff", &clinic, &clinic], 0, "devices_added devices_removed gained lost"),
        (vec!["matrix", &clinic], 0, "text"),
        (
            vec!["matrix", &clinic, "--verify", "--every", "50"],
            0,
            "bundle_cells cedar_cells classes disagreements kernel_cells",
        ),
        (vec!["prove", &clinic], 0, "claims elapsed_ms proved"),
        (vec!["prove", &clinic, "--against", &clinic], 0, "against claims elapsed_ms proved"),
        (
            vec!["compile", &clinic, "--out", "out", "--without-proof"],
            0,
            "bundles bytes number out retired written",
        ),
        (vec!["bundle", "verify", "out/fw-20.bundle"], 0, "bad bundles"),
        (vec!["export", "nft", &clinic, "--pep", "fw-20"], 0, "point ruleset"),
        (vec!["replay", &clinic, "--flows", &flows], 1, "flows totals"),
        (vec!["import", "csv", &table], 0, imported),
        (vec!["import", "mds2", &form, "--devices", &table], 0, imported),
        (vec!["schema"], 0, "cedarschema"),
        (vec!["man", "man"], 0, "out"),
    ];
    for (args, code, expected) in table_rows {
        let run = bench.run(args.iter().chain(&["--json"])).exits(code);
        let json = run.json();
        let mut found = fields(&json);
        found.sort_unstable();
        assert_eq!(found.join(" "), expected, "{args:?}");
        assert_eq!(run.out.lines().count(), 1, "{args:?}");
        assert!(run.err.is_empty(), "{args:?}: {}", run.err);
    }
}

#[test]
fn json_of_a_failure_says_of_which_kind_it_is() {
    let bench = Bench::new();
    let clinic = clinic();
    for (args, code, kind) in [
        (vec!["explain", &clinic, "--device", "x", "--to", "time"], 65, "data"),
        (vec!["classify", &clinic, "--today", "x"], 64, "usage"),
        (vec!["check", "absent"], 78, "config"),
    ] {
        let json = bench.run(args.iter().chain(&["--json"])).exits(code).json();
        assert_eq!(json["error"], kind, "{json}");
        assert!(json["message"].is_string() && json["help"].is_string(), "{json}");
    }
}

#[test]
fn the_shapes_inside_are_the_documented_ones() {
    let bench = Bench::new();
    let answers = ["explain", &clinic(), "--device", "pump-01", "--to", "records", "--json"];
    let json = bench.run(answers).json();
    let answer = &json["answers"][0];
    let check = |value: &serde_json::Value, expected: &str| {
        let mut found = fields(value);
        found.sort_unstable();
        assert_eq!(found.join(" "), expected);
    };
    check(
        answer,
        "change device direction kind operation posture profile reason rules target tier verdict zone",
    );
    check(&answer["rules"][0], "file id line plain source text");
    check(&answer["profile"], "file lifeline line source text");
    check(&answer["posture"], "attestation emergency identity state");
    let flows = testdata("flows/conn.log");
    let json = bench.run(["replay", &clinic(), "--flows", &flows, "--json"]).json();
    check(
        &json["flows"][0],
        "bytes device direction dport dst file line_or_frame mac_differs reason rules sport src \
         target tier transport ts verdict would_break",
    );
    check(&json["totals"], "denied devices flows permitted unknown_device would_break");
    let json = bench.run(["prove", &clinic(), "--json"]).json();
    check(&json["claims"][0], "elapsed_ms id outcome plain requests source");
}

#[test]
fn nothing_that_is_piped_has_escape_bytes() {
    let bench = Bench::new();
    let dir = bench.copy("clinic", "bad");
    append(&dir.join("policies/orange.cedar"), "\npermit (");
    let clean = |run: &Run| !run.out.contains('\x1b') && !run.err.contains('\x1b');
    for colour in [&[][..], &["--color", "never"]] {
        for args in [&["check", "bad"][..], &["check", &clinic()], &["help"], &["check"]] {
            let run = bench.run(args.iter().chain(colour));
            assert!(clean(&run), "{run:#?}");
        }
    }
    let coloured = bench.run(["check", "bad", "--color", "always"]).exits(65);
    assert!(coloured.err.contains("\x1b["), "{coloured:#?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cordon"))
        .args(["matrix", &metropolitan()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0u8; 4];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let full = File::options().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_cordon"))
        .args(["matrix", &clinic()])
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(78));
}

#[test]
fn completions_manual_and_reference_are_written() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let run = bench.run(["completions", shell]).exits(0);
        assert!(run.out.contains("classify"), "{shell}");
    }
    bench.run(["man", "man"]).exits(0);
    let mut pages: Vec<String> = fs::read_dir(bench.path("man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    for page in ["cordon.1", "cordon-check.1", "cordon-bundle-verify.1"] {
        assert!(pages.iter().any(|name| name == page), "{pages:?}");
        assert!(fs::metadata(bench.path("man").join(page)).unwrap().len() > 200);
    }
    bench.run(["schema"]).exits(0).says("entity Tier enum");
    bench.run(["help-markdown"]).exits(0).says("## cordon").says("### cordon check");
}

#[test]
fn the_examples_of_the_reference_are_json() {
    let path = crate::bench::repository().join("docs/reference/json.md");
    let text = fs::read_to_string(path).unwrap();
    let examples: Vec<&str> = text.lines().filter(|line| line.starts_with('{')).collect();
    assert!(examples.len() > 15, "{examples:?}");
    for example in examples {
        if let Err(error) = serde_json::from_str::<serde_json::Value>(example) {
            panic!("{error}: {example}");
        }
    }
}
