//! Withdrawal: commands whose tokens were dropped, as far as they have not been written.
//!
//! In: tokens that were dropped or cancelled; selections that ended. Out: what is withdrawn ends,
//! unsent; what has been begun runs to its end, but for an IDLE by hand, a streamed upload and a
//! series whose lines stand for themselves, which a `cancel` ends.

use crate::command::{Class, Effect, Messages};
use crate::engine::Engine;
use crate::engine::inflight::lines::Cancellation;
use crate::engine::schedule::resolve::names_uids;
use crate::engine::selection::access::uid_validity_error;
use crate::engine::selection::saved_search::no_search;
use crate::engine::submit::end_cause::EndCause;
use crate::engine::submit::shared::Submission;
use crate::error::{Error, ErrorKind};
use crate::types::CommandId;

impl Engine {
    /// Tokens were dropped or cancelled: what has not been begun is taken back, if that is meant.
    pub(in crate::engine) fn given_up(&mut self, ids: &[CommandId]) {
        if ids.is_empty() {
            return;
        }
        for id in ids {
            self.take_back(*id);
        }
        for next in self.scheduler.take_withdrawn() {
            self.withdraw(next);
        }
    }

    pub(in crate::engine) fn withdraw(&mut self, next: Submission) {
        self.fail_unsent(next, Error::new(ErrorKind::Cancelled, "withdrawn before it was sent"));
    }

    fn take_back(&mut self, id: CommandId) {
        match self.inflight.cancellation(id) {
            Cancellation::Ignored => {}
            Cancellation::EndIdle => self.idle.end_soon(id),
            Cancellation::Stop => {
                self.cancel_upload(id);
                if let Some(error) = self.inflight.stop_series(id) {
                    self.scheduler.remove_line(id);
                    self.end_flight(id, Err(error));
                }
            }
            Cancellation::Withdraw => {
                let error = Error::new(ErrorKind::Cancelled, "withdrawn before it was sent");
                self.withdraw_staged(id, error, true);
            }
        }
    }

    /// Takes a command back that has gone out as far as the outbox, and what rests on it; `silent`
    /// if its end is not reported.
    pub(in crate::engine) fn withdraw_staged(&mut self, id: CommandId, error: Error, silent: bool) {
        if !self.writer.withdraw(id) {
            return;
        }
        // What was to use the result of a search that is never made would use another.
        let mut users = Vec::new();
        match self.inflight.effect(id) {
            None => return,
            Some(Effect::Logout) => self.lifecycle.on_logout_withdrawn(),
            Some(Effect::Save(saved)) => users = self.inflight.users_of(saved),
            Some(_) => {}
        }
        // The server never receives a SELECT that is withdrawn: the earlier mailbox is still
        // selected, and commands for the new selection must not be sent.
        let unopened = self.selected.withdraw(id);
        self.end_withdrawn(id, error, silent);
        for id in users {
            self.writer.withdraw(id);
            self.end_withdrawn(id, no_search(), false);
        }
        if let Some(selection_handle) = unopened {
            for id in self.inflight.in_selection(selection_handle.id()) {
                self.writer.withdraw(id);
                let error = EndCause::NotOpened.error();
                self.end_withdrawn(id, error, false);
            }
        }
    }

    /// Messages have gone though none may go while a command names them by number (RFC 9051 section
    /// 7.5.1): those that are about to be written would hit others. The engine's own are no danger,
    /// and asked again by themselves.
    pub(in crate::engine) fn on_numbers_shifted(&mut self) {
        if self.inflight.has_numbers() && !self.writer.is_empty() {
            self.unsend_all(|messages, _| {
                let why = "its numbers stand for other messages now: the server removed some out of turn";
                matches!(messages, Some(Messages::Seqs(_))).then(|| Error::invalid(why))
            });
        }
    }

    /// UIDVALIDITY has changed: UIDs that are about to be written would name other messages.
    pub(in crate::engine) fn on_uid_validity_changed(&mut self) {
        self.unsend_all(|messages, class| names_uids(messages, class).then(uid_validity_error));
    }

    fn unsend_all(&mut self, why: impl Fn(Option<&Messages>, &Class) -> Option<Error>) {
        for (id, error) in self.inflight.unsent_where(why) {
            self.withdraw_staged(id, error, false);
        }
    }

    /// Ends a command whose bytes have been taken out of the outbox, all of them.
    fn end_withdrawn(&mut self, id: CommandId, error: Error, silent: bool) {
        self.idle.withdrawn(id);
        self.scheduler.remove_line(id);
        if let Some(Effect::Save(saved)) = self.inflight.effect(id).cloned() {
            self.selected.save_withdrawn(&saved);
        }
        if silent {
            // As with one that is taken out of the queue.
            self.inflight.silence(id);
        }
        self.end_flight(id, Err(error));
        // What the engine wanted to ask behind a LOGOUT was given up; if that is taken back, it is
        // asked after all.
        self.continue_sync();
    }
}
