//! Tests of `classify`.

use cordon_wire::classify::{Guess, LOOK_BYTES, Transport, by_port, first_bytes};
use proptest::prelude::*;

use crate::modbus::hex;

#[test]
fn first_bytes_name_the_protocol() {
    let tcp = |bytes: &[u8], expected| {
        assert_eq!(first_bytes(bytes, Transport::Tcp), expected, "{bytes:02x?}");
    };
    tcp(b"\x0bMSH|^~\\&|PUMP", Guess::Hl7);
    tcp(&hex("16 0301 00c8 01 0000c4"), Guess::Tls);
    tcp(&hex("01 00 000000cd 0001 0000 41"), Guess::Dicom);
    tcp(&hex("01 00 00000404 0001 0000 41"), Guess::Dicom);
    tcp(&hex("0001 0000 0006 01 03 0000 000a"), Guess::Modbus);
    tcp(&hex("0001 0000 0003 01 83 02"), Guess::Modbus);
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS"] {
        tcp(format!("{method} / HTTP/1.1\r\n").as_bytes(), Guess::Http);
    }
    tcp(b"", Guess::NeedMore);
    tcp(b"PO", Guess::NeedMore);
    tcp(b"POKE /", Guess::Unknown);
    tcp(&hex("0001 0000 00ff 01 03"), Guess::Unknown);
    tcp(&hex("0001 0001 0006 01 03"), Guess::Unknown);
    let udp = |bytes: &str, expected| {
        assert_eq!(first_bytes(&hex(bytes), Transport::Udp), expected, "{bytes}");
    };
    udp("81 0b 000c 01 20 ffff 00 ff 10 08", Guess::Bacnet);
    udp("81 0d 000c", Guess::Unknown);
    udp("81 0b", Guess::Unknown);
    udp("0001 0000 0006 01 03 0000 000a", Guess::Unknown);
    udp("", Guess::Unknown);
}

#[test]
fn ports_are_hints() {
    let hint = |port| by_port(port).map(|hint| (hint.protocol.name(), hint.is_tls));
    assert_eq!(hint(2575), Some(("hl7", false)));
    assert_eq!(hint(104), Some(("dicom", false)));
    assert_eq!(hint(11112), Some(("dicom", false)));
    assert_eq!(hint(2762), Some(("dicom", true)));
    assert_eq!(hint(502), Some(("modbus", false)));
    assert_eq!(hint(802), Some(("modbus", true)));
    assert_eq!(hint(47808), Some(("bacnet", false)));
    assert_eq!(hint(80), Some(("http", false)));
    assert_eq!(hint(8080), Some(("http", false)));
    assert_eq!(hint(443), Some(("http", true)));
    assert_eq!(hint(22), None);
}

proptest! {
    #[test]
    fn a_guess_does_not_change_when_more_bytes_come(
        bytes in prop::collection::vec(
            prop_oneof![
                4 => Just(0_u8), 2 => 0_u8..8, 1 => Just(0x0B), 1 => Just(0x16), 1 => Just(3), 1 => Just(b'G'), 1 => any::<u8>(),
            ],
            0..40,
        ),
    ) {
        let mut last = Guess::NeedMore;
        for end in 0..=bytes.len() {
            let guess = first_bytes(bytes.get(..end).unwrap(), Transport::Tcp);
            prop_assert!(last == Guess::NeedMore || guess == last, "{last:?}, then {guess:?}");
            last = guess;
        }
        if bytes.len() >= LOOK_BYTES {
            prop_assert_ne!(last, Guess::NeedMore);
        }
    }
}
