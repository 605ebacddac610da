//! What every program wants beside: mailboxes by their use, a move into a mailbox that is missing,
//! searches of which only the latest counts.

use std::time::Duration;

use imap_duplex::account::FoundBy;
use imap_duplex::command::Search;
use imap_duplex::testing::Server;
use imap_duplex::types::{Code, SpecialUse, Uid};
use imap_duplex::{ErrorKind, Mailbox};
use tokio::time::{Instant, sleep};

use crate::support::within;
use crate::{LIMIT, World};

#[tokio::test(start_paused = true)]
async fn a_mailbox_is_found_by_attribute_then_by_xlist_then_by_name() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let sent = world.account().special_use(SpecialUse::Sent).await.unwrap().unwrap();
        assert_eq!((sent.name.as_str(), sent.found_by), ("Sent", FoundBy::SpecialUse));

        let server = Server::builder().without(["SPECIAL-USE"]).claim(["IMAP4rev1", "XLIST"]).start();
        server.on("XLIST").instead(
            "* XLIST (\\HasNoChildren \\Trash) \"/\" \"Mülleimer\"\r\n* XLIST (\\Spam) \"/\" Unfug\r\n{tag} OK done\r\n",
        );
        let world = World::new(server);
        let account = world.account();
        let junk = account.special_use(SpecialUse::Junk).await.unwrap().unwrap();
        assert_eq!((junk.name.as_str(), junk.found_by), ("Unfug", FoundBy::Xlist));

        let server = Server::builder().without(["SPECIAL-USE"]).inbox_only().start();
        for name in ["Gelöschte Elemente", "Archiv/Sent", "ENTWÜRFE", "INBOX/Junk"] {
            server.create(name);
        }
        let world = World::new(server);
        let account = world.account();
        for (usage, name) in [
            (SpecialUse::Trash, Some("Gelöschte Elemente")),
            (SpecialUse::Sent, Some("Archiv/Sent")),
            (SpecialUse::Drafts, Some("ENTWÜRFE")),
            (SpecialUse::Junk, Some("INBOX/Junk")),
            (SpecialUse::Flagged, None),
        ] {
            let found = account.special_use(usage.clone()).await.unwrap();
            let by_name = name.map(|name| (name, FoundBy::Name));
            assert_eq!(found.as_ref().map(|it| (it.name.as_str(), it.found_by)), by_name, "{usage}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_mailbox_is_created_for_a_move_if_asked() {
    within(LIMIT, async {
        let server = Server::new();
        for _ in 0..4 {
            server.deliver("INBOX", "Subject: one\r\n\r\none\r\n");
        }
        let uid = |number| Uid::new(number).unwrap();
        let world = World::new(server.clone());
        let account = world.account();
        let inbox = account.mailbox("INBOX").await.unwrap();
        let refused = inbox.move_to(uid(1), "News/2026").await.expect_err("it is not there");
        assert_eq!(refused.code(), Some(&Code::TryCreate));
        let moved = inbox.move_creating(uid(1), "News/2026").await.unwrap();
        assert_eq!(moved.uids.len(), 1);
        inbox.copy_creating([uid(2), uid(3)], "News/2026").await.unwrap();
        assert_eq!(server.mailbox("News/2026").unwrap().uids().len(), 3);
        assert_eq!(world.count("CREATE"), 1);

        // Somebody else creates it between our two commands.
        let other = server.clone();
        server.on("CREATE").before("").no_with(Code::AlreadyExists, "it is there");
        other.create("Elsewhere");
        server.on("UID MOVE").no_with(Code::TryCreate, "no such mailbox");
        inbox.move_creating(uid(2), "Elsewhere").await.unwrap();
        assert_eq!(server.mailbox("Elsewhere").unwrap().uids().len(), 1);

        // What is refused for another reason is not tried again; a CREATE that fails is the error.
        server.on("UID MOVE").no("you may not");
        let refused = inbox.move_creating(uid(3), "Nowhere").await.expect_err("refused");
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::No, None));
        assert_eq!(server.mailbox("Nowhere").map(|it| it.uids().len()), None);
        server.on("CREATE").no("quota of mailboxes");
        let refused = inbox.move_creating(uid(3), "Nowhere").await.expect_err("refused");
        assert!(refused.to_string().contains("quota of mailboxes"), "{refused}");
        assert!(server.mailbox("INBOX").unwrap().uids().contains(uid(3)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn traffic_is_that_of_all_connections() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let account = world.account();
        assert_eq!(account.traffic().await.bytes_received, 0);
        let inbox = account.mailbox("INBOX").await.unwrap();
        let sent = account.mailbox("Sent").await.unwrap();
        let sum = inbox.sender().stats().bytes_received + sent.sender().stats().bytes_received;
        assert_eq!(account.traffic().await.bytes_received, sum);
        drop((inbox, sent));
        world.server.disconnect(false);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(account.status().now().connections, 0);
        let after = account.traffic().await;
        assert!(after.bytes_received >= sum && after.bytes_sent > 0, "{after:?}");
        let inbox = account.mailbox("INBOX").await.unwrap();
        let now = account.traffic().await.bytes_received;
        assert_eq!(now, after.bytes_received + inbox.sender().stats().bytes_received);
    })
    .await;
}

fn searches(world: &World) -> Vec<String> {
    let all = world.server.received();
    all.iter().filter(|logged| logged.line.contains(" SUBJECT ")).map(|logged| logged.line.clone()).collect()
}

async fn inbox_of(world: &World) -> Mailbox {
    let (imap, events) = world.config().connect_over(world.server.connect()).await.expect("it is there");
    drop(events);
    imap.select("INBOX").await.expect("everyone has one")
}

#[tokio::test(start_paused = true)]
async fn a_search_that_is_replaced_is_neither_sent_nor_waited_for() {
    within(LIMIT, async {
        let server = Server::new();
        server.deliver("INBOX", "Subject: lunch\r\n\r\none\r\n");
        let world = World::new(server.clone());
        let inbox = inbox_of(&world).await;
        let latest = inbox.search_latest();

        // All but the last are replaced before anything is sent.
        let found: Vec<_> =
            ["l", "lu", "lun", "lunc", "lunch"].map(|text| latest.search(Search::subject(text))).into();
        let mut results = Vec::new();
        for result in found {
            results.push(result.await.unwrap().map(|found| found.len()));
        }
        assert_eq!(results, [None, None, None, None, Some(1)]);
        let sent = searches(&world);
        assert!(sent.len() == 1 && sent[0].contains("lunch"), "{sent:?}");

        // One that was sent is not waited for.
        server.on("UID SEARCH").delay(Duration::from_secs(60));
        let slow = tokio::spawn(latest.search(Search::subject("slow")));
        sleep(Duration::from_secs(1)).await;
        let start = Instant::now();
        let quick = latest.search(Search::subject("lunch"));
        assert!(slow.await.unwrap().unwrap().is_none());
        assert_eq!(start.elapsed(), Duration::ZERO, "it ended at once");
        assert_eq!(quick.await.unwrap().map(|found| found.len()), Some(1));

        // A dropped one is withdrawn, and leaves others alone.
        let before = searches(&world).len();
        drop(latest.clone().search(Search::subject("never")));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(searches(&world).len(), before);
        let old = latest.search(Search::subject("old"));
        let new = latest.search(Search::subject("lunch"));
        drop(old);
        assert_eq!(new.await.unwrap().map(|found| found.len()), Some(1));
    })
    .await;
}
