//! SEARCH: which messages fit a query (RFC 9051 section 6.4.4). Always by UID.

use super::messages::Messages;
use super::saved::SavedSearch;
use super::search_result::SearchResult;
use super::{Claim, Class, Command, FlagUse, Flow, Line, ResponseKinds, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Date, Done, Flag, ModSeq, RangeCollector, UidSet, Untagged};

/// A query: keys, put together by [`and`](Search::and), [`or`](Search::or) and
/// [`not`](Search::not).
///
/// ```
/// use imap_duplex::command::Search;
/// let worth_a_look = Search::unseen().and(Search::from("alice").or(Search::subject("Grüße")));
/// # let _ = worth_a_look;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Search {
    key: Key,
    /// The result that it builds on, if it does.
    within: Option<Messages>,
    /// It was to build on two.
    confused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    /// One keyword: `UNSEEN`.
    Word(&'static str),
    /// A keyword and a string: `FROM "alice"`.
    Text(&'static str, String),
    /// A header field and what it holds.
    Header(String, String),
    /// A search key and a flag keyword.
    Keyword(&'static str, Flag),
    Date(&'static str, Date),
    Number(&'static str, u64),
    Uids(UidSet),
    /// `$`.
    Saved,
    And(Vec<Key>),
    Or(Box<(Key, Key)>),
    Not(Box<Key>),
}

/// Constructors of queries: what is searched for, and an example of it.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) => $key:expr, $example:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// ```
        /// # use imap_duplex::types::{Date, ModSeq, Uid};
        /// # use imap_duplex::command::Search;
        /// # fn example() -> Option<Search> {
        #[doc = concat!("let query = ", $example, ";")]
        /// # Some(query)
        /// # }
        /// ```
        pub fn $name($($arg: $type),*) -> Self {
            Self::of($key)
        }
    )*};
}

impl Search {
    keys! {
        /// All messages.
        all() => Key::Word("ALL"), "Search::all()";
        /// Without `\Seen`.
        unseen() => Key::Word("UNSEEN"), "Search::unseen()";
        /// With `\Seen`.
        seen() => Key::Word("SEEN"), "Search::seen()";
        /// With `\Answered`.
        answered() => Key::Word("ANSWERED"), "Search::answered()";
        /// With `\Flagged`.
        flagged() => Key::Word("FLAGGED"), "Search::flagged()";
        /// With `\Deleted`.
        deleted() => Key::Word("DELETED"), "Search::deleted()";
        /// With `\Draft`.
        draft() => Key::Word("DRAFT"), "Search::draft()";
        /// With this keyword.
        keyword(name: impl Into<Flag>) => Key::Keyword("KEYWORD", name.into()),
            r#"Search::keyword("$Forwarded")"#;
        /// Whose From holds this text; case of letters does not matter, here and below.
        from(text: impl Into<String>) => Key::Text("FROM", text.into()),
            r#"Search::from("alice@example.org")"#;
        /// Whose To holds this text.
        to(text: impl Into<String>) => Key::Text("TO", text.into()), r#"Search::to("bob")"#;
        /// Whose Cc holds this text.
        cc(text: impl Into<String>) => Key::Text("CC", text.into()), r#"Search::cc("carol")"#;
        /// Whose Bcc holds this text.
        bcc(text: impl Into<String>) => Key::Text("BCC", text.into()), r#"Search::bcc("dave")"#;
        /// Whose subject holds this text.
        subject(text: impl Into<String>) => Key::Text("SUBJECT", text.into()),
            r#"Search::subject("Grüße")"#;
        /// Whose body holds this text.
        body(text: impl Into<String>) => Key::Text("BODY", text.into()),
            r#"Search::body("invoice")"#;
        /// Whose header or body holds this text.
        text(text: impl Into<String>) => Key::Text("TEXT", text.into()),
            r#"Search::text("example.org")"#;
        /// With a header field of this name that holds this text; an empty text: with such a field
        /// at all.
        header(name: impl Into<String>, text: impl Into<String>) => Key::Header(name.into(), text.into()),
            r#"Search::header("List-Id", "tokio")"#;
        /// Received on this day or later, by the server's clock and without regard to zones.
        since(date: Date) => Key::Date("SINCE", date), "Search::since(Date::new(2026, 1, 1)?)";
        /// Received before this day.
        before(date: Date) => Key::Date("BEFORE", date), "Search::before(Date::new(2026, 1, 1)?)";
        /// Received on this day.
        on(date: Date) => Key::Date("ON", date), "Search::on(Date::new(2026, 2, 28)?)";
        /// Whose Date is this day or later.
        sent_since(date: Date) => Key::Date("SENTSINCE", date),
            "Search::sent_since(Date::new(2026, 1, 1)?)";
        /// Whose Date is before this day.
        sent_before(date: Date) => Key::Date("SENTBEFORE", date),
            "Search::sent_before(Date::new(2026, 1, 1)?)";
        /// Whose Date is this day.
        sent_on(date: Date) => Key::Date("SENTON", date),
            "Search::sent_on(Date::new(2026, 2, 28)?)";
        /// Larger than this, in bytes.
        larger(bytes: u64) => Key::Number("LARGER", bytes), "Search::larger(1 << 20)";
        /// Smaller than this, in bytes.
        smaller(bytes: u64) => Key::Number("SMALLER", bytes), "Search::smaller(1024)";
        /// Among these.
        uids(set: impl Into<UidSet>) => Key::Uids(set.into()),
            "Search::uids(Uid::new(1)?..=Uid::new(1000)?).and(Search::unseen())";
        /// Changed since then; needs CONDSTORE (RFC 7162 section 3.1.5).
        changed_since(mod_seq: ModSeq) => Key::Number("MODSEQ", mod_seq.get().saturating_add(1)),
            "Search::changed_since(ModSeq::new(620_162_338)?)";
    }

    fn of(key: Key) -> Self {
        Self { key, within: None, confused: false }
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
    pub fn among(saved: impl Into<SavedSearch>) -> Self {
        Self { within: Some(Messages::Saved(saved.into())), ..Self::of(Key::Saved) }
    }

    /// Both put together by this key.
    fn joined(self, other: Self, join: impl FnOnce(Key, Key) -> Key) -> Self {
        let two = self.within.is_some() && other.within.is_some() && self.within != other.within;
        Self {
            key: join(self.key, other.key),
            within: self.within.or(other.within),
            confused: self.confused || other.confused || two,
        }
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

    /// The result that it builds on.
    pub(super) fn within(&mut self) -> Option<&mut Messages> {
        self.within.as_mut()
    }

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
        self.key.encode(line, false, false)
    }

    /// The charset where it matters, and the keys. `trimmed`: what is found beyond the query will
    /// be left out.
    pub(super) fn encode_criteria(&self, line: &mut Line, session: &Session, trimmed: bool) -> Result<()> {
        // Some servers refuse CHARSET, so it is named only where it is needed (RFC 6855 section 3
        // forbids it once UTF8=ACCEPT is on).
        if self.confused {
            return Err(Error::invalid("a query can name the result of one saved search alone"));
        }
        if !self.key.is_ascii() && !session.is_utf8() {
            line.word("CHARSET").word("UTF-8");
        }
        self.key.encode(line, false, trimmed)
    }

    /// Of what was found, that which the query means: `n:*` finds the last message as well, where
    /// its UID is below n.
    fn meant(&self, found: UidSet) -> UidSet {
        self.open_sets().fold(found, |found, set| found.intersection(set))
    }

    /// Whether something of what is found may be left out.
    fn trims(&self) -> bool {
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

    /// Messages that don't match.
    #[allow(clippy::should_implement_trait, reason = "beside `and` and `or`, `not` reads better than `!`")]
    pub fn not(self) -> Self {
        Self { key: Key::Not(Box::new(self.key)), ..self }
    }
}

impl Key {
    fn is_ascii(&self) -> bool {
        match self {
            Self::Text(_, text) => text.is_ascii(),
            Self::Header(name, text) => name.is_ascii() && text.is_ascii(),
            Self::And(keys) => keys.iter().all(Self::is_ascii),
            Self::Or(both) => both.0.is_ascii() && both.1.is_ascii(),
            Self::Not(key) => key.is_ascii(),
            _ => true,
        }
    }

    fn hangs_on_flags(&self) -> bool {
        match self {
            Self::Word(word) => *word != "ALL",
            Self::Keyword(..) => true,
            Self::And(keys) => keys.iter().any(Self::hangs_on_flags),
            Self::Or(both) => both.0.hangs_on_flags() || both.1.hangs_on_flags(),
            Self::Not(key) => key.hangs_on_flags(),
            _ => false,
        }
    }

    fn names_uids(&self) -> bool {
        match self {
            Self::Uids(set) => !Messages::independent_of_uid_validity(set),
            Self::And(keys) => keys.iter().any(Self::names_uids),
            Self::Or(both) => both.0.names_uids() || both.1.names_uids(),
            Self::Not(key) => key.names_uids(),
            _ => false,
        }
    }

    /// Nested keys in parentheses; depth is the caller's own. `trimmed`: all that is found has to
    /// fit it, and what does not is left out.
    fn encode(&self, line: &mut Line, nested: bool, trimmed: bool) -> Result<()> {
        match self {
            Self::Word(word) => {
                line.word(word);
            }
            Self::Text(word, text) => {
                line.word(word).string(text);
            }
            Self::Header(name, text) => {
                // Some servers take header names as atoms only.
                line.word("HEADER").astring(name).string(text);
            }
            Self::Keyword(word, flag) => {
                line.word(word).atom(flag.as_str());
            }
            Self::Date(word, date) => {
                line.word(word).word(&date.to_string());
            }
            Self::Number(word, number) => {
                line.word(word).number(*number);
            }
            // An empty set can't be written: no message has all flags of none.
            Self::Uids(set) if set.is_empty() => {
                line.word("NOT").word("ALL");
            }
            // `n:*` would match the last message, whatever its UID: negate those below n instead.
            Self::Uids(set) if set.goes_on_to_last() && !trimmed => {
                let below = below(set);
                if below.is_empty() {
                    line.word("ALL");
                } else {
                    line.word("NOT").word("UID").word(&below.to_string());
                }
            }
            Self::Uids(set) => {
                line.word("UID").word(&set.to_string());
            }
            Self::Saved => {
                line.word("$");
            }
            Self::And(keys) => {
                if nested {
                    line.open();
                }
                for key in keys {
                    key.encode(line, true, trimmed)?;
                }
                if nested {
                    line.close();
                }
            }
            Self::Or(both) => {
                line.word("OR");
                both.0.encode(line, true, false)?;
                both.1.encode(line, true, false)?;
            }
            Self::Not(key) => match &**key {
                Self::Uids(set) if set.goes_on_to_last() => {
                    Self::Uids(below(set)).encode(line, true, false)?
                }
                key => {
                    line.word("NOT");
                    key.encode(line, true, false)?;
                }
            },
        }
        Ok(())
    }
}

/// All UIDs that are not in it.
fn below(set: &UidSet) -> UidSet {
    UidSet::all().difference(set)
}

impl Command for Search {
    type Item = SearchResult;
    type Output = SearchResult;

    fn name(&self) -> &str {
        "SEARCH"
    }

    fn class(&self) -> Class {
        Class::query().answered_by_kinds(ResponseKinds::SEARCH).in_mailbox().with_search(self).ours()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.within()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        line.word("UID").word("SEARCH");
        if session.can("ESEARCH") {
            line.word("RETURN").open().word("ALL").close();
        }
        self.encode_criteria(line, session, true)?;
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            Answer::Search(_) => Claim::Whole,
            // With a tag its owner is known already; without one only the kind identifies it.
            Answer::ESearch(found) if found.tag.is_none() && found.uid => Claim::Whole,
            Answer::ESearch(found) if found.tag.is_none() => Claim::Part,
            _ => Claim::No,
        }
    }

    fn trim(&self, response: &mut Untagged) -> bool {
        // The mod-sequence is the highest of all that was found, so it may be that of a message
        // left out.
        let trim = |uids: &mut UidSet, mod_seq: &mut Option<ModSeq>| {
            let found = uids.len();
            *uids = self.meant(std::mem::take(uids));
            *mod_seq = mod_seq.filter(|_| !uids.is_empty() && uids.len() == found);
        };
        match response.answer_mut() {
            Answer::Search(found) => trim(&mut found.numbers.0, &mut found.mod_seq),
            Answer::ESearch(found) => {
                if let Some(all) = &mut found.all {
                    trim(&mut all.0, &mut found.mod_seq);
                }
            }
            _ => {}
        }
        true
    }

    fn item(response: Untagged) -> Option<SearchResult> {
        match response.into_answer() {
            Answer::Search(found) => {
                Some(SearchResult { uids: found.numbers.into_uids(), mod_seq: found.mod_seq })
            }
            Answer::ESearch(found) => {
                let uids = found.all.unwrap_or_default().into_uids();
                Some(SearchResult { uids, mod_seq: found.mod_seq })
            }
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<SearchResult>) -> Result<SearchResult> {
        // Servers send the result in any number of pieces, in any order.
        let (mut uids, mut mod_seq) = (RangeCollector::default(), None);
        // A piece without one may have lost it to `trim`, and it may have been the highest of all
        // pieces.
        let lost = self.trims() && items.iter().any(|part| part.mod_seq.is_none());
        for part in items {
            uids.add_set(&part.uids);
            mod_seq = mod_seq.max(part.mod_seq);
        }
        Ok(SearchResult { uids: uids.finish(), mod_seq: mod_seq.filter(|_| !lost) })
    }
}
