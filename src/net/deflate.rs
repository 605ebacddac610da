//! A compressed byte stream (RFC 4978, COMPRESS=DEFLATE) over another one, by flate2 with zlib-rs.
//!
//! In: bytes of commands, and a flush behind each batch of them. Out: raw deflate, at level 1,
//! flushed to a byte's edge so that the server can read all of it (Z_SYNC_FLUSH); and the other way
//! round for responses. What inflates is taken no faster than the reader has room for it, so that a
//! decompression bomb is bounded by `Limits`, as the same bytes in clear text are.
//!
//! A compressor holds some 320 kB, an inflater 50. While nothing is written the compressor is
//! dropped: all that it was given has been flushed, and a new one refers to nothing that was before
//! it, so that the server sees one stream. The window of what inflates has to stay.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::Io;
use crate::engine::Counters;

/// Level 1 compresses text of this kind nearly as well as higher ones, at ten times the speed.
const LEVEL: Compression = Compression::new(1);
/// How much is compressed at once, and how much compressed output may wait.
const BLOCK: usize = 16 << 10;
/// Room for what a flush adds.
const SPARE: usize = 64;
/// What one read takes; on the stack, so that an idle connection holds no buffer.
const READ: usize = 4 << 10;
/// How long nothing must have been written before the compressor is dropped.
const IDLE: Duration = Duration::from_secs(1);

/// Ends the compression of a stream that goes on (UNAUTHENTICATE, RFC 8437 section 4.1).
#[derive(Debug, Default)]
pub(super) struct Ends {
    output: AtomicBool,
    input: AtomicBool,
}

impl Ends {
    /// The next flush ends what is written; all behind it goes as it is.
    pub(super) fn end_output(&self) {
        self.output.store(true, Ordering::Relaxed);
    }

    /// What is read goes as it is from where the server's stream ends.
    pub(super) fn end_input(&self) {
        self.input.store(true, Ordering::Relaxed);
    }
}

/// Deflates what is written, inflates what is read.
pub(super) struct Deflated {
    io: Box<dyn Io>,
    compressor: Option<Compress>,
    /// Compressed, and not written yet.
    outgoing: BytesMut,
    /// There are bytes in the compressor that have not been flushed.
    unflushed: bool,
    /// When the compressor is dropped.
    release: Option<Pin<Box<Sleep>>>,
    inflater: Decompress,
    /// Read, and not inflated yet.
    incoming: BytesMut,
    /// The inflater may hold output for which there was no room.
    holds_output: bool,
    /// The server has ended its compressed stream.
    is_over: bool,
    ends: Arc<Ends>,
    /// What is written goes as it is.
    writes_plain: bool,
    counters: Arc<Counters>,
}

impl Deflated {
    /// Compression begins with the next byte written, and on the other side with `read`, which has
    /// been read already.
    pub(super) fn new(io: Box<dyn Io>, read: BytesMut, counters: Arc<Counters>, ends: Arc<Ends>) -> Self {
        Self {
            io,
            compressor: None,
            outgoing: BytesMut::new(),
            unflushed: false,
            release: None,
            inflater: Decompress::new(false),
            incoming: read,
            holds_output: false,
            is_over: false,
            ends,
            writes_plain: false,
            counters,
        }
    }

    /// Gives bytes to the compressor, to the last one; with a flush all of them come out.
    fn deflate(&mut self, mut bytes: &[u8], flush: FlushCompress) -> io::Result<()> {
        let compressor = self.compressor.get_or_insert_with(|| Compress::new(LEVEL, false));
        let mut block = [0; BLOCK];
        loop {
            let (before_in, before_out) = (compressor.total_in(), compressor.total_out());
            compressor.compress(bytes, &mut block, flush).map_err(io::Error::other)?;
            let (taken, given) = (
                usize::try_from(compressor.total_in() - before_in).unwrap_or(usize::MAX),
                usize::try_from(compressor.total_out() - before_out).unwrap_or(usize::MAX),
            );
            self.counters.on_compressed(taken, given);
            bytes = bytes.get(taken..).unwrap_or_default();
            self.outgoing.extend_from_slice(block.get(..given).unwrap_or_default());
            // With room left over there is nothing more to come.
            if bytes.is_empty() && given + SPARE < block.len() {
                return Ok(());
            }
        }
    }

    /// Ready when all compressed bytes are written.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let count = ready!(Pin::new(&mut self.io).poll_write(cx, &self.outgoing))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(count);
        }
        self.outgoing = BytesMut::new();
        Poll::Ready(Ok(()))
    }

    /// Drops the compressor once nothing has been written for a while.
    fn poll_release(&mut self, cx: &mut Context<'_>) {
        if self.unflushed || !self.outgoing.is_empty() {
            return;
        }
        if let Some(release) = &mut self.release
            && release.as_mut().poll(cx).is_ready()
        {
            (self.compressor, self.release) = (None, None);
        }
    }

    /// How much of what has been read is compressed. Where the stream ends a server may leave its
    /// last block off: then it goes on with a line, and an empty block has no byte like that.
    fn compressed(&self) -> usize {
        let begins = |byte: &u8| matches!(byte, b' '..=b'~');
        let ends = self.ends.input.load(Ordering::Relaxed);
        let line = if ends { self.incoming.iter().position(begins) } else { None };
        line.unwrap_or(self.incoming.len())
    }

    /// Whether what is read is no longer compressed.
    fn reads_plain(&self) -> bool {
        let has_gone_on = || !self.incoming.is_empty() && self.compressed() == 0;
        self.ends.input.load(Ordering::Relaxed) && (self.is_over || !self.holds_output && has_gone_on())
    }

    /// Flushes the compressor, for good if the compression ends here.
    fn flush_out(&mut self) -> io::Result<()> {
        let ends = self.ends.output.load(Ordering::Relaxed) && !self.writes_plain;
        if !std::mem::take(&mut self.unflushed) && !ends {
            return Ok(());
        }
        self.deflate(&[], if ends { FlushCompress::Finish } else { FlushCompress::Sync })?;
        if ends {
            (self.writes_plain, self.compressor, self.release) = (true, None, None);
        }
        Ok(())
    }

    /// Inflates what has been read into the buffer. Whether anything came out.
    fn inflate(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<bool> {
        let broken = || {
            let what = "what the server has compressed can't be read: the stream is broken";
            io::Error::new(io::ErrorKind::InvalidData, what)
        };
        while !self.is_over && (self.compressed() > 0 || self.holds_output) {
            let input = self.incoming.get(..self.compressed()).unwrap_or_default();
            let pending = !input.is_empty();
            let room = buffer.initialize_unfilled();
            let (before_in, before_out) = (self.inflater.total_in(), self.inflater.total_out());
            let status = self.inflater.decompress(input, room, FlushDecompress::None);
            let taken = usize::try_from(self.inflater.total_in() - before_in).unwrap_or(usize::MAX);
            let given = usize::try_from(self.inflater.total_out() - before_out).unwrap_or(usize::MAX);
            self.counters.on_compressed(given, taken);
            self.is_over = status.map_err(|_| broken())? == Status::StreamEnd;
            self.holds_output = given == room.len() && !self.is_over;
            self.incoming.advance(taken.min(self.incoming.len()));
            buffer.advance(given);
            if given > 0 {
                return Ok(true);
            }
            if taken == 0 && pending && !self.is_over {
                return Err(broken());
            }
        }
        if self.incoming.is_empty() {
            self.incoming = BytesMut::new();
        }
        Ok(false)
    }
}

impl AsyncRead for Deflated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.poll_release(cx);
        loop {
            if this.reads_plain() {
                this.is_over = true;
                if this.incoming.is_empty() {
                    return Pin::new(&mut this.io).poll_read(cx, buffer);
                }
                let count = buffer.remaining().min(this.incoming.len());
                buffer.put_slice(&this.incoming.split_to(count));
                return Poll::Ready(Ok(()));
            }
            if buffer.remaining() == 0 || this.inflate(buffer)? {
                return Poll::Ready(Ok(()));
            }
            if this.is_over {
                // It may have ended just now.
                if this.reads_plain() {
                    continue;
                }
                return Poll::Ready(Ok(()));
            }
            let mut block = [0; READ];
            let mut read = ReadBuf::new(&mut block);
            ready!(Pin::new(&mut this.io).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.incoming.extend_from_slice(read.filled());
        }
    }
}

impl AsyncWrite for Deflated {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.outgoing.len() >= BLOCK {
            ready!(self.poll_drain(cx))?;
        }
        if self.writes_plain {
            ready!(self.poll_drain(cx))?;
            return Pin::new(&mut self.io).poll_write(cx, bytes);
        }
        let bytes = &bytes[..bytes.len().min(BLOCK)];
        self.deflate(bytes, FlushCompress::None)?;
        self.unflushed = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let had = self.unflushed;
        self.flush_out()?;
        if had && !self.writes_plain {
            let due = Instant::now() + IDLE;
            match &mut self.release {
                Some(release) => release.as_mut().reset(due),
                None => self.release = Some(Box::pin(tokio::time::sleep_until(due))),
            }
        }
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush_out()?;
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// All that has come so far, inflated by one stream.
    fn inflated(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 << 20);
        Decompress::new(false).decompress_vec(bytes, &mut out, FlushDecompress::None).expect("deflate");
        out
    }

    #[tokio::test(start_paused = true)]
    async fn each_flush_brings_all_across_and_an_idle_stream_holds_no_compressor() {
        let (near, mut far) = duplex(1 << 20);
        let mut stream = Deflated::new(Box::new(near), BytesMut::new(), Arc::default(), Arc::default());
        let (mut wire, mut sent) = (Vec::new(), Vec::new());
        for number in 0..10 {
            let lines = format!("a{number} UID FETCH 1:{number} (UID FLAGS)\r\n").repeat(number * 100 + 1);
            stream.write_all(lines.as_bytes()).await.expect("taken");
            stream.flush().await.expect("written");
            sent.extend_from_slice(lines.as_bytes());
            wire.reserve(1 << 16);
            far.read_buf(&mut wire).await.expect("read");
            assert_eq!(inflated(&wire).len(), sent.len());
            assert!(stream.compressor.is_some() && stream.outgoing.capacity() == 0);
            // Nothing comes; a second later the compressor is gone, in the middle of the stream.
            let nothing = tokio::time::timeout(IDLE * 2, stream.read_u8()).await;
            assert!(nothing.is_err() && stream.compressor.is_none() && stream.release.is_none());
        }
        assert_eq!(inflated(&wire), sent);
        assert!(wire.len() * 10 < sent.len(), "{} of {}", wire.len(), sent.len());
    }

    #[tokio::test]
    async fn what_was_read_before_is_inflated_first_byte_by_byte_or_at_once() {
        let text = "* 1 FETCH (FLAGS (\\Seen) UID 1)\r\n".repeat(5_000);
        let mut compressed = Vec::with_capacity(1 << 20);
        let mut compressor = Compress::new(LEVEL, false);
        compressor.compress_vec(text.as_bytes(), &mut compressed, FlushCompress::Sync).expect("deflate");
        for first in [0, 1, 100, compressed.len()] {
            let (near, mut far) = duplex(7);
            let mut stream = Deflated::new(
                Box::new(near),
                BytesMut::from(&compressed[..first]),
                Arc::default(),
                Arc::default(),
            );
            let rest = compressed[first..].to_vec();
            let writing = tokio::spawn(async move { far.write_all(&rest).await });
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.expect("a whole stream");
            assert!(all == text.as_bytes(), "{first}");
            writing.await.expect("no panic").expect("written");
        }
    }

    #[tokio::test]
    async fn a_broken_stream_is_an_error_and_an_ended_one_an_end() {
        let (near, mut far) = duplex(1 << 10);
        far.write_all(&[0xff; 40]).await.expect("room");
        let mut stream = Deflated::new(Box::new(near), BytesMut::new(), Arc::default(), Arc::default());
        let error = stream.read_u8().await.expect_err("no deflate");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");

        let mut compressed = Vec::with_capacity(100);
        let mut compressor = Compress::new(LEVEL, false);
        compressor.compress_vec(b"* BYE\r\n", &mut compressed, FlushCompress::Finish).expect("deflate");
        compressed.extend_from_slice(b"* and more in clear text\r\n");
        let (near, mut far) = duplex(1 << 10);
        far.write_all(&compressed).await.expect("room");
        let mut stream = Deflated::new(Box::new(near), BytesMut::new(), Arc::default(), Arc::default());
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.expect("an end");
        assert_eq!(all, b"* BYE\r\n", "nothing behind the end is believed");
    }

    #[tokio::test]
    async fn a_bomb_fills_no_more_than_the_readers_buffer() {
        let zeros = vec![0; 8 << 20];
        let mut compressed = Vec::with_capacity(1 << 20);
        Compress::new(Compression::best(), false)
            .compress_vec(&zeros, &mut compressed, FlushCompress::Sync)
            .expect("deflate");
        assert!(compressed.len() < 20 << 10, "{}", compressed.len());
        let (near, _far) = duplex(1 << 10);
        let mut stream =
            Deflated::new(Box::new(near), BytesMut::from(&compressed[..]), Arc::default(), Arc::default());
        let mut room = [1; 1000];
        for _ in 0..100 {
            stream.read_exact(&mut room).await.expect("more of it");
        }
        assert!(stream.incoming.len() + 1000 > compressed.len() / 2, "it has not been inflated ahead");
    }

    /// RFC 8437 section 4.1: what is written ends in form, and all behind it is as it is.
    #[tokio::test]
    async fn a_stream_can_end_and_go_on_without_it() {
        let (near, mut far) = duplex(1 << 16);
        let ends = Arc::new(Ends::default());
        let mut stream = Deflated::new(Box::new(near), BytesMut::new(), Arc::default(), ends.clone());
        stream.write_all(b"A1 UNAUTHENTICATE\r\n").await.expect("it is taken");
        ends.end_output();
        stream.flush().await.expect("flushed");
        stream.write_all(b"A2 NOOP\r\n").await.expect("it is taken");
        stream.flush().await.expect("flushed");
        let mut written = vec![0; 1000];
        let mut count = far.read(&mut written).await.expect("it is there");
        while !written[..count].ends_with(b"A2 NOOP\r\n") {
            count += far.read(&mut written[count..]).await.expect("it is there");
        }
        let (mut inflater, mut out) = (Decompress::new(false), Vec::with_capacity(1000));
        let status = inflater.decompress_vec(&written[..count], &mut out, FlushDecompress::None);
        assert_eq!((status.expect("deflate"), &out[..]), (Status::StreamEnd, &b"A1 UNAUTHENTICATE\r\n"[..]));
        let taken = usize::try_from(inflater.total_in()).expect("small");
        assert_eq!(&written[taken..count], b"A2 NOOP\r\n");
    }

    /// The server's stream ends in form with its OK or a while after, or is left off.
    #[tokio::test]
    async fn what_is_read_goes_on_as_it_is_however_the_server_ends_its_stream() {
        let ok = b"A1 OK logged out\r\n";
        let deflated = |flush| {
            let mut bytes = Vec::with_capacity(1000);
            Compress::new(LEVEL, false).compress_vec(ok, &mut bytes, flush).expect("deflate");
            bytes
        };
        let mut late = (Compress::new(LEVEL, false), Vec::with_capacity(1000), Vec::with_capacity(1000));
        late.0.compress_vec(ok, &mut late.1, FlushCompress::Sync).expect("deflate");
        late.0.compress_vec(b"", &mut late.2, FlushCompress::Finish).expect("deflate");
        let next = b"* BYE that was all\r\n".to_vec();
        for (first, then) in [
            (deflated(FlushCompress::Finish), next.clone()),
            ([&late.1[..], &late.2].concat(), next.clone()),
            (late.1.clone(), [&late.2[..], &next].concat()),
            (late.1.clone(), next.clone()),
            ([&deflated(FlushCompress::Finish)[..], &next].concat(), Vec::new()),
        ] {
            for step in [1, 1000] {
                let (near, mut far) = duplex(1 << 16);
                let ends = Arc::new(Ends::default());
                let mut stream = Deflated::new(Box::new(near), BytesMut::new(), Arc::default(), ends.clone());
                far.write_all(&first).await.expect("room");
                let mut got = vec![0; ok.len()];
                stream.read_exact(&mut got).await.expect("the OK");
                assert_eq!(&got, ok);
                ends.end_input();
                let writing = async {
                    for piece in then.chunks(step) {
                        far.write_all(piece).await.expect("room");
                        tokio::task::yield_now().await;
                    }
                    drop(far);
                };
                let mut rest = Vec::new();
                let (read, ()) = tokio::join!(stream.read_to_end(&mut rest), writing);
                read.expect("it goes on");
                assert_eq!(rest, next);
            }
        }
    }
}
