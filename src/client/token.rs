//! Tokens: the futures of the results of submitted commands; and results as streams of rows.
//!
//! In: a slot that the driver fills. Out: the result when the command has ended, or row by row
//! while it runs; or, detached, nothing here and everything in the event stream.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::time::Instant;

use super::{Mailbox, Select, Submit};
use crate::command::{SaveSearch, SavedSearch, Streaming};
use crate::engine::{BlockQueue, ResultSlot, Shared};
use crate::error::Result;
use crate::types::{CommandId, Progress, Untagged};

/// The future of the result of one submitted command.
///
/// The command is under way whether or not the token is awaited. Dropping the token before the
/// command's first byte is written withdraws a command that only reads; one that changes something
/// is sent nevertheless ([`cancel`](Token::cancel) withdraws it if there is still time). Once sent,
/// a command runs to its end, and its result is dropped.
///
/// What it collects is held whole in memory, up to
/// [`Limits::result`](crate::types::Limits::result); past that it fails with
/// [`Overrun`](crate::ErrorKind::Overrun). For more than that there is [`stream`](Token::stream).
///
/// Cancel safe: it can be awaited by reference, in `select!`, and again later.
#[must_use = "dropping a token withdraws a command that only reads; `detach` leaves its result to the event stream"]
pub struct Token<S: Submit> {
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Arc<ResultSlot<S::Command>>,
    id: CommandId,
    /// What it gives before there is a result: see [`Submit`].
    companion: S::Companion,
    /// Whether its end has been seen, so that dropping it means nothing.
    pub(super) over: bool,
}

impl<S: Submit> Token<S> {
    pub(super) fn new(
        shared: &Arc<Shared>,
        slot: Arc<ResultSlot<S::Command>>,
        id: CommandId,
        companion: S::Companion,
    ) -> Self {
        Self { shared: shared.clone(), slot, id, companion, over: false }
    }

    /// The command's number, by which events name it as their cause.
    ///
    /// ```no_run
    /// # fn example(imap: &imap_duplex::Sender) {
    /// let noop = imap.noop();
    /// println!("submitted as {:?}", noop.id());
    /// # }
    /// ```
    #[must_use]
    pub fn id(&self) -> CommandId {
        self.id
    }

    /// The command's last reported progress: servers with INPROGRESS (RFC 9585) report it while a
    /// long SEARCH or COPY runs. `None` without a report.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # fn example(inbox: &imap_duplex::Mailbox) {
    /// let search = inbox.search(Search::body("invoice"));
    /// println!("{:?}", search.progress());
    /// # }
    /// ```
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.slot.progress()
    }

    /// Hands the result to the event stream: first the data received so far, then each further
    /// piece, as [`Data`](crate::types::EventKind::Data), and the end as
    /// [`Completed`](crate::types::EventKind::Completed). If the command has ended already, its end
    /// was reported before, and only its data is added now.
    ///
    /// ```no_run
    /// # fn example(imap: &imap_duplex::Sender) {
    /// let id = imap.list("*").detach(); // rows are `Data` events with this cause
    /// println!("listing as {id:?}");
    /// # }
    /// ```
    pub fn detach(mut self) -> CommandId {
        self.over = true;
        self.slot.detach(self.id, self.shared.events());
        self.id
    }

    /// Withdraws the command if its first byte has not been written yet, even if it changes
    /// something. Else the command runs to its end and its result is dropped. The event stream
    /// reports the end of a command that was sent, and nothing of one that was withdrawn. An IDLE
    /// by hand is ended. A streamed upload that has begun is abandoned, which may cost the
    /// connection: see [`Append`](crate::command::Append#streamed-uploads). Of several messages
    /// that are appended one by one, no further one is sent: see
    /// [`AppendAll`](crate::command::AppendAll).
    ///
    /// ```no_run
    /// # fn example(imap: &imap_duplex::Sender) {
    /// imap.create("Archive").cancel(); // not sent, if nothing of it has been written
    /// # }
    /// ```
    pub fn cancel(mut self) {
        self.over = true;
        if self.slot.abandon(true) {
            self.shared.give_up(self.id);
        }
    }
}

impl<S: Submit> Token<S> {
    /// Fails the token with [`Timeout`](crate::ErrorKind::Timeout) if its command has not ended
    /// within this time from now. A later limit replaces it.
    ///
    /// If not a byte of the command has been written by then, it is withdrawn, even if it changes
    /// something; [`Error::sent`](crate::Error::sent) says [`No`](crate::Sent::No). Else it runs to
    /// its end, its result is dropped, and nothing after it is disturbed; whether the server has
    /// carried it out is not known, and the event stream reports how it ends. An IDLE by hand is
    /// ended. A SELECT whose [`Mailbox`] someone holds or has used is sent in any case.
    ///
    /// Of a [stream](Token::stream) the limit is that of the whole command: the rows received until
    /// then are given, and then the error. The rows of an awaited token are in
    /// [`Error::answers`](crate::Error::answers). [Detached](Token::detach), it has no limit any
    /// more.
    ///
    /// A limit is about one command. That the connection is dead is found out without one, by
    /// [`Timeouts::silence`](crate::Timeouts::silence).
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use imap_duplex::command::Search;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let search = inbox.search(Search::body("invoice")).timeout(Duration::from_secs(5));
    /// match search.await {
    ///     Err(error) if error.kind() == imap_duplex::ErrorKind::Timeout => println!("{error}"),
    ///     found => println!("{:?}", found?),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(self, limit: Duration) -> Self {
        let until = Instant::now().checked_add(limit).map(Instant::into_std);
        self.shared.set_limit(self.id, until, limit);
        self
    }
}

impl<C: Streaming> Token<C> {
    /// The result as a stream: rows can be read while the command is still running. At most
    /// [`Limits::unread`](crate::types::Limits::unread) of unread rows are kept: see [`Rows`].
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let mut rows = inbox.fetch(inbox.newest(1000), Items::envelope()).stream();
    /// while let Some(row) = rows.next().await {
    ///     println!("{:?}", row?.uid());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "dropping the stream throws the rest of the result away"]
    pub fn stream(self) -> Rows<C> {
        self.slot.set_streaming();
        Rows { token: self, taken: BlockQueue::default() }
    }
}

impl Token<Select> {
    /// The mailbox that will be selected. Commands can be submitted through it at once: they go out
    /// as soon as that is sound, and fail, unsent, if it can't be selected.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let select = imap.select("INBOX");
    /// let unseen = select.mailbox().search(Search::unseen()).await?; // one round trip
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        self.companion.mailbox()
    }
}

impl Token<SaveSearch> {
    /// The handle by which commands can name the search's result before the server has answered:
    /// see [`SavedSearch`].
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Items, Search};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let search = inbox.save(Search::flagged());
    /// let rows = inbox.fetch(&search.saved(), Items::envelope()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn saved(&self) -> SavedSearch {
        self.companion.clone()
    }
}

impl<S: Submit> Future for Token<S> {
    type Output = Result<S::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = self.slot.poll_result(cx);
        self.over |= result.is_ready();
        result
    }
}

impl<S: Submit> Drop for Token<S> {
    fn drop(&mut self) {
        if !self.over && self.slot.abandon(false) {
            self.shared.give_up(self.id);
        }
    }
}

impl<S: Submit> fmt::Debug for Token<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The result of a command, piece by piece.
///
/// It ends when the command does; if the command failed, its last item is the error. Dropping it
/// drops the rest of the result.
///
/// It may be read slowly. While more than [`Limits::backlog`](crate::types::Limits::backlog) is
/// unread, the connection stops reading, so that memory is bounded however long the result is; but
/// never while another command is queued or in flight, since its answer follows these rows, and no
/// longer than [`Limits::hold`](crate::types::Limits::hold) without a row being read. After that
/// rows are kept up to [`Limits::unread`](crate::types::Limits::unread); past it this stream yields
/// the rows kept and then ends with [`Overrun`](crate::ErrorKind::Overrun), which affects nothing
/// else. So another command can be awaited between two rows.
#[must_use = "streams do nothing unless read"]
pub struct Rows<C: Streaming> {
    token: Token<C>,
    /// What was taken out of the slot at once, and has not been read.
    taken: BlockQueue<Untagged>,
}

impl<C: Streaming> Rows<C> {
    /// The next piece; `None` at the end.
    ///
    /// Cancel safe: no piece is lost if it is dropped.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let mut rows = inbox.fetch(inbox.newest(1000), Items::new().flags()).stream();
    /// while let Some(row) = rows.next().await {
    ///     println!("{:?}", row?.flags());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Result<C::Item>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    /// The command's number, by which events name it as their cause.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # fn example(inbox: &imap_duplex::Mailbox, event: &imap_duplex::Event) {
    /// let rows = inbox.fetch(inbox.newest(1000), Items::new().flags()).stream();
    /// let is_caused_by_it = event.cause == Some(rows.id());
    /// # let _ = is_caused_by_it;
    /// # }
    /// ```
    #[must_use]
    pub fn id(&self) -> CommandId {
        self.token.id
    }

    /// The command's last reported progress: see [`Token::progress`].
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # fn example(inbox: &imap_duplex::Mailbox) {
    /// let rows = inbox.fetch(inbox.newest(100_000), Items::new().flags()).stream();
    /// println!("{:?}", rows.progress());
    /// # }
    /// ```
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.token.progress()
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<C::Item>>> {
        let token = &self.token;
        let item = token.slot.poll_item(&mut self.taken, cx, || token.shared.wake_driver());
        self.token.over |= matches!(item, Poll::Ready(None | Some(Err(_))));
        item
    }
}

impl<C: Streaming> Stream for Rows<C> {
    type Item = Result<C::Item>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl<C: Streaming> fmt::Debug for Rows<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("id", &self.token.id).finish_non_exhaustive()
    }
}
