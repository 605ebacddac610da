//! Which mailboxes a watch is of, from one run to the next: those that are added later begin as
//! those of the first run did.

use std::collections::BTreeMap;
use std::time::Duration;

use imap_duplex::account::{
    Account, Change, ChangeKind, Changes, FileStore, MailboxKey, MemoryStore, StateStore, StoreFuture,
    StoredMailbox, Watch,
};
use imap_duplex::testing::Server;
use tokio::time::sleep;

use crate::support::within;
use crate::watch::{QUIET, all};
use crate::{LIMIT, World};

async fn open(world: &World, watch: Watch, store: impl StateStore) -> (Account, Changes) {
    let account = world.account();
    let changes = account.watch(watch, store).await.expect("a store");
    (account, changes)
}

/// All that comes, acknowledged, but for `InStep`.
async fn read(changes: &mut Changes) -> Vec<String> {
    let found = all(changes, QUIET).await;
    changes.ack_all(&found).await.expect("a store");
    let is_in_step = |change: &&Change| change.kind != ChangeKind::InStep;
    let mut found: Vec<_> = found.iter().filter(is_in_step).map(ToString::to_string).collect();
    found.sort_unstable();
    found
}

fn world(without: &[&str]) -> World {
    let world = World::new(Server::builder().without(without.iter().copied()).inbox_only().start());
    for name in ["Work", "Lists"] {
        world.server.create(name);
        world.server.subscribe(name, false);
    }
    world.server.subscribe("INBOX", true);
    for name in ["INBOX", "Work", "Lists"] {
        world.server.deliver(name, "Subject: old\r\n\r\n");
    }
    world
}

const WITHOUT: [&[&str]; 3] =
    [&[], &["NOTIFY", "LIST-EXTENDED", "LIST-STATUS", "IMAP4rev2"], &["NOTIFY", "CONDSTORE", "OBJECTID"]];

/// What is in it then is not delivered, unless all is to be from the start; what comes later is,
/// and so is a mailbox that the watch of before would have had.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_watched_later_begins_as_those_of_the_first_run() {
    within(LIMIT, async {
        let watches: [fn() -> Watch; 3] =
            [|| Watch::mailboxes(["INBOX", "New"]), Watch::subscribed, || Watch::matching(["IN*", "New"])];
        for (without, narrow) in WITHOUT.iter().flat_map(|without| watches.map(|watch| (without, watch))) {
            for from_start in [false, true] {
                let (world, folder) = (world(without), tempfile::tempdir().expect("a folder"));
                let store = || FileStore::new(folder.path().join("state.json"));
                let watch = |watch: Watch| watch.from_start(from_start);
                let (account, mut changes) = open(&world, watch(narrow()), store()).await;
                assert_eq!(read(&mut changes).await.len(), usize::from(from_start));
                account.shutdown(Duration::from_secs(5)).await;
                drop(changes);

                world.server.create("New");
                world.server.subscribe("New", true);
                world.server.deliver("New", "Subject: new\r\n\r\n");
                let (account, mut changes) = open(&world, watch(Watch::all()), store()).await;
                let mut expected = vec!["New: created", "New: uid 1 arrived"];
                if from_start {
                    let more =
                        ["Lists: created", "Lists: uid 1 arrived", "Work: created", "Work: uid 1 arrived"];
                    expected.splice(0..0, more);
                    expected.sort_unstable();
                }
                assert_eq!(read(&mut changes).await, expected, "{without:?}");
                world.server.deliver("Work", "Subject: new\r\n\r\n");
                assert_eq!(read(&mut changes).await, ["Work: uid 2 arrived"]);
                account.shutdown(Duration::from_secs(5)).await;
                drop(changes);

                // Left out and added once more: what happened meanwhile is not delivered.
                let (account, mut changes) = open(&world, watch(narrow()), store()).await;
                assert_eq!(read(&mut changes).await, ["Lists: deleted", "Work: deleted"]);
                account.shutdown(Duration::from_secs(5)).await;
                drop(changes);
                world.server.deliver("Work", "Subject: new\r\n\r\n");
                let (_account, mut changes) = open(&world, watch(Watch::all()), store()).await;
                assert_eq!(read(&mut changes).await.len(), if from_start { 6 } else { 0 });
            }
        }
    })
    .await;
}

/// Takes one record, and does not answer to the next: what a program leaves that is killed then.
#[derive(Clone, Default)]
struct Slow(MemoryStore);

impl StateStore for Slow {
    fn load(&self) -> StoreFuture<'_, BTreeMap<MailboxKey, StoredMailbox>> {
        self.0.load()
    }

    fn save(&self, key: MailboxKey, record: Option<StoredMailbox>) -> StoreFuture<'_, ()> {
        if self.0.records().is_empty() { self.0.save(key, record) } else { Box::pin(std::future::pending()) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_run_that_is_killed_while_it_stores_what_is_there_begins_once_more() {
    within(LIMIT, async {
        for without in WITHOUT {
            let (world, store) = (world(without), MemoryStore::new());
            let (account, changes) = open(&world, Watch::all(), Slow(store.clone())).await;
            sleep(Duration::from_secs(10)).await;
            assert_eq!(store.records().len(), 1);
            drop((account, changes));
            let (_account, mut changes) = open(&world, Watch::all(), store).await;
            assert_eq!(read(&mut changes).await, [""; 0]);
            world.server.deliver("Work", "Subject: new\r\n\r\n");
            assert_eq!(read(&mut changes).await, ["Work: uid 2 arrived"]);
        }
    })
    .await;
}

/// The same where only sweeps tell, which are rare as long as NOTIFY is trusted.
async fn read_long(changes: &mut Changes) -> Vec<String> {
    let mut found = read(changes).await;
    found.extend(read(changes).await);
    found.sort_unstable();
    found
}

/// Of a mailbox that comes to be watched while the watch runs nothing is delivered that was in it
/// before; one that is made meanwhile is delivered from its beginning.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_a_running_watch_takes_later_begins_as_those_of_the_first_run() {
    within(LIMIT, async {
        for (without, from_start) in WITHOUT.iter().flat_map(|without| [(without, false), (without, true)]) {
            let world = world(without);
            let watch = Watch::subscribed().from_start(from_start);
            let (_account, mut changes) = open(&world, watch, MemoryStore::new()).await;
            assert_eq!(read_long(&mut changes).await.len(), usize::from(from_start));
            let whole = |lines: &[&'static str]| if from_start { lines.to_vec() } else { Vec::new() };

            world.server.subscribe("Work", true);
            let expected = whole(&["Work: created", "Work: uid 1 arrived"]);
            assert_eq!(read_long(&mut changes).await, expected, "{without:?}");
            world.server.deliver("Work", "Subject: new\r\n\r\n");
            assert_eq!(read_long(&mut changes).await, ["Work: uid 2 arrived"]);

            // It is left out, and comes back.
            world.server.subscribe("Work", false);
            assert_eq!(read_long(&mut changes).await, ["Work: deleted"]);
            world.server.deliver("Work", "Subject: meanwhile\r\n\r\n");
            world.server.subscribe("Work", true);
            let expected =
                ["Work: created", "Work: uid 1 arrived", "Work: uid 2 arrived", "Work: uid 3 arrived"];
            assert_eq!(read_long(&mut changes).await, whole(&expected), "{without:?}");

            // It is made while the watch runs, whether it is subscribed at once or later.
            for wait in [Duration::ZERO, QUIET] {
                world.server.create("New");
                world.server.subscribe("New", false);
                world.server.deliver("New", "Subject: new\r\n\r\n");
                sleep(wait).await;
                world.server.subscribe("New", true);
                assert_eq!(
                    read_long(&mut changes).await,
                    ["New: created", "New: uid 1 arrived"],
                    "{without:?}"
                );
                world.server.delete("New");
                assert_eq!(read_long(&mut changes).await, ["New: deleted"]);
            }
        }
    })
    .await;
}

/// The same by another name, where its identifier says that it is the same.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_gets_a_name_which_is_watched_is_not_new() {
    within(LIMIT, async {
        for without in WITHOUT {
            let world = world(without);
            let watch = Watch::matching(["IN%", "Job*"]);
            let (_account, mut changes) = open(&world, watch, MemoryStore::new()).await;
            assert_eq!(read_long(&mut changes).await, [""; 0]);
            world.server.rename("Work", "Jobs");
            // Without one it may be another mailbox: too much rather than too little.
            let expected = match without.contains(&"OBJECTID") || without.contains(&"LIST-STATUS") {
                true => vec!["Jobs: created", "Jobs: uid 1 arrived"],
                false => Vec::new(),
            };
            assert_eq!(read_long(&mut changes).await, expected, "{without:?}");
            world.server.deliver("Jobs", "Subject: new\r\n\r\n");
            assert_eq!(read_long(&mut changes).await, ["Jobs: uid 2 arrived"]);
            world.server.rename("Jobs", "Elsewhere");
            assert_eq!(read_long(&mut changes).await, ["Jobs: deleted"]);
        }
    })
    .await;
}

/// What is there at the first sweep is listed once, and what names say is not listed at all.
#[tokio::test(start_paused = true)]
async fn what_is_not_watched_is_listed_once() {
    within(LIMIT, async {
        let mut lists = Vec::new();
        for watch in [Watch::mailboxes(["INBOX"]), Watch::all(), Watch::subscribed()] {
            let world = world(&["NOTIFY"]);
            let (_account, mut changes) = open(&world, watch, MemoryStore::new()).await;
            sleep(Duration::from_secs(600)).await;
            read(&mut changes).await;
            lists.push(world.count("LIST"));
        }
        assert_eq!(lists, [lists[0], lists[0], lists[0] + 1]);
    })
    .await;
}
