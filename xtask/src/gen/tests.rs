//! The yardstick's sums, read back from the rows as a reader of the file would.

use super::*;

struct Rows {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    fn of(devices: u32) -> Self {
        let text = fleet::build(SEED_DEFAULT, devices).csv();
        let mut lines =
            text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        let header = lines.next().unwrap_or_default();
        Self { header, rows: lines.collect() }
    }

    fn cell<'a>(&self, row: &'a [String], column: &str) -> &'a str {
        let at = self.header.iter().position(|name| name == column);
        at.and_then(|at| row.get(at)).map_or("", String::as_str)
    }

    /// Counts rows by the values of some columns.
    fn sums(&self, columns: &[&str]) -> BTreeMap<String, usize> {
        let mut sums = BTreeMap::new();
        for row in &self.rows {
            let key: Vec<&str> = columns.iter().map(|column| self.cell(row, column)).collect();
            *sums.entry(key.join(" ")).or_insert(0) += 1;
        }
        sums
    }
}

fn pairs<const N: usize>(wanted: [(&str, usize); N]) -> BTreeMap<String, usize> {
    wanted.into_iter().map(|(key, count)| (key.to_owned(), count)).collect()
}

#[test]
fn the_yardstick_meets_every_sum() {
    let rows = Rows::of(counts::YARDSTICK_DEVICES);
    assert_eq!(rows.rows.len(), 8_000);
    let tiers = pairs([
        ("red", 850),
        ("orange", 2_650),
        ("yellow", 1_000),
        ("green", 3_500 - 230),
        ("green-ls", 230),
    ]);
    assert_eq!(rows.sums(&["tier"]), tiers);
    let attachments = pairs([("tpm", 2_200), ("legacy", 4_800), ("software-key", 1_000)]);
    assert_eq!(rows.sums(&["attachment"]), attachments);
    let types = pairs([
        ("ventilator", 300),
        ("dialysis", 100),
        ("cardiac-monitor", 450),
        ("infusion-pump", 1_800),
        ("patient-monitor", 650),
        ("imaging", 200),
        ("nurse-call", 500),
        ("bed-scale", 300),
        ("thermometer", 200),
        ("hvac-controller", 2_900),
        ("lighting", 350),
        ("door-lock", 200),
        ("elevator", 50),
    ]);
    assert_eq!(rows.sums(&["type"]), types);
    let life_safety: BTreeMap<String, usize> = rows
        .sums(&["tier", "type"])
        .into_iter()
        .filter(|(k, _)| k.starts_with("green-ls"))
        .collect();
    let wanted =
        [("green-ls door-lock", 60), ("green-ls elevator", 50), ("green-ls hvac-controller", 120)];
    assert_eq!(life_safety, pairs(wanted));
}

#[test]
fn every_gateway_of_the_yardstick_is_full_and_serves_one_segment() {
    let rows = Rows::of(counts::YARDSTICK_DEVICES);
    let mut gateways = rows.sums(&["gateway", "segment"]);
    gateways.retain(|key, _| !key.starts_with(' '));
    assert_eq!(gateways.len(), 240);
    assert!(gateways.values().all(|devices| *devices == 20), "{gateways:?}");
    let names: std::collections::BTreeSet<&str> =
        gateways.keys().filter_map(|key| key.split(' ').next()).collect();
    assert_eq!(names.len(), 240, "a gateway is shared between segments");
}

#[test]
fn the_devices_of_the_two_stories_exist() {
    for devices in [400, counts::YARDSTICK_DEVICES, 20_000] {
        let rows = Rows::of(devices);
        for (id, kind, floor) in [
            ("PUMP-3F-042", "infusion-pump", "3"),
            ("HVAC-B2-Floor7-Zone3", "hvac-controller", "7"),
        ] {
            let row = rows.rows.iter().find(|row| rows.cell(row, "id") == id);
            let cells = row.map(|row| {
                ["type", "floor", "attachment"].map(|column| rows.cell(row, column).to_owned())
            });
            assert_eq!(
                cells,
                Some([kind, floor, "legacy"].map(str::to_owned)),
                "{id} of {devices}"
            );
        }
    }
}

#[test]
fn any_number_of_devices_is_met_without_two_alike() {
    for devices in [400, 401, 7_999, 33_333] {
        let rows = Rows::of(devices);
        for column in ["id", "mac", "ip"] {
            let distinct = rows.sums(&[column]).len();
            assert_eq!(u32::try_from(distinct), Ok(devices), "{column} of {devices}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    assert_eq!(hospital(7, 500), hospital(7, 500));
    assert_ne!(hospital(7, 500), hospital(8, 500));
}

#[test]
fn a_changed_line_is_named() {
    assert_eq!(whereabouts(b"a\nb\nc", b"a\nx\nc"), "from line 2 on");
}
