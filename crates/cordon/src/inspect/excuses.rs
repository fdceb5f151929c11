//! What a capture lacks may explain what is wrong with what it has.

use cordon_core::inspect::{Reason, Reasons};
use cordon_wire::tcp::Side;

/// Which sides are excused: after a gap, and when the beginning was not captured, until their first
/// message that is sound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Excuses {
    client: bool,
    server: bool,
}

impl Excuses {
    pub(super) const BOTH: Self = Self { client: true, server: true };

    /// Says whether the reasons of a side's message may all come of what was not captured.
    pub(super) fn take(&mut self, from: Side, reasons: Reasons) -> bool {
        let excuse = match from {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        *excuse &= reasons.iter().any(may_lack);
        *excuse && reasons.iter().all(may_lack)
    }
}

/// Says whether a message may look so because bytes before it are missing.
fn may_lack(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Malformed
            | Reason::Truncated
            | Reason::Unsupported
            | Reason::OverLimit
            | Reason::OutOfSequence
            | Reason::WrongProtocol
            | Reason::UnexpectedReply
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reasons: &[Reason]) -> Reasons {
        let mut set = Reasons::default();
        for reason in reasons {
            set.insert(*reason);
        }
        set
    }

    #[test]
    fn a_side_is_excused_until_it_is_sound_and_never_for_what_it_says() {
        let mut excuses = Excuses::BOTH;
        assert!(excuses.take(Side::Server, of(&[Reason::UnexpectedReply])));
        assert!(!excuses.take(Side::Server, of(&[Reason::Malformed, Reason::CommandSource])));
        assert!(excuses.take(Side::Server, of(&[Reason::Malformed])));
        assert!(!excuses.take(Side::Server, of(&[])));
        assert!(!excuses.take(Side::Server, of(&[Reason::UnexpectedReply])));
        assert_eq!(excuses, Excuses { client: true, server: false });
    }
}
