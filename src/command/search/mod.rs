//! Queries: which messages SEARCH, SORT and THREAD find (RFC 9051 section 6.4.4 and extensions);
//! and SEARCH itself, always by UID.

mod chain;
mod command;
mod key;
mod raw;

use std::ops::{BitAnd, BitOr, Deref, Not};

pub use chain::SearchChain;
use key::Key;

use super::messages::Messages;
use super::saved::SavedSearch;
use super::{FlagUse, Line, Session};
use crate::error::{Error, Result};
use crate::types::UidSet;

/// A query: keys, put together by [`and`](Search::and), [`or`](Search::or) and
/// [`not`](Search::not), or by `&`, `|` and `!`.
///
/// Each key both begins a query and narrows one: `Search::unseen().from("alice")` is
/// `Search::unseen().and(Search::from("alice"))`. (The second `from` is a method of
/// [`SearchChain`], to which this type dereferences.)
///
/// ```
/// use imap_duplex::command::Search;
/// let worth_a_look = Search::unseen().and(Search::from("alice").or(Search::subject("Grüße")));
/// let same = Search::unseen() & (Search::from("alice") | Search::subject("Grüße"));
/// assert_eq!(worth_a_look, same);
/// ```
///
/// A key of an extension that the server lacks is refused, unsent, with
/// [`Unsupported`](crate::ErrorKind::Unsupported). Texts may hold anything; where they are not
/// ASCII, the charset UTF-8 is named, as far as the session needs that. A server that does not know
/// it answers NO with `BADCHARSET`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Search(SearchChain);

impl Deref for Search {
    type Target = SearchChain;

    fn deref(&self) -> &SearchChain {
        &self.0
    }
}

impl Search {
    fn of(key: Key) -> Self {
        Self(SearchChain { key, within: None, confused: false })
    }

    /// Among the result of an earlier search that the server has saved: `$` (RFC 5182 section 2.1).
    /// It is sent right behind that search; one that is to be [saved](crate::Mailbox::save) itself
    /// waits for the OK. A query can name one such result alone.
    ///
    /// ```
    /// # use imap_duplex::{command::Search, Mailbox, Result};
    /// async fn large_ones(inbox: &Mailbox) -> Result<u64> {
    ///     let unseen = inbox.save(Search::unseen());
    ///     let large = inbox.search(Search::among(unseen.saved()).and(Search::larger(1 << 20)));
    ///     // One round trip for both.
    ///     unseen.await?;
    ///     Ok(large.await?.len())
    /// }
    /// ```
    #[doc(alias("$", "SEARCHRES"))]
    pub fn among(saved: impl Into<SavedSearch>) -> Self {
        Self::messages(saved.into())
    }

    /// Among these, whether they are named by UID, by number or as a saved result. By numbers and a
    /// saved result a query can be narrowed once, and only as a whole: not under `or` and `not`.
    ///
    /// ```
    /// # use imap_duplex::{command::Search, Mailbox};
    /// # fn example(inbox: &Mailbox) {
    /// let token = inbox.search(Search::messages(inbox.newest(100)).unseen());
    /// # let _ = token;
    /// # }
    /// ```
    pub fn messages(which: impl Into<Messages>) -> Self {
        match which.into() {
            Messages::Uids(set) => Self::of(Key::Uids(set)),
            which => Self(SearchChain { key: Key::Within, within: Some(which), confused: false }),
        }
    }

    /// Both put together by this key.
    fn joined(self, other: Self, join: impl FnOnce(Key, Key) -> Key) -> Self {
        let (one, other) = (self.0, other.0);
        let two = one.within.is_some() && other.within.is_some() && one.within != other.within;
        Self(SearchChain {
            key: join(one.key, other.key),
            within: one.within.or(other.within),
            confused: one.confused || other.confused || two,
        })
    }

    /// Messages that match both.
    pub fn and(self, other: Self) -> Self {
        self.joined(other, |one, other| {
            let mut keys = match one {
                Key::And(keys) => keys,
                key => vec![key],
            };
            match other {
                Key::And(more) => keys.extend(more),
                key => keys.push(key),
            }
            Key::And(keys)
        })
    }

    /// Messages that match either.
    pub fn or(self, other: Self) -> Self {
        self.joined(other, |one, other| Key::Or(Box::new((one, other))))
    }

    /// Messages that don't match.
    #[allow(clippy::should_implement_trait, reason = "it does: `!` is the same")]
    pub fn not(self) -> Self {
        let SearchChain { key, within, confused } = self.0;
        Self(SearchChain { key: Key::Not(Box::new(key)), within, confused })
    }

    /// Messages that match by the server's own idea of likeness (RFC 6203): `FUZZY`. Needs
    /// SEARCH=FUZZY.
    ///
    /// ```
    /// # use imap_duplex::command::Search;
    /// let query = Search::subject("impotr").fuzzy().unseen();
    /// # let _ = query;
    /// ```
    #[doc(alias = "FUZZY")]
    pub fn fuzzy(self) -> Self {
        let SearchChain { key, within, confused } = self.0;
        Self(SearchChain { key: Key::Fuzzy(Box::new(key)), within, confused })
    }

    /// The messages that it builds on: a saved result, or numbers.
    pub(super) fn within(&mut self) -> Option<&mut Messages> {
        self.0.within.as_mut()
    }
}

impl SearchChain {
    /// Whether it names messages by UID, which are invalid once UIDVALIDITY changes (RFC 9051
    /// section 2.3.1.1).
    pub(super) fn names_uids(&self) -> bool {
        self.key.names_uids()
    }

    pub(super) fn flag_use(&self) -> FlagUse {
        if self.key.hangs_on_flags() { FlagUse::Reads } else { FlagUse::None }
    }

    /// The keys alone, for a command that is not the library's.
    pub(super) fn encode_keys(&self, line: &mut Line) -> Result<()> {
        if self.confused || self.within.is_some() {
            return Err(Error::invalid("only the library's own searches can build on a saved result"));
        }
        self.key.encode(line, None, false, false)
    }

    /// Whether the server has what the keys need, and whether they mean something.
    fn check(&self, session: &Session) -> Result<()> {
        if self.confused {
            return Err(Error::invalid("a query can name the result of one saved search alone"));
        }
        let by_number = matches!(self.within, Some(Messages::Seqs(_) | Messages::SnapshotRange(_)));
        if by_number && self.key.has_within_below() {
            return Err(Error::invalid("numbers narrow a query as a whole, not under `or` and `not`"));
        }
        self.key.check(session)
    }

    /// The charset where it matters, and the keys. `trimmed`: what is found beyond the query will
    /// be left out.
    pub(super) fn encode_criteria(&self, line: &mut Line, session: &Session, trimmed: bool) -> Result<()> {
        // Some servers refuse CHARSET, so it is named only where it is needed (RFC 6855 section 3
        // forbids it once UTF8=ACCEPT is on).
        if !self.key.is_ascii() && !session.is_utf8() {
            line.word("CHARSET").word("UTF-8");
        }
        self.encode_checked(line, session, trimmed)
    }

    /// The keys, where the charset has been named.
    pub(super) fn encode_checked(&self, line: &mut Line, session: &Session, trimmed: bool) -> Result<()> {
        self.check(session)?;
        self.key.encode(line, self.within.as_ref(), false, trimmed)
    }

    /// Of what was found, that which the query means: `n:*` finds the last message as well, where
    /// its UID is below n.
    pub(super) fn meant(&self, found: UidSet) -> UidSet {
        self.open_sets().fold(found, |found, set| found.intersection(set))
    }

    /// Whether something of what is found may be left out.
    pub(super) fn trims(&self) -> bool {
        self.open_sets().next().is_some()
    }

    /// The sets `n:*` that all that is meant lies in.
    fn open_sets(&self) -> impl Iterator<Item = &UidSet> {
        let keys = match &self.key {
            Key::And(keys) => keys,
            key => std::slice::from_ref(key),
        };
        keys.iter().filter_map(|key| match key {
            Key::Uids(set) if set.goes_on_to_last() => Some(set),
            _ => None,
        })
    }
}

impl BitAnd for Search {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.and(other)
    }
}

impl BitOr for Search {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl Not for Search {
    type Output = Self;

    fn not(self) -> Self {
        Self::not(self)
    }
}
