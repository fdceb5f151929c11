//! What a copy lacks may explain what is wrong with what it has.

use super::{Reason, Reasons, Way};

/// Which ways are excused: after a gap, and when the beginning was not seen, until their first
/// message that is sound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Excuses {
    from_device: bool,
    to_device: bool,
}

impl Excuses {
    /// Both ways are excused.
    pub const BOTH: Self = Self { from_device: true, to_device: true };

    /// Says whether the reasons of a message may all come of what was not seen.
    pub fn take(&mut self, way: Way, reasons: Reasons) -> bool {
        let excuse = match way {
            Way::FromDevice => &mut self.from_device,
            Way::ToDevice => &mut self.to_device,
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
    fn a_way_is_excused_until_it_is_sound_and_never_for_what_it_says() {
        let mut excuses = Excuses::BOTH;
        assert!(excuses.take(Way::ToDevice, of(&[Reason::UnexpectedReply])));
        assert!(!excuses.take(Way::ToDevice, of(&[Reason::Malformed, Reason::CommandSource])));
        assert!(excuses.take(Way::ToDevice, of(&[Reason::Malformed])));
        assert!(!excuses.take(Way::ToDevice, of(&[])));
        assert!(!excuses.take(Way::ToDevice, of(&[Reason::UnexpectedReply])));
        assert_eq!(excuses, Excuses { from_device: true, to_device: false });
    }
}
