//! Messages whose mailbox got another UIDVALIDITY while something was queued for them: their rows
//! wait without a UID until a look has found them again.
//!
//! ```text
//!   another UIDVALIDITY ──> without a UID ──> a new row is the same message ──> it has its UID
//!                                └─> all contents are here, and none is ──> gone: the server is stronger
//! ```
//!
//! In: rows of a mailbox whose UIDs mean nothing any more; contents as they come. Out: rows with
//! UIDs, and the same operations.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{queue, restore};
use crate::store::error::Fault;
use crate::store::ids::{MailboxId, MessageId, RowIds as _};
use crate::store::rows::message;
use crate::types::Uid;

/// The messages that an operation needs: its own, the source of a copy, what takes another's place.
const NEEDED: &str = "SELECT message FROM operation WHERE message IS NOT NULL AND state <> 'sent' \
     UNION SELECT json_extract(args, '$.source') FROM operation WHERE kind = 'copy' AND state <> 'sent' \
     UNION SELECT json_extract(args, '$.by') FROM operation WHERE kind = 'replaced' AND state <> 'sent'";

/// The rows of a mailbox go, but for those of which an operation needs the message.
pub(in crate::store) fn detach(file: &Transaction<'_>, mailbox: MailboxId) -> Result<(), Fault> {
    let sql = format!("SELECT id, id IN ({NEEDED}) FROM message WHERE mailbox = ?");
    let mut find = file.prepare_cached(&sql)?;
    let rows = find.query_map([mailbox.0], |row| Ok((row.id::<MessageId>(0)?, row.get::<_, bool>(1)?)))?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    let mut wait = file.prepare_cached("UPDATE message SET uid = NULL WHERE id = ?")?;
    for (id, is_needed) in rows {
        if is_needed {
            wait.execute([id.0])?;
        } else {
            message::delete(file, id)?;
        }
    }
    Ok(())
}

/// A message has come into a mailbox that has another UIDVALIDITY than its rows: the look that
/// shows that finds it there. Its row goes, unless an operation needs it.
pub(super) fn await_look(
    file: &Transaction<'_>,
    message: MessageId,
    mailbox: MailboxId,
) -> Result<(), Fault> {
    let mut find = file.prepare_cached(&format!("SELECT ? IN ({NEEDED})"))?;
    if !find.query_row([message.0], |row| row.get::<_, bool>(0))? {
        return message::delete(file, message);
    }
    file.prepare_cached("UPDATE message SET mailbox = ?2, uid = NULL WHERE id = ?1")?
        .execute(params![message.0, mailbox.0])?;
    restore(file, message)
}

/// The messages of a mailbox that wait for a UID.
pub(in crate::store) fn waiting(file: &Transaction<'_>, mailbox: MailboxId) -> Result<Vec<MessageId>, Fault> {
    let mut find = file.prepare_cached("SELECT id FROM message WHERE mailbox = ? AND uid IS NULL")?;
    Ok(find.query_map([mailbox.0], |row| row.id(0))?.collect::<Result<_, _>>()?)
}

/// The content of the message with this UID is here: one that waits may be the same message. By
/// what the server says to be one (EMAILID), else by Message-ID and size, else by all that a move
/// keeps.
pub(in crate::store) fn relink(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    found: MessageId,
    uid: Uid,
) -> Result<(), Fault> {
    // A server that has identifiers of contents says that these differ.
    let same = file
        .prepare_cached(
            "SELECT w.id, iif(a.global IS b.global AND a.received IS b.received, a.id, b.id) FROM message w \
             JOIN content a ON a.id = w.content, message f JOIN content b ON b.id = f.content \
             WHERE w.mailbox = ?1 AND w.uid IS NULL AND w.id <> ?2 AND f.id = ?2 AND (a.id = b.id \
             OR a.message_id IS NOT NULL AND a.message_id = b.message_id AND a.size IS b.size \
             OR a.message_id IS NULL AND b.message_id IS NULL AND a.size IS b.size AND a.received IS b.received \
             AND a.subject IS b.subject) ORDER BY a.id <> b.id, w.id LIMIT 1",
        )?
        .query_row(params![mailbox.0, found.0], |row| Ok((row.id::<MessageId>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    if let Some((same, content)) = same {
        // With another EMAILID, or date, it would be taken for another message again.
        file.prepare_cached("UPDATE message SET content = ?2 WHERE id = ?1 AND content <> ?2")?
            .execute(params![same.0, content])?;
        queue::arrive(file, same, mailbox, uid)?;
        restore(file, same)?;
    }
    Ok(())
}

/// Whether something may just arrive there that is not waiting there itself.
fn is_target_of_others(file: &Transaction<'_>, mailbox: MailboxId) -> Result<bool, Fault> {
    let mut find = file.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM operation o WHERE target = ?1 AND state = 'sending' AND NOT EXISTS \
         (SELECT 1 FROM message m WHERE m.id = o.message AND m.mailbox = ?1 AND m.uid IS NULL))",
    )?;
    Ok(find.query_row([mailbox.0], |row| row.get(0))?)
}

/// All contents of a mailbox are here: messages that still wait are gone.
pub(in crate::store) fn give_up(file: &Transaction<'_>, mailbox: MailboxId) -> Result<(), Fault> {
    // What arrives while we write there is left out by looks: it may be one of them. But a move of
    // one that waits itself is not settled before it has its UID, or is gone.
    if is_target_of_others(file, mailbox)? {
        return Ok(());
    }
    waiting(file, mailbox)?.into_iter().try_for_each(|message| message::leaves(file, message))
}
