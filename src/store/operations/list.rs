//! The queue as a user sees it: what is on its way, what was refused; and what to do about that.

use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::Serialize;

use super::schedule::{self, Operation};
use super::{Action, queue, restore};
use crate::store::database::Durability;
use crate::store::error::{Fault, StoreError, StoreResult};
use crate::store::handle::Store;
use crate::store::ids::{AccountId, MailboxId, MessageId, OperationId, RowIds as _};
use crate::store::rows::content::json;
use crate::store::rows::{flags, mailbox, message};

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OperationState {
    /// It waits for a connection, or for an earlier operation.
    Queued,
    /// It is being sent, or was when the connection ended.
    Sending,
    /// The server has refused it: it waits for you.
    Parked,
}

/// Something that the user did and the server does not know yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PendingOperation {
    /// Its number.
    pub id: OperationId,
    /// The account.
    pub account: AccountId,
    /// What was done.
    #[serde(flatten)]
    pub action: Action,
    /// To which message.
    pub message: Option<MessageId>,
    /// In, or to, which mailbox.
    pub mailbox: Option<MailboxId>,
    /// The mailbox into which a message goes.
    pub target: Option<MailboxId>,
    /// How far it is.
    pub state: OperationState,
    /// How often it was sent.
    pub attempts: u32,
    /// Why it has failed the last time.
    pub error: Option<String>,
}

impl PendingOperation {
    fn of(operation: Operation, account: i64) -> Self {
        let state = match operation.state.as_str() {
            "parked" => OperationState::Parked,
            "sending" => OperationState::Sending,
            _ => OperationState::Queued,
        };
        Self {
            id: operation.id,
            account: AccountId(account),
            action: operation.action,
            message: operation.message,
            mailbox: operation.mailbox,
            target: operation.target,
            state,
            attempts: operation.attempts,
            error: operation.error,
        }
    }
}

impl Store {
    /// What the user did and the server does not know yet, in its order; parked operations among
    /// it.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn operations(&self) -> StoreResult<Vec<PendingOperation>> {
        self.database
            .read(|file| {
                let mut find = file.prepare_cached("SELECT id FROM account ORDER BY id")?;
                let accounts: Vec<i64> = find.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
                let mut all = Vec::new();
                for account in accounts {
                    let operations = schedule::all(file, account)?.into_iter();
                    all.extend(operations.map(|operation| PendingOperation::of(operation, account)));
                }
                all.sort_by_key(|operation| operation.id);
                Ok(all)
            })
            .await
    }

    /// Sends a parked operation once more.
    ///
    /// # Errors
    /// [`NotFound`](super::super::StoreErrorKind::NotFound) if there is no such parked operation.
    pub async fn retry(&self, operation: OperationId) -> StoreResult<()> {
        self.queue(move |file| {
            let mut find =
                file.prepare_cached("SELECT 1 FROM operation WHERE id = ? AND state = 'parked'")?;
            if find.query_row([operation.0], |_| Ok(())).optional()?.is_none() {
                return Err(unknown(operation));
            }
            // What may have been done is looked for first.
            file.prepare_cached(
                "UPDATE operation SET state = iif(mark IS NULL, 'queued', 'sending'), error = NULL WHERE id = ?",
            )?
            .execute([operation.0])?;
            Ok(())
        })
        .await
    }

    /// Gives an operation up that has not been sent, or was refused: what the user sees is as if it
    /// had not been done. One that was sent before ([`attempts`](PendingOperation::attempts)), and
    /// whose answer was lost, is not sent again; if the server has done it all the same, the next
    /// look shows it.
    ///
    /// # Errors
    /// [`NotFound`](super::super::StoreErrorKind::NotFound) if there is no such operation, or it is
    /// being sent.
    pub async fn drop_operation(&self, operation: OperationId) -> StoreResult<()> {
        self.database.write(Durability::Power, move |file| drop_one(file, operation)).await?;
        self.database.announce_queued();
        Ok(())
    }
}

fn unknown(operation: OperationId) -> Fault {
    StoreError::not_found(format!("there is no such operation {operation}, or no longer")).into()
}

fn drop_one(file: &Transaction<'_>, id: OperationId) -> Result<(), Fault> {
    let row = file
        .prepare_cached(
            "SELECT args, message, mailbox FROM operation WHERE id = ? AND state IN ('queued', 'parked')",
        )?
        .query_row([id.0], |row| {
            Ok((row.get::<_, String>(0)?, row.optional_id::<MessageId>(1)?, row.optional_id::<MailboxId>(2)?))
        })
        .optional()?;
    let Some((args, message, mailbox)) = row else { return Err(unknown(id)) };
    queue::remove(file, id)?;
    match (super::overlay::read(&args)?, message, mailbox) {
        // Without it there is no such message.
        (action @ (Action::Append { .. } | Action::Copy { .. }), Some(message), _) => {
            hand_on(file, message, &action)?;
            message::delete(file, message)
        }
        (_, Some(message), _) => {
            restore(file, message)?;
            // It left its mailbox by this move alone, which is not followed any more: a look brings
            // it.
            let mut find = file.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM message m WHERE id = ?1 AND uid IS NULL AND NOT EXISTS \
                 (SELECT 1 FROM operation WHERE message = m.id AND (m.mailbox IS NOT NULL \
                 OR kind IN ('append', 'copy', 'move'))))",
            )?;
            let is_lost = find.query_row([message.0], |row| row.get::<_, bool>(0))?;
            if is_lost { message::delete(file, message) } else { Ok(()) }
        }
        (Action::Create { .. }, _, Some(mailbox)) => {
            let mut find = file.prepare_cached("SELECT id FROM message WHERE place = ?")?;
            let messages: Vec<MessageId> =
                find.query_map([mailbox.0], |row| row.id(0))?.collect::<Result<_, _>>()?;
            drop_into(file, mailbox)?;
            Store::restore_all(file, &messages)?;
            mailbox::forget(file, mailbox)
        }
        (Action::Rename { .. }, _, Some(mailbox)) => drop_rename(file, mailbox),
        (Action::Delete, _, Some(mailbox)) => {
            file.execute("UPDATE mailbox SET shown_name = name WHERE id = ?", [mailbox.0])?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Copies that were to be made of a message which does not come to be after all are made of what
/// it was to be made of, with the flags of that: they are messages of their own.
fn hand_on(file: &Transaction<'_>, message: MessageId, action: &Action) -> Result<(), Fault> {
    let mut find = file.prepare_cached(
        "SELECT o.id, m.id, m.flags FROM operation o JOIN message m ON m.id = o.message \
         WHERE o.kind = 'copy' AND json_extract(o.args, '$.source') = ?",
    )?;
    let copies = find.query_map([message.0], |row| {
        Ok((row.id::<OperationId>(0)?, row.id::<MessageId>(1)?, row.get::<_, String>(2)?))
    })?;
    let copies: Vec<_> = copies.collect::<Result<_, _>>()?;
    for (id, copy, flags) in copies {
        let action = match action {
            Action::Append { date, .. } => Action::Append { flags: flags::from_text(&flags), date: *date },
            other => other.clone(),
        };
        if let Action::Copy { source } = &action {
            let sql = "UPDATE message SET flags = shown_of.shown FROM message shown_of \
                 WHERE message.id = ?1 AND shown_of.id = ?2";
            file.prepare_cached(sql)?.execute(params![copy.0, source.0])?;
        }
        file.prepare_cached("UPDATE operation SET kind = ?2, args = ?3 WHERE id = ?1")?.execute(params![
            id.0,
            action.name(),
            json(&action)
        ])?;
        restore(file, copy)?;
    }
    Ok(())
}

/// A mailbox gets the name back that it has without a rename which is dropped: by what else is
/// queued, or at the server.
fn drop_rename(file: &Transaction<'_>, mailbox: MailboxId) -> Result<(), Fault> {
    let mut find = file.prepare_cached("SELECT account, name, shown_name FROM mailbox WHERE id = ?")?;
    let row = find.query_row([mailbox.0], |row| {
        Ok((row.get(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?))
    });
    // It may be gone, and the rename parked for that.
    let Some((account, name, shown)) = row.optional()? else { return Ok(()) };
    let queued = file
        .prepare_cached(
            "SELECT ifnull(json_extract(args, '$.to'), json_extract(args, '$.name')) FROM operation \
             WHERE mailbox = ? AND kind IN ('create', 'rename') ORDER BY id DESC LIMIT 1",
        )?
        .query_row([mailbox.0], |row| row.get(0))
        .optional()?;
    if let (Some(name), Some(shown)) = (queued.or(name), shown) {
        super::create::rename_below(file, account, "shown_name", &shown, &name)?;
        file.execute("UPDATE mailbox SET shown_name = ? WHERE id = ?", params![name, mailbox.0])?;
    }
    Ok(())
}

/// What was to go into a mailbox that is not made after all.
fn drop_into(file: &Transaction<'_>, mailbox: MailboxId) -> Result<(), Fault> {
    let sql = "SELECT id, kind, message FROM operation WHERE target = ? OR mailbox = ?";
    let mut find = file.prepare_cached(sql)?;
    let rows = find.query_map([mailbox.0, mailbox.0], |row| {
        Ok((row.id::<OperationId>(0)?, row.get::<_, String>(1)?, row.optional_id::<MessageId>(2)?))
    })?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    for (id, kind, message) in rows {
        queue::remove(file, id)?;
        if let Some(message) = message.filter(|_| kind == "append" || kind == "copy") {
            message::delete(file, message)?;
        }
    }
    Ok(())
}
