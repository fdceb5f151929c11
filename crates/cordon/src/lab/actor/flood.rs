//! Many bytes at a steady rate, to whoever does or does not take them.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{End, tell};
use crate::outcome::Failure;

/// What fits into an Ethernet frame with room for the heads.
const DATAGRAM_BYTES: usize = 1_400;
/// How often the pace is kept.
const TICK: Duration = Duration::from_millis(2);

pub(super) fn run(
    end: &End,
    to: SocketAddr,
    bytes: u64,
    megabits_per_second: u32,
) -> Result<(), Failure> {
    let socket = UdpSocket::bind("0.0.0.0:0")
        .map_err(|error| Failure::config(format!("no socket: {error}"), "try again"))?;
    let datagram = [b'x'; DATAGRAM_BYTES];
    let size = u64::try_from(DATAGRAM_BYTES).unwrap_or(1);
    let start = Instant::now();
    let (mut sent, mut packets, mut refused) = (0u64, 0u64, 0u64);
    tell("first", json!({ "to": to }));
    while sent < bytes && !end.is_over() {
        let elapsed_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let due = elapsed_us.saturating_mul(u64::from(megabits_per_second)) / 8;
        while sent < due.min(bytes) {
            match socket.send_to(&datagram, to) {
                Ok(_) => packets += 1,
                Err(_) => refused += 1,
            }
            // What was refused was attempted as well.
            sent += size;
        }
        end.wait_until(Instant::now() + TICK);
    }
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tell(
        "sent",
        json!({
            "to": to, "transport": "udp", "packets": packets, "bytes": sent, "refused": refused,
            "elapsed_ms": elapsed_ms,
        }),
    );
    Ok(())
}
