//! Sockets that speak for others: they listen for every address and connect from any.
//!
//! Source: Linux Documentation/networking/tproxy.rst; ip(7) `IP_TRANSPARENT`.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// How many connections wait to be taken.
const BACKLOG: i32 = 1_024;

/// Where a connection leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Who opened it.
    pub opener: SocketAddr,
    /// Who was called.
    pub listener: SocketAddr,
    /// Where the listener is reached.
    pub connect: SocketAddr,
    /// The address from which it is called.
    pub from: SocketAddr,
    /// Whether the addresses are those of others.
    pub is_transparent: bool,
}

impl Route {
    /// Takes the addresses of a socket that TPROXY handed over: the peer's is the opener's, its own
    /// is the one that was called. The service sees the opener's address.
    #[must_use]
    pub fn transparent(peer: SocketAddr, local: SocketAddr) -> Self {
        let (opener, listener) = (plain(peer), plain(local));
        let from = SocketAddr::new(opener.ip(), 0);
        Self { opener, listener, connect: listener, from, is_transparent: true }
    }
}

/// Drops what only matters within a host, so that addresses compare.
pub(super) fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn transparent(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv4() {
        socket.set_ip_transparent_v4(true)
    } else {
        socket.set_ip_transparent_v6(true)
    }
}

fn new(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind.nonblocking(), Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    Ok(socket)
}

/// Gives the addresses on which the proxies listen.
pub(super) fn own(port: u16, has_ipv6: bool) -> impl Iterator<Item = SocketAddr> {
    let v6 = has_ipv6.then(|| SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    [Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))), v6].into_iter().flatten()
}

/// Listens for connections that are handed over.
pub(super) fn listen(
    address: SocketAddr,
    is_transparent: bool,
) -> io::Result<std::net::TcpListener> {
    let socket = new(address, Type::STREAM, Protocol::TCP)?;
    if is_transparent {
        transparent(&socket, address)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Listens for datagrams that are handed over, and asks where each was sent.
pub(super) fn datagrams(
    address: SocketAddr,
    is_transparent: bool,
) -> io::Result<std::net::UdpSocket> {
    let socket = new(address, Type::DGRAM, Protocol::UDP)?;
    if is_transparent {
        transparent(&socket, address)?;
    }
    if address.is_ipv4() {
        setsockopt(&socket, sockopt::Ipv4OrigDstAddr, &true)?;
    } else {
        setsockopt(&socket, sockopt::Ipv6OrigDstAddr, &true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Begins to call a listener.
pub(super) fn call(route: &Route) -> io::Result<std::net::TcpStream> {
    let socket = new(route.connect, Type::STREAM, Protocol::TCP)?;
    if route.is_transparent {
        transparent(&socket, route.from)?;
    }
    if !route.from.ip().is_unspecified() {
        if route.from.port() == 0 {
            // The port is chosen when both ends are known, so that a port serves for every peer.
            // Where the kernel lacks it, a port serves one peer.
            let _ignored = setsockopt(&socket, sockopt::IpBindAddressNoPort, &true);
        }
        socket.bind(&route.from.into())?;
    }
    match socket.connect(&route.connect.into()) {
        Err(error) if error.raw_os_error() != Some(nix::libc::EINPROGRESS) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    Ok(socket.into())
}

/// Opens a socket for the datagrams of one pair of addresses.
pub(super) fn pair(
    own: SocketAddr,
    peer: SocketAddr,
    is_transparent: bool,
) -> io::Result<std::net::UdpSocket> {
    let socket = new(own, Type::DGRAM, Protocol::UDP)?;
    if is_transparent {
        transparent(&socket, own)?;
    }
    socket.bind(&own.into())?;
    socket.connect(&peer.into())?;
    Ok(socket.into())
}

/// Makes a socket of a connection send at once, and notice when nobody is there any more.
pub(super) fn tune(socket: &mio::net::TcpStream, keepalive: Duration) -> io::Result<()> {
    let socket = SockRef::from(socket);
    socket.set_tcp_nodelay(true)?;
    let keepalive =
        TcpKeepalive::new().with_time(keepalive).with_interval(keepalive / 4).with_retries(4);
    socket.set_tcp_keepalive(&keepalive)
}

/// Makes the end of a socket a reset, which the other side cannot take for a proper end.
pub(super) fn break_off(socket: &mio::net::TcpStream) {
    // If that fails it ends properly, and that is an end as well.
    let _ignored = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}
