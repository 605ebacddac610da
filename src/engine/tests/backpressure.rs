//! When the engine wants nothing to be read: time moved by hand, no socket.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use futures_core::Stream;

use super::{Bench, poll_once, settings};
use crate::client::{Rows, Sender};
use crate::command::List;
use crate::types::{Answer, HeapSize, ListEntry, Place, Untagged};

const HOLD: Duration = Duration::from_secs(5);

/// How much a row of LIST weighs that waits.
fn weight(entry: ListEntry) -> usize {
    let place = Place { mailbox: entry.name.clone(), selection: None };
    let mut row = Untagged::new("LIST", Answer::List(Box::new(entry)), None);
    row.set_place(Some(Arc::new(place)));
    crate::engine::submit::PLACE + row.heap_size()
}

/// A LIST in flight of which more than enough has come: ten rows, of which about six are too much.
fn backed_up(hold: Duration) -> (Bench, Sender, Rows<List>) {
    let mut settings = settings();
    let row = weight(ListEntry::new("a"));
    settings.limits.backlog = 6 * row + row / 2;
    settings.limits.hold = hold;
    let (mut bench, imap) = Bench::new(settings);
    bench.feed(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] ready\r\n");
    let rows = imap.list("*").stream();
    bench.write_all();
    bench.feed("* LIST () \"/\" a\r\n".repeat(10).as_bytes());
    (bench, imap, rows)
}

/// Time passes as it does for a driver, which asks again at each deadline: for how long nothing was
/// to be read.
fn held(bench: &mut Bench, most: Duration) -> Duration {
    let begun = bench.now;
    while bench.engine.holds(bench.now) && bench.now - begun < most {
        let deadline = bench.engine.deadline().expect("whoever holds wants to be asked again");
        assert!(deadline > bench.now, "it would spin");
        bench.now = deadline.min(begun + most);
        bench.engine.poll(bench.now);
    }
    bench.now - begun
}

fn read(rows: &mut Rows<List>, count: usize) {
    for _ in 0..count {
        let row = poll_once(&mut Box::pin(rows.next())).expect("it is there");
        row.expect("a row").expect("no error");
    }
}

#[test]
fn a_hold_has_an_end_and_is_not_restarted_by_responses() {
    let (mut bench, _imap, _rows) = backed_up(HOLD);
    assert_eq!(held(&mut bench, HOLD * 2), HOLD);
    bench.feed(b"* LIST () \"/\" b\r\n");
    assert!(!bench.engine.holds(bench.now));
    bench.now += HOLD * 10;
    assert!(!bench.engine.holds(bench.now));
}

#[test]
fn a_reader_is_waited_for_again_and_never_longer_than_that() {
    let (mut bench, _imap, mut rows) = backed_up(HOLD);
    assert_eq!(held(&mut bench, HOLD / 2), HOLD / 2);
    read(&mut rows, 1);
    let more = held(&mut bench, HOLD * 2);
    assert!(HOLD - HOLD / 16 <= more && more <= HOLD, "{more:?}");
    // The hold has run out, and the reader reads again.
    bench.now += HOLD * 10;
    read(&mut rows, 1);
    assert_eq!(held(&mut bench, HOLD * 2), HOLD);
}

#[test]
fn half_of_it_read_is_enough() {
    let (mut bench, _imap, mut rows) = backed_up(HOLD);
    assert!(bench.engine.holds(bench.now));
    read(&mut rows, 6);
    assert!(bench.engine.holds(bench.now), "four are more than half of six");
    read(&mut rows, 1);
    assert!(!bench.engine.holds(bench.now));
}

#[test]
fn any_other_command_ends_it_at_once() {
    let (mut bench, imap, _rows) = backed_up(HOLD);
    assert!(bench.engine.holds(bench.now));
    let noop = imap.noop();
    bench.engine.poll(bench.now);
    assert!(!bench.engine.holds(bench.now), "in flight, though not written yet");
    bench.write_all();
    bench.feed(b"A2 OK done\r\n");
    drop(noop);
    assert!(bench.engine.holds(bench.now), "alone again");
    // One that waits its turn counts too.
    let raw = imap.raw("XWAITS");
    bench.engine.poll(bench.now);
    assert!(!bench.engine.holds(bench.now));
    raw.cancel();
    bench.engine.poll(bench.now);
    assert!(bench.engine.holds(bench.now), "withdrawn");
}

#[test]
fn the_end_ends_it_too() {
    let (mut bench, _imap, _rows) = backed_up(HOLD);
    assert!(bench.engine.holds(bench.now));
    bench.feed(b"A1 OK listed\r\n");
    assert!(!bench.engine.holds(bench.now));
    let (mut bench, _imap, _rows) = backed_up(HOLD);
    bench.feed(b"* BYE no more\r\n");
    assert!(!bench.engine.holds(bench.now), "what it said before is all that is left");
    let (mut bench, _imap, rows) = backed_up(HOLD);
    drop(rows);
    assert!(!bench.engine.holds(bench.now), "no reader");
}

#[test]
fn none_and_endless_holds_are_had_too() {
    let (mut bench, _imap, _rows) = backed_up(Duration::ZERO);
    assert!(!bench.engine.holds(bench.now));
    let (mut bench, _imap, _rows) = backed_up(Duration::MAX);
    bench.engine.poll(bench.now);
    // Longer than a server may be silent: its bytes are unread, so it is not silent.
    for _ in 0..48 {
        bench.now += Duration::from_secs(3600);
        bench.engine.poll(bench.now);
        assert!(bench.engine.holds(bench.now));
    }
    assert!(bench.engine.lifecycle().closed().is_none());
}

#[test]
fn what_fails_here_is_not_weighed_by_what_the_server_said_last() {
    let mut settings = settings();
    settings.limits.unread = 10_000;
    let (mut bench, imap) = Bench::new(settings);
    bench.feed(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] ready\r\n");
    bench.engine.set_ready(true);
    let select = imap.select("INBOX");
    let inbox = select.mailbox();
    bench.write_all();
    bench.feed(b"A1 OK done\r\n");
    // An answer that is larger than all that may wait, of a token.
    let _fetch = inbox.fetch(crate::types::Uid::new(1).unwrap(), crate::command::Items::body());
    bench.write_all();
    bench.feed(format!("* 1 FETCH (UID 1 BODY[] {{20000}}\r\n{})\r\n", "x".repeat(20_000)).as_bytes());
    let refused = [imap.append("Work", "a\0b"), imap.append("Work", "a\0b"), imap.append("Work", "a\0b")];
    bench.write_all();
    for token in refused {
        let error = poll_once(&mut { token }).expect("refused here").expect_err("a NUL");
        assert_eq!(error.kind(), crate::ErrorKind::Invalid, "{error}");
    }
    assert_eq!(bench.engine.lifecycle().closed(), None);
}

/// A result of eight mebibytes, of which one awaits how it ends; and its end.
fn failed(end: &str, result: usize) -> crate::Error {
    let mut settings = settings();
    settings.limits.result = result;
    let (mut bench, imap) = Bench::new(settings);
    bench.feed(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] ready\r\n");
    let mut token = imap.list("*");
    bench.write_all();
    let rows: String =
        (0..16_384).map(|n| format!("* LIST (\\HasNoChildren) \"/\" box-{n:05}\r\n")).collect();
    bench.feed(rows.as_bytes());
    bench.feed(end.as_bytes());
    poll_once(&mut token).expect("it has ended").expect_err("no result")
}

/// What these answers take.
fn taken(answers: &[Answer]) -> usize {
    answers.iter().map(|answer| size_of::<Answer>() + answer.heap_size()).sum()
}

#[test]
fn an_error_that_there_were_too_many_answers_keeps_few_of_them() {
    let overrun = failed("", 4 << 20);
    assert_eq!(overrun.kind(), crate::ErrorKind::Overrun);
    let held = taken(overrun.answers());
    assert!((1 << 19..=1 << 20).contains(&held), "{held} bytes, {} answers", overrun.answers().len());
    // What fits the bound is kept, and fails with what the server says.
    let refused = failed("A1 NO not all\r\n", 16 << 20);
    assert_eq!((refused.kind(), refused.answers().len()), (crate::ErrorKind::No, 16_384));
    assert!(taken(refused.answers()) > 4 << 20);
}

/// What is counted is what is held: as many rows fit as there is room for.
#[test]
fn a_result_is_as_large_as_its_bound_says() {
    for result in [1 << 20, 3 << 20] {
        let mut settings = settings();
        settings.limits.unread = result;
        settings.limits.hold = Duration::ZERO;
        let (mut bench, imap) = Bench::new(settings);
        bench.feed(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] ready\r\n");
        let mut rows = imap.list("*").stream();
        bench.write_all();
        let row = format!("* LIST ({}) \"/\" box\r\n", "\\Attribute ".repeat(50));
        bench.feed(row.repeat(2000).as_bytes());
        let mut held = 0;
        while let Some(Some(Ok(entry))) = poll_once(&mut Box::pin(rows.next())) {
            held += weight(entry);
        }
        assert!((result - result / 50..=result).contains(&held), "{held} of {result}");
    }
}

/// How often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// On another thread a reader that is woken by the first row of many takes each by itself.
#[test]
fn readers_are_woken_once_for_all_that_comes_together() {
    let (mut bench, imap) = Bench::new(settings());
    bench.feed(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] ready\r\n");
    let mut rows = imap.list("*").stream();
    bench.write_all();
    while bench.event().is_some() {}
    let [of_rows, of_events] = [Arc::new(Count::default()), Arc::new(Count::default())];
    let (row_waker, event_waker) = (Waker::from(of_rows.clone()), Waker::from(of_events.clone()));
    let next_row = |rows: &mut Rows<List>| {
        let next = Stream::poll_next(Pin::new(rows), &mut Context::from_waker(&row_waker));
        next.is_ready()
    };
    let next_event = |bench: &mut Bench| {
        let next = Stream::poll_next(Pin::new(&mut bench.receiver), &mut Context::from_waker(&event_waker));
        next.is_ready()
    };
    for read in 1..4 {
        assert!(!next_row(&mut rows) && !next_event(&mut bench));
        bench.feed("* LIST () \"/\" a\r\n* OK [ALERT] b\r\n".repeat(10).as_bytes());
        assert_eq!((of_rows.0.load(Ordering::Relaxed), of_events.0.load(Ordering::Relaxed)), (read, read));
        assert_eq!((0..11).take_while(|_| next_row(&mut rows)).count(), 10);
        assert_eq!((0..11).take_while(|_| next_event(&mut bench)).count(), 10);
    }
}
