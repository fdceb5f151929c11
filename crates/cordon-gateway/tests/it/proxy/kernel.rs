//! The proxies in a network namespace, where TPROXY hands connections and datagrams over.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use cordon_gateway::proxy::{Command as Order, Handle, Options, Proxy, Seen};
use cordon_model::{DeviceState, Direction, Protocol, Tier};
use nix::sched::{CloneFlags, setns};

use super::bundles::{self, Plan, acknowledgment, alarm};
use super::stage::{PATIENCE, comes, passes};

const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 11);
const DEVICE6: Ipv6Addr = Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 11);
const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 5);
const SERVICE6: Ipv6Addr = Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 5);
const PORT: u16 = 7_777;

/// A device, a gateway and a service, each a network namespace.
struct Lab {
    name: String,
}

impl Drop for Lab {
    fn drop(&mut self) {
        for place in ["dev", "gw", "svc"] {
            let full = format!("{}-{place}", self.name);
            let _ = Command::new("ip").args(["netns", "del", &full]).output();
        }
    }
}

impl Lab {
    /// Makes the namespaces; none where that cannot be, which is said.
    fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let has = |program: &str| Command::new(program).arg("-V").output().is_ok();
        if !nix::unistd::geteuid().is_root() || !has("ip") || !has("nft") {
            eprintln!(
                "SKIPPED, NOTHING WAS TESTED: network namespaces need root, `ip` and `nft` \
                 (Debian packages iproute2, nftables)"
            );
            return None;
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let lab = Self { name: format!("cg-c-{}-{count}", std::process::id()) };
        let script = SETUP.replace("NAME", &lab.name);
        let output = Command::new("sh").args(["-ec", &script]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(lab)
    }

    /// Does something on a thread within a namespace.
    fn within<T: Send>(&self, place: &str, act: impl FnOnce() -> T + Send) -> T {
        let file = File::open(format!("/run/netns/{}-{place}", self.name)).unwrap();
        std::thread::scope(|scope| {
            let act = move || {
                setns(file, CloneFlags::CLONE_NEWNET).unwrap();
                act()
            };
            scope.spawn(act).join().unwrap()
        })
    }

    /// Starts the proxies of the gateway.
    fn proxies(&self, plans: &[Plan]) -> (Handle, std::thread::JoinHandle<()>) {
        let bundle = bundles::bundle(Tier::Orange, DEVICE, Some(DEVICE6), plans);
        let rules = bundles::rules(bundle, DeviceState::Normal);
        let mut options = Options::new(PORT, rules);
        options.limits.drain_s = 0;
        let (proxy, handle) = self.within("gw", || Proxy::new(options).unwrap());
        let file = File::open(format!("/run/netns/{}-gw", self.name)).unwrap();
        let thread = std::thread::spawn(move || {
            // It opens sockets of its own later on.
            setns(file, CloneFlags::CLONE_NEWNET).unwrap();
            proxy.run().unwrap();
        });
        (handle, thread)
    }
}

const SETUP: &str = r#"
for place in dev gw svc; do
  ip netns add NAME-$place
  ip netns exec NAME-$place sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
  ip -n NAME-$place link set lo up
done
ip link add port1 netns NAME-gw type veth peer name eth0 netns NAME-dev
ip link add up0 netns NAME-gw type veth peer name eth0 netns NAME-svc
ip -n NAME-gw addr add 10.1.0.1/24 dev port1
ip -n NAME-gw addr add fd00:1::1/64 dev port1 nodad
ip -n NAME-gw addr add 10.9.0.1/24 dev up0
ip -n NAME-gw addr add fd00:9::1/64 dev up0 nodad
ip -n NAME-dev addr add 10.1.0.11/24 dev eth0
ip -n NAME-dev addr add fd00:1::b/64 dev eth0 nodad
ip -n NAME-svc addr add 10.9.0.5/24 dev eth0
ip -n NAME-svc addr add fd00:9::5/64 dev eth0 nodad
for link in gw:port1 gw:up0 dev:eth0 svc:eth0; do ip -n NAME-${link%%:*} link set ${link##*:} up; done
ip -n NAME-dev route add default via 10.1.0.1
ip -n NAME-dev route add default via fd00:1::1
ip -n NAME-svc route add default via 10.9.0.1
ip -n NAME-svc route add default via fd00:9::1
ip netns exec NAME-gw sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
  net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.port1.rp_filter=0 net.ipv4.conf.up0.rp_filter=0
ip -n NAME-gw rule add fwmark 0x80000000/0x80000000 lookup 7100
ip -n NAME-gw route add local default dev lo table 7100
ip -n NAME-gw -6 rule add fwmark 0x80000000/0x80000000 lookup 7100
ip -n NAME-gw -6 route add local default dev lo table 7100
ip netns exec NAME-gw nft -f - <<'RULES'
table inet test {
  chain taken {
    type filter hook prerouting priority -150
    socket transparent 1 meta mark set meta mark or 0x80000000 accept
    meta l4proto { tcp, udp } iifname port1 ip daddr 10.9.0.5 tproxy ip to 127.0.0.1:7777 meta mark set meta mark or 0x80000000 accept
    meta l4proto { tcp, udp } iifname port1 ip6 daddr fd00:9::5 tproxy ip6 to [::1]:7777 meta mark set meta mark or 0x80000000 accept
    meta l4proto tcp iifname up0 tcp dport 2576 tproxy ip to 127.0.0.1:7777 meta mark set meta mark or 0x80000000 accept
  }
  chain forwarded {
    type filter hook forward priority 0; policy drop
  }
}
RULES
"#;

fn connect(to: impl Into<IpAddr>, port: u16) -> TcpStream {
    let stream = TcpStream::connect_timeout(&SocketAddr::new(to.into(), port), PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn listen(at: impl Into<IpAddr>, port: u16) -> TcpListener {
    TcpListener::bind(SocketAddr::new(at.into(), port)).unwrap()
}

fn stop(handle: &Handle, thread: std::thread::JoinHandle<()>) {
    handle.send(Order::Stop).unwrap();
    thread.join().unwrap();
}

#[test]
fn both_ends_of_a_connection_see_each_other_and_not_the_gateway() {
    let Some(lab) = Lab::new() else { return };
    let ways: [(IpAddr, IpAddr); 2] =
        [(DEVICE.into(), SERVICE.into()), (DEVICE6.into(), SERVICE6.into())];
    let plans = ways.map(|(_, service)| Plan::new(service, 2575, Protocol::Hl7));
    let (handle, thread) = lab.proxies(&plans);
    for (device_at, service_at) in ways {
        let listener = lab.within("svc", || listen(service_at, 2575));
        let mut device = lab.within("dev", || connect(service_at, 2575));
        assert_eq!(device.peer_addr().unwrap(), SocketAddr::new(service_at, 2575));
        let (mut service, peer) = listener.accept().unwrap();
        service.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(peer.ip(), device_at);
        for number in 0..20 {
            let id = format!("{service_at}-{number}");
            passes(&mut device, &mut service, &alarm(&id));
            passes(&mut service, &mut device, &acknowledgment(&id));
        }
    }
    stop(&handle, thread);
}

#[test]
fn a_service_may_open_towards_the_device() {
    let Some(lab) = Lab::new() else { return };
    let plan = Plan { direction: Direction::In, ..Plan::new(SERVICE, 2576, Protocol::Hl7) };
    let (handle, thread) = lab.proxies(&[plan]);
    let listener = lab.within("dev", || listen(DEVICE, 2576));
    let mut service = lab.within("svc", || connect(DEVICE, 2576));
    let (mut device, peer) = listener.accept().unwrap();
    device.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(peer.ip(), SERVICE);
    service.write_all(&bundles::order("O1")).unwrap();
    comes(&mut device, &bundles::order("O1"));
    let party = handle.seen.iter().find_map(|seen| match seen {
        Seen::Opened { party, .. } => Some(party),
        _ => None,
    });
    assert_eq!(party.unwrap().key().unwrap().direction, Direction::In);
    stop(&handle, thread);
}

#[test]
fn a_flow_that_is_not_listed_is_reset() {
    let Some(lab) = Lab::new() else { return };
    let (handle, thread) = lab.proxies(&[Plan::new(SERVICE, 2575, Protocol::Hl7)]);
    let _listener = lab.within("svc", || listen(SERVICE, 8_080));
    let opened = lab.within("dev", || {
        let to = SocketAddr::from((SERVICE, 8_080));
        TcpStream::connect_timeout(&to, PATIENCE).and_then(|mut device| {
            device.set_read_timeout(Some(PATIENCE))?;
            device.read(&mut [0; 9])
        })
    });
    // The reset may come before the device knows that it is connected.
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::ConnectionReset);
    stop(&handle, thread);
}

#[test]
fn datagrams_of_a_pair_pass_both_ways_with_the_addresses_of_their_ends() {
    let Some(lab) = Lab::new() else { return };
    let ways: [(IpAddr, IpAddr); 2] =
        [(DEVICE.into(), SERVICE.into()), (DEVICE6.into(), SERVICE6.into())];
    let plans = ways.map(|(_, service)| Plan::new(service, 47_808, Protocol::Bacnet));
    let (handle, thread) = lab.proxies(&plans);
    for (device_at, service_at) in ways {
        let bind = |address| {
            let socket = UdpSocket::bind(SocketAddr::new(address, 47_808)).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket
        };
        let service = lab.within("svc", || bind(service_at));
        let device = lab.within("dev", || bind(device_at));
        for invoke in 0..20 {
            let read = [0x81, 10, 0, 17, 1, 4, 0, 5, invoke, 12, 12, 0, 0, 0, 1, 0x19, 0x55];
            let mut answer = vec![0x81, 10, 0, 23, 1, 0, 0x30, invoke, 12, 12, 0, 0, 0, 1];
            answer.extend([0x19, 0x55, 0x3e, 0x44, 0x42, 0x90, 0, 0, 0x3f]);
            let mut room = [0; 99];
            device.send_to(&read, (service_at, 47_808)).unwrap();
            let (count, from) = service.recv_from(&mut room).unwrap();
            assert_eq!((&room[..count], from), (&read[..], SocketAddr::new(device_at, 47_808)));
            service.send_to(&answer, from).unwrap();
            let (count, from) = device.recv_from(&mut room).unwrap();
            let expected = SocketAddr::new(service_at, 47_808);
            assert_eq!((&room[..count], from), (answer.as_slice(), expected));
        }
    }
    stop(&handle, thread);
}
