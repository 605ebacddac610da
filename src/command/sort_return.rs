//! SORT with chosen results: MIN, MAX, COUNT, ALL, PARTIAL (RFC 5267 sections 3.1 and 4.4),
//! RELEVANCY (RFC 6203), kept up to date on request (section 4.3).

use super::return_options::{Abilities, Collected, ReturnOptions};
use super::{
    Claim, Class, Command, Effect, Flow, Line, Messages, PartialRange, ResponseKinds, Search, Session,
    SortOrder,
};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, ModSeq, NumberList, ResultChange, Uid, Untagged};

/// A sorted search of which only what is asked for is sent: from
/// [`Sort::returning`](super::Sort::returning). Without any of them it is [`all`](SortReturn::all).
///
/// Where the server has no ESORT, it is asked for all, and the rest is made of that here, unless
/// the search is to be [`strict`](SortReturn::strict).
#[derive(Clone, Debug)]
#[must_use]
pub struct SortReturn {
    query: Search,
    order: SortOrder,
    options: ReturnOptions,
}

/// What a [`SortReturn`] found. What was not asked for is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sorted {
    /// The first in the order; `None` also if nothing fits.
    pub min: Option<Uid>,
    /// The last in the order; `None` also if nothing fits.
    pub max: Option<Uid>,
    /// How many fit.
    pub count: Option<u64>,
    /// All that fit, in the order: UIDs.
    pub all: Option<NumberList>,
    /// Those in the part that was asked for, in the order: UIDs.
    pub partial: Option<NumberList>,
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

impl SortReturn {
    pub(super) fn new(query: Search, order: SortOrder) -> Self {
        Self { query, order, options: ReturnOptions::default() }
    }

    /// The first in the order. Cyrus, which has ESORT, gives the lowest UID or number instead.
    #[doc(alias = "MIN")]
    pub fn min(mut self) -> Self {
        self.options.min = true;
        self
    }

    /// The last in the order. Cyrus, which has ESORT, gives the highest UID or number instead.
    #[doc(alias = "MAX")]
    pub fn max(mut self) -> Self {
        self.options.max = true;
        self
    }

    /// How many.
    #[doc(alias = "COUNT")]
    pub fn count(mut self) -> Self {
        self.options.count = true;
        self
    }

    /// All, in the order.
    #[doc(alias = "ALL")]
    pub fn all(mut self) -> Self {
        self.options.all = true;
        self
    }

    /// Those in this part of the order (RFC 5267 section 4.4). Where the server has no
    /// CONTEXT=SORT, or where the part is counted from the last, it sends all, and the rest is left
    /// out here.
    #[doc(alias = "PARTIAL")]
    pub fn partial(mut self, range: impl Into<PartialRange>) -> Self {
        self.options.partial = Some(range.into());
        self
    }

    /// How relevant each of them is, for a [`fuzzy`](Search::fuzzy) query, in their order (RFC 6203
    /// section 5); needs SEARCH=FUZZY and ESORT.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Search, Sort, SortKey};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let likely = Sort::new(Search::text("Helo").fuzzy(), SortKey::Relevancy).returning();
    /// let found = inbox.submit(likely.relevancy()).await?;
    /// println!("{:?}: {:?}", found.all, found.relevancy);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "RELEVANCY")]
    pub fn relevancy(mut self) -> Self {
        self.options.relevancy = true;
        self
    }

    /// Keeps the result up to date (RFC 5267 section 4.3); needs CONTEXT=SORT. What is added and
    /// removed, and at which [place](ResultChange::position) of the whole result, are
    /// [`Data`](crate::types::EventKind::Data) events with an
    /// [`ESearch`](crate::types::Answer::ESearch), whose cause is this search, until
    /// [`Mailbox::cancel_updates`](crate::Mailbox::cancel_updates) or the end of the selection.
    /// They are about all that fits, also where only a part or a count was asked for.
    #[doc(alias = "UPDATE")]
    pub fn update(mut self) -> Self {
        self.options.update = true;
        self
    }

    /// Tells the server that this will be sorted again, as for further parts (RFC 5267 section
    /// 4.2). Only a hint: where the server has no CONTEXT=SORT, it is left out.
    #[doc(alias = "CONTEXT")]
    pub fn context(mut self) -> Self {
        self.options.context = true;
        self
    }

    /// Fails, unsent, with [`Unsupported`](crate::ErrorKind::Unsupported), where the server can't
    /// return just that.
    pub fn strict(mut self) -> Self {
        self.options.strict = true;
        self
    }

    /// Whether the server can send the part alone. RFC 5267 section 4.4 counts from the first, and
    /// sends no part beside all.
    fn can_cut(&self, session: &Session) -> bool {
        let is_known = session.can("CONTEXT=SORT") && (session.can("ESORT") || !self.options.has_ends());
        is_known && self.options.partial.is_some_and(|part| !part.is_from_last())
    }

    fn check(&self, session: &Session) -> Result<()> {
        self.order.check(session)?;
        let lacks = |capability: &str| {
            Err(Error::unsupported(format!("the server lacks {capability}, which this SORT needs")))
        };
        let asked = &self.options;
        if asked.update && !session.can("CONTEXT=SORT") {
            return lacks("CONTEXT=SORT");
        }
        if asked.relevancy && !session.can("SEARCH=FUZZY") {
            return lacks("SEARCH=FUZZY");
        }
        if (asked.strict && asked.has_ends() || asked.relevancy) && !session.can("ESORT") {
            return lacks("ESORT");
        }
        if asked.strict && asked.partial.is_some() && !asked.all && !self.can_cut(session) {
            return Err(Error::unsupported("the server can't send a part of what it sorts (CONTEXT=SORT)"));
        }
        Ok(())
    }

    fn encode_return(&mut self, line: &mut Line, session: &Session) {
        let (ends, contexts) = (session.can("ESORT"), session.can("CONTEXT=SORT"));
        let part = self.can_cut(session);
        let asked = &self.options;
        let is_cut = part && !asked.all && asked.partial.is_some();
        if ends || asked.context && contexts || asked.update || is_cut {
            self.options.write(line, Abilities { ends, contexts, part }, false);
        }
    }
}

impl Command for SortReturn {
    type Item = Untagged;
    type Output = Sorted;

    fn name(&self) -> &str {
        "SORT"
    }

    fn class(&self) -> Class {
        let kinds = ResponseKinds::SORT.and(ResponseKinds::SEARCH);
        let kinds = if self.options.update { kinds.and(ResponseKinds::CODES) } else { kinds };
        let class = Class::query().answered_by_kinds(kinds).in_mailbox().with_search(&self.query).ours();
        if self.options.update { class.with_effect(Effect::KeepUpdated) } else { class }
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.query.within()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.check(session)?;
        line.word("UID").word("SORT");
        self.encode_return(line, session);
        self.order.write(line);
        // Here the charset has to be named (RFC 5256 section 3).
        line.word("UTF-8");
        self.query.encode_checked(line, session, false)?;
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            Answer::Sort(_) => Claim::Whole,
            // One with a tag has found its owner already.
            Answer::ESearch(found) if found.tag.is_none() => Claim::Part,
            _ => Claim::No,
        }
    }

    fn item(response: Untagged) -> Option<Untagged> {
        Some(response)
    }

    fn finish(self, _: Done, items: Vec<Untagged>) -> Result<Sorted> {
        let mut all = NumberList::new();
        let mut add = |more: &NumberList| more.ranges().for_each(|(first, last)| all.push(first, last));
        let mut found = self.options.collect(items, |answer| match answer {
            Answer::Sort(sorted) => add(&sorted.numbers),
            Answer::ESearch(more) => add(&more.in_order()),
            _ => {}
        });
        let first = all.ranges().next().and_then(|(first, _)| Uid::new(first));
        let last = all.ranges().last().and_then(|(_, last)| Uid::new(last));
        self.options.complete(&mut found, (first, last), all.len());
        let Collected { min, max, count, partial, relevancy, mod_seq, is_updated, changes, other } = found;
        let partial = self.options.partial.map(|part| match partial {
            Some(partial) => partial,
            None if self.options.is_cut() => NumberList::new(),
            None => {
                let (from, to) = part.within(all.len());
                between_places(&all, from, to)
            }
        });
        let all = Some(all).filter(|_| self.options.all || self.options.is_plain());
        Ok(Sorted { min, max, count, all, partial, relevancy, mod_seq, is_updated, changes, other })
    }
}

/// The numbers at these places of a list, from 0, without the last.
fn between_places(list: &NumberList, from: u64, to: u64) -> NumberList {
    let (mut part, mut before) = (NumberList::new(), 0u64);
    for (first, last) in list.ranges() {
        let count = u64::from(first.abs_diff(last)) + 1;
        let (start, end) = (from.max(before), to.min(before + count));
        let number = |place: u64| {
            let step = u32::try_from(place - before).unwrap_or(u32::MAX);
            if first <= last { first.saturating_add(step) } else { first.saturating_sub(step) }
        };
        if start < end {
            part.push(number(start), number(end - 1));
        }
        before += count;
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_by_places() {
        let mut list = NumberList::from_iter([7, 8, 9, 3]);
        list.push(6, 4);
        let all: Vec<u32> = list.iter().collect();
        for from in 0..9 {
            for to in from..9 {
                let part: Vec<u32> = all.iter().copied().skip(from).take(to - from).collect();
                let cut = between_places(&list, from as u64, to as u64);
                assert_eq!(cut.iter().collect::<Vec<_>>(), part, "{from} {to}");
            }
        }
    }
}
