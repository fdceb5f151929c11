//! Parts that are played inside the namespaces of a lab: devices, services, and attackers.
//!
//! What an actor sends and receives it writes on standard output, one JSON object a line, with the
//! machine's monotonic time, so that the lines of several actors can be put in order.
//!
//! Invariant: an actor ends by itself, and what it sends has a rate.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use super::{Seat, Standing};
use crate::cli::Actor;
use crate::outcome::{Failure, Outcome};

mod claim;
mod device;
mod exchange;
mod flood;
mod line;
mod listen;
mod pour;
mod probe;
mod reach;
mod speech;

pub(crate) fn run(part: &Actor) -> Result<Outcome, Failure> {
    match part {
        Actor::Listen { for_s, keys, authorities, offers } => {
            let keys = match (keys, authorities) {
                (Some(own), Some(authorities)) => Some(line::Keys::read(own, authorities)?),
                (Some(_) | None, _) => None,
            };
            listen::run(&End::after(*for_s), offers, keys.as_ref())?;
        }
        Actor::Device { standing, device, for_s } => {
            let (seat, keys) = whose(standing, device)?;
            device::run(&End::after(*for_s), &seat, keys.as_ref());
        }
        Actor::Caller { standing, place, for_s } => {
            device::call(&End::after(*for_s), &Standing::read(standing)?, place);
        }
        Actor::Flood { to, bytes, megabits_per_second, for_s } => {
            flood::run(&End::after(*for_s), *to, *bytes, *megabits_per_second)?;
        }
        Actor::Reach { timeout_ms, targets } => {
            reach::run(Duration::from_millis(u64::from(*timeout_ms)), targets)?;
        }
        Actor::Probe { standing, device, for_s } => {
            let (seat, keys) = whose(standing, device)?;
            probe::run(&End::after(*for_s), &seat, keys.as_ref());
        }
        Actor::Claim { interface, count, addresses } => {
            claim::run(interface, *count, addresses)?;
        }
        Actor::Say { standing, device, what, to, port } => {
            let (seat, keys) = whose(standing, device)?;
            device::say((&seat, keys.as_ref()), what, (*to, *port).into())?;
        }
        Actor::Pour { standing, device, to, bytes, of_request, for_s } => {
            let (seat, keys) = whose(standing, device)?;
            let is_sealed =
                |talk: &super::Talk| talk.sealed && (talk.peer, talk.port) == (to.ip(), to.port());
            let keys = keys.filter(|_| seat.talks.iter().any(is_sealed));
            let amount = (*bytes, *of_request);
            pour::run(&End::after(*for_s), *to, &seat.id, amount, keys.as_ref());
        }
    }
    Ok(Outcome::done(String::new(), Value::Null))
}

/// Finds a device, and how it proves itself.
fn whose(path: &Path, device: &str) -> Result<(Seat, Option<line::Keys>), Failure> {
    let standing = Standing::read(path)?;
    let seat = standing.seat(device)?;
    Ok((seat.clone(), line::Keys::of(&standing, seat)?))
}

/// When an actor ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End(Instant);

impl End {
    fn after(seconds: u32) -> Self {
        Self(Instant::now() + Duration::from_secs(u64::from(seconds)))
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }

    /// Waits until a moment, or the end if that is sooner.
    fn wait_until(&self, moment: Instant) {
        let until = moment.min(self.0);
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if left.is_zero() {
                return;
            }
            std::thread::park_timeout(left);
        }
    }
}

/// Gives the machine's monotonic time.
/// # Units
/// Microseconds.
pub(crate) fn mono_us() -> u64 {
    let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) else { return 0 };
    let (seconds, nanos) = (now.tv_sec(), now.tv_nsec());
    u64::try_from(seconds).unwrap_or(0) * 1_000_000 + u64::try_from(nanos / 1_000).unwrap_or(0)
}

/// Writes one line; a reader that went away is no error.
pub(crate) fn tell(event: &str, mut fields: Value) {
    if let Some(map) = fields.as_object_mut() {
        map.insert("event".to_owned(), json!(event));
        map.insert("mono_us".to_owned(), json!(mono_us()));
    }
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{fields}");
    let _ = out.flush();
}
