//! Adapts a source of byte chunks to `AsyncRead`, `AsyncBufRead` and `Stream`.
//!
//! In: chunks of any size. Out: bytes, with what is left of the last chunk kept between two reads.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::ReadBuf;

use crate::error::{Error, ErrorKind, Result};

/// A source of chunks, of which none is empty.
pub(super) trait Chunks: Unpin {
    fn unread(&mut self) -> &mut Unread;

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>>;
}

/// What was received and not read, and the error that ended it.
#[derive(Debug, Default)]
pub(super) struct Unread {
    rest: Bytes,
    failed: Option<Error>,
}

impl Unread {
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }
}

/// The next chunk as an item of a stream; an error is the last.
pub(super) fn poll_next(chunks: &mut impl Chunks, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
    let unread = chunks.unread();
    if !unread.rest.is_empty() {
        return Poll::Ready(Some(Ok(std::mem::take(&mut unread.rest))));
    }
    if unread.failed.is_some() {
        return Poll::Ready(None);
    }
    let item = ready!(chunks.poll_chunk(cx));
    if let Some(Err(error)) = &item {
        chunks.unread().failed = Some(error.clone());
    }
    Poll::Ready(item)
}

/// What lies unread; empty at the end.
pub(super) fn poll_fill<'a>(chunks: &'a mut impl Chunks, cx: &mut Context<'_>) -> Poll<io::Result<&'a [u8]>> {
    if chunks.unread().rest.is_empty() {
        if let Some(error) = &chunks.unread().failed {
            return Poll::Ready(Err(io_error(error.clone())));
        }
        match ready!(chunks.poll_chunk(cx)) {
            None => {}
            Some(Ok(bytes)) => chunks.unread().rest = bytes,
            Some(Err(error)) => {
                chunks.unread().failed = Some(error.clone());
                return Poll::Ready(Err(io_error(error)));
            }
        }
    }
    Poll::Ready(Ok(&chunks.unread().rest))
}

pub(super) fn consume(chunks: &mut impl Chunks, count: usize) {
    let rest = &mut chunks.unread().rest;
    rest.advance(count.min(rest.len()));
}

pub(super) fn poll_read(
    chunks: &mut impl Chunks,
    cx: &mut Context<'_>,
    room: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    if room.remaining() == 0 {
        return Poll::Ready(Ok(()));
    }
    let bytes = ready!(poll_fill(chunks, cx))?;
    let count = bytes.len().min(room.remaining());
    if let Some(bytes) = bytes.get(..count) {
        room.put_slice(bytes);
    }
    consume(chunks, count);
    Poll::Ready(Ok(()))
}

fn io_error(error: Error) -> io::Error {
    let kind = match error.kind() {
        ErrorKind::Expunged => io::ErrorKind::NotFound,
        ErrorKind::Closed => io::ErrorKind::ConnectionAborted,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// `AsyncRead`, `AsyncBufRead` and `Stream` of a type that has chunks.
macro_rules! readers {
    ($name:ty) => {
        impl tokio::io::AsyncRead for $name {
            fn poll_read(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                room: &mut tokio::io::ReadBuf<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                $crate::client::body::reading::poll_read(&mut *self, cx, room)
            }
        }

        impl tokio::io::AsyncBufRead for $name {
            fn poll_fill_buf(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<&[u8]>> {
                $crate::client::body::reading::poll_fill(self.get_mut(), cx)
            }

            fn consume(mut self: std::pin::Pin<&mut Self>, count: usize) {
                $crate::client::body::reading::consume(&mut *self, count);
            }
        }

        impl futures_core::Stream for $name {
            type Item = $crate::error::Result<bytes::Bytes>;

            fn poll_next(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Self::Item>> {
                $crate::client::body::reading::poll_next(&mut *self, cx)
            }
        }
    };
}

pub(super) use readers;
