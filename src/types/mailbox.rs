//! Mailbox names, and the results of LIST and STATUS.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use super::metadata::Metadata;
use super::number::{ModSeq, Uid, UidValidity};
use super::rights::Rights;

/// A decoded mailbox name, as people read it.
///
/// `INBOX` is the same in any case (RFC 9051 section 5.1); all others are compared exactly. On the
/// wire a name is in modified UTF-7 or UTF-8, as the session demands; the library converts it.
///
/// A name that a person wrote ([`new`](Self::new), [`From`]) has its accents composed (NFC), as
/// names on servers must be. A name that a server gave stays as it is; where a program keeps one as
/// text, [`exact`](Self::exact) gives it back.
///
/// ```
/// use imap_duplex::types::MailboxName;
/// assert_eq!(MailboxName::from("inbox"), MailboxName::INBOX);
/// assert_eq!(MailboxName::from("Entwürfe").as_str(), "Entwürfe");
/// assert_eq!(MailboxName::from("Entwu\u{308}rfe").as_str(), "Entwürfe");
/// ```
#[derive(Clone)]
pub struct MailboxName {
    text: Name,
    /// The server's own spelling, where encoding the decoded name would give other bytes.
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

    /// The mailbox with this name, in Net-Unicode: accents are composed (NFC, RFC 5198 section 3;
    /// RFC 9051 section 5.1 wants it of new names).
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        Self::exact(composed(name.as_ref()))
    }

    /// The mailbox with just this name, for one that a server gave and that was kept as text: some
    /// old mailboxes have names that are not in Net-Unicode, and are found under no other.
    /// Deserialization does the same.
    ///
    /// ```
    /// use imap_duplex::types::MailboxName;
    /// let from_server = MailboxName::exact("Cafe\u{301}");
    /// assert_eq!(from_server.as_str(), "Cafe\u{301}");
    /// assert_ne!(from_server, MailboxName::new("Cafe\u{301}"));
    /// ```
    #[must_use]
    pub fn exact(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        if name.eq_ignore_ascii_case("INBOX") {
            return Self::INBOX;
        }
        Self { text: Name::Other(name.into()), wire: None }
    }

    /// A name that the server spelt differently from its canonical encoding.
    pub(crate) fn with_wire(name: &str, wire: &[u8]) -> Self {
        Self { wire: Some(wire.into()), ..Self::exact(name) }
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

    /// Whether both names are the same, perhaps in different spellings.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self == other || composed(self.as_str()) == composed(other.as_str())
    }

    /// The name in a common spelling, for servers that ignore case.
    pub(crate) fn folded(&self) -> String {
        composed(self.as_str()).to_lowercase()
    }

    /// The name for a terminal: control characters escaped, and an empty one as `""`.
    pub(crate) fn shown(&self) -> impl fmt::Display + '_ {
        struct Shown<'a>(&'a str);
        impl fmt::Display for Shown<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.0.is_empty() { f.write_str("\"\"") } else { write!(f, "{}", self.0.escape_debug()) }
            }
        }
        Shown(self.as_str())
    }

    /// The server's own spelling, if it must be kept.
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
        String::deserialize(deserializer).map(Self::exact)
    }
}

/// The name with composed accents (NFC): servers may normalise the names that they are given (RFC
/// 9051 section 5.1).
pub(crate) fn composed(name: &str) -> Cow<'_, str> {
    if name.is_ascii() { Cow::Borrowed(name) } else { Cow::Owned(name.nfc().collect()) }
}

/// A mailbox in a LIST or LSUB response (RFC 9051 section 7.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ListEntry {
    /// Its name.
    pub name: MailboxName,
    /// The hierarchy delimiter; `None` where there is no hierarchy.
    pub delimiter: Option<char>,
    /// Attributes such as `\HasChildren`, `\Noselect`, `\Sent`, as the server wrote them.
    pub attributes: Vec<String>,
    /// The name before a rename, where the server reports one (RFC 5465 section 5.4). Some servers
    /// put another spelling of each name here, which is no rename.
    pub old_name: Option<MailboxName>,
    /// Why it is listed without matching: mailboxes below it match by this criterion, such as
    /// `SUBSCRIBED` (`CHILDINFO`, RFC 9051 section 6.3.9.6).
    pub child_info: Vec<String>,
    /// Extension data: name and value, as the server wrote them.
    pub extended: Vec<(String, String)>,
    /// Its counts, in the result of a [list with them](crate::command::List::with_status).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub status: Option<Box<MailboxStatus>>,
    /// This user's rights, in the result of a
    /// [list with them](crate::command::List::with_my_rights).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub my_rights: Option<Box<Rights>>,
    /// Its annotations, in the result of a [list with them](crate::command::List::with_metadata).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub metadata: Option<Box<Metadata>>,
}

impl ListEntry {
    /// An entry of this name, without delimiter and attributes.
    #[must_use]
    pub fn new(name: impl Into<MailboxName>) -> Self {
        Self {
            name: name.into(),
            delimiter: None,
            attributes: Vec::new(),
            old_name: None,
            child_info: Vec::new(),
            extended: Vec::new(),
            status: None,
            my_rights: None,
            metadata: None,
        }
    }

    /// The former name, if it is another name and not another spelling.
    pub(crate) fn renamed_from(&self) -> Option<&MailboxName> {
        self.old_name.as_ref().filter(|old| !old.is_same(&self.name))
    }

    /// Whether it has this attribute (`\Noselect`); case does not matter.
    #[must_use]
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|a| a.eq_ignore_ascii_case(attribute))
    }

    /// Whether it can be selected: neither `\Noselect` nor `\NonExistent`.
    #[must_use]
    pub fn is_selectable(&self) -> bool {
        !self.has("\\Noselect") && !self.has("\\NonExistent")
    }

    /// The levels of its name, from the top: a program that shows mailboxes as a tree shows the
    /// last. Some servers have all under `INBOX`, and others a prefix
    /// ([`namespace`](crate::Sender::namespace)).
    ///
    /// ```
    /// # use imap_duplex::types::ListEntry;
    /// let mut bills = ListEntry::new("Work/2027/Bills");
    /// bills.delimiter = Some('/');
    /// assert_eq!(bills.levels().collect::<Vec<_>>(), ["Work", "2027", "Bills"]);
    /// assert_eq!(bills.parent(), Some("Work/2027".into()));
    /// assert_eq!(bills.child("May"), Some("Work/2027/Bills/May".into()));
    /// ```
    #[must_use]
    pub fn levels(&self) -> impl DoubleEndedIterator<Item = &str> {
        let delimiter = self.delimiter;
        self.name.as_str().split(move |c| Some(c) == delimiter)
    }

    /// The mailbox above it, which need not be there; `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<MailboxName> {
        let (above, _) = self.name.as_str().rsplit_once(self.delimiter?)?;
        (!above.is_empty()).then(|| MailboxName::exact(above))
    }

    /// The name of a mailbox below it, such as is to be created; `None` where there is no
    /// hierarchy. A delimiter in the name makes several levels.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<MailboxName> {
        Some(MailboxName::new(format!("{}{}{name}", self.name.as_str(), self.delimiter?)))
    }
}

/// The STATUS of one mailbox (RFC 9051 section 7.3.4); `None` for what was not requested or not
/// returned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MailboxStatus {
    /// Its name.
    pub name: MailboxName,
    /// The count of messages.
    pub messages: Option<u32>,
    /// The count of messages that no session was notified of before (IMAP4rev1 only).
    pub recent: Option<u32>,
    /// New messages will have UIDs from this on.
    pub uid_next: Option<Uid>,
    /// Its UIDVALIDITY.
    pub uid_validity: Option<UidValidity>,
    /// The count of messages without `\Seen`.
    pub unseen: Option<u32>,
    /// The count of messages with `\Deleted`.
    pub deleted: Option<u32>,
    /// The sum of the sizes of its messages, in bytes.
    pub size: Option<u64>,
    /// Its newest mod-sequence (RFC 7162).
    pub highest_mod_seq: Option<ModSeq>,
    /// The sum of the sizes of messages with `\Deleted`, in bytes (RFC 9208 section 4.1.4).
    pub deleted_storage: Option<u64>,
    /// The largest message that can be appended to it, in bytes (RFC 7889).
    pub append_limit: Option<u64>,
    /// An identifier that survives renames (OBJECTID, RFC 8474 section 4).
    pub mailbox_id: Option<String>,
    /// Further items: name and value, as the server wrote them.
    pub other: Vec<(String, String)>,
}

impl MailboxStatus {
    /// Takes items that only an earlier status of the same mailbox has.
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
        let present: HashSet<&str> = self.other.iter().map(|(name, _)| &**name).collect();
        let lacking = earlier.other.into_iter().filter(|(name, _)| !present.contains(&**name));
        let lacking: Vec<_> = lacking.collect();
        self.other.extend(lacking);
    }

    /// A status of this mailbox without any items.
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
