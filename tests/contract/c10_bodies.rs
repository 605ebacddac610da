//! Promise 10, of bodies that are read in pieces: however slowly one is read, a few windows are
//! held, and no other command waits for its reader. And what else bodies promise: nothing is left
//! out or taken for the end where it is not.

use std::time::Duration;

use imap_duplex::types::{Limits, Part, Section};
use imap_duplex::{Body, ErrorKind, Mailbox, Sent};
use tokio::io::{AsyncReadExt, copy_buf};

use crate::client::uid;
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::within;

/// The first windows' length.
const WINDOW: usize = 64 << 10;
/// Longer than anything takes that does not wait for time to pass.
const SOON: Duration = Duration::from_millis(1);

/// A body of so many bytes, none like its neighbours.
fn text(size: usize) -> Vec<u8> {
    (0..size).map(|at| b'a' + u8::try_from((at / 7 + at % 11) % 26).expect("small")).collect()
}

async fn session() -> (Session, Mailbox) {
    let mut s = Session::open().await;
    let inbox = s.select(&[11]).await;
    s.events.ready();
    (s, inbox)
}

fn body(inbox: &Mailbox) -> Body {
    inbox.body(uid(11), Section::Full)
}

/// A window as the client asked for it: its tag, where it begins, how many bytes at most.
async fn asked(s: &mut Session) -> (String, usize, usize) {
    let (tag, line) = s.server.expect_start("UID FETCH 11 (BODY.PEEK[]<").await;
    let numbers = line.rsplit('<').next().and_then(|rest| rest.strip_suffix(">)")).expect("a window");
    let (at, length) = numbers.split_once('.').expect("two numbers");
    (tag, at.parse().expect("a number"), length.parse().expect("a number"))
}

/// Answers a window of this body, at most `cut` bytes of it.
async fn answer(s: &mut Session, (tag, at, length): (String, usize, usize), text: &[u8], cut: usize) {
    let from = at.min(text.len());
    let to = (from + length.min(cut)).min(text.len());
    let row = format!("* 1 FETCH (UID 11 BODY[]<{at}> {{{}}}\r\n", to - from);
    s.server.send(row.as_bytes()).await;
    s.server.send(&text[from..to]).await;
    s.server.say(")").await;
    s.server.say(&format!("{tag} OK done")).await;
}

/// Answers all windows until none has come for a while: how many there were.
async fn serve(s: &mut Session, text: &[u8], cut: usize) -> usize {
    let mut count = 0;
    while let Ok(window) = tokio::time::timeout(Duration::from_secs(1), asked(s)).await {
        answer(s, window, text, cut).await;
        count += 1;
    }
    count
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_by_windows_of_which_several_are_in_flight() {
    within(LIMIT, async {
        let text = text(5 * WINDOW + 77);
        for cut in [usize::MAX, 50_000] {
            let (mut s, inbox) = session().await;
            let mut read = Vec::new();
            let mut body = body(&inbox).begin();
            let first = asked(&mut s).await;
            let second = asked(&mut s).await;
            assert_eq!([first.1, second.1], [0, WINDOW], "both before anything is answered");
            let served = async {
                answer(&mut s, first, &text, cut).await;
                answer(&mut s, second, &text, cut).await;
                serve(&mut s, &text, cut).await
            };
            let (copied, _) = tokio::join!(copy_buf(&mut body, &mut read), served);
            assert_eq!(copied.expect("read"), text.len() as u64);
            assert!(read == text && body.offset() == text.len() as u64);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_read_may_be_cut_anywhere_and_waiting_given_up_at_any_time() {
    within(LIMIT, async {
        let text = text(2 * WINDOW + 5);
        let (mut s, inbox) = session().await;
        let reading = async {
            let mut read = Vec::new();
            let mut body = body(&inbox).expecting(text.len() as u64);
            let mut room = vec![0; 50_001];
            loop {
                // Given up as often as it has to wait.
                let some = tokio::select! {
                    biased;
                    some = body.read(&mut room) => some.expect("read"),
                    () = std::future::ready(()) => {
                        tokio::task::yield_now().await;
                        continue;
                    }
                };
                read.extend_from_slice(&room[..some]);
                assert_eq!(body.offset(), read.len() as u64);
                if some == 0 {
                    return read;
                }
                // By turns as a stream.
                if let Some(bytes) = body.next().await {
                    read.extend_from_slice(&bytes.expect("read"));
                }
            }
        };
        let (read, windows) = tokio::join!(reading, serve(&mut s, &text, usize::MAX));
        assert!(read == text);
        assert_eq!(windows, 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_read_holds_three_windows_and_no_other_command() {
    within(LIMIT, async {
        let text = text(100 * WINDOW);
        let (mut s, inbox) = session().await;
        let mut body = body(&inbox).begin();
        for _ in 0..2 {
            let window = asked(&mut s).await;
            answer(&mut s, window, &text, usize::MAX).await;
        }
        s.server.expect_silence(Duration::from_secs(60)).await;
        // Nothing of it is read, and everything else is answered.
        for _ in 0..3 {
            let noop = s.imap.noop();
            s.answer("NOOP", &[]).await;
            tokio::time::timeout(SOON, noop).await.expect("it does not wait").expect("done");
        }
        assert_eq!(body.next().await.expect("more").expect("read").len(), WINDOW);
        // One was read: three more are due.
        let windows = [asked(&mut s).await, asked(&mut s).await];
        s.server.expect_silence(Duration::from_secs(60)).await;
        let noop = s.imap.noop();
        for window in windows {
            answer(&mut s, window, &text, usize::MAX).await;
        }
        s.answer("NOOP", &[]).await;
        tokio::time::timeout(SOON, noop).await.expect("it does not wait").expect("done");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_expunged_midway_is_an_error_with_place_and_offset() {
    within(LIMIT, async {
        for end in ["OK done", "NO [EXPUNGEISSUED] some of them are gone"] {
            let (mut s, inbox) = session().await;
            let mut body = body(&inbox).begin();
            let first = asked(&mut s).await;
            let (tag, ..) = asked(&mut s).await;
            answer(&mut s, first, &text(WINDOW), usize::MAX).await;
            assert_eq!(body.next().await.expect("more").expect("read").len(), WINDOW);
            s.server.say("* VANISHED 11").await;
            s.server.say(&format!("{tag} {end}")).await;
            let error = body.next().await.expect("an error").expect_err("it has gone");
            assert_eq!(error.kind(), ErrorKind::Expunged, "{error}");
            assert_eq!(error.sent(), Sent::Fully);
            let shown = error.to_string();
            for part in ["INBOX", "uid 11", "byte 65536"] {
                assert!(shown.contains(part), "{part} in {shown}");
            }
            assert!(body.next().await.is_none());
            // What is cut off is no end for a reader, however often it asks.
            for _ in 0..2 {
                let error = body.read(&mut [0; 10]).await.expect_err("it has gone");
                assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_no_end_of_a_body() {
    within(LIMIT, async {
        let (mut s, inbox) = session().await;
        let mut body = body(&inbox).begin();
        let (first, second) = (asked(&mut s).await, asked(&mut s).await);
        answer(&mut s, first, &text(WINDOW), usize::MAX).await;
        s.server.send(format!("* 1 FETCH (UID 11 BODY[]<{}> {{70000}}\r\nabc", second.1).as_bytes()).await;
        drop(s.server);
        let mut read = Vec::new();
        let error = body.read_to_end(&mut read).await.expect_err("it is cut off");
        assert_eq!((error.kind(), read.len()), (std::io::ErrorKind::ConnectionAborted, WINDOW));
        let inner = error.into_inner().expect("the library's error");
        let inner = inner.downcast::<imap_duplex::Error>().expect("the library's error");
        assert_eq!((inner.kind(), inner.sent()), (ErrorKind::Closed, Sent::Fully));
        // Where to go on.
        assert_eq!(body.offset(), WINDOW as u64);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn dropping_a_body_disturbs_nothing() {
    within(LIMIT, async {
        let (mut s, inbox) = session().await;
        // Before anything is sent, and while windows are in flight.
        drop(body(&inbox));
        let begun = body(&inbox).begin();
        let (first, second) = (asked(&mut s).await, asked(&mut s).await);
        drop(begun);
        let mut next = body(&inbox).starting_at(3).begin();
        let windows = [first, second, asked(&mut s).await, asked(&mut s).await];
        assert_eq!(windows[2].1, 3);
        for window in windows {
            answer(&mut s, window, b"0123456789", usize::MAX).await;
        }
        assert_eq!(next.next().await.expect("more").expect("read"), "3456789");
        assert!(next.next().await.is_none());
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sends_other_bytes_is_an_error() {
    within(LIMIT, async {
        for (row, hint) in [
            ("BODY[]<5> {3}\r\nabc", "from 5 on"),
            ("BODY[] {3}\r\nabc", "which bytes"),
            // A row of flags alone answers something else.
            ("FLAGS ()", "not there"),
        ] {
            let (mut s, inbox) = session().await;
            let mut body = body(&inbox).starting_at(7).begin();
            let ((tag, ..), _) = (asked(&mut s).await, asked(&mut s).await);
            s.server.say(&format!("* 1 FETCH (UID 11 {row})")).await;
            s.server.say(&format!("{tag} OK done")).await;
            let error = body.next().await.expect("an error").expect_err("other bytes");
            assert!(error.to_string().contains(hint), "{error}");
        }
    })
    .await;
}

/// It sends the whole section for each window: read once, within the limits.
#[tokio::test(start_paused = true)]
async fn a_server_without_windows_sends_the_whole() {
    within(LIMIT, async {
        let text = text(3 * WINDOW);
        let (mut s, inbox) = session().await;
        let mut body = body(&inbox).begin();
        let tags = [asked(&mut s).await.0, asked(&mut s).await.0];
        for tag in tags {
            s.server.send(format!("* 1 FETCH (UID 11 BODY[] {{{}}}\r\n", text.len()).as_bytes()).await;
            s.server.send(&text).await;
            s.server.say(")").await;
            s.server.say(&format!("{tag} OK done")).await;
        }
        let mut read = Vec::new();
        body.read_to_end(&mut read).await.expect("read");
        assert!(read == text);
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_window_is_longer_than_the_limits_allow() {
    within(LIMIT, async {
        let mut limits = Limits::default();
        limits.literal = 9000;
        let mut s = Session::with(&quiet().limits(limits), CAPABILITIES).await;
        let inbox = s.select(&[11]).await;
        let text = text(100_000);
        let mut read = Vec::new();
        let mut body = body(&inbox).expecting(100_000);
        let (copied, _) = tokio::join!(copy_buf(&mut body, &mut read), serve(&mut s, &text, usize::MAX));
        assert_eq!(copied.expect("read"), 100_000);
        assert!(read == text);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_server_decodes_a_part_where_it_can() {
    within(LIMIT, async {
        let part = |inbox: &Mailbox| inbox.body(uid(11), Section::Part(Part::new(2))).binary();
        let (_s, inbox) = session().await;
        let error = part(&inbox).next().await.expect("an error").expect_err("it has no BINARY");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No), "{error}");

        let mut s = Session::with(&quiet(), &format!("{CAPABILITIES} BINARY")).await;
        let inbox = s.select(&[11]).await;
        let mut read = Vec::new();
        let mut body = part(&inbox).expecting(5);
        let served = async {
            let (tag, line) = s.server.expect_start("UID FETCH 11 (BINARY.PEEK[2]<0.").await;
            assert!(line.ends_with(">)"), "{line}");
            s.server.send(b"* 1 FETCH (UID 11 BINARY[2]<0> ~{5}\r\na\0b\r\n)\r\n").await;
            s.server.say(&format!("{tag} OK done")).await;
        };
        let (done, ()) = tokio::join!(body.read_to_end(&mut read), served);
        done.expect("read");
        assert_eq!(read, b"a\0b\r\n");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_part_is_decoded_while_it_is_read() {
    within(LIMIT, async {
        let (mut s, inbox) = session().await;
        let part = || inbox.body(uid(11), Section::Part(Part::new(2))).expecting(30);
        assert_eq!(part().decoded("x-uuencode").expect_err("unknown").kind(), ErrorKind::Unsupported);
        for (encoding, encoded, decoded) in
            [("BASE64", "aGVs\r\nbG8=\r\n", "hello"), ("quoted-printable", "a=3Db=\r\nc  ", "a=bc")]
        {
            let mut read = String::new();
            let mut body = part().decoded(encoding).expect("known");
            let served = async {
                let (tag, _) = s.server.expect_start("UID FETCH 11 (BODY.PEEK[2]<0.").await;
                let row = format!("* 1 FETCH (UID 11 BODY[2]<0> {{{}}}\r\n{encoded})", encoded.len());
                s.server.say(&row).await;
                s.server.say(&format!("{tag} OK done")).await;
                // What was expected is longer: it is asked whether there is more.
                let (tag, _) = s.server.expect_start("UID FETCH 11 (BODY.PEEK[2]<").await;
                s.server.say(&format!("* 1 FETCH (UID 11 BODY[2]<{}> \"\")", encoded.len())).await;
                s.server.say(&format!("{tag} OK done")).await;
            };
            let (done, ()) = tokio::join!(body.read_to_string(&mut read), served);
            done.expect("read");
            assert_eq!(read, decoded);
        }
    })
    .await;
}
