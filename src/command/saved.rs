//! SEARCH that leaves its result with the server, and `$`, by which further commands name it (RFC
//! 5182, RFC 9051 section 6.4.4.1).

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::search::Search;
use super::search_return::{Found, SearchReturn};
use super::{Claim, Class, Command, Effect, Flow, Line, Messages, ResponseKinds, Session};
use crate::error::Result;
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
    /// What the server has returned beside it, once the search has ended.
    found: OnceLock<Found>,
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
        Self(Arc::new(Inner {
            standing: AtomicU8::new(SaveState::Awaited as u8),
            count: AtomicU64::new(0),
            found: OnceLock::new(),
        }))
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

    /// How many messages were found, once the server has reported it; it does if it was asked for
    /// the count, as it is by [`Mailbox::save`](crate::Mailbox::save), or for all. The saved result
    /// may be fewer: see [`SearchReturn::save`].
    #[must_use]
    pub fn count(&self) -> Option<u32> {
        self.0.count.load(Ordering::Acquire).checked_sub(1).and_then(|count| u32::try_from(count).ok())
    }

    /// What was asked for beside it by [`Search::returning`], once the search has succeeded.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let saved = inbox.submit(Search::unseen().returning().min().max().save()).await?;
    /// println!("{:?}", saved.found().map(|found| (found.min, found.max)));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn found(&self) -> Option<&Found> {
        self.0.found.get()
    }

    fn set_count(&self, count: u64) {
        self.0.count.store(count.saturating_add(1), Ordering::Release);
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
    search: SearchReturn,
    saved: SavedSearch,
}

impl SaveSearch {
    /// Saves what fits this query, and counts it. To have more returned, or to save a part alone:
    /// [`SearchReturn::save`].
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
        Self::of(query.into().returning().count())
    }

    pub(super) fn of(search: SearchReturn) -> Self {
        Self { search, saved: SavedSearch::new() }
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
    search: SearchReturn,
    saved: SavedSearch,
}

impl From<SaveSearch> for SaveSearchCommand {
    fn from(search: SaveSearch) -> Self {
        Self { search: search.search, saved: search.saved }
    }
}

impl Command for SaveSearchCommand {
    type Item = Untagged;
    type Output = SavedSearch;

    fn name(&self) -> &str {
        "SEARCH"
    }

    fn class(&self) -> Class {
        // Not a command that only reads: it must not be withdrawn while others use its result.
        let class = Class::change().answered_by_kinds(ResponseKinds::SEARCH).in_mailbox();
        let class = class.with_search(&self.search.query);
        class.with_effect(Effect::Save(self.saved.clone()))
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.search.query.within()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.search.check_saved(session)?;
        line.word("UID").word("SEARCH");
        self.search.encode_return(line, session, true);
        // What the server remembers can't be trimmed.
        self.search.query.encode_criteria(line, session, false)?;
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
            self.saved.set_count(count.into());
        }
    }

    fn item(response: Untagged) -> Option<Untagged> {
        Some(response)
    }

    fn finish(self, done: Done, items: Vec<Untagged>) -> Result<SavedSearch> {
        let found = self.search.finish(done, items)?;
        if let Some(all) = &found.all {
            self.saved.set_count(all.len());
        }
        // Nothing else has set it: a command ends once.
        let _ = self.saved.0.found.set(found);
        Ok(self.saved)
    }
}
