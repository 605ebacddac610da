//! Who gets which connection, and what a lease protects.

use std::time::Duration;

use imap_duplex::account::{AccountState, Policy};
use imap_duplex::command::{Items, Search, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::Flag;
use imap_duplex::{ErrorKind, Select, Sent};
use tokio::time::{Instant, sleep, timeout};

use crate::support::within;
use crate::{LIMIT, World};

fn world() -> World {
    let server = Server::new();
    server.deliver("INBOX", "Subject: one\r\n\r\none\r\n");
    server.create("Work");
    World::new(server)
}

fn one_connection() -> Policy {
    let mut policy = Policy::default();
    policy.max_connections = 1;
    policy
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_selected_is_leased_again_without_a_select() {
    within(LIMIT, async {
        let world = world();
        let account = world.account();
        assert_eq!(world.dials().len(), 0, "nothing is dialled before something is wanted");
        for _ in 0..3 {
            let inbox = account.mailbox("INBOX").await.unwrap();
            assert_eq!(inbox.search(Search::all()).await.unwrap().len(), 1);
        }
        assert_eq!((world.dials().len(), world.count("SELECT")), (1, 1));
        let sent = account.mailbox("Sent").await.unwrap();
        assert_eq!(sent.name(), &"Sent".into());
        drop(sent);
        // For reading alone is another selection.
        drop(account.mailbox(Select::new("Sent").read_only()).await.unwrap());
        assert_eq!((world.dials().len(), world.count("SELECT"), world.count("EXAMINE")), (1, 2, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn connections_grow_to_the_limit_and_then_callers_wait_in_order() {
    within(LIMIT, async {
        let world = world();
        let account = world.account();
        let inbox = account.mailbox("INBOX").await.unwrap();
        let sent = account.mailbox("Sent").await.unwrap();
        let session = account.session().await.unwrap();
        assert_eq!(world.dials().len(), 3);
        let (fourth, fifth) = (account.clone(), account.clone());
        let fourth = tokio::spawn(async move { (fourth.mailbox("Work").await.unwrap(), Instant::now()) });
        sleep(Duration::from_secs(1)).await;
        let fifth = tokio::spawn(async move { (fifth.session().await.unwrap(), Instant::now()) });
        sleep(Duration::from_secs(1)).await;
        assert_eq!(account.status().now().waiting, 2);
        drop(sent);
        let (work, at) = fourth.await.unwrap();
        assert_eq!(work.name(), &"Work".into());
        drop(session);
        assert!(fifth.await.unwrap().1 >= at);
        assert_eq!(world.dials().len(), 3, "no more than max_connections");
        drop(inbox);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn clones_that_outlive_their_lease_do_not_reach_the_next() {
    within(LIMIT, async {
        let world = world();
        let account = world.account_by(world.config(), one_connection());
        let lease = account.mailbox("INBOX").await.unwrap();
        let (clone, sender) = ((*lease).clone(), lease.sender());
        drop(lease);
        let next = account.mailbox("INBOX").await.unwrap();
        let stores = world.count("UID STORE") + world.count("STORE");
        let error = clone
            .store(..=clone.snapshot().uids().last().unwrap(), Store::add([Flag::Deleted]))
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::SelectionEnded, Sent::No), "{error}");
        let error = sender.select("Sent").await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::SelectionEnded, Sent::No), "{error}");
        assert!(error.to_string().contains("lease"), "{error}");
        // The selection of the one who has it now is the same, and works.
        assert_eq!(next.search(Search::all()).await.unwrap().len(), 1);
        assert_eq!(world.count("UID STORE") + world.count("STORE"), stores);
        assert_eq!(world.count("SELECT"), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_submitted_is_done_before_the_next_one_has_the_connection() {
    within(LIMIT, async {
        let world = world();
        let account = world.account_by(world.config(), one_connection());
        let inbox = account.mailbox("INBOX").await.unwrap();
        let uids = inbox.search(Search::all()).await.unwrap();
        world.server.on("UID STORE").delay(Duration::from_secs(30));
        let store = inbox.store(&uids, Store::add([Flag::Flagged]));
        drop(inbox);
        let start = Instant::now();
        let sent = account.mailbox("Sent").await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(30), "{:?}", start.elapsed());
        store.await.unwrap();
        assert_eq!(sent.name(), &"Sent".into());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_takes_nothing_along() {
    within(LIMIT, async {
        let world = world();
        let account = world.account_by(world.config(), one_connection());
        let inbox = account.mailbox("INBOX").await.unwrap();
        // While it waits, and while its SELECT is under way.
        assert!(timeout(Duration::from_secs(5), account.mailbox("Sent")).await.is_err());
        sleep(Duration::from_millis(1)).await;
        assert_eq!(account.status().now().waiting, 0);
        drop(inbox);
        world.server.on("SELECT").delay(Duration::from_secs(10));
        assert!(timeout(Duration::from_secs(5), account.mailbox("Work")).await.is_err());
        let sent = account.mailbox("Sent").await.unwrap();
        assert_eq!((sent.name(), world.dials().len()), (&"Sent".into(), 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_refused_costs_no_connection() {
    within(LIMIT, async {
        let world = world();
        let account = world.account_by(world.config(), one_connection());
        let error = account.mailbox("Nowhere").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::No, "{error}");
        let inbox = account.mailbox("INBOX").await.unwrap();
        inbox.fetch(inbox.newest(1), Items::new().flags()).await.unwrap();
        assert_eq!(world.dials().len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_in_time() {
    within(LIMIT, async {
        let world = world();
        let account = world.account();
        let inbox = account.mailbox("INBOX").await.unwrap();
        drop(account.session().await.unwrap());
        sleep(Duration::from_secs(299)).await;
        assert_eq!(account.status().now().connections, 2);
        sleep(Duration::from_secs(10)).await;
        assert_eq!((account.status().now().connections, world.count("LOGOUT")), (1, 1));
        // The leased one stays.
        sleep(Duration::from_secs(3600)).await;
        inbox.search(Search::all()).await.unwrap();
        drop(inbox);
        sleep(Duration::from_secs(310)).await;
        let status = account.status().now();
        assert!(matches!(status.state, AccountState::Idle), "{status:?}");
    })
    .await;
}
