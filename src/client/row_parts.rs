//! The rows of a FETCH whose long literals are read while they come.
//!
//! In: a token's slot, into which the driver puts the beginnings of literals among the rows. Out:
//! literals and rows, in wire order.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::body::RowLiteral;
use super::token::Token;
use crate::command::{Command, Fetch};
use crate::engine::BlockQueue;
use crate::error::Result;
use crate::types::{CommandId, Message, Progress, Untagged};

/// A part of the result of a FETCH.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "most are rows, which are handed out by value elsewhere, too")]
pub enum RowPart {
    /// A long literal, of which more may still come. Its row follows, behind all its literals.
    Literal(RowLiteral),
    /// The rest of a row that had such literals, whose sections have no data in it
    /// ([`BodyData::data`](crate::types::BodyData::data) is `None`); or a row without any.
    Row(Message),
}

/// The result of a FETCH, part by part: from [`Token::stream_literals`].
///
/// It ends when the command does; if the command failed, its last item is the error. Dropping it
/// drops the rest of the result, except for a literal that it has given out, which can be read to
/// its end. What waits unread is bounded as that of [`Rows`](crate::Rows), rows and literals each
/// for themselves; see [`RowLiteral`] for the latter.
#[must_use = "streams do nothing unless read"]
pub struct RowParts {
    token: Token<Fetch>,
    /// What was taken out of the slot at once, and has not been read.
    taken: BlockQueue<Untagged>,
}

impl Token<Fetch> {
    /// The result part by part while it is received, with literals of rows that have `from` bytes
    /// or more (of at least 4 KiB) as readers of their own: so of messages of any size a few
    /// hundred kilobytes are in memory, at the cost of one command for all of them. These literals
    /// are not bounded by [`Limits::literal`](crate::types::Limits::literal) and
    /// [`response`](crate::types::Limits::response), which bound what is held.
    ///
    /// Only what surely belongs to this command comes so: where another FETCH in flight asks for
    /// the same of the same message, a literal comes whole, within its row. The same goes for
    /// literals that are no sections of messages.
    /// [`Untagged::raw`](crate::types::Untagged::raw) has `NIL` in place of such a literal, and so
    /// has the log.
    ///
    /// [`Mailbox::body`](crate::Mailbox::body) reads one message by windows, which never hold the
    /// server back; this reads many, as the server sends them.
    ///
    /// ```no_run
    /// # use imap_duplex::RowPart;
    /// # use imap_duplex::command::Items;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut parts = inbox.fetch(inbox.newest(1000), Items::body().flags()).stream_literals(64 << 10);
    /// while let Some(part) = parts.next().await {
    ///     match part? {
    ///         RowPart::Literal(mut literal) => {
    ///             let name = format!("{}.eml", literal.uid().ok_or("no UID")?);
    ///             let mut file = tokio::fs::File::create(name).await?;
    ///             tokio::io::copy_buf(&mut literal, &mut file).await?;
    ///         }
    ///         RowPart::Row(row) => println!("{:?} {:?}", row.uid(), row.flags()),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "dropping the stream throws the rest of the result away"]
    pub fn stream_literals(self, from: u64) -> RowParts {
        self.slot.set_streaming_literals(from);
        self.shared.literals().want(from);
        RowParts { token: self, taken: BlockQueue::default() }
    }
}

impl RowParts {
    /// The next part; `None` at the end. While a literal is given out and not read to its end, the
    /// next part may wait for that.
    ///
    /// Cancel safe: no part is lost if it is dropped.
    pub async fn next(&mut self) -> Option<Result<RowPart>> {
        poll_fn(|cx| self.poll_part(cx)).await
    }

    /// The command's number, by which events name it as their cause.
    #[must_use]
    pub fn id(&self) -> CommandId {
        self.token.id()
    }

    /// The command's last reported progress: see [`Token::progress`].
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.token.progress()
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<RowPart>>> {
        let token = &self.token;
        let make = |response: Untagged| {
            if !response.begins_literal() {
                return Fetch::item(response).map(RowPart::Row);
            }
            let channel = token.slot.next_literal()?;
            Some(RowPart::Literal(RowLiteral::new(token.shared.clone(), channel)))
        };
        let part = token.slot.poll_piece(&mut self.taken, cx, || token.shared.wake_driver(), make);
        self.token.over |= matches!(part, Poll::Ready(None | Some(Err(_))));
        part
    }
}

impl Stream for RowParts {
    type Item = Result<RowPart>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_part(cx)
    }
}

impl fmt::Debug for RowParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowParts").field("id", &self.token.id()).finish_non_exhaustive()
    }
}
