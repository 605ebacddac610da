//! Response codes: what a status response says to programs, in brackets.

use std::fmt;
use std::ops::RangeInclusive;

use super::capability::Capabilities;
use super::flag::Flags;
use super::heap_size::{HeapSize, room};
use super::number::{ModSeq, Seq, Uid, UidValidity};
use super::progress::{MetadataCode, Progress};
use super::range_collector::RangeCollector;
use super::set::{SeqSet, UidSet};

/// A response code (RFC 9051 section 7.1, RFC 5530, and the extensions named at each).
///
/// A number that a server tells as 0, or not at all, is `None`: some do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// `ALERT`: the text must be shown to the user.
    Alert,
    /// `ALREADYEXISTS`: what was to be made is there already (RFC 5530).
    AlreadyExists,
    /// `APPENDUID`: the UIDs of the messages that were appended, in their order (RFC 4315).
    AppendUid {
        /// The era of these UIDs.
        uid_validity: Option<UidValidity>,
        /// One for each message; ascending, as the server gave them out.
        uids: UidSet,
    },
    /// `AUTHENTICATIONFAILED`: wrong user or password (RFC 5530).
    AuthenticationFailed,
    /// `AUTHORIZATIONFAILED`: may not act as that user (RFC 5530).
    AuthorizationFailed,
    /// `BADCHARSET`, with the charsets that the server knows, if it says.
    BadCharset(Vec<String>),
    /// `CANNOT`: can never be done (RFC 5530).
    Cannot,
    /// `CAPABILITY`: what the server can do.
    Capability(Capabilities),
    /// `CLIENTBUG`: the server thinks that this client is at fault (RFC 5530).
    ClientBug,
    /// `CLOSED`: the mailbox selected before is no longer; what follows is the next one's (RFC 7162
    /// section 3.2.11).
    Closed,
    /// `CONTACTADMIN` (RFC 5530).
    ContactAdmin,
    /// `COPYUID`: where copied or moved messages went (RFC 4315).
    CopyUid(CopyUid),
    /// `CORRUPTION`: the server found its data damaged (RFC 5530).
    Corruption,
    /// `EXPIRED`: the password or ticket has (RFC 5530).
    Expired,
    /// `EXPUNGEISSUED`: some of the messages are gone (RFC 5530).
    ExpungeIssued,
    /// `HASCHILDREN`: a mailbox with children can't be deleted (RFC 9051).
    HasChildren,
    /// `HIGHESTMODSEQ`: the mailbox's newest mod-sequence (RFC 7162).
    HighestModSeq(Option<ModSeq>),
    /// `INUSE`: someone else holds it just now; try again later (RFC 5530).
    InUse,
    /// `LIMIT`: some limit of the server is reached (RFC 5530).
    Limit,
    /// `MODIFIED`: messages that a conditional STORE left alone (RFC 7162 section 3.1.3).
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
    /// `PARSE`: a message could not be read by the server.
    Parse,
    /// `PERMANENTFLAGS`: the flags that can be changed to stay; [`Flag::Wildcard`](super::Flag) if
    /// new keywords can be made.
    PermanentFlags(Flags),
    /// `PRIVACYREQUIRED`: not without TLS (RFC 5530).
    PrivacyRequired,
    /// `READ-ONLY`: the mailbox is open for reading alone.
    ReadOnly,
    /// `READ-WRITE`.
    ReadWrite,
    /// `SERVERBUG` (RFC 5530).
    ServerBug,
    /// `TRYCREATE`: would work if the mailbox were made first.
    TryCreate,
    /// `UIDNEXT`: no message that comes will have a UID below this.
    UidNext(Option<Uid>),
    /// `UIDNOTSTICKY`: the mailbox's UIDs don't outlast the session (RFC 4315).
    UidNotSticky,
    /// `UIDVALIDITY`: the era of the mailbox's UIDs.
    UidValidity(Option<UidValidity>),
    /// `UNAVAILABLE`: some part of the server does not answer; try again later (RFC 5530).
    Unavailable,
    /// `UNKNOWN-CTE`: a part's encoding is not known to the server (RFC 3516).
    UnknownCte,
    /// `UNSEEN`: the first message without `\Seen` (RFC 3501 section 7.1).
    Unseen(Option<Seq>),
    /// `BADCOMPARATOR`: none of the collations that were asked for is there (RFC 5255 section 4.9).
    BadComparator,
    /// `BADEVENT`: the server can't tell of the events that were asked for; these are all that it
    /// can (RFC 5465 section 3.1). Dovecot names those that it can't instead.
    BadEvent(Vec<String>),
    /// `BADURL`: a URL in CATENATE that can't be used (RFC 4469 section 4.1).
    BadUrl(String),
    /// `COMPRESSIONACTIVE`: the connection is compressed already (RFC 4978).
    CompressionActive,
    /// `INPROGRESS`: the command goes on (RFC 9585).
    InProgress(Progress),
    /// `MAILBOXID`: an identifier that the mailbox keeps when it is renamed (RFC 8474 section 4).
    MailboxId(String),
    /// `MAXCONVERTMESSAGES`: CONVERT takes no more messages at once (RFC 5259 section 9).
    MaxConvertMessages(u32),
    /// `MAXCONVERTPARTS`: CONVERT takes no more parts at once (RFC 5259 section 9).
    MaxConvertParts(u32),
    /// `MESSAGELIMIT`: no more messages were dealt with than this (RFC 9738).
    MessageLimit {
        /// The server's limit.
        limit: u32,
        /// The lowest UID that was dealt with: what is below it is left to do. `None` if nothing
        /// was done.
        uid: Option<Uid>,
    },
    /// `METADATA`: what came of a command about annotations (RFC 5464).
    Metadata(MetadataCode),
    /// `NOTIFICATIONOVERFLOW`: the server has ended NOTIFY: too much to tell (RFC 5465 section
    /// 5.8).
    NotificationOverflow,
    /// `NOUPDATE`: the result of the command with this tag is not kept up to date (RFC 5267 section
    /// 4.2).
    NoUpdate(String),
    /// `REFERRAL`: to be had at another server, at one of these URLs (RFC 2193, RFC 2221).
    Referral(Vec<String>),
    /// `TEMPFAIL`: can't be converted just now; try again later (RFC 5259 section 9).
    TempFail,
    /// `TOOBIG`: the message is larger than the server takes (RFC 4469 section 4.2, RFC 7889).
    TooBig,
    /// `UIDREQUIRED`: the command must name messages by UID: UIDONLY was enabled (RFC 9586).
    UidRequired,
    /// `UNDEFINED-FILTER`: no search is kept under this name (RFC 5466 section 3.1).
    UndefinedFilter(String),
    /// `URLMECH`: how URLs can be made for others to read: each mechanism, with its data if it has
    /// any (RFC 4467).
    UrlMech(Vec<(String, Option<String>)>),
    /// `USEATTR`: the server can't make a mailbox for this special use (RFC 6154 section 3).
    UseAttr,
    /// Any other, as the server wrote it: its name, and the rest without the brackets.
    Other {
        /// The name, in the server's letters.
        name: String,
        /// What stood behind it.
        text: Option<String>,
    },
}

impl Code {
    /// The code's name, in capitals where the library knows it.
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

/// The messages that a conditional STORE left alone, named as the STORE named them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModifiedSet {
    /// The numbers, not yet told apart: the STORE knows whether they are UIDs.
    Numbers(super::answer::NumberSet),
    /// Of a UID STORE.
    Uids(UidSet),
    /// Of a STORE by sequence numbers.
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

/// Which UID in the other mailbox each copied message was given (RFC 4315 section 3).
///
/// Both sides are kept as the ranges in which the server told them: the first of `from` went to the
/// first of `to`, and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyUid {
    uid_validity: Option<UidValidity>,
    from: Vec<RangeInclusive<Uid>>,
    to: Vec<RangeInclusive<Uid>>,
}

impl CopyUid {
    /// A mapping of these ranges, in this order. A range may be told backwards; it counts as
    /// ascending (RFC 4315 section 3).
    #[must_use]
    pub fn new(
        uid_validity: Option<UidValidity>,
        from: Vec<RangeInclusive<Uid>>,
        to: Vec<RangeInclusive<Uid>>,
    ) -> Self {
        Self { uid_validity, from, to }
    }

    /// The era of the new UIDs, in the mailbox that they were copied to.
    #[must_use]
    pub fn uid_validity(&self) -> Option<UidValidity> {
        self.uid_validity
    }

    /// The messages that were copied.
    #[must_use]
    pub fn from(&self) -> UidSet {
        set_of(&self.from)
    }

    /// The UIDs that the copies were given; empty if the server does not tell.
    #[must_use]
    pub fn to(&self) -> UidSet {
        set_of(&self.to)
    }

    /// Each message's UID before, and its copy's. None where the server does not tell as many UIDs
    /// on the one side as on the other (it may write `*`, which is no UID): which belongs to which
    /// is not known then.
    pub fn pairs(&self) -> impl Iterator<Item = (Uid, Uid)> {
        let to = if count(&self.from) == count(&self.to) { &self.to[..] } else { &[] };
        each(&self.from).zip(each(to))
    }

    /// Whether it names nothing at all (some servers say so).
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
