//! The texts of the journal: records, links, headers, heads, signed notes, keys.
#![no_main]

use cordon_journal::head::Head;
use cordon_journal::record::{Link, Record};
use cordon_journal::segment::{self, Header, Line};
use cordon_model::note::{Note, Verifier};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    match Line::of(input) {
        Line::Record(line) => {
            let link = Link::of(line);
            if let Ok(record) = Record::decode(line) {
                // What is read has one text, and its link is the one that is found without reading.
                assert_eq!(serde_json::to_vec(&record).ok().as_deref(), Some(line));
                let link = link.map(|link| (link.after, link.stamp.seq, link.stamp.time));
                assert_eq!(link, Some((record.after, record.seq, record.time)));
            }
        }
        Line::Header(line) => {
            if let Ok(header) = Header::decode(line) {
                assert!(header.frontier().is_some());
            }
        }
        Line::Head(line) => {
            if let Some(note) = segment::decode_head(line)
                && let Ok(head) = Head::peek(&note)
            {
                assert!(note.starts_with(&head.body()));
            }
        }
        Line::Foreign(line) => {
            let Ok(text) = std::str::from_utf8(line) else { return };
            if let Ok(note) = Note::parse(text) {
                assert!(text.starts_with(note.body));
            }
            if let Ok(key) = Verifier::parse(text) {
                assert_eq!(Verifier::parse(&key.text()), Ok(key));
            }
        }
    }
});
