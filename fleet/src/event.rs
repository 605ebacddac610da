//! What consumers get: one JSON object for each change, and its subject.
//!
//! ```text
//!   imap.<account>.<mailbox>.<kind>      imap.alice.INBOX.arrived      imap.alice.Work%2F2026.flags
//! ```
//!
//! In: a change of a watch. Out: subject, identity, JSON: the same change has the same bytes each
//! time it is published.

use std::fmt::Write as _;

use imap_duplex::account::{Change, ChangeKind};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// The version of the JSON. It grows when a key changes its meaning, not when one is added.
pub const EVENT_VERSION: u32 = 1;

/// The longest word of a subject: longer names are cut, and a part of their hash follows.
const MAX_TOKEN: usize = 200;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A message arrived.
    Arrived,
    /// Flags of a message changed.
    Flags,
    /// A message was expunged.
    Expunged,
    /// A mailbox is new.
    Created,
    /// A mailbox has another name.
    Renamed,
    /// A mailbox is gone.
    Deleted,
    /// The mailbox has another UIDVALIDITY: its messages arrive again.
    Reset,
}

impl Kind {
    /// The last word of the subject.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::Flags => "flags",
            Self::Expunged => "expunged",
            Self::Created => "created",
            Self::Renamed => "renamed",
            Self::Deleted => "deleted",
            Self::Reset => "reset",
        }
    }
}

/// A change in a mailbox of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// [`EVENT_VERSION`].
    pub version: u32,
    /// Its identity in the fleet: events of the same identity are one event. It is the
    /// `Nats-Msg-Id`, too.
    pub id: String,
    /// The account's name.
    pub account: String,
    /// The mailbox's name at that time.
    pub mailbox: String,
    /// What has happened.
    pub kind: Kind,
    /// The UIDVALIDITY of the mailbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid_validity: Option<u32>,
    /// The message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Its flags now, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<Vec<String>>,
    /// The name that the mailbox had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The mod-sequence of the change, where the server has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mod_seq: Option<u64>,
}

impl Event {
    /// The event of a change; none for [`InStep`](ChangeKind::InStep), which only moves the cursor,
    /// and for kinds that this version does not know.
    #[must_use]
    pub fn of(account_id: i64, account: &str, change: &Change) -> Option<Self> {
        let (kind, flags, from) = match &change.kind {
            ChangeKind::Arrived { flags, .. } => (Kind::Arrived, flags.as_ref(), None),
            ChangeKind::FlagsChanged { flags, .. } => (Kind::Flags, Some(flags), None),
            ChangeKind::Expunged { .. } => (Kind::Expunged, None, None),
            ChangeKind::Created => (Kind::Created, None, None),
            ChangeKind::Renamed { from, .. } => (Kind::Renamed, None, Some(from)),
            ChangeKind::Deleted => (Kind::Deleted, None, None),
            ChangeKind::Reset => (Kind::Reset, None, None),
            _ => return None,
        };
        Some(Self {
            version: EVENT_VERSION,
            id: header_text(&format!("{account_id}/{}", change.id())),
            account: account.to_owned(),
            mailbox: change.mailbox.to_string(),
            kind,
            uid_validity: change.uid_validity.map(|validity| validity.get()),
            uid: change.uid().map(|uid| uid.get()),
            flags: flags.map(|flags| flags.iter().map(|flag| flag.to_string()).collect()),
            from: from.map(ToString::to_string),
            mod_seq: change.mod_seq.map(|mod_seq| mod_seq.get()),
        })
    }

    /// The subject under which it is published.
    #[must_use]
    pub fn subject(&self, prefix: &str) -> String {
        let (account, mailbox) = (subject_token(&self.account), subject_token(&self.mailbox));
        format!("{prefix}.{account}.{mailbox}.{}", self.kind.as_str())
    }
}

/// As a header of NATS can carry it, whatever names it has in it.
fn header_text(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'%' => text.push(byte.into()),
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
    text
}

/// A name as one word of a subject: what NATS gives a meaning to, and all that is not ASCII, is
/// written as `%` and two hexadecimal digits for each byte. A word that would be longer than 200
/// bytes is cut, and `~` and a part of the name's SHA-256 follow, so that it stays one of a kind.
///
/// ```
/// use imap_duplex_fleet::subject_token;
/// assert_eq!(subject_token("alice@example.org"), "alice@example%2Eorg");
/// assert_eq!(subject_token("Work/2026"), "Work%2F2026");
/// ```
#[must_use]
pub fn subject_token(name: &str) -> String {
    let mut token = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'@' | b'+' => token.push(byte.into()),
            _ => _ = write!(token, "%{byte:02X}"),
        }
    }
    if token.is_empty() {
        return "%".into();
    }
    if token.len() > MAX_TOKEN {
        let hash = digest(&SHA256, name.as_bytes());
        token.truncate(MAX_TOKEN - 33);
        token.push('~');
        for byte in &hash.as_ref()[..16] {
            _ = write!(token, "{byte:02x}");
        }
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_subject_are_one_word_and_one_of_a_kind() {
        let long = "x".repeat(300);
        let names = ["", " ", ".", "*", ">", "%", "%2E", "a.b", "a b", "a\tb", "ä", "INBOX", "inbox", &long];
        let tokens: std::collections::BTreeSet<String> =
            names.iter().map(|name| subject_token(name)).collect();
        assert_eq!(tokens.len(), names.len(), "{tokens:?}");
        for token in &tokens {
            assert!(!token.is_empty() && token.len() <= MAX_TOKEN, "{token}");
            assert!(token.bytes().all(|b| b.is_ascii_graphic() && !b".*>".contains(&b)), "{token}");
        }
        assert_ne!(subject_token(&format!("{long}a")), subject_token(&format!("{long}b")));
    }
}
