//! Proofs from files, with good caches, bad ones and none.

use std::fs;
use std::path::{Path, PathBuf};

use cordon_journal::index::{IndexError, consistency, find_record, prove, rebuild};

use crate::build::{ORIGIN, Plan, folder, put, segments, signer};

fn check_all(dir: &Path, plan: &Plan, from: usize) {
    let key = signer(ORIGIN).verifier();
    let newest = plan.head(plan.records.len());
    for seq in from..plan.records.len() {
        let number = u64::try_from(seq).unwrap();
        let proof = prove(dir, number).unwrap();
        let line = find_record(dir, number).unwrap();
        assert_eq!(proof.verify(&line, &key).unwrap().size, plan.records.len() as u64, "{seq}");
        if seq > 0 && seq >= from {
            let old = plan.head(seq);
            consistency(dir, &old, &newest).unwrap().verify(&old, &key).unwrap();
        }
    }
}

fn caches(dir: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let is_cache = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".leaves") || name.starts_with("tree.")
    };
    let mut caches: Vec<PathBuf> = names.filter(is_cache).collect();
    caches.sort();
    caches
}

#[test]
fn every_record_is_proved_whatever_the_caches_hold() {
    let plan = Plan::new(ORIGIN, &[&[7, 30], &[1], &[200, 90], &[20, 2]]);
    let dir = folder();
    let dir = put(dir.path(), "evidence", &plan.write());
    check_all(&dir, &plan, 0);
    rebuild(&dir).unwrap();
    let names = caches(&dir);
    assert_eq!(names.len(), 5, "{names:?}");
    check_all(&dir, &plan, 0);
    let good: Vec<Vec<u8>> = names.iter().map(|name| fs::read(name).unwrap()).collect();
    for damage in [
        |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2 + 3),
        |bytes: &mut Vec<u8>| {
            bytes.fill(0);
        },
        |bytes: &mut Vec<u8>| bytes.iter_mut().for_each(|byte| *byte ^= 1),
    ] {
        for (name, good) in names.iter().zip(&good) {
            let mut bytes = good.clone();
            damage(&mut bytes);
            fs::write(name, bytes).unwrap();
        }
        for seq in [0, 36, 37, 38, 300, 349] {
            let proof = prove(&dir, seq).unwrap();
            proof.verify(&find_record(&dir, seq).unwrap(), &signer(ORIGIN).verifier()).unwrap();
        }
    }
    rebuild(&dir).unwrap();
    let again: Vec<Vec<u8>> = names.iter().map(|name| fs::read(name).unwrap()).collect();
    assert_eq!(good, again);
}

#[test]
fn what_is_left_is_proved_after_the_front_has_expired() {
    let plan = Plan::new(ORIGIN, &[&[300], &[5, 70], &[41]]);
    let dir = folder();
    let dir = put(dir.path(), "evidence", &plan.write());
    fs::remove_file(dir.join(&segments(&plan.write())[0])).unwrap();
    check_all(&dir, &plan, 300);
    rebuild(&dir).unwrap();
    check_all(&dir, &plan, 300);
    assert!(matches!(prove(&dir, 3), Err(IndexError::Gone(_))));
}

#[test]
fn refuses_what_cannot_be_proved() {
    let plan = Plan::new(ORIGIN, &[&[3], &[4]]);
    let mut files = plan.write();
    let dir = folder();
    let path = put(dir.path(), "evidence", &files);
    assert!(matches!(prove(&path, 7), Err(IndexError::NotSigned { seq: 7, size: 7 })));
    let (old, new) = (plan.head(3), plan.head(7));
    assert!(matches!(consistency(&path, &new, &old), Err(IndexError::Sizes { old: 7, new: 3 })));
    let name = &segments(&files)[1];
    let text = String::from_utf8(files[name].clone()).unwrap();
    files.insert(name.clone(), text.replacen("\"at\":17", "\"at\":18", 1).into_bytes());
    let path = put(dir.path(), "evidence", &files);
    assert!(matches!(prove(&path, 3), Err(IndexError::Broken)));
    assert!(matches!(consistency(&path, &old, &new), Err(IndexError::Broken)));
}
