//! A view of an A-ASSOCIATE-RQ or A-ASSOCIATE-AC.

use super::{AeTitle, CONTEXTS_MAX, ROLES_MAX, Uid};
use crate::{Cursor, Fault};

mod items;

pub use items::{Context, Contexts, RoleSelection, RoleSelections, TransferSyntaxes};
use items::{Item, Items, kind};

const RULE_REQUEST: &str = "DICOM PS3.8 §9.3.2";
const RULE_ACCEPT: &str = "DICOM PS3.8 §9.3.3";
const RULE_CONTEXT_RQ: &str = "DICOM PS3.8 §9.3.2.2";
const RULE_CONTEXT_AC: &str = "DICOM PS3.8 §9.3.3.2";
const RULE_UID: &str = "DICOM PS3.8 §F";
const RULE_MAX_LENGTH: &str = "DICOM PS3.8 §D.1";
const RULE_IMPLEMENTATION: &str = "DICOM PS3.7 §D.3.3.2";
const RULE_WINDOW: &str = "DICOM PS3.7 §D.3.3.3";
const RULE_ROLE: &str = "DICOM PS3.7 §D.3.3.4";
const RULE_EXTENDED: &str = "DICOM PS3.7 §D.3.3.5";
const RULE_COMMON_EXTENDED: &str = "DICOM PS3.7 §D.3.3.6";
const RULE_IDENTITY: &str = "DICOM PS3.7 §D.3.3.7";

/// Where the items begin.
/// # Source
/// DICOM PS3.8 §9.3.2.
const ITEMS_AT: usize = 74;

/// Which of the two PDUs it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssociateKind {
    /// A-ASSOCIATE-RQ.
    Request,
    /// A-ASSOCIATE-AC.
    Accept,
}

/// A view of an A-ASSOCIATE-RQ or A-ASSOCIATE-AC; every length in it is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Associate<'a> {
    /// Which of the two it is.
    pub kind: AssociateKind,
    /// The versions of the protocol, one in each bit; version 1 is bit 0.
    pub version: u16,
    /// Who is called. In an accept it only echoes the request and is not to be tested.
    pub called: AeTitle<'a>,
    /// Who calls. In an accept it only echoes the request and is not to be tested.
    pub calling: AeTitle<'a>,
    /// The application context.
    pub application_context: Uid<'a>,
    /// How many presentation contexts there are.
    pub context_count: u8,
    /// What the two sides say about themselves.
    pub user: UserInformation<'a>,
    items: &'a [u8],
}

/// What one side says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct UserInformation<'a> {
    /// The longest P-DATA-TF that it takes; 0 for any.
    pub max_length: Option<u32>,
    /// The implementation.
    pub implementation_class: Option<Uid<'a>>,
    /// The version of the implementation.
    pub implementation_version: Option<&'a [u8]>,
    /// How many operations may be invoked and performed at once; 0 for any.
    pub async_window: Option<(u16, u16)>,
    /// Whether a SOP class is negotiated further.
    pub is_extended: bool,
    /// How the user is identified: 1 name, 2 name and passcode, 3 Kerberos, 4 SAML, 5 JSON Web
    /// Token. In an accept 0: only that there is an answer is known.
    pub identity_kind: Option<u8>,
    sub_items: &'a [u8],
}

impl<'a> Associate<'a> {
    /// Reads a whole PDU.
    /// # Errors
    /// A rule of the standard that is broken, or more contexts or roles than are read.
    /// # Source
    /// DICOM PS3.8 §9.3.2; DICOM PS3.8 §9.3.3.
    pub fn read(pdu: &'a [u8]) -> Result<Self, Fault> {
        let (kind, rule) = match pdu.first() {
            Some(1) => (AssociateKind::Request, RULE_REQUEST),
            Some(2) => (AssociateKind::Accept, RULE_ACCEPT),
            _ => return Err(Fault::Malformed { at: 0, rule: super::RULE_PDU_TYPE }),
        };
        let mut head = Cursor::whole(pdu, rule);
        head.take(2)?;
        let length = usize::try_from(head.u32()?).unwrap_or(usize::MAX);
        if length != head.left() {
            return Err(Fault::Malformed { at: 2, rule });
        }
        let version = head.u16()?;
        head.take(2)?;
        let called = AeTitle::read(head.take(16)?);
        let calling = AeTitle::read(head.take(16)?);
        head.take(32)?;
        let items = head.rest();
        let mut seen = Seen { kind, ..Seen::default() };
        let mut walk = Items::new(items, ITEMS_AT, rule);
        while let Some(item) = walk.next()? {
            seen.item(item, rule)?;
        }
        let missing = Fault::Malformed { at: pdu.len(), rule };
        match seen {
            Seen {
                application_context: Some(uid), context_count: 1.., user: Some(user), ..
            } => Ok(Self {
                kind,
                version,
                called,
                calling,
                application_context: uid,
                context_count: seen.context_count,
                user,
                items,
            }),
            Seen { .. } => Err(missing),
        }
    }

    /// Gives the presentation contexts.
    #[must_use]
    pub fn contexts(&self) -> Contexts<'a> {
        Contexts::new(self.items, self.kind)
    }

    /// Gives the role selections.
    #[must_use]
    pub fn role_selections(&self) -> RoleSelections<'a> {
        RoleSelections::new(self.user.sub_items)
    }
}

/// What was seen so far.
struct Seen<'a> {
    kind: AssociateKind,
    application_context: Option<Uid<'a>>,
    ids: u128,
    context_count: u8,
    user: Option<UserInformation<'a>>,
}

impl Default for Seen<'_> {
    fn default() -> Self {
        Self {
            kind: AssociateKind::Request,
            application_context: None,
            ids: 0,
            context_count: 0,
            user: None,
        }
    }
}

impl<'a> Seen<'a> {
    fn item(&mut self, item: Item<'a>, rule: &'static str) -> Result<(), Fault> {
        match (item.kind, self.kind) {
            (kind::APPLICATION, _) if self.application_context.is_none() => {
                self.application_context = Some(uid(item.body, item.at)?);
            }
            (kind::USER, _) if self.user.is_none() => {
                self.user = Some(user_information(item, self.kind)?);
            }
            (kind::APPLICATION | kind::USER, _) => {
                return Err(Fault::Malformed { at: item.at, rule });
            }
            (kind::CONTEXT_RQ, AssociateKind::Request) => self.request(item)?,
            (kind::CONTEXT_AC, AssociateKind::Accept) => self.accept(item)?,
            // Items that are not known are to be ignored (DICOM PS3.8 §9.3.1).
            _ => {}
        }
        Ok(())
    }

    /// Every context has an odd identifier of its own.
    fn id(&mut self, id: u8, at: usize, rule: &'static str) -> Result<(), Fault> {
        if usize::from(self.context_count) >= CONTEXTS_MAX.max {
            return Err(Fault::OverLimit { at, limit: CONTEXTS_MAX });
        }
        let bit = 1_u128 << (id >> 1);
        if id & 1 == 0 || self.ids & bit != 0 {
            return Err(Fault::Malformed { at, rule });
        }
        self.ids |= bit;
        self.context_count = self.context_count.saturating_add(1);
        Ok(())
    }

    fn request(&mut self, item: Item<'a>) -> Result<(), Fault> {
        let rule = RULE_CONTEXT_RQ;
        let mut body = Cursor::whole(item.body, rule);
        let id = body.u8().map_err(|fault| fault.after(item.at))?;
        self.id(id, item.at, rule)?;
        body.take(3).map_err(|fault| fault.after(item.at))?;
        let (mut abstracts, mut transfers) = (0_u8, 0_u8);
        let mut walk = Items::new(body.rest(), item.at.saturating_add(4), rule);
        while let Some(sub) = walk.next()? {
            let count = match sub.kind {
                kind::ABSTRACT => &mut abstracts,
                kind::TRANSFER => &mut transfers,
                _ => continue,
            };
            uid(sub.body, sub.at)?;
            *count = count.saturating_add(1);
        }
        if abstracts != 1 || transfers == 0 {
            return Err(Fault::Malformed { at: item.at, rule });
        }
        Ok(())
    }

    fn accept(&mut self, item: Item<'a>) -> Result<(), Fault> {
        let rule = RULE_CONTEXT_AC;
        let mut body = Cursor::whole(item.body, rule);
        let mut field = || body.u8().map_err(|fault| fault.after(item.at));
        let (id, _, result, _) = (field()?, field()?, field()?, field()?);
        self.id(id, item.at, rule)?;
        if result > 4 {
            return Err(Fault::Malformed { at: item.at.saturating_add(2), rule });
        }
        let mut transfers = 0_u8;
        let mut walk = Items::new(body.rest(), item.at.saturating_add(4), rule);
        while let Some(sub) = walk.next()? {
            // The transfer syntax of a context that is not accepted is not to be tested.
            if sub.kind == kind::TRANSFER && result == 0 {
                uid(sub.body, sub.at)?;
                transfers = transfers.saturating_add(1);
            }
        }
        if result == 0 && transfers != 1 {
            return Err(Fault::Malformed { at: item.at, rule });
        }
        Ok(())
    }
}

fn uid(bytes: &[u8], at: usize) -> Result<Uid<'_>, Fault> {
    Uid::read(bytes).ok_or(Fault::Malformed { at, rule: RULE_UID })
}

fn user_information(item: Item<'_>, side: AssociateKind) -> Result<UserInformation<'_>, Fault> {
    let mut user = UserInformation { sub_items: item.body, ..UserInformation::default() };
    let mut roles = 0_usize;
    let rule = match side {
        AssociateKind::Request => RULE_REQUEST,
        AssociateKind::Accept => RULE_ACCEPT,
    };
    let mut walk = Items::new(item.body, item.at, rule);
    while let Some(sub) = walk.next()? {
        if sub.kind == kind::ROLE {
            roles = roles.saturating_add(1);
            if roles > ROLES_MAX.max {
                return Err(Fault::OverLimit { at: sub.at, limit: ROLES_MAX });
            }
        }
        sub_item(&mut user, sub, side).map_err(|fault| fault.after(sub.at))?;
    }
    Ok(user)
}

fn sub_item<'a>(
    user: &mut UserInformation<'a>,
    sub: Item<'a>,
    side: AssociateKind,
) -> Result<(), Fault> {
    let whole = |rule| Cursor::whole(sub.body, rule);
    match sub.kind {
        kind::MAX_LENGTH => {
            let mut body = whole(RULE_MAX_LENGTH);
            user.max_length = Some(body.u32()?);
            end(&body, RULE_MAX_LENGTH)
        }
        kind::IMPLEMENTATION_CLASS => {
            user.implementation_class = Some(uid(sub.body, 0)?);
            Ok(())
        }
        kind::IMPLEMENTATION_VERSION if (1..=16).contains(&sub.body.len()) => {
            user.implementation_version = Some(sub.body);
            Ok(())
        }
        kind::IMPLEMENTATION_VERSION => Err(Fault::Malformed { at: 0, rule: RULE_IMPLEMENTATION }),
        kind::ASYNC_WINDOW => {
            let mut body = whole(RULE_WINDOW);
            user.async_window = Some((body.u16()?, body.u16()?));
            end(&body, RULE_WINDOW)
        }
        kind::ROLE => {
            let mut body = whole(RULE_ROLE);
            counted_uid(&mut body)?;
            body.take(2)?;
            end(&body, RULE_ROLE)
        }
        kind::EXTENDED => {
            user.is_extended = true;
            counted_uid(&mut whole(RULE_EXTENDED))
        }
        kind::COMMON_EXTENDED => {
            user.is_extended = true;
            let mut body = whole(RULE_COMMON_EXTENDED);
            counted_uid(&mut body)?;
            counted_uid(&mut body)
        }
        kind::IDENTITY_RQ if side == AssociateKind::Request => {
            let mut body = whole(RULE_IDENTITY);
            user.identity_kind = Some(body.u8()?);
            body.take(1)?;
            counted(&mut body)?;
            counted(&mut body)?;
            end(&body, RULE_IDENTITY)
        }
        kind::IDENTITY_AC if side == AssociateKind::Accept => {
            let mut body = whole(RULE_IDENTITY);
            user.identity_kind = Some(0);
            counted(&mut body)?;
            end(&body, RULE_IDENTITY)
        }
        // Sub-items that are not known are to be ignored (DICOM PS3.8 §D.2).
        _ => Ok(()),
    }
}

fn counted<'a>(body: &mut Cursor<'a>) -> Result<&'a [u8], Fault> {
    let length = body.u16()?;
    body.take(usize::from(length))
}

fn counted_uid(body: &mut Cursor<'_>) -> Result<(), Fault> {
    let at = body.at().saturating_add(2);
    uid(counted(body)?, at).map(|_| ())
}

fn end(body: &Cursor<'_>, rule: &'static str) -> Result<(), Fault> {
    if body.is_empty() { Ok(()) } else { Err(body.malformed(rule)) }
}

impl std::fmt::Debug for Associate<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Associate")
            .field("kind", &self.kind)
            .field("version", &self.version)
            .field("called", &self.called)
            .field("calling", &self.calling)
            .field("application_context", &self.application_context)
            .field("contexts", &self.contexts())
            .field("roles", &self.role_selections())
            .field("user", &self.user)
            .finish()
    }
}

impl std::fmt::Debug for UserInformation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let version = self.implementation_version.map(|name| name.escape_ascii().to_string());
        f.debug_struct("UserInformation")
            .field("max_length", &self.max_length)
            .field("implementation_class", &self.implementation_class)
            .field("implementation_version", &version)
            .field("async_window", &self.async_window)
            .field("is_extended", &self.is_extended)
            .field("identity_kind", &self.identity_kind)
            .finish()
    }
}
