//! Mailboxes that are renamed while something comes or goes in them: their messages keep their
//! numbers, and what is queued for them is done, also without MAILBOXID.

use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::{MailboxId, MessageId, NewMessage, OperationState, Store, SyncPolicy};
use imap_duplex::testing::Server;
use imap_duplex::types::{Code, Flag, Flags, UidSet};
use tokio::time::{Instant, sleep};

use crate::support::within;
use crate::world::{Client, LIMIT, World, all, id_of, message};

/// A mailbox with three messages, in step; on a server that does not say which mailbox is which.
async fn world() -> (World, Client) {
    let world = World::new(Server::builder().without(["OBJECTID"]).start());
    world.server.create("Work");
    for subject in ["one", "two", "three"] {
        world.server.deliver("Work", message(subject));
    }
    let client = world.client().await;
    client.in_step().await;
    (world, client)
}

async fn numbers(store: &Store, mailbox: MailboxId) -> Vec<MessageId> {
    let mut numbers: Vec<_> = all(&store.mailbox(mailbox)).await.into_iter().map(|one| one.id).collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test(start_paused = true)]
async fn what_others_rename_and_write_to_at_once_is_the_same_mailbox() {
    within(LIMIT, async {
        for queued in [false, true] {
            let (world, client) = world().await;
            let mailbox = client.store.mailbox_named("Work").await.expect("there").id();
            let before = numbers(&client.store, mailbox).await;
            let store = client.store.clone();
            client.crash().await;
            if queued {
                store.flag([before[0]], Flag::Flagged, Flags::new()).await.expect("queued");
            }
            drop(store);
            crate::world::closed().await;
            world.server.rename("Work", "Job");
            world.server.deliver("Job", message("four"));
            let client = world.client().await;
            client.in_step().await;
            let named = client.store.mailbox_named("Job").await.expect("there").id();
            let now = numbers(&client.store, named).await;
            assert_eq!((named, &now[..3], now.len()), (mailbox, &before[..], 4), "queued: {queued}");
            let one = client.store.message(before[0]).await.expect("there");
            assert_eq!(one.flags.contains(&Flag::Flagged), queued);
            world.check(&client.store).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_renamed_here_while_a_message_comes_is_the_same_mailbox() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let store = client.store.clone();
        let mailbox = store.mailbox_named("Work").await.expect("there").id();
        let before = numbers(&store, mailbox).await;
        // The listing that follows has other counts than the one before.
        world.server.deliver("Work", message("four"));
        store.rename_mailbox(mailbox, "Job").await.expect("queued");
        store.flag([before[1]], Flag::Flagged, Flags::new()).await.expect("queued");
        client.in_step().await;
        assert_eq!(store.operations().await.expect("readable"), []);
        let now = numbers(&store, mailbox).await;
        assert_eq!((&now[..3], now.len()), (&before[..], 4));
        world.check(&store).await;
    })
    .await;
}

/// The program ends once the server has renamed it, and before it is in the file.
#[tokio::test(start_paused = true)]
async fn a_rename_that_was_in_doubt_keeps_what_is_queued() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let store = client.store.clone();
        let mailbox = store.mailbox_named("Work").await.expect("there").id();
        let before = numbers(&store, mailbox).await;
        world.server.on("RENAME").cut_after(0);
        store.rename_mailbox(mailbox, "Job").await.expect("queued");
        store.flag([before[2]], Flag::Flagged, Flags::new()).await.expect("queued");
        while world.server.mailbox("Job").is_none() {
            sleep(Duration::from_millis(1)).await;
        }
        drop(store);
        client.crash().await;
        world.server.deliver("Job", message("four"));
        let client = world.client().await;
        client.in_step().await;
        assert_eq!(client.store.operations().await.expect("readable"), []);
        let now = numbers(&client.store, mailbox).await;
        assert_eq!((&now[..3], now.len()), (&before[..], 4));
        let last = id_of(&client.store, "three").await;
        assert!(client.store.message(last).await.expect("there").flags.contains(&Flag::Flagged));
        world.check(&client.store).await;
    })
    .await;
}

/// Others have made another mailbox of the same UIDVALIDITY: no message of it is taken for a known
/// one.
#[tokio::test(start_paused = true)]
async fn another_mailbox_of_the_same_uidvalidity_is_another() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let mailbox = client.store.mailbox_named("Work").await.expect("there").id();
        let before = numbers(&client.store, mailbox).await;
        client.crash().await;
        let uid_validity = world.server.mailbox("Work").expect("there").uid_validity;
        world.server.delete("Work");
        world.server.create("Job");
        world.server.change_uid_validity("Job", uid_validity);
        for subject in ["other one", "other two", "other three", "other four"] {
            world.server.deliver("Job", message(subject));
        }
        let client = world.client().await;
        client.in_step().await;
        let named = client.store.mailbox_named("Job").await.expect("there").id();
        assert_ne!(named, mailbox);
        assert!(numbers(&client.store, named).await.iter().all(|id| !before.contains(id)));
        world.check(&client.store).await;
    })
    .await;
}

/// Others rename it, and back before a listing shows that: what was refused meanwhile is done.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_away_for_a_moment_parks_nothing() {
    within(LIMIT, async {
        let (world, client) = world().await;
        world.server.deliver("INBOX", message("four"));
        client.in_step().await;
        let store = client.store.clone();
        let work = store.mailbox_named("Work").await.expect("there").id();
        client.crash().await;
        world.server.on("SELECT").no_with(Code::NonExistent, "no such mailbox");
        world.server.on("APPEND").no_with(Code::TryCreate, "no such mailbox");
        store.flag([id_of(&store, "one").await], Flag::Flagged, Flags::new()).await.expect("queued");
        store.append(work, NewMessage::new(message("five"))).await.expect("queued");
        store.move_to([id_of(&store, "four").await], work).await.expect("queued");
        drop(store);
        crate::world::closed().await;
        let client = world.client().await;
        client.in_step().await;
        assert_eq!(client.store.operations().await.expect("readable"), []);
        assert_eq!(world.server.mailbox("Work").expect("there").messages.len(), 5);
        world.check(&client.store).await;
    })
    .await;
}

/// The program ends before the server has renamed one: the listing of the next program has it under
/// the new name, and it is empty, so that no message says which it is.
#[tokio::test(start_paused = true)]
async fn an_empty_mailbox_whose_rename_was_in_doubt_keeps_what_is_queued() {
    for below in [false, true] {
        for milliseconds in [0, 1, 5, 20, 100] {
            within(LIMIT, async {
                let world = World::new(Server::builder().without(["OBJECTID"]).start());
                world.server.create("Work");
                world.server.create("Work/Plans");
                let client = world.client().await;
                client.in_step().await;
                let store = client.store.clone();
                let work = store.mailbox_named("Work").await.expect("there").id();
                let into = if below { "Work/Plans" } else { "Work" };
                let into = store.mailbox_named(into).await.expect("there").id();
                // Something has changed since the last listing.
                let uid = world.server.deliver("Work", message("short-lived"));
                world.server.expunge("Work", UidSet::from(uid));
                client.in_step().await;
                world.server.on("RENAME").instead("").cut_after(0);
                store.rename_mailbox(work, "Job").await.expect("queued");
                store.append(into, NewMessage::new(message("one"))).await.expect("queued");
                while store.operations().await.expect("readable")[0].attempts == 0 {
                    sleep(Duration::from_millis(1)).await;
                }
                sleep(Duration::from_millis(1)).await;
                drop(store);
                client.crash().await;
                world.server.rename("Work", "Job");
                // Its own look comes after a listing, or before.
                world.server.on("AUTHENTICATE").delay(Duration::from_millis(milliseconds));
                let client = world.client().await;
                client.in_step().await;
                assert_eq!(client.store.operations().await.expect("readable"), []);
                assert_eq!(client.store.mailbox_named("Job").await.expect("there").id(), work);
                let name = if below { "Job/Plans" } else { "Job" };
                assert_eq!(world.server.mailbox(name).expect("there").messages.len(), 1);
                world.check(&client.store).await;
            })
            .await;
        }
    }
}

/// Others have deleted the mailbox: there is nothing left that could get the name back.
#[tokio::test(start_paused = true)]
async fn a_rename_of_a_mailbox_that_is_gone_can_be_dropped() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let store = client.store.clone();
        let mailbox = store.mailbox_named("Work").await.expect("there").id();
        client.crash().await;
        store.rename_mailbox(mailbox, "Job").await.expect("queued");
        drop(store);
        crate::world::closed().await;
        world.server.delete("Work");
        let client = world.client().await;
        client.in_step().await;
        let left = client.store.operations().await.expect("readable");
        assert_eq!(left.iter().map(|one| one.state).collect::<Vec<_>>(), [OperationState::Parked]);
        client.store.drop_operation(left[0].id).await.expect("parked");
        client.in_step().await;
        assert_eq!(client.store.operations().await.expect("readable"), []);
        world.check(&client.store).await;
    })
    .await;
}

/// A look that stays holds up no rename, and the mailbox that it is at stays the same one.
#[tokio::test(start_paused = true)]
async fn the_followed_mailbox_is_renamed_here_or_by_others() {
    for (lacks, here) in [(&[][..], true), (&[], false), (&["OBJECTID"], true), (&["OBJECTID"], false)] {
        within(LIMIT, async {
            let what = format!("without {lacks:?}, here: {here}");
            let world = World::new(Server::builder().without(lacks.iter().copied()).start());
            world.server.create("Work");
            for subject in ["one", "two", "three"] {
                world.server.deliver("Work", message(subject));
            }
            // No sweep shows within an hour what is not followed.
            let policy = SyncPolicy::new().follow("Work").interval(Duration::from_secs(60 * 60));
            let client = world.client_by(Policy::default(), policy).await;
            client.in_step().await;
            let store = client.store.clone();
            let mailbox = store.mailbox_named("Work").await.expect("there").id();
            let before = numbers(&store, mailbox).await;
            let is_followed = async |name: &str, subject: &str| {
                let count = numbers(&store, mailbox).await.len();
                world.server.deliver(name, message(subject));
                sleep(Duration::from_secs(5)).await;
                numbers(&store, mailbox).await.len() == count + 1
            };
            assert!(is_followed("Work", "four").await, "{what}");
            let started = Instant::now();
            if here {
                store.rename_mailbox(mailbox, "Job").await.expect("queued");
            } else {
                world.server.rename("Work", "Job");
            }
            client.in_step().await;
            assert!(started.elapsed() < Duration::from_secs(9), "{what}: {:?}", started.elapsed());
            assert_eq!(store.mailbox_named("Job").await.expect("there").id(), mailbox, "{what}");
            assert_eq!(numbers(&store, mailbox).await[..3], before, "{what}");
            store.flag([before[0]], Flag::Flagged, Flags::new()).await.expect("queued");
            client.in_step().await;
            world.check(&store).await;
            assert!(is_followed("Job", "five").await, "{what}: under its new name");
            world.server.disconnect(true);
            client.in_step().await;
            world.check(&store).await;
            assert!(is_followed("Job", "six").await, "{what}: on another connection");
        })
        .await;
    }
}
