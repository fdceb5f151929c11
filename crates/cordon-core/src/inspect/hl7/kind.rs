//! What a message is by its type.

use cordon_model::Operation;
use cordon_wire::hl7::MessageType;

/// What a message is by MSH-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// It reports, tells or asks something that policy knows.
    Known(Operation),
    /// It tells somebody what to do, in a way for which policy has no name.
    Order {
        /// Whether it is about an infusion.
        is_infusion: bool,
    },
    /// It answers.
    Answer,
    /// Policy has no name for it.
    Unknown,
}

impl Sort {
    /// Tells by the type.
    /// # Source
    /// HL7 tables 0003, 0076; IHE DEV TF-2 §3.
    #[must_use]
    pub fn of(kind: &MessageType<'_>) -> Self {
        match (kind.code, kind.trigger) {
            (b"ORU", b"R01") => Self::Known(Operation::Hl7OruR01),
            (b"ORU", b"R40") => Self::Known(Operation::Hl7OruR40),
            (b"ORU", b"R42") => Self::Known(Operation::Hl7OruR42),
            (b"RGV", b"O15") => Self::Known(Operation::Hl7RgvO15),
            (b"RDE", b"O11") => Self::Known(Operation::Hl7RdeO11),
            (b"ADT", _) => Self::Known(Operation::Hl7Adt),
            (b"QBP", _) => Self::Known(Operation::Hl7Qbp),
            (b"RGV" | b"RDE", _) => Self::Order { is_infusion: true },
            (b"OMP" | b"ORM", _) => Self::Order { is_infusion: false },
            (
                b"ACK" | b"MCF" | b"MFK" | b"ORA" | b"ORP" | b"ORR" | b"RRA" | b"RRD" | b"RRE"
                | b"RRG" | b"RSP" | b"RTB",
                _,
            ) => Self::Answer,
            _ => Self::Unknown,
        }
    }

    /// Gives the operation that policy knows it by.
    #[must_use]
    pub fn operation(self) -> Option<Operation> {
        match self {
            Self::Known(operation) => Some(operation),
            Self::Order { .. } | Self::Answer | Self::Unknown => None,
        }
    }

    /// Says whether it tells or asks somebody something, which no device does by itself.
    #[must_use]
    pub fn is_order(self) -> bool {
        match self {
            Self::Order { .. } => true,
            Self::Known(operation) => matches!(
                operation,
                Operation::Hl7RgvO15 | Operation::Hl7RdeO11 | Operation::Hl7Adt | Operation::Hl7Qbp
            ),
            Self::Answer | Self::Unknown => false,
        }
    }

    /// Says whether it tells a pump what to give.
    #[must_use]
    pub fn is_infusion_order(self) -> bool {
        match self {
            Self::Order { is_infusion } => is_infusion,
            Self::Known(operation) => {
                matches!(operation, Operation::Hl7RgvO15 | Operation::Hl7RdeO11)
            }
            Self::Answer | Self::Unknown => false,
        }
    }
}
