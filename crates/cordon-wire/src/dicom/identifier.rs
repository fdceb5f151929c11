//! Reads what a C-FIND asks for, as far as it says whom it could find.

use super::IDENTIFIER_MAX;

/// How the elements of a data set are encoded.
/// # Source
/// DICOM PS3.5 §7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// Without value representations, little endian.
    Implicit,
    /// With value representations, little endian.
    Explicit,
}

impl Encoding {
    /// Gives the encoding of a transfer syntax; none for those that are not read: big endian and
    /// deflated.
    #[must_use]
    pub fn of(transfer_syntax: super::Uid<'_>) -> Option<Self> {
        match transfer_syntax.as_str() {
            "1.2.840.10008.1.2" => Some(Self::Implicit),
            "1.2.840.10008.1.2.1.99" | "1.2.840.10008.1.2.2" => None,
            // All others, those of compressed images among them, are explicit and little endian
            // (DICOM PS3.5 §A.4).
            text if text.starts_with("1.2.840.10008.1.2.") => Some(Self::Explicit),
            _ => None,
        }
    }
}

/// What is looked for.
/// # Source
/// DICOM PS3.4 §C.6.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueryLevel {
    /// Patients.
    Patient,
    /// Studies.
    Study,
    /// Series.
    Series,
    /// Images.
    Image,
}

/// Which keys of a query are restricted: present, and neither empty nor only wild cards.
///
/// Source: DICOM PS3.4 §C.2.2.2.3; DICOM PS3.4 §C.2.2.2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Query {
    /// Patient's name, (0010,0010).
    pub patient_name: bool,
    /// Patient ID, (0010,0020).
    pub patient_id: bool,
    /// Study date, (0008,0020).
    pub study_date: bool,
    /// Scheduled date, (0040,0002) in (0040,0100).
    pub scheduled_date: bool,
    /// One study or order: study instance UID (0020,000D) or accession number (0008,0050).
    pub study: bool,
    /// Query/retrieve level, (0008,0052).
    pub level: Option<QueryLevel>,
    /// Whether all of it was read; else nothing can be said of the keys that were not seen.
    pub is_whole: bool,
}

impl Query {
    /// Says whether it asks for everybody: no patient, no date, no study.
    #[must_use]
    pub fn is_universal(&self) -> bool {
        self.is_whole
            && !(self.patient_name || self.patient_id)
            && !(self.study_date || self.scheduled_date || self.study)
    }
}

/// How deep sequences are followed.
const DEPTH: usize = 8;

/// The length that says that a delimiter ends it.
/// # Source
/// DICOM PS3.5 §7.5.
const UNDEFINED: u32 = 0xFFFF_FFFF;

/// Reads the identifier of a C-FIND piece by piece and keeps no value.
#[derive(Debug)]
pub struct IdentifierReader {
    encoding: Encoding,
    query: Query,
    read: usize,
    phase: Phase,
    head: [u8; 12],
    sequences: [Sequence; DEPTH],
    depth: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sequence {
    /// Whether it is (0040,0100).
    is_scheduled: bool,
    /// Where it ends; none when a delimiter ends it.
    end: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// In the head of an element, of which so many bytes are here.
    Head(usize),
    /// In a value, of which so many bytes are to come.
    Value { left: u32, key: Option<Key>, seen: u8 },
    /// Nothing more can be read.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    PatientName,
    PatientId,
    StudyDate,
    ScheduledDate,
    Study,
    Level,
}

/// What a head says.
enum Head {
    /// More of it is needed.
    Needs,
    /// It is whole.
    Is { tag: (u16, u16), is_sequence: bool, length: u32 },
    /// It cannot be read.
    Unreadable,
}

impl IdentifierReader {
    /// Begins with a data set.
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            query: Query::default(),
            read: 0,
            phase: Phase::Head(0),
            head: [0; 12],
            sequences: [Sequence::default(); DEPTH],
            depth: 0,
        }
    }

    /// Takes a piece.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.read >= IDENTIFIER_MAX.max {
                self.phase = Phase::Lost;
            }
            let taken = match self.phase {
                Phase::Lost => return,
                Phase::Head(have) => self.head(rest, have),
                Phase::Value { left, key, seen } => self.value(rest, left, key, seen),
            };
            self.read = self.read.saturating_add(taken);
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    /// Says what was found, once the data set has ended.
    #[must_use]
    pub fn finish(&self) -> Query {
        let open = self.sequences.iter().take(self.depth);
        let is_closed = open.into_iter().all(|sequence| sequence.end == Some(self.read));
        let is_whole = matches!(self.phase, Phase::Head(0)) && is_closed;
        Query { is_whole, ..self.query }
    }

    fn head(&mut self, rest: &[u8], have: usize) -> usize {
        if have == 0 {
            self.leave();
        }
        let Some((byte, _)) = rest.split_first() else { return 0 };
        if let Some(slot) = self.head.get_mut(have) {
            *slot = *byte;
        }
        let have = have.saturating_add(1);
        self.phase = match self.parse(have) {
            Head::Needs => Phase::Head(have),
            Head::Unreadable => Phase::Lost,
            Head::Is { tag, is_sequence, length } => {
                self.element(tag, is_sequence, length, self.read.saturating_add(1))
            }
        };
        1
    }

    fn parse(&self, have: usize) -> Head {
        if have < 8 {
            return Head::Needs;
        }
        let [g0, g1, e0, e1, a, b, c, d, w, x, y, z] = self.head;
        let tag = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
        let short = u32::from_le_bytes([a, b, c, d]);
        let is_scheduled = tag == (0x0040, 0x0100);
        // Items and delimiters have no value representation (DICOM PS3.5 §7.5).
        if tag.0 == 0xFFFE || self.encoding == Encoding::Implicit {
            let is_sequence = is_scheduled || (tag.0 != 0xFFFE && short == UNDEFINED);
            return Head::Is { tag, is_sequence, length: short };
        }
        match &[a, b] {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN"
            | b"UR" | b"UT" | b"UV" => {
                let length = u32::from_le_bytes([w, x, y, z]);
                let is_long = [a, b] == *b"SQ";
                match have {
                    12.. if !is_long && length == UNDEFINED => Head::Unreadable,
                    12.. => Head::Is {
                        tag,
                        is_sequence: is_long && (is_scheduled || length == UNDEFINED),
                        length,
                    },
                    _ => Head::Needs,
                }
            }
            [b'A'..=b'Z', b'A'..=b'Z'] => {
                let length = u32::from(u16::from_le_bytes([c, d]));
                Head::Is { tag, is_sequence: false, length }
            }
            _ => Head::Unreadable,
        }
    }

    /// Leaves the sequences that end here.
    fn leave(&mut self) {
        while let Some(at) = self.depth.checked_sub(1) {
            match self.sequences.get(at) {
                Some(Sequence { end: Some(end), .. }) if *end <= self.read => self.depth = at,
                _ => return,
            }
        }
    }

    fn element(&mut self, tag: (u16, u16), is_sequence: bool, length: u32, at: usize) -> Phase {
        let value = |key| match length {
            0 => Phase::Head(0),
            UNDEFINED => Phase::Lost,
            left => Phase::Value { left, key, seen: 0 },
        };
        let inner = self.depth.checked_sub(1).and_then(|at| self.sequences.get(at));
        let key = match (self.depth, tag) {
            // An item begins or ends: its elements come next.
            (1.., (0xFFFE, 0xE000 | 0xE00D)) => return Phase::Head(0),
            // A sequence ends.
            (1.., (0xFFFE, 0xE0DD)) if inner.is_some_and(|inner| inner.end.is_none()) => {
                self.depth = self.depth.saturating_sub(1);
                return Phase::Head(0);
            }
            (_, (0xFFFE, _)) => return Phase::Lost,
            (0, (0x0008, 0x0020)) => Key::StudyDate,
            (0, (0x0008, 0x0050) | (0x0020, 0x000D)) => Key::Study,
            (0, (0x0008, 0x0052)) => Key::Level,
            (0, (0x0010, 0x0010)) => Key::PatientName,
            (0, (0x0010, 0x0020)) => Key::PatientId,
            (1, (0x0040, 0x0002)) if inner.is_some_and(|inner| inner.is_scheduled) => {
                Key::ScheduledDate
            }
            _ if is_sequence => {
                let end = (length != UNDEFINED)
                    .then(|| at.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)));
                let Some(slot) = self.sequences.get_mut(self.depth) else { return Phase::Lost };
                *slot = Sequence { is_scheduled: tag == (0x0040, 0x0100), end };
                self.depth = self.depth.saturating_add(1);
                return Phase::Head(0);
            }
            _ => return value(None),
        };
        value(Some(key))
    }

    fn value(&mut self, rest: &[u8], left: u32, key: Option<Key>, seen: u8) -> usize {
        let room = IDENTIFIER_MAX.max.saturating_sub(self.read);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len()).min(room);
        let here = rest.get(..count).unwrap_or_default();
        let mut seen = seen;
        if let Some(key) = key {
            for byte in here {
                self.byte(key, seen, *byte);
                seen = if key == Key::Level && seen == 0 { *byte } else { 1 };
            }
        }
        let left = left.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
        self.phase = if left == 0 { Phase::Head(0) } else { Phase::Value { left, key, seen } };
        count
    }

    /// Looks at one byte of a key; `before` is the byte before it in a level, or 0.
    fn byte(&mut self, key: Key, before: u8, byte: u8) {
        let restricts = !matches!(byte, b' ' | 0 | b'*' | b'?' | b'^' | b'=' | b'-' | b'\\');
        let query = &mut self.query;
        match key {
            Key::PatientName => query.patient_name |= restricts,
            Key::PatientId => query.patient_id |= restricts,
            Key::StudyDate => query.study_date |= restricts,
            Key::ScheduledDate => query.scheduled_date |= restricts,
            Key::Study => query.study |= restricts,
            Key::Level => match (before, byte) {
                (0, b'P') => query.level = Some(QueryLevel::Patient),
                (0, b'I') => query.level = Some(QueryLevel::Image),
                (b'S', b'T') => query.level = Some(QueryLevel::Study),
                (b'S', b'E') => query.level = Some(QueryLevel::Series),
                _ => {}
            },
        }
    }
}
