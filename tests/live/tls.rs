//! TLS from the first byte, by STARTTLS, and where it is offered; and certificates that are not to
//! be trusted.

use imap_duplex::types::CloseReason;
use imap_duplex::{Config, ErrorKind};
use tokio::net::TcpListener;

use crate::account::LIMIT;
use crate::client::{Events, config_for, whole_text};
use crate::server::{Options, Server};
use crate::support::other::dial;
use crate::support::wire::Recorder;
use crate::support::{PASSWORD, certificate, within};

fn authority(server: &Server) -> Vec<u8> {
    server.authority()
}

/// Logs in, asks something, logs out.
async fn works(config: &Config) {
    let (imap, receiver) = config.connect().await.unwrap_or_else(|error| panic!("{error}: {error:?}"));
    let mut events = Events::strict(receiver);
    assert!(imap.list("*").await.expect("LIST").len() >= 4);
    imap.logout().await.expect("LOGOUT");
    let (reason, before) = events.end().await;
    assert_eq!((reason, before), (CloseReason::Logout, vec!["LIST OK".to_owned(), "LOGOUT OK".to_owned()]));
}

#[tokio::test]
async fn tls_from_the_first_byte() {
    within(LIMIT, async {
        let server = Server::start();
        let port = server.tls_addr().port();
        for host in ["localhost", "127.0.0.1"] {
            works(
                &config_for(host).port(port).trust_certificate(authority(&server)).login("alice", PASSWORD),
            )
            .await;
        }
        // An authority among others.
        let mut pem = certificate::make(&["elsewhere.example"]).authority.into_bytes();
        pem.extend(authority(&server));
        works(&config_for("localhost").port(port).trust_certificate(pem).login("alice", PASSWORD)).await;
    })
    .await;
}

#[tokio::test]
async fn starttls() {
    within(LIMIT, async {
        let server = Server::with(&Options { require_tls: true, ..Options::default() });
        let address = server.plain_addr();
        let config = config_for(address.ip().to_string()).port(address.port()).login("alice", PASSWORD);
        works(&config.clone().starttls().trust_certificate(authority(&server))).await;
        works(&config.opportunistic_tls().trust_certificate(authority(&server))).await;
    })
    .await;
}

#[tokio::test]
async fn starttls_over_a_stream_that_is_there_already() {
    within(LIMIT, async {
        let server = Server::start();
        let (stream, log) = Recorder::new(dial(server.plain_addr()).await);
        let config =
            config_for("localhost").starttls().trust_certificate(authority(&server)).login("alice", PASSWORD);
        let (imap, receiver) = config.connect_over(stream).await.expect("a good certificate");
        let _events = Events::strict(receiver);
        imap.noop().await.expect("NOOP");
        let written = log.written();
        assert!(written.contains("STARTTLS\r\n"), "{written}");
        for word in ["LOGIN", "AUTHENTICATE", "NOOP", PASSWORD] {
            assert!(!written.contains(word), "in the clear: {word}");
        }
    })
    .await;
}

#[tokio::test]
async fn opportunistic_is_clear_text_to_this_machine_where_tls_is_not_offered() {
    within(LIMIT, async {
        let server = Server::with(&Options { no_tls: true, ..Options::default() });
        let address = server.plain_addr();
        let config = config_for(address.ip().to_string()).port(address.port()).login("alice", PASSWORD);
        works(&config.clone().opportunistic_tls()).await;
        let error = config.starttls().connect().await.map(drop).expect_err("TLS was asked for");
        assert_eq!(error.kind(), ErrorKind::Tls);
        assert!(error.to_string().contains("STARTTLS"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted() {
    within(LIMIT, async {
        let server = Server::start();
        let stranger = certificate::make(&["localhost"]).authority;
        let implicit = config_for("localhost").port(server.tls_addr().port()).login("alice", PASSWORD);
        let explicit = config_for("localhost").port(server.plain_addr().port()).login("alice", PASSWORD);
        for config in [
            implicit.clone(),
            implicit.trust_certificate(stranger),
            explicit.clone().starttls(),
            // Where TLS is offered, its failure is no reason to go on without.
            explicit.opportunistic_tls(),
        ] {
            let error = config.connect().await.map(drop).expect_err("it is not to be trusted");
            assert_eq!(error.kind(), ErrorKind::Certificate, "{error}");
            let text = error.to_string();
            assert!(text.contains("localhost") && text.contains("trust"), "{text}");
            assert!(std::error::Error::source(&error).is_some());
            assert!(!whole_text(&error).contains(PASSWORD));
        }
        assert!(!server.has_logins(), "no password was sent");
    })
    .await;
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    within(LIMIT, async {
        let server = Server::start();
        let stream = dial(server.tls_addr()).await;
        drop(stream);
        // By STARTTLS over a stream of ours, so that the name need not resolve.
        let stream = dial(server.plain_addr()).await;
        let config = config_for("elsewhere.example")
            .starttls()
            .trust_certificate(authority(&server))
            .login("alice", PASSWORD);
        let error = config.connect_over(stream).await.map(drop).expect_err("not its name");
        assert_eq!(error.kind(), ErrorKind::Certificate, "{error}");
        assert!(
            error.to_string().contains("elsewhere.example") && error.to_string().contains("name"),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_port_that_speaks_no_tls_and_what_is_no_certificate() {
    within(LIMIT, async {
        let server = Server::start();
        let config =
            config_for("localhost").port(server.plain_addr().port()).trust_certificate(authority(&server));
        let error = config.connect().await.map(drop).expect_err("it speaks in the clear");
        assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
        assert!(error.to_string().contains("TLS"), "{error}");

        let config =
            config_for("localhost").port(server.tls_addr().port()).trust_certificate("no PEM at all");
        let error = config.connect().await.map(drop).expect_err("no certificate");
        assert!(matches!(error.kind(), ErrorKind::Certificate | ErrorKind::Tls), "{error:?}");
        assert!(error.to_string().contains("PEM"), "{error}");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("it has one").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(stream);
            }
        });
        let error = config_for("127.0.0.1").port(port).connect().await.map(drop).expect_err("it hangs up");
        assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Closed), "{error:?}");
    })
    .await;
}
