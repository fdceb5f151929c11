//! What is refused, and with which words.

use super::*;

/// Changes the first place of a vector where a text stands, and gives the labels with their paths.
pub(super) fn refusals(name: &str, from: &str, to: &str) -> Vec<(&'static str, String)> {
    let text = vector(name);
    assert!(text.contains(from), "{name} has no {from}");
    let errors = parse(&text.replacen(from, to, 1)).err().unwrap_or_default();
    errors.iter().map(|error| (error.label(), error.path.clone())).collect()
}

pub(super) fn check_refused(cases: &[(&str, &str, &str, &str, &str)]) {
    for (name, from, to, label, path) in cases {
        let expect = vec![(*label, (*path).to_owned())];
        assert_eq!(refusals(name, from, to), expect, "{name}: {from} → {to}");
    }
}

const ACL: &str = "/ietf-access-control-list:acls/acl/0";
const ACE: &str = "/ietf-access-control-list:acls/acl/0/aces/ace/0";
const MATCHES: &str = "/ietf-access-control-list:acls/acl/0/aces/ace/0/matches";

#[test]
fn refuses_a_mud_container_that_is_not_of_the_standard() {
    let mud = "/ietf-mud:mud";
    let at = |name: &str| format!("{mud}/{name}");
    let cases = [
        ("\"mud-version\": 1,", "", "mud-missing", mud.to_owned()),
        ("\"mud-version\": 1,", "\"mud-version\": 2,", "mud-version", at("mud-version")),
        ("\"mud-version\": 1,", "\"mud-version\": \"1\",", "mud-kind", at("mud-version")),
        ("\"mud-version\": 1,", "\"mud-version\": 1.0,", "mud-value", at("mud-version")),
        (
            "\"mud-version\": 1,",
            "\"mud-version\": 1, \"mud-version\": 1,",
            "mud-duplicate-member",
            at("mud-version"),
        ),
        (
            "\"mud-version\"",
            "\"ietf-mud:mud-version\": 1, \"mud-version\"",
            "mud-member-name",
            at("ietf-mud:mud-version"),
        ),
        ("\"https://mud.", "\"http://mud.", "mud-value", at("mud-url")),
        ("\"https://mud.", "\"https:///mud.", "mud-value", at("mud-url")),
        ("2026-11-02T", "2026-02-29T", "mud-value", at("last-update")),
        ("T09:30:00+01:00", "T09:30:00", "mud-value", at("last-update")),
        ("\"cache-validity\": 24", "\"cache-validity\": 0", "mud-value", at("cache-validity")),
        ("\"cache-validity\": 24", "\"cache-validity\": 169", "mud-value", at("cache-validity")),
        ("\"cache-validity\": 24", "\"cache-validity\": 300", "mud-value", at("cache-validity")),
        ("\"is-supported\": true,", "", "mud-missing", mud.to_owned()),
        ("\"is-supported\": true", "\"is-supported\": \"true\"", "mud-kind", at("is-supported")),
        ("\"Medivent\"", "7", "mud-kind", at("mfg-name")),
        ("https://medivent.example/v8\"", "see below\"", "mud-value", at("documentation")),
        ("\"transparency\"\n", "\"ol\", \"\"\n", "mud-value", at("extensions/1")),
        ("\"transparency\"\n", "\"ol\", \"ol\"\n", "mud-duplicate-entry", at("extensions/1")),
        ("\"systeminfo\"", "\"sytem-info\"", "mud-unknown-member", at("sytem-info")),
        (
            "\"mud-version\"",
            "\"lastUpdate\": \"\", \"mud-version\"",
            "mud-old-form",
            at("lastUpdate"),
        ),
        (
            "\"transparency\"\n",
            "\n",
            "mud-undeclared-extension",
            at("ietf-mud-transparency:transparency"),
        ),
    ];
    for (from, to, label, path) in &cases {
        check_refused(&[("full", from, to, label, path)]);
    }
}

#[test]
fn refuses_policies_and_lists_that_do_not_fit_together() {
    let named = "/ietf-mud:mud/from-device-policy/access-lists/access-list/0";
    let name = format!("{named}/name");
    let second = "/ietf-mud:mud/from-device-policy/access-lists/access-list/1/name";
    let acls = "/ietf-access-control-list:acls";
    let policy = "/ietf-mud:mud/from-device-policy";
    let cases = [
        ("\"name\": \"out\"", "\"name\": \"aut\"", "mud-acl-absent", name.clone()),
        ("\"name\": \"out\"", "\"name\": 1", "mud-kind", name.clone()),
        ("\"name\": \"out\"", "\"name\": \"\"", "mud-value", name),
        (
            "\"name\": \"out\"\n          }",
            "\"name\": \"out\"}, {\"name\": \"out\"}",
            "mud-duplicate-entry",
            second.to_owned(),
        ),
        (
            "\"access-lists\": {",
            "\"acme:when\": 1, \"access-lists\": {",
            "mud-extension",
            format!("{policy}/acme:when"),
        ),
        (
            "\"access-lists\": {",
            "\"when\": 1, \"access-lists\": {",
            "mud-unknown-member",
            format!("{policy}/when"),
        ),
        ("ipv4-acl-type", "eth-acl-type", "mud-acl-type", format!("{ACL}/type")),
        ("\"type\": \"ipv4-acl-type\",", "", "mud-missing", ACL.to_owned()),
        (
            "\"acl\": [",
            "\"attachment-points\": {}, \"acl\": [",
            "mud-unknown-member",
            format!("{acls}/attachment-points"),
        ),
        ("\"acl\": [", "\"acl\": [7,", "mud-kind", ACL.to_owned()),
        ("\"name\": \"spare\"", "\"name\": \"in\"", "mud-duplicate-entry", format!("{acls}/acl/2")),
    ];
    for (from, to, label, path) in &cases {
        check_refused(&[("full", from, to, label, path)]);
    }
}

#[test]
fn refuses_matches_that_are_not_understood() {
    let tcp = format!("{MATCHES}/tcp");
    let cases = [
        ("\"tcp\": {", "\"dscp\": 1, \"tcp\": {", "mud-unknown-member", format!("{MATCHES}/dscp")),
        (
            "\"tcp\": {",
            "\"acme:app\": 1, \"tcp\": {",
            "mud-extension",
            format!("{MATCHES}/acme:app"),
        ),
        (
            "\"tcp\": {",
            "\"eth\": {}, \"tcp\": {",
            "mud-unsupported-match",
            format!("{MATCHES}/eth"),
        ),
        ("\"tcp\": {", "\"l4\": {}, \"tcp\": {", "mud-old-form", format!("{MATCHES}/l4")),
        ("\"tcp\": {", "\"udp\": {}, \"tcp\": {", "mud-choice", MATCHES.to_owned()),
        (
            "\"tcp\": {",
            "\"flags\": \"syn\", \"tcp\": {",
            "mud-unknown-member",
            format!("{MATCHES}/flags"),
        ),
        (
            "\"tcp\": {",
            "\"tcp\": {\"flags\": \"syn\",",
            "mud-unsupported-match",
            format!("{tcp}/flags"),
        ),
        (
            "\"protocol\": 6",
            "\"protocol\": 6, \"dscp\": 46",
            "mud-unsupported-match",
            format!("{MATCHES}/ipv4/dscp"),
        ),
        ("\"protocol\": 6", "\"protocol\": 17", "mud-contradiction", MATCHES.to_owned()),
        ("\"protocol\": 6", "\"protocol\": 256", "mud-value", format!("{MATCHES}/ipv4/protocol")),
        ("\"ipv4\": {", "\"ipv6\": {", "mud-acl-family", format!("{MATCHES}/ipv6")),
    ];
    for (from, to, label, path) in &cases {
        check_refused(&[("full", from, to, label, path)]);
    }
}

#[test]
fn refuses_another_side_that_is_not_understood() {
    let cases = [
        (
            "\"my-controller\": [\n                    null\n                  ]",
            "\"my-controller\": null",
            "mud-kind",
            format!("{MATCHES}/ietf-mud:mud/my-controller"),
        ),
        (
            "\"my-controller\"",
            "\"local-networks\": [null], \"my-controller\"",
            "mud-two-peers",
            format!("{MATCHES}/ietf-mud:mud/my-controller"),
        ),
        (
            "\"protocol\": 6",
            "\"protocol\": 6, \"ietf-acldns:dst-dnsname\": \"a.example\"",
            "mud-two-peers",
            format!("{MATCHES}/ipv4/ietf-acldns:dst-dnsname"),
        ),
        (
            "\"protocol\": 6",
            "\"protocol\": 6, \"ietf-acldns:src-dnsname\": \"a.example\"",
            "mud-wrong-side",
            format!("{MATCHES}/ipv4/ietf-acldns:src-dnsname"),
        ),
        (
            "\"protocol\": 6",
            "\"protocol\": 6, \"dst-dnsname\": \"a.example\"",
            "mud-member-name",
            format!("{MATCHES}/ipv4/dst-dnsname"),
        ),
    ];
    for (from, to, label, path) in &cases {
        check_refused(&[("full", from, to, label, path)]);
    }
}

#[test]
fn refuses_ports_and_actions_that_are_not_understood() {
    let tcp = format!("{MATCHES}/tcp");
    let ports = format!("{tcp}/destination-port");
    let actions = format!("{ACE}/actions");
    let direction = "\"ietf-mud:direction-initiated\": \"from-device\",";
    let cases = [
        ("\"port\": 2575", "\"port\": 65536", "mud-value", format!("{ports}/port")),
        ("\"port\": 2575", "\"port\": \"2575\"", "mud-kind", format!("{ports}/port")),
        ("\"port\": 2575", "\"lower-port\": 2575", "mud-choice", ports.clone()),
        (
            "\"operator\": \"eq\"",
            "\"operator\": \"lteq\"",
            "mud-value",
            format!("{ports}/operator"),
        ),
        ("\"operator\": \"eq\",", "\"lower-port\": 9,", "mud-choice", ports),
        (
            direction,
            "\"direction-initiated\": \"from-device\",",
            "mud-member-name",
            format!("{tcp}/direction-initiated"),
        ),
        (
            direction,
            "\"ietf-mud:direction-initiated\": \"out\",",
            "mud-value",
            format!("{tcp}/ietf-mud:direction-initiated"),
        ),
        (
            "\"forwarding\": \"accept\"",
            "\"forwarding\": \"permit\"",
            "mud-value",
            format!("{actions}/forwarding"),
        ),
        ("\"forwarding\": \"accept\"", "", "mud-missing", actions.clone()),
        (
            "\"forwarding\": \"accept\"",
            "\"forwarding\": \"accept\", \"rate\": 1",
            "mud-unknown-member",
            format!("{actions}/rate"),
        ),
        (
            "\"forwarding\": \"accept\"",
            "\"forwarding\": \"accept\", \"logging\": \"loud\"",
            "mud-value",
            format!("{actions}/logging"),
        ),
        (
            "\"actions\": {",
            "\"acme:when\": 1, \"actions\": {",
            "mud-extension",
            format!("{ACE}/acme:when"),
        ),
    ];
    for (from, to, label, path) in &cases {
        check_refused(&[("full", from, to, label, path)]);
    }
}

#[test]
fn refuses_direction_initiated_without_tcp() {
    let direction = "\"ietf-mud:direction-initiated\": \"from-device\"";
    let path = |parent: &str| format!("{MATCHES}{parent}/ietf-mud:direction-initiated");
    for (from, to, path) in [
        ("\"udp\": {", format!("\"udp\": {{{direction},"), path("/udp")),
        ("\"udp\": {", format!("{direction}, \"udp\": {{"), path("")),
        ("\"controller\"", format!("{direction}, \"controller\""), path("/ietf-mud:mud")),
    ] {
        check_refused(&[("controller", from, &to, "mud-direction-without-tcp", &path)]);
    }
}

/// Makes a file with one from-device entry of these matches.
pub(super) fn one_entry(matches: &str, forwarding: &str) -> String {
    format!(
        r#"{{"ietf-mud:mud": {{"mud-version": 1, "mud-url": "https://a.example/b",
        "last-update": "2026-11-02T09:30:00Z", "is-supported": true,
        "from-device-policy": {{"access-lists": {{"access-list": [{{"name": "out"}}]}}}}}},
        "ietf-access-control-list:acls": {{"acl": [{{"name": "out", "type": "ipv4-acl-type",
        "aces": {{"ace": [{{"name": "a", {matches} "actions":
        {{"forwarding": "{forwarding}"}}}}]}}}}]}}}}"#
    )
}

#[test]
fn refuses_what_is_open_to_everyone_and_lets_it_be_dropped() {
    for matches in [
        "",
        r#""matches": {},"#,
        r#""matches": {"ietf-mud:mud": {}},"#,
        r#""matches": {"ipv4": {}, "tcp": {"destination-port": {"port": 443}}},"#,
        r#""matches": {"ipv4": {"protocol": 6}},"#,
        r#""matches": {"ipv4": {"destination-ipv4-network": "0.0.0.0/0"}},"#,
    ] {
        let labels: Vec<_> = parse(&one_entry(matches, "accept"))
            .err()
            .unwrap_or_default()
            .iter()
            .map(MudError::label)
            .collect();
        assert_eq!(labels, ["mud-open"], "{matches}");
        let dropped = parse(&one_entry(matches, "drop"));
        assert!(dropped.is_ok_and(|file| flows(&file).is_empty()), "{matches}");
    }
}

#[test]
fn refuses_names_and_networks_that_are_none() {
    let cases = [
        ("ietf-acldns:dst-dnsname", "\"*.example.com\"", false),
        ("ietf-acldns:dst-dnsname", "\".\"", false),
        ("ietf-acldns:dst-dnsname", "\"\"", false),
        ("ietf-acldns:dst-dnsname", "\"a..example\"", false),
        ("ietf-acldns:dst-dnsname", "\"a.example:443\"", false),
        ("ietf-acldns:dst-dnsname", "\"-a.example\"", false),
        ("ietf-acldns:dst-dnsname", "\"2001:db8::1\"", false),
        ("ietf-acldns:dst-dnsname", "\"192.0.2.7\"", true),
        ("ietf-acldns:dst-dnsname", "\"_x.a-b.example.\"", true),
        ("destination-ipv4-network", "\"192.0.2.0\"", false),
        ("destination-ipv4-network", "\"192.0.2.0/33\"", false),
        ("destination-ipv4-network", "\"2001:db8::/32\"", false),
        ("destination-ipv4-network", "\"192.0.2.0/24\"", true),
    ];
    for (name, value, ok) in cases {
        let matches = format!(r#""matches": {{"ipv4": {{"{name}": {value}}}}},"#);
        assert_eq!(parse(&one_entry(&matches, "accept")).is_ok(), ok, "{name} {value}");
    }
    let matches = r#""matches": {"ipv4": {"ietf-acldns:dst-dnsname": "192.0.2.7"}},"#;
    let peer = parse(&one_entry(matches, "accept"))
        .ok()
        .and_then(|file| file.from_device.first().map(|ace| ace.peer.clone()));
    assert_eq!(peer, "192.0.2.7/32".parse().ok().map(MudPeer::Network));
}

#[test]
fn refuses_forms_from_before_the_standard() {
    let cases = [
        ("[]", vec!["mud-kind"]),
        ("{}", vec!["mud-missing", "mud-missing"]),
        (
            r#"{"ietf-mud:meta-info": {}, "ietf-access-control-list:access-lists": {}}"#,
            vec!["mud-missing", "mud-missing", "mud-old-form", "mud-old-form"],
        ),
        (
            r#"{"ietf-mud:mud": {"mud-version": 1, "mud-url": "https://a.example/b",
            "last-update": "2018-01-01T00:00:00Z", "is-supported": true, "from-device-policy":
            {"access-lists": {"access-list": [{"acl-name": "out", "acl-type": "ipv4-acl"}]}}},
            "ietf-access-control-list:access-lists": {"acl": []}}"#,
            vec!["mud-missing", "mud-missing", "mud-old-form", "mud-old-form", "mud-old-form"],
        ),
        (
            r#"{"ietf-mud:mud": {"mud-version": 1, "mud-url": "https://a.example/b",
            "last-update": "2018-01-01T00:00:00Z", "is-supported": true},
            "ietf-access-control-list:acls": {"acl": []}}"#,
            vec!["mud-empty"],
        ),
    ];
    for (text, expect) in cases {
        let errors = parse(text).err().unwrap_or_default();
        let mut labels: Vec<_> = errors.iter().map(MudError::label).collect();
        labels.sort_unstable();
        assert_eq!(labels, expect, "{text}");
    }
}
