//! What servers do that a store has to survive: each ends with store and server alike.

use std::time::Duration;

use imap_duplex::account::Policy;
use imap_duplex::store::NewMessage;
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, ModSeq, UidSet};
use tokio::time::sleep;

use crate::support::other::Other;
use crate::support::within;
use crate::world::{Client, LIMIT, World, all, by_subject, id_of, message, uid};

/// Servers that can do more and less.
const SERVERS: [&[&str]; 4] = [
    &[],
    &["QRESYNC"],
    &["OBJECTID", "QRESYNC", "CONDSTORE"],
    &["OBJECTID", "QRESYNC", "CONDSTORE", "ESEARCH", "IMAP4rev2"],
];

fn world_of(lacks: &[&str], count: u32) -> World {
    let server = Server::builder().without(lacks.iter().copied()).start();
    for number in 1..=count {
        server.deliver("INBOX", message(&format!("message {number}")));
    }
    World::new(server)
}

/// Messages go while the first sync has fetched some of their contents.
#[tokio::test(start_paused = true)]
async fn messages_that_go_during_a_first_sync_are_gone() {
    for lacks in SERVERS {
        within(LIMIT, async {
            let world = world_of(lacks, 1_200);
            world.server.on("UID FETCH").delay(Duration::from_millis(200)).always();
            let client = world.client().await;
            for turn in 0..8u32 {
                sleep(Duration::from_millis(130)).await;
                let some: UidSet = (0..12).map(|at| uid(1 + turn * 7 + at * 97)).collect();
                world.server.expunge("INBOX", some);
            }
            client.in_step().await;
            world.check(&client.store).await;
        })
        .await;
    }
}

/// Rows of FETCH without the UID that was asked for, unasked rows, and a message twice.
#[tokio::test(start_paused = true)]
async fn rows_that_lack_their_uid_or_come_twice_are_no_others() {
    let odd = [
        "* 3 FETCH (RFC822.SIZE 17)\r\n",
        "* 2 FETCH (FLAGS (\\Seen))\r\n",
        "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n",
        "* 9 FETCH (UID 2 FLAGS (\\Answered))\r\n",
    ];
    for (lacks, odd) in SERVERS.iter().flat_map(|lacks| odd.iter().map(move |odd| (lacks, odd))) {
        within(LIMIT, async {
            let world = world_of(lacks, 12);
            world.server.add_flags("INBOX", uid(2), Flag::Seen);
            world.server.on("UID FETCH").within(*odd).times(3);
            let client = world.client().await;
            client.in_step().await;
            world.server.add_flags("INBOX", uid(4), Flag::Flagged);
            world.server.on("UID FETCH").before(*odd).times(3);
            client.in_step().await;
            world.check(&client.store).await;
            for number in 1..=12 {
                let one = by_subject(&client.store, &format!("message {number}")).await;
                assert_eq!(one.uid, Some(uid(number)), "{lacks:?} {odd}");
            }
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_uid_that_is_listed_twice_is_one_message() {
    for answer in [
        "* SEARCH 1 2 3 3 2 5 4\r\n{tag} OK done\r\n",
        "* SEARCH 1 1 2 3 4 5\r\n* SEARCH 5 5\r\n{tag} OK done\r\n",
    ] {
        within(LIMIT, async {
            let world = world_of(&["QRESYNC", "CONDSTORE", "ESEARCH", "IMAP4rev2"], 5);
            world.server.on("UID SEARCH").instead(answer);
            let client = world.client().await;
            client.in_step().await;
            world.check(&client.store).await;
        })
        .await;
    }
}

/// Another client saves a draft again: by REPLACE, or by APPEND and EXPUNGE; with its Message-ID.
#[tokio::test(start_paused = true)]
async fn a_draft_that_others_save_again_is_there_once() {
    for replaces in [true, false] {
        for lacks in SERVERS {
            within(LIMIT, async {
                let server = Server::builder().without(lacks.iter().copied()).start();
                let world = World::new(server);
                world.server.deliver("Drafts", message("draft"));
                let client = world.client().await;
                client.in_step().await;
                let before = id_of(&client.store, "draft").await;
                client.crash().await;
                let store = world.store().await;
                store.flag([before], Flag::Flagged, Flags::new()).await.expect("queued");
                let again = format!("{}More.\r\n", message("draft"));
                if replaces {
                    let mut other = Other::over(world.server.connect()).await;
                    other
                        .command(&format!("LOGIN {} {}", world.server.user(), world.server.password()))
                        .await;
                    other.select("Drafts").await;
                    let tag =
                        other.send(&format!("UID REPLACE 1 Drafts {{{}+}}\r\n{again}", again.len())).await;
                    assert!(other.reply(&tag).await.is_ok());
                } else {
                    world.server.deliver("Drafts", again.clone());
                    world.server.expunge("Drafts", uid(1));
                }
                let account = world.account_by(Policy::default());
                let attachment = store.attach(&account).await.expect("attached");
                let client = Client { store, attachment, account };
                client.in_step().await;
                world.check(&client.store).await;
                let now = by_subject(&client.store, "draft").await;
                assert_ne!(now.id, before, "another message");
                assert_eq!(client.store.body(now.id).await.expect("there"), again.as_bytes());
                assert_eq!(client.store.operations().await.expect("readable"), []);
            })
            .await;
        }
    }
}

/// The user saves a draft again and again, offline and on.
#[tokio::test(start_paused = true)]
async fn a_draft_that_the_user_saves_again_is_there_once() {
    within(LIMIT, async {
        let world = world_of(&[], 1);
        let client = world.client().await;
        client.in_step().await;
        let drafts = client.store.mailbox_named("Drafts").await.expect("there").id();
        let mut last = None;
        for turn in 0..6u64 {
            let text = format!("{}Version {turn}.\r\n", message("draft"));
            let new = client.store.append(drafts, NewMessage::new(text)).await.expect("queued");
            if let Some(last) = last.replace(new) {
                client.store.expunge([last]).await.expect("queued");
            }
            sleep(Duration::from_millis(turn * turn * 20)).await;
            world.server.disconnect(turn % 2 == 0);
        }
        client.in_step().await;
        let there = world.server.mailbox("Drafts").expect("there").messages;
        assert_eq!(there.len(), 1);
        assert!(String::from_utf8_lossy(&there[0].bytes).ends_with("Version 5.\r\n"));
        world.check(&client.store).await;
    })
    .await;
}

/// The server is restored from a backup, under the same UIDVALIDITY: UIDNEXT and mod-sequences go
/// back, and UIDs come to be those of other messages.
#[tokio::test(start_paused = true)]
async fn a_restored_server_has_other_messages_under_known_uids() {
    for lacks in SERVERS {
        // Whether the store sees it in between, how many messages come afterwards, and whether that
        // with the newest known UID goes.
        for (is_seen, more, goes) in
            [(true, 3, false), (false, 3, false), (false, 5, false), (false, 9, false), (false, 9, true)]
        {
            within(LIMIT, async {
                let world = world_of(lacks, 10);
                let backup = world.server.mailbox("INBOX").expect("there");
                for number in 0..5 {
                    world.server.deliver("INBOX", message(&format!("lost {number}")));
                }
                world.server.add_flags("INBOX", uid(3), Flag::Seen);
                let client = world.client().await;
                client.in_step().await;
                if !is_seen {
                    client.crash().await;
                    world.server.restore(&backup);
                } else {
                    world.server.restore(&backup);
                    client.in_step().await;
                    world.check(&client.store).await;
                    client.crash().await;
                }
                for number in 0..more {
                    world.server.deliver(
                        "INBOX",
                        format!("{}{}", message(&format!("new {number}")), "x".repeat(number)),
                    );
                }
                if goes {
                    world.server.expunge("INBOX", uid(15));
                }
                let client = world.client().await;
                client.in_step().await;
                world.check(&client.store).await;
                let inbox = client.store.mailbox_named("INBOX").await.expect("there");
                for one in all(&inbox).await {
                    let there = world.server.mailbox("INBOX").expect("there");
                    let there = there.message(one.uid.expect("a UID")).expect("there").bytes.clone();
                    let subject = format!("Subject: {}\r\n", one.subject.clone().unwrap_or_default());
                    let text = String::from_utf8_lossy(&there).into_owned();
                    assert!(text.contains(&subject), "{lacks:?} {is_seen} {more}: {subject} is {text}");
                }
            })
            .await;
        }
    }
}

/// What the user did to messages that a restored server has no more is done to none of those that
/// have got their UIDs.
#[tokio::test(start_paused = true)]
async fn what_is_queued_is_not_done_to_others_under_known_uids() {
    for (lacks, more, goes) in
        SERVERS.iter().flat_map(|lacks| [(lacks, 3, 0), (lacks, 5, 0), (lacks, 9, 0), (lacks, 9, 15)])
    {
        within(LIMIT, async {
            let world = world_of(lacks, 10);
            world.server.create("Work");
            let backup = world.server.mailbox("INBOX").expect("there");
            for number in 0..5 {
                world.server.deliver("INBOX", message(&format!("lost {number}")));
            }
            let client = world.client().await;
            client.in_step().await;
            client.crash().await;
            let store = world.store().await;
            let work = store.mailbox_named("Work").await.expect("there").id();
            let lost = async |number: u32| id_of(&store, &format!("lost {number}")).await;
            store.flag([lost(0).await, lost(3).await], Flag::Flagged, Flags::new()).await.expect("queued");
            store.expunge([lost(1).await]).await.expect("queued");
            store.move_to([lost(2).await], work).await.expect("queued");
            store.copy_to(lost(4).await, work).await.expect("queued");
            let kept = id_of(&store, "message 9").await;
            store.flag([kept], Flag::Flagged, Flags::new()).await.expect("queued");
            world.server.restore(&backup);
            for number in 0..more {
                world.server.deliver("INBOX", message(&format!("new {number}")));
            }
            if goes > 0 {
                world.server.expunge("INBOX", uid(goes));
            }
            let account = world.account_by(Policy::default());
            let attachment = store.attach(&account).await.expect("attached");
            let client = Client { store, attachment, account };
            client.in_step().await;
            let what = format!("{lacks:?} {more} {goes}");
            assert_eq!(client.store.operations().await.expect("readable"), [], "{what}");
            world.check(&client.store).await;
            let there = world.server.mailbox("INBOX").expect("there").messages;
            let count = 10 + more - usize::from(goes > 0);
            assert_eq!(there.len(), count, "{what}: none was deleted or moved");
            let flagged = there.iter().filter(|message| message.flags.contains(&Flag::Flagged));
            let flagged: Vec<_> = flagged.map(|message| message.uid).collect();
            // The embedded server gives what it restores new EMAILIDs: then it is another message.
            let is_kept = lacks.contains(&"OBJECTID");
            assert_eq!(flagged, if is_kept { vec![uid(9)] } else { vec![] }, "{what}");
            assert_eq!(world.server.mailbox("Work").expect("there").messages, [], "{what}");
        })
        .await;
    }
}

/// The row of a message goes while its mailbox is opened for what is queued: a look has found that
/// the server was restored, and that another message has its UID.
#[tokio::test(start_paused = true)]
async fn what_is_about_to_be_sent_is_not_done_to_another() {
    for what in ["copy", "move", "flag", "expunge"] {
        within(LIMIT, async {
            let world = world_of(&[], 3);
            world.server.create("Work");
            let backup = world.server.mailbox("INBOX").expect("there");
            world.server.deliver("INBOX", message("lost"));
            let client = world.client().await;
            client.in_step().await;
            client.crash().await;
            let store = world.store().await;
            let work = store.mailbox_named("Work").await.expect("there").id();
            let lost = id_of(&store, "lost").await;
            match what {
                "copy" => _ = store.copy_to(lost, work).await.expect("queued"),
                "move" => store.move_to([lost], work).await.expect("queued"),
                "flag" => store.flag([lost], Flag::Flagged, Flags::new()).await.expect("queued"),
                _ => store.expunge([lost]).await.expect("queued"),
            }
            world.server.restore(&backup);
            world.server.deliver("INBOX", message("another"));
            let there = world.server.mailbox("INBOX").expect("there").messages;
            // Looks use EXAMINE.
            world.server.on("SELECT").delay(Duration::from_secs(30)).always();
            let account = world.account_by(Policy::default());
            let attachment = store.attach(&account).await.expect("attached");
            let client = Client { store, attachment, account };
            client.in_step().await;
            assert_eq!(client.store.operations().await.expect("readable"), [], "{what}");
            world.check(&client.store).await;
            assert_eq!(world.server.mailbox("INBOX").expect("there").messages, there, "{what}");
            assert_eq!(world.server.mailbox("Work").expect("there").messages, [], "{what}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn mod_sequences_that_go_back_hide_no_change() {
    within(LIMIT, async {
        let world = world_of(&[], 10);
        let client = world.client().await;
        client.in_step().await;
        client.crash().await;
        world.server.set_highest_mod_seq("INBOX", ModSeq::new(2).expect("not zero"));
        world.server.add_flags("INBOX", uid(4), Flag::Flagged);
        world.server.expunge("INBOX", uid(6));
        let client = world.client().await;
        client.in_step().await;
        world.check(&client.store).await;
    })
    .await;
}

/// The clock of this machine was set back: what is written later has an earlier date.
#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_loses_nothing() {
    within(LIMIT, async {
        let world = world_of(&[], 3);
        let client = world.client().await;
        client.in_step().await;
        let drafts = client.store.mailbox_named("Drafts").await.expect("there").id();
        for (number, date) in [2_000_000_000, 1_000_000_000, 0, -5].into_iter().enumerate() {
            let draft = NewMessage::new(message(&format!("draft {number}"))).date(date);
            client.store.append(drafts, draft).await.expect("queued");
            if number == 1 {
                client.in_step().await;
                world.server.disconnect(true);
            }
        }
        client.in_step().await;
        assert_eq!(world.server.mailbox("Drafts").expect("there").messages.len(), 4);
        assert_eq!(client.store.operations().await.expect("readable"), []);
        world.check(&client.store).await;
    })
    .await;
}
