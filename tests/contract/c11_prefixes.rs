//! Promise 11, at whatever byte the connection breaks: the server's side of a session recorded with
//! Dovecot, cut off or stalled after each of its bytes, or with that byte doubled or garbled. Every
//! token ends, all with one cause; `Closed` is the last event; nothing hangs.

use std::path::Path;
use std::time::Duration;

use imap_duplex::command::{Append, Items, List, Search, StatusItems, Store};
use imap_duplex::types::{CloseReason, EventKind, Flag};
use imap_duplex::{Config, Error, ErrorKind, Receiver, Sender, Sent};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::client::{brief, uid};
use crate::session::quiet;
use crate::support::recording::{Recording, Said};
use crate::support::{PASSWORD, within};

/// How long one of the sessions may take, in virtual time: more than the library's silence of two
/// minutes.
const LIMIT: Duration = Duration::from_secs(1000);

/// The server's turns, with the tags of the recorded client replaced by the library's, as far as it
/// sends the same.
fn turns() -> Vec<Vec<u8>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dovecot.session");
    let recording = Recording::parse(&std::fs::read(file).expect("it is checked in")).expect("a recording");
    let mut tags: Vec<String> = Vec::new();
    let mut turns = Vec::new();
    for turn in &recording.turns {
        match turn {
            Said::Client(said) => {
                let lines = String::from_utf8_lossy(said).into_owned();
                let tag = |line: &str| line.split_once(' ').map(|(tag, _)| tag.to_owned());
                let is_tag = |tag: &String| {
                    tag.len() >= 2
                        && tag[1..].bytes().all(|b| b.is_ascii_digit())
                        && tag.starts_with(['o', 'p'])
                };
                tags.extend(lines.lines().filter_map(tag).filter(is_tag));
            }
            Said::Server(said) => turns.push(without_scram(retagged(said, &tags))),
        }
    }
    assert!(tags.len() > 12, "{tags:?}");
    turns
}

/// The recorded client logged in by PLAIN; the library would use what is stronger.
fn without_scram(said: Vec<u8>) -> Vec<u8> {
    let Ok(text) = String::from_utf8(said.clone()) else { return said };
    text.replace(" AUTH=SCRAM-SHA-1", "").replace(" AUTH=SCRAM-SHA-256", "").into_bytes()
}

/// Lines that begin with the n-th tag, and TAG "…" that name it, name the library's n-th.
fn retagged(said: &[u8], tags: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in said.split_inclusive(|byte| *byte == b'\n') {
        let mut line = line.to_vec();
        for (number, tag) in (1..).zip(tags) {
            if let Some(rest) = line.strip_prefix(format!("{tag} ").as_bytes()) {
                line = [format!("A{number} ").as_bytes(), rest].concat();
                break;
            }
            let named = format!("(TAG \"{tag}\")");
            if let Some(at) = line.windows(named.len()).position(|window| window == named.as_bytes()) {
                let new = format!("(TAG \"A{number}\")");
                line.splice(at..at + named.len(), new.into_bytes());
                break;
            }
        }
        out.extend(line);
    }
    out
}

/// The fault at one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Stalled,
    Doubled,
    Garbled,
}

/// A server that says the turns, each when the client has fallen silent, with a fault at byte
/// `most`: stalled, it says no more from there on, and stays; else that byte alone is wrong, and it
/// hangs up at the end.
async fn broken(mut stream: DuplexStream, turns: &[Vec<u8>], fault: Fault, most: usize) {
    if fault == Fault::Stalled {
        say(&mut stream, turns, most).await;
        while stream.read_u8().await.is_ok() {}
        return;
    }
    let mut turns = turns.to_vec();
    let mut at = most;
    for turn in &mut turns {
        if let Some(byte) = turn.get(at).copied() {
            match fault {
                Fault::Doubled => turn.insert(at, byte),
                _ => turn[at] = byte ^ 0x15,
            }
            break;
        }
        at -= turn.len();
    }
    server(stream, &turns, usize::MAX).await;
}

/// A server that says the turns, each when the client has fallen silent, `most` bytes in all, and
/// then hangs up.
async fn server(mut stream: DuplexStream, turns: &[Vec<u8>], most: usize) {
    say(&mut stream, turns, most).await;
}

async fn say(stream: &mut DuplexStream, turns: &[Vec<u8>], most: usize) {
    let mut left = most;
    for turn in turns {
        let said = &turn[..turn.len().min(left)];
        left -= said.len();
        if stream.write_all(said).await.is_err() || left == 0 {
            break;
        }
        // In paused time this passes when no task has anything left to do.
        let answered_by_kinds = async { while stream.read_u8().await.is_ok() {} };
        let _ = tokio::time::timeout(Duration::from_millis(1), answered_by_kinds).await;
    }
}

/// What a program would do that does not look at errors. Gives each outcome.
async fn program(imap: Sender) -> Vec<Result<(), Error>> {
    let mut ends = Vec::new();
    ends.push(imap.submit(List::new("*")).await.map(drop));
    ends.push(imap.select("Nowhere").await.map(drop));
    let select = imap.select("INBOX");
    let inbox = select.mailbox();
    ends.push(select.await.map(drop));
    // The library fills its view in between.
    tokio::time::sleep(Duration::from_micros(1100)).await;
    let all = || uid(1)..;
    let overview = inbox.fetch(all(), Items::envelope().flags().size().internal_date());
    let structure = inbox.fetch(all(), Items::new().body_structure());
    let mut bodies = inbox.fetch(all(), Items::body()).stream();
    ends.push(overview.await.map(drop));
    ends.push(structure.await.map(drop));
    loop {
        match bodies.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => ends.push(Err(error)),
            None => break,
        }
    }
    ends.push(imap.noop().await);
    // All that the session has further down, in flight together.
    let append = imap.append("INBOX", Append::new("Subject: x\r\n\r\nx\r\n").flags([Flag::Draft]));
    let store = inbox.store(uid(1), Store::add([Flag::Deleted]));
    let expunge = inbox.expunge(uid(1));
    let search = inbox.search(Search::unseen());
    let create = imap.create("Archive");
    let moved = inbox.move_to(uid(2), "Archive");
    let status = imap.status("Archive", StatusItems::counts());
    let raw = imap.raw("NONSENSE");
    let close = inbox.close();
    let logout = imap.logout();
    ends.push(append.await.map(drop));
    ends.push(store.await.map(drop));
    ends.push(expunge.await.map(drop));
    ends.push(search.await.map(drop));
    ends.push(create.await.map(drop));
    ends.push(moved.await.map(drop));
    ends.push(status.await.map(drop));
    ends.push(raw.await.map(drop));
    ends.push(close.await.map(drop));
    ends.push(logout.await.map(drop));
    ends
}

/// All events; the last is `Closed`.
async fn events(mut receiver: Receiver) -> (Vec<String>, CloseReason) {
    let mut reported = Vec::new();
    while let Some(event) = receiver.next().await {
        if let EventKind::Closed { reason, .. } = event.kind {
            assert!(receiver.next().await.is_none(), "nothing comes after Closed");
            return (reported, reason);
        }
        reported.push(brief(&event));
    }
    panic!("the stream ended without Closed: {reported:?}");
}

fn config(idle: bool) -> Config {
    quiet()
        .login("alice", PASSWORD)
        .allow_plaintext_login(true)
        .id(imap_duplex::command::Id::nothing())
        .auto_idle(idle)
}

/// One session, cut off after so many bytes. Whether the client was logged in, and how many of its
/// commands succeeded.
async fn cut(turns: &[Vec<u8>], most: usize, idle: bool) -> (bool, usize) {
    let (ours, theirs) = duplex(1 << 16);
    let serving = server(theirs, turns, most);
    let client = async {
        let (imap, receiver) = match config(idle).connect_over(ours).await {
            Ok(halves) => halves,
            Err(error) => {
                let cause = error.close_reason().expect("nothing but the end is in the way").clone();
                assert_eq!(error.kind(), ErrorKind::Closed, "{most}: {error:?}");
                assert!(is_end(&cause), "{most}: {error:?}");
                return (false, 0);
            }
        };
        let (ends, (reported, reason)) = tokio::join!(program(imap), events(receiver));
        assert!(is_end(&reason), "{most}: {reason:?}");
        let mut good = 0;
        for end in &ends {
            match end {
                Ok(()) => good += 1,
                Err(error) => assert_fits(error, &reason, most, &reported),
            }
        }
        (true, good)
    };
    tokio::join!(serving, client).1
}

fn is_end(reason: &CloseReason) -> bool {
    match reason {
        CloseReason::Eof | CloseReason::Logout | CloseReason::Bye(_) | CloseReason::Io { .. } => true,
        // Inside a response.
        CloseReason::Protocol(text) => text.contains("ended"),
        _ => false,
    }
}

fn assert_fits(error: &Error, reason: &CloseReason, most: usize, reported: &[String]) {
    match error.kind() {
        ErrorKind::Closed => {
            // Behind our own LOGOUT there is no cause yet.
            let fits = error.close_reason().is_none_or(|cause| cause == reason);
            assert!(fits, "{most}: {error:?} and {reason:?}\n{reported:#?}");
        }
        ErrorKind::SelectionEnded => assert_eq!(error.sent(), Sent::No, "{most}: {error:?}"),
        // The recorded answers are for other commands towards the end.
        ErrorKind::No | ErrorKind::Bad | ErrorKind::Protocol | ErrorKind::Incomplete | ErrorKind::Invalid => {
        }
        other => panic!("{most}: {other:?}: {error}\n{reported:#?}"),
    }
}

async fn all_cuts(idle: bool, step: usize) {
    let turns = turns();
    let length: usize = turns.iter().map(Vec::len).sum();
    assert!(length > 4000, "the recording is of use: {length}");
    let mut best = 0;
    let mut logged_in = 0;
    for most in (0..=length).step_by(step) {
        let (in_, good) = within(LIMIT, cut(&turns, most, idle)).await;
        logged_in += usize::from(in_);
        best = best.max(good);
    }
    // The program is the recorded session's up to APPEND; behind it a few of its commands are
    // answered too.
    assert!(best >= 12, "{best}");
    assert!(logged_in > length / step / 2);
}

/// One session with this fault at this byte.
async fn with_fault(turns: &[Vec<u8>], fault: Fault, most: usize) {
    let (ours, theirs) = duplex(1 << 16);
    let client = async {
        match config(false).connect_over(ours).await {
            Err(error) => {
                // Before it was logged in.
                let fits = match fault {
                    Fault::Stalled => error.kind() == ErrorKind::Timeout,
                    _ => matches!(error.kind(), ErrorKind::Closed | ErrorKind::Protocol),
                };
                assert!(fits, "{fault:?} {most}: {error:?}");
            }
            Ok((imap, receiver)) => {
                let (ends, (_, reason)) = tokio::join!(program(imap), events(receiver));
                // Its own cause, which is the connection's.
                let causes = ends.iter().filter_map(|end| end.as_ref().err()?.close_reason());
                causes.for_each(|cause| assert_eq!(*cause, reason, "{fault:?} {most}"));
                assert!(fault != Fault::Stalled || reason != CloseReason::Eof, "{most}: it did not hang up");
            }
        }
    };
    tokio::join!(broken(theirs, turns, fault, most), client);
}

async fn at_each_byte(fault: Fault) {
    let turns = turns();
    for most in 0..turns.iter().map(Vec::len).sum() {
        within(LIMIT, with_fault(&turns, fault, most)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_stalled_after_each_of_its_bytes_ends_everything() {
    at_each_byte(Fault::Stalled).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_with_each_of_its_bytes_doubled_ends_everything() {
    at_each_byte(Fault::Doubled).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_with_each_of_its_bytes_garbled_ends_everything() {
    at_each_byte(Fault::Garbled).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_cut_off_after_each_of_its_bytes_ends_everything() {
    all_cuts(false, 1).await;
}

#[tokio::test(start_paused = true)]
async fn the_same_with_idle_in_between() {
    all_cuts(true, 7).await;
}
