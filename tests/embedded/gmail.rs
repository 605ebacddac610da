//! Gmail's own extensions, by raw lines as its documentation shows them and by the library:
//! labels that are mailboxes, searches and identifiers (X-GM-EXT-1), and XLIST.

use std::time::Duration;

use imap_duplex::command::{Items, List, Search, StoreLabels};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, SpecialUse, Uid};
use imap_duplex::{Config, ErrorKind, Mailbox, Sender, Sent};

use crate::raw::{inbox, session};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

fn gmail() -> Server {
    let server = Server::builder().with(["X-GM-EXT-1", "XLIST"]).start();
    for (from, subject) in [("ann", "Lunch"), ("bob", "Invoice"), ("ann", "Re: Lunch")] {
        server.deliver(
            "INBOX",
            format!(
                "From: {from}@example.org\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\nhi\r\n"
            ),
        );
    }
    server
}

async fn client(server: &Server) -> (Sender, Mailbox) {
    let config = Config::new("localhost").plaintext().login(server.user(), server.password());
    let (imap, _events) = config.connect_over(server.connect()).await.expect("a connection");
    let inbox = imap.select("INBOX").await.expect("SELECT");
    (imap, inbox)
}

fn uids(server: &Server, mailbox: &str) -> Vec<u32> {
    let there = server.mailbox(mailbox).expect("it is there");
    there.messages.iter().map(|message| message.uid.get()).collect()
}

fn uid(number: u32) -> Uid {
    Uid::new(number).expect("no UID is 0")
}

async fn labels(inbox: &Mailbox, number: u32) -> Vec<String> {
    let rows = inbox.fetch(uid(number), Items::gmail_labels()).await.expect("FETCH");
    rows[0].gmail_labels().expect("X-GM-LABELS").to_vec()
}

/// As in the documentation of Gmail's extensions.
#[tokio::test]
async fn labels_are_fetched_and_stored() {
    within(LIMIT, async {
        let server = gmail();
        server.create("Muy Importante");
        let mut a = inbox(&server, "").await;
        assert_eq!(a.command("FETCH 1 (X-GM-LABELS)").await, ["* 1 FETCH (X-GM-LABELS ())"]);
        let stored = a.command("STORE 1 +X-GM-LABELS (\\Important \"Muy Importante\" foo)").await;
        assert_eq!(stored, ["* 1 FETCH (X-GM-LABELS (\"Muy Importante\" \"\\\\Important\" foo))"]);
        assert_eq!((uids(&server, "foo"), uids(&server, "Muy Importante")), (vec![1], vec![1]));
        let stored = a.command("UID STORE 1 -X-GM-LABELS (foo)").await;
        assert_eq!(stored, ["* 1 FETCH (X-GM-LABELS (\"Muy Importante\" \"\\\\Important\") UID 1)"]);
        assert_eq!(uids(&server, "foo"), [0; 0]);
        assert_eq!(a.command("STORE 1 X-GM-LABELS.SILENT (&AOk-t&AOk-)").await, [""; 0]);
        assert_eq!(uids(&server, "été"), [1]);
        assert_eq!(a.command("FETCH 1 (X-GM-LABELS)").await, ["* 1 FETCH (X-GM-LABELS (&AOk-t&AOk-))"]);
        // Of the whole set.
        assert_eq!(a.command("STORE 1 X-GM-LABELS ()").await, ["* 1 FETCH (X-GM-LABELS ())"]);
        for wrong in ["STORE 1 +X-GM-LABELS (\\Nowhere)", "STORE 1 +X-GM-LABELS (\"a*b\")"] {
            assert!(a.attempt(wrong).await.tagged.starts_with("NO "), "{wrong}");
        }
        let stored = a.attempt("UID STORE 1:2 (UNCHANGEDSINCE 0) +X-GM-LABELS (x)").await;
        assert!(stored.tagged.starts_with("OK [MODIFIED 1:2]"), "{stored:?}");
        // A star is a flag, and the other way round.
        let starred = a.command("STORE 2 +X-GM-LABELS (\\Starred)").await;
        assert!(starred.contains(&"* 2 FETCH (X-GM-LABELS (\"\\\\Starred\"))".to_owned()), "{starred:?}");
        assert!(server.mailbox("INBOX").expect("it").messages[1].flags.contains(&Flag::Flagged));
        assert_eq!(a.command("SEARCH X-GM-LABELS \"\\\\Starred\"").await, ["* SEARCH 2"]);
    })
    .await;
}

/// RFC 7162 section 3.1.3: of any metadata.
#[tokio::test]
async fn labels_are_stored_of_messages_that_no_one_has_changed() {
    within(LIMIT, async {
        let server = gmail();
        let (_imap, inbox) = client(&server).await;
        let seen = inbox.highest_mod_seq().expect("CONDSTORE");
        server.add_flags("INBOX", uid(2), [Flag::Answered]);
        let change = StoreLabels::add(["Receipts"]).of([uid(1), uid(2)]).unchanged_since(seen);
        let stored = inbox.submit(change.clone()).await.expect("STORE");
        assert_eq!(stored.modified.iter().collect::<Vec<_>>(), [uid(2)]);
        assert_eq!(stored.messages[0].gmail_labels(), Some(&["Receipts".to_owned()][..]));
        assert_eq!((stored.messages.len(), labels(&inbox, 2).await), (1, Vec::new()));
        let change = StoreLabels::remove(["Receipts"]).silent().of([uid(2), uid(9)]).unchanged_since(seen);
        let reported = inbox.submit(change.report()).await.expect("STORE");
        assert_eq!(reported.absent.iter().collect::<Vec<_>>(), [uid(9)]);
        assert_eq!(reported.result.modified.iter().collect::<Vec<_>>(), [uid(2)]);
    })
    .await;
}

/// What leaves its last mailbox is where all mail is.
#[tokio::test]
async fn a_message_without_labels_is_archived() {
    within(LIMIT, async {
        let server = gmail();
        let (imap, inbox) = client(&server).await;
        let rows = inbox.store_labels(uid(2), StoreLabels::add(["Receipts"])).await.expect("STORE");
        assert_eq!(rows[0].gmail_labels(), Some(&["Receipts".to_owned()][..]));
        inbox.store_labels(uid(2), StoreLabels::remove(["\\Inbox"])).await.expect("STORE");
        inbox.store_labels(uid(3), StoreLabels::remove(["\\Inbox"]).silent()).await.expect("STORE");
        assert_eq!(inbox.search(Search::all()).await.expect("SEARCH").iter().collect::<Vec<_>>(), [uid(1)]);
        assert_eq!((uids(&server, "INBOX"), uids(&server, "Receipts")), (vec![1], vec![1]));
        assert_eq!(uids(&server, "[Gmail]/All Mail"), [1], "the one that had another label is not there");
        // It has the identifiers that it had, and none of that mailbox's name.
        let all = imap.select("[Gmail]/All Mail").await.expect("SELECT");
        assert_eq!(labels(&all, 1).await, [""; 0]);
        all.store_labels(uid(1), StoreLabels::add(["\\Inbox"])).await.expect("STORE");
        assert_eq!((labels(&all, 1).await, uids(&server, "INBOX")), (vec!["\\Inbox".to_owned()], vec![1, 4]));
    })
    .await;
}

#[tokio::test]
async fn gmails_searches_and_identifiers() {
    within(LIMIT, async {
        let server = gmail();
        server.add_flags("INBOX", uid(3), [Flag::Seen]);
        let (imap, inbox) = client(&server).await;
        inbox.store_labels(uid(2), StoreLabels::add(["Receipts", "\\Important"])).await.expect("STORE");
        for (query, expected) in [
            ("from:ann", &[1, 3][..]),
            ("lunch", &[1, 3]),
            ("from:ann is:unread", &[1]),
            ("-from:ann", &[2]),
            ("subject:\"re: lunch\"", &[3]),
            ("label:receipts", &[2]),
            ("in:inbox -is:important", &[1, 3]),
            ("rfc822msgid:<Invoice@x>", &[2]),
            ("has:attachment", &[]),
        ] {
            let found = inbox.search(Search::gmail(query)).await.unwrap_or_else(|e| panic!("{query}: {e}"));
            assert_eq!(found.iter().map(Uid::get).collect::<Vec<_>>(), expected, "{query}");
        }
        let labelled = inbox.search(Search::gmail_label("Receipts") | Search::gmail_label("\\Starred")).await;
        assert_eq!(labelled.expect("SEARCH").iter().collect::<Vec<_>>(), [uid(2)]);
        let only = StoreLabels::replace(["Receipts", "Paid"]);
        let rows = inbox.store_labels(uid(2), only).await.expect("STORE");
        assert_eq!(rows[0].gmail_labels(), Some(&["Paid".to_owned(), "Receipts".into()][..]));
        // A copy is the same message; threads go by the header.
        let rows = inbox.fetch(uid(2), Items::gmail_msg_id().gmail_thread_id()).await.expect("FETCH");
        let (id, thread) = (rows[0].gmail_msg_id().expect("one"), rows[0].gmail_thread_id().expect("one"));
        for search in [Search::gmail_msg_id(id), Search::gmail_thread_id(thread)] {
            let found = inbox.search(search).await.expect("SEARCH");
            assert_eq!(found.iter().collect::<Vec<_>>(), [uid(2)]);
        }
        let receipts = imap.select("Receipts").await.expect("SELECT");
        let rows = receipts.fetch(uid(1), Items::gmail_msg_id()).await;
        assert_eq!(rows.expect("FETCH")[0].gmail_msg_id(), Some(id));
        assert!(receipts.search(Search::gmail_msg_id(id + 1)).await.expect("SEARCH").is_empty());
    })
    .await;
}

#[tokio::test]
async fn xlist_names_uses_in_its_own_way() {
    within(LIMIT, async {
        let server = Server::builder().with(["XLIST"]).without(["SPECIAL-USE"]).start();
        let mut a = session(&server).await;
        let listed = a.command("XLIST \"\" *").await;
        assert!(listed.contains(&"* XLIST (\\HasNoChildren \\Inbox) \"/\" INBOX".to_owned()), "{listed:?}");
        assert!(listed.contains(&"* XLIST (\\HasNoChildren \\Sent) \"/\" Sent".to_owned()), "{listed:?}");
        assert!(a.command("LIST \"\" *").await.iter().all(|line| !line.contains("\\Sent")));
        let (imap, _inbox) = client(&server).await;
        assert_eq!(imap.mailbox_for(SpecialUse::Drafts).await.expect("XLIST"), Some("Drafts".into()));
        let special = imap.list(List::new("*").special_use()).await.expect("XLIST");
        assert_eq!(special.len(), 3, "{special:?}");
    })
    .await;
}

/// A server has them only if a test asks.
#[tokio::test]
async fn without_them_they_are_refused() {
    within(LIMIT, async {
        let server = Server::new();
        server.deliver("INBOX", "Subject: x\r\n\r\n");
        let mut a = inbox(&server, "").await;
        for line in [
            "XLIST \"\" *",
            "STORE 1 +X-GM-LABELS (x)",
            "FETCH 1 (X-GM-LABELS)",
            "FETCH 1 (X-GM-MSGID)",
            "SEARCH X-GM-RAW x",
            "SEARCH X-GM-LABELS x",
            "SEARCH NOT X-GM-THRID 1",
        ] {
            assert!(a.attempt(line).await.tagged.starts_with("BAD "), "{line}");
        }
        let (_imap, inbox) = client(&server).await;
        let error = inbox.store_labels(uid(1), StoreLabels::add(["x"])).await.expect_err("it lacks them");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
    })
    .await;
}
