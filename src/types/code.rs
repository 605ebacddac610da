//! Response codes: the part of a status response for programs, in brackets.

use std::fmt;
use std::ops::RangeInclusive;

use super::annotation::{AnnotateCode, AnnotationSupport};
use super::capability::Capabilities;
use super::flag::Flags;
use super::heap_size::{HeapSize, room};
use super::metadata::MetadataCode;
use super::number::{ModSeq, Seq, Uid, UidValidity};
use super::progress::Progress;
use super::range_collector::RangeCollector;
use super::set::{SeqSet, UidSet};

/// A response code (RFC 9051 section 7.1, RFC 5530, and the extensions named at each).
///
/// A number that is 0 or missing is `None`: some servers write such.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// `ALERT`: the text must be shown to the user.
    Alert,
    /// `ALREADYEXISTS`: the mailbox to be made exists already (RFC 5530).
    AlreadyExists,
    /// `APPENDUID`: the UIDs of the messages that were appended, in their order (RFC 4315).
    AppendUid {
        /// The UIDVALIDITY of these UIDs.
        uid_validity: Option<UidValidity>,
        /// One UID for each message, ascending, as the server assigned them.
        uids: UidSet,
    },
    /// `AUTHENTICATIONFAILED`: wrong user or password (RFC 5530).
    AuthenticationFailed,
    /// `AUTHORIZATIONFAILED`: the user may not act as the requested one (RFC 5530).
    AuthorizationFailed,
    /// `BADCHARSET`, with the charsets that the server supports, if it lists them.
    BadCharset(Vec<String>),
    /// `CANNOT`: the operation is impossible, not only now (RFC 5530).
    Cannot,
    /// `CAPABILITY`: the server's capabilities.
    Capability(Capabilities),
    /// `CLIENTBUG`: the server blames this client (RFC 5530).
    ClientBug,
    /// `CLOSED`: the previous mailbox is deselected; the responses that follow belong to the next
    /// one (RFC 7162 section 3.2.11).
    Closed,
    /// `CONTACTADMIN` (RFC 5530).
    ContactAdmin,
    /// `COPYUID`: the UIDs of copied or moved messages in the target mailbox (RFC 4315).
    CopyUid(CopyUid),
    /// `CORRUPTION`: the server found its data damaged (RFC 5530).
    Corruption,
    /// `EXPIRED`: the password or ticket has expired (RFC 5530).
    Expired,
    /// `EXPUNGEISSUED`: some of the messages are expunged (RFC 5530).
    ExpungeIssued,
    /// `HASCHILDREN`: a mailbox with children can't be deleted (RFC 9051).
    HasChildren,
    /// `HIGHESTMODSEQ`: the mailbox's newest mod-sequence (RFC 7162).
    HighestModSeq(Option<ModSeq>),
    /// `INUSE`: another client holds the mailbox; try again later (RFC 5530).
    InUse,
    /// `LIMIT`: a limit of the server is reached (RFC 5530).
    Limit,
    /// `MODIFIED`: messages that a conditional STORE did not change (RFC 7162 section 3.1.3).
    Modified(ModifiedSet),
    /// `NOMODSEQ`: the mailbox keeps no mod-sequences (RFC 7162).
    NoModSeq,
    /// `NONEXISTENT`: no such mailbox (RFC 5530).
    NonExistent,
    /// `NOPERM`: not allowed (RFC 5530).
    NoPerm,
    /// `NOTSAVED`: the saved search result can't be used (RFC 5182, RFC 9051).
    NotSaved,
    /// `OVERQUOTA` (RFC 5530).
    OverQuota,
    /// `PARSE`: the server could not parse a message.
    Parse,
    /// `PERMANENTFLAGS`: the flags that can be changed permanently; [`Flag::Wildcard`](super::Flag)
    /// if new keywords can be made.
    PermanentFlags(Flags),
    /// `PRIVACYREQUIRED`: the operation requires TLS (RFC 5530).
    PrivacyRequired,
    /// `READ-ONLY`: the mailbox is open read-only.
    ReadOnly,
    /// `READ-WRITE`.
    ReadWrite,
    /// `SERVERBUG` (RFC 5530).
    ServerBug,
    /// `TRYCREATE`: the command would succeed once the target mailbox is created.
    TryCreate,
    /// `UIDNEXT`: new messages will have UIDs from this on.
    UidNext(Option<Uid>),
    /// `UIDNOTSTICKY`: the mailbox's UIDs don't outlast the session (RFC 4315).
    UidNotSticky,
    /// `UIDVALIDITY`: the mailbox's UIDVALIDITY.
    UidValidity(Option<UidValidity>),
    /// `UNAVAILABLE`: a subsystem of the server is down; try again later (RFC 5530).
    Unavailable,
    /// `UNKNOWN-CTE`: the server can't decode a part's transfer encoding (RFC 3516).
    UnknownCte,
    /// `UNSEEN`: the first message without `\Seen` (RFC 3501 section 7.1).
    Unseen(Option<Seq>),
    /// `ANNOTATE`: why an annotation of a message was not stored (RFC 5257 section 4.5).
    Annotate(AnnotateCode),
    /// `ANNOTATIONS`: what annotations the messages of the mailbox can have (RFC 5257 section 4.1);
    /// `None` for none.
    Annotations(Option<AnnotationSupport>),
    /// `BADCOMPARATOR`: the server has none of the requested collations (RFC 5255 section 4.9).
    BadComparator,
    /// `BADEVENT`: the server does not support all requested events; these are all it supports (RFC
    /// 5465 section 3.1). Dovecot names the unsupported ones instead.
    BadEvent(Vec<String>),
    /// `BADURL`: a URL in CATENATE that can't be used (RFC 4469 section 4.1).
    BadUrl(String),
    /// `COMPRESSIONACTIVE`: the connection is compressed already (RFC 4978).
    CompressionActive,
    /// `INPROGRESS`: the command is still running (RFC 9585).
    InProgress(Progress),
    /// `MAILBOXID`: an identifier that the mailbox keeps when it is renamed (RFC 8474 section 4).
    MailboxId(String),
    /// `MAXCONVERTMESSAGES`: CONVERT takes no more messages at once (RFC 5259 section 9).
    MaxConvertMessages(u32),
    /// `MAXCONVERTPARTS`: CONVERT takes no more parts at once (RFC 5259 section 9).
    MaxConvertParts(u32),
    /// `MESSAGELIMIT`: the server processed no more messages than this (RFC 9738).
    MessageLimit {
        /// The server's limit.
        limit: u32,
        /// The lowest UID processed: messages below it are left to do. `None` if none was
        /// processed.
        uid: Option<Uid>,
    },
    /// `METADATA`: the result of a command about annotations (RFC 5464).
    Metadata(MetadataCode),
    /// `NOTIFICATIONOVERFLOW`: too many notifications, so the server has ended NOTIFY (RFC 5465
    /// section 5.8).
    NotificationOverflow,
    /// `NOUPDATE`: the result of the command with this tag is not kept up to date (RFC 5267 section
    /// 4.2).
    NoUpdate(String),
    /// `REFERRAL`: another server has it, at one of these URLs (RFC 2193, RFC 2221).
    Referral(Vec<String>),
    /// `TEMPFAIL`: conversion is impossible right now; try again later (RFC 5259 section 9).
    TempFail,
    /// `TOOBIG`: the message is larger than the server takes (RFC 4469 section 4.2, RFC 7889).
    TooBig,
    /// `TOOFEW`: the server makes no ranges of so few messages (RFC 10022).
    TooFew,
    /// `TOOMANY`: the ranges have more messages together than the server looks at at once (RFC
    /// 10022).
    TooMany,
    /// `UIDREQUIRED`: the command must name messages by UID: UIDONLY was enabled (RFC 9586).
    UidRequired,
    /// `UNDEFINED-FILTER`: no filter is stored under this name (RFC 5466 section 3.1).
    UndefinedFilter(String),
    /// `URLMECH`: mechanisms for making URLs that others can read, each with its data if it has any
    /// (RFC 4467).
    UrlMech(Vec<(String, Option<String>)>),
    /// `USEATTR`: the server can't make a mailbox for this special use (RFC 6154 section 3).
    UseAttr,
    /// Any other code, as the server wrote it: its name, and the rest without the brackets.
    Other {
        /// The name, as the server spelt it.
        name: String,
        /// The text after the name.
        text: Option<String>,
    },
}

impl Code {
    /// The code's name, in capitals where the library has a variant for it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Alert => "ALERT",
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::AppendUid { .. } => "APPENDUID",
            Self::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Self::AuthorizationFailed => "AUTHORIZATIONFAILED",
            Self::BadCharset(_) => "BADCHARSET",
            Self::Cannot => "CANNOT",
            Self::Capability(_) => "CAPABILITY",
            Self::ClientBug => "CLIENTBUG",
            Self::Closed => "CLOSED",
            Self::ContactAdmin => "CONTACTADMIN",
            Self::CopyUid(_) => "COPYUID",
            Self::Corruption => "CORRUPTION",
            Self::Expired => "EXPIRED",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::HasChildren => "HASCHILDREN",
            Self::HighestModSeq(_) => "HIGHESTMODSEQ",
            Self::InUse => "INUSE",
            Self::Limit => "LIMIT",
            Self::Modified(_) => "MODIFIED",
            Self::NoModSeq => "NOMODSEQ",
            Self::NonExistent => "NONEXISTENT",
            Self::NoPerm => "NOPERM",
            Self::NotSaved => "NOTSAVED",
            Self::OverQuota => "OVERQUOTA",
            Self::Parse => "PARSE",
            Self::PermanentFlags(_) => "PERMANENTFLAGS",
            Self::PrivacyRequired => "PRIVACYREQUIRED",
            Self::ReadOnly => "READ-ONLY",
            Self::ReadWrite => "READ-WRITE",
            Self::ServerBug => "SERVERBUG",
            Self::TryCreate => "TRYCREATE",
            Self::UidNext(_) => "UIDNEXT",
            Self::UidNotSticky => "UIDNOTSTICKY",
            Self::UidValidity(_) => "UIDVALIDITY",
            Self::Unavailable => "UNAVAILABLE",
            Self::UnknownCte => "UNKNOWN-CTE",
            Self::Unseen(_) => "UNSEEN",
            Self::Annotate(_) => "ANNOTATE",
            Self::Annotations(_) => "ANNOTATIONS",
            Self::BadComparator => "BADCOMPARATOR",
            Self::BadEvent(_) => "BADEVENT",
            Self::BadUrl(_) => "BADURL",
            Self::CompressionActive => "COMPRESSIONACTIVE",
            Self::InProgress(_) => "INPROGRESS",
            Self::MailboxId(_) => "MAILBOXID",
            Self::MaxConvertMessages(_) => "MAXCONVERTMESSAGES",
            Self::MaxConvertParts(_) => "MAXCONVERTPARTS",
            Self::MessageLimit { .. } => "MESSAGELIMIT",
            Self::Metadata(_) => "METADATA",
            Self::NotificationOverflow => "NOTIFICATIONOVERFLOW",
            Self::NoUpdate(_) => "NOUPDATE",
            Self::Referral(_) => "REFERRAL",
            Self::TempFail => "TEMPFAIL",
            Self::TooBig => "TOOBIG",
            Self::TooFew => "TOOFEW",
            Self::TooMany => "TOOMANY",
            Self::UidRequired => "UIDREQUIRED",
            Self::UndefinedFilter(_) => "UNDEFINED-FILTER",
            Self::UrlMech(_) => "URLMECH",
            Self::UseAttr => "USEATTR",
            Self::Other { name, .. } => name,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::AppendUid { uid_validity, uids } => {
                write!(f, " {}", uid_validity.map_or(0, UidValidity::get))?;
                if uids.is_empty() { Ok(()) } else { write!(f, " {uids}") }
            }
            Self::BadCharset(known) if !known.is_empty() => write!(f, " ({})", known.join(" ")),
            Self::Capability(all) => write!(f, " {all}"),
            Self::CopyUid(copied) => write!(f, " {copied}"),
            Self::HighestModSeq(n) => write!(f, " {}", n.map_or(0, ModSeq::get)),
            Self::Modified(set) => write!(f, " {set}"),
            Self::PermanentFlags(flags) => write!(f, " {flags}"),
            Self::UidNext(n) => write!(f, " {}", n.map_or(0, Uid::get)),
            Self::UidValidity(n) => write!(f, " {}", n.map_or(0, UidValidity::get)),
            Self::Unseen(n) => write!(f, " {}", n.map_or(0, Seq::get)),
            Self::BadEvent(known) if !known.is_empty() => write!(f, " ({})", known.join(" ")),
            Self::BadUrl(text) | Self::NoUpdate(text) => write!(f, " \"{text}\""),
            Self::InProgress(progress) => write!(f, " {progress}"),
            Self::MailboxId(id) => write!(f, " ({id})"),
            Self::MaxConvertMessages(n) | Self::MaxConvertParts(n) => write!(f, " {n}"),
            Self::MessageLimit { limit, uid: None } => write!(f, " {limit}"),
            Self::MessageLimit { limit, uid: Some(uid) } => write!(f, " {limit} {uid}"),
            Self::Metadata(code) => write!(f, " {code}"),
            Self::Annotate(code) => write!(f, " {code}"),
            Self::Annotations(Some(support)) => write!(f, " {support}"),
            Self::Annotations(None) => f.write_str(" NONE"),
            Self::Referral(urls) => write!(f, " {}", urls.join(" ")),
            Self::UndefinedFilter(name) => write!(f, " {name}"),
            Self::UrlMech(all) => all.iter().try_for_each(|(name, data)| match data {
                Some(data) => write!(f, " {name}={data}"),
                None => write!(f, " {name}"),
            }),
            Self::Other { text: Some(text), .. } => write!(f, " {text}"),
            _ => Ok(()),
        }
    }
}

/// The messages that a conditional STORE did not change, named as the STORE named them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModifiedSet {
    /// The numbers of a parsed response: only the STORE determines whether they are UIDs.
    Numbers(super::answer::NumberSet),
    /// For a UID STORE.
    Uids(UidSet),
    /// For a STORE by sequence numbers.
    Seqs(SeqSet),
}

impl fmt::Display for ModifiedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbers(set) => fmt::Display::fmt(set, f),
            Self::Uids(set) => fmt::Display::fmt(set, f),
            Self::Seqs(set) => fmt::Display::fmt(set, f),
        }
    }
}

/// The UID in the target mailbox of each copied message (RFC 4315 section 3).
///
/// Both sides are kept as the ranges that the server sent: the first of `from` was copied to the
/// first of `to`, and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CopyUid {
    uid_validity: Option<UidValidity>,
    from: Vec<RangeInclusive<Uid>>,
    to: Vec<RangeInclusive<Uid>>,
}

impl CopyUid {
    /// A mapping of these ranges, in this order. A range written backwards counts as ascending (RFC
    /// 4315 section 3).
    #[must_use]
    pub fn new(
        uid_validity: Option<UidValidity>,
        from: Vec<RangeInclusive<Uid>>,
        to: Vec<RangeInclusive<Uid>>,
    ) -> Self {
        Self { uid_validity, from, to }
    }

    /// The UIDVALIDITY of the target mailbox.
    #[must_use]
    pub fn uid_validity(&self) -> Option<UidValidity> {
        self.uid_validity
    }

    /// The UIDs of the copied messages.
    #[must_use]
    pub fn from(&self) -> UidSet {
        set_of(&self.from)
    }

    /// The UIDs of the copies; empty if the server does not say.
    #[must_use]
    pub fn to(&self) -> UidSet {
        set_of(&self.to)
    }

    /// Each message's UID, and its copy's. Empty where the two sides have different counts of UIDs
    /// (a server may write `*`, which is no UID): nothing says then which copy belongs to which
    /// message.
    pub fn pairs(&self) -> impl Iterator<Item = (Uid, Uid)> {
        let to = if count(&self.from) == count(&self.to) { &self.to[..] } else { &[] };
        each(&self.from).zip(each(to))
    }

    /// Whether it names no UIDs at all, as some servers write it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from.is_empty()
    }
}

impl HeapSize for CopyUid {
    fn heap_size(&self) -> usize {
        room::<RangeInclusive<Uid>>(self.from.capacity()) + room::<RangeInclusive<Uid>>(self.to.capacity())
    }
}

fn ends(range: &RangeInclusive<Uid>) -> (u32, u32) {
    let (a, b) = (range.start().get(), range.end().get());
    (a.min(b), a.max(b))
}

fn count(ranges: &[RangeInclusive<Uid>]) -> u64 {
    ranges.iter().map(ends).map(|(a, b)| u64::from(b - a) + 1).sum()
}

fn each(ranges: &[RangeInclusive<Uid>]) -> impl Iterator<Item = Uid> {
    ranges.iter().map(ends).flat_map(|(a, b)| (a..=b).filter_map(Uid::new))
}

fn set_of(ranges: &[RangeInclusive<Uid>]) -> UidSet {
    let mut set = RangeCollector::default();
    ranges.iter().map(ends).for_each(|(a, b)| set.add(a, b));
    set.finish()
}

impl fmt::Display for CopyUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.uid_validity.map_or(0, UidValidity::get))?;
        for side in [&self.from, &self.to] {
            for (i, (a, b)) in side.iter().map(ends).enumerate() {
                f.write_str(if i == 0 { " " } else { "," })?;
                if a == b { write!(f, "{a}") } else { write!(f, "{a}:{b}") }?;
            }
        }
        Ok(())
    }
}
