//! How a connection ends: each command with the same cause, and whether it had been sent; then the
//! stream of events.
//!
//! In: EOF, an error of the socket, bytes that can't be parsed, a dropped driver, an answered
//! LOGOUT. Out: every command in flight or queued ends, and `Closed` is reported, last. (Contract,
//! promise 11.)

use std::time::Instant;

use crate::command::Effect;
use crate::engine::Engine;
use crate::engine::inflight::Unfinished;
use crate::engine::log;
use crate::engine::submit::end_cause::EndCause;
use crate::engine::submit::slot::ErasedCommand;
use crate::error::Error;
use crate::types::{CloseReason, CommandId, Done, Event, Place, Status, StatusResponse};
use crate::wire::frame::FrameError;

impl Engine {
    /// Writing has failed: what the server still sends is read, for a while, before everything
    /// ends.
    pub(crate) fn write_failed(&mut self, reason: CloseReason, now: Instant) {
        self.writer.discard();
        self.lifecycle.on_write_error(reason, now);
    }

    /// The framing is lost.
    pub(crate) fn handle_lost_framing(&mut self, error: FrameError) {
        let error = self.secrets.take_out_of_error(error);
        self.handle_end(CloseReason::Protocol(error.to_string()));
    }

    /// The connection has ended: by EOF, by an error, by what could not be understood.
    pub(crate) fn handle_end(&mut self, reason: CloseReason) {
        let logout = self.inflight.find_begun(|effect| matches!(effect, Effect::Logout));
        let reason = self.lifecycle.final_cause(logout.is_some(), reason);
        // EOF after BYE is a logout's success.
        if let (Some(id), Some(bye)) = (logout, self.lifecycle.bye()) {
            let ok = StatusResponse::new(Status::Ok, None, bye.text.clone());
            self.end_flight(id, Ok(Done::new(ok)));
        }
        self.close(reason);
    }

    /// Ends everything, each with the same cause; what is closed stays so.
    pub(crate) fn close(&mut self, reason: CloseReason) {
        if self.closed().is_some() {
            return;
        }
        log::closed(&reason, self.lifecycle.is_ready());
        self.lifecycle.on_closed(reason.clone());
        // First, so that a task woken by an end finds the cause.
        let late = self.scheduler.shared().close(&reason);
        self.selected.on_connection_closed();
        self.mailboxes.connection_closed();
        self.report_mailboxes();
        for Unfinished { id, job, quiet, error, place } in self.inflight.drain_all(&reason) {
            self.fail_closed(id, job, quiet, error, place);
        }
        for waiting in self.scheduler.take_all().into_iter().chain(late) {
            for selection_handle in [&waiting.selection_handle, &waiting.opens].into_iter().flatten() {
                selection_handle.end(EndCause::Connection);
            }
            let (place, error) = (waiting.place(), Error::closed(&reason).with_sent(waiting.sent_before));
            self.fail_closed(waiting.id, waiting.job, !waiting.origin.is_user(), error, place);
        }
        self.writer.close();
        self.output.close(reason);
    }

    fn fail_closed(
        &mut self,
        id: CommandId,
        job: Box<dyn ErasedCommand>,
        quiet: bool,
        error: Error,
        place: Option<Place>,
    ) {
        let named = place.as_ref().map(|place| &place.mailbox);
        let error = error.in_command(job.name()).about(named, None);
        if !quiet {
            self.tell_failed(id, job.name(), &error, place);
        }
        job.end(Err(error));
    }

    pub(in crate::engine) fn tell_failed(
        &mut self,
        id: CommandId,
        command: &str,
        error: &Error,
        place: Option<Place>,
    ) {
        let kind = error.to_event(command.to_owned());
        self.report(Event::new(kind).at(place).caused_by(Some(id)));
    }
}
