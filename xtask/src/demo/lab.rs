//! The tour of a clinic in network namespaces: it works, is attacked, and loses its gateway, its
//! policy and its decision point.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::demo::Scene;
use crate::packages;
use crate::repo::{self, Repo};

const CLINIC: &str = "examples/clinic";
/// The lab's name; it goes when the tour ends, however it ends.
const ID: &str = "demo";
/// The programs without which no lab stands.
const PROGRAMS: [&str; 2] = ["ip", "nft"];

/// Says why no lab can be built here, if none can.
///
/// # Errors
/// When it cannot be told who runs this.
pub(super) fn why_not() -> anyhow::Result<Option<String>> {
    if !packages::is_root()? {
        return Ok(Some("network namespaces need root".to_owned()));
    }
    let missing = PROGRAMS.iter().find(|program| !packages::found(program));
    Ok(missing.map(|program| format!("`{program}` is not installed")))
}

/// A lab that goes with the value.
pub(super) struct Lab<'r> {
    repo: &'r Repo,
    cordon: PathBuf,
    pub(super) start: Instant,
}

impl<'r> Lab<'r> {
    pub(super) fn new(repo: &'r Repo, cordon: &Path) -> Self {
        let lab = Self { repo, cordon: cordon.to_owned(), start: Instant::now() };
        // One that an earlier tour left behind.
        lab.remove();
        lab
    }

    fn remove(&self) {
        // When there is none this fails, and that is as well.
        let _none = repo::output(self.repo.command(&self.cordon).args(["lab", "down", "--id", ID]));
    }
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

fn scene<'a>(
    title: &'a str,
    arguments: &[&'a str],
    words: &'a [&'a str],
    showed: &'a str,
) -> Scene<'a> {
    let arguments = [&["lab"], arguments, &["--id", ID]].concat();
    Scene { title, arguments, exit_code: 0, edit: None, before: None, words, showed }
}

/// What is shown, in order; each must exit with 0, which says that nothing arrived that must not and
/// that no lifeline lost anything.
pub(super) fn scenes<'a>() -> Vec<Scene<'a>> {
    vec![
        scene(
            "A clinic of 40 devices is built in network namespaces: gateway, firewalls, guard, services.",
            &["up", CLINIC],
            &["40 devices, 5 enforcement points (with gateway programs)", "sealed with TLS"],
            "every enforcement point has verified its bundle and enforces it",
        ),
        scene(
            "A normal hour in ten seconds: every device says to its services what its type says.",
            &["run", "normal"],
            &["nothing arrived that must not"],
            "everybody is answered, and nothing else arrives anywhere",
        ),
        scene(
            "A pump tries to send 100 MB to an address on the internet.",
            &["run", "pump-exfiltration", "--megabytes", "100"],
            &["blocked", "cordon_policy denied", "otherwise: nothing"],
            "not one packet arrives; the pump's alarms go on",
        ),
        scene(
            "The same pump sends an order where it may send readings only.",
            &["run", "hl7-command"],
            &["command-from-device", "no lifeline lost anything"],
            "the gateway reads the message and refuses it in the words of HL7",
        ),
        scene(
            "Somebody plugs a laptop into a device's port, with its addresses and with others.",
            &["run", "hvac-laptop"],
            &["spoofed", "otherwise: nothing"],
            "who is not who it says is not heard",
        ),
        scene(
            "The gateway program is killed, and started again, while alarms go on.",
            &["run", "gateway-kill", "--seconds", "9"],
            &["was killed, and stood again"],
            "the rules outlive the program; what it carried goes on through the kernel",
        ),
        scene(
            "New policy for every point, twice a second, while alarms go on.",
            &["run", "policy-push", "--seconds", "6"],
            &["bundles pushed", "no lifeline lost anything"],
            "no packet is lost",
        ),
        scene(
            "No decision point is heard for 61 minutes.",
            &["run", "stale-policy"],
            &["went on by 61 minutes", "while nobody decides"],
            "each tier keeps what the fail-safe table gives it",
        ),
        scene("The clinic is removed.", &["down"], &["is gone"], "nothing is left behind"),
    ]
}
