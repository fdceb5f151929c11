//! Reaching a bound is an error that says so.

use std::fmt::Write as _;

use super::*;
use crate::hospital::limits::{
    ADDRESSES_MAX, DEVICES_MAX, FILE_BYTES_MAX, FILES_MAX, FLOWS_MAX, NETWORKS_MAX, SEGMENTS_MAX,
    SERVICES_MAX,
};

fn many<T: std::fmt::Display>(count: usize, one: impl Fn(usize) -> T) -> String {
    let mut text = String::new();
    for number in 0..count {
        write!(text, "{}", one(number)).unwrap();
    }
    text
}

#[test]
fn files_are_bounded() {
    let mut sources = small();
    for number in 0..FILES_MAX {
        sources.insert(&format!("profiles/{number}.json"), "");
    }
    assert_eq!(said(&sources), ["too-many-files .:0:0 «»"]);
    let mut sources = small();
    sources.insert("hospital.toml", vec![b' '; FILE_BYTES_MAX + 1]);
    assert_eq!(said(&sources), ["file-too-large hospital.toml:0:0 «»"]);
}

/// Gives rows of doors, all different and all good.
fn doors(count: usize) -> String {
    many(count, |n| {
        let n = n + 1_000;
        let (a, b, c) = (n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);
        format!(
            "d-{n},door,green,Tür,D5,S-{n},02:00:00:{a:02x}:{b:02x}:{c:02x},11.{a}.{b}.{c},,,,{n},\
             main,0,plant,green-native,,,software-key,yes,yes,3.3,{}\n",
            "ab".repeat(32)
        )
    })
}

/// The small hospital with room for doors.
fn with_doors(rows: &str) -> Sources {
    let mut sources = small();
    edit(
        &mut sources,
        "hospital.toml",
        "[\"10.140.0.0/24\"]",
        "[\"10.140.0.0/24\", \"11.0.0.0/8\"]",
    );
    let text = String::from_utf8(sources.files["devices.csv"].clone()).unwrap();
    sources.insert("devices.csv", text + rows);
    sources
}

#[test]
fn devices_are_bounded() {
    let rows = doors(DEVICES_MAX - 6);
    let (first, most) = rows.split_once('\n').unwrap();
    let (hospital, report) = load(&with_doors(most));
    let devices = hospital.map(|hospital| hospital.devices.len());
    assert_eq!(devices, Some(DEVICES_MAX), "{:?}", report.entries);
    let said = said(&with_doors(&format!("{most}{first}\n")));
    let at = DEVICES_MAX + 2;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(&format!("over-limit devices.csv:{at}:1 «d-")), "{said:?}");
}

#[test]
fn an_error_in_every_row_is_counted_and_not_kept() {
    let rows = doors(100_000).replace("02:00:00", "03:00:00").replace(",plant,", ",plants,");
    let (hospital, report) = load(&with_doors(&rows));
    assert!(hospital.is_none());
    assert_eq!(report.entries.len(), Report::ENTRIES_MAX);
    assert_eq!(report.error_count(), report.entries.len() + report.omitted);
    assert!(report.error_count() >= 200_000, "{}", report.error_count());
}

#[test]
fn services_are_bounded() {
    let services = many(SERVICES_MAX - 3, |n| {
        format!(
            "\n[[services]]\nid = \"s{n}\"\nname = \"\"\nzone = \"clinical\"\nport = 1\n\
             addresses = [\"10.51.{}.{}\"]\ntransport = \"tcp\"\nprotocol = \"hl7\"\n",
            n / 256,
            n % 256
        )
    });
    let mut sources = small();
    edit(&mut sources, "hospital.toml", "\n[[gateways]]", &format!("{services}\n[[gateways]]"));
    let last = format!("«\"s{}\"»", SERVICES_MAX - 4);
    let said = said(&sources);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("over-limit hospital.toml:") && said[0].ends_with(&last),
        "{said:?}"
    );
}

#[test]
fn segments_are_bounded() {
    let vlans = (1..=4094).filter(|vlan| ![110, 121, 140, 990].contains(vlan));
    let segments: String = vlans
        .chain([1])
        .enumerate()
        .map(|(n, vlan)| {
            format!(
                "\n[[service-segments]]\nid = \"q{n}\"\nvlan = {vlan}\npurpose = \"unmanaged\"\n\
                 networks = []\n"
            )
        })
        .collect();
    let mut sources = small();
    edit(&mut sources, "hospital.toml", "\n[[gateways]]", &format!("{segments}\n[[gateways]]"));
    let last = format!("«\"q{}\"»", SEGMENTS_MAX - 4);
    let said = said(&sources);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("over-limit hospital.toml:") && said[0].ends_with(&last),
        "{said:?}"
    );
}

#[test]
fn lists_in_the_plan_are_bounded() {
    let addresses = many(ADDRESSES_MAX + 1, |n| format!("\"10.50.1.{n}\", "));
    let mut sources = small();
    edit(&mut sources, "hospital.toml", "[\"10.50.0.20\"]", &format!("[{addresses}]"));
    assert_eq!(said(&sources), [format!("over-limit hospital.toml:125:13 «[{addresses}]»")]);
    let networks = many(NETWORKS_MAX, |n| format!("\"10.250.{}.0/24\", ", n + 1));
    let mut sources = small();
    let more = format!("[{networks}\"10.250.0.0/24\"]");
    edit(&mut sources, "hospital.toml", "[\"10.250.0.0/24\"]", &more);
    let column = 13 + networks.len();
    assert_eq!(
        said(&sources),
        [format!("over-limit hospital.toml:98:{column} «\"10.250.0.0/24\"»")]
    );
}

#[test]
fn flows_are_bounded() {
    let flow = "\n[[flows]]\nservice = \"time\"\noperations = [\"ntp.query\"]\n";
    let mut sources = small();
    let text = String::from_utf8(sources.files["profiles/door.toml"].clone()).unwrap();
    sources.insert("profiles/door.toml", text.clone() + &flow.repeat(FLOWS_MAX - 1));
    assert_eq!(said(&sources), Vec::<String>::new());
    sources.insert("profiles/door.toml", text + &flow.repeat(FLOWS_MAX));
    let line = 7 + 4 * FLOWS_MAX;
    assert_eq!(said(&sources), [format!("over-limit profiles/door.toml:{line}:11 «\"time\"»")]);
    let mut sources = small();
    let text = String::from_utf8(sources.files["profiles/scale.toml"].clone()).unwrap();
    sources.insert("profiles/scale.toml", text + &flow.repeat(FLOWS_MAX - 1));
    assert_eq!(said(&sources), ["over-limit profiles/scale.toml:7:8 «\"scale.json\"»"]);
}

#[test]
fn more_rules_for_an_inspector_than_are_read() {
    let versions = vec!["\"2.6\""; 65].join(", ");
    let mut sources = small();
    let flow = r#"operations = ["hl7.rgv-o15"]"#;
    let with = format!("{flow}\ninspect.hl7.versions = [{versions}]");
    edit(&mut sources, "profiles/pump.toml", flow, &with);
    assert_eq!(said(&sources), ["over-limit profiles/pump.toml:19:1 «inspect»"]);
}
