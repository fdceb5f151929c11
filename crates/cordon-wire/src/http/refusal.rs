//! Responses that refuse.

use std::io::Write as _;

/// Appends a response that refuses a request and ends the connection; any status but 400 and 429 is
/// taken as 403.
/// # Units
/// `retry_after_s`: seconds.
/// # Source
/// RFC 9110 §15.5.1, §15.5.4, §10.2.3; RFC 6585 §4; RFC 9457.
pub fn refuse(status: u16, retry_after_s: Option<u32>, out: &mut Vec<u8>) {
    let (status, title) = match status {
        400 => (400, "Bad Request"),
        429 => (429, "Too Many Requests"),
        _ => (403, "Forbidden"),
    };
    let body = format!(r#"{{"type":"about:blank","title":"{title}","status":{status}}}"#);
    let retry = retry_after_s.map(|s| format!("Retry-After: {s}\r\n")).unwrap_or_default();
    // Writing to memory does not fail.
    let _written = write!(
        out,
        "HTTP/1.1 {status} {title}\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n\
         {retry}Connection: close\r\n\r\n{body}",
        body.len()
    );
}
