//! The commands of operations.
//!
//! In: operations that go together. Out: one command, or one after the other where the server needs
//! several; then the rows. What can't be repeated is marked before its first byte is written.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::executor::{Executor, Place, Tried, Trouble};
use super::relink::await_look;
use super::schedule::Operation;
use super::{Action, Mark, queue, restore};
use crate::account::MailboxLease;
use crate::client::{Select, Sender};
use crate::command::{Append, Items, StatusItems, Store as StoreFlags};
use crate::error::{Error, ErrorKind};
use crate::store::bodies;
use crate::store::database::Durability;
use crate::store::error::{Fault, StoreError};
use crate::store::ids::{MailboxId, MessageId, OperationId};
use crate::store::rows::message::Likeness;
use crate::store::rows::{content, mailbox, message};
use crate::types::{Code, Flag, Flags, MailboxName, Message, Timestamp, Uid, UidSet, UidValidity, ViewSync};

/// The messages that are there; `None`: the server can't say it.
fn there(fetched: Result<Vec<Message>, Error>) -> Result<Option<Vec<Message>>, Error> {
    match fetched {
        Err(error) if matches!(error.kind(), ErrorKind::No | ErrorKind::Incomplete) => Ok(None),
        fetched => fetched.map(Some),
    }
}

impl Executor {
    /// Sends operations that go together, and notes what has become of them.
    pub(super) async fn send(&self, batch: &[Operation]) -> Tried<()> {
        let Some(first) = batch.first() else { return Ok(()) };
        match &first.action {
            Action::Flags { add, remove } => self.send_flags(batch, add, remove).await,
            Action::Move => self.send_move(batch).await,
            Action::Copy { source } => self.send_copy(first, *source).await,
            Action::Expunge | Action::Replaced { .. } => self.send_expunge(batch).await,
            Action::Append { flags, date } => self.send_append(first, flags, *date).await,
            Action::Create { name } => self.send_create(first, name.clone()).await,
            Action::Rename { to } => self.send_rename(first, to).await,
            Action::Delete => self.send_delete(first).await,
        }
    }

    /// The messages of these operations, all in one mailbox; those that are gone are done with.
    async fn uids(&self, batch: &[Operation]) -> Tried<Option<(Place, Vec<(Operation, Uid)>)>> {
        let mut found = Vec::with_capacity(batch.len());
        let mut common: Option<Place> = None;
        for operation in batch {
            let Some((place, uid)) = self.locate(operation.message).await? else {
                self.gone(operation).await?;
                continue;
            };
            let is_same = common.as_ref().is_none_or(|common| common.uid_validity == place.uid_validity);
            if Some(place.id) != operation.mailbox || !is_same {
                return Err(Trouble::Behind);
            }
            found.push((operation.clone(), uid));
            common = Some(place);
        }
        Ok(common.map(|place| (place, found)))
    }

    /// The message of an operation is gone at the server, which is stronger.
    pub(super) async fn gone(&self, operation: &Operation) -> Tried<()> {
        let (id, message) = (operation.id, operation.message);
        let job = move |file: &Transaction<'_>| {
            queue::remove(file, id)?;
            message.map_or(Ok(()), |message| message::delete(file, message))
        };
        Ok(self.database.write(Durability::Power, job).await?)
    }

    /// A mailbox, selected for writing, whose UIDs are those of the rows.
    pub(super) async fn open(&self, place: &Place) -> Tried<MailboxLease> {
        let select = Select::new(place.name()?).view_sync(ViewSync::Off);
        let mut lease = self.account.mailbox(select.clone()).await?;
        // One that was selected before may have been opened when there were fewer rights; and so
        // may another connection that has it.
        for _ in 1..self.account.max_connections() {
            if !lease.is_read_only() || lease.unselect().await.is_err() {
                break;
            }
            drop(lease);
            lease = self.account.mailbox(select.clone()).await?;
        }
        match (lease.uid_validity(), place.uid_validity) {
            (Some(now), Some(then)) if now == then => Ok(lease),
            _ => Err(Trouble::Behind),
        }
    }

    /// The same, if the messages of these operations have their UIDs still.
    async fn open_for(&self, place: &Place, found: &[(Operation, Uid)]) -> Tried<MailboxLease> {
        let lease = self.open(place).await?;
        if lease.is_read_only() {
            // What would change something is not sent.
            return Ok(lease);
        }
        let messages = found.iter().filter_map(|(operation, uid)| Some((operation.message?, *uid)));
        self.verify(&lease, messages.collect()).await?;
        Ok(lease)
    }

    /// A server that was restored from a backup may have given UIDs to other messages, under the
    /// same UIDVALIDITY, or give them again just now; the newest of these shows it.
    async fn verify(&self, lease: &MailboxLease, messages: Vec<(MessageId, Uid)>) -> Tried<()> {
        let items = content::traits(&lease.sender().capabilities());
        let newest: UidSet = messages.iter().map(|(_, uid)| *uid).max().into_iter().collect();
        let Some(mut rows) = there(lease.fetch(newest, items.clone()).await)? else { return Ok(()) };
        if rows.is_empty() {
            // It is gone: a look says that, and of which others, before another message has its
            // UID.
            let all: UidSet = messages.iter().map(|(_, uid)| *uid).collect();
            let is_there = lease.fetch(all.clone(), Items::new().flags()).await?;
            if all.iter().any(|uid| is_there.iter().all(|row| row.uid() != Some(uid))) {
                return Err(Trouble::Behind);
            }
            let Some(all) = there(lease.fetch(all, items).await)? else { return Ok(()) };
            rows = all;
        }
        let known: BTreeMap<Uid, MessageId> = messages.into_iter().map(|(id, uid)| (uid, id)).collect();
        let is_other = move |file: &Transaction<'_>| {
            for row in &rows {
                let Some(id) = row.uid().and_then(|uid| known.get(&uid)) else { continue };
                // If a look has removed the row meanwhile, its UID is another message's.
                if matches!(message::likeness(file, *id, row)?, Likeness::Other | Likeness::Gone) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        if self.database.read(is_other).await? { Err(Trouble::Behind) } else { Ok(()) }
    }

    /// Marks those that are still as they were read; only they may be sent.
    async fn mark_sending(&self, found: &mut Vec<(Operation, Uid)>, mark: Option<Mark>) -> Tried<()> {
        let operations: Vec<Operation> = found.iter().map(|(operation, _)| operation.clone()).collect();
        let marked = self.mark_all(operations, mark).await?;
        found.retain(|(operation, _)| marked.contains(&operation.id));
        Ok(())
    }

    /// Whether this one is marked, and may be sent.
    async fn mark_one(&self, operation: &Operation, mark: Option<Mark>) -> Tried<bool> {
        Ok(!self.mark_all(vec![operation.clone()], mark).await?.is_empty())
    }

    async fn mark_all(&self, operations: Vec<Operation>, mark: Option<Mark>) -> Tried<BTreeSet<OperationId>> {
        // What is repeated without harm need not survive a loss of power. Flags are, but one that
        // the user takes back is left out if it has never been sent.
        let is_expunge = |operation: &Operation| matches!(operation.action, Action::Expunge);
        let is_harmless = mark.is_none() && operations.iter().all(is_expunge);
        let durability = if is_harmless { Durability::Process } else { Durability::Power };
        let job = move |file: &Transaction<'_>| queue::mark_sending(file, &operations, mark.as_ref());
        Ok(self.database.write(durability, job).await?)
    }

    /// What there is of the target before something arrives there.
    pub(super) async fn mark(&self, sender: &Sender, target: &MailboxName) -> Tried<Mark> {
        let items = StatusItems::uid_next().uid_validity();
        // Of the mailbox that is selected, servers say what was so when they last looked.
        let looked = sender.noop();
        let status = sender.status(target.clone(), items).await?;
        looked.await?;
        // Without UIDNEXT all of it may be new.
        Ok(Mark { uid_next: status.uid_next.unwrap_or(Uid::MIN), uid_validity: status.uid_validity })
    }

    /// The server has done these; a look is still to show it.
    async fn sent(&self, operations: Vec<(OperationId, MailboxId)>) -> Tried<()> {
        let job = move |file: &Transaction<'_>| {
            let mut update = file.prepare_cached(
                "UPDATE operation SET state = 'sent', mailbox = ?2, error = NULL WHERE id = ?1",
            )?;
            for (id, mailbox) in operations {
                update.execute(params![id.0, mailbox.0])?;
            }
            Ok(())
        };
        Ok(self.database.write(Durability::Process, job).await?)
    }

    async fn send_flags(&self, batch: &[Operation], add: &Flags, remove: &Flags) -> Tried<()> {
        let Some((place, mut found)) = self.uids(batch).await? else { return Ok(()) };
        let lease = self.open_for(&place, &found).await?;
        // From now on another change of the same flags is an operation of its own; one that came
        // while the mailbox was opened has changed this one.
        self.mark_sending(&mut found, None).await?;
        if found.is_empty() {
            return Ok(());
        }
        let uids: UidSet = found.iter().map(|(_, uid)| *uid).collect();
        if !add.is_empty() {
            lease.store(uids.clone(), StoreFlags::add(add.clone()).silent()).await?;
        }
        if !remove.is_empty() {
            lease.store(uids, StoreFlags::remove(remove.clone()).silent()).await?;
        }
        self.sent(found.iter().map(|(operation, _)| (operation.id, place.id)).collect()).await
    }

    async fn send_expunge(&self, batch: &[Operation]) -> Tried<()> {
        let Some((place, mut found)) = self.uids(batch).await? else { return Ok(()) };
        let lease = self.open_for(&place, &found).await?;
        self.mark_sending(&mut found, None).await?;
        if found.is_empty() {
            return Ok(());
        }
        let uids: UidSet = found.iter().map(|(_, uid)| *uid).collect();
        self.expunge(&lease, uids).await?;
        self.sent(found.iter().map(|(operation, _)| (operation.id, place.id)).collect()).await
    }

    /// Removes messages for good; where the server can remove only all that are marked, they stay
    /// marked.
    /// Whether they are removed.
    pub(super) async fn expunge(&self, lease: &MailboxLease, uids: UidSet) -> Tried<bool> {
        lease.store(uids.clone(), StoreFlags::add(Flag::Deleted).silent()).await?;
        match lease.expunge(uids).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn send_move(&self, batch: &[Operation]) -> Tried<()> {
        let Some((place, mut found)) = self.uids(batch).await? else { return Ok(()) };
        let target = self.place(batch.first().and_then(|first| first.target)).await?;
        if target.id == place.id {
            // An earlier move has not come to be.
            return self.stayed(found).await;
        }
        let lease = self.open_for(&place, &found).await?;
        let name = target.name()?;
        let mark = self.mark(&lease.sender(), &name).await?;
        self.mark_sending(&mut found, Some(mark)).await?;
        if found.is_empty() {
            return Ok(());
        }
        let uids: UidSet = found.iter().map(|(_, uid)| *uid).collect();
        let mut leaves = false;
        let copied = match lease.move_to(uids.clone(), name.clone()).await {
            // Neither MOVE nor UIDPLUS: the originals stay, marked.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let copied = lease.copy(uids.clone(), name).await?;
                leaves = !self.expunge(&lease, uids).await?;
                copied
            }
            moved => moved?,
        };
        drop(lease);
        let mut pairs: BTreeMap<Uid, Uid> = BTreeMap::new();
        let mut uid_validity = None;
        for copy_uid in &copied.uids {
            pairs.extend(copy_uid.pairs());
            uid_validity = uid_validity.or(copy_uid.uid_validity());
        }
        for (operation, uid) in found {
            match pairs.get(&uid) {
                Some(new) => {
                    let left = leaves.then(|| (place.clone(), uid));
                    self.arrived(&operation, &target, *new, uid_validity, left).await?;
                }
                // The server does not say where it is now.
                None if self.settle(&operation).await? => {}
                None => return Err(Trouble::Behind),
            }
        }
        Ok(())
    }

    /// These are where they were to go.
    async fn stayed(&self, found: Vec<(Operation, Uid)>) -> Tried<()> {
        let job = move |file: &Transaction<'_>| {
            for (operation, _) in &found {
                queue::remove(file, operation.id)?;
                operation.message.map_or(Ok(()), |message| restore(file, message))?;
            }
            Ok(())
        };
        Ok(self.database.write(Durability::Power, job).await?)
    }

    async fn send_copy(&self, operation: &Operation, source: MessageId) -> Tried<()> {
        let Some((place, uid)) = self.locate(Some(source)).await? else { return self.gone(operation).await };
        let target = self.place(operation.target).await?;
        let lease = self.open(&place).await?;
        self.verify(&lease, vec![(source, uid)]).await?;
        let name = target.name()?;
        let mark = self.mark(&lease.sender(), &name).await?;
        if !self.mark_one(operation, Some(mark)).await? {
            return Ok(());
        }
        let copied = lease.copy(uid, name).await?;
        drop(lease);
        let pair = copied
            .uids
            .iter()
            .find_map(|copy_uid| Some((copy_uid.pairs().next()?.1, copy_uid.uid_validity())));
        match pair {
            Some((new, uid_validity)) => self.arrived(operation, &target, new, uid_validity, None).await,
            // It was gone, or is not where it was copied to any more.
            None if self.settle(operation).await? => Ok(()),
            None => self.gone(operation).await,
        }
    }

    /// The message of this operation is in its target now: the operation is done. `left`: where the
    /// original stays, marked as deleted.
    pub(super) async fn arrived(
        &self,
        operation: &Operation,
        target: &Place,
        uid: Uid,
        uid_validity: Option<UidValidity>,
        left: Option<(Place, Uid)>,
    ) -> Tried<()> {
        let (id, message, target) = (operation.id, operation.message, target.clone());
        let job = move |file: &Transaction<'_>| {
            queue::remove(file, id)?;
            let Some(message) = message else { return Ok(()) };
            if target.uid_validity.is_none() {
                file.prepare_cached(
                    "UPDATE mailbox SET uid_validity = ? WHERE id = ? AND uid_validity IS NULL",
                )?
                .execute(params![uid_validity.map(UidValidity::get), target.id.0])?;
            }
            let now = Place::read(file, Some(target.id))?.and_then(|place| place.uid_validity);
            file.prepare_cached(
                "UPDATE body SET pins = 0 WHERE section = '' AND content = (SELECT content FROM message WHERE id = ?) \
                 AND NOT EXISTS (SELECT 1 FROM operation o JOIN message m ON m.id = o.message \
                 WHERE o.kind = 'append' AND m.content = body.content)",
            )?
            .execute([message.0])?;
            if uid_validity.is_some_and(|uid_validity| now == Some(uid_validity)) {
                queue::arrive(file, message, target.id, uid)?;
                restore(file, message)?;
                let Some((place, uid)) = left else { return Ok(()) };
                let now = Place::read(file, Some(place.id))?;
                if now.is_some_and(|now| now.uid_validity == place.uid_validity) {
                    queue::leave(file, message, place.id, uid)?;
                }
                Ok(())
            } else {
                await_look(file, message, target.id)
            }
        };
        Ok(self.database.write(Durability::Power, job).await?)
    }

    async fn send_append(&self, operation: &Operation, flags: &Flags, date: i64) -> Tried<()> {
        let target = self.place(operation.target).await?;
        let name = target.name()?;
        let message = operation.message;
        let bytes = self.database.read(move |file| {
            let find = "SELECT content FROM message WHERE id = ? AND content IS NOT NULL";
            let content = file
                .prepare_cached(find)?
                .query_row([message.map(|message| message.0)], |row| row.get(0))
                .optional()?;
            content.map_or(Ok(None), |content| bodies::whole(file, content))
        });
        let Some(bytes) = bytes.await? else {
            return Err(StoreError::invalid("the text of the message is not in the store").into());
        };
        let session = self.account.session().await?;
        let mark = self.mark(&session, &name).await?;
        if !self.mark_one(operation, Some(mark)).await? {
            return Ok(());
        }
        let mut append = Append::new(bytes).flags(flags.clone());
        if let Some(date) = Timestamp::new(date, 0) {
            append = append.internal_date(date);
        }
        let appended = session.append(name, append).await?;
        drop(session);
        match appended.uid {
            Some(uid) => {
                self.arrived(operation, &target, uid, appended.uid_validity, None).await?;
                self.confirm(operation, &target, uid, appended.uid_validity).await
            }
            None if self.settle(operation).await? => Ok(()),
            // The server has taken it, and it is not there any more: a look finds it where it is.
            None => self.gone(operation).await,
        }
    }

    /// A server may give an upload a date or a size of its own, by which it would be taken for
    /// another message later.
    async fn confirm(
        &self,
        operation: &Operation,
        target: &Place,
        uid: Uid,
        uid_validity: Option<UidValidity>,
    ) -> Tried<()> {
        let Some(message) = operation.message else { return Ok(()) };
        let select = Select::new(target.name()?).read_only().view_sync(ViewSync::Off);
        let lease = self.account.mailbox(select).await?;
        if lease.uid_validity() != uid_validity {
            return Ok(());
        }
        let items = content::traits(&lease.sender().capabilities());
        let rows = there(lease.fetch(uid, items).await)?.unwrap_or_default();
        drop(lease);
        let Some(row) = rows.into_iter().find(|row| row.uid() == Some(uid)) else { return Ok(()) };
        let job = move |file: &Transaction<'_>| content::confirm(file, message, &row);
        Ok(self.database.write(Durability::Process, job).await?)
    }

    /// Under the name that it had then: a command before, whose answer was lost, may have made it.
    async fn send_create(&self, operation: &Operation, name: String) -> Tried<()> {
        let Some(id) = operation.mailbox else { return self.gone(operation).await };
        let session = self.account.session().await?;
        if !self.mark_one(operation, None).await? {
            return Ok(());
        }
        match session.create(name.as_str()).await {
            Ok(_) => {}
            Err(error) if matches!(error.code(), Some(Code::AlreadyExists)) => {}
            Err(error) => return Err(error.into()),
        }
        drop(session);
        let (operation, account) = (operation.id, self.account_id);
        let job = move |file: &Transaction<'_>| {
            queue::remove(file, operation)?;
            file.execute("UPDATE mailbox SET name = ? WHERE id = ? AND name IS NULL", params![name, id.0])?;
            mailbox::fold(file, account, &name)
        };
        Ok(self.database.write(Durability::Power, job).await?)
    }

    async fn send_rename(&self, operation: &Operation, to: &str) -> Tried<()> {
        let place = self.place(operation.mailbox).await?;
        let from = place.name()?;
        if from.as_str() != to {
            if !self.mark_one(operation, None).await? {
                return Ok(());
            }
            let session = self.account.session().await?;
            session.rename(from.clone(), to).await?;
        }
        self.renamed(operation, &from, to).await
    }

    /// A mailbox has its new name at the server, and so have those below it.
    pub(super) async fn renamed(&self, operation: &Operation, from: &MailboxName, to: &str) -> Tried<()> {
        let (id, mailbox, account) = (operation.id, operation.mailbox, self.account_id);
        let (from, to) = (from.as_str().to_owned(), to.to_owned());
        let job = move |file: &Transaction<'_>| {
            queue::remove(file, id)?;
            let Some(mailbox) = mailbox else { return Ok(()) };
            super::create::rename_below(file, account, "name", &from, &to)?;
            file.prepare_cached("UPDATE mailbox SET name = ? WHERE id = ?")?
                .execute(params![to, mailbox.0])?;
            // What others have renamed meanwhile below it was to be seen under the user's name
            // until now.
            file.prepare_cached(
                "UPDATE mailbox SET shown_name = name WHERE account = ?1 AND name IS NOT NULL AND shown_name <> name \
                 AND NOT EXISTS (SELECT 1 FROM operation WHERE account = ?1 AND kind = 'rename')",
            )?
            .execute([account])?;
            // A listing may have shown it under this name before.
            mailbox::fold(file, account, &to)
        };
        Ok(self.database.write(Durability::Power, job).await?)
    }

    async fn send_delete(&self, operation: &Operation) -> Tried<()> {
        let place = self.place(operation.mailbox).await?;
        if let Some(name) = place.name.clone() {
            let session = self.account.session().await?;
            if !self.mark_one(operation, None).await? {
                return Ok(());
            }
            match session.delete(name).await {
                Ok(()) => {}
                Err(error) if matches!(error.code(), Some(Code::NonExistent)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let id = operation.id;
        let job = move |file: &Transaction<'_>| -> Result<(), Fault> {
            queue::remove(file, id)?;
            message::remove_all(file, place.id)?;
            mailbox::forget(file, place.id)
        };
        Ok(self.database.write(Durability::Power, job).await?)
    }
}
