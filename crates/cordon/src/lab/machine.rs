//! What the lab needs of the machine: root, a few programs, and their answers.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use super::{Process, Standing};
use crate::outcome::Failure;

/// What marks a process of a lab, wherever it is: this variable with the lab's name.
const MARK: &str = "CORDON_LAB";

static LAB: OnceLock<String> = OnceLock::new();

/// Has every process that is started from now on marked as one of this lab.
pub(crate) fn mark(id: &str) {
    let _ = LAB.set(id.to_owned());
}

/// Makes a command whose process is marked.
fn marked_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some(id) = LAB.get() {
        command.env(MARK, id);
    }
    command
}

/// Gives the processes that are marked as those of a lab.
pub(crate) fn marked(id: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={id}");
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_ours = |pid: &u32| {
        let variables = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        variables.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    pids.filter(|pid| *pid != std::process::id()).filter(is_ours).collect()
}

/// Says that only root may.
pub(crate) fn demand_root() -> Result<(), Failure> {
    if geteuid().is_root() {
        return Ok(());
    }
    let message = "a lab is made of network namespaces, and those need root";
    Err(Failure::config(message, "run it as root, in a virtual machine if you like"))
}

/// Finds a program as a shell would.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders = std::env::split_paths(&path).chain(usual);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Demands programs, and says which Debian packages have those that are missing.
pub(crate) fn demand(programs: &[(&str, &str)]) -> Result<(), Failure> {
    let missing: Vec<_> = programs.iter().filter(|(name, _)| find(name).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(|(name, _)| format!("`{name}`")).collect();
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    let message = format!("the lab needs {}", names.join(", "));
    Err(Failure::config(message, format!("apt-get install {}", packages.join(" "))))
}

/// Runs a program to its end, with a text on its standard input, and gives what it prints.
pub(crate) fn call(program: &str, args: &[&str], input: &str) -> Result<String, Failure> {
    let fail = |why: &str| {
        let message = format!("`{program} {}`: {why}", args.join(" "));
        Failure::config(message, "`cordon lab down` removes what stands")
    };
    let path = find(program).ok_or_else(|| fail("there is no such program"))?;
    let mut child = marked_command(&path)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| fail(&error.to_string()))?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // A program that answers before it has read all would otherwise wait for us for ever.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
        child.wait_with_output()
    });
    let output = output.map_err(|error| fail(&error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(fail(said.lines().take(4).collect::<Vec<_>>().join("; ").trim()))
}

impl Standing {
    /// Runs a program in a place, to its end.
    pub(crate) fn call(
        &self,
        place: &str,
        program: &str,
        args: &[&str],
        input: &str,
    ) -> Result<String, Failure> {
        let namespace = self.namespace(place);
        let mut all = vec!["netns", "exec", &namespace, program];
        all.extend(args);
        call("ip", &all, input)
    }

    /// Runs `ip` commands in a place, one a line.
    pub(crate) fn ip(&self, place: &str, lines: &str) -> Result<(), Failure> {
        let namespace = self.namespace(place);
        call("ip", &["-n", &namespace, "-batch", "-"], lines).map(|_| ())
    }

    /// Prepares a program that is to run in a place.
    pub(crate) fn command(&self, place: &str, program: &Path) -> Command {
        let mut command = marked_command(&find("ip").unwrap_or_else(|| PathBuf::from("ip")));
        command.args(["netns", "exec", &self.namespace(place)]).arg(program).stdin(Stdio::null());
        command
    }

    /// Prepares an actor that is to play in a place.
    pub(crate) fn actor(&self, place: &str, args: &[&str]) -> Result<Command, Failure> {
        let own = std::env::current_exe().map_err(|error| {
            Failure::config(format!("this program cannot be found: {error}"), "start it anew")
        })?;
        let mut command = self.command(place, &own);
        // What an actor writes for a moment goes when the lab does.
        command.args(["lab", "actor"]).args(args).env("TMPDIR", self.work());
        Ok(command)
    }

    /// Starts a program that stays when this one ends; what it prints goes to a file.
    pub(crate) fn stay(&self, command: &mut Command, name: &str) -> Result<Process, Failure> {
        use std::os::unix::process::CommandExt as _;
        let folder = self.work().join("records");
        fs::create_dir_all(&folder).map_err(|error| Failure::path(&folder, &error))?;
        let open = |ending: &str| {
            let path = folder.join(format!("{name}.{ending}"));
            let file = fs::OpenOptions::new().create(true).append(true).open(&path);
            file.map_err(|error| Failure::path(&path, &error))
        };
        let child = command
            .stdout(open("jsonl")?)
            .stderr(open("log")?)
            .process_group(0)
            .spawn()
            .map_err(|error| Failure::config(format!("`{name}`: {error}"), "is it there?"))?;
        let pid = child.id();
        let start = started(pid).unwrap_or(0);
        Ok(Process { name: name.to_owned(), pid, start })
    }
}

/// Gives when a process started, in ticks since the machine did.
/// # Source
/// proc(5), /proc/pid/stat, field 22.
pub(crate) fn started(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may have spaces and parentheses of its own.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

impl Process {
    /// Gives this process.
    pub(crate) fn own(name: &str) -> Self {
        let pid = std::process::id();
        Self { name: name.to_owned(), pid, start: started(pid).unwrap_or(0) }
    }

    /// Says whether it runs.
    pub(crate) fn runs(&self) -> bool {
        started(self.pid) == Some(self.start)
    }

    /// Ends it at once.
    pub(crate) fn kill(&self) {
        if self.runs() {
            kill_pid(self.pid);
        }
    }
}

/// Ends a process at once.
pub(crate) fn kill_pid(pid: u32) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// Asks again and again until the answer is yes; says whether it ever was.
pub(crate) fn wait_until(limit: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    while !ready() {
        if Instant::now() >= end {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    true
}

/// Waits for a child until a deadline, then ends it; says whether it ended by itself.
pub(crate) fn reap(child: &mut Child, limit: Duration) -> bool {
    let ended = wait_until(limit, || !matches!(child.try_wait(), Ok(None)));
    if !ended {
        let _ = child.kill();
        let _ = child.wait();
    }
    ended
}

/// Says whether a process, or another in its namespace, listens on a port.
/// # Source
/// proc(5), /proc/net/tcp and /proc/net/udp.
pub(crate) fn listens(pid: u32, transport: &str, port: u16) -> bool {
    let tail = format!(":{port:04X}");
    [transport.to_owned(), format!("{transport}6")].iter().any(|table| {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        text.lines().skip(1).any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let local = fields.next().unwrap_or_default();
            let state = fields.nth(1).unwrap_or_default();
            local.ends_with(&tail) && (transport == "udp" || state == "0A")
        })
    })
}
