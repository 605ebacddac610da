//! Conversations: the server's, where it has them; else the messages that refer to each other.
//!
//! In: the identifiers of a message and those that it refers to. Out: the conversation to which all
//! of them belong. Where a message joins two, they become one (the first steps of RFC 5256's
//! REFERENCES; subjects don't count).

use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::store::error::Fault;

/// The conversation that the server names so.
pub(in crate::store) fn by_server(file: &Transaction<'_>, account: i64, name: &str) -> Result<i64, Fault> {
    let known = file
        .prepare_cached("SELECT id FROM thread WHERE account = ? AND server = ?")?
        .query_row(params![account, name], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    file.prepare_cached("INSERT INTO thread (account, server) VALUES (?, ?)")?
        .execute(params![account, name])?;
    Ok(file.last_insert_rowid())
}

/// The conversation of these Message-IDs.
pub(in crate::store) fn by_references(
    file: &Transaction<'_>,
    account: i64,
    ids: &[&str],
) -> Result<i64, Fault> {
    let mut threads: Vec<i64> = Vec::new();
    let mut find =
        file.prepare_cached("SELECT thread FROM reference WHERE account = ? AND message_id = ?")?;
    for id in ids {
        let thread = find.query_row(params![account, id], |row| row.get(0)).optional()?;
        threads.extend(thread.filter(|thread| !threads.contains(thread)));
    }
    // The oldest stays: a user interface shows it already.
    threads.sort_unstable();
    let mut threads = threads.into_iter();
    let thread = match threads.next() {
        Some(thread) => thread,
        None => {
            file.prepare_cached("INSERT INTO thread (account) VALUES (?)")?.execute([account])?;
            file.last_insert_rowid()
        }
    };
    for other in threads {
        for sql in [
            "UPDATE content SET thread = ?1 WHERE thread = ?2",
            "UPDATE reference SET thread = ?1 WHERE thread = ?2",
            "DELETE FROM thread WHERE id = ?2 AND id <> ?1",
        ] {
            file.prepare_cached(sql)?.execute([thread, other])?;
        }
    }
    let mut note = file
        .prepare_cached("INSERT OR IGNORE INTO reference (account, message_id, thread) VALUES (?, ?, ?)")?;
    for id in ids {
        note.execute(params![account, id, thread])?;
    }
    Ok(thread)
}
