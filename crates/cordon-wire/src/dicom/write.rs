//! Writes PDUs: the refusals, and what tests and probes need.
//!
//! Invariant: what a length cannot say is cut off, and a PDU is never longer than its length says.

use super::{Uid, command::NO_DATASET};

/// Appends an A-ASSOCIATE-RJ.
/// # Source
/// DICOM PS3.8 §9.3.4.
pub fn associate_reject(out: &mut Vec<u8>, result: u8, source: u8, reason: u8) {
    out.extend_from_slice(&[3, 0, 0, 0, 0, 4, 0, result, source, reason]);
}

/// Appends an A-ABORT.
/// # Source
/// DICOM PS3.8 §9.3.8.
pub fn abort(out: &mut Vec<u8>, source: u8, reason: u8) {
    out.extend_from_slice(&[7, 0, 0, 0, 0, 4, 0, 0, source, reason]);
}

/// Appends an A-RELEASE-RQ.
/// # Source
/// DICOM PS3.8 §9.3.6.
pub fn release_request(out: &mut Vec<u8>) {
    out.extend_from_slice(&[5, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
}

/// Appends an A-RELEASE-RP.
/// # Source
/// DICOM PS3.8 §9.3.7.
pub fn release_reply(out: &mut Vec<u8>) {
    out.extend_from_slice(&[6, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
}

/// What an A-ASSOCIATE-RQ says.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// Who is called.
    pub called: &'a str,
    /// Who calls.
    pub calling: &'a str,
    /// The presentation contexts: identifier, SOP class, transfer syntaxes.
    pub contexts: &'a [(u8, &'a str, &'a [&'a str])],
    /// The longest P-DATA-TF that is taken.
    pub max_length: u32,
    /// The role selections: SOP class, whether user, whether provider.
    pub roles: &'a [(&'a str, bool, bool)],
}

/// What an A-ASSOCIATE-AC says.
#[derive(Debug, Clone, Copy)]
pub struct Acceptance<'a> {
    /// Who was called.
    pub called: &'a str,
    /// Who called.
    pub calling: &'a str,
    /// The presentation contexts: identifier, result, transfer syntax.
    pub contexts: &'a [(u8, u8, &'a str)],
    /// The longest P-DATA-TF that is taken.
    pub max_length: u32,
    /// The role selections: SOP class, whether user, whether provider.
    pub roles: &'a [(&'a str, bool, bool)],
}

/// Appends an A-ASSOCIATE-RQ.
/// # Source
/// DICOM PS3.8 §9.3.2.
pub fn associate_request(out: &mut Vec<u8>, proposal: &Proposal<'_>) {
    associate(out, 1, proposal.called, proposal.calling, |out| {
        for (id, abstract_syntax, transfers) in proposal.contexts {
            item(out, 0x20, |out| {
                out.extend_from_slice(&[*id, 0, 0, 0]);
                item(out, 0x30, |out| out.extend_from_slice(abstract_syntax.as_bytes()));
                for transfer in *transfers {
                    item(out, 0x40, |out| out.extend_from_slice(transfer.as_bytes()));
                }
            });
        }
        user(out, proposal.max_length, proposal.roles);
    });
}

/// Appends an A-ASSOCIATE-AC.
/// # Source
/// DICOM PS3.8 §9.3.3.
pub fn associate_accept(out: &mut Vec<u8>, acceptance: &Acceptance<'_>) {
    associate(out, 2, acceptance.called, acceptance.calling, |out| {
        for (id, result, transfer) in acceptance.contexts {
            item(out, 0x21, |out| {
                out.extend_from_slice(&[*id, 0, *result, 0]);
                item(out, 0x40, |out| out.extend_from_slice(transfer.as_bytes()));
            });
        }
        user(out, acceptance.max_length, acceptance.roles);
    });
}

fn associate(
    out: &mut Vec<u8>,
    kind: u8,
    called: &str,
    calling: &str,
    rest: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(&[kind, 0]);
    counted(out, |out| {
        out.extend_from_slice(&[0, 1, 0, 0]);
        title(out, called);
        title(out, calling);
        out.extend_from_slice(&[0; 32]);
        item(out, 0x10, |out| out.extend_from_slice(b"1.2.840.10008.3.1.1.1"));
        rest(out);
    });
}

fn title(out: &mut Vec<u8>, title: &str) {
    out.extend(title.bytes().chain(std::iter::repeat(b' ')).take(16));
}

fn user(out: &mut Vec<u8>, max_length: u32, roles: &[(&str, bool, bool)]) {
    item(out, 0x50, |out| {
        item(out, 0x51, |out| out.extend_from_slice(&max_length.to_be_bytes()));
        for (sop_class, is_user, is_provider) in roles {
            item(out, 0x54, |out| {
                let length = u16::try_from(sop_class.len()).unwrap_or(u16::MAX);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(sop_class.as_bytes());
                out.extend_from_slice(&[u8::from(*is_user), u8::from(*is_provider)]);
            });
        }
    });
}

fn item(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[kind, 0, 0, 0]);
    let start = out.len();
    body(out);
    out.truncate(start.saturating_add(usize::from(u16::MAX)));
    let length = u16::try_from(out.len().saturating_sub(start)).unwrap_or(u16::MAX);
    patch(out, start, &length.to_be_bytes());
}

fn counted(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[0; 4]);
    let start = out.len();
    body(out);
    let length = u32::try_from(out.len().saturating_sub(start)).unwrap_or(u32::MAX);
    patch(out, start, &length.to_be_bytes());
}

/// Writes a length in front of `start`.
fn patch(out: &mut [u8], start: usize, length: &[u8]) {
    let from = start.saturating_sub(length.len());
    if let Some(slot) = out.get_mut(from..start) {
        slot.copy_from_slice(length);
    }
}

/// Appends a P-DATA-TF with values, each a context, whether it is of a command set, whether it is
/// the last fragment, and the fragment.
/// # Source
/// DICOM PS3.8 §9.3.5; DICOM PS3.8 §E.2.
pub fn presentation_data(out: &mut Vec<u8>, values: &[(u8, bool, bool, &[u8])]) {
    out.extend_from_slice(&[4, 0]);
    counted(out, |out| {
        for (context_id, is_command, is_last, fragment) in values {
            counted(out, |out| {
                let control = u8::from(*is_command) | u8::from(*is_last) << 1;
                out.extend_from_slice(&[*context_id, control]);
                out.extend_from_slice(fragment);
            });
        }
    });
}

/// The value of an element of a command set.
#[derive(Debug, Clone, Copy)]
pub enum ElementValue<'a> {
    /// A number.
    Number(u16),
    /// A unique identifier.
    Uid(Uid<'a>),
    /// The title of an application entity.
    Title(&'a str),
}

/// Appends a command set: the command field, then the elements in ascending order, then whether a
/// data set follows; the elements are sorted in by their numbers.
/// # Source
/// DICOM PS3.7 §6.3.1; DICOM PS3.7 §E.1.
pub fn command_set(
    out: &mut Vec<u8>,
    code: u16,
    has_dataset: bool,
    elements: &[(u16, ElementValue<'_>)],
) {
    let dataset_type = if has_dataset { 0 } else { NO_DATASET };
    let mut all =
        vec![(0x0100, ElementValue::Number(code)), (0x0800, ElementValue::Number(dataset_type))];
    all.extend_from_slice(elements);
    all.sort_by_key(|(element, _)| *element);
    out.extend_from_slice(&[0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
    let start = out.len();
    for (element, value) in all {
        let number;
        let (bytes, padding): (&[u8], u8) = match value {
            ElementValue::Number(value) => {
                number = value.to_le_bytes();
                (&number, 0)
            }
            ElementValue::Uid(uid) => (uid.as_bytes(), 0),
            ElementValue::Title(title) => (title.as_bytes(), b' '),
        };
        let odd = bytes.len() % 2;
        let length = u32::try_from(bytes.len().saturating_add(odd)).unwrap_or(u32::MAX);
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&element.to_le_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(bytes);
        out.extend(std::iter::repeat_n(padding, odd));
    }
    let length = u32::try_from(out.len().saturating_sub(start)).unwrap_or(u32::MAX);
    patch(out, start, &length.to_le_bytes());
}
