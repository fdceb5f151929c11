//! The examples are hospitals without a fault.

use std::fs;
use std::path::Path;

use cordon_model::hospital::{Sources, load};

#[test]
fn every_example_loads_without_a_diagnostic() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut entries: Vec<_> = fs::read_dir(examples).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    assert!(!entries.is_empty());
    for dir in entries.into_iter().filter(|dir| dir.join("hospital.toml").is_file()) {
        let mut sources = Sources::default();
        for folder in ["", "profiles/", "policies/", "invariants/"] {
            let Ok(files) = fs::read_dir(dir.join(folder)) else { continue };
            for file in files.map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
                let name = file.file_name().unwrap().to_str().unwrap();
                sources.insert(&format!("{folder}{name}"), fs::read(&file).unwrap());
            }
        }
        let (hospital, report) = load(&sources);
        let first: Vec<_> = report.entries.iter().take(5).collect();
        assert!(hospital.is_some() && first.is_empty(), "{}: {first:#?}", dir.display());
    }
}
