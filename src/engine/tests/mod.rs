//! The engine without sockets, in virtual time: a bench for it, a model server, and random programs
//! on both.
//!
//! ```text
//!   programs ──> Sender, tokens, Mailbox ──> Engine ──> bytes ──> model server (commands, server, answers)
//!                Receiver, tokens       <──         <── bytes <──       │ true mailboxes, what was said
//!                        └────────────> checks, replay <────────────────┘
//! ```
//!
//! All on one thread and without a runtime: the same program always runs the same way.

mod answers;
mod arrivals;
mod backpressure;
mod causes;
mod checks;
mod client_knowledge;
mod commands;
mod contested_rows;
mod cost;
mod deselected_status;
mod event_replay;
mod idle;
mod idle_by_hand;
mod ignored;
mod kinds;
mod look_back;
mod mailbox_changes;
mod mailboxes;
mod misbehaving_server;
mod mod_sequences;
mod model;
mod moving;
mod notify;
mod notify_server;
mod order;
mod prefix;
mod program;
mod ready;
mod regressions;
mod resume;
mod resume_by_events;
mod resume_unsure;
mod rules;
mod script;
mod select;
mod select_examples;
mod server;
mod shown;
mod starttls;
mod state_mod_seq;
mod sync;
mod tokens;
mod uid_validity;
mod unparsed_flags;
mod unsent;
mod unsolicited;
mod updated_searches;
mod withheld_uids;
mod world;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::{BatchSizes, Engine, Settings, Shared, take_literal};
use crate::client::{Handle, Receiver, Sender};
use crate::types::{CloseReason, Event, Limits, ViewSync};
use crate::wire::Parser;
use crate::wire::frame::Framer;

/// An engine with its two halves, a clock that is moved by hand, and no socket.
pub(super) struct Bench {
    pub(super) engine: Engine,
    pub(super) shared: Arc<Shared>,
    pub(super) receiver: Receiver,
    pub(super) now: Instant,
    limits: Limits,
    framer: Framer,
    incoming: BytesMut,
}

impl Bench {
    /// An engine that has received nothing yet.
    pub(super) fn new(settings: Settings) -> (Self, Sender) {
        let limits = settings.limits.clone();
        let shared = Shared::new(&limits);
        let engine = Engine::new(shared.clone(), settings);
        let handle = Arc::new(Handle { shared: shared.clone(), check: Default::default() });
        let (sender, receiver) = (Sender::new(handle.clone()), Receiver::new(handle));
        let framer = Framer::new(&limits);
        let (now, incoming) = (Instant::now(), BytesMut::new());
        (Self { engine, shared, receiver, now, limits, framer, incoming }, sender)
    }

    /// Bytes come from the server, as one read.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.incoming.extend_from_slice(bytes);
        self.engine.received_bytes(self.now);
        self.framer.offer_from(self.shared.literals().from());
        while self.engine.lifecycle().closed().is_none() {
            let mut parser = Parser::new(&self.limits);
            match self.framer.decode(&mut self.incoming) {
                Ok(Some(frame)) => match parser.read(&frame) {
                    Ok(response) => {
                        let raw = self.engine.wants_raw().then(|| frame.to_bytes());
                        self.engine.handle(response, raw, self.now);
                    }
                    Err(why) => self.engine.handle_unreadable(&frame.to_bytes(), &why, self.now),
                },
                Ok(None) => {
                    let (engine, framer) = (&mut self.engine, &mut self.framer);
                    match take_literal(engine, framer, &mut parser, &mut self.incoming) {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(error) => self.engine.handle_lost_framing(error),
                    }
                }
                Err(error) => self.engine.handle_end(CloseReason::Protocol(error.to_string())),
            }
        }
        self.engine.poll(self.now);
        self.engine.hand_over();
    }

    /// Up to so many bytes for the server, as one write.
    pub(super) fn write(&mut self, most: usize) -> Vec<u8> {
        self.engine.poll(self.now);
        self.pull();
        if most == 0 || !self.engine.has_to_write() {
            return Vec::new();
        }
        let next = self.engine.next_write(most);
        let bytes = next[..next.len().min(most)].to_vec();
        self.engine.written(bytes.len(), self.now);
        self.engine.poll(self.now);
        bytes
    }

    /// Reads bytes from the source of an upload, as many as there is room for.
    fn pull(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        while let Some(source) = self.engine.source() {
            match source.poll_next(&mut cx) {
                Poll::Ready(given) => self.engine.handle_chunk(given),
                Poll::Pending => return,
            }
        }
    }

    /// All that there is to write.
    pub(super) fn write_all(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let bytes = self.write(64 << 10);
            if bytes.is_empty() {
                return all;
            }
            all.extend(bytes);
        }
    }

    /// Time passes; the engine is woken whenever it asked to be.
    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..1000 {
            self.engine.poll(self.now);
            match self.engine.deadline().filter(|deadline| *deadline <= end) {
                Some(deadline) => self.now = self.now.max(deadline),
                None => {
                    self.now = end;
                    return self.engine.poll(end);
                }
            }
            // A task that wakes for nothing at the same moment again and again would spin.
            self.engine.poll(self.now);
            if self.engine.deadline().is_some_and(|deadline| deadline <= self.now) {
                assert!(
                    self.engine.has_to_write(),
                    "the deadline {:?} does not move",
                    self.engine.deadline()
                );
                self.now = end;
                return self.engine.poll(end);
            }
        }
        panic!("woken a thousand times in {time:?}");
    }

    /// The next event, if one waits.
    pub(super) fn event(&mut self) -> Option<Event> {
        let mut cx = Context::from_waker(Waker::noop());
        match futures_core::Stream::poll_next(std::pin::Pin::new(&mut self.receiver), &mut cx) {
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }

    /// How long a program may last that ends: no more commands, no more bytes.
    pub(super) fn close(&mut self, reason: CloseReason) {
        self.engine.handle_end(reason);
    }
}

/// Settings for tests: all by itself, and patient.
pub(super) fn settings() -> Settings {
    Settings {
        limits: Limits::default(),
        auto_idle: true,
        view_sync: ViewSync::Uids,
        windows: BatchSizes::default(),
        idle_delay: Duration::from_millis(100),
        idle_renew: Duration::from_secs(600),
        poll_every: Duration::from_secs(60),
        silence: Duration::from_secs(24 * 3600),
        ignored: Vec::new(),
    }
}

/// Polls a future once.
pub(super) fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut cx = Context::from_waker(Waker::noop());
    match std::pin::Pin::new(future).poll(&mut cx) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
