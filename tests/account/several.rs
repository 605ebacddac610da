//! Several watches of one account, and what they leave of its connections to others.

use std::time::Duration;

use imap_duplex::account::{Account, ChangeKind, Changes, MemoryStore, Policy, Watch};
use imap_duplex::testing::Server;
use imap_duplex::types::{MailboxName, Uid};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::support::within;
use crate::{LIMIT, World};

pub(crate) fn account(world: &World, connections: usize) -> Account {
    let mut policy = Policy::default();
    policy.max_connections = connections;
    world.account_by(world.config(), policy)
}

async fn open(account: &Account, watch: Watch) -> Changes {
    account.watch(watch, MemoryStore::new()).await.expect("a store in memory")
}

/// A program that reads and acknowledges, and what has arrived.
pub(crate) fn read(mut changes: Changes) -> mpsc::UnboundedReceiver<(MailboxName, Uid)> {
    let (arrived, all) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(change) = changes.next().await {
            let change = change.expect("no error");
            changes.ack(&change).await.expect("a store in memory");
            if let ChangeKind::Arrived { uid, .. } = change.kind {
                _ = arrived.send((change.mailbox, uid));
            }
        }
    });
    all
}

/// However many watches there are, leases are to be had, and each watch misses nothing.
#[tokio::test(start_paused = true)]
async fn watches_of_one_account_leave_a_connection_to_leases() {
    within(LIMIT, async {
        for (watches, connections) in [(3, 3), (4, 2), (1, 2), (2, 1), (3, 1)] {
            for without in [&[][..], &["NOTIFY", "CONDSTORE", "OBJECTID"]] {
                let world = World::new(Server::builder().without(without.iter().copied()).start());
                world.server.create("Work");
                let account = account(&world, connections);
                let mut programs = Vec::new();
                for _ in 0..watches {
                    programs.push(read(open(&account, Watch::all()).await));
                }
                sleep(Duration::from_secs(100)).await;
                for _ in 0..20 {
                    let lease = account.mailbox("Work");
                    let lease = timeout(Duration::from_secs(5), lease).await.expect("in time");
                    lease.expect("it is there").sender().noop().await.expect("it goes on");
                    sleep(Duration::from_secs(20)).await;
                }
                for mailbox in ["INBOX", "Work"] {
                    let new = (mailbox.into(), world.server.deliver(mailbox, "Subject: new\r\n\r\n"));
                    for program in &mut programs {
                        let next = timeout(Duration::from_secs(120), program.recv()).await;
                        assert_eq!(next, Ok(Some(new.clone())), "{watches} with {connections}");
                    }
                }
            }
        }
    })
    .await;
}

/// The only connection is not handed to and fro: by two watches, or by one and a program that takes
/// a lease again and again.
#[tokio::test(start_paused = true)]
async fn the_only_connection_is_taken_now_and_then() {
    within(LIMIT, async {
        for (watches, leases) in [(2, 0), (3, 0), (1, 2000)] {
            for without in [&["NOTIFY"][..], &["NOTIFY", "CONDSTORE", "OBJECTID"]] {
                let world = World::new(Server::builder().without(without.iter().copied()).start());
                let account = account(&world, 1);
                let watch = Watch::mailboxes(["INBOX"]);
                for _ in 0..watches {
                    read(open(&account, watch.clone()).await);
                }
                sleep(Duration::from_secs(100)).await;
                let before = world.count("EXAMINE");
                for _ in 0..leases {
                    account.session().await.expect("it is connected").noop().await.expect("it goes on");
                    sleep(Duration::from_millis(300)).await;
                }
                if leases == 0 {
                    sleep(Duration::from_secs(600)).await;
                }
                let looks = world.count("EXAMINE") - before;
                // Each watch sweeps once a minute; or twice for each five seconds in ten minutes.
                let most = if leases == 0 { 10 * watches * 3 } else { 2 * (600 / 5 + 2) };
                assert!(looks <= most, "{watches} watches, {leases} leases: {looks}, at most {most}");
            }
        }
    })
    .await;
}

/// It waits for a lease before it reads the next change, as a program may, while there is more to
/// report than there is room for.
#[tokio::test(start_paused = true)]
async fn a_program_that_reads_nothing_gets_a_lease_all_the_same() {
    within(LIMIT, async {
        for connections in [1, 2, 3] {
            let world = World::new(Server::new());
            for name in ["INBOX", "Work", "Lists"] {
                if name != "INBOX" {
                    world.server.create(name);
                }
                for number in 0..1500 {
                    world.server.deliver(name, format!("Subject: {number}\r\n\r\n"));
                }
            }
            let account = account(&world, connections);
            let changes = open(&account, Watch::all().from_start(true)).await;
            sleep(Duration::from_secs(100)).await;
            for name in ["INBOX", "Work", "Lists"] {
                let lease = timeout(Duration::from_secs(10), account.mailbox(name)).await;
                lease.unwrap_or_else(|_| panic!("{name}, {connections}: in time")).expect("it is there");
            }
            let mut arrived = read(changes);
            for _ in 0..4500 {
                let next = timeout(Duration::from_secs(120), arrived.recv()).await;
                next.unwrap_or_else(|_| panic!("{connections}: in time")).expect("it goes on");
            }
        }
    })
    .await;
}

/// Without mod-sequences mailboxes are looked into now and then, for which the only connection
/// leaves the one that is followed: that is in step all the same.
#[tokio::test(start_paused = true)]
async fn a_mailbox_whose_connection_is_lent_stays_in_step() {
    within(LIMIT, async {
        let without = ["NOTIFY", "CONDSTORE", "OBJECTID"];
        for connections in [1, 2] {
            let world = World::new(Server::builder().without(without).start());
            world.server.create("Work");
            world.server.deliver("Work", "Subject: old\r\n\r\n");
            let account = account(&world, connections);
            let changes = open(&account, Watch::all()).await;
            let mut status = changes.status();
            let mut arrived = read(changes);
            assert!(timeout(Duration::from_secs(60), status.in_step()).await.expect("in time"));
            sleep(Duration::from_secs(100)).await;
            while timeout(Duration::from_millis(1), status.changed()).await.is_ok() {}
            let left = timeout(Duration::from_secs(4 * 3600), status.changed()).await;
            assert!(left.is_err(), "{connections}: {left:?}");
            // Nor does a lease change that; and what happens meanwhile is found.
            let lease = account.mailbox("Work").await.expect("it is there");
            sleep(Duration::from_secs(30)).await;
            assert!(status.now().in_step);
            let new = world.server.deliver("INBOX", "Subject: new\r\n\r\n");
            sleep(Duration::from_secs(30)).await;
            drop(lease);
            let next = timeout(Duration::from_secs(60), arrived.recv()).await;
            assert_eq!(next, Ok(Some(("INBOX".into(), new))));
        }
    })
    .await;
}
