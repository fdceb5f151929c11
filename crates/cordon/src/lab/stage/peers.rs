//! Services that others wrote: dcmtk's archive, and pymodbus as a building controller.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::machine::find;
use super::super::{FOREIGN, FOREIGN_PORT, Host, Offer, Process, Standing};
use crate::outcome::Failure;

/// Whom an archive of the lab would send images to, if somebody could make it do so.
pub(crate) const ELSEWHERE: &str = "ELSEWHERE";
/// The interpreter that sees Debian's modules.
const PYTHON: &str = "/usr/bin/python3";
/// Where Debian's python3-pymodbus is.
const PYMODBUS: &str = "/usr/lib/python3/dist-packages/pymodbus/server/async_io.py";
/// What it is started with.
const CONTROLLER: &str = include_str!("modbus.py");
/// How dcmtk's plain receiver is run: what comes is taken and not kept, several talk at a time, and
/// no name is asked for, for there is nobody who knows names.
pub(crate) const STORESCP: [&str; 4] = ["--ignore", "--verbose", "--fork", "--disable-host-lookup"];

/// Says whether pymodbus can be run.
pub(super) fn has_pymodbus() -> bool {
    Path::new(PYTHON).is_file() && Path::new(PYMODBUS).is_file()
}

impl Standing {
    /// Starts an archive: one that can be searched and asked to move images, or one that only takes.
    pub(super) fn archive(&self, host: &Host, offer: &Offer) -> Result<Option<Process>, Failure> {
        let title = offer.ae_title.as_deref().unwrap_or("ANY-SCP");
        let name = format!("archive-{}", offer.service);
        let mut command = if let Some(program) = find("dcmqrscp") {
            let config = self.archive_config(&offer.service, title)?;
            let mut command = self.command(&host.place, &program);
            command.args(["--verbose", "--disable-host-lookup", "--config"]).arg(config);
            command
        } else if let Some(program) = find("storescp") {
            let mut command = self.command(&host.place, &program);
            command.args(STORESCP).args(["-aet", title]);
            command
        } else {
            return Ok(None);
        };
        command.arg(offer.port.to_string());
        self.stay(&mut command, &name).map(Some)
    }

    /// Writes what dcmqrscp is told: whom it takes images from, and whom it could send them to.
    /// # Source
    /// dcmqrscp(1), dcmqrcnf.txt.
    fn archive_config(&self, service: &str, title: &str) -> Result<PathBuf, Failure> {
        let folder = self.work().join("archives").join(service);
        fs::create_dir_all(&folder).map_err(|error| Failure::path(&folder, &error))?;
        let mut text = String::from("MaxPDUSize = 16384\nMaxAssociations = 64\n");
        let _ = write!(
            text,
            "HostTable BEGIN\nelsewhere = ({ELSEWHERE}, {FOREIGN}, {FOREIGN_PORT})\nHostTable END\n\
             VendorTable BEGIN\nVendorTable END\n\
             AETable BEGIN\n{title} {} RW (200, 1024mb) ANY\nAETable END\n",
            folder.display()
        );
        let path = folder.with_extension("cfg");
        fs::write(&path, text).map_err(|error| Failure::path(&path, &error))?;
        Ok(path)
    }

    /// Starts a building controller.
    pub(super) fn controller(&self, host: &Host, offer: &Offer) -> Result<Process, Failure> {
        let script = self.work().join("modbus.py");
        fs::write(&script, CONTROLLER).map_err(|error| Failure::path(&script, &error))?;
        let mut command = self.command(&host.place, Path::new(PYTHON));
        command.arg("-I").arg(script);
        command.args([offer.port.to_string(), self.for_s.to_string()]);
        self.stay(&mut command, &format!("listen-{}-{}", host.place, offer.port))
    }
}
