//! The event queue between the driver and the `Receiver`. Bounded.
//!
//! In: events in wire order. Out: the same order. Beyond the bound, events that later ones
//! supersede are dropped, then those that [`can_be_left_out`] are, behind one `Lagged`. The lock is
//! held for a push or a pop and never across a wake.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::engine::events::backlog::{Backlog, mark};
use crate::engine::events::block_queue::BlockQueue;
use crate::engine::events::coalesce::{
    Invalidation, Key, LatestByKey, is_too_much, is_undone, key, may_go, take_over,
};
use crate::engine::events::lag::{LagCounter, lag_of};
use crate::types::{Event, EventKind, HeapSize, Lagged, Limits};

pub(crate) struct EventQueue {
    state: Mutex<QueueState>,
    /// How many events may wait.
    most: usize,
    /// How many bytes they may hold in all.
    unread: usize,
    /// Past how much of it a detached result lets the server wait.
    mark: usize,
}

#[derive(Default)]
struct QueueState {
    queue: BlockQueue<WaitingEvent>,
    /// How many of them a later one has made worthless.
    superseded_count: usize,
    /// How many have been taken, so that a place in the stream can be named.
    taken: u64,
    /// Once there was no room: where in the stream the latest event of each state stands. Until all
    /// has been read.
    latest: Option<LatestByKey>,
    /// What was left out.
    missed: LagCounter,
    /// What they hold.
    backlog: Backlog,
    /// What those of them hold that may not be left out, rows of results aside.
    kept: usize,
    closed: bool,
    /// The reader was dropped.
    reader_dropped: bool,
    reader: Option<Waker>,
}

/// How many bytes of memory the place of an event takes, with the note of where it stands
/// ([`LatestByKey`]), whose table is a third full at the least.
const PLACE: usize = size_of::<WaitingEvent>() + 3 * (size_of::<(Key, u64)>() + 1);

/// How many bytes of memory an event takes while it waits.
fn weight(event: &Event) -> usize {
    PLACE + event.heap_size()
}

/// An event that has not been read yet.
struct WaitingEvent {
    /// `None`: a later one says all that it said.
    event: Option<Event>,
    /// How many bytes it holds, as it was counted.
    weight: usize,
    /// It may not be left out, and is no row of a result, which could end alone.
    kept: bool,
    /// What the events left out here invalidate: an event before this place must not be coalesced
    /// with a later one of the same key.
    invalidates: Invalidation,
}

impl EventQueue {
    pub(crate) fn new(limits: &Limits) -> Self {
        let Limits { events, unread, .. } = *limits;
        Self { state: Mutex::default(), most: events.max(1), unread, mark: mark(limits) }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many events wait to be read, and how many bytes they hold.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let state = self.lock();
        (state.queue.len() - state.superseded_count, state.backlog.bytes())
    }

    /// Adds an event and leaves the wake to the caller. `false` if what may not be left out is too
    /// much.
    pub(crate) fn push_quietly(&self, event: Event) -> bool {
        let mut state = self.lock();
        if state.reader_dropped || state.closed {
            return true;
        }
        let mut weight = weight(&event);
        let waiting = state.queue.len() - state.superseded_count;
        let full = waiting >= self.most || state.backlog.bytes() + weight > self.unread;
        let kept = !can_be_left_out(&event);
        let mut event = event;
        if full && !kept {
            let superseded = state.supersede(&mut event);
            // Flags of many keywords may have taken the place of none.
            weight = self::weight(&event);
            if !superseded || state.backlog.bytes() + weight > self.unread && !is_undone(&event) {
                state.leave_out(event);
                return true;
            }
        }
        if full && is_undone(&event) {
            // With the one that it has superseded it is no change at all.
            return true;
        }
        state.kept += if kept { weight } else { 0 };
        state.add(WaitingEvent::new(event, weight, kept), self.mark);
        state.kept <= self.unread
    }

    /// Adds a piece of a detached command's result, and leaves the wake to the caller. `false` if
    /// there is no room for it: then it is dropped, and the result can't be whole any more.
    pub(crate) fn push_row_quietly(&self, event: Event) -> bool {
        let mut state = self.lock();
        if state.reader_dropped || state.closed {
            return true;
        }
        let weight = weight(&event);
        // An event that is larger than the whole room still passes, alone.
        let full = !state.queue.is_empty() && state.backlog.bytes() + weight > self.unread;
        if !full {
            state.add(WaitingEvent::new(event, weight, false), self.mark);
        }
        !full
    }

    /// How much of it all may wait.
    pub(crate) fn unread(&self) -> usize {
        self.unread
    }

    /// So much waits that the server may wait too: how often something was read.
    pub(crate) fn is_full(&self) -> Option<u64> {
        self.lock().backlog.is_full()
    }

    /// Drops all unread events: an attacker may have sent them.
    pub(crate) fn forget(&self) {
        let mut state = self.lock();
        let unread = std::mem::take(&mut state.queue);
        state.backlog.clear();
        (state.kept, state.superseded_count, state.latest, state.missed) =
            (0, 0, None, LagCounter::default());
        drop(state);
        drop(unread);
    }

    /// Adds the last event.
    pub(crate) fn close(&self, event: Event) {
        let mut state = self.lock();
        if !state.closed && !state.reader_dropped {
            state.add(WaitingEvent::new(event, 0, false), self.mark);
        }
        state.closed = true;
        drop(state);
        self.wake();
    }

    /// The reader has gone: what waits is dropped, and nothing is kept from now on.
    pub(crate) fn silence(&self) {
        let mut state = self.lock();
        state.reader_dropped = true;
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

impl QueueState {
    fn add(&mut self, waiting: WaitingEvent, mark: usize) {
        self.backlog.add(waiting.weight, mark);
        let place = self.taken + self.queue.len() as u64;
        if let Some((latest, event)) = self.latest.as_mut().zip(waiting.event.as_ref()) {
            latest.note(event, place);
        }
        self.queue.push_back(waiting);
    }

    /// The next event, past those that are worth nothing any more.
    fn take_next(&mut self) -> Option<(Event, usize, bool)> {
        while let Some(WaitingEvent { event, weight, kept, .. }) = self.pop() {
            if let Some(mut event) = event {
                if let Some(lag) = lag_of(&mut event) {
                    self.take_lags(lag);
                }
                return Some((event, weight, kept));
            }
        }
        self.latest = None;
        None
    }

    fn pop(&mut self) -> Option<WaitingEvent> {
        let waiting = self.queue.pop_front()?;
        match (&waiting.event, &mut self.latest) {
            (None, _) => self.superseded_count -= 1,
            (Some(event), Some(latest)) => {
                if let Some(key) = key(event).filter(|key| latest.get(key) == Some(self.taken)) {
                    latest.remove(&key);
                }
            }
            _ => {}
        }
        self.taken += 1;
        Some(waiting)
    }

    /// Nothing is left between this `Lagged`, which is taken, and those behind it: it counts for
    /// them too.
    fn take_lags(&mut self, lag: &mut Lagged) {
        let joins =
            |waiting: &mut WaitingEvent| waiting.event.as_mut().is_none_or(|event| lag_of(event).is_some());
        while self.queue.front_mut().is_some_and(joins) {
            if let Some(later) = self.pop().as_mut().and_then(WaitingEvent::lag) {
                self.missed.join(lag, std::mem::take(later));
            }
        }
        self.missed.taken(lag);
    }

    /// Whether an unread event reports the same state: it is dropped, and this one takes over what
    /// only the earlier one has.
    fn supersede(&mut self, event: &mut Event) -> bool {
        let Some(wanted) = key(event) else { return false };
        let (queue, taken) = (&self.queue, self.taken);
        let latest = self.latest.get_or_insert_with(|| {
            let mut latest = LatestByKey::default();
            for (waiting, at) in queue.iter().zip(taken..) {
                waiting.event.iter().for_each(|event| latest.note(event, at));
                latest.invalidate(waiting.invalidates);
            }
            latest
        });
        let place = latest.get(&wanted).and_then(|at| at.checked_sub(taken));
        let Some(at) = place.and_then(|at| usize::try_from(at).ok()) else {
            return false;
        };
        let before = at.checked_sub(1).and_then(|at| queue.get(at)?.event.as_ref());
        let earlier = queue.get(at).and_then(|waiting| waiting.event.as_ref());
        if !may_go(&wanted, before, at + 1 == queue.len()) || earlier.is_some_and(|e| is_too_much(e, event)) {
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
        self.superseded_count += 1;
        // While the later take the place of the earlier, between them a `Lagged` can come for each.
        // So many that the queue stays within a few times what may wait.
        if self.superseded_count > self.queue.len() / 3 {
            self.compact();
        }
        true
    }

    /// Takes out what is worth nothing, and makes one of each `Lagged` and those that then follow
    /// it at once.
    fn compact(&mut self) {
        let before = std::mem::take(&mut self.queue);
        for mut waiting in before.into_iter().filter(|waiting| waiting.event.is_some()) {
            match (self.queue.back_mut().and_then(WaitingEvent::lag), waiting.lag()) {
                (Some(earlier), Some(later)) => {
                    self.missed.join(earlier, std::mem::take(later));
                    let invalidates = waiting.invalidates;
                    self.queue
                        .back_mut()
                        .into_iter()
                        .for_each(|earlier| earlier.invalidates.join(invalidates));
                }
                _ => self.queue.push_back(waiting),
            }
        }
        (self.superseded_count, self.latest) = (0, None);
    }

    /// Counts the event in the last `Lagged`. An earlier one would not do: a reader that queries
    /// everything again there has still to read the events behind it, and must learn there that one
    /// more is missing.
    fn leave_out(&mut self, event: Event) {
        if self.queue.back_mut().and_then(WaitingEvent::lag).is_none() {
            let lagged = Event::new(EventKind::Lagged(Lagged::default()));
            self.queue.push_back(WaitingEvent::new(lagged, 0, false));
        }
        let invalidates = Invalidation::of(&event);
        self.latest.iter_mut().for_each(|latest| latest.invalidate(invalidates));
        self.queue.back_mut().into_iter().for_each(|waiting| waiting.invalidates.join(invalidates));
        if let Some(lag) = self.queue.back_mut().and_then(WaitingEvent::lag) {
            self.missed.count(lag, event);
        }
    }
}

impl WaitingEvent {
    fn new(event: Event, weight: usize, kept: bool) -> Self {
        Self { event: Some(event), weight, kept, invalidates: Invalidation::default() }
    }

    /// The count of what was left out, if that is what waits.
    fn lag(&mut self) -> Option<&mut Lagged> {
        lag_of(self.event.as_mut()?)
    }
}

/// Whether the reader can query again what this event reports. (Contract, promise 10.)
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

#[cfg(test)]
mod tests;
