//! A change of an account, and its identity.
//!
//! In: what a mailbox's events, or a comparison of its counts, report. Out: a change that a program
//! acts on, acknowledges, and recognises if it is delivered once more.

use std::fmt;

use super::key::MailboxKey;
use crate::types::{Flags, MailboxName, Message, ModSeq, Uid, UidValidity};

/// A change in a mailbox of the account, or of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Change {
    /// The mailbox, by its name at that time.
    pub mailbox: MailboxName,
    /// The UIDVALIDITY of its UIDs.
    pub uid_validity: Option<UidValidity>,
    /// The mod-sequence of the change, where the server said it.
    pub mod_seq: Option<ModSeq>,
    /// What has changed.
    pub kind: ChangeKind,
    pub(super) key: MailboxKey,
    /// Its place among all changes of this run.
    pub(super) number: u64,
    /// Of flags: how often those of this message had changed before. Of being in step: how often it
    /// was. Of the mailbox itself: how often that had changed.
    pub(super) count: u64,
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ChangeKind {
    /// A message arrived.
    #[non_exhaustive]
    Arrived {
        /// Its UID.
        uid: Uid,
        /// Its flags, if they are known; else [`FlagsChanged`](Self::FlagsChanged) follows, if it
        /// has any and the watch is one of flags.
        flags: Option<Flags>,
        /// What [`Watch::items`](super::Watch::items) asks for. It is not stored with the change.
        #[cfg_attr(feature = "serde", serde(skip))]
        message: Option<Box<Message>>,
    },
    /// Flags of a message changed.
    #[non_exhaustive]
    FlagsChanged {
        /// Its UID.
        uid: Uid,
        /// Its flags now.
        flags: Flags,
    },
    /// A message was expunged.
    #[non_exhaustive]
    Expunged {
        /// The UID that it had.
        uid: Uid,
    },
    /// A mailbox is new; its messages follow as [`Arrived`](Self::Arrived).
    Created,
    /// A mailbox has another name.
    #[non_exhaustive]
    Renamed {
        /// The name that it had.
        from: MailboxName,
    },
    /// A mailbox is gone, and its messages with it; or it is no longer one of those that are
    /// watched, as by another name, or without its subscription.
    Deleted,
    /// The mailbox has another UIDVALIDITY: all its UIDs mean nothing any more; its messages follow
    /// as [`Arrived`](Self::Arrived).
    Reset,
    /// All changes up to now have been delivered. Acknowledging it acknowledges them all, and makes
    /// the next look at the mailbox cheap.
    InStep,
}

impl ChangeKind {
    /// The same, without what was fetched.
    pub(super) fn without_message(&self) -> Self {
        match self {
            Self::Arrived { uid, flags, .. } => {
                Self::Arrived { uid: *uid, flags: flags.clone(), message: None }
            }
            other => other.clone(),
        }
    }
}

impl Change {
    /// Its identity: the same if the change is delivered once more, because it was not acknowledged
    /// before the program ended; another one for each other change of the account.
    ///
    /// It consists of the mailbox's identifier, UIDVALIDITY, UID, kind, and the mod-sequence. Where
    /// the server has none: the flags, and how often those of this message had changed before, which
    /// is kept with what was acknowledged. Several changes of one message's flags that were delivered
    /// one by one and not acknowledged are delivered as one after a restart, which has an identity of
    /// its own.
    #[must_use]
    pub fn id(&self) -> String {
        let validity = self.uid_validity.map_or(0, UidValidity::get);
        let (name, uid, detail) = match &self.kind {
            ChangeKind::Arrived { uid, .. } => ("arrived", uid.get(), String::new()),
            ChangeKind::Expunged { uid } => ("expunged", uid.get(), String::new()),
            ChangeKind::FlagsChanged { uid, flags } => {
                let detail = match self.mod_seq {
                    Some(mod_seq) => mod_seq.to_string(),
                    None => format!("{}.{}", text(flags), self.count),
                };
                ("flags", uid.get(), detail)
            }
            ChangeKind::Created => ("created", 0, String::new()),
            ChangeKind::Renamed { from } => ("renamed", 0, format!("{from}.{}.{}", self.mailbox, self.count)),
            ChangeKind::Deleted => ("deleted", 0, String::new()),
            ChangeKind::Reset => ("reset", 0, self.count.to_string()),
            ChangeKind::InStep => ("in_step", 0, self.count.to_string()),
        };
        format!("{}/{validity}/{uid}/{name}/{detail}", self.key)
    }

    /// The identifier of the mailbox, which stays the same when it is renamed.
    #[must_use]
    pub fn mailbox_key(&self) -> &MailboxKey {
        &self.key
    }

    /// The message that has changed.
    #[must_use]
    pub fn uid(&self) -> Option<Uid> {
        match &self.kind {
            ChangeKind::Arrived { uid, .. }
            | ChangeKind::FlagsChanged { uid, .. }
            | ChangeKind::Expunged { uid } => Some(*uid),
            _ => None,
        }
    }
}

/// Flags in one form, whatever their order and case. A hash would be shorter, but none of the
/// standard library is the same in each version of it.
fn text(flags: &Flags) -> String {
    let mut names: Vec<String> = flags.iter().map(|flag| flag.to_string().to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.join("+")
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.mailbox)?;
        match &self.kind {
            ChangeKind::Arrived { uid, .. } => write!(f, "uid {uid} arrived"),
            ChangeKind::FlagsChanged { uid, flags } => write!(f, "uid {uid} has flags {flags}"),
            ChangeKind::Expunged { uid } => write!(f, "uid {uid} was expunged"),
            ChangeKind::Created => f.write_str("created"),
            ChangeKind::Renamed { from } => write!(f, "renamed from {from}"),
            ChangeKind::Deleted => f.write_str("deleted"),
            ChangeKind::Reset => f.write_str("has a new UIDVALIDITY"),
            ChangeKind::InStep => f.write_str("in step"),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "serde")]
    #[test]
    fn a_change_survives_being_stored() {
        use super::*;
        use crate::types::Flag;

        let change = Change {
            mailbox: "Entwürfe".into(),
            uid_validity: UidValidity::new(3),
            mod_seq: ModSeq::new(9),
            kind: ChangeKind::FlagsChanged { uid: Uid::MIN, flags: [Flag::Seen, "$Forwarded".into()].into() },
            key: MailboxKey::numbered(4),
            number: 5,
            count: 6,
        };
        let text = serde_json::to_string(&change).expect("JSON");
        let read: Change = serde_json::from_str(&text).expect("a change");
        assert_eq!((&read, read.id()), (&change, change.id()), "{text}");
    }
}
