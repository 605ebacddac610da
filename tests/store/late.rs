//! A server that is slow, and whose connection is lost: it does late what was sent, or never. The
//! message is where it was to go all the same, and once.

use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::NewMessage;
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, UidSet};
use tokio::time::sleep;

use crate::support::other::Other;
use crate::support::within;
use crate::world::{Client, LIMIT, World, id_of, message, plain, uid};

/// What was sent when the connection was lost.
#[derive(Clone, Copy, Debug)]
enum Sent {
    Append,
    Copy,
    Move,
}

impl Sent {
    fn command(self) -> &'static str {
        match self {
            Self::Append => "APPEND",
            Self::Copy => "UID COPY",
            Self::Move => "UID MOVE",
        }
    }

    /// The user does it.
    async fn queue(self, client: &Client) {
        let store = &client.store;
        let work = store.mailbox_named("Work").await.expect("there").id();
        match self {
            Self::Append => _ = store.append(work, NewMessage::new(message("one"))).await.expect("queued"),
            Self::Copy => _ = store.copy_to(id_of(store, "one").await, work).await.expect("queued"),
            Self::Move => store.move_to([id_of(store, "one").await], work).await.expect("queued"),
        }
    }

    /// The server does it.
    fn execute(self, world: &World) {
        world.server.deliver("Work", message("one"));
        if matches!(self, Self::Move) {
            world.server.expunge("INBOX", UidSet::from(uid(1)));
        }
    }
}

fn count(world: &World, command: &str) -> usize {
    world.server.received().iter().filter(|one| one.line.contains(command)).count()
}

/// How many are in INBOX, and in the target.
fn places(world: &World) -> (usize, usize) {
    let holds = |name: &str| world.server.mailbox(name).expect("there").messages.len();
    (holds("INBOX"), holds("Work"))
}

/// Sent once, and not done before so much time has passed; `None`: never.
async fn run(sent: Sent, done_after: Option<Duration>, restarts: bool) -> (usize, (usize, usize)) {
    let world = World::new(Server::builder().start());
    world.server.create("Work");
    world.server.deliver("INBOX", message("one"));
    let mut client = world.client().await;
    client.in_step().await;
    world.server.on(sent.command()).instead("").cut_after(0);
    sent.queue(&client).await;
    while count(&world, sent.command()) == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    if restarts {
        client.crash().await;
        client = world.client().await;
    }
    if let Some(time) = done_after {
        sleep(time).await;
        sent.execute(&world);
    }
    client.in_step().await;
    assert_eq!(client.store.operations().await.expect("readable"), []);
    world.check(&client.store).await;
    (count(&world, sent.command()), places(&world))
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_done_once() {
    within(LIMIT * 4, async {
        for (sent, places) in [(Sent::Append, (1, 1)), (Sent::Copy, (1, 1)), (Sent::Move, (0, 1))] {
            for restarts in [false, true] {
                for milliseconds in [0, 1, 30, 1_000, 9_000] {
                    let time = Duration::from_millis(milliseconds);
                    let happened = run(sent, Some(time), restarts).await;
                    assert_eq!(happened, (1, places), "{sent:?}, after {time:?}, {restarts}");
                }
                assert_eq!(run(sent, None, restarts).await, (2, places), "{sent:?}, never, {restarts}");
            }
        }
    })
    .await;
}

/// Two that are found by the same Message-ID: the first is sent, its connection is lost, and the
/// server has never seen it. Then comes the second.
#[tokio::test(start_paused = true)]
async fn one_that_looks_alike_is_not_taken_for_what_was_never_done() {
    for restarts in [false, true] {
        within(LIMIT, async {
            let world = World::new(Server::builder().start());
            world.server.create("Work");
            let mut client = world.client().await;
            client.in_step().await;
            world.server.on("APPEND").instead("").cut_after(0);
            let work = client.store.mailbox_named("Work").await.expect("there").id();
            let version = |number: u32| NewMessage::new(format!("{}Version {number}.\r\n", message("draft")));
            let first = client.store.append(work, version(1)).await.expect("queued");
            while count(&world, "APPEND") == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            let second = client.store.append(work, version(2)).await.expect("queued");
            client.store.expunge([first]).await.expect("queued");
            if restarts {
                client.crash().await;
                client = world.client().await;
            }
            client.in_step().await;
            assert_eq!(client.store.operations().await.expect("readable"), [], "{restarts}");
            world.check(&client.store).await;
            let there = world.server.mailbox("Work").expect("there").messages;
            let [one] = there.as_slice() else { panic!("{restarts}: {there:?}") };
            assert!(one.bytes.ends_with(b"Version 2.\r\n"), "{restarts}: {one:?}");
            assert!(client.store.body(second).await.expect("there").ends_with(b"Version 2.\r\n"));
        })
        .await;
    }
}

/// A message is copied twice into one mailbox, and the server has never seen the first COPY.
#[tokio::test(start_paused = true)]
async fn two_copies_are_two_if_the_first_was_never_made() {
    within(LIMIT, async {
        let world = World::new(Server::builder().start());
        world.server.create("Work");
        world.server.deliver("INBOX", message("one"));
        let client = world.client().await;
        client.in_step().await;
        world.server.on("UID COPY").instead("").cut_after(0);
        let work = client.store.mailbox_named("Work").await.expect("there").id();
        let one = id_of(&client.store, "one").await;
        client.store.copy_to(one, work).await.expect("queued");
        while count(&world, "UID COPY") == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        client.store.copy_to(one, work).await.expect("queued");
        client.in_step().await;
        assert_eq!(client.store.operations().await.expect("readable"), []);
        world.check(&client.store).await;
        assert_eq!(places(&world), (1, 2));
    })
    .await;
}

/// Another client saves its version of a draft while ours is in doubt: that is not ours.
#[tokio::test(start_paused = true)]
async fn a_version_of_others_is_not_taken_for_ours() {
    within(LIMIT, async {
        let world = World::new(Server::builder().start());
        world.server.create("Work");
        let client = world.client().await;
        client.in_step().await;
        world.server.on("APPEND").instead("").cut_after(0);
        let work = client.store.mailbox_named("Work").await.expect("there").id();
        let text = |version: &str| format!("{}{version}\r\n", message("draft"));
        client.store.append(work, NewMessage::new(text("Ours."))).await.expect("queued");
        while count(&world, "APPEND") == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_secs(3)).await;
        world.server.deliver("Work", text("That of others."));
        client.in_step().await;
        assert_eq!(client.store.operations().await.expect("readable"), []);
        world.check(&client.store).await;
        let there = world.server.mailbox("Work").expect("there").messages;
        let mut ends: Vec<bool> = there.iter().map(|one| one.bytes.ends_with(b"Ours.\r\n")).collect();
        ends.sort_unstable();
        assert_eq!(ends, [false, true], "{there:?}");
    })
    .await;
}

/// The server has taken a message, its answer is lost, and others move the message before it is
/// looked for: it is there, elsewhere.
#[tokio::test(start_paused = true)]
async fn what_others_have_moved_is_not_sent_again() {
    for lacks in [&[][..], &["OBJECTID"]] {
        within(LIMIT, async {
            let world = World::new(Server::builder().without(lacks.iter().copied()).start());
            world.server.create("Work");
            world.server.create("Archive");
            let client = world.client().await;
            client.in_step().await;
            world.server.on("APPEND").cut_after(0);
            let work = client.store.mailbox_named("Work").await.expect("there").id();
            let new = NewMessage::new(message("one")).flags(Flag::Seen);
            let one = client.store.append(work, new).await.expect("queued");
            while count(&world, "APPEND") == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            client.crash().await;
            let mut other = Other::over(world.server.connect()).await;
            other.command(&format!("LOGIN {} {}", world.server.user(), world.server.password())).await;
            other.select("Work").await;
            other.command("UID MOVE 1 Archive").await;
            other.logout().await;
            let store = world.store().await;
            store.flag([one], Flag::Flagged, Flags::new()).await.expect("queued");
            let account = world.account_by(Policy::default());
            let attachment = store.attach(&account).await.expect("attached");
            let client = Client { store, attachment, account };
            client.in_step().await;
            assert_eq!(client.store.operations().await.expect("readable"), [], "{lacks:?}");
            world.check(&client.store).await;
            assert_eq!(places(&world), (0, 0), "{lacks:?}");
            let there = world.server.mailbox("Archive").expect("there").messages;
            let flags: Vec<Flags> = there.iter().map(|message| plain(&message.flags)).collect();
            assert_eq!(flags, [Flags::from(["\\Seen", "\\Flagged"])], "{lacks:?}");
        })
        .await;
    }
}

/// The server has taken a message, its answer is lost, and others rename the mailbox, which was
/// empty: without identifiers it looks like another one. The message is there.
#[tokio::test(start_paused = true)]
async fn what_was_written_into_a_mailbox_that_others_rename_is_not_sent_again() {
    for moves in [false, true] {
        within(LIMIT, async {
            let world = World::new(Server::builder().without(["OBJECTID"]).start());
            world.server.create("Trip");
            world.server.create("Work");
            let client = world.client().await;
            client.in_step().await;
            world.server.on("APPEND").cut_after(0);
            let trip = client.store.mailbox_named("Trip").await.expect("there").id();
            let one = client.store.append(trip, NewMessage::new(message("one"))).await.expect("queued");
            while count(&world, "APPEND") == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            client.crash().await;
            world.server.rename("Trip", "Voyage");
            let store = world.store().await;
            if moves {
                let work = store.mailbox_named("Work").await.expect("there").id();
                store.move_to([one], work).await.expect("queued");
            }
            let account = world.account_by(Policy::default());
            let attachment = store.attach(&account).await.expect("attached");
            let client = Client { store, attachment, account };
            client.in_step().await;
            assert_eq!(client.store.operations().await.expect("readable"), [], "{moves}");
            world.check(&client.store).await;
            let holds = |name: &str| world.server.mailbox(name).expect("there").messages.len();
            let expected = if moves { (0, 1) } else { (1, 0) };
            assert_eq!((holds("Voyage"), holds("Work")), expected, "{moves}");
        })
        .await;
    }
}
