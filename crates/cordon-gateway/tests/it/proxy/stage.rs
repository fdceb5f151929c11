//! A device, the proxies and a service, each with its own loopback address.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cordon_gateway::proxy::{Command, Handle, Options, Proxy, Route, Rules, Seen};
use cordon_model::{DeviceState, Protocol, Tier};
use socket2::{Domain, Socket, Type};

use super::bundles::{self, Plan};

pub(crate) const DEVICE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub(crate) const SERVICE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Proxies that run.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.handle.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Running {
    /// Starts proxies whose connections all are for one service, reached at an address.
    pub(crate) fn start(
        rules: Arc<Rules>,
        (service, connect): (SocketAddr, SocketAddr),
        change: impl FnOnce(&mut Options),
    ) -> Self {
        let mut options = Options::new(0, rules);
        options.has_ipv6 = false;
        options.is_transparent = false;
        options.limits.drain_s = 0;
        options.route = Box::new(move |peer, _| {
            let from = SocketAddr::new(peer.ip(), 0);
            let is_transparent = false;
            Some(Route { opener: peer, listener: service, connect, from, is_transparent })
        });
        change(&mut options);
        let (proxy, handle) = Proxy::new(options).unwrap();
        let thread = std::thread::spawn(move || proxy.run().unwrap());
        Self { handle, thread: Some(thread) }
    }

    /// Gives where the proxies listen.
    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.addresses[0]
    }

    /// Waits for something that the proxies tell.
    pub(crate) fn until<T>(&self, mut wanted: impl FnMut(&Seen) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let seen = self.handle.seen.recv_timeout(left).expect("it is never told");
            if let Some(found) = wanted(&seen) {
                return found;
            }
        }
    }

    /// Waits for the end of a connection and says why it came.
    pub(crate) fn ended(&self) -> &'static str {
        self.until(|seen| match seen {
            Seen::Closed { why, .. } => Some(why.label()),
            _ => None,
        })
    }

    /// Waits for a refusal and says why it came.
    pub(crate) fn refused(&self) -> &'static str {
        self.until(|seen| match seen {
            Seen::Refused { why, .. } => Some(why.label()),
            _ => None,
        })
    }
}

/// One service behind proxies.
pub(crate) struct Stage {
    pub(crate) proxy: Running,
    pub(crate) listener: TcpListener,
    pub(crate) plan: Plan,
    pub(crate) tier: Tier,
}

impl Stage {
    pub(crate) fn new(tier: Tier, protocol: Protocol) -> Self {
        Self::with(tier, protocol, |_| {}, |_| {})
    }

    pub(crate) fn with(
        tier: Tier,
        protocol: Protocol,
        plan: impl FnOnce(&mut Plan),
        options: impl FnOnce(&mut Options),
    ) -> Self {
        let listener = TcpListener::bind((SERVICE, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut made = Plan::new(SERVICE, address.port(), protocol);
        plan(&mut made);
        let bundle = bundles::bundle(tier, DEVICE, None, &[made.clone()]);
        let rules = bundles::rules(bundle, DeviceState::Normal);
        let proxy = Running::start(rules, (address, address), options);
        Self { proxy, listener, plan: made, tier }
    }

    /// Gives the rules for the device in a state.
    pub(crate) fn rules(&self, state: DeviceState) -> Arc<Rules> {
        let plan = std::slice::from_ref(&self.plan);
        bundles::rules(bundles::bundle(self.tier, DEVICE, None, plan), state)
    }

    /// Opens a connection as the device.
    pub(crate) fn open(&self) -> TcpStream {
        open(DEVICE, self.proxy.address())
    }

    /// Takes it as the service; says whom the service sees.
    pub(crate) fn accept(&self) -> (TcpStream, IpAddr) {
        let (stream, peer) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        (stream, peer.ip())
    }
}

/// Opens a connection from an address.
pub(crate) fn open(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Writes, and reads at the other end what must come.
pub(crate) fn passes(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).unwrap();
    comes(to, bytes);
}

/// Reads what must come.
pub(crate) fn comes(at: &mut TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    at.read_exact(&mut read).unwrap();
    assert!(read == bytes, "{:?}", String::from_utf8_lossy(&read));
}

/// Says whether the connection is ended by the other side.
pub(crate) fn ends(at: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match at.read_to_end(&mut rest) {
        Ok(_) => rest.is_empty(),
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}
