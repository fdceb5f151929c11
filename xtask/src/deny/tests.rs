use std::collections::{BTreeMap, BTreeSet};

use super::{Agreed, duplicates, is_registry};

fn agreed() -> Agreed {
    let text = "[licenses]\nallow = ['MIT', 'Apache-2.0 WITH LLVM-exception']\n\
                [bans]\nskip = [{ crate = 'syn', reason = 'two generations' }]";
    Agreed::parse(text).unwrap()
}

#[test]
fn a_licence_is_judged_as_an_expression() {
    let agreed = agreed();
    let check =
        |licence, fine: bool| assert_eq!(agreed.objection(licence).is_none(), fine, "{licence:?}");
    check(Some("MIT"), true);
    check(Some("MIT/GPL-3.0"), true);
    check(Some("GPL-3.0-only OR MIT"), true);
    check(Some("Apache-2.0 WITH LLVM-exception"), true);
    check(Some("Apache-2.0"), false);
    check(Some("MIT AND GPL-3.0-only"), false);
    check(Some("whatever"), false);
    check(None, false);
}

#[test]
fn only_registries_are_sources() {
    assert!(is_registry("registry+https://example.org/index"));
    assert!(!is_registry("git+https://example.org/fork"));
}

#[test]
fn a_duplicate_needs_an_exception_and_an_exception_a_duplicate() {
    let two: BTreeSet<_> = ["v1", "v2"].map(String::from).into();
    let found = |names: &[&str]| {
        let versions: BTreeMap<_, _> =
            names.iter().map(|name| ((*name).to_owned(), two.clone())).collect();
        duplicates(&versions, &agreed())
    };
    assert!(found(&["syn"]).is_empty());
    assert_eq!(found(&["syn", "rand"]).len(), 1);
    assert_eq!(found(&[]).len(), 1);
}

#[test]
fn an_exception_without_a_reason_is_refused() {
    assert!(Agreed::parse("[licenses]\nallow = []\n[bans]\nskip = [{ crate = 'syn' }]").is_err());
}
