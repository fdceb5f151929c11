//! Namespaces, the wires between them, and the routes over those.
//!
//! A device's packets go to its gateway or the firewall of its segment, from there over the core to
//! a guard or a host, and to the internet if nobody stops them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use cordon_model::{Hospital, Mac};
use ipnet::IpNet;

use super::machine::call;
use super::plan::{bundle, switch_of};
use super::{CORE, FOREIGN, Host, INTERNET, Seat, Standing};
use crate::outcome::Failure;

/// What `ip` is told: once from outside, then place by place.
#[derive(Debug, Default)]
struct Wires {
    outside: String,
    inside: BTreeMap<String, String>,
    /// How many transit networks there are.
    transits: u16,
    /// How many wires there are.
    count: u32,
}

/// An end of a wire.
#[derive(Debug, Clone, Copy)]
struct End<'a> {
    place: &'a str,
    interface: &'a str,
}

impl Wires {
    fn at(&mut self, place: &str, line: &str) {
        let lines = self.inside.entry(place.to_owned()).or_default();
        lines.push_str(line);
        lines.push('\n');
    }

    fn wire(&mut self, standing: &Standing, a: End<'_>, b: End<'_>, mac: Option<Mac>) {
        let (one, other) = (standing.namespace(a.place), standing.namespace(b.place));
        let address = mac.map(|mac| format!(" address {mac}")).unwrap_or_default();
        let _ = writeln!(
            self.outside,
            "link add {} netns {one} type veth peer name {} netns {other}{address}",
            a.interface, b.interface
        );
        for end in [a, b] {
            // No address that nobody gave: it would only be noise in the counters.
            self.at(end.place, &format!("link set dev {} addrgenmode none", end.interface));
            self.at(end.place, &format!("link set dev {} up", end.interface));
        }
    }

    fn name(&mut self, letter: char) -> String {
        self.count += 1;
        format!("{letter}{}", self.count)
    }

    /// Wires a place to the core and gives the addresses of the core and of the place there.
    fn join_core(
        &mut self,
        standing: &Standing,
        place: &str,
        interface: &str,
    ) -> (String, Ipv4Addr, Ipv4Addr) {
        let port = self.name('c');
        let ends = (End { place: CORE, interface: &port }, End { place, interface });
        self.wire(standing, ends.0, ends.1, None);
        // RFC 6598: addresses that no hospital has.
        let [high, low] = self.transits.to_be_bytes();
        self.transits += 4;
        let (core, there) =
            (Ipv4Addr::new(100, 64 + high, low, 1), Ipv4Addr::new(100, 64 + high, low, 2));
        self.at(CORE, &format!("addr add {core}/32 peer {there} dev {port}"));
        (port, core, there)
    }
}

/// Makes the namespaces, nothing in them yet.
pub(crate) fn namespaces(standing: &Standing) -> Result<(), Failure> {
    let add = |place: &String| format!("netns add {}\n", standing.namespace(place));
    let lines: String = standing.places.iter().map(add).collect();
    call("ip", &["-batch", "-"], &lines).map(|_| ())
}

/// Wires everything and lets it carry.
pub(crate) fn wires(standing: &Standing, hospital: &Hospital) -> Result<(), Failure> {
    let mut wires = Wires::default();
    for place in &standing.places {
        wires.at(place, "link set lo up");
    }
    segments(&mut wires, standing, hospital)?;
    guards(&mut wires, standing);
    internet(&mut wires, standing);
    for host in standing.hosts.iter().filter(|host| host.guard.is_none()) {
        let (port, core, _) = wires.join_core(standing, &host.place, "eth0");
        addresses(&mut wires, host, core, &|address| (CORE, format!("{address}/32 dev {port}")));
    }
    call("ip", &["-batch", "-"], &wires.outside)?;
    for place in standing.points.iter().map(|point| point.place.as_str()).chain([CORE]) {
        let script = "for f in net/ipv4/ip_forward; do echo 1 > /proc/sys/$f; done
            for f in /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/send_redirects
            do echo 0 > $f; done";
        standing.call(place, "sh", &["-ec", script], "")?;
    }
    for (place, lines) in &wires.inside {
        standing.ip(place, lines)?;
    }
    Ok(())
}

/// Gives a host its addresses and its way out, and others the way to it.
fn addresses(
    wires: &mut Wires,
    host: &Host,
    router: Ipv4Addr,
    route: &dyn Fn(&IpAddr) -> (&'static str, String),
) {
    for address in &host.addresses {
        wires.at(&host.place, &format!("addr add {address}/32 dev eth0"));
        let (place, route) = route(address);
        wires.at(place, &format!("route add {route}"));
    }
    wires.at(&host.place, &format!("route add default via {router} dev eth0 onlink"));
}

fn internet(wires: &mut Wires, standing: &Standing) {
    let (port, core, there) = wires.join_core(standing, INTERNET, "eth0");
    wires.at(INTERNET, &format!("addr add {there}/32 dev eth0"));
    wires.at(INTERNET, &format!("addr add {FOREIGN}/32 dev eth0"));
    wires.at(INTERNET, &format!("route add default via {core} dev eth0 onlink"));
    wires.at(CORE, &format!("route add default via {there} dev {port}"));
}

/// Puts each guard between the core and the switch of its hosts.
fn guards(wires: &mut Wires, standing: &Standing) {
    let guarded = |host: &&Host| host.guard.is_some();
    let mut known: BTreeMap<&str, (Ipv4Addr, String, Ipv4Addr)> = BTreeMap::new();
    for host in standing.hosts.iter().filter(guarded) {
        let Some(guard) = host.guard.as_deref() else { continue };
        let switch = switch_of(guard);
        if !known.contains_key(guard) {
            let (port, core, there) = wires.join_core(standing, guard, "segments0");
            wires.at(guard, &format!("addr add {there}/32 peer {core} dev segments0"));
            wires.at(guard, &format!("route add default via {core} dev segments0"));
            let number = u8::try_from(known.len()).unwrap_or(u8::MAX);
            let own = Ipv4Addr::new(100, 127, number, 1);
            switched(wires, standing, &switch, End { place: guard, interface: "uplink0" });
            wires.at(guard, &format!("addr add {own}/32 dev uplink0"));
            known.insert(guard, (own, port, there));
        }
        let Some((own, port, there)) = known.get(guard).cloned() else { continue };
        let name = wires.name('h');
        let ends = (
            End { place: &switch, interface: &name },
            End { place: &host.place, interface: "eth0" },
        );
        wires.wire(standing, ends.0, ends.1, None);
        wires.at(&switch, &format!("link set dev {name} master br0"));
        for address in &host.addresses {
            wires.at(guard, &format!("route add {address}/32 dev uplink0"));
        }
        addresses(wires, host, own, &|address| {
            (CORE, format!("{address}/32 via {there} dev {port}"))
        });
    }
}

/// Puts a switch at a router's interface.
fn switched(wires: &mut Wires, standing: &Standing, switch: &str, router: End<'_>) {
    wires.at(switch, "link add br0 type bridge mcast_snooping 0");
    wires.at(switch, "link set dev br0 addrgenmode none");
    wires.wire(standing, End { place: switch, interface: "up0" }, router, None);
    wires.at(switch, "link set dev up0 master br0");
    wires.at(switch, "link set dev br0 up");
}

fn segments(wires: &mut Wires, standing: &Standing, hospital: &Hospital) -> Result<(), Failure> {
    let mut uplinks: BTreeMap<String, (String, Ipv4Addr)> = BTreeMap::new();
    let mut number: u8 = 0;
    for (id, segment) in &hospital.segments {
        let here = || standing.devices.iter().filter(|seat| seat.segment == id.as_str());
        let Some(first) = here().next() else { continue };
        let firewall = segment.firewall.to_string();
        if !uplinks.contains_key(&firewall) {
            let (port, core, there) = wires.join_core(standing, &firewall, "uplink0");
            wires.at(&firewall, &format!("addr add {there}/32 peer {core} dev uplink0"));
            wires.at(&firewall, &format!("route add default via {core} dev uplink0"));
            uplinks.insert(firewall.clone(), (port, there));
        }
        if let Some((port, there)) = uplinks.get(&firewall) {
            for network in &segment.networks {
                if let IpNet::V4(network) = network {
                    let route = format!("route add {} via {there} dev {port}", network.trunc());
                    wires.at(CORE, &route);
                }
            }
        }
        let (switch, inside) = (switch_of(id.as_str()), segment.interface.as_str());
        switched(wires, standing, &switch, End { place: &firewall, interface: inside });
        wires.at(&firewall, &format!("addr add {}/32 dev {inside}", first.router));
        let transit = Ipv4Addr::new(100, 126, number, 1);
        wires.at(&firewall, &format!("addr add {transit}/24 dev {inside}"));
        number = number.saturating_add(1);
        let mut gateways: BTreeMap<&str, Ipv4Addr> = BTreeMap::new();
        for seat in here() {
            if seat.port.is_none() {
                native(wires, standing, seat, (&switch, &firewall, inside));
                continue;
            }
            if !gateways.contains_key(seat.point.as_str()) {
                let last = u8::try_from(gateways.len() + 2).unwrap_or(u8::MAX);
                let [a, b, c, _] = transit.octets();
                let own = Ipv4Addr::new(a, b, c, last);
                gateway(wires, standing, &seat.point, (&switch, own, transit))?;
                gateways.insert(&seat.point, own);
            }
            if let Some(own) = gateways.get(seat.point.as_str()) {
                let route = format!("route add {}/32 via {own} dev {inside}", seat.ip);
                wires.at(&firewall, &route);
            }
            ported(wires, standing, seat)?;
        }
    }
    Ok(())
}

/// Puts a device with a key of its own at the switch of its segment; it sees its router only.
fn native(
    wires: &mut Wires,
    standing: &Standing,
    seat: &Seat,
    (switch, firewall, inside): (&str, &str, &str),
) {
    let name = wires.name('d');
    let ends =
        (End { place: switch, interface: &name }, End { place: &seat.place, interface: "eth0" });
    wires.wire(standing, ends.0, ends.1, Some(seat.mac));
    wires.at(switch, &format!("link set dev {name} master br0"));
    wires.at(switch, &format!("link set dev {name} type bridge_slave isolated on"));
    wires.at(firewall, &format!("route add {}/32 dev {inside}", seat.ip));
    addressed(wires, seat);
}

/// Puts a gateway at the switch of its segment.
fn gateway(
    wires: &mut Wires,
    standing: &Standing,
    place: &str,
    (switch, own, router): (&str, Ipv4Addr, Ipv4Addr),
) -> Result<(), Failure> {
    let interfaces = interfaces(standing, place)?;
    let name = wires.name('g');
    let ends =
        (End { place: switch, interface: &name }, End { place, interface: &interfaces.uplink });
    wires.wire(standing, ends.0, ends.1, None);
    wires.at(switch, &format!("link set dev {name} master br0"));
    wires.at(switch, &format!("link set dev {name} type bridge_slave isolated on"));
    wires.at(place, &format!("addr add {own}/24 dev {}", interfaces.uplink));
    wires.at(place, &format!("route add default via {router}"));
    Ok(())
}

/// Puts a device at its port of its gateway.
fn ported(wires: &mut Wires, standing: &Standing, seat: &Seat) -> Result<(), Failure> {
    let port =
        format!("{}{}", interfaces(standing, &seat.point)?.devices, seat.port.unwrap_or_default());
    let ends = (
        End { place: &seat.point, interface: &port },
        End { place: &seat.place, interface: "eth0" },
    );
    wires.wire(standing, ends.0, ends.1, Some(seat.mac));
    wires.at(&seat.point, &format!("addr add {}/32 dev {port}", seat.router));
    wires.at(&seat.point, &format!("route add {}/32 dev {port}", seat.ip));
    addressed(wires, seat);
    Ok(())
}

fn interfaces(
    standing: &Standing,
    place: &str,
) -> Result<cordon_model::bundle::Interfaces, Failure> {
    let point = standing.points.iter().find(|point| point.place == place);
    let point = point.ok_or_else(|| Failure::Bug(format!("no point `{place}`")))?;
    Ok(bundle(&point.bundle)?.interfaces)
}

fn addressed(wires: &mut Wires, seat: &Seat) {
    wires.at(&seat.place, &format!("addr add {}/{} dev eth0", seat.ip, seat.prefix));
    wires.at(&seat.place, &format!("route add default via {}", seat.router));
}
