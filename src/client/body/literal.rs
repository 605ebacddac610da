//! A streamed literal of a row.
//!
//! In: the channel that the driver fills. Out: its bytes, as `AsyncRead`, as `AsyncBufRead` and as
//! a stream.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::reading::{self, Chunks, Unread, readers};
use crate::engine::{LiteralChannel, Shared};
use crate::error::{Error, Result};
use crate::types::{Section, Seq, Uid};

/// The bytes of one section of a row, while the server sends them: of a section of any size a few
/// hundred kilobytes are in memory at most. From [`RowParts`](crate::RowParts).
///
/// It is a reader of tokio's ([`AsyncRead`](tokio::io::AsyncRead),
/// [`AsyncBufRead`](tokio::io::AsyncBufRead)) and a stream of [`Bytes`], and may be read in another
/// task than its rows. While it is read slowly the server waits, as it does for
/// [rows](crate::Rows), but never while another command is queued or in flight: then its bytes are
/// kept, and beyond [`Limits::unread`](crate::types::Limits::unread) of those (of all literals of
/// the result together) this literal ends with [`Overrun`](crate::ErrorKind::Overrun) behind them,
/// which affects nothing else. Dropping it throws the rest of the literal away.
///
/// # Errors
///
/// The command's, if it ends meanwhile: [`Closed`](crate::ErrorKind::Closed) with the server's
/// words if it gives the message up in the middle, since it can't take back how many bytes it has
/// announced; [`Timeout`](crate::ErrorKind::Timeout) for [`Token::timeout`](crate::Token::timeout).
/// Each names the mailbox, the message and how many bytes came. As a stream it ends after the
/// error. Reads fail again and again, with the [`Error`] inside the `std::io::Error`: what has been
/// cut off is never taken for the end.
#[must_use = "dropping it throws the section away"]
pub struct RowLiteral {
    shared: Arc<Shared>,
    channel: Arc<LiteralChannel>,
    /// How far it has been read from the server.
    received: u64,
    unread: Unread,
}

impl RowLiteral {
    pub(in crate::client) fn new(shared: Arc<Shared>, channel: Arc<LiteralChannel>) -> Self {
        Self { shared, channel, received: 0, unread: Unread::default() }
    }

    /// The message's sequence number, as in its row.
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        self.channel.facts().seq
    }

    /// The message's UID, if the server has sent it before the section, or it is in the view.
    #[must_use]
    pub fn uid(&self) -> Option<Uid> {
        self.channel.facts().uid
    }

    /// Which section of the message it is.
    #[must_use]
    pub fn section(&self) -> &Section {
        &self.channel.facts().section
    }

    /// The offset of a partial answer, in bytes; `None` for a whole section.
    #[must_use]
    pub fn origin(&self) -> Option<u64> {
        self.channel.facts().origin
    }

    /// Whether the server has decoded it from its transfer encoding: BINARY (RFC 3516).
    #[must_use]
    pub fn is_binary(&self) -> bool {
        self.channel.facts().is_binary
    }

    /// How many bytes it has, as the server has announced.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.channel.facts().size
    }

    /// How many bytes of it lie before what will be read next.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.received.saturating_sub(self.unread.len() as u64)
    }

    /// The next bytes, as many as there are; `None` at the end.
    ///
    /// Cancel safe: nothing is lost if it is dropped.
    ///
    /// # Errors
    /// See [`RowLiteral`](Self#errors).
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| reading::poll_next(self, cx)).await
    }

    /// The error, with where it happened.
    fn blame(&self, error: Error) -> Error {
        let message = match (self.uid(), self.seq()) {
            (Some(uid), _) => format!("uid {uid}"),
            (None, Some(seq)) => format!("message {seq}"),
            (None, None) => "a message".to_owned(),
        };
        let (at, size) = (self.received, self.size());
        error.in_command("FETCH").moreover(&format!("{message}, at byte {at} of the {size} of a literal"))
    }
}

impl Chunks for RowLiteral {
    fn unread(&mut self) -> &mut Unread {
        &mut self.unread
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let piece = ready!(self.channel.poll_piece(cx, || self.shared.wake_driver()));
        Poll::Ready(piece.map(|piece| match piece {
            Ok(bytes) => {
                self.received = self.received.saturating_add(bytes.len() as u64);
                Ok(bytes)
            }
            Err(error) => Err(self.blame(error)),
        }))
    }
}

readers!(RowLiteral);

impl Drop for RowLiteral {
    fn drop(&mut self) {
        if self.channel.abandon() {
            self.shared.wake_driver();
        }
    }
}

impl fmt::Debug for RowLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowLiteral")
            .field("uid", &self.uid())
            .field("section", self.section())
            .field("size", &self.size())
            .field("offset", &self.offset())
            .finish_non_exhaustive()
    }
}
