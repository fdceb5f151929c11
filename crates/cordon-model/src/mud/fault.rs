//! What can be wrong with a MUD file.

use std::ops::Range;

/// One thing that is wrong with a MUD file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} (at `{path}`)")]
pub struct MudError {
    /// The place as a JSON pointer; empty for the whole document.
    pub path: String,
    /// The place in the text.
    /// # Units
    /// Bytes; both ends are at most the length of the text.
    pub span: Range<usize>,
    /// What is wrong there.
    pub fault: MudFault,
}

impl MudError {
    /// Gives the stable label, for example `mud-open`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.fault.label()
    }
}

/// What is wrong.
/// # Shape
/// `found` is the offending text, cut after 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MudFault {
    /// The text is not JSON.
    #[error("the text is not JSON: {what}")]
    Syntax {
        /// What the JSON reader said.
        what: String,
    },
    /// There is more of something than a file may have.
    #[error("there are more than {limit} {what}")]
    OverLimit {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// An object has two members of one name; readers differ in which they take.
    #[error("the member `{found}` is there twice")]
    DuplicateMember {
        /// The name.
        found: String,
    },
    /// Two entries of a YANG list have one key.
    #[error("the {list} `{found}` is there twice")]
    DuplicateEntry {
        /// What the list is of.
        list: &'static str,
        /// The key.
        found: String,
    },
    /// A mandatory member is not there.
    #[error("the member `{member}` is missing")]
    Missing {
        /// Its name.
        member: &'static str,
    },
    /// A value is of another kind.
    #[error("`{found}` is not {expected}")]
    Kind {
        /// The value.
        found: String,
        /// What belongs here.
        expected: &'static str,
    },
    /// A value is of the right kind and says nothing valid.
    #[error("`{found}` is not {expected}")]
    Value {
        /// The value.
        found: String,
        /// What belongs here.
        expected: &'static str,
    },
    /// The file is of another version of MUD.
    #[error("mud-version is `{found}`; only version 1 is known")]
    Version {
        /// The version.
        found: String,
    },
    /// The member is of a draft that came before the standard.
    #[error("`{found}` is of a draft before RFC 8520; the standard says {now}")]
    OldForm {
        /// The name of the member.
        found: String,
        /// How the standard says it.
        now: &'static str,
    },
    /// The member is there without its module's name, or with a needless one.
    #[error("`{found}` is written `{expected}` here")]
    MemberName {
        /// The name of the member.
        found: String,
        /// How it is written.
        expected: &'static str,
    },
    /// The member is not known.
    #[error("the member `{found}` is not known here")]
    UnknownMember {
        /// The name of the member.
        found: String,
    },
    /// The member is of an extension and in a place where it may change what the rules mean.
    #[error("`{found}` is of an extension that may change what the rule means")]
    Extension {
        /// The name of the member.
        found: String,
    },
    /// The member is of an extension, and the file declares none.
    #[error("`{found}` is of an extension, and `extensions` declares none")]
    UndeclaredExtension {
        /// The name of the member.
        found: String,
    },
    /// The match is a valid one that cordon cannot enforce.
    #[error("the match `{found}` narrows the rule in a way that cannot be enforced")]
    UnsupportedMatch {
        /// The name of the member.
        found: String,
    },
    /// A policy names an access list that is not there.
    #[error("there is no access list `{found}`")]
    AclAbsent {
        /// The name.
        found: String,
    },
    /// The access list is of a type that MUD files do not have.
    #[error("`{found}` is not `ipv4-acl-type` or `ipv6-acl-type`")]
    AclType {
        /// The type.
        found: String,
    },
    /// The match is about another version of IP than its access list.
    #[error("`{found}` does not belong in an access list of type `{acl_type}`")]
    AclFamily {
        /// The name of the member.
        found: String,
        /// The type of the list.
        acl_type: &'static str,
    },
    /// The access list has no entries.
    #[error("the access list `{found}` has no entries")]
    EmptyAcl {
        /// The name.
        found: String,
    },
    /// Neither policy has an entry.
    #[error("neither policy has an entry, so the file says nothing about the device")]
    Empty,
    /// Two members exclude one another.
    #[error("`{first}` and `{second}` exclude one another")]
    Choice {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// An entry describes its other side in more than one way.
    #[error("the other side is described twice, by `{first}` and by `{second}`")]
    TwoPeers {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// The match is about the device itself, whose address is implied.
    #[error("`{found}` is about the device itself here; the other side is `{expected}`")]
    WrongSide {
        /// The name of the member.
        found: &'static str,
        /// The member for the other side.
        expected: &'static str,
    },
    /// `direction-initiated` is said of something that is not TCP.
    #[error("`direction-initiated` is only said in `tcp`")]
    DirectionWithoutTcp,
    /// The protocol number is not that of the protocol matched.
    #[error("protocol {protocol} and `{transport}` exclude one another")]
    Contradiction {
        /// The number.
        protocol: u8,
        /// The protocol matched.
        transport: &'static str,
    },
    /// An entry accepts whoever is on the other side.
    #[error("the rule is open to everyone: it accepts and names no other side")]
    Open,
    /// An entry drops what a later one accepts; such an order cannot be kept.
    #[error("`{drop}` drops some of what `{accept}` accepts after it")]
    DropBeforeAccept {
        /// The name of the entry that drops.
        drop: String,
        /// The name of the entry that accepts.
        accept: String,
    },
}

impl MudFault {
    /// Gives the stable label, for example `mud-open`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "mud-syntax",
            Self::OverLimit { .. } => "mud-over-limit",
            Self::DuplicateMember { .. } => "mud-duplicate-member",
            Self::DuplicateEntry { .. } => "mud-duplicate-entry",
            Self::Missing { .. } => "mud-missing",
            Self::Kind { .. } => "mud-kind",
            Self::Value { .. } => "mud-value",
            Self::Version { .. } => "mud-version",
            Self::OldForm { .. } => "mud-old-form",
            Self::MemberName { .. } => "mud-member-name",
            Self::UnknownMember { .. } => "mud-unknown-member",
            Self::Extension { .. } => "mud-extension",
            Self::UndeclaredExtension { .. } => "mud-undeclared-extension",
            Self::UnsupportedMatch { .. } => "mud-unsupported-match",
            Self::AclAbsent { .. } => "mud-acl-absent",
            Self::AclType { .. } => "mud-acl-type",
            Self::AclFamily { .. } => "mud-acl-family",
            Self::EmptyAcl { .. } => "mud-empty-acl",
            Self::Empty => "mud-empty",
            Self::Choice { .. } => "mud-choice",
            Self::TwoPeers { .. } => "mud-two-peers",
            Self::WrongSide { .. } => "mud-wrong-side",
            Self::DirectionWithoutTcp => "mud-direction-without-tcp",
            Self::Contradiction { .. } => "mud-contradiction",
            Self::Open => "mud-open",
            Self::DropBeforeAccept { .. } => "mud-drop-before-accept",
        }
    }
}

/// Cuts a foreign text to what an error may carry; what cannot be printed is written out.
pub(super) fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 64;
    let mut short = String::new();
    for c in text.chars().take(CHARS_MAX) {
        match c {
            '"' | '\'' | '\\' => short.push(c),
            c if c.is_whitespace() => short.push(' '),
            c => short.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}
