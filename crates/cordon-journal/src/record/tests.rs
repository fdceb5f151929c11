#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use super::*;

fn stored() -> String {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../cordon-model/testdata/stored/v1/events.jsonl");
    std::fs::read_to_string(path).unwrap()
}

const STAMP: Stamp = Stamp { mono: Mono(17), run: 2, seq: 9, time: WallMs(1_767_225_600_000) };

fn line(event: &str) -> Vec<u8> {
    let mut line = Vec::new();
    encode(&mut line, &Hash::of_nothing(), event.as_bytes(), &STAMP);
    assert_eq!(line.pop(), Some(b'\n'));
    line
}

#[test]
fn a_record_of_every_kind_reads_back_and_its_link_is_found_without_reading_it() {
    for event in stored().lines() {
        let line = line(event);
        let record = Record::decode(&line).unwrap();
        assert_eq!(serde_json::to_string(&record.event).unwrap(), event);
        let link = Link::of(&line).unwrap();
        assert_eq!(link, Link { after: Hash::of_nothing(), stamp: STAMP });
        assert_eq!((record.after, record.seq, record.run), (link.after, 9, 2));
        assert_eq!((record.mono, record.time, record.v), (STAMP.mono, STAMP.time, VERSION));
    }
}

#[test]
fn refuses_what_is_no_record_and_what_is_not_canonical() {
    let stored = stored();
    let good = String::from_utf8(line(stored.lines().next().unwrap())).unwrap();
    for wrong in [
        good.replacen("{\"after\"", "{ \"after\"", 1),
        good.replace("\"seq\":9", "\"seq\":09"),
        good.replace("\"seq\":9", "\"seq\":9,\"seq\":9"),
        good.replace("\"v\":1", "\"v\":2"),
        good.replace("\"v\":1", "\"v\":1,\"x\":1"),
        good.replace("journal-full", "journal\\u002dfull"),
        good.replace(",\"run\":2", ""),
        format!("{good} "),
        good.replace("journal-full", &"x".repeat(RECORD_BYTES_MAX)),
        String::new(),
    ] {
        assert!(Record::decode(wrong.as_bytes()).is_err(), "{wrong}");
    }
    assert!(matches!(
        Record::decode(good.replace("\"v\":1", "\"v\":2").as_bytes()),
        Err(RecordError::Version(2))
    ));
    for at in 0..good.len() {
        assert_eq!(Link::of(&good.as_bytes()[..at]), None);
    }
}

#[test]
fn numbers_of_a_link_are_plain_and_in_their_range() {
    let good = String::from_utf8(line("{}")).unwrap();
    let of = |mono: &str| {
        let text = good.replace("\"mono\":17", &format!("\"mono\":{mono}"));
        Link::of(text.as_bytes()).map(|link| link.stamp.mono.0)
    };
    assert_eq!(of("0"), Some(0));
    assert_eq!(of("10"), Some(10));
    assert_eq!(of("18446744073709551615"), Some(u64::MAX));
    for wrong in [
        "",
        "00",
        "01",
        "-1",
        "18446744073709551616",
        "99999999999999999999",
        "100000000000000000000",
    ] {
        assert_eq!(of(wrong), None, "{wrong}");
    }
}
