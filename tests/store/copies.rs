//! A copy has what the message had at that moment; what is done to one of both later is not done to
//! the other.

use imap_duplex::store::{MessageId, NewMessage};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags};

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
        world.server.deliver("Work", message("own"));
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
