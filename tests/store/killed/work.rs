//! What the user does, each thing noted in the journal before it is done, and afterwards.

use std::time::Duration;

use imap_duplex::store::{
    Action, LocalMailbox, MessageId, MessageSummary, NewMessage, OperationState, PageBy, PendingOperation,
    StoreErrorKind, StoreResult,
};
use imap_duplex::types::{Flag, Flags};
use serde_json::json;

use super::program::{Seen, User};
use super::{BOX, KEYWORDS, TRASH};
use crate::world::{kind, message, subject_of};

/// How long the user waits for something of the server.
const PATIENCE: Duration = Duration::from_secs(2);

impl User {
    fn fresh(&mut self, what: &str) -> String {
        format!("{what} {:x}{:x}", self.dice.roll(1 << 30), self.dice.roll(1 << 30))
    }

    /// A message; now and then one that takes a while.
    fn text(&mut self, subject: &str) -> NewMessage {
        let mut text = message(subject);
        if self.dice.roll(5) == 0 {
            let line = format!("More of {subject}, as long as it takes.\r\n");
            text += &line.repeat(self.dice.roll(30_000));
        }
        NewMessage::new(text)
    }

    /// One thing that a user does.
    pub(super) async fn work(&mut self, is_online: bool) -> StoreResult<()> {
        let mailboxes = self.mailboxes().await?;
        let Some(target) = self.dice.pick(&mailboxes).cloned() else { return Ok(()) };
        match self.dice.roll(26) {
            0 => self.folders(target).await?,
            1..=3 => _ = self.append(&target).await?,
            4 if is_online => return self.turn().await,
            4 | 5 => return self.look(&target).await,
            6 => return self.reconsider().await,
            what => {
                let all = self.store.search("").await?;
                match self.dice.pick(&all).cloned() {
                    Some(one) => return self.change(what, one, target, &mailboxes).await,
                    None => _ = self.append(&target).await?,
                }
            }
        }
        Ok(())
    }

    async fn append(&mut self, target: &Seen) -> StoreResult<MessageId> {
        let subject = self.fresh("own");
        self.note(&json!({"do": "append", "subject": subject, "target": target.name}));
        let text = self.text(&subject);
        let id = self.store.append(target.id, text).await?;
        self.note(&json!({"end": "done"}));
        Ok(id)
    }

    async fn change(
        &mut self,
        what: usize,
        one: MessageSummary,
        target: Seen,
        mailboxes: &[Seen],
    ) -> StoreResult<()> {
        let from = mailboxes.iter().find(|seen| seen.id == one.mailbox).map_or("", |seen| &seen.name);
        match what {
            7..=9 => self.simple("flag", &one, from, &target).await,
            10 => self.simple("unflag", &one, from, &target).await,
            11 | 12 => self.label(&one, from).await,
            13..=15 => self.simple("move", &one, from, &target).await,
            16 | 17 => {
                self.simple("copy", &one, from, &target).await?;
                // What is done to one of both is not done to the other.
                match self.dice.roll(3) {
                    0 => self.simple("unflag", &one, from, &target).await,
                    1 => self.simple("flag", &one, from, &target).await,
                    _ => Ok(()),
                }
            }
            18 | 19 => {
                // A draft is saved again and again.
                let subject = one.subject.clone().unwrap_or_default();
                let mut last = (one.id, subject);
                for _ in 0..=self.dice.roll(3) {
                    last = self.replace(last, &target).await?;
                }
                Ok(())
            }
            20 => {
                let other = self.dice.pick(mailboxes).cloned().unwrap_or_else(|| target.clone());
                self.simple("move", &one, from, &target).await?;
                self.simple("move", &one, &target.name, &other).await
            }
            // To the Trash; what is there goes for good.
            21..=23 if from != TRASH => self.simple("delete", &one, from, &target).await,
            _ => self.simple("expunge", &one, from, &target).await,
        }
    }

    async fn simple(
        &mut self,
        what: &str,
        one: &MessageSummary,
        from: &str,
        target: &Seen,
    ) -> StoreResult<()> {
        let id = one.id;
        self.note(&json!({
            "do": what, "subject": one.subject, "target": target.name, "from": from, "id": id.to_string(),
        }));
        match what {
            "flag" => self.store.flag([id], Flag::Flagged, Flags::new()).await?,
            "unflag" => self.store.flag([id], Flags::new(), Flag::Flagged).await?,
            "move" => self.store.move_to([id], target.id).await?,
            "copy" => _ = self.store.copy_to(id, target.id).await?,
            "delete" => self.store.delete([id]).await?,
            _ if from == TRASH => self.store.delete([id]).await?,
            _ => self.store.expunge([id]).await?,
        }
        self.note(&json!({"end": "done"}));
        Ok(())
    }

    /// Keywords are set and taken away, one and another at once.
    async fn label(&mut self, one: &MessageSummary, from: &str) -> StoreResult<()> {
        let (add, remove) = (KEYWORDS[self.dice.roll(3)], KEYWORDS[self.dice.roll(3)]);
        self.note(&json!({
            "do": "label", "subject": one.subject, "from": from, "add": add, "remove": remove,
            "id": one.id.to_string(),
        }));
        let remove = if add == remove { Flags::new() } else { Flags::from([remove]) };
        self.store.flag([one.id], Flags::from([add]), remove).await?;
        self.note(&json!({"end": "done"}));
        Ok(())
    }

    async fn replace(
        &mut self,
        (older, subject): (MessageId, String),
        target: &Seen,
    ) -> StoreResult<(MessageId, String)> {
        let newer = self.fresh("newer");
        self.note(&json!({"do": "replace", "subject": newer, "older": subject, "target": target.name}));
        let text = self.text(&newer);
        let id = self.store.replace(older, target.id, text).await?;
        self.note(&json!({"end": "done"}));
        Ok((id, newer))
    }

    /// Something that is queued is given up, or tried again.
    async fn reconsider(&mut self) -> StoreResult<()> {
        let operations = self.store.operations().await?;
        let Some(one) = self.dice.pick(&operations).cloned() else { return Ok(()) };
        if one.state == OperationState::Parked && self.dice.roll(2) == 0 {
            return self.store.retry(one.id).await;
        }
        // What else was done in a mailbox would be given up with it.
        if matches!(one.action, Action::Create { .. } | Action::Rename { .. } | Action::Delete) {
            return Ok(());
        }
        self.take_back(&one).await
    }

    /// Something that is queued, or was refused, is given up.
    pub(super) async fn take_back(&mut self, one: &PendingOperation) -> StoreResult<()> {
        let what = kind(&one.action);
        let subject = one.message.and_then(|message| subject_of(self.store.path(), message));
        self.note(&json!({"do": "drop", "what": what, "subject": subject, "operation": one.id.to_string()}));
        self.store.drop_operation(one.id).await?;
        self.note(&json!({"end": "done"}));
        Ok(())
    }

    /// The user reads: pages, conversations, bodies, what a search finds here and at the server.
    async fn look(&mut self, mailbox: &Seen) -> StoreResult<()> {
        let page = self.store.mailbox(mailbox.id).page(PageBy::newest(), None).await?;
        let Some(one) = self.dice.pick(&page.messages).cloned() else { return Ok(()) };
        let subject = one.subject.clone().unwrap_or_default();
        match self.dice.roll(4) {
            0 => {
                let thread = self.store.thread(one.id).await?;
                assert!(format!("{thread:?}").contains(&subject), "{subject} in {thread:?}");
            }
            1 => {
                let search = self.store.search_joined(format!("\"{subject}\"")).await?;
                _ = tokio::time::timeout(PATIENCE, search.joined()).await;
            }
            _ => match tokio::time::timeout(PATIENCE, self.store.body(one.id)).await {
                Ok(Ok(bytes)) => {
                    let field = format!("\r\nSubject: {subject}\r\n");
                    if !bytes.windows(field.len()).any(|window| window == field.as_bytes()) {
                        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
                        self.note(&json!({"wrong": "a body", "of": subject, "is": text}));
                    }
                }
                Ok(Err(error)) if error.kind() == StoreErrorKind::Corrupt => {
                    self.note(&json!({"wrong": error.to_string()}));
                }
                _ => {}
            },
        }
        Ok(())
    }

    /// A mailbox is made, or one of the user's own gets another name, or goes if it is empty.
    async fn folders(&mut self, one: Seen) -> StoreResult<()> {
        let fresh = self.fresh(BOX).replace(' ', "-");
        if !one.name.starts_with(BOX) {
            self.note(&json!({"do": "create", "mailbox": fresh}));
            self.store.create_mailbox(one.account, &fresh).await?;
        } else if self.is_empty(&self.store.mailbox(one.id)).await? {
            self.note(&json!({"do": "remove", "mailbox": one.name}));
            self.store.delete_mailbox(one.id).await?;
        } else {
            self.note(&json!({"do": "rename", "mailbox": one.name, "to": fresh}));
            self.store.rename_mailbox(one.id, &fresh).await?;
        }
        self.note(&json!({"end": "done"}));
        Ok(())
    }

    async fn is_empty(&self, mailbox: &LocalMailbox) -> StoreResult<bool> {
        let is_counted = mailbox.info().await?.messages > 0;
        Ok(!is_counted && mailbox.page(PageBy::newest(), None).await?.messages.is_empty())
    }
}
