//! Many bytes over connections, to a service that takes what it is given.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;

use super::exchange::word;
use super::line::{Keys, Line};
use super::{End, speech, tell};

/// How long somebody may keep us waiting.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is written at once.
/// # Units
/// Bytes.
const PIECE: usize = 16 * 1_024;

/// What became of it.
#[derive(Debug, Default)]
struct Poured {
    calls: u64,
    refused: u64,
    taken: u64,
    answered: u64,
    why: Option<String>,
}

/// Pours bytes in requests of one size, one connection after the other.
pub(super) fn run(
    end: &End,
    to: SocketAddr,
    device: &str,
    (bytes, of_request): (u64, u64),
    keys: Option<&Keys>,
) {
    let start = Instant::now();
    let mut poured = Poured::default();
    let mut left = bytes;
    tell("first", json!({ "to": to }));
    while left > 0 && !end.is_over() {
        let size = left.min(of_request.max(1));
        left -= size;
        poured.calls += 1;
        if let Err(error) = once(end, to, device, size, keys, &mut poured) {
            poured.refused += 1;
            poured.why.get_or_insert_with(|| word(&error));
            // Whoever is refused tries again soon.
            end.wait_until(Instant::now() + Duration::from_millis(20));
        }
    }
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tell(
        "poured",
        json!({
            "to": to, "connections": poured.calls, "refused": poured.refused,
            "answered": poured.answered, "taken": poured.taken, "bytes": bytes - left,
            "elapsed_ms": elapsed_ms, "why": poured.why,
        }),
    );
}

/// Sends one request; what the network took is counted, also when it then breaks off.
fn once(
    end: &End,
    to: SocketAddr,
    device: &str,
    size: u64,
    keys: Option<&Keys>,
    poured: &mut Poured,
) -> io::Result<()> {
    let mut line = Line::call(to, PATIENCE, keys)?;
    line.write_all(&speech::http_head("POST", &to.to_string(), device, size))?;
    let piece = [b'x'; PIECE];
    let mut left = size;
    while left > 0 && !end.is_over() {
        let now = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        line.write_all(piece.get(..now).unwrap_or_default())?;
        left -= u64::try_from(now).unwrap_or(0);
        poured.taken += u64::try_from(now).unwrap_or(0);
    }
    let mut answer = [0; 512];
    let length = line.read(&mut answer)?;
    let is_good = answer.get(..length).is_some_and(|text| text.starts_with(b"HTTP/1.1 200"));
    poured.answered += u64::from(is_good);
    line.end();
    if is_good { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}
