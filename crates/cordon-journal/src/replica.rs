//! Replicas: sealed segments of other writers, taken only if they continue what is there.
//!
//! A replica holds what it has against everybody, the writer included: a segment that does not follow
//! from what it has already is a fork, and is refused.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cordon_model::event::Retention;
use cordon_model::note::Verifier;

use crate::disk;
use crate::hash::Hash;
use crate::journal::recover::{self, Checkpoint, RecoverError};
use crate::layout;
use crate::policies::{CopyError, Policies, copy_missing};
use crate::segment;
use crate::tree::Frontier;

/// Largest segment that is taken, in bytes.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// Says why a segment is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// A file cannot be read or written.
    #[error("`{}` cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The replica itself is damaged.
    #[error("the replica is damaged")]
    Damaged(#[source] RecoverError),
    /// It is larger than [`SEGMENT_BYTES_MAX`].
    #[error("the segment from record {0} on is larger than {SEGMENT_BYTES_MAX} bytes")]
    OverLimit(u64),
    /// It is not whole, or not sealed by the writer's key.
    #[error("the segment from record {0} on is not whole and sealed by the writer's key")]
    NotSealed(u64),
    /// It begins behind the end of the replica; those between come first.
    #[error("the segment begins with record {first}; the replica ends before {size}")]
    Gap {
        /// Its first record.
        first: u64,
        /// The records of the replica.
        size: u64,
    },
    /// A policy that decided cannot be copied.
    #[error("the policies cannot be copied")]
    Policies(#[from] CopyError),
    /// None of the keys is one of a stream.
    #[error("none of the keys is one of a stream of a journal")]
    NoKey,
    /// It contradicts what the replica has.
    #[error(
        "the segment from record {0} on does not follow from what is here: one of the two was forged"
    )]
    Fork(u64),
}

fn io(path: &Path) -> impl FnOnce(io::Error) -> ReplicaError {
    let path = path.to_owned();
    move |source| ReplicaError::Io { path, source }
}

/// The sealed segments of one stream of another writer.
#[derive(Debug)]
pub struct Replica {
    folder: PathBuf,
    key: Verifier,
    size: u64,
    last: Hash,
    frontier: Frontier,
    is_new: bool,
}

impl Replica {
    /// Opens a replica; its folder is made with the first segment.
    /// # Shape
    /// `folder`: that of the stream; `key`: that of its writer, for this stream.
    /// # Errors
    /// [`ReplicaError::Damaged`] if what is there does not hold.
    pub fn open(folder: &Path, key: Verifier) -> Result<Self, ReplicaError> {
        let end = if folder.exists() {
            let end = recover::recover(folder, &key, Checkpoint::Welcome);
            end.map_err(ReplicaError::Damaged)?
        } else {
            None
        };
        let mut replica = Self {
            folder: folder.to_owned(),
            key,
            size: 0,
            last: Hash::ZERO,
            frontier: Frontier::default(),
            is_new: true,
        };
        if let Some(end) = end {
            replica.follow(end);
        }
        Ok(replica)
    }

    /// Gives how many records the replica holds, counted from the writer's first.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes a sealed segment that continues what is here. A replica that holds nothing begins with
    /// whatever the writer still has.
    /// # Errors
    /// [`ReplicaError`]; the replica is then as it was.
    pub fn take(&mut self, first: u64, from: impl Read) -> Result<(), ReplicaError> {
        if first > self.size && !self.is_new {
            return Err(ReplicaError::Gap { first, size: self.size });
        }
        if first < self.size {
            return Err(ReplicaError::Fork(first));
        }
        fs::create_dir_all(&self.folder).map_err(io(&self.folder))?;
        let path = self.folder.join(segment::file_name(first));
        let fresh = path.with_extension("fresh");
        let copied = copy(from, &fresh).map_err(io(&fresh))?;
        let result = self.check(first, copied, &fresh);
        match result {
            Ok((end, head)) => {
                fs::rename(&fresh, &path).map_err(io(&path))?;
                // The replica ends where the segment does, and says so by the writer's own head.
                let path = self.folder.join(layout::CHECKPOINT);
                disk::replace(&path, head.as_bytes()).map_err(io(&path))?;
                self.follow(end);
                Ok(())
            }
            Err(error) => {
                let _ = fs::remove_file(&fresh);
                Err(error)
            }
        }
    }

    /// Gives where the segment ends and its last head, if it is whole and continues what is here.
    fn check(
        &self,
        first: u64,
        copied: u64,
        fresh: &Path,
    ) -> Result<(recover::End, String), ReplicaError> {
        if copied > SEGMENT_BYTES_MAX {
            return Err(ReplicaError::OverLimit(first));
        }
        let scan = match recover::scan(fresh, &self.key, None) {
            Ok(scan) => scan,
            Err(RecoverError::Broken { .. }) => None,
            Err(error) => return Err(ReplicaError::Damaged(error)),
        };
        let sealed = scan.filter(|scan| scan.end.bytes == copied && scan.end.first == first);
        let scan = sealed.ok_or(ReplicaError::NotSealed(first))?;
        let (_, head) = scan.head.ok_or(ReplicaError::NotSealed(first))?;
        let continues = self.is_new || (scan.before == self.frontier && scan.after == self.last);
        if continues { Ok((scan.end, head)) } else { Err(ReplicaError::Fork(first)) }
    }

    /// Says whether a segment that is still written begins where the replica ends. A journal whose
    /// sealed part was forged after it was copied is found here.
    fn is_continued_by(&self, live: &Path) -> bool {
        match recover::begins(live) {
            Ok(Some((before, after))) => before == self.frontier && after == self.last,
            Ok(None) | Err(_) => self.is_new,
        }
    }

    fn follow(&mut self, end: recover::End) {
        self.size = end.frontier.size();
        self.last = end.last;
        self.frontier = end.frontier;
        self.is_new = false;
    }
}

/// Copies at most one byte more than a segment may have.
fn copy(from: impl Read, to: &Path) -> io::Result<u64> {
    let mut file = fs::File::create(to)?;
    let copied = io::copy(&mut from.take(SEGMENT_BYTES_MAX + 1), &mut file)?;
    file.sync_all()?;
    Ok(copied)
}

/// What was copied of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The stream.
    pub stream: Retention,
    /// Segments that were copied now.
    pub segments: u64,
    /// Records that the replica holds, counted from the writer's first.
    pub size: u64,
    /// Records of the journal that the replica does not hold yet: those of the live segment.
    pub live_from: u64,
}

/// Copies the sealed segments of a journal that a replica has not yet, and the policies that decided.
/// # Shape
/// `keys`: those of the journal's streams; streams without one are left out. `to`: the folder of the
/// replica of this writer, with a folder for each stream.
/// # Errors
/// [`ReplicaError`]; what was copied before stays.
pub fn replicate(
    journal: &Path,
    to: &Path,
    keys: &[Verifier],
) -> Result<Vec<Copied>, ReplicaError> {
    // Policies first: no decision of the copy is without the policy that made it.
    copy_missing(&Policies::of(journal), &Policies::of(to))?;
    let mut all = Vec::new();
    for class in Retention::ALL {
        let ends = format!("/{class}");
        let Some(key) = keys.iter().find(|key| key.name().ends_with(&ends)) else { continue };
        let from = layout::stream(journal, class);
        let firsts = layout::segments(&from).map_err(io(&from))?;
        let mut replica = Replica::open(&layout::stream(to, class), key.clone())?;
        let mut copied = Copied { stream: class, segments: 0, size: 0, live_from: 0 };
        let mut sealed = firsts.clone();
        copied.live_from = sealed.pop().unwrap_or(0);
        let had = replica.size();
        for first in sealed.into_iter().filter(|first| *first >= had) {
            let path = from.join(segment::file_name(first));
            replica.take(first, fs::File::open(&path).map_err(io(&path))?)?;
            copied.segments += 1;
        }
        copied.size = replica.size();
        let live = from.join(segment::file_name(copied.live_from));
        if copied.live_from == copied.size && !replica.is_continued_by(&live) {
            return Err(ReplicaError::Fork(copied.live_from));
        }
        all.push(copied);
    }
    if all.is_empty() {
        return Err(ReplicaError::NoKey);
    }
    let path = to.join(layout::KEYS);
    // Only of streams that are here: a key without its stream means that somebody took it away.
    let is_here = |key: &&Verifier| {
        let ends = |copied: &Copied| key.name().ends_with(&format!("/{}", copied.stream));
        all.iter().any(|copied| copied.size > 0 && ends(copied))
    };
    let text: String = keys.iter().filter(is_here).map(Verifier::text).collect();
    fs::create_dir_all(to).map_err(io(to))?;
    disk::replace(&path, text.as_bytes()).map_err(io(&path))?;
    Ok(all)
}
