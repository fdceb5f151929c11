//! What can be wrong with a stream, and what is worth a remark, each with its place.

use std::fmt;

use crate::segment::LINE_BYTES_MAX;

/// A place in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of the file in the stream's folder; `head N` for the Nth head given.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// Where the line begins, in bytes.
    pub offset: u64,
    /// The number of the record, if it is about one.
    pub seq: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} (byte {}", self.file, self.line, self.offset)?;
        if let Some(seq) = self.seq {
            write!(f, ", record {seq}")?;
        }
        f.write_str(")")
    }
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What.
    pub wrong: Wrong,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.wrong, self.wrong.advice())
    }
}

/// Every kind of fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// The signature of a head does not verify.
    BadSignature {
        /// The name of the key that should have signed.
        key: String,
    },
    /// Something stands behind the end of a segment.
    BytesBehindEnd,
    /// The wall clock went back, and no record says so.
    ClockRollback {
        /// By how many milliseconds.
        by_ms: u64,
    },
    /// Records are not there.
    Deleted {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// A record stands there twice.
    Duplicated,
    /// A record was changed: it has not the hash that the record behind it names.
    Edited,
    /// There is no segment.
    Empty,
    /// A line is no part of a journal.
    ForeignLine,
    /// The copy that was given has another record here.
    DiffersFromCopy,
    /// The writer's key has signed two different streams of one size.
    Fork {
        /// Up to this many records both are known to be the same.
        same: u64,
        /// The size of the other.
        size: u64,
    },
    /// A segment's header does not fit its name, its head, or the segment before.
    HeaderMismatch {
        /// What does not fit.
        what: Misfit,
    },
    /// A record stands there that the record behind it does not know.
    Inserted,
    /// A head cannot be read.
    MalformedHead,
    /// A line cannot be read.
    MalformedLine {
        /// What is expected there.
        expected: Expected,
    },
    /// The file `checkpoint` is not there.
    MissingCheckpoint,
    /// The first segments are not there, and no record says that their time was over.
    MissingFront {
        /// The last record that is missing.
        last: u64,
    },
    /// Records between two segments are not there.
    MissingSegment {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// The monotonic clock went back within one run.
    MonoRollback,
    /// Records stand behind the last head, or the last line is cut off.
    OpenEnd {
        /// Whole records.
        records: u64,
        /// Bytes of a line that is cut off.
        bytes: u64,
    },
    /// It belongs to another stream.
    OtherOrigin {
        /// Whose it is.
        found: String,
    },
    /// A record stands at the place of another.
    Reordered,
    /// The number of the writer's start went back.
    RunRollback,
    /// The copy that was given has more records at its end.
    ShorterThanCopy {
        /// How many are here.
        held: u64,
    },
    /// The file `checkpoint` is older than the stream.
    StaleCheckpoint {
        /// How many records it signs.
        signed: u64,
        /// How many there are.
        held: u64,
    },
    /// Records at the end are not there.
    Truncated {
        /// How many records a head signs.
        signed: u64,
        /// How many there are.
        held: u64,
    },
    /// There is no key for the stream.
    UnknownKey {
        /// Whose key is missing.
        origin: String,
    },
    /// A file cannot be read, or is none.
    Unreadable,
    /// A head does not fit the records before it.
    WrongRoot {
        /// Up to this many records the stream is as it was signed.
        since: u64,
        /// How many records the head signs.
        signed: u64,
        /// How many there are.
        counted: u64,
    },
}

/// What a header does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// The tree at the end of the segment before.
    Before,
    /// Its own head.
    Head,
    /// The hash of the record before.
    Last,
    /// The file's name.
    Name,
}

/// What a line should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A head in the form in which it is written.
    Head,
    /// The header of a segment.
    Header,
    /// A line that is not longer than any may be.
    Length,
    /// A record in canonical form.
    Record,
}

impl Wrong {
    /// Gives the label by which programs know the fault.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::BadSignature { .. } => "bad-signature",
            Self::BytesBehindEnd => "bytes-behind-end",
            Self::ClockRollback { .. } => "clock-rollback",
            Self::Deleted { .. } => "deleted",
            Self::Duplicated => "duplicated",
            Self::Edited => "edited",
            Self::Empty => "empty",
            Self::ForeignLine => "foreign-line",
            Self::DiffersFromCopy => "differs-from-copy",
            Self::Fork { .. } => "fork",
            Self::HeaderMismatch { .. } => "header-mismatch",
            Self::Inserted => "inserted",
            Self::MalformedHead => "malformed-head",
            Self::MalformedLine { .. } => "malformed-line",
            Self::MissingCheckpoint => "missing-checkpoint",
            Self::MissingFront { .. } => "missing-front",
            Self::MissingSegment { .. } => "missing-segment",
            Self::MonoRollback => "mono-rollback",
            Self::OpenEnd { .. } => "open-end",
            Self::OtherOrigin { .. } => "other-origin",
            Self::Reordered => "reordered",
            Self::RunRollback => "run-rollback",
            Self::ShorterThanCopy { .. } => "shorter-than-copy",
            Self::StaleCheckpoint { .. } => "stale-checkpoint",
            Self::Truncated { .. } => "truncated",
            Self::UnknownKey { .. } => "unknown-key",
            Self::Unreadable => "unreadable",
            Self::WrongRoot { .. } => "wrong-root",
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::BytesBehindEnd | Self::ForeignLine => {
                "find out who wrote to the file; the records before it are not in doubt"
            }
            Self::ClockRollback { .. } | Self::MonoRollback | Self::RunRollback => {
                "do not trust the times from here on; ask who set the clock or wrote the records"
            }
            Self::DiffersFromCopy => {
                "verify both copies, by the key and by a head that was kept elsewhere: one of them \
                 was changed"
            }
            Self::Fork { .. } => {
                "whoever holds the writer's key has rewritten history; keep both copies and revoke \
                 the key"
            }
            Self::UnknownKey { .. } => "give the public key of this stream",
            Self::OpenEnd { .. } | Self::StaleCheckpoint { .. } | Self::MissingCheckpoint => {
                "if the writer is running, verify as live; otherwise compare with a head or a \
                 replica that was kept elsewhere, before the writer is started again"
            }
            Self::Unreadable => "look at the file and its rights",
            Self::MalformedHead => "give a head as it was signed",
            Self::BadSignature { .. }
            | Self::Deleted { .. }
            | Self::Duplicated
            | Self::Edited
            | Self::Empty
            | Self::HeaderMismatch { .. }
            | Self::Inserted
            | Self::MalformedLine { .. }
            | Self::MissingFront { .. }
            | Self::MissingSegment { .. }
            | Self::OtherOrigin { .. }
            | Self::Reordered
            | Self::ShorterThanCopy { .. }
            | Self::Truncated { .. }
            | Self::WrongRoot { .. } => {
                "keep this copy as evidence and compare it with a replica or a backup"
            }
        }
    }
}

/// Writes records `first` to `last`, or the only one.
fn records(f: &mut fmt::Formatter<'_>, first: u64, last: u64) -> fmt::Result {
    if first == last {
        write!(f, "record {first} is")
    } else {
        write!(f, "records {first} to {last} are")
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadSignature { key } => write!(
                f,
                "the head was changed or not signed by `{key}`: its signature does not verify"
            ),
            Self::BytesBehindEnd => f.write_str("something stands behind the end of the segment"),
            Self::ClockRollback { by_ms } => write!(
                f,
                "the record is {by_ms} ms older than one before it, and no record says that the \
                 clock was set"
            ),
            Self::Deleted { first, last } => {
                records(f, *first, *last)?;
                f.write_str(" missing here")
            }
            Self::Duplicated => f.write_str("the record stands there a second time"),
            Self::Edited => f.write_str("the record was changed after it was written"),
            Self::Empty => f.write_str("the stream has no segment"),
            Self::ForeignLine => f.write_str("the line is no part of a journal"),
            Self::DiffersFromCopy => f.write_str("the other copy has another record here"),
            Self::ShorterThanCopy { held } => {
                write!(f, "the other copy goes on behind record {}", held.saturating_sub(1))
            }
            Self::Fork { same, size } => write!(
                f,
                "there are two streams, both signed: they differ between record {same} and \
                 record {}",
                size.saturating_sub(1)
            ),
            Self::HeaderMismatch { what } => write!(f, "the header does not fit {what}"),
            Self::Inserted => f.write_str("the record was inserted; the next does not follow it"),
            Self::MalformedHead => f.write_str("the head cannot be read"),
            Self::MalformedLine { expected } => write!(f, "the line is not {expected}"),
            Self::MissingCheckpoint => f.write_str("the checkpoint is missing"),
            Self::MissingFront { last } => {
                records(f, 0, *last)?;
                f.write_str(
                    " missing at the beginning, and no record says that their time was over",
                )
            }
            Self::MissingSegment { first, last } => {
                records(f, *first, *last)?;
                f.write_str(" missing before this segment")
            }
            Self::MonoRollback => f.write_str("the monotonic clock went back within one run"),
            Self::OpenEnd { records, bytes } => write!(
                f,
                "the end is not signed: {records} records and {bytes} bytes of a line that is cut \
                 off"
            ),
            Self::OtherOrigin { found } => write!(f, "it belongs to `{found}`"),
            Self::Reordered => f.write_str("the record does not stand in its place"),
            Self::RunRollback => f.write_str("the number of the writer's start went back"),
            Self::StaleCheckpoint { signed, held } => {
                write!(f, "the checkpoint signs {signed} records, but there are {held}")
            }
            Self::Truncated { signed, held } => {
                write!(f, "the end was cut off: {signed} records were signed, {held} are left")
            }
            Self::UnknownKey { origin } => write!(f, "there is no key for `{origin}`"),
            Self::Unreadable => f.write_str("it cannot be read, or is no file"),
            Self::WrongRoot { since, signed, counted } => write!(
                f,
                "the records since record {since} are not those that were signed: the head signs \
                 {signed} records, there are {counted}"
            ),
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "the end of the segment before",
            Self::Head => "its own head",
            Self::Last => "the last record of the segment before",
            Self::Name => "the name of the file",
        })
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("a head as it is written"),
            Self::Header => f.write_str("a header as it is written"),
            Self::Length => write!(f, "at most {LINE_BYTES_MAX} bytes long"),
            Self::Record => f.write_str("a record as it is written"),
        }
    }
}

/// Something that is no fault, but that whoever relies on the stream should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where.
    pub place: Place,
    /// What.
    pub notable: Notable,
}

/// Every kind of remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notable {
    /// The wall clock was set back, and a record says so.
    ClockStep {
        /// By how many milliseconds.
        by_ms: u64,
    },
    /// The other copy has other ends, but where both have records they are the same.
    CopyDiffers {
        /// The number of the first record that both have.
        first: u64,
        /// How many records up to the end of the shorter.
        size: u64,
    },
    /// The first segments are not there; a record says that their time was over.
    Expired {
        /// The last record that is missing.
        last: u64,
    },
    /// The first segments are not there; whether their time was over cannot be seen, because the
    /// evidence stream is not beside this one.
    ExpiryUnknown {
        /// The last record that is missing.
        last: u64,
    },
    /// A head that was given is older than the first segment, so it says nothing about it.
    HeadBeforeFront {
        /// How many records it signs.
        signed: u64,
    },
    /// There is no segment; the writer has not come to it.
    NoSegment,
    /// A witness has not cosigned the checkpoint.
    NotCosigned {
        /// Which witness.
        witness: String,
    },
    /// The writer is amidst writing.
    OpenEnd {
        /// Whole records behind the last head.
        records: u64,
        /// Bytes of a line that is cut off.
        bytes: u64,
    },
}

impl Notable {
    /// Gives the label by which programs know the remark.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::ClockStep { .. } => "clock-step",
            Self::CopyDiffers { .. } => "copy-differs",
            Self::Expired { .. } => "expired",
            Self::ExpiryUnknown { .. } => "expiry-unknown",
            Self::HeadBeforeFront { .. } => "head-before-front",
            Self::NoSegment => "no-segment",
            Self::NotCosigned { .. } => "not-cosigned",
            Self::OpenEnd { .. } => "open-end",
        }
    }
}

impl fmt::Display for Notable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClockStep { by_ms } => {
                write!(f, "the clock was set back by {by_ms} ms here, as a record says")
            }
            Self::CopyDiffers { first, size } => write!(
                f,
                "the two copies begin or end elsewhere; they agree from record {first} up to size \
                 {size}"
            ),
            Self::Expired { last } => {
                write!(f, "records up to {last} were deleted when their time was over")
            }
            Self::ExpiryUnknown { last } => write!(
                f,
                "records up to {last} are missing; only the evidence stream can say whether their \
                 time was over"
            ),
            Self::HeadBeforeFront { signed } => {
                write!(f, "the head of {signed} records is older than what is left")
            }
            Self::NoSegment => f.write_str("there is no segment yet"),
            Self::NotCosigned { witness } => {
                write!(f, "`{witness}` has not cosigned the checkpoint")
            }
            Self::OpenEnd { records, bytes } => write!(
                f,
                "the writer is amidst writing: {records} records and {bytes} bytes are not signed \
                 yet"
            ),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.notable)
    }
}
