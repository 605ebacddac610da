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
mod events;
mod inflight;
mod lifecycle;
mod lines;
mod log;
mod mailboxes;
mod outcome;
mod receive;
mod schedule;
mod selection;
mod settings;
mod shutdown;
mod submit;
mod write;

pub(crate) use settings::{BatchSizes, Settings};
pub(crate) use submit::selection_handle::{ReadyOutcome, SelectOptions, SelectionHandle};
pub(crate) use submit::shared::{Origin, Shared};
pub(crate) use submit::slot::{ResultSlot, Submitted};

use std::sync::Arc;
use std::time::Instant;

use self::backpressure::Backpressure;
use self::events::output::Output;
use self::inflight::InFlight;
use self::lifecycle::Lifecycle;
use self::lifecycle::timeouts::{Due, Waiting};
use self::mailboxes::Mailboxes;
use self::schedule::Scheduler;
use self::selection::{Selected, Selection};
use self::submit::internal::{InternalCommand, InternalRequest};
use self::write::Writer;
use self::write::idle::{Idle, IdleStep, Surroundings};
use self::write::secrets::Secrets;
use crate::command::{self, Command, Logout, Noop, Session};
use crate::types::{Answer, Capabilities, CloseReason, Event, EventKind, Limits};

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
    secrets: Secrets,
    output: Output,
    backpressure: Backpressure,
}

impl Engine {
    pub(crate) fn new(shared: Arc<Shared>, settings: Settings) -> Self {
        let Limits { command_line, messages, .. } = settings.limits;
        let session = Session { command_line, messages, ..Session::default() };
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
            secrets: Secrets::default(),
            backpressure: Backpressure::default(),
        }
    }

    /// Does all that can be done now: takes what was submitted, sends what may go, idles, gives up.
    pub(crate) fn poll(&mut self, now: Instant) {
        if self.closed().is_some() || self.lifecycle.is_tls_due() {
            return;
        }
        let taken = self.scheduler.shared().take();
        self.scheduler.extend(taken.submissions);
        self.given_up(&taken.given_up);
        if self.selected.current().is_some_and(Selection::is_behind) {
            self.continue_sync();
        }
        if taken.abandoned && self.is_at_rest() && !self.lifecycle.is_logging_out() {
            self.queue_internal(InternalCommand::Logout, Logout);
        }
        self.send();
        if self.ask_deselected() {
            self.send();
        }
        self.fill_abandoned_literal();
        if self.closed().is_some() {
            return;
        }
        if !self.scheduler.has_submissions()
            && let Some(selection) = self.selected.current_mut()
        {
            selection.forget_removals();
        }
        self.selected.publish();
        self.idle_step(now);
        self.check_time(now);
        if self.output.is_overrun() {
            self.close(CloseReason::Limit(format!(
                "more than Limits::unread ({} bytes) of events wait that may not be left out",
                self.settings.limits.unread
            )));
        }
    }

    /// Nothing waits, and nothing is in flight but an IDLE.
    fn is_at_rest(&self) -> bool {
        self.scheduler.queue_is_empty() && self.inflight.only_idles()
    }

    /// When [`poll`](Self::poll) must be called again at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.closed().is_some() {
            return None;
        }
        let lifecycle = self.lifecycle.deadline(self.settings.silence);
        let hold = self.backpressure.deadline(self.settings.limits.hold);
        let upload = self.writer.upload_deadline(self.settings.silence);
        [lifecycle, upload, self.idle.deadline(&self.surroundings()), hold].into_iter().flatten().min()
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
            IdleStep::Begin if self.look_back(now) => {
                self.queue_internal(InternalCommand::Idle, command::Idle)
            }
            IdleStep::Begin => {}
            IdleStep::Poll => self.queue_internal(InternalCommand::Poll, Noop),
        }
        self.send();
    }

    fn check_time(&mut self, now: Instant) {
        let starved = self.writer.starved_since(now);
        if starved.is_some_and(|since| now.duration_since(since) >= self.settings.silence) {
            self.source_stalled();
            return;
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
                let waiting_for = format!("the answer to {oldest}");
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

    /// This many bytes have been written.
    pub(crate) fn written(&mut self, count: usize, now: Instant) {
        self.lifecycle.on_activity(now);
        for written in self.writer.advance(count) {
            self.inflight.on_written(written.id, written.whole, now);
        }
    }

    /// Puts an event on the stream.
    fn report(&mut self, event: Event) {
        // The view is published before the event, so a reader of the event finds it up to date.
        self.selected.publish();
        self.output.report(event);
    }

    /// Whether a mailbox of this size is more than the limit allows: then the connection ends.
    fn is_too_large(&mut self, count: u32) -> bool {
        let most = self.settings.limits.messages;
        if count > most {
            self.close(CloseReason::Limit(format!(
                "a mailbox of {count} messages, more than {most} (Limits::messages)"
            )));
        }
        count > most
    }

    /// Queues a command of the engine's own.
    fn queue_internal(&mut self, own: InternalCommand, command: impl Command) {
        self.scheduler.push_internal(InternalRequest::new(own, command, None));
    }

    pub(crate) fn closed(&self) -> Option<&CloseReason> {
        self.lifecycle.closed()
    }

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Logging in is over: from now on changes of capabilities are events, and its secrets are
    /// forgotten.
    pub(crate) fn set_ready(&mut self) {
        self.lifecycle.on_ready();
        self.secrets.clear();
    }

    /// Drops what was received before TLS (RFC 9051 section 6.2.1).
    pub(crate) fn forget_capabilities(&mut self) {
        self.session.capabilities = Capabilities::default();
    }

    /// TLS is established: what was received in clear text is dropped (RFC 9051 section 6.2.1).
    pub(crate) fn on_tls_established(&mut self) {
        self.lifecycle.on_tls_established();
        self.forget_capabilities();
        self.session.enabled.clear();
        self.output.forget();
    }

    /// What the server can do from here on. A list without any IMAP4… word, which each list must
    /// have (RFC 9051 section 7.2.2), is none: it is an event, and changes nothing.
    fn on_capabilities(&mut self, all: Capabilities) {
        if !all.is_whole() {
            return self.report(Event::new(EventKind::Data(Answer::Capability(all))));
        }
        if self.session.learn_capabilities(&all) {
            self.scheduler.shared().set_capabilities(&all);
            if self.lifecycle.is_ready() {
                self.report(Event::new(EventKind::Capabilities(all)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
