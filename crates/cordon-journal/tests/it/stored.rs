//! Journals that earlier versions wrote stay readable and sound.

use std::fs;
use std::path::Path;

use cordon_journal::layout;
use cordon_journal::record::Record;
use cordon_journal::segment::{self, Header, Line};
use cordon_journal::verify::{Options, verify_stream};
use cordon_model::event::{Kind, Retention};
use cordon_model::note::Verifier;

use crate::stage::lines;

#[test]
fn the_journal_of_version_1_is_read_whole_and_is_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/stored/v1/journal");
    let keys = fs::read_to_string(folder.join(layout::KEYS)).unwrap();
    let keys: Vec<Verifier> = keys.lines().map(|line| Verifier::parse(line).unwrap()).collect();
    let mut kinds = Vec::new();
    for class in Retention::ALL {
        let stream = layout::stream(&folder, class);
        let options = Options { deep: true, ..Options::default() };
        let report = verify_stream(&stream, &keys, &options).unwrap();
        assert!(report.is_sound(), "{class}: {:?}", report.faults);
        for line in lines(&stream) {
            match Line::of(line.as_bytes()) {
                Line::Record(line) => kinds.push(Record::decode(line).unwrap().event.what.kind()),
                Line::Header(line) => assert_eq!(Header::decode(line).unwrap().first, 0),
                Line::Head(line) => assert!(segment::decode_head(line).is_some()),
                Line::Foreign(_) => panic!("{line}"),
            }
        }
    }
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), Kind::ALL.len());
}
