//! SORT: the messages that a query finds, in an order (RFC 5256, RFC 5267), always by UID.

use super::annotations::AnnotationOrder;
use super::{Claim, Class, Command, Flow, Line, Messages, PartialRange, ResponseKinds, Search, Session};
use crate::error::{Error, Result};
use crate::types::{AnnotationScope, Answer, Done, NumberList, SortResult, Untagged};

/// What messages are sorted by (RFC 5256 section 3; RFC 5957).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SortKey {
    /// When the server received it.
    Arrival,
    /// Its Date, in UTC; without one, when the server received it.
    Date,
    /// Its size.
    Size,
    /// Its subject without `Re:` and the like (RFC 5256 section 2.1).
    Subject,
    /// The mailbox of its first address in From: what is left of the `@`.
    From,
    /// The mailbox of its first address in To.
    To,
    /// The mailbox of its first address in Cc.
    Cc,
    /// The name in From that a mail program shows; needs SORT=DISPLAY.
    DisplayFrom,
    /// The name in To that a mail program shows; needs SORT=DISPLAY.
    DisplayTo,
    /// How relevant it is to a [`fuzzy`](Search::fuzzy) query, the most relevant first (RFC 6203
    /// section 5); needs SEARCH=FUZZY.
    Relevancy,
}

impl SortKey {
    fn name(self) -> &'static str {
        match self {
            Self::Arrival => "ARRIVAL",
            Self::Date => "DATE",
            Self::Size => "SIZE",
            Self::Subject => "SUBJECT",
            Self::From => "FROM",
            Self::To => "TO",
            Self::Cc => "CC",
            Self::DisplayFrom => "DISPLAYFROM",
            Self::DisplayTo => "DISPLAYTO",
            Self::Relevancy => "RELEVANCY",
        }
    }
}

/// An order of messages: by one key, among equals by the next; in the end by their place in the
/// mailbox.
///
/// ```
/// use imap_duplex::command::{SortKey, SortOrder};
/// let order = SortOrder::by(SortKey::Subject).then_descending(SortKey::Date);
/// # let _ = order;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct SortOrder {
    first: (By, bool),
    rest: Vec<(By, bool)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum By {
    Key(SortKey),
    Annotation(AnnotationOrder),
}

impl SortOrder {
    /// Smallest, earliest, first in the alphabet first.
    ///
    /// ```
    /// # use imap_duplex::command::{SortKey, SortOrder};
    /// let oldest_first = SortOrder::by(SortKey::Arrival);
    /// # let _ = oldest_first;
    /// ```
    pub fn by(key: SortKey) -> Self {
        Self { first: (By::Key(key), false), rest: Vec::new() }
    }

    /// Largest, latest, last in the alphabet first: `REVERSE`.
    ///
    /// ```
    /// # use imap_duplex::command::{SortKey, SortOrder};
    /// let newest_first = SortOrder::descending(SortKey::Arrival);
    /// # let _ = newest_first;
    /// ```
    #[doc(alias = "REVERSE")]
    pub fn descending(key: SortKey) -> Self {
        Self { first: (By::Key(key), true), rest: Vec::new() }
    }

    /// Among equals by this.
    pub fn then(mut self, key: SortKey) -> Self {
        self.rest.push((By::Key(key), false));
        self
    }

    /// Among equals by this, the other way round.
    pub fn then_descending(mut self, key: SortKey) -> Self {
        self.rest.push((By::Key(key), true));
        self
    }

    /// By the value of this annotation (RFC 5257 section 4.9); needs ANNOTATE-EXPERIMENT-1.
    ///
    /// ```
    /// # use imap_duplex::{command::{SortKey, SortOrder}, types::AnnotationScope};
    /// let order = SortOrder::by_annotation("/altsubject", AnnotationScope::Shared).then(SortKey::Date);
    /// # let _ = order;
    /// ```
    #[doc(alias = "ANNOTATION")]
    pub fn by_annotation(entry: impl Into<String>, scope: AnnotationScope) -> Self {
        let order = AnnotationOrder { entry: entry.into(), scope };
        Self { first: (By::Annotation(order), false), rest: Vec::new() }
    }

    /// Among equals by the value of this annotation.
    pub fn then_annotation(mut self, entry: impl Into<String>, scope: AnnotationScope) -> Self {
        self.rest.push((By::Annotation(AnnotationOrder { entry: entry.into(), scope }), false));
        self
    }

    fn all(&self) -> impl Iterator<Item = &(By, bool)> {
        [&self.first].into_iter().chain(&self.rest)
    }

    fn has(&self, wanted: SortKey) -> bool {
        self.all().any(|(by, _)| *by == By::Key(wanted))
    }
}

impl From<SortKey> for SortOrder {
    fn from(key: SortKey) -> Self {
        Self::by(key)
    }
}

/// `UID SORT` (RFC 5256): gives the UIDs in order. Needs SORT.
#[derive(Clone, Debug)]
#[must_use]
pub struct Sort {
    query: Search,
    order: SortOrder,
    partial: Option<PartialRange>,
    context: bool,
    strict: bool,
    /// The server has been asked for the part alone.
    is_cut: bool,
}

impl Sort {
    /// Sorts what this query finds.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{PartialRange, Search, Sort, SortKey, SortOrder};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let largest = Sort::new(Search::all(), SortOrder::descending(SortKey::Size));
    /// for uid in inbox.submit(largest.partial(PartialRange::first(20))).await?.numbers.uids() {
    ///     println!("{uid}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(query: impl Into<Search>, order: impl Into<SortOrder>) -> Self {
        Self {
            query: query.into(),
            order: order.into(),
            partial: None,
            context: false,
            strict: false,
            is_cut: false,
        }
    }

    /// Only this part of them (RFC 5267 section 4.4). Where the server has no CONTEXT=SORT, it
    /// sends all, unless it is to be [`strict`](Sort::strict), and the rest is left out here.
    #[doc(alias = "PARTIAL")]
    pub fn partial(mut self, range: impl Into<PartialRange>) -> Self {
        self.partial = Some(range.into());
        self
    }

    /// Tells the server that this will be sorted again, as for further parts (RFC 5267 section
    /// 4.2): it may keep what it has sorted. Only a hint: where the server has no CONTEXT=SORT, it
    /// is left out.
    #[doc(alias = "CONTEXT")]
    pub fn context(mut self) -> Self {
        self.context = true;
        self
    }

    /// Fails, unsent, with [`Unsupported`](crate::ErrorKind::Unsupported), where the server can't
    /// send a part alone.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    fn check(&self, session: &Session) -> Result<()> {
        let order = &self.order;
        let is_shown = order.has(SortKey::DisplayFrom) || order.has(SortKey::DisplayTo);
        if !session.can("SORT") && !session.can("SORT=DISPLAY") {
            return Err(Error::unsupported("the server can't sort (SORT)"));
        }
        if is_shown && !session.can("SORT=DISPLAY") {
            return Err(Error::unsupported("the server can't sort by what is shown (SORT=DISPLAY)"));
        }
        if order.has(SortKey::Relevancy) && !session.can("SEARCH=FUZZY") {
            return Err(Error::unsupported("the server can't sort by relevancy (SEARCH=FUZZY)"));
        }
        order.all().try_for_each(|(by, _)| match by {
            By::Key(_) => Ok(()),
            By::Annotation(order) => order.check(session),
        })
    }
}

impl Command for Sort {
    type Item = SortResult;
    type Output = SortResult;

    fn name(&self) -> &str {
        "SORT"
    }

    fn class(&self) -> Class {
        let kinds = ResponseKinds::SORT.and(ResponseKinds::SEARCH);
        Class::query().answered_by_kinds(kinds).in_mailbox().with_search(&self.query).ours()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.query.within()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.check(session)?;
        line.word("UID").word("SORT");
        // RFC 5267 section 4.4 counts from the first alone.
        let part = self.partial.filter(|part| session.can("CONTEXT=SORT") && !part.is_from_last());
        if self.partial.is_some() && part.is_none() && self.strict {
            return Err(Error::unsupported("the server can't send a part of what it sorts (CONTEXT=SORT)"));
        }
        let context = self.context && session.can("CONTEXT=SORT");
        if part.is_some() || context || session.can("ESORT") {
            line.word("RETURN").open();
            if context {
                line.word("CONTEXT");
            }
            match part {
                Some(part) => line.word("PARTIAL").word(&part.to_string()),
                None => line.word("ALL"),
            };
            line.close();
        }
        self.is_cut = part.is_some();
        line.open();
        for (by, descending) in self.order.all() {
            if *descending {
                line.word("REVERSE");
            }
            match by {
                By::Key(key) => {
                    line.word(key.name());
                }
                By::Annotation(order) => order.write(line),
            }
        }
        line.close();
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

    fn item(response: Untagged) -> Option<SortResult> {
        match response.into_answer() {
            Answer::Sort(sorted) => Some(sorted),
            Answer::ESearch(found) => {
                let numbers = match &found.partial {
                    Some(part) => part.numbers.clone(),
                    None => found.in_order(),
                };
                let mut sorted = SortResult::default();
                // Here a range ascends, whichever end is written first (RFC 5267 section 3.2).
                numbers.ranges().for_each(|(a, b)| sorted.numbers.push(a.min(b), a.max(b)));
                sorted.mod_seq = found.mod_seq;
                Some(sorted)
            }
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<SortResult>) -> Result<SortResult> {
        let mut sorted = SortResult::default();
        for part in items {
            part.numbers.ranges().for_each(|(first, last)| sorted.numbers.push(first, last));
            sorted.mod_seq = sorted.mod_seq.max(part.mod_seq);
        }
        if let Some(part) = self.partial.filter(|_| !self.is_cut) {
            let (from, to) = part.within(sorted.numbers.len());
            sorted.numbers = between_places(&sorted.numbers, from, to);
        }
        Ok(sorted)
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
