//! What the user does.

use std::time::Duration;

use imap_duplex::store::{
    Action, MessageId, MessageSummary, NewMessage, OperationState, PageBy, PendingOperation, Store,
    StoreErrorKind, StoreResult,
};
use imap_duplex::types::{Flag, Flags};
use tokio::time::{sleep, timeout};

use super::{FLAGS, History, TRASH};
use crate::world::{all, kind, message, subject_of};

/// A mailbox, as the user sees it.
type Seen = (imap_duplex::store::MailboxId, String);

impl History {
    fn store(&self) -> Option<Store> {
        self.client.as_ref().map(|client| client.store.clone())
    }

    pub(super) async fn user(&mut self) -> StoreResult<()> {
        let Some(store) = self.store() else { return Ok(()) };
        let found = store.search("").await?;
        let mailboxes = store.mailboxes().await?.into_iter().filter(|mailbox| mailbox.is_selectable());
        let mailboxes: Vec<Seen> = mailboxes.map(|one| (one.id, one.name.to_string())).collect();
        let (Some(one), Some(target)) =
            (self.dice.pick(&found).cloned(), self.dice.pick(&mailboxes).cloned())
        else {
            return Ok(());
        };
        let from = mailboxes.iter().find(|(id, _)| *id == one.mailbox);
        let from = from.map(|(_, name)| name.clone()).unwrap_or_default();
        let subject = one.subject.clone().unwrap_or_default();
        self.truth(&subject).pass(&from);
        if one.flags.contains(&Flag::Deleted) {
            // What the user has removed, and the server can't remove by itself.
            return Ok(());
        }
        match self.dice.roll(18) {
            0..=3 => self.mark(&store, &one).await,
            4..=6 => self.move_to(&store, &one, &target).await,
            7 | 8 => self.copy(&store, &one, &target).await,
            9 => {
                let mut last = (one.id, subject);
                for _ in 0..=self.dice.roll(3) {
                    last = self.replace(&store, last, &target).await?;
                }
                Ok(())
            }
            10 => self.append(&store, &target).await,
            11 => self.folders().await,
            12 | 13 => {
                self.note(format!("user: {subject} ({}) is deleted", one.id));
                store.delete([one.id]).await?;
                if from == TRASH {
                    self.truth(&subject).remove();
                }
                Ok(())
            }
            14 => {
                self.note(format!("user: {subject} ({}) is removed", one.id));
                store.expunge([one.id]).await?;
                self.truth(&subject).remove();
                Ok(())
            }
            15 => self.reconsider(&store).await,
            16 => self.attach_again().await,
            _ => self.read(&store, &one).await,
        }
    }

    async fn mark(&mut self, store: &Store, one: &MessageSummary) -> StoreResult<()> {
        let (flag, has) = (FLAGS[self.dice.roll(3)], self.dice.roll(2) == 0);
        let subject = one.subject.clone().unwrap_or_default();
        self.note(format!("user: {subject} ({}) {flag}: {has}", one.id));
        let (add, remove) = match has {
            true => (Flags::from([flag]), Flags::new()),
            false => (Flags::new(), Flags::from([flag])),
        };
        store.flag([one.id], add, remove).await?;
        self.truth(&subject).mark(flag, has);
        Ok(())
    }

    async fn move_to(&mut self, store: &Store, one: &MessageSummary, target: &Seen) -> StoreResult<()> {
        let subject = one.subject.clone().unwrap_or_default();
        self.note(format!("user: {subject} ({}) moves to {}", one.id, target.1));
        store.move_to([one.id], target.0).await?;
        self.truth(&subject).pass(&target.1);
        Ok(())
    }

    async fn copy(&mut self, store: &Store, one: &MessageSummary, target: &Seen) -> StoreResult<()> {
        let subject = one.subject.clone().unwrap_or_default();
        self.note(format!("user: {subject} ({}) is copied to {}", one.id, target.1));
        let copy = store.copy_to(one.id, target.0).await?;
        self.truth(&subject).pass(&target.1);
        self.truth(&subject).copy();
        let both = [one.id, copy];
        let id = both[self.dice.roll(2)];
        self.note(format!("user: {id} of {both:?} is flagged"));
        store.flag([id], Flag::Flagged, Flags::new()).await
    }

    async fn append(&mut self, store: &Store, target: &Seen) -> StoreResult<()> {
        let subject = self.subject();
        self.note(format!("user: {subject} is written into {}", target.1));
        if let Err(error) = store.append(target.0, NewMessage::new(message(&subject))).await {
            self.truth.remove(&subject);
            return Err(error);
        }
        self.truth(&subject).pass(&target.1);
        Ok(())
    }

    async fn replace(
        &mut self,
        store: &Store,
        (older, subject): (MessageId, String),
        target: &Seen,
    ) -> StoreResult<(MessageId, String)> {
        let newer = self.subject();
        self.note(format!("user: {newer} is written into {} in place of {subject} ({older})", target.1));
        self.truth(&subject).replace();
        match store.replace(older, target.0, NewMessage::new(message(&newer))).await {
            Ok(id) => {
                self.truth(&newer).pass(&target.1);
                Ok((id, newer))
            }
            Err(error) => {
                self.truth.remove(&newer);
                Err(error)
            }
        }
    }

    /// The user makes a mailbox, or gives one of these another name, or removes it while it is
    /// empty.
    async fn folders(&mut self) -> StoreResult<()> {
        let Some(client) = &self.client else { return Ok(()) };
        let (store, account) = (client.store.clone(), client.attachment.account());
        let mailboxes = store.mailboxes().await?;
        let boxes: Vec<_> = mailboxes.iter().filter(|one| one.name.as_str().starts_with("Box")).collect();
        self.next += 1;
        let fresh = format!("Box {}", self.next);
        match (self.dice.pick(&boxes), self.dice.roll(4)) {
            (Some(one), 0) if one.messages == 0 && all(&store.mailbox(one.id)).await.is_empty() => {
                self.note(format!("user: {} is removed", one.name));
                store.delete_mailbox(one.id).await
            }
            (Some(one), 1..) => {
                self.note(format!("user: {} is renamed to {fresh}", one.name));
                store.rename_mailbox(one.id, &fresh).await
            }
            _ => {
                self.note(format!("user: {fresh} is made"));
                store.create_mailbox(account, &fresh).await.map(|_| ())
            }
        }
    }

    /// Something that is queued is given up, or tried again.
    async fn reconsider(&mut self, store: &Store) -> StoreResult<()> {
        let operations = store.operations().await?;
        let Some(one) = self.dice.pick(&operations).cloned() else { return Ok(()) };
        if one.state == OperationState::Parked && self.dice.roll(2) == 0 {
            self.note(format!("user: tries again {one:?}"));
            return store.retry(one.id).await;
        }
        // What else was done in a mailbox would be given up with it.
        if matches!(one.action, Action::Create { .. } | Action::Rename { .. } | Action::Delete) {
            return Ok(());
        }
        self.take_back(&one).await
    }

    pub(super) async fn take_back(&mut self, one: &PendingOperation) -> StoreResult<()> {
        let Some(store) = self.store() else { return Ok(()) };
        let what = kind(&one.action);
        let subject = one.message.and_then(|message| subject_of(&self.world.path(), message));
        store.drop_operation(one.id).await?;
        self.note(format!("user: gives up {what} of {subject:?} ({:?})", one.message));
        if let Some(subject) = subject {
            self.truth(&subject).drop(what);
        }
        Ok(())
    }

    /// The account is attached again, in another way.
    async fn attach_again(&mut self) -> StoreResult<()> {
        let policy = self.policy();
        let is_stopped = self.dice.roll(2) == 0;
        self.note(format!("user: attaches again, stopped before: {is_stopped}"));
        let Some(client) = self.client.take() else { return Ok(()) };
        let crate::world::Client { store, attachment, account } = client;
        if is_stopped {
            attachment.stop().await;
        } else {
            drop(attachment);
        }
        let attachment = loop {
            match store.attach_with(&account, policy.clone()).await {
                Ok(attachment) => break attachment,
                // It has not ended yet.
                Err(error) if error.kind() == StoreErrorKind::Owned => sleep(Duration::from_millis(1)).await,
                Err(error) => return Err(error),
            }
        };
        self.client = Some(crate::world::Client { store, attachment, account });
        Ok(())
    }

    /// A page, a conversation, a body, a search here and at the server.
    async fn read(&mut self, store: &Store, one: &MessageSummary) -> StoreResult<()> {
        let subject = one.subject.clone().unwrap_or_default();
        self.note(format!("user: reads {subject} ({})", one.id));
        match self.dice.roll(4) {
            0 => store.mailbox(one.mailbox).page(PageBy::newest(), None).await.map(|_| ()),
            1 => {
                let thread = store.thread(one.id).await?;
                assert!(format!("{thread:?}").contains(&subject), "{thread:?}: {:#?}", self.log);
                Ok(())
            }
            2 => {
                let search = store.search_joined(format!("\"{subject}\"")).await?;
                let Ok(hits) = timeout(Duration::from_secs(5), search.joined()).await else { return Ok(()) };
                for hit in hits?.messages {
                    let found = hit.subject.unwrap_or_default();
                    assert!(found.contains(&subject), "{subject}: {found}: {:#?}", self.log);
                }
                Ok(())
            }
            _ => {
                if let Ok(Ok(bytes)) = timeout(Duration::from_secs(5), store.body(one.id)).await {
                    let is = String::from_utf8_lossy(&bytes).into_owned();
                    assert_eq!(is, message(&subject), "{subject}: {:#?}", self.log);
                }
                Ok(())
            }
        }
    }
}
