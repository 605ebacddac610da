//! The embedded server as a program's own tests use it: the library connects to it, and the test
//! changes mailboxes from outside and looks at their true state.

use std::time::Duration;

use imap_duplex::command::{Append, Items, List, Search, StatusItems, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::{EventKind, Flag, MailboxName, Seq};
use imap_duplex::{Config, ErrorKind, Receiver, Sender};

use crate::client::{Events, uid};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

async fn connect(server: &Server) -> (Sender, Receiver) {
    let config = Config::new("localhost").plaintext().login(server.user(), server.password());
    config.connect_over(server.connect()).await.expect("it takes this login")
}

#[tokio::test]
async fn a_days_work() {
    within(LIMIT, async {
        let server = Server::new();
        let first = server.deliver("INBOX", "Subject: one\r\n\r\nHello\r\n");
        let (imap, events) = connect(&server).await;
        let mut events = Events::strict(events);
        assert_eq!(imap.list("*").await.expect("LIST").len(), 4);
        assert_eq!(imap.list(List::new("*").subscribed()).await.expect("LIST").len(), 3);
        let inbox = imap.select("INBOX").await.expect("SELECT");
        assert_eq!(inbox.exists(), 1);
        let rows = inbox.fetch(first, Items::envelope().flags().body_structure()).await.expect("FETCH");
        assert!(rows[0].body_structure().is_some());
        let rows = inbox.fetch(first, Items::body()).await.expect("FETCH");
        assert_eq!(rows[0].body().map(|b| &b[..]), Some(&b"Subject: one\r\n\r\nHello\r\n"[..]));
        inbox.store(first, Store::add([Flag::Flagged])).await.expect("STORE");
        imap.append("INBOX", Append::new("Subject: two\r\n\r\nHi\r\n")).await.expect("APPEND");
        events.until_brief("arrived 2 uid 2").await;
        let found = inbox.search(Search::all()).await.expect("SEARCH");
        assert_eq!(found.len(), 2);
        inbox.copy(first, "Drafts").await.expect("COPY");
        inbox.move_to(uid(2), "Trash").await.expect("MOVE");
        events.until_brief("removed 2 uid 2").await;
        let status = imap.status("Drafts", StatusItems::counts()).await.expect("STATUS");
        assert_eq!(status.messages, Some(1));
        let stored = server.mailbox("INBOX").expect("INBOX");
        assert_eq!(stored.messages.len(), 1);
        assert!(stored.messages[0].flags.contains(&Flag::Flagged));
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

/// A program that keeps names as text finds each mailbox again, also one that has a name no client
/// should have given it.
#[tokio::test]
async fn a_name_that_is_not_composed_survives_being_kept_as_text() {
    within(LIMIT, async {
        let server = Server::new();
        let apart = MailboxName::exact("Cafe\u{301}");
        server.create(&apart);
        let (imap, _events) = connect(&server).await;
        imap.create("Menu\u{308}").await.expect("CREATE");
        let listed = imap.list("*").await.expect("LIST");
        let names: Vec<_> = listed.iter().map(|entry| entry.name.clone()).collect();
        assert!(names.contains(&apart) && names.contains(&MailboxName::exact("Men\u{fc}")), "{names:?}");
        let kept = serde_json::to_string(&apart).expect("a string");
        let again: MailboxName = serde_json::from_str(&kept).expect("a name");
        for name in [again, MailboxName::exact(apart.as_str())] {
            assert_eq!(imap.select(name).await.expect("SELECT").name(), &apart);
        }
        let error = imap.select(apart.as_str()).await.expect_err("that is another name");
        assert_eq!(error.kind(), ErrorKind::No);
    })
    .await;
}

#[tokio::test]
async fn what_the_test_does_is_reported_while_the_client_idles() {
    within(LIMIT, async {
        let server = Server::new();
        let (imap, events) = connect(&server).await;
        let mut events = Events::strict(events);
        imap.select("INBOX").await.expect("SELECT");
        let new = server.deliver("INBOX", "Subject: x\r\n\r\n");
        events.until_brief(&format!("arrived 1 uid {new}")).await;
        server.add_flags("INBOX", new, [Flag::Seen]);
        events.until_brief(&format!("flags 1 uid {new} (\\Seen)")).await;
        server.expunge("INBOX", new);
        events.until_brief(&format!("removed 1 uid {new}")).await;
        drop(server);
        let end = events.until("the end", |event| event.name() == "closed").await;
        assert!(matches!(end.kind, EventKind::Closed { .. }));
        drop(imap);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_view_is_waited_for() {
    within(Duration::from_secs(3600), async {
        let server = Server::new();
        for _ in 0..3 {
            server.deliver("INBOX", "Subject: x\r\n\r\n");
        }
        let (imap, mut events) = connect(&server).await;
        server.on("UID SEARCH").delay(Duration::from_secs(60));
        let selecting = imap.select("INBOX");
        let inbox = selecting.mailbox();
        // Dropped and asked again, nothing is lost.
        let early = tokio::time::timeout(Duration::from_secs(30), inbox.ready()).await;
        assert!(early.is_err() && inbox.state().is_none());
        inbox.ready().await.expect("it becomes complete");
        assert_eq!(inbox.state().expect("and there is a state").uids.to_string(), "1:3");
        let mut reported = 0;
        imap.select("Drafts").await.expect("SELECT").ready().await.expect("empty: at once");
        assert!(inbox.ready().await.is_err(), "another one was selected");
        drop(server);
        while let Some(event) = events.next().await {
            reported += u32::from(matches!(event.kind, EventKind::Ready { .. }));
        }
        assert_eq!(reported, 2, "once for each selection");
        drop(selecting);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_paused_time() {
    within(Duration::from_secs(3600 * 24), async {
        let server = Server::new();
        server.deliver("INBOX", "Subject: x\r\n\r\n");
        let (imap, mut events) = connect(&server).await;
        let inbox = imap.select("INBOX").await.expect("SELECT");
        server.on("UID FETCH").delay(Duration::from_secs(60));
        let start = tokio::time::Instant::now();
        let rows = inbox.fetch(Seq::new(1).expect("1"), Items::new().size()).await.expect("FETCH");
        assert_eq!(rows.len(), 1);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        server.deliver("INBOX", "Subject: y\r\n\r\n");
        while let Some(event) = events.next().await {
            if matches!(event.kind, EventKind::Arrived { .. }) {
                break;
            }
        }
        assert!(start.elapsed() >= Duration::from_secs(3600));
        assert!(start.elapsed() < Duration::from_secs(3900));
    })
    .await;
}
