//! How a connection can end beneath the library: a reset, TLS that is cut or garbled, a runtime
//! that is shut down. Each token ends with the same cause, and `Closed` comes last.

use std::time::Duration;

use imap_duplex::command::{Noop, StatusCommand, StatusItems};
use imap_duplex::testing::Server;
use imap_duplex::types::{CloseReason, EventKind};
use imap_duplex::{Config, ErrorKind, Receiver, Token};

use crate::support::within;

const LIMIT: Duration = Duration::from_secs(30);

/// The tokens and the stream end, all for one reason.
async fn all_end(tokens: (Token<Noop>, Token<StatusCommand>), mut events: Receiver) -> CloseReason {
    let reasons = [tokens.0.await.expect_err("it has ended"), tokens.1.await.expect_err("it has ended")];
    let mut last = None;
    while let Some(event) = events.next().await {
        assert!(last.is_none(), "{event} after Closed");
        if let EventKind::Closed { reason, .. } = event.kind {
            last = Some(reason);
        }
    }
    let last = last.expect("Closed");
    for error in reasons {
        assert_eq!((error.kind(), error.close_reason()), (ErrorKind::Closed, Some(&last)), "{error}");
    }
    last
}

#[tokio::test]
async fn a_reset_ends_everything() {
    within(LIMIT, async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let server = tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut socket, _) = listener.accept().await.expect("a client");
            socket.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n").await.expect("written");
            // The first command, of which nothing is read: so closing resets the connection.
            socket.readable().await.expect("readable");
            let mut first = [0; 1];
            socket.read_exact(&mut first).await.expect("a byte");
        });
        let config = Config::new("127.0.0.1").port(port).plaintext().enable(Vec::<String>::new()).id(None);
        let (imap, events) = config.connect().await.expect("connected");
        let tokens = (imap.noop(), imap.status("INBOX", StatusItems::counts()));
        server.await.expect("it has reset");
        let reason = all_end(tokens, events).await;
        assert!(matches!(reason, CloseReason::Io { .. } | CloseReason::Eof), "{reason:?}");
    })
    .await;
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn tls_that_is_cut_or_garbled_ends_everything() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    within(LIMIT, async {
        for garbage in [None, Some(&b"\x17\x03\x03\x00\x20this is no record of ours, alas!!!!"[..])] {
            let server = Server::builder().start();
            server.on("NOOP").delay(Duration::from_secs(3600));
            let behind = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
            let port = listener.local_addr().expect("bound").port();
            let (cut, mut is_cut) = tokio::sync::oneshot::channel::<()>();
            // Between both, a link that carries everything until it is cut.
            let link = tokio::spawn(async move {
                let (mut client, _) = listener.accept().await.expect("a client");
                let mut server = tokio::net::TcpStream::connect(behind).await.expect("a server");
                let (mut up, mut down) = (vec![0; 4096], vec![0; 4096]);
                loop {
                    tokio::select! {
                        n = client.read(&mut up) => {
                            server.write_all(&up[..n.expect("read")]).await.expect("written");
                        }
                        n = server.read(&mut down) => {
                            client.write_all(&down[..n.expect("read")]).await.expect("written");
                        }
                        _ = &mut is_cut => break,
                    }
                }
                if let Some(garbage) = garbage {
                    client.write_all(garbage).await.expect("written");
                    // The client says what it thinks of it, and closes.
                    let _ = client.read_to_end(&mut up).await;
                }
            });
            let pem = server.certificate().expect("made").pem().to_owned();
            let config = Config::new("localhost")
                .port(port)
                .trust_certificate(pem)
                .login(server.user(), server.password());
            let (imap, events) = config.connect().await.expect("connected");
            let tokens = (imap.noop(), imap.status("INBOX", StatusItems::counts()));
            tokio::time::sleep(Duration::from_millis(100)).await;
            cut.send(()).expect("the link is there");
            let reason = all_end(tokens, events).await;
            assert!(matches!(reason, CloseReason::Io { .. } | CloseReason::Eof), "{reason:?}");
            link.await.expect("ended");
        }
    })
    .await;
}

#[test]
fn a_runtime_that_is_shut_down_ends_everything() {
    let runtime = |threads| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(threads).enable_all().build().expect("a runtime")
    };
    let (first, second) = (runtime(2), runtime(1));
    let server = Server::new();
    server.on("NOOP").delay(Duration::from_secs(3600));
    let (imap, events, tokens) = first.block_on(async {
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, events) = config.connect_over(server.connect()).await.expect("connected");
        let tokens = (imap.noop(), imap.status("INBOX", StatusItems::counts()));
        tokio::time::sleep(Duration::from_millis(50)).await;
        (imap, events, tokens)
    });
    first.shutdown_timeout(Duration::from_secs(10));
    second.block_on(within(LIMIT, async move {
        all_end(tokens, events).await;
        assert_eq!(imap.noop().await.expect_err("no driver").kind(), ErrorKind::Closed);
    }));
}
