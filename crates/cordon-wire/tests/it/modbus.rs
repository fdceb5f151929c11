//! Tests of `modbus`.

use std::fmt::Write as _;

use cordon_wire::modbus::{
    Adu, Coils, Reader, Registers, Request, Response, Span, Table, exception, function_name,
    outline,
};
use cordon_wire::{Fault, Side, Unit};
use proptest::prelude::*;

use crate::torture;

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| {
            char::from(byte).to_digit(16).map(|digit| u8::try_from(digit).unwrap()).unwrap()
        })
        .collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

fn vectors(name: &str) -> Vec<(String, Vec<u8>)> {
    let path = format!("{}/testdata/modbus/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(name, unit)| (name.to_owned(), hex(unit)))
        .collect()
}

fn units(pieces: &[&[u8]]) -> (Vec<String>, bool) {
    let mut lines = Vec::new();
    let mut each = |unit: Unit<'_, Adu<'_>>| {
        let mut line = format!("{} {:02x?}", unit.at, unit.bytes);
        match unit.value {
            Ok(adu) => write!(line, " {adu:?} {:02x?}", adu.pdu).unwrap(),
            Err(fault) => write!(line, " {fault:?}").unwrap(),
        }
        lines.push(line);
    };
    let mut reader = Reader::new();
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    let is_lost = reader.is_lost();
    reader.finish(&mut each);
    (lines, is_lost)
}

#[test]
fn reads_every_request_that_pymodbus_writes_and_writes_it_again() {
    for (name, bytes) in vectors("requests.tsv") {
        let (adu, length) = Adu::read(&bytes).unwrap();
        assert_eq!((length, adu.unit_id), (bytes.len(), 17), "{name}");
        let request = Request::read(adu.pdu).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let (function, _) = name.split_once(' ').unwrap_or((&name, ""));
        assert_eq!(function_name(request.function()), Some(function));
        let mut pdu = Vec::new();
        request.write(&mut pdu).unwrap();
        let mut written = Vec::new();
        Adu { pdu: &pdu, ..adu }.write(&mut written).unwrap();
        assert_eq!(written, bytes, "{name}");
    }
}

#[test]
fn reads_every_response_that_pymodbus_writes_and_writes_it_again() {
    for (name, bytes) in vectors("responses.tsv") {
        let (adu, _) = Adu::read(&bytes).unwrap();
        let response = Response::read(adu.pdu).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        if let Some(code) = name.strip_prefix("exception ") {
            let code = hex(code).first().copied().unwrap();
            assert!(matches!(response, Response::Exception { code: found, .. } if found == code));
            assert_eq!(outline(adu.pdu, Side::Response).exception, Some(code));
        } else {
            let (function, _) = name.split_once(' ').unwrap_or((&name, ""));
            assert_eq!(function_name(response.function()), Some(function));
        }
        let mut pdu = Vec::new();
        response.write(&mut pdu).unwrap();
        assert_eq!(pdu, adu.pdu, "{name}");
    }
}

#[test]
fn no_vector_maltreated_stops_a_reader() {
    let mut all: Vec<Vec<u8>> = ["requests.tsv", "responses.tsv", "refused.tsv"]
        .into_iter()
        .flat_map(vectors)
        .map(|(_, bytes)| bytes)
        .collect();
    all.push(hex("0001 0000 0006 01 03 0000 000a 0002 0000 0006 01 03 0000 000a 47"));
    torture::streams(&all, &|pieces| units(pieces).0);
    torture::datagrams(&all, &|unit| {
        let pdu = unit.get(7..).unwrap_or_default();
        for side in [Side::Request, Side::Response] {
            let outline = outline(pdu, side);
            assert_eq!(outline.function.is_some(), !pdu.is_empty());
        }
        let mut out = Vec::new();
        if let Ok(request) = Request::read(pdu) {
            let _text = format!("{request:?}");
            request.write(&mut out).unwrap();
            assert_eq!(out, pdu);
        }
        out.clear();
        if let Ok(response) = Response::read(pdu) {
            let _text = format!("{response:?}");
            response.write(&mut out).unwrap();
            assert_eq!(out, pdu);
        }
    });
}

fn frame(bytes: &str, expected: &[Result<u8, (usize, &str)>], is_lost: bool) {
    let bytes = hex(bytes);
    let mut found = Vec::new();
    let mut reader = Reader::new();
    reader.feed(&bytes, &mut |unit| {
        found.push(unit.value.map(|adu| adu.function()).map_err(broken));
    });
    assert_eq!(found, expected, "{bytes:02x?}");
    assert_eq!(reader.is_lost(), is_lost);
}

#[test]
fn a_header_that_is_none_loses_the_stream_and_a_pdu_that_is_wrong_does_not() {
    let rule = "Modbus TCP IGv1.0b §3.1.3";
    let good = "0001 0000 0006 01 03 0000 000a";
    frame(good, &[Ok(3)], false);
    frame(&format!("{good} {good}"), &[Ok(3), Ok(3)], false);
    frame(&format!("0001 0010 0006 0a 01 0001 0003 {good}"), &[Err((2, rule))], true);
    frame(&format!("{good} 0001 0000 0001 01 {good}"), &[Ok(3), Err((4, rule))], true);
    frame("0001 0000 00ff 01", &[Err((4, rule))], true);
    // A request with a byte too many is named, and so is what follows it.
    frame(&format!("0001 0000 0006 0a 2b 0e 03 01 00 {good}"), &[Ok(0x2B), Ok(3)], false);
    // So is an exception with a byte too many.
    frame(&format!("0001 0000 0004 0a 81 06 00 {good}"), &[Ok(1), Ok(3)], false);
}

#[test]
fn a_stream_that_ends_within_a_unit_hands_it_out_as_incomplete() {
    let bytes = hex("0001 0000 0006 01 03 00");
    let mut reader = Reader::new();
    reader.feed(&bytes, &mut |_| panic!("nothing is complete"));
    let mut found = Vec::new();
    reader.finish(&mut |unit| found.push((unit.bytes.to_vec(), unit.value.unwrap_err())));
    assert_eq!(found, [(bytes, Fault::Incomplete { need: 3 })]);
    reader.feed(&hex("0001 0000 0002 01 07"), &mut |_| panic!("it has ended"));
}

fn broken(fault: Fault) -> (usize, &'static str) {
    let Fault::Malformed { at, rule } = fault else { panic!("{fault:?}") };
    (at, rule)
}

fn refuses_request(pdu: &str, at: usize, section: &str) {
    let rule = format!("Modbus APv1.1b3 §{section}");
    assert_eq!(broken(Request::read(&hex(pdu)).unwrap_err()), (at, rule.as_str()), "{pdu}");
}

#[test]
fn refuses_requests_by_the_section_they_break() {
    refuses_request("", 0, "4.1");
    refuses_request("00", 0, "4.1");
    refuses_request("83 02", 0, "4.1");
    refuses_request("01 0000 0000", 3, "6.1");
    refuses_request("01 0000 07d1", 3, "6.1");
    refuses_request("02 0000 07d1", 3, "6.2");
    refuses_request("03 0000 007e", 3, "6.3");
    refuses_request("04 0000 007e", 3, "6.4");
    refuses_request("03 0000", 3, "6.3");
    refuses_request("03 0000 0001 00", 5, "6.3");
    refuses_request("03 ffff 0002", 1, "6.3");
    refuses_request("05 0000 0001", 3, "6.5");
    refuses_request("05 0000 ff01", 3, "6.5");
    refuses_request("06 0000 00", 4, "6.6");
    refuses_request("07 00", 1, "6.7");
    refuses_request("08 0001 0001", 3, "6.8");
    refuses_request("08 0004 ff00", 3, "6.8");
    refuses_request("08 0000", 3, "6.8");
    refuses_request("0b 00", 1, "6.9");
    refuses_request("0c 00", 1, "6.10");
    refuses_request("0f 0000 0009 01 ff", 5, "6.11");
    refuses_request("0f 0000 0000 00", 3, "6.11");
    refuses_request("0f ffff 0002 01 03", 1, "6.11");
    refuses_request("10 0000 0002 02 0001", 5, "6.12");
    refuses_request("10 0000 0001 03 000102", 5, "6.12");
    refuses_request("11 00", 1, "6.13");
    refuses_request("14 00", 1, "6.14");
    refuses_request("14 07 05 0004 0001 0002", 2, "6.14");
    refuses_request("14 07 06 0000 0001 0002", 3, "6.14");
    refuses_request("14 07 06 0004 2710 0002", 5, "6.14");
    refuses_request("14 08 06 0004 0001 0002 00", 9, "6.14");
    refuses_request("14 07 06 0004 0001 007f", 7, "6.14");
    refuses_request("15 07 06 0004 0001 0000", 1, "6.15");
    refuses_request("15 09 06 0004 0001 0002 0000", 11, "6.15");
    refuses_request("16 0000 0000", 5, "6.16");
    refuses_request("17 0000 007e 0000 0001 02 0000", 3, "6.17");
    refuses_request("17 0000 0001 0000 007a f4", 7, "6.17");
    refuses_request("18 00", 2, "6.18");
    refuses_request("2b", 1, "6.19");
    refuses_request("2b 0e 05 00", 2, "6.21");
    refuses_request("2b 0e 01 00 00", 4, "6.19");
}

#[test]
fn writes_up_to_1968_coils_and_not_2000() {
    let wire = [0xFF; 250];
    let write = |quantity: u16| {
        let bytes = wire.get(..usize::from(quantity.div_ceil(8))).unwrap();
        let values = Coils::from_wire(bytes, quantity).unwrap();
        let span = Span { address: 0, quantity };
        let mut out = Vec::new();
        Request::WriteMultipleCoils { span, values }.write(&mut out).map(|()| out.len())
    };
    let refused = Err(Fault::Malformed { at: 3, rule: "Modbus APv1.1b3 §6.11" });
    assert_eq!(write(1968), Ok(252));
    assert_eq!(write(1969), refused);
    assert_eq!(write(2000), refused);
    let (_, too_many) = vectors("refused.tsv").remove(0);
    let request = Request::read(too_many.get(7..).unwrap()).map(|request| request.function());
    assert_eq!(request, refused.map(|_| 0));
    // With its header it is no unit at all, and the stream ends there.
    assert!(units(&[&too_many]).1);
}

fn refuses_response(pdu: &str, at: usize, section: &str) {
    let rule = format!("Modbus APv1.1b3 §{section}");
    assert_eq!(broken(Response::read(&hex(pdu)).unwrap_err()), (at, rule.as_str()), "{pdu}");
}

#[test]
fn refuses_responses_by_the_section_they_break() {
    refuses_response("", 0, "4.1");
    refuses_response("80 01", 0, "4.1");
    refuses_response("81", 1, "7");
    refuses_response("81 06 00", 2, "7");
    refuses_response("01 00", 1, "6.1");
    refuses_response("01 02 00", 3, "6.1");
    refuses_response("03 03 000000", 1, "6.3");
    refuses_response("04 00", 1, "6.4");
    refuses_response("0b 0001 0000", 1, "6.9");
    refuses_response("0c 05 0000 0000 0000", 1, "6.10");
    refuses_response("0f 0000 07b1", 3, "6.11");
    refuses_response("11 02 00", 3, "6.13");
    refuses_response("14 03 02 05 00", 2, "6.14");
    refuses_response("18 0002 0001 0000", 1, "6.18");
    refuses_response("18 0042 0020", 1, "6.18");
    refuses_response("2b 0e 01 83 00 01 00", 4, "6.21");
    refuses_response("2b 0e 01 04 00 00 00", 3, "6.21");
    refuses_response("2b 0e 01 83 00 00 01 00 05 41", 10, "6.19");
}

#[test]
fn functions_that_are_nobodys_are_read_as_such() {
    for function in [0x09, 0x2A, 0x41, 0x5A, 0x64, 0x7F] {
        let pdu = [function, 1, 2];
        let request = Request::read(&pdu).unwrap();
        assert!(matches!(request, Request::Other { function: code, .. } if code == function));
    }
    let canopen = Request::read(&[0x2B, 0x0D, 9]).unwrap();
    assert!(matches!(canopen, Request::Canopen { data: [9] }));
    let reserved = Request::read(&[0x2B, 0x0F, 9]).unwrap();
    assert!(matches!(reserved, Request::Other { function: 0x2B, .. }));
}

#[test]
fn values_come_out_in_order() {
    let pdu = hex("0f 0013 000a 02 cd 01");
    let Request::WriteMultipleCoils { span, values } = Request::read(&pdu).unwrap() else {
        panic!("not coils");
    };
    assert_eq!((span.address, span.last(), values.len()), (19, 28, 10));
    let bits: String = values.iter().map(|bit| if bit { '1' } else { '0' }).collect();
    assert_eq!(bits, "1011001110");
    let registers = Registers::from_wire(&[0, 10, 1, 2]).unwrap();
    assert_eq!(registers.iter().collect::<Vec<_>>(), [10, 258]);
    assert!(Registers::from_wire(&[0]).is_none());
}

#[test]
fn a_refusal_repeats_transaction_and_unit_and_marks_the_function() {
    let (bytes, mut out) = (hex("1234 0000 0006 05 10 0000 0001"), Vec::new());
    let (adu, _) = Adu::read(&bytes).unwrap();
    exception(&adu, 2, &mut out);
    assert_eq!(out, hex("1234 0000 0003 05 90 02"));
}

#[test]
fn no_value_is_printed() {
    let pdu = hex("10 0001 0002 04 beef cafe");
    let adu = Adu { transaction_id: 1, unit_id: 1, pdu: &pdu };
    let text = format!("{adu:?} {:?}", Request::read(&pdu).unwrap());
    let answer = hex("03 04 beef cafe");
    let text = format!("{text} {:?}", Response::read(&answer).unwrap());
    for value in ["48879", "51966", "190", "239", "beef", "BEEF"] {
        assert!(!text.contains(value), "{text}");
    }
}

proptest! {
    #[test]
    fn any_write_comes_back(
        address in 0_u16..60_000,
        words in prop::collection::vec(any::<u16>(), 1..=123),
        coils in 1_u16..=1968,
        bits in prop::collection::vec(any::<u8>(), 246),
    ) {
        let wire: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let quantity = u16::try_from(words.len()).unwrap();
        let registers = Request::WriteMultipleRegisters {
            span: Span { address, quantity },
            values: Registers::from_wire(&wire).unwrap(),
        };
        let bytes = bits.get(..usize::from(coils.div_ceil(8))).unwrap();
        let bits = Request::WriteMultipleCoils {
            span: Span { address, quantity: coils },
            values: Coils::from_wire(bytes, coils).unwrap(),
        };
        let read = Request::Read {
            table: Table::InputRegisters,
            span: Span { address, quantity },
        };
        for request in [registers, bits, read] {
            let mut pdu = Vec::new();
            request.write(&mut pdu).expect("it fits");
            prop_assert!(Request::read(&pdu).unwrap() == request);
        }
    }

    #[test]
    fn any_bytes_are_read_the_same_in_any_pieces(
        bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(6), any::<u8>()], 0..200),
        size in 1_usize..40,
    ) {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(units(&pieces), units(&[&bytes]));
    }
}
