//! Journals for tests, built over the pure modules alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use cordon_journal::hash::Hash;
use cordon_journal::head::Head;
use cordon_journal::record::{Stamp, encode};
use cordon_journal::segment::{Header, VERSION, encode_head, file_name};
use cordon_journal::tree::Frontier;
use cordon_model::note::Signer;
use cordon_model::{Mono, WallMs};

pub(crate) const ORIGIN: &str = "h/gw-1/evidence";

/// Splitmix64.
/// # Source
/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` to `to - 1`.
    pub(crate) fn range(&mut self, from: usize, to: usize) -> usize {
        from + usize::try_from(self.next() % u64::try_from(to - from).unwrap()).unwrap()
    }
}

/// A stream before it is written.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) origin: String,
    pub(crate) records: Vec<(String, Stamp)>,
    /// For each segment, the sizes of its batches.
    pub(crate) segments: Vec<Vec<usize>>,
}

/// The files of a stream.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) static EVENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../cordon-model/testdata/stored/v1/events.jsonl");
    let text = fs::read_to_string(path).unwrap();
    let is_quiet = |line: &&str| !line.contains("clock-step") && !line.contains("expire\"");
    text.lines().filter(is_quiet).map(str::to_owned).collect()
});

pub(crate) fn signer(origin: &str) -> Signer {
    Signer::new(origin, [3; 32])
}

/// Signs; each text once, because signing is what takes the time.
pub(crate) fn sign(signer: &Signer, head: &Head) -> String {
    static SIGNED: Mutex<BTreeMap<(String, String), String>> = Mutex::new(BTreeMap::new());
    let key = (signer.text(), head.body());
    if let Some(text) = SIGNED.lock().unwrap().get(&key) {
        return text.clone();
    }
    let text = head.sign(signer);
    SIGNED.lock().unwrap().insert(key, text.clone());
    text
}

impl Plan {
    /// Records one millisecond apart, in one run.
    pub(crate) fn new(origin: &str, segments: &[&[usize]]) -> Self {
        let segments: Vec<Vec<usize>> = segments.iter().map(|sizes| sizes.to_vec()).collect();
        let count = segments.iter().flatten().sum::<usize>();
        let records = (0..count).map(|seq| {
            let event = EVENTS[seq % EVENTS.len()].clone();
            let number = u64::try_from(seq).unwrap();
            let time = WallMs(1_767_225_600_000 + number);
            let mono = Mono(1_000_000 * number);
            (event, Stamp { mono, run: 1, seq: number, time })
        });
        Self { origin: origin.into(), records: records.collect(), segments }
    }

    pub(crate) fn random(random: &mut Random) -> Self {
        let segments: Vec<Vec<usize>> = (0..random.range(1, 5))
            .map(|_| (0..random.range(1, 5)).map(|_| random.range(1, 6)).collect())
            .collect();
        let slices: Vec<&[usize]> = segments.iter().map(Vec::as_slice).collect();
        let mut plan = Self::new(ORIGIN, &slices);
        let (mut mono, mut run, mut time) = (0, 1, 1_767_225_600_000);
        for (event, stamp) in &mut plan.records {
            *event = EVENTS[random.range(0, EVENTS.len())].clone();
            if random.range(0, 20) == 0 {
                (run, mono) = (run + 1, 0);
            }
            mono += random.next() % 1_000_000_000;
            time += random.next() % 2_000;
            // Within what is no rollback.
            let time = time - random.next() % 500;
            (stamp.mono, stamp.run, stamp.time) = (Mono(mono), run, WallMs(time));
        }
        plan
    }

    pub(crate) fn sizes(&self) -> Vec<usize> {
        let mut size = 0;
        self.segments.iter().flatten().map(|count| (size += count, size).1).collect()
    }

    /// Writes the files; `sign` gives each head.
    pub(crate) fn render(&self, sign: impl Fn(&Head) -> String) -> Files {
        let mut files = Files::new();
        let (mut tree, mut last, mut seq) = (Frontier::default(), Hash::ZERO, 0);
        let head = |tree: &Frontier| Head {
            origin: self.origin.clone(),
            size: tree.size(),
            root: tree.root(),
        };
        for batches in &self.segments {
            let first = tree.size();
            let header = Header {
                first,
                frontier: tree.peaks().to_vec(),
                head: (first > 0).then(|| sign(&head(&tree))),
                journal: VERSION,
                last,
                origin: self.origin.clone(),
            };
            let mut text = header.encode().unwrap();
            for count in batches {
                for (event, stamp) in &self.records[seq..seq + count] {
                    let start = text.len();
                    encode(&mut text, &last, event.as_bytes(), stamp);
                    last = Hash::of_leaf(&text[start..text.len() - 1]);
                    tree.push(last);
                }
                seq += count;
                text.extend(encode_head(&sign(&head(&tree))));
            }
            files.insert(file_name(first), text);
        }
        files.insert("checkpoint".into(), sign(&head(&tree)).into_bytes());
        files
    }

    /// Writes the files as the writer does.
    pub(crate) fn write(&self) -> Files {
        let signer = signer(&self.origin);
        self.render(|head| sign(&signer, head))
    }

    /// The head of the first `size` records, signed.
    pub(crate) fn head(&self, size: usize) -> String {
        let (mut tree, mut last) = (Frontier::default(), Hash::ZERO);
        for (event, stamp) in &self.records[..size] {
            let mut line = Vec::new();
            encode(&mut line, &last, event.as_bytes(), stamp);
            last = Hash::of_leaf(&line[..line.len() - 1]);
            tree.push(last);
        }
        let head = Head { origin: self.origin.clone(), size: tree.size(), root: tree.root() };
        sign(&signer(&self.origin), &head)
    }
}

/// The lines of a file, without their line ends.
pub(crate) fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

pub(crate) fn joined(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
}

/// The segments of a stream, in order.
pub(crate) fn segments(files: &Files) -> Vec<String> {
    files.keys().filter(|name| name.ends_with(".jsonl")).cloned().collect()
}

/// A folder in memory, if the machine has one.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(dir) = tempfile::tempdir_in(memory)
    {
        return dir;
    }
    tempfile::tempdir().unwrap()
}

/// Puts exactly these files into a folder of a stream.
pub(crate) fn put(dir: &Path, stream: &str, files: &Files) -> PathBuf {
    let dir = dir.join(stream);
    if dir.is_dir() {
        for entry in fs::read_dir(&dir).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
    fs::create_dir_all(&dir).unwrap();
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).unwrap();
    }
    dir
}
