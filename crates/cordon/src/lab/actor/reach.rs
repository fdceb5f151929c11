//! Tries to talk to each of many, as somebody does who looks for a way on.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;

use super::exchange::{tcp, udp, word};
use super::{speech, tell};
use crate::outcome::Failure;

/// How many are tried at a time.
const AT_ONCE: usize = 16;
/// How many can be tried.
const TARGETS_MAX: usize = 2_000;

pub(super) fn run(limit: Duration, targets: &[String]) -> Result<(), Failure> {
    let wrong =
        |text: &str| Failure::usage(format!("`{text}` is no target"), "write `tcp:192.0.2.1:80`");
    let mut list: Vec<(&str, SocketAddr)> = Vec::new();
    for text in targets.iter().take(TARGETS_MAX) {
        let (transport, address) = text.split_once(':').ok_or_else(|| wrong(text))?;
        list.push((transport, address.parse().map_err(|_| wrong(text))?));
    }
    let start = Instant::now();
    tell("first", json!({ "targets": list.len() }));
    let next = Mutex::new(list.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let one = next.lock().ok().and_then(|mut next| next.next());
                    let Some((transport, to)) = one else { break };
                    reach(transport, to, limit);
                }
            });
        }
    });
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    tell("done", json!({ "elapsed_ms": elapsed_ms }));
    Ok(())
}

fn reach(transport: &str, to: SocketAddr, limit: Duration) {
    let request = speech::http("GET", &to.to_string(), "reach", "");
    let answer =
        if transport == "udp" { udp(to, &request, limit) } else { tcp(to, &request, limit, None) };
    match answer {
        Ok(answer) => {
            tell("answered", json!({ "to": to, "transport": transport, "bytes": answer.len() }));
        }
        Err(error) => {
            tell("silent", json!({ "to": to, "transport": transport, "why": word(&error) }));
        }
    }
}
