//! Everything that talks to the kernel's packet filter: the text is loaded by nft, single elements
//! change by netlink, and what the kernel logs and counts is read back.
//!
//! | module | does |
//! |---|---|
//! | [`elements`] | contains, isolates and releases addresses; the sign of life of the proxy |
//! | [`load`] | loads a text as one transaction, or its difference to the one before |
//! | [`state`] | reads back what is in force |
//! | [`log`] | reads packets that the rules told of |
//! | [`attempts`] | tells how much devices attempted in vain |
//! | [`flows`] | tells which connections begin, go on and end |
//! | [`host`] | sets what the rules need around them, and says what it found otherwise |
//!
//! Invariant: the rules outlive the process; nothing here takes a table away.
//!
//! Source: Linux `include/uapi/linux/netfilter/nf_tables.h`, `nfnetlink_log.h`,
//! `nfnetlink_conntrack.h`; nft(8) 1.0.6.

pub mod attempts;
mod delta;
pub mod elements;
pub mod flows;
pub mod host;
pub mod load;
pub mod log;
pub mod netlink;
pub mod state;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use cordon_model::Transport;

use attempts::Attempts;
use elements::{Change, ElementsError, StateSet};
use load::{LoadError, Loader, Renewer};
use netlink::{Netlink, NetlinkError};
use state::{State, StateError};

/// How to reach the kernel.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program nft.
    pub nft: PathBuf,
    /// How long a load may take.
    pub load_max: Duration,
    /// How long the kernel may take to answer a netlink message.
    pub answer_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nft: PathBuf::from("nft"),
            load_max: Duration::from_secs(60),
            answer_max: Duration::from_secs(5),
        }
    }
}

/// The packet filter of this network namespace.
#[derive(Debug)]
pub struct Kernel {
    loader: Loader,
    netlink: Netlink,
    answer_max: Duration,
}

impl Kernel {
    /// Opens the way to the packet filter of the namespace that the calling thread is in.
    /// # Errors
    /// What the kernel says when it gives no netlink socket.
    pub fn open(options: Options) -> io::Result<Self> {
        let netlink = Netlink::open(options.answer_max)?;
        let loader = Loader::new(options.nft, options.load_max);
        Ok(Self { loader, netlink, answer_max: options.answer_max })
    }

    /// Loads a text of [`cordon_model::nft`] as one transaction; waits until it is in force.
    /// # Errors
    /// [`LoadError`]; what was in force before is then still in force.
    pub fn load(&self, text: &str) -> Result<(), LoadError> {
        self.loader.load(text)
    }

    /// Gives what loads one text after another, for a thread of its own: a large text takes
    /// seconds, and the signs of life must not wait for it.
    /// # Errors
    /// What the kernel says when it gives no netlink socket.
    pub fn renewer(&self) -> io::Result<Renewer> {
        Ok(Renewer::new(self.loader.clone(), Netlink::open(self.answer_max)?))
    }

    /// Gives what looks at the counters of what was dropped.
    /// # Errors
    /// What the kernel says when it gives no netlink socket.
    pub fn attempts(&self) -> io::Result<Attempts> {
        Attempts::open(self.answer_max)
    }

    /// Gives what loads whole texts.
    #[must_use]
    pub fn loader(&self) -> Loader {
        self.loader.clone()
    }

    /// Applies changes of the state sets in one transaction.
    /// # Errors
    /// [`ElementsError`]; nothing is then changed.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), ElementsError> {
        elements::apply(&mut self.netlink, changes)
    }

    /// Contains addresses, for ever or until a timeout; a new timeout replaces the old one.
    /// # Errors
    /// [`ElementsError`]; nothing is then changed.
    pub fn contain(
        &mut self,
        addresses: &[IpAddr],
        timeout: Option<Duration>,
    ) -> Result<(), ElementsError> {
        let contain = |address: &IpAddr| Change::add(StateSet::Contained, *address, timeout);
        self.apply(&addresses.iter().map(contain).collect::<Vec<_>>())
    }

    /// Isolates addresses.
    /// # Errors
    /// [`ElementsError`]; nothing is then changed.
    pub fn isolate(&mut self, addresses: &[IpAddr]) -> Result<(), ElementsError> {
        let isolate = |address: &IpAddr| Change::add(StateSet::Isolated, *address, None);
        self.apply(&addresses.iter().map(isolate).collect::<Vec<_>>())
    }

    /// Ends containment and isolation of addresses.
    /// # Errors
    /// [`ElementsError`]; nothing is then changed.
    pub fn release(&mut self, addresses: &[IpAddr]) -> Result<(), ElementsError> {
        let release = addresses.iter().flat_map(|address| {
            [StateSet::Contained, StateSet::Isolated].map(|set| Change::remove(set, *address))
        });
        self.apply(&release.collect::<Vec<_>>())
    }

    /// Keeps addresses from opening or being opened anything new, or lets them again.
    /// # Errors
    /// [`ElementsError`]; nothing is then changed.
    pub fn no_new(&mut self, addresses: &[IpAddr], on: bool) -> Result<(), ElementsError> {
        let change = |address: &IpAddr| {
            if on {
                Change::add(StateSet::NoNew, *address, None)
            } else {
                Change::remove(StateSet::NoNew, *address)
            }
        };
        self.apply(&addresses.iter().map(change).collect::<Vec<_>>())
    }

    /// Tells the kernel that the proxies of these transport protocols live.
    /// # Errors
    /// [`ElementsError`]; [`ElementsError::Missing`] while no text with a proxy is loaded.
    pub fn refresh_alive(&mut self, proxies: &[Transport]) -> Result<(), ElementsError> {
        elements::refresh_alive(&mut self.netlink, proxies)
    }

    /// Gives the name of the text in force, if it has one.
    /// # Errors
    /// [`StateError`].
    pub fn generation(&mut self) -> Result<Option<String>, StateError> {
        state::generation(&mut self.netlink)
    }

    /// Says whether a text is in force, by its [`cordon_model::nft::generation`].
    /// # Errors
    /// [`StateError`].
    pub fn is_loaded(&mut self, generation: &str) -> Result<bool, StateError> {
        Ok(self.generation()?.as_deref() == Some(generation))
    }

    /// Gives the addresses for which the clinical emergency is on.
    /// # Errors
    /// [`StateError`].
    pub fn emergency(&mut self) -> Result<BTreeSet<IpAddr>, StateError> {
        let held = state::held(&mut self.netlink, StateSet::Emergency)?;
        Ok(held.into_iter().map(|held| held.address).collect())
    }

    /// Reads the state sets; absent sets are empty.
    /// # Errors
    /// [`StateError`].
    pub fn state(&mut self) -> Result<State, StateError> {
        state::read(&mut self.netlink)
    }
}

/// Gives the error number of what the kernel refused.
fn refusal(error: &NetlinkError) -> Option<i32> {
    match error {
        NetlinkError::Refused { errno, .. } => Some(*errno),
        NetlinkError::Socket(_) | NetlinkError::Malformed => None,
    }
}
