//! Compressed connections: with the embedded server, over TLS and without; and with servers whose
//! compressed stream is broken, ends, or is a bomb.

use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};
use imap_duplex::command::Items;
use imap_duplex::testing::Server;
use imap_duplex::types::{CloseReason, EventKind};
use imap_duplex::{Config, ErrorKind, Receiver, Sender, Sent};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::support::wire::Recorder;
use crate::support::within;
use crate::{LIMIT, account};

fn is_compressed(server: &Server) -> bool {
    server.sessions().iter().any(|session| session.is_compressed())
}

#[tokio::test]
async fn uploads_pipelining_and_idle_over_compression_and_tls() {
    within(LIMIT, async {
        let server = Server::new();
        let tls = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
        let plain = server.listen().await.expect("a port");
        let body = "Subject: long\r\n\r\n".to_owned() + &"the same line over and over\r\n".repeat(10_000);
        for (at, starttls) in [(tls, false), (plain, true)] {
            for config in account(&server, "localhost") {
                let config = if starttls { config.starttls() } else { config };
                let (imap, mut events) = config.port(at.port()).compress(true).connect().await.expect("in");
                assert!(is_compressed(&server));
                let uploaded = imap.append("INBOX", body.clone());
                let inbox = imap.select("INBOX");
                let uid = uploaded.await.expect("APPEND").uid.expect("UIDPLUS");
                let inbox = inbox.await.expect("SELECT");
                let many: Vec<_> = (0..300).map(|_| inbox.fetch(uid, Items::new().flags())).collect();
                for token in many {
                    assert_eq!(token.await.expect("FETCH").len(), 1);
                }
                let rows = inbox.fetch(uid, Items::body()).await.expect("FETCH");
                assert_eq!(rows[0].body().expect("the whole of it").len(), body.len());
                // While it idles, too; by then the compressor has been dropped, and comes again.
                tokio::time::sleep(Duration::from_millis(1_300)).await;
                let new = server.deliver("INBOX", "Subject: new\r\n\r\nnew\r\n");
                while let Some(event) = events.next().await {
                    if matches!(event.kind, EventKind::Arrived { uid, .. } if uid == new) {
                        break;
                    }
                }
                imap.noop().await.expect("NOOP");
                imap.logout().await.expect("LOGOUT");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn off_by_default_and_off_where_the_server_has_none() {
    within(LIMIT, async {
        let server = Server::new();
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("in");
        assert!(!is_compressed(&server));
        imap.logout().await.expect("LOGOUT");
        let none = Server::builder().without(["COMPRESS=DEFLATE"]).start();
        let config = Config::new("localhost").plaintext().login(none.user(), none.password());
        let (imap, _events) = config.compress(true).connect_over(none.connect()).await.expect("in");
        assert!(!is_compressed(&none));
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

#[tokio::test]
async fn a_refusal_goes_on_in_clear_text() {
    within(LIMIT, async {
        let server = Server::new();
        server.on("COMPRESS").no("not today");
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (stream, log) = Recorder::new(server.connect());
        let (imap, _events) = config.compress(true).connect_over(stream).await.expect("in");
        imap.noop().await.expect("NOOP");
        assert!(!is_compressed(&server) && log.written().contains("NOOP\r\n"));
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

#[tokio::test]
async fn the_login_is_not_compressed_and_all_behind_it_is() {
    within(LIMIT, async {
        let server = Server::new();
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (stream, log) = Recorder::new(server.connect());
        let (imap, _events) = config.compress(true).connect_over(stream).await.expect("in");
        imap.noop().await.expect("NOOP");
        let written = log.written();
        let (before, behind) = written.split_once("COMPRESS DEFLATE\r\n").expect("it was asked for");
        assert!(before.contains("AUTHENTICATE"), "{before}");
        assert!(!behind.is_empty());
        for word in ["ENABLE", "NOOP", "ID ("] {
            assert!(!behind.contains(word), "{behind}");
        }
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

#[tokio::test]
async fn by_hand_it_waits_for_all_in_flight_and_all_behind_it_is_compressed() {
    within(LIMIT, async {
        let server = Server::new();
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (stream, log) = Recorder::new(server.connect());
        let (imap, _events) = config.connect_over(stream).await.expect("in");
        let body = "Subject: long\r\n\r\n".to_owned() + &"the same line over and over\r\n".repeat(5_000);
        let before: Vec<_> = (0..20).map(|_| imap.noop()).collect();
        let compressed = imap.compress();
        let behind = imap.append("INBOX", body.clone());
        for token in before {
            token.await.expect("NOOP");
        }
        compressed.await.expect("COMPRESS");
        let uid = behind.await.expect("APPEND").uid.expect("UIDPLUS");
        assert!(is_compressed(&server));
        let written = log.written();
        let (clear, rest) = written.split_once("COMPRESS DEFLATE\r\n").expect("it was asked for");
        assert_eq!(clear.matches("NOOP").count(), 20);
        assert!(!rest.contains("APPEND") && rest.len() < body.len() / 10, "{}", rest.len());
        let inbox = imap.select("INBOX").await.expect("SELECT");
        let rows = inbox.fetch(uid, Items::body()).await.expect("FETCH");
        assert_eq!(rows[0].body().expect("the whole of it").len(), body.len());

        let error = imap.compress().await.expect_err("it is compressed");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}

/// RFC 8437 section 4.1.
#[tokio::test]
async fn it_ends_with_the_login_and_can_begin_again() {
    within(LIMIT, async {
        for split in [None, Some(1), Some(7)] {
            let server = Server::new();
            server.split_writes(split);
            let config = Config::new("localhost").plaintext().compress(true);
            let config = config.login(server.user(), server.password());
            let (stream, log) = Recorder::new(server.connect());
            let (imap, _events) = config.connect_over(stream).await.expect("in");
            imap.create("Before").await.expect("CREATE");
            assert!(is_compressed(&server));
            imap.unauthenticate().await.expect("UNAUTHENTICATE");
            assert!(!is_compressed(&server));
            imap.noop().await.expect("NOOP");
            imap.login(server.user(), server.password()).await.expect("LOGIN");
            imap.create("Between").await.expect("CREATE");
            let written = log.written();
            assert!(written.contains("CREATE Between\r\n") && !written.contains("Before"), "{written}");
            imap.compress().await.expect("COMPRESS");
            imap.create("Behind").await.expect("CREATE");
            assert!(is_compressed(&server) && !log.written().contains("Behind"));
            let names = ["Before", "Between", "Behind"];
            let listed = imap.list("Be%").await.expect("LIST");
            assert!(names.iter().all(|name| listed.iter().any(|entry| entry.name.as_str() == *name)));
            imap.unauthenticate().await.expect("UNAUTHENTICATE");
            imap.logout().await.expect("LOGOUT");
        }
    })
    .await;
}

#[tokio::test]
async fn by_hand_a_refusal_or_a_missing_offer_leaves_the_connection_as_it_is() {
    within(LIMIT, async {
        let server = Server::new();
        server.on("COMPRESS").no("not today");
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("in");
        assert_eq!(imap.compress().await.expect_err("NO").kind(), ErrorKind::No);
        imap.noop().await.expect("NOOP");
        assert!(!is_compressed(&server));
        imap.compress().await.expect("another day");
        imap.noop().await.expect("NOOP");
        assert!(is_compressed(&server));
        let none = Server::builder().without(["COMPRESS=DEFLATE"]).start();
        let config = Config::new("localhost").plaintext().login(none.user(), none.password());
        let (imap, _events) = config.connect_over(none.connect()).await.expect("in");
        let error = imap.compress().await.expect_err("it is not offered");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No), "{error}");
    })
    .await;
}

/// The client of a server that compresses, whose every byte is the test's from there on. `early`
/// comes in one write with the OK.
async fn scripted(config: Config, early: &[u8]) -> (Sender, Receiver, DuplexStream) {
    let (near, mut far) = duplex(1 << 16);
    let early = early.to_vec();
    let serving = tokio::spawn(async move {
        far.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hello\r\n").await.expect("room");
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(far.read_u8().await.expect("a command"));
        }
        let line = String::from_utf8(line).expect("in clear text");
        let (tag, command) = line.split_once(' ').expect("a tag");
        assert_eq!(command, "COMPRESS DEFLATE\r\n");
        let mut bytes = format!("{tag} OK DEFLATE active\r\n").into_bytes();
        bytes.extend_from_slice(&early);
        far.write_all(&bytes).await.expect("room");
        far
    });
    let config = config.compress(true).auto_idle(false);
    let (imap, events) = config.connect_over(near).await.expect("it greets");
    (imap, events, serving.await.expect("no panic"))
}

fn config() -> Config {
    Config::new("imap.test").plaintext()
}

fn deflated(compressor: &mut Compress, bytes: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 2 + 1024);
    compressor.compress_vec(bytes, &mut out, flush).expect("deflate");
    out
}

/// How the connection ended.
async fn end(mut events: Receiver) -> CloseReason {
    while let Some(event) = events.next().await {
        if let EventKind::Closed { reason, .. } = event.kind {
            return reason;
        }
    }
    panic!("the last event is Closed");
}

#[tokio::test]
async fn what_comes_with_the_ok_is_compressed_already() {
    within(LIMIT, async {
        let mut compressor = Compress::new(Compression::fast(), false);
        let early = deflated(&mut compressor, b"* OK [ALERT] early\r\n", FlushCompress::Sync);
        let (_imap, mut events, mut far) = scripted(config(), &early).await;
        far.write_all(&deflated(&mut compressor, b"* OK [ALERT] late\r\n", FlushCompress::Sync))
            .await
            .expect("room");
        let mut alerts = Vec::new();
        while alerts.len() < 2 {
            let event = events.next().await.expect("an alert");
            if event.name() == "alert" {
                alerts.push(event.to_string());
            }
        }
        assert!(alerts[0].contains("early") && alerts[1].contains("late"), "{alerts:?}");
        drop(far);
    })
    .await;
}

#[tokio::test]
async fn a_broken_stream_ends_the_connection_and_says_so() {
    within(LIMIT, async {
        for early in [&b"* OK in clear text\r\n"[..], &[0xff; 20], &[0x06; 40]] {
            let (imap, events, _far) = scripted(config(), early).await;
            let error = imap.noop().await.expect_err("broken");
            assert_eq!(error.kind(), ErrorKind::Closed, "{error:#}");
            assert!(error.to_string().contains("compressed can't be read"), "{error:#}");
            assert!(matches!(end(events).await, CloseReason::Io { .. }));
        }
    })
    .await;
}

#[tokio::test]
async fn an_end_in_the_middle_is_an_end() {
    within(LIMIT, async {
        let mut compressor = Compress::new(Compression::fast(), false);
        let whole = deflated(&mut compressor, b"* OK one\r\n* OK two\r\n", FlushCompress::Sync);
        for cut in [0, 1, whole.len() / 2, whole.len()] {
            let (imap, events, far) = scripted(config(), &whole[..cut]).await;
            drop(far);
            assert_eq!(end(events).await, CloseReason::Eof);
            let error = imap.noop().await.expect_err("closed");
            assert_eq!(error.kind(), ErrorKind::Closed, "{error:#}");
        }
        // The server's own end of its stream is one, too: what follows it is not believed.
        let mut compressor = Compress::new(Compression::fast(), false);
        let mut ended = deflated(&mut compressor, b"* OK one\r\n", FlushCompress::Finish);
        ended.extend_from_slice(b"* BYE in clear text\r\n");
        let (_imap, events, _far) = scripted(config(), &ended).await;
        assert_eq!(end(events).await, CloseReason::Eof);
    })
    .await;
}

#[tokio::test]
async fn a_bomb_meets_the_limits() {
    within(LIMIT, async {
        let mut limits = imap_duplex::Limits::default();
        (limits.line, limits.literal, limits.response) = (1 << 18, 1 << 18, 1 << 19);
        let small = config().limits(limits);
        let line = vec![b'x'; 4 << 20];
        let literal = [&b"* 1 FETCH (BODY[] {100000000}\r\n"[..], &vec![0; 4 << 20]].concat();
        let depth = [&b"* 1 FETCH (BODYSTRUCTURE "[..], &vec![b'('; 4 << 20]].concat();
        for (bomb, limit) in [
            ([b"* OK ", &line[..]].concat(), "Limits::line"),
            (literal, "Limits::literal"),
            (depth, "Limits::line"),
        ] {
            let mut compressor = Compress::new(Compression::best(), false);
            let mut small_bytes = Vec::with_capacity(1 << 20);
            compressor.compress_vec(&bomb, &mut small_bytes, FlushCompress::Sync).expect("deflate");
            assert!(small_bytes.len() < bomb.len() / 200, "it is a bomb: {}", small_bytes.len());
            let (imap, events, mut far) = scripted(small.clone(), b"").await;
            let writing = tokio::spawn(async move { far.write_all(&small_bytes).await.map(|()| far) });
            let error = imap.noop().await.expect_err("over a limit");
            assert_eq!(error.kind(), ErrorKind::Closed, "{error:#}");
            assert!(error.to_string().contains(limit), "{error:#}");
            assert!(matches!(end(events).await, CloseReason::Protocol(_) | CloseReason::Limit(_)));
            drop(writing);
        }
    })
    .await;
}
