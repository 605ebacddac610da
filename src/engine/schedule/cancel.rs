//! Taking back: commands that nobody wants any more, as far as they have not been written.
//!
//! In: tokens that were dropped or cancelled; selections that ended. Out: what is withdrawn ends, unsent; what has been begun
//! runs to its end, but for an IDLE by hand, a streamed upload and a series whose lines stand for themselves, which a `cancel`
//! ends.

use std::collections::VecDeque;

use crate::command::Effect;
use crate::engine::inflight::entry::{InFlightCommand, Next};
use crate::engine::selection::saved_search::no_search;
use crate::engine::submit::end_cause::EndCause;
use crate::engine::submit::shared::Submission;
use crate::engine::{Engine, InternalCommand};
use crate::error::{Error, ErrorKind, Sent};
use crate::types::{Answer, CommandId, SelectionId};

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
        let Some(flight) = self.inflight.get(&id) else { return };
        let cancelled = flight.job.cancelled();
        if cancelled && matches!(flight.class.effect, Effect::Idle) && flight.begun {
            self.idle.end_soon(id);
            return;
        }
        if cancelled && flight.begun {
            self.cancel_upload(id);
            self.stop_series(id);
            return;
        }
        let take_back = cancelled || flight.class.reads_only && !flight.is_wanted();
        if take_back && !flight.begun {
            self.withdraw_staged(id, Error::new(ErrorKind::Cancelled, "withdrawn before it was sent"), true);
        }
    }

    /// Takes a command back that has gone out as far as the outbox, and what rests on it; `untold` if its end is no news.
    pub(in crate::engine) fn withdraw_staged(&mut self, id: CommandId, error: Error, untold: bool) {
        if !self.outbox.withdraw(id) {
            return;
        }
        let Some(flight) = self.inflight.get(&id) else { return };
        if matches!(flight.class.effect, Effect::Logout) {
            self.lifecycle.on_logout_withdrawn();
        }
        // What was to use the result of a search that is never made would use another.
        let users = match &flight.class.effect {
            Effect::Save(saved) => self.users_of(saved),
            _ => Vec::new(),
        };
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
            let is_in = |f: &InFlightCommand| {
                f.selection_handle.as_ref().is_some_and(|s| s.id == selection_handle.id)
            };
            let behind: Vec<_> = self.inflight.iter().filter(|(_, f)| is_in(f)).map(|(id, _)| *id).collect();
            for id in behind {
                self.outbox.withdraw(id);
                let error = EndCause::NotOpened.error();
                self.end_withdrawn(id, error, false);
            }
        }
    }

    /// A command that has been begun is cancelled: if its lines stand each for itself, no further one goes out.
    fn stop_series(&mut self, id: CommandId) {
        let goes_on = |f: &&mut InFlightCommand| f.class.line_by_line && f.next != Next::Nothing;
        let Some(flight) = self.inflight.get_mut(&id).filter(goes_on) else { return };
        let error = Error::new(ErrorKind::Cancelled, "cancelled between two of its lines")
            .in_command(flight.job.name())
            .with_sent(Sent::Partly);
        flight.next = Next::Nothing;
        if !flight.tags.is_empty() {
            // The line that is under way ends it.
            flight.failure.get_or_insert(error);
            return;
        }
        let done: Vec<_> = flight.replies.drain(..).map(Answer::Status).collect();
        self.ready_to_continue.retain(|due| *due != id);
        self.end_flight(id, Err(error.add_answers(done)));
    }

    /// Ends a command whose bytes have been taken out of the outbox, all of them.
    fn end_withdrawn(&mut self, id: CommandId, error: Error, untold: bool) {
        if self.line.as_ref().is_some_and(|owner| owner.id() == id) {
            self.line = None;
        }
        self.idle.withdrawn(id);
        self.ready_to_continue.retain(|due| *due != id);
        if let Some(Effect::Save(saved)) = self.inflight.get(&id).map(|f| f.class.effect.clone()) {
            self.saving_withdrawn(&saved);
        }
        let Some(flight) = self.inflight.get_mut(&id) else { return };
        // As with one that is taken out of the queue: there is nothing to tell.
        flight.quiet |= untold;
        let error = error.in_command(flight.job.name());
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
        let own = self.roster.own.iter().filter_map(|id| self.inflight.get(id));
        let here = own.filter(|f| {
            f.selection_handle.as_ref().is_none_or(|selection_handle| Some(selection_handle.id) == open)
        });
        self.queued_internal.values().any(&is) || here.filter_map(|f| f.own.as_ref()).any(&is)
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
