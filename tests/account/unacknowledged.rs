//! What was delivered and not acknowledged: in the first run, after a store that failed, at the end
//! of the account.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use imap_duplex::account::{
    Change, ChangeKind, Changes, MailboxKey, MemoryStore, StateStore, StoreFuture, StoredMailbox, Watch,
};
use imap_duplex::testing::Server;
use imap_duplex::types::Uid;
use tokio::time::{Instant, sleep, timeout};

use crate::support::within;
use crate::watch::{QUIET, all, uid};
use crate::{LIMIT, World};

fn servers() -> [Server; 3] {
    let without = [&[][..], &["QRESYNC", "NOTIFY"], &["NOTIFY", "CONDSTORE", "OBJECTID"]];
    without.map(|names| Server::builder().without(names.iter().copied()).start())
}

fn arrived(changes: &[Change]) -> Vec<Uid> {
    let kinds = changes.iter().map(|change| &change.kind);
    kinds
        .filter_map(|kind| if let ChangeKind::Arrived { uid, .. } = kind { Some(*uid) } else { None })
        .collect()
}

async fn inbox(world: &World, store: impl StateStore) -> Changes {
    world.account().watch(Watch::mailboxes(["INBOX"]), store).await.expect("a store in memory")
}

/// What was there before is not delivered; what arrives then is, until it is acknowledged.
#[tokio::test(start_paused = true)]
async fn what_arrives_in_the_first_run_comes_again_until_it_is_acknowledged() {
    within(LIMIT, async {
        for server in servers() {
            let world = World::new(server);
            world.server.deliver("INBOX", "Subject: old\r\n\r\n");
            let store = MemoryStore::new();
            let mut changes = inbox(&world, store.clone()).await;
            sleep(Duration::from_secs(30)).await;
            for _ in 0..2 {
                world.server.deliver("INBOX", "Subject: new\r\n\r\n");
            }
            assert_eq!(arrived(&all(&mut changes, QUIET).await), [uid(2), uid(3)]);
            // Killed: nothing was acknowledged.
            drop(changes);
            let mut changes = inbox(&world, store.clone()).await;
            let again = all(&mut changes, QUIET).await;
            assert_eq!(arrived(&again), [uid(2), uid(3)]);
            let first = again.iter().find(|change| change.uid() == Some(uid(2))).expect("it arrived");
            changes.ack(first).await.expect("a store in memory");
            drop(changes);
            let mut changes = inbox(&world, store.clone()).await;
            let last = all(&mut changes, QUIET).await;
            assert_eq!(arrived(&last), [uid(3)]);
            assert_eq!(last.last().map(|change| &change.kind), Some(&ChangeKind::InStep));
        }
    })
    .await;
}

/// The first `InStep` comes though nothing has happened since the state was stored.
#[tokio::test(start_paused = true)]
async fn a_first_run_that_was_killed_is_in_step_in_the_second() {
    within(LIMIT, async {
        for server in servers() {
            let world = World::new(server);
            world.server.deliver("INBOX", "Subject: old\r\n\r\n");
            let store = MemoryStore::new();
            for _ in 0..2 {
                let mut changes = inbox(&world, store.clone()).await;
                let found = all(&mut changes, QUIET).await;
                assert!(matches!(found[..], [Change { kind: ChangeKind::InStep, .. }]), "{found:?}");
            }
        }
    })
    .await;
}

/// A store in memory that fails, or does not answer, if it is to.
#[derive(Clone, Default)]
struct Failing {
    store: MemoryStore,
    fails: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
}

impl StateStore for Failing {
    fn load(&self) -> StoreFuture<'_, BTreeMap<MailboxKey, StoredMailbox>> {
        self.store.load()
    }

    fn save(&self, key: MailboxKey, record: Option<StoredMailbox>) -> StoreFuture<'_, ()> {
        if self.hangs.load(Ordering::Relaxed) {
            return Box::pin(std::future::pending());
        }
        if self.fails.load(Ordering::Relaxed) {
            return Box::pin(std::future::ready(Err(io::Error::other("disk full"))));
        }
        self.store.save(key, record)
    }
}

/// By the same acknowledgement once more, or by one of another mailbox.
#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_failed_is_stored_with_the_next_one() {
    within(LIMIT, async {
        for (hangs, same) in [(false, true), (false, false), (true, true), (true, false)] {
            let (world, store) = (World::new(Server::new()), Failing::default());
            world.server.create("Work");
            let account = world.account();
            let watch = Watch::mailboxes(["INBOX", "Work"]);
            let mut changes = account.watch(watch.clone(), store.clone()).await.expect("a store");
            let first = all(&mut changes, QUIET).await;
            changes.ack_all(&first).await.expect("it is stored");
            for name in ["INBOX", "Work"] {
                world.server.deliver(name, "Subject: new\r\n\r\n");
            }
            let next = all(&mut changes, QUIET).await;
            let of = |name: &str| {
                next.iter().rfind(|change| change.mailbox.as_str() == name).expect("it has arrived")
            };
            let switch = if hangs { &store.hangs } else { &store.fails };
            switch.store(true, Ordering::Relaxed);
            let failed = timeout(Duration::from_secs(1), changes.ack(of("INBOX"))).await;
            assert!(!matches!(failed, Ok(Ok(()))), "{failed:?}");
            switch.store(false, Ordering::Relaxed);
            changes.ack(of(if same { "INBOX" } else { "Work" })).await.expect("it is stored");
            drop(changes);
            let mut changes = account.watch(watch, store).await.expect("a store");
            let again = all(&mut changes, QUIET).await;
            let again = again.into_iter().filter(|change| change.mailbox.as_str() == "INBOX");
            assert_eq!(arrived(&again.collect::<Vec<_>>()), [], "hangs: {hangs}, same: {same}");
        }
    })
    .await;
}

/// The baseline is stored with the first acknowledgement if it could not be before.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_at_the_start_is_reported() {
    within(LIMIT, async {
        let (world, store) = (World::new(Server::new()), Failing::default());
        store.fails.store(true, Ordering::Relaxed);
        let mut changes = inbox(&world, store.clone()).await;
        let mut errors = 0;
        while let Ok(Some(change)) = timeout(QUIET, changes.next()).await {
            errors += usize::from(change.is_err());
        }
        assert!(errors > 0 && store.store.records().is_empty());
        store.fails.store(false, Ordering::Relaxed);
        world.server.deliver("INBOX", "Subject: new\r\n\r\n");
        let found = all(&mut changes, QUIET).await;
        assert_eq!(arrived(&found), [uid(1)]);
        changes.ack(&found[0]).await.expect("it is stored");
        drop(changes);
        let mut changes = inbox(&world, store).await;
        assert_eq!(arrived(&all(&mut changes, QUIET).await), []);
    })
    .await;
}

/// Whether it waits for an acknowledgement, or for a place in the queue.
#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_the_stream_of_a_program_that_acknowledges_nothing() {
    within(LIMIT, async {
        for (messages, max, reads) in [(5, 2, true), (5, 2, false), (2000, 65_536, false)] {
            let world = World::new(Server::new());
            for _ in 0..messages {
                world.server.deliver("INBOX", "Subject: new\r\n\r\n");
            }
            let account = world.account();
            let watch = Watch::mailboxes(["INBOX"]).from_start(true).max_unacknowledged(max);
            let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
            let before = if reads { all(&mut changes, QUIET).await.len() } else { 0 };
            sleep(Duration::from_secs(30)).await;
            let start = Instant::now();
            account.shutdown(Duration::from_secs(10)).await;
            assert!(start.elapsed() < Duration::from_secs(5), "{messages}: {:?}", start.elapsed());
            let mut read = before;
            while let Some(change) = timeout(QUIET, changes.next()).await.expect("it has ended") {
                change.expect("no error");
                read += 1;
            }
            assert!((1..=messages.min(max)).contains(&read), "{messages}: {read}");
        }
    })
    .await;
}

/// What is not delivered needs no acknowledgement.
#[tokio::test(start_paused = true)]
async fn one_change_at_a_time_may_be_unacknowledged() {
    within(LIMIT, async {
        for (max, from_start) in [(1, false), (1, true), (2, true)] {
            let world = World::new(Server::new());
            world.server.create("Work");
            for name in ["INBOX", "Work"] {
                world.server.deliver(name, "Subject: old\r\n\r\n");
            }
            let watch = Watch::all().from_start(from_start).max_unacknowledged(max);
            let mut changes =
                world.account().watch(watch, MemoryStore::new()).await.expect("a store in memory");
            let mut found = Vec::new();
            while let Ok(Some(change)) = timeout(QUIET, changes.next()).await {
                let change = change.expect("no error");
                changes.ack(&change).await.expect("a store in memory");
                found.push(change);
            }
            assert_eq!(arrived(&found).len(), if from_start { 2 } else { 0 }, "{max}: {found:?}");
            assert!(changes.status().now().in_step);
        }
    })
    .await;
}
