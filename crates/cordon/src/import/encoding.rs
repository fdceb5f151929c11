//! Texts as programs export them: UTF-8 with or without a mark, UTF-16, Windows-1252.

use std::borrow::Cow;

/// What Windows-1252 has at 0x80 to 0x9f; the five bytes it leaves open become U+FFFD.
/// # Source
/// Unicode `CP1252.TXT` (best fit of Microsoft code page 1252).
const WINDOWS_1252: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž',
    '\u{fffd}', '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}',
    'ž', 'Ÿ',
];

/// Decodes a text; says so when it was not UTF-8.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, Option<&'static str>) {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => decode(rest),
        [0xff, 0xfe, rest @ ..] => {
            (utf16(rest, u16::from_le_bytes).into(), Some("the text is UTF-16 and was converted"))
        }
        [0xfe, 0xff, rest @ ..] => {
            (utf16(rest, u16::from_be_bytes).into(), Some("the text is UTF-16 and was converted"))
        }
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => (text.into(), None),
            Err(_) => {
                let text: String = bytes.iter().map(|byte| windows_1252(*byte)).collect();
                let note = "the text is not UTF-8; it was taken for Windows-1252 and converted";
                (text.into(), Some(note))
            }
        },
    }
}

fn windows_1252(byte: u8) -> char {
    let high = usize::from(byte).checked_sub(0x80).and_then(|at| WINDOWS_1252.get(at));
    high.copied().unwrap_or(char::from(byte))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks(2).map(|pair| match pair {
        [a, b] => unit([*a, *b]),
        _ => 0xfffd,
    });
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
