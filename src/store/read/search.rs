//! The search in a store, with a connection or without: words, and what `from:` and its like
//! narrow.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::page::{MessageSummary, NEWEST_FIRST, SUMMARY, summary};
use crate::command::Search;
use crate::store::error::StoreResult;
use crate::store::handle::Store;
use crate::store::ids::MailboxId;
use crate::types::Date;

/// What to look for in a store.
///
/// A text of words, all of which a message has to have; `"several words"` stand together, `inv*`
/// begins a word. `from:`, `to:`, `subject:` and `text:` look there alone; `since:2026-03-01` and
/// `before:2026-04-01` narrow by the day on which the server received a message (UTC); `is:unread`,
/// `is:read`, `is:flagged`, `is:answered`, `is:draft` and `has:attachment` by what it is. Case and
/// accents don't count. Of messages whose body is not in the store, its words are not known: see
/// [`Store::search_joined`].
///
/// ```
/// use imap_duplex::store::LocalSearch;
/// let search = LocalSearch::new("from:ann lunch since:2026-03-01").count(20);
/// # let _ = search;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct LocalSearch {
    pub(super) text: String,
    pub(super) mailbox: Option<MailboxId>,
    pub(super) count: u32,
}

impl LocalSearch {
    /// Looks for this, in all mailboxes.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), mailbox: None, count: 200 }
    }

    /// In this mailbox alone.
    pub fn in_mailbox(mut self, mailbox: MailboxId) -> Self {
        self.mailbox = Some(mailbox);
        self
    }

    /// No more than so many messages, the newest first. 200.
    pub fn count(mut self, count: u32) -> Self {
        self.count = count;
        self
    }
}

impl<T: Into<String>> From<T> for LocalSearch {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// A query as SQL knows it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Query {
    /// In the language of FTS5.
    words: Vec<String>,
    pub(super) conditions: Vec<String>,
    pub(super) values: Vec<Value>,
    /// The words as a server knows them; `None` without any.
    pub(super) server: Option<Search>,
}

impl Query {
    pub(super) fn of(text: &str) -> Self {
        let mut query = Self::default();
        for (field, word) in terms(text) {
            query.add(field.as_deref(), &word);
        }
        query
    }

    fn add(&mut self, field: Option<&str>, word: &str) {
        let day = |word: &str| parse_day(word).map(Value::Integer);
        let flag = |flag: &str| Some(format!("' ' || m.shown || ' ' LIKE '% {flag} %'"));
        let condition = match (field, word) {
            (Some("since"), word) => match day(word) {
                Some(day) => {
                    self.values.push(day);
                    Some("m.date >= ?".to_owned())
                }
                None => None,
            },
            (Some("before"), word) => match day(word) {
                Some(day) => {
                    self.values.push(day);
                    Some("m.date < ?".to_owned())
                }
                None => None,
            },
            (Some("is"), "unread" | "unseen") => Some("m.unseen = 1".to_owned()),
            (Some("is"), "read" | "seen") => Some("m.unseen = 0".to_owned()),
            (Some("is"), "flagged") => flag("\\Flagged"),
            (Some("is"), "answered") => flag("\\Answered"),
            (Some("is"), "draft") => flag("\\Draft"),
            (Some("has"), "attachment") => Some("c.attachments > 0".to_owned()),
            (Some("from"), word) => {
                self.values.push(Value::Text(format!("%{}%", like(word))));
                Some("json_extract(c.people, '$.from') LIKE ? ESCAPE '!'".to_owned())
            }
            (Some("to"), word) => {
                let pattern = Value::Text(format!("%{}%", like(word)));
                self.values.extend([pattern.clone(), pattern]);
                Some(
                    "(json_extract(c.people, '$.to') LIKE ? ESCAPE '!' \
                     OR ifnull(json_extract(c.people, '$.cc'), '') LIKE ? ESCAPE '!')"
                        .to_owned(),
                )
            }
            _ => None,
        };
        if let Some(condition) = condition {
            self.conditions.push(condition);
            return;
        }
        let (words, search) = match field {
            Some(column @ ("subject" | "text")) => {
                let words = phrase(word).map(|phrase| format!("{column} : {phrase}"));
                let search = if column == "subject" { Search::subject } else { Search::body };
                (words, search(bare(word)))
            }
            // What is no field is a word like others.
            Some(other) => {
                (phrase(&format!("{other} {word}")), Search::text(format!("{other}:{}", bare(word))))
            }
            None => (phrase(word), Search::text(bare(word))),
        };
        if let Some(words) = words {
            self.words.push(words);
            self.server = Some(match self.server.take() {
                Some(before) => before.and(search),
                None => search,
            });
        }
    }
}

/// Field and word of each term.
fn terms(text: &str) -> Vec<(Option<String>, String)> {
    let mut terms = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let field_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let field = rest[field_end..].starts_with(':').then(|| rest[..field_end].to_ascii_lowercase());
        let field = field.filter(|field| !field.is_empty());
        if let Some(field) = &field {
            rest = &rest[field.len() + 1..];
        }
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => match quoted.find('"') {
                Some(end) => (&quoted[..end], &quoted[end + 1..]),
                None => (quoted, ""),
            },
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (&rest[..end], &rest[end..])
            }
        };
        if !word.is_empty() {
            terms.push((field, word.to_owned()));
        }
        rest = after.trim_start();
    }
    terms
}

/// A phrase of FTS5, whatever characters the word has; `None` without any that counts.
fn phrase(word: &str) -> Option<String> {
    let (word, is_prefix) = word.strip_suffix('*').map_or((word, false), |word| (word, true));
    if !word.chars().any(char::is_alphanumeric) {
        return None;
    }
    Some(format!("\"{}\"{}", word.replace('"', " "), if is_prefix { "*" } else { "" }))
}

/// The word without the sign that it only begins one: servers find it anywhere in a word.
fn bare(word: &str) -> String {
    word.strip_suffix('*').unwrap_or(word).to_owned()
}

fn like(word: &str) -> String {
    word.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// The second since 1970 at which a day begins, UTC: `2026-03-01`.
fn parse_day(text: &str) -> Option<i64> {
    let mut numbers = text.splitn(3, '-');
    let year: u16 = numbers.next()?.parse().ok()?;
    let month: u8 = numbers.next()?.parse().ok()?;
    let day: u8 = numbers.next()?.parse().ok()?;
    Date::new(year, month, day)?;
    // Days since 1970 by the civil calendar; a year begins in March.
    let (year, month) = (i64::from(year), i64::from(month));
    let year = if month <= 2 { year - 1 } else { year };
    let age = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let day_of_cycle = age * 365 + age / 4 - age / 100 + day_of_year;
    Some((year.div_euclid(400) * 146_097 + day_of_cycle - 719_468) * 24 * 60 * 60)
}

impl Store {
    /// The messages that a search finds here, the newest first. With what the servers find besides:
    /// [`search_joined`](Self::search_joined).
    ///
    /// # Errors
    /// If the store can't be read.
    ///
    /// ```no_run
    /// # use imap_duplex::store::{Store, StoreResult};
    /// # async fn example(store: Store) -> StoreResult<()> {
    /// for message in store.search("from:ann invoice since:2026-01-01").await? {
    ///     println!("{:?}", message.subject);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn search(&self, search: impl Into<LocalSearch>) -> StoreResult<Vec<MessageSummary>> {
        let search: LocalSearch = search.into();
        self.database
            .read(move |file| {
                let Query { words, mut conditions, mut values, .. } = Query::of(&search.text);
                if !words.is_empty() {
                    conditions.push("c.id IN (SELECT rowid FROM search WHERE search MATCH ?)".to_owned());
                    values.push(Value::Text(words.join(" AND ")));
                }
                if let Some(mailbox) = search.mailbox {
                    conditions.push("m.place = ?".to_owned());
                    values.push(Value::Integer(mailbox.0));
                }
                conditions.push("m.place IS NOT NULL".to_owned());
                values.push(Value::Integer(search.count.into()));
                let sql = format!(
                    "SELECT {SUMMARY} FROM message m JOIN content c ON c.id = m.content WHERE {} \
                     {NEWEST_FIRST} LIMIT ?",
                    conditions.join(" AND ")
                );
                let mut find = file.prepare_cached(&sql)?;
                Ok(find.query_map(params_from_iter(values), summary)?.collect::<Result<_, _>>()?)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_distinguished() {
        type Words<'a> = &'a [(Option<&'a str>, &'a str)];
        let table: [(&str, Words<'_>); 6] = [
            ("lunch  noon", &[(None, "lunch"), (None, "noon")]),
            ("from:ann \"at noon\"", &[(Some("from"), "ann"), (None, "at noon")]),
            ("Subject:\"at noon\" x", &[(Some("subject"), "at noon"), (None, "x")]),
            ("10:30 :x", &[(None, "10:30"), (None, ":x")]),
            ("\"open", &[(None, "open")]),
            ("  ", &[]),
        ];
        for (text, expected) in table {
            let expected: Vec<_> =
                expected.iter().map(|(field, word)| (field.map(str::to_owned), (*word).to_owned())).collect();
            assert_eq!(terms(text), expected, "{text}");
        }
    }

    #[test]
    fn whatever_is_typed_is_a_query() {
        let words = |text: &str| Query::of(text).words;
        assert_eq!(words("inv* a-b \"x y\""), ["\"inv\"*", "\"a-b\"", "\"x y\""]);
        assert_eq!(words("subject:lunch http://x"), ["subject : \"lunch\"", "\"http //x\""]);
        assert_eq!(words("* ( ' AND"), ["\"AND\""]);
        assert_eq!(words("since:yesterday"), ["\"since yesterday\""]);
    }

    #[test]
    fn days_are_seconds() {
        assert_eq!(parse_day("1970-01-01"), Some(0));
        assert_eq!(parse_day("2000-02-29"), Some(951_782_400));
        assert_eq!(parse_day("2026-11-30"), Some(1_795_996_800));
        assert_eq!(parse_day("1999-02-29"), None);
        assert_eq!(parse_day("2026-11"), None);
    }
}
