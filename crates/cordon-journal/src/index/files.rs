//! Hashes of subtrees, from caches or from records.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::hash::Hash;
use crate::layout::{self, LEVELS_PER_FILE};
use crate::segment::{self, Header, HeaderError, Line};
use crate::tree::Nodes;
use crate::verify::lines::{Lines, Piece};
use crate::verify::walk::{FIRST_MAX, open};

use super::{IndexError, firsts};

/// Hashes that are read at once: the subtrees below one of the next file.
const TILE: u64 = 256;
/// Bytes of a tile.
const TILE_BYTES: usize = 256 * 32;
/// Most tiles that are kept.
const TILES_MAX: usize = 1_024;

/// Where hashes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// The hashes of a segment's records.
    Leaves(u64),
    /// Complete subtrees of this level.
    Tree(u8),
}

/// The tree of a stream on disk.
#[derive(Debug)]
pub struct Files {
    dir: PathBuf,
    is_quick: bool,
    firsts: Vec<u64>,
    /// What is known of the records before the first segment: level, index, hash.
    front: BTreeMap<(u8, u64), Hash>,
    tiles: RefCell<BTreeMap<(Source, u64), Vec<Hash>>>,
    /// The hashes of the last segment that had to be read.
    read: RefCell<Option<(u64, Vec<Hash>)>>,
}

/// Reads the header of a segment.
pub(super) fn header(dir: &Path, first: u64) -> Result<Header, IndexError> {
    let path = dir.join(segment::file_name(first));
    let mut lines = match open(&path) {
        Ok(file) => Lines::new(file),
        Err(source) => return Err(IndexError::File { path, source }),
    };
    let line = match lines.next() {
        Ok((_, Piece::Line(line))) => line,
        Ok((_, Piece::Long | Piece::End(_))) => b"",
        Err(source) => return Err(IndexError::File { path, source }),
    };
    let header = Header::decode(line).and_then(|header| match header.first {
        0..=FIRST_MAX => Ok(header),
        first => Err(HeaderError::Frontier(first)),
    });
    header.map_err(|source| IndexError::Header { path, source })
}

impl Files {
    /// Opens the tree of a stream.
    /// # Shape
    /// `is_quick`: caches are used where they are there.
    /// # Errors
    /// [`IndexError`] if there is no segment, or its header cannot be read.
    pub fn open(dir: &Path, is_quick: bool) -> Result<Self, IndexError> {
        let firsts = firsts(dir)?;
        let first = *firsts.first().ok_or(IndexError::Gone(0))?;
        let header = header(dir, first)?;
        let mut front = BTreeMap::new();
        let mut start = 0;
        let levels = (0..u8::try_from(u64::BITS).unwrap_or(0)).rev();
        let peaks = levels.filter(|level| header.first >> level & 1 == 1);
        for (level, hash) in peaks.zip(&header.frontier) {
            front.insert((level, start >> level), *hash);
            start += 1 << level;
        }
        let (tiles, read) = (RefCell::default(), RefCell::default());
        Ok(Self { dir: dir.to_owned(), is_quick, firsts, front, tiles, read })
    }

    /// Gives hash number `index` of a cache, if it is there.
    fn cached(&self, source: Source, index: u64) -> Option<Hash> {
        if !self.is_quick {
            return None;
        }
        let (tile, at) = (index / TILE, usize::try_from(index % TILE).ok()?);
        let mut tiles = self.tiles.borrow_mut();
        if tiles.len() >= TILES_MAX {
            tiles.clear();
        }
        let hashes = tiles.entry((source, tile)).or_insert_with(|| self.tile(source, tile));
        // Zero bytes are room that was reserved, not a hash.
        hashes.get(at).copied().filter(|hash| *hash != Hash::ZERO)
    }

    fn tile(&self, source: Source, tile: u64) -> Vec<Hash> {
        let path = match source {
            Source::Leaves(first) => layout::leaves(&self.dir, first),
            Source::Tree(level) => layout::subtrees(&self.dir, level / LEVELS_PER_FILE),
        };
        let Ok(file) = open(&path) else { return Vec::new() };
        let mut bytes = [0u8; TILE_BYTES];
        let mut got = 0;
        let start = tile.saturating_mul(TILE * 32);
        while let Some(room) = bytes.get_mut(got..).filter(|room| !room.is_empty()) {
            let at = start.saturating_add(u64::try_from(got).unwrap_or(0));
            match file.read_at(room, at) {
                Ok(0) | Err(_) => break,
                Ok(count) => got += count,
            }
        }
        let (whole, _) = bytes.get(..got).unwrap_or_default().as_chunks::<32>();
        whole.iter().map(|bytes| Hash(*bytes)).collect()
    }

    fn leaf(&self, seq: u64) -> Result<Hash, IndexError> {
        let before = self.firsts.partition_point(|first| *first <= seq);
        let first = before.checked_sub(1).and_then(|at| self.firsts.get(at)).copied();
        let first = first.ok_or(IndexError::Gone(seq))?;
        if let Some(hash) = self.cached(Source::Leaves(first), seq - first) {
            return Ok(hash);
        }
        let mut read = self.read.borrow_mut();
        if read.as_ref().is_none_or(|(of, _)| *of != first) {
            *read = Some((first, leaves(&self.dir, first)?));
        }
        let at = usize::try_from(seq - first).unwrap_or(usize::MAX);
        let hash = read.as_ref().and_then(|(_, leaves)| leaves.get(at));
        hash.copied().ok_or(IndexError::Gone(seq))
    }
}

/// Computes the hashes of a segment's records.
pub(super) fn leaves(dir: &Path, first: u64) -> Result<Vec<Hash>, IndexError> {
    let path = dir.join(segment::file_name(first));
    let failed = |source| IndexError::File { path: path.clone(), source };
    let mut lines = Lines::new(open(&path).map_err(failed)?);
    let mut leaves = Vec::new();
    loop {
        match lines.next().map_err(failed)?.1 {
            Piece::Line(line) => {
                if matches!(Line::of(line), Line::Record(_)) {
                    leaves.push(Hash::of_leaf(line));
                }
            }
            Piece::Long => {}
            Piece::End(_) => return Ok(leaves),
        }
    }
}

impl Nodes for Files {
    type Error = IndexError;

    fn node(&self, level: u8, index: u64) -> Result<Hash, IndexError> {
        if let Some(hash) = self.front.get(&(level, index)) {
            return Ok(*hash);
        }
        let Some(below) = level.checked_sub(1) else { return self.leaf(index) };
        if level.is_multiple_of(LEVELS_PER_FILE)
            && let Some(hash) = self.cached(Source::Tree(level), index)
        {
            return Ok(hash);
        }
        let left = index.saturating_mul(2);
        Ok(Hash::of_node(&self.node(below, left)?, &self.node(below, left.saturating_add(1))?))
    }
}
