//! What the user sees of a message: what the server has, with the operations on it in their order.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::Action;
use crate::store::error::{Fault, StoreError, StoreErrorKind};
use crate::store::ids::{MailboxId, MessageId, OperationId, RowIds as _};
use crate::store::rows::flags;
use crate::store::rows::message;
use crate::types::Flags;

/// An operation on a message, as far as the overlay cares.
struct Layer {
    action: Action,
    target: Option<MailboxId>,
}

fn layers(file: &Transaction<'_>, message: MessageId) -> Result<Vec<Layer>, Fault> {
    let mut find = file.prepare_cached("SELECT args, target FROM operation WHERE message = ? ORDER BY id")?;
    let rows = find.query_map([message.0], |row| Ok((row.get::<_, String>(0)?, row.optional_id(1)?)))?;
    let mut layers = Vec::new();
    for row in rows {
        let (args, target) = row?;
        layers.push(Layer { action: read(&args)?, target });
    }
    Ok(layers)
}

/// The action that a row holds.
pub(super) fn read(args: &str) -> Result<Action, Fault> {
    serde_json::from_str(args).map_err(|error| {
        let what = "an operation in the store can't be read";
        Fault::Store(StoreError::new(StoreErrorKind::Corrupt, what).because(error))
    })
}

/// The flags that the user sees, where the server has these.
pub(in crate::store) fn shown(
    file: &Transaction<'_>,
    message: MessageId,
    at_server: &Flags,
) -> Result<Flags, Fault> {
    let mut shown = at_server.clone();
    for layer in layers(file, message)? {
        if let Action::Flags { add, remove } = layer.action {
            shown = flags::merged(&shown, &add, &remove);
        }
    }
    Ok(shown)
}

/// Puts a message together: after its operations, or what the server has, have changed.
pub(in crate::store) fn restore(file: &Transaction<'_>, message: MessageId) -> Result<(), Fault> {
    let row = file
        .prepare_cached("SELECT mailbox, flags FROM message WHERE id = ?")?
        .query_row([message.0], |row| Ok((row.optional_id::<MailboxId>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let Some((mut place, text)) = row else { return Ok(()) };
    let mut shown = flags::from_text(&text);
    for Layer { action, target } in layers(file, message)? {
        match action {
            Action::Flags { add, remove } => shown = flags::merged(&shown, &add, &remove),
            Action::Move | Action::Copy { .. } | Action::Append { .. } => {
                place = there(file, target)?.or(place)
            }
            Action::Expunge | Action::Replaced { .. } => place = None,
            Action::Create { .. } | Action::Rename { .. } | Action::Delete => {}
        }
    }
    // A mailbox that the user has deleted takes with it what is seen there.
    file.prepare_cached("UPDATE message SET place = ?, shown = ?, unseen = ? WHERE id = ?")?.execute(
        params![place.map(|place| place.0), flags::to_text(&shown), flags::is_unseen(&shown), message.0],
    )?;
    Ok(())
}

/// The mailbox, if there still is one.
fn there(file: &Transaction<'_>, mailbox: Option<MailboxId>) -> Result<Option<MailboxId>, Fault> {
    let mut find = file.prepare_cached("SELECT id FROM mailbox WHERE id = ?")?;
    Ok(find.query_row([mailbox.map(|mailbox| mailbox.0)], |row| row.id(0)).optional()?)
}

/// Whether a move of this message is on its way: then it leaves its mailbox by our doing.
pub(in crate::store) fn is_moving(file: &Transaction<'_>, message: MessageId) -> Result<bool, Fault> {
    let mut find = file.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM operation WHERE message = ? AND kind = 'move' AND state = 'sending')",
    )?;
    Ok(find.query_row([message.0], |row| row.get(0))?)
}

/// Whether something of ours may just arrive in this mailbox.
pub(in crate::store) fn is_target(file: &Transaction<'_>, mailbox: MailboxId) -> Result<bool, Fault> {
    let mut find = file
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM operation WHERE target = ? AND state = 'sending')")?;
    Ok(find.query_row([mailbox.0], |row| row.get(0))?)
}

/// A message is gone, and what was to be done to it. What it was written in place of stays.
pub(in crate::store) fn drop_of_message(file: &Transaction<'_>, message: MessageId) -> Result<(), Fault> {
    file.prepare_cached("DELETE FROM operation WHERE message = ?")?.execute([message.0])?;
    let replaced = super::queue::replaced_by(file, message)?;
    if !replaced.is_empty() {
        file.prepare_cached(
            "DELETE FROM operation WHERE kind = 'replaced' AND json_extract(args, '$.by') = ?",
        )?
        .execute([message.0])?;
    }
    replaced.into_iter().try_for_each(|message| restore(file, message))
}

/// The operations that the server has done in this mailbox, and that no look has shown yet.
pub(in crate::store) fn sent(file: &Transaction<'_>, mailbox: MailboxId) -> Result<Vec<OperationId>, Fault> {
    let mut find = file.prepare_cached("SELECT id FROM operation WHERE mailbox = ? AND state = 'sent'")?;
    Ok(find.query_map([mailbox.0], |row| row.id(0))?.collect::<Result<_, _>>()?)
}

/// The mailboxes with such operations.
pub(in crate::store) fn all_sent(file: &Transaction<'_>) -> Result<BTreeSet<MailboxId>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT DISTINCT mailbox FROM operation WHERE state = 'sent' AND mailbox IS NOT NULL",
    )?;
    Ok(find.query_map([], |row| row.id(0))?.collect::<Result<_, _>>()?)
}

/// The keys of the mailboxes of an account with such operations.
pub(in crate::store) fn mailboxes_of_sent(
    file: &Transaction<'_>,
    account: i64,
) -> Result<Vec<String>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT DISTINCT b.key FROM operation o JOIN mailbox b ON b.id = o.mailbox \
         WHERE o.account = ? AND o.state = 'sent' AND b.key IS NOT NULL",
    )?;
    Ok(find.query_map([account], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// A look has shown what has become of these: the rows speak for themselves.
pub(in crate::store) fn finish_sent(file: &Transaction<'_>, sent: &[OperationId]) -> Result<(), Fault> {
    for operation in sent {
        let message = file
            .prepare_cached("DELETE FROM operation WHERE id = ? AND state = 'sent' RETURNING message")?
            .query_row([operation.0], |row| row.optional_id::<MessageId>(0))
            .optional()?;
        if let Some(message) = message.flatten() {
            restore(file, message)?;
        }
    }
    Ok(())
}

/// How many operations of an account are neither done nor parked.
pub(in crate::store) fn unsent(file: &Transaction<'_>, account: i64) -> Result<i64, Fault> {
    // What waits for a parked one is not on its way either.
    let operations = super::schedule::all(file, account)?;
    let waits = super::schedule::waits_for_parked(&operations);
    let count = operations.iter().zip(waits).filter(|(operation, waits)| !waits && !operation.is_parked());
    Ok(i64::try_from(count.count()).unwrap_or(i64::MAX))
}

/// The message is done away with where it was: its operations and its row go.
pub(super) fn remove_message(file: &Transaction<'_>, message: MessageId) -> Result<(), Fault> {
    message::delete(file, message)
}
