//! The store follows the server: at first, live, after absences, whatever the server can do.

use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::{PageBy, StoreErrorKind, SyncPolicy};
use imap_duplex::testing::{Quirk, Server};
use imap_duplex::types::{Flag, Flags, UidValidity};
use tokio::time::sleep;

use crate::support::within;
use crate::world::{LIMIT, World, all, id_of, message, mirror, uid};

/// Servers that can do more and less.
const SERVERS: [&[&str]; 6] = [
    &[],
    &["QRESYNC"],
    &["QRESYNC", "CONDSTORE"],
    &["OBJECTID"],
    &["OBJECTID", "QRESYNC", "CONDSTORE", "ESEARCH", "IMAP4rev2"],
    &["OBJECTID", "QRESYNC", "CONDSTORE", "ESEARCH", "IMAP4rev2", "LIST-STATUS", "IDLE"],
];

fn server_without(names: &[&str]) -> Server {
    let server = Server::builder().without(names.iter().copied()).start();
    for number in 1..=30 {
        server.deliver("INBOX", message(&format!("inbox {number}")));
    }
    server.add_flags("INBOX", uid(3), Flag::Seen);
    server.add_flags("INBOX", uid(7), [Flag::Flagged, Flag::new("$Work")]);
    server.expunge("INBOX", uid(5));
    server.create("Empty");
    for number in 1..=9 {
        server.deliver("Work/Old", message(&format!("old {number}")));
    }
    server
}

#[tokio::test(start_paused = true)]
async fn a_store_is_as_the_server_and_stays_so() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let world = World::new(server_without(lacks));
            let client = world.client().await;
            client.in_step().await;
            world.check(&client.store).await;
            let server = &world.server;
            server.deliver("INBOX", message("late"));
            server.add_flags("INBOX", uid(1), Flag::Answered);
            server.remove_flags("INBOX", uid(7), Flag::Flagged);
            server.expunge("INBOX", uid(2));
            server.deliver("Work/Old", message("late old"));
            server.add_flags("Work/Old", uid(4), Flag::Seen);
            server.deliver("New", message("new"));
            client.in_step().await;
            world.check(&client.store).await;
            assert_eq!(
                client.store.status().await.expect("readable").accounts[0].messages_stored,
                40,
                "{lacks:?}"
            );
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_followed_mailbox_changes_at_once() {
    within(LIMIT, async {
        let world = World::new(server_without(&[]));
        let client = world.client_by(Policy::default(), SyncPolicy::new().interval(LIMIT)).await;
        client.in_step().await;
        let new = world.server.deliver("INBOX", message("live"));
        world.server.add_flags("INBOX", uid(1), Flag::Flagged);
        world.server.expunge("INBOX", uid(9));
        sleep(Duration::from_secs(1)).await;
        let inbox = client.store.mailbox_named("INBOX").await.expect("there");
        let messages = all(&inbox).await;
        assert!(messages.iter().any(|message| message.uid == Some(new)));
        assert!(messages.iter().all(|message| message.uid != Some(uid(9))));
        let first = messages.iter().find(|message| message.uid == Some(uid(1))).expect("there");
        assert!(first.flags.contains(&Flag::Flagged));
        world.check_rows();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_server_hides_from_the_followed_mailbox_is_in_step_too() {
    within(LIMIT, async {
        let server = Server::builder().quirk(Quirk::FetchHidesFlags).start();
        for number in 1..=5 {
            server.deliver("INBOX", message(&format!("inbox {number}")));
        }
        let world = World::new(server);
        let client = world.client_by(Policy::default(), SyncPolicy::new().interval(LIMIT)).await;
        client.in_step().await;
        for number in 1..=5 {
            // What is hidden at the end of the NOOP that a round begins with.
            world.server.set_flags("INBOX", uid(number), [Flag::Flagged]);
            client.in_step().await;
            world.check(&client.store).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_happened_meanwhile_is_caught_up_with() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let world = World::new(server_without(lacks));
            let client = world.client().await;
            client.in_step().await;
            let kept = id_of(&client.store, "inbox 10").await;
            let Some(before) = world.truth().get(&"INBOX".into()).cloned() else { panic!("INBOX") };
            client.crash().await;
            // Without the server all that was there is there.
            let store = world.store().await;
            assert_eq!(mirror(&store).await.get(&"INBOX".into()), Some(&before));
            drop(store);
            let server = &world.server;
            server.expunge("INBOX", "1:4,20".parse::<imap_duplex::types::UidSet>().expect("a set"));
            server.deliver("INBOX", message("meanwhile"));
            server.set_flags("INBOX", uid(10), [Flag::Seen, Flag::Flagged]);
            server.set_flags("INBOX", uid(7), Flags::new());
            server.rename("Work", "Job");
            server.delete("Empty");
            server.deliver("Second", message("second"));
            let client = world.client().await;
            client.in_step().await;
            world.check(&client.store).await;
            assert_eq!(id_of(&client.store, "inbox 10").await, kept, "a message keeps its number");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn mailboxes_keep_their_numbers_across_renames() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let world = World::new(server_without(lacks));
            let client = world.client().await;
            client.in_step().await;
            let old = client.store.mailbox_named("Work/Old").await.expect("there").id();
            let one = id_of(&client.store, "old 1").await;
            world.server.rename("Work/Old", "Kept");
            client.in_step().await;
            world.check(&client.store).await;
            assert_eq!(client.store.mailbox_named("Kept").await.expect("renamed").id(), old, "{lacks:?}");
            // The parent of a mailbox.
            world.server.rename("Kept", "Work/Old");
            client.in_step().await;
            world.server.rename("Work", "Job");
            client.in_step().await;
            world.check(&client.store).await;
            assert_eq!(client.store.mailbox_named("Job/Old").await.expect("renamed").id(), old, "{lacks:?}");
            assert_eq!(id_of(&client.store, "old 1").await, one);
            // Gone, and made again: another one.
            world.server.delete("Job/Old");
            world.server.deliver("Job/Old", message("afresh"));
            client.in_step().await;
            world.check(&client.store).await;
            assert_ne!(id_of(&client.store, "afresh").await, one);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_uidvalidity_is_another_mailbox() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let world = World::new(server_without(lacks));
            let client = world.client().await;
            client.in_step().await;
            let validity = UidValidity::new(4_000_000_000).expect("not zero");
            world.server.change_uid_validity("INBOX", validity);
            world.server.change_uid_validity("Work/Old", validity);
            client.in_step().await;
            world.check(&client.store).await;
        })
        .await;
    }
}

/// The connection is cut again and again while thousands of messages come; the program is killed,
/// too. Nothing is taken for deleted that was merely not listed yet.
#[tokio::test(start_paused = true)]
async fn a_first_sync_that_is_cut_goes_on() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        for number in 0..600 {
            world.server.deliver("INBOX", message(&format!("number {number}")));
        }
        let mut most = 0;
        for cut in 0..12 {
            let client = world.client().await;
            for _ in 0..cut * 40 {
                tokio::task::yield_now().await;
            }
            sleep(Duration::from_millis(3 * (cut % 3))).await;
            world.server.disconnect(cut % 2 == 0);
            sleep(Duration::from_millis(cut)).await;
            if cut == 6 {
                world.server.expunge("INBOX", uid(500));
                world.server.add_flags("INBOX", uid(3), Flag::Seen);
            }
            let status = client.store.status().await.expect("readable");
            client.crash().await;
            let stored = status.accounts[0].messages_stored;
            assert!(stored + 1 >= most, "{stored} after {most}");
            most = stored.max(most);
        }
        assert!(most > 0, "something has come in between");
        let client = world.client().await;
        client.in_step().await;
        world.check(&client.store).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_newest_page_is_there_first() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        for number in 0..1_000 {
            world.server.deliver("INBOX", message(&format!("number {number}")));
        }
        let client = world.client().await;
        let store = client.store.clone();
        let mut changes = store.changes(Some(0));
        loop {
            changes.next().await.expect("open").expect("readable");
            let Ok(inbox) = store.mailbox_named("INBOX").await else { continue };
            let page = inbox.page(PageBy::newest().count(20), None).await.expect("readable");
            if !page.messages.is_empty() {
                let newest = page.messages[0].subject.as_deref();
                assert_eq!(newest, Some("number 999"));
                break;
            }
        }
        let stored = store.status().await.expect("readable").accounts[0].messages_stored;
        assert!(stored < 1_000, "{stored}");
        client.in_step().await;
        world.check(&client.store).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_account_is_attached_once() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let client = world.client().await;
        let second = client.store.attach(&client.account).await.expect_err("it is attached");
        assert_eq!(second.kind(), StoreErrorKind::Owned);
        client.attachment.stop().await;
        client.store.attach(&client.account).await.expect("free again").in_step().await.expect("in step");
        client.account.shutdown(Duration::from_secs(1)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_connection_is_enough() {
    within(LIMIT, async {
        let world = World::new(server_without(&[]));
        let mut policy = Policy::default();
        policy.max_connections = 1;
        let client = world.client_by(policy, SyncPolicy::new()).await;
        client.in_step().await;
        let message = id_of(&client.store, "inbox 1").await;
        client.store.flag([message], Flag::Flagged, Flags::new()).await.expect("queued");
        client.in_step().await;
        world.check(&client.store).await;
    })
    .await;
}
