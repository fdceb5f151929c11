use super::*;

fn check(bytes: &[u8], expected: Guess) {
    assert_eq!(first_bytes(bytes, Transport::Tcp), expected, "{bytes:02x?}");
}

#[test]
fn starts_that_two_protocols_share_are_told_apart() {
    // Transaction 0x0100: six bytes are no DICOM request.
    check(&[1, 0, 0, 0, 0, 6, 1, 3, 0, 0], Guess::Modbus);
    check(&[1, 0, 0, 0, 0, 0xCD, 0, 1, 0, 0], Guess::Dicom);
    // An answer with 202 bytes of coils in transaction 0x0100, of unit 0.
    check(&[1, 0, 0, 0, 0, 0xCD, 0, 1, 0xCA, 0], Guess::Modbus);
    check(&[1, 0, 0, 0, 0, 0xCD, 0, 1], Guess::NeedMore);
    // Transactions 0x0B4D and 0x1603.
    check(&[0x0B, 0x4D, 0, 0, 0, 6, 1, 3], Guess::Modbus);
    check(&[0x0B, b'M', b'S', b'H'], Guess::Hl7);
    check(&[0x16, 3, 0, 0, 0, 6, 1, 3], Guess::Modbus);
    check(&[0x16, 3, 1, 0, 200], Guess::Tls);
    // Transaction 0x0700: a function is never 0, an abort has 0 there.
    check(&[7, 0, 0, 0, 0, 4, 0, 0, 2, 0], Guess::Dicom);
    check(&[7, 0, 0, 0, 0, 4, 1, 3, 2, 0], Guess::Modbus);
    // `GE` is transaction 0x4745.
    check(b"GE\x00\x00\x00\x06\x01\x03", Guess::Modbus);
}

#[test]
fn whoever_speaks_first_is_known() {
    check(b"HTTP/1.1 200 OK", Guess::Http);
    check(&[2, 0, 0, 0, 0, 0xB8, 0, 1, 0, 0], Guess::Dicom);
    check(&[3, 0, 0, 0, 0, 4, 0, 1, 1, 7], Guess::Dicom);
    check(&[4, 0, 0, 1, 0, 0, 0, 0, 0xFF, 0xFC], Guess::Dicom);
    check(&[0x15, 3, 3, 0, 2], Guess::Tls);
    check(b"SSH-2.0-OpenSSH", Guess::Unknown);
    check(b"220 mail", Guess::Unknown);
    check(&[0x81, 0x0B, 0, 8], Guess::Unknown);
}
