//! Mailboxes as LIST and STATUS tell of them, and their names.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::number::{ModSeq, Uid, UidValidity};

/// The name of a mailbox, decoded: what a person would read.
///
/// `INBOX` is the same in any case of letters (RFC 9051 section 5.1); all others are compared
/// exactly. On the wire a name is written in modified UTF-7 or UTF-8, as the session demands; that
/// is done for you.
///
/// ```
/// use imap_duplex::types::MailboxName;
/// assert_eq!(MailboxName::from("inbox"), MailboxName::INBOX);
/// assert_eq!(MailboxName::from("Entwürfe").as_str(), "Entwürfe");
/// ```
#[derive(Clone)]
pub struct MailboxName {
    text: Name,
    /// The server's own spelling, where writing the decoded name anew would give other bytes.
    wire: Option<Arc<[u8]>>,
}

#[derive(Clone)]
enum Name {
    Inbox,
    Other(Arc<str>),
}

impl MailboxName {
    /// The user's main mailbox, which each server has.
    pub const INBOX: Self = Self { text: Name::Inbox, wire: None };

    /// The mailbox with this name.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        if name.eq_ignore_ascii_case("INBOX") {
            return Self::INBOX;
        }
        Self { text: Name::Other(name.into()), wire: None }
    }

    /// A name that the server spelt in its own way.
    pub(crate) fn with_wire(name: &str, wire: &[u8]) -> Self {
        Self { wire: Some(wire.into()), ..Self::new(name) }
    }

    /// The decoded name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.text {
            Name::Inbox => "INBOX",
            Name::Other(name) => name,
        }
    }

    /// Whether this is INBOX.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        matches!(self.text, Name::Inbox)
    }

    /// Whether both are the same name, if perhaps in another spelling.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self == other || composed(self.as_str()) == composed(other.as_str())
    }

    /// The name by which servers may know it that take case of letters for nothing, in one
    /// spelling.
    pub(crate) fn folded(&self) -> String {
        composed(self.as_str()).to_lowercase()
    }

    /// As a person's terminal may show it: without control characters, and an empty one as `""`.
    pub(crate) fn shown(&self) -> impl fmt::Display + '_ {
        struct Shown<'a>(&'a str);
        impl fmt::Display for Shown<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.0.is_empty() { f.write_str("\"\"") } else { write!(f, "{}", self.0.escape_debug()) }
            }
        }
        Shown(self.as_str())
    }

    /// The server's own spelling, if it is to be kept.
    pub(crate) fn wire(&self) -> Option<&[u8]> {
        self.wire.as_deref()
    }
}

impl PartialEq for MailboxName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for MailboxName {}

impl PartialOrd for MailboxName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MailboxName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for MailboxName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl From<&str> for MailboxName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for MailboxName {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<&String> for MailboxName {
    fn from(name: &String) -> Self {
        Self::new(name)
    }
}

impl From<&MailboxName> for MailboxName {
    fn from(name: &MailboxName) -> Self {
        name.clone()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for MailboxName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for MailboxName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// A name with its accents composed (NFC): servers write names so that were given to them in
/// another form (RFC 9051 section 5.1).
pub(crate) fn composed(name: &str) -> Cow<'_, str> {
    if name.is_ascii() { Cow::Borrowed(name) } else { Cow::Owned(name.nfc().collect()) }
}

/// What LIST or LSUB says of one mailbox (RFC 9051 section 7.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ListEntry {
    /// Its name.
    pub name: MailboxName,
    /// What stands between the levels of its name; `None` where there are no levels.
    pub delimiter: Option<char>,
    /// Attributes such as `\HasChildren`, `\Noselect`, `\Sent`, as the server wrote them.
    pub attributes: Vec<String>,
    /// The name it had before, where the server tells of a renaming (RFC 5465 section 5.4). Some
    /// servers give each name here in another spelling, which is no renaming.
    pub old_name: Option<MailboxName>,
    /// Why it is listed although it does not fit: mailboxes below it do, in the way that is named,
    /// such as `SUBSCRIBED` (`CHILDINFO`, RFC 9051 section 6.3.9.6).
    pub child_info: Vec<String>,
    /// What extensions told beyond these: name and value, as the server wrote them.
    pub extended: Vec<(String, String)>,
}

impl ListEntry {
    /// An entry of this name, with neither delimiter nor attributes.
    #[must_use]
    pub fn new(name: impl Into<MailboxName>) -> Self {
        Self {
            name: name.into(),
            delimiter: None,
            attributes: Vec::new(),
            old_name: None,
            child_info: Vec::new(),
            extended: Vec::new(),
        }
    }

    /// The name it had before, if that is another and not the same in another spelling.
    pub(crate) fn renamed_from(&self) -> Option<&MailboxName> {
        self.old_name.as_ref().filter(|old| !old.is_same(&self.name))
    }

    /// Whether it has this attribute (`\Noselect`); case of letters does not matter.
    #[must_use]
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|a| a.eq_ignore_ascii_case(attribute))
    }

    /// Whether it can be selected: neither `\Noselect` nor `\NonExistent`.
    #[must_use]
    pub fn is_selectable(&self) -> bool {
        !self.has("\\Noselect") && !self.has("\\NonExistent")
    }
}

/// What STATUS says of one mailbox (RFC 9051 section 7.3.4); `None` for what was not asked or not
/// told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MailboxStatus {
    /// Its name.
    pub name: MailboxName,
    /// How many messages it has.
    pub messages: Option<u32>,
    /// How many are new to all sessions (IMAP4rev1 only).
    pub recent: Option<u32>,
    /// No message that comes will have a UID below this.
    pub uid_next: Option<Uid>,
    /// The era of its UIDs.
    pub uid_validity: Option<UidValidity>,
    /// How many lack `\Seen`.
    pub unseen: Option<u32>,
    /// How many have `\Deleted`.
    pub deleted: Option<u32>,
    /// The sum of the sizes of its messages, in octets.
    pub size: Option<u64>,
    /// Its newest mod-sequence (RFC 7162).
    pub highest_mod_seq: Option<ModSeq>,
    /// How many octets those with `\Deleted` have (RFC 9208 section 4.1.4).
    pub deleted_storage: Option<u64>,
    /// The largest message that can be put into it, in octets (RFC 7889).
    pub append_limit: Option<u64>,
    /// An identifier that stays its own when it is renamed (OBJECTID, RFC 8474 section 4).
    pub mailbox_id: Option<String>,
    /// What the server told beyond these: name and value, as it wrote them.
    pub other: Vec<(String, String)>,
}

impl MailboxStatus {
    /// Takes over what only this earlier status of the same mailbox tells.
    pub(crate) fn add_missing(&mut self, earlier: Self) {
        let Self { name: _, messages, recent, uid_next, uid_validity, unseen, deleted, size, .. } = earlier;
        self.messages = self.messages.or(messages);
        self.recent = self.recent.or(recent);
        self.uid_next = self.uid_next.or(uid_next);
        self.uid_validity = self.uid_validity.or(uid_validity);
        self.unseen = self.unseen.or(unseen);
        self.deleted = self.deleted.or(deleted);
        self.size = self.size.or(size);
        self.highest_mod_seq = self.highest_mod_seq.or(earlier.highest_mod_seq);
        self.deleted_storage = self.deleted_storage.or(earlier.deleted_storage);
        self.append_limit = self.append_limit.or(earlier.append_limit);
        self.mailbox_id = self.mailbox_id.take().or(earlier.mailbox_id);
        let told: HashSet<&str> = self.other.iter().map(|(name, _)| &**name).collect();
        let lacking = earlier.other.into_iter().filter(|(name, _)| !told.contains(&**name));
        let lacking: Vec<_> = lacking.collect();
        self.other.extend(lacking);
    }

    /// A status of this mailbox in which nothing is told yet.
    #[must_use]
    pub fn new(name: impl Into<MailboxName>) -> Self {
        Self {
            name: name.into(),
            messages: None,
            recent: None,
            uid_next: None,
            uid_validity: None,
            unseen: None,
            deleted: None,
            size: None,
            highest_mod_seq: None,
            deleted_storage: None,
            append_limit: None,
            mailbox_id: None,
            other: Vec::new(),
        }
    }
}
