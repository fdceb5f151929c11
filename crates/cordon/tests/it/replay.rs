//! `replay`: a verdict for every recorded flow.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::bench::{Bench, clinic, metropolitan, repository, testdata};

const HEADER: &str = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n\
    #path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\t\
    orig_bytes\tresp_bytes\torig_l2_addr\n\
    #types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tcount\tcount\tstring\n";

/// Writes a conn.log; a flow is `from:port to:port/protocol`.
fn log(flows: &[&str]) -> String {
    let mut text = HEADER.to_owned();
    for (number, flow) in flows.iter().enumerate() {
        let fields: Vec<&str> = flow.split([' ', ':', '/']).collect();
        let [from, sport, to, dport, proto] = fields.as_slice() else { panic!("{flow}") };
        text.push_str(&format!(
            "1793520{number:03}.5\tC{number}\t{from}\t{sport}\t{to}\t{dport}\t{proto}\t-\t2048\t64\t-\n"
        ));
    }
    text
}

/// Shortens a verdict to one line.
fn said(flow: &Value) -> String {
    let text = |name: &str| flow[name].as_str().unwrap_or("-").to_owned();
    let rules: Vec<&str> =
        flow["rules"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let breaks = if flow["would_break"] == true { " BREAKS" } else { "" };
    format!(
        "{} {} {} {} {} {}{breaks}",
        text("verdict"),
        text("device"),
        text("direction"),
        text("target"),
        text("reason"),
        rules.join(" ")
    )
}

#[track_caller]
fn check(dir: &str, table: &[(&str, &str)], posture: &[&str]) {
    let bench = Bench::new();
    let flows: Vec<&str> = table.iter().map(|(flow, _)| *flow).collect();
    bench.write("conn.log", log(&flows));
    let replay = ["replay", dir, "--flows", "conn.log", "--json"];
    let json = bench.run(replay.iter().chain(posture)).exits(1).json();
    let found: Vec<String> = json["flows"].as_array().unwrap().iter().map(said).collect();
    let expected: Vec<&str> = table.iter().map(|(_, expect)| *expect).collect();
    assert_eq!(found, expected);
    let denied = expected.iter().filter(|line| line.starts_with("deny")).count();
    assert_eq!(json["totals"]["denied"], denied);
    assert_eq!(json["totals"]["permitted"], expected.len() - denied);
}

#[test]
fn every_flow_of_a_day_in_the_clinic_gets_its_verdict() {
    let table = [
        // A pump writes to the record, and to somewhere it has no business.
        (
            "192.168.21.11:40001 192.168.50.10:8443/tcp",
            "permit pump-01 out records - orange-clinical-services",
        ),
        (
            "192.168.21.11:40002 198.51.100.45:8080/tcp",
            "deny pump-01 out 198.51.100.45:8080/tcp unlisted-destination guardrail.listed-services-only guardrail.no-internet-address",
        ),
        // The engine gives an order; then somebody else tries to.
        (
            "192.168.50.11:50001 192.168.21.11:6661/tcp",
            "permit pump-01 in hl7-engine - orange-clinical-services",
        ),
        (
            "192.168.10.66:50002 192.168.21.11:6661/tcp",
            "deny pump-01 in 192.168.10.66:6661/tcp unlisted-destination guardrail.listed-services-only",
        ),
        // Device to device.
        (
            "192.168.21.11:40004 192.168.21.12:445/tcp",
            "deny pump-01 out device pump-02 guardrail guardrail.no-device-to-device",
        ),
        // A scale and the proxy of the offices.
        (
            "192.168.30.11:40003 192.168.10.5:3128/tcp",
            "deny scale-1 out 192.168.10.5:3128/tcp unlisted-destination guardrail.listed-services-only",
        ),
        // Time is declared, names are not; the port tells them apart.
        (
            "192.168.21.11:5353 192.168.70.1:123/udp",
            "permit pump-01 out time - orange-infrastructure",
        ),
        (
            "192.168.21.11:5354 192.168.70.1:53/udp",
            "deny pump-01 out names unlisted-destination guardrail.declared-only",
        ),
        // A ping has no port, so it is no service.
        (
            "192.168.21.11:8 192.168.50.10:0/icmp",
            "deny pump-01 out 192.168.50.10:0/tcp unlisted-destination guardrail.listed-services-only",
        ),
        (
            "192.168.10.5:5353 192.168.10.7:53/udp",
            "deny - out 192.168.10.7:53 unknown-device default-deny",
        ),
    ];
    check(&clinic(), &table, &[]);
}

#[test]
fn containment_leaves_the_lifelines_and_says_what_it_breaks() {
    let table = [
        (
            "192.168.21.11:40001 192.168.50.10:8443/tcp",
            "deny pump-01 out records not-permitted default-deny BREAKS",
        ),
        (
            "192.168.21.11:40002 192.168.50.12:6661/tcp",
            "permit pump-01 out alarm-desk - orange-lifeline",
        ),
        (
            "192.168.50.11:50001 192.168.21.11:6661/tcp",
            "deny pump-01 in hl7-engine not-permitted default-deny BREAKS",
        ),
    ];
    check(&clinic(), &table, &["--state", "contained"]);
}

#[test]
fn the_large_hospital_answers_for_a_pump_and_for_the_air() {
    let bench = Bench::new();
    let hospital = fs::read_to_string(PathBuf::from(metropolitan()).join("hospital.toml")).unwrap();
    let address = |service: &str| {
        let rest = hospital.split_once(&format!("\nid = \"{service}\"\n")).unwrap().1;
        let list = rest.split_once("addresses = [\"").unwrap().1;
        list.split_once('"').unwrap().0.to_owned()
    };
    let proxy = address("corporate-proxy");
    let flows = [
        format!("10.114.1.139:40001 {}:443/tcp", address("ehr-api")),
        "10.114.1.139:40002 198.51.100.45:8080/tcp".to_owned(),
        format!("10.134.1.241:40003 {proxy}:3128/tcp"),
        format!("10.134.1.241:40003 {proxy}:8080/tcp"),
        "10.114.1.139:40005 10.134.1.241:47808/udp".to_owned(),
    ];
    let flows: Vec<&str> = flows.iter().map(String::as_str).collect();
    let run = ["replay", &metropolitan(), "--flows", "-", "--json"];
    let json = bench.feed(&run, &log(&flows)).exits(1).json();
    let verdicts: Vec<(&str, &str)> = json["flows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flow| (flow["device"].as_str().unwrap(), flow["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(
        verdicts,
        [
            ("PUMP-3F-042", "permit"),
            ("PUMP-3F-042", "deny"),
            ("HVAC-B1-Floor1-Zone1", "deny"),
            ("HVAC-B1-Floor1-Zone1", "deny"),
            ("PUMP-3F-042", "deny"),
        ]
    );
}

#[test]
fn every_flow_of_every_vector_is_answered() {
    let bench = Bench::new();
    for (file, flows) in [("conn.log", 3), ("conn.jsonl", 0), ("ward.pcap", 0), ("mixed.pcapng", 0)]
    {
        let path = testdata(&format!("flows/{file}"));
        let json = bench.run(["replay", &clinic(), "--flows", &path, "--json"]).json();
        let found = json["flows"].as_array().unwrap().len();
        assert!(found > 0 && (flows == 0 || found == flows), "{file}: {found}");
        assert_eq!(json["totals"]["flows"], found);
    }
}

#[test]
fn a_damaged_log_is_refused_line_by_line() {
    let bench = Bench::new();
    let bad = testdata("flows/conn-bad.log");
    let run = bench.run(["replay", &clinic(), "--flows", &bad]).exits(65);
    run.warns("conn-bad.log:9:12").warns("error[uneven-line]");
    bench.run(["replay", &clinic(), "--flows", "absent.log"]).exits(78);
    bench.write("notes.txt", "hello\n");
    bench.run(["replay", &clinic(), "--flows", "notes.txt"]).exits(65).warns("notes.txt");
    let good = testdata("flows/conn.log");
    bench.run(["replay", &clinic(), "--flows", &good, "--state", "blue"]).exits(64);
}

#[test]
fn many_flows_are_grouped_and_all_of_them_listed_on_request() {
    let bench = Bench::new();
    bench.write("conn.log", log(&["192.168.21.11:40001 203.0.113.9:80/tcp"; 150]));
    let replay = ["replay", &clinic(), "--flows", "conn.log"];
    let run = bench.run(replay).exits(1);
    assert!(run.out.lines().count() < 10, "{run:#?}");
    run.says("150 × pump-01 → 203.0.113.9:80/tcp: unlisted-destination, 316800 bytes");
    let all = bench.run(replay.into_iter().chain(["--all"])).exits(1);
    assert_eq!(all.out.lines().filter(|line| line.starts_with("deny ")).count(), 150);
}

/// Recordings that lie beside the repository, where there are any.
#[test]
fn recordings_beside_the_repository_are_answered_flow_by_flow() {
    let corpora = repository().join("../shared/corpora/bacnet/zeek-logs");
    let bench = Bench::new();
    for entry in fs::read_dir(corpora).into_iter().flatten().map(Result::unwrap) {
        let path = entry.path().join("conn.log");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
        let path = path.display().to_string();
        let json = bench.run(["replay", &clinic(), "--flows", &path, "--json"]).json();
        assert_eq!(json["flows"].as_array().unwrap().len(), lines, "{path}");
    }
}
