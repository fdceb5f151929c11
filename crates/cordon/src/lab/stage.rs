//! The services of a lab: programs of others where they are there, actors of ours otherwise.

use std::time::Duration;

use cordon_model::Protocol;

use super::machine::{find, listens, wait_until};
use super::{FOREIGN_PORT, Host, INTERNET, Offer, Process, Standing};
use crate::outcome::Failure;

/// How long a service may take until it listens.
const READY_MAX: Duration = Duration::from_secs(10);

/// How dcmtk's archive is run: what comes is taken and not kept, several talk at a time, and no name
/// is asked for, for there is nobody who knows names.
pub(crate) const STORESCP: [&str; 4] = ["--ignore", "--verbose", "--fork", "--disable-host-lookup"];

impl Standing {
    /// Starts what answers at every host, and waits until it listens.
    pub(crate) fn serve(&mut self) -> Result<(), Failure> {
        let dcmtk = find("storescp");
        let has_dicom = |host: &Host| host.offers.iter().any(|o| o.protocol == Protocol::Dicom);
        if dcmtk.is_none() && self.hosts.iter().any(has_dicom) {
            self.notes.push(
                "nobody speaks DICOM: `storescp` is missing (apt-get install dcmtk)".to_owned(),
            );
        }
        if self.hosts.iter().flat_map(|host| &host.offers).any(|offer| {
            matches!(offer.protocol, Protocol::Modbus | Protocol::Bacnet | Protocol::Http)
        }) {
            self.notes.push("HTTP, Modbus and BACnet are answered by actors of the lab".to_owned());
        }
        let mut waiting: Vec<(u32, &'static str, u16)> = Vec::new();
        for host in self.hosts.clone() {
            let (dicom, other): (Vec<&Offer>, Vec<&Offer>) =
                host.offers.iter().partition(|offer| offer.protocol == Protocol::Dicom);
            for offer in dicom {
                let Some(program) = &dcmtk else { continue };
                let mut command = self.command(&host.place, program);
                let title = offer.ae_title.as_deref().unwrap_or("ANY-SCP");
                command.args(STORESCP).args(["-aet", title, &offer.port.to_string()]);
                let process = self.stay(&mut command, &format!("storescp-{}", offer.service))?;
                waiting.push((process.pid, "tcp", offer.port));
                self.keep(process)?;
            }
            let wanted: Vec<String> = other.iter().map(|offer| said(offer)).collect();
            if let Some(process) = self.listen(&host.place, &wanted)? {
                waiting.extend(other.iter().map(|o| (process.pid, o.transport.name(), o.port)));
                self.keep(process)?;
            }
        }
        let bait = ["tcp", "udp"].map(|transport| format!("opaque:{transport}:{FOREIGN_PORT}"));
        if let Some(process) = self.listen(INTERNET, &bait)? {
            waiting.push((process.pid, "tcp", FOREIGN_PORT));
            self.keep(process)?;
        }
        for (pid, transport, port) in waiting {
            if !wait_until(READY_MAX, || listens(pid, transport, port)) {
                let message = format!("nobody listens on {transport} port {port} of process {pid}");
                return Err(Failure::config(message, "read the logs below /run/cordon-lab"));
            }
        }
        Ok(())
    }

    fn keep(&mut self, process: Process) -> Result<(), Failure> {
        self.processes.push(process);
        self.write()
    }

    /// Starts an actor that answers in a place.
    fn listen(&self, place: &str, offers: &[String]) -> Result<Option<Process>, Failure> {
        if offers.is_empty() {
            return Ok(None);
        }
        let for_s = self.for_s.to_string();
        let mut args = vec!["listen", "--for-s", &for_s];
        args.extend(offers.iter().map(String::as_str));
        let process = self.stay(&mut self.actor(place, &args)?, &format!("listen-{place}"))?;
        Ok(Some(process))
    }
}

fn said(offer: &Offer) -> String {
    format!("{}:{}:{}", offer.protocol.name(), offer.transport.name(), offer.port)
}
