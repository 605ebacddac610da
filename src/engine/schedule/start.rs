//! From the queue through admission to a command in flight.
//!
//! In: submissions, and internal commands that wait behind them. Out: commands in flight, their
//! first line written; or the error of those that can't be sent.

use crate::command::{Effect, Messages};
use crate::engine::inflight::completion::failed_for_good;
use crate::engine::inflight::entry::AtStart;
use crate::engine::log;
use crate::engine::schedule::Queue;
use crate::engine::schedule::admission::{SelectionFacts, Verdict, admit};
use crate::engine::schedule::resolve::Numbering;
use crate::engine::selection::Selection;
use crate::engine::selection::access::read_only;
use crate::engine::submit::query::Query;
use crate::engine::submit::shared::{Origin, Submission};
use crate::engine::{Engine, InternalCommand};
use crate::error::{Error, Sent};
use crate::types::{CommandId, Done, Event, EventKind, Status, StatusResponse};

impl Engine {
    /// Sends what may go.
    pub(in crate::engine) fn send(&mut self) {
        loop {
            if !self.lifecycle.may_write() || self.writer.is_full() {
                return;
            }
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
            if !self.start_next() {
                return;
            }
        }
    }

    /// Starts the command that is next, if it may go. Whether anything was done.
    fn start_next(&mut self) -> bool {
        if self.lifecycle.is_logging_out() {
            // What was submitted after LOGOUT ends with the connection, for the same cause
            // (contract line 11).
            return false;
        }
        let Some((mut next, from)) = self.scheduler.next() else { return false };
        if next.is_withdrawn() {
            self.withdraw(next);
            return true;
        }
        if from == Queue::Users && self.numbering().needs_unknown_uids(&mut next) {
            // Those that ask for something else ask for UIDs when that has ended.
            let asked =
                self.selected.opening().is_some() || self.inflight.internals().any(|(own, _)| own.fills());
            let asking = self.scheduler.take_internal(InternalCommand::fills);
            if asking.is_some() || asked {
                self.scheduler.put_back(next, from);
                let go_on = asking.is_some();
                asking.into_iter().for_each(|asking| self.scheduler.put_back(asking, from));
                return go_on;
            }
        }
        match self.verdict(&mut next) {
            Verdict::Go => {
                self.scheduler.on_start(from);
                self.start(next);
            }
            Verdict::Wait => {
                self.scheduler.put_back(next, from);
                return false;
            }
            Verdict::Fail(error) => self.fail_unsent(next, *error),
        }
        true
    }

    fn numbering(&self) -> Numbering<'_> {
        let numbers_move = self.mailboxes.moves_numbers();
        Numbering { selected: &self.selected, session: &self.session, numbers_move }
    }

    fn verdict(&self, next: &mut Submission) -> Verdict {
        if matches!(next.class.effect, Effect::Logout) {
            // It keeps its place, and waits for no answer but those on which further lines of a
            // command hang.
            return if self.inflight.has_more_lines() { Verdict::Wait } else { Verdict::Go };
        }
        if next.sent_before != Sent::No && self.writer.holds(next.id) {
            // The server has not waited for the rest of its first line.
            return Verdict::Wait;
        }
        let numbering = self.numbering();
        let messages = numbering.named_now(next);
        let selections = SelectionFacts {
            open: self.selected.current().map(Selection::handle),
            opening: self.selected.opening_handle(),
            may_be_selected: self.selected.may_be_selected(),
            unsure: self.selected.opening_has_params() && !self.session.select_params,
            rev2: self.session.is_rev2(),
            esearch: self.session.can("ESEARCH"),
            out_of_order: self.session.out_of_order,
            idles_left: if next.origin.internal().is_some() { self.idle.left() } else { 0 },
        };
        let flags_clash = || self.inflight.flags_conflict(&next.class, messages.as_ref());
        let is_ambiguous = || self.inflight.is_ambiguous(&next.class, messages.as_ref());
        let counts = self.inflight.counts();
        let verdict = admit(next, messages.as_ref(), &selections, counts, flags_clash, is_ambiguous);
        let (changes, reads_only) = (next.class.changes_messages, next.class.reads_only);
        match (verdict, &next.selection_handle) {
            (Verdict::Go, Some(handle)) if changes && self.selected.is_read_only(handle) => {
                Verdict::fail(read_only(handle))
            }
            (Verdict::Go, _) if !reads_only && self.selected.awaits_saved(messages.as_ref()) => Verdict::Wait,
            (Verdict::Go, _) => numbering.uid_validity_verdict(next),
            (verdict, _) => verdict,
        }
    }

    pub(in crate::engine) fn fail_unsent(&mut self, submission: Submission, error: Error) {
        let place = submission.place();
        log::not_sent(&submission.log_subject(), &error);
        let Submission { id, job, class, origin, opens, sent_before, .. } = submission;
        let named = place.as_ref().map(|place| &place.mailbox);
        let error = error.in_command(job.name()).about(named, None).with_sent(sent_before);
        failed_for_good(&class, opens.as_deref(), &error);
        if origin.is_user() && job.wanted() {
            self.tell_failed(id, job.name(), &error, place);
        }
        self.scheduler.shared().release(id);
        job.end(Err(error));
    }

    fn start(&mut self, mut next: Submission) {
        let id = next.id;
        let is_sync_query = next.is_sync_query();
        let asks_flags =
            matches!(next.origin, Origin::Internal(InternalCommand::Query(Query::VerifyStore(..))));
        let asks_by_number =
            is_sync_query && next.job.messages().is_some_and(|messages| messages.by_number());
        let settled = self.numbering().settle(&mut next);
        let messages = next.job.messages().cloned();
        // A question for UIDs whose numbers could be made UIDs has its answer.
        let answered = asks_by_number && matches!(messages, Some(Messages::Uids(_)));
        let nothing_left = answered || messages.as_ref().is_some_and(Messages::is_empty);
        if settled.is_err() || nothing_left {
            match settled {
                Err(error) => self.fail_unsent(next, error),
                // All that it named have gone meanwhile: nothing is left to do.
                Ok(()) => self.complete_unsent(next),
            }
            if asks_flags {
                self.on_unsent_verification(nothing_left);
            } else if is_sync_query {
                self.continue_sync();
            }
            return;
        }
        if next.origin.internal().is_none() {
            self.idle.users_speak();
        }
        let (view, uid_validity) = (self.selected.view(), self.selected.uid_validity());
        let at_start = AtStart::new(view, uid_validity, self.session.capabilities_epoch);
        self.mailboxes.command_started(id, &next.class.effect);
        self.inflight.start(next, at_start);
        self.write_line(id);
        if self.inflight.has(id) {
            self.started(id);
        }
    }

    /// What has to be known as soon as a command is under way.
    fn started(&mut self, id: CommandId) {
        let Some(class) = self.inflight.class(id) else { return };
        match (&class.effect, self.inflight.opens(id).cloned()) {
            (Effect::Select { read_only, .. }, Some(selection_handle)) => {
                let (params, qresync) = (self.inflight.has_params(id), self.session.is_enabled("QRESYNC"));
                self.selected.select(id, selection_handle, *read_only, params, qresync);
            }
            (Effect::Logout, _) => self.lifecycle.on_logout_sent(),
            (Effect::Save(saved), _) => {
                self.selected.save_sent(saved.clone());
            }
            (Effect::Idle, _) => {
                self.writer.begin_idle(id);
                let behind = self.inflight.len() > 1;
                self.idle.sent(id, self.selected.current().is_some(), behind);
            }
            _ => {
                if class.dialogue {
                    self.writer.begin_challenge(id);
                }
            }
        }
    }

    fn complete_unsent(&mut self, submission: Submission) {
        let place = submission.place();
        let Submission { id, job, origin, .. } = submission;
        let status = StatusResponse::new(Status::Ok, None, "none of the messages is there");
        if origin.is_user() {
            let (command, detached) = (job.name().to_owned(), job.detached());
            let kind = EventKind::Completed { command, status: status.clone(), detached };
            self.report(Event::new(kind).at(place).caused_by(Some(id)));
        }
        self.scheduler.shared().release(id);
        job.end(Ok(Done::new(status)));
    }
}
