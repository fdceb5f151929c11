#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use cordon_model::{Mono, WallMs};

use super::Capture;

#[test]
fn a_capture_is_its_owners_and_ends_by_itself() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pump.pcap");
    let mut capture = Capture::begin(&path, Mono(0), 2).unwrap();
    capture.write(Mono(1), WallMs(1_793_520_000_123), &[0x45; 40]).unwrap();
    capture.write(Mono(2_000_000_000), WallMs(1_793_520_002_000), &[0x45; 40]).unwrap();
    assert!(capture.is_over(Mono(2_000_000_000)) && !capture.is_over(Mono(1)));
    assert_eq!(capture.end().unwrap(), (1, 24 + 16 + 40, false));
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 80);
    assert_eq!(bytes.get(..4).unwrap(), [0xd4, 0xc3, 0xb2, 0xa1]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(Capture::begin(&path, Mono(0), 2).is_err(), "nothing is overwritten");
}
