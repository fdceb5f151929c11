//! Tests of the reader of MUD files.

use super::*;
use crate::{Direction, Transport};

mod refused;

use refused::{one_entry, refusals};

macro_rules! vectors {
    ($($name:literal),* $(,)?) => {
        /// Our own files, by name.
        const VECTORS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../testdata/mud/", $name, ".json")))),*];
    };
}
vectors![
    "local-networks",
    "same-manufacturer",
    "manufacturer",
    "model",
    "controller",
    "my-controller",
    "dns-name",
    "network",
    "direction-initiated",
    "ports",
    "protocols",
    "drop",
    "full",
];

fn vector(name: &str) -> &'static str {
    VECTORS.iter().find(|(other, _)| *other == name).map_or("", |(_, text)| text)
}

/// Writes a conversation the short way: `out tcp 443 dns telemetry.example 46 (list/entry)`.
fn short(flow: &MudFlow<'_>) -> String {
    let direction = match flow.direction {
        Direction::Out => "out",
        Direction::In => "in",
    };
    let transport = match flow.transport {
        None => "any",
        Some(Transport::Tcp) => "tcp",
        Some(Transport::Udp) => "udp",
    };
    let port = match flow.port {
        None => "*".to_owned(),
        Some(MudPorts::Eq(port)) => port.to_string(),
        Some(MudPorts::Range(first, last)) => format!("{first}-{last}"),
        Some(MudPorts::Lteq(last)) => format!("<={last}"),
        Some(MudPorts::Gteq(first)) => format!(">={first}"),
        Some(MudPorts::Neq(not)) => format!("!{not}"),
    };
    let peer = match flow.peer {
        MudPeer::Any => "any".to_owned(),
        MudPeer::LocalNetworks => "local".to_owned(),
        MudPeer::SameManufacturer => "same-manufacturer".to_owned(),
        MudPeer::MyController => "my-controller".to_owned(),
        MudPeer::Manufacturer(name) => format!("manufacturer {name}"),
        MudPeer::Model(uri) => format!("model {uri}"),
        MudPeer::Controller(uri) => format!("controller {uri}"),
        MudPeer::DnsName(name) => format!("dns {name}"),
        MudPeer::Network(net) => format!("net {net}"),
    };
    let (v4, v6) = (if flow.ipv4 { "4" } else { "" }, if flow.ipv6 { "6" } else { "" });
    format!("{direction} {transport} {port} {peer} {v4}{v6} ({}/{})", flow.acl, flow.ace)
}

fn check_flows(name: &str, expect: &[&str]) {
    let found = parse(vector(name)).map(|file| flows(&file).iter().map(short).collect::<Vec<_>>());
    assert_eq!(found, Ok(expect.iter().map(|flow| (*flow).to_owned()).collect()), "{name}");
}

#[test]
fn reads_local_networks_as_one_conversation_of_the_device() {
    check_flows("local-networks", &["out udp 3702 local 4 (out/send)"]);
}

#[test]
fn reads_same_manufacturer() {
    check_flows("same-manufacturer", &["out tcp 6464 same-manufacturer 4 (out/send)"]);
    let authority = parse(vector("same-manufacturer")).map(|file| file.authority().to_owned());
    assert_eq!(authority.as_deref(), Ok("mud.medivent.example"));
}

#[test]
fn reads_manufacturer_in_lower_case() {
    check_flows("manufacturer", &["out tcp 502 manufacturer humidity.example 4 (out/send)"]);
}

#[test]
fn reads_model_that_opens_towards_the_device() {
    let expect = "in tcp 2575 model https://mud.medivent.example/ventilator-8 4 (in/answer)";
    check_flows("model", &[expect]);
}

#[test]
fn reads_controller() {
    check_flows("controller", &["out udp 123 controller urn:ietf:params:mud:ntp 4 (out/send)"]);
}

#[test]
fn reads_my_controller_that_calls_a_listening_device() {
    check_flows("my-controller", &["in tcp 9100-9103 my-controller 4 (in/answer)"]);
}

#[test]
fn reads_domain_names_and_joins_both_versions_of_ip() {
    check_flows("dns-name", &["out tcp 443 dns telemetry.medivent.example 46 (out-4/send)"]);
}

#[test]
fn reads_networks_and_clears_the_bits_of_the_host() {
    let expect = [
        "out tcp 104 net 192.0.2.64/26 4 (out-4/send)",
        "out tcp 104 net 2001:db8:5::/48 6 (out-6/send)",
    ];
    check_flows("network", &expect);
}

#[test]
fn lets_only_the_initiator_open() {
    let expect = [
        "out tcp 8443 my-controller 4 (out/calls)",
        "out tcp 7001 controller https://mud.medivent.example/gateway 4 (out/either)",
        "in tcp 22 my-controller 4 (in/answers)",
        "in tcp 7000 controller https://mud.medivent.example/gateway 4 (in/either)",
    ];
    check_flows("direction-initiated", &expect);
}

#[test]
fn reads_every_way_to_write_ports() {
    let expect = [
        "out tcp 80 my-controller 4 (out/eq)",
        "out tcp 81 my-controller 4 (out/eq-by-default)",
        "out tcp <=1023 my-controller 4 (out/lte)",
        "out tcp >=49152 my-controller 4 (out/gte)",
        "out tcp !23 my-controller 4 (out/neq)",
        "out udp 5000-5010 my-controller 4 (out/range)",
        "out udp 514 my-controller 4 (out/client)",
        "out udp * my-controller 4 (out/all)",
    ];
    check_flows("ports", &expect);
    for (ports, inside, outside) in [
        (MudPorts::Eq(80), [80, 80], [79, 81]),
        (MudPorts::Range(80, 90), [80, 90], [79, 91]),
        (MudPorts::Lteq(80), [0, 80], [81, 65_535]),
        (MudPorts::Gteq(80), [80, 65_535], [0, 79]),
        (MudPorts::Neq(80), [79, 81], [80, 80]),
    ] {
        assert!(inside.iter().all(|port| ports.contains(*port)), "{ports:?}");
        assert!(!outside.iter().any(|port| ports.contains(*port)), "{ports:?}");
    }
}

#[test]
fn makes_no_conversation_of_icmp_and_of_other_protocols() {
    check_flows(
        "protocols",
        &["out udp * my-controller 4 (out-4/udp)", "out any * my-controller 4 (out-4/all)"],
    );
    let found = parse(vector("protocols")).map(|file| {
        without_flow(&file).iter().map(|ace| (ace.name.clone(), ace.transport)).collect::<Vec<_>>()
    });
    let any_icmp = MudTransport::Icmp { kind: None, code: None };
    let expect = vec![
        ("ping".to_owned(), MudTransport::Icmp { kind: Some(8), code: Some(0) }),
        ("icmp".to_owned(), any_icmp),
        ("gre".to_owned(), MudTransport::Protocol(47)),
        ("icmp".to_owned(), any_icmp),
    ];
    assert_eq!(found, Ok(expect));
}

#[test]
fn keeps_drops_and_makes_no_conversation_of_them() {
    check_flows("drop", &["out tcp 443 local 4 (out/https)"]);
    let actions = parse(vector("drop"))
        .map(|file| file.from_device.iter().map(|ace| ace.action).collect::<Vec<_>>());
    assert_eq!(actions, Ok(vec![MudAction::Reject, MudAction::Accept, MudAction::Drop]));
}

#[test]
fn reads_every_leaf_of_the_mud_container() {
    let ace = |acl: &str, name: &str| MudAce {
        acl: acl.to_owned(),
        name: name.to_owned(),
        family: MudFamily::V4,
        peer: MudPeer::MyController,
        transport: MudTransport::Tcp,
        local: None,
        remote: Some(MudPorts::Eq(2575)),
        initiated: Some(Initiated::FromDevice),
        action: MudAction::Accept,
    };
    let text = |text: &str| Some(text.to_owned());
    let expect = MudFile {
        mud_url: "https://mud.medivent.example/ventilator-8".to_owned(),
        last_update: "2026-11-02T09:30:00+01:00".to_owned(),
        cache_validity_h: 24,
        is_supported: true,
        systeminfo: text("Ventilator 8 — Beatmungsgerät"),
        mfg_name: text("Medivent"),
        documentation: text("https://medivent.example/v8"),
        model_name: text("Ventilator 8"),
        firmware_rev: text("8.4.1"),
        software_rev: text("8.4.1+7"),
        signature: text("https://mud.medivent.example/ventilator-8.p7s"),
        extensions: vec!["transparency".to_owned()],
        from_device: vec![ace("out", "send")],
        to_device: vec![ace("in", "answer")],
        unused_acls: vec!["spare".to_owned()],
    };
    assert_eq!(parse(vector("full")), Ok(expect));
    assert_eq!(parse(vector("drop")).map(|file| file.cache_validity_h), Ok(48));
}

#[test]
fn reads_a_list_that_both_policies_name_from_both_sides() {
    let matches = r#""matches": {"ietf-mud:mud": {"my-controller": [null]},
        "tcp": {"source-port": {"port": 22}}},"#;
    let to = r#""to-device-policy": {"access-lists": {"access-list": [{"name": "out"}]}},
        "from-device-policy""#;
    let text = one_entry(matches, "accept").replacen("\"from-device-policy\"", to, 1);
    let sides = parse(&text).map(|file| {
        let ports = |aces: &[MudAce]| aces.iter().map(|ace| (ace.local, ace.remote)).collect();
        let both: [Vec<_>; 2] = [ports(&file.from_device), ports(&file.to_device)];
        both
    });
    let ssh = Some(MudPorts::Eq(22));
    assert_eq!(sides, Ok([vec![(ssh, None)], vec![(None, ssh)]]));
}

#[test]
fn refuses_empty_lists() {
    let text = one_entry("", "drop");
    let ace = "{\"name\": \"a\",  \"actions\":\n        {\"forwarding\": \"drop\"}}";
    for (from, to) in [(ace, ""), (r#""ace": ["#, r#""ice": ["#)] {
        assert!(text.contains(from), "{from}");
        let errors = parse(&text.replacen(from, to, 1)).err().unwrap_or_default();
        assert!(errors.iter().any(|error| error.label() == "mud-empty-acl"), "{errors:?}");
    }
}

#[test]
fn refuses_a_drop_before_an_accept_that_it_may_overlap() {
    let accept = "/ietf-access-control-list:acls/acl/0/aces/ace/1";
    for (from, to, refused) in [
        ("\"port\": 23", "\"port\": 443", true),
        ("\"operator\": \"eq\",", "\"operator\": \"neq\",", true),
        ("\"operator\": \"eq\",", "\"operator\": \"gte\",", true),
        ("\"operator\": \"eq\",", "\"operator\": \"lte\",", false),
        (
            "\"local-networks\": [\n                    null\n                  ]",
            "\"controller\": \"urn:a:b\"",
            false,
        ),
    ] {
        let expect = match refused {
            true => vec![("mud-drop-before-accept", accept.to_owned())],
            false => Vec::new(),
        };
        assert_eq!(refusals("drop", from, to), expect, "{from} → {to}");
    }
}

#[test]
fn points_at_the_offending_text() {
    let text = vector("full");
    for (from, to, offending) in [
        ("\"port\": 2575", "\"port\": 70000", "70000"),
        ("\"tcp\": {", "\"dscp\": 1, \"tcp\": {", "\"dscp\""),
        ("\"mud-version\": 1", "\"mud-version\": 3", "3"),
    ] {
        let changed = text.replacen(from, to, 1);
        let errors = parse(&changed).err().unwrap_or_default();
        let found: Vec<_> =
            errors.iter().map(|error| changed.get(error.span.clone()).unwrap_or("?")).collect();
        assert_eq!(found, [offending], "{to}");
    }
    let errors = parse("{\n  \"a\": 1,\n  ?}").err().unwrap_or_default();
    let found: Vec<_> = errors.iter().map(|error| (error.label(), error.span.clone())).collect();
    assert_eq!(found, [("mud-syntax", 14..14)]);
}

#[test]
fn says_what_is_wrong_in_lower_case_without_a_period() {
    let changed = vector("full").replacen("\"mud-version\": 1", "\"mud-version\": 2", 1);
    let errors = parse(&changed).err().unwrap_or_default();
    let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        ["mud-version is `2`; only version 1 is known (at `/ietf-mud:mud/mud-version`)"]
    );
}

#[test]
fn tells_everything_that_is_wrong_at_once_and_in_order() {
    let text = vector("full")
        .replacen("\"mud-version\": 1", "\"mud-version\": 2", 1)
        .replacen("\"port\": 2575", "\"port\": -1", 2)
        .replacen("\"is-supported\": true,", "", 1);
    let errors = parse(&text).err().unwrap_or_default();
    let labels: Vec<_> = errors.iter().map(MudError::label).collect();
    assert_eq!(labels, ["mud-missing", "mud-version", "mud-value", "mud-value"]);
}

#[test]
fn refuses_what_is_over_a_limit() {
    let entry = r#"{"name": "NAME", "actions": {"forwarding": "drop"}}"#;
    let aces = |count: usize| {
        let list: Vec<_> = (0..count).map(|n| entry.replace("NAME", &n.to_string())).collect();
        let one = "{\"name\": \"a\",  \"actions\":\n        {\"forwarding\": \"drop\"}}";
        one_entry("", "drop").replacen(one, &list.join(","), 1)
    };
    let acls = |count: usize| {
        let acl = |n: usize| {
            format!(r#"{{"name": "{n}", "type": "ipv6-acl-type", "aces": {{"ace": [{entry}]}}}}"#)
        };
        let list: Vec<_> = (0..count).map(acl).collect();
        one_entry("", "drop").replacen("\"acl\": [", &format!("\"acl\": [{},", list.join(",")), 1)
    };
    let deep = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
    let label = |text: &str| {
        parse(text).err().and_then(|errors| errors.first().map(MudError::label)).unwrap_or("ok")
    };
    assert_eq!(label(&aces(ACES_MAX)), "ok");
    assert_eq!(label(&aces(ACES_MAX + 1)), "mud-over-limit");
    assert_eq!(label(&acls(ACLS_MAX - 1)), "ok");
    assert_eq!(label(&acls(ACLS_MAX)), "mud-over-limit");
    assert_eq!(label(&deep(DEPTH_MAX)), "mud-kind");
    assert_eq!(label(&deep(DEPTH_MAX + 2)), "mud-over-limit");
    assert_eq!(label(&deep(TEXT_BYTES_MAX / 2)), "mud-over-limit");
    assert_eq!(label(&"[".repeat(TEXT_BYTES_MAX)), "mud-syntax");
    assert_eq!(label(&" ".repeat(TEXT_BYTES_MAX + 1)), "mud-over-limit");
    assert_eq!(label(&format!("[{}0]", "0,".repeat(VALUES_MAX))), "mud-over-limit");
    let many: Vec<_> = (0..2 * ERRORS_MAX).map(|n| format!("\"m{n}\": 1")).collect();
    let errors = parse(&format!("{{{}}}", many.join(","))).err().unwrap_or_default();
    assert_eq!(errors.len(), ERRORS_MAX + 1);
    assert_eq!(errors.last().map(MudError::label), Some("mud-over-limit"));
}

#[test]
fn refuses_control_characters_and_broken_escapes() {
    for text in [r#"{"a\u0000": 1}"#, r#"{"a": "\u001b[2J"}"#, r#"{"a": "\ud800"}"#] {
        let errors = parse(text).err().unwrap_or_default();
        let labels: Vec<_> = errors.iter().map(MudError::label).collect();
        assert_eq!(labels, ["mud-syntax"], "{text}");
        assert!(!errors.iter().any(|error| error.to_string().contains(char::is_control)));
    }
}

/// Checks what holds of every answer, whatever the text.
fn check_total(text: &str) {
    match parse(text) {
        Ok(file) => {
            assert!(!file.from_device.is_empty() || !file.to_device.is_empty(), "{text}");
            assert!(flows(&file).iter().all(|flow| *flow.peer != MudPeer::Any), "{text}");
            assert!(without_flow(&file).len() <= ACES_MAX);
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "{text}");
            for error in errors {
                assert!(text.get(error.span.clone()).is_some(), "{error}");
            }
        }
    }
}

#[test]
fn stands_every_deletion_and_truncation_and_change_of_a_byte() {
    for name in ["full", "dns-name"] {
        let text = vector(name);
        for (at, c) in text.char_indices() {
            let (before, after) = (text.get(..at), text.get(at + c.len_utf8()..));
            let (Some(before), Some(after)) = (before, after) else { continue };
            check_total(before);
            check_total(&format!("{before}{after}"));
            for other in ["0", "\"", "}", "\\"] {
                check_total(&format!("{before}{other}{after}"));
            }
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the corpus is outside the repository and may not be there"
)]
fn corpus_is_read_or_refused_and_never_empty() {
    let folder =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora/mud/sample_mud_files");
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            eprintln!("skipped: there is no {}", folder.display());
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                check_total(&text);
                eprintln!("{}: {}", path.display(), summary(&text));
            }
        }
    }
}

/// Says in a few lines what becomes of a file.
fn summary(text: &str) -> String {
    let file = match parse(text) {
        Ok(file) => file,
        Err(errors) => {
            let line = |error: &MudError| format!("\n    {}: {error}", error.label());
            return format!("refused{}", errors.iter().map(line).collect::<String>());
        }
    };
    let [from, to] = [file.from_device.len(), file.to_device.len()];
    let flows: String = flows(&file).iter().map(|flow| format!("\n    {}", short(flow))).collect();
    let without: String = without_flow(&file)
        .iter()
        .map(|ace| format!("\n    no conversation: {}/{}", ace.acl, ace.name))
        .collect();
    format!("{from} + {to} entries{flows}{without}")
}
