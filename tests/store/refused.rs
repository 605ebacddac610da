//! Operations that meet another mailbox than the user had seen: one with other UIDs, read-only,
//! renamed or gone; and those of which nothing can be found out. None is lost, none done twice, and
//! none holds up others.

use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::{NewMessage, OperationState, PendingOperation, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, UidValidity};
use tokio::time::sleep;

use crate::support::within;
use crate::world::{Client, LIMIT, World, by_subject, id_of, message, plain, uid};

/// A store that has all, and no connection.
async fn offline(world: &World) -> Store {
    let client = world.client().await;
    client.in_step().await;
    client.crash().await;
    world.store().await
}

async fn online(world: &World, store: Store) -> Client {
    let account = world.account_by(Policy::default());
    let attachment = store.attach(&account).await.expect("attached");
    let client = Client { store, attachment, account };
    client.in_step().await;
    client
}

fn world_without(names: &[&str]) -> World {
    let server = Server::builder().without(names.iter().copied()).start();
    server.deliver("INBOX", message("gone soon"));
    for number in 1..=6 {
        server.deliver("INBOX", message(&format!("message {number}")));
    }
    server.create("Work");
    server.create("Archive");
    World::new(server)
}

/// Subjects of a mailbox at the server, with their flags.
fn there(world: &World, mailbox: &str) -> Vec<(String, Flags)> {
    let Some(mailbox) = world.server.mailbox(mailbox) else { return Vec::new() };
    let subject = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned)).unwrap_or_default()
    };
    let messages = mailbox.messages.iter();
    let mut all: Vec<_> = messages.map(|message| (subject(&message.bytes), plain(&message.flags))).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn subjects(world: &World, mailbox: &str) -> Vec<String> {
    there(world, mailbox).into_iter().map(|(subject, _)| subject).collect()
}

fn count(world: &World, command: &str) -> usize {
    world.server.received().iter().filter(|received| received.name == command).count()
}

async fn mailbox(store: &Store, name: &str) -> imap_duplex::store::MailboxId {
    store.mailbox_named(name).await.expect("there").id()
}

async fn operations(store: &Store) -> Vec<PendingOperation> {
    store.operations().await.expect("readable")
}

/// Flags, moves, copies, removals of the messages 1 to 5.
async fn work(store: &Store) {
    let ids = async |number: u32| id_of(store, &format!("message {number}")).await;
    let (work, archive) = (mailbox(store, "Work").await, mailbox(store, "Archive").await);
    store.flag([ids(1).await], [Flag::Flagged, Flag::Seen], Flags::new()).await.expect("queued");
    store.move_to([ids(2).await], work).await.expect("queued");
    store.copy_to(ids(3).await, archive).await.expect("queued");
    store.expunge([ids(4).await]).await.expect("queued");
    store.flag([ids(5).await], Flag::Flagged, Flags::new()).await.expect("queued");
}

/// What comes of that, message 5 being expunged by others.
async fn is_done(world: &World, client: &Client, what: &str) {
    assert_eq!(operations(&client.store).await, [], "{what}");
    assert_eq!(subjects(world, "Work"), ["message 2"], "{what}");
    assert_eq!(subjects(world, "Archive"), ["message 3"], "{what}");
    let inbox = there(world, "INBOX");
    let names: Vec<&str> = inbox.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(names, ["message 1", "message 3", "message 6"], "{what}");
    assert_eq!(inbox[0].1, Flags::from(["\\Flagged", "\\Seen"]), "{what} {:#?}", world.server.received());
    world.check(&client.store).await;
}

#[tokio::test(start_paused = true)]
async fn another_uidvalidity_loses_nothing_that_is_queued() {
    for lacks in [&[][..], &["OBJECTID"], &["QRESYNC"], &["OBJECTID", "QRESYNC", "CONDSTORE", "IMAP4rev2"]] {
        within(LIMIT, async {
            let world = world_without(lacks);
            let store = offline(&world).await;
            let one = id_of(&store, "message 1").await;
            work(&store).await;
            world.server.expunge("INBOX", uid(1));
            world.server.expunge("INBOX", uid(6));
            world.server.change_uid_validity("INBOX", UidValidity::new(4_000_000_000).expect("not zero"));
            let client = online(&world, store).await;
            is_done(&world, &client, &format!("{lacks:?}")).await;
            assert_eq!(id_of(&client.store, "message 1").await, one, "it keeps its number");
        })
        .await;
    }
}

/// What is written into a mailbox, or moved there, and then worked on, before it was seen that the
/// mailbox has another UIDVALIDITY.
#[tokio::test(start_paused = true)]
async fn another_uidvalidity_of_a_target_loses_nothing_that_follows() {
    for lacks in [&[][..], &["OBJECTID"], &["UIDPLUS", "MOVE", "IMAP4rev2"]] {
        within(LIMIT, async {
            let world = world_without(lacks);
            let store = offline(&world).await;
            let (work, archive) = (mailbox(&store, "Work").await, mailbox(&store, "Archive").await);
            let new = store.append(work, NewMessage::new(message("new"))).await.expect("queued");
            let moved = id_of(&store, "message 1").await;
            store.move_to([moved], work).await.expect("queued");
            for one in [new, moved] {
                store.copy_to(one, archive).await.expect("queued");
                store.flag([one], Flag::Flagged, Flags::new()).await.expect("queued");
            }
            world.server.change_uid_validity("Work", UidValidity::new(4_000_000_000).expect("not zero"));
            let client = online(&world, store).await;
            let what = format!("{lacks:?}");
            assert_eq!(operations(&client.store).await, [], "{what}");
            assert_eq!(subjects(&world, "Archive"), ["message 1", "new"], "{what}");
            let flagged = |subject: &str| (subject.to_owned(), Flags::from(Flag::Flagged));
            assert_eq!(there(&world, "Work"), [flagged("message 1"), flagged("new")], "{what}");
            assert_eq!(id_of_in(&client.store, "new", work).await, new, "{what}: it keeps its number");
            world.check(&client.store).await;
        })
        .await;
    }
}

/// The message with this subject in a mailbox.
async fn id_of_in(
    store: &Store,
    subject: &str,
    mailbox: imap_duplex::store::MailboxId,
) -> imap_duplex::store::MessageId {
    let found = store.search(format!("subject:\"{subject}\"")).await.expect("readable");
    found.into_iter().find(|one| one.mailbox == mailbox).expect("it is there").id
}

/// Without Message-IDs: by what a copy keeps.
#[tokio::test(start_paused = true)]
async fn another_uidvalidity_and_messages_that_are_alike() {
    within(LIMIT, async {
        let world = world_without(&["OBJECTID"]);
        for _ in 0..3 {
            world.server.deliver("Work", "Subject: twin\r\n\r\nText\r\n");
        }
        let store = offline(&world).await;
        let twins = store.search("subject:twin").await.expect("readable");
        store.flag([twins[0].id, twins[1].id], Flag::Flagged, Flags::new()).await.expect("queued");
        world.server.change_uid_validity("Work", UidValidity::new(4_000_000_000).expect("not zero"));
        let client = online(&world, store).await;
        let flagged =
            there(&world, "Work").iter().filter(|(_, flags)| flags.contains(&Flag::Flagged)).count();
        assert_eq!((flagged, operations(&client.store).await.len()), (2, 0));
        world.check(&client.store).await;
    })
    .await;
}

/// The mailbox was deleted and made again with the same messages, as some tools restore one: it has
/// another MAILBOXID.
#[tokio::test(start_paused = true)]
async fn a_mailbox_made_again_loses_nothing_that_is_queued() {
    within(LIMIT, async {
        let world = world_without(&[]);
        world.server.deliver("Lists", message("kept"));
        world.server.deliver("Lists", message("lost"));
        let store = offline(&world).await;
        let lists = mailbox(&store, "Lists").await;
        let kept = id_of(&store, "kept").await;
        let lost = id_of(&store, "lost").await;
        store.flag([kept, lost], Flag::Flagged, Flags::new()).await.expect("queued");
        store.move_to([id_of(&store, "message 1").await], lists).await.expect("queued");
        world.server.delete("Lists");
        world.server.deliver("Lists", message("kept"));
        world.server.deliver("Lists", message("new"));
        let client = online(&world, store).await;
        assert_eq!(operations(&client.store).await, []);
        let flagged = Flags::from(Flag::Flagged);
        let expected = [("kept", flagged), ("message 1", Flags::new()), ("new", Flags::new())];
        assert_eq!(there(&world, "Lists"), expected.map(|(subject, flags)| (subject.to_owned(), flags)));
        assert_eq!(id_of(&client.store, "kept").await, kept);
        world.check(&client.store).await;
    })
    .await;
}

/// A mailbox made again that has fewer messages, of another day: what was counted in the one before
/// says nothing of it, and a message that was found again is that of its new row.
#[tokio::test(start_paused = true)]
async fn a_mailbox_made_again_has_other_counts_and_dates() {
    for lacks in [&[][..], &["OBJECTID"], &["OBJECTID", "QRESYNC", "CONDSTORE"]] {
        within(LIMIT, async {
            let world = world_without(lacks);
            for subject in ["kept", "lost", "other"] {
                world.server.deliver("Lists", message(subject));
            }
            let store = offline(&world).await;
            let kept = id_of(&store, "kept").await;
            store.flag([kept], Flag::Flagged, Flags::new()).await.expect("queued");
            sleep(Duration::from_secs(5)).await;
            world.server.delete("Lists");
            world.server.deliver("Lists", message("new"));
            world.server.deliver("Lists", message("kept"));
            let client = online(&world, store).await;
            assert_eq!(operations(&client.store).await, []);
            let expected = [("kept", Flags::from(Flag::Flagged)), ("new", Flags::new())];
            let expected = expected.map(|(subject, flags)| (subject.to_owned(), flags));
            assert_eq!(there(&world, "Lists"), expected, "{lacks:?}");
            // The next look finds the newest message to be what the row has.
            world.server.deliver("Work", message("a reason to look"));
            client.attachment.in_step().await.expect("in step");
            assert_eq!(id_of(&client.store, "kept").await, kept, "{lacks:?}");
            world.check(&client.store).await;
        })
        .await;
    }
}

/// The connection breaks and the program is killed while the messages come again.
#[tokio::test(start_paused = true)]
async fn another_uidvalidity_and_a_look_that_is_cut_off() {
    for cut in 0..8 {
        within(LIMIT, async {
            let world = world_without(if cut % 2 == 0 { &[] } else { &["OBJECTID"] });
            for number in 0..600 {
                world.server.deliver("INBOX", message(&format!("other {number}")));
            }
            let store = offline(&world).await;
            work(&store).await;
            world.server.expunge("INBOX", uid(1));
            world.server.expunge("INBOX", uid(6));
            world.server.change_uid_validity("INBOX", UidValidity::new(4_000_000_000).expect("not zero"));
            drop(store);
            for turn in 0..4u64 {
                let client = world.client().await;
                for _ in 0..cut * 30 {
                    tokio::task::yield_now().await;
                }
                sleep(Duration::from_millis(turn * cut)).await;
                world.server.disconnect(turn % 2 == 0);
                sleep(Duration::from_millis(cut)).await;
                client.crash().await;
            }
            let client = world.client().await;
            client.in_step().await;
            assert_eq!(operations(&client.store).await, [], "{cut}");
            assert_eq!(subjects(&world, "Work"), ["message 2"], "{cut}");
            assert_eq!(subjects(&world, "Archive"), ["message 3"], "{cut}");
            let one = there(&world, "INBOX").into_iter().find(|(subject, _)| subject == "message 1");
            assert_eq!(one.expect("there").1, Flags::from(["\\Flagged", "\\Seen"]));
            world.check(&client.store).await;
        })
        .await;
    }
}

/// A draft may be at the server or not, and its mailbox can't be opened to look.
#[tokio::test(start_paused = true)]
async fn what_stays_in_doubt_is_parked_and_holds_up_nothing() {
    within(LIMIT, async {
        let world = world_without(&[]);
        let client = world.client().await;
        client.in_step().await;
        let drafts = mailbox(&client.store, "Drafts").await;
        world.server.on("APPEND").cut_after(0);
        world.server.on("EXAMINE").no("[NOPERM] not now").times(8);
        client.store.append(drafts, NewMessage::new(message("draft"))).await.expect("queued");
        let one = id_of(&client.store, "message 1").await;
        client.store.flag([one], Flag::Flagged, Flags::new()).await.expect("queued");
        client.in_step().await;
        let parked = operations(&client.store).await;
        assert_eq!(parked.len(), 1, "the flag is set: {parked:?}");
        assert_eq!((parked[0].state, parked[0].attempts), (OperationState::Parked, 1));
        assert!(parked[0].error.as_deref().is_some_and(|why| why.contains("not now")), "{parked:?}");
        assert!(there(&world, "INBOX").iter().any(|(_, flags)| flags.contains(&Flag::Flagged)));
        // Tried again it is looked for, and not sent twice.
        for _ in 0..20 {
            let left = operations(&client.store).await;
            let Some(one) = left.first() else { break };
            client.store.retry(one.id).await.expect("parked");
            client.in_step().await;
        }
        assert_eq!((operations(&client.store).await, count(&world, "APPEND")), (vec![], 1));
        assert_eq!(subjects(&world, "Drafts"), ["draft"]);
        world.check(&client.store).await;
    })
    .await;
}

/// What may succeed later is tried later, and others go first.
#[tokio::test(start_paused = true)]
async fn what_is_refused_for_now_lets_others_go_first() {
    within(LIMIT, async {
        let world = world_without(&[]);
        let client = world.client().await;
        client.in_step().await;
        let work = mailbox(&client.store, "Work").await;
        world.server.on("UID MOVE").no("[INUSE] one moment").times(12);
        let (one, two) = (id_of(&client.store, "message 1").await, id_of(&client.store, "message 2").await);
        client.store.move_to([one], work).await.expect("queued");
        client.store.flag([two], Flag::Flagged, Flags::new()).await.expect("queued");
        sleep(Duration::from_millis(900)).await;
        assert!(there(&world, "INBOX").iter().any(|(_, flags)| flags.contains(&Flag::Flagged)));
        assert_eq!(operations(&client.store).await.len(), 1);
        client.in_step().await;
        assert_eq!(
            (operations(&client.store).await, subjects(&world, "Work")),
            (vec![], vec!["message 1".into()])
        );
        world.check(&client.store).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_read_only_now_parks_what_changes_it() {
    within(LIMIT, async {
        let world = world_without(&[]);
        let store = offline(&world).await;
        let ids = [id_of(&store, "message 1").await, id_of(&store, "message 2").await];
        let inbox = world.server.mailbox("INBOX").expect("there");
        let opened = format!(
            "* FLAGS (\\Seen \\Flagged)\r\n* {} EXISTS\r\n* OK [UIDVALIDITY {}] ok\r\n* OK [UIDNEXT {}] ok\r\n\
             {{tag}} OK [READ-ONLY] Opened\r\n",
            inbox.messages.len(),
            inbox.uid_validity,
            inbox.uid_next,
        );
        world.server.on("SELECT").instead(opened).times(12);
        let work = mailbox(&store, "Work").await;
        store.flag([ids[0]], Flag::Flagged, Flags::new()).await.expect("queued");
        store.move_to([ids[1]], work).await.expect("queued");
        let draft = NewMessage::new(message("draft"));
        store.append(work, draft).await.expect("queued");
        let client = online(&world, store).await;
        let parked = operations(&client.store).await;
        assert_eq!(parked.len(), 2, "{parked:?}");
        for operation in &parked {
            assert_eq!(operation.state, OperationState::Parked);
            assert!(operation.error.as_deref().is_some_and(|why| why.contains("[READ-ONLY]")), "{parked:?}");
        }
        assert_eq!((count(&world, "UID STORE"), count(&world, "UID MOVE")), (0, 0));
        assert_eq!(subjects(&world, "Work"), ["draft"], "others are done");
        for operation in parked {
            client.store.drop_operation(operation.id).await.expect("parked");
        }
        world.check(&client.store).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_should_go_into_a_mailbox_that_is_gone_is_kept() {
    within(LIMIT, async {
        let world = world_without(&[]);
        let store = offline(&world).await;
        let (work, archive) = (mailbox(&store, "Work").await, mailbox(&store, "Archive").await);
        let draft = store.append(work, NewMessage::new(message("draft"))).await.expect("queued");
        let (one, two) = (id_of(&store, "message 1").await, id_of(&store, "message 2").await);
        store.move_to([one, two], work).await.expect("queued");
        world.server.delete("Work");
        let client = online(&world, store).await;
        let parked = operations(&client.store).await;
        assert_eq!(parked.len(), 3, "{parked:?}");
        for operation in &parked {
            assert_eq!(operation.state, OperationState::Parked);
        }
        // Messages are seen where they are; the draft is not lost, and can go elsewhere.
        let seen = by_subject(&client.store, "message 1").await;
        assert_eq!(seen.mailbox, mailbox(&client.store, "INBOX").await);
        assert_eq!(client.store.body(draft).await.expect("kept"), message("draft").as_bytes());
        client.store.move_to([draft, one], archive).await.expect("elsewhere");
        client.store.move_to([two], seen.mailbox).await.expect("back");
        client.in_step().await;
        assert_eq!(operations(&client.store).await, []);
        assert_eq!(subjects(&world, "Archive"), ["draft", "message 1"]);
        world.check(&client.store).await;
    })
    .await;
}

/// Others rename a mailbox or one above it while operations wait to be sent there.
#[tokio::test(start_paused = true)]
async fn what_goes_into_a_mailbox_that_others_rename_follows_it() {
    for lacks in [&[][..], &["OBJECTID"], &["OBJECTID", "NOTIFY", "MOVE", "UIDPLUS", "IMAP4rev2"]] {
        within(LIMIT, async {
            let world = world_without(lacks);
            world.server.deliver("Work/Old", message("old"));
            let client = world.client().await;
            client.in_step().await;
            let old = mailbox(&client.store, "Work/Old").await;
            let below = id_of(&client.store, "old").await;
            let one = id_of(&client.store, "message 1").await;
            world.server.rename("Work", "Job");
            client.store.move_to([one], old).await.expect("queued");
            client.store.flag([below], Flag::Flagged, Flags::new()).await.expect("queued");
            client.store.append(old, NewMessage::new(message("draft"))).await.expect("queued");
            client.in_step().await;
            assert_eq!(operations(&client.store).await, [], "{lacks:?}");
            let found = subjects(&world, "Job/Old");
            assert_eq!(found, ["draft", "message 1", "old"], "{lacks:?}");
            assert_eq!(mailbox(&client.store, "Job/Old").await, old);
            world.check(&client.store).await;
        })
        .await;
    }
}

/// Neither MOVE nor UIDPLUS, and the connection breaks at any moment: the copy is found again.
#[tokio::test(start_paused = true)]
async fn a_move_without_uidplus_finds_its_copy() {
    for delay in (0..60).step_by(6) {
        for bytes in [message("message 9"), "Subject: message 9\r\n\r\nNo identifier\r\n".to_owned()] {
            within(LIMIT, async {
                let world = world_without(&["MOVE", "UIDPLUS", "IMAP4rev2", "OBJECTID"]);
                world.server.deliver("INBOX", bytes);
                let client = world.client().await;
                client.in_step().await;
                let work = mailbox(&client.store, "Work").await;
                let nine = id_of(&client.store, "message 9").await;
                world.server.on("UID COPY").delay(Duration::from_millis(20));
                world.server.on("UID STORE").delay(Duration::from_millis(20));
                client.store.move_to([nine], work).await.expect("queued");
                sleep(Duration::from_millis(delay)).await;
                world.server.disconnect(delay % 4 == 0);
                client.in_step().await;
                assert_eq!(operations(&client.store).await, [], "{delay}");
                assert_eq!(subjects(&world, "Work"), ["message 9"], "{delay}");
                let left = there(&world, "INBOX").into_iter().find(|(subject, _)| subject == "message 9");
                assert!(left.is_none_or(|(_, flags)| flags.contains(&Flag::Deleted)), "{delay}");
                world.check(&client.store).await;
            })
            .await;
        }
    }
}

/// The program ends between the answer of the server and the look that shows what it has done; and
/// that was nothing, so that no count is different.
#[tokio::test(start_paused = true)]
async fn what_was_sent_before_the_program_ended_is_seen_by_the_next() {
    within(LIMIT, async {
        let world = world_without(&[]);
        let store = offline(&world).await;
        let one = id_of(&store, "message 1").await;
        store.flag([one], Flag::Flagged, Flags::new()).await.expect("queued");
        drop(store);
        crate::world::closed().await;
        let file = rusqlite::Connection::open(world.path()).expect("SQLite");
        file.execute("UPDATE operation SET state = 'sent'", []).expect("as after the answer");
        drop(file);
        let client = world.client().await;
        client.in_step().await;
        world.check(&client.store).await;
        drop(client);
        crate::world::closed().await;
        let file = rusqlite::Connection::open(world.path()).expect("SQLite");
        let left: i64 = file.query_row("SELECT count(*) FROM operation", [], |row| row.get(0)).expect("SQL");
        assert_eq!(left, 0);
    })
    .await;
}
