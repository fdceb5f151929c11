//! dcmtk's programs on free ports of the loopback, and dumpcap that listens.
//!
//! Invariant: every program that is started is stopped by its process id, and none is waited for without a bound.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::corpora::table;
use crate::repo;

/// How long a server may take to listen, and dumpcap to begin or to end.
const START_MAX: Duration = Duration::from_secs(15);

/// How long one exchange may take.
const EXCHANGE_MAX: Duration = Duration::from_secs(60);

/// How long after the last exchange a capture may still be waiting in the kernel.
const SETTLE: Duration = Duration::from_millis(1500);

/// Room for what dumpcap has not fetched yet, in MiB: an object comes faster than it is written.
const BUFFER_MIB: &str = "64";

/// The titles under which the programs speak.
const MODALITY: &str = "MOD";
const STORE: &str = "STORE";
const WORKLIST: &str = "WORK";
const ARCHIVE: &str = "QR";

/// What was recorded.
#[derive(Debug)]
pub(super) struct Traffic {
    pub(super) capture: PathBuf,
    pub(super) ports: [u16; 4],
}

/// A program that runs; it is stopped with the value.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

impl Running {
    fn start(command: &mut Command, log: &Path) -> anyhow::Result<Running> {
        let text = repo::shown(command);
        let log = File::create(log)?;
        let command = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Running(command.spawn().with_context(|| format!("`{text}` does not start"))?))
    }

    fn wait(&mut self, time_max: Duration) -> anyhow::Result<ExitStatus> {
        let end = Instant::now() + time_max;
        while Instant::now() < end {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            pause(Duration::from_millis(10));
        }
        bail!("still running after {} s", time_max.as_secs())
    }
}

/// Lets time pass; nobody ever sends on the channel.
fn pause(time: Duration) {
    let (_keep, nothing) = mpsc::channel::<()>();
    let _elapsed = nothing.recv_timeout(time);
}

/// Has the programs speak; the inner error says why nothing can be recorded on this machine.
///
/// # Errors
/// When a program that was started does not do its part.
pub(super) fn record(folder: &Path, scratch: &Path) -> anyhow::Result<Result<Traffic, String>> {
    let ports = free_ports()?;
    let [store, worklist, archive, back] = ports;
    let folders = Folders::new(folder, scratch, archive, back)?;
    let log = |name: &str| scratch.join(format!("{name}.log"));
    let mut storescp = Command::new("storescp");
    storescp.args(["-aet", STORE, "-od"]).arg(&folders.stored).arg(store.to_string());
    let mut wlmscpfs = Command::new("wlmscpfs");
    wlmscpfs.arg("-dfp").arg(&folders.worklist).arg(worklist.to_string());
    let mut dcmqrscp = Command::new("dcmqrscp");
    dcmqrscp.arg("-c").arg(&folders.settings);
    let _servers = [
        Running::start(&mut storescp, &log("storescp"))?,
        Running::start(&mut wlmscpfs, &log("wlmscpfs"))?,
        Running::start(&mut dcmqrscp, &log("dcmqrscp"))?,
    ];
    for port in [store, worklist, archive] {
        listens(port)?;
    }
    let capture = scratch.join("dicom.pcap");
    let dumpcap = match Dumpcap::start(&capture, &ports)? {
        Ok(dumpcap) => dumpcap,
        Err(why) => return Ok(Err(why)),
    };
    for exchange in exchanges(folder, &folders, ports)? {
        exchange.run(&log("exchange"))?;
    }
    pause(SETTLE);
    dumpcap.stop()?;
    Ok(Ok(Traffic { capture, ports }))
}

/// Four ports that nobody listens on.
fn free_ports() -> anyhow::Result<[u16; 4]> {
    let bind = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners = [0; 4].map(bind);
    let mut ports = [0; 4];
    for (port, listener) in ports.iter_mut().zip(listeners) {
        *port = listener?.local_addr()?.port();
    }
    Ok(ports)
}

/// Waits until somebody listens on a port.
fn listens(port: u16) -> anyhow::Result<()> {
    let end = Instant::now() + START_MAX;
    while Instant::now() < end {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(());
        }
        pause(Duration::from_millis(20));
    }
    bail!("nobody listens on port {port} after {} s", START_MAX.as_secs())
}

/// Where the servers keep what they have.
struct Folders {
    stored: PathBuf,
    worklist: PathBuf,
    moved: PathBuf,
    settings: PathBuf,
}

impl Folders {
    fn new(corpus: &Path, scratch: &Path, archive: u16, back: u16) -> anyhow::Result<Folders> {
        let [stored, worklist, moved, kept] =
            ["stored", "worklist", "moved", "kept"].map(|name| scratch.join(name));
        let items = worklist.join(WORKLIST);
        for folder in [&stored, &items, &moved, &kept] {
            fs::create_dir_all(folder)?;
        }
        // Without this file the server takes the folder for no worklist.
        File::create(items.join("lockfile"))?;
        for name in table::names(&corpus.join("worklist"))? {
            let item = items.join(Path::new(&name).with_extension("wl"));
            let dump = corpus.join("worklist").join(&name);
            repo::text(Command::new("dump2dcm").arg("-q").arg(dump).arg(item))?;
        }
        let settings = scratch.join("dcmqrscp.cfg");
        let text = format!(
            "NetworkTCPPort = {archive}\nMaxPDUSize = 16384\nMaxAssociations = 16\n\
             HostTable BEGIN\nmodality = ({MODALITY}, 127.0.0.1, {back})\nHostTable END\n\
             VendorTable BEGIN\nVendorTable END\n\
             AETable BEGIN\n{ARCHIVE} {} RW (200, 1024mb) ANY\nAETable END\n",
            kept.display()
        );
        fs::write(&settings, text)?;
        Ok(Folders { stored, worklist, moved, settings })
    }
}

/// One program that asks one server for something.
struct Exchange {
    command: Command,
    /// The exit code that it must have; some are meant to fail, on one side or the other.
    code: i32,
}

impl Exchange {
    fn run(mut self, log: &Path) -> anyhow::Result<()> {
        let text = repo::shown(&self.command);
        let mut running = Running::start(&mut self.command, log)?;
        let status = running.wait(EXCHANGE_MAX).with_context(|| text.clone())?;
        let said = fs::read_to_string(log).unwrap_or_default();
        ensure!(status.code() == Some(self.code), "`{text}`: {status}\n{}", said.trim_end());
        Ok(())
    }
}

/// What is asked, in order.
fn exchanges(
    corpus: &Path,
    folders: &Folders,
    [store, worklist, archive, back]: [u16; 4],
) -> anyhow::Result<Vec<Exchange>> {
    let ask = |program: &str, server: &str, options: &[&str]| {
        let mut command = Command::new(program);
        command.args(["-aet", MODALITY, "-aec", server]).args(options);
        command
    };
    let at = |mut command: Command, port: u16, code| {
        command.arg("127.0.0.1").arg(port.to_string());
        Exchange { command, code }
    };
    let mut exchanges = vec![at(ask("echoscu", STORE, &[]), store, 0)];
    for name in table::names(corpus)?.iter().filter(|name| name.ends_with(".dcm")) {
        // storescp does not take this transfer syntax unless told so: the client ends with an A-ABORT.
        let code = i32::from(name.contains("JPG2000"));
        let mut exchange = at(ask("storescu", STORE, &["-R"]), store, code);
        exchange.command.arg(corpus.join(name));
        exchanges.push(exchange);
    }
    for name in ["CT_small.dcm", "MR_small.dcm"] {
        let mut exchange = at(ask("storescu", ARCHIVE, &["-R"]), archive, 0);
        exchange.command.arg(corpus.join(name));
        exchanges.push(exchange);
    }
    let scheduled = ["-W", "-k", "0010,0010", "-k", "(0040,0100)[0].Modality=MR"];
    exchanges.push(at(ask("findscu", WORKLIST, &scheduled), worklist, 0));
    exchanges.push(at(ask("findscu", "NOBODY", &["-W", "-k", "0010,0010"]), worklist, 2));
    let studies = ["-S", "-k", "0008,0052=STUDY", "-k", "0020,000d"];
    exchanges.push(at(ask("findscu", ARCHIVE, &studies), archive, 0));
    let patient = ["-S", "-k", "0008,0052=STUDY", "-k", "0010,0020", "-k", "0020,000d="];
    exchanges.push(at(ask("findscu", ARCHIVE, &patient), archive, 0));
    let study = "0020,000d=1.3.6.1.4.1.5962.1.2.1.20040119072730.12322";
    let one = ["-S", "-k", "0008,0052=STUDY", "-k", study];
    let mut get = ask("getscu", ARCHIVE, &one);
    get.arg("-od").arg(&folders.moved);
    exchanges.push(at(get, archive, 0));
    let mut move_back = ask("movescu", ARCHIVE, &one);
    move_back.args(["-aem", MODALITY, "+P"]).arg(back.to_string());
    move_back.arg("-od").arg(&folders.moved);
    exchanges.push(at(move_back, archive, 0));
    Ok(exchanges)
}

/// dumpcap on the loopback.
struct Dumpcap {
    running: Running,
    lines: Receiver<String>,
}

impl Dumpcap {
    /// Starts it and waits until it listens; the inner error says why it cannot on this machine.
    fn start(capture: &Path, ports: &[u16]) -> anyhow::Result<Result<Dumpcap, String>> {
        let filter = ports.iter().map(|port| format!("tcp port {port}")).collect::<Vec<_>>();
        let mut command = Command::new("dumpcap");
        command.args(["-P", "-B", BUFFER_MIB, "-i", "lo", "-f", &filter.join(" or "), "-w"]);
        command.arg(capture).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().context("`dumpcap` does not start")?;
        let stderr = child.stderr.take().context("no standard error")?;
        let (keep, lines) = mpsc::channel();
        thread::spawn(move || {
            // It counts packets on one line, with carriage returns.
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                if keep.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
        let dumpcap = Dumpcap { running: Running(child), lines };
        let mut said = Vec::new();
        loop {
            match dumpcap.lines.recv_timeout(START_MAX) {
                Ok(line) if line.starts_with("File:") => return Ok(Ok(dumpcap)),
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Err(format!("dumpcap cannot listen: {}", said.join(" ").trim())));
                }
                Err(RecvTimeoutError::Timeout) => bail!("dumpcap does not begin: {said:?}"),
            }
        }
    }

    /// Ends it the way it writes what it still has, and makes sure that nothing was lost.
    fn stop(mut self) -> anyhow::Result<()> {
        let id = self.running.0.id();
        repo::text(Command::new("sh").args(["-c", &format!("kill -INT {id}")]))?;
        let status = self.running.wait(START_MAX).context("dumpcap")?;
        ensure!(status.success(), "dumpcap: {status}");
        let said: Vec<String> = self.lines.iter().collect();
        let count = said.iter().find(|line| line.contains("received/dropped"));
        let dropped = count.and_then(|line| lost(line)).context("dumpcap says no count")?;
        ensure!(dropped == 0, "dumpcap lost {dropped} packets");
        Ok(())
    }
}

/// The second number of `Packets received/dropped on interface 'Loopback: lo': 175/0 (…)`.
pub(crate) fn lost(line: &str) -> Option<u64> {
    let (_, counts) = line.rsplit_once("': ")?;
    let (_, rest) = counts.split_once('/')?;
    rest.split_whitespace().next()?.parse().ok()
}
