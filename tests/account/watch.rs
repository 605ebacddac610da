//! A watch over many mailboxes: what it delivers, and what it does after cuts and restarts.

use std::collections::BTreeMap;
use std::time::Duration;

use imap_duplex::account::{
    Account, Change, ChangeKind, Changes, FileStore, MemoryStore, Policy, StateStore, Watch,
};
use imap_duplex::testing::Server;
use imap_duplex::types::{Code, Flag, Flags, MailboxName, Uid, UidSet, UidValidity};
use tokio::time::{Instant, sleep, timeout};

use crate::support::within;
use crate::{LIMIT, World};

pub(crate) fn server() -> Server {
    let server = Server::new();
    for number in 1..=3 {
        server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
    }
    server.create("Work");
    server.deliver("Work", "Subject: old\r\n\r\n");
    server
}

pub(crate) async fn start(world: &World, store: &MemoryStore) -> (Account, Changes) {
    let account = world.account();
    let changes = account.watch(Watch::all(), store.clone()).await.expect("a store in memory");
    (account, changes)
}

/// The next change that is not that all is in step; acknowledged.
pub(crate) async fn next(changes: &mut Changes) -> Change {
    loop {
        let change = changes.next().await.expect("a change").expect("no error");
        changes.ack(&change).await.expect("a store in memory");
        if change.kind != ChangeKind::InStep {
            return change;
        }
    }
}

/// All that comes until nothing has come for a while.
pub(crate) async fn all(changes: &mut Changes, quiet: Duration) -> Vec<Change> {
    let mut found = Vec::new();
    while let Ok(Some(change)) = timeout(quiet, changes.next()).await {
        found.push(change.expect("no error"));
    }
    found
}

pub(crate) const QUIET: Duration = Duration::from_secs(200);

pub(crate) fn uid(uid: u32) -> Uid {
    Uid::new(uid).expect("not zero")
}

/// The mailboxes as a program that believes the stream would have them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Mirror(pub(crate) BTreeMap<MailboxName, BTreeMap<Uid, Option<Flags>>>);

impl Mirror {
    pub(crate) fn apply(&mut self, change: &Change) {
        let mailbox = self.0.entry(change.mailbox.clone()).or_default();
        match &change.kind {
            ChangeKind::Arrived { uid, flags, .. } => _ = mailbox.insert(*uid, flags.clone()),
            ChangeKind::FlagsChanged { uid, flags, .. } => _ = mailbox.insert(*uid, Some(flags.clone())),
            ChangeKind::Expunged { uid, .. } => {
                assert!(mailbox.remove(uid).is_some(), "{change} was not there")
            }
            ChangeKind::Reset => mailbox.clear(),
            ChangeKind::Deleted => _ = self.0.remove(&change.mailbox),
            ChangeKind::Renamed { from, .. } => {
                let messages = self.0.remove(from).unwrap_or_default();
                self.0.insert(change.mailbox.clone(), messages);
            }
            _ => {}
        }
    }

    pub(crate) fn uids(&self, mailbox: &str) -> UidSet {
        self.0.get(&mailbox.into()).into_iter().flat_map(|messages| messages.keys().copied()).collect()
    }
}

pub(crate) fn is_expunged(change: &Change, number: u32) -> bool {
    matches!(&change.kind, ChangeKind::Expunged { uid: gone, .. } if *gone == uid(number))
}

#[tokio::test(start_paused = true)]
async fn what_was_there_is_not_delivered_and_what_comes_is() {
    within(LIMIT, async {
        let world = World::new(server());
        let (_account, mut changes) = start(&world, &MemoryStore::new()).await;
        let first = all(&mut changes, QUIET).await;
        assert!(first.iter().all(|change| change.kind == ChangeKind::InStep), "{first:?}");
        let new = world.server.deliver("INBOX", "Subject: new\r\n\r\n");
        let change = next(&mut changes).await;
        assert_eq!((change.mailbox.to_string().as_str(), change.uid()), ("INBOX", Some(new)));
        assert!(matches!(change.kind, ChangeKind::Arrived { .. }));
        world.server.add_flags("INBOX", new, Flag::Flagged);
        let change = next(&mut changes).await;
        let flagged = |flags: &Flags| flags.contains(&Flag::Flagged);
        assert!(matches!(&change.kind, ChangeKind::FlagsChanged { flags, .. } if flagged(flags)), "{change}");
        world.server.expunge("INBOX", uid(1));
        let change = next(&mut changes).await;
        assert!(is_expunged(&change, 1), "{change}");
        // In a mailbox that is not followed.
        let other = world.server.deliver("Work", "Subject: other\r\n\r\n");
        let change = next(&mut changes).await;
        assert_eq!((change.mailbox.to_string().as_str(), change.uid()), ("Work", Some(other)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_is_not_delivered_again_and_the_rest_is() {
    within(LIMIT, async {
        let (world, store) = (World::new(server()), MemoryStore::new());
        let (account, mut changes) = start(&world, &store).await;
        for change in all(&mut changes, QUIET).await {
            changes.ack(&change).await.expect("a store in memory");
        }
        for number in 0..4 {
            world.server.deliver("INBOX", format!("Subject: new {number}\r\n\r\n"));
        }
        world.server.add_flags("INBOX", uid(1), Flag::Answered);
        world.server.deliver("Work", "Subject: other\r\n\r\n");
        let before = all(&mut changes, QUIET).await;
        let of = |changes: &[Change], mailbox: &str| -> Vec<String> {
            let here = changes.iter().filter(|change| change.mailbox == mailbox.into());
            here.filter(|change| change.kind != ChangeKind::InStep).map(Change::id).collect()
        };
        assert_eq!((of(&before, "INBOX").len(), of(&before, "Work").len()), (5, 1), "{before:?}");
        // The second one of INBOX, and by that the first; none of Work.
        let second = before.iter().filter(|change| change.mailbox == "INBOX".into()).nth(1).expect("five");
        changes.ack(second).await.expect("a store in memory");
        drop((account, changes));
        sleep(Duration::from_secs(5)).await;
        let (_account, mut changes) = start(&world, &store).await;
        let mut after = all(&mut changes, QUIET).await;
        let sorted = |mut ids: Vec<String>| {
            ids.sort_unstable();
            ids
        };
        assert_eq!(sorted(of(&after, "INBOX")), sorted(of(&before, "INBOX")[2..].to_vec()));
        assert_eq!(of(&after, "Work"), of(&before, "Work"));
        after.retain(|change| change.mailbox == "Work".into());
        changes.ack(after.last().expect("in step")).await.expect("a store in memory");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn mailboxes_are_created_renamed_and_deleted() {
    within(LIMIT, async {
        let world = World::new(server());
        let (_account, mut changes) = start(&world, &MemoryStore::new()).await;
        all(&mut changes, QUIET).await;
        world.server.create("New");
        let message = world.server.deliver("New", "Subject: first\r\n\r\n");
        let change = next(&mut changes).await;
        assert_eq!(
            (change.kind.clone(), change.mailbox.to_string()),
            (ChangeKind::Created, "New".to_owned())
        );
        let change = next(&mut changes).await;
        assert_eq!((change.mailbox.to_string().as_str(), change.uid()), ("New", Some(message)));
        sleep(QUIET).await;
        world.server.rename("Work", "Job");
        let change = next(&mut changes).await;
        assert!(
            matches!(&change.kind, ChangeKind::Renamed { from, .. } if *from == "Work".into()),
            "{change}"
        );
        // It is the same mailbox: its messages are no news.
        let later = world.server.deliver("Job", "Subject: later\r\n\r\n");
        let change = next(&mut changes).await;
        assert_eq!((change.mailbox.to_string().as_str(), change.uid()), ("Job", Some(later)));
        world.server.delete("Job");
        let change = next(&mut changes).await;
        assert_eq!(
            (change.kind.clone(), change.mailbox.to_string()),
            (ChangeKind::Deleted, "Job".to_owned())
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_uidvalidity_resets_the_mailbox_and_delivers_all() {
    within(LIMIT, async {
        for mailbox in ["INBOX", "Work"] {
            let world = World::new(server());
            let (_account, mut changes) = start(&world, &MemoryStore::new()).await;
            all(&mut changes, QUIET).await;
            world.server.change_uid_validity(mailbox, UidValidity::new(4711).expect("not zero"));
            let mut mirror = Mirror::default();
            for change in all(&mut changes, QUIET).await {
                assert_eq!(change.mailbox, mailbox.into(), "{change}");
                mirror.apply(&change);
            }
            let there = world.server.mailbox(mailbox).expect("it is there").uids();
            assert_eq!(mirror.uids(mailbox), there, "{mailbox}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_slow_gets_all_in_the_end() {
    within(LIMIT, async {
        let world = World::new(server());
        let account = world.account();
        let watch = Watch::all().from_start(true).max_unacknowledged(100);
        let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
        let mut mirror = Mirror::default();
        for number in 0..1500 {
            world.server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
        }
        sleep(Duration::from_secs(3000)).await;
        world.server.expunge("INBOX", "100:200".parse::<UidSet>().expect("a set"));
        while let Ok(Some(change)) = timeout(QUIET, changes.next()).await {
            let change = change.expect("no error");
            mirror.apply(&change);
            changes.ack(&change).await.expect("a store in memory");
        }
        assert_eq!(mirror.uids("INBOX"), world.server.mailbox("INBOX").expect("it is there").uids());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_its_account_and_an_account_with_its_watch() {
    within(LIMIT, async {
        let world = World::new(server());
        let (account, mut changes) = start(&world, &MemoryStore::new()).await;
        all(&mut changes, QUIET).await;
        let start = Instant::now();
        account.shutdown(Duration::from_secs(60)).await;
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}: the watch has let go", start.elapsed());
        assert!(world.count("LOGOUT") > 0);
        while let Some(change) = changes.next().await {
            change.expect("no error");
        }
        // Nothing was acknowledged, so the watch waits for that: it ends all the same.
        let world = World::new(server());
        let account = world.account();
        let watch = Watch::all().from_start(true).max_unacknowledged(1);
        let changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
        sleep(QUIET).await;
        let mut status = account.status();
        drop((account, changes));
        while status.changed().await.is_some() {}
        assert!(world.count("LOGOUT") > 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_refused_is_not_hammered() {
    within(LIMIT, async {
        let world = World::new(server());
        world.server.on("EXAMINE").no_with(Code::InUse, "not now").always();
        let (_account, mut changes) = start(&world, &MemoryStore::new()).await;
        assert_eq!(all(&mut changes, Duration::from_secs(600)).await, []);
        let tried = world.count("EXAMINE");
        assert!((10..=60).contains(&tried), "{tried} in ten sweeps over two mailboxes");
    })
    .await;
}

/// To read the state takes time in the number of messages.
#[tokio::test(start_paused = true)]
async fn a_busy_mailbox_is_not_read_whole_at_each_message() {
    within(LIMIT, async {
        let world = World::new(server());
        let (_account, mut changes) = start(&world, &MemoryStore::new()).await;
        all(&mut changes, QUIET).await;
        let before = world.count("NOOP");
        for number in 0..200 {
            world.server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
            sleep(Duration::from_millis(100)).await;
        }
        let found = all(&mut changes, QUIET).await;
        assert_eq!(found.iter().filter(|change| change.uid().is_some()).count(), 200);
        assert_eq!(found.last().map(|change| &change.kind), Some(&ChangeKind::InStep));
        let states = world.count("NOOP") - before;
        assert!((2..=8).contains(&states), "{states} in twenty seconds");
    })
    .await;
}

/// Random changes by others, cuts, and restarts of the program at any moment: what was acknowledged
/// is not delivered again, and the sum of the stream is what the server has.
#[tokio::test(start_paused = true)]
async fn the_sum_of_the_stream_is_the_mailbox() {
    within(LIMIT * 10, async {
        let seeds = std::env::var("IMAP_DUPLEX_PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
        for seed in 1..=seeds {
            run_program(seed).await;
        }
    })
    .await;
}

async fn run_program(seed: u64) {
    let world = World::new(if seed.is_multiple_of(2) {
        Server::builder().without(["QRESYNC", "NOTIFY"]).start()
    } else {
        Server::new()
    });
    world.server.create("Work");
    let store = MemoryStore::new();
    let mut mirror = Mirror::default();
    let mut random = seed;
    let mut draw = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut policy = Policy::default();
    policy.max_redials = 1000;
    let open = || async {
        let account = world.account_by(world.config(), policy.clone());
        let watch = Watch::all().from_start(true).interval(Duration::from_secs(20));
        let changes = account.watch(watch, store.clone()).await.expect("a store in memory");
        (account, changes)
    };
    let (mut account, mut changes) = open().await;
    for step in 0..120 {
        let mailbox = ["INBOX", "Work"][usize::try_from(draw(2)).expect("small")];
        let uids = world.server.mailbox(mailbox).expect("it is there").uids();
        let some = uids.iter().nth(usize::try_from(draw(uids.len().max(1))).expect("small"));
        match (draw(10), some) {
            (0..=3, _) => _ = world.server.deliver(mailbox, format!("Subject: {step}\r\n\r\n")),
            (4, Some(uid)) => world.server.add_flags(mailbox, uid, Flag::Flagged),
            (5, Some(uid)) => world.server.remove_flags(mailbox, uid, Flag::Flagged),
            (6, Some(uid)) => _ = world.server.expunge(mailbox, uid),
            (7, _) => world.server.disconnect(draw(2) == 0),
            (8, _) if draw(4) == 0 => {
                drop((account, changes));
                sleep(Duration::from_millis(draw(2000))).await;
                (account, changes) = open().await;
            }
            _ => sleep(Duration::from_secs(draw(40))).await,
        }
        for _ in 0..draw(6) {
            if let Ok(change) = timeout(Duration::from_millis(draw(3000)), changes.next()).await {
                let change = change.expect("a change").expect("no error");
                mirror.apply(&change);
                changes.ack(&change).await.expect("a store in memory");
            }
        }
    }
    while let Ok(Some(change)) = timeout(Duration::from_secs(400), changes.next()).await {
        let change = change.expect("no error");
        mirror.apply(&change);
        changes.ack(&change).await.expect("a store in memory");
    }
    for mailbox in ["INBOX", "Work"] {
        let stored = world.server.mailbox(mailbox).expect("it is there");
        assert_eq!(mirror.uids(mailbox), stored.uids(), "seed {seed}: {mailbox}");
        for (uid, flags) in mirror.0.get(&mailbox.into()).into_iter().flatten() {
            let there = stored.message(*uid).map(|message| message.flags.clone()).unwrap_or_default();
            let flags = flags.clone().unwrap_or_default();
            assert!(
                flags.contains(&Flag::Flagged) == there.contains(&Flag::Flagged),
                "seed {seed}: {mailbox} {uid}"
            );
        }
    }
    drop(account);
}

#[tokio::test]
async fn a_file_keeps_what_was_acknowledged() {
    within(Duration::from_secs(60), async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state.json");
        let world = World::new(server());
        let account = world.account();
        let watch = || Watch::all().from_start(true);
        let mut changes = account.watch(watch(), FileStore::new(&path)).await.expect("no file yet");
        for _ in 0..5 {
            let change = changes.next().await.expect("a change").expect("no error");
            changes.ack(&change).await.expect("it can be written");
        }
        drop(changes);
        let stored = FileStore::new(&path).load().await.expect("it can be read");
        assert!(!stored.is_empty() && !folder.path().join("state.json.new").exists());
        std::fs::write(&path, b"{\"version\":3,\"mailboxes\":{}}").expect("it can be written");
        let error = account.watch(watch(), FileStore::new(&path)).await.expect_err("a newer form");
        assert!(format!("{error:#}").contains("version 3"), "{error:#}");
        std::fs::write(&path, b"{\"ver").expect("it can be written");
        let error = account.watch(watch(), FileStore::new(&path)).await.expect_err("no JSON");
        assert!(format!("{error:#}").contains("state.json"), "{error:#}");
    })
    .await;
}
