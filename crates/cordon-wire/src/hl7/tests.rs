#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use super::*;

const HEAD: &str = r"MSH|^~\&|A|B|C|D|20261124||ORU^R01^ORU_R01|1|P|2.6";

fn fault(text: &str) -> Option<Fault> {
    Message::parse(text.as_bytes()).err()
}

#[test]
fn a_header_that_cannot_be_used_is_told_by_its_place() {
    let check = |text: &str, at: usize, rule: &'static str| {
        assert_eq!(fault(text), Some(Fault::Malformed { at, rule }), "{text:?}");
    };
    check("", 0, "HL7 v2.6 §2.14.9");
    check("MS", 0, "HL7 v2.6 §2.14.9");
    check("MSH", 3, "HL7 v2.6 §2.14.9");
    check("PID|1", 0, "HL7 v2.6 §2.14.9");
    check("\rMSH|^~\\&|", 0, "HL7 v2.6 §2.14.9");
    check("MSHa^~\\&a", 3, "HL7 v2.6 §2.5.4");
    check("MSH ^~\\& ", 3, "HL7 v2.6 §2.5.4");
    check("MSH|", 4, "HL7 v2.6 §2.5.4");
    check("MSH|^~\\|", 4, "HL7 v2.6 §2.5.4");
    check("MSH|^^\\&|", 4, "HL7 v2.6 §2.5.4");
    check("MSH|^~\\a|", 4, "HL7 v2.6 §2.5.4");
    check("MSH|^~\\&#%|", 4, "HL7 v2.6 §2.5.4");
    check("MSH|^~\\&&|", 4, "HL7 v2.6 §2.5.4");
    check("MSH|^~\\\u{e9}|", 4, "HL7 v2.6 §2.5.4");
}

#[test]
fn segments_must_have_names_and_there_is_one_header() {
    let check = |tail: &str, rule: Option<&'static str>| {
        let at = HEAD.len() + 1;
        let expected = rule.map(|rule| Fault::Malformed { at, rule });
        assert_eq!(fault(&format!("{HEAD}\r{tail}")), expected, "{tail:?}");
    };
    check("PID", None);
    check("PID|", None);
    check("ZX1|a", None);
    check("Z11|a", None);
    check("pid|a", Some("HL7 v2.6 §2.5.2"));
    check("1ID|a", Some("HL7 v2.6 §2.5.2"));
    check("PI|a", Some("HL7 v2.6 §2.5.2"));
    check("PID^a", Some("HL7 v2.6 §2.5.2"));
    check("PIDX|a", Some("HL7 v2.6 §2.5.2"));
    check("free text", Some("HL7 v2.6 §2.5.2"));
    check("\x0BPID|a", Some("HL7 v2.6 §2.5.2"));
    check("MSH|^~\\&|", Some("HL7 v2.6 §2.5.1"));
}

#[test]
fn batches_are_not_read() {
    let at = HEAD.len() + 1;
    let unsupported = |at| Some(Fault::Unsupported { at, what: "an HL7 batch" });
    assert_eq!(fault("FHS|^~\\&|\r"), unsupported(0));
    assert_eq!(fault("BHS|^~\\&|\r"), unsupported(0));
    assert_eq!(fault(&format!("{HEAD}\rBTS|1\r")), unsupported(at));
}

#[test]
fn segments_end_by_cr_or_as_the_header_does() {
    let check = |text: &str, end: SegmentEnd, names: &[&str]| {
        let message = Message::parse(text.as_bytes()).unwrap();
        let read: Vec<_> = message.segments().map(|one| one.name().to_vec()).collect();
        assert_eq!(message.segment_end(), end, "{text:?}");
        assert_eq!(message.segment_count(), names.len(), "{text:?}");
        assert_eq!(read, names.iter().map(|name| name.as_bytes()).collect::<Vec<_>>());
    };
    check("MSH|^~\\&|", SegmentEnd::Cr, &["MSH"]);
    check("MSH|^~\\&\rPID\r\rOBX\r\r", SegmentEnd::Cr, &["MSH", "PID", "OBX"]);
    check("MSH|^~\\&|\rNTE|1||two\nlines\rOBX", SegmentEnd::Cr, &["MSH", "NTE", "OBX"]);
    check("MSH|^~\\&|\r\nNTE|1||two\nlines\r\nOBX\r\n", SegmentEnd::CrLf, &["MSH", "NTE", "OBX"]);
    check("MSH|^~\\&\nPID\n\nOBX|1\rOBX|2\n", SegmentEnd::Lf, &["MSH", "PID", "OBX", "OBX"]);
}

#[test]
fn control_bytes_are_found_and_layout_is_not() {
    let at = |text: &str| Message::parse(text.as_bytes()).unwrap().control_byte_at();
    assert_eq!(at("MSH|^~\\&|a\tb\rNTE|1||a\nb\r\n"), None);
    for byte in ["\0", "\x07", "\x0B", "\x1B", "\x1F"] {
        assert_eq!(at(&format!("MSH|^~\\&|\rNTE|{byte}")), Some(14), "{byte:?}");
    }
}

#[test]
fn values_are_never_shown() {
    let text = format!("{HEAD}\rPID|||SECRET1||SECRET2\rOBX|1|ST|x||SECRET3\rNTE|1||SECRET4");
    let message = Message::parse(text.as_bytes()).unwrap();
    let segments: Vec<_> = message.segments().collect();
    let values: Vec<_> = segments.iter().map(|one| (one.field(3), one.field(5))).collect();
    let shown = format!("{message:?} {segments:?} {values:?} {:?}", message.patient_id());
    assert!(!shown.contains("SECRET"), "{shown}");
    assert!(shown.contains("ORU^R01") && shown.contains("PID(5 fields)"), "{shown}");
}

#[test]
fn times_are_read_to_what_they_say() {
    let check = |text: &str, seconds: i64, zone: Option<i16>, precision: Precision| {
        let moment = Moment { seconds, zone_minutes: zone, precision };
        assert_eq!(Moment::read(text.as_bytes()), Some(moment), "{text}");
    };
    check("1970", 0, None, Precision::Year);
    check("197003", 5_097_600, None, Precision::Month);
    check("20000229", 951_782_400, None, Precision::Day);
    check("2026112410", 1_795_514_400, None, Precision::Hour);
    check("202611241015+0000", 1_795_515_300, Some(0), Precision::Minute);
    check("20261124101501", 1_795_515_301, None, Precision::Second);
    check("20261124101501.1234-0530", 1_795_535_101, Some(-330), Precision::Second);
    check("20261124101501+1400", 1_795_464_901, Some(840), Precision::Second);
    check("19691231235959Z".trim_end_matches('Z'), -1, None, Precision::Second);
    let broken = [
        "",
        "1",
        "20261",
        "20261301",
        "20260230",
        "20250229",
        "2026112424",
        "202611241060",
        "20261124101560",
        "20261124101501.",
        "20261124101501.12345",
        "202611241015.1",
        "2026112410150a",
        "20261124101501+1",
        "20261124101501+1500",
        "20261124101501+0060",
        "20261124101501Z",
        "202611241015+02222222222222222222222222222222",
        "2026-11-24",
        "20261124101501+00000",
        "-2026",
        "\u{666}\u{666}",
    ];
    for text in broken {
        assert_eq!(Moment::read(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn times_are_written_as_they_are_read() {
    for seconds in (0..4_000_000_000_u64).step_by(9_999_937).chain([951_782_399, 951_868_800]) {
        let mut text = Vec::new();
        time::write(seconds, &mut text);
        let read = Moment::read(&text).map(|moment| moment.seconds);
        assert_eq!(read, i64::try_from(seconds).ok());
    }
    let mut text = Vec::new();
    time::write(u64::MAX, &mut text);
}

#[test]
fn devices_are_named_in_many_spellings() {
    let id = [0x00, 0x03, 0xB1, 0, 0, 0, 0xA0, 0x01];
    let check = |value: &str, expected: DeviceId| {
        let text = format!("{HEAD}\rOBX|1|||||||||||||||||{value}");
        let message = Message::parse(text.as_bytes()).unwrap();
        assert_eq!(message.devices().collect::<Vec<_>>(), [expected], "{value}");
    };
    check("0003B1000000A001", DeviceId::Eui64(id));
    check("0003b1000000a001^EUI-64", DeviceId::Eui64(id));
    check("00-03-B1-00-00-00-A0-01", DeviceId::Eui64(id));
    check("00:03:b1:00:00:00:a0:01^^^", DeviceId::Eui64(id));
    check("PUMP-1^^0003B1000000A001^EUI-64", DeviceId::Eui64(id));
    check("PUMP-1^^00.03.B1.00.00.00.A0.01", DeviceId::Eui64(id));
    check("0003B1000000A001^^^EUI-64", DeviceId::Eui64(id));
    check("PUMP-1^^^EUI-64", DeviceId::Unreadable);
    check("0003B1000000A001^^0003B1000000A00^EUI-64", DeviceId::Unreadable);
    check("PUMP-1", DeviceId::Other);
    check("00-03:B1-00-00-00-A0-01", DeviceId::Other);
    check("0003B1000000A0 1", DeviceId::Other);
}

#[test]
fn the_type_of_broken_messages_is_found() {
    let check = |text: &str, expected: Option<(&str, &str)>| {
        let peeked = peek_type(text.as_bytes());
        let read = peeked.map(|kind| (kind.code.to_vec(), kind.trigger.to_vec()));
        let expected = expected.map(|(a, b)| (a.as_bytes().to_vec(), b.as_bytes().to_vec()));
        assert_eq!(read, expected, "{text:?}");
    };
    check(r"MSH|^~\&|A|B|C|D|1||ORU^R40^ORU_R40|1|P|2.6", Some(("ORU", "R40")));
    check("\x0B\r\nMSH|^~\\&|A|B|C|D|1||RGV^O15|1", Some(("RGV", "O15")));
    check(r"MSH|^^\&|A|B|C|D|1||ORU^R40", Some(("ORU", "R40")));
    check(r"MSH||A|B|C|D|1||ORU^R40", Some(("ORU", "R40")));
    check(r"MSH|^~\&|A|B|C|D|1|ORU^R40|1", Some(("ORU", "R40")));
    check(r"MSH*:~\&*A*B*C*D*1**ORU:R40", Some(("ORU", "R40")));
    check(r"MSH|^~\&|A|B|C|D|1||ACK|1", Some(("ACK", "")));
    check(r"MSH|^~\&|A|ORU^R40|C|D|1||RGV^O15|1", Some(("RGV", "O15")));
    check(r"MSH|^~\&|A|B|C|D|1||oru^r40|1", None);
    check("MSH|^~\\&|A\rMSH|^~\\&|||||||ORU^R40", None);
    check("MSH", None);
    check("MSHMSH|^~\\&|||||||ORU^R40", Some(("ORU", "R40")));
    check("", None);
}
