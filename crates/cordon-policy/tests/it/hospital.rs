//! Hospitals for tests: the examples as they are committed, or edited.

use std::fs;
use std::path::PathBuf;

use cordon_model::Hospital;
use cordon_model::hospital::{Sources, load};
use cordon_policy::{Engine, Rulebook};

/// A hospital that can be asked.
pub(crate) struct Ready {
    pub(crate) hospital: Hospital,
    pub(crate) book: Rulebook,
    pub(crate) engine: Engine,
}

/// Reads the files of an example.
pub(crate) fn sources(name: &str) -> Sources {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let mut sources = Sources::default();
    for file in ["hospital.toml", "devices.csv"] {
        sources.insert(file, fs::read(dir.join(file)).unwrap());
    }
    for folder in ["profiles", "policies", "invariants"] {
        for entry in fs::read_dir(dir.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
            sources.insert(&name, fs::read(&path).unwrap());
        }
    }
    sources
}

/// Reads a hospital that must be without errors.
pub(crate) fn ready(sources: &Sources) -> Ready {
    let (hospital, report) = load(sources);
    assert!(!report.has_errors(), "{report:#?}");
    let hospital = hospital.unwrap();
    let (book, report) = Rulebook::read(&hospital);
    assert!(!report.has_errors(), "{report:#?}");
    let book = book.unwrap();
    let engine = Engine::build(&hospital, &book);
    Ready { hospital, book, engine }
}

/// Says whether the long forms of tests are wanted.
pub(crate) fn soak() -> bool {
    std::env::var_os("CORDON_SOAK").is_some()
}
