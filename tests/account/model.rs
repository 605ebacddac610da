//! Random programs: what clients, and servers that contradict themselves, do to mailboxes, with
//! cuts, faults of the network and of stores, and with ends of the program as `kill -9` leaves it.
//! One program or two watch one account, over one connection or more, each as it is set up; with
//! some a store is attached to it, too. After each quiet point the sum of the stream is the
//! mailbox, and the watch says that all is in step.
//!
//! `IMAP_DUPLEX_PROGRAMS` says how many there are, `IMAP_DUPLEX_SEED` where they begin.

mod faults;
mod lies;
mod others;
mod programs;
mod selecting;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use imap_duplex::Result;
use imap_duplex::account::{Account, Change, ChangeKind, Policy};
use imap_duplex::testing::{Quirk, Server, StoredMailbox};
use imap_duplex::types::{Flag, MailboxName, ModSeq, Uid, UidValidity};
use tokio::time::timeout;

use self::lies::{Lie, lies};
use self::others::Kept;
use self::programs::{Program, Tags};
use crate::credentials::Provider;
use crate::rewritten::{Rule, as_it_is};
use crate::support::within;
use crate::watch::QUIET;
use crate::{LIMIT, World};

/// Random numbers that repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % below.max(1)
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        all.get(self.below(all.len())).cloned()
    }
}

/// More than the steps of a round come to.
const MAX_CHANGES: u32 = 300;

/// Programs that believe the stream, and what it is of.
struct Model {
    random: Random,
    world: World,
    provider: Provider,
    current_password: String,
    /// As long as the programs run.
    account: Option<Account>,
    programs: Vec<Program>,
    /// A store, if there is one.
    kept: Kept,
    tags: Tags,
    backups: BTreeMap<MailboxName, StoredMailbox>,
    lie: Option<Lie>,
    numbers: u32,
    history: Vec<String>,
}

impl Drop for Model {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[allow(clippy::print_stderr, reason = "the program that failed")]
            {
                eprintln!("---- the program\n{}\n----", self.history.join("\n"));
            }
        }
    }
}

fn server(random: &mut Random) -> (String, Server) {
    let without: [&[&str]; 7] = [
        &[],
        &["NOTIFY"],
        &["NOTIFY", "OBJECTID"],
        &["NOTIFY", "QRESYNC"],
        &["NOTIFY", "CONDSTORE", "OBJECTID"],
        &["NOTIFY", "LIST-STATUS", "OBJECTID"],
        &["NOTIFY", "LIST-EXTENDED", "LIST-STATUS", "IMAP4rev2"],
    ];
    let without = random.one_of(&without).unwrap_or_default();
    let mut builder = Server::builder().without(without.iter().copied());
    let is_late = random.below(3) == 0;
    if is_late {
        builder = builder.quirk(Quirk::LateSync);
    }
    (format!("without {without:?}, late: {is_late}"), builder.start())
}

impl Model {
    async fn start(seed: u64) -> Self {
        let mut random = Random(seed);
        let (what, server) = server(&mut random);
        let world = World::rewriting(server);
        for name in ["Work", "Lists"] {
            world.server.create(name);
            for number in 0..random.below(5) {
                world.server.deliver(name, format!("Subject: {name} {number}\r\n\r\n"));
            }
        }
        let provider = Provider::default();
        let current_password = world.server.password().to_owned();
        provider.has(&current_password, &current_password);
        let mut tags = Tags { sent: Some("Sent".into()), ..Tags::default() };
        for name in world.server.mailboxes() {
            let is = ["INBOX", "Work"].contains(&name.as_str());
            world.server.subscribe(name.clone(), is);
            if is {
                tags.subscribed.insert(name);
            }
        }
        let programs = (0..1 + random.below(4) / 3).map(|_| Program::new(&mut random)).collect();
        let kept = Kept::one_of(&mut random).await;
        let history = vec![format!("seed {seed}: {what}")];
        let (backups, lie, numbers) = (BTreeMap::new(), None, 0);
        let mut model = Self {
            random,
            world,
            provider,
            current_password,
            account: None,
            programs,
            kept,
            tags,
            backups,
            lie,
            numbers,
            history,
        };
        model.begin().await;
        model
    }

    /// The programs begin, as one process.
    async fn begin(&mut self) {
        let mut policy = Policy::default();
        policy.max_connections = 1 + self.random.below(5).min(3 - 1);
        self.note(format!("the program begins: {} connections", policy.max_connections));
        let account = self.world.account_by(self.provider.config(&self.world), policy);
        for program in &mut self.programs {
            self.history.push(format!("    {:?}", program.setup));
            program.begin(&account, &self.world.server, &self.tags).await;
        }
        self.kept.begin(&account).await;
        self.account = Some(account);
    }

    fn account(&self) -> &Account {
        self.account.as_ref().expect("it runs")
    }

    fn note(&mut self, what: impl Into<String>) {
        self.history.push(what.into());
    }

    fn any_mailbox(&mut self) -> MailboxName {
        let all = self.world.server.mailboxes();
        self.random.one_of(&all).unwrap_or(MailboxName::INBOX)
    }

    /// Any but INBOX, which is there for ever.
    fn any_other(&mut self) -> Option<MailboxName> {
        let mut all = self.world.server.mailboxes();
        all.retain(|name| *name != MailboxName::INBOX);
        self.random.one_of(&all)
    }

    fn any_message(&mut self, mailbox: &MailboxName) -> Option<(Uid, bool)> {
        let all = self.world.server.mailbox(mailbox.clone())?.messages;
        let at = self.random.below(all.len());
        all.get(at).map(|message| (message.uid, message.flags.contains(&Flag::Flagged)))
    }

    fn number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    fn deliver(&mut self, mailbox: &MailboxName) {
        let number = self.number();
        let uid = self.world.server.deliver(
            mailbox.clone(),
            format!("Subject: {number}\r\n\r\n{}", "x".repeat(number as usize % 50)),
        );
        self.note(format!("{mailbox}: {uid} arrives"));
    }

    /// What other clients do.
    fn step(&mut self) {
        let (mailbox, server) = (self.any_mailbox(), self.world.server.clone());
        match self.random.below(14) {
            0..=3 => self.deliver(&mailbox),
            4 | 5 => {
                if let Some((uid, _)) = self.any_message(&mailbox) {
                    self.note(format!("{mailbox}: {uid} is expunged"));
                    server.expunge(mailbox, uid);
                }
            }
            6 | 7 if self.lie.is_none_or(|lie| !lie.hides_flags) => {
                if let Some((uid, is_flagged)) = self.any_message(&mailbox) {
                    self.note(format!("{mailbox}: {uid} is flagged: {}", !is_flagged));
                    match is_flagged {
                        true => server.remove_flags(mailbox, uid, Flag::Flagged),
                        false => server.add_flags(mailbox, uid, Flag::Flagged),
                    }
                }
            }
            8 if server.mailboxes().len() < 10 => {
                let number = self.number();
                let name = MailboxName::from(match self.random.below(3) {
                    0 if !server.mailboxes().contains(&"Gone".into()) => "Gone".to_owned(),
                    _ => format!("New{number}"),
                });
                self.note(format!("{name} is made"));
                server.create(name);
            }
            9 => {
                if let Some(name) = self.any_other() {
                    let to = self.random.one_of(&["Renamed", "Work"]).unwrap_or_default();
                    let to = MailboxName::from(format!("{to}{}", self.number()));
                    self.note(format!("{name} is renamed to {to}"));
                    self.backups.remove(&name);
                    if self.tags.sent.take_if(|sent| *sent == name).is_some() {
                        self.tags.sent = Some(to.clone());
                    }
                    server.rename(name, to);
                }
            }
            10 => {
                self.note("all connections are cut");
                server.disconnect(self.random.below(2) == 0);
            }
            11 => {
                let is = !self.tags.subscribed.remove(&mailbox);
                self.note(format!("{mailbox} is subscribed: {is}"));
                server.subscribe(mailbox.clone(), is);
                if is {
                    self.tags.subscribed.insert(mailbox);
                }
            }
            12 => self.lease(mailbox),
            _ => {
                if let Some(backup) = server.mailbox(mailbox.clone()) {
                    self.note(format!("{mailbox}: a backup is made"));
                    self.backups.insert(mailbox, backup);
                }
            }
        }
    }

    /// What a server does that contradicts itself; no change follows before all has been looked at.
    fn anomaly(&mut self) {
        let (mailbox, server) = (self.any_mailbox(), self.world.server.clone());
        let hides_flags = self.lie.is_some_and(|lie| lie.hides_flags);
        match self.random.below(9) {
            0 => {
                let uid_validity = UidValidity::new(100_000 + self.number()).expect("not zero");
                self.note(format!("{mailbox}: UIDVALIDITY {uid_validity}"));
                self.backups.remove(&mailbox);
                server.change_uid_validity(mailbox, uid_validity);
            }
            1 => {
                let same = UidValidity::new(4711).expect("not zero");
                let is_new = |name: &MailboxName| {
                    server.mailbox(name.clone()).is_some_and(|mailbox| mailbox.uid_validity != same)
                };
                if is_new(&mailbox) {
                    self.note(format!("{mailbox}: UIDVALIDITY 4711, as others may have"));
                    self.backups.remove(&mailbox);
                    server.change_uid_validity(mailbox, same);
                }
            }
            2 | 3 if !hides_flags => {
                if let Some(backup) = self.backups.remove(&mailbox) {
                    self.note(format!("{mailbox} is restored"));
                    server.restore(&backup);
                }
            }
            4 if !hides_flags => {
                let before = server.mailbox(mailbox.clone()).map(|mailbox| mailbox.highest_mod_seq);
                self.deliver(&mailbox);
                if let Some((uid, _)) = self.any_message(&mailbox) {
                    self.note(format!("{mailbox}: {uid} is expunged"));
                    server.expunge(mailbox.clone(), uid);
                }
                let to = if self.random.below(2) == 0 { Some(ModSeq::MIN) } else { before };
                self.note(format!("{mailbox}: HIGHESTMODSEQ {to:?}"));
                server.set_highest_mod_seq(mailbox, to.unwrap_or(ModSeq::MIN));
            }
            5 if !hides_flags => {
                let keep = self.random.below(2) == 0;
                self.note(format!("{mailbox} keeps mod-sequences: {keep}"));
                server.keep_mod_seqs(mailbox, keep);
            }
            6 => {
                if let Some(name) = self.any_other() {
                    self.note(format!("{name} is deleted"));
                    self.backups.remove(&name);
                    self.tags.sent.take_if(|sent| *sent == name);
                    server.delete(name.clone());
                    if self.random.below(2) == 0 {
                        self.note(format!("{name} is made again"));
                        server.create(name.clone());
                        (0..self.random.below(4)).for_each(|_| self.deliver(&name));
                    }
                }
            }
            7 => {
                let what = self.random.one_of(&["1:2", "1:4294967295", "4000000000:4294967295"]);
                let what = what.unwrap_or_default();
                self.note(format!("VANISHED (EARLIER) {what}"));
                server.on("EXAMINE").within(format!("* VANISHED (EARLIER) {what}\r\n"));
            }
            _ => {
                self.note("VANISHED 1:2");
                server.say("* VANISHED 1:2\r\n");
            }
        }
    }

    /// The program ends, as by `kill -9` or after all has been seen to, and begins again.
    async fn end(&mut self) {
        let is_killed = self.random.below(3) > 0;
        self.note(format!("the program ends, killed: {is_killed}"));
        if !is_killed {
            self.account().shutdown(Duration::from_secs(10)).await;
        }
        self.programs.iter_mut().for_each(Program::end);
        self.kept.end();
        self.account = None;
        // Its tasks find that out: no two programs use one file.
        tokio::time::sleep(Duration::from_secs(1)).await;
        for program in &mut self.programs {
            program.change_setup(&mut self.random);
        }
        self.begin().await;
    }

    /// The next change of any program.
    async fn next(&mut self) -> (usize, Result<Change>) {
        let mut all: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
        for program in &mut self.programs {
            all.push(Box::pin(program.changes().next()));
        }
        poll_fn(|cx| {
            for (at, next) in all.iter_mut().enumerate() {
                if let Poll::Ready(change) = next.as_mut().poll(cx) {
                    return Poll::Ready((at, change.expect("it goes on")));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Reads until nothing comes for longer than sweeps are apart where NOTIFY is trusted;
    /// acknowledges now and then, and all at the end.
    async fn read(&mut self, withholds: bool) {
        self.read_until(QUIET * 2, withholds).await;
    }

    async fn read_until(&mut self, quiet: Duration, withholds: bool) {
        let mut count = 0;
        loop {
            let Ok((at, change)) = timeout(quiet, self.next()).await else {
                if self.acknowledge().await {
                    continue;
                }
                return;
            };
            count += 1;
            assert!(count < MAX_CHANGES, "what has not changed is reported again and again");
            match change {
                Ok(change) => {
                    if change.kind != ChangeKind::InStep {
                        self.note(format!("    {at}: {change}"));
                    }
                    self.programs[at].take(change);
                }
                Err(error) if withholds || faults::is_of_store(&error) => {}
                Err(error) => panic!("{error}"),
            }
            if self.random.below(20) == 0 || self.programs[at].is_full() {
                self.acknowledge_one(at).await;
            }
            if self.random.below(60) == 0 {
                self.end().await;
            }
        }
    }

    async fn acknowledge_one(&mut self, at: usize) -> bool {
        if let Some(failure) = faults::failure(&mut self.random) {
            self.note(format!("    {at}: its next write fails: {failure:?}"));
            self.programs[at].fail(failure);
        }
        self.programs[at].acknowledge().await
    }

    /// Whether there was something that may keep anything back.
    async fn acknowledge(&mut self) -> bool {
        let mut is_full = false;
        for at in 0..self.programs.len() {
            let was_full = self.programs[at].is_full();
            is_full |= self.acknowledge_one(at).await && was_full;
        }
        is_full
    }

    async fn check(&mut self) {
        for (at, program) in self.programs.iter_mut().enumerate() {
            self.history.push(format!("    {at} is checked"));
            program.check(&self.world.server, &self.tags).await;
        }
        self.kept.check(&self.world.server).await;
    }

    async fn round(&mut self) {
        let lies = lies();
        let lie = if self.random.below(2) == 0 { self.random.one_of(&lies) } else { None };
        self.note(format!("what the server says: {}", lie.map_or("as it is", |lie| lie.name)));
        self.world.rewrite(lie.map_or(as_it_is as Rule, |lie| lie.rule));
        self.lie = lie;
        for _ in 0..self.random.below(8) {
            let before = self.taken();
            self.step();
            self.settle(&before).await;
            if self.random.below(4) == 0 {
                let pause = Duration::from_millis(self.random.below(90_000) as u64);
                tokio::time::sleep(pause).await;
            }
        }
        if self.random.below(2) == 0 {
            self.anomaly();
        }
        if self.random.below(3) == 0 {
            self.end().await;
        }
        let withholds = self.lie.is_some_and(|lie| lie.withholds);
        if self.random.below(3) == 0 {
            let is_parked = self.fault();
            // A peer that hangs is found by the next sweep, and that by a silence of two minutes.
            self.read_until(QUIET * 4, withholds || is_parked).await;
            if is_parked {
                self.log_in();
            }
        }
        self.read(withholds).await;
        if withholds {
            self.note("what the server says: as it is");
            self.world.rewrite(as_it_is);
            self.lie = None;
            self.read(true).await;
        }
        self.check().await;
    }
}

fn given(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|given| given.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test(start_paused = true)]
async fn whatever_a_server_does_the_sum_of_the_stream_is_the_mailbox() {
    within(LIMIT * 1000, async {
        let first = given("IMAP_DUPLEX_SEED", 1);
        for seed in first..first + given("IMAP_DUPLEX_PROGRAMS", 25) {
            let mut model = Model::start(seed).await;
            model.read(false).await;
            model.check().await;
            for _ in 0..6 {
                model.round().await;
            }
            model.account().shutdown(Duration::from_secs(10)).await;
        }
    })
    .await;
}
