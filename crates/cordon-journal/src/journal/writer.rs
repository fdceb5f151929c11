//! The writer of one stream's files: batches, seals, caches. It is used by one thread at a time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cordon_model::WallMs;
use cordon_model::note::Signer;

use super::recover::{self, End, RecoverError};
use crate::disk::{self, Disk, DiskFile};
use crate::hash::Hash;
use crate::head::Head;
use crate::layout;
use crate::record::{self, Stamp};
use crate::segment::{self, Header};
use crate::tree::Frontier;

/// Segments end at multiples of so many records, so that their part of the tree is complete.
pub(crate) const ALIGNMENT: u64 = 256;
/// Most bytes of records in one batch.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// When a segment is sealed, and how much of the disk is kept in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) segment_bytes: u64,
    pub(crate) segment_age_ms: u64,
    pub(crate) reserve_bytes: u64,
}

/// Events that wait to be written: their texts in one buffer, and where each ends.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) bytes: Vec<u8>,
    pub(crate) entries: Vec<(usize, Stamp)>,
}

impl Queue {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

/// A batch that is encoded but perhaps not yet on the disk.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    leaves: Vec<Hash>,
    /// The tree with the batch.
    frontier: Frontier,
    begun: Option<WallMs>,
    note: String,
    /// Whether the segment ends with it.
    seals: bool,
    /// How many entries of the queue are in it.
    taken: usize,
}

/// The writer.
#[derive(Debug)]
pub(crate) struct Writer {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    signer: Signer,
    plan: Plan,
    file: Box<dyn DiskFile>,
    first: u64,
    /// Where the next batch goes.
    offset: u64,
    /// Up to where the file is allocated.
    allocated: u64,
    frontier: Frontier,
    last: Hash,
    begun: Option<WallMs>,
    batch: Batch,
    /// The newest head that is on the disk.
    note: String,
    caches: Caches,
}

/// The files of hashes, which only make proofs fast.
#[derive(Debug)]
struct Caches {
    folder: PathBuf,
    /// The first record of the segment whose hashes are written.
    first: u64,
    leaves: Option<Box<dyn DiskFile>>,
    /// Whether they could not be written; a proof then reads the segments.
    is_stale: bool,
}

impl Writer {
    /// Opens the files of a stream where they end, or begins them.
    pub(crate) fn open(
        folder: &Path,
        disk: Arc<dyn Disk>,
        signer: Signer,
        plan: Plan,
        end: Option<&End>,
    ) -> Result<Self, RecoverError> {
        let first = end.map_or(0, |end| end.first);
        let path = folder.join(segment::file_name(first));
        let io = |source| RecoverError::Io { path: path.clone(), source };
        let mut file = disk.open(&path).map_err(io)?;
        let frontier = end.map_or_else(Frontier::default, |end| end.frontier.clone());
        let last = end.map_or(Hash::ZERO, |end| end.last);
        let offset = match end {
            Some(end) => {
                file.truncate(end.bytes).map_err(io)?;
                end.bytes
            }
            None => begin(&mut *file, signer.name(), &frontier, last, None).map_err(io)?,
        };
        disk::sync_folder(folder).map_err(RecoverError::io(folder))?;
        let size = frontier.size();
        let mut writer = Self {
            folder: folder.to_owned(),
            disk,
            signer,
            plan,
            file,
            first,
            offset,
            allocated: offset,
            last,
            begun: end.and_then(|end| end.begun),
            batch: Batch::default(),
            note: String::new(),
            caches: Caches { folder: folder.to_owned(), first, leaves: None, is_stale: false },
            frontier,
        };
        if let Some(end) = end {
            let before = recover::begins(&path).map_err(io)?.map(|(before, _)| before);
            writer.caches.write(end.first, before.unwrap_or_default(), &end.leaves);
        }
        let head = Head { origin: writer.signer.name().to_owned(), size, root: writer.root() };
        writer.note = head.sign(&writer.signer);
        writer.publish().map_err(RecoverError::io(&folder.join(layout::CHECKPOINT)))?;
        Ok(writer)
    }

    fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Gives the newest head that is on the disk.
    pub(crate) fn note(&self) -> &str {
        &self.note
    }

    /// Gives the number of records that are on the disk.
    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Gives how many bytes can be written before the disk is asked for more room.
    pub(crate) fn in_hand(&self) -> u64 {
        self.allocated.saturating_sub(self.offset)
    }

    /// Writes events that begin at entry `from` of the queue, and waits until they are on the disk.
    ///
    /// Gives the number of entries that are. On failure nothing is known of the disk; the same call
    /// again writes the same bytes to the same place.
    pub(crate) fn write(&mut self, queue: &Queue, from: usize) -> io::Result<usize> {
        self.encode(queue, from);
        self.file.write_at(&self.batch.bytes, self.offset)?;
        self.file.sync()?;
        self.offset += self.batch.bytes.len() as u64;
        self.allocated = self.allocated.max(self.offset);
        self.begun = self.begun.or(self.batch.begun);
        self.note = std::mem::take(&mut self.batch.note);
        if let Some(last) = self.batch.leaves.last() {
            self.last = *last;
        }
        let before =
            std::mem::replace(&mut self.frontier, std::mem::take(&mut self.batch.frontier));
        // Whoever is told that its record is on the disk can prove it in a few reads.
        self.caches.write(before.size(), before, &self.batch.leaves);
        Ok(self.batch.taken)
    }

    /// Does what need not be done before the writing is acknowledged: a new segment when this one is
    /// full.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.batch.seals) { self.rotate() } else { Ok(()) }
    }

    fn encode(&mut self, queue: &Queue, from: usize) {
        let batch = &mut self.batch;
        batch.bytes.clear();
        batch.leaves.clear();
        batch.frontier.clone_from(&self.frontier);
        batch.begun = None;
        batch.taken = 0;
        batch.seals = false;
        let mut start = match from.checked_sub(1).and_then(|at| queue.entries.get(at)) {
            Some((end, _)) => *end,
            None => 0,
        };
        let mut last = self.last;
        for (end, stamp) in queue.entries.iter().skip(from) {
            let event = queue.bytes.get(start..*end).unwrap_or_default();
            start = *end;
            let line = batch.bytes.len();
            record::encode(&mut batch.bytes, &last, event, stamp);
            let text = batch.bytes.get(line..batch.bytes.len() - 1).unwrap_or_default();
            last = Hash::of_leaf(text);
            batch.leaves.push(last);
            batch.frontier.push(last);
            batch.begun.get_or_insert(stamp.time);
            batch.taken += 1;
            let bytes = self.offset + batch.bytes.len() as u64;
            let begun = self.begun.or(batch.begun).unwrap_or(stamp.time);
            let is_over = bytes >= self.plan.segment_bytes
                || stamp.time.0.saturating_sub(begun.0) >= self.plan.segment_age_ms;
            if is_over && batch.frontier.size().is_multiple_of(ALIGNMENT) {
                batch.seals = true;
                break;
            }
            if batch.bytes.len() >= BATCH_BYTES_MAX {
                break;
            }
        }
        let head = Head {
            origin: self.signer.name().to_owned(),
            size: batch.frontier.size(),
            root: batch.frontier.root(),
        };
        batch.note = head.sign(&self.signer);
        batch.bytes.extend_from_slice(&segment::encode_head(&batch.note));
    }

    /// Begins the next segment, and seals this one. If there is no room for a new one, this one goes
    /// on: what is in hand of it is better than nothing.
    fn rotate(&mut self) -> io::Result<()> {
        let first = self.frontier.size();
        let path = self.folder.join(segment::file_name(first));
        let ahead = self.in_hand();
        let mut file = self.disk.open(&path)?;
        let begun = begin(
            &mut *file,
            self.signer.name(),
            &self.frontier,
            self.last,
            Some(self.note.clone()),
        );
        let offset = match begun {
            Ok(offset) => offset,
            Err(error) => {
                // Half a segment would be in the way of the next attempt's recovery.
                let _ = fs::remove_file(&path);
                return Err(error);
            }
        };
        disk::sync_folder(&self.folder)?;
        let mut sealed = std::mem::replace(&mut self.file, file);
        let end = std::mem::replace(&mut self.offset, offset);
        self.first = first;
        self.allocated = offset;
        self.begun = None;
        self.caches.next(first);
        // What was written is synced; only room that was allocated ahead has to go.
        if ahead > 0 { sealed.truncate(end) } else { Ok(()) }
    }

    /// Allocates room ahead, so that the next batches need only one flush; also what is in hand when
    /// the disk is full.
    pub(crate) fn allocate(&mut self, step: u64) -> io::Result<()> {
        if self.in_hand() >= self.plan.reserve_bytes {
            return Ok(());
        }
        let to = self.allocated + step;
        self.file.allocate(self.allocated, to)?;
        self.file.sync()?;
        self.allocated = to;
        Ok(())
    }

    fn publish(&self) -> io::Result<()> {
        publish(&self.folder, &self.note)
    }

    /// Cuts off what was allocated and not used, and publishes the newest head.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.file.truncate(self.offset)?;
        self.allocated = self.offset;
        self.publish()
    }
}

/// Puts a head where it is found without reading a segment.
pub(crate) fn publish(folder: &Path, note: &str) -> io::Result<()> {
    disk::replace(&folder.join(layout::CHECKPOINT), note.as_bytes())
}

/// Writes the header of a new segment; gives its bytes.
fn begin(
    file: &mut dyn DiskFile,
    origin: &str,
    frontier: &Frontier,
    last: Hash,
    head: Option<String>,
) -> io::Result<u64> {
    let header = Header {
        first: frontier.size(),
        frontier: frontier.peaks().to_vec(),
        head,
        journal: segment::VERSION,
        last,
        origin: origin.to_owned(),
    };
    let line = header.encode().map_err(io::Error::other)?;
    file.write_at(&line, 0)?;
    file.sync()?;
    Ok(line.len() as u64)
}

impl Caches {
    /// Begins the cache of another segment.
    fn next(&mut self, first: u64) {
        self.first = first;
        self.leaves = None;
    }

    /// Adds the hashes of records from number `from` on, behind the tree `before`. What cannot be
    /// written is left out: it is read from the segments when it is needed.
    fn write(&mut self, from: u64, mut before: Frontier, leaves: &[Hash]) {
        if self.is_stale {
            return;
        }
        let mut text = Vec::with_capacity(leaves.len() * 32);
        let mut nodes: Vec<(u8, u64, Hash)> = Vec::new();
        for leaf in leaves {
            text.extend_from_slice(&leaf.0);
            before.push_with(*leaf, |level, index, hash| {
                if level > 0 && level.is_multiple_of(layout::LEVELS_PER_FILE) {
                    nodes.push((level / layout::LEVELS_PER_FILE, index, hash));
                }
            });
        }
        self.is_stale = self.try_write(from, &text, &nodes).is_err();
    }

    fn try_write(&mut self, from: u64, text: &[u8], nodes: &[(u8, u64, Hash)]) -> io::Result<()> {
        let disk = disk::Machine;
        let file = match &mut self.leaves {
            Some(file) => file,
            none => none.insert(disk.open(&layout::leaves(&self.folder, self.first))?),
        };
        file.write_at(text, from.saturating_sub(self.first) * 32)?;
        for (level, index, hash) in nodes {
            let mut file = disk.open(&layout::subtrees(&self.folder, *level))?;
            file.write_at(&hash.0, index * 32)?;
        }
        Ok(())
    }
}
