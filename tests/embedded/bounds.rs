//! The bounds of the embedded server: the size of messages, connections that have not logged in,
//! commands that would take much time or memory, and how long TLS may take to begin.

use std::time::Duration;

use imap_duplex::testing::Server;

use crate::raw::{ends, inbox, next, session};
use crate::support::other::{Other, Reply};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

/// RFC 3502 section 3.
#[tokio::test]
async fn an_empty_message_cancels_the_whole_append() {
    within(LIMIT, async {
        let server = Server::new();
        let mut a = session(&server).await;
        for command in
            ["APPEND INBOX {0+}\r\n", "APPEND INBOX {1+}\r\nx {0+}\r\n", "APPEND INBOX {0+}\r\n {1+}\r\nx"]
        {
            let reply = a.attempt(command).await;
            assert!(reply.tagged.starts_with("NO "), "{command}: {reply:?}");
            assert_eq!(server.mailbox("INBOX").expect("it").messages.len(), 0, "{command}");
        }
    })
    .await;
}

/// RFC 7889: the limit is for each message, also where one command brings several.
#[tokio::test]
async fn the_limit_is_for_each_message() {
    const SIZE: usize = 3 * 1024 * 1024;
    within(Duration::from_secs(60), async {
        let server = Server::builder().append_limit(SIZE).start();
        let mut a = session(&server).await;
        let message = "x".repeat(SIZE);
        let reply =
            a.attempt(&format!("APPEND INBOX {{{SIZE}+}}\r\n{message} {{{SIZE}+}}\r\n{message}")).await;
        assert!(reply.is_ok(), "{reply:?}");
        assert_eq!(server.mailbox("INBOX").expect("it").messages.len(), 2);
        // More of them than there is room for: reported before they are sent.
        let tag = a.send(&format!("APPEND INBOX {{{SIZE}}}")).await;
        for _ in 0..4 {
            assert!(next(&mut a).await.starts_with('+'));
            a.write(format!("{message} {{{SIZE}}}\r\n").as_bytes()).await;
        }
        let reply = a.reply(&tag).await;
        assert!(reply.tagged.starts_with("NO [TOOBIG]"), "{reply:?}");
        assert!(a.attempt("NOOP").await.is_ok());
        assert_eq!(server.mailbox("INBOX").expect("it").messages.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_sends_small_literals_alone() {
    within(LIMIT, async {
        let server = Server::new();
        let mut a = Other::over(server.connect()).await;
        assert!(a.attempt("LOGIN alice {8193}").await.tagged.starts_with("NO "));
        a.send("LOGIN alice {8193+}").await;
        assert!(next(&mut a).await.starts_with("* BAD "));
        assert!(next(&mut a).await.starts_with("* BYE "));
        ends(&mut a).await;
        let mut a = Other::over(server.connect()).await;
        assert!(a.attempt("LOGIN {5+}\r\nalice {6+}\r\nsecret").await.is_ok());
        let large = "x".repeat(10_000);
        assert!(a.attempt(&format!("APPEND INBOX {{10000+}}\r\n{large}")).await.is_ok());
    })
    .await;
}

/// What would cost much while all other sessions wait.
#[tokio::test]
async fn commands_that_would_cost_much_are_bad() {
    within(LIMIT, async {
        let server = Server::new();
        for n in 0..100 {
            server.create(format!("{}{n}", "a".repeat(200)));
            server.deliver("INBOX", format!("Subject: {n}\r\n\r\n"));
        }
        let mut a = inbox(&server, "").await;
        let bad = |reply: Reply| assert!(reply.tagged.starts_with("BAD "), "{}", reply.tagged);
        assert_eq!(a.command(&format!("LIST \"\" {}", "%*".repeat(500))).await.len(), 104);
        assert_eq!(a.command(&format!("LIST \"\" {}b", "*a".repeat(150))).await, [""; 0]);
        bad(a.attempt(&format!("LIST \"\" {}", "%*".repeat(501))).await);
        bad(a.attempt(&format!("LIST \"{}\" {}", "a".repeat(600), "%".repeat(600))).await);
        bad(a.attempt(&format!("LIST \"\" ({})", vec!["%"; 4001].join(" "))).await);
        assert!(a.attempt(&format!("SEARCH {}", vec!["SEEN"; 1000].join(" "))).await.is_ok());
        bad(a.attempt(&format!("SEARCH {}", vec!["SEEN"; 1001].join(" "))).await);
        bad(a.attempt(&format!("SEARCH (OR SEEN ({}))", vec!["NOT SEEN"; 500].join(" "))).await);
        bad(a.attempt(&format!("UID SEARCH UID {}", vec!["1"; 20_000].join(","))).await);
        bad(a.attempt(&format!("SEARCH {}", vec!["FUZZY TEXT x"; 51].join(" "))).await);
        // What is not known is refused whatever the messages are.
        bad(a.attempt("SEARCH (SEEN X-GM-RAW x)").await);
        bad(a.attempt("SEARCH OR ALL FUZZY X-GM-RAW x").await);
        bad(a.attempt("SEARCH DELETED X-GM-MSGID 5").await);
    })
    .await;
}

/// A client that says nothing where TLS was to begin is no more in the way of a test's end than
/// others.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_client_that_does_not_begin_tls_can_be_ended() {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;

    fn end(how: usize, server: Server) -> Option<Server> {
        match how {
            0 => server.sessions()[0].cut(),
            1 => server.sessions()[0].bye("enough"),
            2 => server.disconnect(false),
            3 => server.disconnect(true),
            _ => {
                drop(server);
                return None;
            }
        }
        Some(server)
    }

    within(LIMIT, async {
        for how in 0..5 {
            let server = Server::new();
            let address = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
            let mut client = TcpStream::connect(address).await.expect("connected");
            while server.sessions().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            let kept = end(how, server);
            let mut said = Vec::new();
            let _ = client.read_to_end(&mut said).await;
            assert!(kept.is_none_or(|server| server.sessions().is_empty()), "{how}");

            let server = Server::new();
            let address = server.listen().await.expect("a port");
            let mut other = Other::connect(address).await;
            assert!(other.attempt("STARTTLS").await.is_ok());
            tokio::time::sleep(Duration::from_millis(20)).await;
            let kept = end(how, server);
            while other.read_response().await.is_some() {}
            assert!(kept.is_none_or(|server| server.sessions().is_empty()), "{how}");
        }
    })
    .await;
}
