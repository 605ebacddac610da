//! The receiving half: the events of a connection, in wire order.
//!
//! In: the event queue that the driver fills. Out: one event after the other, to be awaited or read
//! as a `Stream`.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::Handle;
use crate::types::Event;

/// The receiving half: one ordered stream of everything that the server sends unasked, whether or
/// not a command is running, of the completions of commands, and of the data of detached ones.
///
/// Read it, or drop it if events are not wanted. There is one for each connection; if several tasks
/// need the events, send them clones.
///
/// It ends after [`Closed`](crate::types::EventKind::Closed). A slow reader blocks no command: past
/// [`Limits::events`](crate::types::Limits::events) changes that can be queried again are dropped,
/// behind one [`Lagged`](crate::types::EventKind::Lagged). The data of detached commands is not
/// dropped: while too much is unread and no other command is in flight, the connection stops
/// reading for up to [`Limits::hold`](crate::types::Limits::hold), and past
/// [`Limits::unread`](crate::types::Limits::unread) that result ends with
/// [`Failed`](crate::types::EventKind::Failed). Dropping the receiver drops all later events.
///
/// ```no_run
/// # async fn example(mut events: imap_duplex::Receiver) {
/// while let Some(event) = events.next().await {
///     println!("{event}"); // INBOX: uid 4712 arrived
/// }
/// # }
/// ```
pub struct Receiver {
    handle: Arc<Handle>,
}

impl Receiver {
    pub(crate) fn new(handle: Arc<Handle>) -> Self {
        Self { handle }
    }

    /// The next event; `None` once the connection has ended and all has been read.
    ///
    /// Cancel safe: no event is lost if it is dropped.
    ///
    /// ```no_run
    /// # async fn example(mut events: imap_duplex::Receiver) -> imap_duplex::Result<()> {
    /// while let Some(event) = events.next().await {
    ///     println!("{event}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.handle.shared.poll_event(cx)).await
    }
}

impl Stream for Receiver {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.handle.shared.poll_event(cx)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.handle.shared.silence_events();
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
