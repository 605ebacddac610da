//! The engine with operations from a fuzzer's bytes: everything that a user, a socket, a clock and
//! a server can do, in any order.
//!
//! In: lines, of which the first chooses the session and each of the others is one operation, named
//! by its first byte:
//!
//! ```text
//! s C A    submit command C with argument A, through the mailbox that was selected last if it is
//!          about messages
//! d N      drop the token N; t N: detach it; c N: cancel it; r N: read it as a stream; q N: with
//!          its literals while they come
//! p        poll all tokens;  e N: read N events
//! w N      write N bytes (without a number: all)
//! < TEXT   the server sends a line; `$` stands for the oldest tag without an answer, `$2` for the
//!          third
//! - TEXT   the server sends bytes, without a line end
//! u N      the source of uploads has N bytes;  u!: it fails;  u.: it ends
//! z N      time passes: 2 to the N milliseconds
//! h        all handles are dropped;  f: writing fails;  x: the server closes
//! ```
//!
//! Out: nothing, or a panic: if the engine spins or writes without end; if, after the connection
//! has ended, a token has not resolved, a command's end was reported twice, or `Closed` was not the
//! last event; or if the engine panics itself.

mod held_tokens;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use self::held_tokens::{HeldTokens, submit};
use crate::client::{Handle, Mailbox, Receiver, Sender};
use crate::engine::{BatchSizes, Engine, Settings, Shared, take_literal};
use crate::types::{CloseReason, CommandId, Event, EventKind, Limits, ViewSync};
use crate::wire::Parser;
use crate::wire::frame::Framer;

/// The most operations, and the most bytes that may be written in response to all of them.
const MAX_OPERATIONS: usize = 400;
const MAX_WRITTEN: usize = 128 << 20;

/// The data that the source of all uploads will return.
#[derive(Clone, Default)]
struct Tap(Arc<Mutex<VecDeque<Option<io::Result<Bytes>>>>>);

impl Tap {
    fn push(&self, piece: Option<io::Result<Bytes>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(piece);
    }
}

impl Stream for Tap {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        piece.map_or(Poll::Pending, Poll::Ready)
    }
}

struct Bench {
    engine: Engine,
    shared: Arc<Shared>,
    sender: Option<Sender>,
    receiver: Option<Receiver>,
    mailbox: Option<Mailbox>,
    held: Vec<Box<dyn HeldTokens>>,
    now: Instant,
    limits: Limits,
    framer: Framer,
    parser: Parser,
    incoming: BytesMut,
    tap: Tap,
    /// The line that is being written, and the tags that were written and have not been answered.
    line: Vec<u8>,
    tags: VecDeque<String>,
    written: usize,
    ends: BTreeMap<CommandId, u32>,
    last: Option<EventKind>,
}

/// Runs a list of operations.
pub fn engine(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut bench = Bench::new(lines.next().unwrap_or_default());
    for line in lines.take(MAX_OPERATIONS) {
        if let Some((first, rest)) = line.split_first() {
            bench.operate(*first, rest);
            bench.rest();
        }
    }
    bench.end();
}

/// The number at the beginning of a text; `other` without one.
fn number(text: &[u8], other: usize) -> usize {
    let digits = text.trim_ascii_start().iter().take(6).take_while(|byte| byte.is_ascii_digit());
    let mut digits = digits.map(|byte| usize::from(byte - b'0')).peekable();
    if digits.peek().is_none() { other } else { digits.fold(0, |number, digit| number * 10 + digit) }
}

fn settings(choices: &[u8]) -> Settings {
    let chosen = |byte: u8| choices.contains(&byte);
    let mut limits = Limits::default();
    if chosen(b's') {
        (limits.commands, limits.events, limits.backlog) = (5, 10, 1000);
        // About eight rows.
        (limits.unread, limits.result, limits.messages) = (4000, 4000, 20);
        (limits.line, limits.literal, limits.response) = (300, 300, 600);
        limits.command_line = 100;
    }
    Settings {
        limits,
        auto_idle: chosen(b'i'),
        view_sync: if chosen(b'f') {
            ViewSync::Flags
        } else {
            if chosen(b'o') { ViewSync::Off } else { ViewSync::Uids }
        },
        windows: if chosen(b'w') { BatchSizes { uids: 2, flags: 2 } } else { BatchSizes::default() },
        idle_delay: Duration::from_millis(100),
        idle_renew: Duration::from_secs(600),
        poll_every: Duration::from_secs(60),
        silence: Duration::from_secs(120),
        ignored: Vec::new(),
    }
}

impl Bench {
    fn new(choices: &[u8]) -> Self {
        let settings = settings(choices);
        let limits = settings.limits.clone();
        let shared = Shared::new(&limits);
        let engine = Engine::new(shared.clone(), settings);
        let handle = Arc::new(Handle { shared: shared.clone(), check: Default::default() });
        let mut bench = Self {
            engine,
            shared,
            sender: Some(Sender::new(handle.clone())),
            receiver: Some(Receiver::new(handle)),
            mailbox: None,
            held: Vec::new(),
            now: Instant::now(),
            framer: Framer::new(&limits),
            parser: Parser::new(&limits),
            limits,
            incoming: BytesMut::new(),
            tap: Tap::default(),
            line: Vec::new(),
            tags: VecDeque::new(),
            written: 0,
            ends: BTreeMap::new(),
            last: None,
        };
        const ALWAYS: &str = "IMAP4rev1 ENABLE ID UIDPLUS UNSELECT IDLE";
        let mut can = ALWAYS.to_owned();
        for (choice, more) in [
            (b'+', " LITERAL+"),
            (b'm', " MULTIAPPEND MOVE"),
            (b'q', " CONDSTORE QRESYNC"),
            (b'n', " NOTIFY"),
            (b'e', " ESEARCH"),
            (b'l', " APPENDLIMIT=50"),
            (b'2', " IMAP4rev2"),
        ] {
            if choices.contains(&choice) {
                can.push_str(more);
            }
        }
        bench.feed(format!("* PREAUTH [CAPABILITY {can}] hello\r\n").as_bytes());
        bench.engine.set_ready(true);
        bench
    }

    fn operate(&mut self, operation: u8, text: &[u8]) {
        let at = number(text, 0) % self.held.len().max(1);
        match operation {
            b's' => {
                let [kind, argument] = [0, 1].map(|n| text.get(n).copied().unwrap_or(b' '));
                if let Some(sender) = self.sender.clone() {
                    submit(&sender, &mut self.mailbox, &mut self.held, kind, argument, || self.tap.clone());
                }
            }
            b'd' | b't' | b'c' | b'r' | b'q' if !self.held.is_empty() => {
                let held = self.held.remove(at);
                match operation {
                    b'd' => drop(held),
                    b't' => held.detach(),
                    b'c' => held.cancel(),
                    _ => self.held.push(held.stream(operation == b'q')),
                }
            }
            b'p' => self.held.retain_mut(|held| !held.is_over()),
            b'e' => self.read_events(number(text, usize::MAX)),
            b'w' => self.write(number(text, usize::MAX)),
            b'<' => {
                let line = [&*self.with_tags(text), b"\r\n"].concat();
                self.feed(&line);
            }
            b'-' => self.feed(text),
            b'u' => self.tap.push(match text.first() {
                Some(b'!') => Some(Err(io::Error::other("failed"))),
                Some(b'.') => None,
                _ => Some(Ok(vec![b'x'; number(text, 1).min(100_000)].into())),
            }),
            b'z' => self.wait(Duration::from_millis(1 << number(text, 0).min(24))),
            b'h' => (self.sender, self.mailbox, self.receiver) = (None, None, None),
            b'f' => self.engine.write_failed(CloseReason::Eof, self.now),
            b'x' => self.engine.handle_end(CloseReason::Eof),
            _ => {}
        }
    }

    /// The server's text with its tags inserted.
    fn with_tags(&mut self, text: &[u8]) -> Vec<u8> {
        let Some(at) = text.iter().position(|byte| *byte == b'$') else { return text.to_vec() };
        let (before, rest) = (&text[..at], &text[at + 1..]);
        let digit = rest.first().filter(|byte| byte.is_ascii_digit());
        let which = digit.map_or(0, |byte| usize::from(byte - b'0'));
        let rest = if digit.is_some() { &rest[1..] } else { rest };
        let tag = match before.is_empty() {
            true => self.tags.remove(which.min(self.tags.len().saturating_sub(1))),
            false => self.tags.get(which).cloned(),
        };
        [before, tag.as_deref().unwrap_or("A99").as_bytes(), rest].concat()
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.incoming.extend_from_slice(bytes);
        self.engine.received_bytes(self.now);
        self.framer.offer_from(self.shared.literals().from());
        while self.engine.lifecycle().closed().is_none() && !self.engine.lifecycle().is_tls_due() {
            match self.framer.decode(&mut self.incoming) {
                Ok(Some(frame)) => match self.parser.read(&frame) {
                    Ok(response) => {
                        let raw = self.engine.wants_raw().then(|| frame.to_bytes());
                        self.engine.handle(response, raw, self.now);
                        self.parser.set_utf8(self.engine.session().is_utf8());
                    }
                    Err(why) => self.engine.handle_unreadable(&frame.to_bytes(), &why, self.now),
                },
                Ok(None) => {
                    let (framer, parser) = (&mut self.framer, &mut self.parser);
                    match take_literal(&mut self.engine, framer, parser, &mut self.incoming) {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(error) => self.engine.handle_lost_framing(error),
                    }
                }
                Err(error) => self.engine.handle_end(CloseReason::Protocol(error.to_string())),
            }
        }
    }

    /// Does what a driver does after each operation. A deadline that has passed must not remain.
    fn rest(&mut self) {
        self.engine.poll(self.now);
        for _ in 0..1000 {
            let mut cx = Context::from_waker(Waker::noop());
            let Some(source) = self.engine.source() else { break };
            match source.poll_next(&mut cx) {
                Poll::Ready(given) => self.engine.handle_chunk(given),
                Poll::Pending => break,
            }
        }
        self.engine.poll(self.now);
        let due = self.engine.deadline().is_some_and(|deadline| deadline <= self.now);
        assert!(!due || self.engine.has_to_write(), "it would be woken at once, again and again");
        assert!(self.sender.is_some() || self.held.len() < 10_000);
    }

    fn write(&mut self, mut max: usize) {
        while max > 0 && self.engine.has_to_write() {
            let next = self.engine.next_write(64 << 10);
            assert!(!next.is_empty(), "there is something to write, and it is nothing");
            let bytes = next[..next.len().min(max)].to_vec();
            max -= bytes.len();
            self.written += bytes.len();
            assert!(self.written < MAX_WRITTEN, "it writes without end");
            self.engine.written(bytes.len(), self.now);
            for byte in bytes {
                self.line.push(byte);
                if byte == b'\n' {
                    self.note_tag();
                }
            }
            self.rest();
        }
    }

    fn note_tag(&mut self) {
        let line = std::mem::take(&mut self.line);
        let tag = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        if tag.first() == Some(&b'A') && tag.len() > 1 && tag[1..].iter().all(u8::is_ascii_digit) {
            self.tags.push_back(String::from_utf8_lossy(tag).into_owned());
        }
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..10_000 {
            self.rest();
            // A driver that can't write is not woken for a write that is due.
            match self.engine.deadline().filter(|deadline| *deadline > self.now && *deadline <= end) {
                Some(deadline) => self.now = deadline,
                None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("woken ten thousand times in {time:?}");
    }

    fn read_events(&mut self, max: usize) {
        let Some(mut receiver) = self.receiver.take() else { return };
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..max {
            match Pin::new(&mut receiver).poll_next(&mut cx) {
                Poll::Ready(Some(event)) => self.note(event),
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        self.receiver = Some(receiver);
    }

    fn note(&mut self, event: Event) {
        assert!(!matches!(self.last, Some(EventKind::Closed { .. })), "{event} after the end");
        assert!(!event.to_string().is_empty());
        // A command that is detached after its end may also have to report that its data found no
        // room.
        let belated =
            matches!(&event.kind, EventKind::Failed { reason, .. } if reason.contains("read too slowly"));
        if let (Some(id), EventKind::Completed { .. } | EventKind::Failed { .. }) = (event.cause, &event.kind)
        {
            let ends = self.ends.entry(id).or_default();
            *ends += u32::from(*ends == 0 || !belated);
            assert!(*ends == 1, "{id} has ended twice: {event}");
        }
        self.last = Some(event.kind);
    }

    /// Ends the connection, if it has not ended, and with it everything else.
    fn end(mut self) {
        self.engine.handle_end(CloseReason::Eof);
        self.rest();
        assert!(self.engine.lifecycle().closed().is_some() && self.engine.deadline().is_none());
        for held in &mut self.held {
            assert!(held.is_over(), "a token has not resolved");
        }
        assert_eq!(self.shared.in_flight(), 0);
        let read = self.receiver.is_some();
        self.read_events(usize::MAX);
        assert!(!read || matches!(self.last, Some(EventKind::Closed { .. })), "{:?} is the last", self.last);
        assert!(self.limits.commands > 0);
    }
}
