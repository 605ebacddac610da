//! A body that is asked for after the server was restored, and before the store has looked: under
//! the UID of its message there is another one, which is neither given nor kept.

use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::{BodyPolicy, StoreErrorKind, SyncPolicy};
use imap_duplex::testing::{Server, StoredMailbox};
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, LIMIT, World, all, by_subject, id_of, message};

/// Servers that can do more and less.
const SERVERS: [&[&str]; 3] =
    [&[], &["OBJECTID"], &["OBJECTID", "QRESYNC", "CONDSTORE", "ESEARCH", "IMAP4rev2"]];

/// Nothing is looked into but when it is asked for.
fn rarely() -> SyncPolicy {
    SyncPolicy::new().follow_none().interval(Duration::from_secs(24 * 60 * 60))
}

/// A store of messages 0 to 9; at the server others have the UIDs of the newest three, and of one
/// in the middle.
async fn swapped(lacks: &[&str], policy: SyncPolicy) -> (World, Client) {
    let server = Server::builder().without(lacks.iter().copied()).start();
    let world = World::new(server);
    for number in 0..10 {
        world.server.deliver("INBOX", message(&format!("message {number}")));
    }
    let client = world.client_by(Policy::default(), policy).await;
    client.in_step().await;
    let mut backup: StoredMailbox = world.server.mailbox("INBOX").expect("there");
    for number in [4, 7, 8, 9] {
        // As long, and of the same second.
        backup.messages[number].bytes = message(&format!("another {number}")).into();
    }
    world.server.restore(&backup);
    (world, client)
}

async fn is_right(world: &World, client: &Client) {
    client.in_step().await;
    // What was found to be another one is looked into once more.
    client.in_step().await;
    world.check(&client.store).await;
    let inbox = client.store.mailbox_named("INBOX").await.expect("there");
    for one in all(&inbox).await {
        let subject = one.subject.clone().expect("a subject");
        assert_eq!(client.store.body(one.id).await.expect("there"), message(&subject).as_bytes());
    }
}

#[tokio::test(start_paused = true)]
async fn the_body_of_another_message_is_neither_given_nor_kept() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let (world, client) = swapped(lacks, rarely()).await;
            let store = &client.store;
            let ids = [id_of(store, "message 4").await, id_of(store, "message 9").await];
            for (number, id) in [4, 9].into_iter().zip(ids) {
                let error = match number {
                    4 => store.body(id).await.expect_err("it is another one"),
                    _ => store.part(id, "1").await.expect_err("it is another one"),
                };
                assert_eq!(error.kind(), StoreErrorKind::NotFound, "{lacks:?}: {error}");
                // Or a look has removed it, before or meanwhile.
                let text = error.to_string();
                let why = ["another message", "no message", "the message is gone"];
                assert!(why.iter().any(|what| text.contains(what)), "{text}");
            }
            is_right(&world, &client).await;
        })
        .await;
    }
}

/// No look was called for: that body has shown that one is due.
#[tokio::test(start_paused = true)]
async fn a_look_follows_by_itself() {
    within(LIMIT, async {
        let (world, client) = swapped(&["OBJECTID"], rarely()).await;
        let (id, same) = (id_of(&client.store, "message 9").await, id_of(&client.store, "message 2").await);
        assert_eq!(client.store.body(same).await.expect("it is there"), message("message 2").as_bytes());
        client.store.body(id).await.expect_err("it is another one");
        sleep(Duration::from_secs(60)).await;
        world.check(&client.store).await;
        assert_eq!(by_subject(&client.store, "another 9").await.subject.as_deref(), Some("another 9"));
    })
    .await;
}

/// The same by a policy, and of a long one of which a part had come.
#[tokio::test(start_paused = true)]
async fn a_body_in_advance_is_that_of_its_message() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let (world, client) = swapped(lacks, rarely()).await;
            let Client { store, attachment, account } = client;
            attachment.stop().await;
            let attachment =
                store.attach_with(&account, rarely().bodies(BodyPolicy::all())).await.expect("attached");
            sleep(Duration::from_secs(60)).await;
            is_right(&world, &Client { store, attachment, account }).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_come_of_a_body_is_not_gone_on_with_by_another_message() {
    within(LIMIT, async {
        let long = |subject: &str| {
            let text: String = (0..30_000).map(|line| format!("Line {line} of {subject}.\r\n")).collect();
            message(subject) + &text
        };
        let world = World::new(Server::builder().without(["OBJECTID"]).start());
        world.server.deliver("INBOX", long("aaa"));
        let client = world.client_by(Policy::default(), rarely()).await;
        client.in_step().await;
        let id = id_of(&client.store, "aaa").await;
        world.server.on("UID FETCH").cut_after(400_000);
        client.store.read_body(id).await.expect_err("the connection was lost");
        // The next connection is there.
        sleep(Duration::from_secs(20)).await;
        let mut backup = world.server.mailbox("INBOX").expect("there");
        backup.messages[0].bytes = long("bbb").into();
        world.server.restore(&backup);
        client.store.body(id).await.expect_err("it is another one");
        client.in_step().await;
        let id = id_of(&client.store, "bbb").await;
        assert_eq!(client.store.body(id).await.expect("there"), long("bbb").as_bytes());
    })
    .await;
}

/// What the server finds under known UIDs is not taken for the messages that had them.
#[tokio::test(start_paused = true)]
async fn a_search_at_the_server_finds_no_other_message() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let (world, client) = swapped(lacks, rarely()).await;
            let joined = async || {
                let search = client.store.search_joined("another").await.expect("readable");
                search.joined().await.expect("readable")
            };
            let hits = joined().await;
            let subjects: Vec<_> = hits.messages.iter().map(|hit| hit.subject.clone()).collect();
            assert!(subjects.is_empty(), "{lacks:?}: {subjects:?}");
            assert!(!hits.is_complete() && !hits.is_offline(), "{hits:?}");
            // It has had the mailbox looked into.
            is_right(&world, &client).await;
            assert_eq!(joined().await.messages.len(), 4, "{lacks:?}");
        })
        .await;
    }
}
