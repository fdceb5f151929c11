#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::fs;
use std::path::Path;

use cordon_model::bundle::{Interfaces, Role, VERSION};
use cordon_model::seal::Sealer;
use cordon_model::{Bundle, HospitalId, PointId};

use super::{Refused, Store};

fn bundle(point: &str, number: u64) -> Bundle {
    Bundle {
        version: VERSION,
        hospital: HospitalId::new("h").unwrap(),
        point: PointId::new(point).unwrap(),
        role: Role::Access,
        number,
        parent: None,
        age_max_s: 3_600,
        interfaces: Interfaces { uplink: "up".into(), devices: "port".into() },
        tiers: Vec::new(),
        services: Vec::new(),
        postures: Vec::new(),
        flow_lists: Vec::new(),
        devices: Vec::new(),
    }
}

fn sealer() -> Sealer {
    Sealer::new("h/policy", [7; 32])
}

fn sealed(point: &str, number: u64) -> String {
    sealer().sealed(&bundle(point, number)).unwrap()
}

fn open(folder: &Path) -> (Store, Vec<Refused>) {
    Store::open(folder, PointId::new("gw-1").unwrap(), sealer().seal()).unwrap()
}

fn number(store: &Store) -> Option<u64> {
    store.in_force().map(|accepted| accepted.bundle.number)
}

#[test]
fn numbers_only_grow_also_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path());
    assert!(store.offer(&sealed("gw-1", 5)).unwrap().is_some());
    assert!(store.offer(&sealed("gw-1", 5)).unwrap().is_none(), "the same again");
    assert!(matches!(store.offer(&sealed("gw-1", 4)), Err(Refused::Older { number: 4, .. })));
    assert!(store.offer(&sealed("gw-1", 6)).unwrap().is_some());
    let (mut store, refused) = open(folder.path());
    assert_eq!((number(&store), refused.len()), (Some(6), 0));
    assert!(matches!(store.offer(&sealed("gw-1", 5)), Err(Refused::Older { highest: 6, .. })));
}

#[test]
fn a_newest_bundle_that_was_damaged_leaves_the_one_before_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path());
    store.offer(&sealed("gw-1", 5)).unwrap();
    store.offer(&sealed("gw-1", 6)).unwrap();
    let current = folder.path().join("current.bundle");
    let text = fs::read_to_string(&current).unwrap();
    fs::write(&current, text.replace("3600", "9999")).unwrap();
    let (mut store, refused) = open(folder.path());
    assert_eq!(number(&store), Some(5));
    assert!(matches!(refused[..], [Refused::Seal(_)]), "{refused:?}");
    // The one that was damaged may come again, an older one may not.
    assert!(matches!(store.offer(&sealed("gw-1", 5)), Ok(None)));
    assert!(store.offer(&sealed("gw-1", 6)).unwrap().is_some());
    fs::remove_file(&current).unwrap();
    let (mut store, _) = open(folder.path());
    assert_eq!(number(&store), Some(5), "the last that was whole is still there");
    assert!(matches!(store.offer(&sealed("gw-1", 4)), Err(Refused::Older { highest: 6, .. })));
}

#[test]
fn what_is_forged_cut_or_for_another_point_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = open(folder.path());
    store.offer(&sealed("gw-1", 5)).unwrap();
    let other = Sealer::new("h/policy", [8; 32]).sealed(&bundle("gw-1", 6)).unwrap();
    assert!(matches!(store.offer(&other), Err(Refused::Seal(_))));
    assert!(matches!(store.offer(&sealed("gw-2", 6)), Err(Refused::Foreign(_))));
    let whole = sealed("gw-1", 6);
    for cut in (0..whole.len()).step_by(7) {
        assert!(store.offer(whole.get(..cut).unwrap_or("")).is_err(), "cut at {cut}");
    }
    assert_eq!(number(&store), Some(5));
}
