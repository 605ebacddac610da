//! The pump: moves bytes between the engine and the socket, both directions in every poll, so that
//! a server that stops reading until we read can't cause a deadlock. It also polls the source of a
//! streamed upload for bytes, as the socket takes them.
//!
//! In: bytes of the socket, time. Out: responses to the engine, the engine's bytes to the socket.
//! It also switches to compression, and ends a connection whose check has failed.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant as StdInstant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_util::codec::Decoder;
use tracing::Span;
use tracing::field::debug;

use super::codec::{Codec, CodecError};
use super::liveness::{Check, CheckRequest};
use super::rows_ahead::RowsAhead;
use super::sleep_detection::Suspend;
use super::{Config, Io};
use crate::engine::{self, ConnectionCount, Engine, Shared};
use crate::types::{Answer, CloseReason, Untagged};
use crate::wire::{Frame, Parser, Response};

/// The first read after a quiet time uses a buffer on the stack, so that a connection on which
/// nothing is in flight but IDLE holds none.
const FIRST_READ: usize = 4 << 10;
/// Reads after a full one, and writes of many commands at once.
const BLOCK: usize = 64 << 10;
/// How many turns in a row, with a read or bytes of an upload, follow the first one before the task
/// yields to others: what is read meanwhile waits in memory for its reader, in few enough pages to
/// be still in the processor's cache then.
const TURNS_A_POLL: usize = 3;
/// How many writes are made in one turn: a stream that takes all at once must not keep us from
/// reading.
const WRITES_A_TURN: usize = 16;
/// How many pieces of an upload are taken in one turn.
const PIECES_A_TURN: usize = 64;
/// How long closing may take.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

pub(crate) struct Pump {
    io: Box<dyn Io>,
    pub(super) engine: Engine,
    shared: Arc<Shared>,
    codec: Codec,
    parser: Parser,
    incoming: BytesMut,
    /// Nothing has been read since the buffer was let go.
    is_quiet: bool,
    /// `incoming` may hold whole responses: reading stopped for a slow reader.
    left_over: bool,
    /// Of `incoming`.
    rows: RowsAhead,
    /// Written bytes may still be in a layer below.
    unflushed: bool,
    timer: Pin<Box<Sleep>>,
    closing_since: Option<Instant>,
    check: Check,
    suspend: Suspend,
    /// The OK to COMPRESS has been received; by this it is ended again.
    #[cfg(feature = "compress")]
    compression: Option<Arc<super::deflate::Ends>>,
    /// For the log: the connection's, once it is logged in.
    span: Span,
    since: Instant,
    /// For metrics, until it ends.
    count: Option<ConnectionCount>,
}

impl Pump {
    pub(super) fn new(io: Box<dyn Io>, engine: Engine, shared: Arc<Shared>, config: &Config) -> Self {
        let Config { limits, timeouts, .. } = config;
        Self {
            io,
            engine,
            shared,
            codec: Codec::new(limits),
            parser: Parser::new(limits),
            incoming: BytesMut::new(),
            is_quiet: true,
            left_over: false,
            rows: RowsAhead::default(),
            unflushed: false,
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            closing_since: None,
            check: Check::new(timeouts.check),
            suspend: Suspend::new(config.wall.clone(), timeouts.suspend),
            #[cfg(feature = "compress")]
            compression: None,
            span: Span::none(),
            since: Instant::now(),
            count: None,
        }
    }

    /// It is logged in. What the log says from now on is said in this span.
    pub(super) fn set_ready(&mut self, span: Span, count: ConnectionCount) {
        (self.span, self.count) = (span, Some(count));
    }

    /// Moves what can be moved. Ready when the connection has ended, or when TLS is due.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.set_driver(cx.waker());
        let over = self.poll_turns(cx);
        self.engine.hand_over();
        over
    }

    /// A read and some writes at a time, until nothing more can be moved or others are to have a
    /// turn.
    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut turns = 0;
        loop {
            // The clock is read once a turn.
            let now = Instant::now();
            self.look_at_clocks(now);
            self.engine.poll(now.into_std());
            self.check_server();
            let exhausted = self.poll_source(cx);
            let more_to_write = self.poll_write(now, cx);
            if self.is_over() {
                return Poll::Ready(());
            }
            let held = self.engine.holds(now.into_std());
            let read = if held { Poll::Pending } else { self.poll_read(now, cx) };
            if self.is_over() {
                return Poll::Ready(());
            }
            // What has been written has made room for more of an upload.
            let goes_on = read.is_ready() || more_to_write || !exhausted && self.engine.source().is_some();
            match goes_on {
                true if turns >= TURNS_A_POLL => {
                    yield_now(cx);
                    return Poll::Pending;
                }
                true => turns += 1,
                false => {
                    if self.poll_timer(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// What tells the driver that a program wants to know whether the server is there.
    pub(crate) fn check_request(&self) -> CheckRequest {
        self.check.request()
    }

    /// Asks the server whether it is there if the machine has been asleep.
    fn look_at_clocks(&mut self, now: Instant) {
        if !self.suspend.has_slept(now) || !self.engine.lifecycle().is_ready() {
            return;
        }
        tracing::info!(target: "imap_duplex", "the machine has been asleep: is the server still there?");
        self.check.on_sleep();
        if !self.engine.lifecycle().awaits_response() {
            self.shared.poll_server();
        }
    }

    /// Ends the connection if the server has not been there for a program that asked.
    fn check_server(&mut self) {
        if !self.check.is_on() {
            return;
        }
        let now = Instant::now();
        let (awaits, held) = (self.engine.lifecycle().awaits_response(), self.engine.holds(now.into_std()));
        if self.check.is_dead(awaits, held, now) {
            let waiting_for = self.check.waiting_for();
            self.engine.handle_end(CloseReason::Timeout { waiting_for });
        }
    }

    fn is_over(&self) -> bool {
        self.engine.lifecycle().closed().is_some() || self.engine.lifecycle().is_tls_due()
    }

    /// Moves bytes until the connection has ended and is closed on our side too.
    pub(crate) fn poll_to_end(&mut self, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let span = self.span.clone();
        let _entered = span.enter();
        if self.engine.lifecycle().closed().is_none() {
            ready!(self.poll(cx));
        }
        self.count = None;
        let now = Instant::now();
        let since = *self.closing_since.get_or_insert(now);
        // Orderly shutdown of TLS and TCP; do not wait for the peer beyond the grace time.
        let closed = Pin::new(&mut self.io).poll_shutdown(cx).is_ready();
        self.timer.as_mut().reset(since + CLOSE_GRACE);
        if !closed && self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(self.engine.lifecycle().closed().cloned().unwrap_or(CloseReason::Dropped))
    }

    /// Takes bytes from the source of an upload, as many as there is room for. Returns whether the
    /// source is pending, so that it will wake the task.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..PIECES_A_TURN {
            let Some(source) = self.engine.source() else { return false };
            match source.poll_next(cx) {
                Poll::Ready(given) => self.engine.handle_chunk(given),
                Poll::Pending => return true,
            }
        }
        false
    }

    /// Writes what waits, as much as the socket takes in one turn. Whether it might take more.
    fn poll_write(&mut self, now: Instant, cx: &mut Context<'_>) -> bool {
        self.try_write(now, cx).unwrap_or_else(|error| {
            self.engine.write_failed(CloseReason::io(&error), now.into_std());
            false
        })
    }

    fn try_write(&mut self, now: Instant, cx: &mut Context<'_>) -> io::Result<bool> {
        if self.engine.lifecycle().has_write_failed() {
            return Ok(false);
        }
        let mut writes = 0;
        while self.engine.has_to_write() && writes < WRITES_A_TURN {
            writes += 1;
            let bytes = self.engine.next_write(BLOCK);
            match Pin::new(&mut self.io).poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.shared.counters().on_sent(count);
                    engine::sent(count);
                    self.engine.written(count, now.into_std());
                    #[cfg(feature = "compress")]
                    if self.engine.session().ends_compression
                        && let Some(ends) = &self.compression
                    {
                        ends.end_output();
                    }
                    self.engine.poll(now.into_std());
                    self.unflushed = true;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        // What has been written may still be in a layer below, such as TLS.
        if self.unflushed {
            match Pin::new(&mut self.io).poll_flush(cx) {
                Poll::Ready(result) => {
                    self.unflushed = false;
                    result?;
                }
                Poll::Pending => {}
            }
        }
        Ok(writes == WRITES_A_TURN && self.engine.has_to_write())
    }

    /// One read, if what was read before has been dealt with, and all responses that it completes.
    fn poll_read(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if !std::mem::take(&mut self.left_over) && self.read(now, cx).is_pending() {
            if self.incoming.is_empty() && self.engine.is_at_rest() {
                (self.incoming, self.rows) = (BytesMut::new(), RowsAhead::default());
                self.is_quiet = true;
            }
            return Poll::Pending;
        }
        self.take_frames(now.into_std());
        Poll::Ready(())
    }

    fn read(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let count = match ready!(self.fill(cx)) {
            Ok(count) => count,
            Err(error) => {
                self.engine.handle_end(CloseReason::io(&error));
                return Poll::Ready(());
            }
        };
        if count == 0 {
            tracing::debug!(
                target: "imap_duplex",
                in_response = self.codec.is_partial(&self.incoming),
                "the server closed the connection"
            );
            self.engine.handle_end(CloseReason::Eof);
            return Poll::Ready(());
        }
        self.shared.counters().on_received(count);
        engine::received(count);
        self.engine.received_bytes(now.into_std());
        self.check.on_bytes(now);
        Poll::Ready(())
    }

    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.io);
        if self.incoming.is_empty()
            && let Some(mut room) = self.codec.framer().direct_room()
        {
            let count = ready!(tokio_util::io::poll_read_buf(io, cx, &mut room))?;
            self.codec.framer().note_direct_read(count);
            return Poll::Ready(Ok(count));
        }
        if self.is_quiet && self.codec.wanted() == 0 {
            let mut stack = [MaybeUninit::uninit(); FIRST_READ];
            let mut buffer = ReadBuf::uninit(&mut stack);
            ready!(io.poll_read(cx, &mut buffer))?;
            self.is_quiet = false;
            self.incoming.extend_from_slice(buffer.filled());
            return Poll::Ready(Ok(buffer.filled().len()));
        }
        self.incoming.reserve(BLOCK);
        tokio_util::io::poll_read_buf(io, cx, &mut self.incoming)
    }

    /// All responses that are there: they have come together.
    fn take_frames(&mut self, now: std::time::Instant) {
        self.codec.framer().offer_from(self.shared.literals().from());
        while self.engine.lifecycle().closed().is_none() && !self.engine.lifecycle().is_tls_due() {
            let taken = match self.take_row(now) {
                true => Ok(Some(())),
                false => match self.codec.decode(&mut self.incoming) {
                    Ok(Some(frame)) => {
                        self.take_frame(&frame, now);
                        Ok(Some(()))
                    }
                    Ok(None) => {
                        let (framer, parser) = (self.codec.framer(), &mut self.parser);
                        let taken =
                            engine::take_literal(&mut self.engine, framer, parser, &mut self.incoming);
                        taken.map(|taken| taken.then_some(())).map_err(CodecError::from)
                    }
                    Err(error) => Err(error),
                },
            };
            match taken {
                Ok(Some(())) => {
                    if self.engine.holds(now) {
                        self.left_over = true;
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    match error {
                        CodecError::Frame(error) => self.engine.handle_lost_framing(error),
                        CodecError::Io(error) => self.engine.handle_end(CloseReason::io(&error)),
                    }
                    return;
                }
            }
        }
    }

    /// Takes the row of FETCH at the front. Whether there was one.
    fn take_row(&mut self, now: StdInstant) -> bool {
        let next = self.rows.next(&self.incoming, &self.codec, &mut self.parser);
        let Some((line, row)) = next else { return false };
        let text = self.incoming.get(..line.text).unwrap_or_default();
        self.note_response(|| Bytes::copy_from_slice(text));
        let raw = self.engine.wants_raw().then(|| Bytes::copy_from_slice(text));
        self.codec.skip_line(line, &mut self.incoming);
        let row = Untagged::new("FETCH", Answer::Fetch(row), raw);
        self.engine.handle(Response::Untagged(row), None, now);
        true
    }

    /// A response has been received: counted, and written to the log.
    fn note_response(&self, bytes: impl FnOnce() -> Bytes) {
        self.shared.counters().on_response();
        engine::responded();
        self.engine.log_received(bytes);
    }

    fn take_frame(&mut self, frame: &Frame, now: StdInstant) {
        self.note_response(|| frame.to_bytes());
        match self.parser.read(frame) {
            Ok(response) => {
                let raw = self.engine.wants_raw().then(|| frame.to_bytes());
                let may_enable = may_enable(&response);
                self.engine.handle(response, raw, now);
                #[cfg(feature = "compress")]
                match (self.engine.session().compressed, &self.compression) {
                    (true, None) => self.compress_from_here(),
                    (false, Some(ends)) => {
                        ends.end_input();
                        self.compression = None;
                    }
                    _ => {}
                }
                if may_enable {
                    self.parser.set_utf8(self.engine.session().is_utf8());
                }
            }
            Err(why) => self.engine.handle_unreadable(&frame.to_bytes(), &why, now),
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let engine = self.engine.deadline().map(Instant::from_std);
        let others = [self.check.deadline(), self.suspend.deadline()].into_iter().flatten();
        let Some(deadline) = engine.into_iter().chain(others).min() else { return Poll::Pending };
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(cx)
    }

    /// Takes the byte stream out, so that TLS can be put over it. An error if the server has sent
    /// more than the answer to STARTTLS: someone may have slipped that in (RFC 9051 section 6.2.1).
    pub(super) fn take_io(&mut self) -> Result<Box<dyn Io>, usize> {
        if !self.incoming.is_empty() {
            return Err(self.incoming.len());
        }
        Ok(std::mem::replace(&mut self.io, Box::new(tokio::io::empty())))
    }

    /// Continues with this byte stream.
    pub(super) fn put_io(&mut self, io: Box<dyn Io>) {
        self.io = io;
        self.engine.on_tls_established();
    }
}

#[cfg(feature = "compress")]
impl Pump {
    /// Both directions are compressed from here on, which includes what has been read behind the OK
    /// to COMPRESS: not a byte of that may be taken for IMAP.
    fn compress_from_here(&mut self) {
        let io = std::mem::replace(&mut self.io, Box::new(tokio::io::empty()));
        let read = std::mem::take(&mut self.incoming);
        let ends = Arc::new(super::deflate::Ends::default());
        self.compression = Some(ends.clone());
        self.io = Box::new(super::deflate::Deflated::new(io, read, self.shared.counters().clone(), ends));
    }
}

/// Whether the session may be another one behind this response: other capabilities, something
/// enabled.
fn may_enable(response: &Response) -> bool {
    match response {
        Response::Untagged(untagged) => {
            matches!(untagged.answer(), Answer::Enabled(_) | Answer::Capability(_) | Answer::Status(_))
        }
        Response::Tagged { .. } => true,
        Response::Continuation { .. } => false,
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        // Without the driver nothing more is received: everything that waits is ended.
        let span = std::mem::replace(&mut self.span, Span::none());
        let _entered = span.enter();
        self.engine.handle_end(CloseReason::Dropped);
        self.count = None;
        if !span.is_disabled() {
            let ((received, sent), lasted) = (self.shared.counters().bytes(), self.since.elapsed());
            span.record("received", received).record("sent", sent).record("lasted", debug(lasted));
        }
    }
}

/// Has this task polled again once the runtime has polled all else that is ready. A plain wake lets
/// the main future of a current-thread runtime wait for sixty polls of this task, and what these
/// read stands in memory.
fn yield_now(cx: &mut Context<'_>) {
    let later = std::pin::pin!(tokio::task::yield_now());
    // The waker is with the runtime now.
    _ = later.poll(cx);
}
