//! Tagged responses: how a command ends, and what its OK changes.
//!
//! In: a tag and a status response. Out: the session and the view first, then the events, then the token;
//! so that whoever awaits the token finds all that came before it told already.

use std::time::Instant;

use bytes::Bytes;

use crate::command::{Class, Effect, SaveState, Store};
use crate::engine::Engine;
use crate::engine::inflight::entry::{InFlightCommand, Next};
use crate::engine::log;
use crate::engine::submit::internal::{InternalCommand, QueryOutcome};
use crate::engine::submit::selection_handle::SelectionHandle;
use crate::engine::write::line::Dialogue;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{
    Answer, CloseReason, Code, CommandId, Done, Event, EventKind, Flag, Status, StatusResponse,
};

impl Engine {
    pub(in crate::engine) fn handle_tagged(&mut self, tag: &str, status: StatusResponse, now: Instant) {
        let Some(id) = self.answered_by(tag) else {
            // The server ended IDLE as our DONE was under way, and takes DONE for a command.
            if !(status.status == Status::Bad && tag.eq_ignore_ascii_case("DONE") && self.idle.forgive_done())
            {
                let bytes = Bytes::from(format!("{tag} {status}"));
                let error = "no command that has been sent has this tag".to_owned();
                let bytes = self.excerpt_without_secrets(&bytes);
                self.report(Event::new(EventKind::Unparsed { bytes, error }));
            }
            return;
        };
        self.shared.release_tag(tag);
        let void = self.inflight.get(&id).is_some_and(|f| match f.class.effect {
            // It would count removals that were never told (RFC 7162 section 3.2.8 forbids it for that).
            Effect::Deselect => matches!(status.code, Some(Code::HighestModSeq(_))),
            // What was told before it is of the new mailbox all the same.
            Effect::Select { .. } => status.status == Status::Ok && status.code == Some(Code::Closed),
            _ => false,
        });
        if !void {
            self.on_code(&status);
        }
        self.settle(None);
        self.selection.iter_mut().for_each(|selection| selection.decay_contradictions());
        let mut cut_short = false;
        if self.line.as_ref().is_some_and(|owner| owner.is_ended_by(id, tag)) {
            // It came in place of a `+`, or before it was due: what was to follow is not sent.
            cut_short = matches!(self.line, Some(Dialogue::Literal { .. } | Dialogue::Upload(_)));
            if cut_short {
                self.opening_cut_short(id);
            }
            match &self.line {
                Some(Dialogue::Upload(_)) => self.upload_answered(),
                _ => self.line = None,
            }
        }
        let Some(flight) = self.inflight.get_mut(&id) else { return };
        flight.tags.retain(|t| !t.eq_ignore_ascii_case(tag));
        let all_said = flight.next == Next::Nothing && !flight.job.awaits_challenge();
        if !cut_short && all_said && !self.outbox.holds(id) {
            flight.whole = true;
        }
        // Some servers say BYE in place of LOGOUT's OK.
        let bye = status.status == Status::Bye && matches!(flight.class.effect, Effect::Logout);
        let ok = status.status == Status::Ok || bye;
        if ok && cut_short {
            // Whatever it has done, it is not what it was asked for.
            let sent = flight.sent();
            flight.next = Next::Nothing;
            flight.failure.get_or_insert_with(|| {
                let error = Error::protocol("the server said OK before it had been sent the whole command");
                error.with_status(status.clone()).in_command(flight.job.name()).with_sent(sent)
            });
        }
        if ok && flight.next == Next::LineAfterReply && flight.tags.is_empty() && flight.failure.is_none() {
            flight.next = Next::Line;
            flight.replies.push(status);
            self.ready_to_continue.push_back(id);
            return;
        }
        if status.status == Status::Bad
            && flight.failure.is_none()
            && !cut_short
            && self.retry_select_without_params(id)
        {
            if let Some(flight) = self.inflight.get_mut(&id) {
                flight.next = Next::Line;
                self.ready_to_continue.push_back(id);
            }
            return;
        }
        let Some(flight) = self.inflight.get_mut(&id) else { return };
        if !ok {
            flight.next = Next::Nothing;
            // Refused in place of a `+`, it has been sent in part.
            let sent = flight.sent();
            flight.failure.get_or_insert_with(|| {
                Error::refused(status.clone()).in_command(flight.job.name()).with_sent(sent)
            });
        }
        let expunge_issued = status.code == Some(Code::ExpungeIssued);
        flight.replies.push(status);
        if !flight.tags.is_empty() || flight.next == Next::Line {
            return;
        }
        self.take_limit(id, expunge_issued);
        let Some(flight) = self.inflight.get_mut(&id) else { return };
        if matches!(flight.class.effect, Effect::Idle) {
            self.idle.ended(id, ok, &mut self.outbox, now);
        }
        let result = match (flight.failure.take(), flight.replies.pop()) {
            (None, Some(status)) => {
                let selection = flight
                    .selection_handle
                    .as_ref()
                    .or(flight.opens.as_ref())
                    .map(|selection_handle| selection_handle.id);
                Ok(Done { status, earlier: std::mem::take(&mut flight.replies), selection })
            }
            // What its earlier lines achieved is not lost.
            (Some(error), last) => {
                let replies = flight.replies.drain(..).chain(last).filter(|reply| reply.status == Status::Ok);
                Err(error.add_answers(replies.map(Answer::Status)))
            }
            (None, None) => Err(Error::protocol("the command ended without a response")),
        };
        self.finish(id, result, now);
    }

    /// The command that a line with this tag answers. What has not begun to be written can't have been read: a guess at a tag
    /// ends no command, which would go out all the same.
    pub(in crate::engine) fn answered_by(&self, tag: &str) -> Option<CommandId> {
        let begun = |id: &CommandId| {
            // One that has been written whole is not looked for in the outbox.
            let began = |f: &InFlightCommand| f.begun && (f.whole || !self.outbox.has_yet_to_begin(*id, tag));
            self.inflight.get(id).is_none_or(began)
        };
        self.shared.owner(tag).filter(begun)
    }

    /// A limit that was told apart is of the command whose OK had to hold another code (RFC 9738 section 3.1); if there is no
    /// such, of the last that may have met it.
    fn take_limit(&mut self, id: CommandId, expunge_issued: bool) {
        let Some(flight) = self.inflight.get(&id).filter(|f| f.may_be_limited()) else { return };
        let may_be_meant =
            |(other, f): &(&CommandId, &InFlightCommand)| **other != id && f.begun && f.may_be_limited();
        let alone = !self.inflight.iter().any(|other| may_be_meant(&other));
        // A server may say it twice; another limit is another command's, and one that it refuses for it says so itself.
        let says_so = |told: &StatusResponse| {
            flight.replies.iter().any(|reply| reply.status == Status::Ok && reply.code == told.code)
        };
        // One that was sent after it was told is not meant.
        let told = self
            .message_limits
            .iter()
            .position(|(told, sent)| flight.order <= *sent && (expunge_issued || alone || says_so(told)));
        let told = told.and_then(|at| self.message_limits.remove(at));
        if let Some((flight, (told, _))) = self.inflight.get_mut(&id).zip(told) {
            flight.limited = Some(told);
        }
        if alone {
            self.message_limits.clear();
        }
    }

    /// A tagged response that is none: whatever it was to say, the command has ended.
    pub(in crate::engine) fn handle_unreadable_end(&mut self, tag: &str, now: Instant) {
        if let Some(flight) = self.answered_by(tag).and_then(|id| self.inflight.get_mut(&id)) {
            let sent = flight.sent();
            flight.failure.get_or_insert_with(|| {
                let error =
                    Error::protocol("the server's answer can't be read: whether it was done is not known");
                error.in_command(flight.job.name()).with_sent(sent)
            });
        }
        self.handle_tagged(tag, StatusResponse::new(Status::Bad, None, "the answer can't be read"), now);
    }

    /// A command has had its last tagged response.
    fn finish(&mut self, id: CommandId, result: Result<Done>, now: Instant) {
        // Before what went out behind it can end.
        match &result {
            Ok(done) => {
                let effect = self.inflight.get(&id).map(|f| f.class.effect.clone()).unwrap_or_default();
                self.apply(id, effect, done);
            }
            Err(error) => self.failed(id, error),
        }
        // What it has changed is in the view now, or held in doubt.
        self.settle(Some(id));
        let logged_out = self.inflight.get(&id).is_some_and(|f| matches!(f.class.effect, Effect::Logout));
        let result = result.and_then(|done| self.complete(id, done));
        if let Some(flight) = self.inflight.get_mut(&id) {
            flight.took = flight.since.map(|since| now.duration_since(since));
        }
        self.end_flight(id, result);
        if logged_out {
            self.close(CloseReason::Logout);
        }
        self.lifecycle.on_activity(now);
    }

    /// What the failure of a command changes of which something has been sent.
    pub(in crate::engine) fn failed(&mut self, id: CommandId, error: &Error) {
        if let Some(contested) = self.inflight.get(&id).and_then(|f| f.contested.as_ref()) {
            contested.refuse();
        }
        match self.inflight.get(&id).map(|f| f.class.effect.clone()).unwrap_or_default() {
            Effect::Save(saved) => self.saving_ended(&saved, Some(error)),
            Effect::Select { .. } => {
                self.opening.iter().for_each(|opening| opening.selection_handle.refuse(error));
                self.opening_failed(error.kind());
            }
            // RFC 3501 section 6.4.6: a NO may leave some messages changed; what they have now must be asked.
            Effect::Store(store) if store.is_silent() => self.ask_flags_of(id, &store),
            // Of one done by steps, the silent STORE may have been the last that succeeded.
            Effect::Move if !self.session.can("MOVE") => {
                self.ask_flags_of(id, &Store::add([Flag::Deleted]));
            }
            Effect::Notify(asked) => {
                let refused = matches!(error.kind(), ErrorKind::No | ErrorKind::Bad);
                self.notify_failed(id, &asked, refused);
            }
            _ => self.release_deferred(id),
        }
    }

    /// Rows that could not be read make a result incomplete, and so does a server's limit.
    fn complete(&mut self, id: CommandId, done: Done) -> Result<Done> {
        // With SELECT, the mailbox is selected all the same; what could not be read has been told.
        let Some(flight) = self.inflight.get_mut(&id).filter(|f| f.opens.is_none()) else {
            return Ok(done);
        };
        flight.ended = Some(done.status.clone());
        let lacking = self.missed.since(flight.missed_from, &flight.class);
        if let Some((status, below)) = flight.cut_short(&done) {
            let error = Error::partial(status.clone(), below).in_command(flight.job.name());
            return Err(error.with_unread(lacking.lines));
        }
        if lacking.is_nothing() {
            if flight.left_out {
                let why = "a response with a password or another secret in it is left out of its events";
                let error = Error::new(ErrorKind::Incomplete, why).in_command(flight.job.name());
                return Err(error.with_sent(crate::error::Sent::Fully));
            }
            return self.check_diverted(id).map_or(Ok(done), Err);
        }
        let more = if lacking.and_more { " or more" } else { "" };
        let message = format!("{}{more} of the server's responses could not be read", lacking.lines.len());
        let error = Error::new(ErrorKind::Incomplete, message).in_command(flight.job.name());
        Err(error.with_sent(crate::error::Sent::Fully).with_unread(lacking.lines))
    }

    /// Takes a command out of the tables and gives its token the result.
    pub(in crate::engine) fn end_flight(&mut self, id: CommandId, result: Result<Done>) {
        let Some(mut flight) = self.inflight.remove(&id) else { return };
        let place = flight.place();
        let result = result.map_err(|error| error.about(place.as_ref().map(|place| &place.mailbox), None));
        log::ended(id, &flight, &result);
        self.roster.remove(id, &flight);
        if self.lifecycle.is_ready() {
            // While logging in, what is said later may still be about an attempt that has failed.
            self.secrets.forget(id);
        }
        flight.tags.iter().for_each(|tag| self.shared.release_tag(tag));
        if !flight.quiet {
            let kind = completion(&flight, &result);
            if let Some(limit) = flight.limited.take().filter(|_| flight.job.detached()) {
                // Its end does not say it, and no token will.
                self.report(Event::new(EventKind::Notice(limit)).at(place.clone()).caused_by(Some(id)));
            }
            self.report(Event::new(kind).at(place).caused_by(Some(id)));
        }
        if let Err(error) = &result {
            failed_for_good(&flight.class, flight.opens.as_deref(), error);
        }
        let own = flight.own.take();
        let asked = QueryOutcome {
            messages: flight.messages.take(),
            generation: flight.generation,
            removed: flight.removed,
            ok: result.is_ok(),
            bad: result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Bad),
            unread: result.as_ref().is_err_and(|error| {
                // A limit may have cut it short as well.
                error.kind() == ErrorKind::Incomplete || !error.unparsed().is_empty()
            }),
            from: result.as_ref().err().and_then(Error::resume_below),
        };
        self.publish();
        // Room first, so that who awaits the token finds it.
        self.shared.release(id);
        flight.job.end(result.clone());
        match own {
            None => {}
            Some(InternalCommand::DeselectedMailbox(left)) => self.left_answered(*left, asked.ok),
            Some(InternalCommand::Look(look)) => {
                self.looked(&look, flight.selection_handle.as_deref(), &asked)
            }
            Some(own) => self.internal_ended(own, flight.selection_handle.as_deref(), &asked),
        }
    }

    /// What a command's OK changes.
    fn apply(&mut self, id: CommandId, effect: Effect, done: &Done) {
        match effect {
            Effect::None | Effect::Idle | Effect::Logout | Effect::Move => {}
            Effect::StartTls => self.lifecycle.on_starttls(),
            Effect::Login => {
                self.idle.logged_in();
                let told = self.inflight.get(&id).is_some_and(|f| f.capabilities != self.capabilities_epoch);
                if !told {
                    self.forget_capabilities();
                }
            }
            Effect::Select { .. } => self.opened(id),
            Effect::Deselect => {
                self.server_may_have_selection = false;
                self.end_selection(Some(id));
            }
            Effect::Store(store) => self.stored(id, &store, done),
            Effect::Save(saved) => {
                // A part of the result is none to build on (RFC 9738 section 3.4).
                let cut = self.inflight.get(&id).and_then(|f| f.cut_short(done));
                let cut = cut.map(|(status, below)| Error::partial(status.clone(), below));
                self.saving_ended(&saved, cut.as_ref());
            }
            Effect::Notify(asked) => self.notifying(id, asked),
            Effect::Create(_) | Effect::Delete(_) | Effect::Rename { .. } | Effect::Subscribe { .. } => {
                self.report_own_change(id, effect);
            }
        }
    }

    /// Codes that change the session, wherever they stand.
    pub(in crate::engine) fn on_code(&mut self, status: &StatusResponse) {
        match &status.code {
            Some(Code::Alert) => self.report(Event::new(EventKind::Alert { text: status.text.clone() })),
            Some(Code::Capability(all)) => self.on_capabilities(all.clone()),
            Some(Code::Closed) => self.selection_closed(),
            // A NO may speak of another mailbox, to which nothing can be copied.
            Some(Code::ReadOnly | Code::ReadWrite) if status.status == Status::Ok => {
                self.hear_access(status.code == Some(Code::ReadOnly));
            }
            Some(Code::HighestModSeq(told)) if !self.is_opening() => {
                if let Some(selection) = &mut self.selection {
                    selection.in_step.told(*told);
                    selection.changed = true;
                    selection.selection_handle.update(|p| p.highest_mod_seq = *told);
                }
            }
            Some(Code::MessageLimit { .. }) => {
                if let Some(opening) = &mut self.opening {
                    opening.earlier.miss();
                }
            }
            _ => {}
        }
    }
}

/// What rests on this command fails as well: the selection that it was to make, the result that was to be remembered.
pub(in crate::engine) fn failed_for_good(class: &Class, opens: Option<&SelectionHandle>, error: &Error) {
    if let Some(selection_handle) = opens {
        selection_handle.refuse(error);
    }
    if let Effect::Save(saved) = &class.effect {
        saved.settle(SaveState::Failed);
    }
}

fn completion(flight: &InFlightCommand, result: &Result<Done>) -> EventKind {
    let command = flight.job.name().to_owned();
    let overrun = flight.job.overrun_detached();
    let detached = flight.job.detached();
    // Of a detached command no token says that something is missing.
    let is_failure = |e: &&Error| flight.invalid_source || detached && e.kind() == ErrorKind::Incomplete;
    if let Some(error) = overrun.as_ref().or(result.as_ref().err().filter(is_failure)) {
        return error.to_event(command);
    }
    let status = match result {
        Ok(done) => done.status.clone(),
        // A limit that was told apart, or a row that could not be read, is not how the command ended.
        Err(error) => match flight.ended.as_ref().or(error.status()) {
            Some(status) => status.clone(),
            None => return error.to_event(command),
        },
    };
    EventKind::Completed { command, status, detached }
}

/// Whether a response is only of use as an answer to a question.
pub(in crate::engine) fn is_change(answer: &Answer) -> bool {
    matches!(answer, Answer::Exists(_) | Answer::Expunge { .. } | Answer::Vanished { earlier: false, .. })
}
