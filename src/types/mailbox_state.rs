//! What is kept of a mailbox between two selections of it.

use super::flag::Flags;
use super::number::{ModSeq, Uid, UidValidity};
use super::set::UidSet;

/// What was known of a mailbox's messages at one moment: save it, and give it to the next
/// [`Select::resume`](crate::Select::resume), which then costs what has changed since.
///
/// From [`Mailbox::state`](crate::Mailbox::state), or put together from what a program has kept by its own means. Its size is
/// that of ranges of UIDs, not of messages. With the feature `serde` it can be stored in any format.
///
/// ```
/// use imap_duplex::types::{Flag, Flags, MailboxState, UidValidity};
/// let mut state = MailboxState::new(UidValidity::new(67890007).unwrap());
/// state.uids = "41,43:211".parse().unwrap();
/// state.flags = vec![(Flag::Seen.into(), "43:100".parse().unwrap())];
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxState {
    /// The era of the UIDs: in another one they mean nothing (RFC 9051 section 2.3.1.1).
    pub uid_validity: UidValidity,
    /// All changes up to this mod-sequence are in here (RFC 7162); `None` where the server keeps none. Then the UIDs, and
    /// the flags if they are wanted, are asked for and compared.
    pub highest_mod_seq: Option<ModSeq>,
    /// The messages that were there.
    pub uids: UidSet,
    /// What flags messages had, where that was known: each combination with the messages that had it.
    pub flags: Vec<(Flags, UidSet)>,
}

impl MailboxState {
    /// Of a mailbox without messages.
    #[must_use]
    pub fn new(uid_validity: UidValidity) -> Self {
        Self { uid_validity, highest_mod_seq: None, uids: UidSet::new(), flags: Vec::new() }
    }

    /// The flags that this message had, if they are known. Takes time in the number of combinations.
    #[must_use]
    pub fn flags_of(&self, uid: Uid) -> Option<&Flags> {
        self.flags.iter().find(|(_, uids)| uids.contains(uid)).map(|(flags, _)| flags)
    }
}

#[cfg(feature = "serde")]
mod stored {
    //! The stored form: numbers, and sets as the text that IMAP writes.

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::{Flags, MailboxState, ModSeq, UidValidity};
    use crate::types::Flag;

    #[derive(Serialize, Deserialize)]
    struct Stored {
        uid_validity: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        highest_mod_seq: Option<u64>,
        uids: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        flags: Vec<(Vec<String>, String)>,
    }

    impl Serialize for MailboxState {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let names = |flags: &Flags| flags.iter().map(|flag| flag.as_str().to_owned()).collect();
            Stored {
                uid_validity: self.uid_validity.get(),
                highest_mod_seq: self.highest_mod_seq.map(ModSeq::get),
                uids: self.uids.to_string(),
                flags: self.flags.iter().map(|(flags, uids)| (names(flags), uids.to_string())).collect(),
            }
            .serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for MailboxState {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let stored = Stored::deserialize(deserializer)?;
            let set = |text: &str| match text {
                "" => Ok(super::UidSet::new()),
                text => text.parse().map_err(D::Error::custom),
            };
            let era = UidValidity::new(stored.uid_validity);
            let mut state = Self::new(era.ok_or_else(|| D::Error::custom("a UIDVALIDITY of 0"))?);
            state.highest_mod_seq = stored.highest_mod_seq.and_then(ModSeq::new);
            state.uids = set(&stored.uids)?;
            for (names, uids) in &stored.flags {
                let flags = names.iter().map(|name| Flag::new(name)).collect();
                state.flags.push((flags, set(uids)?));
            }
            Ok(state)
        }
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
        assert_eq!(serde_json::from_str::<MailboxState>(&json).unwrap(), empty);
        for wrong in [r#"{"uid_validity":0,"uids":""}"#, r#"{"uid_validity":1,"uids":"x"}"#] {
            assert!(serde_json::from_str::<MailboxState>(wrong).is_err(), "{wrong}");
        }
    }
}
