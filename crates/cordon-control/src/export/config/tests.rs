#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const GOOD: &str = r#"
[[exporter]]
name = "splunk"
streams = ["evidence"]
lag-alarm-s = 300
[exporter.hec]
url = "https://splunk.hospital.example:8088"
token-file = "secrets/splunk.token"
ca-file = "ca.pem"
index = "security"

[[exporter]]
name = "siem"
[exporter.syslog]
address = "siem.hospital.example:6514"
format = "cef"
ca-file = "/etc/cordon/ca.pem"
certificate-file = "own.pem"
key-file = "own.key"

[[exporter]]
name = "relay"
[exporter.syslog]
address = "127.0.0.1:601"
format = "json"
plain = true

[[exporter]]
name = "lake"
[exporter.file]
path = "lake/feed.jsonl"
format = "ocsf"
"#;

#[test]
fn reads_every_kind_of_target() {
    let config = Config::parse(GOOD, Path::new("/etc/cordon")).unwrap();
    let names: Vec<&str> = config.exporters.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["splunk", "siem", "relay", "lake"]);
    let mut targets = config.exporters.into_iter().map(|one| one.target);
    let Some(Target::Hec(hec)) = targets.next() else { unreachable!() };
    assert_eq!(hec.token_file, Path::new("/etc/cordon/secrets/splunk.token"));
    assert!(hec.is_acknowledged);
    let Some(Target::Syslog(syslog)) = targets.next() else { unreachable!() };
    let (name, trust) = syslog.tls.unwrap();
    assert_eq!(name, "siem.hospital.example");
    assert_eq!(trust.ca_file, Path::new("/etc/cordon/ca.pem"));
    assert!(trust.own.is_some());
    let Some(Target::Syslog(relay)) = targets.next() else { unreachable!() };
    assert!(relay.tls.is_none());
}

#[test]
fn says_which_key_of_which_exporter_is_wrong() {
    for (from, to, expected) in [
        ("lag-alarm-s = 300", "lag-alarm = 300", "cannot be read"),
        ("lag-alarm-s = 300", "lag-alarm-s = 0", "`splunk`: `lag-alarm-s`"),
        ("lag-alarm-s = 300", "batch-bytes-max = 3", "`splunk`: `batch-bytes-max`"),
        ("lag-alarm-s = 300", "window-batches-max = 0", "`splunk`: `window-batches-max`"),
        ("streams = [\"evidence\"]", "streams = []", "`splunk`: `streams`"),
        ("streams = [\"evidence\"]", "streams = [\"all\"]", "cannot be read"),
        ("name = \"siem\"", "name = \"splunk\"", "two exporters are named `splunk`"),
        ("token-file = \"secrets/splunk.token\"", "token = \"secret\"", "cannot be read"),
        ("https://", "http://", "`splunk`: `url`"),
        ("https://", "ftp://", "`splunk`: `url`"),
        ("ca-file = \"ca.pem\"\n", "", "`splunk`: `ca-file`"),
        ("index = \"security\"", "channel = \"x\"", "`splunk`: `channel`"),
        ("key-file = \"own.key\"\n", "", "`siem`: `key-file`"),
        ("siem.hospital.example:6514", "siem", "`siem`: `address`"),
        ("ca-file = \"/etc/cordon/ca.pem\"", "plain = true", "`siem`: `ca-file`"),
        ("127.0.0.1:601", "192.0.2.1:601", "`relay`: `plain`"),
        ("plain = true", "", "`relay`: `ca-file`"),
        ("plain = true", "plain = true\nmessage-bytes-max = 100", "`relay`: `message-bytes-max`"),
        ("format = \"ocsf\"", "format = \"leef\"", "cannot be read"),
        ("format = \"ocsf\"", "format = \"ocsf\"\nrotate-bytes = 1", "`lake`: `rotate-bytes`"),
        ("format = \"ocsf\"", "format = \"ocsf\"\nfiles-max = 0", "`lake`: `files-max`"),
        (
            "[exporter.file]",
            "[exporter.hec]\nurl = \"\"\ntoken-file = \"\"\n[exporter.file]",
            "exactly one",
        ),
    ] {
        let text = GOOD.replacen(from, to, 1);
        let error = Config::parse(&text, Path::new("")).unwrap_err().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
    let many = "[[exporter]]\nname = \"a\"\n".repeat(40);
    assert!(matches!(Config::parse(&many, Path::new("")), Err(ConfigError::Many(40))));
    assert!(matches!(
        Config::parse(&" ".repeat(CONFIG_BYTES_MAX + 1), Path::new("")),
        Err(ConfigError::OverLimit)
    ));
}
