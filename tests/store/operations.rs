//! What the user does: at once in the store, later at the server, once.

use std::time::Duration;

use imap_duplex::Select;
use imap_duplex::account::Policy;
use imap_duplex::store::{NewMessage, OperationState, StoreErrorKind};
use imap_duplex::testing::{Quirk, Server};
use imap_duplex::types::{Flag, Flags, MailboxName, ViewSync};
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, LIMIT, World, all, by_subject, id_of, message, uid};

/// Servers that can do more and less.
const SERVERS: [&[&str]; 5] = [
    &[],
    &["UIDPLUS", "IMAP4rev2"],
    &["MOVE", "IMAP4rev2"],
    &["MOVE", "UIDPLUS", "IMAP4rev2"],
    &["OBJECTID", "QRESYNC", "CONDSTORE", "MOVE", "IMAP4rev2"],
];

fn server_without(names: &[&str]) -> Server {
    let server = Server::builder().without(names.iter().copied()).start();
    for number in 1..=6 {
        server.deliver("INBOX", message(&format!("message {number}")));
    }
    server.create("Work");
    server.create("Archive");
    server
}

/// A store that has all, and no connection.
async fn offline(world: &World) -> imap_duplex::store::Store {
    let client = world.client().await;
    client.in_step().await;
    client.crash().await;
    world.store().await
}

async fn online(world: &World, store: imap_duplex::store::Store) -> Client {
    let account = world.account_by(Policy::default());
    let attachment = store.attach(&account).await.expect("attached");
    let client = Client { store, attachment, account };
    client.in_step().await;
    client
}

/// Subjects of a mailbox at the server.
fn subjects(world: &World, mailbox: &str) -> Vec<String> {
    let Some(mailbox) = world.server.mailbox(mailbox) else { return Vec::new() };
    let subject = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned)).unwrap_or_default()
    };
    let mut subjects: Vec<String> = mailbox.messages.iter().map(|message| subject(&message.bytes)).collect();
    subjects.sort();
    subjects
}

fn flags(world: &World, mailbox: &str, number: u32) -> Flags {
    let mailbox = world.server.mailbox(mailbox).expect("there");
    crate::world::plain(&mailbox.message(uid(number)).expect("there").flags)
}

#[tokio::test(start_paused = true)]
async fn what_is_done_offline_is_seen_at_once_and_sent_later() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let world = World::new(server_without(lacks));
            let store = offline(&world).await;
            let mailbox = async |name: &str| store.mailbox_named(name).await.expect("there").id();
            let (work, archive) = (mailbox("Work").await, mailbox("Archive").await);
            let one = id_of(&store, "message 1").await;
            store.flag([one], Flag::Flagged, Flags::new()).await.expect("queued");
            store.flag([one], [Flag::Seen, Flag::new("$x")], Flag::Flagged).await.expect("queued");
            // Twice before it was sent once.
            let two = id_of(&store, "message 2").await;
            store.move_to([two], work).await.expect("queued");
            store.flag([two], Flag::Answered, Flags::new()).await.expect("queued");
            store.move_to([two], archive).await.expect("queued");
            let three = id_of(&store, "message 3").await;
            let copy = store.copy_to(three, work).await.expect("queued");
            store.flag([copy], Flag::Flagged, Flags::new()).await.expect("queued");
            let four = id_of(&store, "message 4").await;
            store.delete([four]).await.expect("queued");
            let draft = NewMessage::new(message("draft")).flags([Flag::Draft, Flag::Seen]);
            let draft = store.append(work, draft).await.expect("queued");
            let made = store.create_mailbox(by_account(&store).await, "Made").await.expect("queued");
            let five = id_of(&store, "message 5").await;
            store.move_to([five], made).await.expect("queued");
            // All of it is seen.
            let at = async |mailbox| {
                let all = all(&store.mailbox(mailbox)).await;
                let mut subjects: Vec<String> =
                    all.into_iter().filter_map(|message| message.subject).collect();
                subjects.sort();
                subjects
            };
            assert_eq!(at(work).await, ["draft", "message 3"]);
            assert_eq!(at(archive).await, ["message 2"]);
            assert_eq!(at(made).await, ["message 5"]);
            assert_eq!(at(mailbox("INBOX").await).await, ["message 1", "message 3", "message 6"]);
            assert_eq!(by_subject(&store, "message 1").await.flags, Flags::from(["\\Seen", "$x"]));
            assert!(by_subject(&store, "draft").await.pending);
            assert_eq!(store.body(draft).await.expect("kept"), message("draft").as_bytes());
            world.check_rows();
            let client = online(&world, store).await;
            assert_eq!(subjects(&world, "INBOX"), left(lacks, "INBOX"), "{lacks:?}");
            assert_eq!(subjects(&world, "Work"), ["draft", "message 3"], "{lacks:?}");
            assert_eq!(subjects(&world, "Archive"), ["message 2"], "{lacks:?}");
            assert_eq!(subjects(&world, "Made"), ["message 5"], "{lacks:?}");
            assert_eq!(flags(&world, "INBOX", 1), Flags::from(["\\Seen", "$x"]));
            let moved = world.server.mailbox("Archive").expect("there").messages[0].clone();
            assert!(moved.flags.contains(&Flag::Answered));
            let operations = client.store.operations().await.expect("readable");
            assert!(operations.is_empty(), "{operations:?}");
            // Else an original is there as well.
            let is_alone = !(lacks.contains(&"MOVE") && lacks.contains(&"UIDPLUS"));
            for (message, subject) in [(two, "message 2"), (draft, "draft"), (five, "message 5")] {
                if is_alone {
                    assert_eq!(
                        id_of(&client.store, subject).await,
                        message,
                        "{lacks:?}: it keeps its number"
                    );
                }
            }
            assert_eq!(client.store.mailbox_named("Made").await.expect("made").id(), made);
            world.check(&client.store).await;
        })
        .await;
    }
}

/// Without UIDPLUS nothing is removed for good without removing what others have marked.
fn left(lacks: &[&str], _mailbox: &str) -> Vec<&'static str> {
    if lacks.contains(&"UIDPLUS") && lacks.contains(&"MOVE") {
        return vec!["message 1", "message 2", "message 3", "message 4", "message 5", "message 6"];
    }
    vec!["message 1", "message 3", "message 6"]
}

async fn by_account(store: &imap_duplex::store::Store) -> imap_duplex::store::AccountId {
    store.status().await.expect("readable").accounts[0].id
}

/// A session learns of a new message only when its server reports it: until then STORE by its UID
/// changes nothing, and is answered OK.
#[tokio::test(start_paused = true)]
async fn a_flag_reaches_a_message_that_has_come_into_a_selected_mailbox() {
    within(LIMIT, async {
        let server = Server::builder().quirk(Quirk::LateSync).start();
        server.create("Work");
        server.deliver("Work", message("one"));
        let world = World::new(server);
        let client = world.client().await;
        client.in_step().await;
        // Two connections stay behind, each with a mailbox selected as operations select it.
        let select = |name: &str| Select::new(name).view_sync(ViewSync::Off);
        let leases =
            (client.account.mailbox(select("INBOX")).await, client.account.mailbox(select("Work")).await);
        sleep(Duration::from_secs(1)).await;
        drop(leases);
        let one = id_of(&client.store, "one").await;
        let inbox = client.store.mailbox_named("INBOX").await.expect("there").id();
        client.store.move_to([one], inbox).await.expect("queued");
        client.store.flag([one], Flag::Flagged, Flags::new()).await.expect("queued");
        client.in_step().await;
        assert_eq!(flags(&world, "INBOX", 1), Flags::from(Flag::Flagged));
        world.check(&client.store).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn flags_of_others_stay_and_a_message_that_is_gone_is_gone() {
    within(LIMIT, async {
        let world = World::new(server_without(&[]));
        let store = offline(&world).await;
        let (one, two) = (id_of(&store, "message 1").await, id_of(&store, "message 2").await);
        store.flag([one, two], Flag::Seen, Flags::new()).await.expect("queued");
        world.server.add_flags("INBOX", uid(1), [Flag::Flagged, Flag::new("$theirs")]);
        world.server.expunge("INBOX", uid(2));
        let client = online(&world, store).await;
        assert_eq!(flags(&world, "INBOX", 1), Flags::from(["\\Seen", "\\Flagged", "$theirs"]));
        world.check(&client.store).await;
        let gone = client.store.flag([two], Flag::Seen, Flags::new()).await.expect_err("gone");
        assert_eq!(gone.kind(), StoreErrorKind::NotFound);
    })
    .await;
}

/// The first move is older than the mailbox into which the second goes.
#[tokio::test(start_paused = true)]
async fn a_message_is_moved_again_into_a_mailbox_that_was_made_meanwhile() {
    for renamed in [false, true] {
        within(LIMIT, async {
            let world = World::new(server_without(&[]));
            let store = offline(&world).await;
            let one = by_subject(&store, "message 1").await;
            let archive = store.mailbox_named("Archive").await.expect("there").id();
            let work = store.mailbox_named("Work").await.expect("there").id();
            store.move_to([one.id], archive).await.expect("queued");
            let target = if renamed {
                store.rename_mailbox(work, "Pier").await.expect("queued");
                work
            } else {
                store.create_mailbox(by_account(&store).await, "Pier").await.expect("queued")
            };
            store.move_to([one.id], target).await.expect("queued");
            assert_eq!(by_subject(&store, "message 1").await.mailbox, target);
            let client = online(&world, store).await;
            assert_eq!(client.store.operations().await.expect("readable"), []);
            assert_eq!(subjects(&world, "Pier"), ["message 1"]);
            assert!(subjects(&world, "Archive").is_empty() && subjects(&world, "INBOX").len() == 5);
            world.check(&client.store).await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_undone_before_it_was_sent_is_not_sent() {
    within(LIMIT, async {
        let world = World::new(server_without(&[]));
        let store = offline(&world).await;
        let one = id_of(&store, "message 1").await;
        let home = by_subject(&store, "message 1").await.mailbox;
        let work = store.mailbox_named("Work").await.expect("there").id();
        store.flag([one], Flag::Seen, Flags::new()).await.expect("queued");
        store.flag([one], Flags::new(), Flag::Seen).await.expect("queued");
        store.move_to([one], work).await.expect("queued");
        store.move_to([one], home).await.expect("queued");
        assert_eq!(store.operations().await.expect("readable"), []);
        let draft = store.append(work, NewMessage::new("Subject: draft\r\n\r\n")).await.expect("queued");
        store.expunge([draft]).await.expect("gone");
        assert_eq!(store.operations().await.expect("readable"), []);
        world.check(&store).await;
    })
    .await;
}

/// By its name, where the server does not say what a mailbox is for.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_called_trash_is_one() {
    within(LIMIT, async {
        let server = Server::builder().without(["SPECIAL-USE"]).start();
        server.create("Deleted Items");
        server.deliver("INBOX", message("unwanted"));
        let world = World::new(server);
        let client = world.client().await;
        client.in_step().await;
        let one = id_of(&client.store, "unwanted").await;
        client.store.delete([one]).await.expect("queued");
        client.in_step().await;
        let at_server = |name: &str| world.server.mailbox(name).expect("there").messages.len();
        assert_eq!(at_server("INBOX"), 0);
        // The most usual of the names that there are.
        assert_eq!((at_server("Trash"), at_server("Deleted Items")), (1, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_message_goes_to_the_trash_and_from_there_for_good() {
    within(LIMIT, async {
        let world = World::new(server_without(&[]));
        let client = world.client().await;
        client.in_step().await;
        let one = id_of(&client.store, "message 1").await;
        client.store.delete([one]).await.expect("queued");
        client.in_step().await;
        assert_eq!(
            (subjects(&world, "INBOX").len(), subjects(&world, "Trash")),
            (5, vec!["message 1".to_owned()])
        );
        client.store.delete([one]).await.expect("queued");
        client.in_step().await;
        assert_eq!(subjects(&world, "Trash"), [""; 0]);
        world.check(&client.store).await;
        // Without a mailbox for it: for good.
        world.server.delete("Trash");
        client.in_step().await;
        let two = id_of(&client.store, "message 2").await;
        client.store.delete([two]).await.expect("queued");
        client.in_step().await;
        assert_eq!(subjects(&world, "INBOX").len(), 4);
        world.check(&client.store).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_operation_is_parked_alone() {
    within(LIMIT, async {
        let world = World::new(server_without(&[]));
        let store = offline(&world).await;
        let ids = [id_of(&store, "message 1").await, id_of(&store, "message 2").await];
        let work = store.mailbox_named("Work").await.expect("there").id();
        let nowhere = store.mailbox_named("Archive").await.expect("there").id();
        store.move_to([ids[0]], nowhere).await.expect("queued");
        store.flag([ids[0]], Flag::Flagged, Flags::new()).await.expect("queued");
        store.move_to([ids[1]], work).await.expect("queued");
        world.server.on("UID MOVE").no("[NOPERM] not into this one");
        let client = online(&world, store).await;
        assert_eq!(subjects(&world, "Work"), ["message 2"]);
        let parked = client.store.operations().await.expect("readable");
        assert_eq!(parked.len(), 2, "{parked:?}");
        assert_eq!((parked[0].state, parked[1].state), (OperationState::Parked, OperationState::Queued));
        assert!(
            parked[0].error.as_deref().is_some_and(|why| why.contains("not into this one")),
            "{parked:?}"
        );
        // Again.
        client.store.retry(parked[0].id).await.expect("parked");
        client.in_step().await;
        assert_eq!(subjects(&world, "Archive"), ["message 1"]);
        assert_eq!(client.store.operations().await.expect("readable"), []);
        world.check(&client.store).await;
        // Or not.
        world.server.on("UID STORE").no("[NOPERM] no flags");
        client.store.flag([ids[0]], Flag::Answered, Flags::new()).await.expect("queued");
        client.in_step().await;
        let parked = client.store.operations().await.expect("readable");
        assert_eq!(parked.len(), 1, "{parked:?}");
        client.store.drop_operation(parked[0].id).await.expect("parked");
        world.check(&client.store).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn mailboxes_are_made_renamed_and_deleted() {
    within(LIMIT, async {
        let world = World::new(server_without(&[]));
        world.server.deliver("Work/Sub", message("below"));
        let store = offline(&world).await;
        let account = by_account(&store).await;
        let work = store.mailbox_named("Work").await.expect("there").id();
        let taken = store.create_mailbox(account, "Archive").await.expect_err("there is one");
        assert_eq!(taken.kind(), StoreErrorKind::Invalid);
        store.rename_mailbox(work, "Job").await.expect("queued");
        let below = store.mailbox_named("Job/Sub").await.expect("it is below");
        let one = id_of(&store, "message 1").await;
        store.move_to([one], below.id()).await.expect("queued");
        let archive = store.mailbox_named("Archive").await.expect("there").id();
        store.delete_mailbox(archive).await.expect("queued");
        let new = store.create_mailbox(account, "New").await.expect("queued");
        store.rename_mailbox(new, "Newer").await.expect("queued");
        let names = async |store: &imap_duplex::store::Store| -> Vec<MailboxName> {
            store.mailboxes().await.expect("readable").into_iter().map(|mailbox| mailbox.name).collect()
        };
        let expected: Vec<MailboxName> = ["Drafts", "INBOX", "Job", "Job/Sub", "Newer", "Sent", "Trash"]
            .into_iter()
            .map(MailboxName::from)
            .collect();
        assert_eq!(names(&store).await, expected);
        let client = online(&world, store).await;
        assert_eq!(names(&client.store).await, expected);
        let mut there = world.server.mailboxes();
        there.sort();
        assert_eq!(there, expected);
        assert_eq!(subjects(&world, "Job/Sub"), ["below", "message 1"]);
        world.check(&client.store).await;
    })
    .await;
}

/// The answer to an upload is lost at each moment: the message is there once.
#[tokio::test(start_paused = true)]
async fn an_append_whose_answer_was_lost_is_not_repeated() {
    for delay in (0..40).step_by(5) {
        within(LIMIT, async {
            let world = World::new(server_without(&[]));
            let client = world.client().await;
            client.in_step().await;
            let work = client.store.mailbox_named("Work").await.expect("there").id();
            world.server.on("APPEND").delay(Duration::from_millis(20));
            client
                .store
                .append(work, NewMessage::new("Subject: draft\r\n\r\nText\r\n"))
                .await
                .expect("queued");
            sleep(Duration::from_millis(delay)).await;
            world.server.disconnect(delay % 2 == 0);
            client.in_step().await;
            assert_eq!(subjects(&world, "Work"), ["draft"], "{delay}");
            world.check(&client.store).await;
        })
        .await;
    }
}

/// A draft that was never sent is copied, the copy is copied, and both are removed: the last one
/// stays.
#[tokio::test(start_paused = true)]
async fn a_copy_outlives_what_was_removed_before_it_was_sent() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let world = World::new(server_without(lacks));
            let store = offline(&world).await;
            let mailbox = async |name: &str| store.mailbox_named(name).await.expect("there").id();
            let (work, archive) = (mailbox("Work").await, mailbox("Archive").await);
            let draft = store.append(work, NewMessage::new(message("draft"))).await.expect("queued");
            let copy = store.copy_to(draft, work).await.expect("queued");
            store.copy_to(copy, archive).await.expect("queued");
            store.expunge([draft, copy]).await.expect("queued");
            assert_eq!(all(&store.mailbox(work)).await, []);
            let client = online(&world, store).await;
            assert_eq!(client.store.operations().await.expect("readable"), [], "{lacks:?}");
            assert_eq!(subjects(&world, "Archive"), ["draft"], "{lacks:?}");
            let left = world.server.mailbox("Work").expect("there").messages;
            assert!(left.iter().all(|message| message.flags.contains(&Flag::Deleted)), "{lacks:?}");
            world.check(&client.store).await;
        })
        .await;
    }
}
