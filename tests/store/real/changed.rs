//! What other clients do meanwhile: messages go during a first sync, parents are renamed, drafts
//! are saved again.

use std::time::Duration;

use imap_duplex::store::NewMessage;
use imap_duplex::types::{Flag, Flags};
use tokio::time::sleep;

use super::{LIMIT, Real, SERVERS, operations};
use crate::support::within;
use crate::world::{Dice, by_subject, id_of, message};

/// A first sync that others disturb, and that is cut off again and again: what the server has not
/// listed yet is never taken for deleted, and what has gone is not left.
#[tokio::test]
async fn messages_that_go_during_a_first_sync_are_gone() {
    for (number, capability) in SERVERS.into_iter().enumerate() {
        within(LIMIT, async {
            let real = Real::with(capability, "");
            let mut session = real.session().await;
            let text = message("one of many");
            for _ in 0..6 {
                session.append("INBOX", "", text.as_bytes()).await;
            }
            // By powers of two: 1,536 messages.
            session.select("INBOX").await;
            for _ in 0..8 {
                session.command("COPY 1:* INBOX").await;
                session.command("NOOP").await;
            }
            let mut dice = Dice(11 + u64::try_from(number).expect("small"));
            for turn in 0..6u64 {
                let client = real.attach(real.store().await).await;
                sleep(Duration::from_millis(20 + turn * 25)).await;
                let uids: Vec<String> = (0..30).map(|_| (1 + dice.roll(1_536)).to_string()).collect();
                session.remove(&uids.join(",")).await;
                sleep(Duration::from_millis(turn * 10)).await;
                if turn < 5 {
                    client.crash().await;
                    continue;
                }
                client.in_step().await;
                real.check(&format!("{capability:?}")).await;
                assert!(real.subjects("INBOX").await.len() > 1_300);
            }
        })
        .await;
    }
}

/// Another client renames a mailbox above others, while something is queued for those.
#[tokio::test]
async fn a_parent_that_others_rename_keeps_its_messages_and_what_is_queued() {
    for (number, capability) in SERVERS.into_iter().enumerate() {
        for is_online in [false, true] {
            within(LIMIT, async {
                let real = Real::filled(capability).await;
                let mut session = real.session().await;
                for name in ["Trip", "Trip/Boat", "Trip/Boat/Crew"] {
                    session.command(&format!("CREATE {name}")).await;
                }
                for subject in ["sail", "tar", "rope"] {
                    real.arrives("Trip/Boat", subject).await;
                }
                real.arrives("Trip/Boat/Crew", "who").await;
                let client = real.client().await;
                let boat = real.mailbox(&client.store, "Trip/Boat").await;
                let sail = id_of(&client.store, "sail").await;
                let (client, store) = if is_online {
                    let store = client.store.clone();
                    (Some(client), store)
                } else {
                    client.crash().await;
                    (None, real.store().await)
                };
                if is_online {
                    session.command("RENAME Trip Holiday").await;
                }
                store.flag([sail], Flag::Flagged, Flags::new()).await.expect("queued");
                store.append(boat, NewMessage::new(message("list"))).await.expect("queued");
                store.move_to([id_of(&store, "who").await], boat).await.expect("queued");
                store.expunge([id_of(&store, "rope").await]).await.expect("queued");
                if !is_online {
                    session.command("RENAME Trip Holiday").await;
                }
                let client = match client {
                    Some(client) => client,
                    None => real.attach(store.clone()).await,
                };
                client.in_step().await;
                let what = format!("{number} {is_online}");
                assert_eq!(operations(&client.store).await, [], "{what}");
                real.check(&what).await;
                let there = real.there("Holiday/Boat").await;
                let names: Vec<&str> = there.iter().map(|(subject, _)| subject.as_str()).collect();
                assert_eq!(names, ["list", "sail", "tar", "who"], "{what}");
                assert_eq!(there[1].1, ["\\Flagged"], "{what}");
                assert_eq!(
                    real.mailbox(&client.store, "Holiday/Boat").await,
                    boat,
                    "{what}: the same mailbox"
                );
                assert_eq!(id_of(&client.store, "sail").await, sail, "{what}: the same message");
            })
            .await;
        }
    }
}

/// The user renames a parent while others rename what is below it.
#[tokio::test]
async fn a_parent_that_both_rename_loses_nothing() {
    within(LIMIT, async {
        let real = Real::filled(None).await;
        let mut session = real.session().await;
        for name in ["Trip", "Trip/Boat"] {
            session.command(&format!("CREATE {name}")).await;
        }
        real.arrives("Trip/Boat", "sail").await;
        let store = real.offline().await;
        let (trip, boat) = (real.mailbox(&store, "Trip").await, real.mailbox(&store, "Trip/Boat").await);
        store.rename_mailbox(trip, "Voyage").await.expect("queued");
        store.append(boat, NewMessage::new(message("list"))).await.expect("queued");
        session.command("RENAME Trip/Boat Trip/Ship").await;
        let client = real.online(store).await;
        assert_eq!(operations(&client.store).await, []);
        real.check("both").await;
        assert_eq!(real.subjects("Voyage/Ship").await, ["list", "sail"]);
    })
    .await;
}

/// Another client saves a draft again, by APPEND and EXPUNGE, with its Message-ID.
#[tokio::test]
async fn a_draft_that_others_save_again_is_there_once() {
    for capability in SERVERS {
        within(LIMIT, async {
            let real = Real::filled(capability).await;
            real.arrives("Drafts", "draft").await;
            let client = real.client().await;
            let before = id_of(&client.store, "draft").await;
            assert_eq!(client.store.body(before).await.expect("there"), message("draft").as_bytes());
            client.crash().await;
            let store = real.store().await;
            store.flag([before], Flag::Flagged, Flags::new()).await.expect("queued");
            let again = format!("{}More.\r\n", message("draft"));
            let mut session = real.session().await;
            session.append("Drafts", "\\Draft", again.as_bytes()).await;
            real.removes("Drafts", "1").await;
            let client = real.online(store).await;
            real.check(&format!("{capability:?}")).await;
            assert_eq!(operations(&client.store).await, [], "{capability:?}");
            let now = by_subject(&client.store, "draft").await;
            assert_ne!(now.id, before, "another message");
            assert_eq!(client.store.body(now.id).await.expect("there"), again.as_bytes());
        })
        .await;
    }
}

/// The user saves a draft again and again, while the server comes and goes.
#[tokio::test]
async fn a_draft_that_the_user_saves_again_is_there_once() {
    within(LIMIT, async {
        let mut real = Real::filled(None).await;
        let client = real.client().await;
        let drafts = real.mailbox(&client.store, "Drafts").await;
        let mut last = None;
        for turn in 0..8u64 {
            let text = format!("{}Version {turn}.\r\n", message("draft"));
            let new = client.store.append(drafts, NewMessage::new(text)).await.expect("queued");
            if let Some(last) = last.replace(new) {
                client.store.expunge([last]).await.expect("queued");
            }
            sleep(Duration::from_millis(turn * turn * 3)).await;
            if turn % 3 == 1 {
                real.server.stop();
                real.server.start_again();
            }
        }
        client.in_step().await;
        real.check("saved").await;
        let mut session = real.session().await;
        session.select("Drafts").await;
        let mail = real.at_server().await.remove("Drafts").expect("there");
        assert_eq!(mail.len(), 1, "{mail:?}");
        let uid = *mail.keys().next().expect("one");
        assert!(session.body(uid).await.ends_with(b"Version 7.\r\n"));
    })
    .await;
}
