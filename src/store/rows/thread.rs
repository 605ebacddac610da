//! Conversations: the server's, where it has them; else the messages that refer to each other.
//!
//! In: the identifiers of messages and those that they refer to, what the server calls their
//! conversations. Out: the conversations to which they belong.
//!
//! ```text
//!   named by the server ──> the one of this name
//!   else ──> a named one that it refers to, the nearest ──> else the longest without a name ──> else a new one
//!                            └─ those without a name that it refers to become one with it
//! ```
//!
//! Two that the server has named stay two, whoever refers to both. What is written here has no name
//! until the server has it: it joins what it answers. These are the first steps of RFC 5256's
//! REFERENCES. Subjects don't count: they bring together what does not belong together.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::many::{self, Values, number, text};
use crate::store::error::Fault;

/// What a message says of its conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct Belonging<'a> {
    /// How the server calls it.
    pub(super) name: Option<&'a str>,
    /// Its Message-ID.
    pub(super) own: Option<&'a str>,
    /// What it refers to, the nearest first.
    pub(super) answers: Vec<&'a str>,
}

/// A conversation that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    thread: i64,
    /// Whether the server has named it.
    is_named: bool,
}

/// The conversations of messages that come together. What is found is in the file once it is
/// written.
pub(super) struct Threads<'a> {
    file: &'a Transaction<'a>,
    account: i64,
    /// By Message-ID; `None`: the file has none.
    known: HashMap<&'a str, Option<Known>>,
    named: HashMap<&'a str, i64>,
    /// The number of the last one, once one was made.
    last: Option<i64>,
    made: Vec<(i64, Option<&'a str>)>,
    /// The Message-IDs whose conversation is another one than in the file.
    noted: BTreeSet<&'a str>,
}

impl<'a> Threads<'a> {
    pub(super) fn new(file: &'a Transaction<'a>, account: i64) -> Self {
        let (known, named) = (HashMap::new(), HashMap::new());
        Self { file, account, known, named, last: None, made: Vec::new(), noted: BTreeSet::new() }
    }

    /// The conversations of the messages that it refers to and that refer to it, the nearest first.
    pub(super) fn known(&mut self, belonging: &Belonging<'a>) -> Result<Vec<Known>, Fault> {
        let mut known = Vec::new();
        for id in belonging.own.iter().chain(&belonging.answers) {
            let one = match self.known.get(id) {
                Some(one) => *one,
                None => {
                    let one = self.read(id)?;
                    self.known.insert(id, one);
                    one
                }
            };
            known.extend(one.filter(|one| !known.contains(one)));
        }
        Ok(known)
    }

    fn read(&self, id: &str) -> Result<Option<Known>, Fault> {
        let mut find = self.file.prepare_cached(
            "SELECT t.id, t.server IS NOT NULL FROM reference r JOIN thread t ON t.id = r.thread \
             WHERE r.account = ? AND r.message_id = ?",
        )?;
        let row = find.query_row(params![self.account, id], |row| {
            Ok(Known { thread: row.get(0)?, is_named: row.get(1)? })
        });
        Ok(row.optional()?)
    }

    /// Whether others become one with its conversation: then all that is known has to be in the
    /// file first.
    pub(super) fn joins(belonging: &Belonging<'_>, known: &[Known]) -> bool {
        let unnamed = known.iter().filter(|one| !one.is_named).count();
        let is_named = belonging.name.is_some() || unnamed < known.len();
        unnamed > usize::from(!is_named)
    }

    /// The conversation of a message of which these are known.
    pub(super) fn of(&mut self, belonging: &Belonging<'a>, known: &[Known]) -> Result<i64, Fault> {
        let unnamed = || known.iter().filter(|one| !one.is_named).map(|one| one.thread);
        let near = known.iter().find(|one| one.is_named).map(|one| one.thread);
        let thread = match belonging.name {
            Some(name) => self.named(name)?,
            None => match near {
                Some(thread) => thread,
                None => match longest(self.file, unnamed())? {
                    Some(thread) => thread,
                    None => self.make(None)?,
                },
            },
        };
        let now = Known { thread, is_named: belonging.name.is_some() || near.is_some() };
        for other in unnamed().filter(|other| *other != thread) {
            self.join(now, other)?;
        }
        // What refers to a message says less of it than the server does.
        if let (Some(own), Some(_)) = (belonging.own, belonging.name) {
            self.note(own, now);
        }
        for id in belonging.own.iter().chain(&belonging.answers) {
            if self.known.get(id).copied().flatten().is_none() {
                self.note(id, now);
            }
        }
        Ok(thread)
    }

    fn note(&mut self, id: &'a str, now: Known) {
        if self.known.insert(id, Some(now)) != Some(Some(now)) {
            self.noted.insert(id);
        }
    }

    /// All that was of the other is of this one.
    fn join(&mut self, now: Known, other: i64) -> Result<(), Fault> {
        // What is read from now on refers to it.
        self.write_made()?;
        for sql in [
            "UPDATE content SET thread = ?1 WHERE thread = ?2",
            "UPDATE reference SET thread = ?1 WHERE thread = ?2",
            "DELETE FROM thread WHERE id = ?2",
        ] {
            self.file.prepare_cached(sql)?.execute([now.thread, other])?;
        }
        for one in self.known.values_mut().flatten() {
            if one.thread == other {
                *one = now;
            }
        }
        Ok(())
    }

    /// The conversation that the server names so.
    fn named(&mut self, name: &'a str) -> Result<i64, Fault> {
        if let Some(thread) = self.named.get(name) {
            return Ok(*thread);
        }
        let known = self
            .file
            .prepare_cached("SELECT id FROM thread WHERE account = ? AND server = ?")?
            .query_row(params![self.account, name], |row| row.get(0))
            .optional()?;
        let thread = known.map_or_else(|| self.make(Some(name)), Ok)?;
        self.named.insert(name, thread);
        Ok(thread)
    }

    fn make(&mut self, name: Option<&'a str>) -> Result<i64, Fault> {
        let last = match self.last {
            Some(last) => last,
            None => many::last_number(self.file, "thread")?,
        };
        self.last = Some(last + 1);
        self.made.push((last + 1, name));
        Ok(last + 1)
    }

    /// Writes what is not in the file yet.
    pub(super) fn write(&mut self) -> Result<(), Fault> {
        self.write_made()?;
        let thread = |id: &&str| self.known.get(id).copied().flatten().map(|known| known.thread);
        let account = || number(Some(self.account));
        let noted: Vec<Values<'_, 3>> =
            self.noted.iter().map(|id| [account(), text(Some(id)), number(thread(id))]).collect();
        let head = "INSERT OR REPLACE INTO reference (account, message_id, thread) VALUES";
        many::execute(self.file, (head, ""), &noted)?;
        self.noted.clear();
        Ok(())
    }

    fn write_made(&mut self) -> Result<(), Fault> {
        let account = || number(Some(self.account));
        let made: Vec<Values<'_, 3>> =
            self.made.iter().map(|(id, name)| [number(Some(*id)), account(), text(*name)]).collect();
        many::execute(self.file, ("INSERT INTO thread (id, account, server) VALUES", ""), &made)?;
        self.made.clear();
        Ok(())
    }
}

/// From how many messages on conversations count as equally long.
const LONG: i64 = 64;

/// The one to which others are joined: a long one stays, as moving its messages costs most; of
/// equal ones the oldest, which a user interface shows already.
fn longest(file: &Transaction<'_>, threads: impl Iterator<Item = i64>) -> Result<Option<i64>, Fault> {
    let mut threads: Vec<i64> = threads.collect();
    threads.sort_unstable();
    if threads.len() < 2 {
        return Ok(threads.first().copied());
    }
    let mut count =
        file.prepare_cached("SELECT count(*) FROM (SELECT 1 FROM content WHERE thread = ? LIMIT ?)")?;
    let mut longest: Option<(i64, i64)> = None;
    for thread in threads {
        let length: i64 = count.query_row([thread, LONG], |row| row.get(0))?;
        if longest.is_none_or(|(_, most)| length > most) {
            longest = Some((thread, length));
        }
    }
    Ok(longest.map(|(thread, _)| thread))
}
