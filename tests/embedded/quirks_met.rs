//! Servers that differ from most, met by the library's own client: what its user gets from them.

use std::time::Duration;

use imap_duplex::command::Items;
use imap_duplex::testing::{Quirk, Server};
use imap_duplex::types::{Flag, Section};
use imap_duplex::{Config, ErrorKind, Receiver, Sender, Timeouts};

use crate::client::{Events, uid};
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
            server.heard().iter().any(|command| command.line.contains("IMAP4rev2")),
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
async fn a_self_signed_certificate_is_accepted_where_it_is_the_trusted_one() {
    within(LIMIT, async {
        let server = server(Quirk::SelfSigned);
        let config = config(&server).starttls();
        let own = server.certificate().expect("a certificate");
        let trusting = config.clone().trust(own.pem().as_bytes().to_vec());
        let (imap, receiver) = trusting.connect_over(server.connect()).await.expect("its very certificate");
        let _events = Events::strict(receiver);
        imap.noop().await.expect("NOOP");
        assert!(server.sessions().iter().any(|session| session.is_secure()));
        // Another one of the same name is not.
        let stranger = Server::builder().quirk(Quirk::SelfSigned).start().certificate().expect("another");
        for config in [config.clone(), config.trust(stranger.pem().as_bytes().to_vec())] {
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
        let idles = server.heard().iter().any(|command| command.name == "IDLE");
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
