//! SORT: the messages that a query finds, in an order (RFC 5256, RFC 5267), always by UID.

use super::annotations::AnnotationOrder;
use super::{Claim, Class, Command, Flow, Line, Messages, PartialRange, Search, Session, SortReturn};
use crate::error::{Error, Result};
use crate::types::{AnnotationScope, Done, SortResult, Untagged};

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

    /// Whether the server can sort so.
    pub(super) fn check(&self, session: &Session) -> Result<()> {
        let is_shown = self.has(SortKey::DisplayFrom) || self.has(SortKey::DisplayTo);
        if !session.can("SORT") && !session.can("SORT=DISPLAY") {
            return Err(Error::unsupported("the server can't sort (SORT)"));
        }
        if is_shown && !session.can("SORT=DISPLAY") {
            return Err(Error::unsupported("the server can't sort by what is shown (SORT=DISPLAY)"));
        }
        if self.has(SortKey::Relevancy) && !session.can("SEARCH=FUZZY") {
            return Err(Error::unsupported("the server can't sort by relevancy (SEARCH=FUZZY)"));
        }
        self.all().try_for_each(|(by, _)| match by {
            By::Key(_) => Ok(()),
            By::Annotation(order) => order.check(session),
        })
    }

    /// In parentheses.
    pub(super) fn write(&self, line: &mut Line) {
        line.open();
        for (by, descending) in self.all() {
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
pub struct Sort(SortReturn);

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
        Self(SortReturn::new(query.into(), order.into()))
    }

    /// Only this part of them (RFC 5267 section 4.4). Where the server has no CONTEXT=SORT, it
    /// sends all, unless it is to be [`strict`](Sort::strict), and the rest is left out here.
    #[doc(alias = "PARTIAL")]
    pub fn partial(self, range: impl Into<PartialRange>) -> Self {
        Self(self.0.partial(range))
    }

    /// Tells the server that this will be sorted again, as for further parts (RFC 5267 section
    /// 4.2): it may keep what it has sorted. Only a hint: where the server has no CONTEXT=SORT, it
    /// is left out.
    #[doc(alias = "CONTEXT")]
    pub fn context(self) -> Self {
        Self(self.0.context())
    }

    /// Fails, unsent, with [`Unsupported`](crate::ErrorKind::Unsupported), where the server can't
    /// send a part alone.
    pub fn strict(self) -> Self {
        Self(self.0.strict())
    }

    /// The same, with a choice of what is to be returned (RFC 5267 section 3.1): the first and the
    /// last in the order, how many there are, a part; and kept up to date, if that is asked for.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Search, Sort, SortKey, SortOrder};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let by_size = Sort::new(Search::undeleted(), SortOrder::descending(SortKey::Size));
    /// let page = inbox.submit(by_size.returning().count().partial(1..=50)).await?;
    /// println!("{:?} messages, the largest are {:?}", page.count, page.partial);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("ESORT", "RETURN"))]
    pub fn returning(self) -> SortReturn {
        self.0
    }
}

impl Command for Sort {
    type Item = Untagged;
    type Output = SortResult;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn class(&self) -> Class {
        self.0.class()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.0.messages()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.0.encode(line, session)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        self.0.claims(response)
    }

    fn item(response: Untagged) -> Option<Untagged> {
        SortReturn::item(response)
    }

    fn finish(self, done: Done, items: Vec<Untagged>) -> Result<SortResult> {
        let found = self.0.finish(done, items)?;
        // One of both was asked for.
        let numbers = found.partial.or(found.all).unwrap_or_default();
        Ok(SortResult { numbers, mod_seq: found.mod_seq })
    }
}
