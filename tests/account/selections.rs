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
