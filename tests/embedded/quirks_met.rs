//! What a user of the library gets from servers that deviate: the embedded server with its quirks.

use std::time::Duration;

use imap_duplex::command::{Items, Search, Store};
use imap_duplex::testing::{Quirk, Server};
use imap_duplex::types::{Flag, Message, Section};
use imap_duplex::{Config, ErrorKind, Receiver, Sender, Timeouts};

use crate::client::{Events, seq, uid};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

fn server(quirk: Quirk) -> Server {
    let server = Server::builder().quirk(quirk).start();
    server.deliver("INBOX", "Subject: one\r\nDate: today\r\n\r\ntext\r\n");
    server
}

fn config(server: &Server) -> Config {
    Config::new("localhost").login(server.user(), server.password())
}

async fn connect(server: &Server) -> (Sender, Receiver) {
    config(server).plaintext().connect_over(server.connect()).await.expect("logged in")
}

#[tokio::test]
async fn mailboxes_with_an_oldname_in_another_spelling_are_listed_once() {
    within(LIMIT, async {
        let server = server(Quirk::OldNames);
        server.create("Entwürfe");
        server.create("Work");
        let (imap, receiver) = connect(&server).await;
        let mut events = Events::strict(receiver);
        assert!(
            server.received().iter().any(|command| command.line.contains("IMAP4rev2")),
            "only then it is sent"
        );
        let mut names: Vec<String> =
            imap.list("*").await.expect("LIST").iter().map(|entry| entry.name.to_string()).collect();
        names.sort();
        assert_eq!(names, ["Drafts", "Entwürfe", "INBOX", "Sent", "Trash", "Work"]);
        assert_eq!(imap.select("Entwürfe").await.expect("SELECT").snapshot().len(), 0);
        let renamed = events.ready().into_iter().find(|event| event.name() == "mailbox_renamed");
        assert!(renamed.is_none(), "{renamed:?}");
    })
    .await;
}

#[tokio::test]
async fn header_fields_are_found_whatever_their_order() {
    within(LIMIT, async {
        let server = server(Quirk::SortedHeaderFields);
        let (imap, receiver) = connect(&server).await;
        let _events = Events::strict(receiver);
        let inbox = imap.select("INBOX").await.expect("SELECT");
        for (section, text) in [
            (Section::header_fields(["Subject", "Date"]), "Date: today"),
            (Section::header_fields_not(["To", "Date"]), "Subject: one"),
        ] {
            let rows = inbox.fetch(uid(1), Items::section(section.clone())).await.expect("FETCH");
            let found = rows[0].section(&section).expect("it is the section that was asked for");
            assert!(String::from_utf8_lossy(found).contains(text), "{found:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn no_command_names_the_highest_uid() {
    for quirk in [Quirk::HangsOnHighestUid, Quirk::RefusesHighestUid] {
        within(LIMIT, async {
            let server = server(quirk);
            server.deliver("INBOX", "Subject: two\r\n\r\n");
            let (imap, receiver) = connect(&server).await;
            let mut events = Events::strict(receiver);
            let inbox = imap.select("INBOX").await.expect("SELECT");
            inbox.ready().await.expect("its view");
            // What the library asks by itself of new messages.
            server.deliver("INBOX", "Subject: three\r\n\r\n");
            events.until_brief("arrived 3 uid 3").await;
            // The last message is below 8.
            assert_eq!(inbox.fetch(uid(8).., Items::envelope()).await.expect("FETCH").len(), 0);
            assert_eq!(inbox.search(Search::uids(uid(8)..)).await.expect("SEARCH").len(), 0);
            assert_eq!(inbox.search(Search::uids(uid(2)..)).await.expect("SEARCH").len(), 2);
            assert_eq!(inbox.fetch(uid(2).., Items::envelope()).await.expect("FETCH").len(), 2);
            let flagged = Store::add([Flag::Flagged]);
            assert!(inbox.store(uid(8).., flagged.clone()).await.expect("STORE").is_empty());
            inbox.store(uid(2).., flagged).await.expect("STORE");
            inbox.copy(uid(2).., "Work").await.expect_err("no such mailbox");
            inbox.expunge(uid(8)..).await.expect("EXPUNGE");
            let stored = server.mailbox("INBOX").expect("INBOX").messages;
            let flagged: Vec<_> = stored.iter().map(|m| m.flags.contains(&Flag::Flagged)).collect();
            assert_eq!(flagged, [false, true, true]);
            assert!(!server.received().iter().any(|command| command.line.contains("4294967295")));
            events.ready();
        })
        .await;
    }
}

/// Messages are renumbered before the client can know.
#[tokio::test]
async fn numbers_hit_the_messages_that_had_them() {
    within(LIMIT, async {
        let server = server(Quirk::EarlyExpunge);
        for n in 2..=5 {
            server.deliver("INBOX", format!("Subject: {n}\r\n\r\n"));
        }
        let config = config(&server).plaintext().auto_idle(false);
        let (imap, receiver) = config.connect_over(server.connect()).await.expect("logged in");
        let mut events = Events::strict(receiver);
        let inbox = imap.select("INBOX").await.expect("SELECT");
        inbox.ready().await.expect("its view");
        let snapshot = inbox.snapshot();
        let uids = |rows: &[Message]| rows.iter().filter_map(|row| row.uid()).collect::<Vec<_>>();

        server.expunge("INBOX", uid(1));
        let rows = inbox.fetch(snapshot.seqs(2..=3), Items::envelope()).await.expect("FETCH");
        assert_eq!(uids(&rows), [uid(2), uid(3)]);
        server.expunge("INBOX", uid(2));
        // The client knows of one removal: these are 3 and 4 by UID.
        inbox.store(seq(2)..=seq(3), Store::add([Flag::Flagged])).await.expect("STORE");
        server.expunge("INBOX", uid(3));
        let rows = inbox.fetch(inbox.newest(1), Items::envelope()).await.expect("FETCH");
        assert_eq!(uids(&rows), [uid(5)]);
        let stored = server.mailbox("INBOX").expect("INBOX").messages;
        let flagged: Vec<_> = stored.iter().map(|m| m.flags.contains(&Flag::Flagged)).collect();
        assert_eq!(flagged, [true, false], "4 and not 5");
        events.until_brief("removed 1 uid 3").await;
        events.ready();
    })
    .await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_accepted_where_it_is_the_trusted_one() {
    within(LIMIT, async {
        let server = server(Quirk::SelfSigned);
        let config = config(&server).starttls();
        let own = server.certificate().expect("a certificate");
        let trusting = config.clone().trust_certificate(own.pem().as_bytes().to_vec());
        let (imap, receiver) = trusting.connect_over(server.connect()).await.expect("its very certificate");
        let _events = Events::strict(receiver);
        imap.noop().await.expect("NOOP");
        assert!(server.sessions().iter().any(|session| session.is_secure()));
        // Another one of the same name is not.
        let stranger = Server::builder().quirk(Quirk::SelfSigned).start().certificate().expect("another");
        for config in [config.clone(), config.trust_certificate(stranger.pem().as_bytes().to_vec())] {
            let error = config.connect_over(server.connect()).await.map(drop).expect_err("not trusted");
            assert_eq!(error.kind(), ErrorKind::Certificate, "{error:#}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_names_no_protocol_is_polled() {
    within(LIMIT, async {
        let server = server(Quirk::NamelessProtocol);
        let mut timeouts = Timeouts::default();
        timeouts.poll_every = Duration::from_millis(200);
        let config = config(&server).plaintext().timeouts(timeouts);
        let (imap, receiver) = config.connect_over(server.connect()).await.expect("logged in");
        let mut events = Events::strict(receiver);
        imap.select("INBOX").await.expect("SELECT");
        server.deliver("INBOX", "Subject: two\r\n\r\n");
        events.until_brief("arrived 2 uid 2").await;
        let idles = server.received().iter().any(|command| command.name == "IDLE");
        assert!(!idles, "no capability is known");
    })
    .await;
}

#[tokio::test]
async fn a_keyword_with_a_control_byte_costs_nothing_else() {
    within(LIMIT, async {
        let server = server(Quirk::ControlInKeyword);
        server.set_flags("INBOX", uid(1), [Flag::Seen]);
        let (imap, receiver) = connect(&server).await;
        // Strict: no line may be an `Unparsed`.
        let mut events = Events::strict(receiver);
        let inbox = imap.select("INBOX").await.expect("SELECT");
        inbox.ready().await.expect("its view");
        server.set_flags("INBOX", uid(1), [Flag::Deleted]);
        events.until("the flags", |event| event.name() == "flags_changed").await;
        events.ready();
    })
    .await;
}

#[tokio::test]
async fn a_server_with_xoauth2_alone_is_named_in_the_error() {
    within(LIMIT, async {
        let server = server(Quirk::OnlyXoauth2);
        let error = config(&server).plaintext().connect_over(server.connect()).await.map(drop);
        let error = error.expect_err("a password is of no use there");
        assert!(error.to_string().contains("XOAUTH2"), "{error:#}");
    })
    .await;
}
