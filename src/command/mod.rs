//! Commands: what each one asks, how it is written, which responses answer it, and its result.
//!
//! One file a family. A [`Command`] is handed to [`Sender::submit`](crate::Sender::submit) or
//! [`Mailbox::submit`](crate::Mailbox::submit); the engine writes it and hands it the responses
//! that it claims; the task that awaits the token makes the result. Users' own commands implement
//! the same trait.

mod action;
mod annotations;
mod append;
mod append_all;
mod append_part;
mod class;
mod comparators;
#[cfg(feature = "compress")]
mod compress;
mod copy;
mod expunge;
mod fetch;
mod fetch_report;
mod items;
#[cfg(test)]
mod known_answers;
mod language;
mod line;
mod list;
mod login;
mod mailboxes;
mod messages;
mod metadata;
mod notify;
mod partial_range;
mod quota;
mod raw;
mod replace;
mod report;
mod resolve_uids;
mod return_options;
mod rights;
mod saved;
mod search;
mod search_in;
mod search_result;
mod search_return;
mod selection_commands;
mod session;
mod session_commands;
mod sort;
mod sort_return;
mod source;
mod special_use;
mod status;
mod store;
mod store_labels;
mod store_unchanged;
#[cfg(test)]
mod testing;
mod thread;
mod uid_batches;
mod unauthenticate;
mod url_auth;

pub use action::Action;
pub use annotations::{AnnotationItems, StoreAnnotations};
pub use append::{Append, Appended};
pub use append_all::AppendAll;
pub use append_part::AppendPart;
pub use class::Class;
pub use comparators::Comparators;
#[cfg(feature = "compress")]
#[cfg_attr(docsrs, doc(cfg(feature = "compress")))]
pub use compress::Compress;
pub use copy::{Copied, CopyMessages, CopyOutcome};
pub use expunge::{Expunge, Expunged};
pub use fetch::Fetch;
pub use fetch_report::{FetchReport, Fetched};
pub use items::{ItemChain, Items};
pub use language::Language;
pub use line::{Line, Secret};
pub use list::List;
#[cfg(feature = "account")]
pub(crate) use list::fits;
pub use mailboxes::{Create, Created, Delete, Rename, Subscribe};
pub use messages::{Match, MessageChunks, Messages};
pub use metadata::{Annotations, GetMetadata, MetadataDepth, SetMetadata};
pub use notify::{Notify, NotifyEvent, SelectedNotify};
pub use partial_range::PartialRange;
pub use quota::{GetQuota, GetQuotaRoot, MailboxQuota, QuotaPiece, SetQuota};
pub use raw::{Raw, RawResult};
pub use replace::Replace;
pub use report::{Report, Reported};
pub use rights::{DeleteAcl, GetAcl, GetListRights, GetMyRights, SetAcl};
pub use saved::{SaveSearch, SavedSearch};
pub use search::{Search, SearchChain};
pub use search_in::{FoundIn, SearchIn, SearchScope};
pub use search_result::SearchResult;
pub use search_return::{CancelUpdates, Found, SearchReturn};
pub use selection_commands::{Checkpoint, Unselect};
pub use session::Session;
pub use session_commands::{Capability, Close, Enable, GetNamespaces, Id, Idle, Logout, Noop};
pub use sort::{Sort, SortKey, SortOrder};
pub use sort_return::{SortReturn, Sorted};
pub use special_use::MailboxFor;
pub use status::{StatusChain, StatusCommand, StatusItems};
pub use store::Store;
pub use store_labels::StoreLabels;
pub use store_unchanged::{StoreUnchanged, Stored};
pub use thread::{Thread, ThreadBy};
pub use uid_batches::BatchUids;
pub use unauthenticate::Unauthenticate;
pub use url_auth::{GenUrlAuth, ResetKey, UrlFetch};

pub(crate) use class::{ClaimScope, Effect, FlagUse, ResponseKinds, UNCLAIMABLE};
pub(crate) use line::CommandName;
pub use login::Login;
pub(crate) use login::{Authenticate, Exchange, StartTls};
pub(crate) use mailboxes::NameSet;
pub(crate) use resolve_uids::ResolveUids;
pub(crate) use saved::{SaveSearchCommand, SaveState};
pub(crate) use session::{LoginState, SelectParams};
pub(crate) use source::Taken;

use crate::error::{Error, Result};
use crate::types::{Done, MailboxName, StatusResponse, Untagged};

/// Items of a message's row, by numbers that the command gives them.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemSet(u64);

impl ItemSet {
    /// Items from the last bit on are taken for one.
    fn bit(item: usize) -> u64 {
        1 << item.min(63)
    }

    pub(crate) fn set(&mut self, item: usize, is_there: bool) {
        self.0 |= if is_there { Self::bit(item) } else { 0 };
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is more than flags and mod-sequences, whose places are those of all commands.
    pub(crate) fn has_data(self) -> bool {
        self.0 >> RowItems::DATA != 0
    }

    /// How many these are without flags and mod-sequences.
    pub(crate) fn data(self) -> u32 {
        (self.0 >> RowItems::DATA).count_ones()
    }

    pub(crate) fn is_subset_of(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// What a row is to a command.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct RowItems {
    /// Which of its items were asked for.
    pub(crate) asked: ItemSet,
    /// What has been received of its message already.
    pub(crate) received: ItemSet,
    /// More than flags and mod-sequences was asked for, and the row has no more.
    pub(crate) flags_alone: bool,
}

impl RowItems {
    /// Flags; or the UID, where nothing else was asked for.
    pub(crate) const FLAGS: usize = 0;
    pub(crate) const MOD_SEQ: usize = 1;
    /// From here on: all else.
    pub(crate) const DATA: usize = 2;
}

/// A command: one of the library's, or one of your own. One whose result is the server's OK alone
/// is an [`Action`].
///
/// Your own can do what the library's commands about messages and mailboxes can: its
/// [class](Command::class) says beside what it may be sent, [`messages`](Command::messages) lets
/// the engine correct sequence numbers, [`Line`] writes any argument as one argument. What changes
/// session or selection (SELECT, IDLE, LOGOUT, STARTTLS, NOTIFY and others: all are named at
/// [`Raw`]) is refused, unsent, and so is a line that its class does not fit.
///
/// `encode`, `claims`, `received` and `challenge` run in the driver's task and must be quick;
/// `item` and `finish` run in the task that reads the token. None of them runs under a lock.
///
/// ```
/// use imap_duplex::command::{Claim, Class, Command, Flow, Line, Session};
/// use imap_duplex::types::{Done, Untagged};
/// use imap_duplex::Result;
///
/// /// `GETQUOTAROOT INBOX` (RFC 9208), with its answers as text.
/// struct QuotaRoot;
///
/// impl Command for QuotaRoot {
///     type Item = String;
///     type Output = Vec<String>;
///     fn name(&self) -> &str { "GETQUOTAROOT" }
///     fn class(&self) -> Class { Class::query().answered_by(&["QUOTA", "QUOTAROOT"]).with_raw() }
///     fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
///         line.atom("GETQUOTAROOT").mailbox(&"INBOX".into());
///         Ok(Flow::Last)
///     }
///     fn claims(&self, _: &Untagged) -> Claim { Claim::Whole }
///     fn item(response: Untagged) -> Option<String> {
///         Some(String::from_utf8_lossy(response.raw()?).into_owned())
///     }
///     fn finish(self, _: Done, items: Vec<String>) -> Result<Vec<String>> { Ok(items) }
/// }
/// ```
pub trait Command: Send + 'static {
    /// One piece of its result, as a stream gives it.
    type Item: Send + 'static;
    /// Its whole result, as awaiting the token gives it.
    type Output: Send + 'static;

    /// Its name, for errors and events: `FETCH`.
    fn name(&self) -> &str;

    /// The mailbox that it names, if it names one, for errors and traces.
    fn mailbox(&self) -> Option<&MailboxName> {
        None
    }

    /// What kind of command it is. Asked once, when it is submitted.
    fn class(&self) -> Class {
        Class::barrier()
    }

    /// The messages that it names, so that the engine can turn sequence numbers into what they mean
    /// at the moment of sending: into UIDs where numbers can't be sent ([`Messages::Uids`] then).
    fn messages(&mut self) -> Option<&mut Messages> {
        None
    }

    /// Writes one line, without tag and CRLF. Called when the line is about to be sent.
    ///
    /// # Errors
    /// An error ends the command; nothing of this line is sent.
    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow>;

    /// Whether this untagged response answers this command. The oldest command that returns
    /// [`Claim::Whole`] gets it, else the oldest that returns [`Claim::Part`], else it is an event.
    fn claims(&self, response: &Untagged) -> Claim {
        let _ = response;
        Claim::No
    }

    /// Leaves out of a response that is this command's what it has not asked for. Whether anything
    /// is left.
    #[doc(hidden)]
    fn trim(&self, response: &mut Untagged) -> bool {
        let _ = response;
        true
    }

    /// Which items of a row this command has asked for, and which it has received of that message.
    #[doc(hidden)]
    fn items_of(&self, response: &Untagged) -> RowItems {
        let _ = response;
        RowItems::default()
    }

    /// Called when one of several lines has got its tagged response: `at` is its place among those
    /// without one, from 0. From here on a row of a message that only this line named answers
    /// another command: see [`MessageChunks`].
    fn line_ended(&mut self, at: usize) {
        let _ = at;
    }

    /// Called with each response that this command has claimed, in the order of arrival.
    fn received(&mut self, response: &Untagged) {
        let _ = response;
    }

    /// A piece of the result, made of a response that is this command's; `None` if it holds none.
    #[must_use]
    fn item(response: Untagged) -> Option<Self::Item> {
        let _ = response;
        None
    }

    /// Whether the command goes on though the server has refused one of its lines so.
    #[doc(hidden)]
    fn tolerates(&self, status: &StatusResponse) -> bool {
        let _ = status;
        false
    }

    /// Whether its next line, which waits for the OK to the last, takes for granted that the server
    /// has dealt with all messages: if it has dealt with a part of them only, the command ends.
    #[doc(hidden)]
    fn builds_on_the_whole(&self) -> bool {
        true
    }

    /// Answers a `+` of the server by writing the next line, for a command whose class has
    /// [`with_challenges`](Class::with_challenges).
    ///
    /// # Errors
    /// An error gives the dialogue up by `*` (RFC 9051 section 6.2.2) and is the command's result.
    fn challenge(&mut self, text: &[u8], line: &mut Line) -> Result<()> {
        let _ = (text, line);
        Err(Error::protocol("unexpected continuation request: the command has nothing more to send"))
    }

    /// Whether the server can't have carried the command out before its next `+`: in a dialogue,
    /// until the last answer has been written. An error then reports that the command was sent [in
    /// part](crate::Sent::Partly).
    fn awaits_challenge(&self) -> bool {
        false
    }

    /// Makes the result, after the tagged OK. `items` are all pieces that a stream has not taken.
    ///
    /// # Errors
    /// If the answer can't be used; the error is the token's result.
    fn finish(self, done: Done, items: Vec<Self::Item>) -> Result<Self::Output>
    where
        Self: Sized;
}

/// A command whose result is a sequence of independent pieces: its token can be read as a stream.
pub trait Streaming: Command {}

/// What follows the line that was just written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flow {
    /// Nothing: it was the last.
    Last,
    /// Another line, at once.
    More,
    /// Another line, once the server has answered OK to this one. NO or BAD ends the series.
    AfterReply,
}

/// Whether an untagged response is a command's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Claim {
    /// No.
    No,
    /// It holds something that was asked for.
    Part,
    /// All that it holds was asked for.
    Whole,
}
