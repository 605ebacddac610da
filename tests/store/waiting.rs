//! Who waits until all is in step: not before it is, and not for ever.

use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::{OperationState, StoreErrorKind, SyncPolicy};
use imap_duplex::testing::Server;
use imap_duplex::types::{Code, Flag, Flags, UidValidity};
use rusqlite::{Connection, OpenFlags};
use tokio::time::{Instant, sleep, timeout};

use crate::support::within;
use crate::world::{LIMIT, World, all, id_of, message, uid};

fn world() -> World {
    let server = Server::new();
    for mailbox in ["INBOX", "Work"] {
        for number in 1..=5 {
            server.deliver(mailbox, message(&format!("{mailbox} {number}")));
        }
    }
    World::new(server)
}

/// Looks fail some times, in each way that passes; whichever mailbox it is, followed or not.
#[tokio::test(start_paused = true)]
async fn nothing_is_in_step_while_the_last_look_has_failed() {
    for times in [1, 2, 4] {
        for follows in [true, false] {
            within(LIMIT, async {
                let world = world();
                let policy = || if follows { SyncPolicy::new() } else { SyncPolicy::new().follow_none() };
                let client = world.client_by(Policy::default(), policy()).await;
                client.in_step().await;
                for mailbox in ["INBOX", "Work"] {
                    world.server.deliver(mailbox, message("late"));
                    world.server.add_flags(mailbox, uid(2), Flag::Flagged);
                }
                world.server.on("EXAMINE").bad("not now").times(times);
                client.crash().await;
                let client = world.client_by(Policy::default(), policy()).await;
                client.in_step().await;
                world.check(&client.store).await;
                world.server.on("EXAMINE").no_with(Code::InUse, "not now").times(times);
                world.server.add_flags("Work", uid(3), Flag::Flagged);
                client.in_step().await;
                world.check(&client.store).await;
                world.server.on("LIST").no("not now").times(times);
                world.server.add_flags("Work", uid(4), Flag::Flagged);
                client.in_step().await;
                world.check(&client.store).await;
            })
            .await;
        }
    }
}

/// The file can't be written for a while, as another program holds it.
#[tokio::test(start_paused = true)]
async fn nothing_is_in_step_that_could_not_be_written() {
    within(LIMIT, async {
        let world = world();
        let client = world.client().await;
        client.in_step().await;
        let file = Connection::open(world.path()).expect("SQLite");
        // Whatever is written of the mailboxes or messages is refused.
        file.execute_batch(
            "CREATE TRIGGER no_message BEFORE INSERT ON message BEGIN SELECT raise(ABORT, 'not now'); END; \
             CREATE TRIGGER no_mailbox BEFORE INSERT ON mailbox BEGIN SELECT raise(ABORT, 'not now'); END;",
        )
        .expect("written");
        world.server.deliver("Work", message("late"));
        world.server.deliver("New", message("new"));
        let waited = timeout(Duration::from_secs(15), client.attachment.in_step()).await;
        assert!(waited.is_err(), "{waited:?}");
        file.execute_batch("DROP TRIGGER no_message; DROP TRIGGER no_mailbox").expect("written");
        client.in_step().await;
        world.check(&client.store).await;
    })
    .await;
}

/// A mailbox that the server refuses is left out, and says why; but not one that is just gone.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_can_not_be_read_is_left_out() {
    within(LIMIT, async {
        let world = world();
        let client = world.client_by(Policy::default(), SyncPolicy::new().follow_none()).await;
        client.in_step().await;
        world.server.on("EXAMINE").no("you may not read this").always();
        world.server.deliver("Work", message("late"));
        client.in_step().await;
        let work = client.store.mailbox_named("Work").await.expect("there").info().await.expect("there");
        assert!(work.failure.expect("refused").contains("you may not read this"));
    })
    .await;
}

/// What never passes is an error in the end, and syncing goes on all the same.
#[tokio::test(start_paused = true)]
async fn what_does_not_pass_is_an_error_in_the_end() {
    within(LIMIT, async {
        let world = world();
        let client = world.client_by(Policy::default(), SyncPolicy::new().follow_none()).await;
        client.in_step().await;
        let file = Connection::open(world.path()).expect("SQLite");
        file.execute_batch(
            "CREATE TRIGGER no_message BEFORE INSERT ON message BEGIN SELECT raise(ABORT, 'never'); END",
        )
        .expect("written");
        world.server.deliver("Work", message("late"));
        let begun = Instant::now();
        let error = client.attachment.in_step().await.expect_err("not in step");
        assert_eq!(error.kind(), StoreErrorKind::Io, "{error:?}");
        assert!((Duration::from_secs(20)..Duration::from_secs(90)).contains(&begun.elapsed()));
        file.execute_batch("DROP TRIGGER no_message").expect("written");
        sleep(Duration::from_secs(120)).await;
        world.check(&client.store).await;
    })
    .await;
}

/// What was sent meanwhile is in step only once a look has shown it.
#[tokio::test(start_paused = true)]
async fn what_is_sent_while_somebody_waits_is_shown_before_the_answer() {
    within(LIMIT, async {
        let server = Server::new();
        server.create("Work");
        for mailbox in ["INBOX", "Work"] {
            server.deliver(mailbox, message(&format!("in {mailbox}")));
        }
        let world = World::new(server);
        let client = world.client().await;
        client.in_step().await;
        for subject in ["in INBOX", "in Work"] {
            let id = id_of(&client.store, subject).await;
            for delay in [0, 1, 100, 2000] {
                // A round or a sweep ends before the server answers the change, or after.
                world.server.on("UID STORE").delay(Duration::from_millis(delay));
                client.store.flag([id], Flag::new(&format!("${delay}")), Flags::new()).await.expect("queued");
                client.in_step().await;
                assert_eq!(unsettled(&world), 0, "{subject}, {delay}");
            }
        }
    })
    .await;
}

/// What others bring into the followed mailbox while something of ours is on its way there is left
/// out until that has arrived.
#[tokio::test(start_paused = true)]
async fn what_was_left_out_while_something_was_moved_there_is_in_step() {
    within(LIMIT, async {
        for delay in [1, 100, 2000] {
            let server = Server::new();
            server.create("Work");
            server.deliver("Work", message("one"));
            let world = World::new(server);
            let client = world.client().await;
            client.in_step().await;
            let inbox = client.store.mailbox_named("INBOX").await.expect("there").id();
            world.server.on("UID MOVE").delay(Duration::from_millis(delay));
            client.store.move_to([id_of(&client.store, "one").await], inbox).await.expect("queued");
            while world.server.received().iter().all(|one| !one.line.contains("UID MOVE")) {
                sleep(Duration::from_millis(1)).await;
            }
            world.server.deliver("INBOX", message("two"));
            client.in_step().await;
            world.check(&client.store).await;
        }
    })
    .await;
}

/// How many operations the file has, those included that a look is still to show.
fn unsettled(world: &World) -> i64 {
    let file = Connection::open_with_flags(world.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a store");
    file.query_row("SELECT count(*) FROM operation", [], |row| row.get(0)).expect("readable")
}

/// A server that can't read messages for a while.
#[tokio::test(start_paused = true)]
async fn contents_that_do_not_come_are_asked_for_again() {
    for follows in [true, false] {
        within(LIMIT, async {
            let world = World::new(Server::new());
            for number in 1..=600 {
                world.server.deliver("INBOX", message(&format!("message {number}")));
            }
            let policy = if follows { SyncPolicy::new() } else { SyncPolicy::new().follow_none() };
            world.server.on("UID FETCH").no_with(Code::Unavailable, "not now").times(6);
            let client = world.client_by(Policy::default(), policy).await;
            client.in_step().await;
            let inbox = client.store.mailbox_named("INBOX").await.expect("there");
            assert_eq!(all(&inbox).await.len(), 600, "followed: {follows}");
            assert_eq!(inbox.info().await.expect("there").failure, None);
        })
        .await;
    }
}

/// An earlier move was refused and dropped: a message is to be moved into the mailbox where it is.
#[tokio::test(start_paused = true)]
async fn a_move_into_its_own_mailbox_is_not_sent() {
    within(LIMIT, async {
        let world = world();
        let client = world.client().await;
        client.in_step().await;
        let (store, one) = (&client.store, id_of(&client.store, "INBOX 1").await);
        let inbox = store.mailbox_named("INBOX").await.expect("there").id();
        let work = store.mailbox_named("Work").await.expect("there").id();
        world.server.on("UID MOVE").no("not now");
        store.move_to([one], work).await.expect("queued");
        let parked = loop {
            sleep(Duration::from_millis(10)).await;
            let operations = store.operations().await.expect("readable");
            if let Some(one) = operations.iter().find(|one| one.state == OperationState::Parked) {
                break one.id;
            }
        };
        store.move_to([one], inbox).await.expect("queued");
        store.drop_operation(parked).await.expect("dropped");
        client.in_step().await;
        assert_eq!(store.operations().await.expect("readable"), []);
        world.check(store).await;
        let moves = world.server.received().iter().filter(|one| one.line.contains("UID MOVE")).count();
        assert_eq!(moves, 1);
    })
    .await;
}

/// An earlier version sent such a move: it is in doubt, and UIDVALIDITY changes. Looks and attempts
/// do not follow each other without a pause.
#[tokio::test(start_paused = true)]
async fn a_move_into_its_own_mailbox_that_got_other_uids_is_settled() {
    for goes in [false, true] {
        within(LIMIT, async {
            let world = World::new(Server::builder().without(["OBJECTID"]).start());
            world.server.deliver("INBOX", message("one"));
            let client = world.client().await;
            client.in_step().await;
            let uid_validity = world.server.mailbox("INBOX").expect("there").uid_validity;
            client.crash().await;
            let file = Connection::open(world.path()).expect("a store");
            let sql = "INSERT INTO operation (account, kind, message, mailbox, target, args, state, attempts, mark) \
                       SELECT 1, 'move', id, mailbox, mailbox, '{\"kind\":\"move\"}', 'sending', 1, ?1 FROM message";
            let mark = format!("{{\"uid_next\":2,\"uid_validity\":{}}}", uid_validity.get());
            assert_eq!(file.execute(sql, [mark]).expect("written"), 1);
            drop(file);
            world.server.change_uid_validity("INBOX", UidValidity::new(77).expect("not zero"));
            if goes {
                world.server.expunge("INBOX", uid(1));
            }
            let before = world.server.received().len();
            let client = world.client().await;
            client.in_step().await;
            assert_eq!(client.store.operations().await.expect("readable"), [], "{goes}");
            world.check(&client.store).await;
            let commands = world.server.received().len() - before;
            println!("{commands} commands");
            // Without pauses it is tens of thousands.
            assert!(commands < 1_000, "{goes}: {commands} commands");
        })
        .await;
    }
}
