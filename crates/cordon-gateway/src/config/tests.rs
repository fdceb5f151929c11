#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::{Config, ConfigError, TlsMode};

fn read(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gw.toml");
    std::fs::write(&path, text).unwrap();
    let read = Config::read(&path);
    read.map(|mut config| {
        config.each_path(|one| *one = one.strip_prefix(folder.path()).unwrap().to_owned());
        config
    })
}

const LEAST: &str = "point = \"gw-1\"\nbundle = \"b\"\nkey = \"k\"\nstate = \"s\"\n\
    control = \"c\"\njournal = \"j\"\n";

#[test]
fn the_least_configuration_has_the_usual_port_and_no_tls() {
    let config = read(LEAST).unwrap();
    assert_eq!(config.point.as_str(), "gw-1");
    assert_eq!((config.proxy_port, config.tls, config.clock_offset_s), (15_001, None, 0));
    assert!(!config.clock_may_advance);
    assert_eq!(config.bridge, None);
}

#[test]
fn a_bridge_is_named_as_interfaces_are() {
    for (name, is_good) in [
        ("br0", true),
        ("br-ward.7_x", true),
        ("", false),
        ("br 0", false),
        ("..", false),
        ("br/0", false),
        ("a-name-that-is-too-long", false),
    ] {
        let config = read(&format!("{LEAST}bridge = \"{name}\"\n"));
        assert_eq!(config.ok().and_then(|config| config.bridge).is_some(), is_good, "{name}");
    }
}

#[test]
fn services_say_how_they_are_sealed() {
    let tls = "[tls]\nauthorities = \"ca.pem\"\ncredentials = \"devices\"\n\
        [tls.services]\nrecords = \"originate\"\n";
    let config = read(&format!("{LEAST}{tls}")).unwrap().tls.unwrap();
    assert_eq!(config.services.values().collect::<Vec<_>>(), [&TlsMode::Originate]);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let error = read(&format!("{LEAST}bundel = 1\n")).unwrap_err();
    let ConfigError::Form { source, .. } = error else { unreachable!() };
    assert!(source.to_string().contains("line 7"), "{source}");
    assert!(matches!(read("point = \"../x\""), Err(ConfigError::Form { .. })));
}
