//! The line before a chunk.

use super::CHUNK_LINE_BYTES;
use crate::Fault;

/// What chunks are held to.
pub(super) const RULE: &str = "RFC 9112 §7.1";

/// Looks for the size of a chunk at the front; `scanned` bytes hold no line feed. Gives the length of
/// the line and the size.
pub(super) fn size(front: &[u8], scanned: &mut usize) -> Result<Option<(usize, u64)>, Fault> {
    let visible = front.get(..CHUNK_LINE_BYTES.max).unwrap_or(front);
    let Some(end) = memchr::memchr(b'\n', visible.get(*scanned..).unwrap_or_default()) else {
        *scanned = visible.len();
        if visible.len() >= CHUNK_LINE_BYTES.max {
            return Err(Fault::OverLimit { at: CHUNK_LINE_BYTES.max, limit: CHUNK_LINE_BYTES });
        }
        return Ok(None);
    };
    let end = scanned.saturating_add(end);
    let Some((b'\r', line)) = visible.get(..end).unwrap_or_default().split_last() else {
        return Err(Fault::Malformed { at: end, rule: RULE });
    };
    let digits = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    let (number, extension) = line.split_at_checked(digits).unwrap_or((line, &[]));
    let is_extension = match extension.trim_ascii_start().first() {
        None => extension.is_empty(),
        Some(first) => *first == b';',
    };
    // A control byte in an extension is where readers begin to differ (§7.1.1).
    let is_clean = !extension.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
    if number.is_empty() || number.len() > 16 || !is_extension || !is_clean {
        return Err(Fault::Malformed { at: digits, rule: RULE });
    }
    let size = number.iter().fold(0_u64, |size, byte| {
        size << 4 | u64::from(char::from(*byte).to_digit(16).unwrap_or_default())
    });
    Ok(Some((end.saturating_add(1), size)))
}
