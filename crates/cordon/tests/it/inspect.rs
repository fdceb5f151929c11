//! `inspect`: every message of a capture, and what is missing of it.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bench::{Bench, Run, clinic, fields, testdata};

/// Runs the command on a capture and gives its records and its sums.
#[track_caller]
fn inspect(name: &str, args: &[&str], code: i32) -> (Vec<Value>, Value) {
    let file = testdata(&format!("inspect/{name}"));
    let run = Bench::new().run(["inspect", &file, "--json"].iter().chain(args)).exits(code);
    assert_eq!(run.err, "", "{name}");
    read(&run)
}

#[track_caller]
fn read(run: &Run) -> (Vec<Value>, Value) {
    let lines: Vec<Value> =
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, records) = lines.split_last().unwrap();
    (records.to_vec(), summary["summary"].clone())
}

/// Shortens a record to one line.
fn said(record: &Value) -> String {
    let text = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
    let rules: Vec<&str> =
        record["rules"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let page = if record["page"] == true { " PAGE" } else { "" };
    format!(
        "#{} {} {} {} {} {}{page}",
        record["frame"],
        text("protocol"),
        text("kind"),
        text("op"),
        text("verdict"),
        rules.join(" ")
    )
}

#[track_caller]
fn check(name: &str, args: &[&str], code: i32, expected: &[&str]) -> Value {
    let (records, summary) = inspect(name, args, code);
    let found: Vec<String> = records.iter().map(said).collect();
    assert_eq!(found, expected, "{name}");
    assert_eq!(summary["messages"], expected.len(), "{name}");
    summary
}

const READ: &str = "read-holding-registers";

#[test]
fn puts_segments_in_order_and_lets_the_first_word_hold() {
    let summary = check(
        "modbus-disorder.pcap",
        &[],
        1,
        &[
            &format!("#6 modbus request {READ} pass conformant"),
            &format!("#7 modbus response {READ} pass conformant"),
            &format!("#10 modbus request {READ} pass conformant"),
            &format!("#12 modbus response {READ} pass conformant"),
            "#13 modbus malformed write-multiple-coils block malformed",
        ],
    );
    assert_eq!((&summary["conflicts"], &summary["gaps"]), (&1.into(), &serde_json::json!({})));
    let (records, _) = inspect("modbus-disorder.pcap", &[], 1);
    let last = &records[4];
    assert_eq!(last["error"]["rule"], "Modbus APv1.1b3 §6.11");
    let names = ["transaction_id", "unit_id", "function_code", "address", "quantity"];
    assert_eq!(names.map(|name| last[name].as_u64()), [3, 1, 15, 0, 1969].map(Some));
}

#[test]
fn says_what_was_not_captured_and_does_not_blame_the_rest_for_it() {
    let summary = check(
        "modbus-loss.pcap",
        &[],
        1,
        &[
            &format!("#4 modbus request {READ} pass conformant"),
            &format!("#5 modbus response {READ} pass conformant"),
            &format!("#6 modbus response {READ} pass-flag unexpected-reply not-captured"),
            &format!("#7 modbus request {READ} pass conformant"),
            &format!("#8 modbus response {READ} pass conformant"),
            &format!("#9 modbus request {READ} pass conformant"),
            "#14 modbus incomplete - pass-flag truncated not-captured",
            &format!("#12 modbus request {READ} pass conformant"),
            &format!("#13 modbus response {READ} pass conformant"),
            &format!("#14 modbus request {READ} pass conformant"),
            &format!("#15 modbus response {READ} pass conformant"),
        ],
    );
    assert_eq!(summary["gaps"]["not-captured"], serde_json::json!({ "gaps": 2, "bytes": 18 }));
}

#[test]
fn begins_in_the_middle_of_a_connection() {
    let summary = check(
        "modbus-midstream.pcap",
        &[],
        1,
        &[
            &format!("#1 modbus response {READ} pass-flag unexpected-reply not-captured"),
            &format!("#2 modbus request {READ} pass conformant"),
            &format!("#3 modbus response {READ} pass conformant"),
        ],
    );
    assert_eq!(summary["connections"]["joined"], 1);
}

#[test]
fn takes_cut_off_frames_for_what_they_are() {
    let summary = check(
        "modbus-cut.pcap",
        &[],
        1,
        &[
            &format!("#4 modbus request {READ} pass conformant"),
            "#5 modbus incomplete - pass-flag truncated not-captured",
            &format!("#6 modbus request {READ} pass conformant"),
            &format!("#7 modbus response {READ} pass conformant"),
        ],
    );
    assert_eq!(summary["gaps"]["cut-off"], serde_json::json!({ "gaps": 1, "bytes": 35 }));
    assert_eq!(summary["cut_packets"], 1);
}

#[test]
fn reads_hl7_over_ipv6_and_names_what_is_no_message() {
    check(
        "hl7.pcap",
        &[],
        1,
        &[
            "#6 hl7 request ORU^R01 pass conformant",
            "#7 hl7 response ACK^R01 pass conformant",
            "#8 hl7 request RGV^O15 block command-from-device PAGE",
            "#9 hl7 malformed - block malformed",
            "#10 hl7 request ORU^R40 pass conformant",
            "#12 hl7 incomplete - pass-flag truncated",
        ],
    );
    let (records, _) = inspect("hl7.pcap", &[], 1);
    let names = ["message_type", "control_id", "version", "sending_application", "src"];
    let values = names.map(|name| records[0][name].as_str().unwrap());
    assert_eq!(values, ["ORU^R01", "A1", "2.6", "PUMP", "fd00:110::5"]);
}

#[test]
fn puts_bacnet_datagrams_together_from_fragments_of_both_families() {
    let summary = check(
        "bacnet.pcapng",
        &[],
        1,
        &[
            "#1 bacnet broadcast who-is pass conformant",
            "#2 bacnet request read-property pass conformant",
            "#3 bacnet response read-property pass conformant",
            "#4 bacnet request device-communication-control block dangerous-service PAGE",
            "#5 bacnet malformed - block malformed",
            "#9 bacnet request read-property-multiple pass conformant",
            "#11 bacnet request read-property-multiple pass conformant",
        ],
    );
    let fragments = &summary["fragments"];
    let counts = ["whole", "overlapping", "unfinished", "conflicts"];
    assert_eq!(counts.map(|name| fragments[name].as_u64().unwrap()), [2, 1, 1, 0]);
    let (records, _) = inspect("bacnet.pcapng", &[], 1);
    assert_eq!(records[1]["object"], "analog-input,1");
    assert_eq!(
        (&records[1]["property"], &records[1]["property_id"]),
        (&"present-value".into(), &85.into())
    );
}

#[test]
fn reads_an_association_and_measures_its_pdus() {
    check(
        "dicom.pcap",
        &[],
        1,
        &[
            "#4 dicom request A-ASSOCIATE-RQ pass conformant",
            "#5 dicom response A-ASSOCIATE-AC pass conformant",
            "#6 dicom request C-ECHO-RQ pass conformant",
            "#7 dicom response C-ECHO-RSP pass conformant",
            "#8 dicom request C-STORE-RQ pass conformant",
            "#9 dicom data P-DATA-TF block pdu-over-negotiated",
            "#10 dicom request A-RELEASE-RQ pass conformant",
            "#11 dicom response A-RELEASE-RP pass conformant",
        ],
    );
    let (records, _) = inspect("dicom.pcap", &[], 1);
    let (calling, called) = (&records[0]["calling_ae"], &records[0]["called_ae"]);
    assert_eq!((calling, called), (&"US-1".into(), &"ARCHIVE".into()));
    assert_eq!(
        (&records[3]["status"], &records[3]["sop_class"]),
        (&0.into(), &"1.2.840.10008.1.1".into())
    );
}

#[test]
fn tells_what_is_spoken_and_counts_what_nobody_reads() {
    let summary = check(
        "protocols.pcap",
        &[],
        1,
        &[
            "#4 http wrong-protocol - block wrong-protocol",
            "#5 http wrong-protocol - block wrong-protocol",
            "#20 http request GET pass conformant",
            "#21 http response 200 pass conformant",
        ],
    );
    let unread = serde_json::json!([
        { "transport": "tcp", "port": 9999, "conversations": 1, "bytes": 29 },
        { "transport": "udp", "port": 53, "conversations": 1, "bytes": 19 },
    ]);
    assert_eq!(summary["unread"], unread);
    assert_eq!((&summary["damaged_frames"], &summary["other_frames"]), (&1.into(), &1.into()));
}

#[test]
fn judges_by_the_plan_of_a_hospital() {
    let hospital = clinic();
    let summary = check(
        "clinic.pcap",
        &["--hospital", &hospital],
        1,
        &[
            "#4 hl7 request ORU^R01 pass orange-clinical-services orange-lifeline",
            "#5 hl7 response ACK^R01 pass orange-clinical-services orange-lifeline",
            "#6 hl7 request ORU^R01 block identity-mismatch PAGE",
            "#7 hl7 request ADT^A01 block command-from-device PAGE",
            "#14 unknown unknown - block no-flow",
            "#21 hl7 request ORU^R01 block no-flow",
            "#28 hl7 request RGV^O15 pass orange-clinical-services",
            "#35 modbus request read-holding-registers block no-device",
        ],
    );
    assert_eq!(summary["verdicts"], serde_json::json!({ "pass": 3, "pass_flag": 0, "block": 5 }));
    let (records, _) = inspect("clinic.pcap", &["--hospital", &hospital], 1);
    let devices: Vec<&str> =
        records.iter().map(|record| record["device"].as_str().unwrap_or("-")).collect();
    assert_eq!(
        devices,
        ["pump-01", "pump-01", "pump-01", "pump-01", "pump-01", "pump-01", "pump-01", "-"]
    );
}

#[test]
fn every_record_has_the_fields_of_its_protocol() {
    const COMMON: [&str; 17] = [
        "bytes",
        "device",
        "dport",
        "dst",
        "error",
        "frame",
        "kind",
        "op",
        "operation",
        "page",
        "protocol",
        "rules",
        "sport",
        "src",
        "transport",
        "ts",
        "verdict",
    ];
    for (name, own) in [
        (
            "modbus-cut.pcap",
            &[
                "address",
                "exception_code",
                "function_code",
                "quantity",
                "transaction_id",
                "unit_id",
            ][..],
        ),
        ("hl7.pcap", &["control_id", "message_type", "sending_application", "version"]),
        ("dicom.pcap", &["called_ae", "calling_ae", "command", "pdu_type", "sop_class", "status"]),
        (
            "bacnet.pcapng",
            &[
                "bvlc_function",
                "error_class",
                "error_class_name",
                "error_code",
                "error_code_name",
                "invoke_id",
                "object",
                "object_instance",
                "object_type",
                "pdu_type",
                "property",
                "property_id",
                "service",
            ],
        ),
    ] {
        let mut expected: Vec<&str> = COMMON.iter().chain(own).copied().collect();
        expected.sort_unstable();
        for record in inspect(name, &[], 1).0 {
            let mut found = fields(&record);
            found.sort_unstable();
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn a_forced_protocol_and_a_tier_change_what_is_read_and_judged() {
    let (records, summary) = inspect("protocols.pcap", &["--protocol", "modbus"], 1);
    assert!(records.iter().all(|record| record["kind"] != "request"), "{records:#?}");
    assert_eq!(summary["unread"][0]["port"], 53);
    let (records, _) = inspect("modbus-disorder.pcap", &["--tier", "red"], 1);
    assert_eq!(said(&records[4]), "#13 modbus malformed write-multiple-coils pass-flag malformed");
}

#[test]
fn people_get_lines_and_tables_and_may_ask_for_the_tables_only() {
    let bench = Bench::new();
    let file = testdata("inspect/modbus-disorder.pcap");
    let run = bench.run(["inspect", &file]).exits(1);
    run.says("08:00:00.050000      10.110.0.5:40001 → 10.20.0.10:502        modbus")
        .says("16 frames, 5 messages: 4 pass, 0 pass and are remarked, 1 are blocked")
        .says("modbus read-holding-registers")
        .warns("TCP segments that contradict bytes sent before; the first ones were read: 1");
    let tables = bench.run(["inspect", &file, "--stats"]).exits(1);
    assert!(!tables.out.contains("08:00:00"), "{tables:#?}");
    let sums = bench.run(["inspect", &file, "--stats", "--json"]).exits(1);
    assert_eq!(fields(&sums.json()), ["summary"]);
}

#[test]
fn prints_what_every_reason_does() {
    let bench = Bench::new();
    let run = bench.run(["inspect", "--reasons"]).exits(0);
    run.says("| `wrong-protocol` | flag, page | block | block | block | block |");
    let json = bench.run(["inspect", "--reasons", "--json"]).exits(0).json();
    assert_eq!(json["reasons"][0]["effects"]["ORANGE"], "block the third in 60 s");
    bench.run(["inspect"]).exits(64);
    bench.run(["inspect", "--reasons", "x.pcap"]).exits(64);
}

#[test]
fn reads_standard_input_and_stops_when_nobody_listens() {
    let file = testdata("inspect/hl7.pcap");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
    command.args(["inspect", "-", "--json"]).stdin(fs::File::open(&file).unwrap());
    let piped = Run::of(&mut command).exits(1);
    assert_eq!(read(&piped), inspect("hl7.pcap", &[], 1));
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
    command.args(["inspect", &file, "--json"]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 1)));
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let bench = Bench::new();
    let missing = bench.run(["inspect", "absent.pcap"]).exits(78);
    missing.warns("`absent.pcap` cannot be read").warns("help: check the path");
    let log = bench.write("conn.log", "#separator \\x09\n");
    let log = log.display().to_string();
    bench.run(["inspect", &log]).exits(65).warns("a log of connections without contents");
    bench.write("notes.txt", "hello\n");
    bench.run(["inspect", "notes.txt"]).exits(65).warns("give a pcap or a pcapng");
    bench.run(["inspect", "x", "--tier", "blue"]).exits(64);
    let cut = fs::read(testdata("inspect/hl7.pcap")).unwrap();
    bench.write("cut.pcap", &cut[..cut.len() - 700]);
    let run = bench.run(["inspect", "cut.pcap"]).exits(0);
    run.warns("the file is cut off after frame");
}

#[test]
fn no_output_repeats_what_may_name_a_patient() {
    let file = testdata("inspect/patients.pcap");
    let captured = fs::read(&file).unwrap();
    let mark = b"XPATIENTX";
    let marks = captured.windows(mark.len()).filter(|window| window == mark).count();
    assert!(marks > 40, "{marks} marks");
    let clinic = clinic();
    let mut runs = vec![vec!["--hospital", &clinic]];
    for tier in ["red", "orange", "yellow", "green", "green-ls"] {
        runs.push(vec!["--tier", tier]);
    }
    for protocol in ["hl7", "dicom", "modbus", "bacnet", "http"] {
        runs.push(vec!["--protocol", protocol]);
    }
    for args in runs {
        for form in [&["--json"][..], &[], &["--stats"]] {
            let run = Bench::new().run(["inspect", &file].iter().chain(&args).chain(form));
            for output in [&run.out, &run.err] {
                assert!(!output.contains("XPATIENTX"), "{args:?} {form:?}: {output}");
            }
            assert!(!run.out.is_empty(), "{args:?} {form:?}: {}", run.err);
        }
    }
}
