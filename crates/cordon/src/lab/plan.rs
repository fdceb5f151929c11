//! Which part of a hospital is built: devices, the points before them, the hosts they talk to.
//!
//! Invariant: a device that stands has every point between itself and its services.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use cordon_model::bundle::{BundleFlow, flow_keys};
use cordon_model::fleet::ModbusTable;
use cordon_model::nft::{KernelSets, default_posture};
use cordon_model::seal;
use cordon_model::{Bundle, Device, Hospital, PointId, Segment};
use ipnet::IpNet;

use super::{CORE, Host, INTERNET, Offer, Post, Process, Seat, Standing, Talk};
use crate::cli::LabUp;
use crate::outcome::{Failure, chain};

/// Reads the bundle of a point, as the lab's own compiler has just sealed it.
pub(crate) fn bundle(path: &Path) -> Result<Bundle, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::path(path, &error))?;
    seal::peek(&text).map_err(|error| {
        Failure::input(format!("{}: {}", path.display(), chain(&error)), "build the lab anew")
    })
}

/// Plans a lab.
pub(crate) fn plan(
    id: &str,
    args: &LabUp,
    hospital: &Hospital,
    hour: u8,
) -> Result<Standing, Failure> {
    let mut standing = Standing {
        id: id.to_owned(),
        hospital: hospital.id.to_string(),
        kernel_only: args.kernel_only,
        gateway: None,
        for_s: args.minutes * 60,
        builder: Process::own("lab-up"),
        is_complete: false,
        places: vec![CORE.to_owned(), INTERNET.to_owned()],
        points: Vec::new(),
        hosts: Vec::new(),
        devices: Vec::new(),
        processes: Vec::new(),
        notes: Vec::new(),
    };
    let folder = standing.work().join("bundles");
    for wanted in &args.with {
        if hospital.device(wanted).is_none() {
            let message = format!("there is no device `{wanted}`");
            return Err(Failure::usage(message, "devices.csv has the names"));
        }
    }
    let chosen = choose(hospital, args);
    if chosen.iter().any(|device| device.ipv6.is_some()) {
        standing.notes.push("devices have their IPv4 addresses only".to_owned());
    }
    let left = hospital.devices.len() - chosen.len();
    if left > 0 {
        standing.notes.push(format!("{left} more devices of the hospital are not built"));
    }
    let mut bundles: BTreeMap<PointId, Bundle> = BTreeMap::new();
    let mut points: BTreeSet<PointId> = BTreeSet::new();
    for device in chosen {
        let Some(segment) = hospital.segments.get(&device.segment) else { continue };
        let firewall = segment.firewall.clone();
        if !bundles.contains_key(&firewall) {
            let path = folder.join(format!("{firewall}.bundle"));
            bundles.insert(firewall.clone(), bundle(&path)?);
        }
        points.insert(firewall.clone());
        points.extend(device.gateway.as_ref().map(|(gateway, _)| gateway.clone()));
        let talks =
            bundles.get(&firewall).map(|bundle| talks(bundle, device, hour)).unwrap_or_default();
        standing.devices.push(seat(hospital, device, segment, talks)?);
    }
    hosts(hospital, &mut standing);
    let guards = standing.hosts.iter().filter_map(|host| host.guard.clone());
    let mut places: BTreeSet<String> = guards.collect();
    places.extend(points.iter().map(ToString::to_string));
    for place in places {
        let path = folder.join(format!("{place}.bundle"));
        let role = bundle(&path)?.role;
        standing.points.push(Post { place, role, bundle: path });
    }
    standing.places.extend(standing.points.iter().map(|point| point.place.clone()));
    standing.places.extend(standing.hosts.iter().map(|host| host.place.clone()));
    standing.places.extend(standing.devices.iter().map(|seat| seat.place.clone()));
    let mut switches: BTreeSet<String> =
        standing.devices.iter().map(|seat| switch_of(&seat.segment)).collect();
    switches.extend(standing.hosts.iter().filter_map(|host| host.guard.as_deref()).map(switch_of));
    standing.places.extend(switches);
    Ok(standing)
}

/// Gives the place of the switch of a segment, or behind a guard.
pub(crate) fn switch_of(what: &str) -> String {
    format!("sw-{what}")
}

/// Chooses devices: those asked for, then the first of each type, the second of each, and so on.
fn choose<'h>(hospital: &'h Hospital, args: &LabUp) -> Vec<&'h Device> {
    let mut per_profile: BTreeMap<_, usize> = BTreeMap::new();
    let mut ranked: Vec<((bool, usize, bool), &Device)> = Vec::new();
    for device in &hospital.devices {
        let nth = per_profile.entry((&device.profile, device.gateway.is_some())).or_insert(0);
        let is_asked = args.with.iter().any(|wanted| wanted == device.id.as_str());
        ranked.push(((!is_asked, *nth, device.gateway.is_none()), device));
        *nth += 1;
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut gateways = BTreeSet::new();
    let mut chosen: Vec<&Device> = Vec::new();
    for ((is_extra, ..), device) in ranked {
        if is_extra && chosen.len() >= usize::from(args.devices) {
            break;
        }
        if let Some((gateway, _)) = &device.gateway {
            let is_full = gateways.len() >= usize::from(args.gateways);
            if is_extra && is_full && !gateways.contains(gateway) {
                continue;
            }
            gateways.insert(gateway);
        }
        chosen.push(device);
    }
    chosen.sort_by(|a, b| a.id.cmp(&b.id));
    chosen
}

/// Gives what a device may say in normal service, as the kernel of its firewall sees it.
fn talks(bundle: &Bundle, device: &Device, hour: u8) -> Vec<Talk> {
    let Some(known) = bundle.devices.iter().find(|known| known.id == device.id) else {
        return Vec::new();
    };
    let posture = default_posture(bundle.role);
    let sets = KernelSets::new(bundle, hour);
    let mut talks = Vec::new();
    for (flow, service, postures) in bundle.flows_of(known) {
        if !postures.contains(posture) || !flow.is_open_at(hour) || !flow.declared {
            continue;
        }
        for key in flow_keys(known, flow, service) {
            if !sets.permits(&key, posture) || key.peer.is_ipv6() {
                continue;
            }
            talks.push(Talk {
                service: service.id.to_string(),
                peer: key.peer,
                port: key.port,
                transport: key.transport,
                protocol: service.protocol,
                direction: key.direction,
                operations: flow.operations.clone(),
                is_lifeline: flow.lifeline,
                sealed: false,
                envelope: flow.envelope,
                writable: writable(flow),
                ae_title: service.ae_title.clone(),
                hl7_application: service.hl7_application.clone(),
                hl7_facility: service.hl7_facility.clone(),
            });
        }
    }
    talks
}

/// Gives a register that a flow may write, and the least value that it may have.
fn writable(flow: &BundleFlow) -> Option<(u16, u16)> {
    let writes = &flow.inspection.modbus.as_ref()?.writes;
    let range = writes.iter().find(|range| range.table == ModbusTable::HoldingRegisters)?;
    Some((range.from, range.min))
}

fn seat(
    hospital: &Hospital,
    device: &Device,
    segment: &Segment,
    talks: Vec<Talk>,
) -> Result<Seat, Failure> {
    let network = segment.networks.iter().find_map(|network| match network {
        IpNet::V4(network) if network.contains(&device.ip) => Some(*network),
        IpNet::V4(_) | IpNet::V6(_) => None,
    });
    let network = network.ok_or_else(|| Failure::Bug(format!("{} is nowhere", device.id)))?;
    let taken = |ip: &Ipv4Addr| hospital.device_at(IpAddr::V4(*ip)).is_some();
    let router = network.hosts().find(|ip| !taken(ip)).ok_or_else(|| {
        let message = format!("the network {network} has no free address for its router");
        Failure::input(message, "give the segment a larger network")
    })?;
    let gateway = device.gateway.as_ref().map(|(gateway, _)| gateway);
    Ok(Seat {
        id: device.id.to_string(),
        profile: device.profile.to_string(),
        tier: device.tier,
        place: format!("dev-{}", device.id),
        segment: device.segment.to_string(),
        point: gateway.unwrap_or(&segment.firewall).to_string(),
        port: device.gateway.as_ref().map(|(_, port)| *port),
        mac: device.mac,
        ip: device.ip,
        prefix: network.prefix_len(),
        router,
        eui64: device.eui64,
        hl7_application: device.hl7_application.clone(),
        hl7_facility: device.hl7_facility.clone(),
        ae_title: device.ae_title.clone(),
        talks,
    })
}

/// Gives the hosts of the services that the devices talk to: services that share an address share
/// a host.
fn hosts(hospital: &Hospital, standing: &mut Standing) {
    let talks = standing.devices.iter().flat_map(|seat| &seat.talks);
    let wanted: BTreeSet<&str> = talks.map(|talk| talk.service.as_str()).collect();
    let mut hosts: Vec<Host> = Vec::new();
    for (id, service) in &hospital.services {
        let addresses: Vec<IpAddr> =
            service.addresses.iter().copied().filter(IpAddr::is_ipv4).collect();
        if !wanted.contains(id.as_str()) || addresses.is_empty() {
            continue;
        }
        let offer = Offer {
            service: id.to_string(),
            port: service.port,
            transport: service.transport,
            protocol: service.protocol,
            ae_title: service.ae_title.clone(),
            sealed: false,
        };
        let shared = hosts
            .iter_mut()
            .find(|host| host.addresses.iter().any(|address| addresses.contains(address)));
        if let Some(host) = shared {
            host.offers.push(offer);
            host.addresses.extend(addresses);
            host.addresses.sort_unstable();
            host.addresses.dedup();
            continue;
        }
        let guard = service.guard.as_ref().map(ToString::to_string);
        hosts.push(Host { place: format!("srv-{id}"), addresses, guard, offers: vec![offer] });
    }
    standing.hosts = hosts;
}
