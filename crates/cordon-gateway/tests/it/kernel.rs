//! The packet filter as the gateway drives it: what it loads, changes, reads back and is told.

mod bridge;
#[path = "../../../cordon-model/src/nft/tests/bundles.rs"]
#[expect(dead_code, reason = "shared with tests that need other bundles")]
mod bundles;
mod filter;
#[path = "../../../cordon-policy/tests/it/nft/lab.rs"]
#[expect(dead_code, reason = "shared with tests that need other parts of it")]
mod lab;
mod point;
mod proxied;
mod renewed;
mod told;

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use cordon_gateway::kernel::{Kernel, Options};
use cordon_model::Bundle;
use cordon_model::nft::{Proxying, gateway_ruleset};
use nix::sched::{CloneFlags, setns};

use lab::Lab;

/// The hour of the labs.
const NOON: u8 = 12;

const MONITOR: &str = "MON-ICU-01";
const PUMP: &str = "PUMP-3F-042";
const STATION: &str = "10.9.0.5";
const EHR: &str = "10.9.0.6";
const NTP: &str = "10.9.0.7";
const PACS: &str = "10.9.0.8";
const BMS: &str = "10.9.0.9";
const DHCP: &str = "10.9.0.10";

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the labs' proxy listens; it seems to live for an hour.
const PROXYING: Proxying = Proxying { tcp_port: 15001, udp_port: 15002, alive_ms: 3_600_000 };

/// Runs something inside the gateway's namespace, in a thread of its own.
fn inside<T: Send>(lab: &Lab, what: impl FnOnce() -> T + Send) -> T {
    let path = format!("/run/netns/{}", lab.full("gw"));
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            setns(File::open(path).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
            what()
        });
        inside.join().unwrap()
    })
}

/// Opens the gateway's packet filter.
fn open(lab: &Lab) -> Kernel {
    inside(lab, || Kernel::open(Options::default()).unwrap())
}

/// Loads the text of a gateway whose proxy seems to live for `alive_ms`.
fn load(lab: &Lab, kernel: &Kernel, bundle: &Bundle, alive_ms: u32) {
    let text = gateway_ruleset(bundle, NOON, &Proxying { alive_ms, ..PROXYING });
    inside(lab, || kernel.load(&text)).unwrap();
}

/// Tries until it succeeds or patience ends.
fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        thread::yield_now();
    }
}
