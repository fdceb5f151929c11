//! One edit each, and exactly what is said about it.

use super::{edit, said, small};

struct Case {
    name: &'static str,
    file: &'static str,
    /// What is replaced, and by what.
    edit: (&'static str, &'static str),
    said: &'static [&'static str],
}

#[test]
fn every_fault_is_reported_where_it_is() {
    for case in CASES {
        let mut sources = small();
        edit(&mut sources, case.file, case.edit.0, case.edit.1);
        assert_eq!(said(&sources), case.said, "{}", case.name);
    }
}

#[test]
fn every_label_of_the_loader_has_a_case() {
    let tests = [
        include_str!("cases.rs"),
        include_str!("limits.rs"),
        include_str!("places.rs"),
        include_str!("together.rs"),
    ];
    for label in labels() {
        let said = format!("\"{label} ");
        assert!(tests.iter().any(|text| text.contains(&said)), "no case for `{label}`");
    }
}

/// Gives the labels that stand in the loader's sources.
fn labels() -> Vec<&'static str> {
    let sources = [
        include_str!("../../hospital.rs"),
        include_str!("../blame.rs"),
        include_str!("../devices.rs"),
        include_str!("../devices/row.rs"),
        include_str!("../devices/unique.rs"),
        include_str!("../plan.rs"),
        include_str!("../profiles.rs"),
        include_str!("../profiles/inspect.rs"),
        include_str!("../profiles/mud.rs"),
        include_str!("../raw.rs"),
    ];
    let markers = ["error(", "error_at(", "parsed(", "parsed_if_there(", "            ("];
    let mut labels = Vec::new();
    for source in sources {
        for marker in markers {
            for rest in source.split(marker).skip(1) {
                let Some(text) = rest.trim_start().strip_prefix('"') else { continue };
                let Some((label, _)) = text.split_once('"') else { continue };
                if label.contains('-') && !crate::hospital::COLUMNS.contains(&label) {
                    labels.push(label);
                }
            }
        }
    }
    labels.sort_unstable();
    labels.dedup();
    assert!(labels.len() > 45, "the sources are written in another way: {labels:?}");
    labels
}

const CASES: &[Case] = &[
    Case {
        name: "the id of the hospital is no identifier",
        file: "hospital.toml",
        edit: (r#"id = "small""#, r#"id = "sm all""#),
        said: &[r#"malformed-id hospital.toml:1:6 «"sm all"»"#],
    },
    Case {
        name: "the age limit is nothing",
        file: "hospital.toml",
        edit: ("bundle-age-max-s = 3600", "bundle-age-max-s = 0"),
        said: &["malformed-value hospital.toml:3:20 «0»"],
    },
    Case {
        name: "the text is not TOML",
        file: "hospital.toml",
        edit: (r#"name = "Annex""#, "name = Annex"),
        said: &["malformed-toml hospital.toml:31:8 «Annex»"],
    },
    Case {
        name: "two texts are not TOML",
        file: "hospital.toml",
        edit: ("name = \"Annex\"\nlowest-floor = 0", "name = Annex\nlowest-floor = ?"),
        said: &[
            "malformed-toml hospital.toml:31:8 «Annex»",
            "malformed-toml hospital.toml:32:16 «?»",
        ],
    },
    Case {
        name: "a key is unknown",
        file: "hospital.toml",
        edit: (r#"name = "Annex""#, r#"nahme = "Annex""#),
        said: &[
            "malformed-toml hospital.toml:29:1 «[[buildings]]»",
            "malformed-toml hospital.toml:31:1 «nahme»",
        ],
    },
    Case {
        name: "a key is there too much",
        file: "hospital.toml",
        edit: (r#"name = "Annex""#, "name = \"Annex\"\ncolour = \"red\"\nsize = 3"),
        said: &[
            "malformed-toml hospital.toml:32:1 «colour»",
            "malformed-toml hospital.toml:33:1 «size»",
        ],
    },
    Case {
        name: "a key of the whole file is unknown",
        file: "hospital.toml",
        edit: ("bundle-age-max-s = 3600", "bundle-age-max-s = 3600\nage = 1\n"),
        said: &["malformed-toml hospital.toml:4:1 «age»"],
    },
    Case {
        name: "a key of the whole file is missing",
        file: "hospital.toml",
        edit: (r#"name = "Haus zum Löwen""#, ""),
        said: &["malformed-toml hospital.toml:1:1 «»"],
    },
    Case {
        name: "a value is of another kind",
        file: "hospital.toml",
        edit: ("vlan = 121", r#"vlan = "121""#),
        said: &[r#"malformed-toml hospital.toml:76:8 «"121"»"#],
    },
    Case {
        name: "a word is unknown",
        file: "hospital.toml",
        edit: (r#"care = "technical""#, r#"care = "none""#),
        said: &[r#"malformed-toml hospital.toml:47:8 «"none"»"#],
    },
    Case {
        name: "floors stand on their head",
        file: "hospital.toml",
        edit: ("lowest-floor = 0\nhighest-floor = 2", "lowest-floor = 3\nhighest-floor = 2"),
        said: &["malformed-value hospital.toml:26:16 «3»"],
    },
    Case {
        name: "a building is there twice",
        file: "hospital.toml",
        edit: (r#"id = "annex""#, r#"id = "main""#),
        said: &[r#"duplicate-id hospital.toml:30:6 «"main"»"#],
    },
    Case {
        name: "a unit is in no building",
        file: "hospital.toml",
        edit: ("building = \"main\"\nfloor = 0\ncare", "building = \"mein\"\nfloor = 0\ncare"),
        said: &[r#"unknown-reference hospital.toml:45:12 «"mein"»"#],
    },
    Case {
        name: "a unit is on no floor",
        file: "hospital.toml",
        edit: ("floor = 0\ncare", "floor = 3\ncare"),
        said: &["unknown-floor hospital.toml:46:9 «3»"],
    },
    Case {
        name: "a network is malformed",
        file: "hospital.toml",
        edit: (r#""10.140.0.0/24""#, r#""10.140.0.0.0/24""#),
        said: &[r#"malformed-network hospital.toml:90:13 «"10.140.0.0.0/24"»"#],
    },
    Case {
        name: "a network has host bits",
        file: "hospital.toml",
        edit: (r#""10.140.0.0/24""#, r#""10.140.0.1/24""#),
        said: &[r#"malformed-network hospital.toml:90:13 «"10.140.0.1/24"»"#],
    },
    Case {
        name: "a zone is there twice",
        file: "hospital.toml",
        edit: (r#"id = "office""#, r#"id = "basics""#),
        said: &[
            r#"duplicate-id hospital.toml:60:6 «"basics"»"#,
            r#"unknown-reference hospital.toml:135:8 «"office"»"#,
        ],
    },
    Case {
        name: "a VLAN is out of range",
        file: "hospital.toml",
        edit: ("vlan = 121", "vlan = 4095"),
        said: &["malformed-vlan hospital.toml:76:8 «4095»"],
    },
    Case {
        name: "a VLAN is there twice",
        file: "hospital.toml",
        edit: ("vlan = 990", "vlan = 121"),
        said: &["duplicate-vlan hospital.toml:96:8 «121»"],
    },
    Case {
        name: "segments overlap, and a malformed network stands before",
        file: "hospital.toml",
        edit: (r#""10.250.0.0/24""#, r#""10.250.0.0.0", "10.140.0.128/25""#),
        said: &[
            r#"malformed-network hospital.toml:98:13 «"10.250.0.0.0"»"#,
            r#"overlapping-segments hospital.toml:98:29 «"10.140.0.128/25"»"#,
        ],
    },
    Case {
        name: "a segment is of GREEN-LS",
        file: "hospital.toml",
        edit: ("tier = \"green\"\nbuilding", "tier = \"green-ls\"\nbuilding"),
        said: &[r#"malformed-value hospital.toml:87:8 «"green-ls"»"#],
    },
    Case {
        name: "a segment is of a tier without a table",
        file: "hospital.toml",
        edit: ("tier = \"green\"\nbuilding", "tier = \"yellow\"\nbuilding"),
        said: &[r#"missing-tier hospital.toml:87:8 «"yellow"»"#],
    },
    Case {
        name: "an interface has a long name",
        file: "hospital.toml",
        edit: (r#""eth1.140""#, r#""ethernet-to-green""#),
        said: &[r#"malformed-interface hospital.toml:92:13 «"ethernet-to-green"»"#],
    },
    Case {
        name: "a service segment has another purpose",
        file: "hospital.toml",
        edit: (r#"purpose = "quarantine""#, r#"purpose = "clinical""#),
        said: &[r#"malformed-value hospital.toml:97:11 «"clinical"»"#],
    },
    Case {
        name: "a service segment has the name of a segment",
        file: "hospital.toml",
        edit: (r#"id = "quarantine""#, r#"id = "red-native""#),
        said: &[r#"duplicate-id hospital.toml:95:6 «"red-native"»"#],
    },
    Case {
        name: "firewalls share a name",
        file: "hospital.toml",
        edit: (r#"firewall = "fw-green""#, r#"firewall = "fw-red""#),
        said: &[r#"duplicate-id hospital.toml:91:12 «"fw-red"»"#],
    },
    Case {
        name: "a gateway is named like a firewall",
        file: "hospital.toml",
        edit: (r#"id = "gw-1""#, r#"id = "fw-red""#),
        said: &[
            "unknown-reference devices.csv:4:97 «gw-1»",
            "unknown-reference devices.csv:5:97 «gw-1»",
            "unknown-reference devices.csv:6:98 «gw-1»",
            r#"duplicate-id hospital.toml:142:6 «"fw-red"»"#,
        ],
    },
    Case {
        name: "a guard is named like a gateway",
        file: "hospital.toml",
        edit: (r#"guard = "guard-alarms""#, r#"guard = "gw-1""#),
        said: &[r#"duplicate-id hospital.toml:110:9 «"gw-1"»"#],
    },
    Case {
        name: "a service has no address",
        file: "hospital.toml",
        edit: (r#"["10.50.0.20"]"#, "[]"),
        said: &["service-without-address hospital.toml:125:13 «[]»"],
    },
    Case {
        name: "a service has an address that is none",
        file: "hospital.toml",
        edit: (r#""10.50.0.20""#, r#""10.50.0.256""#),
        said: &[r#"malformed-ip hospital.toml:125:14 «"10.50.0.256"»"#],
    },
    Case {
        name: "a service has a multicast address",
        file: "hospital.toml",
        edit: (r#""10.50.0.20""#, r#""224.0.0.251""#),
        said: &[r#"malformed-ip hospital.toml:125:14 «"224.0.0.251"»"#],
    },
    Case {
        name: "a service has port 0",
        file: "hospital.toml",
        edit: ("port = 2575", "port = 0"),
        said: &["malformed-port hospital.toml:106:8 «0»"],
    },
    Case {
        name: "two services are at one endpoint",
        file: "hospital.toml",
        edit: (r#"addresses = ["10.90.0.5"]"#, r#"addresses = ["10.50.0.20"]"#),
        said: &["duplicate-endpoint hospital.toml:137:8 «443»"],
    },
    Case {
        name: "an inspector reads something else",
        file: "hospital.toml",
        edit: (
            "protocol = \"hl7\"\ninspector = \"hl7\"",
            "protocol = \"hl7\"\ninspector = \"dicom\"",
        ),
        said: &[r#"wrong-inspector hospital.toml:109:13 «"dicom"»"#],
    },
    Case {
        name: "a service is in no zone",
        file: "hospital.toml",
        edit: (r#"zone = "office""#, r#"zone = "ofice""#),
        said: &[r#"unknown-reference hospital.toml:135:8 «"ofice"»"#],
    },
    Case {
        name: "a service serves no building",
        file: "hospital.toml",
        edit: (r#"buildings = ["main"]"#, r#"buildings = ["main", "nain"]"#),
        said: &[r#"unknown-reference hospital.toml:130:22 «"nain"»"#],
    },
    Case {
        name: "a role is no identifier",
        file: "hospital.toml",
        edit: (r#"role = "alarm-desk""#, r#"role = "alarm desk""#),
        said: &[
            r#"malformed-id hospital.toml:103:8 «"alarm desk"»"#,
            r#"unknown-reference profiles/ventilator.toml:8:11 «"alarm-desk"»"#,
        ],
    },
    Case {
        name: "a gateway is in no segment",
        file: "hospital.toml",
        edit: (r#"segment = "orange-gateway""#, r#"segment = "orange-getaway""#),
        said: &[r#"unknown-reference hospital.toml:143:11 «"orange-getaway"»"#],
    },
    Case {
        name: "a gateway is in a native segment",
        file: "hospital.toml",
        edit: (r#"segment = "orange-gateway""#, r#"segment = "green-native""#),
        said: &[
            "wrong-gateway devices.csv:4:97 «gw-1»",
            "wrong-gateway devices.csv:5:97 «gw-1»",
            "wrong-gateway devices.csv:6:98 «gw-1»",
            r#"wrong-segment hospital.toml:143:11 «"green-native"»"#,
        ],
    },
    Case {
        name: "a gateway has no ports",
        file: "hospital.toml",
        edit: ("ports = 4", "ports = 0"),
        said: &["malformed-value hospital.toml:144:9 «0»"],
    },
    Case {
        name: "an override has no reason",
        file: "hospital.toml",
        edit: (r#"why = "weighs patients on dialysis""#, r#"why = " ""#),
        said: &[r#"incomplete-override hospital.toml:152:7 «" "»"#],
    },
    Case {
        name: "an override has no date",
        file: "hospital.toml",
        edit: (r#"until = "2027-03-31""#, r#"until = "2027-02-29""#),
        said: &[r#"malformed-date hospital.toml:153:9 «"2027-02-29"»"#],
    },
    Case {
        name: "an override is for nobody",
        file: "hospital.toml",
        edit: (r#"device = "scale-1""#, r#"device = "scale-2""#),
        said: &[
            "wrong-tier devices.csv:6:15 «orange»",
            r#"unknown-reference hospital.toml:149:10 «"scale-2"»"#,
        ],
    },
    Case {
        name: "the first line is empty and a column is unknown",
        file: "devices.csv",
        edit: ("id,type,tier", "\nid,typo,tier"),
        said: &[
            "missing-column devices.csv:2:1 «id,typo,tier,vendor,model,serial,mac,ip,ipv6,eui64,ae-title,bacnet-instance,building,floor,unit,segment,gateway,port,attachment,autonomous,life-safety,firmware,firmware-sha256»",
            "unknown-column devices.csv:2:4 «typo»",
        ],
    },
    Case {
        name: "a column is there twice",
        file: "devices.csv",
        edit: ("eui64,ae-title", "eui64,mac"),
        said: &["duplicate-column devices.csv:1:52 «mac»"],
    },
    Case {
        name: "a column is missing",
        file: "devices.csv",
        edit: ("attachment,autonomous", "attachment,life-safety"),
        said: &[
            "missing-column devices.csv:1:1 «id,type,tier,vendor,model,serial,mac,ip,ipv6,eui64,ae-title,bacnet-instance,building,floor,unit,segment,gateway,port,attachment,life-safety,life-safety,firmware,firmware-sha256»",
            "duplicate-column devices.csv:1:141 «life-safety»",
        ],
    },
    Case {
        name: "a row is short",
        file: "devices.csv",
        edit: ("VENT_2,,main", "VENT_2,main"),
        said: &[
            r#"unreadable-row devices.csv:3:1 «vent-2,ventilator,red,"Märklin, Söhne",V9,V9-002,00:1b:21:00:00:02,10.110.0.12,fd00:110::12,00-1b-21-ff-fe-00-00-02,VENT_2,main,1,icu,red-native,,,tpm,yes,,9.1,abababababababababababababababababababababababababababababababab»"#,
        ],
    },
    Case {
        name: "a quote stays open",
        file: "devices.csv",
        edit: (r#""Märklin, Söhne""#, r#""Märklin, Söhne"#),
        said: &[
            r#"unreadable-row devices.csv:3:1 «vent-2,ventilator,red,"Märklin, Söhne,V9,V9-002,00:1b:21:00:00:02,10.110.0.12,fd00:110::12,00-1b-21-ff-fe-00-00-02,VENT_2,,main,1,icu,red-native,,,tpm,yes,,9.1,abababababababababababababababababababababababababababababababab»"#,
        ],
    },
    Case {
        name: "an id is malformed",
        file: "devices.csv",
        edit: ("door-2,door", "döör-2,door"),
        said: &["malformed-id devices.csv:8:1 «döör-2»"],
    },
    Case {
        name: "an id is empty",
        file: "devices.csv",
        edit: ("door-2,door", ",door"),
        said: &["missing-value devices.csv:8:1 «»"],
    },
    Case {
        name: "an id is there twice",
        file: "devices.csv",
        edit: ("door-2,door", "door-1,door"),
        said: &["duplicate-id devices.csv:8:1 «door-1»"],
    },
    Case {
        name: "a type is unknown",
        file: "devices.csv",
        edit: ("door-2,door", "door-2,dor"),
        said: &["unknown-type devices.csv:8:8 «dor»"],
    },
    Case {
        name: "a type is empty",
        file: "devices.csv",
        edit: ("door-2,door", "door-2,"),
        said: &["missing-value devices.csv:8:8 «»"],
    },
    Case {
        name: "a tier is unknown",
        file: "devices.csv",
        edit: ("door-2,door,green", "door-2,door,purple"),
        said: &["unknown-tier devices.csv:8:13 «purple»"],
    },
    Case {
        name: "a tier has no table",
        file: "devices.csv",
        edit: ("door-2,door,green", "door-2,door,green-ls"),
        said: &["missing-tier devices.csv:8:13 «green-ls»"],
    },
    Case {
        name: "a tier is not that of the type",
        file: "devices.csv",
        edit: ("pump-2,pump,orange", "pump-2,pump,red"),
        said: &[
            "wrong-tier devices.csv:5:13 «red»",
            "wrong-segment devices.csv:5:79 «orange-gateway»",
        ],
    },
    Case {
        name: "a serial is empty",
        file: "devices.csv",
        edit: ("P2-002", ""),
        said: &["missing-value devices.csv:5:30 «»"],
    },
    Case {
        name: "a serial is there twice",
        file: "devices.csv",
        edit: ("P2-002", "P2-001"),
        said: &["duplicate-serial devices.csv:5:30 «P2-001»"],
    },
    Case {
        name: "a MAC address is malformed, behind quotes and umlauts",
        file: "devices.csv",
        edit: ("00:1b:21:00:00:02", "00:1b:21:00:00:0x"),
        said: &["malformed-mac devices.csv:3:50 «00:1b:21:00:00:0x»"],
    },
    Case {
        name: "a MAC address is there twice, spelt in another way",
        file: "devices.csv",
        edit: ("00:1b:21:00:00:02", "001B.2100.0001"),
        said: &["duplicate-mac devices.csv:3:50 «001B.2100.0001»"],
    },
    Case {
        name: "an address is malformed",
        file: "devices.csv",
        edit: ("10.110.0.12", "10.110.0"),
        said: &["malformed-ip devices.csv:3:68 «10.110.0»"],
    },
    Case {
        name: "an address is there twice",
        file: "devices.csv",
        edit: ("10.110.0.12", "10.110.0.11"),
        said: &["duplicate-ip devices.csv:3:68 «10.110.0.11»"],
    },
    Case {
        name: "an IPv6 address is malformed",
        file: "devices.csv",
        edit: ("fd00:110::12", "fd00:110:::12"),
        said: &["malformed-ip devices.csv:3:80 «fd00:110:::12»"],
    },
    Case {
        name: "an address is outside the segment",
        file: "devices.csv",
        edit: ("10.110.0.12", "10.111.0.12"),
        said: &["address-outside-segment devices.csv:3:68 «10.111.0.12»"],
    },
    Case {
        name: "an address is the broadcast address",
        file: "devices.csv",
        edit: ("10.110.0.12", "10.110.0.255"),
        said: &["malformed-ip devices.csv:3:68 «10.110.0.255»"],
    },
    Case {
        name: "an address is that of a service",
        file: "devices.csv",
        edit: ("fd00:110::12", "fd00:70::1"),
        said: &[
            "address-outside-segment devices.csv:3:80 «fd00:70::1»",
            "duplicate-ip devices.csv:3:80 «fd00:70::1»",
        ],
    },
    Case {
        name: "an EUI-64 is malformed",
        file: "devices.csv",
        edit: ("00-1b-21-ff-fe-00-00-02", "00-1b-21"),
        said: &["malformed-eui64 devices.csv:3:93 «00-1b-21»"],
    },
    Case {
        name: "an EUI-64 is there twice",
        file: "devices.csv",
        edit: ("00-1b-21-ff-fe-00-00-02", "00-1b-21-ff-fe-00-00-01"),
        said: &["duplicate-eui64 devices.csv:3:93 «00-1b-21-ff-fe-00-00-01»"],
    },
    Case {
        name: "an AE title is too long",
        file: "devices.csv",
        edit: ("VENT_2", "VENTILATOR_NUMBER_2"),
        said: &["malformed-value devices.csv:3:117 «VENTILATOR_NUMBER_2»"],
    },
    Case {
        name: "an AE title is there twice",
        file: "devices.csv",
        edit: ("VENT_2", "VENT_1"),
        said: &["duplicate-ae-title devices.csv:3:117 «VENT_1»"],
    },
    Case {
        name: "a BACnet instance is too large",
        file: "devices.csv",
        edit: (",78,", ",4194303,"),
        said: &["malformed-value devices.csv:8:66 «4194303»"],
    },
    Case {
        name: "a BACnet instance is no number",
        file: "devices.csv",
        edit: (",78,", ",x,"),
        said: &["malformed-value devices.csv:8:66 «x»"],
    },
    Case {
        name: "a BACnet instance is there twice",
        file: "devices.csv",
        edit: (",78,", ",77,"),
        said: &["duplicate-bacnet devices.csv:8:66 «77»"],
    },
    Case {
        name: "a building is unknown",
        file: "devices.csv",
        edit: ("77,main,0", "77,mein,0"),
        said: &["unknown-reference devices.csv:7:69 «mein»"],
    },
    Case {
        name: "a building is another one",
        file: "devices.csv",
        edit: ("77,main,0", "77,annex,0"),
        said: &[
            "wrong-unit devices.csv:7:77 «plant»",
            "wrong-segment devices.csv:7:83 «green-native»",
        ],
    },
    Case {
        name: "a floor is no number",
        file: "devices.csv",
        edit: ("77,main,0", "77,main,EG"),
        said: &["malformed-value devices.csv:7:74 «EG»"],
    },
    Case {
        name: "a floor is another one",
        file: "devices.csv",
        edit: ("77,main,0", "77,main,1"),
        said: &["wrong-unit devices.csv:7:76 «plant»"],
    },
    Case {
        name: "a unit is unknown",
        file: "devices.csv",
        edit: ("77,main,0,plant", "77,main,0,plants"),
        said: &["unknown-reference devices.csv:7:76 «plants»"],
    },
    Case {
        name: "a segment is unknown",
        file: "devices.csv",
        edit: ("77,main,0,plant,green-native", "77,main,0,plant,grün"),
        said: &["unknown-reference devices.csv:7:82 «grün»"],
    },
    Case {
        name: "a segment is of another tier",
        file: "devices.csv",
        edit: ("77,main,0,plant,green-native", "77,main,0,plant,red-native"),
        said: &[
            "address-outside-segment devices.csv:7:51 «10.140.0.11»",
            "wrong-segment devices.csv:7:82 «red-native»",
        ],
    },
    Case {
        name: "an attachment is unknown",
        file: "devices.csv",
        edit: ("77,main,0,plant,green-native,,,software-key", "77,main,0,plant,green-native,,,key"),
        said: &["malformed-value devices.csv:7:97 «key»"],
    },
    Case {
        name: "an attachment does not fit the segment",
        file: "devices.csv",
        edit: (
            "P2-002,00:1b:21:00:00:12,10.121.0.12,,,,,main,1,icu,orange-gateway,gw-1,2,legacy",
            "P2-002,00:1b:21:00:00:12,10.121.0.12,,,,,main,1,icu,orange-gateway,,,tpm",
        ),
        said: &["wrong-segment devices.csv:5:82 «orange-gateway»"],
    },
    Case {
        name: "a gateway is needed",
        file: "devices.csv",
        edit: ("gw-1,2", ",2"),
        said: &["missing-gateway devices.csv:5:97 «»"],
    },
    Case {
        name: "a gateway is needless",
        file: "devices.csv",
        edit: ("77,main,0,plant,green-native,,", "77,main,0,plant,green-native,gw-1,4"),
        said: &[
            "needless-gateway devices.csv:7:95 «gw-1»",
            "needless-gateway devices.csv:7:100 «4»",
        ],
    },
    Case {
        name: "a gateway is unknown",
        file: "devices.csv",
        edit: ("gw-1,2", "gw-7,2"),
        said: &["unknown-reference devices.csv:5:97 «gw-7»"],
    },
    Case {
        name: "a gateway is of another tier and segment",
        file: "devices.csv",
        edit: (
            "10.140.0.11,,,,77,main,0,plant,green-native,,,software-key",
            "10.140.0.11,,,,77,main,0,plant,green-native,gw-1,4,legacy",
        ),
        said: &[
            "wrong-segment devices.csv:7:82 «green-native»",
            "wrong-gateway devices.csv:7:95 «gw-1»",
        ],
    },
    Case {
        name: "an access port is malformed",
        file: "devices.csv",
        edit: ("gw-1,2", "gw-1,two"),
        said: &["malformed-port devices.csv:5:102 «two»"],
    },
    Case {
        name: "an access port is empty",
        file: "devices.csv",
        edit: ("gw-1,2", "gw-1,"),
        said: &["missing-value devices.csv:5:102 «»"],
    },
    Case {
        name: "an access port is beyond the last",
        file: "devices.csv",
        edit: ("gw-1,2", "gw-1,5"),
        said: &["gateway-full devices.csv:5:102 «5»"],
    },
    Case {
        name: "an access port is taken",
        file: "devices.csv",
        edit: ("gw-1,2", "gw-1,1"),
        said: &["gateway-full devices.csv:5:102 «1»"],
    },
    Case {
        name: "a yes is neither",
        file: "devices.csv",
        edit: ("gw-1,2,legacy,yes", "gw-1,2,legacy,ja"),
        said: &["malformed-value devices.csv:5:111 «ja»"],
    },
    Case {
        name: "a digest is short",
        file: "devices.csv",
        edit: ("legacy,no,,1.0,ab", "legacy,no,,1.0,"),
        said: &[
            "malformed-digest devices.csv:6:120 «ababababababababababababababababababababababababababababababab»",
        ],
    },
    Case {
        name: "a firmware is empty",
        file: "devices.csv",
        edit: ("legacy,no,,1.0,", "legacy,no,,,"),
        said: &["missing-value devices.csv:6:116 «»"],
    },
    Case {
        name: "a profile is not TOML",
        file: "profiles/door.toml",
        edit: (r#"tier = "green""#, "tier = green"),
        said: &["malformed-toml profiles/door.toml:3:8 «green»"],
    },
    Case {
        name: "a profile has an unknown key",
        file: "profiles/door.toml",
        edit: (r#"tier = "green""#, "tier = \"green\"\ncolour = \"brown\""),
        said: &["malformed-toml profiles/door.toml:4:1 «colour»"],
    },
    Case {
        name: "a profile is of a tier without a table",
        file: "profiles/door.toml",
        edit: (r#"tier = "green""#, r#"tier = "yellow""#),
        said: &[r#"missing-tier profiles/door.toml:3:8 «"yellow"»"#],
    },
    Case {
        name: "a profile names a service that is missing",
        file: "profiles/door.toml",
        edit: (r#""time""#, r#""tine""#),
        said: &[r#"unknown-reference profiles/door.toml:7:11 «"tine"»"#],
    },
    Case {
        name: "a profile names a verb that is none",
        file: "profiles/door.toml",
        edit: (r#""ntp.query""#, r#""ntp.query", "ntp.qwery""#),
        said: &[r#"unknown-operation profiles/door.toml:8:28 «"ntp.qwery"»"#],
    },
    Case {
        name: "a profile names a verb of another protocol",
        file: "profiles/door.toml",
        edit: (r#""ntp.query""#, r#""ntp.query", "dns.query""#),
        said: &[r#"wrong-protocol profiles/door.toml:8:28 «"dns.query"»"#],
    },
    Case {
        name: "a flow has no verb",
        file: "profiles/door.toml",
        edit: (r#""ntp.query""#, ""),
        said: &[r#"no-operation profiles/door.toml:7:11 «"time"»"#],
    },
    Case {
        name: "a flow towards the device has no port",
        file: "profiles/pump.toml",
        edit: ("device-port = 6661\n", ""),
        said: &[r#"missing-port profiles/pump.toml:15:11 «"alarms"»"#],
    },
    Case {
        name: "a flow from the device has a port",
        file: "profiles/pump.toml",
        edit: ("direction = \"in\"\n", ""),
        said: &[r#"needless-port profiles/pump.toml:15:11 «"alarms"»"#],
    },
    Case {
        name: "a flow leads to the office",
        file: "profiles/door.toml",
        edit: (
            "service = \"time\"\noperations = [\"ntp.query\"]",
            "service = \"intranet\"\noperations = [\"http.get\"]",
        ),
        said: &[r#"forbidden-zone profiles/door.toml:7:11 «"intranet"»"#],
    },
    Case {
        name: "a flow has an unknown key, and its verb is wrong",
        file: "profiles/door.toml",
        edit: (r#""ntp.query"]"#, "\"ntp.qwery\"]\nlife-line = true"),
        said: &[
            r#"unknown-operation profiles/door.toml:8:15 «"ntp.qwery"»"#,
            "malformed-toml profiles/door.toml:9:1 «life-line»",
        ],
    },
    Case {
        name: "a flow is of another kind",
        file: "profiles/door.toml",
        edit: (r#"operations = ["ntp.query"]"#, r#"operations = "ntp.query""#),
        said: &[r#"malformed-toml profiles/door.toml:8:14 «"ntp.query"»"#],
    },
    Case {
        name: "a profile names a MUD file that is missing",
        file: "profiles/scale.toml",
        edit: (r#""scale.json""#, r#""skale.json""#),
        said: &[r#"missing-file profiles/scale.toml:7:8 «"skale.json"»"#],
    },
    Case {
        name: "a word of the MUD file means nothing",
        file: "profiles/scale.toml",
        edit: ("my-controller = [\"weights\"]\n", ""),
        said: &[r#"mud-unmapped profiles/scale.toml:7:8 «"scale.json"»"#],
    },
    Case {
        name: "a word of the MUD file means a service that is missing",
        file: "profiles/scale.toml",
        edit: (r#"["weights"]"#, r#"["wheights"]"#),
        said: &[r#"unknown-reference profiles/scale.toml:8:18 «"wheights"»"#],
    },
    Case {
        name: "a word of the MUD file means the office",
        file: "profiles/scale.toml",
        edit: (r#"["weights"]"#, r#"["intranet"]"#),
        said: &[r#"forbidden-zone profiles/scale.toml:8:18 «"intranet"»"#],
    },
    Case {
        name: "a verb for the MUD file is none",
        file: "profiles/scale.toml",
        edit: (r#""http.get", "http.post""#, r#""http.got""#),
        said: &[r#"unknown-operation profiles/scale.toml:9:15 «"http.got"»"#],
    },
    Case {
        name: "no verb for the MUD file fits",
        file: "profiles/scale.toml",
        edit: (r#""http.get", "http.post""#, r#""ntp.query""#),
        said: &[
            r#"no-operation profiles/scale.toml:7:8 «"scale.json"»"#,
            r#"no-operation profiles/scale.toml:7:8 «"scale.json"»"#,
        ],
    },
    Case {
        name: "the MUD file is not JSON",
        file: "profiles/scale.json",
        edit: (r#""mud-version": 1,"#, r#""mud-version": 1"#),
        said: &["mud-syntax profiles/scale.json:4:5 «»"],
    },
    Case {
        name: "the MUD file is of another version",
        file: "profiles/scale.json",
        edit: (r#""mud-version": 1,"#, r#""mud-version": 2,"#),
        said: &["mud-version profiles/scale.json:3:20 «2»"],
    },
    Case {
        name: "the MUD file opens many ports",
        file: "profiles/scale.json",
        edit: (r#""operator": "eq", "port": 8080"#, r#""lower-port": 8080, "upper-port": 8090"#),
        said: &[r#"mud-ports profiles/scale.toml:7:8 «"scale.json"»"#],
    },
    Case {
        name: "rules for an inspector of another protocol",
        file: "profiles/pump.toml",
        edit: (
            r#"operations = ["hl7.rgv-o15"]"#,
            "operations = [\"hl7.rgv-o15\"]\ninspect.modbus.units = [1]",
        ),
        said: &["wrong-protocol profiles/pump.toml:19:1 «inspect»"],
    },
    Case {
        name: "a version of HL7 that cannot be",
        file: "profiles/pump.toml",
        edit: (
            r#"operations = ["hl7.rgv-o15"]"#,
            "operations = [\"hl7.rgv-o15\"]\ninspect = { hl7 = { versions = [\"2.6\", \"two\"] } }",
        ),
        said: &[
            r#"malformed-value profiles/pump.toml:19:11 «{ hl7 = { versions = ["2.6", "two"] } }»"#,
        ],
    },
    Case {
        name: "an AE title of a service that speaks HL7",
        file: "hospital.toml",
        edit: (r#"inspector = "hl7""#, "inspector = \"hl7\"\nae-title = \"DESK\""),
        said: &[r#"wrong-protocol hospital.toml:110:12 «"DESK"»"#],
    },
    Case {
        name: "a service with a host name that is none",
        file: "hospital.toml",
        edit: (
            r#"inspector = "hl7""#,
            "inspector = \"hl7\"\nhost-names = [\"desk.example\", \"a b\"]",
        ),
        said: &[r#"malformed-value hospital.toml:110:31 «"a b"»"#],
    },
    Case {
        name: "a service with an empty HL7 application",
        file: "hospital.toml",
        edit: (r#"inspector = "hl7""#, "inspector = \"hl7\"\nhl7-application = \"\""),
        said: &[r#"malformed-value hospital.toml:110:19 «""»"#],
    },
];
