//! The engine: the protocol's state machine. No I/O, no clock, no async: what came in and what time
//! it is are arguments.
//!
//! ```text
//!  Sender ── Shared ──> poll(now) ─> admission ─> lines ─> outbox ──> next_write / written
//!                           │                      ^ `+`, tagged
//!                           v                      │
//!  Receiver <── events <── view, selection <── routing <── handle(response) <── frames
//!  Token    <── slot   <───────────────────────┘
//! ```
//!
//! In: responses by [`Engine::handle`], what was submitted by [`Engine::poll`], how much has been
//! written by [`Engine::written`]. Out: bytes by [`Engine::next_write`], a time by
//! [`Engine::deadline`], events and results through the queue and the slots. Call `poll` after
//! every input, and at the deadline.

mod backpressure;
mod completion;
mod events;
mod inflight;
mod lifecycle;
mod log;
mod mailboxes;
mod metrics;
mod responses;
mod schedule;
mod selection;
mod sending;
mod settings;
mod shutdown;
mod streamed_literals;
mod submit;
mod write;

pub(crate) use events::BlockQueue;
pub(crate) use metrics::{ConnectionCount, received, responded, sent};
pub(crate) use settings::{BatchSizes, Settings};
pub(crate) use streamed_literals::take_literal;
#[cfg(feature = "compress")]
pub(crate) use submit::Counters;
#[cfg(feature = "account")]
pub(crate) use submit::Moving;
pub(crate) use submit::{
    LiteralChannel, Origin, ReadyOutcome, ResultSlot, Scope, SelectOptions, SelectionHandle, Shared,
    Submitted,
};

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use self::backpressure::Backpressure;
use self::events::{Output, excerpt};
use self::inflight::InFlight;
use self::lifecycle::{Due, Lifecycle, Waiting};
use self::mailboxes::Mailboxes;
use self::schedule::Scheduler;
use self::selection::{LookBackFacts, Selected, Selection};
use self::submit::{InternalCommand, InternalRequest, Query};
use self::write::{Idle, IdleStep, Surroundings, Writer};
use crate::command::{self, LoginState, Logout, Noop, ResponseKinds, Session, Taken};
use crate::error::{Error, ErrorKind};
use crate::types::{CloseReason, Event, EventKind, Limits, Status, StatusResponse};
use crate::wire::{Response, Unparsable};

pub(crate) struct Engine {
    settings: Settings,
    session: Session,
    lifecycle: Lifecycle,
    selected: Selected,
    scheduler: Scheduler,
    inflight: InFlight,
    writer: Writer,
    idle: Idle,
    mailboxes: Mailboxes,
    output: Output,
    backpressure: Backpressure,
}

impl Engine {
    pub(crate) fn new(shared: Arc<Shared>, settings: Settings) -> Self {
        let Limits { command_line, messages, .. } = settings.limits;
        let ignored = settings.ignored.clone();
        let session = Session { command_line, messages, ignored, ..Session::default() };
        Self {
            output: Output::new(Arc::clone(shared.events())),
            settings,
            session,
            lifecycle: Lifecycle::default(),
            selected: Selected::default(),
            scheduler: Scheduler::new(shared),
            inflight: InFlight::default(),
            writer: Writer::default(),
            idle: Idle::default(),
            mailboxes: Mailboxes::default(),
            backpressure: Backpressure::default(),
        }
    }

    /// Writes a response that has come to the log, if anyone listens.
    pub(crate) fn log_received(&self, bytes: impl FnOnce() -> Bytes) {
        self.writer.log_received(bytes);
    }

    /// A response has come; and its bytes if [`wants_raw`](Self::wants_raw) says so.
    pub(crate) fn handle(&mut self, response: Response, raw: Option<Bytes>, now: Instant) {
        if self.lifecycle.closed().is_some() {
            return;
        }
        if self.lifecycle.greeting().is_none() && !matches!(response, Response::Untagged(_)) {
            // No IMAP server begins so: it is POP3, or what else begins with a word or a plus.
            let text = match response {
                Response::Tagged { tag, status } => format!("{tag} {status}"),
                Response::Continuation { text } => format!("+{}", String::from_utf8_lossy(&text)),
                Response::Untagged(_) => String::new(),
            };
            return self.lifecycle.on_non_imap(text);
        }
        match response {
            Response::Tagged { tag, mut status } => {
                self.writer.secrets().blank(&mut status);
                self.handle_tagged(&tag, status, now);
            }
            // What a dialogue reads of it is the command's.
            Response::Continuation { text } => {
                let (idle, inflight) = (&mut self.idle, &mut self.inflight);
                let stray = self.writer.handle_continuation(&text, idle, inflight, &self.session, now);
                stray.into_iter().for_each(|kind| self.report(Event::new(kind)));
            }
            Response::Untagged(mut untagged) => {
                if let Some(raw) = raw {
                    untagged.set_raw(raw);
                }
                if let Some(owner) = self.inflight.end_row() {
                    untagged.set_owner(Some(owner));
                }
                self.handle_untagged(untagged, now);
            }
        }
    }

    /// A response has come that can't be read.
    pub(crate) fn handle_unreadable(&mut self, bytes: &Bytes, why: &Unparsable, now: Instant) {
        if self.lifecycle.closed().is_some() {
            return;
        }
        if self.lifecycle.greeting().is_none() {
            return self.lifecycle.on_non_imap(String::from_utf8_lossy(&excerpt(bytes)).into_owned());
        }
        _ = self.inflight.end_row();
        let kind = why.keyword.as_deref().map_or(ResponseKinds::NOTHING, ResponseKinds::of_keyword);
        let keyword = why.keyword.as_deref().unwrap_or_default();
        let kept = self.writer.secrets().excerpt(bytes);
        self.inflight.note_unparsed(kind, keyword, &kept);
        let error = format!("{} (at byte {})", why.message, why.at);
        let place = self.selected.place();
        self.report(Event::new(EventKind::Unparsed { bytes: kept, error }).at(place));
        if bytes.starts_with(b"*") {
            let outcome = self.selected.on_unparsed(kind);
            self.see_to(outcome);
        }
        // A line with a tag of ours always ends that command, whatever it was to say.
        let first = bytes.split(|byte| *byte <= b' ').next().unwrap_or_default();
        let tag = String::from_utf8_lossy(first);
        if let Some(id) = self.writer.answered_by(&tag, &self.inflight, self.scheduler.shared()) {
            let error =
                Error::protocol("the server's answer can't be read: whether it was done is not known");
            self.inflight.fail(id, error.with_sent(self.inflight.sent(id)));
            let status = StatusResponse::new(Status::Bad, None, "the answer can't be read");
            self.handle_tagged(&tag, status, now);
        }
    }

    /// Whether raw bytes of each response are wanted.
    pub(crate) fn wants_raw(&self) -> bool {
        self.inflight.wants_raw()
    }

    /// Does all that can be done now: takes what was submitted, sends what may go, idles, gives up.
    pub(crate) fn poll(&mut self, now: Instant) {
        if self.lifecycle.closed().is_some() || self.lifecycle.is_tls_due() {
            return;
        }
        let taken = self.scheduler.shared().take(now);
        self.scheduler.extend(taken.submissions);
        self.give_up(&taken.given_up);
        if self.selected.current().is_some_and(Selection::is_behind) {
            self.sync();
        }
        if taken.abandoned && self.is_at_rest() && !self.lifecycle.is_logging_out() {
            self.scheduler.push_internal(InternalRequest::new(InternalCommand::Logout, Logout, None));
        }
        self.send();
        if self.scheduler.is_empty() && !self.lifecycle.is_logging_out() {
            let can_count = self.session.can("CONDSTORE");
            self.mailboxes.ask_deselected(&self.selected, &self.inflight, can_count);
            self.report_mailboxes();
            if !self.scheduler.is_empty() {
                self.send();
            }
        }
        self.fill_abandoned_literal();
        if self.lifecycle.closed().is_some() {
            return;
        }
        if !self.scheduler.has_submissions()
            && let Some(selection) = self.selected.current_mut()
        {
            selection.forget_removals();
        }
        self.selected.publish();
        self.idle_step(now);
        let counters = self.scheduler.shared().counters();
        counters.set_depths(self.scheduler.len(), self.inflight.len(), self.writer.unwritten());
        self.check_time(now);
        if self.output.is_overrun() {
            self.close(CloseReason::Limit(format!(
                "more than Limits::unread ({} bytes) of events wait that may not be left out",
                self.settings.limits.unread
            )));
        }
    }

    /// Wakes the readers of what has been received since the last call. Once for all that has come
    /// together: on another thread a reader begins at once, and contends for the same locks.
    pub(crate) fn hand_over(&mut self) {
        self.inflight.hand_over();
        self.output.wake();
    }

    /// Nothing waits, and nothing is in flight but an IDLE.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.scheduler.queue_is_empty() && self.inflight.only_idles()
    }

    /// When [`poll`](Self::poll) must be called again at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.lifecycle.closed().is_some() {
            return None;
        }
        let lifecycle = self.lifecycle.deadline(self.settings.silence);
        let hold = self.backpressure.deadline(self.settings.limits.hold);
        let upload = self.writer.upload_deadline(self.settings.silence);
        let (idle, limit) = (self.idle.deadline(&self.surroundings()), self.scheduler.shared().next_limit());
        [lifecycle, upload, idle, hold, limit].into_iter().flatten().min()
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            settings: &self.settings,
            session: &self.session,
            lifecycle: &self.lifecycle,
            scheduler: &self.scheduler,
            inflight: &self.inflight,
            writer: &self.writer,
            is_selected: self.selected.current().is_some(),
        }
    }

    /// Enters IDLE, renews it, or polls, if it is time to.
    fn idle_step(&mut self, now: Instant) {
        // Apart while its surroundings are borrowed.
        let mut idle = std::mem::take(&mut self.idle);
        let mut step = idle.step(now, &self.surroundings());
        if step == IdleStep::Leave {
            idle.leave(&mut self.writer);
            step = idle.step(now, &self.surroundings());
        }
        self.idle = idle;
        match step {
            IdleStep::Wait | IdleStep::Leave => return,
            IdleStep::GiveUp(id) => return self.writer.push_done(id),
            // Behind what the server may not report by itself.
            IdleStep::Begin => {
                let may_follow = self.look_back(self.mailboxes.is_notify_in_force(), now);
                self.scheduler.queue_requests(&mut self.selected);
                if may_follow {
                    let idle = InternalRequest::new(InternalCommand::Idle, command::Idle, None);
                    self.scheduler.push_internal(idle);
                }
            }
            IdleStep::Poll => {
                self.scheduler.push_internal(InternalRequest::new(InternalCommand::Poll, Noop, None));
                self.look_back(true, now);
                self.scheduler.queue_requests(&mut self.selected);
            }
        }
        self.send();
    }

    /// IDLE is about to begin, or NOOP: asks for what the server may not report. `is_reported`:
    /// what changes is reported without that. Whether IDLE may follow at once.
    fn look_back(&mut self, is_reported: bool, now: Instant) -> bool {
        let looks = |own: &InternalCommand| matches!(own, InternalCommand::Query(Query::LookBack(_)));
        let of = self.selected.current().map(Selection::id);
        let facts = LookBackFacts {
            sync: self.sync_facts(),
            now,
            is_reported,
            is_looking: self.scheduler.has_internal(looks) || self.inflight.has_internal(of, looks),
            interval: self.settings.idle_renew,
        };
        self.selected.look_back(&facts)
    }

    fn check_time(&mut self, now: Instant) {
        let (starved, waited) = (self.writer.starved_since(now), self.settings.silence);
        if starved.is_some_and(|since| now.duration_since(since) >= waited) {
            let why = format!("the message's source gave nothing for {waited:?}");
            return self.fail_upload(Error::new(ErrorKind::Source, why));
        }
        let waits = self.inflight.awaited(|id| self.idle.is_established(id)).is_some();
        let waiting = if !waits && self.writer.is_line_free()
            || self.idle.is_quiet(&self.surroundings())
            || starved.is_some()
        {
            Waiting::Nothing
        } else if self.backpressure.is_on() {
            Waiting::Reader
        } else {
            Waiting::Response
        };
        match self.lifecycle.check_time(now, waiting, self.settings.silence) {
            Due::Nothing => {}
            Due::Silence => {
                let oldest = self.inflight.awaited(|_| false).unwrap_or("a command");
                let waiting_for =
                    format!("the answer to {oldest}: nothing came for {:?}", self.settings.silence);
                self.close(CloseReason::Timeout { waiting_for });
            }
            Due::DrainOver => self.handle_end(CloseReason::Eof),
        }
    }

    pub(crate) fn received_bytes(&mut self, now: Instant) {
        self.lifecycle.on_activity(now);
    }

    /// What to write next, at most about `most` bytes of small commands; empty if nothing waits.
    pub(crate) fn next_write(&mut self, most: usize) -> &[u8] {
        self.writer.next_write(most)
    }

    pub(crate) fn has_to_write(&self) -> bool {
        !self.writer.is_empty()
    }

    /// The source that is to be asked for bytes.
    pub(crate) fn source(&mut self) -> Option<&mut Taken> {
        if self.lifecycle.may_write() { self.writer.source() } else { None }
    }

    /// The source gave bytes, a failure, or its end.
    pub(crate) fn handle_chunk(&mut self, given: Option<io::Result<Bytes>>) {
        if let Err(error) = self.writer.on_chunk(given) {
            self.fail_upload(error);
        }
    }

    /// Whether nothing is to be read from the server now: a result waits unread, and nothing else
    /// is wanted of the connection. Ask again at the [`deadline`](Self::deadline), or when the
    /// driver is woken.
    pub(crate) fn holds(&mut self, now: Instant) -> bool {
        // After the server's BYE only what it has sent already is left.
        let alone = !self.scheduler.has_submissions() && self.lifecycle.drain_deadline().is_none();
        let backed_up = if alone { self.inflight.backed_up(&self.output) } else { None };
        self.backpressure.holds(now, backed_up, self.settings.limits.hold)
    }

    /// This many bytes have been written.
    pub(crate) fn written(&mut self, count: usize, now: Instant) {
        self.lifecycle.on_activity(now);
        self.writer.advance(count, |id, count, whole| {
            self.inflight.on_written(id, count, whole, now);
            if whole && self.session.compressed {
                let effect = self.inflight.effect(id);
                self.session.ends_compression |= matches!(effect, Some(command::Effect::Unauthenticate));
            }
            self.selected.on_written(id);
        });
    }

    /// Puts an event on the stream.
    fn report(&mut self, event: Event) {
        self.selected.report(event, &mut self.output);
    }

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Logging in is over: from now on changes of capabilities are events, and its secrets are
    /// forgotten. `takes_passwords`: they may go over this connection.
    pub(crate) fn set_ready(&mut self, takes_passwords: bool) {
        self.lifecycle.on_ready();
        self.session.takes_passwords = takes_passwords;
        if self.session.login == LoginState::Unknown {
            self.session.login = match self.lifecycle.greeting().map(|greeting| greeting.status) {
                Some(Status::Ok) => LoginState::NotLoggedIn,
                Some(Status::PreAuth) => LoginState::LoggedIn,
                _ => LoginState::Unknown,
            };
        }
        self.writer.clear_secrets();
    }

    /// TLS is established: what was received in clear text is dropped (RFC 9051 section 6.2.1).
    pub(crate) fn on_tls_established(&mut self) {
        self.lifecycle.on_tls_established();
        self.session.forget_capabilities();
        self.session.enabled.clear();
        self.output.forget();
    }
}

#[cfg(test)]
mod tests;
