//! Caches made anew from the records.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::hash::Hash;
use crate::layout::{self, LEVELS_PER_FILE, subtrees};
use crate::tree::Frontier;

use super::files::{header, leaves};
use super::{IndexError, firsts};

/// Hashes of one level that wait to be written.
#[derive(Default)]
struct Waiting {
    start: u64,
    bytes: Vec<u8>,
}

/// Makes all caches of a stream anew. No writer may be running on it.
/// # Errors
/// [`IndexError`].
pub fn rebuild(dir: &Path) -> Result<(), IndexError> {
    let mut tree: Option<Frontier> = None;
    let mut counts = BTreeMap::new();
    for first in firsts(dir)? {
        let header = header(dir, first)?;
        let mut frontier = match tree.take() {
            Some(frontier) if frontier.size() == header.first => frontier,
            Some(_) => return Err(IndexError::Broken),
            None => header.frontier().ok_or(IndexError::Broken)?,
        };
        let leaves = leaves(dir, first)?;
        let mut waiting: BTreeMap<u8, Waiting> = BTreeMap::new();
        for leaf in &leaves {
            frontier.push_with(*leaf, |level, index, hash| {
                if level > 0 && level.is_multiple_of(LEVELS_PER_FILE) {
                    let wait = waiting.entry(level).or_default();
                    if wait.bytes.is_empty() {
                        wait.start = index;
                    }
                    wait.bytes.extend(hash.0);
                    counts.insert(level, index + 1);
                }
            });
        }
        for (level, wait) in waiting {
            let path = subtrees(dir, level / LEVELS_PER_FILE);
            put(&path, |file| file.write_all_at(&wait.bytes, wait.start * 32))?;
        }
        write_leaves(dir, first, &leaves)?;
        tree = Some(frontier);
    }
    for (level, count) in counts {
        put(&subtrees(dir, level / LEVELS_PER_FILE), |file| file.set_len(count * 32))?;
    }
    Ok(())
}

/// Changes a file in place; what is no file is removed first.
fn put(path: &Path, change: impl FnOnce(&File) -> std::io::Result<()>) -> Result<(), IndexError> {
    let is_other = fs::symlink_metadata(path).is_ok_and(|found| !found.is_file());
    let done = if is_other { fs::remove_file(path) } else { Ok(()) };
    let options = || File::options().create(true).write(true).truncate(false).open(path);
    done.and_then(|()| options())
        .and_then(|file| change(&file))
        .map_err(|source| IndexError::File { path: path.to_owned(), source })
}

fn write_leaves(dir: &Path, first: u64, leaves: &[Hash]) -> Result<(), IndexError> {
    let path = layout::leaves(dir, first);
    let new = path.with_added_extension("new");
    let write = || {
        // A link that lies in wait under this name is removed, not followed.
        let _absent = fs::remove_file(&new);
        let mut file = File::create_new(&new)?;
        let bytes: Vec<u8> = leaves.iter().flat_map(|hash| hash.0).collect();
        file.write_all(&bytes)?;
        fs::rename(&new, &path)
    };
    write().map_err(|source| IndexError::File { path: path.clone(), source })
}
