//! The event queue: what the driver tells, until the `Receiver` takes it. Bounded.
//!
//! In: events in wire order. Out: the same. Past the bound, what later events make worthless goes (`superseded`), and then
//! news are left out behind one `Lagged`. Its lock is held for a push or a pop and never across a wake.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::pressure::{Backlog, ROW, mark};
use super::superseded::{Key, is_undone, key, may_go, note, take_over};
use crate::types::{Event, EventKind, Lag, Limits};

pub(crate) struct EventQueue {
    state: Mutex<State>,
    /// How many events may wait.
    most: usize,
    /// How much they may hold in all, in octets.
    unread: usize,
    /// Past how much of it a detached result lets the server wait.
    mark: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Waiting>,
    /// How many of them a later one has made worthless.
    worthless: usize,
    /// How many have been taken, so that a place in the stream can be named.
    taken: u64,
    /// Once there was no room: where in the stream the latest event of each state stands. Until all has been read.
    latest: Option<HashMap<Key, u64>>,
    /// Where in the stream the `Lagged` stands that has not been read yet.
    lag: Option<u64>,
    /// What they hold, roughly.
    backlog: Backlog,
    /// What those of them hold that may not be left out, rows of results aside.
    kept: usize,
    closed: bool,
    /// Nobody will ever read.
    deaf: bool,
    reader: Option<Waker>,
}

/// An event that has not been read yet.
struct Waiting {
    /// `None`: a later one says all that it said.
    event: Option<Event>,
    /// What it holds in octets, roughly.
    weight: usize,
    /// It may not be left out, and is no row of a result, which could end alone.
    kept: bool,
}

/// More waits unread than [`Limits::unread`](crate::types::Limits::unread) allows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overrun;

impl EventQueue {
    pub(crate) fn new(limits: &Limits) -> Self {
        let Limits { events, unread, .. } = *limits;
        Self { state: Mutex::default(), most: events.max(1), unread, mark: mark(limits) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event and wakes the reader; `octets` is how long the response is that it tells of.
    pub(crate) fn push(&self, event: Event, octets: usize) -> Result<(), Overrun> {
        let result = self.push_quietly(event, octets);
        self.wake();
        if result { Ok(()) } else { Err(Overrun) }
    }

    /// Adds an event and leaves the wake to the caller. `false` if what may not be left out is too much.
    pub(crate) fn push_quietly(&self, event: Event, octets: usize) -> bool {
        let mut state = self.lock();
        if state.deaf || state.closed {
            return true;
        }
        let weight = weight(&event, octets);
        let waiting = state.queue.len() - state.worthless;
        let full = waiting >= self.most || state.backlog.octets() + weight > self.unread;
        let kept = !can_be_left_out(&event);
        let mut event = event;
        if full && !kept && !state.supersede(&mut event) {
            state.leave_out(event);
            return true;
        }
        if full && is_undone(&event) {
            // With the one that it has superseded it is no change at all.
            return true;
        }
        state.kept += if kept { weight } else { 0 };
        state.add(Waiting { event: Some(event), weight, kept }, self.mark);
        state.kept <= self.unread
    }

    /// Adds a piece of a detached command's result, and wakes the reader. `false` if there is no room for it: then it is
    /// dropped, and the result can't be whole any more.
    pub(crate) fn push_row(&self, event: Event, octets: usize) -> bool {
        let result = self.push_row_quietly(event, octets);
        self.wake();
        result
    }

    /// The same, and leaves the wake to the caller.
    pub(crate) fn push_row_quietly(&self, event: Event, octets: usize) -> bool {
        let mut state = self.lock();
        if state.deaf || state.closed {
            return true;
        }
        let weight = ROW + octets;
        // One that is larger than all the room there is still goes through, alone.
        let full = !state.queue.is_empty() && state.backlog.octets() + weight > self.unread;
        if !full {
            state.add(Waiting { event: Some(event), weight, kept: false }, self.mark);
        }
        !full
    }

    /// How much of it all may wait.
    pub(super) fn unread(&self) -> usize {
        self.unread
    }

    /// So much waits that the server may wait too: how often something was read.
    pub(super) fn is_full(&self) -> Option<u64> {
        self.lock().backlog.is_full()
    }

    /// Drops what waits: it was told by nobody knows whom.
    pub(crate) fn forget(&self) {
        let mut state = self.lock();
        let unread = std::mem::take(&mut state.queue);
        state.backlog.clear();
        (state.kept, state.lag, state.worthless, state.latest) = (0, None, 0, None);
        drop(state);
        drop(unread);
    }

    /// The last event: nothing comes after it.
    pub(crate) fn close(&self, event: Event) {
        let mut state = self.lock();
        if !state.closed && !state.deaf {
            state.add(Waiting { event: Some(event), weight: 0, kept: false }, self.mark);
        }
        state.closed = true;
        drop(state);
        self.wake();
    }

    /// The reader has gone: what waits is dropped, and nothing is kept from now on.
    pub(crate) fn silence(&self) {
        let mut state = self.lock();
        state.deaf = true;
        let unread = std::mem::take(&mut state.queue);
        state.backlog.clear();
        drop(state);
        drop(unread);
    }

    pub(crate) fn wake(&self) {
        let reader = self.lock().reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// The next event; `relieved` is called if by this there is room again.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>, relieved: impl FnOnce()) -> Poll<Option<Event>> {
        let mut state = self.lock();
        match state.take_next() {
            Some((event, weight, kept)) => {
                state.kept = state.kept.saturating_sub(if kept { weight } else { 0 });
                let room = state.backlog.take(weight);
                drop(state);
                if room {
                    relieved();
                }
                Poll::Ready(Some(event))
            }
            None if state.closed => Poll::Ready(None),
            None => {
                match &mut state.reader {
                    Some(old) => old.clone_from(cx.waker()),
                    None => state.reader = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

impl State {
    fn add(&mut self, waiting: Waiting, mark: usize) {
        self.backlog.add(waiting.weight, mark);
        let place = self.taken + self.queue.len() as u64;
        if let Some((latest, event)) = self.latest.as_mut().zip(waiting.event.as_ref()) {
            note(latest, event, place);
        }
        self.queue.push_back(waiting);
    }

    /// The next event, past those that are worth nothing any more.
    fn take_next(&mut self) -> Option<(Event, usize, bool)> {
        while let Some(Waiting { event, weight, kept }) = self.queue.pop_front() {
            if self.lag == Some(self.taken) {
                self.lag = None;
            }
            if let Some((latest, key)) = self.latest.as_mut().zip(event.as_ref().and_then(key))
                && latest.get(&key) == Some(&self.taken)
            {
                latest.remove(&key);
            }
            self.taken += 1;
            match event {
                Some(event) => return Some((event, weight, kept)),
                None => self.worthless -= 1,
            }
        }
        self.latest = None;
        None
    }

    /// Whether an event that waits tells the same state: it makes room for this one, which takes over what only it says.
    fn supersede(&mut self, event: &mut Event) -> bool {
        let Some(wanted) = key(event) else { return false };
        let (queue, taken) = (&self.queue, self.taken);
        let latest = self.latest.get_or_insert_with(|| {
            let mut latest = HashMap::new();
            let events = queue.iter().zip(taken..).filter_map(|(w, at)| Some((w.event.as_ref()?, at)));
            events.for_each(|(event, at)| note(&mut latest, event, at));
            latest
        });
        let place = latest.get(&wanted).and_then(|at| at.checked_sub(taken));
        let Some(at) = place.and_then(|at| usize::try_from(at).ok()) else {
            return false;
        };
        let around = |at: Option<usize>| queue.get(at?)?.event.as_ref();
        if !may_go(&wanted, around(at.checked_sub(1)), around(at.checked_add(1))) {
            return false;
        }
        // Not every event that takes its place is put in the queue.
        latest.remove(&wanted);
        let Some(earlier) = self.queue.get_mut(at) else { return false };
        if let Some(earlier) = earlier.event.take() {
            take_over(earlier, event);
        }
        self.backlog.drop_unread(std::mem::take(&mut earlier.weight));
        if at + 1 == self.queue.len() {
            self.queue.pop_back();
            return true;
        }
        self.worthless += 1;
        if self.worthless > self.queue.len() / 2 {
            self.close_ranks();
        }
        true
    }

    /// Takes out what is worth nothing.
    fn close_ranks(&mut self) {
        if let Some(lag) = &mut self.lag {
            let before = self.queue.iter().zip(self.taken..*lag).filter(|(w, _)| w.event.is_none()).count();
            *lag -= before as u64;
        }
        self.queue.retain(|waiting| waiting.event.is_some());
        (self.worthless, self.latest) = (0, None);
    }

    fn leave_out(&mut self, event: Event) {
        let place = self.lag.and_then(|at| usize::try_from(at - self.taken).ok());
        if place.is_none() {
            self.lag = Some(self.taken + self.queue.len() as u64);
            let event = Event::new(EventKind::Lagged(Lag::default()));
            self.queue.push_back(Waiting { event: Some(event), weight: 0, kept: false });
        }
        let place = place.unwrap_or(self.queue.len() - 1);
        if let Some(EventKind::Lagged(lag)) =
            self.queue.get_mut(place).and_then(|w| Some(&mut w.event.as_mut()?.kind))
        {
            lag.events += 1;
            if let Some(place) = event.place
                && lag.mailboxes.len() < MOST_LAGGED
                && !lag.mailboxes.contains(&place.mailbox)
            {
                lag.mailboxes.push(place.mailbox);
            }
        }
    }
}

/// Whether what it tells can be asked again. (Contract line 10.)
fn can_be_left_out(event: &Event) -> bool {
    !matches!(
        event.kind,
        EventKind::Data(_)
            | EventKind::Alert { .. }
            | EventKind::MailboxRenamed { .. }
            | EventKind::NotificationsLost { .. }
            | EventKind::Completed { detached: true, .. }
            | EventKind::Failed { .. }
            | EventKind::Closed { .. }
    )
}

/// How many mailboxes a `Lagged` names.
const MOST_LAGGED: usize = 100;

/// What an event holds, in octets, roughly: itself, and what it keeps of its response.
fn weight(event: &Event, octets: usize) -> usize {
    match &event.kind {
        EventKind::Exists { .. } | EventKind::Removed { .. } | EventKind::Arrived { .. } => ROW,
        EventKind::FlagsChanged { .. } => ROW + octets.min(ROW),
        _ => ROW + octets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Flag, Flags, Place, SelectionId, Uid};

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
            Event::new(EventKind::FlagsChanged { seq: None, uid, flags, before: None, mod_seq: None })
                .at(place())
        };
        queue.push(flags(1, Flag::Seen), 0).unwrap();
        queue.push(exists(77), 0).unwrap();
        queue.push(count(1), 0).unwrap();
        // It goes on so for weeks, and nobody reads.
        for n in 2..10_000 {
            queue.push(count(n), 0).unwrap();
        }
        for _ in 0..10_000 {
            queue.push(flags(1, Flag::Flagged), 0).unwrap();
        }
        assert!(queue.lock().queue.len() <= 8, "{}", queue.lock().queue.len());
        // On a count may rest what is told behind it.
        queue.push(count(10_000), 0).unwrap();
        let told: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
        let [
            EventKind::Exists { count: 77 },
            EventKind::Exists { count: 9999 },
            last,
            EventKind::Lagged(lag),
        ] = &told[..]
        else {
            panic!("{told:?}")
        };
        assert_eq!((lag.events, last), (1, &flags(1, Flag::Flagged).kind));
        // A change that was taken back is none.
        let change = |before: Flags, flags: Flags| {
            let (uid, before) = (Uid::new(2), Some(before));
            Event::new(EventKind::FlagsChanged { seq: None, uid, flags, before, mod_seq: None }).at(place())
        };
        queue.push(change(Flags::new(), Flag::Seen.into()), 0).unwrap();
        (0..2).for_each(|count| queue.push(exists(count), 0).unwrap());
        queue.push(change(Flag::Seen.into(), Flags::new()), 0).unwrap();
        // And what comes after it takes the place of nothing else.
        queue.push(exists(2), 0).unwrap();
        queue.push(change(Flag::Seen.into(), Flag::Draft.into()), 0).unwrap();
        let told: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
        let [rest @ .., EventKind::Lagged(lag)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((rest, lag.events), (&[0, 1, 2].map(|count| EventKind::Exists { count })[..], 1));
        // There is room again, and a `Lagged` of its own when there is none.
        (0..5).for_each(|count| queue.push(exists(count), 0).unwrap());
        let told: Vec<_> = std::iter::from_fn(|| take(&queue)).collect();
        assert!(matches!(told[..], [_, _, _, EventKind::Lagged(_)]), "{told:?}");
        let state = queue.lock();
        assert_eq!((state.worthless, state.backlog.octets()), (0, 0));
    }

    #[test]
    fn past_the_bound_news_is_left_out_and_alerts_are_not() {
        let queue = queue_of(2, 1 << 20);
        for count in 1..=4 {
            queue.push(exists(count), 0).unwrap();
        }
        queue.push(Event::new(EventKind::Alert { text: "fire".into() }), 0).unwrap();
        queue.push(exists(5), 0).unwrap();
        assert!(matches!(take(&queue), Some(EventKind::Exists { count: 1 })));
        assert!(matches!(take(&queue), Some(EventKind::Exists { count: 2 })));
        let Some(EventKind::Lagged(lag)) = take(&queue) else { panic!("one Lagged") };
        assert_eq!((lag.events, lag.mailboxes.len()), (3, 1));
        assert!(matches!(take(&queue), Some(EventKind::Alert { .. })));
        queue.push(exists(6), 0).unwrap();
        assert!(matches!(take(&queue), Some(EventKind::Exists { count: 6 })), "room again");
        assert_eq!(take(&queue), None);
    }

    #[test]
    fn what_may_not_be_left_out_has_a_bound_too() {
        let queue = queue_of(1, 1000);
        let alert = || Event::new(EventKind::Alert { text: "fire".into() });
        let pushed = (0..20).take_while(|_| queue.push(alert(), 0).is_ok()).count();
        assert_eq!(pushed, 5);
    }

    #[test]
    fn rows_have_a_bound_that_ends_nothing_but_their_result() {
        let queue = queue_of(10, 1000);
        let row = || Event::new(EventKind::MailboxDeleted);
        assert!(queue.push_row(row(), 5000), "one always fits");
        assert!(!queue.push_row(row(), 0));
        assert_eq!(queue.push(Event::new(EventKind::Alert { text: "fire".into() }), 0), Ok(()));
        assert!(queue.is_full().is_some());
        assert!(take(&queue).is_some());
        assert!(queue.is_full().is_none(), "room again");
        assert!((0..4).all(|_| queue.push_row(row(), 0)) && !queue.push_row(row(), 0));
    }

    #[test]
    fn what_news_holds_is_bounded_too() {
        let queue = queue_of(1000, 10_000);
        let notice = || Event::new(EventKind::MailboxDeleted);
        (0..100).for_each(|_| queue.push(notice(), 4000).unwrap());
        let told = std::iter::from_fn(|| take(&queue)).collect::<Vec<_>>();
        assert_eq!(told.len(), 3, "two, and one Lagged: {told:?}");
        queue.push(notice(), 4000).unwrap();
        assert_eq!(take(&queue), Some(EventKind::MailboxDeleted), "room again");
    }
}
