//! Promise 10: a slow reader blocks no command. A full result holds the socket back only while no
//! other command is there, and never longer than `Limits::hold`; after that its rows are kept up to
//! `Limits::unread`, and past it that result alone ends with `Overrun`.

use std::time::Duration;

use imap_duplex::command::{Fetch, Items};
use imap_duplex::types::{EventKind, Limits};
use imap_duplex::{ErrorKind, Mailbox, Rows, Sent};
use tokio::time::Instant;

use crate::client::{brief, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

const ON_WIRE: usize = 100;
const HOLD: Duration = Duration::from_secs(5);
/// Longer than anything takes that does not wait for time to pass.
const SOON: Duration = Duration::from_millis(1);
/// How much is under way between server and client.
const PIPE: usize = 1000;

/// The row of this message, 100 bytes with its end; it is the `seq`th.
fn row(seq: usize, uid: usize) -> String {
    let row = format!("* {seq} FETCH (UID {uid} BODY[] \"\")\r\n");
    let filling = "x".repeat(ON_WIRE - row.len());
    row.replace("\"\"", &format!("\"{filling}\""))
}

fn rows(count: usize) -> String {
    (1..=count).map(|n| row(n, n)).collect()
}

/// How a result is read.
#[derive(Clone, Copy)]
enum Read {
    Streamed,
    Awaited,
    Detached,
}

/// What one row weighs, which is what it takes in memory: found out by how many fit.
async fn weight(read: Read) -> usize {
    const ROOM: usize = 1 << 20;
    let mut limits = Limits::default();
    (limits.unread, limits.result, limits.hold) = (ROOM, ROOM, Duration::ZERO);
    let (mut s, inbox) = with(limits, 2000).await;
    let token = inbox.fetch(uid(1).., Items::body());
    let tag = s.server.expect("UID FETCH 1:* (BODY.PEEK[])").await;
    let (token, stream) = match read {
        Read::Awaited => (Some(token), None),
        Read::Streamed => (None, Some(token.stream())),
        Read::Detached => {
            token.detach();
            (None, None)
        }
    };
    s.server.send(rows(2000).as_bytes()).await;
    s.server.say(&format!("{tag} OK fetched")).await;
    s.noop(&[]).await;
    let count = match (token, stream) {
        // An error keeps as many of so few.
        (Some(token), _) => token.await.expect_err("too many").answers().len(),
        (_, Some(mut stream)) => rest(&mut stream).await.0,
        _ => s.events.ready_briefs().iter().filter(|reported| reported.starts_with("data fetch")).count(),
    };
    assert!((100..1999).contains(&count), "{count} rows in {ROOM} bytes");
    ROOM / count
}

/// Room for so many rows, and not for one more.
fn room(rows: usize, weight: usize) -> usize {
    rows * weight + weight / 4
}

async fn limits(backlog: usize, unread: usize, read: Read) -> Limits {
    let mut limits = Limits::default();
    let weight = weight(read).await;
    (limits.backlog, limits.unread, limits.hold) = (room(backlog, weight), room(unread, weight), HOLD);
    limits
}

/// A session with so many messages selected, in which so many rows may wait before the server does,
/// and so many at all.
async fn session(backlog: usize, unread: usize, messages: usize) -> (Session, Mailbox) {
    with(limits(backlog, unread, Read::Streamed).await, messages).await
}

/// The same for a result that is detached.
async fn detached(backlog: usize, unread: usize, messages: usize) -> (Session, Mailbox) {
    with(limits(backlog, unread, Read::Detached).await, messages).await
}

async fn with(limits: Limits, messages: usize) -> (Session, Mailbox) {
    let mut s = Session::on(&quiet().limits(limits), CAPABILITIES, Peer::pair_of(PIPE), true).await;
    let uids: Vec<u32> = (1..=u32::try_from(messages).expect("few")).collect();
    let inbox = s.select(&uids).await;
    (s, inbox)
}

/// A FETCH of all, which the server has received: its tag, and the rows.
async fn fetch(s: &mut Session, inbox: &Mailbox) -> (String, Rows<Fetch>) {
    let rows = inbox.fetch(uid(1).., Items::body()).stream();
    (s.server.expect("UID FETCH 1:* (BODY.PEEK[])").await, rows)
}

/// The UID of the next row, which has to be there already.
async fn next(rows: &mut Rows<Fetch>) -> u32 {
    let row = tokio::time::timeout(SOON, rows.next()).await.expect("it is there");
    row.expect("a row").expect("no error").uid().expect("it has one").get()
}

/// How many rows are left; and what ended them.
async fn rest(rows: &mut Rows<Fetch>) -> (usize, Option<imap_duplex::Error>) {
    let mut count = 0;
    while let Some(row) = rows.next().await {
        match row {
            Ok(_) => count += 1,
            Err(error) => {
                assert!(rows.next().await.is_none(), "nothing behind the error");
                return (count, Some(error));
            }
        }
    }
    (count, None)
}

#[tokio::test(start_paused = true)]
async fn the_server_waits_for_an_unread_stream_and_no_longer_than_it_may() {
    within(LIMIT, async {
        let (mut s, inbox) = session(20, 1000, 200).await;
        let (tag, mut stream) = fetch(&mut s, &inbox).await;
        let all = rows(200);
        let begun = Instant::now();
        let first = s.server.send_what_it_takes(all.as_bytes(), HOLD - SOON).await;
        let bound = (20 + 1) * ON_WIRE + 2 * PIPE;
        assert!((20 * ON_WIRE..=bound).contains(&first), "{first} bytes were taken");
        assert!(begun.elapsed() < HOLD);
        // Now it reads on, keeps the rows, and waits no more.
        s.server.send(&all.as_bytes()[first..]).await;
        s.server.say(&format!("{tag} OK fetched")).await;
        assert!(begun.elapsed() <= HOLD + SOON, "{:?}", begun.elapsed());
        assert!(matches!(rest(&mut stream).await, (200, None)));
    })
    .await;
}

/// Rows that come in one read are handled one by one, wherever the reader makes the server wait,
/// and in their order with what stands between them: unasked lines, a literal, an unusual row.
#[tokio::test(start_paused = true)]
async fn a_read_of_many_rows_is_handled_in_its_order_between_all_waits() {
    within(LIMIT, async {
        for backlog in [1, 2, 15, 16, 17, 33, 1000] {
            let limits = limits(backlog, 1000, Read::Streamed).await;
            let mut s =
                Session::on(&quiet().limits(limits), CAPABILITIES, Peer::pair_of(1 << 20), true).await;
            let inbox = s.select(&(1..=100).collect::<Vec<u32>>()).await;
            let (tag, mut stream) = fetch(&mut s, &inbox).await;
            let mut all = String::new();
            for n in 1..=100 {
                all += &match n {
                    20 => format!("* 101 EXISTS\r\n{}", row(n, n)),
                    40 => "* 40 FETCH (UID 40 BODY[] {3}\r\nabc)\r\n".into(),
                    57 => "* 57 fetch (BODY[] \"\"  UID 57)\r\n".into(),
                    73 => format!("* OK [ALERT] midway\r\n* NO late\r\n{}", row(n, n)),
                    _ => row(n, n),
                };
            }
            all += &format!("{tag} OK fetched\r\n");
            s.server.send(all.as_bytes()).await;
            for n in 1..=100 {
                assert_eq!(next(&mut stream).await, n, "{backlog}");
                tokio::time::sleep(SOON).await;
            }
            assert!(stream.next().await.is_none());
            let events = s.events.ready_briefs();
            let found = |what: &str| events.iter().position(|event| event.contains(what));
            let order = (found("exists"), found("midway"), found("late"));
            assert!(matches!(order, (Some(a), Some(b), Some(c)) if a < b && b < c), "{events:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_read_lets_the_server_go_on_at_once() {
    within(LIMIT, async {
        let (mut s, inbox) = session(20, 1000, 200).await;
        let (tag, mut stream) = fetch(&mut s, &inbox).await;
        let all = rows(200);
        let sent = s.server.send_what_it_takes(all.as_bytes(), SOON).await;
        let begun = Instant::now();
        for n in 1..=20 {
            assert_eq!(next(&mut stream).await, n);
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let more = s.server.send_what_it_takes(&all.as_bytes()[sent..], SOON).await;
        assert!((10 * ON_WIRE..=30 * ON_WIRE).contains(&more), "{more} bytes were taken");
        let left = all[sent + more..].to_owned();
        let server = async {
            s.server.send(left.as_bytes()).await;
            s.server.say(&format!("{tag} OK fetched")).await;
        };
        let ((count, error), ()) = tokio::join!(rest(&mut stream), server);
        assert_eq!((count, error.is_none()), (180, true));
        assert!(begun.elapsed() < SOON * 10, "no hold ran out: {:?}", begun.elapsed());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_slow_and_goes_on_is_waited_for_however_long_it_takes() {
    within(LIMIT, async {
        // Half of the backlog takes longer to read than a server may be silent: 45 rows, 4 s each.
        let (mut s, inbox) = session(90, 180, 140).await;
        let (tag, mut stream) = fetch(&mut s, &inbox).await;
        let mut all = rows(140);
        all.push_str(&format!("{tag} OK fetched\r\n"));
        let reader = async {
            for n in 1..=140 {
                tokio::time::sleep(HOLD - Duration::from_secs(1)).await;
                assert_eq!(next(&mut stream).await, n);
            }
        };
        let begun = Instant::now();
        let server = async {
            let taken = s.server.send_what_it_takes(all.as_bytes(), HOLD * 60).await;
            assert_eq!(taken, all.len());
            assert!(begun.elapsed() > Duration::from_secs(120), "it waited {:?}", begun.elapsed());
        };
        tokio::join!(reader, server);
        assert!(matches!(rest(&mut stream).await, (0, None)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_command_is_not_kept_waiting() {
    within(LIMIT, async {
        let (mut s, inbox) = session(20, 1000, 200).await;
        let (tag, mut stream) = fetch(&mut s, &inbox).await;
        let all = rows(200);
        let sent = s.server.send_what_it_takes(all.as_bytes(), SOON).await;
        assert!(sent < all.len());
        let begun = Instant::now();
        let noop = s.imap.noop();
        let server = async {
            // The server carries out one after the other.
            s.server.send(&all.as_bytes()[sent..]).await;
            s.server.say(&format!("{tag} OK fetched")).await;
            s.answer("NOOP", &[]).await;
        };
        let (done, ()) = tokio::join!(noop, server);
        done.expect("the server said OK");
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert!(matches!(rest(&mut stream).await, (200, None)));
    })
    .await;
}

/// The server's side of a FETCH of all that is followed by MOVEs of single messages, in order.
async fn fetch_and_moves(server: &mut Peer, tag: &str, messages: usize) {
    server.send(rows(messages).as_bytes()).await;
    server.say(&format!("{tag} OK fetched")).await;
    for n in 1.. {
        let line = server.next_line().await;
        match line.split_once(' ') {
            Some((tag, "NOOP")) => return server.say(&format!("{tag} OK done")).await,
            Some((tag, command)) => {
                assert_eq!(command, format!("UID MOVE {n} Archive"));
                server.say(&format!("* OK [COPYUID 9 {n} {n}] moved")).await;
                server.say("* 1 EXPUNGE").await;
                server.say(&format!("{tag} OK done")).await;
            }
            None => panic!("no command: {line}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_awaits_another_command_for_each_row_ends() {
    within(LIMIT, async {
        // All rows fit into what may be kept; then far more come than that.
        for (messages, unread, kept) in [(300, 1000, 300), (300, 50, 51)] {
            let (mut s, inbox) = session(20, unread, messages).await;
            let (tag, mut stream) = fetch(&mut s, &inbox).await;
            let imap = s.imap.clone();
            let begun = Instant::now();
            let client = async {
                let (mut moved, mut end) = (0, None);
                while let Some(row) = stream.next().await {
                    let Ok(row) = row.map_err(|error| end = Some(error)) else { break };
                    inbox.move_to(row.uid().expect("it has one"), "Archive").await.expect("moved");
                    moved += 1;
                }
                imap.noop().await.expect("the connection is whole");
                (moved, end)
            };
            let ((moved, end), ()) = tokio::join!(client, fetch_and_moves(&mut s.server, &tag, messages));
            assert!(begun.elapsed() < SOON, "nothing waited for time to pass: {:?}", begun.elapsed());
            assert!((kept - 1..=kept + 50).contains(&moved), "{moved} rows were there");
            match end {
                None => assert_eq!(moved, messages),
                Some(error) => assert_eq!(error.kind(), ErrorKind::Overrun),
            }
            assert_eq!(inbox.exists() as usize, messages - moved);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_overrun_names_its_limit_and_hurts_that_result_alone() {
    within(LIMIT, async {
        let (mut s, inbox) = session(20, 50, 200).await;
        let (tag, mut unread) = fetch(&mut s, &inbox).await;
        let mut other = s.imap.list("*").stream();
        let list = s.server.expect("LIST \"\" *").await;
        let begun = Instant::now();
        for n in 1..=200 {
            s.server.send(row(n, n).as_bytes()).await;
            s.server.say(&format!("* LIST () \"/\" box-{n}")).await;
            let entry = other.next().await.expect("an entry").expect("no error");
            assert_eq!(entry.name.as_str(), format!("box-{n}"));
        }
        // It ends as soon as it is known to, though the server has not done yet.
        let (count, error) = rest(&mut unread).await;
        let error = error.expect("an overrun");
        assert_eq!((count, error.kind(), error.sent()), (50, ErrorKind::Overrun, Sent::Fully));
        assert_eq!(error.command(), Some("FETCH"));
        assert!(error.to_string().contains("Limits::unread ("), "{error}");
        s.server.say(&format!("{tag} OK fetched")).await;
        s.server.say(&format!("{list} OK listed")).await;
        assert!(other.next().await.is_none(), "whole");
        s.noop(&[]).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(s.events.ready_briefs(), ["FETCH OK", "LIST OK", "NOOP OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_larger_than_all_the_room_still_comes() {
    within(LIMIT, async {
        let (mut s, inbox) = session(5, 10, 3).await;
        let (tag, mut stream) = fetch(&mut s, &inbox).await;
        let large = format!("* 1 FETCH (UID 1 BODY[] {{5000}}\r\n{})\r\n", "x".repeat(5000));
        s.server.send(large.as_bytes()).await;
        assert_eq!(next(&mut stream).await, 1);
        s.server.send(row(2, 2).as_bytes()).await;
        s.server.say(&format!("{tag} OK fetched")).await;
        assert!(matches!(rest(&mut stream).await, (1, None)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_dropped_midway_drains_and_disturbs_nothing() {
    within(LIMIT, async {
        let (mut s, inbox) = session(20, 1000, 200).await;
        let (tag, mut stream) = fetch(&mut s, &inbox).await;
        let all = rows(200);
        let sent = s.server.send_what_it_takes(all.as_bytes(), SOON).await;
        assert_eq!(next(&mut stream).await, 1);
        let begun = Instant::now();
        drop(stream);
        s.server.send(&all.as_bytes()[sent..]).await;
        s.server.say(&format!("{tag} OK fetched")).await;
        s.noop(&[]).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(s.events.ready_briefs(), ["FETCH OK", "NOOP OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_awaited_result_has_a_bound_of_its_own() {
    within(LIMIT, async {
        let mut limits = limits(20, 50, Read::Streamed).await;
        limits.result = room(100, weight(Read::Awaited).await);
        let named = format!("Limits::result ({} bytes)", limits.result);
        let (mut s, inbox) = with(limits, 200).await;
        for (messages, fits) in [(100, true), (101, false)] {
            let token = inbox.fetch(uid(1).., Items::body());
            let tag = s.server.expect("UID FETCH 1:* (BODY.PEEK[])").await;
            let begun = Instant::now();
            s.server.send(rows(messages).as_bytes()).await;
            s.server.say(&format!("{tag} OK fetched")).await;
            match token.await {
                Ok(rows) => assert_eq!((rows.len(), fits), (messages, true)),
                Err(error) => {
                    assert_eq!((error.kind(), error.answers().len()), (ErrorKind::Overrun, 100));
                    assert!(error.to_string().contains(&named), "{error}");
                    assert!(!fits);
                }
            }
            s.noop(&[]).await;
            assert_eq!(begun.elapsed(), Duration::ZERO, "the server is not kept waiting for it");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_server_waits_for_a_detached_result_too() {
    within(LIMIT, async {
        let (mut s, inbox) = detached(20, 1000, 200).await;
        inbox.fetch(uid(1).., Items::body()).detach();
        let tag = s.server.expect("UID FETCH 1:* (BODY.PEEK[])").await;
        let all = rows(200);
        let sent = s.server.send_what_it_takes(all.as_bytes(), HOLD - SOON).await;
        assert!((20 * ON_WIRE..=21 * ON_WIRE + 2 * PIPE).contains(&sent), "{sent} bytes were taken");
        // The events are read, and it reads on.
        let begun = Instant::now();
        assert!(s.events.ready().len() >= 20);
        let more = s.server.send_what_it_takes(&all.as_bytes()[sent..], SOON).await;
        assert!((10 * ON_WIRE..=21 * ON_WIRE + 2 * PIPE).contains(&more), "{more} bytes were taken");
        // Nothing is read: after a while the rest is kept.
        s.server.send(&all.as_bytes()[sent + more..]).await;
        s.server.say(&format!("{tag} OK fetched")).await;
        assert!(begun.elapsed() <= HOLD + SOON * 2, "{:?}", begun.elapsed());
        s.events.until_brief("detached FETCH OK").await;
        assert_eq!(
            (1..=200).filter(|n| s.events.count(&format!("data fetch {n} uid {n}")) == 1).count(),
            200
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_detached_result_that_is_too_much_ends_alone() {
    within(LIMIT, async {
        let (mut s, inbox) = detached(20, 50, 200).await;
        inbox.fetch(uid(1).., Items::body()).detach();
        let tag = s.server.expect("UID FETCH 1:* (BODY.PEEK[])").await;
        s.server.send(rows(200).as_bytes()).await;
        s.server.say("* OK [ALERT] look").await;
        s.server.say(&format!("{tag} OK fetched")).await;
        s.noop(&[]).await;
        let reported = s.events.ready();
        let briefs: Vec<String> = reported.iter().map(brief).collect();
        assert_eq!(briefs.iter().filter(|reported| reported.starts_with("data fetch")).count(), 50);
        assert_eq!(briefs[50..52], ["alert look", "FETCH failed"], "{briefs:?}");
        let EventKind::Failed { reason, .. } = &reported[51].kind else { panic!("{:?}", reported[51]) };
        assert!(reason.contains("Limits::unread ("), "{reason}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_collected_may_be_more_than_the_events_have_room_for() {
    within(LIMIT, async {
        let (mut s, inbox) = detached(20, 50, 200).await;
        for ended in [false, true] {
            let token = inbox.fetch(uid(1).., Items::body());
            let tag = s.server.expect("UID FETCH 1:* (BODY.PEEK[])").await;
            s.server.send(rows(200).as_bytes()).await;
            let ok = format!("{tag} OK fetched");
            if ended {
                s.server.say(&ok).await;
            }
            tokio::time::sleep(SOON).await;
            token.detach();
            if !ended {
                s.server.say(&ok).await;
            }
            s.noop(&[]).await;
            let briefs = s.events.ready_briefs();
            // The second time its end was reported before, and takes room too.
            let rows = briefs.iter().filter(|reported| reported.starts_with("data fetch")).count();
            assert_eq!(rows, if ended { 49 } else { 50 });
            assert_eq!(briefs.iter().filter(|reported| *reported == "FETCH failed").count(), 1, "{briefs:?}");
        }
    })
    .await;
}
