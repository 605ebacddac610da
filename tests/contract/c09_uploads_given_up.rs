//! Promise 9: what becomes of a streamed upload that is given up, and what its source and the
//! server may do meanwhile, without the driver running in circles.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use imap_duplex::command::Append;
use imap_duplex::types::CloseReason;
use imap_duplex::{ErrorKind, Sent};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::client::{Events, uid};
use crate::session::{LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

const SHORT: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(120);
const MULTI: &str = "IMAP4rev1 UIDPLUS MULTIAPPEND";

/// A stream that counts how often it was polled for reading, and the most bytes it took between two
/// reads. Polling it too often means an endless loop, which would never end in paused time: that is
/// a panic.
struct Watched {
    inner: DuplexStream,
    reads: usize,
    since_read: usize,
    most_unread: Arc<AtomicUsize>,
}

const MOST_READS: usize = 20_000;

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reads += 1;
        self.since_read = 0;
        assert!(self.reads < MOST_READS, "the driver runs in circles");
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        self.since_read += count;
        self.most_unread.fetch_max(self.since_read, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A session whose stream is watched, with so many bytes each way before a writer waits; and the
/// most bytes that were written without a read between them.
async fn watched(capabilities: &str, pipe: usize) -> (Session, Arc<AtomicUsize>) {
    let (inner, mut server) = Peer::pair_of(pipe);
    let most_unread = Arc::new(AtomicUsize::new(0));
    let stream = Watched { inner, reads: 0, since_read: 0, most_unread: most_unread.clone() };
    let greeting = format!("* PREAUTH [CAPABILITY {capabilities}] ready");
    let config = quiet();
    let (connected, ()) = tokio::join!(config.connect_over(stream), server.say(&greeting));
    let (imap, receiver) = connected.expect("a greeting by PREAUTH is a login");
    (Session { imap, events: Events::strict(receiver), server }, most_unread)
}

/// Gives this, once, then nothing more, and no end.
struct Stalls(Option<Bytes>);

impl Stream for Stalls {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.take().map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(bytes))))
    }
}

fn stalls(text: &'static str) -> Stalls {
    Stalls(Some(Bytes::from_static(text.as_bytes())))
}

/// The next command works.
async fn is_well(s: &mut Session) {
    let next = s.imap.create("Work");
    s.answer("CREATE Work", &[]).await;
    next.await.expect("created");
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_is_waited_for_while_what_stalled_is_filled_up() {
    within(LIMIT, async {
        const SIZE: usize = 1 << 20;
        let (mut s, _) = watched(MULTI, 4 << 10).await;
        let upload = s.imap.append("INBOX", Append::stream(SIZE as u64, stalls("012")));
        let tag = s.server.expect(&format!("APPEND INBOX {{{SIZE}}}")).await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"012").await;
        tokio::time::sleep(SILENCE).await;
        for step in [1, 100_000, 500_000, SIZE - 3 - 600_001] {
            // Longer than the source had: it is the server that is waited for now.
            tokio::time::sleep(SILENCE - SHORT).await;
            s.server.expect_bytes(&vec![b' '; step]).await;
        }
        s.server.expect_bytes(b" {0}\r\n").await;
        s.server.say(&format!("{tag} NO cancelled")).await;
        let error = upload.await.expect_err("it stalled");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Source, Sent::Partly));
        is_well(&mut s).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_all_at_once_does_not_keep_the_server_from_being_read() {
    within(LIMIT, async {
        const SIZE: usize = 10 << 20;
        let (mut s, most_unread) = watched(MULTI, 2 * SIZE).await;
        let upload = s.imap.append("INBOX", Append::stream(SIZE as u64, stalls("012")));
        let tag = s.server.expect(&format!("APPEND INBOX {{{SIZE}}}")).await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"012").await;
        upload.cancel();
        s.server.expect_bytes(&vec![b' '; SIZE - 3]).await;
        s.server.expect_bytes(b" {0}\r\n").await;
        s.server.say(&format!("{tag} NO cancelled")).await;
        is_well(&mut s).await;
        let most = most_unread.load(Ordering::Relaxed);
        assert!(most <= 1 << 20, "{most} bytes were written without a read");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn refused_with_too_much_left_to_fill_up_the_connection_ends() {
    within(LIMIT, async {
        for (left, ends) in [(16 << 20, false), ((16 << 20) + 1, true), (10 << 30, true)] {
            for capabilities in ["IMAP4rev1", MULTI] {
                let mut s = Session::with(&quiet(), capabilities).await;
                let upload = s.imap.append("INBOX", Append::stream(left + 3, stalls("012")));
                let behind = s.imap.create("Work");
                let tag = s.server.expect(&format!("APPEND INBOX {{{}}}", left + 3)).await;
                s.server.say("+ go on").await;
                s.server.expect_bytes(b"012").await;
                s.server.say(&format!("{tag} NO [OVERQUOTA] too much")).await;
                let error = upload.await.expect_err("refused");
                assert_eq!((error.kind(), error.sent()), (ErrorKind::No, Sent::Partly));
                if ends {
                    s.server.expect_end().await;
                    let error = behind.await.expect_err("the connection has ended");
                    assert_eq!(error.sent(), Sent::No);
                    let why = format!(
                        "the server answered with {left} bytes of the message still to be sent, too many to fill up"
                    );
                    assert_eq!(s.events.end().await.0, CloseReason::Upload(why));
                    continue;
                }
                for _ in 0..256 {
                    s.server.expect_bytes(&[b' '; 64 << 10]).await;
                }
                s.server.expect_bytes(b"\r\n").await;
                s.answer("CREATE Work", &[]).await;
                behind.await.expect("created");
            }
        }
    })
    .await;
}

/// Gives the same piece for ever, and counts how often.
struct Same(&'static [u8], Arc<AtomicUsize>);

impl Stream for Same {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Bytes::from_static(self.0))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_of_nothing_but_empty_pieces_has_failed() {
    within(LIMIT, async {
        let (mut s, _) = watched(MULTI, 64 << 10).await;
        let upload = s.imap.append("INBOX", Append::stream(10, Same(b"", Arc::default())));
        let tag = s.server.expect("APPEND INBOX {10}").await;
        s.server.say("+ go on").await;
        s.server.expect_bytes(b"           {0}\r\n").await;
        s.server.say(&format!("{tag} NO cancelled")).await;
        let error = upload.await.expect_err("it gave nothing");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Source, Sent::Partly));
        assert!(format!("{error:#}").contains("pieces in a row were empty"), "{error:#}");
        is_well(&mut s).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_small_pieces_no_more_wait_than_their_memory_allows() {
    within(LIMIT, async {
        const PIPE: usize = 100;
        let (mut s, _) = watched(MULTI, PIPE).await;
        let given = Arc::new(AtomicUsize::new(0));
        let _upload = s.imap.append("INBOX", Append::stream(1 << 20, Same(b"x", given.clone())));
        s.server.expect("APPEND INBOX {1048576}").await;
        s.server.say("+ go on").await;
        let mut taken = 0;
        for step in [0, 1, 5000] {
            s.server.expect_bytes(&vec![b'x'; step]).await;
            taken += step;
            tokio::time::sleep(SHORT).await;
            let ahead = given.load(Ordering::Relaxed) - taken;
            assert!(ahead <= (64 << 10) / 128 + 2 * PIPE, "{ahead} pieces ahead of the server");
            assert!(ahead >= 100, "{ahead} pieces are no window");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_messages_one_by_one_no_further_one_is_sent_once_they_are_cancelled() {
    within(LIMIT, async {
        // While the first is under way; or when it has been stored, and the line is another's.
        for stored in [false, true] {
            let mut s = Session::with(&quiet(), "IMAP4rev1 LITERAL+").await;
            let given = Arc::new(AtomicUsize::new(0));
            let second = Append::stream(1, Same(b"x", given.clone()));
            let both = s.imap.append_each("Archive", [Append::new("first"), second.clone()]);
            let other = s.imap.append("Work", Append::reader(3, &b"012"[..]));
            let tag = s.server.expect("APPEND Archive {5+}").await;
            s.server.expect_bytes(b"first\r\n").await;
            let work = s.server.expect("APPEND Work {3}").await;
            if stored {
                s.server.say(&format!("{tag} OK done")).await;
                tokio::time::sleep(SHORT).await;
                both.cancel();
                tokio::time::sleep(SHORT).await;
            } else {
                both.cancel();
                tokio::time::sleep(SHORT).await;
                s.server.say(&format!("{tag} OK done")).await;
            }
            s.events.until_brief("APPEND failed").await;
            s.server.say("+ go on").await;
            s.server.expect_bytes(b"012\r\n").await;
            s.server.say(&format!("{work} OK done")).await;
            other.await.expect("appended");
            is_well(&mut s).await;
            assert_eq!(given.load(Ordering::Relaxed), 0, "the second was not read");
            let again = s.imap.append("Archive", second);
            s.server.expect("APPEND Archive {1}").await;
            again.cancel();
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_move_in_several_lines_is_done_to_its_end() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), "IMAP4rev1 UIDPLUS ESEARCH").await;
        let inbox = s.select(&[11]).await;
        let moved = inbox.move_to(uid(11), "Work");
        let copy = s.server.expect("UID COPY 11 Work").await;
        moved.cancel();
        tokio::time::sleep(SHORT).await;
        s.server.say(&format!("{copy} OK [COPYUID 7 11 21] done")).await;
        s.answer(r"UID STORE 11 +FLAGS.SILENT (\Deleted)", &[]).await;
        s.answer("UID EXPUNGE 11", &["* 1 EXPUNGE"]).await;
        s.events.until_brief("MOVE OK").await;
        is_well(&mut s).await;
    })
    .await;
}
