//! Mailboxes: names, identifiers, cursors.
//!
//! In: listings, looks that were completed. Out: which mailboxes there are, and from where to go
//! on.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::content::json;
use super::message;
use crate::store::error::Fault;
use crate::store::ids::{MailboxId, RowIds as _};
use crate::store::operations;
use crate::types::{ListEntry, MailboxName, ModSeq, UidValidity};

/// Where a mailbox is in step.
#[derive(Clone, Debug)]
pub(in crate::store) struct Cursor {
    pub(in crate::store) uid_validity: Option<UidValidity>,
    pub(in crate::store) mod_seq: Option<ModSeq>,
    pub(in crate::store) at_server: u32,
    /// JSON; `None`: there were changes since the last STATUS.
    pub(in crate::store) counts: Option<String>,
    /// Whether all that the look has found is in the rows. Else only the cursor of an earlier look
    /// is true of what gets a row later.
    pub(in crate::store) is_whole: bool,
}

/// A mailbox that the server has, as it was left.
#[derive(Clone, Debug)]
pub(in crate::store) struct Kept {
    pub(in crate::store) id: MailboxId,
    pub(in crate::store) key: String,
    pub(in crate::store) name: MailboxName,
    pub(in crate::store) uid_validity: Option<UidValidity>,
    pub(in crate::store) mod_seq: Option<ModSeq>,
    pub(in crate::store) counts: Option<String>,
    pub(in crate::store) listed: bool,
    pub(in crate::store) at_server: u32,
}

const KEPT: &str = "SELECT id, key, name, uid_validity, mod_seq, counts, listed, at_server FROM mailbox";

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept {
        id: row.id(0)?,
        key: row.get(1)?,
        name: MailboxName::exact(row.get::<_, String>(2)?),
        uid_validity: row.get::<_, Option<u32>>(3)?.and_then(UidValidity::new),
        mod_seq: row.get::<_, Option<i64>>(4)?.and_then(|number| ModSeq::new(number.unsigned_abs())),
        counts: row.get(5)?,
        listed: row.get(6)?,
        at_server: row.get(7)?,
    })
}

/// The number of a user at a server.
pub(in crate::store) fn account(file: &Transaction<'_>, identity: &str) -> Result<i64, Fault> {
    file.prepare_cached("INSERT OR IGNORE INTO account (identity) VALUES (?)")?.execute([identity])?;
    let mut find = file.prepare_cached("SELECT id FROM account WHERE identity = ?")?;
    Ok(find.query_row([identity], |row| row.get(0))?)
}

/// All mailboxes that the server has, and that can be selected.
pub(in crate::store) fn all_kept(file: &Transaction<'_>, account: i64) -> Result<Vec<Kept>, Fault> {
    let sql = format!("{KEPT} WHERE account = ? AND key IS NOT NULL AND name IS NOT NULL");
    let mut find = file.prepare_cached(&sql)?;
    Ok(find.query_map([account], kept)?.collect::<Result<_, _>>()?)
}

pub(in crate::store) fn by_key(
    file: &Transaction<'_>,
    account: i64,
    key: &str,
) -> Result<Option<Kept>, Fault> {
    let mut find = file.prepare_cached(&format!("{KEPT} WHERE account = ? AND key = ?"))?;
    Ok(find.query_row(params![account, key], kept).optional()?)
}

/// A mailbox is at the server under this name; it may be one that the user has made here under it.
pub(in crate::store) fn created(
    file: &Transaction<'_>,
    account: i64,
    key: &str,
    name: &MailboxName,
) -> Result<(), Fault> {
    let adopted = file
        .prepare_cached(
            "UPDATE mailbox SET key = ?2, name = ?3 WHERE id = (SELECT id FROM mailbox WHERE account = ?1 AND key IS \
             NULL AND (name = ?3 OR name IS NULL AND EXISTS (SELECT 1 FROM operation o WHERE o.mailbox = mailbox.id \
             AND kind = 'create' AND json_extract(args, '$.name') = ?3)) ORDER BY id LIMIT 1)",
        )?
        .execute(params![account, key, name.as_str()])?;
    if adopted == 0 {
        file.prepare_cached("INSERT INTO mailbox (account, key, name, shown_name) VALUES (?1, ?2, ?3, ?3)")?
            .execute(params![account, key, name.as_str()])?;
    }
    Ok(())
}

/// A mailbox has another name at the server. What the user has named otherwise meanwhile keeps that
/// name.
pub(in crate::store) fn renamed(
    file: &Transaction<'_>,
    account: i64,
    key: &str,
    name: &MailboxName,
) -> Result<(), Fault> {
    file.prepare_cached(
        "UPDATE mailbox SET shown_name = CASE WHEN shown_name IS name THEN ?3 ELSE shown_name END, name = ?3 \
         WHERE account = ?1 AND key = ?2",
    )?
    .execute(params![account, key, name.as_str()])?;
    fold(file, account, name.as_str())
}

/// What the user has made here under the name that a mailbox of the server has is that one.
pub(in crate::store) fn fold(file: &Transaction<'_>, account: i64, name: &str) -> Result<(), Fault> {
    let found = file
        .prepare_cached(
            "SELECT n.id, b.id FROM mailbox n JOIN mailbox b ON b.account = n.account AND b.name = n.name \
             WHERE n.account = ? AND n.name = ? AND n.key IS NULL AND b.key IS NOT NULL",
        )?
        .query_row(params![account, name], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some(both) = found else { return Ok(()) };
    for sql in [
        "UPDATE operation SET mailbox = ?2 WHERE mailbox = ?1",
        "UPDATE operation SET target = ?2 WHERE target = ?1",
        "UPDATE message SET place = ?2 WHERE place = ?1",
        // It may be renamed or deleted already by what is queued.
        "UPDATE mailbox SET shown_name = (SELECT shown_name FROM mailbox WHERE id = ?1) \
         WHERE id = ?2 AND shown_name IS name",
        "DELETE FROM mailbox WHERE id = ?1 AND id <> ?2",
    ] {
        file.prepare_cached(sql)?.execute(both)?;
    }
    Ok(())
}

/// A mailbox is gone at the server, with its messages. A message that the user moved or wrote into
/// it is not at the server there, and stays until its operation is decided.
pub(in crate::store) fn deleted(file: &Transaction<'_>, account: i64, key: &str) -> Result<(), Fault> {
    let Some(mailbox) = by_key(file, account, key)? else { return Ok(()) };
    message::remove_all(file, mailbox.id)?;
    forget(file, mailbox.id)
}

/// Another mailbox, with this key, is at the server under the name of this one, which is gone: made
/// again, or restored from elsewhere. Where something is queued for the old one, it is as if its
/// UIDVALIDITY had changed. Whether that was so.
pub(in crate::store) fn replaced(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    new: &str,
) -> Result<bool, Fault> {
    let is_needed: bool = file
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM operation o LEFT JOIN message m ON m.id = o.message \
             WHERE o.state <> 'sent' AND (m.mailbox = ?1 OR o.mailbox = ?1 OR o.target = ?1))",
        )?
        .query_row([mailbox.0], |row| row.get(0))?;
    if is_needed {
        operations::detach(file, mailbox)?;
        file.prepare_cached(
            "UPDATE mailbox SET key = ?2, uid_validity = NULL, mod_seq = NULL, counts = NULL, at_server = 0, \
             listed = 0 WHERE id = ?1",
        )?
        .execute(params![mailbox.0, new])?;
    }
    Ok(is_needed)
}

/// Removes the row of a mailbox whose messages are gone.
pub(in crate::store) fn forget(file: &Transaction<'_>, mailbox: MailboxId) -> Result<(), Fault> {
    file.prepare_cached("UPDATE message SET place = mailbox WHERE place = ?")?.execute([mailbox.0])?;
    file.prepare_cached("DELETE FROM mailbox WHERE id = ?")?.execute([mailbox.0])?;
    Ok(())
}

/// Delimiter and attributes as LIST has them; and names that are no mailboxes.
pub(in crate::store) fn decorate(
    file: &Transaction<'_>,
    account: i64,
    entries: &[ListEntry],
) -> Result<(), Fault> {
    let mut update = file.prepare_cached(
        "UPDATE mailbox SET delimiter = ?3, attributes = ?4 WHERE account = ?1 AND name = ?2 \
         AND (delimiter IS NOT ?3 OR attributes <> ?4)",
    )?;
    let mut insert = file.prepare_cached(
        "INSERT INTO mailbox (account, name, shown_name) SELECT ?1, ?2, ?2 \
         WHERE NOT EXISTS (SELECT 1 FROM mailbox WHERE account = ?1 AND name = ?2)",
    )?;
    for entry in entries {
        let name = entry.name.as_str();
        if !entry.is_selectable() {
            insert.execute(params![account, name])?;
        }
        let delimiter = entry.delimiter.map(String::from);
        update.execute(params![account, name, delimiter, json(&entry.attributes)])?;
    }
    let listed: std::collections::BTreeSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let mut find = file.prepare_cached(
        "SELECT id, name FROM mailbox WHERE account = ? AND key IS NULL AND name IS NOT NULL",
    )?;
    let names = find.query_map([account], |row| Ok((row.id(0)?, row.get::<_, String>(1)?)))?;
    let names: Vec<(MailboxId, String)> = names.collect::<Result<_, _>>()?;
    let gone = names.into_iter().filter(|(_, name)| !listed.contains(name.as_str()));
    gone.map(|(id, _)| id).try_for_each(|id| forget(file, id))
}

/// The rows are at least as new as this.
pub(in crate::store) fn set_cursor(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    cursor: &Cursor,
) -> Result<(), Fault> {
    let mod_seq = cursor.mod_seq.and_then(|number| i64::try_from(number.get()).ok());
    file.prepare_cached(
        "UPDATE mailbox SET uid_validity = ?2, mod_seq = iif(?6, ?3, mod_seq), at_server = ?4, \
         counts = iif(?6, ?5, NULL), listed = 1, failure = NULL WHERE id = ?1",
    )?
    .execute(params![
        mailbox.0,
        cursor.uid_validity.map(UidValidity::get),
        mod_seq,
        cursor.at_server,
        cursor.counts,
        cursor.is_whole
    ])?;
    Ok(())
}

/// The UIDs of a mailbox mean nothing any more: it has another UIDVALIDITY, or is looked into for
/// the first time. Messages with something queued wait for their new UIDs.
pub(in crate::store) fn reset(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    uid_validity: Option<UidValidity>,
    at_server: u32,
) -> Result<(), Fault> {
    let known: Option<u32> = file
        .prepare_cached("SELECT uid_validity FROM mailbox WHERE id = ?")?
        .query_row([mailbox.0], |row| row.get(0))?;
    if known.and_then(UidValidity::new) == uid_validity {
        // What we have just moved there came first.
        return Ok(());
    }
    operations::detach(file, mailbox)?;
    file.prepare_cached(
        "UPDATE mailbox SET uid_validity = ?2, mod_seq = NULL, counts = NULL, at_server = ?3, listed = 0 WHERE id = ?1",
    )?
    .execute(params![mailbox.0, uid_validity.map(UidValidity::get), at_server])?;
    Ok(())
}

/// Nothing is known for sure of its flags: the next look asks for all.
pub(in crate::store) fn distrust(file: &Transaction<'_>, mailbox: MailboxId) -> Result<(), Fault> {
    file.prepare_cached("UPDATE mailbox SET mod_seq = NULL, counts = NULL WHERE id = ?")?
        .execute([mailbox.0])?;
    Ok(())
}

/// Why it could not be brought in step.
pub(in crate::store) fn failed(file: &Transaction<'_>, mailbox: MailboxId, why: &str) -> Result<(), Fault> {
    file.prepare_cached("UPDATE mailbox SET failure = ?2 WHERE id = ?1 AND failure IS NOT ?2")?
        .execute(params![mailbox.0, why])?;
    Ok(())
}
