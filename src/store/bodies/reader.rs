//! Bodies as a user reads them: whole, or piece by piece.
//!
//! In: a message, a part of it. Out: bytes from the file, into which they come from the server
//! first.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use rusqlite::Transaction;
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use super::fetch::{Wanted, obtain, part_section, wanted};
use super::rows;
use crate::store::database::Database;
use crate::store::error::{Fault, StoreError, StoreErrorKind, StoreResult};
use crate::store::handle::Store;
use crate::store::ids::MessageId;

/// How often it is asked for, because others that were asked for took its room.
const MAX_TURNS: usize = 3;

impl Store {
    /// A message as a whole, header and body: from the store, else from the server. It is kept
    /// then, for all messages of the same content. Cancel-safe: what has come of it is kept, too,
    /// and the next call goes on from there.
    ///
    /// # Errors
    /// [`Offline`](StoreErrorKind::Offline) if it is not in the store and the account is not
    /// attached or has no connection; [`NotFound`](StoreErrorKind::NotFound) if there is no such
    /// message, or no longer; [`Server`](StoreErrorKind::Server) if the server does not send it.
    ///
    /// ```no_run
    /// # use imap_duplex::store::{MessageId, Store, StoreResult};
    /// # async fn example(store: Store, message: MessageId) -> StoreResult<()> {
    /// let bytes = store.body(message).await?;
    /// # let _ = bytes;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn body(&self, message: MessageId) -> StoreResult<Bytes> {
        self.whole(message, String::new()).await
    }

    /// One part of a message as it is sent, still in its transfer encoding; `number` is that of
    /// [`PartSummary::number`](crate::store::PartSummary::number). Otherwise as
    /// [`body`](Self::body).
    ///
    /// # Errors
    /// As [`body`](Self::body); [`Invalid`](StoreErrorKind::Invalid) if that is no number of a
    /// part.
    pub async fn part(&self, message: MessageId, number: &str) -> StoreResult<Bytes> {
        part_section(number)?;
        self.whole(message, number.to_owned()).await
    }

    /// A message to be read piece by piece: as [`body`](Self::body), but a long one is never in
    /// memory as a whole, neither while it comes from the server nor while it is read. Returns once
    /// all of it is in the store.
    ///
    /// # Errors
    /// As [`body`](Self::body).
    ///
    /// ```no_run
    /// # use imap_duplex::store::{MessageId, Store};
    /// # async fn example(store: Store, message: MessageId) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut body = store.read_body(message).await?;
    /// let mut file = tokio::fs::File::create("message.eml").await?;
    /// tokio::io::copy_buf(&mut body, &mut file).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn read_body(&self, message: MessageId) -> StoreResult<StoredBody> {
        self.read_section(message, String::new()).await
    }

    /// One part of a message, to be read piece by piece; still in its transfer encoding. Otherwise
    /// as [`part`](Self::part) and [`read_body`](Self::read_body).
    ///
    /// # Errors
    /// As [`part`](Self::part).
    pub async fn read_part(&self, message: MessageId, number: &str) -> StoreResult<StoredBody> {
        part_section(number)?;
        self.read_section(message, number.to_owned()).await
    }

    /// Whether the whole message is in the store.
    ///
    /// # Errors
    /// [`NotFound`](StoreErrorKind::NotFound) if there is no such message, or no longer.
    pub async fn has_body(&self, message: MessageId) -> StoreResult<bool> {
        let wanted = wanted(&self.database, message, String::new()).await?;
        self.database.read(move |file| Ok(rows::find(file, wanted.content, "")?.is_some())).await
    }

    async fn whole(&self, message: MessageId, section: String) -> StoreResult<Bytes> {
        let wanted = wanted(&self.database, message, section).await?;
        let read = |file: &Transaction<'_>, body| Ok((body, rows::read(file, body)?));
        let (body, bytes) = here(&self.database, &wanted, read).await?;
        self.database.note_used(body);
        Ok(bytes)
    }

    async fn read_section(&self, message: MessageId, section: String) -> StoreResult<StoredBody> {
        let wanted = wanted(&self.database, message, section).await?;
        let read = |file: &Transaction<'_>, body| Ok((body, rows::size(file, body)?));
        let (body, size) = here(&self.database, &wanted, read).await?;
        self.database.note_used(body);
        let (database, unread) = (self.database.clone(), Bytes::new());
        Ok(StoredBody { database, wanted, size, next: Some(0), unread, reading: None })
    }
}

/// What this reads of a body, which is fetched if it is not here.
async fn here<T: Send + 'static>(
    database: &Database,
    wanted: &Wanted,
    read: impl Fn(&Transaction<'_>, i64) -> Result<T, Fault> + Clone + Send + 'static,
) -> StoreResult<T> {
    let mut turns = 0;
    loop {
        let (content, section, read) = (wanted.content, wanted.section.clone(), read.clone());
        let job = move |file: &Transaction<'_>| {
            let body = rows::find(file, content, &section)?;
            body.map(|body| read(file, body)).transpose()
        };
        if let Some(read) = database.read(job).await? {
            return Ok(read);
        }
        if turns == MAX_TURNS {
            let what = "there is no room for the message: others are asked for, too";
            return Err(StoreError::new(StoreErrorKind::Full, what));
        }
        obtain(database, wanted).await?;
        turns += 1;
    }
}

type Reading = Pin<Box<dyn Future<Output = StoreResult<Option<Bytes>>> + Send>>;

/// A message or a part of it, read piece by piece out of the store; from
/// [`Store::read_body`] and [`Store::read_part`].
///
/// It is a reader of tokio's ([`AsyncRead`], [`AsyncBufRead`]) and a stream of [`Bytes`]. A piece
/// has 256 KiB, and one is in memory at a time. If the body is removed from the store meanwhile, to
/// make room for others, it is fetched again, and goes on where it was. An error comes as often as
/// it is read after that: what could not be read is never taken for the end.
#[must_use = "nothing is read until you ask for it"]
pub struct StoredBody {
    database: Database,
    wanted: Wanted,
    size: u64,
    /// The next piece; `None` at the end.
    next: Option<i64>,
    unread: Bytes,
    reading: Option<Reading>,
}

impl StoredBody {
    /// How many bytes it has as a whole.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes; `None` at the end. Cancel-safe.
    ///
    /// # Errors
    /// As [`Store::body`].
    pub async fn next(&mut self) -> Option<StoreResult<Bytes>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Reads the next piece, if nothing is left of the last. Ready at the end, too.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<StoreResult<()>> {
        while self.unread.is_empty() {
            let Some(number) = self.next else { return Poll::Ready(Ok(())) };
            let reading = self.reading.get_or_insert_with(|| {
                let (database, wanted) = (self.database.clone(), self.wanted.clone());
                Box::pin(async move {
                    here(&database, &wanted, move |file, body| rows::piece(file, body, number)).await
                })
            });
            let read = ready!(reading.as_mut().poll(cx));
            self.reading = None;
            match read? {
                Some(piece) => (self.next, self.unread) = (Some(number + 1), piece),
                None => self.next = None,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Stream for StoredBody {
    type Item = StoreResult<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(error) = ready!(self.poll_fill(cx)) {
            return Poll::Ready(Some(Err(error)));
        }
        let bytes = std::mem::take(&mut self.unread);
        Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
    }
}

impl AsyncBufRead for StoredBody {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        ready!(this.poll_fill(cx)).map_err(io::Error::other)?;
        Poll::Ready(Ok(&this.unread))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        let count = count.min(self.unread.len());
        _ = self.unread.split_to(count);
    }
}

impl AsyncRead for StoredBody {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let unread = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = unread.len().min(buffer.remaining());
        buffer.put_slice(&unread[..count]);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for StoredBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredBody").field("size", &self.size).finish_non_exhaustive()
    }
}
