//! What goes out: commands that start, lines of those in flight, and what is taken back before it
//! is written.
//!
//! In: submissions, tokens that were dropped or cancelled, numbers that stand for other messages
//! now. Out: lines in the writer; commands that end, unsent or cut short.

use crate::command::{Class, Effect, Messages};
use crate::engine::Engine;
use crate::engine::inflight::{AtStart, Cancellation};
use crate::engine::log;
use crate::engine::schedule::{Start, StartFacts, withdrawn};
use crate::engine::selection::{Selected, no_search};
use crate::engine::submit::{EndCause, GivenUp, Submission};
use crate::error::{Error, ErrorKind};
use crate::types::{CloseReason, CommandId};

impl Engine {
    /// Sends what may go.
    pub(super) fn send(&mut self) {
        while self.lifecycle.may_write() && !self.writer.is_full() {
            if self.scheduler.has_work() {
                self.idle.leave(&mut self.writer);
            }
            if !self.writer.is_line_free() {
                return;
            }
            if let Some(id) = self.scheduler.next_line() {
                self.write_line(id);
                continue;
            }
            if self.lifecycle.is_logging_out() {
                // What was submitted after LOGOUT ends with the connection, for the same cause
                // (contract, promise 11).
                return;
            }
            let facts = StartFacts {
                selected: &self.selected,
                inflight: &self.inflight,
                session: &self.session,
                numbers_move: self.mailboxes.moves_numbers(),
                idles_left: self.idle.left(),
            };
            match self.scheduler.start_next(&facts, |id| self.writer.holds(id)) {
                Start::Nothing => return,
                Start::Later => {}
                Start::Go(next) => self.start(next),
                Start::Refused(next, error) => self.fail_unsent(next, error),
                Start::Unsent(next, result) => {
                    let (asks, verifies) = (next.is_sync_query(), next.verifies_store());
                    let is_done = result.is_ok();
                    match result {
                        Ok(()) => self.give(next.complete()),
                        Err(error) => self.fail_unsent(next, error),
                    }
                    if verifies {
                        self.selected.on_unsent_verification(is_done, &mut self.output);
                    }
                    if asks || verifies {
                        self.sync();
                    }
                }
            }
        }
    }

    fn start(&mut self, next: Box<Submission>) {
        let id = next.id;
        if next.origin.internal().is_none() {
            self.idle.users_speak();
        }
        let (view, uid_validity) = (self.selected.view(), self.selected.uid_validity());
        let at_start = AtStart::new(view, uid_validity, self.session.capabilities_epoch);
        self.mailboxes.command_started(id, &next.class.effect);
        self.inflight.start(next, at_start);
        self.scheduler.shared().counters().on_command();
        self.write_line(id);
        // What has to be known as soon as it is under way.
        let Some(class) = self.inflight.class(id) else { return };
        match &class.effect {
            Effect::Select { read_only } => {
                let qresync = self.session.is_enabled("QRESYNC");
                self.selected.select(id, *read_only, qresync, &self.inflight);
            }
            Effect::Logout => self.lifecycle.on_logout_sent(),
            Effect::Save(saved) => self.selected.save_sent(saved.clone()),
            Effect::Idle => {
                self.writer.begin_idle(id);
                self.inflight.log_mailbox(id, self.selected.place());
                let behind = self.inflight.len() > 1;
                self.idle.sent(id, self.selected.current().is_some(), behind);
            }
            _ if class.dialogue => self.writer.begin_challenge(id),
            _ => {}
        }
    }

    /// Makes and queues the next line of a command in flight.
    fn write_line(&mut self, id: CommandId) {
        if matches!(self.inflight.effect(id), Some(Effect::Deselect)) {
            let handle = self.inflight.selection_handle(id);
            self.session.examined = handle.is_some_and(|handle| Selected::is_examined(handle));
        }
        let (inflight, selected) = (&mut self.inflight, &mut self.selected);
        let error = self.writer.write_line(id, inflight, selected, &mut self.scheduler, &self.session);
        if let Some(error) = error {
            if self.inflight.has_begun(id) {
                self.failed(id, &error);
            }
            self.end(id, Err(error));
        }
    }

    pub(super) fn fail_unsent(&mut self, next: Box<Submission>, error: Error) {
        log::not_sent(&next, &error);
        self.give(next.fail(error));
    }

    /// Tokens were dropped or cancelled, or their time has ended: what has not been begun is taken
    /// back, if that is meant.
    pub(super) fn give_up(&mut self, given_up: &GivenUp) {
        for (id, error) in given_up.overdue() {
            match self.inflight.expire(id, &error) {
                Cancellation::Withdraw => self.withdraw(id, error),
                Cancellation::EndIdle => self.idle.end_soon(id),
                Cancellation::Ignored | Cancellation::Stop => {}
            }
        }
        for id in given_up.dropped() {
            match self.inflight.cancellation(id) {
                Cancellation::Ignored => {}
                Cancellation::EndIdle => self.idle.end_soon(id),
                Cancellation::Stop => {
                    if self.writer.cancel_upload(id) {
                        let what = "the upload was cancelled before its end";
                        self.fail_upload(Error::new(ErrorKind::Source, what));
                    }
                    if let Some(error) = self.inflight.stop_series(id) {
                        self.scheduler.remove_line(id);
                        self.end(id, Err(error));
                    }
                }
                Cancellation::Withdraw => {
                    self.inflight.silence(id);
                    self.withdraw(id, withdrawn());
                }
            }
        }
        if given_up.is_empty() {
            return;
        }
        let error_of = |next: &Submission| given_up.error_of(next.id);
        for next in self.scheduler.take_withdrawn(|next| error_of(next).is_some_and(|e| next.expire(e))) {
            let error = error_of(&next).unwrap_or_else(withdrawn);
            self.fail_unsent(next, error);
        }
    }

    /// Takes a command back that has gone out as far as the outbox, and what rests on it.
    fn withdraw(&mut self, id: CommandId, error: Error) {
        if !self.writer.withdraw(id) {
            return;
        }
        let mut ends = vec![(id, error)];
        match self.inflight.effect(id) {
            None => return,
            Some(Effect::Logout) => self.lifecycle.on_logout_withdrawn(),
            // What was to use the result of a search that is never made would use another.
            Some(Effect::Save(saved)) => {
                ends.extend(self.inflight.users_of(saved).into_iter().map(|id| (id, no_search())));
            }
            Some(_) => {}
        }
        // The server never receives a SELECT that is withdrawn: the earlier mailbox is still
        // selected, and commands for the new selection must not be sent.
        if let Some(handle) = self.selected.withdraw(id) {
            let hang_on_it = self.inflight.in_selection(handle.id()).into_iter();
            ends.extend(hang_on_it.map(|id| (id, EndCause::NotOpened.error())));
        }
        for (id, error) in ends {
            self.writer.withdraw(id);
            self.idle.withdrawn(id);
            self.scheduler.remove_line(id);
            if let Some(Effect::Save(saved)) = self.inflight.effect(id) {
                self.selected.save_withdrawn(saved);
            }
            self.end(id, Err(error));
        }
        // What the engine wanted to ask behind a LOGOUT was given up; if that is taken back, it is
        // asked after all.
        self.sync();
    }

    /// Takes back what has not been written and would name other messages than were meant. The
    /// engine's own are no danger, and asked again by themselves.
    pub(super) fn unsend(&mut self, why: impl Fn(Option<&Messages>, &Class) -> Option<Error>) {
        if !self.writer.is_empty() {
            for (id, error) in self.inflight.unsent_where(why) {
                self.withdraw(id, error);
            }
        }
    }

    /// The bytes of an upload that were announced will not be sent.
    pub(super) fn fail_upload(&mut self, error: Error) {
        let can_cancel = self.session.can("MULTIAPPEND");
        if let Some((id, error, reason)) = self.writer.fail_upload(error, can_cancel, &mut self.inflight) {
            self.end(id, Err(error));
            return self.close(reason);
        }
        self.fill_abandoned_literal();
    }

    /// Fills up a literal that is no longer wanted, or closes the connection if that is too much.
    pub(super) fn fill_abandoned_literal(&mut self) {
        // One that failed has been looked at when it did; this one was refused.
        if let Some(left) = self.writer.unpaddable() {
            return self.close(CloseReason::Upload(format!(
                "the server answered with {left} bytes of the message still to be sent, too many to fill up"
            )));
        }
        if self.lifecycle.may_write() {
            self.writer.pad();
        }
    }
}
