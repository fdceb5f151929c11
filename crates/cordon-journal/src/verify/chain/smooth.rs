//! The common case, a record behind the one that it names, many at a time.
//!
//! Invariant: it takes only what [`Chain::record`] would accept, and leaves the chain as that would.

use crate::hash::{Hash, TEXT_BYTES};
use crate::record::{Link, RECORD_BYTES_MAX, Record, Stamp};

use super::{At, Chain, Held};

/// What was taken.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::verify) struct Taken {
    pub(in crate::verify) bytes: usize,
    /// All are records.
    pub(in crate::verify) lines: u64,
}

/// A line that has the form of a record.
struct Read<'a> {
    line: &'a [u8],
    after: &'a [u8; TEXT_BYTES],
    stamp: Stamp,
}

/// Reads the first line, if it is whole and has the form of a record; gives what is behind it.
#[inline]
fn read(ahead: &[u8], is_deep: bool) -> Option<(Read<'_>, &[u8])> {
    let (line, behind) = ahead.split_at_checked(memchr::memchr(b'\n', ahead)?)?;
    let (after, stamp) = Link::text(line).filter(|_| line.len() <= RECORD_BYTES_MAX)?;
    if is_deep && Record::decode(line).is_err() {
        return None;
    }
    Some((Read { line, after, stamp }, behind.get(1..)?))
}

impl Chain<'_> {
    /// Says whether nothing is open but the last record.
    fn is_smooth(&self) -> bool {
        self.frontier.is_some()
            && self.stray.is_none()
            && self.rival.is_none()
            && self.disputed.is_none()
            && self.misfit.is_none()
    }

    /// Takes records as long as each follows the one before.
    /// # Shape
    /// `ahead`: what stands in the file from `at`; it may end within a line.
    pub(in crate::verify) fn smooth(&mut self, ahead: &[u8], at: At, is_deep: bool) -> Taken {
        let mut taken = Taken::default();
        let Some(mut last) = self.last.filter(|_| self.is_smooth()) else { return taken };
        let mut leaves = Vec::new();
        let mut next = read(ahead, is_deep);
        while let Some((one, rest)) = next {
            // Two at a time are hashed in little more time than one.
            let two = read(rest, is_deep);
            let behind = two.as_ref().map_or(rest, |(_, behind)| behind);
            let second = two.as_ref().map(|(two, _)| two);
            let lines = [one.line, second.map_or(b"".as_slice(), |two| two.line)];
            let hashes = match second {
                Some(_) => Hash::of_leaves(lines),
                None => [Hash::of_leaf(one.line), Hash::ZERO],
            };
            let mut is_done = two.is_none();
            for (record, leaf) in [Some(&one), second].into_iter().flatten().zip(hashes) {
                if record.stamp.seq != self.next || *record.after != last.encode() {
                    is_done = true;
                    break;
                }
                let spot = At {
                    line: at.line.saturating_add(taken.lines),
                    offset: at.offset.saturating_add(u64::try_from(taken.bytes).unwrap_or(0)),
                };
                taken.bytes += record.line.len() + 1;
                taken.lines += 1;
                let behind = at.offset.saturating_add(u64::try_from(taken.bytes).unwrap_or(0));
                let (after, seq, stamp) = (last, record.stamp.seq, record.stamp);
                self.slide(Held { leaf, after, seq, stamp, at: spot, behind }, &mut leaves);
                last = leaf;
            }
            next = if is_done { None } else { read(behind, is_deep) };
        }
        self.plant_all(&mut leaves);
        taken
    }

    /// Takes a record that follows; the one before waits to be put into the tree.
    #[inline]
    fn slide(&mut self, held: Held, leaves: &mut Vec<Hash>) {
        self.remember(held.leaf, true);
        self.edge = At { line: held.at.line.saturating_add(1), offset: held.behind };
        self.last = Some(held.leaf);
        self.next = self.next.saturating_add(1);
        if let Some(before) = self.pending.replace(held) {
            self.step(&before);
            leaves.push(before.leaf);
            if let (Some(size), Some(frontier)) = (self.targets.first(), &self.frontier)
                && u64::try_from(leaves.len()).ok() == size.checked_sub(frontier.size())
            {
                self.plant_all(leaves);
                self.mark(before.at, Some(before.seq));
            }
        }
    }

    fn plant_all(&mut self, leaves: &mut Vec<Hash>) {
        if let Some(frontier) = &mut self.frontier {
            frontier.extend(leaves);
        }
        leaves.clear();
    }
}
