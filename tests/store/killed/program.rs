//! The program that is killed: a user at work, who notes in a journal what is to be done before it
//! is, and that it was afterwards.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::account::{Account, Policy};
use imap_duplex::store::{
    AccountId, LocalMailbox, MailboxId, MessageSummary, NewMessage, PageBy, Store, StoreResult,
};
use imap_duplex::types::{Flag, Flags};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{BOX, MAILBOXES, TRASH};
use crate::support::PASSWORD;
use crate::world::{Dice, message};

/// Opens the store, works on it, online or off, until it is killed. `mode` is `off`, `on`, or
/// `end`: then it brings all in step, and ends.
pub(super) async fn run(orders: Value) {
    let text = |name: &str| orders[name].as_str().expect("a text").to_owned();
    let store = Store::open(text("store")).await.expect("a store, whole at any moment");
    let account = account(&orders);
    let attachment = match orders["mode"].as_str() {
        Some("off") => None,
        _ => Some(store.attach(&account).await.expect("attached")),
    };
    if let (Some("end"), Some(attachment)) = (orders["mode"].as_str(), &attachment) {
        attachment.in_step().await.expect("in step");
        let left = store.operations().await.expect("readable");
        assert!(left.is_empty(), "{left:#?}");
        return;
    }
    let journal = OpenOptions::new().append(true).create(true).open(text("journal")).expect("a file");
    let dice = Dice(orders["seed"].as_u64().expect("a number"));
    let mut user = User { store, dice, journal };
    user.note(&json!({"start": orders["mode"]}));
    loop {
        if let Err(error) = user.work().await {
            user.note(&json!({"end": "failed", "why": error.to_string()}));
        }
        sleep(Duration::from_millis([0, 0, 1, 5, 20, 60][user.dice.roll(6)])).await;
    }
}

/// In seconds, so that the journal can be compared with logs.
pub(super) fn since_1970() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs_f64())
}

fn account(orders: &Value) -> Account {
    let port = u16::try_from(orders["port"].as_u64().expect("a number")).expect("a port");
    let config = Config::new("127.0.0.1")
        .port(port)
        .plaintext()
        .allow_plaintext_login(true)
        .login(orders["user"].as_str().expect("a text"), PASSWORD);
    let mut policy = Policy::default();
    (policy.max_redials, policy.max_backoff) = (1000, Duration::from_millis(200));
    policy.host_spacing = Duration::from_millis(1);
    Account::builder(config).policy(policy).open()
}

struct User {
    store: Store,
    dice: Dice,
    journal: File,
}

/// A mailbox as the user sees it.
#[derive(Clone)]
struct Seen {
    id: MailboxId,
    account: AccountId,
    name: String,
}

impl User {
    /// One line, in the hands of the system before what follows is done.
    fn note(&mut self, line: &Value) {
        let mut line = line.clone();
        line["at"] = json!(since_1970());
        self.journal.write_all(format!("{line}\n").as_bytes()).expect("written");
    }

    fn fresh(&mut self, what: &str) -> String {
        format!("{what} {:x}{:x}", self.dice.roll(1 << 30), self.dice.roll(1 << 30))
    }

    /// One thing that a user does.
    async fn work(&mut self) -> StoreResult<()> {
        let mailboxes = self.store.mailboxes().await?.into_iter();
        let mailboxes = mailboxes.filter(|one| one.is_selectable());
        let mailboxes: Vec<Seen> = mailboxes
            .map(|one| Seen { id: one.id, account: one.account, name: one.name.to_string() })
            .filter(|one| MAILBOXES.contains(&one.name.as_str()) || one.name.starts_with(BOX))
            .collect();
        let Some(target) = self.dice.pick(&mailboxes).cloned() else { return Ok(()) };
        match self.dice.roll(16) {
            0 => self.folders(target).await,
            1..=3 => self.append(target).await,
            what => {
                let all = self.store.search("").await?;
                match self.dice.pick(&all).cloned() {
                    Some(one) => self.change(what, one, target, &mailboxes).await,
                    None => self.append(target).await,
                }
            }
        }
    }

    async fn append(&mut self, target: Seen) -> StoreResult<()> {
        let subject = self.fresh("own");
        self.note(&json!({"do": "append", "subject": subject, "target": target.name}));
        self.store.append(target.id, NewMessage::new(message(&subject))).await?;
        self.note(&json!({"end": "done"}));
        Ok(())
    }

    async fn change(
        &mut self,
        what: usize,
        one: MessageSummary,
        target: Seen,
        mailboxes: &[Seen],
    ) -> StoreResult<()> {
        let subject = one.subject.clone().unwrap_or_default();
        let is_in_trash = mailboxes.iter().any(|seen| seen.id == one.mailbox && seen.name == TRASH);
        let name = match what {
            4..=6 => "flag",
            7 => "unflag",
            8..=10 => "move",
            11 => "copy",
            12 => "replace",
            // To the Trash; what is there goes for good.
            13 | 14 if !is_in_trash => "delete",
            _ => "expunge",
        };
        if name == "replace" {
            let newer = self.fresh("newer");
            self.note(&json!({"do": name, "subject": newer, "older": subject, "target": target.name}));
            self.store.replace(one.id, target.id, NewMessage::new(message(&newer))).await?;
            self.note(&json!({"end": "done"}));
            return Ok(());
        }
        self.note(&json!({"do": name, "subject": subject, "target": target.name, "id": one.id.to_string()}));
        match name {
            "flag" => self.store.flag([one.id], Flag::Flagged, Flags::new()).await?,
            "unflag" => self.store.flag([one.id], Flags::new(), Flag::Flagged).await?,
            "move" => self.store.move_to([one.id], target.id).await?,
            "copy" => _ = self.store.copy_to(one.id, target.id).await?,
            "delete" => self.store.delete([one.id]).await?,
            _ if is_in_trash => self.store.delete([one.id]).await?,
            _ => self.store.expunge([one.id]).await?,
        }
        self.note(&json!({"end": "done"}));
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
