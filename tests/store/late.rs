//! A server that is slow, and whose connection is lost: it does late what was sent, or never. The
//! message is where it was to go all the same, and once.

use std::time::Duration;

use imap_duplex::store::NewMessage;
use imap_duplex::testing::Server;
use imap_duplex::types::UidSet;
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, LIMIT, World, id_of, message, uid};

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
