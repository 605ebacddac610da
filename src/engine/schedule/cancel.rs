//! Taking back: commands that nobody wants any more, as far as they have not been written.
//!
//! In: tokens that were dropped or cancelled; selections that ended. Out: what is withdrawn ends, unsent; what has been begun
//! runs to its end, but for an IDLE by hand, a streamed upload and a series whose lines stand for themselves, which a `cancel`
//! ends.

use std::collections::VecDeque;

use crate::command::Effect;
use crate::engine::inflight::lines::Cancellation;
use crate::engine::selection::saved_search::no_search;
use crate::engine::submit::end_cause::EndCause;
use crate::engine::submit::shared::Submission;
use crate::engine::{Engine, InternalCommand};
use crate::error::{Error, ErrorKind};
use crate::types::{CommandId, SelectionId};

impl Engine {
    /// Tokens were dropped or cancelled: what has not been begun is taken back, if that is meant.
    pub(in crate::engine) fn given_up(&mut self, ids: &[CommandId]) {
        if ids.is_empty() {
            return;
        }
        for id in ids {
            self.take_back(*id);
        }
        // In one pass: ten thousand tokens may have been dropped at once.
        let (stay, go) = std::mem::take(&mut self.queue).into_iter().partition(|next| !is_withdrawn(next));
        self.queue = stay;
        let go: VecDeque<_> = go;
        for next in go {
            self.withdraw(next);
        }
    }

    pub(in crate::engine) fn withdraw(&mut self, next: Submission) {
        self.queued_internal.remove(&next.id);
        self.fail_unsent(next, Error::new(ErrorKind::Cancelled, "withdrawn before it was sent"));
    }

    fn take_back(&mut self, id: CommandId) {
        match self.inflight.cancellation(id) {
            Cancellation::Ignored => {}
            Cancellation::EndIdle => self.idle.end_soon(id),
            Cancellation::Stop => {
                self.cancel_upload(id);
                if let Some(error) = self.inflight.stop_series(id) {
                    self.ready_to_continue.retain(|due| *due != id);
                    self.end_flight(id, Err(error));
                }
            }
            Cancellation::Withdraw => {
                let error = Error::new(ErrorKind::Cancelled, "withdrawn before it was sent");
                self.withdraw_staged(id, error, true);
            }
        }
    }

    /// Takes a command back that has gone out as far as the outbox, and what rests on it; `untold` if its end is no news.
    pub(in crate::engine) fn withdraw_staged(&mut self, id: CommandId, error: Error, untold: bool) {
        if !self.outbox.withdraw(id) {
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
        // The server never hears of a SELECT that is taken back: what was selected before still is, and what was to follow in
        // the new selection must not go out.
        let unopened =
            self.opening.take_if(|opening| opening.id == id).map(|opening| opening.selection_handle);
        self.end_withdrawn(id, error, untold);
        for id in users {
            self.outbox.withdraw(id);
            self.end_withdrawn(id, no_search(), false);
        }
        if let Some(selection_handle) = unopened {
            selection_handle.end(EndCause::NotOpened);
            for id in self.inflight.in_selection(selection_handle.id) {
                self.outbox.withdraw(id);
                let error = EndCause::NotOpened.error();
                self.end_withdrawn(id, error, false);
            }
        }
    }

    /// Ends a command whose bytes have been taken out of the outbox, all of them.
    fn end_withdrawn(&mut self, id: CommandId, error: Error, untold: bool) {
        if self.line.as_ref().is_some_and(|owner| owner.id() == id) {
            self.line = None;
        }
        self.idle.withdrawn(id);
        self.ready_to_continue.retain(|due| *due != id);
        if let Some(Effect::Save(saved)) = self.inflight.effect(id).cloned() {
            self.saving_withdrawn(&saved);
        }
        if untold {
            // As with one that is taken out of the queue.
            self.inflight.silence(id);
        }
        self.end_flight(id, Err(error));
        // What the engine wanted to ask behind a LOGOUT was given up; if that is taken back, it is asked after all.
        self.continue_sync();
    }
}

/// Whether a command that waits is not to be sent: cancelled, or one that only reads and that nobody will read.
pub(in crate::engine) fn is_withdrawn(next: &Submission) -> bool {
    let wanted =
        next.job.wanted() || next.opens.as_ref().is_some_and(|selection_handle| selection_handle.is_wanted());
    next.job.cancelled() || !wanted && next.class.reads_only
}

/// Tells whether one of the engine's own commands is queued or in flight.
impl Engine {
    pub(in crate::engine) fn has_internal(&self, is: impl Fn(&InternalCommand) -> bool) -> bool {
        let open = self.selection.as_ref().map(|s| s.selection_handle.id);
        let mut here = self.inflight.internals().filter(|(_, of)| of.is_none() || *of == open);
        self.queued_internal.values().any(&is) || here.any(|(own, _)| is(own))
    }

    /// Takes back what the engine wanted to ask of a selection that has ended: the next one asks for itself.
    pub(in crate::engine) fn forget_internal(&mut self, ended: SelectionId) {
        let own = &self.queued_internal;
        let of_it = |s: &Submission| {
            own.contains_key(&s.id) && s.selection_handle.as_ref().is_some_and(|t| t.id == ended)
        };
        let (go, stay): (VecDeque<_>, _) = std::mem::take(&mut self.queue).into_iter().partition(of_it);
        self.queue = stay;
        go.into_iter().chain(std::mem::take(&mut self.behind)).for_each(|next| self.withdraw(next));
        self.starvation_count = 0;
    }
}
