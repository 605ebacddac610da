//! The state of a mailbox kept between two selections of it.

use super::flag::Flags;
use super::number::{ModSeq, Uid, UidValidity};
use super::set::UidSet;

/// The known state of a mailbox's messages at one moment: store it, and pass it to the next
/// [`Select::resume`](crate::Select::resume), which then transfers only what has changed since.
///
/// [`Mailbox::state`](crate::Mailbox::state) returns one; a program can also build it from its own
/// data. Its size is that of ranges of UIDs, not of messages. With the feature `serde` it can be
/// stored in any format.
///
/// ```
/// use imap_duplex::types::{Flag, Flags, MailboxState, UidValidity};
/// let mut state = MailboxState::new(UidValidity::new(67890007).unwrap());
/// state.uids = "41,43:211".parse().unwrap();
/// state.flags = vec![(Flag::Seen.into(), "43:100".parse().unwrap())];
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MailboxState {
    /// The UIDVALIDITY of the UIDs: under another one they are invalid (RFC 9051 section 2.3.1.1).
    pub uid_validity: UidValidity,
    /// All changes up to this mod-sequence are included (RFC 7162); `None` where the server keeps
    /// none. Then the UIDs, and the flags if requested, are queried and compared.
    #[cfg_attr(feature = "serde", serde(default))]
    pub highest_mod_seq: Option<ModSeq>,
    /// The UIDs of the messages.
    pub uids: UidSet,
    /// The known flags: each combination with the messages that have it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub flags: Vec<(Flags, UidSet)>,
}

impl MailboxState {
    /// The state of an empty mailbox.
    #[must_use]
    pub fn new(uid_validity: UidValidity) -> Self {
        Self { uid_validity, highest_mod_seq: None, uids: UidSet::new(), flags: Vec::new() }
    }

    /// The known flags of this message. Takes time in the number of combinations.
    #[must_use]
    pub fn flags_of(&self, uid: Uid) -> Option<&Flags> {
        self.flags.iter().find(|(_, uids)| uids.contains(uid)).map(|(flags, _)| flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Flag;

    fn state() -> MailboxState {
        let mut state = MailboxState::new(UidValidity::new(7).unwrap());
        state.uids = "1:9,12".parse().unwrap();
        state.highest_mod_seq = ModSeq::new(99);
        state.flags = vec![(Flag::Seen.into(), "1:3".parse().unwrap()), (Flags::new(), "4".parse().unwrap())];
        state
    }

    #[test]
    fn flags_are_known_or_not() {
        let of = |uid| state().flags_of(Uid::new(uid).unwrap()).cloned();
        assert_eq!(of(2), Some(Flag::Seen.into()));
        assert_eq!(of(4), Some(Flags::new()), "known to be none");
        assert_eq!(of(5), None, "not known");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn it_can_be_stored() {
        let json = serde_json::to_string(&state()).unwrap();
        assert_eq!(
            json,
            r#"{"uid_validity":7,"highest_mod_seq":99,"uids":"1:9,12","flags":[[["\\Seen"],"1:3"],[[],"4"]]}"#
        );
        assert_eq!(serde_json::from_str::<MailboxState>(&json).unwrap(), state());
        let empty = MailboxState::new(UidValidity::new(1).unwrap());
        let json = serde_json::to_string(&empty).unwrap();
        assert_eq!(
            json, r#"{"uid_validity":1,"highest_mod_seq":null,"uids":"","flags":[]}"#,
            "each field, for any format"
        );
        assert_eq!(serde_json::from_str::<MailboxState>(&json).unwrap(), empty);
        let brief: MailboxState = serde_json::from_str(r#"{"uid_validity":7,"uids":"1:9,12"}"#).unwrap();
        assert_eq!(brief.uids, state().uids);
        for wrong in [r#"{"uid_validity":0,"uids":""}"#, r#"{"uid_validity":1,"uids":"x"}"#] {
            assert!(serde_json::from_str::<MailboxState>(wrong).is_err(), "{wrong}");
        }
    }
}
