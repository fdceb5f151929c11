//! Which header of a foreign table means which column.

use cordon_model::hospital::COLUMNS;

/// What an import reads besides the columns of `devices.csv`, for its checks.
pub(super) const EXTRA: [&str; 2] = ["vlan", "status"];
/// How many cells an imported row has.
pub(super) const SLOTS: usize = COLUMNS.len() + EXTRA.len();

/// Finds the cell of a column.
pub(super) fn slot(column: &str) -> Option<usize> {
    COLUMNS.iter().chain(&EXTRA).position(|name| *name == column)
}

/// Names a cell.
pub(super) fn name(slot: usize) -> &'static str {
    COLUMNS.iter().chain(&EXTRA).nth(slot).copied().unwrap_or("")
}

/// Whose words the headers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Any CMDB or CMMS.
    General,
    /// NetBox, where `type` is a model and `role` is a type.
    NetBox,
}

/// The words for each column, plain; earlier words win over later ones.
const WORDS: [(&str, &[&str]); 29] = [
    (
        "id",
        &[
            "id",
            "deviceid",
            "assetid",
            "assettag",
            "tag",
            "tagno",
            "tagnumber",
            "assetno",
            "assetnumber",
            "asset",
            "controlno",
            "controlnumber",
            "equipmentno",
            "equipmentnumber",
            "equipmentid",
            "ciname",
            "configurationitem",
            "devicename",
            "name",
            "hostname",
            "inventarnummer",
        ],
    ),
    (
        "type",
        &[
            "type",
            "devicetype",
            "assettype",
            "equipmenttype",
            "modality",
            "devicecategory",
            "category",
            "deviceclass",
            "class",
            "devicedescription",
            "geraeteart",
            "gerätetyp",
            "gerätetype",
        ],
    ),
    ("tier", &["tier", "risktier", "criticality", "riskclass"]),
    (
        "vendor",
        &[
            "vendor",
            "manufacturer",
            "manufacturername",
            "mfr",
            "mfg",
            "make",
            "oem",
            "brand",
            "hersteller",
        ],
    ),
    ("model", &["model", "modelname", "modelno", "modelnumber", "modelid", "product", "modell"]),
    ("serial", &["serial", "serialno", "serialnumber", "serialnum", "sn", "sno", "seriennummer"]),
    (
        "mac",
        &[
            "mac",
            "macaddress",
            "macaddr",
            "macid",
            "hwaddr",
            "hwaddress",
            "hardwareaddress",
            "ethernetaddress",
            "physicaladdress",
            "wiredmac",
            "wiredmacaddress",
            "lanmac",
            "macadresse",
        ],
    ),
    (
        "ip",
        &[
            "ip",
            "ipaddress",
            "ipaddr",
            "ipv4",
            "ipv4address",
            "ipno",
            "networkaddress",
            "hostip",
            "staticip",
            "primaryip",
            "primaryip4",
            "ipadresse",
        ],
    ),
    ("ipv6", &["ipv6", "ipv6address", "ipv6addr", "primaryip6"]),
    ("eui64", &["eui64"]),
    ("ae-title", &["aetitle", "aet", "dicomaetitle", "dicomae", "aetname"]),
    ("hl7-application", &["hl7application", "hl7app", "sendingapplication", "msh3"]),
    ("hl7-facility", &["hl7facility", "sendingfacility", "msh4"]),
    ("bacnet-instance", &["bacnetinstance", "bacnetid", "bacnetdeviceid", "deviceinstance"]),
    (
        "building",
        &["building", "bldg", "buildingname", "bldgname", "buildingno", "site", "gebäude"],
    ),
    ("floor", &["floor", "floorno", "level", "storey", "story", "fl", "etage", "stockwerk"]),
    (
        "unit",
        &[
            "unit",
            "careunit",
            "department",
            "dept",
            "departmentname",
            "deptname",
            "ward",
            "costcenter",
            "costcentre",
            "owningdepartment",
            "location",
            "abteilung",
            "station",
        ],
    ),
    ("segment", &["segment", "networksegment", "zone", "securityzone", "networkzone"]),
    ("gateway", &["gateway", "accessgateway", "securitygateway"]),
    ("port", &["port", "gatewayport", "accessport", "portno"]),
    ("attachment", &["attachment", "keystorage"]),
    ("autonomous", &["autonomous", "runswithoutnetwork", "standalonecapable"]),
    (
        "firmware",
        &[
            "firmware",
            "firmwareversion",
            "fwversion",
            "fw",
            "softwareversion",
            "swversion",
            "software",
            "firmwarerev",
            "softwarerev",
            "swrev",
        ],
    ),
    ("firmware-sha256", &["firmwaresha256", "firmwarehash", "firmwaredigest", "sha256"]),
    ("unsupported-os", &["unsupportedos", "osunsupported", "oseol", "endoflifeos", "osendoflife"]),
    ("remote-access", &["remoteaccess", "remoteservice", "vendorremoteaccess", "remotesupport"]),
    ("known-exploited", &["knownexploited", "kev", "cisakev"]),
    ("vlan", &["vlan", "vlanid", "vlanno", "vlannumber", "vid"]),
    (
        "status",
        &[
            "status",
            "assetstatus",
            "devicestatus",
            "lifecyclestatus",
            "installstatus",
            "state",
            "equipmentstatus",
        ],
    ),
];

/// NetBox's words where they mean something else, or are missing above.
const NETBOX_WORDS: [(&str, &[&str]); 10] = [
    ("id", &["name", "device", "assettag"]),
    ("type", &["role", "devicerole"]),
    ("vendor", &["manufacturer"]),
    ("model", &["type", "devicetype"]),
    ("serial", &["serialnumber", "serial"]),
    ("ip", &["ipv4address", "primaryip4", "ipaddress", "primaryip"]),
    ("ipv6", &["ipv6address", "primaryip6"]),
    ("building", &["site"]),
    ("unit", &["location"]),
    ("status", &["status"]),
];
/// NetBox columns that would be mistaken for others: a number of its own, and its groups.
const NETBOX_FOREIGN: [&str; 6] = ["id", "region", "rack", "platform", "tenant", "state"];

/// Writes a header plainly: `Serial #` becomes `serialno`.
pub(super) fn plain(header: &str) -> String {
    let lower = header.trim().to_lowercase().replace('#', "no");
    lower.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Finds the cell a header means, and how good a word it is for it (0 is best).
pub(super) fn meaning(header: &str, dialect: Dialect) -> Option<(usize, usize)> {
    if let Some(slot) = slot(header.trim()).filter(|_| dialect == Dialect::General) {
        return Some((slot, 0));
    }
    let plain = plain(header);
    if dialect == Dialect::NetBox {
        if let Some(field) = plain.strip_prefix("cf") {
            return among(&WORDS, field);
        }
        if let Some(found) = among(&NETBOX_WORDS, &plain) {
            return Some(found);
        }
        if NETBOX_FOREIGN.contains(&plain.as_str()) {
            return None;
        }
        // Below NetBox's own words for the same column.
        return among(&WORDS, &plain).map(|(slot, rank)| (slot, rank + 100));
    }
    among(&WORDS, &plain).map(|(slot, rank)| (slot, rank + 1))
}

fn among(table: &[(&str, &[&str])], plain: &str) -> Option<(usize, usize)> {
    table.iter().find_map(|(column, words)| {
        let rank = words.iter().position(|word| *word == plain)?;
        Some((slot(column)?, rank))
    })
}
