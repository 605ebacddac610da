//! The event queue: what the driver tells, until the `Receiver` takes it. Bounded.
//!
//! In: events in wire order. Out: the same, less what was left out behind one `Lagged` because the reader
//! was slow. Its lock is held for a push or a pop and never across a wake.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::types::{Answer, Event, EventKind, Lag};

pub(crate) struct EventQueue {
    state: Mutex<State>,
    /// How many events may wait.
    most: usize,
    /// How much data of detached commands may wait, in octets.
    unread: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Event>,
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

    /// Adds an event and wakes the reader.
    pub(crate) fn push(&self, event: Event) -> Result<(), Overrun> {
        let result = self.push_quietly(event);
        self.wake();
        if result { Ok(()) } else { Err(Overrun) }
    }

    /// Adds an event and leaves the wake to the caller. `false` if what may not be left out is too much.
    pub(crate) fn push_quietly(&self, event: Event) -> bool {
        let mut state = self.lock();
        if state.deaf || state.closed {
            return true;
        }
        if state.queue.len() >= self.most && can_be_left_out(&event) {
            state.leave_out(event);
            return true;
        }
        state.data += weight(&event);
        state.queue.push_back(event);
        state.data <= self.unread
    }

    /// The last event: nothing comes after it.
    pub(crate) fn close(&self, event: Event) {
        let mut state = self.lock();
        if !state.closed && !state.deaf {
            state.queue.push_back(event);
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
            Some(event) => {
                if state.lag == Some(state.taken) {
                    state.lag = None;
                }
                state.taken += 1;
                state.data = state.data.saturating_sub(weight(&event));
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
            self.queue.push_back(Event::new(EventKind::Lagged(Lag::default())));
        }
        let place = place.unwrap_or(self.queue.len() - 1);
        if let Some(EventKind::Lagged(lag)) = self.queue.get_mut(place).map(|event| &mut event.kind) {
            lag.events += 1;
            if let Some(place) = event.place
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
            | EventKind::Completed { detached: true, .. }
            | EventKind::Failed { .. }
            | EventKind::Closed { .. }
    )
}

/// What an event that may not be left out holds, in octets, roughly.
fn weight(event: &Event) -> usize {
    const SMALL: usize = 200;
    match &event.kind {
        EventKind::Data(Answer::Fetch(row)) => {
            SMALL
                + row.sections().iter().filter_map(|b| b.data.as_ref()).map(bytes::Bytes::len).sum::<usize>()
        }
        _ if can_be_left_out(event) => 0,
        _ => SMALL,
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
            queue.push(exists(count)).unwrap();
        }
        queue.push(Event::new(EventKind::Alert { text: "fire".into() })).unwrap();
        queue.push(exists(5)).unwrap();
        assert!(matches!(take(&queue), Some(EventKind::Exists { count: 1 })));
        assert!(matches!(take(&queue), Some(EventKind::Exists { count: 2 })));
        let Some(EventKind::Lagged(lag)) = take(&queue) else { panic!("one Lagged") };
        assert_eq!((lag.events, lag.mailboxes.len()), (3, 1));
        assert!(matches!(take(&queue), Some(EventKind::Alert { .. })));
        queue.push(exists(6)).unwrap();
        assert!(matches!(take(&queue), Some(EventKind::Exists { count: 6 })), "room again");
        assert_eq!(take(&queue), None);
    }

    #[test]
    fn what_may_not_be_left_out_has_a_bound_too() {
        let queue = EventQueue::new(1, 1000);
        let alert = || Event::new(EventKind::Alert { text: "fire".into() });
        let pushed = (0..20).take_while(|_| queue.push(alert()).is_ok()).count();
        assert_eq!(pushed, 5);
    }
}
