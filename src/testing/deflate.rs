//! The server's side of COMPRESS=DEFLATE (RFC 4978): a stream that deflates each write at once, and
//! inflates what is read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::io::Stream;

const BLOCK: usize = 8 << 10;

/// A compressed stream.
pub(super) struct Deflated {
    stream: Box<dyn Stream>,
    compressor: Compress,
    decompressor: Decompress,
    /// Compressed, and not sent yet.
    out: BytesMut,
    /// Decompressed, and not read yet.
    input: BytesMut,
    /// The client has ended its compressed stream: what follows is as it is.
    reads_plain: bool,
    /// Once it is set, the next flush ends the stream, and what follows goes as it is (RFC 8437
    /// section 4.1).
    ends: Arc<AtomicBool>,
    writes_plain: bool,
}

impl Deflated {
    /// `early` was received behind the client's COMPRESS.
    pub(super) fn new(stream: Box<dyn Stream>, early: &[u8], ends: Arc<AtomicBool>) -> io::Result<Self> {
        let mut made = Self {
            stream,
            compressor: Compress::new(Compression::fast(), false),
            decompressor: Decompress::new(false),
            out: BytesMut::new(),
            input: BytesMut::new(),
            reads_plain: false,
            ends,
            writes_plain: false,
        };
        made.inflate(early)?;
        Ok(made)
    }

    fn inflate(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        loop {
            if self.reads_plain {
                self.input.extend_from_slice(bytes);
                return Ok(());
            }
            let mut piece = Vec::with_capacity(BLOCK);
            let before = self.decompressor.total_in();
            let status = self
                .decompressor
                .decompress_vec(bytes, &mut piece, FlushDecompress::None)
                .map_err(io::Error::other)?;
            self.reads_plain = status == Status::StreamEnd;
            let taken = usize::try_from(self.decompressor.total_in() - before).unwrap_or(bytes.len());
            bytes = &bytes[taken..];
            self.input.extend_from_slice(&piece);
            if piece.len() < BLOCK && (bytes.is_empty() || taken == 0) && !self.reads_plain {
                return Ok(());
            }
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out))?;
            self.out.advance(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Deflated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.input.is_empty() {
            let mut block = [0; BLOCK];
            let mut read = ReadBuf::new(&mut block);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.inflate(read.filled())?;
        }
        let count = buffer.remaining().min(self.input.len());
        buffer.put_slice(&self.input.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Deflated {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        if self.writes_plain {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        let mut rest = &bytes[..bytes.len().min(BLOCK)];
        let taken = rest.len();
        loop {
            let mut piece = Vec::with_capacity(BLOCK);
            let before = self.compressor.total_in();
            self.compressor.compress_vec(rest, &mut piece, FlushCompress::Sync).map_err(io::Error::other)?;
            let count = usize::try_from(self.compressor.total_in() - before).unwrap_or(rest.len());
            rest = &rest[count..];
            self.out.extend_from_slice(&piece);
            if rest.is_empty() && piece.len() < BLOCK {
                break;
            }
        }
        let _ = self.poll_send(cx)?;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ends.load(Ordering::Relaxed) && !self.writes_plain {
            let mut piece = Vec::with_capacity(BLOCK);
            self.compressor.compress_vec(&[], &mut piece, FlushCompress::Finish).map_err(io::Error::other)?;
            self.out.extend_from_slice(&piece);
            self.writes_plain = true;
        }
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
