//! The sums of a hospital: what `cordon check` prints.

use std::collections::BTreeMap;

use cordon_model::bundle::Role;
use cordon_model::{Attachment, Hospital, Tier};
use serde::Serialize;

use crate::compile::points;

/// Devices of one tier, by attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TierSum {
    /// Devices with a key in a TPM.
    pub tpm: usize,
    /// Devices with a key in software.
    pub software_key: usize,
    /// Devices without cryptography.
    pub legacy: usize,
    /// Gateways that serve the tier.
    pub gateways: usize,
}

impl TierSum {
    /// Counts the devices.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.tpm + self.software_key + self.legacy
    }
}

/// The sums of a hospital.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// By tier; GREEN-LS devices count under GREEN.
    pub tiers: BTreeMap<&'static str, TierSum>,
    /// GREEN-LS devices among GREEN.
    pub life_safety: usize,
    /// All devices.
    pub devices: usize,
    /// Devices by the group they are reported in.
    pub umbrellas: BTreeMap<String, usize>,
    /// Devices by type.
    pub types: BTreeMap<String, usize>,
    /// Buildings.
    pub buildings: usize,
    /// Micro-segments.
    pub segments: usize,
    /// Service segments outside them.
    pub service_segments: usize,
    /// Services.
    pub services: usize,
    /// Gateways.
    pub gateways: usize,
    /// Access ports of all gateways.
    pub access_ports: usize,
    /// Gateways that serve more than one tier; always none in a hospital that passed its checks.
    pub shared_gateways: usize,
    /// Gateways and segment firewalls: the enforcement points on the devices' side.
    pub enforcement_points: usize,
    /// Guards before services.
    pub guards: usize,
}

/// Adds up a hospital.
#[must_use]
pub fn summary(hospital: &Hospital) -> Summary {
    let mut sums = Summary {
        name: hospital.name.clone(),
        devices: hospital.devices.len(),
        buildings: hospital.buildings.len(),
        segments: hospital.segments.len(),
        service_segments: hospital.service_segments.len(),
        services: hospital.services.len(),
        gateways: hospital.gateways.len(),
        access_ports: hospital.gateways.values().map(|gateway| usize::from(gateway.ports)).sum(),
        ..Summary::default()
    };
    let mut gateway_tiers: BTreeMap<&str, Vec<Tier>> = BTreeMap::new();
    for device in &hospital.devices {
        let tier = device.tier.segment_tier();
        let sum = sums.tiers.entry(tier.name()).or_default();
        match device.attachment {
            Attachment::Tpm => sum.tpm += 1,
            Attachment::SoftwareKey => sum.software_key += 1,
            Attachment::Legacy => sum.legacy += 1,
        }
        sums.life_safety += usize::from(device.tier == Tier::GreenLs);
        *sums.types.entry(device.profile.to_string()).or_default() += 1;
        let umbrella = hospital.profiles.get(&device.profile).map(|p| p.umbrella.clone());
        *sums.umbrellas.entry(umbrella.unwrap_or_default()).or_default() += 1;
        if let Some((gateway, _)) = &device.gateway {
            let tiers = gateway_tiers.entry(gateway.as_str()).or_default();
            if !tiers.contains(&tier) {
                tiers.push(tier);
            }
        }
    }
    sums.shared_gateways = gateway_tiers.values().filter(|tiers| tiers.len() > 1).count();
    for gateway in hospital.gateways.values() {
        if let Some(segment) = hospital.segments.get(&gateway.segment) {
            sums.tiers.entry(segment.tier.name()).or_default().gateways += 1;
        }
    }
    for point in points(hospital).values() {
        match point.role {
            Role::Access | Role::Segment => sums.enforcement_points += 1,
            Role::Service => sums.guards += 1,
        }
    }
    sums
}
