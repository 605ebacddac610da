//! Promise 10, of literals that are read out of rows while they come: one that is read slowly holds
//! the server back only while no other command is there; after that it is kept up to
//! `Limits::unread`, and past it that literal alone ends with `Overrun`. And what else they promise: none is bounded by
//! what is held, and what is cut off is never taken for the end.

use std::time::Duration;

use imap_duplex::command::{Fetch, Items, Search};
use imap_duplex::types::{Limits, Section, Seq};
use imap_duplex::{ErrorKind, Mailbox, RowLiteral, RowPart, RowParts, Sent, Token};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use crate::client::uid;
use crate::session::{CAPABILITIES, LIMIT, Session, blind, quiet};
use crate::support::wire::Peer;
use crate::support::within;

const HOLD: Duration = Duration::from_secs(5);
/// Longer than anything takes that does not wait for time to pass.
const SOON: Duration = Duration::from_millis(1);
/// From this size on literals are streamed.
const FROM: u64 = 10_000;

/// A body of so many bytes, none like its neighbours.
fn text(size: usize) -> Vec<u8> {
    (0..size).map(|at| b'a' + u8::try_from((at / 7 + at % 11) % 26).expect("small")).collect()
}

async fn session(limits: Limits) -> (Session, Mailbox) {
    let mut s = Session::on(&quiet().limits(limits), CAPABILITIES, Peer::pair_of(1000), true).await;
    let inbox = s.select(&[11, 12, 13]).await;
    s.events.ready();
    (s, inbox)
}

/// Limits by which so much may wait before the server does, and so much at all.
fn limits(backlog: usize, unread: usize) -> Limits {
    let mut limits = Limits::default();
    (limits.backlog, limits.unread, limits.hold) = (backlog, unread, HOLD);
    limits
}

/// A FETCH of all bodies, which the server has received: its tag, and its parts.
async fn fetch(s: &mut Session, inbox: &Mailbox) -> (String, RowParts) {
    let parts = inbox.fetch(uid(11).., Items::body()).stream_literals(FROM);
    (s.server.expect("UID FETCH 11:* (BODY.PEEK[])").await, parts)
}

/// The beginning of a row with a literal of this size.
fn begin(seq: usize, size: u64) -> String {
    format!("* {seq} FETCH (UID {} BODY[] {{{size}}}\r\n", seq + 10)
}

/// A whole row.
fn row(seq: usize, text: &[u8]) -> Vec<u8> {
    [begin(seq, text.len() as u64).as_bytes(), text, b")\r\n"].concat()
}

/// The next part, which has to be there already, or come without time passing.
async fn part(parts: &mut RowParts) -> RowPart {
    let part = tokio::time::timeout(SOON, parts.next()).await.expect("it is there");
    part.expect("a part").expect("no error")
}

async fn literal(parts: &mut RowParts) -> RowLiteral {
    match part(parts).await {
        RowPart::Literal(literal) => literal,
        other => panic!("{other:?}"),
    }
}

/// The UID of the next part, which has to be a row; and the length of its body, if it is held.
async fn whole_row(parts: &mut RowParts) -> (u32, Option<usize>) {
    match part(parts).await {
        RowPart::Row(row) => (row.uid().expect("it has one").get(), row.body().map(|body| body.len())),
        other => panic!("{other:?}"),
    }
}

async fn end(parts: &mut RowParts) {
    assert!(tokio::time::timeout(SOON, parts.next()).await.expect("at once").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_literal_is_read_while_it_comes_and_its_row_follows() {
    within(LIMIT, async {
        let (mut s, inbox) = session(Limits::default()).await;
        let (tag, mut parts) = fetch(&mut s, &inbox).await;
        let all = text(50_000);
        s.server.send(begin(1, 50_000).as_bytes()).await;
        s.server.send(&all[..100]).await;
        let mut literal = literal(&mut parts).await;
        assert_eq!(
            (literal.uid(), literal.size(), literal.section()),
            (Some(uid(11)), 50_000, &Section::Full)
        );
        let first = literal.next().await.expect("some").expect("no error");
        assert_eq!((&*first, literal.offset()), (&all[..100], 100));
        // Between two bytes of it the row is not there.
        assert!(tokio::time::timeout(SOON, parts.next()).await.is_err());
        let mut rest = Vec::new();
        let (read, ()) = tokio::join!(literal.read_to_end(&mut rest), s.server.send(&all[100..]));
        assert_eq!((read.expect("whole"), &rest[..]), (49_900, &all[100..]));
        s.server.send(b" FLAGS (\\Seen))\r\n").await;
        let RowPart::Row(row) = part(&mut parts).await else { panic!("a row") };
        assert_eq!((row.uid(), row.body(), row.sections().len()), (Some(uid(11)), None, 1));
        assert_eq!(row.flags().map(|flags| flags.len()), Some(1));
        // One that is short is held, and one behind it is streamed.
        s.server.send(&row_of_two(&all)).await;
        let mut other = self::literal(&mut parts).await;
        assert_eq!(other.section(), &Section::Text);
        rest.clear();
        other.read_to_end(&mut rest).await.expect("whole");
        assert_eq!(rest, all);
        let RowPart::Row(row) = part(&mut parts).await else { panic!("a row") };
        assert_eq!(row.body().map(|body| body.len()), Some(5000));
        s.server.say(&format!("{tag} OK fetched")).await;
        end(&mut parts).await;
    })
    .await;
}

fn row_of_two(all: &[u8]) -> Vec<u8> {
    let first = [b"* 2 FETCH (UID 12 BODY[] {5000}\r\n", &all[..5000]].concat();
    [&first, &b" BODY[TEXT] {50000}\r\n"[..], all, b")\r\n"].concat()
}

#[tokio::test(start_paused = true)]
async fn a_literal_is_bounded_by_nothing_that_is_held() {
    within(LIMIT, async {
        let mut limits = Limits::default();
        (limits.literal, limits.response, limits.line) = (20_000, 30_000, 2000);
        let (mut s, inbox) = session(limits).await;
        let (tag, mut parts) = fetch(&mut s, &inbox).await;
        // A size of 64 bits, of which some comes.
        let all = text(300_000);
        let mut read = Vec::new();
        let reader = async { literal(&mut parts).await.read_to_end(&mut read).await };
        let bytes = row(1, &all);
        let (result, ()) = tokio::join!(reader, s.server.send(&bytes));
        assert_eq!((result.expect("whole"), &read), (300_000, &all));
        assert_eq!(whole_row(&mut parts).await, (11, None));
        s.server.send(begin(2, u64::MAX - 5).as_bytes()).await;
        let mut endless = literal(&mut parts).await;
        assert_eq!(endless.size(), u64::MAX - 5);
        s.server.send(b"some").await;
        assert_eq!(&*endless.next().await.expect("some").expect("no error"), b"some");
        drop(s.server);
        let error = endless.next().await.expect("an error").expect_err("cut off");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Closed, Sent::Fully));
        assert!(error.to_string().contains(&format!("uid 12, at byte 4 of the {}", u64::MAX - 5)), "{error}");
        assert!(endless.next().await.is_none());
        let again = endless.read_u8().await.expect_err("never the end").to_string();
        assert!(again.contains("at byte 4"), "{again}");
        let last = parts.next().await.expect("an error").expect_err("cut off");
        assert_eq!(last.kind(), ErrorKind::Closed);
        let _ = tag;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_server_waits_for_an_unread_literal_and_no_longer_than_it_may() {
    within(LIMIT, async {
        let (mut s, inbox) = session(limits(10_000, 1 << 20)).await;
        let (tag, mut parts) = fetch(&mut s, &inbox).await;
        let all = row(1, &text(200_000));
        let begun = Instant::now();
        let first = s.server.send_what_it_takes(&all, HOLD - SOON).await;
        assert!((10_000..=20_000).contains(&first), "{first} bytes were taken");
        // What is read lets it go on at once.
        let mut literal = literal(&mut parts).await;
        let mut some = vec![0; 10_000];
        literal.read_exact(&mut some).await.expect("there");
        let more = s.server.send_what_it_takes(&all[first..], SOON).await;
        assert!((5000..=20_000).contains(&more), "{more} bytes were taken");
        assert!(begun.elapsed() < HOLD + SOON);
        // Nothing is read for too long: the rest is kept.
        let begun = Instant::now();
        s.server.send(&all[first + more..]).await;
        s.server.say(&format!("{tag} OK fetched")).await;
        assert!(begun.elapsed() <= HOLD + SOON, "{:?}", begun.elapsed());
        let mut rest = Vec::new();
        literal.read_to_end(&mut rest).await.expect("all is there");
        assert_eq!([some, rest].concat(), text(200_000));
        assert_eq!(whole_row(&mut parts).await, (11, None));
        end(&mut parts).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_command_is_answered_meanwhile_and_past_unread_the_literal_ends_alone() {
    within(LIMIT, async {
        for (size, fits) in [(90_000, true), (300_000, false)] {
            let (mut s, inbox) = session(limits(10_000, 100_000)).await;
            let (tag, mut parts) = fetch(&mut s, &inbox).await;
            let search = inbox.search(Search::unseen());
            let begun = Instant::now();
            s.server.send(&row(1, &text(size))).await;
            s.server.send(&row(2, b"short")).await;
            s.server.say(&format!("{tag} OK fetched")).await;
            let tag = s.server.expect("UID SEARCH RETURN (ALL) UNSEEN").await;
            s.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ALL 12")).await;
            s.server.say(&format!("{tag} OK searched")).await;
            assert_eq!(search.await.expect("found").len(), 1);
            assert_eq!(begun.elapsed(), Duration::ZERO, "nothing waited for time to pass");
            let mut literal = literal(&mut parts).await;
            let mut read = Vec::new();
            let result = literal.read_to_end(&mut read).await;
            assert_eq!((result.is_ok(), &read[..]), (fits, &text(size)[..read.len()]));
            if !fits {
                assert!((90_000..=100_000).contains(&read.len()), "{} bytes were kept", read.len());
                let error = result.expect_err("too much").to_string();
                assert!(error.contains("Limits::unread (100000 bytes)"), "{error}");
                assert!(error.contains(&format!("uid 11, at byte {}", read.len())), "{error}");
            }
            // The rows go on.
            assert_eq!(whole_row(&mut parts).await, (11, None));
            assert_eq!(whole_row(&mut parts).await, (12, Some(5)));
            end(&mut parts).await;
        }
    })
    .await;
}

/// However many literals are left unread, together they have one bound.
#[tokio::test(start_paused = true)]
async fn literals_that_are_collected_unread_have_one_bound_together() {
    within(LIMIT, async {
        let (mut s, inbox) = session(limits(10_000, 100_000)).await;
        let (tag, mut parts) = fetch(&mut s, &inbox).await;
        let noop = s.imap.noop();
        let mut kept = Vec::new();
        for seq in 1..=3 {
            s.server.send(&row(seq, &text(60_000))).await;
            kept.push(literal(&mut parts).await);
            assert_eq!(whole_row(&mut parts).await.1, None);
        }
        s.server.say(&format!("{tag} OK fetched")).await;
        s.answer("NOOP", &[]).await;
        noop.await.expect("done");
        end(&mut parts).await;
        let (mut read, mut kinds) = (0, Vec::new());
        for literal in &mut kept {
            loop {
                match literal.next().await {
                    Some(Ok(bytes)) => read += bytes.len(),
                    Some(Err(error)) => kinds.push(error.kind()),
                    None => break,
                }
            }
        }
        assert_eq!(kinds, [ErrorKind::Overrun, ErrorKind::Overrun]);
        assert!((90_000..=100_000).contains(&read), "{read} bytes were kept");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_dropped_disturbs_nothing() {
    within(LIMIT, async {
        let (mut s, inbox) = session(limits(10_000, 100_000)).await;
        // The literal, of which the rest is thrown away.
        let (tag, mut parts) = fetch(&mut s, &inbox).await;
        let all = row(1, &text(500_000));
        let begun = Instant::now();
        let sent = s.server.send_what_it_takes(&all, SOON).await;
        drop(literal(&mut parts).await);
        s.server.send(&all[sent..]).await;
        assert!(begun.elapsed() <= SOON, "the server is not held back for what is thrown away");
        assert_eq!(whole_row(&mut parts).await, (11, None));
        // The rows, while a literal is read to its end, and one is never read.
        let sent = s.server.send_what_it_takes(&all, SOON).await;
        let mut literal = self::literal(&mut parts).await;
        drop(parts);
        let mut read = Vec::new();
        let (result, ()) = tokio::join!(literal.read_to_end(&mut read), s.server.send(&all[sent..]));
        assert_eq!((result.expect("whole"), &read[..]), (500_000, &text(500_000)[..]));
        let begun = Instant::now();
        s.server.send(&row(2, &text(500_000))).await;
        s.server.say(&format!("{tag} OK fetched")).await;
        s.noop(&[]).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    })
    .await;
}

/// Two that ask for the same of the same message: whose the literal is shows only later.
#[tokio::test(start_paused = true)]
async fn a_literal_goes_to_the_command_whose_it_surely_is() {
    within(LIMIT, async {
        let (mut s, inbox) = session(Limits::default()).await;
        let stream = |token: Token<Fetch>| token.stream_literals(FROM);
        // Of other messages: each its own.
        let mut first = stream(inbox.fetch(uid(11), Items::body()));
        let mut second = stream(inbox.fetch(uid(12), Items::body()));
        let [one, two] = [
            s.server.expect("UID FETCH 11 (BODY.PEEK[])").await,
            s.server.expect("UID FETCH 12 (BODY.PEEK[])").await,
        ];
        let all = text(40_000);
        s.server.send(&row(1, &all)).await;
        s.server.say(&format!("{one} OK fetched")).await;
        s.server.send(&row(2, &all)).await;
        s.server.say(&format!("{two} OK fetched")).await;
        for (parts, number) in [(&mut first, 11), (&mut second, 12)] {
            let mut literal = literal(parts).await;
            assert_eq!(literal.uid(), Some(uid(number)));
            let mut read = Vec::new();
            literal.read_to_end(&mut read).await.expect("whole");
            assert_eq!(read, all);
            assert_eq!(whole_row(parts).await, (number, None));
            end(parts).await;
        }
        // One that did not ask for streaming has its row whole.
        let token = inbox.fetch(uid(11), Items::body());
        let tag = s.server.expect("UID FETCH 11 (BODY.PEEK[])").await;
        s.server.send(&row(1, &all)).await;
        s.server.say(&format!("{tag} OK fetched")).await;
        let rows = token.await.expect("fetched");
        assert_eq!(rows[0].body().map(|body| body.len()), Some(40_000));
    })
    .await;
}

/// A row whose UID is not known yet may be that of another command, which named the message by UID
/// and asked for more: it is routed when it is whole.
#[tokio::test(start_paused = true)]
async fn a_literal_is_kept_while_its_message_has_no_uid_and_two_may_have_asked_for_it() {
    within(LIMIT, async {
        let mut s = Session::on(&blind(), CAPABILITIES, Peer::pair_of(1000), true).await;
        let inbox = s.select_blind(3).await;
        let _first = inbox.fetch(Seq::new(1).expect("a number"), Items::body()).stream_literals(FROM);
        let second = inbox.fetch(uid(11), Items::body().size());
        let one = s.server.expect("FETCH 1 (UID BODY.PEEK[])").await;
        let two = s.server.expect("UID FETCH 11 (RFC822.SIZE BODY.PEEK[])").await;
        whole_row_is_of_the_second(&mut s, second, (&one, &two)).await;
    })
    .await;
}

/// The same of a message whose body another command has already, and not its size.
#[tokio::test(start_paused = true)]
async fn a_literal_is_kept_while_its_row_may_hold_what_another_command_lacks() {
    within(LIMIT, async {
        let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair_of(1000), true).await;
        let inbox = s.select(&[11, 12, 13]).await;
        let second = inbox.fetch(uid(11).., Items::body().size());
        let _first = inbox.fetch(uid(11)..=uid(12), Items::body()).stream_literals(FROM);
        let two = s.server.expect("UID FETCH 11:* (RFC822.SIZE BODY.PEEK[])").await;
        let one = s.server.expect("UID FETCH 11:12 (BODY.PEEK[])").await;
        // A row of the other one, which the server answers first.
        s.server.send(&row(1, &text(40_000))).await;
        whole_row_is_of_the_second(&mut s, second, (&one, &two)).await;
    })
    .await;
}

/// Answers both, the second one first, with a row that has its UID at the end.
async fn whole_row_is_of_the_second(s: &mut Session, second: Token<Fetch>, (one, two): (&str, &str)) {
    let all = text(40_000);
    let begin = format!("* 1 FETCH (BODY[] {{{}}}\r\n", all.len());
    let row = [begin.as_bytes(), &all, b" RFC822.SIZE 40000 UID 11)\r\n"].concat();
    s.server.send(&row).await;
    s.server.say(&format!("{two} OK fetched")).await;
    let sizes: Vec<_> = second.await.expect("fetched").iter().map(|row| row.size()).collect();
    assert_eq!(sizes, [Some(40_000)], "its row");
    s.server.say(&format!("{one} OK fetched")).await;
}

/// Bytes that are there are read many at once, however the reading began: each piece costs a reader
/// such as a file a turn of its own.
#[tokio::test(start_paused = true)]
async fn a_literal_comes_in_large_pieces_to_a_slow_reader() {
    const SIZE: usize = 2 << 20;
    within(LIMIT, async {
        let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair_of(1 << 20), true).await;
        let inbox = s.select(&[11]).await;
        let (tag, mut parts) = fetch(&mut s, &inbox).await;
        let all = text(SIZE);
        let server = async {
            s.server.send(&row(1, &all)).await;
            s.server.say(&format!("{tag} OK fetched")).await;
        };
        let reader = async {
            let mut literal = literal(&mut parts).await;
            let (mut read, mut pieces) = (0, 0);
            while let Some(piece) = literal.next().await {
                let piece = piece.expect("no error");
                assert_eq!(*piece, all[read..read + piece.len()]);
                (read, pieces) = (read + piece.len(), pieces + 1);
                tokio::time::sleep(SOON).await;
            }
            (read, pieces)
        };
        let (_, (read, pieces)) = tokio::join!(server, reader);
        assert_eq!(read, SIZE);
        assert!(pieces <= SIZE >> 14, "{pieces} pieces");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_ends_the_literal_too() {
    within(LIMIT, async {
        let (mut s, inbox) = session(Limits::default()).await;
        let token = inbox.fetch(uid(11), Items::body()).timeout(Duration::from_secs(3));
        let mut parts = token.stream_literals(FROM);
        let tag = s.server.expect("UID FETCH 11 (BODY.PEEK[])").await;
        let all = row(1, &text(30_000));
        s.server.send(&all[..20_000]).await;
        let mut literal = literal(&mut parts).await;
        let mut read = Vec::new();
        let error = literal.read_to_end(&mut read).await.expect_err("too slow");
        let error = error.get_ref().and_then(|e| e.downcast_ref::<imap_duplex::Error>()).expect("ours");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Timeout, Sent::Fully));
        assert_eq!(parts.next().await.expect("an error").expect_err("too slow").kind(), ErrorKind::Timeout);
        s.server.send(&all[20_000..]).await;
        s.server.say(&format!("{tag} OK fetched")).await;
        s.noop(&[]).await;
    })
    .await;
}

/// The server expunges the message while it sends it, and can but hang up: the error says so.
#[tokio::test(start_paused = true)]
async fn a_message_that_goes_midway_is_an_error_that_says_where() {
    within(LIMIT, async {
        let (mut s, inbox) = session(Limits::default()).await;
        let (tag, mut parts) = fetch(&mut s, &inbox).await;
        s.server.send(&row(1, b"short")).await;
        s.server.say(&format!("{tag} NO [EXPUNGEISSUED] some are no longer there")).await;
        assert_eq!(whole_row(&mut parts).await, (11, Some(5)));
        let error = parts.next().await.expect("an error").expect_err("gone");
        assert!(error.to_string().contains("no longer there"), "{error}");
        let (_, mut parts) = fetch(&mut s, &inbox).await;
        s.server.send(&row(1, &text(30_000))[..20_000]).await;
        let mut literal = literal(&mut parts).await;
        drop(s.server);
        let mut read = Vec::new();
        let error = literal.read_to_end(&mut read).await.expect_err("cut off");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
        assert!(
            error.to_string().contains(&format!("uid 11, at byte {} of the 30000", read.len())),
            "{error}"
        );
    })
    .await;
}
