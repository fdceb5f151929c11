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

/// Says why a stream cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
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
    /// Whole records behind the last head, which are kept.
    pub(crate) kept_records: u64,
}

/// What one segment holds, as far as it holds.
pub(crate) struct Scan {
    pub(crate) end: End,
    /// The tree before its first record.
    pub(crate) before: Frontier,
    /// The hash of the record before its first.
    pub(crate) after: Hash,
    /// Records that signed heads cover.
    covered: u64,
    /// Whether the last line that holds is a head.
    pub(crate) is_head_last: bool,
    /// The last head, and where it stands.
    pub(crate) head: Option<(u64, String)>,
    /// Where the scan stopped before the end of the file, if it did.
    stopped_at: Option<u64>,
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

/// Reads a segment as far as it holds; nothing if it has no header.
pub(crate) fn scan(path: &Path, key: &Verifier) -> Result<Option<Scan>, RecoverError> {
    let io = |source| RecoverError::Io { path: path.to_owned(), source };
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(io)?);
    let mut buffer = Vec::new();
    let Some(line) = whole_line(&mut file, &mut buffer).map_err(io)? else { return Ok(None) };
    let Ok(header) = Header::decode(line) else { return Ok(None) };
    let Some(frontier) = header.frontier() else { return Ok(None) };
    let mut scan = Scan {
        covered: header.first,
        before: frontier.clone(),
        after: header.last,
        is_head_last: false,
        head: None,
        stopped_at: None,
        end: End {
            first: header.first,
            bytes: line.len() as u64 + 1,
            frontier,
            last: header.last,
            run: 0,
            time: WallMs(0),
            begun: None,
            leaves: Vec::new(),
            dropped_bytes: 0,
            kept_records: 0,
        },
    };
    while let Some(line) = whole_line(&mut file, &mut buffer).map_err(io)? {
        if !scan.take(line) {
            scan.stopped_at = Some(scan.end.bytes);
            break;
        }
        scan.end.bytes += line.len() as u64 + 1;
    }
    // The signature of the last head speaks for all before it: they are beginnings of its tree.
    if let Some((offset, note)) = &scan.head
        && Head::open(note, key).is_err()
    {
        let (path, offset) = (path.to_owned(), *offset);
        return Err(RecoverError::Broken { path, offset, seq: scan.covered });
    }
    scan.end.kept_records = scan.end.frontier.size() - scan.covered;
    Ok(Some(scan))
}

impl Scan {
    /// Takes a line if it continues what is there.
    fn take(&mut self, line: &[u8]) -> bool {
        let end = &mut self.end;
        match Line::of(line) {
            Line::Record(line) => {
                let Some(link) = Link::of(line) else { return false };
                if link.after != end.last || link.stamp.seq != end.frontier.size() {
                    return false;
                }
                end.last = Hash::of_leaf(line);
                end.frontier.push(end.last);
                end.leaves.push(end.last);
                end.run = end.run.max(link.stamp.run);
                end.time = end.time.max(link.stamp.time);
                end.begun.get_or_insert(link.stamp.time);
                self.is_head_last = false;
                true
            }
            Line::Head(line) => {
                let Some(note) = segment::decode_head(line) else { return false };
                let fits = Head::peek(&note).is_ok_and(|head| {
                    head.size == end.frontier.size() && head.root == end.frontier.root()
                });
                if fits {
                    self.covered = end.frontier.size();
                    self.is_head_last = true;
                    self.head = Some((end.bytes, note));
                }
                fits
            }
            Line::Header(_) | Line::Foreign(_) => false,
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

/// Finds where a stream goes on; nothing if it has not begun.
///
/// A batch is one write, and the next one is written only when it is on the disk. So damage with at
/// most one head behind it may be a write that was cut off, of which nothing was acknowledged: it is
/// dropped. Damage with two heads behind it is damage to what was acknowledged.
pub(crate) fn recover(stream: &Path, key: &Verifier) -> Result<Option<End>, RecoverError> {
    let mut firsts = layout::segments(stream).map_err(RecoverError::io(stream))?;
    let mut found = None;
    while let Some(first) = firsts.pop() {
        let path = stream.join(segment::file_name(first));
        match scan(&path, key)? {
            Some(scan) => {
                found = Some((path, scan));
                break;
            }
            // The writer was cut off while it began this segment; the one before is the live one.
            None if firsts.is_empty() && first != 0 => {
                return Err(RecoverError::Broken { path, offset: 0, seq: first });
            }
            None => {
                let (heads, _) = behind(&path, 0, key).map_err(RecoverError::io(&path))?;
                if heads > 0 {
                    return Err(RecoverError::Broken { path, offset: 0, seq: first });
                }
                fs::remove_file(&path).map_err(RecoverError::io(&path))?;
            }
        }
    }
    let said = acknowledged(stream, key);
    let Some((path, mut scan)) = found else {
        return match said {
            Some(said) if said > 0 => {
                Err(RecoverError::Missing { path: stream.to_owned(), found: 0, said })
            }
            Some(_) | None => Ok(None),
        };
    };
    let (heads, used) = behind(&path, scan.end.bytes, key).map_err(RecoverError::io(&path))?;
    let size = scan.end.frontier.size();
    if heads > 1 {
        let offset = scan.stopped_at.unwrap_or(scan.end.bytes);
        return Err(RecoverError::Broken { path, offset, seq: size });
    }
    if let Some(said) = said.filter(|said| *said > size) {
        return Err(RecoverError::Missing { path: stream.to_owned(), found: size, said });
    }
    scan.end.dropped_bytes = used;
    Ok(Some(scan.end))
}

/// Gives the number of records that the newest head outside the segments speaks of.
fn acknowledged(stream: &Path, key: &Verifier) -> Option<u64> {
    let text = fs::read_to_string(stream.join(layout::CHECKPOINT)).ok()?;
    Head::open(&text, key).ok().map(|head| head.size)
}
