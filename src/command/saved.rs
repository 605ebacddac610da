//! SEARCH that leaves its result with the server, and `$`, by which further commands name it (RFC
//! 5182, RFC 9051 section 6.4.4.1).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::search::Search;
use super::{Claim, Class, Command, Effect, Flow, Line, Messages, ResponseKinds, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, Untagged};

/// The messages that a search found, which the server remembers: `$`. A handle by which commands
/// name them, without their numbers ever going over the wire. From
/// [`Mailbox::save`](crate::Mailbox::save).
///
/// It can be used before the search has been answered: a command that only reads is sent right
/// behind it, in the same round trip; a command that changes something waits for the search's OK.
/// If the search fails, so do all commands that use its result.
///
/// The server remembers one result a selection. The next search that is saved, and the end of the
/// selection, make this handle fail, unsent, with [`Invalid`](crate::ErrorKind::Invalid). Messages
/// that are removed leave the result by themselves.
///
/// ```
/// # use imap_duplex::{Mailbox, Result, command::{Items, Search}};
/// async fn subjects_of_unseen(inbox: &Mailbox) -> Result<Vec<String>> {
///     let search = inbox.save(Search::unseen());
///     let rows = inbox.fetch(search.saved(), Items::envelope());
///     // One round trip for both.
///     println!("{} unseen", search.await?.count().unwrap_or(0));
///     let subject = |row: &imap_duplex::types::Message| Some(row.envelope()?.subject()?.into_owned());
///     Ok(rows.await?.iter().filter_map(subject).collect())
/// }
/// ```
#[derive(Clone)]
pub struct SavedSearch(Arc<Inner>);

struct Inner {
    standing: AtomicU8,
    /// One more than the count; 0 as long as it is not known.
    count: AtomicU64,
}

/// What became of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaveState {
    /// It has not been answered.
    Awaited = 0,
    /// The server remembers its result.
    Kept = 1,
    /// It has failed, or was not sent.
    Failed = 2,
}

impl SavedSearch {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { standing: AtomicU8::new(SaveState::Awaited as u8), count: AtomicU64::new(0) }))
    }

    pub(crate) fn standing(&self) -> SaveState {
        match self.0.standing.load(Ordering::Acquire) {
            0 => SaveState::Awaited,
            1 => SaveState::Kept,
            _ => SaveState::Failed,
        }
    }

    pub(crate) fn settle(&self, standing: SaveState) {
        self.0.standing.store(standing as u8, Ordering::Release);
    }

    /// How many messages were found, once the server has reported it.
    #[must_use]
    pub fn count(&self) -> Option<u32> {
        self.0.count.load(Ordering::Acquire).checked_sub(1).and_then(|count| u32::try_from(count).ok())
    }
}

impl From<&SavedSearch> for SavedSearch {
    fn from(saved: &SavedSearch) -> Self {
        saved.clone()
    }
}

impl PartialEq for SavedSearch {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SavedSearch {}

impl fmt::Debug for SavedSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedSearch")
            .field("standing", &self.standing())
            .field("count", &self.count())
            .finish()
    }
}

/// `SEARCH RETURN (SAVE)`: a search whose result stays with the server. Needs SEARCHRES, which
/// IMAP4rev2 contains.
#[derive(Clone, Debug)]
#[must_use]
pub struct SaveSearch {
    query: Search,
    saved: SavedSearch,
}

impl SaveSearch {
    /// Saves what fits this query.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Items, SaveSearch, Search};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let search = inbox.submit(SaveSearch::new(Search::unseen()));
    /// let rows = inbox.fetch(&search.saved(), Items::envelope()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(query: impl Into<Search>) -> Self {
        Self { query: query.into(), saved: SavedSearch::new() }
    }

    /// By which the messages that will be found can be named.
    #[must_use]
    pub fn saved(&self) -> SavedSearch {
        self.saved.clone()
    }
}

/// The command that a [`SaveSearch`] becomes when it is submitted.
#[derive(Debug)]
pub struct SaveSearchCommand {
    query: Search,
    saved: SavedSearch,
}

impl From<SaveSearch> for SaveSearchCommand {
    fn from(search: SaveSearch) -> Self {
        Self { query: search.query, saved: search.saved }
    }
}

impl Command for SaveSearchCommand {
    type Item = ();
    type Output = SavedSearch;

    fn name(&self) -> &str {
        "SEARCH"
    }

    fn class(&self) -> Class {
        // Not a command that only reads: it must not be withdrawn while others use its result.
        let class =
            Class::change().answered_by_kinds(ResponseKinds::SEARCH).in_mailbox().with_search(&self.query);
        class.with_effect(Effect::Save(self.saved.clone()))
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.query.within()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("SEARCHRES") {
            return Err(Error::unsupported("the server does not remember results of searches (SEARCHRES)"));
        }
        line.word("UID").word("SEARCH").word("RETURN").open().word("SAVE").word("COUNT").close();
        // What the server remembers can't be trimmed.
        self.query.encode_criteria(line, session, false)?;
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            // One with a tag has found its owner already.
            Answer::ESearch(found) if found.tag.is_none() => Claim::Part,
            _ => Claim::No,
        }
    }

    fn received(&mut self, response: &Untagged) {
        if let Answer::ESearch(found) = response.answer()
            && let Some(count) = found.count
        {
            self.saved.0.count.store(u64::from(count) + 1, Ordering::Release);
        }
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<SavedSearch> {
        Ok(self.saved)
    }
}
