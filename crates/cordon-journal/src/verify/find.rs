//! Where streams and their keys are.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use cordon_model::event::Retention;
use cordon_model::note::Verifier;

use crate::layout::{CHECKPOINT, KEYS};
use crate::segment;

use super::VerifyError;
use super::walk::open;

/// How many levels of folders below the one that is given are searched.
const DEPTH_MAX: usize = 4;
/// Most folders that are searched.
const FOLDERS_MAX: usize = 100_000;
/// Longest file of keys, in bytes.
const KEYS_BYTES_MAX: u64 = 1 << 20;

/// Finds streams.
pub(super) fn streams(path: &Path) -> Result<Vec<PathBuf>, VerifyError> {
    let mut found = BTreeSet::new();
    let mut folders = vec![(path.to_owned(), 0)];
    let mut count = 0;
    while let Some((folder, depth)) = folders.pop() {
        count += 1;
        if count > FOLDERS_MAX {
            return Err(VerifyError::OverLimit(path.to_owned()));
        }
        let failed = |source| VerifyError::Read { path: folder.clone(), source };
        let mut inner = Vec::new();
        let mut is_stream = false;
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            is_stream |= name == CHECKPOINT || segment::first_of(name).is_some();
            if name == KEYS {
                for stream in named(&entry.path()) {
                    found.insert(folder.join(stream));
                }
            }
            if entry.file_type().map_err(failed)?.is_dir() {
                inner.push((entry.path(), depth + 1));
            }
            if inner.len() > FOLDERS_MAX {
                return Err(VerifyError::OverLimit(folder));
            }
        }
        if is_stream {
            found.insert(folder);
        } else if depth < DEPTH_MAX {
            folders.extend(inner);
        }
    }
    Ok(found.into_iter().collect())
}

/// Gives the streams for which a file has keys.
fn named(path: &Path) -> Vec<&'static str> {
    let keys = keys(path).unwrap_or_default();
    let streams = keys.iter().filter_map(|key| key.name().rsplit('/').next());
    streams.filter_map(Retention::from_name).map(Retention::name).collect()
}

/// Reads keys.
pub(super) fn keys(path: &Path) -> Result<Vec<Verifier>, VerifyError> {
    let mut text = String::new();
    let read = open(path).and_then(|file| file.take(KEYS_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|source: io::Error| VerifyError::Read { path: path.to_owned(), source })?;
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let parse = |(text, line)| {
        let wrong = |source| VerifyError::Keys { path: path.to_owned(), line, source };
        Verifier::parse(text).map_err(wrong)
    };
    lines.map(parse).collect()
}
