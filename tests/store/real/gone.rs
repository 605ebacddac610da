//! Operations whose message or mailbox is gone, whose mailbox may only be read, or has no room.

use std::fs;
use std::time::Duration;

use imap_duplex::store::{NewMessage, OperationState};
use imap_duplex::types::{Flag, Flags};
use tokio::time::sleep;

use super::{LIMIT, Real, SERVERS, operations};
use crate::support::within;
use crate::world::{by_subject, id_of, message};

/// Other clients remove what the user flags, moves, copies and deletes.
#[tokio::test]
async fn what_is_queued_for_messages_that_are_gone_is_done_with() {
    for (number, capability) in SERVERS.into_iter().enumerate() {
        for is_online in [false, true] {
            within(LIMIT, async {
                let real = Real::filled(capability).await;
                let client = real.client().await;
                let client = if is_online {
                    Some(client)
                } else {
                    client.crash().await;
                    None
                };
                let store = match &client {
                    Some(client) => client.store.clone(),
                    None => real.store().await,
                };
                let id = async |number: u32| id_of(&store, &format!("message {number}")).await;
                let ids = [id(1).await, id(2).await, id(3).await, id(4).await, id(6).await];
                let work = real.mailbox(&store, "Work").await;
                real.removes("INBOX", "1:4").await;
                // A store that looks on may know already: then there is nothing to be done to it.
                _ = store.flag([ids[0], ids[4]], Flag::Flagged, Flags::new()).await;
                _ = store.move_to([ids[1]], work).await;
                _ = store.copy_to(ids[2], work).await;
                _ = store.expunge([ids[3]]).await;
                let six = by_subject(&store, "message 6").await;
                if !six.flags.contains(&Flag::Flagged) {
                    store.flag([six.id], Flag::Flagged, Flags::new()).await.expect("queued");
                }
                let client = match client {
                    Some(client) => client,
                    None => real.attach(store.clone()).await,
                };
                client.in_step().await;
                let what = format!("{number} {is_online}");
                assert_eq!(operations(&client.store).await, [], "{what}");
                real.check(&what).await;
                let there = real.there("INBOX").await;
                let names: Vec<&str> = there.iter().map(|(subject, _)| subject.as_str()).collect();
                assert_eq!(names, ["message 5", "message 6"], "{what}");
                assert_eq!(there[1].1, ["\\Flagged"], "{what}");
                assert!(real.subjects("Work").await.is_empty(), "{what}");
            })
            .await;
        }
    }
}

/// The mailbox where it should go is gone: it is kept, and can go elsewhere.
#[tokio::test]
async fn what_should_go_into_a_mailbox_that_is_gone_is_kept() {
    for capability in SERVERS {
        within(LIMIT, async {
            let real = Real::filled(capability).await;
            let store = real.offline().await;
            let (work, archive) = (real.mailbox(&store, "Work").await, real.mailbox(&store, "Archive").await);
            let draft = store.append(work, NewMessage::new(message("draft"))).await.expect("queued");
            let (one, two) = (id_of(&store, "message 1").await, id_of(&store, "message 2").await);
            store.move_to([one, two], work).await.expect("queued");
            real.session().await.command("DELETE Work").await;
            let client = real.online(store).await;
            let parked = operations(&client.store).await;
            assert_eq!(parked.len(), 3, "{capability:?}: {parked:?}");
            assert!(parked.iter().all(|one| one.state == OperationState::Parked), "{parked:?}");
            let seen = by_subject(&client.store, "message 1").await;
            assert_eq!(seen.mailbox, real.mailbox(&client.store, "INBOX").await);
            assert_eq!(client.store.body(draft).await.expect("kept"), message("draft").as_bytes());
            client.store.move_to([draft, one], archive).await.expect("elsewhere");
            client.store.move_to([two], seen.mailbox).await.expect("back");
            client.in_step().await;
            assert_eq!(operations(&client.store).await, []);
            assert_eq!(real.subjects("Archive").await, ["draft", "message 1"]);
            real.check(&format!("{capability:?}")).await;
        })
        .await;
    }
}

/// Rights are taken away: what changes a mailbox is parked with its reason, others are done; and
/// once the rights are back it can be tried again.
#[tokio::test]
async fn a_mailbox_that_may_only_be_read_now_parks_what_changes_it() {
    for capability in SERVERS {
        within(LIMIT, async {
            let mut real = Real::filled(capability).await;
            for subject in ["one", "two", "three"] {
                real.arrives("Work", subject).await;
            }
            let store = real.offline().await;
            let (work, archive) = (real.mailbox(&store, "Work").await, real.mailbox(&store, "Archive").await);
            store.flag([id_of(&store, "one").await], Flag::Flagged, Flags::new()).await.expect("queued");
            store.move_to([id_of(&store, "two").await], archive).await.expect("queued");
            store.expunge([id_of(&store, "three").await]).await.expect("queued");
            store.append(work, NewMessage::new(message("draft"))).await.expect("queued");
            store.append(archive, NewMessage::new(message("other"))).await.expect("queued");
            let list = real.maildir("Work").join("dovecot-acl");
            fs::write(&list, "owner lr\n").expect("written");
            super::run("chmod", &["0644", &super::text(&list)]);
            let client = real.online(store).await;
            let what = format!("{capability:?}");
            let parked = operations(&client.store).await;
            assert_eq!(parked.len(), 4, "{what}: {parked:?}");
            for operation in &parked {
                assert_eq!(operation.state, OperationState::Parked, "{what}: {parked:?}");
                assert!(operation.error.as_ref().is_some_and(|why| !why.is_empty()), "{what}: {parked:?}");
            }
            assert_eq!(real.subjects("Archive").await, ["other"], "{what}: others are done");
            let there = real.there("Work").await;
            let names: Vec<&str> = there.iter().map(|(subject, _)| subject.as_str()).collect();
            assert_eq!(names, ["one", "three", "two"], "{what}: nothing was done");
            fs::remove_file(&list).expect("it is there");
            // New sessions go by the rights of now.
            client.crash().await;
            real.server.stop();
            real.server.start_again();
            let store = real.store().await;
            for operation in parked {
                store.retry(operation.id).await.expect("parked");
            }
            let client = real.online(store).await;
            assert_eq!(operations(&client.store).await, [], "{what}");
            assert_eq!(real.subjects("Work").await, ["draft", "one"], "{what}");
            assert_eq!(real.subjects("Archive").await, ["other", "two"], "{what}");
            real.check(&what).await;
        })
        .await;
    }
}

/// The server has no room: what needs some waits or is parked, others are done; and it is sent once
/// there is room.
#[tokio::test]
async fn what_finds_no_room_at_the_server_is_kept() {
    within(LIMIT, async {
        let real = Real::with(None, "plugin {\n  quota_rule = *:storage=40k\n  quota_grace = 0\n}\n");
        for number in 1..=3 {
            real.arrives("INBOX", &format!("message {number}")).await;
        }
        let client = real.client().await;
        let drafts = real.mailbox(&client.store, "Drafts").await;
        let large = format!("{}{}", message("large"), "All of this is needed.\r\n".repeat(3_000));
        let id = client.store.append(drafts, NewMessage::new(large.clone())).await.expect("queued");
        let one = id_of(&client.store, "message 1").await;
        client.store.flag([one], Flag::Flagged, Flags::new()).await.expect("queued");
        for _ in 0..100 {
            if real.there("INBOX").await[0].1 == ["\\Flagged"] {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(real.there("INBOX").await[0].1, ["\\Flagged"], "others are done");
        let left = operations(&client.store).await;
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(left[0].error.is_some(), "{left:?}");
        assert_eq!(client.store.body(id).await.expect("kept"), large.as_bytes());
        assert!(real.subjects("Drafts").await.is_empty());
        // The user makes it shorter.
        client.store.drop_operation(left[0].id).await.expect("queued or parked");
        let small = NewMessage::new(message("small"));
        client.store.append(drafts, small).await.expect("queued");
        client.in_step().await;
        assert_eq!(operations(&client.store).await, []);
        assert_eq!(real.subjects("Drafts").await, ["small"]);
        real.check("with room").await;
    })
    .await;
}

/// Dovecot says which mailbox is for what on request alone, if anything else is asked for.
#[tokio::test]
async fn what_is_deleted_goes_to_the_trash() {
    within(LIMIT, async {
        let real = Real::with(None, "");
        real.arrives("INBOX", "unwanted").await;
        let client = real.client().await;
        client.in_step().await;
        let one = id_of(&client.store, "unwanted").await;
        client.store.delete([one]).await.expect("queued");
        client.in_step().await;
        assert!(real.subjects("INBOX").await.is_empty());
        assert_eq!(real.subjects("Trash").await, ["unwanted"]);
        // From there for good.
        client.store.delete([one]).await.expect("queued");
        client.in_step().await;
        assert!(real.subjects("Trash").await.is_empty());
        real.check("deleted").await;
    })
    .await;
}
