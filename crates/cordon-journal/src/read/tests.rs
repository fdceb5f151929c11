#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use cordon_model::note::Signer;
use cordon_model::{Mono, WallMs};
use proptest::prelude::*;

use super::*;
use crate::record::{self, Stamp};
use crate::tree::Frontier;

const ORIGIN: &str = "h/gw-1/evidence";
const EVENT: &[u8] = br#"{"at":1767225600000,"what":{"alarm":{"about":"splunk","alarm":"siem-lag","severity":"medium","state":"clear"}}}"#;

/// Writes a stream as a writer does, step by step.
struct Stream {
    dir: PathBuf,
    signer: Signer,
    tree: Frontier,
    last: Hash,
    segment: u64,
    text: Vec<u8>,
}

impl Stream {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("cordon-read-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let signer = Signer::new(ORIGIN, [3; 32]);
        let tree = Frontier::default();
        let mut stream = Self { dir, signer, tree, last: Hash::ZERO, segment: 0, text: Vec::new() };
        stream.begin();
        stream
    }

    fn head(&self) -> String {
        let head = Head { origin: ORIGIN.into(), size: self.tree.size(), root: self.tree.root() };
        head.sign(&self.signer)
    }

    fn begin(&mut self) {
        let first = self.tree.size();
        let header = Header {
            first,
            frontier: self.tree.peaks().to_vec(),
            head: (first > 0).then(|| self.head()),
            journal: segment::VERSION,
            last: self.last,
            origin: ORIGIN.into(),
        };
        self.segment = first;
        self.text = header.encode().unwrap();
    }

    fn record(&mut self) {
        let seq = self.tree.size();
        let from = self.text.len();
        let stamp = Stamp { mono: Mono(seq), run: 1, seq, time: WallMs(1_767_225_600_000 + seq) };
        record::encode(&mut self.text, &self.last, EVENT, &stamp);
        self.last = Hash::of_leaf(&self.text[from..self.text.len() - 1]);
        self.tree.push(self.last);
    }

    fn batch(&mut self, records: u64) {
        (0..records).for_each(|_| self.record());
        self.text.extend(segment::encode_head(&self.head()));
    }

    fn path(&self) -> PathBuf {
        self.dir.join(segment::file_name(self.segment))
    }

    /// Brings the first bytes to disk, in a file that is longer than they are.
    fn write(&self, bytes: usize, spare: u64) {
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).open(self.path()).unwrap();
        file.write_all_at(&self.text[..bytes], 0).unwrap();
        file.set_len(bytes as u64 + spare).unwrap();
    }

    fn rotate(&mut self) {
        self.write(self.text.len(), 0);
        self.begin();
        self.write(self.text.len(), 4_096);
    }

    fn flush(&self) {
        self.write(self.text.len(), 4_096);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn drain(reader: &mut Reader) -> Vec<u64> {
    let mut found = Vec::new();
    while let Some(entry) = reader.next().unwrap() {
        assert_eq!(entry.record().unwrap().seq, entry.link.stamp.seq);
        assert_eq!(entry.cursor.next, entry.link.stamp.seq + 1);
        found.push(entry.link.stamp.seq);
    }
    found
}

#[test]
fn hands_out_what_a_head_stands_behind_and_waits_for_the_rest() {
    let mut stream = Stream::new("waits");
    let mut reader = Reader::open(&stream.dir, Cursor::START).unwrap();
    assert!(reader.next().unwrap().is_none());
    stream.batch(3);
    let covered = stream.text.len();
    stream.record();
    stream.record();
    let open = stream.text.len();
    stream.batch(1);
    for bytes in 0..covered {
        stream.write(bytes, 512);
        assert!(drain(&mut reader).is_empty(), "{bytes}");
    }
    stream.write(covered, 0);
    assert_eq!(drain(&mut reader), [0, 1, 2]);
    stream.write(open, 100);
    assert!(drain(&mut reader).is_empty());
    assert_eq!(backlog(&stream.dir, &reader.cursor()).unwrap().records, 2);
    assert_eq!(backlog(&stream.dir, &reader.cursor()).unwrap().bytes, (open - covered) as u64);
    stream.flush();
    assert_eq!(drain(&mut reader), [3, 4, 5]);
    assert_eq!(backlog(&stream.dir, &reader.cursor()).unwrap(), Backlog::default());
}

#[test]
fn goes_on_from_every_place_and_over_rotation() {
    let mut stream = Stream::new("places");
    for records in [2, 1, 0, 3] {
        stream.batch(records);
        stream.batch(1);
        stream.rotate();
    }
    stream.batch(2);
    stream.flush();
    let mut reader = Reader::open(&stream.dir, Cursor::START).unwrap();
    let mut places = vec![reader.cursor()];
    while let Some(entry) = reader.next().unwrap() {
        places.push(entry.cursor);
    }
    assert_eq!(places.len(), 13);
    for (index, place) in places.iter().enumerate() {
        let mut reader = Reader::open(&stream.dir, *place).unwrap();
        let backlog = backlog(&stream.dir, place).unwrap();
        assert_eq!(backlog.records, 12 - index as u64);
        assert_eq!(drain(&mut reader), (index as u64..12).collect::<Vec<_>>());
    }
}

#[test]
fn names_the_gap_when_segments_are_gone() {
    let mut stream = Stream::new("gap");
    stream.batch(4);
    stream.rotate();
    stream.batch(3);
    stream.rotate();
    stream.batch(1);
    stream.flush();
    let mut reader = Reader::open(&stream.dir, Cursor::START).unwrap();
    let early = reader.next().unwrap().unwrap().cursor;
    let late = (0..3).map(|_| reader.next().unwrap().unwrap().cursor).last().unwrap();
    fs::remove_file(stream.dir.join(segment::file_name(0))).unwrap();
    // All that was in it was taken: no gap.
    assert_eq!(drain(&mut Reader::open(&stream.dir, late).unwrap()), [4, 5, 6, 7]);
    let error = Reader::open(&stream.dir, early).unwrap_err();
    let ReadError::Gap { first: 1, last: 3, resume } = error else { panic!("{error:?}") };
    assert_eq!(Reader::oldest(&stream.dir).unwrap(), *resume);
    assert_eq!(drain(&mut Reader::open(&stream.dir, *resume).unwrap()), [4, 5, 6, 7]);
    // A reader that still has the file open reads it to its end, then sees what is missing.
    let mut reader = Reader::open(&stream.dir, *resume).unwrap();
    reader.next().unwrap().unwrap();
    fs::remove_file(stream.dir.join(segment::file_name(4))).unwrap();
    assert_eq!(drain(&mut reader), [5, 6, 7]);
}

#[test]
fn refuses_a_journal_that_was_replaced() {
    let mut stream = Stream::new("replaced");
    stream.batch(4);
    stream.flush();
    let mut reader = Reader::open(&stream.dir, Cursor::START).unwrap();
    let place = (0..2).map(|_| reader.next().unwrap().unwrap().cursor).last().unwrap();
    let check = |place| match Reader::open(&stream.dir, place) {
        Ok(mut reader) => reader.next().map(|_| ()),
        Err(error) => Err(error),
    };
    check(place).unwrap();
    for wrong in [
        Cursor { last: Hash::ZERO, ..place },
        Cursor { next: 3, ..place },
        Cursor { offset: place.offset - 1, ..place },
        Cursor { offset: place.offset + 9_999, ..place },
        Cursor { segment: 7, ..place },
        Cursor { last: Hash::of_nothing(), ..Cursor::START },
    ] {
        assert!(matches!(check(wrong), Err(ReadError::Replaced { .. })), "{wrong:?}");
    }
    fs::remove_dir_all(&stream.dir).unwrap();
    assert!(matches!(check(place), Err(ReadError::Replaced { next: 2 })));
}

#[test]
fn refuses_lines_that_do_not_belong_there() {
    for (from, to) in [
        ("{\"after\":", "{\"After\":"),
        ("\"seq\":1", "\"seq\":2"),
        ("\"about\":\"splunk\"", "\"about\":\"splink\""),
        ("\\n2\\n", "\\n3\\n"),
        ("\"journal\":1", "\"journal\":9"),
        ("\"first\":0", "\"first\":1"),
    ] {
        let mut stream = Stream::new("foreign");
        stream.batch(2);
        let text = String::from_utf8(stream.text.clone()).unwrap();
        stream.text = text.replacen(from, to, 1).into_bytes();
        stream.flush();
        let mut reader = Reader::open(&stream.dir, Cursor::START).unwrap();
        let mut results = (0..3).map(|_| reader.next());
        assert!(results.any(|result| result.is_err()), "{from}");
    }
}

#[test]
fn never_holds_more_than_a_few_lines() {
    let stream = Stream::new("long");
    fs::write(stream.path(), vec![b'x'; 400_000]).unwrap();
    let mut reader = Reader::open(&stream.dir, Cursor::START).unwrap();
    assert!(matches!(reader.next(), Err(ReadError::Malformed { .. })));
}

#[test]
fn a_cursor_reads_back_from_its_file() {
    let stream = Stream::new("cursor");
    let path = stream.dir.join("splunk.json");
    assert_eq!(Cursor::load(&path).unwrap(), None);
    for next in [0, 7] {
        let cursor = Cursor { next, last: Hash::of_nothing(), segment: 0, offset: 17 };
        cursor.save(&path).unwrap();
        assert_eq!(Cursor::load(&path).unwrap(), Some(cursor));
    }
    fs::write(&path, "{}").unwrap();
    assert!(matches!(Cursor::load(&path), Err(CursorError::Json { .. })));
    let missing = stream.dir.join("no/such/folder.json");
    assert!(matches!(Cursor::START.save(&missing), Err(CursorError::File { .. })));
}

#[test]
fn cursors_of_every_version_are_read() {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/stored/v1/cursor.json");
    let cursor = Cursor { next: 7, last: Hash::of_nothing(), segment: 0, offset: 4_711 };
    assert_eq!(Cursor::load(&stored).unwrap(), Some(cursor));
    let stream = Stream::new("stored");
    let path = stream.dir.join("again.json");
    cursor.save(&path).unwrap();
    assert_eq!(fs::read(path).unwrap(), fs::read(stored).unwrap());
}

proptest! {
    #[test]
    fn any_growth_hands_out_every_record_once(
        steps in proptest::collection::vec((0_u64..4, any::<bool>(), any::<bool>()), 1..12),
    ) {
        let mut stream = Stream::new("growth");
        let mut reader = Reader::open(&stream.dir, Cursor::START).unwrap();
        let mut found = Vec::new();
        for (records, is_read, is_rotated) in steps {
            stream.batch(records);
            stream.flush();
            if is_read {
                found.extend(drain(&mut reader));
                reader = Reader::open(&stream.dir, reader.cursor()).unwrap();
            }
            if is_rotated && stream.tree.size() > stream.segment {
                stream.rotate();
            }
        }
        found.extend(drain(&mut reader));
        prop_assert_eq!(found, (0..stream.tree.size()).collect::<Vec<_>>());
    }
}
