//! Once a conversation has grown to its working size, no message costs an allocation.

use cordon_core::inspect::Way;
use cordon_model::{Protocol, Tier};

use crate::stage::{Stage, framed, hex};

/// Feeds a conversation until it has its working size, then counts.
fn check(what: &str, stage: &mut Stage, messages: &[(Way, Vec<u8>)], piece: usize) {
    let mut round = || {
        for (way, message) in messages {
            for bytes in message.chunks(piece) {
                stage.pass(*way, bytes);
            }
        }
    };
    round();
    let counted = allocation_counter::measure(|| {
        for _ in 0..100 {
            round();
        }
    });
    assert_eq!(counted.count_total, 0, "{what}, in pieces of {piece} bytes");
}

#[test]
fn no_message_costs_an_allocation() {
    let oru = framed(include_str!("../../../cordon-wire/testdata/hl7/pcd-01.hl7"));
    let ack = framed(include_str!("../../../cordon-wire/testdata/hl7/ack-aa.hl7"));
    let hl7 = [(Way::FromDevice, oru), (Way::ToDevice, ack)];
    let modbus = [
        (Way::FromDevice, hex("0007 0000 000b 01 10 03e9 0002 04 00d7 00be")),
        (Way::ToDevice, hex("0007 0000 0006 01 10 03e9 0002")),
        (Way::FromDevice, hex("0008 0000 0006 01 03 0000 000a")),
        (Way::ToDevice, hex("0008 0000 0003 01 83 02")),
    ];
    let bacnet = [
        (Way::FromDevice, hex("810a0011 0104 0005010c 0c00000001 1955")),
        (Way::ToDevice, hex("810a0017 0100 30010c 0c00000001 1955 3e44414000003f")),
        (Way::FromDevice, hex("810b000c0120ffff00ff1008")),
    ];
    let http = [
        (
            Way::FromDevice,
            b"POST /vitals HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_vec(),
        ),
        (Way::ToDevice, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()),
    ];
    for piece in [usize::MAX, 1_460, 5, 1] {
        let stage = |protocol| Stage::new(Tier::Orange, protocol);
        check("HL7", &mut stage(Protocol::Hl7), &hl7, piece);
        check("Modbus", &mut stage(Protocol::Modbus), &modbus, piece);
        check("HTTP", &mut stage(Protocol::Http), &http, piece);
    }
    check("BACnet", &mut Stage::new(Tier::Green, Protocol::Bacnet), &bacnet, usize::MAX);
}

#[test]
fn no_command_and_no_image_costs_an_allocation() {
    let text = include_str!("../../../cordon-wire/testdata/dicom/store.hex");
    let mut lines = text.lines().filter_map(|line| {
        let (way, bytes) = line.split_once(' ')?;
        let way = if way.starts_with('>') { Way::FromDevice } else { Way::ToDevice };
        Some((way, hex(bytes)))
    });
    let mut stage = Stage::new(Tier::Orange, Protocol::Dicom);
    for (way, bytes) in lines.by_ref().take(2) {
        stage.pass(way, &bytes);
    }
    let messages: Vec<_> = lines.filter(|(_, bytes)| bytes.first() == Some(&4)).collect();
    assert!(messages.len() >= 3, "a command, a data set and an answer");
    for piece in [usize::MAX, 1_460, 1] {
        check("DICOM", &mut stage, &messages, piece);
    }
}
