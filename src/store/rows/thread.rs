//! Conversations: the server's, where it has them; else the messages that refer to each other.
//!
//! In: the identifiers of a message and those that it refers to, what the server calls its
//! conversation. Out: the conversation to which it belongs.
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

use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::store::error::Fault;

/// What a message says of its conversation.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Belonging<'a> {
    /// How the server calls it.
    pub(in crate::store) name: Option<&'a str>,
    /// Its Message-ID.
    pub(in crate::store) own: Option<&'a str>,
    /// What it refers to, the nearest first.
    pub(in crate::store) answers: Vec<&'a str>,
}

/// The conversation of a message, which has a row afterwards.
pub(in crate::store) fn of(
    file: &Transaction<'_>,
    account: i64,
    belonging: &Belonging<'_>,
) -> Result<i64, Fault> {
    let known = known(file, account, belonging)?;
    let unnamed = || known.iter().filter(|(_, is_named)| !is_named).map(|(thread, _)| *thread);
    let thread = match belonging.name {
        Some(name) => named(file, account, name)?,
        None => match known.iter().find(|(_, is_named)| *is_named).map(|(thread, _)| *thread) {
            Some(thread) => thread,
            None => match longest(file, unnamed())? {
                Some(thread) => thread,
                None => insert(file, account, None)?,
            },
        },
    };
    for other in unnamed().filter(|other| *other != thread) {
        for sql in [
            "UPDATE content SET thread = ?1 WHERE thread = ?2",
            "UPDATE reference SET thread = ?1 WHERE thread = ?2",
            "DELETE FROM thread WHERE id = ?2",
        ] {
            file.prepare_cached(sql)?.execute([thread, other])?;
        }
    }
    // What refers to a message says less of it than the server does.
    if let (Some(own), Some(_)) = (belonging.own, belonging.name) {
        file.prepare_cached(
            "INSERT OR REPLACE INTO reference (account, message_id, thread) VALUES (?, ?, ?)",
        )?
        .execute(params![account, own, thread])?;
    }
    let mut note = file
        .prepare_cached("INSERT OR IGNORE INTO reference (account, message_id, thread) VALUES (?, ?, ?)")?;
    for id in belonging.own.iter().chain(&belonging.answers) {
        note.execute(params![account, id, thread])?;
    }
    Ok(thread)
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

/// The conversations of the messages that it refers to and that refer to it, the nearest first,
/// each with whether the server has named it.
fn known(file: &Transaction<'_>, account: i64, belonging: &Belonging<'_>) -> Result<Vec<(i64, bool)>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT t.id, t.server IS NOT NULL FROM reference r JOIN thread t ON t.id = r.thread \
         WHERE r.account = ? AND r.message_id = ?",
    )?;
    let mut known = Vec::new();
    for id in belonging.own.iter().chain(&belonging.answers) {
        let thread = find.query_row(params![account, id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        known.extend(thread.filter(|thread| !known.contains(thread)));
    }
    Ok(known)
}

/// The conversation that the server names so.
fn named(file: &Transaction<'_>, account: i64, name: &str) -> Result<i64, Fault> {
    let known = file
        .prepare_cached("SELECT id FROM thread WHERE account = ? AND server = ?")?
        .query_row(params![account, name], |row| row.get(0))
        .optional()?;
    known.map_or_else(|| insert(file, account, Some(name)), Ok)
}

fn insert(file: &Transaction<'_>, account: i64, name: Option<&str>) -> Result<i64, Fault> {
    file.prepare_cached("INSERT INTO thread (account, server) VALUES (?, ?)")?
        .execute(params![account, name])?;
    Ok(file.last_insert_rowid())
}
