//! SEARCH with chosen results: MIN, MAX, COUNT, ALL, PARTIAL, RELEVANCY (RFC 9051 section 6.4.4,
//! RFC 9394, RFC 6203), kept up to date on request (RFC 5267), or left with the server (RFC 5182).

use super::return_options::{Abilities, Collected, ReturnOptions};
use super::{
    Claim, Class, Command, Effect, Flow, Line, Messages, PartialRange, ResponseKinds, SaveSearch, Search,
    SearchIn, SearchScope, Session,
};
use crate::error::{Error, Result};
use crate::types::{Answer, CommandId, Done, ModSeq, RangeCollector, ResultChange, Uid, UidSet, Untagged};

/// A search of which only what is asked for is sent: from [`Search::returning`]. Without any of
/// them it is [`all`](SearchReturn::all).
///
/// Where the server has no ESEARCH, it is asked for all, and the rest is made of that here, unless
/// the search is to be [`strict`](SearchReturn::strict).
#[derive(Clone, Debug)]
#[must_use]
pub struct SearchReturn {
    pub(super) query: Search,
    options: ReturnOptions,
}

/// What a [`SearchReturn`] found. What was not asked for is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The lowest UID; `None` also if nothing fits.
    pub min: Option<Uid>,
    /// The highest UID; `None` also if nothing fits.
    pub max: Option<Uid>,
    /// How many fit.
    pub count: Option<u64>,
    /// All that fit.
    pub all: Option<UidSet>,
    /// Those in the part that was asked for.
    pub partial: Option<UidSet>,
    /// How relevant each of them is, from 1 to 100, in their order (RFC 6203 section 4).
    pub relevancy: Vec<u8>,
    /// The highest mod-sequence among them, where it was searched by.
    pub mod_seq: Option<ModSeq>,
    /// Whether the server keeps the result up to date, where that was asked for: it may refuse to
    /// (`NOUPDATE`).
    pub is_updated: bool,
    /// Changes of the result that the server has reported already, in their order.
    pub changes: Vec<ResultChange>,
    /// What else the server returned of it: name and value, as it wrote them.
    pub other: Vec<(String, String)>,
}

impl Search {
    /// The same query, with a choice of what is to be returned.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let found = inbox.submit(Search::unseen().returning().count().min()).await?;
    /// println!("{:?} unseen, the first is {:?}", found.count, found.min);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("ESEARCH", "RETURN"))]
    pub fn returning(self) -> SearchReturn {
        SearchReturn { query: self, options: ReturnOptions::default() }
    }
}

impl SearchReturn {
    /// The lowest UID.
    pub fn min(mut self) -> Self {
        self.options.min = true;
        self
    }

    /// The highest UID.
    pub fn max(mut self) -> Self {
        self.options.max = true;
        self
    }

    /// How many.
    pub fn count(mut self) -> Self {
        self.options.count = true;
        self
    }

    /// All.
    pub fn all(mut self) -> Self {
        self.options.all = true;
        self
    }

    /// How relevant each of them is, for a [`fuzzy`](Search::fuzzy) search (RFC 6203 section 4);
    /// needs SEARCH=FUZZY.
    pub fn relevancy(mut self) -> Self {
        self.options.relevancy = true;
        self
    }

    /// Those in this part: the last 50, say (RFC 9394). Where the server has no PARTIAL, it sends
    /// all, and the rest is left out here.
    pub fn partial(mut self, range: impl Into<PartialRange>) -> Self {
        self.options.partial = Some(range.into());
        self
    }

    /// Keeps the result up to date (RFC 5267 section 4.3); needs CONTEXT=SEARCH. What is added and
    /// removed are [`Data`](crate::types::EventKind::Data) events with an
    /// [`ESearch`](crate::types::Answer::ESearch), whose cause is this search, until
    /// [`Mailbox::cancel_updates`](crate::Mailbox::cancel_updates) or the end of the selection.
    #[doc(alias = "UPDATE")]
    pub fn update(mut self) -> Self {
        self.options.update = true;
        self
    }

    /// Tells the server that this search will be made again, as for further parts of what it finds
    /// (RFC 5267 section 4.2): it may keep what it has found. Only a hint: where the server has no
    /// CONTEXT=SEARCH, it is left out.
    ///
    /// ```
    /// # use imap_duplex::command::Search;
    /// let counted = Search::undeleted().returning().count().context();
    /// # let _ = counted;
    /// ```
    #[doc(alias = "CONTEXT")]
    pub fn context(mut self) -> Self {
        self.options.context = true;
        self
    }

    /// Leaves the result with the server too, where further commands can name it: `SAVE` (RFC
    /// 5182). What was asked for is then
    /// [`SavedSearch::found`](crate::command::SavedSearch::found).
    ///
    /// What the server remembers depends on what is returned beside it (RFC 5182 section 2.4, RFC
    /// 9394 section 3.2): with `count` or `all`, or nothing, all that fit; else no more than what
    /// is returned: the lowest, the highest, those in the part, or these together.
    ///
    /// Needs SEARCHRES; with a part, but neither `count` nor `all`, also PARTIAL, for other servers
    /// may remember more. A result that is saved can't be kept
    /// [up to date](SearchReturn::update) as well.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Items, Search};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// // The newest unseen message, in one round trip.
    /// let search = inbox.submit(Search::unseen().returning().max().save());
    /// let newest = inbox.fetch(&search.saved(), Items::envelope());
    /// println!("{:?}", search.await?.found().and_then(|found| found.max));
    /// println!("{:?}", newest.await?.first());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "SAVE")]
    pub fn save(self) -> SaveSearch {
        SaveSearch::of(self)
    }

    /// Searches these mailboxes, selected or not, rather than the selected one (RFC 7377).
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Search, SearchScope};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let counts = Search::unseen().returning().count().in_scope(SearchScope::personal());
    /// for found in imap.submit(counts).await? {
    ///     println!("{}: {} unseen", found.mailbox, found.count.unwrap_or(0));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn in_scope(self, scope: SearchScope) -> SearchIn {
        SearchIn::of(scope, self)
    }

    /// Fails, unsent, with [`Unsupported`](crate::ErrorKind::Unsupported), where the server can't
    /// return just that.
    pub fn strict(mut self) -> Self {
        self.options.strict = true;
        self
    }

    /// Why its result can't be saved, if it can't.
    pub(super) fn check_saved(&self, session: &Session) -> Result<()> {
        let asked = &self.options;
        if asked.update {
            return Err(Error::invalid("a saved result can't be kept up to date as well"));
        }
        if !session.can("SEARCHRES") {
            return Err(Error::unsupported("the server does not remember results of searches (SEARCHRES)"));
        }
        let saves_part = asked.partial.is_some() && !asked.count && !asked.all;
        // RFC 5267 does not define which messages are saved beside its PARTIAL.
        if saves_part && !session.can("PARTIAL") {
            return Err(Error::unsupported("the server lacks PARTIAL, which saving a part needs"));
        }
        self.check(session)
    }

    /// Why several mailboxes can't be searched so, if they can't.
    pub(super) fn check_several(&self, session: &Session) -> Result<()> {
        let asked = &self.options;
        if asked.update {
            return Err(Error::invalid("the result of several mailboxes can't be kept up to date"));
        }
        if asked.all && asked.partial.is_some() {
            return Err(Error::invalid("all of several mailboxes can't be returned beside a part"));
        }
        if asked.partial.is_some() && !self.can_cut(session) {
            return Err(Error::unsupported("the server lacks PARTIAL, which this search needs"));
        }
        if asked.relevancy && !session.can("SEARCH=FUZZY") {
            return Err(Error::unsupported("the server lacks SEARCH=FUZZY, which this search needs"));
        }
        Ok(())
    }

    /// Whether RETURN may be left out.
    pub(super) fn is_default(&self) -> bool {
        self.options.is_plain() && !self.options.relevancy
    }

    /// Whether the server can send the part alone. RFC 5267 counts from the first.
    fn can_cut(&self, session: &Session) -> bool {
        let has = |part: PartialRange| {
            session.can("PARTIAL") || session.can("CONTEXT=SEARCH") && !part.is_from_last()
        };
        self.options.partial.is_some_and(has)
    }

    fn check(&self, session: &Session) -> Result<()> {
        let lacks = |capability: &str| {
            Err(Error::unsupported(format!("the server lacks {capability}, which this search needs")))
        };
        let asked = &self.options;
        if asked.update && !session.can("CONTEXT=SEARCH") {
            return lacks("CONTEXT=SEARCH");
        }
        if asked.relevancy && !session.can("SEARCH=FUZZY") {
            return lacks("SEARCH=FUZZY");
        }
        if (asked.strict || asked.update || asked.relevancy) && !session.can("ESEARCH") {
            return lacks("ESEARCH");
        }
        if asked.strict && asked.partial.is_some() && !asked.all && !self.can_cut(session) {
            return lacks("PARTIAL");
        }
        Ok(())
    }

    pub(super) fn encode_return(&mut self, line: &mut Line, session: &Session, save: bool) {
        let contexts = session.can("CONTEXT=SEARCH");
        let can = Abilities { ends: true, contexts, part: self.can_cut(session) };
        self.options.write(line, can, save);
    }
}

impl Command for SearchReturn {
    type Item = Untagged;
    type Output = Found;

    fn name(&self) -> &str {
        "SEARCH"
    }

    fn class(&self) -> Class {
        let kinds = ResponseKinds::SEARCH;
        let kinds = if self.options.update { kinds.and(ResponseKinds::CODES) } else { kinds };
        let class = Class::query().answered_by_kinds(kinds).in_mailbox().with_search(&self.query).ours();
        if self.options.update { class.with_effect(Effect::KeepUpdated) } else { class }
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.query.within()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.check(session)?;
        line.word("UID").word("SEARCH");
        if session.can("ESEARCH") {
            self.encode_return(line, session, false);
        }
        // What the server counts can't be trimmed.
        self.query.encode_criteria(line, session, false)?;
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            Answer::Search(_) => Claim::Whole,
            // One with a tag has found its owner already.
            Answer::ESearch(found) if found.tag.is_none() => Claim::Part,
            _ => Claim::No,
        }
    }

    fn item(response: Untagged) -> Option<Untagged> {
        Some(response)
    }

    fn finish(self, _: Done, items: Vec<Untagged>) -> Result<Found> {
        let mut all = RangeCollector::default();
        let mut found = self.options.collect(items, |answer| match answer {
            Answer::Search(numbers) => all.add_set(numbers.numbers.clone().into_uids()),
            Answer::ESearch(more) => more.all.iter().for_each(|more| all.add_set(more.clone().into_uids())),
            _ => {}
        });
        let all = all.finish();
        self.options.complete(&mut found, (all.first(), all.last()), all.len());
        let Collected { min, max, count, partial, relevancy, mod_seq, is_updated, changes, other } = found;
        let partial = self.options.partial.map(|part| match partial {
            Some(partial) => partial.to_set().into_uids(),
            None if self.options.is_cut() => UidSet::new(),
            None => {
                let (from, to) = part.within(all.len());
                all.between_places(from, to)
            }
        });
        let all = Some(all).filter(|_| self.options.all || self.options.is_plain());
        Ok(Found { min, max, count, all, partial, relevancy, mod_seq, is_updated, changes, other })
    }
}

/// `CANCELUPDATE` (RFC 5267 section 4.3.5): from
/// [`Mailbox::cancel_updates`](crate::Mailbox::cancel_updates).
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct CancelUpdates(CommandId);

impl CancelUpdates {
    /// Ends the updates of this search.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{CancelUpdates, Search};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let search = inbox.submit(Search::unseen().returning().count().update());
    /// let id = search.id();
    /// println!("{:?}", search.await?.count);
    /// inbox.submit(CancelUpdates::new(id)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(search: CommandId) -> Self {
        Self(search)
    }
}

impl Command for CancelUpdates {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "CANCELUPDATE"
    }

    fn class(&self) -> Class {
        Class::change().in_mailbox().with_effect(Effect::EndUpdates(self.0))
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        let Some(tag) = session.updated_tag(self.0) else {
            return Err(Error::invalid("there is no such search whose result is kept up to date"));
        };
        line.word("CANCELUPDATE").quoted(tag);
        Ok(Flow::Last)
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}
