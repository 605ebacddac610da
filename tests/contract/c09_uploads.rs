//! Promise 9: a streamed upload. Its source is asked for no more than there is room for, and for
//! nothing before the server wants it; if it fails, the append is cancelled where the server knows
//! how (RFC 3502 section 6.3.11), else the connection ends.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use imap_duplex::command::Append;
use imap_duplex::types::{CloseReason, Code};
use imap_duplex::{ErrorKind, Sent};
use tokio::io::{AsyncWriteExt, duplex};

use crate::session::{LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

const SHORT: Duration = Duration::from_secs(1);
const PLAIN: &str = "IMAP4rev1 UIDPLUS";
const MULTI: &str = "IMAP4rev1 UIDPLUS MULTIAPPEND";

/// Gives these pieces, and counts how many it has given; then it ends or, with `forever`, says
/// nothing more.
struct Pieces {
    pieces: VecDeque<io::Result<Bytes>>,
    forever: bool,
    given: Arc<AtomicUsize>,
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.pieces.pop_front() {
            None if self.forever => Poll::Pending,
            piece => {
                self.given.fetch_add(1, Ordering::Relaxed);
                Poll::Ready(piece)
            }
        }
    }
}

fn pieces<const N: usize>(pieces: [io::Result<&'static str>; N]) -> Pieces {
    let pieces = pieces.into_iter().map(|piece| piece.map(|text| Bytes::from_static(text.as_bytes())));
    Pieces { pieces: pieces.collect(), forever: false, given: Arc::default() }
}

fn stalling<const N: usize>(all: [io::Result<&'static str>; N]) -> Pieces {
    Pieces { forever: true, ..pieces(all) }
}

async fn session(capabilities: &str) -> Session {
    Session::with(&quiet(), capabilities).await
}

/// The next command works.
async fn is_well(s: &mut Session) {
    let next = s.imap.create("Work");
    s.answer("CREATE Work", &[]).await;
    next.await.expect("created");
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_sent_as_it_yields_and_the_server_is_read_meanwhile() {
    within(LIMIT, async {
        let mut s = session(PLAIN).await;
        let (reader, mut writer) = duplex(64);
        let upload = s.imap.append("INBOX", Append::reader(10, reader));
        let next = s.imap.create("Work");
        let tag = s.server.expect("APPEND INBOX {10}").await;
        writer.write_all(b"01234").await.expect("room");
        s.server.expect_silence(SHORT).await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"01234").await;
        s.server.say("* OK [ALERT] read this").await;
        s.events.until_brief("alert read this").await;
        writer.write_all(b"56789").await.expect("room");
        s.server.expect_bytes(b"56789").await;
        // It may still have more.
        s.server.expect_silence(SHORT).await;
        drop(writer);
        s.server.expect_bytes(b"\r\n").await;
        s.server.say(&format!("{tag} OK [APPENDUID 7 9] done")).await;
        assert_eq!(upload.await.expect("appended").uid.map(|uid| uid.get()), Some(9));
        s.answer("CREATE Work", &[]).await;
        next.await.expect("created");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_two_gigabytes_no_more_is_asked_for_than_there_is_room() {
    const PIECE: usize = 8 << 10;
    struct Endless(Arc<AtomicUsize>);
    impl Stream for Endless {
        type Item = io::Result<Bytes>;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.0.fetch_add(PIECE, Ordering::Relaxed);
            Poll::Ready(Some(Ok(Bytes::from_static(&[b'x'; PIECE]))))
        }
    }
    within(LIMIT, async {
        const PIPE: usize = 4 << 10;
        let mut s = Session::on(&quiet(), PLAIN, Peer::pair_of(PIPE), true).await;
        let given = Arc::new(AtomicUsize::new(0));
        let upload = s.imap.append("INBOX", Append::stream(2 << 30, Endless(given.clone())));
        s.server.expect("APPEND INBOX {2147483648}").await;
        tokio::time::sleep(SHORT).await;
        assert_eq!(given.load(Ordering::Relaxed), 0, "not before it is wanted");
        s.server.say("+ go on").await;
        let mut taken = 0;
        for step in [0, 100_000, 1_000_000] {
            s.server.expect_bytes(&vec![b'x'; step]).await;
            taken += step;
            tokio::time::sleep(SHORT).await;
            // A window, the piece that fills it, and what is in the pipe and in the hands of the
            // peer.
            let ahead = given.load(Ordering::Relaxed) - taken;
            assert!(ahead <= (64 << 10) + PIECE + 2 * PIPE, "{ahead} bytes ahead of the server");
        }
        // Too much is left to be filled up.
        upload.cancel();
        assert!(matches!(s.events.end().await.0, CloseReason::Upload(_)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn refused_before_it_was_wanted_it_can_be_submitted_again() {
    within(LIMIT, async {
        let mut s = session(PLAIN).await;
        let source = pieces([Ok("0123456789")]);
        let given = source.given.clone();
        let message = Append::stream(10, source);
        let upload = s.imap.append("Drafts", message.clone());
        let tag = s.server.expect("APPEND Drafts {10}").await;
        s.server.say(&format!("{tag} NO [TRYCREATE] no such mailbox")).await;
        let error = upload.await.expect_err("refused");
        assert_eq!((error.code(), error.sent()), (Some(&Code::TryCreate), Sent::Partly));
        assert_eq!(given.load(Ordering::Relaxed), 0, "nothing was asked of the source");
        // The token may be awaited by a task of another thread: the source is back before that
        // wakes.
        let again = s.imap.append("Drafts", message.clone());
        let at_once = s.imap.append("Sent", message.clone());
        let tag = s.server.expect("APPEND Drafts {10}").await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"0123456789\r\n").await;
        s.server.say(&format!("{tag} OK done")).await;
        again.await.expect("appended");
        for upload in [at_once, s.imap.append("Sent", message)] {
            let error = upload.await.expect_err("it has been read");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        }
        is_well(&mut s).await;
    })
    .await;
}

/// Submits a message of 10 bytes whose source has this flaw; the server, which has MULTIAPPEND, is
/// given `sent`, filled up to 10 bytes, and the message is cancelled.
async fn cancelled_by_the_server(source: Pieces, sent: &str, says: &str) {
    for asks in [false, true] {
        let mut s = session(MULTI).await;
        let pieces = source.pieces.iter().map(|piece| match piece {
            Ok(bytes) => Ok(bytes.clone()),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        });
        let again = Pieces { pieces: pieces.collect(), forever: source.forever, given: Arc::default() };
        let upload = s.imap.append("INBOX", Append::stream(10, again));
        let tag = s.server.expect("APPEND INBOX {10}").await;
        s.server.say("+ go on").await;
        if source.forever {
            tokio::time::sleep(Duration::from_secs(120)).await;
        }
        s.server.expect_bytes(format!("{sent:10} {{0}}\r\n").as_bytes()).await;
        if asks {
            s.server.say("+ go on").await;
            s.server.expect_bytes(b"\r\n").await;
        }
        s.server.say(&format!("{tag} NO cancelled")).await;
        let error = upload.await.expect_err("cancelled");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Source, Sent::Partly), "{error}");
        assert!(format!("{error:#}").contains(says), "{error:#}");
        assert_eq!(error.close_reason(), None);
        is_well(&mut s).await;
        assert_eq!(s.events.ready_briefs(), ["APPEND failed", "created Work", "CREATE OK"]);
    }
}

#[tokio::test(start_paused = true)]
async fn with_multiappend_a_source_that_fails_costs_the_message_alone() {
    within(LIMIT, async {
        let broken = || io::Error::other("the disk is on fire");
        cancelled_by_the_server(pieces([Err(broken())]), "", "the disk is on fire").await;
        cancelled_by_the_server(pieces([Ok("012"), Err(broken())]), "012", "the disk is on fire").await;
        cancelled_by_the_server(pieces([Ok("0123456789"), Err(broken())]), "0123456789", "on fire").await;
        cancelled_by_the_server(pieces([]), "", "ended after 0 of the 10").await;
        cancelled_by_the_server(pieces([Ok("01234"), Ok("5678")]), "012345678", "ended after 9 of").await;
        cancelled_by_the_server(pieces([Ok("0123"), Ok("456789a")]), "0123", "more than the 10").await;
        cancelled_by_the_server(pieces([Ok("0123456789"), Ok("a")]), "0123456789", "more than").await;
        cancelled_by_the_server(pieces([Ok("01"), Ok("2\0")]), "01", "NUL").await;
        cancelled_by_the_server(stalling([Ok("01")]), "01", "gave nothing for 120s").await;
        cancelled_by_the_server(stalling([Ok("0123456789")]), "0123456789", "gave nothing for 120s").await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_failure_itself_is_the_cause_that_the_error_gives() {
    within(LIMIT, async {
        let mut s = session(PLAIN).await;
        let failure = io::Error::new(io::ErrorKind::PermissionDenied, "not yours");
        let upload = s.imap.append("INBOX", Append::stream(10, pieces([Err(failure)])));
        s.server.expect("APPEND INBOX {10}").await;
        s.server.say("+ go on").await;
        let error = upload.await.expect_err("failed");
        let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
        assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::PermissionDenied));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_multiappend_a_source_that_fails_ends_the_connection() {
    within(LIMIT, async {
        for capabilities in [PLAIN, "IMAP4rev1 LITERAL+"] {
            let mut s = session(capabilities).await;
            let before = s.imap.create("Before");
            let upload = s.imap.append("INBOX", Append::stream(5000, pieces([Ok("01234")])));
            let behind = s.imap.create("Behind");
            s.server.expect("CREATE Before").await;
            s.server.expect("APPEND INBOX {5000}").await;
            s.server.say("+ go on").await;
            let error = upload.await.expect_err("failed");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Source, Sent::Partly));
            let why = "the message's source ended after 5 of the 5000 bytes that were announced";
            let reason = CloseReason::Upload(why.into());
            assert_eq!(error.to_string(), format!("APPEND INBOX: {why}"));
            assert_eq!(error.close_reason(), Some(&reason));
            for (token, sent) in [(before, Sent::Fully), (behind, Sent::No)] {
                let error = token.await.expect_err("the connection has ended");
                assert_eq!((error.close_reason(), error.sent()), (Some(&reason), sent));
            }
            let failed = ["APPEND failed", "CREATE failed", "CREATE failed"].map(str::to_owned);
            assert_eq!(s.events.end().await, (reason, failed.to_vec()));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_too_much_left_to_fill_up_the_connection_ends_too() {
    within(LIMIT, async {
        for (left, ends) in [(16 << 20, false), ((16 << 20) + 1, true)] {
            let mut s = session(MULTI).await;
            let upload = s.imap.append("INBOX", Append::stream(left + 5, pieces([Ok("01234")])));
            s.server.expect(&format!("APPEND INBOX {{{}}}", left + 5)).await;
            s.server.say("+ go on").await;
            if ends {
                let error = upload.await.expect_err("failed");
                assert!(matches!(error.close_reason(), Some(CloseReason::Upload(_))), "{error:?}");
            } else {
                s.server.expect_bytes(b"01234").await;
                for _ in 0..256 {
                    s.server.expect_bytes(&[b' '; 64 << 10]).await;
                }
                s.server.expect_bytes(b" {0}\r\n").await;
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn its_token_dropped_it_goes_on() {
    within(LIMIT, async {
        let mut s = session(PLAIN).await;
        let (reader, mut writer) = duplex(64);
        let upload = s.imap.append("INBOX", Append::reader(10, reader));
        let tag = s.server.expect("APPEND INBOX {10}").await;
        s.server.say("+ go on").await;
        writer.write_all(b"01234").await.expect("room");
        s.server.expect_bytes(b"01234").await;
        drop(upload);
        tokio::time::sleep(SHORT).await;
        writer.write_all(b"56789").await.expect("room");
        drop(writer);
        s.server.expect_bytes(b"56789\r\n").await;
        s.server.say(&format!("{tag} OK done")).await;
        is_well(&mut s).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cancelled_in_its_midst_it_is_given_up() {
    within(LIMIT, async {
        let mut s = session(MULTI).await;
        let upload = s.imap.append("INBOX", Append::stream(10, stalling([Ok("012")])));
        let tag = s.server.expect("APPEND INBOX {10}").await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"012").await;
        upload.cancel();
        s.server.expect_bytes(b"        {0}\r\n").await;
        s.server.say(&format!("{tag} NO cancelled")).await;
        is_well(&mut s).await;

        let mut s = session(PLAIN).await;
        let upload = s.imap.append("INBOX", Append::stream(10, stalling([Ok("012")])));
        s.server.expect("APPEND INBOX {10}").await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"012").await;
        upload.cancel();
        s.server.expect_end().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cancelled_before_the_server_wanted_it_its_source_is_untouched() {
    within(LIMIT, async {
        let mut s = session(MULTI).await;
        let source = pieces([Ok("0123456789")]);
        let given = source.given.clone();
        let message = Append::stream(10, source);
        let upload = s.imap.append("INBOX", message.clone());
        let tag = s.server.expect("APPEND INBOX {10}").await;
        upload.cancel();
        s.server.expect_silence(SHORT).await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"           {0}\r\n").await;
        s.server.say(&format!("{tag} NO cancelled")).await;
        is_well(&mut s).await;
        assert_eq!(given.load(Ordering::Relaxed), 0);
        let again = s.imap.append("INBOX", message);
        let tag = s.server.expect("APPEND INBOX {10}").await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"0123456789\r\n").await;
        s.server.say(&format!("{tag} OK done")).await;
        again.await.expect("appended");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_in_its_midst_is_given_what_was_announced() {
    within(LIMIT, async {
        for capabilities in [PLAIN, MULTI] {
            for answer in ["NO [OVERQUOTA] too much", "BAD what", "OK done already"] {
                let mut s = session(capabilities).await;
                let source = stalling([Ok("012")]);
                let held = Arc::downgrade(&source.given);
                let upload = s.imap.append("INBOX", Append::stream(10, source));
                let tag = s.server.expect("APPEND INBOX {10}").await;
                s.server.say("+ go on").await;
                s.server.expect_bytes(b"012").await;
                s.server.say(&format!("{tag} {answer}")).await;
                let error = upload.await.expect_err("refused");
                assert_eq!(error.sent(), Sent::Partly);
                let wanted = match &answer[..2] {
                    "NO" => ErrorKind::No,
                    "BA" => ErrorKind::Bad,
                    _ => ErrorKind::Protocol,
                };
                assert_eq!(error.kind(), wanted);
                assert!(held.upgrade().is_none(), "the source is dropped");
                s.server.expect_bytes(b"       \r\n").await;
                is_well(&mut s).await;
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn however_small_and_welcome_it_is_nothing_is_asked_for_before_the_server_wants_it() {
    within(LIMIT, async {
        for (more, bytes) in
            [("", 1), ("LITERAL-", 4096), ("LITERAL+", 10), ("LITERAL+ APPENDLIMIT=5000", 4097)]
        {
            let mut s = session(&format!("IMAP4rev1 {more}")).await;
            let source = Pieces { pieces: [Err(io::Error::other("gone"))].into(), ..pieces([]) };
            let given = source.given.clone();
            let message = Append::stream(bytes, source);
            let upload = s.imap.append("INBOX", message.clone());
            let tag = s.server.expect(&format!("APPEND INBOX {{{bytes}}}")).await;
            s.server.expect_silence(SHORT).await;
            assert_eq!(given.load(Ordering::Relaxed), 0);
            s.server.say(&format!("{tag} NO [OVERQUOTA] full")).await;
            assert_eq!(upload.await.expect_err("refused").kind(), ErrorKind::No);
            let again = s.imap.append("INBOX", message);
            s.server.expect(&format!("APPEND INBOX {{{bytes}}}")).await;
            s.server.say("+ go on").await;
            let error = again.await.expect_err("its source fails");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Source, Sent::Partly));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_larger_than_the_server_takes_is_not_sent() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 APPENDLIMIT=9").await;
        let uploads = [
            s.imap.append("INBOX", "0123456789"),
            s.imap.append("INBOX", Append::stream(10, pieces([Ok("0123456789")]))),
        ];
        for upload in uploads {
            let error = upload.await.expect_err("too large");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
            let says = "APPEND INBOX: the message has 10 bytes, and the server accepts at most 9";
            assert_eq!(error.to_string(), says);
        }
        is_well(&mut s).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_connection_gone_the_source_is_dropped_and_the_token_says_why() {
    within(LIMIT, async {
        let mut s = session(MULTI).await;
        let source = stalling([Ok("012")]);
        let held = Arc::downgrade(&source.given);
        let upload = s.imap.append("INBOX", Append::stream(10, source));
        s.server.expect("APPEND INBOX {10}").await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"012").await;
        s.server.say("* BYE maintenance").await;
        drop(s.server);
        let error = upload.await.expect_err("no more");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Closed, Sent::Partly));
        assert!(matches!(s.events.end().await.0, CloseReason::Bye(_)));
        assert!(held.upgrade().is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_stream_is_an_empty_message() {
    within(LIMIT, async {
        let mut s = session("IMAP4rev1 LITERAL+").await;
        let upload = s.imap.append("INBOX", Append::stream(0, pieces([Ok(""), Ok("")])));
        let tag = s.server.expect("APPEND INBOX {0}").await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"\r\n").await;
        s.server.say(&format!("{tag} NO empty")).await;
        assert_eq!(upload.await.expect_err("refused").kind(), ErrorKind::No);
        is_well(&mut s).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cut_off_at_any_byte_it_ends_and_lets_its_source_go() {
    within(LIMIT, async {
        const WHOLE: &str = "A1 APPEND INBOX {30}\r\n0123456789abcdefghijABCDEFGHIJ\r\n";
        for cut in 0..=WHOLE.len() {
            let source = pieces([Ok("0123456789"), Ok("abcdefghij"), Ok("ABCDEFGHIJ")]);
            let held = Arc::downgrade(&source.given);
            let mut s = session(MULTI).await;
            let upload = s.imap.append("INBOX", Append::stream(30, source));
            let behind = s.imap.create("Behind");
            let announced = "A1 APPEND INBOX {30}\r\n".len();
            s.server.expect_bytes(&WHOLE.as_bytes()[..cut.min(announced)]).await;
            if cut >= announced {
                s.server.say("+ go on").await;
                s.server.expect_bytes(&WHOLE.as_bytes()[announced..cut]).await;
            }
            drop(s.server);
            let error = upload.await.expect_err("cut off");
            let reason = error.close_reason().cloned();
            assert_eq!(error.kind(), ErrorKind::Closed, "cut at {cut}");
            assert!(matches!(reason, Some(CloseReason::Eof | CloseReason::Io { .. })), "{error}");
            assert_eq!(behind.await.expect_err("cut off").close_reason(), reason.as_ref());
            assert_eq!(Some(s.events.end().await.0), reason);
            assert!(held.upgrade().is_none(), "cut at {cut}");
        }
    })
    .await;
}
