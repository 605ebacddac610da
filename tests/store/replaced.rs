//! Drafts that are written on: the older one goes once the newer one is at the server, not before.

use imap_duplex::account::Policy;
use imap_duplex::store::{NewMessage, OperationState, PageBy, Store};
use imap_duplex::testing::Server;

use crate::support::within;
use crate::world::{Client, LIMIT, World, id_of, message};

fn world_without(names: &[&str]) -> World {
    let server = Server::builder().without(names.iter().copied()).start();
    server.create("Work");
    World::new(server)
}

/// Subjects of a mailbox at the server.
fn subjects(world: &World, mailbox: &str) -> Vec<String> {
    let subject = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned)).unwrap_or_default()
    };
    let there = world.server.mailbox(mailbox).expect("there");
    there.messages.iter().map(|message| subject(&message.bytes)).collect()
}

/// A draft that is written on offline: only the last one is sent, and the one at the server goes
/// once that is there.
#[tokio::test(start_paused = true)]
async fn a_draft_that_was_written_on_takes_the_place_of_the_older_one() {
    for lacks in [&[][..], &["OBJECTID", "QRESYNC", "CONDSTORE"]] {
        within(LIMIT, async {
            let world = world_without(lacks);
            world.server.deliver("Work", message("draft 1"));
            let client = world.client().await;
            client.in_step().await;
            client.crash().await;
            let store: Store = world.store().await;
            let work = store.mailbox_named("Work").await.expect("there").id();
            let mut last = id_of(&store, "draft 1").await;
            for number in 2..5 {
                let draft = NewMessage::new(message(&format!("draft {number}")));
                last = store.replace(last, work, draft).await.expect("queued");
                let page = store.mailbox(work).page(PageBy::newest(), None).await.expect("readable");
                assert_eq!(page.messages.iter().map(|one| one.id).collect::<Vec<_>>(), [last]);
            }
            assert_eq!(store.operations().await.expect("readable").len(), 2, "one is written, one goes");
            let account = world.account_by(Policy::default());
            let attachment = store.attach(&account).await.expect("attached");
            let client = Client { store, attachment, account };
            client.in_step().await;
            assert_eq!(client.store.operations().await.expect("readable"), []);
            assert_eq!(subjects(&world, "Work"), ["draft 4"], "{lacks:?}");
            assert_eq!(id_of(&client.store, "draft 4").await, last);
            world.check(&client.store).await;
        })
        .await;
    }
}

/// The server refuses the newer one: the older one stays there, until that one is retried; and is
/// seen again if it is dropped.
#[tokio::test(start_paused = true)]
async fn the_older_draft_stays_until_the_newer_one_is_at_the_server() {
    for is_dropped in [false, true] {
        within(LIMIT, async {
            let world = world_without(&[]);
            world.server.deliver("Work", message("older"));
            let client = world.client().await;
            client.in_step().await;
            let store = &client.store;
            world.server.on("APPEND").no("not today");
            let work = store.mailbox_named("Work").await.expect("there").id();
            let older = id_of(store, "older").await;
            store.replace(older, work, NewMessage::new(message("newer"))).await.expect("queued");
            client.in_step().await;
            let queued = store.operations().await.expect("readable");
            assert_eq!(queued.len(), 2, "{queued:#?}");
            assert_eq!(queued[0].state, OperationState::Parked);
            assert_eq!(subjects(&world, "Work"), ["older"], "it stays there");
            if is_dropped {
                store.drop_operation(queued[0].id).await.expect("parked");
                assert_eq!(store.operations().await.expect("readable"), []);
                assert_eq!(id_of(store, "older").await, older, "it is seen again");
            } else {
                store.retry(queued[0].id).await.expect("parked");
            }
            client.in_step().await;
            let left = if is_dropped { "older" } else { "newer" };
            assert_eq!(subjects(&world, "Work"), [left]);
            world.check(store).await;
            world.check_rows();
        })
        .await;
    }
}

/// The same once more while the newer one is refused: the last one takes the place of both.
#[tokio::test(start_paused = true)]
async fn a_refused_draft_that_is_written_on_leaves_one_draft() {
    within(LIMIT, async {
        let world = world_without(&[]);
        world.server.deliver("Work", message("first"));
        let client = world.client().await;
        client.in_step().await;
        let store = &client.store;
        world.server.on("APPEND").no("not today");
        let work = store.mailbox_named("Work").await.expect("there").id();
        let first = id_of(store, "first").await;
        let second = store.replace(first, work, NewMessage::new(message("second"))).await.expect("queued");
        client.in_step().await;
        assert_eq!(subjects(&world, "Work"), ["first"]);
        store.replace(second, work, NewMessage::new(message("third"))).await.expect("queued");
        client.in_step().await;
        assert_eq!(store.operations().await.expect("readable"), []);
        assert_eq!(subjects(&world, "Work"), ["third"]);
        world.check(store).await;
    })
    .await;
}
