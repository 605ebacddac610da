//! Operations of which it is not known whether the server has done them: the program or the
//! connection ended in between, or the server did not say where a message is now.
//!
//! ```text
//!   found in the target, from the UIDNEXT on that was noted before ──> done
//!   written, and found in another mailbox: others have moved it     ──> done
//!   not found, and still in the source (or to be written)          ──> queued again
//!   in neither                                                      ──> gone: the server is stronger
//! ```
//!
//! A server may still be at a command whose connection is lost: sent again at once, it would be
//! done twice. So what is not found is looked for once more after a while, before that counts.
//!
//! In: an operation, what was noted before it was sent. Out: its end, or its place in the queue.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::executor::{Executor, Place, Tried, Trouble};
use super::schedule::Operation;
use super::{Action, Mark, queue};
use crate::account::MailboxLease;
use crate::client::Select;
use crate::command::Items;
use crate::store::database::Durability;
use crate::store::error::Fault;
use crate::store::ids::{MessageId, RowIds as _};
use crate::store::rows::content::ids;
use crate::store::rows::message::{self, Likeness};
use crate::store::sync::traits;
use crate::types::{Message, Uid, UidSet, UidValidity, ViewSync};

/// By what a message is recognised in another mailbox.
#[derive(Debug)]
struct Traits {
    message_id: Option<String>,
    size: Option<u64>,
    received: Option<i64>,
}

impl Traits {
    fn are_of(&self, row: &Message) -> bool {
        let is_size = self.size.is_some() && self.size == row.size();
        let is_date =
            self.received.is_some() && self.received == row.internal_date().map(|date| date.seconds());
        match &self.message_id {
            // A server may change one of them, in what is written to it. A draft that others have
            // saved again has neither.
            Some(own) => {
                let theirs = row.envelope().and_then(|envelope| envelope.message_id().map(|id| ids(&id)));
                theirs.is_some_and(|theirs| theirs.first() == Some(own)) && (is_size || is_date)
            }
            // Both are kept by COPY and MOVE.
            None => is_size && is_date,
        }
    }
}

/// A RENAME whose answer was lost.
#[derive(Debug)]
pub(in crate::store) struct RenameInDoubt {
    from: String,
    delimiter: Option<String>,
    to: String,
}

impl RenameInDoubt {
    /// The name that this mailbox has, if the server has done it: the one that is renamed, or one
    /// below it.
    pub(in crate::store) fn of(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix(&self.from)?;
        let delimiter = self.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
        let is_it = rest.is_empty() || delimiter.is_some_and(|delimiter| rest.starts_with(delimiter));
        is_it.then(|| format!("{}{rest}", self.to))
    }
}

pub(in crate::store) fn renames_in_doubt(
    file: &Transaction<'_>,
    account: i64,
) -> Result<Vec<RenameInDoubt>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT b.name, b.delimiter, json_extract(o.args, '$.to') FROM operation o JOIN mailbox b ON b.id = o.mailbox \
         WHERE o.account = ? AND o.kind = 'rename' AND o.state <> 'parked' AND o.attempts > 0 AND b.name IS NOT NULL",
    )?;
    let rows = find.query_map([account], |row| {
        Ok(RenameInDoubt { from: row.get(0)?, delimiter: row.get(1)?, to: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Executor {
    /// Finds out what has become of an operation. Whether it is done with: else it is queued again.
    pub(super) async fn settle(&self, operation: &Operation) -> Tried<bool> {
        let mark = self.latest_mark(operation).await?;
        match &operation.action {
            Action::Move => self.settle_move(operation, mark.as_ref()).await,
            Action::Copy { source } => self.settle_arrival(operation, mark.as_ref(), *source).await,
            Action::Append { .. } => match operation.message {
                Some(message) => self.settle_arrival(operation, mark.as_ref(), message).await,
                None => self.again(operation).await,
            },
            Action::Rename { to } => self.settle_rename(operation, to).await,
            // Doing these twice is doing them once.
            Action::Flags { .. }
            | Action::Expunge
            | Action::Replaced { .. }
            | Action::Create { .. }
            | Action::Delete => self.again(operation).await,
        }
    }

    async fn latest_mark(&self, operation: &Operation) -> Tried<Option<Mark>> {
        let id = operation.id;
        let find = move |file: &Transaction<'_>| {
            let mut find = file.prepare_cached("SELECT mark FROM operation WHERE id = ?")?;
            Ok(find.query_row([id.0], |row| row.get::<_, Option<String>>(0)).optional()?.flatten())
        };
        let text = self.database.read(find).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    async fn again(&self, operation: &Operation) -> Tried<bool> {
        let id = operation.id;
        let job = move |file: &Transaction<'_>| queue::set_state(file, &[id], "queued", None);
        self.database.write(Durability::Process, job).await?;
        Ok(false)
    }

    async fn settle_move(&self, operation: &Operation, mark: Option<&Mark>) -> Tried<bool> {
        let Some(mark) = mark else { return self.again(operation).await };
        let source = match self.locate(operation.message).await {
            // Its mailbox has other UIDs now. A look says which one it has; but not while something
            // may arrive there.
            Err(Trouble::Waiting) if operation.mailbox == operation.target => {
                return self.settle_in_place(operation, mark).await;
            }
            Err(trouble) => return Err(trouble),
            Ok(Some((place, uid))) => {
                let lease = self.open(&place).await?;
                // A selection that was made before sees only then what has changed.
                lease.sender().noop().await?;
                let rows = traits(&lease, uid).await?;
                drop(lease);
                // Under its UID there may be another message, of a server that was restored.
                let message = operation.message;
                let is_there = move |file: &Transaction<'_>| {
                    let Some(row) = rows.iter().find(|row| row.uid() == Some(uid)) else { return Ok(false) };
                    let Some(id) = message else { return Ok(true) };
                    Ok(!matches!(message::likeness(file, id, row)?, Likeness::Other | Likeness::Gone))
                };
                self.database.read(is_there).await?.then_some((place, uid))
            }
            Ok(None) => None,
        };
        let target = self.place(operation.target).await?;
        let found = self.find(operation, operation.message, &target, mark).await?;
        match (source, found) {
            // Copied, and not removed yet: a move in steps was cut off.
            (Some((place, uid)), Some((new, uid_validity))) => {
                let is_removed = self.expunge(&self.open(&place).await?, UidSet::from(uid)).await?;
                let left = (!is_removed).then_some((place, uid));
                self.arrived(operation, &target, new, uid_validity, left).await?;
                Ok(true)
            }
            (None, Some((new, uid_validity))) => {
                self.arrived(operation, &target, new, uid_validity, None).await?;
                Ok(true)
            }
            (Some(_), None) => {
                self.check_ended(operation)?;
                self.again(operation).await
            }
            (None, None) => {
                self.check_ended(operation)?;
                self.gone(operation).await?;
                Ok(true)
            }
        }
    }

    /// A message was to be moved into the mailbox where it is, and has no UID yet: wherever it is
    /// there, it is done.
    async fn settle_in_place(&self, operation: &Operation, mark: &Mark) -> Tried<bool> {
        let target = self.place(operation.target).await?;
        let found = self.find(operation, operation.message, &target, mark).await?;
        let Some((new, uid_validity)) = found else { return Err(Trouble::Waiting) };
        self.arrived(operation, &target, new, uid_validity, None).await?;
        Ok(true)
    }

    /// A message that was to be written or copied into the target.
    async fn settle_arrival(
        &self,
        operation: &Operation,
        mark: Option<&Mark>,
        like: MessageId,
    ) -> Tried<bool> {
        let Some(mark) = mark else { return self.again(operation).await };
        // It may be gone, or be known by another name soon.
        let target = self.place(operation.target).await.and_then(|place| place.name().map(|_| place));
        if let Ok(target) = &target
            && let Some((new, uid_validity)) = self.find(operation, Some(like), target, mark).await?
        {
            self.arrived(operation, target, new, uid_validity, None).await?;
            return Ok(true);
        }
        if let Some((place, uid)) = self.moved_on(operation).await? {
            self.arrived(operation, &place, uid, place.uid_validity, None).await?;
            return Ok(true);
        }
        self.check_ended(operation)?;
        target?;
        self.again(operation).await
    }

    /// Where a message is that was written to the server, and that others have moved, or whose
    /// mailbox they have renamed, before its answer was read: a look has found it there.
    async fn moved_on(&self, operation: &Operation) -> Tried<Option<(Place, Uid)>> {
        let Some(own) = operation.message.filter(|_| matches!(operation.action, Action::Append { .. }))
        else {
            return Ok(None);
        };
        let find = move |file: &Transaction<'_>| {
            // A copy of ours would wait for it, and has no UID yet.
            let mut find = file.prepare_cached(
                "SELECT m.mailbox, m.uid FROM message m JOIN content c ON c.id = m.content \
                 JOIN content own ON own.account = c.account AND own.message_id = c.message_id \
                 AND own.size = c.size AND own.received = c.received \
                 WHERE own.id = (SELECT content FROM message WHERE id = ?1) AND m.id > ?1 AND m.uid IS NOT NULL \
                 ORDER BY m.id LIMIT 1",
            )?;
            let row = find.query_row([own.0], |row| Ok((row.optional_id(0)?, row.get::<_, u32>(1)?)));
            let Some((mailbox, uid)) = row.optional()? else { return Ok(None) };
            Ok(Place::read(file, mailbox)?.zip(Uid::new(uid)))
        };
        Ok(self.database.read(find).await?)
    }

    async fn settle_rename(&self, operation: &Operation, to: &str) -> Tried<bool> {
        let from = self.place(operation.mailbox).await?.name()?;
        let session = self.account.session().await?;
        let listed = session.list("*").await?;
        drop(session);
        let has = |name: &str| listed.iter().any(|entry| entry.name.as_str() == name);
        if !has(from.as_str()) && has(to) {
            self.renamed(operation, &from, to).await?;
            return Ok(true);
        }
        self.again(operation).await
    }

    /// The message in the target that has arrived since the mark, and is like this one.
    async fn find(
        &self,
        operation: &Operation,
        like: Option<MessageId>,
        target: &Place,
        mark: &Mark,
    ) -> Tried<Option<(Uid, Option<UidValidity>)>> {
        let Some(like) = like else { return Ok(None) };
        let Some(traits) = self.traits(like).await? else { return Ok(None) };
        let select = Select::new(target.name()?).read_only().view_sync(ViewSync::Off);
        let lease: MailboxLease = self.account.mailbox(select).await?;
        let uid_validity = lease.uid_validity();
        // With another UIDVALIDITY it may be anywhere in there.
        let is_other = mark.uid_validity.is_some() && uid_validity != mark.uid_validity;
        let first = if is_other { Uid::MIN } else { mark.uid_next };
        let original = self.original_in(like, operation, target, uid_validity).await?;
        lease.sender().noop().await?;
        let items = Items::envelope().size().internal_date();
        // One after the other: it may be the whole mailbox.
        let (mut rows, mut like) = (lease.fetch(first.., items).stream(), Vec::new());
        while let Some(row) = rows.next().await {
            // What can't be read might be it: then nothing is known yet.
            let row = row?;
            like.extend(row.uid().filter(|uid| *uid >= first && traits.are_of(&row)));
        }
        drop((rows, lease));
        match original {
            Some(Some(uid)) => like.retain(|found| *found != uid),
            // It is one of them: it was there before the copy.
            Some(None) => _ = like.iter().min().copied().map(|first| like.retain(|found| *found != first)),
            None => {}
        }
        let (own, target) = (operation.message, target.id);
        let choose = move |file: &Transaction<'_>| {
            // Several are alike: the one that no row has yet, else that of the newest row.
            let mut owner = file.prepare_cached("SELECT id FROM message WHERE mailbox = ? AND uid = ?")?;
            let mut best: Option<(i64, Uid)> = None;
            for uid in like {
                let row = owner
                    .query_row(params![target.0, uid.get()], |row| row.id::<MessageId>(0))
                    .optional()?
                    .filter(|row| Some(*row) != own);
                // A row that is older than this one is another message: a look would have made its
                // own.
                if row.zip(own).is_some_and(|(row, own)| row < own) {
                    continue;
                }
                let rank = row.map_or(i64::MAX, |row| row.0);
                if best.is_none_or(|(known, _)| rank > known) {
                    best = Some((rank, uid));
                }
            }
            Ok(best.map(|(_, uid)| uid))
        };
        Ok(self.database.read(choose).await?.map(|uid| (uid, uid_validity)))
    }

    /// Whether what is copied is in the target itself, and is found there beside the copy: its UID,
    /// if that is known.
    async fn original_in(
        &self,
        like: MessageId,
        operation: &Operation,
        target: &Place,
        uid_validity: Option<UidValidity>,
    ) -> Tried<Option<Option<Uid>>> {
        if operation.message == Some(like) {
            return Ok(None);
        }
        let target = target.id;
        let find = move |file: &Transaction<'_>| {
            let mut find = file.prepare_cached("SELECT uid FROM message WHERE id = ? AND mailbox = ?")?;
            let uid = find.query_row(params![like.0, target.0], |row| row.get::<_, Option<u32>>(0));
            let known = Place::read(file, Some(target))?.and_then(|place| place.uid_validity);
            Ok(uid.optional()?.map(|uid| uid.and_then(Uid::new).filter(|_| known == uid_validity)))
        };
        Ok(self.database.read(find).await?)
    }

    async fn traits(&self, message: MessageId) -> Tried<Option<Traits>> {
        let find = move |file: &Transaction<'_>| {
            let sql = "SELECT c.message_id, c.size, c.received FROM message m JOIN content c ON c.id = m.content \
                       WHERE m.id = ?";
            let row = file.prepare_cached(sql)?.query_row([message.0], |row| {
                let size = row.get::<_, Option<i64>>(1)?.and_then(|size| u64::try_from(size).ok());
                Ok(Traits { message_id: row.get(0)?, size, received: row.get(2)? })
            });
            Ok(row.optional()?)
        };
        Ok(self.database.read(find).await?)
    }
}
