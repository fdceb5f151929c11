//! Titles of application entities.

/// The title of an application entity, as far as it is significant.
/// # Source
/// DICOM PS3.5 §6.2; DICOM PS3.8 §9.3.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AeTitle<'a>(&'a [u8]);

impl<'a> AeTitle<'a> {
    /// The longest one.
    /// # Source
    /// DICOM PS3.5 §6.2.
    pub const MAX: usize = 16;

    /// Reads one; spaces at both ends are not significant, and NUL at the end is taken for padding.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Self {
        let mut text = bytes;
        while let Some((b' ' | 0, before)) = text.split_last() {
            text = before;
        }
        while let Some((b' ', after)) = text.split_first() {
            text = after;
        }
        Self(text)
    }

    /// Says whether it keeps to its grammar: 1 to 16 letters of the default repertoire, without
    /// backslash and control characters.
    #[must_use]
    pub fn is_valid(self) -> bool {
        (1..=Self::MAX).contains(&self.0.len())
            && self.0.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\')
    }

    /// Gives the significant bytes.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Gives the text, if it is valid.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        if self.is_valid() { std::str::from_utf8(self.0).ok() } else { None }
    }
}

impl std::fmt::Debug for AeTitle<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_at_the_ends_do_not_matter_and_all_blank_is_none() {
        let check = |bytes: &[u8], expected: Option<&str>| {
            assert_eq!(AeTitle::read(bytes).as_str(), expected, "{}", bytes.escape_ascii());
        };
        check(b"CT1             ", Some("CT1"));
        check(b"  CT 1          ", Some("CT 1"));
        check(b"CT1\0\0\0\0\0\0\0\0\0\0\0\0\0", Some("CT1"));
        check(b"ABCDEFGHIJKLMNOP", Some("ABCDEFGHIJKLMNOP"));
        check(b"ABCDEFGHIJKLMNOPQ", None);
        check(b"                ", None);
        check(b"A\\B             ", None);
        check(b"A\x07B             ", None);
        check(b"A\xe4B             ", None);
    }
}
