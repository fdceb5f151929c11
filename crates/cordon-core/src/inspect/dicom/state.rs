//! What is known of one association.

use cordon_wire::dicom::{AeTitle, CommandField, Encoding, IdentifierReader, Uid};

use crate::inspect::{Kind, Memory, Way};

/// How many requests of one association may be open at once.
pub const PENDING_MAX: usize = 16;

/// Where an association is.
/// # Source
/// DICOM PS3.8 §9.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stage {
    /// Nothing was said.
    #[default]
    Idle,
    /// It was proposed.
    Requested,
    /// It was accepted.
    Open,
    /// One side asked to release it.
    Releasing(Way),
    /// Both sides asked, and nobody has answered.
    BothReleasing,
    /// It is over.
    Ended,
}

/// The title of an application entity that is kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Title([u8; AeTitle::MAX]);

impl Title {
    pub(super) fn of(title: AeTitle<'_>) -> Self {
        let mut kept = [b' '; AeTitle::MAX];
        kept.iter_mut().zip(title.as_bytes()).for_each(|(slot, byte)| *slot = *byte);
        Self(kept)
    }

    pub(super) fn read(&self) -> AeTitle<'_> {
        AeTitle::read(&self.0)
    }
}

/// What may be done on a presentation context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// An operation that is permitted uses its class.
    Fine,
    /// It asks by patient.
    PatientRoot,
    /// No operation that is permitted uses its class.
    NotListed,
}

/// A presentation context that was proposed.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) id: u8,
    pub(super) fit: Fit,
    pub(super) is_accepted: bool,
    pub(super) encoding: Option<Encoding>,
    /// Whether the requestor offered to be, and then is, user and provider.
    pub(super) offers: Roles,
    pub(super) roles: Roles,
    class: [u8; Uid::MAX],
    class_length: usize,
}

/// The roles of the requestor.
/// # Source
/// DICOM PS3.7 §D.3.3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) is_user: bool,
    pub(super) is_provider: bool,
}

impl Roles {
    /// What holds when nothing is selected.
    pub(super) const USUAL: Self = Self { is_user: true, is_provider: false };
}

impl Context {
    pub(super) fn new(id: u8, class: Uid<'_>, fit: Fit) -> Self {
        let mut kept = [0; Uid::MAX];
        kept.iter_mut().zip(class.as_bytes()).for_each(|(slot, byte)| *slot = *byte);
        Self {
            id,
            fit,
            is_accepted: false,
            encoding: None,
            offers: Roles::USUAL,
            roles: Roles::USUAL,
            class: kept,
            class_length: class.as_bytes().len(),
        }
    }

    pub(super) fn is_of(&self, class: Uid<'_>) -> bool {
        self.class.get(..self.class_length) == Some(class.as_bytes())
    }
}

/// A request that is not answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    pub(super) way: Way,
    pub(super) context_id: u8,
    pub(super) message_id: u16,
    pub(super) field: CommandField,
    pub(super) is_worklist: bool,
}

/// What is under way in one direction.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) kind: Option<Kind>,
    pub(super) is_store: bool,
    pub(super) identifier: Option<IdentifierReader>,
}

/// One association.
#[derive(Debug, Default)]
pub struct Flow {
    pub(super) stage: Stage,
    pub(super) is_counted: bool,
    pub(super) calling: Title,
    pub(super) called: Title,
    pub(super) contexts: Vec<Context>,
    pub(super) pending: [Option<Pending>; PENDING_MAX],
    pub(super) stored: u64,
    limit_from_device: u32,
    limit_to_device: u32,
    from_device: Lane,
    to_device: Lane,
}

impl Flow {
    pub(super) fn lane(&self, way: Way) -> &Lane {
        match way {
            Way::FromDevice => &self.from_device,
            Way::ToDevice => &self.to_device,
        }
    }

    pub(super) fn lane_mut(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::FromDevice => &mut self.from_device,
            Way::ToDevice => &mut self.to_device,
        }
    }

    /// Remembers what the side that sends `way` takes.
    pub(super) fn takes_at_most(&mut self, way: Way, max_length: Option<u32>) {
        let limit = max_length.unwrap_or(0);
        match way {
            Way::FromDevice => self.limit_to_device = limit,
            Way::ToDevice => self.limit_from_device = limit,
        }
    }

    /// Gives how long a P-DATA-TF that goes `way` may be.
    /// # Source
    /// DICOM PS3.8 §D.1.
    pub(super) fn limit(&self, way: Way) -> Option<u32> {
        let limit = match way {
            Way::FromDevice => self.limit_from_device,
            Way::ToDevice => self.limit_to_device,
        };
        (limit != 0).then_some(limit)
    }

    /// Says whether data may go `way` now: whoever asked to release sends no more.
    pub(super) fn takes_data(&self, way: Way) -> bool {
        match self.stage {
            Stage::Open => true,
            Stage::Releasing(by) => by != way,
            Stage::Idle | Stage::Requested | Stage::BothReleasing | Stage::Ended => false,
        }
    }

    pub(super) fn context(&self, id: u8) -> Option<&Context> {
        self.contexts.iter().find(|context| context.id == id)
    }

    pub(super) fn end(&mut self, memory: &mut Memory) {
        if std::mem::take(&mut self.is_counted) {
            memory.dicom.open = memory.dicom.open.saturating_sub(1);
        }
        self.stage = Stage::Ended;
    }
}
