//! The unfinished end of a stream, kept between two arrivals.

/// What a look at the front of a stream came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many bytes are done with; at least one, at most as many as were shown.
    Took(usize),
    /// Nothing is done with until more bytes come.
    /// # Units
    /// `need`: bytes that are missing at least; `usize::MAX` when that cannot be known, and then
    /// all that arrives is shown.
    Wait {
        /// Bytes that are missing at least.
        need: usize,
    },
}

/// Keeps the bytes of a unit that has not arrived in full.
///
/// A unit that arrives in one piece is never copied. The bound is the caller's duty: it must take
/// or refuse what has grown over its limit, and keeping then never exceeds that limit by more than
/// one arrival.
#[derive(Debug, Default)]
pub struct Tail {
    kept: Vec<u8>,
    need: usize,
}

impl Tail {
    /// Gives the number of bytes kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Says whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Forgets what is kept and keeps the room.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.need = 0;
    }

    /// Gives what is kept.
    #[must_use]
    pub fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Shows the front of the stream to `look` until it waits or nothing is left.
    pub fn feed(&mut self, input: &[u8], look: &mut impl FnMut(&[u8]) -> Step) {
        let mut input = input;
        while !self.kept.is_empty() {
            let wanted = self.need.clamp(1, input.len().max(1));
            let Some((head, rest)) = input.split_at_checked(wanted) else { return };
            self.kept.extend_from_slice(head);
            input = rest;
            if self.need != usize::MAX {
                self.need = self.need.saturating_sub(head.len());
                if self.need > 0 {
                    return;
                }
            }
            let (done, need) = run(&self.kept, look);
            self.kept.drain(..done.min(self.kept.len()));
            self.need = need;
        }
        let (done, need) = run(input, look);
        self.need = need;
        self.kept.extend_from_slice(input.get(done..).unwrap_or_default());
    }
}

/// Looks until `look` waits; gives the bytes that are done with and what is needed next.
fn run(bytes: &[u8], look: &mut impl FnMut(&[u8]) -> Step) -> (usize, usize) {
    let mut done = 0;
    loop {
        let front = bytes.get(done..).unwrap_or_default();
        if front.is_empty() {
            return (done, 0);
        }
        match look(front) {
            Step::Took(count) => done = done.saturating_add(count.clamp(1, front.len())),
            Step::Wait { need } => return (done, need),
        }
    }
}

#[cfg(test)]
mod tests;
