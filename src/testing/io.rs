//! Runs a session on a byte stream: moves bytes between the two, and executes the steps of scripts.
//!
//! Only this file and `listen` do I/O or wait.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::deflate::Deflated;
use super::sasl::Bindings;
use super::session::{Session, Step};
#[cfg(feature = "rustls")]
use super::tls::Tls;

/// Any byte stream.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How to start TLS, if possible.
#[derive(Clone, Debug, Default)]
pub(super) struct Security {
    /// `None`: TLS is not offered.
    #[cfg(feature = "rustls")]
    pub(super) tls: Option<Tls>,
    /// TLS from the first byte, without STARTTLS.
    pub(super) implicit: bool,
}

impl Security {
    pub(super) fn can_tls(&self) -> bool {
        #[cfg(feature = "rustls")]
        return self.tls.is_some() && !self.implicit;
        #[cfg(not(feature = "rustls"))]
        false
    }

    async fn secure(&self, stream: Box<dyn Stream>) -> io::Result<(Box<dyn Stream>, Bindings)> {
        #[cfg(feature = "rustls")]
        if let Some(tls) = &self.tls {
            return tls.accept(stream).await;
        }
        Ok((stream, Bindings::new()))
    }
}

/// Serves one client until the session ends.
pub(super) async fn serve(mut session: Session, stream: Box<dyn Stream>, security: Security) {
    let result = async {
        let mut stream = stream;
        if security.implicit {
            let Some(secured) = handshake(&mut session, security.secure(stream)).await else { return Ok(()) };
            let (secured, bindings) = secured?;
            stream = secured;
            session.secured(bindings);
        }
        let mut input = BytesMut::new();
        let mut compression = Arc::<AtomicBool>::default();
        loop {
            session.run(&mut input);
            while let Some(step) = session.next() {
                match step {
                    Step::Write(bytes) => {
                        let split = session.split();
                        until_end(&mut session, write(&mut stream, &bytes, split)).await.unwrap_or(Ok(()))?;
                    }
                    Step::Pause(time) => {
                        until_end(&mut session, tokio::time::sleep(time)).await;
                    }
                    Step::StartTls => {
                        until_end(&mut session, stream.flush()).await.unwrap_or(Ok(()))?;
                        // Plaintext after STARTTLS is discarded, since it may be injected (RFC 9051
                        // section 6.2.1).
                        input.clear();
                        let secured = handshake(&mut session, security.secure(stream)).await;
                        let Some(secured) = secured else { return Ok(()) };
                        let (secured, bindings) = secured?;
                        stream = secured;
                        session.secured(bindings);
                    }
                    Step::Compress => {
                        until_end(&mut session, stream.flush()).await.unwrap_or(Ok(()))?;
                        compression = Arc::default();
                        stream = Box::new(Deflated::new(stream, &input.split(), compression.clone())?);
                        session.compressed();
                    }
                    Step::EndCompression => {
                        compression.store(true, Ordering::Relaxed);
                        until_end(&mut session, stream.flush()).await.unwrap_or(Ok(()))?;
                    }
                    Step::Close => {
                        let close = async {
                            stream.flush().await?;
                            stream.shutdown().await
                        };
                        return until_end(&mut session, close).await.unwrap_or(Ok(()));
                    }
                }
                session.run(&mut input);
            }
            until_end(&mut session, stream.flush()).await.unwrap_or(Ok(()))?;
            if !more(&mut session, &mut stream, &mut input).await? {
                return Ok(());
            }
        }
    };
    // A client that disconnects without LOGOUT is no error here.
    let _ = result.await;
}

/// Waits for this future, but not beyond the end of the session: a client that does not read must
/// not block a test.
async fn until_end<F: Future>(session: &mut Session, waiting: F) -> Option<F::Output> {
    let mut waiting = pin!(waiting);
    poll_fn(|cx| match waiting.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if session.must_end(cx.waker()) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Waits for the TLS handshake, but not beyond any end of the session: no BYE can be sent yet.
async fn handshake<F: Future>(session: &mut Session, waiting: F) -> Option<F::Output> {
    let mut waiting = pin!(waiting);
    poll_fn(|cx| match waiting.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if session.must_end(cx.waker()) || session.has_bye() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

async fn write(stream: &mut Box<dyn Stream>, bytes: &[u8], split: Option<usize>) -> io::Result<()> {
    let Some(size) = split else { return stream.write_all(bytes).await };
    for piece in bytes.chunks(size.max(1)) {
        stream.write_all(piece).await?;
        stream.flush().await?;
        // So that the reader receives this piece by itself.
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Waits for input, or for notifications; false: the client has disconnected.
async fn more(session: &mut Session, stream: &mut Box<dyn Stream>, input: &mut BytesMut) -> io::Result<bool> {
    let mut block = [0; 8192];
    poll_fn(|cx: &mut Context<'_>| {
        if session.wake_by(cx.waker()) {
            return Poll::Ready(Ok(true));
        }
        let mut buffer = ReadBuf::new(&mut block);
        match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) => {
                input.extend_from_slice(buffer.filled());
                Poll::Ready(Ok(!buffer.filled().is_empty()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
