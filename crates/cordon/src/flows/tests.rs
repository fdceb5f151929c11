//! Tests of the readers, on the vectors of `testdata/flows` and on damaged copies of them.

use std::path::{Path, PathBuf};

use super::*;

const VECTORS: [&str; 7] = [
    "conn.log",
    "conn-odd.log",
    "conn-bad.log",
    "conn.jsonl",
    "ward.pcap",
    "ward-big-endian.pcap",
    "mixed.pcapng",
];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/flows").join(name)
}

fn recording(name: &str) -> Recording {
    let outcome = read(&path(name));
    assert!(outcome.is_ok(), "{name}: {:?}", outcome.err());
    outcome.unwrap_or_default()
}

/// Writes each flow on a line: time, ends, carrier, hint, bytes, line or frame.
fn lines(recording: &Recording) -> Vec<String> {
    let line = |r: &FlowRecord| {
        let hint = r.protocol_hint.as_deref().unwrap_or("-");
        format!(
            "{} {}:{} {}:{} {} {hint} {}/{} @{}",
            r.ts_s,
            r.src,
            r.sport,
            r.dst,
            r.dport,
            r.transport.name(),
            r.bytes_up,
            r.bytes_down,
            r.line_or_frame
        )
    };
    recording.records.iter().map(line).collect()
}

/// Reads bytes as [`read`] does, without a file.
fn read_bytes(bytes: &[u8]) -> Result<Recording, FlowsError> {
    let input = io::Cursor::new(bytes.to_vec());
    match Format::of(bytes) {
        Ok(Format::ZeekText) => zeek::read_text(input, "f"),
        Ok(Format::ZeekJson) => zeek::read_json(input, "f"),
        Ok(format @ (Format::Pcap | Format::PcapNg)) => gather::read(format, input, "f"),
        Err(found) => Err(FlowsError::Unrecognized { file: "f".to_owned(), found }),
    }
}

#[test]
fn reads_a_zeek_log_with_link_layer_addresses_and_unset_fields() {
    let recording = recording("conn.log");
    assert_eq!(
        lines(&recording),
        [
            "1793520000.125 10.110.0.5:40001 10.20.0.10:2575 tcp hl7 512/64 @9",
            "1793520001 10.110.0.5:47808 10.110.0.255:47808 udp bacnet 0/0 @10",
            "1793520002.5 fd00:110::5:8 fd00:110::1:0 icmp - 56/56 @11",
        ]
    );
    assert!(recording.warnings.is_empty());
    let second = recording.records.get(1);
    let macs = second.map(|r| (r.src_mac.map(|mac| mac.to_string()), r.dst_mac));
    assert_eq!(macs, Some((Some("00:1b:21:3a:4f:60".to_owned()), None)));
    let transports: Vec<_> = recording.records.iter().map(|r| r.transport.transport()).collect();
    assert_eq!(transports, [Some(Transport::Tcp), Some(Transport::Udp), None]);
}

#[test]
fn honours_every_directive_and_any_order_of_columns() {
    assert_eq!(
        lines(&recording("conn-odd.log")),
        [
            "1793520003.25 10.110.0.5:50000 192.0.2.7:443 tcp ssl,http 0/0 @7",
            "1793520004 10.110.0.5:50001 192.0.2.7:443 tcp - 0/0 @8",
            "1793520005 10.110.0.5:1 192.0.2.7:2 unknown_transport - 0/0 @10",
        ]
    );
}

#[test]
fn reads_flat_and_nested_json_and_says_which_lines_are_of_other_logs() {
    let recording = recording("conn.jsonl");
    assert_eq!(
        lines(&recording),
        [
            "1793520000.125 10.110.0.5:40001 10.20.0.10:2575 tcp hl7 512/64 @1",
            "1793520001.5 10.110.0.5:123 10.20.0.3:123 udp - 0/0 @2",
        ]
    );
    assert_eq!(recording.warnings, ["lines left out for being of log `dns`: 1"]);
}

#[test]
fn places_every_malformed_line_and_forgives_a_cut_off_last_one() {
    let Err(FlowsError::Malformed { faults, omitted, .. }) = read(&path("conn-bad.log")) else {
        assert_eq!("read", "refused");
        return;
    };
    let places: Vec<_> =
        faults.iter().map(|f| (f.label, f.place.line, f.place.column, f.place.length)).collect();
    assert_eq!(
        places,
        [
            ("malformed-field", 9, 12, 12),
            ("malformed-field", 10, 23, 5),
            ("uneven-line", 11, 1, 38),
            ("malformed-field", 12, 1, 3),
            ("malformed-field", 13, 49, 2),
        ]
    );
    assert_eq!(omitted, 0);
    assert!(faults.iter().all(|fault| !fault.help.is_empty()));
    let good =
        "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n1\t10.0.0.1\t1\t10.0.";
    let cut = read_bytes(good.as_bytes());
    assert_eq!(
        cut.map(|r| r.warnings).unwrap_or_default(),
        ["line 2 is the last one and is cut off; it was left out"]
    );
}

#[test]
fn counts_faults_beyond_the_bound() {
    let head = "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n";
    let text = format!("{head}{}", "x\n".repeat(FAULTS_MAX + 7));
    let Err(FlowsError::Malformed { faults, omitted, .. }) = read_bytes(text.as_bytes()) else {
        assert_eq!("read", "refused");
        return;
    };
    assert_eq!((faults.len(), omitted), (FAULTS_MAX, 7));
}

#[test]
fn reports_a_header_without_needed_fields_once() {
    let text = "#path\tmodbus\n#fields\tts\tid.orig_h\n1\t10.0.0.1\n2\t10.0.0.1\n";
    let Err(FlowsError::Malformed { faults, .. }) = read_bytes(text.as_bytes()) else {
        assert_eq!("read", "refused");
        return;
    };
    let labels: Vec<_> = faults.iter().map(|fault| (fault.label, fault.place.line)).collect();
    assert_eq!(labels, [("missing-field", 2)]);
}

#[test]
fn refuses_a_line_that_is_too_long() {
    let text = format!("#{}", "x".repeat(LINE_BYTES_MAX + 1));
    assert!(matches!(read_bytes(text.as_bytes()), Err(FlowsError::OverLimit { .. })));
}

#[test]
fn gathers_packets_into_flows_by_who_opened_them() {
    let expected = [
        "1000 10.110.0.5:40001 10.20.0.10:2575 tcp - 56/3 @1",
        "1001 10.110.0.5:40001 10.20.0.10:2575 tcp - 0/0 @5",
        "1003 10.110.0.5:47808 10.110.0.255:47808 udp - 5/0 @7",
        "1003.5 10.110.0.5:123 10.110.0.9:123 udp - 48/0 @8",
        "1100 10.110.0.5:123 10.110.0.9:123 udp - 48/0 @9",
        "1101 10.110.0.5:5000 10.110.0.9:6000 udp - 40/0 @10",
        "1102 fd00::5:128 fd00::7:0 icmp - 4/0 @13",
    ];
    for name in ["ward.pcap", "ward-big-endian.pcap"] {
        let recording = recording(name);
        assert_eq!(lines(&recording), expected, "{name}");
        assert_eq!(
            recording.warnings,
            [
                "frames left out for damaged or cut-off headers: 1",
                "fragments left out for lack of their first one: 1",
            ],
            "{name}"
        );
        let opener = recording.records.first().and_then(|r| r.src_mac).map(|mac| mac.to_string());
        assert_eq!(opener.as_deref(), Some("00:1b:21:3a:4f:60"), "{name}");
    }
}

#[test]
fn reads_every_interface_of_a_pcapng_file_with_its_own_clock() {
    let recording = recording("mixed.pcapng");
    assert_eq!(
        lines(&recording),
        [
            "1.5 10.110.0.5:40001 10.20.0.10:104 tcp - 0/0 @1",
            "2.5 10.110.0.5:40002 10.20.0.10:104 tcp - 0/0 @2",
            "3.5 10.110.0.5:40003 10.20.0.10:104 tcp - 0/0 @3",
            "4.5 10.110.0.5:0 10.20.0.10:0 gre - 8/0 @4",
        ]
    );
    assert_eq!(
        recording.warnings,
        [
            "frames left out for naming no interface of their section: 1",
            "frames left out for their link type 147: 1",
        ]
    );
    let macs: Vec<bool> = recording.records.iter().map(|r| r.src_mac.is_some()).collect();
    assert_eq!(macs, [true, true, true, false]);
}

#[test]
fn gives_what_was_read_of_a_capture_that_is_cut_off() {
    let bytes = std::fs::read(path("ward.pcap")).unwrap_or_default();
    let cut = bytes.get(..bytes.len() - 1).unwrap_or_default();
    let recording = read_bytes(cut).unwrap_or_default();
    assert_eq!(recording.records.len(), 7);
    let last = recording.warnings.last().map(String::as_str);
    assert_eq!(last, Some("the file is cut off after frame 13; the rest is missing"));
}

#[test]
fn says_what_a_foreign_file_is() {
    let cases: [(&[u8], &str); 5] = [
        (b"", "empty"),
        (b" \n", "blank"),
        (b"\x1f\x8b\x08", "compressed with gzip (unpack it first)"),
        (b"id,type\n", "of another format"),
        (b"\xa1\xb2\xc3\xd4\x00", "cut off within its header"),
    ];
    for (bytes, expected) in cases {
        let Err(FlowsError::Unrecognized { found, .. }) = read_bytes(bytes) else {
            assert_eq!("read", expected);
            continue;
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn a_file_that_is_not_there_is_unreadable() {
    assert!(matches!(read(Path::new("/nowhere/x")), Err(FlowsError::Unreadable { .. })));
}

/// A generator that needs no crate and repeats itself (Numerical Recipes, §7.1).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn no_truncation_and_no_flipped_byte_makes_it_panic() {
    let mut state = 7;
    for name in VECTORS {
        let bytes = std::fs::read(path(name)).unwrap_or_default();
        assert!(!bytes.is_empty(), "{name}");
        for length in 0..bytes.len() {
            drop(read_bytes(bytes.get(..length).unwrap_or_default()));
        }
        for (at, _) in bytes.iter().enumerate() {
            for _ in 0..8 {
                let mut copy = bytes.clone();
                let flips = 1 + next(&mut state) % 3;
                for flip in 0..flips {
                    let place =
                        if flip == 0 { at } else { usize::try_from(next(&mut state)).unwrap_or(0) };
                    let place = place % copy.len();
                    if let (Some(byte), Ok(value)) =
                        (copy.get_mut(place), u8::try_from(next(&mut state) & 0xff))
                    {
                        *byte = value;
                    }
                }
                if let Ok(recording) = read_bytes(&copy) {
                    let is_sound = |r: &FlowRecord| r.ts_s.is_finite() && r.ts_s >= 0.0;
                    assert!(recording.records.iter().all(is_sound), "{name} {at}");
                }
            }
        }
    }
}
