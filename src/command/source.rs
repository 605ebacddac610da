//! The source of a streamed upload: yields the bytes of a message that is not in memory.
//!
//! In: a stream of bytes, from the user. Out: the stream itself, as [`Taken`], for the line that is
//! being written; it is returned if it has not been polled, so that a refused upload can be
//! submitted again.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// How many empty pieces may follow each other, none of which had to be waited for.
const MAX_EMPTY: u32 = 1000;

/// A message's bytes, in pieces, and how many there are; its clones share them.
#[derive(Clone)]
pub(crate) struct Source {
    size: u64,
    bytes: Arc<Mutex<Option<ByteStream>>>,
}

impl Source {
    pub(crate) fn new(size: u64, bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self { size, bytes: Arc::new(Mutex::new(Some(Box::pin(bytes)))) }
    }

    /// How many bytes it yields.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The stream, for one upload, as a literal or as a literal8; `None` if another has it or has
    /// read it.
    pub(crate) fn take(&self, binary: bool) -> Option<Taken> {
        let bytes = self.lock().take()?;
        let source = self.clone();
        Some(Taken { source, bytes: Some(bytes), binary, begun: false, given_up: false, empty: 0 })
    }

    fn lock(&self) -> MutexGuard<'_, Option<ByteStream>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("size", &self.size).finish_non_exhaustive()
    }
}

/// A source that an upload has taken. Dropped before it was polled, it is returned.
pub(crate) struct Taken {
    source: Source,
    bytes: Option<ByteStream>,
    /// Its bytes go into a literal8.
    binary: bool,
    begun: bool,
    given_up: bool,
    /// How many empty pieces have arrived since the last that was not empty, or that had to be
    /// waited for.
    empty: u32,
}

impl Taken {
    /// How many bytes it yields.
    pub(crate) fn size(&self) -> u64 {
        self.source.size
    }

    /// Whether a NUL may be among its bytes.
    pub(crate) fn takes_nul(&self) -> bool {
        self.binary
    }

    /// It is to be asked for nothing more: as if it had failed.
    pub(crate) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// The next bytes; `None` at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.given_up {
            return Poll::Ready(Some(Err(io::Error::other("the upload was cancelled"))));
        }
        self.begun = true;
        let Some(bytes) = &mut self.bytes else { return Poll::Ready(None) };
        let given = bytes.as_mut().poll_next(cx);
        let is_empty = matches!(&given, Poll::Ready(Some(Ok(bytes))) if bytes.is_empty());
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        // It would keep the driver busy and bring it no further.
        if self.empty > MAX_EMPTY {
            let why = format!("{} pieces in a row were empty", self.empty);
            return Poll::Ready(Some(Err(io::Error::other(why))));
        }
        given
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(bytes) = self.bytes.take_if(|_| !self.begun) {
            *self.source.lock() = Some(bytes);
        }
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken").field("source", &self.source).field("begun", &self.begun).finish()
    }
}
