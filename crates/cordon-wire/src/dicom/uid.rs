//! Unique identifiers.

/// A unique identifier that keeps to its grammar.
/// # Source
/// DICOM PS3.5 §9.1; DICOM PS3.8 §F.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid<'a>(&'a [u8]);

/// The root of everything that the standard itself names.
const DICOM_ROOT: &[u8] = b"1.2.840.10008.";

impl<'a> Uid<'a> {
    /// The longest one.
    /// # Source
    /// DICOM PS3.5 §9.1.
    pub const MAX: usize = 64;

    /// Reads one; NUL at the end is padding.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = unpadded(bytes);
        let rest = text.strip_prefix(DICOM_ROOT).unwrap_or(text);
        let ok = text.len() <= Self::MAX && are_components(rest);
        ok.then_some(Self(text))
    }

    /// Takes bytes that were read before.
    pub(super) fn known(bytes: &'a [u8]) -> Self {
        Self(unpadded(bytes))
    }

    /// Gives the text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        std::str::from_utf8(self.0).unwrap_or_default()
    }

    /// Gives the bytes without padding.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

fn unpadded(bytes: &[u8]) -> &[u8] {
    let mut text = bytes;
    while let Some((0, before)) = text.split_last() {
        text = before;
    }
    text
}

/// Checks numbers joined by periods, none empty and none beginning with a needless zero.
fn are_components(text: &[u8]) -> bool {
    // The length of the component so far, and whether it began with zero.
    let mut length = 0_u32;
    let mut is_zero = false;
    for byte in text {
        match byte {
            b'0'..=b'9' if is_zero => return false,
            b'0'..=b'9' => {
                is_zero = length == 0 && *byte == b'0';
                length = length.saturating_add(1);
            }
            b'.' if length > 0 => (length, is_zero) = (0, false),
            _ => return false,
        }
    }
    length > 0
}

impl std::fmt::Debug for Uid<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Display for Uid<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_keeps_to_its_grammar() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Uid::read(text.as_bytes()).map(Uid::as_str), expected, "{text:?}");
        };
        let longest = format!("1.{}", "2".repeat(62));
        let too_long = format!("1.{}", "2".repeat(63));
        check("1.2.840.10008.1.1", Some("1.2.840.10008.1.1"));
        check("1.2.840.10008.1.1\0", Some("1.2.840.10008.1.1"));
        check("1.2.0.10", Some("1.2.0.10"));
        check("0.0", Some("0.0"));
        check(&longest, Some(&longest));
        check(&too_long, None);
        check("", None);
        check("\0", None);
        check("1.2.", None);
        check(".1", None);
        check("1..2", None);
        check("1.02", None);
        check("1.00", None);
        check("1.2.840.10008.", None);
        check("1.2.840.10008.01", None);
        check("1.2.840.10008..1", None);
        check("1.2 ", None);
        check("1.2\x001", None);
        check("1.a", None);
    }
}
