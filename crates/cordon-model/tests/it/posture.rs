//! Sets of postures are sets.

use std::collections::BTreeSet;

use cordon_model::{Posture, PostureSet};
use proptest::prelude::*;

fn indexes() -> impl Strategy<Value = BTreeSet<usize>> {
    proptest::collection::btree_set(0..Posture::COUNT, 0..64)
}

fn set(indexes: &BTreeSet<usize>) -> PostureSet {
    Posture::all().filter(|posture| indexes.contains(&posture.index())).collect()
}

proptest! {
    #[test]
    fn a_set_does_what_sets_do(a in indexes(), b in indexes()) {
        let (ours, theirs) = (set(&a), set(&b));
        prop_assert_eq!(ours.union(&theirs), set(&a.union(&b).copied().collect()));
        prop_assert_eq!(ours.intersection(&theirs), set(&a.intersection(&b).copied().collect()));
        prop_assert_eq!(ours.difference(&theirs), set(&a.difference(&b).copied().collect()));
        prop_assert_eq!(ours.len() as usize, a.len());
        prop_assert_eq!(ours.is_empty(), a.is_empty());
        for posture in Posture::all() {
            prop_assert_eq!(ours.contains(posture), a.contains(&posture.index()));
        }
    }

    #[test]
    fn a_set_reads_back(a in indexes()) {
        let text = serde_json::to_string(&set(&a)).unwrap();
        prop_assert_eq!(serde_json::from_str::<PostureSet>(&text).unwrap(), set(&a));
    }

    #[test]
    fn another_text_is_refused(text in "[0-9a-fA-Fg]{0,80}") {
        if let Ok(set) = serde_json::from_str::<PostureSet>(&format!("\"{text}\"")) {
            let written = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(written, format!("\"{}\"", text.to_lowercase()));
        }
    }
}
