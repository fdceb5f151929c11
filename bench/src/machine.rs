//! What the machine is, since a figure without its machine says little.

use std::fmt;
use std::fs;

use serde::Serialize;

/// Facts about the machine.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// The processors that this program may use.
    pub cores: usize,
    /// The memory.
    pub memory: String,
    /// The kernel's release.
    pub kernel: String,
    /// The load average over 1, 5 and 15 minutes.
    pub load: String,
}

fn value_of(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn line_of(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

impl Machine {
    /// Reads the facts; what the machine does not tell stays `unknown`.
    #[must_use]
    pub fn read() -> Self {
        let unknown = || "unknown".to_owned();
        let load = line_of("/proc/loadavg");
        let load = load.map(|text| text.split(' ').take(3).collect::<Vec<_>>().join(" "));
        Self {
            processor: value_of("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory: value_of("/proc/meminfo", "MemTotal").unwrap_or_else(unknown),
            kernel: line_of("/proc/sys/kernel/osrelease").unwrap_or_else(unknown),
            load: load.unwrap_or_else(unknown),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, memory, kernel, load } = self;
        write!(f, "{processor}, {cores} cores, {memory}, Linux {kernel}; load average {load}")
    }
}
