//! Bundles: the same input gives the same bytes, a change touches only what it must, stored files
//! of every version open for ever.

use std::fs;
use std::path::PathBuf;

use cordon_model::bundle::{Role, VERSION};
use cordon_model::seal::{Seal, Sealer, encode};
use cordon_model::{FailAction, Failure, Tier};
use cordon_policy::compile::{self, compile};

use crate::hospital::{Ready, ready, sources};

fn sealer() -> Sealer {
    Sealer::new("clinic/policy", [42; 32])
}

#[test]
fn the_same_hospital_gives_the_same_bytes() {
    let bytes = || {
        let Ready { hospital, book, engine } = ready(&sources("clinic"));
        let compiled = compile(&hospital, &book, &engine);
        compiled.bundles.values().map(|b| sealer().sealed(b).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn the_large_hospital_has_a_bundle_for_every_point() {
    let Ready { hospital, book, engine } = ready(&sources("metropolitan"));
    let compiled = compile(&hospital, &book, &engine);
    let count = |role| compiled.bundles.values().filter(|bundle| bundle.role == role).count();
    assert_eq!((count(Role::Access), count(Role::Segment)), (240, 32));
    assert_eq!(count(Role::Service), compiled.bundles.len() - 272);
    let devices: usize = compiled
        .bundles
        .values()
        .filter(|b| b.role == Role::Segment)
        .map(|b| b.devices.len())
        .sum();
    assert_eq!(devices, 8_000, "every device is behind exactly one segment firewall");
    for bundle in compiled.bundles.values() {
        assert_eq!(bundle.check(), Ok(()), "{}", bundle.point);
        for rules in &bundle.tiers {
            let stale = rules.failures.iter().find(|(f, _)| *f == Failure::BundleStale).unwrap().1;
            assert_eq!(stale == FailAction::KeepBundleForEver, rules.tier.protects_lifelines());
        }
        let red = bundle.devices.iter().filter(|d| d.tier == Tier::Red);
        for device in red {
            assert!(
                bundle.flows_of(device).any(|(flow, ..)| flow.lifeline)
                    || bundle.role == Role::Service
            );
        }
    }
}

#[test]
fn a_change_of_one_device_recompiles_only_what_it_touches() {
    let Ready { hospital, book, engine } = ready(&sources("clinic"));
    let before = compile(&hospital, &book, &engine);
    let mut changed = hospital.clone();
    let device = changed.devices.iter_mut().find(|device| device.gateway.is_some()).unwrap();
    device.mac = "02:00:00:00:00:99".parse().unwrap();
    let device = device.clone();
    let touched = compile::recompile(&changed, &book, &engine, &before, &[&device]);
    let whole = compile(&changed, &book, &engine);
    assert_eq!(touched.bundles, whole.bundles);
    let kept = before
        .bundles
        .iter()
        .filter(|(id, old)| std::sync::Arc::ptr_eq(old, &touched.bundles[*id]));
    assert_eq!(kept.count(), 2, "the firewalls of the other segments are not built again");
}

#[test]
fn a_moved_device_finds_its_class_and_a_device_of_a_new_kind_gets_one() {
    let Ready { hospital, book, mut engine } = ready(&sources("clinic"));
    let before = compile(&hospital, &book, &engine);
    for kind in ["vitals-monitor", "thermometer"] {
        let mut changed = hospital.clone();
        let old =
            changed.devices.iter().find(|d| d.profile.as_str() == "infusion-pump").unwrap().clone();
        let other = changed.devices.iter().find(|d| d.profile.as_str() == kind).unwrap().clone();
        let device = changed.devices.iter_mut().find(|device| device.id == old.id).unwrap();
        // In the thermometer's case the tier does not fit the segment: a class that nobody was in.
        device.profile = other.profile;
        device.unit = other.unit;
        let device = device.clone();
        let updated = compile::update(&changed, &book, &mut engine, &before, &[&old, &device]);
        let fresh = cordon_policy::Engine::build(&changed, &book);
        assert_eq!(updated.bundles, compile(&changed, &book, &fresh).bundles, "{kind}");
    }
}

#[test]
fn stored_bundles_of_every_version_open() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/stored");
    let path = dir.join(format!("v{VERSION}/gw-suite.bundle"));
    let key = dir.join(format!("v{VERSION}/signing.pub"));
    if std::env::var_os("CORDON_BLESS").is_some() && !path.exists() {
        let Ready { hospital, book, engine } = ready(&sources("clinic"));
        let compiled = compile(&hospital, &book, &engine);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, sealer().sealed(&compiled.bundles["gw-suite"]).unwrap()).unwrap();
        fs::write(&key, sealer().seal().text()).unwrap();
    }
    for version in 1..=VERSION {
        let dir = dir.join(format!("v{version}"));
        let seal = Seal::parse(&fs::read_to_string(dir.join("signing.pub")).unwrap()).unwrap();
        let text = fs::read_to_string(dir.join("gw-suite.bundle")).unwrap();
        let bundle = seal.open(&text).unwrap();
        assert_eq!(bundle.devices.len(), 6);
        assert!(
            text.contains(&encode(&bundle).unwrap()),
            "the encoding of version {version} has changed"
        );
    }
}
