//! The items of an association PDU, and what is handed out of them one by one.

use super::AssociateKind;
use crate::dicom::Uid;
use crate::{Cursor, Fault};

/// Types of items.
///
/// Source: DICOM PS3.8 §9.3.2; DICOM PS3.8 §9.3.3; DICOM PS3.7 §D.3.3.
pub(super) mod kind {
    pub(in super::super) const APPLICATION: u8 = 0x10;
    pub(in super::super) const CONTEXT_RQ: u8 = 0x20;
    pub(in super::super) const CONTEXT_AC: u8 = 0x21;
    pub(in super::super) const ABSTRACT: u8 = 0x30;
    pub(in super::super) const TRANSFER: u8 = 0x40;
    pub(in super::super) const USER: u8 = 0x50;
    pub(in super::super) const MAX_LENGTH: u8 = 0x51;
    pub(in super::super) const IMPLEMENTATION_CLASS: u8 = 0x52;
    pub(in super::super) const ASYNC_WINDOW: u8 = 0x53;
    pub(in super::super) const ROLE: u8 = 0x54;
    pub(in super::super) const IMPLEMENTATION_VERSION: u8 = 0x55;
    pub(in super::super) const EXTENDED: u8 = 0x56;
    pub(in super::super) const COMMON_EXTENDED: u8 = 0x57;
    pub(in super::super) const IDENTITY_RQ: u8 = 0x58;
    pub(in super::super) const IDENTITY_AC: u8 = 0x59;
}

/// One item; `at` is where its body begins in the PDU.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) kind: u8,
    pub(super) at: usize,
    pub(super) body: &'a [u8],
}

/// Walks over items.
#[derive(Clone)]
pub(super) struct Items<'a> {
    cursor: Cursor<'a>,
    base: usize,
}

impl<'a> Items<'a> {
    pub(super) fn new(bytes: &'a [u8], base: usize, rule: &'static str) -> Self {
        Self { cursor: Cursor::whole(bytes, rule), base }
    }

    pub(super) fn next(&mut self) -> Result<Option<Item<'a>>, Fault> {
        if self.cursor.is_empty() {
            return Ok(None);
        }
        self.item().map(Some).map_err(|fault| fault.after(self.base))
    }

    fn item(&mut self) -> Result<Item<'a>, Fault> {
        let [kind, _] = self.cursor.u16()?.to_be_bytes();
        let length = usize::from(self.cursor.u16()?);
        let at = self.base.saturating_add(self.cursor.at());
        Ok(Item { kind, at, body: self.cursor.take(length)? })
    }

    /// Gives the next item of a walk that was made before without a fault.
    fn again(&mut self) -> Option<Item<'a>> {
        self.next().ok().flatten()
    }
}

/// The presentation contexts of an association PDU.
#[derive(Clone)]
pub struct Contexts<'a> {
    items: Items<'a>,
    kind: u8,
}

impl<'a> Contexts<'a> {
    pub(super) fn new(items: &'a [u8], kind: AssociateKind) -> Self {
        let kind = match kind {
            AssociateKind::Request => kind::CONTEXT_RQ,
            AssociateKind::Accept => kind::CONTEXT_AC,
        };
        Self { items: Items::new(items, 0, ""), kind }
    }
}

impl<'a> Iterator for Contexts<'a> {
    type Item = Context<'a>;

    fn next(&mut self) -> Option<Context<'a>> {
        loop {
            let item = self.items.again()?;
            if item.kind != self.kind {
                continue;
            }
            let ([id, _, result, _], rest) = item.body.split_first_chunk::<4>()?;
            let is_request = self.kind == kind::CONTEXT_RQ;
            let mut subs = Items::new(rest, 0, "");
            let mut abstract_syntax = None;
            while let (true, Some(sub)) = (is_request, subs.again()) {
                if sub.kind == kind::ABSTRACT {
                    abstract_syntax = Some(Uid::known(sub.body));
                    break;
                }
            }
            let is_accepted = *result == 0;
            return Some(Context {
                id: *id,
                result: (!is_request).then_some(*result),
                abstract_syntax,
                sub_items: if is_request || is_accepted { rest } else { &[] },
            });
        }
    }
}

impl std::fmt::Debug for Contexts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// A presentation context.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// Its identifier, an odd number.
    pub id: u8,
    /// In an accept: 0 accepted, 1 refused by the user, 2 without reason, 3 for the abstract
    /// syntax, 4 for the transfer syntaxes.
    pub result: Option<u8>,
    /// In a request: the SOP class.
    pub abstract_syntax: Option<Uid<'a>>,
    sub_items: &'a [u8],
}

impl<'a> Context<'a> {
    /// Gives the transfer syntaxes: those proposed, or the one accepted.
    #[must_use]
    pub fn transfer_syntaxes(&self) -> TransferSyntaxes<'a> {
        TransferSyntaxes(Items::new(self.sub_items, 0, ""))
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("id", &self.id)
            .field("result", &self.result)
            .field("abstract_syntax", &self.abstract_syntax)
            .field("transfer_syntaxes", &self.transfer_syntaxes())
            .finish()
    }
}

/// The transfer syntaxes of a presentation context.
#[derive(Clone)]
pub struct TransferSyntaxes<'a>(Items<'a>);

impl<'a> Iterator for TransferSyntaxes<'a> {
    type Item = Uid<'a>;

    fn next(&mut self) -> Option<Uid<'a>> {
        loop {
            let item = self.0.again()?;
            if item.kind == kind::TRANSFER {
                return Some(Uid::known(item.body));
            }
        }
    }
}

impl std::fmt::Debug for TransferSyntaxes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// Which roles the requestor of the association takes for a SOP class.
/// # Source
/// DICOM PS3.7 §D.3.3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleSelection<'a> {
    /// The SOP class.
    pub sop_class: Uid<'a>,
    /// Whether it uses the service.
    pub is_user: bool,
    /// Whether it provides the service.
    pub is_provider: bool,
}

/// The role selections of an association PDU.
#[derive(Clone)]
pub struct RoleSelections<'a>(Items<'a>);

impl<'a> RoleSelections<'a> {
    pub(super) fn new(sub_items: &'a [u8]) -> Self {
        Self(Items::new(sub_items, 0, ""))
    }
}

impl<'a> Iterator for RoleSelections<'a> {
    type Item = RoleSelection<'a>;

    fn next(&mut self) -> Option<RoleSelection<'a>> {
        loop {
            let item = self.0.again()?;
            if item.kind != kind::ROLE {
                continue;
            }
            let (rest, [user, provider]) = item.body.split_last_chunk::<2>()?;
            let (_, uid) = rest.split_first_chunk::<2>()?;
            return Some(RoleSelection {
                sop_class: Uid::known(uid),
                is_user: *user == 1,
                is_provider: *provider == 1,
            });
        }
    }
}

impl std::fmt::Debug for RoleSelections<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
