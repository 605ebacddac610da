//! What kind of command one is: what it needs of the commands in flight, what it does while it is
//! in flight, which responses may be its own, and what its OK changes.
//!
//! Given by each command ([`Command::class`](super::Command::class)); read by the engine's
//! admission and routing. Names matter to the engine only where a user's own line is checked
//! against its class (`engine/write/user_commands.rs`).

use crate::types::{Answer, CommandId, MailboxName};

use super::notify::Notify;
use super::saved::SavedSearch;
use super::search::Search;
use super::store::Store;

/// Keywords of responses that no command can claim: the state of session and selection.
pub(crate) const UNCLAIMABLE: [&str; 9] =
    ["OK", "NO", "BAD", "BYE", "PREAUTH", "FLAGS", "EXISTS", "RECENT", "ENABLED"];

/// What kind of command one is. The default for users' own is [`Class::barrier`].
///
/// ```
/// use imap_duplex::command::Class;
/// // GETQUOTA only reads, may be in flight beside others, and is answered by `* QUOTA`.
/// let class = Class::query().answered_by(&["QUOTA"]);
/// # let _ = class;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Class {
    pub(crate) reads_only: bool,
    pub(crate) alone: bool,
    pub(crate) dialogue: bool,
    pub(crate) raw: bool,
    pub(crate) may_expunge: bool,
    pub(crate) by_uid: bool,
    /// There is a form of it by UID.
    pub(crate) uid_form: bool,
    /// It names UIDs apart from [`messages`](super::Command::messages).
    pub(crate) names_uids: bool,
    pub(crate) in_mailbox: bool,
    /// It changes or removes messages of the selected mailbox.
    pub(crate) changes_messages: bool,
    pub(crate) flags: FlagUse,
    pub(crate) answered_by: ResponseKinds,
    pub(crate) keywords: &'static [&'static str],
    pub(crate) about: ClaimScope,
    pub(crate) effect: Effect,
    pub(crate) ours: bool,
    /// Each of its lines stands for itself: cancelled between two of them, the rest is not sent.
    pub(crate) line_by_line: bool,
    /// A part of it is a stream, which can be read once.
    #[cfg_attr(not(feature = "account"), expect(dead_code, reason = "for commands that move"))]
    pub(crate) streams: bool,
}

/// What a command does with the flags of its messages (RFC 9051 section 5.5: a FETCH and a STORE of
/// the same messages are ambiguous when pipelined).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlagUse {
    None,
    Reads,
    Writes,
}

/// What all that a command claims is about: so that the engine need not ask it about the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClaimScope {
    Anything,
    /// The messages that it names.
    Messages,
    /// One mailbox.
    Mailbox(MailboxName),
}

/// What a command's OK changes, beyond what untagged responses report.
#[derive(Clone, Debug, Default)]
pub(crate) enum Effect {
    #[default]
    None,
    /// The session starts over: capabilities known before may no longer hold.
    Login,
    StartTls,
    /// Both directions are compressed behind it.
    #[cfg(feature = "compress")]
    Compress,
    /// The session is as it was before its login.
    Unauthenticate,
    Logout,
    Idle,
    /// What is switched on, unless a mailbox is selected.
    Enable,
    Select {
        read_only: bool,
    },
    /// CLOSE and UNSELECT.
    Deselect,
    /// SEARCH whose result the server is to remember.
    Save(SavedSearch),
    /// STORE: without rows of its own if silent.
    Store(Box<Store>),
    /// MOVE, which is done by steps where the server has none.
    Move,
    Create(MailboxName),
    Delete(MailboxName),
    Rename {
        from: MailboxName,
        to: MailboxName,
    },
    Subscribe {
        mailbox: MailboxName,
        subscribed: bool,
    },
    /// What the server reports unasked, from now on.
    Notify(Box<Notify>),
    /// SEARCH whose result the server keeps up to date from now on.
    KeepUpdated,
    /// The updates of this search's result end.
    EndUpdates(CommandId),
    /// What holds for this connection: in which language the server writes, or by which rules it
    /// compares.
    Setting,
}

/// The kinds of untagged responses that a command may claim, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResponseKinds(u32);

impl ResponseKinds {
    pub(crate) const NOTHING: Self = Self(0);
    pub(crate) const FETCH: Self = Self(1);
    pub(crate) const SEARCH: Self = Self(1 << 1);
    pub(crate) const LIST: Self = Self(1 << 2);
    pub(crate) const LSUB: Self = Self(1 << 3);
    pub(crate) const STATUS: Self = Self(1 << 4);
    pub(crate) const SELECT: Self = Self(1 << 5);
    pub(crate) const EXPUNGE: Self = Self(1 << 6);
    pub(crate) const ID: Self = Self(1 << 7);
    pub(crate) const ENABLED: Self = Self(1 << 8);
    pub(crate) const CAPABILITY: Self = Self(1 << 9);
    /// Untagged status responses with a code, such as COPYUID of a MOVE.
    pub(crate) const CODES: Self = Self(1 << 10);
    /// What only a user's barrier may ask for.
    pub(crate) const OTHER: Self = Self(1 << 11);
    pub(crate) const SORT: Self = Self(1 << 12);
    pub(crate) const THREAD: Self = Self(1 << 13);
    pub(crate) const EVERYTHING: Self = Self(u32::MAX);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// How many kinds there are.
    pub(crate) const KINDS: usize = 14;

    /// The places of these kinds among all.
    pub(crate) fn kinds(self) -> impl Iterator<Item = usize> {
        let mut left = self.0 & ((1 << Self::KINDS) - 1);
        std::iter::from_fn(move || {
            let next = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (next < Self::KINDS).then_some(next)
        })
    }

    /// What kind of response this is.
    pub(crate) fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Status(status) if status.code.is_some() => Self::CODES.and(Self::SELECT),
            Answer::Capability(_) => Self::CAPABILITY,
            Answer::Enabled(_) => Self::ENABLED,
            Answer::Flags(_) | Answer::Exists(_) | Answer::Recent(_) => Self::SELECT,
            Answer::List(_) => Self::LIST.and(Self::SELECT),
            Answer::Lsub(_) => Self::LSUB,
            Answer::MailboxStatus(_) => Self::STATUS,
            Answer::Search(_) | Answer::ESearch(_) => Self::SEARCH,
            Answer::Sort(_) => Self::SORT,
            Answer::Thread(_) => Self::THREAD,
            Answer::Expunge { .. } => Self::EXPUNGE,
            Answer::Vanished { earlier: false, .. } => Self::EXPUNGE,
            Answer::Vanished { earlier: true, .. } => Self::SELECT.and(Self::FETCH),
            Answer::Fetch(_) => Self::FETCH,
            Answer::Id(_) => Self::ID,
            // A user's barrier may ask for everything.
            _ => Self::OTHER,
        }
    }

    /// What kind of response begins with this keyword, as far as that says it.
    pub(crate) fn of_keyword(keyword: &str) -> Self {
        match keyword {
            "FETCH" | "UIDFETCH" => Self::FETCH,
            "LIST" | "XLIST" => Self::LIST,
            "LSUB" => Self::LSUB,
            "STATUS" => Self::STATUS,
            "SEARCH" | "ESEARCH" => Self::SEARCH,
            "SORT" => Self::SORT,
            "THREAD" => Self::THREAD,
            "FLAGS" | "EXISTS" | "RECENT" => Self::SELECT,
            "EXPUNGE" | "VANISHED" => Self::EXPUNGE,
            "ID" => Self::ID,
            "ENABLED" => Self::ENABLED,
            "CAPABILITY" => Self::CAPABILITY,
            "COPYUID" => Self::CODES,
            _ => Self::OTHER,
        }
    }
}

impl Class {
    fn new() -> Self {
        Self {
            reads_only: false,
            alone: false,
            dialogue: false,
            raw: false,
            may_expunge: true,
            by_uid: false,
            uid_form: false,
            names_uids: false,
            in_mailbox: false,
            changes_messages: false,
            flags: FlagUse::None,
            answered_by: ResponseKinds::NOTHING,
            keywords: &[],
            about: ClaimScope::Anything,
            effect: Effect::None,
            ours: false,
            line_by_line: false,
            streams: false,
        }
    }

    /// Waits until nothing is in flight, and nothing follows it until it has ended. May be answered
    /// by anything. Always safe.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// // An extension of which nothing is known: alone, and with the bytes of its answers.
    /// let class = Class::barrier().with_raw();
    /// # let _ = class;
    /// ```
    pub fn barrier() -> Self {
        Self { alone: true, answered_by: ResponseKinds::EVERYTHING, ..Self::new() }
    }

    /// Changes nothing, and may be in flight beside others. Dropping its token before it was sent
    /// withdraws it.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let get_quota_root = Class::query().answered_by(&["QUOTA", "QUOTAROOT"]);
    /// # let _ = get_quota_root;
    /// ```
    pub fn query() -> Self {
        Self { reads_only: true, ..Self::new() }
    }

    /// Changes something, and may be in flight beside others.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let set_metadata = Class::change();
    /// # let _ = set_metadata;
    /// ```
    pub fn change() -> Self {
        Self::new()
    }

    /// May be answered by untagged responses with these keywords, in capitals: `FETCH`, `SORT`,
    /// `METADATA`; and `COPYUID` for untagged responses with that code. Without this only a
    /// [`barrier`](Class::barrier) is asked whether a response is its own.
    ///
    /// A command gets rows of FETCH, and expunged messages, only of the
    /// [messages](super::Command::messages) that it names. Which items it asks for is not known: so
    /// beside another command that may be answered by the same responses (FETCH of the same
    /// messages, LIST, STATUS of the same mailbox, SEARCH without ESEARCH) it is not sent while one
    /// of them is in flight. Keywords of which the library has no command may be shared: whose
    /// answer one is, [`claims`](super::Command::claims) and
    /// [`about_mailbox`](Class::about_mailbox) decide.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let sort = Class::query().answered_by(&["SORT"]).in_mailbox();
    /// # let _ = sort;
    /// ```
    ///
    /// # Errors
    /// The command fails, unsent, if a keyword is not in capitals, or is one that no command can
    /// claim: `OK`, `NO`, `BAD`, `BYE`, `PREAUTH`, `FLAGS`, `EXISTS`, `RECENT`, `ENABLED`; and if
    /// its line has the name of a known command whose answers are not among these.
    pub fn answered_by(mut self, keywords: &'static [&'static str]) -> Self {
        self.keywords = keywords;
        for keyword in keywords.iter().filter(|keyword| !UNCLAIMABLE.contains(keyword)) {
            let kind = ResponseKinds::of_keyword(keyword);
            if kind != ResponseKinds::OTHER {
                self.answered_by = self.answered_by.and(kind);
            }
        }
        self
    }

    /// Asks for the bytes of responses: [`Untagged::raw`](crate::types::Untagged::raw) is set for
    /// each that arrives while the command is in flight.
    pub fn with_raw(mut self) -> Self {
        self.raw = true;
        self
    }

    /// A dialogue with the server before its end: each `+` is handed to
    /// [`Command::challenge`](super::Command::challenge). A barrier too.
    pub fn with_challenges(mut self) -> Self {
        self.dialogue = true;
        self.alone = true;
        self
    }

    pub(crate) fn answered_by_kinds(mut self, kinds: ResponseKinds) -> Self {
        self.answered_by = kinds;
        self
    }

    /// Claims nothing but what is about the messages that it names.
    pub(crate) fn about_messages(mut self) -> Self {
        self.about = ClaimScope::Messages;
        self
    }

    /// Claims only responses about this mailbox, whatever the case of letters in its name: so that
    /// it can be in flight beside the same command for another mailbox, however their answers are
    /// ordered. Of responses that name no mailbox [`claims`](super::Command::claims) decides.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let class = Class::query().answered_by(&["METADATA"]).about_mailbox("INBOX".into());
    /// # let _ = class;
    /// ```
    pub fn about_mailbox(mut self, name: MailboxName) -> Self {
        self.about = ClaimScope::Mailbox(name);
        self
    }

    /// The server may not send EXPUNGE while this runs, if it names messages by number: so that
    /// other commands by number may be sent beside it (RFC 9051 section 7.5.1).
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let fetch = Class::query().answered_by(&["FETCH"]).expunge_free().uid_form();
    /// # let _ = fetch;
    /// ```
    ///
    /// # Errors
    /// The command fails, unsent, if it is none of FETCH, STORE, SEARCH, SORT and THREAD by number.
    pub fn expunge_free(mut self) -> Self {
        self.may_expunge = false;
        self
    }

    /// Makes sense only in a selected mailbox: fails, unsent, unless it is submitted through a
    /// [`Mailbox`](crate::Mailbox). Implied if it names [messages](super::Command::messages).
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let thread = Class::query().answered_by(&["THREAD"]).in_mailbox();
    /// # let _ = thread;
    /// ```
    pub fn in_mailbox(mut self) -> Self {
        self.in_mailbox = true;
        self
    }

    /// Changes or removes messages of the selected mailbox: fails, unsent, with
    /// [`ReadOnly`](crate::ErrorKind::ReadOnly) where that is open for reading alone.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let replace = Class::change().changing_messages().writes_flags().uid_only();
    /// # let _ = replace;
    /// ```
    pub fn changing_messages(mut self) -> Self {
        self.changes_messages = true;
        self
    }

    /// There is a form of it by UID, with `UID` before its name: sequence numbers are sent as UIDs
    /// where these are known, since some servers renumber before they report it.
    /// [`Line::command`](super::Line::command) writes the form that is needed.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let copy = Class::change().reads_flags().uid_form();
    /// # let _ = copy;
    /// ```
    pub fn uid_form(mut self) -> Self {
        self.uid_form = true;
        self
    }

    /// Its messages can be named by UID alone: sequence numbers become UIDs, and it fails, unsent,
    /// where these are not known.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let expunge = Class::change().changing_messages().writes_flags().uid_only();
    /// # let _ = expunge;
    /// ```
    pub fn uid_only(mut self) -> Self {
        self.by_uid = true;
        self.uid_form()
    }

    /// It names UIDs apart from its [messages](super::Command::messages), as the keys of a search
    /// do: they mean nothing once UIDVALIDITY has changed, and then it is not sent.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let class = Class::query().answered_by(&["ESEARCH"]).in_mailbox().names_uids();
    /// # let _ = class;
    /// ```
    pub fn names_uids(mut self) -> Self {
        self.names_uids = true;
        self
    }

    /// Its result depends on flags of its messages: it is not sent beside a command that changes
    /// them, but where the session obliges the server to keep the order (RFC 9051 section 5.5).
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let copy = Class::change().reads_flags();
    /// # let _ = copy;
    /// ```
    pub fn reads_flags(self) -> Self {
        self.with_flags(FlagUse::Reads)
    }

    /// It changes flags of its messages, or removes them: it is not sent beside a command that
    /// reads or changes them, but where the session obliges the server to keep the order.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let store = Class::change().answered_by(&["FETCH"]).writes_flags().uid_form();
    /// # let _ = store;
    /// ```
    pub fn writes_flags(self) -> Self {
        self.with_flags(FlagUse::Writes)
    }

    /// It has this query among its arguments, written by [`Line::search`](super::Line::search): it
    /// reads flags and names UIDs if the query does.
    ///
    /// ```
    /// # use imap_duplex::command::{Class, Search};
    /// let sort =
    /// Class::query().answered_by(&["SORT"]).in_mailbox().with_search(&Search::unseen());
    /// # let _ = sort;
    /// ```
    pub fn with_search(mut self, query: &Search) -> Self {
        self.names_uids |= query.names_uids();
        if self.flags == FlagUse::None { self.with_flags(query.flag_use()) } else { self }
    }

    /// Each of its lines stands for itself: cancelled between two of them, the rest is not sent.
    ///
    /// ```
    /// # use imap_duplex::command::Class;
    /// let class = Class::change().line_by_line();
    /// # let _ = class;
    /// ```
    pub fn line_by_line(mut self) -> Self {
        self.line_by_line = true;
        self
    }

    /// Whether its claims are by the keywords that it names: of all but barriers.
    pub(crate) fn claims_by_keyword(&self) -> bool {
        !self.alone && !self.keywords.is_empty()
    }

    pub(crate) fn with_flags(mut self, flags: FlagUse) -> Self {
        self.flags = flags;
        self
    }

    /// One of the library's own commands, which may change session and selection by its effect.
    pub(crate) fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self.ours = true;
        self
    }

    /// One of the library's own commands: its name is not checked against the reserved ones.
    pub(crate) fn ours(mut self) -> Self {
        self.ours = true;
        self
    }
}
