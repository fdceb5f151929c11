#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use cordon_journal::read::Cursor;
use cordon_model::WallMs;

use super::*;

#[test]
fn letters_are_whole_lines_and_never_more_than_fit() {
    let path = std::env::temp_dir().join(format!("cordon-letters-{}", std::process::id()));
    let _ = fs::remove_file(&path);
    let letters = Letters::new(path.clone(), 200);
    assert_eq!(letters.count().unwrap(), (0, 0));
    let item = Item {
        source: 0,
        cursor: Cursor::START,
        time: WallMs(0),
        uid: "gw-1/evidence/7".into(),
        text: Some("two\nlines".into()),
    };
    assert_eq!(letters.add(&item, "bad-record", Wall(3)), Ok(()));
    assert_eq!(letters.add(&item, "bad-record", Wall(3)), Ok(()));
    assert_eq!(letters.add(&item, "bad-record", Wall(3)), Err("dead-letters-full"));
    let line = "{\"at\":3,\"reason\":\"bad-record\",\"text\":\"two\\nlines\",\"uid\":\"gw-1/evidence/7\"}\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), line.repeat(2));
    assert_eq!(letters.count().unwrap(), (2, line.len() as u64 * 2));
    fs::remove_file(&path).unwrap();
    assert_eq!(letters.add(&item, "bad-record", Wall(3)), Ok(()), "there is room again");
    fs::remove_file(&path).unwrap();
}
