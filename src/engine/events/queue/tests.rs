//! The queue by itself: what makes room, what is left out, what is bounded.

use super::*;
use crate::types::{Flag, Flags, Place, SelectionId, Uid};

/// More waits unread than [`Limits::unread`] allows.
#[derive(Debug, PartialEq, Eq)]
struct Overrun;

impl EventQueue {
    /// Adds an event and wakes the reader.
    fn push(&self, event: Event) -> Result<(), Overrun> {
        let result = self.push_quietly(event);
        self.wake();
        if result { Ok(()) } else { Err(Overrun) }
    }

    /// Adds a piece of a detached command's result, and wakes the reader.
    fn push_row(&self, event: Event) -> bool {
        let result = self.push_row_quietly(event);
        self.wake();
        result
    }
}

/// What an event takes that holds no text.
fn weight_of(kind: EventKind) -> usize {
    weight(&Event::new(kind))
}

fn exists(count: u32) -> Event {
    let place = Place { mailbox: "INBOX".into(), selection: None };
    Event::new(EventKind::Exists { count }).at(Some(place))
}

fn queue_of(events: usize, unread: usize) -> EventQueue {
    EventQueue::new(&Limits { events, unread, ..Limits::default() })
}

fn take(queue: &EventQueue) -> Option<EventKind> {
    let mut cx = Context::from_waker(Waker::noop());
    match queue.poll_next(&mut cx, || {}) {
        Poll::Ready(event) => event.map(|e| e.kind),
        Poll::Pending => None,
    }
}

#[test]
fn past_the_bound_the_later_state_takes_the_place_of_the_earlier() {
    let queue = queue_of(3, 1 << 20);
    let place = || Some(Place { mailbox: "INBOX".into(), selection: Some(SelectionId(1)) });
    let count = |count| Event::new(EventKind::Exists { count }).at(place());
    let flags = |uid, flags: Flag| {
        let (uid, flags) = (Uid::new(uid), flags.into());
        Event::new(EventKind::FlagsChanged { seq: None, uid, flags, before: None, mod_seq: None }).at(place())
    };
    queue.push(flags(1, Flag::Seen)).unwrap();
    queue.push(exists(77)).unwrap();
    queue.push(count(1)).unwrap();
    // This continues for weeks, without a reader.
    for n in 2..10_000 {
        queue.push(count(n)).unwrap();
    }
    for _ in 0..10_000 {
        queue.push(flags(1, Flag::Flagged)).unwrap();
    }
    assert!(queue.lock().queue.len() <= 8, "{}", queue.lock().queue.len());
    // Events after a count may rely on it.
    queue.push(count(10_000)).unwrap();
    let reported: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
    let [EventKind::Exists { count: 77 }, EventKind::Exists { count: 9999 }, last, EventKind::Lagged(lag)] =
        &reported[..]
    else {
        panic!("{reported:?}")
    };
    assert_eq!((lag.events, last), (1, &flags(1, Flag::Flagged).kind));
    // A change that was taken back is none.
    let change = |before: Flags, flags: Flags| {
        let (uid, before) = (Uid::new(2), Some(before));
        Event::new(EventKind::FlagsChanged { seq: None, uid, flags, before, mod_seq: None }).at(place())
    };
    queue.push(change(Flags::new(), Flag::Seen.into())).unwrap();
    (0..2).for_each(|count| queue.push(exists(count)).unwrap());
    queue.push(change(Flag::Seen.into(), Flags::new())).unwrap();
    // And what follows it supersedes nothing else.
    queue.push(exists(2)).unwrap();
    queue.push(change(Flag::Seen.into(), Flag::Draft.into())).unwrap();
    let reported: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
    let [rest @ .., EventKind::Lagged(lag)] = &reported[..] else { panic!("{reported:?}") };
    assert_eq!((rest, lag.events), (&[0, 1, 2].map(|count| EventKind::Exists { count })[..], 1));
    // There is room again, and a `Lagged` of its own when there is none.
    (0..5).for_each(|count| queue.push(exists(count)).unwrap());
    let reported: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
    assert!(matches!(reported[..], [_, _, _, EventKind::Lagged(_)]), "{reported:?}");
    let state = queue.lock();
    assert_eq!((state.superseded_count, state.backlog.bytes()), (0, 0));
}

#[test]
fn past_the_bound_events_are_left_out_and_alerts_are_not() {
    let queue = queue_of(2, 1 << 20);
    for count in 1..=4 {
        queue.push(exists(count)).unwrap();
    }
    queue.push(Event::new(EventKind::Alert { text: "fire".into() })).unwrap();
    queue.push(exists(5)).unwrap();
    assert!(matches!(take(&queue), Some(EventKind::Exists { count: 1 })));
    assert!(matches!(take(&queue), Some(EventKind::Exists { count: 2 })));
    let Some(EventKind::Lagged(lag)) = take(&queue) else { panic!("one Lagged") };
    assert_eq!((lag.events, lag.mailboxes.len(), lag.others), (2, 1, false));
    assert!(matches!(take(&queue), Some(EventKind::Alert { .. })));
    let Some(EventKind::Lagged(lag)) = take(&queue) else {
        panic!("what came after that is missing behind it")
    };
    assert_eq!((lag.events, lag.mailboxes.len()), (1, 1));
    queue.push(exists(6)).unwrap();
    assert!(matches!(take(&queue), Some(EventKind::Exists { count: 6 })), "room again");
    assert_eq!(take(&queue), None);
}

#[test]
fn what_is_left_out_while_flags_take_each_others_place_stays_bounded_and_in_order() {
    let queue = queue_of(4, 1 << 20);
    let flags = |uid, bits: u32| {
        let flags = Flags::from([Flag::Draft, Flag::new(&format!("k{bits}"))]);
        let place = Place { mailbox: "INBOX".into(), selection: Some(SelectionId(1)) };
        Event::new(EventKind::FlagsChanged {
            seq: None,
            uid: Uid::new(uid),
            flags,
            before: None,
            mod_seq: None,
        })
        .at(Some(place))
    };
    (1..=4).for_each(|uid| queue.push(flags(uid, 0)).unwrap());
    let mut longest = 0;
    for n in 1..10_000 {
        let place = Place { mailbox: format!("box {n}").as_str().into(), selection: None };
        queue.push(Event::new(EventKind::MailboxDeleted).at(Some(place))).unwrap();
        queue.push(flags(1 + n % 4, n)).unwrap();
        longest = longest.max(queue.lock().queue.len());
    }
    assert!(longest <= 30, "{longest}");
    let reported: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
    let lags =
        reported.iter().filter_map(|kind| if let EventKind::Lagged(lag) = kind { Some(lag) } else { None });
    let (mut events, mut names, mut others) = (0, 0, false);
    for lag in lags {
        (events, names, others) = (events + lag.events, names + lag.mailboxes.len(), others | lag.others);
        assert!(lag.mailboxes.len() <= 100);
    }
    assert!(events == 9999 && names <= 1000 && others, "{events} events, {names} names");
    // Each flag once, and before each of them what was left out before it.
    let kinds: Vec<_> = reported.iter().map(|kind| matches!(kind, EventKind::Lagged(_))).collect();
    assert_eq!(kinds, [true, false].repeat(4));
    let state = queue.lock();
    assert_eq!((state.superseded_count, state.backlog.bytes(), state.missed.named()), (0, 0, 0));
}

#[test]
fn a_count_stays_on_which_something_rests_that_has_been_moved_behind() {
    let queue = queue_of(3, 1 << 20);
    let place = || Some(Place { mailbox: "INBOX".into(), selection: Some(SelectionId(1)) });
    let count = |count| Event::new(EventKind::Exists { count }).at(place());
    let flags = |flag: Flag| {
        let seq = crate::types::Seq::new(5);
        let uid = Uid::new(9);
        Event::new(EventKind::FlagsChanged { seq, uid, flags: flag.into(), before: None, mod_seq: None })
            .at(place())
    };
    queue.push(Event::new(EventKind::SelectionEnded).at(place())).unwrap();
    queue.push(count(5)).unwrap();
    queue.push(flags(Flag::Seen)).unwrap();
    queue.push(exists(1)).unwrap();
    // The place of the flags, behind the count, is empty now; they are reported all the same.
    queue.push(flags(Flag::Draft)).unwrap();
    queue.push(count(6)).unwrap();
    let reported: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
    let at = |wanted: EventKind| reported.iter().position(|kind| *kind == wanted);
    assert!(at(count(5).kind) < at(flags(Flag::Draft).kind) && at(count(5).kind).is_some(), "{reported:?}");
}

#[test]
fn what_may_not_be_left_out_has_a_bound_too() {
    let queue = queue_of(1, 5 * PLACE);
    let alert = || Event::new(EventKind::Alert { text: String::new() });
    let pushed = (0..20).take_while(|_| queue.push(alert()).is_ok()).count();
    assert_eq!(pushed, 5);
}

#[test]
fn rows_have_a_bound_that_ends_nothing_but_their_result() {
    let queue = queue_of(10, 5 * PLACE);
    let row = || Event::new(EventKind::MailboxDeleted);
    let large = Event::new(EventKind::Alert { text: "x".repeat(6 * PLACE) });
    assert!(queue.push_row(large), "one always fits");
    assert!(!queue.push_row(row()));
    assert_eq!(queue.push(Event::new(EventKind::Alert { text: String::new() })), Ok(()));
    assert!(queue.is_full().is_some());
    assert!(take(&queue).is_some());
    assert!(queue.is_full().is_none(), "room again");
    assert!((0..4).all(|_| queue.push_row(row())) && !queue.push_row(row()));
}

#[test]
fn the_memory_of_events_is_bounded_too() {
    let queue = queue_of(1000, 10_000);
    let notice = || Event::new(EventKind::Contradiction { what: "x".repeat(4000) });
    (0..100).for_each(|_| queue.push(notice()).unwrap());
    let reported = std::iter::from_fn(|| take(&queue)).collect::<Vec<_>>();
    assert_eq!(reported.len(), 3, "two, and one Lagged: {reported:?}");
    queue.push(notice()).unwrap();
    assert_eq!(take(&queue), Some(notice().kind), "room again");
}

#[test]
fn what_the_later_takes_over_is_counted_too() {
    let queue = queue_of(1, 200_000);
    let status = |n: usize, items: usize| {
        let mut status = crate::types::MailboxStatus::new("a");
        status.other = (0..items).map(|i| (format!("X{n}-{i}"), "1".into())).collect();
        Event::new(EventKind::Status(status))
    };
    // Each names items that no earlier one has.
    (0..10_000).for_each(|n| queue.push(status(n, 1)).unwrap());
    let Some(EventKind::Status(reported)) = take(&queue) else { panic!("the first") };
    assert!(reported.other.len() <= 100, "{}", reported.other.len());
    // Flags with many keywords in place of those without.
    let flags = |flags| {
        let place = Place { mailbox: "INBOX".into(), selection: Some(SelectionId(1)) };
        let kind =
            EventKind::FlagsChanged { seq: None, uid: Uid::new(1), flags, before: None, mod_seq: None };
        Event::new(kind).at(Some(place))
    };
    let many = (0..10_000).map(|n| Flag::new(&format!("k{n}"))).collect::<Flags>();
    while take(&queue).is_some() {}
    queue.push(flags(Flag::Seen.into())).unwrap();
    queue.push(flags(many)).unwrap();
    assert!(queue.lock().backlog.bytes() < 200_000);
    let reported: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
    assert!(matches!(reported[..], [EventKind::Lagged(_)]), "{} reported", reported.len());
}

#[test]
fn counts_of_a_mailbox_that_is_gone_are_not_taken_over_by_the_next_of_its_name() {
    use crate::types::{ListEntry, MailboxStatus};
    let place = |name: &str| Some(Place { mailbox: name.into(), selection: None });
    let status = |unseen| {
        let mut status = MailboxStatus::new("Work");
        (status.messages, status.unseen) = (Some(3), unseen);
        Event::new(EventKind::Status(status)).at(place("Work"))
    };
    let made = Event::new(EventKind::MailboxCreated(ListEntry::new("Work"))).at(place("Work"));
    let renamed =
        |from: &str, to: &str| Event::new(EventKind::MailboxRenamed { from: from.into() }).at(place(to));
    let ends = [
        made,
        Event::new(EventKind::MailboxDeleted).at(place("Work")),
        renamed("Work", "Old"),
        renamed("Draft", "Work"),
    ];
    for end in ends {
        let queue = queue_of(2, 1 << 20);
        for event in [status(Some(2)), end.clone(), status(None)] {
            queue.push(event).unwrap();
        }
        let reported: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
        let [EventKind::Status(first), second, EventKind::Lagged(_)] = &reported[..] else {
            panic!("{reported:?}")
        };
        assert_eq!((first.unseen, second), (Some(2), &end.kind));
    }
}

/// The names are the server's, and as long as it likes.
#[test]
fn what_is_left_out_holds_no_long_names() {
    let queue = queue_of(1, 1 << 20);
    queue.push(exists(1)).unwrap();
    for n in 0..10 {
        let place = Place { mailbox: format!("{n}{}", "x".repeat(1 << 20)).into(), selection: None };
        queue.push(Event::new(EventKind::MailboxDeleted).at(Some(place))).unwrap();
    }
    let reported: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
    let [_, EventKind::Lagged(lag)] = &reported[..] else { panic!("{reported:?}") };
    assert_eq!((lag.events, lag.mailboxes.len(), lag.others), (10, 0, true));
}

/// Counts and flags of an earlier mailbox or message are never coalesced with those of the one that
/// has its name now, reported or left out.
#[test]
fn what_was_left_out_parts_what_it_parted() {
    use crate::types::{MailboxStatus, UidValidity};
    let place = |selection| Some(Place { mailbox: "a".into(), selection });
    let status = |messages, unseen, uid_validity| {
        let mut status = MailboxStatus::new("a");
        (status.messages, status.unseen, status.uid_validity) =
            (messages, unseen, UidValidity::new(uid_validity));
        Event::new(EventKind::Status(status)).at(place(None))
    };
    let change = |before: Option<Flags>, flags: Flag| {
        let (uid, flags) = (Uid::new(1), flags.into());
        Event::new(EventKind::FlagsChanged { seq: None, uid, flags, before, mod_seq: None })
            .at(place(Some(SelectionId(1))))
    };
    let uid_validity = Event::new(EventKind::UidValidityChanged { uid_validity: UidValidity::new(8) });
    let (gone, uid_validity) =
        (Event::new(EventKind::MailboxDeleted).at(place(None)), uid_validity.at(place(Some(SelectionId(1)))));
    for ranks in [false, true] {
        let queue = queue_of(2, 1 << 20);
        queue.push(status(Some(5), Some(5), 0)).unwrap();
        queue.push(change(Some(Flags::new()), Flag::Seen)).unwrap();
        for event in [gone.clone(), uid_validity.clone()] {
            queue.push(event).unwrap();
        }
        if ranks {
            queue.lock().compact();
        }
        queue.push(status(Some(0), None, 0)).unwrap();
        queue.push(change(Some(Flag::Draft.into()), Flag::Deleted)).unwrap();
        let reported: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
        let [first, second, EventKind::Lagged(lag)] = &reported[..] else { panic!("{reported:?}") };
        assert_eq!(*first, status(Some(5), Some(5), 0).kind);
        assert_eq!(*second, change(Some(Flags::new()), Flag::Seen).kind);
        assert_eq!(lag.events, 4);
    }
    // Nor are counts of different UIDVALIDITY.
    let queue = queue_of(1, 1 << 20);
    queue.push(status(Some(5), Some(5), 7)).unwrap();
    queue.push(status(Some(0), None, 8)).unwrap();
    assert_eq!(take(&queue), Some(status(Some(0), None, 8).kind));
}

/// Reports of ever new mailboxes cost no more when much is unread. A look through the queue for
/// each of them would take minutes.
#[test]
fn what_is_left_out_looks_through_nothing() {
    use crate::types::{ListEntry, MailboxStatus};
    let place = |selection| Some(Place { mailbox: "b".into(), selection });
    let queue = queue_of(60_000, 1 << 30);
    for uid in 1..=60_000 {
        let (uid, flags) = (Uid::new(uid), Flag::Seen.into());
        let kind = EventKind::FlagsChanged { seq: None, uid, flags, before: None, mod_seq: None };
        queue.push(Event::new(kind).at(place(Some(SelectionId(1))))).unwrap();
    }
    // From here on it is noted where what stands.
    queue.push(Event::new(EventKind::Status(MailboxStatus::new("b"))).at(place(None))).unwrap();
    for _ in 0..50_000 {
        let made = EventKind::MailboxCreated(ListEntry::new("b"));
        queue.push(Event::new(made).at(place(None))).unwrap();
    }
    let reported: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
    assert!(
        matches!(reported.last(), Some(EventKind::Lagged(lag)) if lag.events == 50_001),
        "{:?}",
        reported.last()
    );
}

/// What is counted is the place in the queue, and what is allocated beside it.
#[test]
fn each_event_weighs_what_it_holds() {
    use crate::types::{Answer, HeapSize, ListEntry, MailboxStatus, Status, StatusResponse};
    let place = size_of::<WaitingEvent>();
    assert!((place..=place + 200).contains(&PLACE), "{place} and {PLACE}");
    let many: Flags = (0..1000).map(|n| Flag::new(&format!("k{n:03}"))).collect();
    let uid = Uid::new(1).unwrap();
    let flags = |flags| EventKind::Arrived { seq: None, uid, flags };
    assert_eq!(weight_of(flags(None)), PLACE);
    // Each a text, its counts and its place.
    assert!((40_000..60_000).contains(&weight_of(flags(Some(many.clone())))));
    let change =
        |flags, before| EventKind::FlagsChanged { seq: None, uid: None, flags, before, mod_seq: None };
    assert!(weight_of(change(many.clone(), Some(many.clone()))) <= 2 * weight_of(flags(Some(many))));
    let notice = |text: &str, code| EventKind::Notice(StatusResponse::new(Status::Ok, code, text));
    assert_eq!(weight_of(notice(&"x".repeat(100), None)), PLACE + "x".repeat(100).heap_size());
    let code = crate::types::Code::BadEvent(vec!["abcd".into(); 100]);
    assert!(weight_of(notice("", Some(code))) >= PLACE + 100 * (size_of::<String>() + 32));
    let mut status = MailboxStatus::new("a");
    status.other = (0..1000).map(|n| (format!("X{n}"), "1".into())).collect();
    assert!(weight_of(EventKind::Status(status)) >= PLACE + 1000 * 2 * (size_of::<String>() + 32));
    // A name is held once, though the place has it too; that of a selection is held by the
    // selection.
    let entry = ListEntry::new("x".repeat(1000));
    let listed = Event::new(EventKind::MailboxCreated(entry.clone()));
    let at = Place { mailbox: entry.name.clone(), selection: None };
    assert_eq!(weight(&listed.at(Some(at.clone()))), PLACE + entry.heap_size());
    let data = Event::new(EventKind::Data(Answer::List(Box::new(entry.clone())))).at(Some(at.clone()));
    assert_eq!(weight(&data), PLACE + Box::new(entry.clone()).heap_size());
    assert_eq!(
        weight(&Event::new(EventKind::MailboxDeleted).at(Some(at.clone()))),
        PLACE + entry.heap_size()
    );
    let selected = Place { selection: Some(SelectionId(1)), ..at };
    assert_eq!(weight(&Event::new(EventKind::SelectionEnded).at(Some(selected))), PLACE);
}

/// A burst that is read late keeps no memory once it has been read.
#[test]
fn what_has_been_read_takes_no_room() {
    let queue = queue_of(100_000, 1 << 30);
    (0..10_000).for_each(|count| queue.push(exists(count)).unwrap());
    while take(&queue).is_some() {}
    let state = queue.lock();
    assert_eq!((state.queue.len(), state.backlog.bytes()), (0, 0));
    assert!(state.queue.capacity() <= 64, "{}", state.queue.capacity());
}
