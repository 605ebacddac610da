//! What the user takes back: just before it is sent, or after it may have been.

use std::time::Duration;

use imap_duplex::store::{NewMessage, OperationState};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags};
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, LIMIT, World, by_subject, id_of, message, plain};

/// How long the server takes for what comes before a change.
const SLOW: Duration = Duration::from_secs(5);
/// In the middle of that.
const MEANWHILE: Duration = Duration::from_secs(2);

async fn world() -> (World, Client) {
    let server = Server::builder().start();
    server.create("Work");
    server.create("Archive");
    server.deliver("Work", message("one"));
    let world = World::new(server);
    let client = world.client().await;
    client.in_step().await;
    (world, client)
}

fn count(world: &World, command: &str) -> usize {
    world.server.received().iter().filter(|received| received.name == command).count()
}

fn holds(world: &World, mailbox: &str) -> usize {
    world.server.mailbox(mailbox).expect("there").messages.len()
}

fn flags(world: &World) -> Flags {
    plain(&world.server.mailbox("Work").expect("there").messages[0].flags)
}

/// Waits for the end, at which all agree.
async fn settled(world: &World, client: &Client) {
    client.in_step().await;
    let operations = client.store.operations().await.expect("readable");
    assert!(operations.is_empty(), "{operations:?}");
    world.check(&client.store).await;
}

#[tokio::test(start_paused = true)]
async fn a_flag_that_is_taken_back_while_the_mailbox_opens_is_not_set() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let one = id_of(&client.store, "one").await;
        world.server.on("SELECT").delay(SLOW);
        client.store.flag([one], Flag::Flagged, Flags::new()).await.expect("queued");
        sleep(MEANWHILE).await;
        assert_eq!((count(&world, "SELECT"), count(&world, "UID STORE")), (1, 0), "it is about to be sent");
        client.store.flag([one], Flags::new(), Flag::Flagged).await.expect("taken back");
        settled(&world, &client).await;
        assert_eq!((count(&world, "UID STORE"), flags(&world)), (0, Flags::new()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_flag_that_is_changed_while_the_mailbox_opens_is_sent_as_it_is_then() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let one = id_of(&client.store, "one").await;
        world.server.on("SELECT").delay(SLOW);
        client.store.flag([one], Flag::Flagged, Flags::new()).await.expect("queued");
        sleep(MEANWHILE).await;
        client.store.flag([one], Flag::Answered, Flag::Flagged).await.expect("changed");
        settled(&world, &client).await;
        assert_eq!((count(&world, "UID STORE"), flags(&world)), (1, Flag::Answered.into()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_move_goes_where_the_user_wants_it_last() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let one = id_of(&client.store, "one").await;
        let mailbox = async |name| client.store.mailbox_named(name).await.expect("there").id();
        let (archive, drafts) = (mailbox("Archive").await, mailbox("Drafts").await);
        world.server.on("SELECT").delay(SLOW);
        client.store.move_to([one], archive).await.expect("queued");
        sleep(MEANWHILE).await;
        assert_eq!((count(&world, "SELECT"), count(&world, "UID MOVE")), (1, 0), "it is about to be sent");
        client.store.move_to([one], drafts).await.expect("changed");
        settled(&world, &client).await;
        assert_eq!((holds(&world, "Archive"), holds(&world, "Drafts")), (0, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_while_the_mailbox_opens_is_not_sent() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let one = id_of(&client.store, "one").await;
        world.server.on("SELECT").delay(SLOW);
        client.store.expunge([one]).await.expect("queued");
        sleep(MEANWHILE).await;
        let operation = client.store.operations().await.expect("readable")[0].id;
        client.store.drop_operation(operation).await.expect("not sent yet");
        settled(&world, &client).await;
        assert_eq!(holds(&world, "Work"), 1);
        // A draft that is removed before it was written.
        let work = client.store.mailbox_named("Work").await.expect("there").id();
        world.server.on("STATUS").delay(SLOW).always();
        let draft = client.store.append(work, NewMessage::new(message("draft"))).await.expect("queued");
        sleep(MEANWHILE).await;
        client.store.expunge([draft]).await.expect("taken back");
        settled(&world, &client).await;
        assert_eq!((count(&world, "APPEND"), holds(&world, "Work")), (0, 1));
    })
    .await;
}

/// The server sets a flag and its answer is lost; the operation is queued again, and waits.
async fn flag_whose_answer_was_lost(world: &World, client: &Client) {
    let one = id_of(&client.store, "one").await;
    world.server.on("UID STORE").cut_after(0);
    client.store.flag([one], Flag::Flagged, Flags::new()).await.expect("queued");
    while count(world, "UID STORE") == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    world.server.on("SELECT").delay(SLOW).always();
    loop {
        let operations = client.store.operations().await.expect("readable");
        assert_eq!((operations.len(), operations[0].attempts), (1, 1), "{operations:?}");
        if operations[0].state == OperationState::Queued {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(flags(world), Flag::Flagged.into());
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_undone_by_an_operation_of_its_own() {
    within(LIMIT, async {
        let (world, client) = world().await;
        flag_whose_answer_was_lost(&world, &client).await;
        let one = id_of(&client.store, "one").await;
        client.store.flag([one], Flags::new(), Flag::Flagged).await.expect("queued");
        assert_eq!(client.store.operations().await.expect("readable").len(), 2);
        settled(&world, &client).await;
        assert_eq!(flags(&world), Flags::new());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_shown_if_it_was_and_is_dropped() {
    within(LIMIT, async {
        let (world, client) = world().await;
        flag_whose_answer_was_lost(&world, &client).await;
        let operation = client.store.operations().await.expect("readable")[0].id;
        client.store.drop_operation(operation).await.expect("it waits");
        settled(&world, &client).await;
        // It is not sent again, and the store does not hide that it has been done.
        assert_eq!((count(&world, "UID STORE"), flags(&world)), (1, Flag::Flagged.into()));
        assert_eq!(by_subject(&client.store, "one").await.flags, Flag::Flagged.into());
    })
    .await;
}

/// An upload is dropped that the server carries out late.
#[tokio::test(start_paused = true)]
async fn a_draft_that_is_dropped_and_arrives_all_the_same_is_shown_once() {
    within(LIMIT, async {
        let (world, client) = world().await;
        let work = client.store.mailbox_named("Work").await.expect("there").id();
        world.server.on("APPEND").instead("").cut_after(0);
        client.store.append(work, NewMessage::new(message("draft"))).await.expect("queued");
        while count(&world, "APPEND") == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        world.server.disconnect(true);
        world.server.on("STATUS").delay(SLOW).always();
        let operation = loop {
            let operations = client.store.operations().await.expect("readable");
            assert_eq!((operations.len(), operations[0].attempts), (1, 1), "{operations:?}");
            if operations[0].state == OperationState::Queued {
                break operations[0].id;
            }
            sleep(Duration::from_millis(10)).await;
        };
        world.server.deliver("Work", message("draft"));
        client.store.drop_operation(operation).await.expect("it waits");
        settled(&world, &client).await;
        assert_eq!((count(&world, "APPEND"), holds(&world, "Work")), (1, 2));
        by_subject(&client.store, "draft").await;
    })
    .await;
}
