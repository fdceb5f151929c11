//! Tests of `tls`.

use cordon_wire::tls::{Carrier, ClientHello, Reader, is_grease, ja4};
use cordon_wire::{Fault, Unit};
use proptest::prelude::*;

use crate::modbus::hex;
use crate::torture;

fn vectors() -> Vec<(String, String, Vec<u8>)> {
    let path = format!("{}/testdata/tls/hellos.tsv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().unwrap().to_owned();
        (cell(), cell(), hex(&cell()))
    };
    text.lines().map(line).collect()
}

fn units(pieces: &[&[u8]]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut each = |unit: Unit<'_, ClientHello<'_>>| {
        let value = unit.value.map(|hello| (hello, ja4(&hello, Carrier::Tcp)));
        lines.push(format!("{} {:02x?} {value:?}", unit.at, unit.bytes));
    };
    let mut reader = Reader::new();
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    reader.finish(&mut each);
    lines
}

/// Reads a ClientHello and shows it.
fn with(bytes: &[u8], see: &mut dyn FnMut(&ClientHello<'_>)) {
    let mut count = 0;
    let mut reader = Reader::new();
    reader.feed(bytes, &mut |unit| {
        count += 1;
        assert_eq!(unit.bytes, bytes);
        see(&unit.value.unwrap());
    });
    assert!(reader.is_done() && !reader.is_lost());
    reader.feed(b"\x17\x03\x03", &mut |_| panic!("what follows is not read"));
    reader.finish(&mut |_| panic!("what follows is not read"));
    assert_eq!(count, 1);
}

fn vector(name: &str) -> Vec<u8> {
    vectors().into_iter().find(|(found, ..)| found == name).unwrap().2
}

#[test]
fn fingerprints_are_those_of_the_description() {
    for (name, fingerprint, bytes) in vectors() {
        with(&bytes, &mut |hello| {
            assert_eq!(ja4(hello, Carrier::Tcp).to_string(), fingerprint, "{name}");
        });
    }
    with(&vector("chrome"), &mut |hello| {
        assert_eq!(ja4(hello, Carrier::Tcp).as_str(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert_eq!(ja4(hello, Carrier::Quic).as_str(), "q13d1516h2_8daaf6152771_e5627efa2ab1");
        assert_eq!(ja4(hello, Carrier::Dtls).as_str(), "d13d1516h2_8daaf6152771_e5627efa2ab1");
    });
}

#[test]
fn a_hello_says_whom_it_means_and_what_it_speaks() {
    for name in ["chrome", "chrome-in-pieces"] {
        with(&vector(name), &mut |hello| {
            assert_eq!(hello.server_name, Some("example.com"));
            let alpn: Vec<&[u8]> = hello.alpn.iter().collect();
            assert_eq!(alpn, [b"h2".as_slice(), b"http/1.1".as_slice()]);
            assert_eq!((hello.legacy_version, hello.version()), (0x0303, 0x0304));
            let versions: Vec<u16> = hello.supported_versions.iter().collect();
            assert_eq!(versions, [0x6A6A, 0x0304, 0x0303]);
            assert_eq!(hello.cipher_suites.iter().count(), 16);
            assert_eq!(hello.cipher_suites.real().next(), Some(0x1301));
            assert_eq!(hello.signature_algorithms.iter().next(), Some(0x0403));
            let groups: Vec<u16> = hello.supported_groups.real().collect();
            assert_eq!(groups, [0x001D, 0x0017, 0x0018]);
            assert_eq!(hello.key_share_groups().collect::<Vec<_>>(), [0x3A3A, 0x001D]);
            assert_eq!(hello.extensions.iter().count(), 18);
            assert!(!hello.has_encrypted_hello);
        });
    }
    with(&vector("tls12-no-name"), &mut |hello| {
        assert_eq!((hello.server_name, hello.version()), (None, 0x0303));
        assert_eq!(hello.supported_versions.iter().count(), 0);
        assert_eq!(hello.key_share_groups().count(), 0);
    });
    assert!(is_grease(0x0A0A) && is_grease(0xFAFA));
    assert!(!is_grease(0x0A1A) && !is_grease(0x1313) && !is_grease(0x1301));
}

/// Makes a handshake message of extensions.
fn message(extensions: &str) -> Vec<u8> {
    let extensions = hex(extensions);
    let mut body = hex("0303");
    body.extend([7; 32]);
    body.extend(hex("00 0002 1301 01 00"));
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut message = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    *message.first_mut().unwrap() = 1;
    message.extend(body);
    message
}

fn refused(extensions: &str, section: &str) {
    let message = message(extensions);
    let fault = ClientHello::read(&message).unwrap_err();
    let Fault::Malformed { at, rule } = fault else { panic!("{extensions}: {fault:?}") };
    assert_eq!(rule, section, "{extensions}");
    assert!(at <= message.len(), "{extensions}");
}

#[test]
fn extensions_are_held_to_their_sections() {
    refused("0000 0005 0003 00 0000", "RFC 6066 §3");
    refused("0000 0006 0004 00 0001 07", "RFC 6066 §3");
    refused("0000 000a 0008 00 0001 61 00 0001 62", "RFC 6066 §3");
    refused("0000 0007 0004 00 0001 61 00", "RFC 6066 §3");
    refused("0010 0003 0001 00", "RFC 7301 §3.1");
    refused("0010 0002 0000", "RFC 7301 §3.1");
    refused("0010 0004 0002 02 61", "RFC 7301 §3.1");
    refused("002b 0004 03 0304 03", "RFC 8446 §4.2.1");
    refused("000d 0003 0001 04", "RFC 8446 §4.2.3");
    refused("000a 0002 0000", "RFC 8446 §4.2.7");
    refused("0033 0006 0004 001d 0001", "RFC 8446 §4.2.8");
    refused("0017 0001", "RFC 8446 §4.2");
    refused("002b 0003 02 0304 002b 0003 02 0303", "RFC 8446 §4.2");
    let good = message("fe0d 0001 00 0017 0000 0000 0006 0004 00 0001 61");
    let hello = ClientHello::read(&good).unwrap();
    assert!(hello.has_encrypted_hello);
    assert_eq!(hello.server_name, Some("a"));
    // Extensions may be missing altogether.
    let mut bare = message("");
    bare.truncate(bare.len() - 2);
    if let Some(length) = bare.get_mut(3) {
        *length -= 2;
    }
    let hello = ClientHello::read(&bare).unwrap();
    assert_eq!(ja4(&hello, Carrier::Tcp).as_str(), "t12i010000_0f2cb44170f4_000000000000");
}

fn lost(bytes: &str, fault: Fault, length: usize) {
    let bytes = hex(bytes);
    let mut found = Vec::new();
    let mut reader = Reader::new();
    reader.feed(&bytes, &mut |unit| found.push((unit.value.unwrap_err(), unit.bytes.len())));
    assert_eq!(found, [(fault, length)]);
    assert!(reader.is_lost() && !reader.is_done());
}

#[test]
fn what_is_no_hello_loses_the_stream() {
    let record = |at| Fault::Malformed { at, rule: "RFC 8446 §5.1" };
    lost("17 0303 0001 00", record(0), 5);
    lost("16 0203 0001 00", record(1), 5);
    lost("16 0303 0000", record(3), 5);
    lost("16 0303 4001", record(3), 5);
    lost("16 0303 0002 0100 16 0303 0000", record(10), 12);
    lost("16 0303 0004 02000000", Fault::Malformed { at: 0, rule: "RFC 8446 §4" }, 9);
}

#[test]
fn a_hello_has_a_bound() {
    let over = |bytes: &[u8]| {
        let mut reader = Reader::new();
        let mut found = None;
        for piece in bytes.chunks(1000) {
            reader.feed(piece, &mut |unit| found = unit.value.err());
        }
        matches!(found, Some(Fault::OverLimit { limit, .. }) if limit.max == 64 * 1024)
    };
    assert!(over(&hex("16 0301 0004 01ffffff")), "what it announces");
    let one = hex("16 0301 0001 00");
    let tiny = [hex("16 0301 0004 0100f000"), one.repeat(70_000)].concat();
    assert!(over(&tiny), "what it sends, in records of one byte");
}

#[test]
fn no_hello_maltreated_stops_a_reader() {
    let all: Vec<Vec<u8>> = vectors().into_iter().map(|(_, _, bytes)| bytes).collect();
    torture::streams(&all, &units);
}

proptest! {
    #[test]
    fn any_bytes_are_read_the_same_in_any_pieces(
        name in prop::sample::select(vec!["chrome", "long-in-pieces", "tls12-no-name"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        size in 1_usize..600,
    ) {
        let mut bytes = vector(name);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            if let Some(byte) = bytes.get_mut(place) {
                *byte = value;
            }
        }
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(units(&pieces), units(&[&bytes]));
    }
}
