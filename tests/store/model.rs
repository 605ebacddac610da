//! Random histories: other clients change mailboxes, the user works, connections break, the program
//! is killed. At each quiet point store, server and truth agree: nothing lost, nothing done twice.
//!
//! `IMAP_DUPLEX_HISTORIES` chooses how many, `IMAP_DUPLEX_HISTORY` a single one.

use std::collections::BTreeMap;
use std::time::Duration;

use imap_duplex::store::{MailboxId, MessageSummary, NewMessage, StoreErrorKind, StoreResult};
use imap_duplex::testing::{Quirk, Server};
use imap_duplex::types::{Flag, Flags, Uid, UidValidity};
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, Dice, LIMIT, World, all, message, plain};

const SERVERS: [&[&str]; 5] = [
    &[],
    &["QRESYNC"],
    &["OBJECTID", "QRESYNC", "CONDSTORE"],
    &["UIDPLUS", "IMAP4rev2"],
    &["MOVE", "IMAP4rev2", "QRESYNC"],
];
const STEPS: usize = 60;

/// What has to be of a message, by its subject.
#[derive(Clone, Debug)]
struct Truth {
    /// How many of it there are.
    count: usize,
    /// Someone else removed one while the user may have worked on it: there are at most so many.
    is_loose: bool,
    /// It was copied: which one has which flags is not followed.
    is_copied: bool,
    flagged: bool,
    answered: bool,
}

impl Truth {
    fn new() -> Self {
        Self { count: 1, is_loose: false, is_copied: false, flagged: false, answered: false }
    }
}

struct History {
    dice: Dice,
    world: World,
    client: Option<Client>,
    truth: BTreeMap<String, Truth>,
    next: usize,
    log: Vec<String>,
}

impl History {
    fn new(seed: u64) -> Self {
        let lacks = SERVERS[usize::try_from(seed).expect("few") % SERVERS.len()];
        let server = Server::builder().without(lacks.iter().copied());
        // Two of three servers report changes late, or hide some; without CONDSTORE nothing would
        // say that there are hidden ones.
        let server = match seed % 3 {
            0 => server,
            2 if !lacks.contains(&"CONDSTORE") => server.quirk(Quirk::FetchHidesFlags),
            _ => server.quirk(Quirk::LateSync),
        };
        let server = server.start();
        let mut history = Self {
            dice: Dice(seed),
            world: World::new(server),
            client: None,
            truth: BTreeMap::new(),
            next: 0,
            log: vec![format!("seed {seed}, without {lacks:?}")],
        };
        for mailbox in ["INBOX", "Work", "Archive"] {
            if mailbox != "INBOX" {
                history.world.server.create(mailbox);
            }
            for _ in 0..4 {
                history.deliver(mailbox);
            }
        }
        history
    }

    fn subject(&mut self) -> String {
        self.next += 1;
        let subject = format!("number {}", self.next);
        self.truth.insert(subject.clone(), Truth::new());
        subject
    }

    fn deliver(&mut self, mailbox: &str) {
        let subject = self.subject();
        self.log.push(format!("server: {subject} arrives in {mailbox}"));
        self.world.server.deliver(mailbox, message(&subject));
    }

    /// A message at the server.
    fn any_at_server(&mut self) -> Option<(String, Uid, String)> {
        let all: Vec<(String, Uid, String)> = self
            .world
            .server
            .mailboxes()
            .into_iter()
            .filter_map(|name| self.world.server.mailbox(name))
            .flat_map(|mailbox| {
                let name = mailbox.name.to_string();
                let messages = mailbox.messages.into_iter();
                messages.map(move |message| (name.clone(), message.uid, subject_of(&message.bytes)))
            })
            .collect();
        self.dice.pick(&all).cloned()
    }

    async fn step(&mut self) {
        match self.dice.roll(20) {
            0 | 1 => {
                let mailbox = ["INBOX", "Work", "Archive", "Other"][self.dice.roll(4)];
                self.deliver(mailbox);
            }
            2 | 3 => self.others_flag(),
            4 => self.others_expunge(),
            5..=12 => {
                let done = self.user().await;
                if let Err(error) = done {
                    assert_eq!(error.kind(), StoreErrorKind::NotFound, "{error:?}: {:#?}", self.log);
                }
            }
            13 | 14 => {
                self.log.push("the connection breaks".to_owned());
                let silently = self.dice.roll(2) == 0;
                self.world.server.disconnect(silently);
            }
            15 | 16 => {
                if let Some(client) = self.client.take() {
                    self.log.push("the program is killed".to_owned());
                    client.crash().await;
                }
            }
            17 if self.dice.roll(3) == 0 => self.quiet().await,
            18 if self.dice.roll(2) == 0 => self.renumber(),
            19 => self.others_rename(),
            _ => {}
        }
        if self.client.is_none() && self.dice.roll(3) == 0 {
            self.start().await;
        }
        // Any step of what goes on.
        let pause = [0, 0, 1, 2, 5, 20, 300, 1500][self.dice.roll(8)];
        for _ in 0..self.dice.roll(30) {
            tokio::task::yield_now().await;
        }
        if pause > 0 {
            sleep(Duration::from_millis(pause)).await;
        }
    }

    fn others_flag(&mut self) {
        let Some((mailbox, uid, subject)) = self.any_at_server() else { return };
        let answered = self.dice.roll(2) == 0;
        self.log.push(format!("server: {subject} in {mailbox} answered: {answered}"));
        if answered {
            self.world.server.add_flags(mailbox, uid, Flag::Answered);
        } else {
            self.world.server.remove_flags(mailbox, uid, Flag::Answered);
        }
        if let Some(truth) = self.truth.get_mut(&subject) {
            truth.answered = answered;
        }
    }

    fn others_expunge(&mut self) {
        let Some((mailbox, uid, subject)) = self.any_at_server() else { return };
        self.log.push(format!("server: {subject} in {mailbox} is expunged"));
        self.world.server.expunge(mailbox, uid);
        if let Some(truth) = self.truth.get_mut(&subject) {
            truth.is_loose = true;
        }
    }

    /// A mailbox gets another UIDVALIDITY, and its messages other UIDs.
    fn renumber(&mut self) {
        let mailbox = ["INBOX", "Work", "Archive"][self.dice.roll(3)];
        self.next += 1;
        let validity = 4_000_000_000 + u32::try_from(self.next).expect("few");
        self.log.push(format!("server: {mailbox} gets UIDVALIDITY {validity}"));
        self.world.server.change_uid_validity(mailbox, UidValidity::new(validity).expect("not zero"));
    }

    /// Another client renames a mailbox, while messages come and go in it.
    fn others_rename(&mut self) {
        let is_there = |name: &str| self.world.server.mailbox(name).is_some();
        let (from, to) = match (is_there("Other"), is_there("Another")) {
            (true, false) => ("Other", "Another"),
            (false, true) => ("Another", "Other"),
            _ => return,
        };
        self.log.push(format!("server: {from} is renamed to {to}"));
        self.world.server.rename(from, to);
        if self.dice.roll(2) == 0 {
            self.deliver(to);
        }
    }

    /// The user makes a mailbox, or gives one of these another name, or removes it while it is
    /// empty.
    async fn folders(&mut self) -> StoreResult<()> {
        let Some(client) = &self.client else { return Ok(()) };
        let store = client.store.clone();
        let mailboxes = store.mailboxes().await?;
        let boxes: Vec<_> = mailboxes.iter().filter(|one| one.name.as_str().starts_with("Box")).collect();
        self.next += 1;
        let fresh = format!("Box {}", self.next);
        match (self.dice.pick(&boxes), self.dice.roll(4)) {
            (Some(one), 0) if one.messages == 0 && all(&store.mailbox(one.id)).await.is_empty() => {
                self.log.push(format!("user: {} is removed", one.name));
                store.delete_mailbox(one.id).await
            }
            (Some(one), 1..) => {
                self.log.push(format!("user: {} is renamed to {fresh}", one.name));
                store.rename_mailbox(one.id, &fresh).await
            }
            _ => {
                self.log.push(format!("user: {fresh} is made"));
                store.create_mailbox(client.attachment.account(), &fresh).await.map(|_| ())
            }
        }
    }

    async fn start(&mut self) {
        self.log.push("the program starts".to_owned());
        self.client = Some(self.world.client().await);
    }

    async fn seen(&mut self) -> StoreResult<Option<(MessageSummary, Vec<MailboxId>)>> {
        let Some(client) = &self.client else { return Ok(None) };
        let all = client.store.search("").await?;
        let mailboxes = client.store.mailboxes().await?;
        let mailboxes = mailboxes.iter().filter(|mailbox| mailbox.is_selectable()).map(|mailbox| mailbox.id);
        let mailboxes = mailboxes.collect();
        Ok(self.dice.pick(&all).cloned().map(|message| (message, mailboxes)))
    }

    async fn user(&mut self) -> StoreResult<()> {
        let what = self.dice.roll(11);
        if what == 10 {
            return self.folders().await;
        }
        let Some((one, mailboxes)) = self.seen().await? else { return Ok(()) };
        let Some(client) = &self.client else { return Ok(()) };
        let store = client.store.clone();
        let subject = one.subject.clone().unwrap_or_default();
        let Some(target) = self.dice.pick(&mailboxes).copied() else { return Ok(()) };
        match what {
            0..=3 => {
                let flagged = self.dice.roll(2) == 0;
                self.log.push(format!("user: {subject} flagged: {flagged}"));
                let (add, remove) = match flagged {
                    true => (Flag::Flagged.into(), Flags::new()),
                    false => (Flags::new(), Flag::Flagged.into()),
                };
                store.flag([one.id], add, remove).await?;
                if let Some(truth) = self.truth.get_mut(&subject) {
                    truth.flagged = flagged;
                }
            }
            4..=6 => {
                self.log.push(format!("user: {subject} ({}) moves to {target}", one.id));
                store.move_to([one.id], target).await?;
            }
            7 => {
                self.log.push(format!("user: {subject} ({}) is copied to {target}", one.id));
                store.copy_to(one.id, target).await?;
                // A copy of what is marked as deleted is marked, too.
                let is_marked = one.flags.contains(&Flag::Deleted);
                if let Some(truth) = self.truth.get_mut(&subject).filter(|_| !is_marked) {
                    truth.count += 1;
                    truth.is_copied = true;
                }
            }
            8 if self.dice.roll(2) == 0 => {
                let newer = self.subject();
                self.log.push(format!(
                    "user: {newer} is written into {target} in place of {subject} ({})",
                    one.id
                ));
                // If the newer one is removed before the older one is, that stays.
                if let Some(truth) = self.truth.get_mut(&subject) {
                    truth.is_loose = true;
                }
                if let Err(error) = store.replace(one.id, target, NewMessage::new(message(&newer))).await {
                    self.truth.remove(&newer);
                    return Err(error);
                }
            }
            8 => {
                let subject = self.subject();
                self.log.push(format!("user: {subject} is written into {target}"));
                if let Err(error) = store.append(target, NewMessage::new(message(&subject))).await {
                    self.truth.remove(&subject);
                    return Err(error);
                }
            }
            _ => {
                self.log.push(format!("user: {subject} ({}) is removed", one.id));
                store.expunge([one.id]).await?;
                if let Some(truth) = self.truth.get_mut(&subject) {
                    truth.count = truth.count.saturating_sub(1);
                }
            }
        }
        Ok(())
    }

    /// All that was to be done is done.
    async fn quiet(&mut self) {
        if self.client.is_none() {
            self.start().await;
        }
        self.log.push("quiet".to_owned());
        let Some(client) = &self.client else { return };
        client.in_step().await;
        let operations = client.store.operations().await.expect("readable");
        assert!(operations.is_empty(), "{operations:?}: {:#?}", self.log);
        let (here, there) = (crate::world::mirror(&client.store).await, self.world.truth());
        assert_eq!(here, there, "the store, and the server: {:#?}", self.log);
        self.world.check_rows();
        let mut found: BTreeMap<String, Vec<Flags>> = BTreeMap::new();
        for name in self.world.server.mailboxes() {
            let mailbox = self.world.server.mailbox(name).expect("listed");
            for message in mailbox.messages {
                found.entry(subject_of(&message.bytes)).or_default().push(plain(&message.flags));
            }
        }
        for (subject, truth) in &self.truth {
            let there = found.get(subject).map(Vec::as_slice).unwrap_or_default();
            // Without UIDPLUS what the user removes stays, marked.
            let there: Vec<&Flags> = there.iter().filter(|flags| !flags.contains(&Flag::Deleted)).collect();
            let right = if truth.is_loose { there.len() <= truth.count } else { there.len() == truth.count };
            assert!(right, "{subject}: {} of it, {truth:?}: {:#?}", there.len(), self.log);
            if let ([flags], false, false) = (there.as_slice(), truth.is_loose, truth.is_copied) {
                let now = (flags.contains(&Flag::Flagged), flags.contains(&Flag::Answered));
                assert_eq!(now, (truth.flagged, truth.answered), "{subject}: {:#?}", self.log);
            }
        }
    }
}

fn subject_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned()
}

fn histories() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("IMAP_DUPLEX_HISTORY") {
        Some(one) => vec![one],
        None => (0..number("IMAP_DUPLEX_HISTORIES").unwrap_or(5)).collect(),
    }
}

#[test]
fn store_server_and_truth_agree() {
    for seed in histories() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(within(LIMIT, async {
            let mut history = History::new(seed);
            for _ in 0..STEPS {
                history.step().await;
            }
            history.quiet().await;
        }));
    }
}
