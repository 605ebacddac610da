//! The program that is killed: a user at work, who notes in a journal what is to be done before it
//! is, and that it was afterwards.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::account::{Account, Policy};
use imap_duplex::store::{
    AccountId, Attachment, BodyPolicy, MailboxId, OperationState, Store, StoreResult, SyncPolicy,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{BOX, MAILBOXES};
use crate::support::PASSWORD;
use crate::world::Dice;

/// Opens the store, works on it, online or off, until it is killed. `mode` is `off`, `on`, or
/// `end`: then it brings all in step, gives up what the server has refused for good, and ends.
pub(super) async fn run(orders: Value) {
    let text = |name: &str| orders[name].as_str().expect("a text").to_owned();
    let store = Store::open(text("store")).await.expect("a store, whole at any moment");
    let account = account(&orders);
    let journal = OpenOptions::new().append(true).create(true).open(text("journal")).expect("a file");
    let dice = Dice(orders["seed"].as_u64().expect("a number"));
    let mut user = User { store, account, dice, journal, attachment: None };
    user.note(&json!({"start": orders["mode"]}));
    if orders["mode"] == "end" {
        return user.end().await;
    }
    if orders["mode"] == "on" {
        user.attach().await.expect("attached");
    }
    loop {
        if let Err(error) = user.work(orders["mode"] == "on").await {
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

/// Dovecot takes longer than a second over an APPEND where all processors are busy.
fn policy() -> SyncPolicy {
    SyncPolicy::new().repeat_after(Duration::from_secs(5))
}

/// The user, and what the user has.
pub(super) struct User {
    pub(super) store: Store,
    account: Account,
    pub(super) dice: Dice,
    journal: File,
    attachment: Option<Attachment>,
}

/// A mailbox as the user sees it.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) id: MailboxId,
    pub(super) account: AccountId,
    pub(super) name: String,
}

impl User {
    /// One line, in the hands of the system before what follows is done.
    pub(super) fn note(&mut self, line: &Value) {
        let mut line = line.clone();
        line["at"] = json!(since_1970());
        self.journal.write_all(format!("{line}\n").as_bytes()).expect("written");
    }

    /// All is brought in step.
    async fn end(&mut self) {
        let attachment = self.store.attach_with(&self.account, policy()).await.expect("attached");
        // What waited for one that is given up may be refused, too.
        for _ in 0..100 {
            attachment.in_step().await.expect("in step");
            let left = self.store.operations().await.expect("readable");
            let Some(parked) = left.iter().find(|one| one.state == OperationState::Parked) else {
                assert!(left.is_empty(), "{left:#?}");
                return;
            };
            self.note(&json!({"parked": parked}));
            self.take_back(parked).await.expect("it is parked");
        }
        panic!("operations without end: {:#?}", self.store.operations().await);
    }

    /// From now on in step, with a policy of its own.
    pub(super) async fn attach(&mut self) -> StoreResult<()> {
        let policy = policy();
        let policy = match self.dice.roll(6) {
            0 => policy.follow("Work"),
            1 => policy.follow_none(),
            _ => policy,
        };
        let policy = match self.dice.roll(4) {
            // Less than there is: they are removed for each other.
            0 => policy.bodies(BodyPolicy::all().max_bytes(60_000)),
            1 => policy.bodies(BodyPolicy::newest_days(3)),
            2 => policy.bodies(BodyPolicy::mailboxes(["Work", "INBOX"])),
            _ => policy,
        };
        self.attachment = Some(self.store.attach_with(&self.account, policy).await?);
        Ok(())
    }

    /// Not in step any more, or again.
    pub(super) async fn turn(&mut self) -> StoreResult<()> {
        match self.attachment.take() {
            Some(attachment) if self.dice.roll(2) == 0 => {
                attachment.stop().await;
                Ok(())
            }
            Some(attachment) => {
                drop(attachment);
                Ok(())
            }
            None => self.attach().await,
        }
    }

    /// The mailboxes in which the user works.
    pub(super) async fn mailboxes(&self) -> StoreResult<Vec<Seen>> {
        let mailboxes = self.store.mailboxes().await?.into_iter();
        let mailboxes = mailboxes.filter(|one| one.is_selectable());
        let seen = mailboxes.map(|one| Seen { id: one.id, account: one.account, name: one.name.to_string() });
        Ok(seen.filter(|one| MAILBOXES.contains(&one.name.as_str()) || one.name.starts_with(BOX)).collect())
    }
}
