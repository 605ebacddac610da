//! A copy has what the message had at that moment; what is done to one of both later is not done to
//! the other.

use std::time::Duration;

use imap_duplex::store::{MessageId, NewMessage};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, Timestamp, UidValidity};
use tokio::time::sleep;

use crate::support::within;
use crate::world::{LIMIT, World, by_subject, id_of, message, plain};

fn world() -> World {
    let server = Server::builder().start();
    server.create("Work");
    server.deliver("INBOX", message("one"));
    World::new(server)
}

/// The flags of the only message of a mailbox.
fn flags(world: &World, mailbox: &str) -> Flags {
    let messages = world.server.mailbox(mailbox).expect("there").messages;
    assert_eq!(messages.len(), 1, "in {mailbox}");
    plain(&messages[0].flags)
}

/// Flags set before a copy was made and taken away after it, set only after it, and those of the
/// copy.
#[tokio::test(start_paused = true)]
async fn a_copy_has_the_flags_of_its_moment() {
    within(LIMIT, async {
        let world = world();
        let client = world.client().await;
        client.in_step().await;
        client.crash().await;
        let store = world.store().await;
        let (one, work) =
            (id_of(&store, "one").await, store.mailbox_named("Work").await.expect("there").id());
        store.flag([one], [Flag::Flagged, Flag::Seen], Flags::new()).await.expect("queued");
        let copy: MessageId = store.copy_to(one, work).await.expect("queued");
        store.flag([one], Flag::Answered, Flag::Flagged).await.expect("queued");
        store.flag([copy], Flag::Draft, Flags::new()).await.expect("queued");
        let seen = |of: Flags| Flags::from([Flag::Seen]).iter().chain(of.iter()).collect::<Flags>();
        let (of_one, of_copy) = (seen(Flag::Answered.into()), seen([Flag::Flagged, Flag::Draft].into()));
        assert_eq!(store.message(one).await.expect("there").flags, of_one, "what the user sees");
        assert_eq!(store.message(copy).await.expect("there").flags, of_copy, "what the user sees");
        drop(store);
        let client = world.client().await;
        client.in_step().await;
        assert_eq!(flags(&world, "INBOX"), of_one);
        assert_eq!(flags(&world, "Work"), of_copy);
        world.check(&client.store).await;
    })
    .await;
}

/// What was refused comes to be at the server all the same: a look makes a row of it, the user
/// copies that, and has the refused one sent again. Both rows are one message then.
#[tokio::test(start_paused = true)]
async fn a_copy_of_a_row_that_turns_out_to_be_another_is_made() {
    within(LIMIT, async {
        let world = world();
        let client = world.client().await;
        client.in_step().await;
        let work = client.store.mailbox_named("Work").await.expect("there").id();
        world.server.on("APPEND").no("not now, and not later");
        let own = client.store.append(work, NewMessage::new(message("own"))).await.expect("queued");
        client.in_step().await;
        // With a date of its own.
        let received = Timestamp::new(1_500_000_000, 0);
        world.server.deliver_with("Work", message("own"), Flags::new(), received);
        client.in_step().await;
        client.crash().await;
        let store = world.store().await;
        let found = store.search("subject:own").await.expect("readable");
        let twin = found.iter().find(|one| one.id != own).expect("a look has found it").id;
        let inbox = store.mailbox_named("INBOX").await.expect("there").id();
        store.copy_to(twin, inbox).await.expect("queued");
        let parked = store.operations().await.expect("readable")[0].id;
        store.retry(parked).await.expect("parked");
        drop(store);
        let client = world.client().await;
        client.in_step().await;
        assert_eq!(client.store.operations().await.expect("readable"), []);
        world.check(&client.store).await;
        let holds = |name: &str| world.server.mailbox(name).expect("there").messages.len();
        assert_eq!((holds("Work"), holds("INBOX")), (1, 2));
        assert_eq!(by_subject(&client.store, "own").await.subject.as_deref(), Some("own"));
    })
    .await;
}

/// A draft is copied, and the copy copied, before any of them is at the server; then the user gives
/// up the upload, or the first copy. The others are messages of their own.
#[tokio::test(start_paused = true)]
async fn copies_of_what_is_dropped_are_made() {
    within(LIMIT, async {
        for dropped in [0, 1] {
            let world = world();
            let client = world.client().await;
            client.in_step().await;
            client.crash().await;
            let store = world.store().await;
            let named = async |name: &str| store.mailbox_named(name).await.expect("there").id();
            let (inbox, work) = (named("INBOX").await, named("Work").await);
            let draft = store.append(inbox, NewMessage::new(message("own"))).await.expect("queued");
            let first = store.copy_to(draft, work).await.expect("queued");
            store.flag([first], Flag::Flagged, Flags::new()).await.expect("queued");
            store.copy_to(first, inbox).await.expect("queued");
            store.copy_to(first, inbox).await.expect("queued");
            let id = store.operations().await.expect("readable")[dropped].id;
            store.drop_operation(id).await.expect("queued");
            drop(store);
            let client = world.client().await;
            client.in_step().await;
            assert_eq!(client.store.operations().await.expect("readable"), []);
            let count = |name: &str| world.server.mailbox(name).expect("there").messages.len();
            // One is there from the beginning.
            let left = [(3, 1), (4, 0)][dropped];
            assert_eq!((count("INBOX"), count("Work")), left, "{dropped}");
            world.check(&client.store).await;
        }
    })
    .await;
}

/// It is not known whether a copy was made within a mailbox that has other UIDs now: the original
/// is not taken for it.
#[tokio::test(start_paused = true)]
async fn an_original_under_another_uid_is_not_the_copy() {
    within(LIMIT, async {
        for is_made in [false, true] {
            let world = world();
            let client = world.client().await;
            client.in_step().await;
            let store = client.store.clone();
            let inbox = store.mailbox_named("INBOX").await.expect("there").id();
            match is_made {
                true => world.server.on("UID COPY").cut_after(0),
                false => world.server.on("UID COPY").instead("").cut_after(0),
            };
            store.copy_to(id_of(&store, "one").await, inbox).await.expect("queued");
            let is_sent = || world.server.received().iter().any(|one| one.line.contains("UID COPY"));
            while !is_sent() {
                sleep(Duration::from_millis(1)).await;
            }
            drop(store);
            client.crash().await;
            world.server.change_uid_validity("INBOX", UidValidity::new(4_000_000_000).expect("not zero"));
            let client = world.client().await;
            client.in_step().await;
            assert_eq!(client.store.operations().await.expect("readable"), [], "made: {is_made}");
            assert_eq!(world.server.mailbox("INBOX").expect("there").messages.len(), 2, "made: {is_made}");
            world.check(&client.store).await;
        }
    })
    .await;
}

/// A server that gives an upload its own date: it is the same message all the same, and what was
/// queued for it is done.
#[tokio::test(start_paused = true)]
async fn an_upload_with_another_date_is_the_same_message() {
    within(LIMIT, async {
        let server = Server::builder().without(["OBJECTID"]).start();
        server.create("Work");
        let world = World::new(server);
        let client = world.client().await;
        client.in_step().await;
        let store = client.store.clone();
        let work = store.mailbox_named("Work").await.expect("there").id();
        let uid = world.server.deliver("Work", message("own"));
        let uid_validity = world.server.mailbox("Work").expect("there").uid_validity;
        let done = format!("{{tag}} OK [APPENDUID {uid_validity} {uid}] done\r\n");
        world.server.on("APPEND").instead(done);
        let own = NewMessage::new(message("own")).date(1_500_000_000);
        let own = store.append(work, own).await.expect("queued");
        store.flag([own], Flag::Flagged, Flags::new()).await.expect("queued");
        let inbox = store.mailbox_named("INBOX").await.expect("there").id();
        store.copy_to(own, inbox).await.expect("queued");
        client.in_step().await;
        assert_eq!(store.operations().await.expect("readable"), []);
        let holds = |name: &str| world.server.mailbox(name).expect("there").messages.len();
        assert_eq!((holds("Work"), holds("INBOX")), (1, 1));
        assert_eq!(flags(&world, "Work"), Flag::Flagged.into());
        world.check(&store).await;
        assert_eq!(store.message(own).await.expect("the same").mailbox, work);
    })
    .await;
}
