#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::*;

#[test]
fn what_is_no_certificate_names_nobody_for_sure() {
    assert_eq!(named(&[], "clinic"), Named::Unclear);
    assert_eq!(named(&[0x30, 0x82, 1, 1, 9], "clinic"), Named::Unclear);
}

#[test]
fn what_is_missing_is_named() {
    let mut keys = Keys::new(TlsOptions::default()).unwrap();
    let device = DeviceId::new("PUMP-0001").unwrap();
    let address = IpAddr::from([10, 9, 0, 5]);
    let found = keys.towards_service(&device, None, address, true).unwrap_err();
    assert_eq!(found.to_string(), "no folder of credentials is configured");
    let found = keys.towards_device(address, false).unwrap_err();
    assert_eq!(found.to_string(), "no credential of the point is configured");
    assert_eq!(*keys.of(&ServiceId::new("ehr").unwrap()), Tls::None);
}

#[test]
fn a_hybrid_key_exchange_is_preferred() {
    let keys = Keys::new(TlsOptions::default()).unwrap();
    let first = keys.provider.kx_groups.first().map(|group| group.name());
    assert_eq!(first, Some(rustls::NamedGroup::X25519MLKEM768));
}
