//! Larger numbers: a mailbox of ten thousand, a message of many megabytes, many servers.

use std::time::{Duration, Instant};

use imap_duplex::Config;
use imap_duplex::command::{Items, Search, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, UidSet};

use crate::support::within;

#[tokio::test]
async fn a_mailbox_of_ten_thousand() {
    within(Duration::from_secs(60), async {
        let server = Server::new();
        for n in 0..10_000 {
            server.deliver("INBOX", format!("Subject: {n}\r\nFrom: zoe@example.org\r\n\r\ntext\r\n"));
        }
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("a login");
        let inbox = imap.select("INBOX").await.expect("SELECT");
        let rows = inbox.fetch(UidSet::all(), Items::envelope().flags()).await.expect("FETCH");
        assert_eq!(rows.len(), 10_000);
        assert_eq!(inbox.search(Search::subject("99")).await.expect("SEARCH").len(), 280);
        inbox.store(UidSet::all(), Store::add([Flag::Seen]).silent()).await.expect("STORE");
        inbox.move_to(UidSet::all(), "Trash").await.expect("MOVE");
        assert_eq!(server.mailbox("Trash").expect("it").messages.len(), 10_000);
        assert_eq!(server.mailbox("INBOX").expect("it").messages.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_message_of_thirty_megabytes() {
    within(Duration::from_secs(60), async {
        let server = Server::new();
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("a login");
        let mut message = b"Subject: large\r\n\r\n".to_vec();
        message.resize(30_000_000, b'x');
        let new = imap.append("INBOX", message.clone()).await.expect("APPEND").uid.expect("UIDPLUS");
        let inbox = imap.select("INBOX").await.expect("SELECT");
        let rows = inbox.fetch(new, Items::body()).await.expect("FETCH");
        assert_eq!(rows[0].body().map(|body| body.len()), Some(message.len()));
    })
    .await;
}

#[tokio::test]
async fn a_server_for_each_test_costs_little() {
    within(Duration::from_secs(60), async {
        let start = Instant::now();
        for _ in 0..100 {
            let server = Server::new();
            let stream = server.connect();
            drop(stream);
        }
        let each = start.elapsed() / 100;
        assert!(each < Duration::from_millis(50), "{each:?} in a build without optimisation");
    })
    .await;
}
