//! The services of a lab: programs of others where they are there, actors of ours otherwise.

use std::time::Duration;

use cordon_model::{Protocol, Transport};

use super::machine::{find, listens, wait_until};
use super::{FOREIGN_PORT, Host, INTERNET, Offer, Process, Standing};
use crate::outcome::Failure;

/// How long a service may take until it listens.
const READY_MAX: Duration = Duration::from_secs(10);

mod peers;

pub(crate) use peers::{ELSEWHERE, STORESCP};

impl Standing {
    /// Starts what answers at every host, and waits until it listens.
    pub(crate) fn serve(&mut self) -> Result<(), Failure> {
        self.say_who_answers();
        let mut waiting: Vec<(u32, &'static str, u16)> = Vec::new();
        for host in self.hosts.clone() {
            let mut own: Vec<&Offer> = Vec::new();
            for offer in &host.offers {
                let is_tcp = offer.transport == Transport::Tcp;
                let process = match offer.protocol {
                    Protocol::Dicom => self.archive(&host, offer)?,
                    Protocol::Modbus if is_tcp && !offer.sealed && peers::has_pymodbus() => {
                        Some(self.controller(&host, offer)?)
                    }
                    Protocol::Modbus
                    | Protocol::Hl7
                    | Protocol::Bacnet
                    | Protocol::Http
                    | Protocol::Ntp
                    | Protocol::Dns
                    | Protocol::Dhcp
                    | Protocol::Syslog
                    | Protocol::Opaque => {
                        own.push(offer);
                        None
                    }
                };
                let Some(process) = process else { continue };
                waiting.push((process.pid, "tcp", offer.port));
                self.keep(process)?;
            }
            if let Some(process) = self.listen(&host, &own)? {
                waiting.extend(own.iter().map(|o| (process.pid, o.transport.name(), o.port)));
                self.keep(process)?;
            }
        }
        if let Some(process) = self.bait()? {
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

    /// Says which services are others' programs, and which are ours.
    fn say_who_answers(&mut self) {
        let offers = || self.hosts.iter().flat_map(|host| &host.offers);
        let speaks = |protocol: Protocol| offers().any(|offer| offer.protocol == protocol);
        let mut notes = Vec::new();
        if speaks(Protocol::Dicom) && find("dcmqrscp").or_else(|| find("storescp")).is_none() {
            notes.push("nobody speaks DICOM: dcmtk is missing (apt-get install dcmtk)");
        }
        if speaks(Protocol::Modbus) && peers::has_pymodbus() {
            notes.push("Modbus is answered by pymodbus");
        } else if speaks(Protocol::Modbus) {
            notes.push("Modbus is answered by the lab itself: python3-pymodbus is missing");
        }
        if speaks(Protocol::Http) || speaks(Protocol::Bacnet) {
            notes.push("HTTP and BACnet are answered by the lab itself");
        }
        self.notes.extend(notes.into_iter().map(str::to_owned));
    }

    /// Starts an actor that answers at a host.
    fn listen(&self, host: &Host, offers: &[&Offer]) -> Result<Option<Process>, Failure> {
        if offers.is_empty() {
            return Ok(None);
        }
        // Where a guard stands before it, TLS has ended there.
        let is_sealed = |offer: &Offer| offer.sealed && host.guard.is_none();
        let (for_s, own) = (self.for_s.to_string(), self.credential_of_place(&host.place));
        let (own, authorities) =
            (own.display().to_string(), self.authorities().display().to_string());
        let mut args = vec!["listen", "--for-s", &for_s];
        if offers.iter().any(|offer| is_sealed(offer)) {
            args.extend(["--keys", &own, "--authorities", &authorities]);
        }
        let said: Vec<String> = offers.iter().map(|offer| said(offer, is_sealed(offer))).collect();
        args.extend(said.iter().map(String::as_str));
        let name = format!("listen-{}", host.place);
        self.stay(&mut self.actor(&host.place, &args)?, &name).map(Some)
    }

    /// Starts what listens where nobody of the hospital may send anything.
    fn bait(&self) -> Result<Option<Process>, Failure> {
        let for_s = self.for_s.to_string();
        let bait = ["tcp", "udp"].map(|transport| format!("opaque:{transport}:{FOREIGN_PORT}"));
        let [tcp, udp] = &bait;
        let args = ["listen", "--for-s", &for_s, tcp, udp];
        let name = format!("listen-{INTERNET}");
        self.stay(&mut self.actor(INTERNET, &args)?, &name).map(Some)
    }
}

fn said(offer: &Offer, is_sealed: bool) -> String {
    let end = if is_sealed { ":sealed" } else { "" };
    format!("{}:{}:{}{end}", offer.protocol.name(), offer.transport.name(), offer.port)
}
