use crate::bundle::{Bundle, Interfaces, Role, VERSION};
use crate::{HospitalId, PointId};

use super::*;

fn bundle() -> Bundle {
    let id = |text: &str| PointId::new(text);
    Bundle {
        version: VERSION,
        hospital: HospitalId::new("h").unwrap_or_else(|_| unreachable!()),
        point: id("gw-1").unwrap_or_else(|_| unreachable!()),
        role: Role::Access,
        number: 7,
        parent: None,
        age_max_s: 3_600,
        interfaces: Interfaces { uplink: "up".into(), devices: "port".into() },
        tiers: vec![],
        services: vec![],
        postures: vec![],
        flow_lists: vec![],
        devices: vec![],
    }
}

fn sealer() -> Sealer {
    Sealer::new("h/policy", [7; 32])
}

#[test]
fn a_sealed_bundle_opens_with_its_key_and_no_other() {
    let text = sealer().sealed(&bundle()).unwrap_or_default();
    assert_eq!(sealer().seal().open(&text).ok(), Some(bundle()));
    let stranger = Sealer::new("h/policy", [8; 32]).seal();
    assert!(matches!(stranger.open(&text), Err(SealError::Signature(_))));
}

#[test]
fn keys_read_back() {
    let again = Sealer::parse(&sealer().text()).map(|s| s.seal()).ok();
    assert_eq!(again, Some(sealer().seal()));
    assert_eq!(Seal::parse(&sealer().seal().text()).ok(), Some(sealer().seal()));
    assert!(Seal::parse("h+ed25519+zz").is_err());
}

#[test]
fn every_single_change_of_a_sealed_bundle_is_noticed() {
    let text = sealer().sealed(&bundle()).unwrap_or_default();
    let seal = sealer().seal();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1;
        }
        let changed = String::from_utf8_lossy(&bytes).into_owned();
        if let Ok(opened) = seal.open(&changed) {
            assert_eq!(opened, bundle(), "byte {at}");
            assert!(text.get(at..at + 1) == Some("\n"), "byte {at} changed unnoticed");
        }
        if let Some(short) = text.get(..at) {
            assert!(
                seal.open(short).is_err() || short.trim_end() == text.trim_end(),
                "cut at {at}"
            );
        }
    }
}

#[test]
fn the_same_bundle_gives_the_same_bytes() {
    assert_eq!(sealer().sealed(&bundle()).ok(), sealer().sealed(&bundle()).ok());
}
