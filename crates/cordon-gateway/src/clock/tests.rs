use super::Clock;

#[test]
fn whoever_has_a_copy_sees_both_clocks_move_on() {
    let clock = Clock::start(60);
    let copy = clock.clone();
    let before = copy.moment();
    assert_eq!((clock.advance(30), clock.advance(0)), (90, 90));
    let after = copy.moment();
    assert!(after.mono.0 - before.mono.0 >= 30_000_000_000, "{before:?} {after:?}");
    assert!(after.wall.0 - before.wall.0 >= 30_000, "{before:?} {after:?}");
}
