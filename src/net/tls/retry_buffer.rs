//! A writer that stands by what it has taken.
//!
//! OpenSSL encrypts the bytes of a write that can't go on, and insists on the same bytes when it is
//! called again. The engine may have withdrawn a command meanwhile, so that others wait to be
//! written. So bytes are taken into a buffer first, and it is the buffer that is written again.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is taken at once: what one TLS record holds.
const RECORD: usize = 16 << 10;

/// Takes bytes, and writes them to `inner` until they are written.
pub(super) struct Committed<S> {
    inner: S,
    taken: Vec<u8>,
    written: usize,
}

impl<S: AsyncWrite + Unpin> Committed<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, taken: Vec::new(), written: 0 }
    }

    /// Ready when all that was taken is written.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.taken.len() {
            let count = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.taken[self.written..]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count;
        }
        // An idle connection holds no buffer.
        (self.taken, self.written) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Committed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(cx))?;
        let count = bytes.len().min(RECORD);
        self.taken.extend_from_slice(&bytes[..count]);
        match self.poll_drain(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(count)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Committed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::AsyncWriteExt;

    use super::*;

    /// As OpenSSL: refuses other bytes than those of the write that was pending.
    #[derive(Default)]
    struct Stubborn {
        full: bool,
        pending: Option<Vec<u8>>,
        out: Vec<u8>,
    }

    impl AsyncWrite for Stubborn {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if let Some(before) = &self.pending
                && !bytes.starts_with(before)
            {
                return Poll::Ready(Err(io::Error::other("bad write retry")));
            }
            if self.full {
                self.pending = Some(bytes.to_vec());
                return Poll::Pending;
            }
            // What was encrypted before is written, and no more.
            let bytes = self.pending.take().unwrap_or(bytes.to_vec());
            self.out.extend_from_slice(&bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_waited_is_written_before_what_has_taken_its_place() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut writer = Committed::new(Stubborn { full: true, ..Stubborn::default() });
        let taken = Pin::new(&mut writer).poll_write(&mut cx, b"a1 NOOP\r\n");
        assert!(matches!(taken, Poll::Ready(Ok(9))), "it is taken, and will be written");
        // What waits now is another command: nothing of the first may be lost or written twice.
        assert!(Pin::new(&mut writer).poll_write(&mut cx, b"a2 LIST\r\n").is_pending());
        writer.inner.full = false;
        writer.write_all(b"a3 STATUS\r\n").await.expect("the first goes before");
        writer.flush().await.expect("all is written");
        assert_eq!(writer.inner.out, b"a1 NOOP\r\na3 STATUS\r\n");
        assert_eq!(writer.taken.capacity(), 0, "an idle connection holds no buffer");
    }
}
