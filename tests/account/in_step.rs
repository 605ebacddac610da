//! When all that a watch is about is in step: after the start, after a lost connection, beside a
//! slow reader.

use std::time::Duration;

use imap_duplex::account::{Account, ChangeKind, Changes, MemoryStore, Policy, Watch, Watcher};
use imap_duplex::testing::Server;
use imap_duplex::types::{MailboxName, Uid};
use tokio::time::{Instant, sleep, timeout};

use crate::support::within;
use crate::watch::{QUIET, server};
use crate::{LIMIT, World};

/// Reads and acknowledges until all is in step. What has arrived until then.
async fn until_in_step(changes: &mut Changes) -> Vec<(MailboxName, Uid)> {
    let (status, mut arrived) = (changes.status(), Vec::new());
    loop {
        tokio::select! {
            biased;
            in_step = status.in_step() => {
                assert!(in_step, "the watch goes on");
                return arrived;
            }
            change = changes.next() => {
                let change = change.expect("the watch goes on").expect("no error");
                changes.ack(&change).await.expect("a store in memory");
                if let ChangeKind::Arrived { uid, .. } = change.kind {
                    arrived.push((change.mailbox.clone(), uid));
                }
            }
        }
    }
}

fn servers() -> [Server; 4] {
    let without = [&[][..], &["NOTIFY"], &["NOTIFY", "QRESYNC"], &["NOTIFY", "CONDSTORE", "OBJECTID"]];
    without.map(|names| Server::builder().without(names.iter().copied()).start())
}

async fn open(world: &World, watch: Watch) -> (Account, Changes) {
    let account = world.account();
    let changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
    (account, changes)
}

#[tokio::test(start_paused = true)]
async fn all_is_in_step_once_all_of_it_has_been_read() {
    within(LIMIT, async {
        for server in servers() {
            let world = World::new(server);
            for name in ["Work", "Lists"] {
                world.server.create(name);
                world.server.deliver(name, "Subject: old\r\n\r\n");
            }
            world.server.deliver("INBOX", "Subject: old\r\n\r\n");
            let (_account, mut changes) = open(&world, Watch::all().from_start(true)).await;
            assert!(!changes.status().now().in_step, "nothing is known yet");
            // Without a reader it may take as long as it likes.
            assert!(timeout(QUIET, changes.status().in_step()).await.is_err());
            let mut arrived = until_in_step(&mut changes).await;
            arrived.sort();
            let there = world.server.mailboxes();
            assert_eq!((arrived.len(), changes.status().now().mailboxes), (3, there.len()), "{arrived:?}");
        }
    })
    .await;
}

/// What has arrived while the line was dead has been read when all is in step again; and between
/// the two it is not in step.
#[tokio::test(start_paused = true)]
async fn after_a_lost_connection_nothing_is_in_step_before_all_has_been_seen() {
    within(LIMIT, async {
        for server in servers() {
            let world = World::new(server);
            world.server.create("Work");
            let (account, mut changes) = open(&world, Watch::all()).await;
            until_in_step(&mut changes).await;
            sleep(Duration::from_secs(120)).await;
            until_in_step(&mut changes).await;
            for silently in [true, false] {
                let mut status = changes.status();
                world.server.disconnect(silently);
                let new = ["INBOX", "Work"].map(|name| {
                    (MailboxName::from(name), world.server.deliver(name, "Subject: new\r\n\r\n"))
                });
                let lost = async { while status.changed().await.expect("the watch goes on").in_step {} };
                timeout(Duration::from_secs(3), lost).await.expect("it is noticed at once");
                let start = Instant::now();
                let mut arrived = until_in_step(&mut changes).await;
                arrived.sort();
                assert_eq!(arrived, new);
                assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
                sleep(Duration::from_secs(300)).await;
            }
            account.shutdown(Duration::from_secs(5)).await;
            assert!(!changes.status().in_step().await && changes.status().changed().await.is_none());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_program_that_acknowledges_nothing_is_not_in_step() {
    within(LIMIT, async {
        let world = World::new(server());
        let (_account, mut changes) = open(&world, Watch::all().max_unacknowledged(3)).await;
        until_in_step(&mut changes).await;
        for number in 0..5 {
            world.server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
        }
        let mut last = None;
        while let Ok(Some(change)) = timeout(QUIET, changes.next()).await {
            last = Some(change.expect("no error"));
        }
        // It has read all that it gets, and there is more.
        let now = changes.status().now();
        assert!(!now.in_step && now.behind > 0, "{now:?}");
        changes.ack(&last.expect("three of them")).await.expect("a store in memory");
        assert_eq!(until_in_step(&mut changes).await.len(), 2);
    })
    .await;
}

/// A mailbox that the server refuses for ever is not waited for.
#[tokio::test(start_paused = true)]
async fn what_is_refused_again_and_again_is_left_out() {
    within(LIMIT, async {
        let world = World::new(server());
        world.server.on("EXAMINE").no("not now").always();
        let mut policy = Policy::default();
        policy.max_connections = 1;
        let account = world.account_by(world.config(), policy);
        let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store");
        let status = changes.status();
        let reading = tokio::spawn(async move { while changes.next().await.is_some() {} });
        sleep(Duration::from_secs(30)).await;
        assert!(!status.now().in_step, "once is not for ever");
        timeout(QUIET, status.in_step()).await.expect("in time");
        let mut watched = status.clone();
        assert!(watched.changed().await.is_some_and(|now| now.in_step));
        // And so it stays, though it is tried again after each sweep.
        assert!(timeout(Duration::from_secs(3600), watched.changed()).await.is_err());
        drop(account);
        reading.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_status_of_one_of_many_accounts() {
    within(LIMIT, async {
        let world = World::new(server());
        let (watcher, mut changes) = Watcher::new();
        watcher.add("zoe", world.account(), Watch::all(), MemoryStore::new()).await.expect("a store");
        assert!(watcher.status(&"max").is_none());
        let mut status = watcher.status(&"zoe").expect("it is there");
        let reading = tokio::spawn(async move { while changes.next().await.is_some() {} });
        // Dropped on the way, it misses nothing.
        for _ in 0..20 {
            _ = timeout(Duration::from_millis(1), status.changed()).await;
        }
        assert!(timeout(QUIET, status.in_step()).await.expect("in time"));
        assert!(status.now().in_step);
        let account = watcher.remove(&"zoe").expect("it is there");
        assert!(!status.in_step().await, "its watch has ended");
        drop((account, watcher));
        reading.await.expect("no panic");
    })
    .await;
}
