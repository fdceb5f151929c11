//! The names of BACnet and their numbers, apart from those that `cordon` has: a table that is wrong in both places
//! would be compared with itself.

/// Confirmed services by number.
/// # Source
/// ASHRAE 135-2020 §21 BACnetConfirmedServiceChoice
pub(super) const CONFIRMED: &[&str] = &[
    "acknowledge-alarm",
    "confirmed-cov-notification",
    "confirmed-event-notification",
    "get-alarm-summary",
    "get-enrollment-summary",
    "subscribe-cov",
    "atomic-read-file",
    "atomic-write-file",
    "add-list-element",
    "remove-list-element",
    "create-object",
    "delete-object",
    "read-property",
    "read-property-conditional",
    "read-property-multiple",
    "write-property",
    "write-property-multiple",
    "device-communication-control",
    "confirmed-private-transfer",
    "confirmed-text-message",
    "reinitialize-device",
    "vt-open",
    "vt-close",
    "vt-data",
    "authenticate",
    "request-key",
    "read-range",
    "life-safety-operation",
    "subscribe-cov-property",
    "get-event-information",
    "subscribe-cov-property-multiple",
    "confirmed-cov-notification-multiple",
    "confirmed-audit-notification",
    "audit-log-query",
];

/// Unconfirmed services by number.
/// # Source
/// ASHRAE 135-2020 §21 BACnetUnconfirmedServiceChoice
pub(super) const UNCONFIRMED: &[&str] = &[
    "i-am",
    "i-have",
    "unconfirmed-cov-notification",
    "unconfirmed-event-notification",
    "unconfirmed-private-transfer",
    "unconfirmed-text-message",
    "time-synchronization",
    "who-has",
    "who-is",
    "utc-time-synchronization",
    "write-group",
    "unconfirmed-cov-notification-multiple",
    "unconfirmed-audit-notification",
    "who-am-i",
    "you-are",
];

/// Functions of the virtual link.
/// # Source
/// ASHRAE 135-2020 §J.2
pub(super) const BVLC_FUNCTIONS: &[(&str, u64)] = &[
    ("result", 0x00),
    ("bvlc-result", 0x00),
    ("write-broadcast-distribution-table", 0x01),
    ("read-broadcast-distribution-table", 0x02),
    ("read-broadcast-distribution-table-ack", 0x03),
    ("forwarded-npdu", 0x04),
    ("register-foreign-device", 0x05),
    ("read-foreign-device-table", 0x06),
    ("read-foreign-device-table-ack", 0x07),
    ("delete-foreign-device-table-entry", 0x08),
    ("distribute-broadcast-to-network", 0x09),
    ("original-unicast-npdu", 0x0a),
    ("original-broadcast-npdu", 0x0b),
    ("secure-bvll", 0x0c),
];

/// Types of application messages.
/// # Source
/// ASHRAE 135-2020 §20.1
pub(super) const PDU_TYPES: &[(&str, u64)] = &[
    ("confirmed-request", 0),
    ("unconfirmed-request", 1),
    ("simple-ack", 2),
    ("complex-ack", 3),
    ("segment-ack", 4),
    ("error", 5),
    ("reject", 6),
    ("abort", 7),
];

/// The types of objects that the logs name.
/// # Source
/// ASHRAE 135-2020 §21 BACnetObjectType
pub(super) const OBJECT_TYPES: &[(&str, u64)] = &[
    ("analog-input", 0),
    ("analog-output", 1),
    ("analog-value", 2),
    ("binary-input", 3),
    ("binary-output", 4),
    ("binary-value", 5),
    ("device", 8),
    ("trend-log", 20),
];

/// The error codes that the logs name.
/// # Source
/// ASHRAE 135-2020 §21 Error
pub(super) const ERROR_CODES: &[(&str, u64)] = &[
    ("password-failure", 26),
    ("unknown-object", 31),
    ("unknown-property", 32),
    ("write-access-denied", 40),
];

/// Why a request is rejected.
/// # Source
/// ASHRAE 135-2020 §21 BACnetRejectReason
pub(super) const REJECT_REASONS: &[(&str, u64)] = &[
    ("other", 0),
    ("buffer-overflow", 1),
    ("inconsistent-parameters", 2),
    ("invalid-parameter-data-type", 3),
    ("invalid-tag", 4),
    ("missing-required-parameter", 5),
    ("parameter-out-of-range", 6),
    ("too-many-arguments", 7),
    ("undefined-enumeration", 8),
    ("unrecognized-service", 9),
];

/// Why a transaction is aborted.
/// # Source
/// ASHRAE 135-2020 §21 BACnetAbortReason
pub(super) const ABORT_REASONS: &[(&str, u64)] = &[
    ("other", 0),
    ("buffer-overflow", 1),
    ("invalid-apdu-in-this-state", 2),
    ("preempted-by-higher-priority-task", 3),
    ("segmentation-not-supported", 4),
];

/// A name in one spelling: `Read_Property`, `readProperty` and `read-property` are the same.
pub(super) fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && was_small {
            plain.push('-');
        }
        was_small = letter.is_ascii_lowercase();
        plain.push(if letter == '_' { '-' } else { letter.to_ascii_lowercase() });
    }
    plain
}

/// The number of a name; what is a number already, or is not known, stays.
pub(super) fn number_of(names: &[(&str, u64)], name: &str) -> String {
    let wanted = plain(name);
    let found = names.iter().find(|(known, _)| *known == wanted);
    found.map_or(wanted, |(_, number)| number.to_string())
}
