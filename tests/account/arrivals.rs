//! Changes in batches, and messages that come with what was asked for of them.

use std::collections::BTreeSet;
use std::time::Duration;

use imap_duplex::account::{ChangeKind, MemoryStore, Watch};
use imap_duplex::command::Items;
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Section, Uid};
use tokio::time::sleep;

use crate::support::within;
use crate::watch::{Mirror, QUIET, all, uid};
use crate::{LIMIT, World};

#[tokio::test(start_paused = true)]
async fn a_batch_is_acknowledged_as_a_whole() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        world.server.create("Work");
        for number in 0..100 {
            let mailbox = if number % 2 == 0 { "INBOX" } else { "Work" };
            world.server.deliver(mailbox, format!("Subject: {number}\r\n\r\n"));
        }
        let (account, store) = (world.account(), MemoryStore::new());
        let watch = || Watch::all().from_start(true);
        let mut changes = account.watch(watch(), store.clone()).await.expect("a store in memory");
        sleep(QUIET).await;
        let mut arrived = 0;
        while arrived < 100 {
            let batch = changes.next_many(30).await.expect("a change").expect("no error");
            assert!((1..=30).contains(&batch.len()), "{}", batch.len());
            arrived += batch.iter().filter(|change| change.uid().is_some()).count();
            changes.ack_all(&batch).await.expect("a store in memory");
        }
        drop(changes);
        let mut changes = account.watch(watch(), store).await.expect("a store in memory");
        let again = all(&mut changes, QUIET).await;
        assert!(again.iter().all(|change| change.uid().is_none()), "{again:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_come_with_what_was_asked_for() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        for number in 0..100 {
            world.server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
        }
        let account = world.account();
        let watch = Watch::all().from_start(true).items(Items::envelope().flags());
        let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
        let found = all(&mut changes, QUIET).await;
        let subjects: Vec<_> = found
            .iter()
            .filter_map(|change| match &change.kind {
                ChangeKind::Arrived { uid, message: Some(message), flags: Some(_), .. } => {
                    Some((uid.get() - 1).to_string() == message.envelope()?.subject()?)
                }
                _ => None,
            })
            .collect();
        assert_eq!(subjects, vec![true; 100]);
        let fetches = world.server.received().into_iter().filter(|logged| logged.line.contains("ENVELOPE"));
        assert!(fetches.count() <= 10, "they are fetched together");
        world.server.deliver("Sent", "Subject: late\r\n\r\n");
        let late = all(&mut changes, QUIET).await;
        assert!(
            late.iter().any(|change| matches!(&change.kind, ChangeKind::Arrived { message: Some(_), .. })),
            "{late:?}"
        );
    })
    .await;
}

/// A FETCH that ends without a message that was asked for: no cursor passes that.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_shown_is_delivered_once_it_is() {
    within(LIMIT, async {
        for mailbox in ["INBOX", "Work"] {
            let world = World::new(Server::new());
            world.server.create("Work");
            let (account, store) = (world.account(), MemoryStore::new());
            let watch = || Watch::all().items(Items::envelope());
            let mut changes = account.watch(watch(), store.clone()).await.expect("a store in memory");
            let first = all(&mut changes, QUIET).await;
            changes.ack_all(&first).await.expect("a store in memory");
            // The server has it listed and does not find it.
            world.server.on("UID FETCH").instead("{tag} OK done\r\n").times(3);
            world.server.deliver(mailbox, "Subject: one\r\n\r\n");
            sleep(Duration::from_secs(1)).await;
            world.server.deliver(mailbox, "Subject: two\r\n\r\n");
            let mut found: Vec<Uid> = Vec::new();
            for _ in 0..2 {
                // By a program that ends in between, too.
                let batch = all(&mut changes, QUIET).await;
                found.extend(batch.iter().filter_map(imap_duplex::account::Change::uid));
                changes.ack_all(&batch).await.expect("a store in memory");
                drop(changes);
                changes = account.watch(watch(), store.clone()).await.expect("a store in memory");
            }
            assert_eq!(found.len(), 2, "{mailbox}: {found:?}");
            assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), [uid(1), uid(2)].into());
        }
    })
    .await;
}

/// A message that the server refuses to send, as of a damaged file, is reported without what was
/// asked for, and keeps back no others; once it can be read, it is no news.
#[tokio::test(start_paused = true)]
async fn a_message_that_can_not_be_read_keeps_back_no_others() {
    within(LIMIT, async {
        for mailbox in ["INBOX", "Work"] {
            let world = World::new(Server::new());
            world.server.create("Work");
            for number in 1..=40 {
                let uid = world.server.deliver(mailbox, format!("Subject: {number}\r\n\r\n"));
                world.server.set_unreadable(mailbox, uid, matches!(number, 1 | 20 | 40));
            }
            let (account, store) = (world.account(), MemoryStore::new());
            let watch = Watch::all().from_start(true).items(Items::envelope());
            let mut changes = account.watch(watch, store).await.expect("a store in memory");
            let found = all(&mut changes, QUIET).await;
            let arrived: Vec<_> = found
                .iter()
                .filter_map(|change| match &change.kind {
                    ChangeKind::Arrived { uid, message, .. } => Some((uid.get(), message.is_some())),
                    _ => None,
                })
                .collect();
            let expected: Vec<_> = (1..=40).map(|uid| (uid, !matches!(uid, 1 | 20 | 40))).collect();
            assert_eq!(arrived, expected, "{mailbox}");
            let is_in_step = |change: &imap_duplex::account::Change| {
                change.kind == ChangeKind::InStep && change.mailbox.as_str() == mailbox
            };
            assert!(found.iter().any(is_in_step), "{mailbox}: {found:?}");
            world.server.set_unreadable(mailbox, uid(20), false);
            world.server.deliver(mailbox, "Subject: 41\r\n\r\n");
            let found = all(&mut changes, QUIET).await;
            let uids: Vec<_> = found.iter().filter_map(imap_duplex::account::Change::uid).collect();
            assert_eq!(uids, [uid(41)], "{mailbox}");
        }
    })
    .await;
}

/// What is reported between the moment at which a state is read and that at which it counts is not
/// forgotten by that.
#[tokio::test(start_paused = true)]
async fn nothing_is_delivered_twice_though_a_state_is_older() {
    within(LIMIT, async {
        let world = World::new(Server::builder().without(["NOTIFY"]).start());
        for number in 1..=3 {
            world.server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
        }
        let account = world.account();
        let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        // The state is read, and a removal comes before the OK behind which it counts.
        world.server.on("NOOP").before("* VANISHED 1\r\n");
        let new = world.server.deliver("INBOX", "Subject: new\r\n\r\n");
        sleep(Duration::from_secs(1)).await;
        world.server.expunge("INBOX", uid(1));
        let mut found = all(&mut changes, QUIET).await;
        world.server.disconnect(true);
        found.extend(all(&mut changes, QUIET).await);
        found.retain(|change| change.kind != ChangeKind::InStep);
        let uids: Vec<_> = found.iter().filter_map(imap_duplex::account::Change::uid).collect();
        assert_eq!(uids, [new, uid(1)], "{found:?}");
    })
    .await;
}

/// Nor are its flags, before it is: a program that is given flags knows the message.
#[tokio::test(start_paused = true)]
async fn flags_are_delivered_of_messages_that_were_delivered_alone() {
    within(LIMIT, async {
        for mailbox in ["INBOX", "Work"] {
            let world = World::new(Server::new());
            world.server.create("Work");
            let (account, store) = (world.account(), MemoryStore::new());
            let watch = Watch::all().items(Items::envelope().flags());
            let mut changes = account.watch(watch, store.clone()).await.expect("a store in memory");
            let first = all(&mut changes, QUIET).await;
            changes.ack_all(&first).await.expect("a store in memory");
            // The server has two listed and does not find them; one is gone before it does.
            world.server.on("UID FETCH").instead("{tag} OK done\r\n").times(4);
            let uids = ["one", "two"].map(|text| world.server.deliver(mailbox, format!("Subject: {text}\r\n\r\n")));
            let mut found = Vec::new();
            for (uid, wait) in [(uids[0], 1), (uids[1], 1), (uids[0], 20)] {
                world.server.add_flags(mailbox, uid, Flag::Flagged);
                sleep(Duration::from_secs(wait)).await;
            }
            world.server.expunge(mailbox, uids[1]);
            found.extend(all(&mut changes, QUIET).await);
            found.retain(|change| change.uid().is_some());
            let [change] = &found[..] else { panic!("{mailbox}: {found:?}") };
            let flags = Some(Flag::Flagged.into());
            assert!(
                matches!(&change.kind, ChangeKind::Arrived { uid, flags: now, .. } if *uid == uids[0] && *now == flags),
                "{change:?}"
            );
        }
    })
    .await;
}

/// It is there when the mailbox is opened, its flags change and it is expunged, all before the
/// server has said which messages there are.
#[tokio::test(start_paused = true)]
async fn a_message_that_goes_before_it_is_known_is_not_in_the_sum() {
    within(LIMIT, async {
        for without in [&["QRESYNC"][..], &["QRESYNC", "CONDSTORE"], &[]] {
            let world = World::new(Server::builder().without(without.iter().copied()).start());
            for number in 1..=3 {
                world.server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
            }
            for command in ["UID FETCH", "FETCH", "UID SEARCH", "SEARCH"] {
                world
                    .server
                    .on(command)
                    .delay(Duration::from_secs(10))
                    .before("* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\n");
            }
            let account = world.account();
            let watch = Watch::all().from_start(true);
            let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
            sleep(Duration::from_secs(5)).await;
            world.server.add_flags("INBOX", uid(1), Flag::Deleted);
            world.server.expunge("INBOX", uid(1));
            let mut mirror = Mirror::default();
            let found = all(&mut changes, QUIET).await;
            for change in &found {
                let is_known = change.uid().is_none_or(|uid| mirror.uids("INBOX").contains(uid));
                assert!(is_known || matches!(change.kind, ChangeKind::Arrived { .. }), "{change}: {found:?}");
                mirror.apply(change);
            }
            assert_eq!(mirror.uids("INBOX").to_string(), "2:3", "without {without:?}: {found:?}");
        }
    })
    .await;
}

/// A program that does not read holds some megabytes of messages, however many there are and in how
/// many mailboxes; one that is larger than that comes alone. All come in the end.
#[tokio::test(start_paused = true)]
async fn messages_that_wait_for_the_program_have_a_bound_in_bytes() {
    within(LIMIT, async {
        let mega = "x".repeat(1024 * 1024);
        let world = World::new(Server::builder().inbox_only().start());
        world.server.create("Work");
        for mailbox in ["INBOX", "Work"] {
            for _ in 0..30 {
                world.server.deliver(mailbox, format!("Subject: large\r\n\r\n{mega}"));
            }
        }
        world.server.deliver("Work", format!("Subject: larger\r\n\r\n{}", mega.repeat(12)));
        let account = world.account();
        let watch = Watch::all().from_start(true).items(Items::section(Section::Full));
        let mut changes = account.watch(watch, MemoryStore::new()).await.expect("a store in memory");
        sleep(Duration::from_secs(100)).await;
        let received = account.traffic().await.bytes_received / (1024 * 1024);
        // Eight that wait, and four that each of two connections has fetched.
        assert!((8..=17).contains(&received), "{received} MB");
        let mut bytes = 0;
        for change in all(&mut changes, QUIET).await {
            if let ChangeKind::Arrived { message: Some(message), .. } = &change.kind {
                bytes += message.body().map_or(0, |body| body.len());
            }
        }
        assert_eq!(bytes / (1024 * 1024), 72);
    })
    .await;
}
