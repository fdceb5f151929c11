//! The services of the plan: everything a device may be allowed to talk to, and a few it never is.

use std::fmt::Write as _;

use super::places;

/// A service, or four of them when it stands once in every building.
struct Entry {
    id: &'static str,
    name: &'static str,
    role: Option<&'static str>,
    zone: &'static str,
    /// With `{n}` for the number of the building, 1 to 4.
    addresses: &'static [&'static str],
    port: u16,
    transport: &'static str,
    protocol: &'static str,
    /// What it calls itself in its own protocol: key and value.
    called: &'static [(&'static str, &'static str)],
    guard: Option<&'static str>,
    per_building: bool,
    comment: &'static str,
}

/// What the entries below have in common, each changing what it must.
const ONE: Entry = Entry {
    id: "",
    name: "",
    role: None,
    zone: "clinical",
    addresses: &[],
    port: 0,
    transport: "tcp",
    protocol: "",
    called: &[],
    guard: None,
    per_building: false,
    comment: "",
};

const HL7: Entry = Entry { port: 2575, protocol: "hl7", ..ONE };
const DICOM: Entry = Entry { port: 11_112, protocol: "dicom", guard: Some("guard-imaging"), ..ONE };
const HTTPS: Entry = Entry { port: 443, protocol: "http", ..ONE };

/// In every building, one for its RED devices; the guard before it serves nothing else.
const LIFE: Entry = Entry { per_building: true, guard: Some("guard-life-{b}"), ..HL7 };

const BACNET: Entry = Entry {
    zone: "facility",
    port: 47_808,
    transport: "udp",
    protocol: "bacnet",
    per_building: true,
    guard: Some("guard-facility"),
    ..ONE
};

const INFRASTRUCTURE: Entry = Entry { zone: "infrastructure", transport: "udp", ..ONE };

/// Every service, in the order of the file.
const ENTRIES: [Entry; 28] = [
    Entry {
        id: "ehr-api",
        name: "Electronic health record API",
        addresses: &["10.50.20.30", "fd00:50:20::30"],
        guard: Some("guard-ehr"),
        comment: "Pumps fetch medication orders and leave vitals here every five minutes.",
        ..HTTPS
    },
    Entry {
        id: "hl7-interface-1",
        name: "HL7 interface engine, first",
        role: Some("hl7-interface"),
        addresses: &["10.50.21.10"],
        guard: Some("guard-hl7"),
        comment: "Two engines share a role: a device may use either.",
        ..HL7
    },
    Entry {
        id: "hl7-interface-2",
        name: "HL7 interface engine, second",
        role: Some("hl7-interface"),
        addresses: &["10.50.21.11"],
        guard: Some("guard-hl7"),
        ..HL7
    },
    Entry {
        id: "alarm-manager-{b}",
        name: "Alarm manager, {name}",
        role: Some("alarm-manager"),
        addresses: &["10.50.22.1{n}"],
        comment: "One in each building, so that no alarm has to leave it.",
        ..LIFE
    },
    Entry {
        id: "vent-data-{b}",
        name: "Ventilator data, {name}",
        role: Some("vent-data"),
        addresses: &["10.50.30.1{n}"],
        comment: "Endpoints of one device type each: all that a RED device may reach.",
        ..LIFE
    },
    Entry {
        id: "dialysis-data-{b}",
        name: "Dialysis data, {name}",
        role: Some("dialysis-data"),
        addresses: &["10.50.31.1{n}"],
        ..LIFE
    },
    Entry {
        id: "cardiac-central-{b}",
        name: "Cardiac central station, {name}",
        role: Some("cardiac-central"),
        addresses: &["10.50.32.1{n}"],
        ..LIFE
    },
    Entry {
        id: "pump-order-server",
        name: "Infusion order server",
        role: Some("pump-orders"),
        addresses: &["10.50.23.10"],
        guard: Some("guard-pumps"),
        comment: "The only one that may send an infusion order to a pump.",
        ..HL7
    },
    Entry {
        id: "pacs",
        name: "Picture archive",
        addresses: &["10.50.24.10"],
        called: &[("ae-title", "METRO_PACS")],
        comment: "Takes images, and opens an association back to say that it has stored them.",
        ..DICOM
    },
    Entry {
        id: "ris-worklist",
        name: "Radiology worklist",
        addresses: &["10.50.24.20"],
        called: &[("ae-title", "METRO_RIS")],
        ..DICOM
    },
    Entry {
        id: "nurse-call-{b}",
        name: "Nurse call server, {name}",
        role: Some("nurse-call-server"),
        zone: "operations",
        addresses: &["10.55.40.1{n}"],
        guard: Some("guard-nursing"),
        per_building: true,
        ..HL7
    },
    Entry {
        id: "nurse-station-{b}",
        name: "Nurse station server, {name}",
        role: Some("nurse-station"),
        zone: "operations",
        addresses: &["10.55.41.1{n}"],
        guard: Some("guard-nursing"),
        per_building: true,
        ..HTTPS
    },
    Entry {
        id: "building-management",
        name: "Building management system",
        zone: "facility",
        addresses: &["10.60.20.10"],
        guard: Some("guard-facility"),
        comment: "Takes fault reports of what is screwed to the building.",
        ..HTTPS
    },
    Entry {
        id: "bas",
        name: "Building automation server",
        role: Some("building-automation"),
        zone: "facility",
        addresses: &["10.60.10.5"],
        port: 502,
        protocol: "modbus",
        guard: Some("guard-facility"),
        comment: "The Modbus server; the HVAC controllers are its clients.",
        ..ONE
    },
    Entry {
        id: "lighting-control-{b}",
        name: "Lighting control, {name}",
        role: Some("lighting-control"),
        addresses: &["10.60.11.1{n}"],
        ..BACNET
    },
    Entry {
        id: "access-control",
        name: "Access control server",
        zone: "facility",
        addresses: &["10.60.12.10"],
        port: 4_070,
        protocol: "opaque",
        comment: "The locks' maker does not publish the protocol; only the connection has a name.",
        ..ONE
    },
    Entry {
        id: "elevator-controller-{b}",
        name: "Lift group controller, {name}",
        role: Some("elevator-controller"),
        addresses: &["10.60.13.1{n}"],
        ..BACNET
    },
    Entry {
        id: "fire-panel-{b}",
        name: "Fire panel, {name}",
        role: Some("fire-panel"),
        addresses: &["10.60.14.1{n}"],
        comment: "Opens doors and sends lifts to the ground floor.",
        guard: None,
        ..BACNET
    },
    Entry {
        id: "ntp-1",
        name: "Time server, first",
        role: Some("ntp"),
        addresses: &["10.70.0.123", "fd00:70::123"],
        port: 123,
        protocol: "ntp",
        ..INFRASTRUCTURE
    },
    Entry {
        id: "ntp-2",
        name: "Time server, second",
        role: Some("ntp"),
        addresses: &["10.70.0.124", "fd00:70::124"],
        port: 123,
        protocol: "ntp",
        ..INFRASTRUCTURE
    },
    Entry {
        id: "dns-1",
        name: "Name server, first",
        role: Some("dns"),
        addresses: &["10.70.0.53", "fd00:70::53"],
        port: 53,
        protocol: "dns",
        ..INFRASTRUCTURE
    },
    Entry {
        id: "dns-2",
        name: "Name server, second",
        role: Some("dns"),
        addresses: &["10.70.0.54", "fd00:70::54"],
        port: 53,
        protocol: "dns",
        ..INFRASTRUCTURE
    },
    Entry {
        id: "dhcp-1",
        name: "Address server, first",
        role: Some("dhcp"),
        addresses: &["10.70.0.67"],
        port: 67,
        protocol: "dhcp",
        ..INFRASTRUCTURE
    },
    Entry {
        id: "dhcp-2",
        name: "Address server, second",
        role: Some("dhcp"),
        addresses: &["10.70.0.68"],
        port: 67,
        protocol: "dhcp",
        ..INFRASTRUCTURE
    },
    Entry {
        id: "audit-log",
        name: "Audit record repository",
        addresses: &["10.70.0.51"],
        port: 6_514,
        transport: "tcp",
        protocol: "syslog",
        ..INFRASTRUCTURE
    },
    Entry {
        id: "remediation",
        name: "Repair host",
        zone: "quarantine",
        addresses: &["10.200.0.10"],
        comment: "In the quarantine network: a device moved there is next to it; in no profile.",
        ..HTTPS
    },
    Entry {
        id: "cordon-control",
        name: "cordon's decision points",
        zone: "management",
        addresses: &["10.80.0.11", "10.80.0.12", "10.80.0.13", "10.80.0.14"],
        comment: "No device talks to these; gateways, firewalls and guards do.",
        ..HTTPS
    },
    Entry {
        id: "corporate-proxy",
        name: "Web proxy of the offices",
        zone: "corporate",
        addresses: &["10.10.0.8"],
        port: 8_080,
        protocol: "http",
        comment: "In no profile: whatever of a device's network calls it is not that device.",
        ..ONE
    },
];

/// Writes the services, those of one entry in the order of the buildings.
pub(super) fn write(text: &mut String) {
    let _ = writeln!(text, "\n# ---- Services {}", "-".repeat(84));
    text.push_str(
        "# A profile names a service by its identifier, or several by the role they share; with\n\
         # `buildings` a device means the one in its own building. The guard is the enforcement\n\
         # point before the service: it ends the TLS of devices that have a key of their own.\n",
    );
    for entry in &ENTRIES {
        if !entry.comment.is_empty() {
            let _ = write!(text, "\n# {}", entry.comment);
        }
        if !entry.per_building {
            block(text, entry, None);
            continue;
        }
        for index in 0..places::ALL.len() {
            block(text, entry, Some(index));
        }
    }
}

fn block(text: &mut String, entry: &Entry, index: Option<usize>) {
    let building = index.and_then(|index| places::ALL.get(index));
    let number = index.map_or(0, |index| index + 1).to_string();
    let (key, name) = building.map_or(("", ""), |building| (building.key, building.name));
    let fill = |template: &str| {
        template.replace("{b}", key).replace("{name}", name).replace("{n}", &number)
    };
    let addresses: Vec<String> =
        entry.addresses.iter().map(|address| format!("\"{}\"", fill(address))).collect();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key} = {value}");
    };
    line("\n[[services]]\nid", &format!("\"{}\"", fill(entry.id)));
    line("name", &format!("\"{}\"", fill(entry.name)));
    if let Some(role) = entry.role {
        line("role", &format!("\"{role}\""));
    }
    line("zone", &format!("\"{}\"", entry.zone));
    line("addresses", &format!("[{}]", addresses.join(", ")));
    line("port", &entry.port.to_string());
    line("transport", &format!("\"{}\"", entry.transport));
    line("protocol", &format!("\"{}\"", entry.protocol));
    if matches!(entry.protocol, "hl7" | "dicom" | "modbus" | "bacnet" | "http") {
        line("inspector", &format!("\"{}\"", entry.protocol));
    }
    for (key, value) in entry.called {
        line(key, &format!("\"{value}\""));
    }
    if building.is_some() {
        line("buildings", &format!("[\"{key}\"]"));
    }
    if let Some(guard) = entry.guard {
        line("guard", &format!("\"{}\"", fill(guard)));
    }
}
