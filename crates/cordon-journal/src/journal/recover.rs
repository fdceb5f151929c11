//! Recovery: what a writer that was cut off left behind, and where it goes on.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use cordon_model::WallMs;
use cordon_model::note::Verifier;

use crate::hash::Hash;
use crate::head::Head;
use crate::layout;
use crate::record::Link;
use crate::segment::{self, Header, LINE_BYTES_MAX, Line};
use crate::tree::Frontier;

/// Most bytes of an unfinished end that are kept aside.
const DROPPED_BYTES_MAX: u64 = 64 << 20;

/// Says why a stream cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The stream of a journal that has been written before is not there.
    #[error("`{}` is gone: the journal was written before, and had it", .0.display())]
    Gone(PathBuf),
    /// A file cannot be read or written.
    #[error("`{}` cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What was acknowledged is not as it was.
    #[error(
        "`{}` is damaged at byte {offset}, record {seq}: `cordon journal verify` says more",
        path.display()
    )]
    Broken {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// The record.
        seq: u64,
    },
    /// Records that a head speaks of are not there.
    #[error("`{}` ends after {found} records, but {said} were acknowledged", path.display())]
    Missing {
        /// The folder of the stream.
        path: PathBuf,
        /// How many there are.
        found: u64,
        /// How many there were.
        said: u64,
    },
}

impl RecoverError {
    /// Makes an error of what the system says about a file.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Where a stream goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// The first record of the live segment.
    pub(crate) first: u64,
    /// The bytes of it that hold.
    pub(crate) bytes: u64,
    /// The tree over all records.
    pub(crate) frontier: Frontier,
    /// The hash of the last record.
    pub(crate) last: Hash,
    /// The newest start of the writer.
    pub(crate) run: u32,
    /// The latest time that a record bears.
    pub(crate) time: WallMs,
    /// When the first record of the live segment was written.
    pub(crate) begun: Option<WallMs>,
    /// Hashes of the records of the live segment.
    pub(crate) leaves: Vec<Hash>,
    /// Bytes of unfinished records, which are dropped.
    pub(crate) dropped_bytes: u64,
    /// Whole records behind the last head, which are dropped: nobody signed them, so anybody may have
    /// written them, and none was acknowledged.
    pub(crate) dropped_records: u64,
}

/// What one segment holds, as far as it holds.
pub(crate) struct Scan {
    pub(crate) end: End,
    /// The tree before its first record.
    pub(crate) before: Frontier,
    /// The hash of the record before its first.
    pub(crate) after: Hash,
    /// The last head, and where it stands.
    pub(crate) head: Option<(u64, String)>,
    /// Where the scan stopped.
    stopped_at: u64,
    /// The records up to there, signed or not.
    size: u64,
}

/// Reads a line that ends, without its end; nothing at the end of the file, at an unfinished line
/// and at one that is too long.
pub(crate) fn whole_line<'b>(
    file: &mut impl BufRead,
    line: &'b mut Vec<u8>,
) -> io::Result<Option<&'b [u8]>> {
    line.clear();
    file.take(LINE_BYTES_MAX as u64).read_until(b'\n', line)?;
    Ok(line.strip_suffix(b"\n"))
}

/// Gives the tree and the hash of the record before a segment, as its header says; nothing if it has
/// none.
pub(crate) fn begins(path: &Path) -> io::Result<Option<(Frontier, Hash)>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut buffer = Vec::new();
    let header = whole_line(&mut file, &mut buffer)?.and_then(|line| Header::decode(line).ok());
    Ok(header.and_then(|header| Some((header.frontier()?, header.last))))
}

/// Reads a segment up to the last head that holds; nothing if it has no header.
/// # Shape
/// `said`: a head from outside the segments, which must agree.
/// # Errors
/// [`RecoverError::Broken`] if its header, its last head or the head from outside is not signed for
/// what is here.
pub(crate) fn scan(
    path: &Path,
    key: &Verifier,
    said: Option<&Head>,
) -> Result<Option<Scan>, RecoverError> {
    let io = |source| RecoverError::Io { path: path.to_owned(), source };
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(io)?);
    let mut buffer = Vec::new();
    let Some(line) = whole_line(&mut file, &mut buffer).map_err(io)? else { return Ok(None) };
    let Ok(header) = Header::decode(line) else { return Ok(None) };
    let Some(before) = header.frontier() else { return Ok(None) };
    let broken = |offset, seq| RecoverError::Broken { path: path.to_owned(), offset, seq };
    if !is_signed(&header, &before, key) {
        return Err(broken(0, header.first));
    }
    let mut walk = Walk::new(&header, before.clone(), line.len() as u64 + 1);
    let mut settled = walk.end.clone();
    let mut head = None;
    while let Some(line) = whole_line(&mut file, &mut buffer).map_err(io)? {
        let Some(note) = walk.take(line) else { break };
        walk.end.bytes += line.len() as u64 + 1;
        if let Some(note) = note {
            head = Some((walk.end.bytes, note));
            settled.clone_from(&walk.end);
        }
        let size = walk.end.frontier.size();
        if said.is_some_and(|said| said.size == size && said.root != walk.end.frontier.root()) {
            return Err(broken(walk.end.bytes, size));
        }
    }
    // The signature of the last head speaks for all before it: they are beginnings of its tree.
    if let Some((offset, note)) = &head
        && Head::open(note, key).is_err()
    {
        return Err(broken(*offset, settled.frontier.size()));
    }
    let size = walk.end.frontier.size();
    settled.leaves = walk.end.leaves;
    let signed = usize::try_from(settled.frontier.size() - header.first).unwrap_or(usize::MAX);
    settled.leaves.truncate(signed);
    settled.dropped_records = size - settled.frontier.size();
    let stopped_at = walk.end.bytes;
    Ok(Some(Scan { end: settled, before, after: header.last, head, stopped_at, size }))
}

/// Says whether what a header tells of the records before is signed.
fn is_signed(header: &Header, before: &Frontier, key: &Verifier) -> bool {
    if header.first == 0 {
        return header.last == Hash::ZERO;
    }
    let head = header.head.as_deref().and_then(|note| Head::open(note, key).ok());
    head.is_some_and(|head| head.size == header.first && head.root == before.root())
}

/// How far a segment holds.
struct Walk {
    end: End,
}

impl Walk {
    fn new(header: &Header, frontier: Frontier, bytes: u64) -> Self {
        Self {
            end: End {
                first: header.first,
                bytes,
                frontier,
                last: header.last,
                run: 0,
                time: WallMs(0),
                begun: None,
                leaves: Vec::new(),
                dropped_bytes: 0,
                dropped_records: 0,
            },
        }
    }

    /// Takes a line if it continues what is there; gives the note if it is a head.
    fn take(&mut self, line: &[u8]) -> Option<Option<String>> {
        let end = &mut self.end;
        match Line::of(line) {
            Line::Record(line) => {
                let link = Link::of(line)?;
                if link.after != end.last || link.stamp.seq != end.frontier.size() {
                    return None;
                }
                end.last = Hash::of_leaf(line);
                end.frontier.push(end.last);
                end.leaves.push(end.last);
                end.run = end.run.max(link.stamp.run);
                end.time = end.time.max(link.stamp.time);
                end.begun.get_or_insert(link.stamp.time);
                Some(None)
            }
            Line::Head(line) => {
                let note = segment::decode_head(line)?;
                let head = Head::peek(&note).ok()?;
                let size = end.frontier.size();
                (head.size == size && head.root == end.frontier.root()).then_some(Some(note))
            }
            Line::Header(_) | Line::Foreign(_) => None,
        }
    }
}

/// Counts the heads by this key in the rest of a file, and its bytes up to the last that is not zero.
fn behind(path: &Path, from: u64, key: &Verifier) -> io::Result<(usize, u64)> {
    use std::io::Seek as _;
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    file.seek(io::SeekFrom::Start(from))?;
    let (mut heads, mut at, mut used) = (0, 0, 0);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let read = (&mut file).take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut buffer)?;
        if read == 0 {
            return Ok((heads, used));
        }
        if let Some(last) = buffer.iter().rposition(|byte| *byte != 0) {
            used = at + last as u64 + 1;
        }
        at += read as u64;
        // A head stands alone in its line; damage may stand before it in the same one.
        let line = buffer.strip_suffix(b"\n").unwrap_or(&buffer);
        let start = memchr::memmem::rfind(line, b"{\"head\":").unwrap_or(0);
        let head = line.get(start..).and_then(segment::decode_head);
        heads += usize::from(head.is_some_and(|note| Head::open(&note, key).is_ok()));
    }
}

/// Whether a head must lie beside the segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checkpoint {
    /// The writer keeps one from its first start on.
    Needed,
    /// A replica may have been cut off before it.
    Welcome,
}

/// Finds where a stream goes on; nothing if it has not begun.
///
/// A batch is one write, and the next one is written only when it is on the disk. So damage with at
/// most one head behind it may be a write that was cut off, of which nothing was acknowledged: it is
/// dropped. Damage with two heads behind it is damage to what was acknowledged. What no head signs
/// is dropped too: the writer must not sign what somebody else may have put there.
pub(crate) fn recover(
    stream: &Path,
    key: &Verifier,
    checkpoint: Checkpoint,
) -> Result<Option<End>, RecoverError> {
    let said = acknowledged(stream, key)?;
    let mut firsts = layout::segments(stream).map_err(RecoverError::io(stream))?;
    let mut found = None;
    while let Some(first) = firsts.pop() {
        let path = stream.join(segment::file_name(first));
        if let Some(scan) = scan(&path, key, said.as_ref())? {
            found = Some((path, scan));
            break;
        }
        // The writer was cut off while it began this segment; the one before is the live one.
        let (heads, _) = behind(&path, 0, key).map_err(RecoverError::io(&path))?;
        if heads > 0 || (firsts.is_empty() && first != 0) {
            return Err(RecoverError::Broken { path, offset: 0, seq: first });
        }
        fs::remove_file(&path).map_err(RecoverError::io(&path))?;
    }
    let said = said.map(|said| said.size);
    let Some((path, mut scan)) = found else {
        return match said.filter(|said| *said > 0) {
            Some(said) => Err(RecoverError::Missing { path: stream.to_owned(), found: 0, said }),
            None => Ok(None),
        };
    };
    let (heads, _) = behind(&path, scan.stopped_at, key).map_err(RecoverError::io(&path))?;
    let size = scan.end.frontier.size();
    if heads > 1 {
        return Err(RecoverError::Broken { path, offset: scan.stopped_at, seq: scan.size });
    }
    if let Some(said) = said.filter(|said| *said > size) {
        return Err(RecoverError::Missing { path: stream.to_owned(), found: size, said });
    }
    if said.is_none() && scan.size > 0 && checkpoint == Checkpoint::Needed {
        let path = stream.join(layout::CHECKPOINT);
        return Err(RecoverError::Broken { path, offset: 0, seq: scan.size });
    }
    let from = scan.end.bytes;
    let (_, used) = behind(&path, from, key).map_err(RecoverError::io(&path))?;
    scan.end.dropped_bytes = used;
    set_aside(&path, from, used)?;
    Ok(Some(scan.end))
}

/// Keeps what is dropped in a file of its own: it is no evidence, but somebody may want to see it.
fn set_aside(path: &Path, from: u64, bytes: u64) -> Result<(), RecoverError> {
    use std::io::Seek as _;
    if bytes == 0 {
        return Ok(());
    }
    let aside = path.with_extension(format!("dropped-{from}"));
    let copy = || -> io::Result<()> {
        let mut file = File::open(path)?;
        file.seek(io::SeekFrom::Start(from))?;
        let mut to = File::create(&aside)?;
        io::copy(&mut file.take(bytes.min(DROPPED_BYTES_MAX)), &mut to)?;
        Ok(())
    };
    copy().map_err(RecoverError::io(&aside))
}

/// Gives the newest head outside the segments.
fn acknowledged(stream: &Path, key: &Verifier) -> Result<Option<Head>, RecoverError> {
    let path = stream.join(layout::CHECKPOINT);
    match fs::read_to_string(&path) {
        Ok(text) => match Head::open(&text, key) {
            Ok(head) => Ok(Some(head)),
            Err(_) => Err(RecoverError::Broken { path, offset: 0, seq: 0 }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RecoverError::Io { path, source }),
    }
}
