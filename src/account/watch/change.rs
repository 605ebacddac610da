//! A change of an account, and its identity.
//!
//! In: what a mailbox's events, or a comparison of its counts, report. Out: a change that a program
//! acts on, acknowledges, and recognises if it is delivered once more.

use std::fmt;
use std::sync::Arc;

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
    /// User and host of the account.
    #[cfg_attr(feature = "serde", serde(with = "super::key::text", default))]
    pub(super) account: Arc<str>,
    /// In which run of a watch it was delivered: only there it acknowledges anything.
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) run: u64,
    /// Its place among all changes of that run.
    pub(super) number: u64,
    /// By another name than earlier versions stored a number by, so that what they stored is read.
    #[cfg_attr(feature = "serde", serde(rename = "before", default))]
    pub(super) count: Count,
}

/// How often such things had happened before: what tells a change from others that look like it. It
/// follows from what was acknowledged and from the change alone, so that it is the same when the
/// change is delivered again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Count {
    /// The mailbox was deleted.
    pub(super) lives: u64,
    /// Its UIDs, or its mod-sequences, were begun again.
    pub(super) resets: u64,
    /// The message was expunged.
    pub(super) departures: u32,
    /// The flags of the message changed without a mod-sequence, the mailbox was renamed, or it was
    /// in step.
    pub(super) same: u64,
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
        /// What [`Watch::items`](super::Watch::items) asks for; `None` if nothing is asked for, or
        /// the server refuses to send it, as of a damaged message. It is not stored with the
        /// change.
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
    /// A mailbox is new; its messages follow as [`Arrived`](Self::Arrived). One that was there
    /// before and is watched from now on is none, unless all is delivered
    /// [from the start](super::Watch::from_start).
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
    pub(super) fn uid(&self) -> Option<Uid> {
        match self {
            Self::Arrived { uid, .. } | Self::FlagsChanged { uid, .. } | Self::Expunged { uid } => Some(*uid),
            _ => None,
        }
    }

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
    /// before the program ended; another one for each other change of the account, and of others.
    ///
    /// It consists of the account (user and host), the mailbox's identifier, UIDVALIDITY, UID,
    /// kind, of flags the mod-sequence and the flags; and, where the server has no mod-sequences,
    /// how often those of this message had changed before. A message, a mailbox or mod-sequences
    /// that come back, as after a restore from a backup, differ from those of before by how often
    /// they have gone, which is kept with what was acknowledged; of mailboxes that are gone for the
    /// last few hundred. Several changes of one message that were delivered one by one and not
    /// acknowledged are delivered as one after a restart, which has the identity of one of them or
    /// one of its own.
    #[must_use]
    pub fn id(&self) -> String {
        let Count { lives, resets, departures, same } = self.count;
        let (name, uid, detail) = match &self.kind {
            ChangeKind::Arrived { uid, .. } => ("arrived", Some(*uid), departures.to_string()),
            ChangeKind::Expunged { uid } => ("expunged", Some(*uid), departures.to_string()),
            ChangeKind::FlagsChanged { uid, flags } => {
                let detail = match self.mod_seq {
                    // Not of all servers it is another one with each change.
                    Some(mod_seq) => format!("{mod_seq}.{}.{same}", text(flags)),
                    None => format!("{}.{departures}.{same}", text(flags)),
                };
                ("flags", Some(*uid), detail)
            }
            ChangeKind::Created => ("created", None, String::new()),
            ChangeKind::Renamed { from } => ("renamed", None, format!("{from}.{}.{same}", self.mailbox)),
            ChangeKind::Deleted => ("deleted", None, String::new()),
            ChangeKind::Reset => ("reset", None, String::new()),
            ChangeKind::InStep => ("in_step", None, same.to_string()),
        };
        // What is of the mailbox has the same identity though its UIDVALIDITY was not known once.
        let validity = self.uid_validity.filter(|_| uid.is_some()).map_or(0, UidValidity::get);
        let uid = uid.map_or(0, Uid::get);
        format!("{}/{}/{lives}.{resets}/{validity}/{uid}/{name}/{detail}", self.account, self.key)
    }

    /// User and host of the account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The identifier of the mailbox, which stays the same when it is renamed.
    #[must_use]
    pub fn mailbox_key(&self) -> &MailboxKey {
        &self.key
    }

    /// The message that has changed.
    #[must_use]
    pub fn uid(&self) -> Option<Uid> {
        self.kind.uid()
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
            key: MailboxKey::of_name(&"Drafts".into(), 0),
            account: "zoe@example.org".into(),
            run: 4,
            number: 5,
            count: Count { lives: 6, resets: 7, departures: 8, same: 9 },
        };
        let text = serde_json::to_string(&change).expect("JSON");
        let read: Change = serde_json::from_str(&text).expect("a change");
        assert_eq!((&read, read.id()), (&change, change.id()), "{text}");
    }
}
