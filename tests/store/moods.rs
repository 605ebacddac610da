//! Servers that leave out what a store needs, or say what can't be so: each ends with store and
//! server alike, and what the user did is done.

use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::NewMessage;
use imap_duplex::testing::{Builder, Quirk, Server};
use imap_duplex::types::{Flag, Flags};
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, LIMIT, World, id_of, message, uid};

/// Servers that can do more and less.
const SERVERS: [&[&str]; 3] =
    [&[], &["OBJECTID", "QRESYNC"], &["OBJECTID", "QRESYNC", "CONDSTORE", "MOVE", "IMAP4rev2"]];

fn world_of(lacks: &[&str], mood: impl FnOnce(Builder) -> Builder) -> World {
    let server = mood(Server::builder().without(lacks.iter().copied())).start();
    for number in 1..=6 {
        server.deliver("INBOX", message(&format!("message {number}")));
    }
    server.create("Work");
    World::new(server)
}

/// Others change the mailboxes while the store is attached, and while it is not; the user works
/// offline.
async fn live_through(world: &World, what: &str) {
    let client = world.client().await;
    client.in_step().await;
    world.server.deliver("INBOX", message("message 7"));
    world.server.expunge("INBOX", uid(2));
    world.server.add_flags("INBOX", uid(3), Flag::Answered);
    sleep(Duration::from_secs(60)).await;
    client.in_step().await;
    world.check(&client.store).await;
    client.crash().await;
    let store = world.store().await;
    let work = store.mailbox_named("Work").await.expect("there").id();
    store.move_to([id_of(&store, "message 1").await], work).await.expect("queued");
    store.flag([id_of(&store, "message 4").await], Flag::Flagged, Flags::new()).await.expect("queued");
    store.expunge([id_of(&store, "message 5").await]).await.expect("queued");
    store.append(work, NewMessage::new(message("written"))).await.expect("queued");
    world.server.deliver("INBOX", message("message 8"));
    world.server.expunge("INBOX", uid(6));
    let account = world.account_by(Policy::default());
    let attachment = store.attach(&account).await.expect("attached");
    let client = Client { store, attachment, account };
    client.in_step().await;
    assert_eq!(client.store.operations().await.expect("readable"), [], "{what}");
    world.check(&client.store).await;
    let mailbox = |name: &str| world.server.mailbox(name).expect("there").messages;
    let there: Vec<u32> = mailbox("INBOX").iter().map(|message| message.uid.get()).collect();
    assert_eq!(there, [3, 4, 7, 8], "{what}");
    assert_eq!(mailbox("Work").len(), 2, "{what}");
    assert!(mailbox("INBOX")[1].flags.contains(&Flag::Flagged), "{what}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_no_uid_next_is_in_step() {
    for lacks in SERVERS {
        let world = world_of(lacks, |server| server.quirk(Quirk::NoUidNext));
        within(LIMIT, live_through(&world, &format!("{lacks:?}"))).await;
    }
}

/// Then a UID says nothing of a later session: nothing is kept, and the mailbox says why.
#[tokio::test(start_paused = true)]
async fn a_mailbox_without_uid_validity_says_that_it_can_not_be_kept() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let world = world_of(lacks, |server| server.quirk(Quirk::NoUidValidity));
            let client = world.client().await;
            client.in_step().await;
            for mailbox in client.store.mailboxes().await.expect("readable") {
                assert_eq!(mailbox.messages, 0, "{mailbox:?}");
                assert!(
                    mailbox.failure.as_ref().is_some_and(|why| why.contains("UIDVALIDITY")),
                    "{mailbox:?}"
                );
            }
        })
        .await;
    }
}

/// Numbers and UIDs that were never given, far too many, or those of messages that are still there.
#[tokio::test(start_paused = true)]
async fn what_can_not_be_so_is_looked_into() {
    for lies in [
        "* VANISHED 1000:4294967295\r\n",
        "* VANISHED 1:4294967295\r\n",
        "* VANISHED (EARLIER) 1:4294967295\r\n",
        "* VANISHED 3\r\n",
        "* 2 EXISTS\r\n",
        "* 4294967295 EXISTS\r\n",
        "* 900 EXPUNGE\r\n",
        "* 1 EXPUNGE\r\n",
        "* 900 FETCH (UID 4294967295 FLAGS (\\Deleted))\r\n",
        "* 1 FETCH (UID 5 FLAGS (\\Deleted))\r\n",
        "* OK [UIDVALIDITY 7] other\r\n",
        "* OK [HIGHESTMODSEQ 9223372036854775807] high\r\n",
    ] {
        for lacks in SERVERS {
            within(LIMIT, async {
                let world = world_of(lacks, |server| server);
                let client = world.client().await;
                client.in_step().await;
                world.server.say(lies);
                sleep(Duration::from_secs(1)).await;
                // What follows is seen, and so is what was there before.
                world.server.deliver("INBOX", message("later"));
                sleep(Duration::from_secs(60)).await;
                client.in_step().await;
                world.check(&client.store).await;
            })
            .await;
        }
    }
}
