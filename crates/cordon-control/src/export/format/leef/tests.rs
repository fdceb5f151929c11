use super::*;

#[test]
fn nothing_in_a_value_can_end_it() {
    let mut pairs = Pairs { out: String::new(), is_first: true };
    pairs.add("a", Some("x\ty\nz=1"));
    pairs.add("b", None::<u8>);
    pairs.add("c", Some(7));
    assert_eq!(pairs.out, "a=x y z=1\tc=7");
}
