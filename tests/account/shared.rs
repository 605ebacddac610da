//! An account of which several make use: watches, leases, and a store that is attached to it. Each
//! gets its share of the connections.

use std::time::Duration;

use imap_duplex::account::{Account, MemoryStore, Watch};
use imap_duplex::store::Store;
use imap_duplex::testing::Server;
use imap_duplex::types::{MailboxName, Uid};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::several::{account, read};
use crate::support::within;
use crate::{LIMIT, World};

/// How many messages of this mailbox the store has.
async fn stored(store: &Store, name: &str) -> u64 {
    let all = store.mailboxes().await.expect("it can be read");
    all.iter().find(|mailbox| mailbox.name == name.into()).expect("it is there").messages
}

/// What comes to each mailbox reaches each watch and the store, and a lease is to be had at any
/// moment.
async fn check(
    world: &World,
    account: &Account,
    programs: &mut [mpsc::UnboundedReceiver<(MailboxName, Uid)>],
) {
    for _ in 0..20 {
        let lease = timeout(Duration::from_secs(15), account.mailbox("Work")).await.expect("in time");
        lease.expect("it is there").sender().noop().await.expect("it goes on");
        sleep(Duration::from_secs(20)).await;
    }
    for mailbox in ["INBOX", "Work"] {
        let new = (mailbox.into(), world.server.deliver(mailbox, "Subject: new\r\n\r\n"));
        for program in programs.iter_mut() {
            let next = timeout(Duration::from_secs(150), program.recv()).await;
            assert_eq!(next, Ok(Some(new.clone())), "{:?}", account.status().now());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_two_watches_and_leases_share_the_connections() {
    within(LIMIT, async {
        for (connections, is_first) in [(3, true), (3, false), (2, true), (2, false), (1, true), (1, false)] {
            for without in [&[][..], &["NOTIFY"], &["NOTIFY", "CONDSTORE", "OBJECTID"]] {
                let what = format!("{connections} connections, the store first: {is_first}, {without:?}");
                let world = World::new(Server::builder().without(without.iter().copied()).start());
                world.server.create("Work");
                let (account, folder) =
                    (account(&world, connections), tempfile::tempdir().expect("a folder"));
                let store = Store::open(folder.path().join("mail.store")).await.expect("a store");
                let mut attachment = None;
                if is_first {
                    attachment = Some(store.attach(&account).await.expect("it is free"));
                    sleep(Duration::from_secs(30)).await;
                }
                let mut programs = Vec::new();
                for _ in 0..2 {
                    let changes = account.watch(Watch::all(), MemoryStore::new()).await;
                    programs.push(read(changes.expect("a store in memory")));
                }
                sleep(Duration::from_secs(100)).await;
                let attachment = match attachment {
                    Some(attachment) => attachment,
                    None => store.attach(&account).await.expect("it is free"),
                };
                check(&world, &account, &mut programs).await;
                let in_step = timeout(Duration::from_secs(150), attachment.in_step()).await;
                in_step.unwrap_or_else(|_| panic!("{what}: in time")).expect("it goes on");
                for name in ["INBOX", "Work"] {
                    assert_eq!(stored(&store, name).await, 1, "{what}");
                }
            }
        }
    })
    .await;
}

/// The server takes fewer connections than it did: whoever keeps one gives it back.
#[tokio::test(start_paused = true)]
async fn what_stays_gives_way_when_the_server_takes_fewer_connections() {
    within(LIMIT, async {
        for sessions in [1, 2] {
            let world = World::new(Server::builder().session_limit(sessions).without(["NOTIFY"]).start());
            world.server.create("Work");
            let (account, folder) = (account(&world, 3), tempfile::tempdir().expect("a folder"));
            let store = Store::open(folder.path().join("mail.store")).await.expect("a store");
            let attachment = store.attach(&account).await.expect("it is free");
            sleep(Duration::from_secs(30)).await;
            let mut programs = Vec::new();
            for _ in 0..2 {
                let changes = account.watch(Watch::all(), MemoryStore::new()).await;
                programs.push(read(changes.expect("a store in memory")));
            }
            sleep(Duration::from_secs(300)).await;
            check(&world, &account, &mut programs).await;
            let in_step = timeout(Duration::from_secs(150), attachment.in_step()).await;
            in_step.unwrap_or_else(|_| panic!("{sessions}: in time")).expect("it goes on");
        }
    })
    .await;
}

/// The first sync of a large mailbox takes long, and keeps no one waiting for all of that time.
#[tokio::test(start_paused = true)]
async fn a_store_that_has_much_to_fetch_leaves_the_only_connection_now_and_then() {
    within(LIMIT, async {
        let world = World::new(Server::builder().without(["NOTIFY"]).start());
        world.server.create("Work");
        for number in 0..3000 {
            world.server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
        }
        // Each answer takes as long as over a poor link.
        world.server.on("UID FETCH").delay(Duration::from_secs(4)).always();
        let (account, folder) = (account(&world, 1), tempfile::tempdir().expect("a folder"));
        let store = Store::open(folder.path().join("mail.store")).await.expect("a store");
        let attachment = store.attach(&account).await.expect("it is free");
        sleep(Duration::from_secs(5)).await;
        for _ in 0..3 {
            let lease = timeout(Duration::from_secs(60), account.mailbox("Work")).await.expect("in time");
            drop(lease.expect("it is there"));
        }
        let in_step = timeout(Duration::from_secs(3600), attachment.in_step()).await;
        in_step.expect("in time").expect("it goes on");
    })
    .await;
}
