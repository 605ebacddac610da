//! Where all parts of the engine report to.
//!
//! In: events, each after the view that it is about has been published. Out: the queue's events in
//! the same order, and whether more of them wait than the limit allows.

use std::sync::Arc;

use crate::engine::events::queue::EventQueue;
use crate::types::{CloseReason, Event, EventKind};

/// The engine's end of the event queue. An event is in the queue when `report` returns: a response
/// may lead to as many as a mailbox has messages, so there is nowhere else that they could wait.
pub(crate) struct Output {
    queue: Arc<EventQueue>,
    overrun: bool,
    /// The reader has not been woken for what was reported last.
    unannounced: bool,
}

impl Output {
    pub(crate) fn new(queue: Arc<EventQueue>) -> Self {
        Self { queue, overrun: false, unannounced: false }
    }

    /// Reports an event; the reader is woken by [`wake`](Self::wake).
    pub(crate) fn report(&mut self, event: Event) {
        self.unannounced = true;
        self.overrun |= !self.queue.push_quietly(event);
    }

    /// Reports a piece of a detached command's result. `false` if there is no room for it.
    pub(crate) fn report_row(&mut self, event: Event) -> bool {
        self.unannounced = true;
        self.queue.push_row_quietly(event)
    }

    /// Wakes the reader, if something has been reported.
    pub(crate) fn wake(&mut self) {
        if std::mem::take(&mut self.unannounced) {
            self.queue.wake();
        }
    }

    /// Whether more events that may not be left out wait than the limit allows.
    pub(crate) fn is_overrun(&self) -> bool {
        self.overrun
    }

    /// If so much waits that the server may wait too: how often something was read.
    pub(crate) fn is_full(&self) -> Option<u64> {
        self.queue.is_full()
    }

    /// Drops what waits: before TLS anyone may have sent it.
    pub(crate) fn forget(&self) {
        self.queue.forget();
    }

    /// Reports the last event.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.queue.close(Event::new(EventKind::Closed { reason }));
    }
}
