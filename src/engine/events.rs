//! The event queue: what the driver tells, until the `Receiver` takes it. Bounded.
//!
//! In: events in wire order. Out: the same, less what was left out behind one `Lagged` because the reader
//! was slow. Its lock is held for a push or a pop and never across a wake.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::types::{Event, EventKind, Lag};

pub(crate) struct EventQueue {
    state: Mutex<State>,
    /// How many events may wait.
    most: usize,
    /// How much they may hold in all, in octets.
    unread: usize,
}

#[derive(Default)]
struct State {
    /// Events, with what each holds in octets, roughly.
    queue: VecDeque<(Event, usize)>,
    /// How many have been taken, so that a place in the stream can be named.
    taken: u64,
    /// Where in the stream the `Lagged` stands that has not been read yet.
    lag: Option<u64>,
    data: usize,
    closed: bool,
    /// Nobody will ever read.
    deaf: bool,
    reader: Option<Waker>,
}

/// More waits unread than [`Limits::unread`](crate::types::Limits::unread) allows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overrun;

impl EventQueue {
    pub(crate) fn new(most: usize, unread: usize) -> Self {
        Self { state: Mutex::default(), most: most.max(1), unread }
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
        let full = state.queue.len() >= self.most || state.data + weight > self.unread;
        if full && can_be_left_out(&event) {
            state.leave_out(event);
            return true;
        }
        state.data += weight;
        state.queue.push_back((event, weight));
        state.data <= self.unread
    }

    /// Drops what waits: it was told by nobody knows whom.
    pub(crate) fn forget(&self) {
        let mut state = self.lock();
        let unread = std::mem::take(&mut state.queue);
        (state.data, state.lag) = (0, None);
        drop(state);
        drop(unread);
    }

    /// The last event: nothing comes after it.
    pub(crate) fn close(&self, event: Event) {
        let mut state = self.lock();
        if !state.closed && !state.deaf {
            state.queue.push_back((event, 0));
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
        drop(state);
        drop(unread);
    }

    pub(crate) fn wake(&self) {
        let reader = self.lock().reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.lock();
        match state.queue.pop_front() {
            Some((event, weight)) => {
                if state.lag == Some(state.taken) {
                    state.lag = None;
                }
                state.taken += 1;
                state.data = state.data.saturating_sub(weight);
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
    fn leave_out(&mut self, event: Event) {
        let place = self.lag.and_then(|at| usize::try_from(at - self.taken).ok());
        if place.is_none() {
            self.lag = Some(self.taken + self.queue.len() as u64);
            self.queue.push_back((Event::new(EventKind::Lagged(Lag::default())), 0));
        }
        let place = place.unwrap_or(self.queue.len() - 1);
        if let Some(EventKind::Lagged(lag)) = self.queue.get_mut(place).map(|(event, _)| &mut event.kind) {
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
    const SMALL: usize = 200;
    match &event.kind {
        EventKind::Exists { .. } | EventKind::Removed { .. } | EventKind::Arrived { .. } => SMALL,
        EventKind::FlagsChanged { .. } => SMALL + octets.min(SMALL),
        _ => SMALL + octets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Place;

    fn exists(count: u32) -> Event {
        let place = Place { mailbox: "INBOX".into(), selection: None };
        Event::new(EventKind::Exists { count }).at(Some(place))
    }

    fn take(queue: &EventQueue) -> Option<EventKind> {
        let mut cx = Context::from_waker(Waker::noop());
        match queue.poll_next(&mut cx) {
            Poll::Ready(event) => event.map(|e| e.kind),
            Poll::Pending => None,
        }
    }

    #[test]
    fn past_the_bound_news_is_left_out_and_alerts_are_not() {
        let queue = EventQueue::new(2, 1 << 20);
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
        let queue = EventQueue::new(1, 1000);
        let alert = || Event::new(EventKind::Alert { text: "fire".into() });
        let pushed = (0..20).take_while(|_| queue.push(alert(), 0).is_ok()).count();
        assert_eq!(pushed, 5);
    }

    #[test]
    fn what_news_holds_is_bounded_too() {
        let queue = EventQueue::new(1000, 10_000);
        let notice = || Event::new(EventKind::MailboxDeleted);
        (0..100).for_each(|_| queue.push(notice(), 4000).unwrap());
        let told = std::iter::from_fn(|| take(&queue)).collect::<Vec<_>>();
        assert_eq!(told.len(), 3, "two, and one Lagged: {told:?}");
        queue.push(notice(), 4000).unwrap();
        assert_eq!(take(&queue), Some(EventKind::MailboxDeleted), "room again");
    }
}
