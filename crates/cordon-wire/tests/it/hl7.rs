//! HL7 v2 over MLLP against messages that another implementation has read as well.

use std::fmt::Write;

use cordon_wire::hl7::{self, AcknowledgmentCode, DeviceId, Message};
use cordon_wire::{Unit, mllp};
use proptest::prelude::*;

use crate::torture;

fn folder(name: &str) -> String {
    format!("{}/testdata/hl7/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(folder(&format!("{name}.hl7"))).expect("a vector of the list")
}

/// The rows of expected.tsv: name, segments, MSH-9, MSH-10, MSH-12.
fn expected() -> Vec<[String; 5]> {
    let text = std::fs::read_to_string(folder("expected.tsv")).unwrap();
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    text.lines().skip(1).map(|line| cells(line).try_into().unwrap()).collect()
}

fn vectors() -> Vec<Vec<u8>> {
    expected().iter().map(|[name, ..]| vector(name)).collect()
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    mllp::write(payload, &mut out);
    out
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn messages_are_read_as_another_implementation_reads_them() {
    let rows = expected();
    assert!(rows.len() >= 13);
    for [name, segments, kind, control_id, version] in rows {
        let bytes = vector(&name);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.segment_count().to_string(), segments, "{name}");
        assert_eq!(message.segments().count(), message.segment_count(), "{name}");
        assert_eq!(text(message.msh(9).bytes()), kind, "{name}");
        assert_eq!(text(message.control_id().bytes()), control_id, "{name}");
        assert_eq!(text(message.version().bytes()), version, "{name}");
        let peeked = hl7::peek_type(&bytes).unwrap();
        assert_eq!(peeked, message.message_type(), "{name}");
    }
}

#[test]
fn fields_are_counted_as_the_standard_counts() {
    let bytes = vector("pcd-01");
    let message = Message::parse(&bytes).unwrap();
    assert!(message.msh(1).is_text("|") && message.msh(0).is_empty() && message.msh(22).is_empty());
    assert_eq!(message.msh(2).bytes(), br"^~\&");
    let msh = message.segments().next().unwrap();
    for number in 0..=21 {
        assert_eq!(msh.field(number).bytes(), message.msh(number).bytes(), "MSH-{number}");
    }
    assert_eq!(msh.fields(), 21);
    assert!(message.sending_application().component(1).is_text("MONITOR"));
    assert!(message.sending_facility().is_text("ICU"));
    assert!(message.receiving_application().is_text("SERVER"));
    assert!(message.receiving_facility().is_text("HOSPITAL"));
    assert!(message.processing_id().is_text("P"));
    assert!(message.profiles().component(3).is_text("1.3.6.1.4.1.19376.1.6.1.1.1"));
    assert_eq!(message.time().unwrap().seconds, 1_795_515_301);
    assert_eq!(message.observation_count(), 12);
    assert!(message.has_patient() && message.patient_id().is_text("PAT-0042"));
    assert!(message.order().unwrap().field(4).component(1).is_text("69965"));
    let id = [0x00, 0x03, 0xB1, 0, 0, 0, 0xB0, 0x02];
    assert_eq!(
        message.devices().collect::<Vec<_>>(),
        [DeviceId::Eui64(id)],
        "twelve times the same"
    );
    let first = message.named(b"OBX").next().unwrap();
    assert!(first.field(4).is_text("1.1.1.1") && first.field(99).is_empty());
}

#[test]
fn answers_say_what_they_answer() {
    let bytes = vector("ack-ae");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.acknowledgment(), Some(AcknowledgmentCode::ApplicationError));
    assert!(message.answers().is_text("M000001"));
    let errors: Vec<_> =
        message.errors().map(|(a, b)| (text(a.bytes()), text(b.bytes()))).collect();
    assert_eq!(errors, [("102".into(), "E".into()), ("103".into(), "W".into())]);
}

#[test]
fn other_delimiters_and_escapes_are_understood() {
    let bytes = vector("own-delimiters");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.message_type().structure, b"ORU_R01");
    assert!(message.patient_id().is_text("PAT:42@sub"), "a resolved `:` divides nothing");
    let obx = message.named(b"OBX").next().unwrap();
    assert!(obx.field(3).component(2).is_text("a*b"));
    let values: Vec<_> = obx.field(5).repetitions().map(|one| text(one.bytes())).collect();
    assert_eq!(values, ["one", "two!R!three"]);
    assert!(obx.field(6).is_text("!"));
    let pid = message.named(b"PID").next().unwrap();
    assert!(pid.field(3).component(1).subcomponent(2).is_text("sub"));
    assert_eq!(message.time().unwrap().zone_minutes, Some(-330));

    let bytes = vector("escapes");
    let message = Message::parse(&bytes).unwrap();
    assert!(message.sending_application().is_text("M&M"));
    let value = message.named(b"OBX").next().unwrap().field(5);
    let mut buffer = [0; 128];
    let plain = value.unescape(&mut buffer).unwrap();
    assert_eq!(text(plain), "| ^ & ~ \\ \r\nA \\.br\\ \\H\\bold\\N\\ open\\");
    assert_eq!(value.unescape(&mut [0; 8]), None);
    let note = message.named(b"NTE").next().unwrap().field(3);
    assert!(note.is_text("a\\X4\\b"), "half a byte stays as it is");

    let bytes = vector("five-delimiters");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.encoding().truncation, Some(b'#'));
    let bytes = vector("multi-byte");
    let message = Message::parse(&bytes).unwrap();
    assert!(message.sending_facility().is_text("Süd"));
    assert!(message.named(b"OBX").next().unwrap().field(5).is_text("37 °C 🌡"));
}

fn refusal(payload: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let is_refused = hl7::refuse(&Message::parse(payload).unwrap(), 1_795_515_301, &mut out);
    assert_eq!(is_refused, !out.is_empty());
    is_refused.then_some(out)
}

#[test]
fn a_refusal_goes_back_to_the_sender_in_its_own_delimiters() {
    let expected = "\x0BMSH*:;!@*SERVER*HOSPITAL*MONITOR*ICU*20261124101501**ACK:R01:ACK*\
        AR15D138D37C7B2BDE*P*2.6\rMSA*AR*M000002\rERR***207:Application internal error:HL70357*E\r\
        \x1C\r";
    assert_eq!(text(&refusal(&vector("own-delimiters")).unwrap()), expected);
}

#[test]
fn every_refusal_is_a_message_that_rejects_and_repeats_nothing_of_the_patient() {
    for [name, ..] in expected() {
        let bytes = vector(&name);
        let asked = Message::parse(&bytes).unwrap();
        let out = refusal(&bytes).unwrap();
        let mut count = 0;
        mllp::Reader::new(mllp::TELEMETRY_BYTES_MAX).feed(&out, &mut |unit| {
            count += 1;
            let Ok(payload) = unit.value else { panic!("{name}: {:?}", unit.value) };
            let answer = Message::parse(payload).unwrap();
            assert_eq!(answer.segment_count(), 3, "{name}");
            assert_eq!(answer.acknowledgment(), Some(AcknowledgmentCode::ApplicationReject));
            assert_eq!(answer.answers().bytes(), asked.control_id().bytes(), "{name}");
            assert_ne!(answer.control_id().bytes(), asked.control_id().bytes(), "{name}");
            for (to, from) in [(3, 5), (4, 6), (5, 3), (6, 4), (11, 11), (12, 12), (18, 18)] {
                assert_eq!(answer.msh(to).bytes(), asked.msh(from).bytes(), "{name} MSH-{to}");
            }
            let (code, severity) = answer.errors().next().unwrap();
            assert!(code.is_text("207") && severity.is_text("E"), "{name}");
        });
        assert_eq!(count, 1, "{name}");
    }
}

#[test]
fn nothing_can_be_injected_through_a_refusal() {
    let long = "a".repeat(1_000);
    let payload = format!(
        "MSH|^~\\&|A\x0B|{long}\\F|C\x1CD|é{long}|1||ORU^R\t01|42|P\0|2.6|||||\x07\rZZZ|\nMSA|AA"
    );
    let out = refusal(payload.as_bytes()).unwrap();
    let body = out.get(1..out.len() - 2).unwrap();
    assert!(body.iter().all(|byte| !byte.is_ascii_control() || *byte == b'\r'));
    assert_eq!(body.iter().filter(|byte| **byte == b'\r').count(), 3);
    assert!(out.len() < 1_000);
    for id in ["", "\"\"", &"9".repeat(200), "4\x072"] {
        let payload = format!("MSH|^~\\&|A|B|C|D|1||ORU^R01|{id}|P|2.6");
        assert_eq!(refusal(payload.as_bytes()), None, "{id:?}");
    }
}

/// Writes down what a reader says, and what the message in it says.
fn run(pieces: &[&[u8]]) -> Vec<String> {
    let mut reader = mllp::Reader::new(3_000);
    let mut seen = Vec::new();
    let mut each = |unit: Unit<'_, &[u8]>| {
        let mut line = format!("{} {}", unit.at, unit.bytes.len());
        match unit.value {
            Ok(payload) => match Message::parse(payload) {
                Ok(message) => {
                    touch(&message);
                    let last = message.segments().last();
                    write!(line, " {message:?} {last:?}").unwrap();
                }
                Err(fault) => write!(line, " {fault} {:?}", hl7::peek_type(payload)).unwrap(),
            },
            Err(fault) => write!(line, " {fault}").unwrap(),
        }
        seen.push(line);
    };
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    reader.finish(&mut each);
    seen
}

/// Asks for everything that can be asked for.
fn touch(message: &Message<'_>) {
    let mut buffer = [0; 64];
    for segment in message.segments() {
        for number in 0..=segment.fields() {
            let field = segment.field(number);
            let _plain = field.unescape(&mut buffer);
            for one in field.repetitions() {
                let _part = one.component(2).subcomponent(2).is_text("x");
            }
        }
    }
    let _devices = message.devices().count();
    let _errors = message.errors().count();
    let _rest = (message.time(), message.answers(), message.patient_id(), message.order());
    let mut out = Vec::new();
    if hl7::refuse(message, 0, &mut out) {
        let answer = out.get(1..out.len() - 2).unwrap();
        assert_eq!(Message::parse(answer).unwrap().segment_count(), 3);
    }
}

#[test]
fn streams_may_be_maltreated() {
    let streams: Vec<_> = vectors().iter().map(|bytes| framed(bytes)).collect();
    torture::streams(&streams, &run);
}

#[test]
fn messages_may_be_maltreated() {
    torture::datagrams(&vectors(), &|bytes| {
        let _peeked = hl7::peek_type(bytes);
        if let Ok(message) = Message::parse(bytes) {
            touch(&message);
        }
    });
}

proptest! {
    #[test]
    fn what_is_framed_comes_out(
        payloads in prop::collection::vec(
            prop::collection::vec(any::<u8>().prop_filter("ends", |b| *b != 0x1C), 0..64), 0..8),
        size in 1_usize..100,
    ) {
        let mut stream = Vec::new();
        for payload in &payloads {
            mllp::write(payload, &mut stream);
        }
        let mut reader = mllp::Reader::new(mllp::TELEMETRY_BYTES_MAX);
        let mut read = Vec::new();
        for piece in stream.chunks(size) {
            reader.feed(piece, &mut |unit| read.push(unit.value.unwrap().to_vec()));
        }
        prop_assert!(!reader.is_within_frame() && !reader.is_lost());
        prop_assert_eq!(read, payloads);
    }

    #[test]
    fn any_stream_reads_the_same_in_any_pieces(
        stream in prop::collection::vec(prop::sample::select(b"\x0B\x1C\r\nMSH|^~\\&ab".to_vec()), 0..200),
        size in 1_usize..20,
    ) {
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        prop_assert_eq!(run(&pieces), run(&[&stream]));
    }

    #[test]
    fn fields_come_out_as_they_were_written(
        fields in prop::collection::vec("[a-zA-Z0-9 ^~&é]{0,12}", 1..30),
    ) {
        let text = format!("MSH|^~\\&|A\rZZZ|{}\r", fields.join("|"));
        let message = Message::parse(text.as_bytes()).unwrap();
        let segment = message.named(b"ZZZ").next().unwrap();
        prop_assert_eq!(segment.fields(), fields.len());
        for (index, field) in fields.iter().enumerate() {
            let value = segment.field(index + 1);
            prop_assert_eq!(value.bytes(), field.as_bytes());
            let joined: Vec<_> = value.repetitions().map(|one| one.bytes().to_vec()).collect();
            prop_assert_eq!(joined.join(&b'~'), field.as_bytes());
        }
    }

    #[test]
    fn what_is_escaped_comes_back(plain in "[a-z|^~&\\\\é ]{0,40}") {
        let mut escaped = String::new();
        for letter in plain.chars() {
            match letter {
                '|' => escaped.push_str("\\F\\"),
                '^' => escaped.push_str("\\S\\"),
                '~' => escaped.push_str("\\R\\"),
                '&' => escaped.push_str("\\T\\"),
                '\\' => escaped.push_str("\\E\\"),
                'é' => escaped.push_str("\\XC3A9\\"),
                other => escaped.push(other),
            }
        }
        let text = format!("MSH|^~\\&|{escaped}|");
        let message = Message::parse(text.as_bytes()).unwrap();
        prop_assert!(message.sending_application().is_text(&plain));
        let mut buffer = [0; 400];
        prop_assert_eq!(message.msh(3).unescape(&mut buffer), Some(plain.as_bytes()));
    }
}
