//! A body, decoded while it is read.
//!
//! In: the chunks of a [`Body`] and their transfer encoding. Out: the decoded bytes, read as the
//! body itself is.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::Body;
use super::reading::{self, Chunks, Unread, readers};
use super::transfer::Transfer;
use crate::error::Result;

/// The bytes of a part, decoded from their content transfer encoding while they are read. From
/// [`Body::decoded`].
///
/// It is a reader of tokio's and a stream of [`Bytes`], as [`Body`] is, with the same errors, and
/// holds one decoded window more.
#[must_use = "nothing is asked for until it is read"]
pub struct DecodedBody {
    body: Body,
    transfer: Transfer,
    /// The last bytes have been decoded.
    is_over: bool,
    unread: Unread,
}

impl DecodedBody {
    pub(super) fn new(body: Body, encoding: &str) -> Result<Self> {
        let transfer = Transfer::named(encoding)?;
        Ok(Self { body, transfer, is_over: false, unread: Unread::default() })
    }

    /// The next decoded bytes, as many as there are; `None` at the end.
    ///
    /// Cancel safe: nothing is lost if it is dropped.
    ///
    /// # Errors
    /// See [`Body`](Body#errors).
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        poll_fn(|cx| reading::poll_next(self, cx)).await
    }

    /// The body that it decodes: how far it has been read, in bytes on the wire.
    pub fn body(&self) -> &Body {
        &self.body
    }
}

impl Chunks for DecodedBody {
    fn unread(&mut self) -> &mut Unread {
        &mut self.unread
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        while !self.is_over {
            let decoded = match ready!(reading::poll_next(&mut self.body, cx)) {
                Some(Ok(bytes)) => self.transfer.decode(bytes),
                Some(Err(error)) => {
                    self.is_over = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.is_over = true;
                    self.transfer.finish()
                }
            };
            if !decoded.is_empty() {
                return Poll::Ready(Some(Ok(decoded)));
            }
        }
        Poll::Ready(None)
    }
}

readers!(DecodedBody);

impl fmt::Debug for DecodedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodedBody").field("body", &self.body).finish_non_exhaustive()
    }
}
