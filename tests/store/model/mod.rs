//! Random histories: what a server and other clients do, what a user does, connections that break,
//! answers that are cut off or refused, programs that are killed. At each quiet point store, server
//! and what has to be agree: nothing lost, nothing done twice.
//!
//! `IMAP_DUPLEX_HISTORIES` chooses how many, `IMAP_DUPLEX_HISTORY` a single one.

mod others;
mod truth;
mod user;

use std::collections::BTreeMap;
use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::{BodyPolicy, OperationState, StoreErrorKind, SyncPolicy};
use imap_duplex::testing::{Quirk, Server, StoredMailbox};
use imap_duplex::types::{Flag, Flags};
use tokio::time::sleep;

use self::truth::Truth;
use crate::support::within;
use crate::world::{Client, Dice, LIMIT, World, message, plain};

const SERVERS: [&[&str]; 5] = [
    &[],
    &["QRESYNC"],
    &["OBJECTID", "QRESYNC", "CONDSTORE"],
    &["UIDPLUS", "IMAP4rev2"],
    &["MOVE", "IMAP4rev2", "QRESYNC"],
];
const STEPS: usize = 60;
const TRASH: &str = "Trash";
/// A mailbox that others delete and make again.
const DOOMED: &str = "Doomed";
/// Those in which there is mail from the beginning.
const MAILBOXES: [&str; 5] = ["INBOX", "Work", "Archive", TRASH, DOOMED];
/// Sets of flags that the user changes.
const FLAGS: [&str; 3] = ["\\Flagged", "$Mine", "todo"];

struct History {
    dice: Dice,
    world: World,
    client: Option<Client>,
    truth: BTreeMap<String, Truth>,
    backup: Option<StoredMailbox>,
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
            backup: None,
            next: 0,
            log: vec![format!("seed {seed}, without {lacks:?}")],
        };
        for mailbox in MAILBOXES {
            if !["INBOX", TRASH].contains(&mailbox) {
                history.world.server.create(mailbox);
            }
            for _ in 0..3 {
                history.deliver(mailbox);
            }
        }
        history
    }

    fn note(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    /// Of a new message.
    fn subject(&mut self) -> String {
        self.next += 1;
        let subject = format!("number {}", self.next);
        self.truth.insert(subject.clone(), Truth::new());
        subject
    }

    fn truth(&mut self, subject: &str) -> &mut Truth {
        self.truth.entry(subject.to_owned()).or_default()
    }

    async fn step(&mut self) {
        match self.dice.roll(28) {
            0 | 1 => {
                let mailbox = ["INBOX", "Work", "Archive", "Other", DOOMED][self.dice.roll(5)];
                self.deliver(mailbox);
            }
            2 | 3 => self.others_flag(),
            4 => self.others_expunge(),
            5 => self.others_move(),
            6..=16 => {
                let done = self.user().await;
                if let Err(error) = done {
                    assert_eq!(error.kind(), StoreErrorKind::NotFound, "{error:?}: {:#?}", self.log);
                }
            }
            17 | 18 => {
                self.note("the connection breaks");
                let silently = self.dice.roll(2) == 0;
                self.world.server.disconnect(silently);
            }
            19 | 20 => {
                if let Some(client) = self.client.take() {
                    self.note("the program is killed");
                    client.crash().await;
                }
            }
            21 if self.dice.roll(3) == 0 => self.quiet().await,
            22 if self.dice.roll(2) == 0 => self.renumber(),
            23 => self.others_rename(),
            24 => self.others_make_again(),
            25 if self.dice.roll(2) == 0 => self.restore(),
            26 | 27 => self.disturb(),
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

    fn policy(&mut self) -> SyncPolicy {
        let policy = match self.dice.roll(4) {
            0 => SyncPolicy::new().follow("Work"),
            1 => SyncPolicy::new().follow_none(),
            _ => SyncPolicy::new(),
        };
        match self.dice.roll(4) {
            0 => policy.bodies(BodyPolicy::all().max_bytes(1_000)),
            1 => policy.bodies(BodyPolicy::all()),
            _ => policy,
        }
    }

    async fn start(&mut self) {
        self.note("the program starts");
        let policy = self.policy();
        self.client = Some(self.world.client_by(Policy::default(), policy).await);
    }

    /// All that was to be done is done, or was refused and is given up.
    async fn quiet(&mut self) {
        if self.client.is_none() {
            self.start().await;
        }
        self.note("quiet");
        loop {
            let Some(client) = &self.client else { return };
            client.in_step().await;
            let operations = client.store.operations().await.expect("readable");
            let Some(parked) = operations.iter().find(|one| one.state == OperationState::Parked) else {
                assert!(operations.is_empty(), "{operations:?}: {:#?}", self.log);
                break;
            };
            let parked = parked.clone();
            self.note(format!("parked: {parked:?}"));
            self.take_back(&parked).await.expect("it is parked");
        }
        let Some(client) = &self.client else { return };
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
            let there = found.remove(subject).unwrap_or_default();
            // Without UIDPLUS what the user removes stays, marked.
            let there: Vec<Flags> =
                there.into_iter().filter(|flags| !flags.contains(&Flag::Deleted)).collect();
            assert!(
                truth.allows(there.len()),
                "{subject}: {} of it, {truth:?}: {:#?}",
                there.len(),
                self.log
            );
            let [flags] = there.as_slice() else { continue };
            for (flag, has) in truth.known() {
                let is = flags.contains(&Flag::new(flag));
                assert_eq!(is, has, "{subject}, {flag}, {truth:?}: {:#?}", self.log);
            }
        }
        assert!(found.is_empty(), "from nowhere: {found:?}: {:#?}", self.log);
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
