//! `import`: a clean inventory becomes a hospital's; one that contradicts itself is held back.

use std::fs;
use std::path::PathBuf;

use crate::bench::{Bench, clinic, testdata};

#[test]
fn a_clean_table_comes_back_as_the_same_hospital() {
    let bench = Bench::new();
    let dir = bench.copy("clinic", "clinic");
    let text = fs::read_to_string(PathBuf::from(clinic()).join("devices.csv")).unwrap();
    bench.write("cmdb.csv", text.replacen(",mac,", ",HW Address,", 1));
    let import = ["import", "csv", "cmdb.csv", "--hospital", &clinic(), "--map", "mac=HW Address"];
    let out = dir.join("devices.csv").display().to_string();
    let run = bench.run(import.into_iter().chain(["--out", &out])).exits(0);
    run.says("40 rows read: 40 accepted, 0 held, 0 blank").says("mac ← HW Address");
    bench.run(["check", "clinic"]).exits(0);
    bench.run(["diff", &clinic(), "clinic"]).exits(0);
    // Without --out, standard output is the table and nothing but the table.
    let piped = bench.run(import).exits(0).warns("40 accepted");
    assert_eq!(piped.out, fs::read_to_string(&out).unwrap());
}

#[test]
fn a_table_with_conflicts_is_not_written() {
    let bench = Bench::new();
    let export = testdata("import/cmms-export.csv");
    let import = ["import", "csv", &export, "--hospital", &clinic()];
    let run = bench.run(import.into_iter().chain(["--out", "devices.csv"])).exits(65);
    run.says("conflict[duplicate-mac]: row 7 (and row 4)").says("not written: devices.csv");
    assert!(!bench.path("devices.csv").exists());
    let piped = bench.run(import).exits(65);
    assert!(!piped.out.contains("id,type,tier"), "{piped:#?}");
    let json = bench.run(import.into_iter().chain(["--json"])).exits(65).json();
    let count = |name: &str| json[name].as_u64().unwrap();
    let held = json["held"].as_array().unwrap().len() as u64;
    assert_eq!(count("rows_read"), count("accepted") + held + count("rows_blank"));
    let labels: Vec<&str> =
        json["conflicts"].as_array().unwrap().iter().filter_map(|c| c["label"].as_str()).collect();
    for label in ["duplicate-mac", "malformed-mac", "malformed-ip", "impossible-vlan"] {
        assert!(labels.contains(&label), "{labels:?}");
    }
}

#[test]
fn netbox_answers_are_read_together() {
    let bench = Bench::new();
    let devices = testdata("import/netbox-devices.json");
    let interfaces = testdata("import/netbox-interfaces.json");
    let run = bench.run(["import", "netbox", &devices, &interfaces]).exits(65);
    run.says("conflict[ambiguous-mac]").says("conflict[not-in-service]");
    let csv = testdata("import/netbox-devices.csv");
    bench.run(["import", "netbox", &csv, "--default", "segment=red-a"]).exits(65);
}

#[test]
fn forms_of_makers_add_facts_to_rows() {
    let bench = Bench::new();
    let devices = testdata("import/devices.csv");
    for form in ["import/mds2-flow.xlsx", "import/mds2-flow.csv"] {
        let form = testdata(form);
        let run = bench.run(["import", "mds2", &form, "--devices", &devices]).exits(0);
        assert!(run.out.starts_with("id,type,tier,"), "{run:#?}");
        run.warns("PUMP-001 set: unsupported-os nothing → yes")
            .warns("PUMP-001 suggested: attachment legacy → tpm");
    }
    let table = testdata("import/cmms-export.csv");
    bench.run(["import", "mds2", &table, "--devices", &devices]).exits(65).warns("no MDS2 form");
}

#[test]
fn a_wrong_choice_is_a_wrong_command_line() {
    let bench = Bench::new();
    let devices = testdata("import/devices.csv");
    bench.run(["import", "csv", &devices, "--map", "nonsense"]).exits(64);
    bench.run(["import", "csv", &devices, &devices]).exits(64).warns("a table is one file");
    bench.run(["import", "csv", &devices, "--map", "mac=Absent"]).exits(65).warns("Absent");
    bench.run(["import", "csv", "absent.csv"]).exits(78);
}
