//! UIDONLY (RFC 9586): messages without numbers, by raw lines and by the library.

use std::time::Duration;

use imap_duplex::command::{Items, Search, SortKey, Store, ThreadBy};
use imap_duplex::testing::Server;
use imap_duplex::types::{EventKind, Flag, SeqSet, Uid, UidSet};
use imap_duplex::{Config, ErrorKind, Sender, Sent};

use crate::client::Events;
use crate::raw::session;
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

fn server() -> (Server, Vec<Uid>) {
    let server = Server::builder().with(["UIDONLY"]).start();
    let uids = ["one", "two", "three"];
    let uids = uids.map(|subject| server.deliver("INBOX", format!("Subject: {subject}\r\n\r\nhi\r\n")));
    // So that numbers and UIDs differ.
    server.expunge("INBOX", uids[0]);
    let new = server.deliver("INBOX", "Subject: four\r\n\r\nhi\r\n");
    (server, vec![uids[1], uids[2], new])
}

#[tokio::test]
async fn nothing_is_named_by_number() {
    within(LIMIT, async {
        let (server, _) = server();
        let mut a = session(&server).await;
        assert_eq!(a.command("ENABLE UIDONLY").await, ["* ENABLED UIDONLY"]);
        let opened = a.select("INBOX").await;
        assert!(opened.iter().any(|line| line == "* 3 EXISTS"), "{opened:?}");
        assert!(!opened.iter().any(|line| line.contains("UNSEEN")), "{opened:?}");
        for line in [
            "FETCH 1 (FLAGS)",
            "STORE 1 +FLAGS (\\Seen)",
            "SEARCH ALL",
            "UID SEARCH 1:2",
            "UID SEARCH NOT (OR SEEN 1)",
            "SORT (DATE) UTF-8 ALL",
            "UID SORT (DATE) UTF-8 1:9",
            "THREAD REFERENCES UTF-8 ALL",
            "COPY 1 Drafts",
            "MOVE 1 Drafts",
            "REPLACE 1 Drafts {1+}\r\nx",
            "STORE 1 ANNOTATION (/comment (value.priv \"x\"))",
            // RFC 9586 section 3: `*` in no argument, of whatever command.
            "UID FETCH 1:* (FLAGS)",
            "UID STORE * +FLAGS (\\Seen)",
            "UID SEARCH NOT UID 3:*",
            "UID COPY 1:* Drafts",
            "UID EXPUNGE 1:*",
        ] {
            let reply = a.attempt(line).await;
            assert!(reply.tagged.starts_with("BAD [UIDREQUIRED]"), "{line}: {reply:?}");
        }
        assert_eq!(a.command("UID FETCH 1:9 (FLAGS)").await[0], "* 2 UIDFETCH (FLAGS (\\Recent))");
        assert_eq!(a.command("UID FETCH 3 (UID)").await, ["* 3 UIDFETCH (UID 3)"]);
        let stored = a.command("UID STORE 3 +FLAGS (\\Deleted)").await;
        assert_eq!(stored, ["* 3 UIDFETCH (FLAGS (\\Deleted \\Recent))"]);
        assert_eq!(a.command("UID SEARCH DELETED").await, ["* SEARCH 3"]);
        assert_eq!(a.command("EXPUNGE").await, ["* VANISHED 3"]);
        server.expunge("INBOX", Uid::new(2).unwrap());
        assert_eq!(a.command("NOOP").await, ["* VANISHED 2"]);
        assert_eq!(a.command("UID SEARCH RETURN (SAVE) ALL").await, [""; 0]);
        assert_eq!(a.command("UID FETCH $ (UID)").await, ["* 4 UIDFETCH (UID 4)"]);
        assert!(a.attempt("ENABLE UIDONLY").await.tagged.starts_with("BAD"), "a mailbox is selected");
        // It is asked for by name.
        let usual = Server::new();
        let mut other = session(&usual).await;
        assert!(!other.command("CAPABILITY").await[0].contains("UIDONLY"));
        assert_eq!(other.command("ENABLE UIDONLY").await, ["* ENABLED"]);
    })
    .await;
}

async fn client(server: &Server, also: &[&str]) -> (Sender, Events) {
    let enable = ["UIDONLY"].into_iter().chain(also.iter().copied());
    let config = Config::new("localhost").plaintext().login(server.user(), server.password()).enable(enable);
    let (imap, events) = config.connect_over(server.connect()).await.expect("a connection");
    (imap, Events::strict(events))
}

#[tokio::test]
async fn the_library_works_without_numbers() {
    within(LIMIT, async {
        for also in [&[][..], &["QRESYNC"][..]] {
            let (server, uids) = server();
            let (imap, mut events) = client(&server, also).await;
            let inbox = imap.select("INBOX").await.expect("SELECT");
            inbox.ready().await.expect("the view");
            assert_eq!(inbox.snapshot().uids(), uids.iter().copied().collect());
            // Numbers become UIDs by the view.
            let rows = inbox.fetch("1:2".parse::<SeqSet>().unwrap(), Items::envelope()).await.expect("FETCH");
            assert_eq!(rows.iter().filter_map(|row| row.uid()).collect::<Vec<_>>(), uids[..2]);
            inbox.store(inbox.newest(1), Store::add([Flag::Deleted])).await.expect("STORE");
            assert_eq!(inbox.search(Search::deleted()).await.expect("SEARCH").uids().first(), Some(uids[2]));
            let sorted = inbox.sort(Search::all(), SortKey::Subject).await.expect("SORT");
            assert_eq!(sorted.numbers.uids().collect::<Vec<_>>(), [uids[2], uids[1], uids[0]]);
            assert_eq!(inbox.thread(Search::all(), ThreadBy::Refs).await.expect("THREAD").len(), 3);
            // `*` is in no line: that is refused.
            let from = inbox.fetch(uids[1].., Items::new().size()).await.expect("FETCH");
            assert_eq!(from.iter().filter_map(|row| row.uid()).collect::<Vec<_>>(), uids[1..]);
            let beyond = inbox.fetch(Uid::new(900).unwrap().., Items::new().size()).await.expect("FETCH");
            assert!(beyond.is_empty(), "{beyond:?}");
            let last = inbox.fetch("*".parse::<UidSet>().unwrap(), Items::new().size()).await.expect("FETCH");
            assert_eq!(last.iter().filter_map(|row| row.uid()).collect::<Vec<_>>(), uids[2..]);
            let found = inbox.search(Search::uids(uids[1]..)).await.expect("SEARCH");
            assert_eq!(found.uids(), &uids[1..].iter().copied().collect());
            let error = inbox.search(Search::uids("*".parse::<UidSet>().unwrap())).await.expect_err("`*`");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
            let removed = inbox.expunge_deleted().await.expect("EXPUNGE");
            assert_eq!((removed.count, removed.uids), (1, uids[2].into()));
            let new = server.deliver("INBOX", "Subject: five\r\n\r\nhi\r\n");
            server.add_flags("INBOX", uids[0], Flag::Answered);
            server.expunge("INBOX", uids[1]);
            events.until_brief(&format!("arrived 3 uid {new}")).await;
            events
                .until(
                    "a removal",
                    |event| matches!(&event.kind, EventKind::Expunged { uid, .. } if *uid == Some(uids[1])),
                )
                .await;
            inbox.ready().await.expect("the view");
            imap.noop().await.expect("NOOP");
            let now = inbox.snapshot();
            assert_eq!(now.uids(), [uids[0], new].into_iter().collect());
            let flags = now.seq(uids[0]).and_then(|seq| now.flags(seq)).expect("known");
            assert!(flags.contains(&Flag::Answered));
            imap.logout().await.expect("LOGOUT");
        }
    })
    .await;
}
