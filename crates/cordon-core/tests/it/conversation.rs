//! What an auditor would try first, each through a whole conversation.

use cordon_core::inspect::{Reason, Refusal, Verdict, Way};
use cordon_model::fleet::Hl7Rules;
use cordon_model::{Operation, Protocol, Tier};
use cordon_wire::mllp;

use crate::stage::{Stage, framed, hex};

const ALARM: &str = "MSH|^~\\&|VENT|ICU|DESK|METRO|20261124120000||ORU^R40^ORU_R40|A1|P|2.6\r\
                     PID|||42\rOBR|1|||196616^MDC_EVT_ALARM^MDC\rOBX|1|ST|0^MDC_EVT_LO||low||||PH\r";

fn one(outcomes: &[crate::stage::Outcome]) -> (Verdict, &[Reason], Option<Refusal>) {
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    let outcome = outcomes.first().unwrap();
    (outcome.verdict, outcome.reasons.as_slice(), outcome.refusal)
}

#[test]
fn a_write_of_1969_coils_is_refused_with_an_illegal_value() {
    let mut stage = Stage::new(Tier::Green, Protocol::Modbus);
    let mut adu = hex("0001 0000 00fe 01 0f 0000 07b1 f7");
    adu.resize(6 + 0xfe, 0);
    let outcomes = stage.feed(Way::FromDevice, &adu);
    let (verdict, reasons, refusal) = one(&outcomes);
    assert_eq!((verdict, reasons), (Verdict::Block, &[Reason::Malformed][..]));
    assert_eq!(refusal, Some(Refusal::ModbusException { code: 3 }));
}

#[test]
fn silencing_a_bacnet_controller_is_stopped_even_where_operations_are_generous() {
    let operations: Vec<Operation> = Protocol::Bacnet
        .operations()
        .filter(|operation| *operation != Operation::BacnetDeviceCommunicationControl)
        .collect();
    let mut stage = Stage::new(Tier::Green, Protocol::Bacnet).opened_by_peer().permit(&operations);
    let silence = hex("810a000e 0104 00050211 091e1901");
    let outcomes = stage.feed(Way::ToDevice, &silence);
    let (verdict, reasons, _) = one(&outcomes);
    assert_eq!(verdict, Verdict::Block);
    assert!(reasons.contains(&Reason::DangerousService), "{reasons:?}");
}

#[test]
fn an_order_that_comes_from_a_pump_is_stopped_in_every_tier() {
    let order = ALARM.replace("ORU^R40^ORU_R40", "RGV^O15^RGV_O15");
    for tier in Tier::ALL {
        let permitted = [Operation::Hl7OruR01, Operation::Hl7OruR40];
        let mut stage = Stage::new(tier, Protocol::Hl7).permit(&permitted).lifeline(&permitted);
        let outcomes = stage.feed(Way::FromDevice, &framed(&order));
        let (verdict, reasons, refusal) = one(&outcomes);
        assert_eq!(verdict, Verdict::Block, "{tier}");
        assert!(reasons.contains(&Reason::CommandFromDevice), "{tier}: {reasons:?}");
        assert_eq!(refusal, Some(Refusal::Hl7Reject), "{tier}");
    }
}

#[test]
fn an_alarm_passes_in_every_tier_however_odd_it_is() {
    let odd = [
        ALARM.replace("20261124120000", "yesterday"),
        ALARM.replace("|A1|", "||"),
        ALARM.replace("|2.6", "|"),
        ALARM.replace("VENT", "OTHER"),
        ALARM.replace("PID|||42", "PID|||\u{1}\u{2}"),
        ALARM.replace("OBX|1", "O\u{0}X"),
        ALARM.replace('\r', "\n"),
    ];
    for tier in Tier::ALL {
        let mut stage = Stage::new(tier, Protocol::Hl7).permit(&[Operation::Hl7OruR40]);
        let outcomes = stage.feed(Way::FromDevice, &framed(ALARM));
        assert_eq!(one(&outcomes).0, Verdict::Pass, "{tier}");
        for message in &odd {
            let outcomes = stage.feed(Way::FromDevice, &framed(message));
            assert_ne!(one(&outcomes).0, Verdict::Block, "{tier}: {message:?} {outcomes:?}");
        }
    }
}

#[test]
fn another_protocol_is_stopped_everywhere_but_on_a_red_lifeline() {
    let request = b"GET / HTTP/1.1\r\nHost: proxy\r\n\r\n";
    for (tier, lifelines, expected) in [
        (Tier::Red, vec![Operation::ModbusRead], Verdict::PassFlag),
        (Tier::Red, vec![], Verdict::Block),
        (Tier::Orange, vec![Operation::ModbusRead], Verdict::Block),
        (Tier::Green, vec![], Verdict::Block),
        (Tier::GreenLs, vec![Operation::ModbusRead], Verdict::Block),
    ] {
        for piece in [1, 5, 100] {
            let mut stage = Stage::new(tier, Protocol::Modbus).lifeline(&lifelines);
            let mut outcomes = Vec::new();
            for bytes in request.chunks(piece) {
                outcomes.extend(stage.feed(Way::FromDevice, bytes));
            }
            let (verdict, reasons, _) = one(&outcomes);
            assert_eq!((verdict, reasons), (expected, &[Reason::WrongProtocol][..]), "{tier}");
        }
    }
}

#[test]
fn the_third_unreadable_message_in_a_minute_is_stopped_in_orange() {
    let odd = framed("MSH is not what this is\r");
    let mut stage = Stage::new(Tier::Orange, Protocol::Hl7);
    let verdicts: Vec<Verdict> =
        (0..4).map(|_| one(&stage.feed(Way::FromDevice, &odd)).0).collect();
    use Verdict::{Block, PassFlag};
    assert_eq!(verdicts, [PassFlag, PassFlag, Block, Block]);
    let mut lifeline = Stage::new(Tier::Orange, Protocol::Hl7).lifeline(&[Operation::Hl7OruR01]);
    for _ in 0..10 {
        assert_eq!(one(&lifeline.feed(Way::FromDevice, &odd)).0, PassFlag, "a lifeline");
    }
    let mut green = Stage::new(Tier::Green, Protocol::Hl7);
    assert_eq!(one(&green.feed(Way::FromDevice, &odd)).0, Block);
}

#[test]
fn a_message_that_never_ends_is_told_of_when_the_conversation_ends() {
    let whole = framed(ALARM);
    let mut stage = Stage::new(Tier::Red, Protocol::Hl7);
    assert!(stage.feed(Way::FromDevice, whole.get(..40).unwrap()).is_empty());
    let outcomes = stage.finish(Way::FromDevice);
    assert_eq!(one(&outcomes).0, Verdict::PassFlag);
    assert!(one(&outcomes).1.contains(&Reason::Truncated));
}

/// What is sent back to whoever sent a message that does not pass.
fn answer(stage: &mut Stage, way: Way, bytes: &[u8]) -> Vec<u8> {
    let outcomes = stage.feed(way, bytes);
    let outcome = outcomes.iter().find(|outcome| outcome.verdict == Verdict::Block).unwrap();
    outcome.answer.clone()
}

#[test]
fn what_does_not_pass_is_refused_in_its_own_protocol_and_never_confirmed() {
    let mut pump = Stage::new(Tier::Orange, Protocol::Hl7).permit(&[]);
    let order = ALARM.replace("ORU^R40^ORU_R40", "RGV^O15^RGV_O15");
    let text = String::from_utf8(answer(&mut pump, Way::FromDevice, &framed(&order))).unwrap();
    assert!(text.starts_with("\u{b}MSH|^~\\&|DESK|METRO|VENT|ICU|20261124120000"), "{text:?}");
    assert!(text.contains("|ACK^O15^ACK|") && text.contains("\rMSA|AR|A1"), "{text:?}");
    assert!(text.contains("\rERR|||207") && text.ends_with("\r\u{1c}\r"), "{text:?}");
    assert!(!text.contains("|AA|") && !text.contains("42"), "{text:?}");

    let mut coils = Stage::new(Tier::Green, Protocol::Modbus).permit(&[Operation::ModbusRead]);
    let write = hex("0009 0000 0006 01 05 0001 ff00");
    assert_eq!(answer(&mut coils, Way::FromDevice, &write), hex("0009 0000 0003 01 85 01"));

    let mut read = Stage::new(Tier::Green, Protocol::Bacnet).permit(&[]);
    let request = hex("810a0011 0104 0005010c 0c00000001 1955");
    let error = hex("810a000d 0100 50010c 9102 911b");
    assert_eq!(answer(&mut read, Way::FromDevice, &request), error, "property, read-access-denied");

    let mut http = Stage::new(Tier::Yellow, Protocol::Http).permit(&[Operation::HttpGet]);
    let post = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    let text = String::from_utf8(answer(&mut http, Way::FromDevice, post)).unwrap();
    assert!(text.starts_with("HTTP/1.1 403 "), "{text}");
    assert!(text.contains("application/problem+json"), "{text}");

    let mut scanner = Stage::new(Tier::Orange, Protocol::Dicom).permit(&[Operation::DicomCFind]);
    let store = include_str!("../../../cordon-wire/testdata/dicom/store.hex");
    let associate = hex(store.lines().next().unwrap().strip_prefix("> ").unwrap());
    let reject = answer(&mut scanner, Way::FromDevice, &associate);
    assert_eq!(reject, hex("03 00 00000004 00 01 01 01"), "permanent, user, no reason given");
}

#[test]
fn nothing_that_may_name_a_patient_is_printed_for_a_record() {
    let marked =
        ALARM.replace("PID|||42", "PID|||XPATIENTX||XPATIENTX").replace("low", "XPATIENTX");
    let broken = marked.replace("OBX|1", "O\u{0}X|XPATIENTX");
    for message in [framed(&marked), framed(&broken), b"XPATIENTX\x0b".to_vec()] {
        let printed = Stage::new(Tier::Red, Protocol::Hl7).print(Way::FromDevice, &message);
        assert!(!printed.is_empty() && !printed.contains("XPATIENTX"), "{printed}");
        let bytes = format!("{:?}", message.as_slice());
        let inner = bytes.trim_matches(['[', ']']);
        assert!(!printed.contains(inner), "{printed}");
    }
    let request = b"GET /XPATIENTX?x=XPATIENTX HTTP/1.1\r\nHost: XPATIENTX\r\n\r\n";
    let printed = Stage::new(Tier::Yellow, Protocol::Http).print(Way::FromDevice, request);
    assert!(printed.contains("GET") && !printed.contains("XPATIENTX"), "{printed}");
}

#[test]
fn what_is_too_large_is_named_and_what_is_slow_is_read_all_the_same() {
    let mut many = ALARM.replace("ORU^R40^ORU_R40", "ORU^R01^ORU_R01");
    for number in 0..10_000 {
        many.push_str(&format!("OBX|{number}|NM|1^X^MDC|1.1.1.{number}|7|bpm|||||R\r"));
    }
    let mut stage = Stage::new(Tier::Yellow, Protocol::Hl7);
    stage.rules.hl7 = Some(Hl7Rules { observations_usual: Some(12), ..Hl7Rules::default() });
    let outcomes = stage.feed(Way::FromDevice, &framed(&many));
    assert_eq!(one(&outcomes).0, Verdict::Block);
    assert!(one(&outcomes).1.contains(&Reason::UnusualSize), "{outcomes:?}");

    let mut slow = Stage::new(Tier::Red, Protocol::Hl7);
    let outcomes: Vec<_> =
        framed(&many).chunks(1).flat_map(|byte| slow.feed(Way::FromDevice, byte)).collect();
    assert_eq!(one(&outcomes).0, Verdict::Pass, "{outcomes:?}");

    let mut endless = Stage::new(Tier::Green, Protocol::Hl7);
    let outcomes =
        endless.feed(Way::FromDevice, &framed(&"x".repeat(mllp::TELEMETRY_BYTES_MAX + 1)));
    assert_eq!((one(&outcomes).0, one(&outcomes).1), (Verdict::Block, &[Reason::OverLimit][..]));

    let mut images = Stage::new(Tier::Orange, Protocol::Dicom);
    let huge = [hex("01 00 ffffffff 0001"), vec![0; 100]].concat();
    let outcomes = images.feed(Way::FromDevice, &huge);
    let first = outcomes.first().unwrap();
    assert!(first.reasons.contains(&Reason::OverLimit), "{outcomes:?}");
}

#[test]
fn what_pretends_to_be_sealed_is_said_and_does_not_reach_a_device() {
    let hello = hex("16 03 01 00 05 01 00 00 01 00");
    for (tier, way, expected) in [
        (Tier::Red, Way::FromDevice, Verdict::PassFlag),
        (Tier::Green, Way::FromDevice, Verdict::PassFlag),
        (Tier::Red, Way::ToDevice, Verdict::Block),
    ] {
        let mut stage = Stage::new(tier, Protocol::Hl7);
        if way == Way::ToDevice {
            stage = stage.opened_by_peer();
        }
        let outcomes = stage.feed(way, &hello);
        assert_eq!((one(&outcomes).0, one(&outcomes).1), (expected, &[Reason::Sealed][..]));
    }
}

#[test]
fn a_restart_with_a_wrong_length_is_a_restart() {
    let operations = [Operation::BacnetReadProperty];
    let mut stage = Stage::new(Tier::Red, Protocol::Bacnet).permit(&operations);
    let restart = hex("810a0063 0104 00050214 0900");
    let outcomes = stage.feed(Way::FromDevice, &restart);
    assert_eq!(one(&outcomes).0, Verdict::Block);
    let reasons = one(&outcomes).1;
    assert!(reasons.contains(&Reason::Malformed) && reasons.contains(&Reason::DangerousService));
}

#[test]
fn a_message_that_is_too_long_is_judged_by_what_it_begins_with() {
    let padding = "x".repeat(mllp::TELEMETRY_BYTES_MAX);
    for (kind, expected) in [("ORU^R40", Verdict::PassFlag), ("RGV^O15", Verdict::Block)] {
        for tier in [Tier::Red, Tier::Green] {
            let message = ALARM.replace("ORU^R40", kind) + &padding;
            let mut stage = Stage::new(tier, Protocol::Hl7).permit(&[Operation::Hl7OruR40]);
            let outcomes = stage.feed(Way::FromDevice, &framed(&message));
            assert_eq!(one(&outcomes).0, expected, "{kind} {tier}: {outcomes:?}");
        }
    }
}
