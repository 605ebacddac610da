//! The rows of operations: put into the queue, taken out of it.
//!
//! In: what the user did, within the transaction that also changes what the user sees. Out: a row;
//! or none, where it undoes what has not been sent.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::overlay::{read, restore};
use super::schedule::Operation;
use super::trash::trash;
use super::{Action, Mark};
use crate::store::error::{Fault, StoreError};
use crate::store::ids::{MailboxId, MessageId, OperationId, RowIds as _};
use crate::store::rows::content::json;
use crate::store::rows::flags;
use crate::types::{Flag, Flags, Uid};

/// What an operation is about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct About {
    pub(super) message: Option<MessageId>,
    pub(super) mailbox: Option<MailboxId>,
    pub(super) target: Option<MailboxId>,
}

impl Action {
    /// Its name in the column `kind`.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Flags { .. } => "flags",
            Self::Move => "move",
            Self::Copy { .. } => "copy",
            Self::Expunge => "expunge",
            Self::Replaced { .. } => "replaced",
            Self::Append { .. } => "append",
            Self::Create { .. } => "create",
            Self::Rename { .. } => "rename",
            Self::Delete => "delete",
        }
    }
}

pub(super) fn push(
    file: &Transaction<'_>,
    account: i64,
    action: &Action,
    about: About,
) -> Result<OperationId, Fault> {
    file.prepare_cached(
        "INSERT INTO operation (account, kind, message, mailbox, target, args) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        account,
        action.name(),
        about.message.map(|message| message.0),
        about.mailbox.map(|mailbox| mailbox.0),
        about.target.map(|target| target.0),
        json(action)
    ])?;
    Ok(OperationId(file.last_insert_rowid()))
}

/// A message as the user sees it.
pub(super) struct Seen {
    pub(super) account: i64,
    pub(super) mailbox: Option<MailboxId>,
    pub(super) place: Option<MailboxId>,
    pub(super) shown: Flags,
}

pub(super) fn seen(file: &Transaction<'_>, message: MessageId) -> Result<Seen, Fault> {
    let row = file
        .prepare_cached(
            "SELECT b.account, m.mailbox, m.place, m.shown FROM message m \
             JOIN mailbox b ON b.id = ifnull(m.place, m.mailbox) WHERE m.id = ?",
        )?
        .query_row([message.0], |row| {
            Ok(Seen {
                account: row.get(0)?,
                mailbox: row.optional_id(1)?,
                place: row.optional_id(2)?,
                shown: flags::from_text(row.get_ref(3)?.as_str()?),
            })
        })
        .optional()?;
    row.filter(|seen| seen.place.is_some())
        .ok_or_else(|| StoreError::not_found(format!("there is no message {message}, or no longer")).into())
}

/// Sets and clears flags of a message.
pub(super) fn flag(
    file: &Transaction<'_>,
    message: MessageId,
    add: &Flags,
    remove: &Flags,
) -> Result<(), Fault> {
    let seen = seen(file, message)?;
    let (add, remove) = flags::difference(&seen.shown, &flags::merged(&seen.shown, add, remove));
    if add.is_empty() && remove.is_empty() {
        return Ok(());
    }
    // What has never been sent, and is the last, takes this in. What was sent once and is queued
    // again may have been done all the same; and a copy that was made since has the flags of then.
    let last = file
        .prepare_cached(
            "SELECT id, args, state = 'queued' AND attempts = 0 AND NOT EXISTS (SELECT 1 FROM operation c \
             WHERE c.id > o.id AND c.kind = 'copy' AND json_extract(c.args, '$.source') = o.message) \
             FROM operation o WHERE message = ? ORDER BY id DESC LIMIT 1",
        )?
        .query_row([message.0], |row| {
            Ok((row.id::<OperationId>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
        })
        .optional()?;
    let before = match last {
        Some((id, args, true)) => match read(&args)? {
            Action::Flags { add, remove } => Some((id, add, remove)),
            _ => None,
        },
        _ => None,
    };
    match before {
        Some((id, earlier_add, earlier_remove)) => {
            // Against the base of the earlier one.
            let undone = |flags: &Flags, by: &Flags| -> Flags {
                flags.iter().filter(|flag| !by.contains(flag)).collect()
            };
            let mut all_add = undone(&earlier_add, &remove);
            all_add.extend(undone(&add, &earlier_remove).iter());
            let mut all_remove = undone(&earlier_remove, &add);
            all_remove.extend(undone(&remove, &earlier_add).iter());
            if all_add.is_empty() && all_remove.is_empty() {
                file.prepare_cached("DELETE FROM operation WHERE id = ?")?.execute([id.0])?;
            } else {
                let action = Action::Flags { add: all_add, remove: all_remove };
                file.prepare_cached("UPDATE operation SET args = ? WHERE id = ?")?
                    .execute(params![json(&action), id.0])?;
            }
        }
        None => {
            let about = About { message: Some(message), mailbox: seen.mailbox, target: None };
            push(file, seen.account, &Action::Flags { add, remove }, about)?;
        }
    }
    restore(file, message)
}

/// Moves a message.
pub(super) fn move_to(file: &Transaction<'_>, message: MessageId, target: MailboxId) -> Result<(), Fault> {
    if redirect(file, message, target)? {
        return restore(file, message);
    }
    let seen = seen(file, message)?;
    check_target(file, seen.account, target)?;
    if seen.place == Some(target) {
        return Ok(());
    }
    // A move that has not been sent goes to the new target at once; unless that is only made, or
    // renamed, by a later operation.
    let queued = file
        .prepare_cached(
            "SELECT id FROM operation o WHERE message = ?1 AND kind = 'move' AND state = 'queued' AND attempts = 0 \
             AND id = (SELECT max(id) FROM operation WHERE message = ?1 AND kind <> 'flags') \
             AND NOT EXISTS (SELECT 1 FROM operation s WHERE s.id > o.id AND s.mailbox = ?2 \
             AND s.kind IN ('create', 'rename', 'delete'))",
        )?
        .query_row(params![message.0, target.0], |row| row.id::<OperationId>(0))
        .optional()?;
    match queued {
        Some(id) => {
            // Back where it is at the server: there is nothing to send. Unless an earlier move is
            // on its way.
            let others = file
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM operation WHERE message = ? AND id <> ? AND kind IN ('move', \
                     'append', 'copy'))",
                )?
                .query_row(params![message.0, id.0], |row| row.get::<_, bool>(0))?;
            if seen.mailbox == Some(target) && !others {
                file.prepare_cached("DELETE FROM operation WHERE id = ?")?.execute([id.0])?;
            } else {
                file.prepare_cached("UPDATE operation SET target = ? WHERE id = ?")?
                    .execute(params![target.0, id.0])?;
            }
        }
        None => {
            let about = About { message: Some(message), mailbox: seen.mailbox, target: Some(target) };
            push(file, seen.account, &Action::Move, about)?;
        }
    }
    restore(file, message)
}

/// What could not go into a mailbox, since that is gone, goes into this one. Whether there was
/// such.
fn redirect(file: &Transaction<'_>, message: MessageId, target: MailboxId) -> Result<bool, Fault> {
    let parked = file
        .prepare_cached(
            "SELECT o.id, o.account, o.kind = 'move' AND m.mailbox IS ?2 FROM operation o \
             JOIN message m ON m.id = o.message WHERE o.message = ?1 AND o.kind IN ('append', 'copy', 'move') \
             AND o.state = 'parked' AND o.target NOT IN (SELECT id FROM mailbox) ORDER BY o.id LIMIT 1",
        )?
        .query_row(params![message.0, target.0], |row| {
            Ok((row.id::<OperationId>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?))
        })
        .optional()?;
    let Some((id, account, is_home)) = parked else { return Ok(false) };
    check_target(file, account, target)?;
    if is_home {
        remove(file, id)?;
    } else {
        file.prepare_cached(
            "UPDATE operation SET target = ?2, state = 'queued', error = NULL, mark = NULL WHERE id = ?1",
        )?
        .execute(params![id.0, target.0])?;
    }
    Ok(true)
}

/// Messages go into mailboxes of their own account alone, and not into mere names.
pub(super) fn check_target(file: &Transaction<'_>, account: i64, target: MailboxId) -> Result<(), Fault> {
    let known = file
        .prepare_cached("SELECT shown_name, attributes FROM mailbox WHERE id = ? AND account = ?")?
        .query_row(params![target.0, account], |row| {
            Ok((row.get::<_, Option<String>>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let Some((Some(name), attributes)) = known else {
        return Err(StoreError::not_found(format!("there is no mailbox {target} in this account")).into());
    };
    let attributes = attributes.to_ascii_lowercase();
    if attributes.contains("\\\\noselect") || attributes.contains("\\\\nonexistent") {
        return Err(StoreError::invalid(format!("{name} is no mailbox, but a folder of mailboxes")).into());
    }
    Ok(())
}

/// Deletes a message: into the mailbox for that, or for good where there is none, or it is there.
pub(super) fn delete(file: &Transaction<'_>, message: MessageId) -> Result<(), Fault> {
    let seen = seen(file, message)?;
    let trash = trash(file, seen.account)?;
    match trash {
        Some(trash) if seen.place != Some(trash) => move_to(file, message, trash),
        _ => expunge(file, message),
    }
}

/// Deletes a message for good.
pub(super) fn expunge(file: &Transaction<'_>, message: MessageId) -> Result<(), Fault> {
    let seen = seen(file, message)?;
    // What the server does not have, and is not on its way there, is simply gone; unless it is to
    // be copied before.
    let is_here = seen.mailbox.is_none()
        && !file
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM operation WHERE message = ?1 AND (state <> 'queued' OR attempts > 0) \
                 OR kind = 'copy' AND json_extract(args, '$.source') = ?1)",
            )?
            .query_row([message.0], |row| row.get::<_, bool>(0))?;
    if is_here {
        return super::overlay::remove_message(file, message);
    }
    let about = About { message: Some(message), mailbox: seen.mailbox, target: None };
    push(file, seen.account, &Action::Expunge, about)?;
    restore(file, message)
}

/// A message goes once this one, which was written in its place, is at the server. What it had
/// itself taken the place of goes then, too; and it is not sent, if it never was.
pub(super) fn replace(file: &Transaction<'_>, older: MessageId, by: MessageId) -> Result<(), Fault> {
    let seen = seen(file, older)?;
    let is_here = seen.mailbox.is_none()
        && !file
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM operation WHERE message = ?1 AND state <> 'parked' \
                 AND (state <> 'queued' OR attempts > 0) \
                 OR kind = 'copy' AND json_extract(args, '$.source') = ?1)",
            )?
            .query_row([older.0], |row| row.get::<_, bool>(0))?;
    let mut all = vec![older];
    if is_here {
        all = replaced_by(file, older)?;
        super::overlay::remove_message(file, older)?;
    }
    for message in all {
        let mailbox = seen_mailbox(file, message)?;
        let about = About { message: Some(message), mailbox, target: None };
        push(file, seen.account, &Action::Replaced { by }, about)?;
        restore(file, message)?;
    }
    Ok(())
}

/// The messages that go once this one is at the server.
pub(super) fn replaced_by(file: &Transaction<'_>, by: MessageId) -> Result<Vec<MessageId>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT message FROM operation WHERE kind = 'replaced' AND json_extract(args, '$.by') = ? ORDER BY id",
    )?;
    let messages = find.query_map([by.0], |row| row.optional_id(0))?;
    Ok(messages.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn seen_mailbox(file: &Transaction<'_>, message: MessageId) -> Result<Option<MailboxId>, Fault> {
    let mut find = file.prepare_cached("SELECT mailbox FROM message WHERE id = ?")?;
    Ok(find.query_row([message.0], |row| row.optional_id(0))?)
}

/// They are about to be sent: from now on they may have been. Those that are still as they were
/// read: the user may have changed or dropped one while the connection was opened.
pub(super) fn mark_sending(
    file: &Transaction<'_>,
    operations: &[Operation],
    mark: Option<&Mark>,
) -> Result<BTreeSet<OperationId>, Fault> {
    let mut update = file.prepare_cached(
        "UPDATE operation SET state = 'sending', attempts = attempts + 1, mark = ifnull(?2, mark) \
         WHERE id = ?1 AND state = 'queued' AND args = ?3 AND message IS ?4 AND target IS ?5",
    )?;
    let mut marked = BTreeSet::new();
    for operation in operations {
        let message = operation.message.map(|message| message.0);
        let target = operation.target.map(|target| target.0);
        let count =
            update.execute(params![operation.id.0, mark.map(json), operation.args, message, target])?;
        if count > 0 {
            marked.insert(operation.id);
        }
    }
    Ok(marked)
}

/// They have another state.
pub(super) fn set_state(
    file: &Transaction<'_>,
    operations: &[OperationId],
    state: &str,
    error: Option<&str>,
) -> Result<(), Fault> {
    let mut update = file.prepare_cached("UPDATE operation SET state = ?2, error = ?3 WHERE id = ?1")?;
    for id in operations {
        update.execute(params![id.0, state, error])?;
    }
    Ok(())
}

/// It is done.
pub(super) fn remove(file: &Transaction<'_>, operation: OperationId) -> Result<(), Fault> {
    file.prepare_cached("DELETE FROM operation WHERE id = ?")?.execute([operation.0])?;
    Ok(())
}

/// The server has a message here now. A look may have found it there before: that row goes, and
/// what was done to it is done to this one.
pub(super) fn arrive(
    file: &Transaction<'_>,
    message: MessageId,
    mailbox: MailboxId,
    uid: Uid,
) -> Result<(), Fault> {
    let other = crate::store::rows::message::by_uid(file, mailbox, uid)?.filter(|other| *other != message);
    if let Some(other) = other {
        for sql in [
            "UPDATE operation SET message = ?1 WHERE message = ?2",
            "UPDATE operation SET args = json_set(args, '$.source', ?1) \
             WHERE kind = 'copy' AND json_extract(args, '$.source') = ?2",
            "UPDATE operation SET args = json_set(args, '$.by', ?1) \
             WHERE kind = 'replaced' AND json_extract(args, '$.by') = ?2",
        ] {
            file.prepare_cached(sql)?.execute(params![message.0, other.0])?;
        }
        // It has the server's flags, which ours may not have yet; and its date and EMAILID, without
        // which it would be taken for another message.
        file.prepare_cached(
            "UPDATE message SET flags = (SELECT flags FROM message WHERE id = ?2), \
             content = ifnull((SELECT content FROM message WHERE id = ?2), content) WHERE id = ?1",
        )?
        .execute(params![message.0, other.0])?;
        file.prepare_cached("DELETE FROM message WHERE id = ?")?.execute([other.0])?;
    }
    file.prepare_cached("UPDATE message SET mailbox = ?, uid = ? WHERE id = ?")?.execute(params![
        mailbox.0,
        uid.get(),
        message.0
    ])?;
    Ok(())
}

/// The original of a message that was moved stays where it was, marked as deleted: a row of its
/// own.
pub(super) fn leave(
    file: &Transaction<'_>,
    message: MessageId,
    mailbox: MailboxId,
    uid: Uid,
) -> Result<(), Fault> {
    let mut find = file.prepare_cached("SELECT flags FROM message WHERE id = ?")?;
    let text: String = find.query_row([message.0], |row| row.get(0))?;
    let marked = flags::merged(&flags::from_text(&text), &Flag::Deleted.into(), &Flags::new());
    file.prepare_cached(
        "INSERT OR IGNORE INTO message (mailbox, uid, place, content, flags, shown, unseen, date) \
         SELECT ?2, ?3, ?2, content, ?4, ?4, ?5, date FROM message WHERE id = ?1",
    )?
    .execute(params![
        message.0,
        mailbox.0,
        uid.get(),
        flags::to_text(&marked),
        flags::is_unseen(&marked)
    ])?;
    Ok(())
}
