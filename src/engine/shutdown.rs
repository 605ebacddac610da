//! How a connection ends: each command with the same cause, and whether it had been sent; then the
//! stream of events.
//!
//! In: EOF, an error of the socket, bytes that can't be parsed, a dropped driver, an answered
//! LOGOUT. Out: every command in flight or queued ends, and `Closed` is reported, last. (Contract,
//! promise 11.)

use std::time::Instant;

use crate::command::Effect;
use crate::engine::Engine;
use crate::engine::log;
#[cfg(feature = "account")]
use crate::engine::submit::move_on;
use crate::types::{CloseReason, Done, Status, StatusResponse};
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
        let error = self.writer.secrets().take_out_of_error(error);
        self.handle_end(CloseReason::Protocol(error.to_string()));
    }

    /// The connection has ended: by EOF, by an error, by what could not be understood.
    pub(crate) fn handle_end(&mut self, reason: CloseReason) {
        let logout = self.inflight.find_begun(|effect| matches!(effect, Effect::Logout));
        let reason = self.lifecycle.final_cause(logout.is_some(), reason);
        // EOF after BYE is a logout's success.
        if let (Some(id), Some(bye)) = (logout, self.lifecycle.bye()) {
            let ok = StatusResponse::new(Status::Ok, None, bye.text.clone());
            self.end(id, Ok(Done::new(ok)));
        }
        self.close(reason);
    }

    /// Ends everything, each with the same cause; what is closed stays so.
    pub(crate) fn close(&mut self, reason: CloseReason) {
        if self.lifecycle.closed().is_some() {
            return;
        }
        log::closed(&reason, self.lifecycle.is_ready());
        self.lifecycle.on_closed(reason.clone());
        // First, so that a task woken by an end finds the cause.
        let late = self.scheduler.shared().close(&reason);
        self.selected.on_connection_closed();
        self.mailboxes.connection_closed();
        self.report_mailboxes();
        #[cfg(feature = "account")]
        let has_lost = self.inflight.has_changes();
        for ended in self.inflight.close(&reason) {
            self.give(ended);
        }
        let waiting = self.scheduler.take_all().into_iter().chain(late);
        #[cfg(feature = "account")]
        let waiting = move_on(waiting, self.scheduler.shared(), &reason, has_lost).into_iter();
        #[cfg(not(feature = "account"))]
        let waiting = waiting.map(|waiting| (waiting, None));
        for (waiting, stays) in waiting {
            self.give(waiting.close(&reason, stays));
        }
        self.writer.close();
        self.output.close(reason);
    }
}
