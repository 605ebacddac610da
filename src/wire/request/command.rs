//! What a client may want: each command with its arguments.

use bytes::Bytes;

use super::value::{Numbers, Value};
use crate::types::{Date, Flags, MailboxName, Section, Timestamp};

/// A command and its arguments (RFC 9051 section 6).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// One that says all by its name, in capitals: CAPABILITY, NOOP, LOGOUT, STARTTLS, CLOSE, UNSELECT, CHECK,
    /// EXPUNGE, IDLE, NAMESPACE, UNAUTHENTICATE.
    Plain(&'static str),
    /// `LOGIN user password`.
    Login {
        /// The user's name.
        user: Bytes,
        /// The password.
        password: Bytes,
    },
    /// `AUTHENTICATE mechanism`, with the first answer where SASL-IR put it in the same line.
    Authenticate {
        /// The mechanism's name.
        mechanism: String,
        /// The first answer, decoded; empty for `=`.
        initial: Option<Vec<u8>>,
    },
    /// `ENABLE name…`.
    Enable(Vec<String>),
    /// `ID (…)`; nothing for NIL.
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
    /// `LIST`, extended or not, or `LSUB`.
    List(List),
    /// `STATUS name (items)`: the items in capitals.
    Status {
        /// The mailbox.
        mailbox: MailboxName,
        /// What is asked.
        items: Vec<String>,
    },
    /// `APPEND`, of one message or, with MULTIAPPEND, of several.
    Append {
        /// Where to.
        mailbox: MailboxName,
        /// What.
        messages: Vec<AppendMessage>,
    },
    /// `UID EXPUNGE`.
    UidExpunge(Numbers),
    /// `SEARCH` or `UID SEARCH`.
    Search(Search),
    /// `SORT` or `UID SORT` (RFC 5256).
    Sort(Sort),
    /// `FETCH` or `UID FETCH`.
    Fetch(Fetch),
    /// `STORE` or `UID STORE`.
    Store(Store),
    /// `COPY`, `MOVE`, and their UID forms.
    Copy {
        /// Whether the numbers are UIDs.
        uid: bool,
        /// Whether the messages go from here.
        moving: bool,
        /// Which.
        which: Numbers,
        /// Where to.
        to: MailboxName,
    },
    /// `NOTIFY SET`; `None` for `NOTIFY NONE` (RFC 5465).
    Notify(Option<Notify>),
    /// Any other: its name in capitals, with `UID ` in front if that was there, and its arguments.
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
    /// EXAMINE: for reading alone.
    pub(crate) read_only: bool,
    /// CONDSTORE, QRESYNC and its list (RFC 7162): as they stand in the parentheses.
    pub(crate) params: Vec<Value>,
}

/// `LIST` or `LSUB`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List {
    /// Whether it is LSUB.
    pub(crate) lsub: bool,
    /// Selection options, as `SUBSCRIBED` (RFC 5258 section 3): in the first parentheses.
    pub(crate) select: Vec<Value>,
    /// What the patterns are below.
    pub(crate) reference: MailboxName,
    /// The patterns; several in parentheses. Decoded as names are.
    pub(crate) patterns: Vec<MailboxName>,
    /// Return options, as `STATUS (MESSAGES)`: behind RETURN.
    pub(crate) returned: Vec<Value>,
}

/// One message of an APPEND.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AppendMessage {
    /// Its flags.
    pub(crate) flags: Flags,
    /// Its internal date.
    pub(crate) date: Option<Timestamp>,
    /// Its octets.
    pub(crate) data: Bytes,
    /// Whether they came as a `literal8` (RFC 3516 section 4.4), which may hold NUL.
    pub(crate) binary: bool,
    /// Whether it stands in `UTF8 (…)`, so that its header may have UTF-8 (RFC 6855 section 4).
    pub(crate) utf8: bool,
}

/// `SEARCH`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Search {
    /// Whether UIDs are asked for.
    pub(crate) uid: bool,
    /// What RETURN names; `None` without RETURN (RFC 9051 section 6.4.4).
    pub(crate) returned: Option<Vec<Returned>>,
    /// The charset, where one is named.
    pub(crate) charset: Option<String>,
    /// What a message must fulfil, all of it.
    pub(crate) keys: Vec<SearchKey>,
}

/// `SORT`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sort {
    /// Whether UIDs are asked for.
    pub(crate) uid: bool,
    /// What RETURN names; `None` without RETURN (RFC 5267 section 3).
    pub(crate) returned: Option<Vec<Returned>>,
    /// The order: by the first, among equals by the second, and so on.
    pub(crate) criteria: Vec<SortKey>,
    /// The charset of the strings in `keys`.
    pub(crate) charset: String,
    /// What a message must fulfil, all of it.
    pub(crate) keys: Vec<SearchKey>,
}

/// `sort-criterion` (RFC 5256 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SortKey {
    /// What counts.
    pub(crate) by: SortBy,
    /// Whether the largest comes first.
    pub(crate) reverse: bool,
}

/// What SORT may look at (RFC 5256 section 3, RFC 5957).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortBy {
    /// The internal date, with its time.
    Arrival,
    /// The mailbox of the first address in Cc.
    Cc,
    /// When it was sent, by its header.
    Date,
    /// The mailbox of the first address in From.
    From,
    /// Its octets.
    Size,
    /// Its base subject.
    Subject,
    /// The mailbox of the first address in To.
    To,
    /// The name of whom it is from (RFC 5957).
    DisplayFrom,
    /// The name of whom it is to (RFC 5957).
    DisplayTo,
}

/// One of SEARCH's return options: a name in capitals, and what is behind it (`PARTIAL 1:100`).
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
    /// `ALL`, `SEEN` and their kin.
    Word(&'static str),
    /// `SUBJECT "text"` and its kin.
    Text(&'static str, Bytes),
    /// `HEADER name text`.
    Header(Bytes, Bytes),
    /// `KEYWORD flag` and `UNKEYWORD flag`.
    Keyword(&'static str, String),
    /// `SINCE 1-Feb-1994` and its kin.
    Date(&'static str, Date),
    /// `LARGER 100` and its kin.
    Number(&'static str, u64),
    /// `MODSEQ 620162338`, with the flag that it is of if one is named (RFC 7162 section 3.1.5).
    ModSeq(Option<(String, String)>, u64),
    /// `UID 1:3`.
    Uids(Numbers),
    /// `1:3`: sequence numbers, or `$`.
    Seqs(Numbers),
    /// `(…)`: all of these.
    And(Vec<SearchKey>),
    /// `OR a b`.
    Or(Box<(SearchKey, SearchKey)>),
    /// `NOT a`.
    Not(Box<SearchKey>),
}

/// `FETCH`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fetch {
    /// Whether the numbers are UIDs.
    pub(crate) uid: bool,
    /// Which messages.
    pub(crate) which: Numbers,
    /// What of them; the macros ALL, FAST and FULL are resolved.
    pub(crate) items: Vec<FetchItem>,
    /// `CHANGEDSINCE 5 VANISHED` and its kin, as they stand in the parentheses.
    pub(crate) modifiers: Vec<Value>,
}

/// What of a message (RFC 9051 section 9, `fetch-att`).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FetchItem {
    /// An item that says all by its name, in capitals: `FLAGS`, `RFC822.SIZE`, `EMAILID`.
    Name(String),
    /// `BODY[…]<0.100>`, `BINARY[…]` and their kin.
    Section {
        /// What stands before the bracket, in capitals: `BODY`, `BODY.PEEK`, `BINARY`, `BINARY.PEEK`, `BINARY.SIZE`.
        name: String,
        /// Which piece of the message.
        section: Section,
        /// Which piece of that.
        part: Option<Part>,
    },
    /// An item with a list, as `PREVIEW (LAZY)`.
    List(String, Vec<Value>),
}

/// `<origin.length>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The first octet.
    pub(crate) origin: u32,
    /// How many octets; never 0.
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
    /// What to do with the flags.
    pub(crate) change: Change,
    /// Without being told the outcome.
    pub(crate) silent: bool,
    /// The flags.
    pub(crate) flags: Flags,
}

/// What STORE does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// `FLAGS`: these and no others.
    Replace,
    /// `+FLAGS`.
    Add,
    /// `-FLAGS`.
    Remove,
}

/// `NOTIFY SET [STATUS]` and its groups.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notify {
    /// Whether the counts are asked for at once.
    pub(crate) status: bool,
    /// Of which mailboxes which events.
    pub(crate) groups: Vec<NotifyGroup>,
}

/// One group of mailboxes, and its events; none for `NONE`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NotifyGroup {
    /// `SELECTED`, `SUBTREE` and their kin, in capitals.
    pub(crate) filter: &'static str,
    /// The names behind `SUBTREE` and `MAILBOXES`.
    pub(crate) names: Vec<MailboxName>,
    /// Each event in capitals; behind `MESSAGENEW` what is to be told of new messages.
    pub(crate) events: Vec<(String, Vec<FetchItem>)>,
}
