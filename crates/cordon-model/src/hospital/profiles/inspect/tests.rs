use super::*;
use crate::fleet::{AddressRange, WriteRange};

fn said(rules: Option<Wrong>) -> String {
    rules.map(|(message, _)| message).unwrap_or_default()
}

#[test]
fn uids_are_told_from_other_texts() {
    for uid in ["1.2.840.10008.1.1", "0.0", "2.25.0"] {
        assert!(is_uid(uid), "{uid}");
    }
    for text in ["", "1..2", "1.02", "1.2.", ".1", "1.a", &"1.".repeat(40)] {
        assert!(!is_uid(text), "{text}");
    }
}

#[test]
fn ranges_that_hold_nothing_are_blamed() {
    let table = ModbusTable::HoldingRegisters;
    let write = WriteRange { table, from: 1, to: 2, min: 0, max: 9 };
    let check =
        |writes: Vec<WriteRange>| said(modbus(&ModbusRules { writes, ..ModbusRules::default() }));
    assert_eq!(check(vec![write]), "");
    assert_eq!(check(vec![WriteRange { from: 3, ..write }]), "the range 3 to 2 is empty");
    assert_eq!(check(vec![WriteRange { min: 10, ..write }]), "no value is between 10 and 9");
    let input = WriteRange { table: ModbusTable::InputRegisters, ..write };
    assert_eq!(check(vec![input]), "inputs cannot be written");
    let reads = vec![AddressRange { table, from: 9, to: 1 }];
    let rules = ModbusRules { reads, ..ModbusRules::default() };
    assert_eq!(said(modbus(&rules)), "the range 9 to 1 is empty");
}

#[test]
fn classes_that_are_no_uids_are_blamed() {
    let rules = DicomRules { storage_classes: vec!["CT".to_owned()], ..DicomRules::default() };
    assert_eq!(said(dicom(&rules)), "`CT` is not a UID");
}
