//! Tests of the whole pipeline on the vectors of `testdata/inspect`, and on damaged copies of them.

use std::path::Path;

use indicatif::ProgressBar;
use pcap_parser::Linktype;

use super::*;
use crate::flows;

const VECTORS: [&str; 9] = [
    "modbus-disorder.pcap",
    "modbus-loss.pcap",
    "modbus-midstream.pcap",
    "modbus-cut.pcap",
    "hl7.pcap",
    "bacnet.pcapng",
    "dicom.pcap",
    "protocols.pcap",
    "clinic.pcap",
];

/// A frame of a file.
#[derive(Clone)]
struct Kept {
    ts_s: f64,
    link: Linktype,
    data: Vec<u8>,
}

fn frames(name: &str) -> Vec<Kept> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/inspect").join(name);
    let mut frames = Vec::new();
    let read = flows::read_frames(&path, &ProgressBar::hidden(), &mut |captured| {
        let (ts_s, link, data) = (captured.ts_s, captured.link, captured.data.to_vec());
        frames.push(Kept { ts_s, link, data });
        Ok(())
    });
    assert!(read.is_ok(), "{name}: {read:?}");
    frames
}

/// Gives the number of records and whether the sums agree with them.
fn run(frames: &[Kept]) -> usize {
    let rules = Rules::of_tier(Tier::Green);
    let told = Told { protocol: None, rules: &rules };
    let mut out = Vec::new();
    let mut pipeline = Pipeline::new(&told, Sink::new(&mut out, Show::Json));
    for (kept, number) in frames.iter().zip(1..) {
        let Kept { ts_s, link, data } = kept;
        pipeline.frame(&Captured { number, ts_s: *ts_s, link: *link, data });
    }
    let held_bytes = pipeline.held_bytes;
    let findings = pipeline.finish(frames.len(), (Vec::new(), None));
    assert!(findings.error.is_none() && held_bytes <= HELD_BYTES_MAX);
    let records = out.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(findings.json.get("messages"), Some(&records.into()));
    records
}

/// A generator that needs no crate and repeats itself (Numerical Recipes, §7.1).
fn next(state: &mut u64, below: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap_or(0) % below.max(1)
}

#[test]
fn no_damage_to_frames_makes_it_panic_or_lose_count() {
    let mut state = 11;
    for name in VECTORS {
        let whole = frames(name);
        assert!(run(&whole) > 0, "{name}");
        for _ in 0..200 {
            let mut copy = whole.clone();
            for _ in 0..=next(&mut state, 6) {
                let at = next(&mut state, copy.len());
                match (next(&mut state, 5), copy.get_mut(at)) {
                    (0, Some(_)) => drop(copy.remove(at)),
                    (1, Some(frame)) => {
                        let again = frame.clone();
                        copy.push(again);
                    }
                    (2, Some(frame)) => frame.data.truncate(next(&mut state, frame.data.len())),
                    (_, Some(frame)) => {
                        let place = next(&mut state, frame.data.len());
                        let value = next(&mut state, 256);
                        if let (Some(byte), Ok(value)) =
                            (frame.data.get_mut(place), u8::try_from(value))
                        {
                            *byte = value;
                        }
                    }
                    (_, None) => {}
                }
                if copy.is_empty() {
                    break;
                }
            }
            run(&copy);
        }
    }
}

#[test]
fn the_order_of_frames_does_not_change_what_udp_says() {
    let mut frames = frames("bacnet.pcapng");
    let records = run(&frames);
    frames.reverse();
    // The fragment that overlaps comes second now, and spoils its datagram as before.
    assert_eq!(run(&frames), records);
}

#[test]
fn more_conversations_and_devices_than_are_followed_make_room_and_show() {
    let who_is = [0x81, 0x0b, 0, 0x0c, 1, 0x20, 0xff, 0xff, 0, 0xff, 0x10, 8];
    let rules = Rules::of_tier(Tier::Green);
    let told = Told { protocol: None, rules: &rules };
    let mut out = Vec::new();
    let mut pipeline = Pipeline::new(&told, Sink::new(&mut out, Show::Sums));
    let count = u32::try_from(CONVERSATIONS_MAX).unwrap_or(0) + 7;
    for number in 0..count {
        let [_, a, b, c] = number.to_be_bytes();
        let mut data =
            vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0, 10, a, b, c, 10, 255, 255, 255];
        data.extend([0xba, 0xc0, 0xba, 0xc0, 0, 20, 0, 0]);
        data.extend(who_is);
        let number = usize::try_from(number).unwrap_or(0) + 1;
        pipeline.frame(&Captured { number, ts_s: 1.0, link: Linktype::RAW, data: &data });
    }
    let findings = pipeline.finish(0, (Vec::new(), None));
    let json = &findings.json;
    assert_eq!(json.get("messages"), Some(&count.into()));
    assert_eq!(json.pointer("/connections/evicted"), Some(&7.into()));
    let devices = u32::try_from(DEVICES_MAX).unwrap_or(0);
    assert!(
        json.get("forgotten_devices").and_then(serde_json::Value::as_u64)
            >= Some(u64::from(count - devices))
    );
    assert_eq!(json.get("operations_omitted"), Some(&0.into()));
    assert_eq!(json.get("endpoints_omitted"), Some(&(count - 10_000).into()));
    assert!(findings.warnings.iter().any(|warning| warning.contains("make room")));
}
