#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("cordon-policies-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn blob(&self, content: &[u8]) -> PathBuf {
        self.0.join(FOLDER).join(BLOBS).join(Sha256Digest::of(content).digits())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sources(rule: &str) -> Sources {
    let mut sources = Sources::default();
    sources.insert("hospital.toml", "id = \"h\"\n");
    sources.insert("policies/red.cedar", rule);
    sources
}

#[test]
fn a_policy_comes_back_byte_for_byte_by_its_digest() {
    let folder = Folder::new();
    let policies = Policies::of(&folder.0);
    assert_eq!(policies.list().unwrap(), []);
    let (one, two) = (sources("permit"), sources("forbid"));
    let first = policies.save(&one).unwrap();
    let second = policies.save(&two).unwrap();
    assert_eq!(first, digest(&one).unwrap());
    assert_ne!(first, second);
    assert_eq!(policies.restore(&first).unwrap().files, one.files);
    assert_eq!(policies.restore(&second).unwrap().files, two.files);
    assert_eq!(policies.save(&one).unwrap(), first);
    // What both share is kept once.
    let blobs = fs::read_dir(folder.0.join(FOLDER).join(BLOBS)).unwrap().count();
    assert_eq!((blobs, policies.list().unwrap().len(), policies.verify().unwrap()), (3, 2, 2));
}

#[test]
fn the_manifest_is_the_one_that_sha256sum_writes() {
    let folder = Folder::new();
    let mut one = Sources::default();
    one.insert("a/b", "abc");
    let digest = Policies::of(&folder.0).save(&one).unwrap();
    let path = folder.0.join(FOLDER).join(format!("{}.sha256", digest.digits()));
    let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a/b\n";
    assert_eq!(fs::read_to_string(path).unwrap(), text);
}

#[test]
fn nothing_that_was_changed_is_given_back() {
    let folder = Folder::new();
    let policies = Policies::of(&folder.0);
    let digest = policies.save(&sources("permit")).unwrap();
    let (blob, manifest) = (folder.blob(b"permit"), policies.manifest_path(&digest));
    fs::write(&blob, "permiT").unwrap();
    assert!(matches!(policies.restore(&digest), Err(RestoreError::Changed(path)) if path == blob));
    fs::write(&blob, "permit and more").unwrap();
    assert!(policies.verify().is_err());
    // Keeping it again mends it.
    policies.save(&sources("permit")).unwrap();
    policies.restore(&digest).unwrap();
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("red", "bed")).unwrap();
    let restored = policies.restore(&digest);
    assert!(matches!(restored, Err(RestoreError::Changed(path)) if path == manifest));
    fs::remove_file(&blob).unwrap();
    policies.save(&sources("permit")).unwrap();
    fs::remove_file(&blob).unwrap();
    let restored = policies.restore(&digest);
    assert!(matches!(restored, Err(RestoreError::Missing(path)) if path == blob));
    let absent = policies.restore(&Sha256Digest::of(b"x"));
    assert!(matches!(absent, Err(RestoreError::Absent(_))));
}

#[test]
fn links_and_paths_that_lead_elsewhere_are_refused() {
    let folder = Folder::new();
    let policies = Policies::of(&folder.0);
    let long = "x".repeat(PATH_BYTES_MAX + 1);
    for path in ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a\nb", "a\\b", &long] {
        let mut one = Sources::default();
        one.insert(path, "x");
        assert!(matches!(policies.save(&one), Err(SaveError::Path(_))), "{path}");
        // A manifest that somebody else wrote is held to the same.
        let text = format!("{}  {path}\n", Sha256Digest::of(b"x").digits());
        let digest = Sha256Digest::of(text.as_bytes());
        fs::create_dir_all(folder.0.join(FOLDER)).unwrap();
        fs::write(policies.manifest_path(&digest), text).unwrap();
        assert!(policies.restore(&digest).is_err(), "{path}");
    }
    let digest = policies.save(&sources("permit")).unwrap();
    let blob = folder.blob(b"permit");
    let elsewhere = folder.0.join("elsewhere");
    fs::rename(&blob, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &blob).unwrap();
    assert!(matches!(policies.restore(&digest), Err(RestoreError::Foreign(path)) if path == blob));
}

#[test]
fn too_many_files_and_too_long_ones_are_refused() {
    let folder = Folder::new();
    let policies = Policies::of(&folder.0);
    let mut many = Sources::default();
    for number in 0..=limits::FILES_MAX {
        many.insert(&format!("policies/{number}"), "");
    }
    assert!(matches!(policies.save(&many), Err(SaveError::OverLimit)));
    let mut long = Sources::default();
    long.insert("a", vec![0; limits::FILE_BYTES_MAX + 1]);
    assert!(matches!(policies.save(&long), Err(SaveError::OverLimit)));
    assert!(!folder.0.exists());
}
