//! The DICOM upper layer and the DIMSE command set.
//!
//! [`Reader`] takes one direction of an association. Whole PDUs of the association come out as
//! views; P-DATA-TF is cut through: command sets are put together and read, data sets pass piece
//! by piece and are not looked at. What a C-FIND asks for is read by [`IdentifierReader`], by whom
//! it concerns, because only the other direction says how it is encoded.
//!
//! Invariant: of a data set nothing is kept; of a C-FIND identifier only which keys are restricted.
//! The content of a user identity is never handed out.
//! Source: DICOM PS3.8 §9.3; DICOM PS3.8 §E.1; DICOM PS3.7 §6.3.1; DICOM PS3.7 §E.1.

mod associate;
mod command;
mod identifier;
mod reader;
mod registry;
mod title;
mod uid;
mod write;

pub use associate::{
    Associate, AssociateKind, Context, Contexts, RoleSelection, RoleSelections, TransferSyntaxes,
    UserInformation,
};
pub use command::{Command, CommandField, SubOperations};
pub use identifier::{Encoding, IdentifierReader, Query, QueryLevel};
pub use reader::Reader;
pub use registry::{Root, Service};
pub use title::AeTitle;
pub use uid::Uid;
pub use write::{
    Acceptance, ElementValue, Proposal, abort, associate_accept, associate_reject,
    associate_request, command_set, presentation_data, release_reply, release_request,
};

use crate::Limit;

/// The longest A-ASSOCIATE-RQ or A-ASSOCIATE-AC that is read, without its head.
pub const ASSOCIATE_MAX: Limit = Limit { name: "bytes in a DICOM A-ASSOCIATE PDU", max: 65_536 };

/// The largest number of presentation contexts: there are no more identifiers.
/// # Source
/// DICOM PS3.8 §9.3.2.2.
pub const CONTEXTS_MAX: Limit = Limit { name: "presentation contexts in DICOM", max: 128 };

/// The largest number of role selections that is read: one for each context.
pub const ROLES_MAX: Limit = Limit { name: "role selections in DICOM", max: 128 };

/// The longest command set that is read.
pub const COMMAND_MAX: Limit = Limit { name: "bytes in a DICOM command set", max: 65_536 };

/// How much of a C-FIND identifier is read.
pub const IDENTIFIER_MAX: Limit = Limit { name: "bytes in a DICOM C-FIND identifier", max: 16_384 };

/// What the fault of a type of PDU that there is not names: no further unit can be found.
pub const RULE_PDU_TYPE: &str = "DICOM PS3.8 §9.3.1";

/// Something that happens on one direction of an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A-ASSOCIATE-RQ.
    AssociateRq(Associate<'a>),
    /// A-ASSOCIATE-AC.
    AssociateAc(Associate<'a>),
    /// A-ASSOCIATE-RJ.
    AssociateRj(Reject),
    /// A-RELEASE-RQ.
    ReleaseRq,
    /// A-RELEASE-RP.
    ReleaseRp,
    /// A-ABORT.
    Abort(Abort),
    /// A P-DATA-TF begins. The unit has no bytes: the head of the PDU belongs to the unit that
    /// comes next, so that a PDU whose first value is stopped leaves nothing behind.
    PData(PduHead),
    /// A piece of a fragment: of a data set as it arrives, of a command set that is not yet whole
    /// the fragment in full.
    Fragment(Fragment<'a>),
    /// A command set is whole. The unit's bytes are its last fragment, so it can be stopped.
    Command {
        /// The presentation context.
        context_id: u8,
        /// What it says.
        command: Command<'a>,
    },
    /// The last piece of a data set has passed. The unit has no bytes.
    DatasetEnd {
        /// The presentation context.
        context_id: u8,
        /// How long the data set was.
        bytes: u64,
    },
    /// A piece of what follows a fault up to the end of its PDU.
    Unread,
}

/// The reasons of an A-ASSOCIATE-RJ.
/// # Source
/// DICOM PS3.8 §9.3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reject {
    /// 1 permanent, 2 transient.
    pub result: u8,
    /// 1 user, 2 provider (ACSE), 3 provider (presentation).
    pub source: u8,
    /// The reason, by source.
    pub reason: u8,
}

/// Who aborts, and why.
/// # Source
/// DICOM PS3.8 §9.3.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Abort {
    /// 0 user, 2 provider.
    pub source: u8,
    /// The reason, if it is the provider.
    pub reason: u8,
}

/// The head of a P-DATA-TF.
/// # Source
/// DICOM PS3.8 §9.3.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PduHead {
    /// The length of what follows the head, which the receiver may have limited (§D.1).
    pub length: u32,
}

/// A piece of a fragment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// The presentation context.
    pub context_id: u8,
    /// Whether it is part of a command set; else of a data set.
    pub is_command: bool,
    /// Whether the fragment is the last of its command set or data set.
    pub is_last: bool,
    /// Whether the fragment begins with this piece.
    pub is_start: bool,
    /// The length of the whole fragment.
    pub length: u32,
    /// The piece, which may be empty.
    pub bytes: &'a [u8],
}

impl std::fmt::Debug for Fragment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fragment")
            .field("context_id", &self.context_id)
            .field("is_command", &self.is_command)
            .field("is_last", &self.is_last)
            .field("is_start", &self.is_start)
            .field("length", &self.length)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}
