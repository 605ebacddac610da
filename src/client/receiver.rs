//! The receiving half.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::Handle;
use crate::types::Event;

/// The half on which everything comes that the server says of its own accord, whether or not a command is
/// running; and the completions of commands, and the data of detached ones. One ordered stream.
///
/// It should be read, or dropped if nobody wants it. There is one for each connection; to let several tasks hear, hand
/// clones of the events on.
///
/// It ends after [`Closed`](crate::types::EventKind::Closed). A slow reader blocks nobody: past
/// [`Limits::events`](crate::types::Limits::events) news that can be asked again is left out, behind one
/// [`Lagged`](crate::types::EventKind::Lagged). The data of detached commands is not left out: while too much waits and
/// nothing else is to be done, the server waits for up to [`Limits::hold`](crate::types::Limits::hold), and past
/// [`Limits::unread`](crate::types::Limits::unread) that result ends, told by
/// [`Failed`](crate::types::EventKind::Failed). Dropping the receiver drops what comes from then on.
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
