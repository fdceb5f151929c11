//! The devices: from counts to rows of `devices.csv`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::counts::{
    self, Attachment, BUILDINGS, Kind, PORTS_PER_GATEWAY, Slot, Tier, interleave, shares,
};
use super::makers::{self, Maker, Model};
use super::places::{self, Purpose, Unit};

/// Hosts per 256 addresses that are given out: 1 to 250.
const HOSTS_PER_BLOCK: usize = 250;

/// The columns of `devices.csv`.
const HEADER: &str = "id,type,tier,vendor,model,serial,mac,ip,ipv6,eui64,ae-title,hl7-application,\
    hl7-facility,bacnet-instance,building,floor,unit,segment,gateway,port,attachment,autonomous,\
    life-safety,firmware,firmware-sha256,unsupported-os,remote-access,known-exploited\n";

/// The first digits of the digest of every pump's firmware.
const PUMP_DIGEST_START: &str = "a1b2c3d4";

/// A name that a device without cryptography must bear.
struct Named {
    kind: Kind,
    building: Option<usize>,
    floor: i16,
    number: usize,
}

/// The two devices whose stories the guide and the simulator tell.
const NAMED: [Named; 2] = [
    Named { kind: Kind::InfusionPump, building: None, floor: 3, number: 42 },
    Named { kind: Kind::Hvac, building: Some(1), floor: 7, number: 3 },
];

/// Of the yardstick's devices of a type, those that keep people safe: tier GREEN-LS.
const LIFE_SAFETY: [(Kind, usize, usize); 3] =
    [(Kind::DoorLock, 60, 200), (Kind::Elevator, 50, 50), (Kind::Hvac, 120, 2_900)];

/// All devices.
pub(super) struct Fleet {
    devices: Vec<Device>,
}

struct Device {
    slot: Slot,
    unit: &'static Unit,
    /// The unit's place in its building.
    unit_at: usize,
    model: &'static Model,
    life_safety: bool,
    /// Shuffles the devices of a unit before they are numbered.
    ticket: u64,
    /// Number among the devices that share the stem of its name.
    number: usize,
    serial: String,
    mac: [u8; 6],
    /// Its place in its segment, from 0.
    host: usize,
    firmware: &'static str,
    digest: String,
    bacnet_instance: Option<usize>,
    /// Unsupported operating system, remote access, known exploited.
    exposure: [bool; 3],
}

/// Builds the devices from a seed.
pub(super) fn build(seed: u64, devices: u32) -> Fleet {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut devices = place(counts::slots(devices), &mut rng);
    number(&mut devices, &mut rng);
    choose_life_safety(&mut devices);
    connect(&mut devices);
    identify(&mut devices, &mut rng);
    equip(&mut devices, &mut rng);
    devices.sort_by_cached_key(Device::id);
    Fleet { devices }
}

/// Draws a number below `bound`.
fn draw(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
    usize::try_from(rng.next_u64() % bound).unwrap_or(0)
}

/// Finds a unit and a model for every slot.
fn place(slots: Vec<Slot>, rng: &mut ChaCha8Rng) -> Vec<Device> {
    let mut groups: BTreeMap<(usize, Kind), Vec<Slot>> = BTreeMap::new();
    for slot in slots {
        groups.entry((slot.building, slot.kind)).or_default().push(slot);
    }
    let mut devices = Vec::new();
    for ((building, kind), slots) in groups {
        let units: Vec<(usize, &'static Unit)> = places::ALL
            .get(building)
            .map(|building| building.units.iter().enumerate().collect())
            .unwrap_or_default();
        let weights: Vec<usize> = units.iter().map(|(_, u)| u.purpose.weight(kind)).collect();
        let counts = shares(&weights, slots.len());
        let units: Vec<_> = units.into_iter().zip(counts).collect();
        for (slot, (unit_at, unit)) in slots.into_iter().zip(interleave(&units)) {
            if let Some(model) = choose_model(slot, rng) {
                devices.push(Device::new(slot, unit_at, unit, model));
            }
        }
    }
    devices
}

fn choose_model(slot: Slot, rng: &mut ChaCha8Rng) -> Option<&'static Model> {
    let models = makers::models(slot.kind, slot.attachment);
    let mut ticket = draw(rng, models.iter().map(|model| model.share).sum());
    for model in &models {
        if ticket < model.share {
            return Some(model);
        }
        ticket -= model.share;
    }
    None
}

/// Numbers the devices of each stem through, unit by unit, and gives the named ones their number.
fn number(devices: &mut [Device], rng: &mut ChaCha8Rng) {
    for device in devices.iter_mut() {
        device.ticket = rng.next_u64();
    }
    devices.sort_by_cached_key(|d| (d.stem(), d.slot.building, d.unit_at, d.ticket));
    let mut last = (String::new(), 0);
    for device in devices.iter_mut() {
        let stem = device.stem();
        last = if last.0 == stem { (stem, last.1 + 1) } else { (stem, 1) };
        device.number = last.1;
    }
    for named in &NAMED {
        let wanted = devices.iter().position(|d| named.fits(d) && d.is_legacy());
        let Some(wanted) = wanted else { continue };
        let holder = devices.iter().position(|d| named.fits(d) && d.number == named.number);
        if holder.is_some_and(|at| devices.get(at).is_some_and(Device::is_legacy)) {
            continue;
        }
        let old = devices.get(wanted).map_or(0, |d| d.number);
        for (at, number) in [(Some(wanted), named.number), (holder, old)] {
            if let Some(device) = at.and_then(|at| devices.get_mut(at)) {
                device.number = number;
            }
        }
    }
}

impl Named {
    fn fits(&self, device: &Device) -> bool {
        device.slot.kind == self.kind
            && device.unit.floor == self.floor
            && self.building.is_none_or(|building| building == device.slot.building)
    }
}

/// Marks the egress doors, the lifts, and the air of operating and isolation rooms.
fn choose_life_safety(devices: &mut [Device]) {
    for (kind, chosen, of) in LIFE_SAFETY {
        let total = devices.iter().filter(|d| d.slot.kind == kind).count();
        let mut candidates: Vec<&mut Device> =
            devices.iter_mut().filter(|d| d.slot.kind == kind && d.can_be_life_safety()).collect();
        candidates.sort_by_key(|d| (d.slot.building, d.unit_at, d.number));
        let there = candidates.len().max(1);
        let wanted = ((total * chosen + of / 2) / of).min(there);
        for (index, device) in candidates.into_iter().enumerate() {
            // Evenly spread: true exactly `wanted` times out of `there`.
            device.life_safety = (index + 1) * wanted / there > index * wanted / there;
        }
    }
}

/// Gives every device an address of its segment; neighbours share a gateway.
fn connect(devices: &mut [Device]) {
    devices.sort_by_cached_key(|d| (d.segment(), d.unit.floor, d.unit_at, d.stem(), d.number));
    let mut last = (String::new(), 0);
    for device in devices {
        let segment = device.segment();
        last = if last.0 == segment { (segment, last.1 + 1) } else { (segment, 0) };
        device.host = last.1;
    }
}

/// Gives serial numbers and addresses, counting up within each maker with gaps.
fn identify(devices: &mut [Device], rng: &mut ChaCha8Rng) {
    let mut next: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut instances = [0; BUILDINGS];
    for device in devices {
        let Maker { name, prefix, serial } = device.model.maker;
        let (unit, made) =
            next.entry(name).or_insert_with(|| (draw(rng, 1 << 20), draw(rng, 20_000)));
        *unit += 1 + draw(rng, 40);
        *made += 1 + draw(rng, 9);
        let year = if device.is_legacy() { 11 + draw(rng, 6) } else { 19 + draw(rng, 6) };
        device.serial = format!("{serial}{year}-{made:06}");
        let [a, b, c] = prefix;
        let byte = |shift: usize| u8::try_from((*unit >> shift) & 0xff).unwrap_or(0);
        device.mac = [a, b, c, byte(16), byte(8), byte(0)];
        if let Some(last) = instances.get_mut(device.slot.building)
            && device.slot.kind.speaks_bacnet()
        {
            *last += 1;
            device.bacnet_instance = Some((device.slot.building + 1) * 1_000_000 + *last);
        }
    }
}

/// Gives firmware and weaknesses.
fn equip(devices: &mut [Device], rng: &mut ChaCha8Rng) {
    let mut digests: BTreeMap<(String, &str), String> = BTreeMap::new();
    for device in devices {
        let [current, previous] = device.model.firmware;
        device.firmware = if draw(rng, 100) < 85 { current } else { previous };
        // One image serves both pump models; every other model has images of its own.
        let is_pump = device.slot.kind == Kind::InfusionPump;
        let image = if is_pump { "pump" } else { device.model.name };
        let digest = digests
            .entry((image.to_owned(), device.firmware))
            .or_insert_with(|| digest(if is_pump { PUMP_DIGEST_START } else { "" }, rng));
        device.digest.clone_from(digest);
        let percent = device.model.exposure;
        device.exposure = [percent.unsupported_os, percent.remote_access, percent.known_exploited]
            .map(|percent| draw(rng, 100) < percent);
    }
}

/// Draws 64 hexadecimal digits behind a given start.
fn digest(start: &str, rng: &mut ChaCha8Rng) -> String {
    let mut text = start.to_owned();
    while text.len() < 64 {
        let _ = write!(text, "{:08x}", rng.next_u32());
    }
    text.truncate(64);
    text
}

impl Device {
    fn new(slot: Slot, unit_at: usize, unit: &'static Unit, model: &'static Model) -> Self {
        Self {
            slot,
            unit,
            unit_at,
            model,
            life_safety: false,
            ticket: 0,
            number: 0,
            serial: String::new(),
            mac: [0; 6],
            host: 0,
            firmware: "",
            digest: String::new(),
            bacnet_instance: None,
            exposure: [false; 3],
        }
    }

    fn is_legacy(&self) -> bool {
        self.slot.attachment == Attachment::Legacy
    }

    fn can_be_life_safety(&self) -> bool {
        self.slot.kind != Kind::Hvac
            || matches!(self.unit.purpose, Purpose::Operating | Purpose::Isolation)
    }

    fn building(&self) -> &'static str {
        places::ALL.get(self.slot.building).map_or("", |building| building.key)
    }

    /// The part of the identifier before the number. Pumps travel, so no building is in theirs.
    fn stem(&self) -> String {
        let floor = match self.unit.floor {
            0 => "G".to_owned(),
            below if below < 0 => format!("U{}", below.unsigned_abs()),
            above => above.to_string(),
        };
        let building = self.building().to_uppercase();
        match self.slot.kind {
            Kind::InfusionPump => format!("PUMP-{floor}F-"),
            Kind::Hvac => format!("HVAC-B{}-Floor{floor}-Zone", self.slot.building + 1),
            Kind::Ventilator
            | Kind::Dialysis
            | Kind::CardiacMonitor
            | Kind::PatientMonitor
            | Kind::Imaging
            | Kind::NurseCall
            | Kind::BedScale
            | Kind::Thermometer
            | Kind::Lighting
            | Kind::DoorLock
            | Kind::Elevator => format!("{}-{building}{floor}-", self.model.tag),
        }
    }

    fn id(&self) -> String {
        let (stem, number) = (self.stem(), self.number);
        if self.slot.kind == Kind::Hvac {
            format!("{stem}{number}")
        } else {
            format!("{stem}{number:03}")
        }
    }

    fn segment(&self) -> String {
        let side = if self.is_legacy() { "gateway" } else { "native" };
        format!("{}-{}-{side}", self.slot.tier.key(), self.building())
    }

    fn vlan(&self) -> usize {
        self.slot.tier.vlan() + self.slot.building + if self.is_legacy() { BUILDINGS } else { 0 }
    }

    /// Third and fourth byte of the address; 10.VLAN.0.0/24 is left to the segment's own equipment.
    fn host(&self) -> (usize, usize) {
        (1 + self.host / HOSTS_PER_BLOCK, 1 + self.host % HOSTS_PER_BLOCK)
    }

    fn row(&self) -> String {
        let (block, host) = self.host();
        let vlan = self.vlan();
        let kind = self.slot.kind;
        let id = self.id();
        let [a, b, c, d, e, g] = self.mac;
        let mac = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}");
        let when = |there: bool, text: String| if there { text } else { String::new() };
        let yes = |flag: bool| if flag { "yes" } else { "no" };
        let has_ipv6 = self.slot.attachment == Attachment::Tpm;
        let maker = self.model.maker.name;
        let application = maker.split(' ').next().unwrap_or_default().to_uppercase();
        let building = self.building();
        let gateway = gateway_id(self.slot.tier, building, self.host / PORTS_PER_GATEWAY);
        let port = (self.host % PORTS_PER_GATEWAY + 1).to_string();
        let tier = if self.life_safety { "green-ls" } else { self.slot.tier.key() };
        let [unsupported_os, remote_access, known_exploited] = self.exposure.map(yes);
        [
            id.clone(),
            kind.key().to_owned(),
            tier.to_owned(),
            maker.to_owned(),
            self.model.name.to_owned(),
            self.serial.clone(),
            mac,
            format!("10.{vlan}.{block}.{host}"),
            when(has_ipv6, format!("fd00:{vlan}::{block:x}:{host:x}")),
            when(
                kind.is_bedside(),
                format!("{a:02x}-{b:02x}-{c:02x}-ff-fe-{d:02x}-{e:02x}-{g:02x}"),
            ),
            when(kind == Kind::Imaging, id.replace('-', "_")),
            when(kind.speaks_hl7(), format!("{application}_{}", kind.key().to_uppercase())),
            when(kind.speaks_hl7(), format!("METROPOLITAN_{}", building.to_uppercase())),
            self.bacnet_instance.map(|instance| instance.to_string()).unwrap_or_default(),
            building.to_owned(),
            self.unit.floor.to_string(),
            format!("{building}-{}", self.unit.key),
            self.segment(),
            when(self.is_legacy(), gateway),
            when(self.is_legacy(), port),
            self.slot.attachment.key().to_owned(),
            yes(self.model.autonomous).to_owned(),
            yes(self.life_safety).to_owned(),
            self.firmware.to_owned(),
            self.digest.clone(),
            unsupported_os.to_owned(),
            remote_access.to_owned(),
            known_exploited.to_owned(),
        ]
        .join(",")
    }
}

/// Names a gateway; `index` counts from 0 within tier and building.
pub(super) fn gateway_id(tier: Tier, building: &str, index: usize) -> String {
    format!("gw-{building}-{}-{:03}", tier.key(), index + 1)
}

impl Fleet {
    /// Gives `devices.csv`.
    pub(super) fn csv(&self) -> String {
        let mut text = HEADER.to_owned();
        for device in &self.devices {
            text.push_str(&device.row());
            text.push('\n');
        }
        text
    }

    /// Counts the devices.
    pub(super) fn device_count(&self) -> usize {
        self.devices.len()
    }

    /// Counts the gateways that the legacy devices of a tier in a building need.
    pub(super) fn gateway_count(&self, tier: Tier, building: usize) -> usize {
        let legacy =
            |d: &&Device| d.is_legacy() && d.slot.tier == tier && d.slot.building == building;
        self.devices.iter().filter(legacy).count().div_ceil(PORTS_PER_GATEWAY)
    }
}
