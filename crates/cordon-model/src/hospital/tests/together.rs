//! All that is wrong is reported together.

use super::*;

#[test]
fn faults_in_five_files_are_reported_at_once() {
    let mut sources = small();
    let edits = [
        ("hospital.toml", "vlan = 990", "vlan = 121"),
        ("hospital.toml", "\"10.250.0.0/24\"", "\"10.121.0.128/25\""),
        ("hospital.toml", "[\"10.50.0.20\"]", "[]"),
        ("hospital.toml", "why = \"weighs", "reason = \"\"\nwhy = \"weighs"),
        ("hospital.toml", "until = \"2027-03-31\"", "until = \"31.3.2027\""),
        ("devices.csv", "00:1b:21:00:00:02", "00:1b:21:00:00:01"),
        ("devices.csv", "10.121.0.12,", "10.121.0,"),
        ("devices.csv", "gw-1,2", "gw-1,1"),
        ("devices.csv", "V9-002", "V9-001"),
        ("devices.csv", "Märklin & Söhne", "\"Märklin, Söhne\""),
        ("devices.csv", "door-1,door", "door-1,dor"),
        ("devices.csv", "door-2,door,green,Tür", "door-2,door,green"),
        ("profiles/door.toml", "\"time\"", "\"tine\""),
        ("profiles/pump.toml", "impact = \"therapy\"", "impact = \"high\""),
        ("profiles/scale.json", "\"port\": 443", "\"port\": 66000"),
        ("profiles/scale.toml", "\"http.post\"", "\"http.push\""),
    ];
    for (file, from, to) in edits {
        edit(&mut sources, file, from, to);
    }
    sources.insert("profiles/ventilator.toml", b"name = \"Beatmungsger\xe4t\"".as_slice());
    let short_row = format!(
        "unreadable-row devices.csv:8:1 «door-2,door,green,D5,D5-002,00:1b:21:00:00:32,\
         10.140.0.12,,,,78,main,0,plant,green-native,,,software-key,yes,yes,3.3,{}»",
        "ab".repeat(32)
    );
    let expected = [
        "duplicate-serial devices.csv:3:43 «V9-001»",
        "duplicate-mac devices.csv:3:50 «00:1b:21:00:00:01»",
        "malformed-ip devices.csv:5:55 «10.121.0»",
        "gateway-full devices.csv:5:99 «1»",
        "unknown-type devices.csv:7:8 «dor»",
        &short_row,
        "duplicate-vlan hospital.toml:96:8 «121»",
        "overlapping-segments hospital.toml:98:13 «\"10.121.0.128/25\"»",
        "service-without-address hospital.toml:125:13 «[]»",
        "malformed-toml hospital.toml:152:1 «reason»",
        "malformed-date hospital.toml:154:9 «\"31.3.2027\"»",
        "unknown-reference profiles/door.toml:7:11 «\"tine\"»",
        "malformed-toml profiles/pump.toml:4:10 «\"high\"»",
        "mud-value profiles/scale.json:23:74 «66000»",
        "unknown-operation profiles/scale.toml:9:27 «\"http.push\"»",
        "wrong-encoding profiles/ventilator.toml:1:21 «\u{fffd}»",
    ];
    assert_eq!(said(&sources), expected);
}

#[test]
fn an_unreadable_plan_hides_no_fault_of_other_files() {
    for broken in [None, Some("id = "), Some("id = \"x\"")] {
        let mut sources = small();
        match broken {
            None => drop(sources.files.remove("hospital.toml")),
            Some(text) => sources.insert("hospital.toml", text),
        }
        edit(&mut sources, "devices.csv", "00:1b:21:00:00:02", "00:1b:21:00:00:01");
        edit(&mut sources, "devices.csv", "pump-2,pump", "pump-2,plump");
        edit(&mut sources, "profiles/door.toml", "ntp.query", "ntp.qwery");
        let said: Vec<_> = said(&sources).into_iter().filter(|s| !s.contains("hospital")).collect();
        let expected = [
            "duplicate-mac devices.csv:3:50 «00:1b:21:00:00:01»",
            "unknown-type devices.csv:5:8 «plump»",
            "unknown-operation profiles/door.toml:8:15 «\"ntp.qwery\"»",
        ];
        assert_eq!(said, expected, "{broken:?}");
    }
}

#[test]
fn a_missing_inventory_hides_no_fault_of_the_plan() {
    let mut sources = small();
    sources.files.remove("devices.csv");
    edit(&mut sources, "hospital.toml", "vlan = 990", "vlan = 0");
    let expected = ["missing-file devices.csv:0:0 «»", "malformed-vlan hospital.toml:96:8 «0»"];
    assert_eq!(said(&sources), expected);
}

#[test]
fn an_empty_directory_says_what_it_needs() {
    let expected = [
        "missing-file devices.csv:0:0 «»",
        "missing-file hospital.toml:0:0 «»",
        "missing-file policies:0:0 «»",
        "missing-file profiles:0:0 «»",
    ];
    assert_eq!(said(&Sources::default()), expected);
}

#[test]
fn every_broken_entry_of_a_list_is_reported() {
    let mut sources = small();
    let text = String::from_utf8(sources.files["hospital.toml"].clone()).unwrap();
    sources.insert("hospital.toml", text.replace("name = ", "nam = "));
    let unknown = said(&sources).iter().filter(|s| s.ends_with("«nam»")).count();
    assert_eq!(unknown, text.matches("name = ").count());
}

#[test]
fn who_refers_to_something_broken_is_not_blamed() {
    let cases = [
        ("hospital.toml", "vlan = 110", "vlan = 0", "malformed-vlan hospital.toml:66:8 «0»"),
        ("hospital.toml", "port = 2575", "port = -1", "malformed-toml hospital.toml:106:8 «-1»"),
        ("hospital.toml", "ports = 4", "ports = []", "malformed-toml hospital.toml:144:9 «[]»"),
        ("profiles/door.toml", "tier =", "tier", "malformed-toml profiles/door.toml:3:6 «»"),
    ];
    for (file, from, to, expected) in cases {
        let mut sources = small();
        edit(&mut sources, file, from, to);
        assert_eq!(said(&sources), [expected], "{to}");
    }
}

#[test]
fn a_file_name_with_two_endings_is_another_type() {
    let mut sources = small();
    sources.insert(
        "profiles/door.toml.toml",
        SMALL.iter().find(|(p, _)| p.contains("pump")).unwrap().1,
    );
    let (hospital, _) = load(&sources);
    let hospital = hospital.unwrap();
    assert_eq!(hospital.profiles.get("door").unwrap().name, "Egress door");
    assert_eq!(hospital.profiles.get("door.toml").unwrap().name, "Infusion pump");
}

#[test]
fn a_file_name_that_is_no_identifier_is_reported() {
    let mut sources = small();
    sources.insert("profiles/dö or.toml", "tier = \"green\"");
    let said = said(&sources);
    assert!(said.contains(&"malformed-id profiles/dö or.toml:0:0 «»".to_owned()), "{said:?}");
}
