//! The texts on record; `CORDON_BLESS=1` writes them anew.

use std::path::PathBuf;

use cordon_model::nft::{Bridge, Form, Proxying, gateway_ruleset, gateway_ruleset_as, ruleset};

use super::lab::{Lab, ready};
use super::{NOON, bundles};

/// The hour in which the nightly flow is open.
const NIGHT: u8 = 2;

fn texts() -> Vec<(String, String)> {
    let mut texts: Vec<_> = bundles::all()
        .into_iter()
        .map(|(name, bundle)| (format!("{name}.nft"), ruleset(&bundle, NOON)))
        .collect();
    let proxying = Proxying { tcp_port: 15001, udp_port: 15002, alive_ms: 1200 };
    texts.extend(bundles::all().map(|(name, bundle)| {
        let bundle = bundles::inspected_lifelines(bundle);
        (format!("{name}-gateway.nft"), gateway_ruleset(&bundle, NOON, &proxying))
    }));
    let mac = "02:00:00:00:ff:01".parse().unwrap();
    let bridge = Form::Bridge(Bridge { name: "br0".to_owned(), mac });
    let access = bundles::inspected_lifelines(bundles::access());
    let text = gateway_ruleset_as(&bridge, &access, NOON, &proxying);
    texts.push(("access-bridge.nft".to_owned(), text.unwrap()));
    texts.push(("segment-night.nft".to_owned(), ruleset(&bundles::segment(), NIGHT)));
    texts
}

#[test]
fn the_texts_are_the_ones_on_record() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/nft");
    let bless = std::env::var_os("CORDON_BLESS").is_some();
    for (name, text) in texts() {
        let path = folder.join(&name);
        if bless {
            std::fs::write(&path, &text).unwrap();
        }
        let record = std::fs::read_to_string(&path).unwrap_or_default();
        let differ = record.lines().zip(text.lines()).position(|(old, new)| old != new);
        assert!(
            record == text,
            "{name} differs from line {differ:?}; CORDON_BLESS=1 writes it anew"
        );
    }
}

#[test]
fn nft_accepts_every_text_on_record() {
    if !ready() {
        return;
    }
    let lab = Lab::empty();
    for (name, text) in texts() {
        let answer = lab.nft(&["-c", "-f", "-"], &text);
        assert!(answer.is_ok(), "{name}: {answer:?}");
    }
}
