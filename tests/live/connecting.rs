//! Connecting, and what is said when it fails: each failure by its kind, in words that name the
//! cause, and never with the password.

use std::time::Duration;

use imap_duplex::types::CloseReason;
use imap_duplex::{Config, Error, ErrorKind, Sent, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::account::{Account, LIMIT, plain};
use crate::client::{Events, whole_text};
use crate::server::{Options, Server};
use crate::support::{PASSWORD, within};

/// What `connect` fails with; the text has these words, and no password.
async fn failure(config: &Config, words: &[&str]) -> Error {
    let error = config.connect().await.map(drop).expect_err("it can't succeed");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
    let whole = whole_text(&error);
    assert!(!whole.contains(PASSWORD) && !whole.contains("hunter2"), "{whole}");
    assert!(!text.contains('\n') && text.len() < 300, "one line for people: {text}");
    error
}

#[tokio::test]
async fn a_wrong_password() {
    within(LIMIT, async {
        let server = Server::start();
        let address = server.plain_addr();
        let config =
            Config::new(address.ip().to_string()).port(address.port()).plaintext().login("alice", "hunter2");
        let error = failure(&config, &["uthentication failed"]).await;
        assert_eq!(error.kind(), ErrorKind::Login);
        assert_eq!(error.code().map(|code| code.name()), Some("AUTHENTICATIONFAILED"));
        let good = plain(&server, "alice").connect().await;
        drop(good.expect("the right one is taken"));
    })
    .await;
}

#[tokio::test]
async fn a_password_of_odd_characters_is_sent_as_it_is() {
    within(LIMIT, async {
        let odd = "quo\"te back\\slash späce {5} %";
        let server = Server::start();
        let address = server.plain_addr();
        let config =
            Config::new(address.ip().to_string()).port(address.port()).plaintext().login("alice", odd);
        let error = config.connect().await.map(drop).expect_err("it is not the right one");
        // NO, not BAD: the server could read it.
        assert_eq!(error.code().map(|code| code.name()), Some("AUTHENTICATIONFAILED"), "{error}");
        assert!(!whole_text(&error).contains("slash"));
    })
    .await;
}

#[tokio::test]
async fn a_host_that_there_is_not() {
    within(LIMIT, async {
        let config = Config::new("no-such-host.invalid").login("alice", PASSWORD);
        let error = failure(&config, &["no-such-host.invalid"]).await;
        assert_eq!(error.kind(), ErrorKind::Resolve);
        assert_eq!(error.sent(), Sent::No);
    })
    .await;
}

#[tokio::test]
async fn a_port_without_a_listener() {
    within(LIMIT, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("it has one").port();
        drop(listener);
        let config = Config::new("127.0.0.1").port(port).plaintext().login("alice", PASSWORD);
        let error = failure(&config, &["127.0.0.1", &port.to_string(), "refused"]).await;
        assert_eq!(error.kind(), ErrorKind::Connect);
        let source = std::error::Error::source(&error).expect("the system's own error");
        let io = source.downcast_ref::<std::io::Error>().expect("an I/O error");
        assert_eq!(io.kind(), std::io::ErrorKind::ConnectionRefused);
    })
    .await;
}

/// A port where each caller is sent this, and then no more.
async fn says(text: &'static str, then_close: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it has one").port();
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            tokio::spawn(async move {
                let _ = stream.write_all(text.as_bytes()).await;
                if !then_close {
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_server_that_closes() {
    within(LIMIT, async {
        let config = |port| Config::new("127.0.0.1").port(port).plaintext().login("alice", PASSWORD);
        let error = failure(&config(says("", true).await), &["closed"]).await;
        assert_eq!((error.kind(), error.close_reason()), (ErrorKind::Closed, Some(&CloseReason::Eof)));
        let error =
            failure(&config(says("* BYE too many connections\r\n", true).await), &["too many connections"])
                .await;
        assert_eq!(error.kind(), ErrorKind::Closed);
        let error = failure(&config(says("* OK [CAPABILITY IMAP4rev1] hello\r\n", true).await), &[]).await;
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_speaks_something_else_or_nothing() {
    within(LIMIT, async {
        let mut timeouts = Timeouts::default();
        timeouts.greeting = Duration::from_millis(300);
        let config = |port| {
            Config::new("127.0.0.1")
                .port(port)
                .plaintext()
                .timeouts(timeouts.clone())
                .login("alice", PASSWORD)
        };
        failure(&config(says("220 mail.example.org ESMTP\r\n", false).await), &["220 mail.example.org"])
            .await;
        let error = failure(&config(says("", false).await), &["greeting"]).await;
        assert_eq!(error.kind(), ErrorKind::Timeout);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_dies_while_we_are_at_work() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        let inbox = a.inbox().await;
        let Account { imap, mut events, server, .. } = a;
        let stuck = imap.raw("XNOSUCH");
        drop(stuck.await);
        drop(server);
        let (reason, _) = events.end().await;
        assert!(
            matches!(reason, CloseReason::Eof | CloseReason::Bye(_) | CloseReason::Io { .. }),
            "{reason:?}"
        );
        let error = imap.noop().await.expect_err("it is gone");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Closed, Sent::No));
        assert_eq!(error.close_reason(), Some(&reason));
        assert!(inbox.has_ended());
    })
    .await;
}

#[tokio::test]
async fn no_password_goes_in_clear_to_a_server_that_refuses_it() {
    within(LIMIT, async {
        let server = Server::with(&Options { require_tls: true, ..Options::default() });
        let error = failure(&plain(&server, "alice"), &["LOGINDISABLED"]).await;
        assert_eq!(error.kind(), ErrorKind::Insecure, "{error}");
    })
    .await;
}

#[tokio::test]
async fn handshake_leaves_the_driver_to_the_caller() {
    within(LIMIT, async {
        let server = Server::start();
        let stream = crate::support::other::dial(server.plain_addr()).await;
        let (imap, receiver, driver) = plain(&server, "alice").handshake(stream).await.expect("logged in");
        let mut events = Events::strict(receiver);
        let token = imap.logout();
        let (driven, ended) = tokio::join!(driver, token);
        driven.expect("by logout");
        ended.expect("by logout");
        assert_eq!(events.end().await.0, CloseReason::Logout);
    })
    .await;
}
