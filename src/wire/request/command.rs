//! The commands of clients with their arguments.

use bytes::Bytes;

use super::value::{Numbers, Value};
use crate::types::{AnnotationScope, Date, Flags, MailboxName, Section, Timestamp};

/// A command and its arguments (RFC 9051 section 6).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// A command without arguments, its name in capitals: CAPABILITY, NOOP, LOGOUT, STARTTLS,
    /// CLOSE, UNSELECT, CHECK, EXPUNGE, IDLE, NAMESPACE, UNAUTHENTICATE.
    Plain(&'static str),
    /// `LOGIN user password`.
    Login {
        /// The user's name.
        user: Bytes,
        /// The password.
        password: Bytes,
    },
    /// `AUTHENTICATE mechanism`, with the first answer if SASL-IR put it on the same line.
    Authenticate {
        /// The mechanism's name.
        mechanism: String,
        /// The first answer, decoded; empty for `=`.
        initial: Option<Vec<u8>>,
    },
    /// `ENABLE name…`.
    Enable(Vec<String>),
    /// `ID (…)`; empty for NIL.
    Id(Vec<(Bytes, Option<Bytes>)>),
    /// `SELECT` or `EXAMINE`.
    Select(Select),
    /// `CREATE name`, with RFC 6154's parameters.
    Create {
        /// The new mailbox.
        mailbox: MailboxName,
        /// Special uses and the like.
        params: Vec<Value>,
    },
    /// `DELETE name`.
    Delete(MailboxName),
    /// `RENAME from to`.
    Rename {
        /// The mailbox.
        from: MailboxName,
        /// Its new name.
        to: MailboxName,
    },
    /// `SUBSCRIBE name`.
    Subscribe(MailboxName),
    /// `UNSUBSCRIBE name`.
    Unsubscribe(MailboxName),
    /// `LIST`, extended or not, `LSUB`, or `XLIST`.
    List(List),
    /// `STATUS name (items)`: the items in capitals.
    Status {
        /// The mailbox.
        mailbox: MailboxName,
        /// The requested items.
        items: Vec<String>,
    },
    /// `APPEND`, of one message or, with MULTIAPPEND, of several.
    Append {
        /// The target mailbox.
        mailbox: MailboxName,
        /// The messages.
        messages: Vec<AppendMessage>,
    },
    /// `REPLACE` or `UID REPLACE` (RFC 8508).
    Replace {
        /// Whether the number is a UID.
        uid: bool,
        /// The message to be removed.
        old: Numbers,
        /// The target mailbox.
        to: MailboxName,
        /// The new message.
        message: Box<AppendMessage>,
    },
    /// `UID EXPUNGE`.
    UidExpunge(Numbers),
    /// `SEARCH` or `UID SEARCH`.
    Search(Search),
    /// `ESEARCH` (RFC 7377).
    SearchIn(SearchIn),
    /// `SORT` or `UID SORT` (RFC 5256).
    Sort(Sort),
    /// `THREAD` or `UID THREAD` (RFC 5256).
    Thread(Thread),
    /// `FETCH` or `UID FETCH`.
    Fetch(Fetch),
    /// `STORE` or `UID STORE`.
    Store(Store),
    /// `STORE … ANNOTATION`.
    StoreAnnotations(StoreAnnotations),
    /// The same with Gmail's labels in place of flags.
    StoreLabels(StoreLabels),
    /// `COPY`, `MOVE`, and their UID forms.
    Copy {
        /// Whether the numbers are UIDs.
        uid: bool,
        /// Whether it is MOVE.
        moving: bool,
        /// The messages.
        which: Numbers,
        /// The target mailbox.
        to: MailboxName,
    },
    /// `NOTIFY SET`; `None` for `NOTIFY NONE` (RFC 5465).
    Notify(Option<Notify>),
    /// Any other command: its name in capitals, with a leading `UID ` if there was one, and its
    /// arguments.
    Other {
        /// The name.
        name: String,
        /// The arguments.
        arguments: Vec<Value>,
    },
}

/// `SELECT` or `EXAMINE`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Select {
    /// The mailbox.
    pub(crate) mailbox: MailboxName,
    /// Whether it is EXAMINE.
    pub(crate) read_only: bool,
    /// CONDSTORE, QRESYNC and its list (RFC 7162): the contents of the parentheses.
    pub(crate) params: Vec<Value>,
}

/// `LIST`, `LSUB` or `XLIST`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List {
    /// Whether it is LSUB.
    pub(crate) lsub: bool,
    /// Whether it is XLIST.
    pub(crate) xlist: bool,
    /// Selection options such as `SUBSCRIBED` (RFC 5258 section 3), from the first parentheses.
    pub(crate) select: Vec<Value>,
    /// The name that the patterns are relative to.
    pub(crate) reference: MailboxName,
    /// The patterns, decoded like names.
    pub(crate) patterns: Vec<MailboxName>,
    /// Return options such as `STATUS (MESSAGES)`, after RETURN.
    pub(crate) returned: Vec<Value>,
}

/// One message of an APPEND.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AppendMessage {
    /// Its flags.
    pub(crate) flags: Flags,
    /// Its internal date.
    pub(crate) date: Option<Timestamp>,
    /// Its content.
    pub(crate) data: Bytes,
    /// Whether it is a `literal8` (RFC 3516 section 4.4), which may contain NUL.
    pub(crate) binary: bool,
    /// Its annotations (RFC 5257 section 4.7).
    pub(crate) annotations: Vec<AnnotationEntry>,
    /// Whether it is in `UTF8 (…)`, so that its header may have UTF-8 (RFC 6855 section 4).
    pub(crate) utf8: bool,
    /// What it is to be put together from (CATENATE, RFC 4469), in place of `data`.
    pub(crate) pieces: Vec<CatenatePiece>,
}

/// `cat-part` (RFC 4469 section 5, RFC 6855 section 4).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CatenatePiece {
    /// `TEXT {5}…`.
    Text(Bytes),
    /// `UTF8 (~{5}…)`.
    Utf8(Bytes),
    /// `URL "/INBOX;UIDVALIDITY=3/;UID=5"`.
    Url(String),
}

/// `SEARCH`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Search {
    /// Whether UIDs are requested.
    pub(crate) uid: bool,
    /// The options of RETURN; `None` without RETURN (RFC 9051 section 6.4.4).
    pub(crate) returned: Option<Vec<Returned>>,
    /// The charset, where one is named.
    pub(crate) charset: Option<String>,
    /// The conditions, all of which a message must meet.
    pub(crate) keys: Vec<SearchKey>,
}

/// `ESEARCH`, whose results are UIDs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SearchIn {
    /// Sets of mailboxes in capitals, `SELECTED` if none is named, with the names after `SUBTREE`
    /// and the like.
    pub(crate) scope: Vec<(&'static str, Vec<MailboxName>)>,
    /// What to find there, and what to return.
    pub(crate) search: Search,
}

/// `SORT`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sort {
    /// Whether UIDs are requested.
    pub(crate) uid: bool,
    /// The options of RETURN; `None` without RETURN (RFC 5267 section 3).
    pub(crate) returned: Option<Vec<Returned>>,
    /// The order: by the first key, among equals by the second, and so on.
    pub(crate) criteria: Vec<SortKey>,
    /// The charset of the strings in `keys`.
    pub(crate) charset: String,
    /// The conditions, all of which a message must meet.
    pub(crate) keys: Vec<SearchKey>,
}

/// `THREAD`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thread {
    /// Whether UIDs are requested.
    pub(crate) uid: bool,
    /// The algorithm, in capitals.
    pub(crate) algorithm: String,
    /// The charset of the strings in `keys`.
    pub(crate) charset: String,
    /// The conditions, all of which a message must meet.
    pub(crate) keys: Vec<SearchKey>,
}

/// `sort-criterion` (RFC 5256 section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SortKey {
    /// The property to sort by.
    pub(crate) by: SortBy,
    /// Whether the largest comes first.
    pub(crate) reverse: bool,
}

/// The properties to sort by (RFC 5256 section 3, RFC 5957, RFC 5257).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SortBy {
    /// The internal date, with its time.
    Arrival,
    /// The mailbox of the first address in Cc.
    Cc,
    /// The date of its header.
    Date,
    /// The mailbox of the first address in From.
    From,
    /// The size of the message.
    Size,
    /// Its base subject.
    Subject,
    /// The mailbox of the first address in To.
    To,
    /// The display name of the sender (RFC 5957).
    DisplayFrom,
    /// The display name of the recipient (RFC 5957).
    DisplayTo,
    /// How well it fits a search with FUZZY (RFC 6203 section 6).
    Relevancy,
    /// The value of an annotation.
    Annotation(String, AnnotationScope),
}

/// One of SEARCH's return options: a name in capitals, and its argument (`PARTIAL 1:100`).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Returned {
    /// The name.
    pub(crate) name: String,
    /// Its argument.
    pub(crate) argument: Option<Value>,
}

/// One condition (RFC 9051 section 9, `search-key`). Names are in capitals.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SearchKey {
    /// `ALL`, `SEEN` and the like.
    Word(&'static str),
    /// `SUBJECT "text"` and the like.
    Text(&'static str, Bytes),
    /// `HEADER name text`.
    Header(Bytes, Bytes),
    /// `KEYWORD flag` and `UNKEYWORD flag`.
    Keyword(&'static str, String),
    /// `SINCE 1-Feb-1994` and the like.
    Date(&'static str, Date),
    /// `LARGER 100` and the like.
    Number(&'static str, u64),
    /// `MODSEQ 620162338`, with the flag that it belongs to if one is named (RFC 7162 section
    /// 3.1.5).
    ModSeq(Option<(String, String)>, u64),
    /// `UID 1:3`.
    Uids(Numbers),
    /// `1:3`: sequence numbers, or `$`.
    Seqs(Numbers),
    /// `(…)`: all of these must match.
    And(Vec<SearchKey>),
    /// `OR a b`.
    Or(Box<(SearchKey, SearchKey)>),
    /// `NOT a`.
    Not(Box<SearchKey>),
    /// `FUZZY a` (RFC 6203).
    Fuzzy(Box<SearchKey>),
    /// `ANNOTATION /comment value "text"` (RFC 5257 section 4.8).
    Annotation {
        /// The entries, by a pattern.
        entry: String,
        /// `value`, `value.priv` or `value.shared`.
        attribute: String,
        /// The text.
        text: Bytes,
    },
}

impl SearchKey {
    /// The keys that it is made of.
    pub(crate) fn parts(&self) -> std::vec::IntoIter<&SearchKey> {
        let parts = match self {
            Self::And(keys) => keys.iter().collect(),
            Self::Or(two) => vec![&two.0, &two.1],
            Self::Not(key) | Self::Fuzzy(key) => vec![&**key],
            _ => Vec::new(),
        };
        parts.into_iter()
    }

    /// The same of other keys.
    pub(crate) fn map_parts(&self, mut change: impl FnMut(&Self) -> Self) -> Self {
        match self {
            Self::And(keys) => Self::And(keys.iter().map(change).collect()),
            Self::Or(two) => Self::Or(Box::new((change(&two.0), change(&two.1)))),
            Self::Not(key) => Self::Not(Box::new(change(key))),
            Self::Fuzzy(key) => Self::Fuzzy(Box::new(change(key))),
            simple => simple.clone(),
        }
    }
}

/// `FETCH`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fetch {
    /// Whether the numbers are UIDs.
    pub(crate) uid: bool,
    /// Which messages.
    pub(crate) which: Numbers,
    /// The items; the macros ALL, FAST and FULL are resolved.
    pub(crate) items: Vec<FetchItem>,
    /// `CHANGEDSINCE 5 VANISHED` and the like: the contents of the parentheses.
    pub(crate) modifiers: Vec<Value>,
}

/// An item (RFC 9051 section 9, `fetch-att`).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FetchItem {
    /// An item that is only a name, in capitals: `FLAGS`, `RFC822.SIZE`, `EMAILID`.
    Name(String),
    /// `BODY[…]<0.100>`, `BINARY[…]` and the like.
    Section {
        /// The text before the bracket, in capitals: `BODY`, `BODY.PEEK`, `BINARY`, `BINARY.PEEK`,
        /// `BINARY.SIZE`.
        name: String,
        /// The part of the message.
        section: Section,
        /// The range of bytes within it.
        part: Option<Part>,
    },
    /// An item with a list, such as `PREVIEW (LAZY)`.
    List(String, Vec<Value>),
}

/// `<origin.length>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The offset of the first byte.
    pub(crate) origin: u64,
    /// The number of bytes; never 0.
    pub(crate) length: u32,
}

/// `STORE`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Store {
    /// Whether the numbers are UIDs.
    pub(crate) uid: bool,
    /// Which messages.
    pub(crate) which: Numbers,
    /// `(UNCHANGEDSINCE 5)` (RFC 7162 section 3.1.3).
    pub(crate) unchanged_since: Option<u64>,
    /// How to change the flags.
    pub(crate) change: Change,
    /// Whether the outcome is not to be reported.
    pub(crate) silent: bool,
    /// The flags.
    pub(crate) flags: Flags,
}

/// `entry-att` (RFC 5257 section 5): an entry, its attributes and what they become.
pub(crate) type AnnotationEntry = (String, Vec<(String, Option<Bytes>)>);

/// `STORE … ANNOTATION` (RFC 5257 section 4.5).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoreAnnotations {
    /// Whether the numbers are UIDs.
    pub(crate) uid: bool,
    /// Which messages.
    pub(crate) which: Numbers,
    /// As for flags.
    pub(crate) unchanged_since: Option<u64>,
    /// The annotations.
    pub(crate) entries: Vec<AnnotationEntry>,
}

/// `STORE … X-GM-LABELS` (X-GM-EXT-1).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoreLabels {
    /// Whether the numbers are UIDs.
    pub(crate) uid: bool,
    /// Which messages.
    pub(crate) which: Numbers,
    /// As for flags.
    pub(crate) unchanged_since: Option<u64>,
    /// How to change the labels.
    pub(crate) change: Change,
    /// Whether the outcome is not to be reported.
    pub(crate) silent: bool,
    /// The labels, decoded; those of the system begin with a backslash.
    pub(crate) labels: Vec<String>,
}

/// A change that STORE makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// `FLAGS`: replaces all flags.
    Replace,
    /// `+FLAGS`.
    Add,
    /// `-FLAGS`.
    Remove,
}

/// `NOTIFY SET [STATUS]` and its groups.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notify {
    /// Whether the counts are requested at once.
    pub(crate) status: bool,
    /// The mailboxes and their events.
    pub(crate) groups: Vec<NotifyGroup>,
}

/// A group of mailboxes and its events; no events for `NONE`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NotifyGroup {
    /// `SELECTED`, `SUBTREE` and the like, in capitals.
    pub(crate) filter: &'static str,
    /// The names after `SUBTREE` and `MAILBOXES`.
    pub(crate) names: Vec<MailboxName>,
    /// Each event in capitals; for `MESSAGENEW` with the items that are requested of new messages.
    pub(crate) events: Vec<(String, Vec<FetchItem>)>,
}
