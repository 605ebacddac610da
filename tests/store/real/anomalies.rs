//! UIDVALIDITYs and identities that change, UIDs in other order, mailboxes without mod-sequences.

use std::time::Instant;

use imap_duplex::store::{NewMessage, Store};
use imap_duplex::types::{Flag, Flags};

use super::{LIMIT, Real, SERVERS, operations};
use crate::support::within;
use crate::world::{by_subject, id_of, message};

/// Flags, moves, copies, removals of the messages 1 to 5.
async fn work(real: &Real, store: &Store) {
    let id = async |number: u32| id_of(store, &format!("message {number}")).await;
    let (work, archive) = (real.mailbox(store, "Work").await, real.mailbox(store, "Archive").await);
    store.flag([id(1).await], [Flag::Flagged, Flag::Seen], Flags::new()).await.expect("queued");
    store.move_to([id(2).await], work).await.expect("queued");
    store.copy_to(id(3).await, archive).await.expect("queued");
    store.expunge([id(4).await]).await.expect("queued");
    store.flag([id(5).await], Flag::Flagged, Flags::new()).await.expect("queued");
}

/// What comes of that, message 5 being removed by others.
async fn is_done(real: &Real, store: &Store, what: &str) {
    assert_eq!(operations(store).await, [], "{what}");
    assert_eq!(real.subjects("Work").await, ["message 2"], "{what}");
    assert_eq!(real.subjects("Archive").await, ["message 3"], "{what}");
    let inbox = real.there("INBOX").await;
    let names: Vec<&str> = inbox.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(names, ["message 1", "message 3", "message 6"], "{what}");
    assert_eq!(inbox[0].1, ["\\Flagged", "\\Seen"], "{what}");
    real.check(what).await;
}

/// UIDs are the same, or others; the server keeps its indexes, or makes others.
#[tokio::test]
async fn another_uidvalidity_loses_nothing_that_is_queued() {
    for (number, capability) in SERVERS.into_iter().enumerate() {
        within(LIMIT, async {
            let mut real = Real::filled(capability).await;
            let store = real.offline().await;
            let one = id_of(&store, "message 1").await;
            work(&real, &store).await;
            real.removes("INBOX", "5").await;
            real.server.stop();
            for mailbox in ["INBOX", "Work"] {
                real.change_uid_validity(mailbox, 4_000_000_000, [0, 1, 100][number]);
            }
            real.server.start_again();
            let client = real.online(store).await;
            is_done(&real, &client.store, &format!("{capability:?}")).await;
            assert_eq!(id_of(&client.store, "message 1").await, one, "it keeps its number");
        })
        .await;
    }
}

/// The list of UIDs is lost: the server makes another, with another UIDVALIDITY.
#[tokio::test]
async fn a_server_that_has_lost_its_uids() {
    for is_online in [true, false] {
        within(LIMIT, async {
            let mut real = Real::filled(None).await;
            real.removes("INBOX", "2").await;
            let client = real.client().await;
            let client = if is_online {
                Some(client)
            } else {
                client.crash().await;
                None
            };
            real.server.stop();
            real.forget_indexes("INBOX");
            real.edit_uids("INBOX", Vec::clear);
            real.server.start_again();
            real.arrives("INBOX", "new").await;
            let client = match client {
                Some(client) => client,
                None => real.attach(real.store().await).await,
            };
            client.in_step().await;
            real.check(&format!("{is_online}")).await;
            assert_eq!(real.subjects("INBOX").await.len(), 6);
        })
        .await;
    }
}

/// Two mailboxes have one UIDVALIDITY, and change their names. (With as many messages and the same
/// mod-sequences nothing that the server says of them would be different.)
#[tokio::test]
async fn two_mailboxes_of_one_uidvalidity_that_change_their_names() {
    for capability in SERVERS {
        within(LIMIT, async {
            let mut real = Real::filled(capability).await;
            for number in 0..3 {
                real.arrives("Work", &format!("work {number}")).await;
                real.arrives("Archive", &format!("archive {number}")).await;
            }
            real.arrives("Archive", "archive 3").await;
            real.server.stop();
            for mailbox in ["Work", "Archive"] {
                real.change_uid_validity(mailbox, 77, 0);
            }
            real.server.start_again();
            let store = real.offline().await;
            store.flag([id_of(&store, "work 1").await], Flag::Flagged, Flags::new()).await.expect("queued");
            let mut session = real.session().await;
            for (from, to) in [("Work", "Other"), ("Archive", "Work"), ("Other", "Archive")] {
                session.command(&format!("RENAME {from} {to}")).await;
            }
            let client = real.online(store).await;
            real.check(&format!("{capability:?}")).await;
            assert_eq!(operations(&client.store).await, [], "{capability:?}");
            // It may be lost, as for a message that is gone; no other has got the flag.
            for (subject, flags) in [real.there("Archive").await, real.there("Work").await].concat() {
                assert!(subject == "work 1" || flags.is_empty(), "{capability:?}: {subject} {flags:?}");
            }
        })
        .await;
    }
}

/// Mailboxes whose indexes the server keeps in memory have no mod-sequences, though it knows
/// QRESYNC.
#[tokio::test]
async fn mailboxes_without_mod_sequences_on_a_server_that_knows_qresync() {
    within(LIMIT, async {
        let real = Real::with(None, "mail_location = maildir:~/Maildir:INDEX=MEMORY\n");
        for number in 1..=6 {
            real.arrives("INBOX", &format!("message {number}")).await;
        }
        let mut session = real.session().await;
        let opened = session.select("INBOX").await.join("\n");
        assert!(opened.contains("[NOMODSEQ]"), "it is such a mailbox: {opened}");
        let store = real.offline().await;
        store.flag([id_of(&store, "message 1").await], Flag::Flagged, Flags::new()).await.expect("queued");
        // As many messages and the same UIDNEXT: only a look shows it.
        session.store("2,3", "+FLAGS (\\Seen $Read)").await;
        let client = real.online(store).await;
        real.check("flags").await;
        session.remove("3").await;
        real.arrives("INBOX", "new").await;
        session.store("4", "+FLAGS (\\Answered)").await;
        client.in_step().await;
        real.check("others").await;
    })
    .await;
}

/// Deleted and made again under its name, with some of its messages: another UIDVALIDITY, or by
/// somebody's copying the files back, the same.
#[tokio::test]
async fn a_mailbox_that_is_deleted_and_made_again() {
    for (number, capability) in SERVERS.into_iter().enumerate() {
        within(LIMIT, async {
            let mut real = Real::filled(capability).await;
            for subject in ["kept", "lost", "other"] {
                real.arrives("Work", subject).await;
            }
            let is_copied = number == 0;
            if is_copied {
                real.back_up().await;
            }
            let store = real.offline().await;
            let work = real.mailbox(&store, "Work").await;
            let (kept, lost) = (id_of(&store, "kept").await, id_of(&store, "lost").await);
            store.flag([kept, lost], Flag::Flagged, Flags::new()).await.expect("queued");
            store.move_to([id_of(&store, "message 1").await], work).await.expect("queued");
            let mut session = real.session().await;
            session.command("DELETE Work").await;
            if is_copied {
                session.logout().await;
                real.server.stop();
                real.put_back();
                real.server.start_again();
                real.removes("Work", "2").await;
            } else {
                session.command("CREATE Work").await;
                real.arrives("Work", "new").await;
                real.arrives("Work", "kept").await;
            }
            let client = real.online(store).await;
            let what = format!("{capability:?}");
            assert_eq!(operations(&client.store).await, [], "{what}");
            real.check(&what).await;
            let there = real.there("Work").await;
            let names: Vec<&str> = there.iter().map(|(subject, _)| subject.as_str()).collect();
            assert_eq!(names, ["kept", "message 1", if is_copied { "other" } else { "new" }], "{what}");
            assert_eq!(there[0].1, ["\\Flagged"], "{what}");
            assert_eq!(id_of(&client.store, "kept").await, kept, "{what}");
        })
        .await;
    }
}

/// The clock of this machine was set back between two drafts.
#[tokio::test]
async fn a_clock_that_was_set_back_loses_nothing() {
    within(LIMIT, async {
        let real = Real::filled(None).await;
        let client = real.client().await;
        let drafts = real.mailbox(&client.store, "Drafts").await;
        for (number, date) in [2_000_000_000, 1_000_000_000, 0].into_iter().enumerate() {
            let draft = NewMessage::new(message(&format!("draft {number}"))).date(date);
            client.store.append(drafts, draft).await.expect("queued");
        }
        client.in_step().await;
        assert_eq!(operations(&client.store).await, []);
        real.check("in step").await;
        assert_eq!(real.subjects("Drafts").await.len(), 3);
        // Each may be changed afterwards.
        let one = by_subject(&client.store, "draft 1").await;
        client.store.flag([one.id], Flag::Flagged, Flags::new()).await.expect("queued");
        let began = Instant::now();
        client.in_step().await;
        assert_eq!(operations(&client.store).await, [], "after {:?}", began.elapsed());
        real.check("flagged").await;
    })
    .await;
}
