//! Tests of the imports, on the vectors of `testdata/import` and on damaged copies of them.

use std::path::Path;

use super::mds2::Reply;
use super::*;

fn vector(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/import").join(name);
    let bytes = std::fs::read(path).unwrap_or_default();
    assert!(!bytes.is_empty(), "{name}");
    bytes
}

fn source<'a>(name: &'a str, bytes: &'a [u8]) -> Source<'a> {
    Source { name, bytes }
}

fn known() -> Known {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    let networks = [("10.110.0.0/24", "red-a", 110), ("fd00:110::/64", "red-a", 110)];
    let segment = |(network, id, vlan): (&str, &str, u16)| {
        let (id, building) = (id.to_owned(), "A".to_owned());
        network.parse().ok().map(|network| KnownSegment { network, id, vlan, building })
    };
    Known {
        vlans: [110, 120].into(),
        types: map(&[
            ("smart pump", "infusion-pump"),
            ("infusion-pump", "infusion-pump"),
            ("monitor", "monitor"),
        ]),
        tiers: map(&[("infusion-pump", "red")]),
        segments: networks.into_iter().filter_map(segment).collect(),
    }
}

fn choices(map: &[&str], defaults: &[&str]) -> Choices {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let outcome = Choices::parse(&texts(map), &texts(defaults));
    assert!(outcome.is_ok(), "{:?}", outcome.err());
    outcome.unwrap_or_default()
}

fn take(outcome: Result<Imported, ImportError>) -> Imported {
    assert!(outcome.is_ok(), "{:?}", outcome.err());
    let imported = outcome.unwrap_or_default();
    adds_up(&imported);
    imported
}

/// Nothing is dropped: every row is accepted, held or blank; every held row has a reason.
fn adds_up(imported: &Imported) {
    let (accepted, held) = (imported.accepted.len(), imported.held.len());
    assert_eq!(imported.rows_read, accepted + held + imported.rows_blank);
    let with_reason =
        |row: usize| imported.conflicts.iter().any(|c| c.row == row || c.other_row == Some(row));
    assert!(imported.held.iter().all(|device| with_reason(device.row)));
    assert!(!imported.accepted.iter().any(|device| with_reason(device.row)));
    assert!(imported.conflicts.iter().all(|c| !c.message.is_empty() && !c.help.is_empty()));
}

const SHA: &str = "abababababababababababababababababababababababababababababababab";

fn cmms_choices() -> Choices {
    let digest = format!("firmware-sha256={SHA}");
    choices(&[], &["attachment=legacy", "autonomous=yes", &digest])
}

#[test]
fn brings_a_foreign_export_into_our_columns_and_holds_what_contradicts() {
    let bytes = vector("cmms-export.csv");
    let imported = take(csv(source("cmms.csv", &bytes), &cmms_choices(), &known()));
    let labels: Vec<_> =
        imported.conflicts.iter().map(|c| (c.row, c.label, c.column, c.other_row)).collect();
    assert_eq!(
        labels,
        [
            (7, "duplicate-mac", "mac", Some(4)),
            (8, "malformed-mac", "mac", None),
            (8, "malformed-ip", "ip", None),
            (8, "impossible-vlan", "vlan", None),
            (8, "missing-value", "segment", None),
            (9, "unknown-type", "type", None),
            (9, "unknown-vlan", "vlan", None),
            (9, "address-outside-segments", "ip", None),
            (9, "missing-value", "tier", None),
            (9, "missing-value", "segment", None),
            (9, "missing-value", "firmware", None),
            (10, "uneven-row", "", None),
        ]
    );
    let rows = |devices: &[ImportedDevice]| devices.iter().map(|d| d.row).collect::<Vec<_>>();
    assert_eq!(rows(&imported.accepted), [5]);
    assert_eq!(rows(&imported.held), [4, 7, 8, 9, 10]);
    assert_eq!((imported.rows_read, imported.rows_blank), (7, 1));
    assert_eq!(imported.headers_unused, ["PM Due"]);
    let accepted = imported.accepted.first().map(|device| {
        ["type", "tier", "vendor", "mac", "ip", "floor", "segment"]
            .map(|c| device.get(c).to_owned())
    });
    let expected = [
        "infusion-pump",
        "red",
        "Müller Medizintechnik",
        "00:1b:21:3a:4f:61",
        "10.110.0.6",
        "3",
        "red-a",
    ];
    assert_eq!(accepted, Some(expected.map(str::to_owned)));
    assert!(imported.warnings.iter().any(|warning| warning.contains("Windows-1252")));
    let derived = imported.accepted.first().map(|device| device.derived.clone());
    let expected = ["attachment", "autonomous", "firmware-sha256", "tier", "segment"];
    assert_eq!(derived, Some(expected.to_vec()));
}

#[test]
fn writes_what_it_accepts_in_our_order_and_reads_it_back_unchanged() {
    let bytes = vector("devices.csv");
    let first = take(csv(source("devices.csv", &bytes), &Choices::default(), &Known::default()));
    assert_eq!(first.accepted.len(), 3);
    let mut out = Vec::new();
    assert!(write(&first.accepted, &mut out).is_ok());
    let text = String::from_utf8_lossy(&out).into_owned();
    assert_eq!(text.lines().next(), Some(COLUMNS.join(",").as_str()));
    let second = take(csv(source("again.csv", &out), &Choices::default(), &Known::default()));
    let mut again = Vec::new();
    assert!(write(&second.accepted, &mut again).is_ok());
    assert_eq!(out, again);
}

#[test]
fn a_mapping_and_a_default_of_the_person_win_over_guesses() {
    let text = "Name,Room code,Wing,MAC\nX-1,12,East,00:1b:21:3a:4f:60\n";
    let choices = choices(&["unit=Wing", "id=room code"], &["tier=Green LS", "model=M1"]);
    let imported = take(csv(source("x.csv", text.as_bytes()), &choices, &Known::default()));
    let device = imported.held.first().cloned().unwrap_or(ImportedDevice::new(0));
    let seen = ["id", "unit", "tier", "model"].map(|column| device.get(column));
    assert_eq!(seen, ["12", "East", "green-ls", "M1"]);
    assert_eq!(imported.headers_unused, ["Name"]);
    let missing = csv(
        source("x.csv", text.as_bytes()),
        &self::choices(&["unit=Ward"], &[]),
        &Known::default(),
    );
    assert!(matches!(missing, Err(ImportError::UnknownHeader { .. })));
    assert!(Choices::parse(&["colour=Wing".to_owned()], &[]).is_err());
    assert!(Choices::parse(&[], &["tier".to_owned()]).is_err());
}

#[test]
fn recognises_the_words_of_many_inventories() {
    let cases = [
        ("MAC Address", "mac"),
        ("HW Addr", "mac"),
        ("Asset Tag", "id"),
        ("Serial #", "serial"),
        ("S/N", "serial"),
        ("Manufacturer", "vendor"),
        ("Mfr.", "vendor"),
        ("Dept", "unit"),
        ("Bldg", "building"),
        ("firmware_sha256", "firmware-sha256"),
        ("IPv4 Address", "ip"),
        ("AE Title", "ae-title"),
        ("VLAN ID", "vlan"),
        ("hl7-facility", "hl7-facility"),
    ];
    for (header, column) in cases {
        let slot = headers::meaning(header, headers::Dialect::General).map(|(slot, _)| slot);
        assert_eq!(slot, headers::slot(column), "{header}");
    }
    assert_eq!(headers::meaning("PM due", headers::Dialect::General), None);
}

#[test]
fn reads_commas_semicolons_and_tabs_and_any_encoding() {
    let table = [["Asset Tag", "Hersteller"], ["A-1", "Müller, Söhne"]];
    for separator in [",", ";", "\t"] {
        let rows = table.map(|row| row.map(|cell| format!("\"{cell}\"")).join(separator));
        let text = rows.join("\r\n");
        let utf16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let latin: Vec<u8> =
            text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
        let marked = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
        let excel = format!("sep={separator}\r\n{text}").into_bytes();
        for bytes in [text.clone().into_bytes(), utf16, latin, marked, excel] {
            let imported = take(csv(source("t", &bytes), &Choices::default(), &Known::default()));
            let vendor = imported.held.first().map(|d| d.get("vendor").to_owned());
            assert_eq!(vendor.as_deref(), Some("Müller, Söhne"), "{separator:?}");
        }
    }
}

#[test]
fn a_retired_device_is_held_and_an_ipv6_address_finds_its_column() {
    let text = "id,ip,status,serial,vendor\nA,fd00:110::5/64,Retired,1,X\nB,,In use,1,Y\n";
    let imported = take(csv(source("t", text.as_bytes()), &Choices::default(), &known()));
    let labels: Vec<_> = imported.conflicts.iter().map(|c| (c.row, c.label)).collect();
    assert!(labels.contains(&(2, "not-in-service")));
    assert!(!labels.iter().any(|(_, label)| *label == "duplicate-serial"));
    let ends = imported.held.first().map(|d| (d.get("ip").to_owned(), d.get("ipv6").to_owned()));
    assert_eq!(ends, Some((String::new(), "fd00:110::5".to_owned())));
}

#[test]
fn refuses_what_is_no_table_with_a_header() {
    for text in ["", "\n\n", "hello\nworld\n", "PM due;Room\n1;2\n"] {
        let outcome = csv(source("t", text.as_bytes()), &Choices::default(), &Known::default());
        assert!(matches!(outcome, Err(ImportError::NoHeader { .. })), "{text:?}");
    }
}

#[test]
fn reads_the_table_export_of_netbox() {
    let bytes = vector("netbox-devices.csv");
    let imported = take(netbox(&[source("n.csv", &bytes)], &Choices::default(), &known()));
    let accepted = imported.accepted.first().map(|device| {
        [
            "id",
            "type",
            "vendor",
            "model",
            "serial",
            "building",
            "unit",
            "autonomous",
            "firmware-sha256",
        ]
        .map(|column| device.get(column).to_owned())
    });
    let expected =
        ["PUMP-001", "infusion-pump", "Aster Medical", "Flow 3", "S-1", "A", "ICU-3", "yes", SHA];
    assert_eq!(accepted, Some(expected.map(str::to_owned)));
    let labels: Vec<_> = imported.conflicts.iter().map(|c| (c.row, c.label)).collect();
    assert_eq!(labels, [(3, "not-in-service")]);
}

#[test]
fn reads_the_rest_answers_of_netbox_with_interfaces() {
    let (devices, interfaces) = (vector("netbox-devices.json"), vector("netbox-interfaces.json"));
    let sources = [source("d.json", &devices), source("i.json", &interfaces)];
    let imported = take(netbox(&sources, &Choices::default(), &known()));
    let macs: Vec<_> = imported.accepted.iter().map(|d| (d.row, d.get("mac").to_owned())).collect();
    let expected = [(1, "00:1b:21:3a:4f:60"), (2, "00:1b:21:3a:4f:61")];
    assert_eq!(macs, expected.map(|(row, mac)| (row, mac.to_owned())));
    let labels: Vec<_> = imported.conflicts.iter().map(|c| (c.row, c.label)).collect();
    assert_eq!(
        labels,
        [(3, "not-in-service"), (3, "missing-value"), (4, "ambiguous-mac"), (4, "missing-value")]
    );
    assert_eq!(imported.headers_unused, ["custom_fields.warranty"]);
    let foreign = netbox(&[source("x.json", b"{\"a\":1}")], &Choices::default(), &known());
    assert!(matches!(foreign, Err(ImportError::NotNetBox { .. })));
    let page = netbox(
        &[source("p.json", b"{\"next\":\"http://x\",\"results\":[]}")],
        &Choices::default(),
        &known(),
    );
    assert_eq!(take(page).warnings.len(), 1);
}

fn today() -> jiff::civil::Date {
    jiff::civil::date(2026, 11, 1)
}

#[test]
fn reads_a_form_from_a_table_and_from_a_workbook_alike() {
    let (table, book) = (vector("mds2-flow.csv"), vector("mds2-flow.xlsx"));
    let forms = [("t.csv", &table), ("t.xlsx", &book)].map(|(name, bytes)| {
        let form = mds2::read(source(name, bytes), today());
        assert!(form.is_ok(), "{name}: {:?}", form.err());
        form.ok()
    });
    let [Some(form), Some(other)] = &forms else {
        return;
    };
    assert_eq!(form, other);
    assert_eq!(
        (form.manufacturer.as_str(), form.released.as_str()),
        ("Aster Medical GmbH", "2026-03-20")
    );
    assert_eq!(form.models, ["Flow 3", "Flow 4"]);
    let fact = |name: &str| {
        form.facts
            .iter()
            .find(|f| f.name == name)
            .map(|f| (f.reply, f.question.clone(), f.note.clone()))
    };
    assert_eq!(fact("encryption-at-rest"), Some((Reply::No, "STCF-1".into(), String::new())));
    assert_eq!(
        fact("encryption-in-transit"),
        Some((Reply::Yes, "TXCF-2".into(), "from release 4 on".into()))
    );
    assert_eq!(fact("sbom"), Some((Reply::NotApplicable, "SBOM-1".into(), String::new())));
    let remote = form.remote_access.clone().map(|f| (f.value, f.questions));
    assert_eq!(remote, Some((true, vec!["RMOT-1".to_owned()])));
    let system = form.unsupported_os.clone().map(|f| (f.value, f.questions, f.why));
    let why = "support of Windows Embedded Standard 7 ended on 2020-10-13".to_owned();
    assert_eq!(system, Some((true, vec!["CSUP-2".to_owned()], why)));
    let attachment = form.attachment.clone().map(|s| (s.attachment, s.question));
    assert_eq!(attachment, Some(("tpm", "NAUT-3".to_owned())));
    assert_eq!(form.warnings, ["RMOT-1 is answered in row 17 and in row 20; the first counts"]);
}

#[test]
fn a_form_changes_the_rows_of_its_models_and_cites_the_question() {
    let (form, devices) = (vector("mds2-flow.xlsx"), vector("devices.csv"));
    let outcome =
        super::mds2(source("f", &form), source("d", &devices), &Known::default(), today());
    assert!(outcome.is_ok(), "{:?}", outcome.as_ref().err());
    let Ok(disclosed) = outcome else { return };
    adds_up(&disclosed.imported);
    assert_eq!(disclosed.matched, 2);
    let changes: Vec<_> = disclosed
        .changes
        .iter()
        .map(|c| (c.row, c.column, c.after.as_str(), c.questions.join(" "), c.is_applied))
        .collect();
    assert_eq!(
        changes,
        [
            (2, "unsupported-os", "yes", "CSUP-2".to_owned(), true),
            (2, "remote-access", "yes", "RMOT-1".to_owned(), true),
            (2, "attachment", "tpm", "NAUT-3".to_owned(), false),
            (3, "unsupported-os", "yes", "CSUP-2".to_owned(), true),
            (3, "attachment", "tpm", "NAUT-3".to_owned(), false),
        ]
    );
    let untouched = disclosed.imported.accepted.last().map(|d| d.get("remote-access").to_owned());
    assert_eq!(untouched.as_deref(), Some("no"));
}

#[test]
fn a_form_never_makes_a_device_look_safer() {
    let form = "DOC-1,Maker,Borealis\nDOC-3,Model,Vista 9\nRMOT-1,Remote?,No\nCSUP-2,OS?,No\n";
    let devices = String::from_utf8_lossy(&vector("devices.csv")).replace(",no\n", ",yes\n");
    let outcome = super::mds2(
        source("f", form.as_bytes()),
        source("d", devices.as_bytes()),
        &Known::default(),
        today(),
    );
    let Ok(disclosed) = outcome else {
        assert_eq!("applied", "refused");
        return;
    };
    let remote = disclosed.changes.iter().find(|c| c.column == "remote-access");
    assert_eq!(remote.map(|c| (c.before.as_str(), c.is_applied)), Some(("yes", false)));
    let device = disclosed.imported.accepted.last();
    assert_eq!(
        device.map(|d| (d.get("remote-access"), d.get("unsupported-os"))),
        Some(("yes", "no"))
    );
}

#[test]
fn knows_which_operating_system_a_note_names() {
    let form = |note: &str| format!("DOC-1,M,X\nDOC-3,M,Y\nCSUP-2,OS?,Yes,\"{note}\"\n");
    let cases = [
        ("Windows 10 IoT Enterprise LTSC 2021", Some(false)),
        ("Windows 10 Enterprise, version 1809 LTSC", Some(false)),
        ("Windows 10 Pro", Some(true)),
        ("Windows 11, 10 GB of disk", None),
        ("Windows 7 SP1 or Windows 10 LTSC 2019", Some(true)),
        ("Windows XP", Some(true)),
        ("Microsoft Windows Server 2019 Standard", Some(false)),
        ("Linux, kernel of our own", None),
    ];
    for (note, expected) in cases {
        let read = mds2::read(source("f", form(note).as_bytes()), today());
        let value = read.ok().and_then(|form| form.unsupported_os).map(|finding| finding.value);
        assert_eq!(value, expected, "{note}");
    }
}

#[test]
fn refuses_what_is_no_form() {
    let cases: [(&[u8], &str); 4] = [
        (b"a,b\n", "it has no question identifiers such as `RMOT-1`"),
        (b"RMOT-1,x,Yes\n", "DOC-1 (manufacturer) is not answered"),
        (b"%PDF-1.7", "it is a PDF; ask the maker for the xlsx form"),
        (b"\xd0\xcf\x11\xe0", "it is an old xls file; save it as xlsx"),
    ];
    for (bytes, expected) in cases {
        let outcome = mds2::read(source("f", bytes), today());
        let Err(ImportError::NotMds2 { missing, .. }) = outcome else {
            assert_eq!("read", expected);
            continue;
        };
        assert_eq!(missing, expected);
    }
}

/// A generator that needs no crate and repeats itself (Numerical Recipes, §7.1).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn damaged(bytes: &[u8], mut check: impl FnMut(&[u8])) {
    let mut state = 11;
    for length in 0..bytes.len() {
        check(bytes.get(..length).unwrap_or_default());
    }
    for at in 0..bytes.len() {
        let mut copy = bytes.to_vec();
        for _ in 0..=next(&mut state) % 3 {
            let shift = usize::try_from(next(&mut state) % 16).unwrap_or(0);
            let place = (at + shift) % copy.len();
            if let (Some(byte), Ok(value)) =
                (copy.get_mut(place), u8::try_from(next(&mut state) & 0xff))
            {
                *byte = value;
            }
        }
        check(&copy);
    }
}

#[test]
fn no_damaged_table_or_answer_makes_it_panic_or_lose_a_row() {
    let known = known();
    for name in ["cmms-export.csv", "devices.csv"] {
        damaged(&vector(name), |bytes| {
            if let Ok(imported) = csv(source("x", bytes), &cmms_choices(), &known) {
                adds_up(&imported);
            }
        });
    }
    for name in ["netbox-devices.csv", "netbox-devices.json", "netbox-interfaces.json"] {
        damaged(&vector(name), |bytes| {
            if let Ok(imported) = netbox(&[source("x", bytes)], &Choices::default(), &known) {
                adds_up(&imported);
            }
        });
    }
}

#[test]
fn no_damaged_form_makes_it_panic() {
    for name in ["mds2-flow.csv", "mds2-flow.xlsx"] {
        damaged(&vector(name), |bytes| drop(mds2::read(source("x", bytes), today())));
    }
}
