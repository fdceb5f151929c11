//! Measures what a message costs the proxies: CPU time of the thread of a gateway that originates
//! TLS and of a guard that ends it, both with HL7 inspection, and the memory of the process.
//!
//! Needs `openssl`. `cargo run --release -p cordon-gateway --example proxy_cost [connections] [messages]`
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    reason = "a measurement, which stops at the first surprise"
)]

#[path = "../tests/it/proxy/bundles.rs"]
mod bundles;
#[path = "../tests/it/proxy/certificates.rs"]
mod certificates;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use bundles::{Plan, acknowledgment};
use cordon_gateway::proxy::{Command, Handle, Options, Proxy, Route, Rules, Tls, TlsOptions};
use cordon_model::{DeviceState, Protocol, ServiceId, Tier};
use nix::time::{ClockId, clock_gettime};
use socket2::{Domain, Socket, Type};

const DEVICE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SERVICE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// How long a message is.
/// # Units
/// Bytes, with the frame.
const MESSAGE_BYTES: usize = 256;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|text| text.parse().ok());
    let connections: usize = numbers.next().unwrap_or(20);
    let messages: usize = numbers.next().unwrap_or(5_000);
    let Some(certificates) = certificates::Certificates::new() else { return };
    certificates.certify("guard", &format!("IP:{SERVICE}"));
    certificates.certify("PUMP-0001", "URI:spiffe://clinic/device/PUMP-0001");
    let listener = TcpListener::bind((SERVICE, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let plan = Plan::new(SERVICE, address.port(), Protocol::Hl7);
    let bundle = bundles::bundle(Tier::Orange, DEVICE, None, &[plan]);
    let rules = bundles::rules(bundle, DeviceState::Normal);
    let tls = |tls, own| TlsOptions {
        credentials: Some(certificates.folder().to_owned()),
        own,
        roots: Some(certificates.roots()),
        services: [(ServiceId::new("service-0").unwrap(), tls)].into(),
    };
    let own = Some(certificates.folder().join("guard.pem"));
    let guard = start(Arc::clone(&rules), address, address, tls(Tls::Terminate, own));
    let originate = tls(Tls::Originate { name: None }, None);
    let gateway = start(rules, address, guard.0.addresses[0], originate);
    let server = spawn(move || {
        let serve = |_| {
            spawn({
                let stream = listener.accept().unwrap().0;
                move || answer(stream)
            })
        };
        let served: Vec<_> = (0..connections).map(serve).collect();
        served.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let to = gateway.0.addresses[0];
    let begun = Instant::now();
    let devices: Vec<_> =
        (0..connections).map(|number| spawn(move || talk(number, messages, to))).collect();
    devices.into_iter().for_each(|thread| thread.join().unwrap());
    server.join().unwrap();
    let wall = begun.elapsed();
    let rss = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let rss = rss.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default().to_owned();
    // An answer is a message as well.
    let count = u32::try_from(2 * connections * messages).unwrap();
    for (name, (handle, thread)) in [("gateway", gateway), ("guard", guard)] {
        handle.send(Command::Stop).unwrap();
        let cpu = thread.join().unwrap();
        println!("{name}: {:?} of CPU for a message of {MESSAGE_BYTES} bytes", cpu / count);
    }
    println!("{connections} connections, {count} messages and answers in {wall:?}");
    println!("the process, with devices, service and both proxies: {rss}");
}

fn start(
    rules: Arc<Rules>,
    service: SocketAddr,
    connect: SocketAddr,
    tls: TlsOptions,
) -> (Handle, JoinHandle<Duration>) {
    let mut options = Options::new(0, rules);
    (options.has_ipv6, options.is_transparent, options.tls) = (false, false, tls);
    options.route = Box::new(move |peer, _| {
        let from = SocketAddr::new(peer.ip(), 0);
        Some(Route { opener: peer, listener: service, connect, from, is_transparent: false })
    });
    let (proxy, handle) = Proxy::new(options).unwrap();
    let thread = spawn(move || {
        proxy.run().unwrap();
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
    });
    (handle, thread)
}

fn answer(mut stream: TcpStream) {
    let mut room = [0; 4_096];
    let mut held = Vec::new();
    while let Ok(count @ 1..) = stream.read(&mut room) {
        held.extend_from_slice(&room[..count]);
        while let Some(end) = held.windows(2).position(|two| two == [0x1c, 0x0d]) {
            let frame: Vec<u8> = held.drain(..end + 2).collect();
            let text = String::from_utf8_lossy(&frame);
            let id = text.split('|').nth(9).unwrap_or_default();
            stream.write_all(&acknowledgment(id)).unwrap();
        }
    }
}

fn talk(number: usize, messages: usize, to: SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((DEVICE, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_nodelay(true).unwrap();
    let mut room = [0; 4_096];
    for message in 0..messages {
        let mut frame = bundles::alarm(&format!("{number}-{message}"));
        let at = frame.len() - 3;
        frame.splice(at..at, std::iter::repeat_n(b'x', MESSAGE_BYTES.saturating_sub(frame.len())));
        stream.write_all(&frame).unwrap();
        let mut got = 0;
        while got < 2 || room[got - 2..got] != [0x1c, 0x0d] {
            got += stream.read(&mut room[got..]).unwrap();
        }
    }
}
