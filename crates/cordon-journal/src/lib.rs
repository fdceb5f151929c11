//! The journal: evidence of everything that happened, which cannot be changed unnoticed.
//!
//! A journal belongs to one writer and has one stream for each time that records are kept
//! ([`cordon_model::event::Retention`]). A stream is a folder of segments; a segment is a text file
//! of JSON lines. Each record names the hash of the one before (a chain), and is a leaf of a Merkle
//! tree whose heads are signed and stand between the records:
//!
//! ```text
//! header    {"first":0,"frontier":[],"journal":1,"last":"AAAA…","origin":"h/gw-1/evidence"}
//! record    {"after":"AAAA…","event":{…},"mono":17,"run":1,"seq":0,"time":1767225600000,"v":1}
//! record    {"after":"x1Yp…","event":{…},"mono":18,"run":1,"seq":1,"time":1767225600000,"v":1}
//! head      {"head":"h/gw-1/evidence\n2\n<root>\n\n— h/gw-1/evidence <signature>\n"}
//! ```
//!
//! Invariant: what was acknowledged is on disk and covered by a signed head.
//! Invariant: nothing here needs the writer: whoever has the files and a public key can verify.
//! Source: RFC 9162 §2.1 (Merkle trees); C2SP signed-note, tlog-checkpoint, tlog-proof; RFC 8785.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

pub mod disk;
pub mod hash;
pub mod head;
pub mod index;
pub mod journal;
pub mod layout;
pub mod policies;
pub mod proof;
pub mod read;
pub mod record;
pub mod replica;
pub mod retention;
pub mod segment;
pub mod tree;
pub mod verify;
