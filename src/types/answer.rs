//! The content of an untagged response, and how a command ended: the input of a command's claims.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::capability::Capabilities;
use super::comparator::Comparator;
use super::context::{PartialResult, ResultChange};
use super::event::Place;
use super::flag::Flags;
use super::heap_size::{HeapSize, shared};
use super::mailbox::{ListEntry, MailboxName, MailboxStatus};
use super::message::Message;
use super::metadata::Metadata;
use super::namespace::Namespaces;
use super::number::{CommandId, ModSeq, SelectionId, Seq, Uid, UidValidity};
use super::number_list::{NumberList, SortResult, UidBatches};
use super::quota::{Quota, QuotaRoot};
use super::rights::{Acl, ListRights, MyRights};
use super::set::{SeqSet, Set, UidSet};
use super::status::StatusResponse;
use super::thread::Threads;
use super::url::UrlData;

/// The typed content of one untagged response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// `* OK`, `* NO`, `* BAD`, `* BYE`, `* PREAUTH`.
    Status(Box<StatusResponse>),
    /// `* CAPABILITY` (RFC 9051 section 7.2.2).
    Capability(Capabilities),
    /// `* ENABLED`: what ENABLE switched on (RFC 9051 section 7.2.1).
    Enabled(Vec<String>),
    /// `* FLAGS`: the flags defined in the mailbox (RFC 9051 section 7.3.5).
    Flags(Flags),
    /// `* LIST` (RFC 9051 section 7.3.1).
    List(Box<ListEntry>),
    /// `* LSUB` (RFC 3501 section 7.2.3).
    Lsub(Box<ListEntry>),
    /// `* STATUS` (RFC 9051 section 7.3.4).
    MailboxStatus(Box<MailboxStatus>),
    /// `* SEARCH` (RFC 3501 section 7.2.5).
    Search(SearchNumbers),
    /// `* ESEARCH` (RFC 9051 section 7.3.4, RFC 4731).
    ESearch(Box<ESearch>),
    /// `* n EXISTS`: how many messages the mailbox has (RFC 9051 section 7.4.1).
    Exists(u32),
    /// `* n RECENT` (RFC 3501 section 7.3.2).
    Recent(u32),
    /// `* n EXPUNGE`: the message is expunged; later sequence numbers drop by one (RFC 9051 section
    /// 7.5.1).
    Expunge {
        /// The sequence number that it had.
        seq: Seq,
        /// Its UID, if the view has it.
        uid: Option<Uid>,
    },
    /// `* VANISHED` (RFC 7162 section 3.2.10).
    Vanished {
        /// `(EARLIER)`: expunged before this selection assigned sequence numbers.
        earlier: bool,
        /// The UIDs of the expunged messages.
        uids: UidSet,
    },
    /// `* n FETCH`: data of one message (RFC 9051 section 7.5.2). A row without a UID gets the
    /// view's.
    Fetch(Box<Message>),
    /// `* ID`: the server's description of itself (RFC 2971); empty for `NIL`.
    Id(Vec<(String, Option<String>)>),
    /// `* NAMESPACE` (RFC 2342, RFC 9051 section 7.3.6).
    Namespace(Box<Namespaces>),
    /// `* ACL` (RFC 4314 section 3.6).
    Acl(Box<Acl>),
    /// `* LISTRIGHTS` (RFC 4314 section 3.7).
    ListRights(Box<ListRights>),
    /// `* MYRIGHTS` (RFC 4314 section 3.8; with LIST, RFC 8440).
    MyRights(Box<MyRights>),
    /// `* QUOTA` (RFC 9208 section 4.2.1).
    Quota(Quota),
    /// `* QUOTAROOT` (RFC 9208 section 4.2.2).
    QuotaRoot(QuotaRoot),
    /// `* METADATA` (RFC 5464 section 4.4; with LIST, RFC 9590).
    Metadata(Box<Metadata>),
    /// `* SORT` (RFC 5256 section 4).
    Sort(SortResult),
    /// `* THREAD` (RFC 5256 section 4).
    Thread(Threads),
    /// `* LANGUAGE`: the language in use, or all that the server offers (RFC 5255 section 3.3).
    Language(Vec<String>),
    /// `* COMPARATOR` (RFC 5255 section 4.8).
    Comparator(Comparator),
    /// `* GENURLAUTH`: URLs that let others read messages (RFC 4467).
    GenUrlAuth(Vec<String>),
    /// `* URLFETCH`: the data behind such URLs (RFC 4467).
    UrlFetch(Vec<UrlData>),
    /// `* UIDBATCHES`.
    UidBatches(UidBatches),
    /// `* JMAPACCESS`: where this mail can be reached by JMAP (RFC 9698).
    JmapAccess(String),
    /// A response that this library has no type for: see [`Untagged::name`] and [`Untagged::raw`].
    Other,
}

impl Answer {
    /// Whether it changes the selected mailbox: such a response is an event, also where a command
    /// has asked for it.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self, Self::Exists(_) | Self::Expunge { .. } | Self::Vanished { earlier: false, .. })
    }

    /// The mailbox that it names.
    pub(crate) fn mailbox(&self) -> Option<&MailboxName> {
        match self {
            Self::List(entry) | Self::Lsub(entry) => Some(&entry.name),
            Self::MailboxStatus(status) => Some(&status.name),
            Self::Acl(acl) => Some(&acl.mailbox),
            Self::ListRights(rights) => Some(&rights.mailbox),
            Self::MyRights(rights) => Some(&rights.mailbox),
            Self::QuotaRoot(roots) => Some(&roots.mailbox),
            Self::Metadata(metadata) => metadata.mailbox.as_ref(),
            Self::ESearch(found) => found.mailbox.as_ref(),
            _ => None,
        }
    }

    /// Whether it is about the selected mailbox, which it does not name.
    pub(crate) fn is_about_selected(&self) -> bool {
        if let Self::ESearch(found) = self {
            return found.mailbox.is_none();
        }
        matches!(
            self,
            Self::Status(_)
                | Self::Flags(_)
                | Self::Exists(_)
                | Self::Recent(_)
                | Self::Expunge { .. }
                | Self::Vanished { .. }
                | Self::Fetch(_)
                | Self::Search(_)
                | Self::Sort(_)
                | Self::Thread(_)
                | Self::UidBatches(_)
        )
    }
}

/// Message numbers whose response does not say whether they are UIDs or sequence numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NumberSet(pub(crate) Set<Uid>);

impl NumberSet {
    /// The numbers as UIDs.
    #[must_use]
    pub fn into_uids(self) -> UidSet {
        self.0
    }

    /// The numbers as sequence numbers.
    #[must_use]
    pub fn into_seqs(self) -> SeqSet {
        let mut set = SeqSet::new();
        for &(first, last) in self.0.raw() {
            set.insert_raw(first, last);
        }
        set
    }
}

impl fmt::Display for NumberSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// `* SEARCH` (RFC 3501 section 7.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchNumbers {
    /// The messages found: UIDs for UID SEARCH, else sequence numbers.
    pub numbers: NumberSet,
    /// The highest mod-sequence among them, if the search used MODSEQ (RFC 7162 section 3.1.5).
    pub mod_seq: Option<ModSeq>,
}

/// `* ESEARCH` (RFC 9051 section 7.3.4, RFC 4731).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ESearch {
    /// The tag of the command that it answers, as the server wrote it.
    pub tag: Option<String>,
    /// Whether the numbers are UIDs.
    pub uid: bool,
    /// The lowest number found.
    pub min: Option<u32>,
    /// The highest number found.
    pub max: Option<u32>,
    /// All numbers found; `None` if not requested, or if nothing was found.
    pub all: Option<NumberSet>,
    /// The count of messages found.
    pub count: Option<u32>,
    /// The highest mod-sequence among them (RFC 7162 section 3.1.10).
    pub mod_seq: Option<ModSeq>,
    /// The numbers of `all` in the server's order, where that is not ascending: a result of SORT
    /// (RFC 5267 section 3.1). [`in_order`](Self::in_order) returns them in either case.
    pub sorted: Option<NumberList>,
    /// A part of the result, where one was requested (RFC 9394).
    pub partial: Option<PartialResult>,
    /// Changes of a result that is kept up to date, in their order (RFC 5267 section 4.3).
    pub changes: Vec<ResultChange>,
    /// The relevance of each message, from 1 to 100, in the result's order (RFC 6203).
    pub relevancy: Vec<u8>,
    /// The mailbox searched, where that is not the selected one (RFC 7377 section 2.1).
    pub mailbox: Option<MailboxName>,
    /// That mailbox's UIDVALIDITY.
    pub uid_validity: Option<UidValidity>,
    /// Further items: name and value, as the server wrote them.
    pub other: Vec<(String, String)>,
}

impl ESearch {
    /// The numbers of `all` in the server's order: that of SORT, or ascending.
    #[must_use]
    pub fn in_order(&self) -> NumberList {
        let ascending = || {
            let mut list = NumberList::new();
            let ranges = self.all.iter().flat_map(|all| all.0.raw());
            ranges.for_each(|&(first, last)| list.push(first, last));
            list
        };
        self.sorted.clone().unwrap_or_else(ascending)
    }
}

/// One untagged response, as commands receive it.
#[derive(Clone, Debug)]
pub struct Untagged {
    name: &'static str,
    answer: Answer,
    place: Option<Arc<Place>>,
    /// The size that counts against the limits while it waits to be read.
    weight: usize,
    // A response is moved several times on its way to a token, and most are rows of FETCH: what
    // these don't have is in an allocation of its own, so that a row stays small.
    rare: Option<Box<Rare>>,
}

/// What few responses have.
#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    /// A keyword that this library has no type for.
    name: Option<String>,
    raw: Option<Bytes>,
    owner: Option<CommandId>,
    has_secret: bool,
    begins_literal: bool,
}

impl HeapSize for Rare {
    fn heap_size(&self) -> usize {
        let Self { name, raw, owner: _, has_secret: _, begins_literal: _ } = self;
        name.heap_size() + raw.heap_size()
    }
}

/// Responses are equal if they are of one name, content, owner and place. Their raw bytes don't
/// count where the library has a type: whether they are kept depends on what else was in flight.
impl PartialEq for Untagged {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
            && self.owner() == other.owner()
            && self.has_secret() == other.has_secret()
            && self.place == other.place
            && self.answer == other.answer
            && (!matches!(self.answer, Answer::Other) || self.raw() == other.raw())
    }
}

impl Eq for Untagged {}

impl Untagged {
    /// A response of this name and content.
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, answer: Answer, raw: Option<Bytes>) -> Self {
        let (name, unknown) = match name.into() {
            Cow::Borrowed(name) => (name, None),
            Cow::Owned(name) => ("", Some(name)),
        };
        let mut response = Self { name, answer, place: None, weight: 0, rare: None };
        if unknown.is_some() || raw.is_some() {
            response.rare = Some(Box::new(Rare { name: unknown, raw, ..Rare::default() }));
        }
        response
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Its keyword, such as `FETCH`, in capitals.
    #[must_use]
    pub fn name(&self) -> &str {
        self.rare.as_ref().and_then(|rare| rare.name.as_deref()).unwrap_or(self.name)
    }

    /// Its bytes as received, without the line's end: for responses that this library has no type
    /// for, and for all while a command is in flight whose [`Class`](crate::command::Class) asks
    /// for them.
    #[must_use]
    pub fn raw(&self) -> Option<&Bytes> {
        self.rare.as_ref()?.raw.as_ref()
    }

    /// Its content.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The command whose tag the response names, as ESEARCH does.
    #[must_use]
    pub fn owner(&self) -> Option<CommandId> {
        self.rare.as_ref()?.owner
    }

    /// The mailbox that it is about, and the selection in which it was received; `None` if it is
    /// about no mailbox.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.place.as_deref()
    }

    /// Its content, by value.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        self.answer
    }

    /// Sets these bytes, if there are none yet.
    pub(crate) fn set_raw(&mut self, raw: Bytes) {
        self.rare_mut().raw.get_or_insert(raw);
    }

    pub(crate) fn answer_mut(&mut self) -> &mut Answer {
        &mut self.answer
    }

    pub(crate) fn set_owner(&mut self, owner: Option<CommandId>) {
        if owner.is_some() || self.rare.is_some() {
            self.rare_mut().owner = owner;
        }
    }

    /// Bytes of memory on the heap. The mailbox name is not counted: the response's own content or
    /// the selection holds it anyway.
    pub(crate) fn heap_size(&self) -> usize {
        // The place of a selection is shared by all that is about it.
        let own_place = self.place.as_ref().filter(|place| place.selection.is_none());
        let place = own_place.map_or(0, |_| shared(size_of::<Place>()));
        self.answer.heap_size() + self.rare.heap_size() + place
    }

    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    pub(crate) fn set_weight(&mut self, bytes: usize) {
        self.weight = bytes;
    }

    /// The response repeats a secret: only the command that claims it may see it.
    pub(crate) fn mark_secret(&mut self) {
        self.rare_mut().has_secret = true;
    }

    pub(crate) fn has_secret(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.has_secret)
    }

    /// It is a row up to a literal that is read while it comes.
    pub(crate) fn set_begins_literal(&mut self) {
        self.rare_mut().begins_literal = true;
    }

    pub(crate) fn begins_literal(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.begins_literal)
    }

    pub(crate) fn set_place(&mut self, place: Option<Arc<Place>>) {
        self.place = place;
    }
}

/// How a command ended: its tagged response (the last one's, if it sent several lines).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Done {
    /// The tagged response. In [`Command::finish`](crate::Command::finish) it is always OK: NO and
    /// BAD are errors.
    pub status: StatusResponse,
    /// The tagged responses of the lines before the last, for a command of several lines.
    pub earlier: Vec<StatusResponse>,
    /// The selection that the command ran in, or made.
    pub selection: Option<SelectionId>,
}

impl Done {
    /// A command's end with no other tagged response and no selection.
    #[must_use]
    pub fn new(status: StatusResponse) -> Self {
        Self { status, earlier: Vec::new(), selection: None }
    }
}
