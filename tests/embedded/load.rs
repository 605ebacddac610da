//! Larger numbers: a mailbox of ten thousand, a message of many megabytes, many servers.

use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::command::{Items, Search, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::{EventKind, Flag, UidSet};

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
async fn a_thousand_servers_one_after_the_other() {
    within(Duration::from_secs(60), async {
        for _ in 0..1000 {
            let server = Server::new();
            let stream = server.connect();
            drop(stream);
        }
    })
    .await;
}

#[test]
fn a_server_is_anybodys() {
    fn is<T: Send + Sync + Clone + 'static>() {}
    is::<Server>();
    is::<imap_duplex::testing::Account>();
    is::<imap_duplex::testing::Hook>();
    // Without a runtime, too.
    let server = Server::new();
    assert_eq!(server.deliver("INBOX", "Subject: x\r\n\r\n").get(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_deliver_while_clients_look_on() {
    within(Duration::from_secs(60), async {
        let server = Server::new();
        let mut clients = Vec::new();
        for _ in 0..5 {
            let config = Config::new("localhost").plaintext().login(server.user(), server.password());
            let (imap, mut events) = config.connect_over(server.connect()).await.expect("a login");
            let inbox = imap.select("INBOX").await.expect("SELECT");
            clients.push(tokio::spawn(async move {
                // The last new one; a message that was expunged before its UID was sent is reported
                // without.
                loop {
                    match events.next().await.expect("the server is there").kind {
                        EventKind::Arrived { uid, .. } if uid.get() == 201 => break,
                        _ => {}
                    }
                }
                drop(imap);
                inbox.snapshot().iter().filter_map(|known| known.uid()).collect::<UidSet>()
            }));
        }
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let server = server.clone();
                std::thread::spawn(move || {
                    for i in 0..50 {
                        let uid = server.deliver("INBOX", format!("Subject: {n} {i}\r\n\r\n"));
                        if i % 2 == 0 {
                            std::thread::sleep(Duration::from_millis(i % 7));
                            server.expunge("INBOX", uid);
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
        server.deliver("INBOX", "Subject: the last\r\n\r\n");
        let all = server.mailbox("INBOX").expect("it").uids();
        assert_eq!(all.len(), 101);
        for client in clients {
            assert_eq!(client.await.expect("no panic"), all);
        }
    })
    .await;
}
