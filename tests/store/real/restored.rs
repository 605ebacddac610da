//! A server that was restored from a backup, or whose indexes were lost: UIDs, UIDNEXT and
//! mod-sequences go back, or are those of other messages.

use std::fs;
use std::time::Duration;

use imap_duplex::types::{Flag, Flags};
use tokio::time::sleep;

use super::{LIMIT, Real, SERVERS, operations};
use crate::support::within;
use crate::world::{all, by_subject, id_of, message};

/// Flags of a few messages are changed, so that mod-sequences rise.
async fn flags(real: &Real, uids: &str, change: &str) {
    let mut session = real.session().await;
    session.select("INBOX").await;
    session.store(uids, change).await;
    session.logout().await;
}

/// The whole Maildir is put back, with its indexes or without: under the same UIDVALIDITY known
/// UIDs come to be those of other messages, and bodies that were read are not theirs.
#[tokio::test]
async fn a_restored_maildir_has_other_messages_under_known_uids() {
    for (number, has_indexes) in [true, false, true, false].into_iter().enumerate() {
        let (capability, is_online) = (SERVERS[number % 3], number < 2);
        within(LIMIT, async {
            let mut real = Real::filled(capability).await;
            real.back_up().await;
            for number in 0..5 {
                real.arrives("INBOX", &format!("lost {number}")).await;
            }
            flags(&real, "2,8", "+FLAGS (\\Seen $Lost)").await;
            let mut client = Some(real.client().await);
            real.check("before").await;
            let store = client.as_ref().map(|client| client.store.clone()).expect("there");
            for subject in ["lost 0", "lost 4", "message 3"] {
                let id = id_of(&store, subject).await;
                assert_eq!(store.body(id).await.expect("there"), message(subject).as_bytes());
            }
            let known: Vec<_> = all(&store.mailbox_named("INBOX").await.expect("there")).await;
            drop(store);
            if !is_online {
                client.take().expect("there").crash().await;
            }
            real.server.stop();
            real.put_back();
            if !has_indexes {
                real.forget_indexes("INBOX");
            }
            // More than were lost, before the store can look: no number is lower then.
            for number in 0..7 {
                let name = format!("17000000{number}.M{number}P1.restored");
                let path = real.maildir("INBOX").join("new").join(name);
                fs::write(&path, message(&format!("new {number}"))).expect("written");
                super::run("chmod", &["0666", &super::text(&path)]);
            }
            real.server.start_again();
            let client = match client {
                Some(client) => client,
                None => real.attach(real.store().await).await,
            };
            let what = format!("{number}, {capability:?}");
            // Before a look has shown it, bodies are those of their messages, or none.
            let asks = async {
                for one in known.iter().rev().cycle() {
                    let subject = one.subject.clone().unwrap_or_default();
                    if let Ok(body) = client.store.body(one.id).await {
                        assert_eq!(body, message(&subject).as_bytes(), "{what}: the body of {subject}");
                    }
                    sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::select! {
                () = client.in_step() => {}
                () = asks => {}
            }
            real.check(&what).await;
            let inbox = client.store.mailbox_named("INBOX").await.expect("there");
            let messages = all(&inbox).await;
            assert_eq!(messages.len(), 13, "{what}");
            for one in messages {
                let subject = one.subject.clone().unwrap_or_default();
                let body = client.store.body(one.id).await.expect("there");
                assert_eq!(body, message(&subject).as_bytes(), "{what}: the body of {subject}");
            }
        })
        .await;
    }
}

/// What was queued for messages that the backup does not have is done to no others.
#[tokio::test]
async fn what_is_queued_is_not_done_to_others_under_known_uids() {
    for (number, capability) in SERVERS.into_iter().enumerate() {
        within(LIMIT, async {
            let mut real = Real::filled(capability).await;
            real.back_up().await;
            for number in 0..5 {
                real.arrives("INBOX", &format!("lost {number}")).await;
            }
            let store = real.offline().await;
            let work = real.mailbox(&store, "Work").await;
            let lost = async |number: u32| id_of(&store, &format!("lost {number}")).await;
            store.flag([lost(0).await, lost(3).await], Flag::Flagged, Flags::new()).await.expect("queued");
            store.expunge([lost(1).await]).await.expect("queued");
            store.move_to([lost(2).await], work).await.expect("queued");
            store.copy_to(lost(4).await, work).await.expect("queued");
            let kept = id_of(&store, "message 5").await;
            store.flag([kept], Flag::Flagged, Flags::new()).await.expect("queued");
            real.server.stop();
            real.put_back();
            real.server.start_again();
            for number in 0..[3, 5, 8][number] {
                real.arrives("INBOX", &format!("new {number}")).await;
            }
            let client = real.online(store).await;
            let what = format!("{capability:?}");
            assert_eq!(operations(&client.store).await, [], "{what}");
            real.check(&what).await;
            let there = real.there("INBOX").await;
            assert_eq!(there.len(), 6 + [3, 5, 8][number], "{what}: none was deleted or moved");
            for (subject, flags) in there {
                let is_flagged = flags.contains(&"\\Flagged".to_owned());
                assert_eq!(is_flagged, subject == "message 5", "{what}: {subject}");
            }
            assert!(real.subjects("Work").await.is_empty(), "{what}");
        })
        .await;
    }
}

/// The indexes are lost, and with them all mod-sequences: those of the server begin again, and come
/// to be what they were, while flags are others and messages are gone.
#[tokio::test]
async fn mod_sequences_that_begin_again_hide_no_change() {
    for later in [0, 1, 6, 40] {
        within(LIMIT, async {
            let mut real = Real::filled(None).await;
            for turn in 0..6 {
                let change = if turn % 2 == 0 { "+FLAGS (\\Seen)" } else { "-FLAGS (\\Seen)" };
                flags(&real, "1:5", change).await;
            }
            let store = real.offline().await;
            let queued = id_of(&store, "message 6").await;
            store.flag([queued], Flag::Answered, Flags::new()).await.expect("queued");
            real.server.stop();
            real.forget_indexes("INBOX");
            real.server.start_again();
            real.removes("INBOX", "2").await;
            flags(&real, "4", "+FLAGS (\\Flagged $New)").await;
            for turn in 0..later {
                let change = if turn % 2 == 0 { "+FLAGS (\\Draft)" } else { "-FLAGS (\\Draft)" };
                flags(&real, "3", change).await;
            }
            // As many messages as before.
            real.arrives("INBOX", "new").await;
            let client = real.online(store).await;
            real.check(&format!("{later}")).await;
            assert_eq!(operations(&client.store).await, []);
            assert!(by_subject(&client.store, "message 6").await.flags.contains(&Flag::Answered));
            assert_eq!(by_subject(&client.store, "message 6").await.id, queued, "it keeps its number");
        })
        .await;
    }
}

/// The same while the store is attached: the server is killed, and comes back without its indexes.
#[tokio::test]
async fn indexes_that_are_lost_while_the_store_looks_on() {
    for pause in [0, 100, 300, 900] {
        within(LIMIT, async {
            let mut real = Real::filled(None).await;
            for turn in 0..20 {
                let change = if turn % 2 == 0 { "+FLAGS (\\Seen)" } else { "-FLAGS (\\Seen)" };
                flags(&real, "1:5", change).await;
            }
            let client = real.client().await;
            real.check("before").await;
            real.server.stop();
            for mailbox in ["INBOX", "Work"] {
                real.forget_indexes(mailbox);
            }
            real.server.start_again();
            sleep(Duration::from_millis(pause)).await;
            flags(&real, "3", "+FLAGS (\\Flagged)").await;
            real.arrives("Work", "new").await;
            real.removes("INBOX", "5").await;
            client.in_step().await;
            real.check(&format!("{pause} ms")).await;
        })
        .await;
    }
}

/// Files of messages are gone without the server knowing: it finds out while they are fetched.
#[tokio::test]
async fn files_that_are_gone_are_messages_that_are_gone() {
    for capability in SERVERS {
        within(LIMIT, async {
            let real = Real::with(capability, "");
            for number in 0..40 {
                real.arrives("INBOX", &format!("message {number}")).await;
            }
            let mut removed = 0;
            for folder in ["cur", "new"] {
                for entry in fs::read_dir(real.maildir("INBOX").join(folder)).expect("a folder") {
                    if removed < 5 {
                        fs::remove_file(entry.expect("an entry").path()).expect("it is there");
                        removed += 1;
                    }
                }
            }
            let client = real.attach(real.store().await).await;
            client.in_step().await;
            // The server may have said only now that they are gone.
            client.in_step().await;
            real.check(&format!("{capability:?}")).await;
            assert_eq!(real.subjects("INBOX").await.len(), 35);
        })
        .await;
    }
}
