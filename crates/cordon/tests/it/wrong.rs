//! Wrong data: everything is reported at once, each at its file, line and column.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::bench::{Bench, append, edit};

#[test]
fn errors_of_all_kinds_are_reported_together() {
    let bench = Bench::new();
    let dir = bench.copy("clinic", "clinic");
    edit(&dir.join("devices.csv"), "a4:35:6c:1d:47:30", "a4:35:6c");
    edit(&dir.join("devices.csv"), "192.168.21.14", "192.168.99.14");
    append(&dir.join("policies/orange.cedar"), "\npermit (principal, action");
    append(
        &dir.join("policies/people.cedar"),
        "\n@id(\"typo\")\npermit (principal is Device, action == Action::\"connect\", resource is Service)\n\
         when { principal.teir == Tier::\"RED\" };\n",
    );
    let run = bench.run(["check", "clinic"]).exits(65);
    let run = run
        .warns("--> devices.csv:3:64")
        .warns("--> devices.csv:5:")
        .warns("error[cedar-syntax]")
        .warns("--> policies/orange.cedar:37:")
        .warns("error[cedar-schema]")
        .warns("--> policies/people.cedar:17:8")
        .warns("did you mean `tier`?")
        .warns("4 error(s)");
    assert!(run.out.is_empty());
    let json = bench.run(["check", "clinic", "--json"]).exits(65).json();
    assert_eq!(json["error"], "data");
    let places: Vec<(&str, u64, u64)> = json["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let place = &entry["place"];
            let number = |name: &str| place[name].as_u64().unwrap();
            (place["file"].as_str().unwrap(), number("line"), number("column"))
        })
        .collect();
    assert!(places.contains(&("devices.csv", 3, 64)), "{places:?}");
    assert!(places.contains(&("policies/people.cedar", 17, 8)), "{places:?}");
}

#[test]
fn what_is_no_text_is_named_with_its_place() {
    let bench = Bench::new();
    let dir = bench.copy("clinic", "clinic");
    for name in ["hospital.toml", "devices.csv", "policies/orange.cedar"] {
        let path = dir.join(name);
        let good = fs::read(&path).unwrap();
        let lines = good.iter().filter(|byte| **byte == b'\n').count();
        fs::write(&path, [good.as_slice(), b"abc\xff"].concat()).unwrap();
        let run = bench.run(["check", "clinic"]).exits(65);
        run.warns("wrong-encoding").warns(&format!("{name}:{}:4", lines + 1));
        fs::write(&path, good).unwrap();
    }
}

#[test]
fn what_is_missing_is_named() {
    let bench = Bench::new();
    bench.run(["check", "absent"]).exits(78).warns("`cordon init DIR` makes one");
    fs::create_dir(bench.path("empty")).unwrap();
    let run = bench.run(["check", "empty"]).exits(65);
    run.warns("`devices.csv` is missing").warns("`hospital.toml` is missing");
    let dir = bench.copy("clinic", "clinic");
    fs::remove_file(dir.join("profiles/thermometer.toml")).unwrap();
    bench.run(["check", "clinic"]).exits(65).warns("thermometer");
    // A file where a folder of rules should be is not taken for no rules.
    let dir = bench.copy("clinic", "filed");
    fs::remove_dir_all(dir.join("invariants")).unwrap();
    fs::write(dir.join("invariants"), "").unwrap();
    bench.run(["check", "filed"]).exits(78).warns("invariants");
}

#[test]
fn an_output_that_cannot_be_written_is_said() {
    let bench = Bench::new();
    bench.write("file", "");
    bench.run(["init", "file/hospital"]).exits(78);
    bench.run(["man", "file/man"]).exits(78);
    bench.run(["init", "mine"]).exits(0);
    bench.run(["compile", "mine", "--out", "file/out", "--without-proof"]).exits(78);
    bench.run(["compile", "mine", "--out", "out", "--without-proof"]).exits(0);
    let key = fs::metadata(bench.path("out/signing.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    fs::write(bench.path("out/manifest.json"), "{").unwrap();
    bench.run(["compile", "mine", "--out", "out", "--without-proof"]).exits(65).warns("manifest");
}

#[test]
fn a_wrong_command_line_says_so() {
    let bench = Bench::new();
    for args in [&["frobnicate"][..], &["check"], &[], &["explain", "x", "--hour", "24"]] {
        bench.run(args).exits(64);
    }
    bench.run(["--help"]).exits(0).says("Exit codes:");
    bench.run(["--version"]).exits(0).says("cordon ");
}
