//! A view of a DIMSE command set.

use super::{AeTitle, Uid};
use crate::{Cursor, Fault};

const RULE_ENCODING: &str = "DICOM PS3.7 §6.3.1";
const RULE_ELEMENT: &str = "DICOM PS3.7 §E.1";
const RULE_EVEN: &str = "DICOM PS3.5 §7.1.1";
const RULE_UID: &str = "DICOM PS3.5 §9.1";

/// The bit that makes a response of a request.
/// # Source
/// DICOM PS3.7 §E.1.
const RESPONSE: u16 = 0x8000;

/// The data-set type of a command without data set.
/// # Source
/// DICOM PS3.7 §E.1.
pub(super) const NO_DATASET: u16 = 0x0101;

macro_rules! fields {
    ($($variant:ident $code:literal $rq:literal $rsp:literal $section:literal;)*) => {
        /// What a command asks for or answers.
        /// # Source
        /// DICOM PS3.7 §E.1.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum CommandField {
            $(#[doc = concat!($rq, " and its response.")] $variant,)*
            /// C-CANCEL-RQ, which has no response.
            CCancel,
            /// None of the standard's.
            Other(u16),
        }

        impl CommandField {
            fn of(code: u16) -> Self {
                match code & !RESPONSE {
                    $($code => Self::$variant,)*
                    0x0FFF if code == 0x0FFF => Self::CCancel,
                    _ => Self::Other(code),
                }
            }

            fn code(self) -> u16 {
                match self {
                    $(Self::$variant => $code,)*
                    Self::CCancel => 0x0FFF,
                    Self::Other(code) => code,
                }
            }

            fn name(self, is_response: bool) -> &'static str {
                match self {
                    $(Self::$variant => if is_response { $rsp } else { $rq },)*
                    Self::CCancel => "C-CANCEL-RQ",
                    Self::Other(_) => "unknown",
                }
            }

            fn section(self) -> &'static str {
                match self {
                    $(Self::$variant => $section,)*
                    Self::CCancel => "DICOM PS3.7 §9.3.2.3",
                    Self::Other(_) => RULE_ELEMENT,
                }
            }
        }
    };
}

fields! {
    CStore 0x0001 "C-STORE-RQ" "C-STORE-RSP" "DICOM PS3.7 §9.3.1";
    CGet 0x0010 "C-GET-RQ" "C-GET-RSP" "DICOM PS3.7 §9.3.3";
    CFind 0x0020 "C-FIND-RQ" "C-FIND-RSP" "DICOM PS3.7 §9.3.2";
    CMove 0x0021 "C-MOVE-RQ" "C-MOVE-RSP" "DICOM PS3.7 §9.3.4";
    CEcho 0x0030 "C-ECHO-RQ" "C-ECHO-RSP" "DICOM PS3.7 §9.3.5";
    NEventReport 0x0100 "N-EVENT-REPORT-RQ" "N-EVENT-REPORT-RSP" "DICOM PS3.7 §10.3.1";
    NGet 0x0110 "N-GET-RQ" "N-GET-RSP" "DICOM PS3.7 §10.3.2";
    NSet 0x0120 "N-SET-RQ" "N-SET-RSP" "DICOM PS3.7 §10.3.3";
    NAction 0x0130 "N-ACTION-RQ" "N-ACTION-RSP" "DICOM PS3.7 §10.3.4";
    NCreate 0x0140 "N-CREATE-RQ" "N-CREATE-RSP" "DICOM PS3.7 §10.3.5";
    NDelete 0x0150 "N-DELETE-RQ" "N-DELETE-RSP" "DICOM PS3.7 §10.3.6";
}

/// How far a retrieval has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubOperations {
    /// Still to be done.
    pub remaining: Option<u16>,
    /// Done.
    pub completed: Option<u16>,
    /// Failed.
    pub failed: Option<u16>,
    /// Done with a warning.
    pub warning: Option<u16>,
}

/// A command set.
/// # Source
/// DICOM PS3.7 §E.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    /// What it asks for or answers.
    pub field: CommandField,
    /// Whether it answers.
    pub is_response: bool,
    /// The number of a request.
    pub message_id: Option<u16>,
    /// The number of the request that is answered or cancelled.
    pub responded_to: Option<u16>,
    /// (0000,0002).
    pub affected_class: Option<Uid<'a>>,
    /// (0000,0003).
    pub requested_class: Option<Uid<'a>>,
    /// (0000,1000).
    pub affected_instance: Option<Uid<'a>>,
    /// (0000,1001).
    pub requested_instance: Option<Uid<'a>>,
    /// Whether a data set follows.
    pub has_dataset: bool,
    /// How it went.
    pub status: Option<u16>,
    /// 0 medium, 1 high, 2 low.
    pub priority: Option<u16>,
    /// Who is to be sent the images.
    pub move_destination: Option<AeTitle<'a>>,
    /// Who asked for the image that is stored.
    pub move_originator: Option<AeTitle<'a>>,
    /// With which request.
    pub move_originator_id: Option<u16>,
    /// What happened.
    pub event_type: Option<u16>,
    /// What is to be done.
    pub action_type: Option<u16>,
    /// How far a retrieval has come.
    pub sub_operations: SubOperations,
}

impl<'a> Command<'a> {
    /// Reads a whole command set.
    /// # Errors
    /// A rule of the standard that is broken: the length of the group, the order of the elements,
    /// the form of a value, or an element that this command must have.
    /// # Source
    /// DICOM PS3.7 §6.3.1; DICOM PS3.7 §E.1.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut cursor = Cursor::whole(bytes, RULE_ENCODING);
        let group = (cursor.u32_le()?, cursor.u32_le()?, cursor.u32_le()?);
        let left = u32::try_from(cursor.left()).unwrap_or(u32::MAX);
        if group != (0, 4, left) {
            return Err(Fault::Malformed { at: 0, rule: RULE_ENCODING });
        }
        let mut draft = Draft { command: Self::empty(), field: None, dataset_type: None };
        let mut last = 0;
        while !cursor.is_empty() {
            let at = cursor.at();
            let group = cursor.u16_le()?;
            let element = cursor.u16_le()?;
            let length = cursor.u32_le()?;
            if group != 0 || element <= last {
                return Err(Fault::Malformed { at, rule: RULE_ENCODING });
            }
            last = element;
            let value = cursor.take(usize::try_from(length).unwrap_or(usize::MAX))?;
            if length & 1 == 1 {
                return Err(Fault::Malformed { at, rule: RULE_EVEN });
            }
            draft.element(element, value).map_err(|rule| Fault::Malformed { at, rule })?;
        }
        draft.finish().map_err(|rule| Fault::Malformed { at: bytes.len(), rule })
    }

    fn empty() -> Self {
        Self {
            field: CommandField::Other(0),
            is_response: false,
            message_id: None,
            responded_to: None,
            affected_class: None,
            requested_class: None,
            affected_instance: None,
            requested_instance: None,
            has_dataset: false,
            status: None,
            priority: None,
            move_destination: None,
            move_originator: None,
            move_originator_id: None,
            event_type: None,
            action_type: None,
            sub_operations: SubOperations::default(),
        }
    }

    /// Gives the name that the standard has for it, for example `C-STORE-RQ`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.field.name(self.is_response)
    }

    /// Gives the command field as it is on the wire.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.field.code() | if self.is_response { RESPONSE } else { 0 }
    }

    /// Gives the SOP class that it is about: the one of the two that its receiver goes by.
    #[must_use]
    pub fn sop_class(&self) -> Option<Uid<'a>> {
        if self.is_response {
            return self.affected_class.or(self.requested_class);
        }
        match self.field {
            CommandField::NGet
            | CommandField::NSet
            | CommandField::NAction
            | CommandField::NDelete => self.requested_class,
            CommandField::CStore
            | CommandField::CGet
            | CommandField::CFind
            | CommandField::CMove
            | CommandField::CEcho
            | CommandField::NEventReport
            | CommandField::NCreate => self.affected_class,
            CommandField::CCancel | CommandField::Other(_) => {
                self.affected_class.or(self.requested_class)
            }
        }
    }

    /// Says whether a response is followed by further ones to the same request.
    /// # Source
    /// DICOM PS3.7 §C.1.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.is_response && matches!(self.status, Some(0xFF00 | 0xFF01))
    }
}

/// A command set of which a part is read.
struct Draft<'a> {
    command: Command<'a>,
    field: Option<u16>,
    dataset_type: Option<u16>,
}

impl<'a> Draft<'a> {
    fn element(&mut self, element: u16, value: &'a [u8]) -> Result<(), &'static str> {
        let command = &mut self.command;
        match element {
            // Present and empty is as good as absent.
            _ if value.is_empty() => {}
            0x0002 => command.affected_class = Some(uid(value)?),
            0x0003 => command.requested_class = Some(uid(value)?),
            0x0100 => self.field = Some(number(value)?),
            0x0110 => command.message_id = Some(number(value)?),
            0x0120 => command.responded_to = Some(number(value)?),
            0x0600 => command.move_destination = Some(title(value)?),
            0x0700 => command.priority = Some(number(value)?),
            0x0800 => self.dataset_type = Some(number(value)?),
            0x0900 => command.status = Some(number(value)?),
            0x1000 => command.affected_instance = Some(uid(value)?),
            0x1001 => command.requested_instance = Some(uid(value)?),
            0x1002 => command.event_type = Some(number(value)?),
            0x1008 => command.action_type = Some(number(value)?),
            0x1020 => command.sub_operations.remaining = Some(number(value)?),
            0x1021 => command.sub_operations.completed = Some(number(value)?),
            0x1022 => command.sub_operations.failed = Some(number(value)?),
            0x1023 => command.sub_operations.warning = Some(number(value)?),
            0x1030 => command.move_originator = Some(title(value)?),
            0x1031 => command.move_originator_id = Some(number(value)?),
            _ => {}
        }
        Ok(())
    }

    /// Checks that what the command must have is there.
    fn finish(self) -> Result<Command<'a>, &'static str> {
        let (Some(code), Some(dataset_type)) = (self.field, self.dataset_type) else {
            return Err(RULE_ELEMENT);
        };
        let mut command = self.command;
        command.field = CommandField::of(code);
        command.is_response = code & RESPONSE != 0;
        command.has_dataset = dataset_type != NO_DATASET;
        let has_class = match command.field {
            CommandField::CStore
            | CommandField::CGet
            | CommandField::CFind
            | CommandField::CMove
            | CommandField::CEcho
            | CommandField::NEventReport
            | CommandField::NCreate => command.affected_class.is_some(),
            CommandField::NGet
            | CommandField::NSet
            | CommandField::NAction
            | CommandField::NDelete => command.requested_class.is_some(),
            CommandField::CCancel | CommandField::Other(_) => true,
        };
        let has_own = match command.field {
            CommandField::CMove => command.move_destination.is_some(),
            CommandField::CStore => command.affected_instance.is_some(),
            CommandField::NEventReport => command.event_type.is_some(),
            CommandField::NAction => command.action_type.is_some(),
            CommandField::CGet
            | CommandField::CFind
            | CommandField::CEcho
            | CommandField::NGet
            | CommandField::NSet
            | CommandField::NCreate
            | CommandField::NDelete
            | CommandField::CCancel
            | CommandField::Other(_) => true,
        };
        let is_whole = match (command.field, command.is_response) {
            (CommandField::Other(_), _) => true,
            (CommandField::CCancel, _) => command.responded_to.is_some(),
            (_, true) => command.responded_to.is_some() && command.status.is_some(),
            (_, false) => command.message_id.is_some() && has_class && has_own,
        };
        if is_whole { Ok(command) } else { Err(command.field.section()) }
    }
}

fn number(value: &[u8]) -> Result<u16, &'static str> {
    <[u8; 2]>::try_from(value).map(u16::from_le_bytes).map_err(|_| RULE_ELEMENT)
}

fn uid(value: &[u8]) -> Result<Uid<'_>, &'static str> {
    Uid::read(value).ok_or(RULE_UID)
}

fn title(value: &[u8]) -> Result<AeTitle<'_>, &'static str> {
    if value.len() <= AeTitle::MAX { Ok(AeTitle::read(value)) } else { Err(RULE_ELEMENT) }
}
