//! Tagged responses: how a command ends, and what its OK changes.
//!
//! In: a tag and a status response. Out: the session and the view first, then the events, then the
//! token; so that a task that awaits the token finds the events of everything before it.

use std::time::Instant;

use bytes::Bytes;

use crate::command::{Class, Effect, SaveState, Store};
use crate::engine::Engine;
use crate::engine::inflight::InFlight;
use crate::engine::inflight::entry::{InFlightCommand, Next};
use crate::engine::log;
use crate::engine::submit::internal::InternalCommand;
use crate::engine::submit::query::QueryFacts;
use crate::engine::submit::selection_handle::SelectionHandle;
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::types::{
    Answer, CloseReason, Code, CommandId, Done, Event, EventKind, Flag, Status, StatusResponse,
};
use crate::view::View;

/// What a tagged response means for its command.
enum Reply {
    /// Its next line has waited for this.
    NextLine,
    Ok,
    /// BAD, as the first thing that has gone wrong with it.
    Bad,
    Refused,
}

impl Engine {
    pub(in crate::engine) fn handle_tagged(&mut self, tag: &str, status: StatusResponse, now: Instant) {
        let Some(id) = self.answered_by(tag) else { return self.report_stray_tag(tag, &status) };
        self.scheduler.shared().release_tag(tag);
        let ignored = match self.inflight.effect(id) {
            // It would count removals that were never reported (RFC 7162 section 3.2.8 forbids it
            // for that).
            Some(Effect::Deselect) => matches!(status.code, Some(Code::HighestModSeq(_))),
            // What was reported before it is of the new mailbox all the same.
            Some(Effect::Select { .. }) => status.status == Status::Ok && status.code == Some(Code::Closed),
            _ => false,
        };
        if !ignored {
            self.on_code(&status);
        }
        self.settle(None);
        if let Some(selection) = self.selected.current_mut() {
            selection.decay_contradictions();
        }
        let cut_short = self.writer.end_dialogue(id, tag);
        if cut_short {
            self.selected.on_select_cut_short(id);
        }
        let pending = self.writer.holds(id);
        let reply = self.inflight.on_tagged(id, tag, &status, cut_short, pending);
        match reply {
            Reply::NextLine => {
                self.inflight.go_on(id, status);
                return self.scheduler.continue_after_reply(id);
            }
            Reply::Bad if self.inflight.has_params(id) && !self.lifecycle.is_logging_out() => {
                return self.retry_select(id);
            }
            _ => {}
        }
        let ok = matches!(reply, Reply::Ok);
        let Some(result) = self.inflight.result(id, status, ok, now) else { return };
        if matches!(self.inflight.effect(id), Some(Effect::Idle)) {
            self.idle.ended(id, ok, &mut self.writer, now);
        }
        self.finish(id, result, now);
    }

    /// A tagged response that answers no command.
    fn report_stray_tag(&mut self, tag: &str, status: &StatusResponse) {
        // The server ended IDLE as our DONE was under way, and takes DONE for a command.
        if status.status == Status::Bad && tag.eq_ignore_ascii_case("DONE") && self.idle.forgive_done() {
            return;
        }
        let bytes = self.secrets.excerpt(&Bytes::from(format!("{tag} {status}")));
        let error = "no command that has been sent has this tag".to_owned();
        self.report(Event::new(EventKind::Unparsed { bytes, error }));
    }

    /// The command that a line with this tag answers. What has not begun to be written can't have
    /// been read: a guess at a tag ends no command, which would go out all the same.
    pub(in crate::engine) fn answered_by(&self, tag: &str) -> Option<CommandId> {
        let begun = |id: &CommandId| {
            // One that has been written whole is not looked for in the outbox.
            let began = |f: &InFlightCommand| f.begun && (f.whole || !self.writer.has_yet_to_begin(*id, tag));
            self.inflight.entries.get(id).is_none_or(began)
        };
        self.scheduler.shared().owner(tag).filter(begun)
    }

    /// A tagged response that is none: whatever it was to say, the command has ended.
    pub(in crate::engine) fn handle_unreadable_end(&mut self, tag: &str, now: Instant) {
        if let Some(id) = self.answered_by(tag) {
            let error =
                Error::protocol("the server's answer can't be read: whether it was done is not known");
            let sent = self.inflight.sent(id);
            self.inflight.fail(id, error.with_sent(sent));
        }
        self.handle_tagged(tag, StatusResponse::new(Status::Bad, None, "the answer can't be read"), now);
    }

    /// A command has had its last tagged response.
    fn finish(&mut self, id: CommandId, result: Result<Done>, now: Instant) {
        let failed = result.is_err();
        // Before a command that was sent behind it can end.
        match &result {
            Ok(done) => {
                let effect = self.inflight.effect(id).cloned().unwrap_or_default();
                self.apply(id, effect, done);
            }
            Err(error) => self.failed(id, error),
        }
        // What it has changed is in the view now, or held in doubt.
        self.settle(Some(id));
        let logged_out = matches!(self.inflight.effect(id), Some(Effect::Logout));
        let view = self.selected.view();
        let result = result.and_then(|done| self.inflight.complete(id, done, view));
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Protocol) && !failed {
            tracing::warn!(target: "imap_duplex", command = %id, "the server does not answer in order: it is given one such command at a time");
            self.session.out_of_order = true;
        }
        self.end_flight(id, result);
        if logged_out {
            self.close(CloseReason::Logout);
        }
        self.lifecycle.on_activity(now);
    }

    /// What the failure of a command changes of which something has been sent.
    pub(in crate::engine) fn failed(&mut self, id: CommandId, error: &Error) {
        self.inflight.refuse(id);
        match self.inflight.effect(id).cloned().unwrap_or_default() {
            Effect::Save(saved) => self.save_ended(&saved, Some(error)),
            Effect::Select { .. } => {
                let ended = self.selected.on_refused(error);
                self.selection_ended(ended, Some(id));
            }
            // RFC 3501 section 6.4.6: a NO may leave some messages changed; what they have now must
            // be asked.
            Effect::Store(store) if store.is_silent() => self.ask_flags_of(id, &store),
            // Of one done by steps, the silent STORE may have been the last that succeeded.
            Effect::Move if !self.session.can("MOVE") => {
                self.ask_flags_of(id, &Store::add([Flag::Deleted]));
            }
            Effect::Notify(asked) => {
                let refused = matches!(error.kind(), ErrorKind::No | ErrorKind::Bad);
                self.mailboxes.notify_failed(&asked, self.inflight.internal(id).is_some(), refused);
                self.report_mailboxes();
            }
            _ => {
                self.mailboxes.command_failed(id);
                self.report_mailboxes();
            }
        }
    }

    /// Takes a command out of the tables and gives its token the result.
    pub(in crate::engine) fn end_flight(&mut self, id: CommandId, result: Result<Done>) {
        let Some(mut flight) = self.inflight.take(id) else { return };
        self.mailboxes.command_ended(id);
        let place = flight.place();
        let named = place.as_ref().map(|place| &place.mailbox);
        let result = result.map_err(|error| error.in_command(flight.job.name()).about(named, None));
        log::ended(&flight.log_subject(id), &result, flight.took);
        if self.lifecycle.is_ready() {
            // While logging in, what is said later may still be about an attempt that has failed.
            self.secrets.forget(id);
        }
        flight.tags.iter().for_each(|tag| self.scheduler.shared().release_tag(tag));
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
        let asked = QueryFacts {
            messages: flight.messages.take(),
            generation: flight.at_start.generation,
            removed: flight.at_start.removed,
            ok: result.is_ok(),
            bad: result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Bad),
            unread: result.as_ref().is_err_and(|error| {
                // A limit may have cut it short as well.
                error.kind() == ErrorKind::Incomplete || !error.unparsed().is_empty()
            }),
            from: result.as_ref().err().and_then(Error::resume_below),
        };
        self.selected.publish();
        // Room first, so that who awaits the token finds it.
        self.scheduler.shared().release(id);
        flight.job.end(result.clone());
        match own {
            Some(InternalCommand::Query(query)) => {
                if let Some(handle) = &flight.selection_handle {
                    self.query_ended(query, handle.id(), &asked);
                }
            }
            Some(InternalCommand::DeselectedMailbox(selection)) => {
                self.mailboxes.deselected_ended(selection, asked.ok);
                self.report_mailboxes();
            }
            Some(InternalCommand::Subscription { mailbox, found }) => {
                self.mailboxes.subscription_looked_up(mailbox, found, asked.ok);
                self.report_mailboxes();
            }
            _ => {}
        }
    }

    /// What a command's OK changes.
    fn apply(&mut self, id: CommandId, effect: Effect, done: &Done) {
        match effect {
            Effect::None | Effect::Idle | Effect::Logout | Effect::Move => {}
            Effect::StartTls => self.lifecycle.on_starttls(),
            Effect::Login => {
                self.idle.logged_in();
                if self
                    .inflight
                    .entries
                    .get(&id)
                    .is_some_and(|f| f.at_start.capabilities_epoch == self.session.capabilities_epoch)
                {
                    self.forget_capabilities();
                }
            }
            Effect::Select { .. } => self.opened(id),
            Effect::Deselect => {
                let ended = self.selected.deselect();
                self.selection_ended(ended, Some(id));
            }
            Effect::Store(store) => self.on_stored(id, &store, done),
            Effect::Save(saved) => {
                // A part of the result is none to build on (RFC 9738 section 3.4).
                let cut = self.inflight.cut_short(id, done);
                let cut = cut.map(|(status, below)| Error::partial(status.clone(), below));
                self.save_ended(&saved, cut.as_ref());
            }
            Effect::Notify(asked) => self.notify_accepted(id, asked),
            Effect::Create(_) | Effect::Delete(_) | Effect::Rename { .. } | Effect::Subscribe { .. } => {
                self.mailboxes.command_succeeded(id, effect);
                self.report_mailboxes();
            }
        }
    }

    /// Codes that change the session, wherever they stand.
    pub(in crate::engine) fn on_code(&mut self, status: &StatusResponse) {
        match &status.code {
            Some(Code::Alert) => self.report(Event::new(EventKind::Alert { text: status.text.clone() })),
            Some(Code::Capability(all)) => self.on_capabilities(all.clone()),
            Some(Code::Closed) => {
                let ended = self.selected.on_closed_code();
                self.selection_ended(ended, None);
            }
            // A NO may be about another mailbox, to which nothing can be copied.
            Some(Code::ReadOnly | Code::ReadWrite) if status.status == Status::Ok => {
                let of_opening = self.is_opening();
                self.selected.set_access(status.code == Some(Code::ReadOnly), of_opening);
            }
            Some(Code::HighestModSeq(reported)) if !self.is_opening() => {
                if let Some(selection) = self.selected.current_mut() {
                    selection.set_highest_mod_seq(*reported);
                }
            }
            Some(Code::MessageLimit { .. }) => self.selected.miss_opening_data(),
            _ => {}
        }
    }
}

impl InFlight {
    /// How much of it has been written.
    pub(in crate::engine) fn sent(&self, id: CommandId) -> Sent {
        self.entries.get(&id).map_or(Sent::No, InFlightCommand::sent)
    }

    /// A tagged response with one of its tags has come; `cut_short`: in place of a `+`; `pending`:
    /// some of it is still in the outbox.
    fn on_tagged(
        &mut self,
        id: CommandId,
        tag: &str,
        status: &StatusResponse,
        cut_short: bool,
        pending: bool,
    ) -> Reply {
        let Some(entry) = self.entries.get_mut(&id) else { return Reply::Refused };
        if let Some(at) = entry.tags.iter().position(|t| t.eq_ignore_ascii_case(tag)) {
            entry.tags.remove(at);
            entry.job.line_ended(at);
        }
        let all_said = entry.next == Next::Nothing && !entry.job.awaits_challenge();
        entry.whole |= !cut_short && all_said && !pending;
        // Some servers say BYE in place of LOGOUT's OK.
        let bye = status.status == Status::Bye && matches!(entry.class.effect, Effect::Logout);
        if status.status == Status::Ok || bye {
            if cut_short {
                // Whatever it has done, it is not what it was asked for.
                entry.next = Next::Nothing;
                let error = Error::protocol("the server said OK before it had been sent the whole command");
                entry.fail(error.with_status(status.clone()).with_sent(entry.sent()));
            }
            let waited = entry.next == Next::LineAfterReply && entry.tags.is_empty();
            return if waited && entry.failure.is_none() { Reply::NextLine } else { Reply::Ok };
        }
        let is_first = status.status == Status::Bad && entry.failure.is_none() && !cut_short;
        if is_first { Reply::Bad } else { Reply::Refused }
    }

    /// The next line of it may be written after this reply.
    fn go_on(&mut self, id: CommandId, reply: StatusResponse) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.next = Next::Line;
        entry.replies.push(reply);
    }

    /// Its result, if this reply was the last.
    fn result(
        &mut self,
        id: CommandId,
        status: StatusResponse,
        ok: bool,
        now: Instant,
    ) -> Option<Result<Done>> {
        let entry = self.entries.get_mut(&id)?;
        if !ok {
            entry.next = Next::Nothing;
            // Refused in place of a `+`, it has been sent in part.
            entry.fail(Error::refused(status.clone()).with_sent(entry.sent()));
        }
        let expunge_issued = status.code == Some(Code::ExpungeIssued);
        entry.replies.push(status);
        if !entry.tags.is_empty() || entry.next == Next::Line {
            return None;
        }
        self.take_limit(id, expunge_issued);
        let entry = self.entries.get_mut(&id)?;
        entry.took = entry.since.map(|since| now.duration_since(since));
        Some(match (entry.failure.take(), entry.replies.pop()) {
            (None, Some(status)) => {
                let selection =
                    entry.selection_handle.as_ref().or(entry.opens.as_ref()).map(|handle| handle.id());
                Ok(Done { status, earlier: std::mem::take(&mut entry.replies), selection })
            }
            // What its earlier lines achieved is not lost.
            (Some(error), last) => {
                let replies = entry.replies.drain(..).chain(last).filter(|reply| reply.status == Status::Ok);
                Err(error.add_answers(replies.map(Answer::Status)))
            }
            (None, None) => Err(Error::protocol("the command ended without a response")),
        })
    }

    /// Rows that could not be read make a result incomplete, and so does a server's limit. Of
    /// `Protocol` is the error where the server has answered out of order.
    fn complete(&mut self, id: CommandId, done: Done, view: Option<&View>) -> Result<Done> {
        // With SELECT, the mailbox is selected all the same; what could not be read has been
        // reported.
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.opens.is_none()) else {
            return Ok(done);
        };
        entry.ended = Some(done.status.clone());
        let lacking = self.unparsed.since(entry.missed_from, &entry.class);
        if let Some((status, below)) = entry.cut_short(&done) {
            return Err(Error::partial(status.clone(), below).with_unread(lacking.lines));
        }
        let incomplete = |why: String| Error::new(ErrorKind::Incomplete, why).with_sent(Sent::Fully);
        if !lacking.is_nothing() {
            let more = if lacking.and_more { " or more" } else { "" };
            let count = lacking.lines.len();
            let error = incomplete(format!("{count}{more} of the server's responses could not be read"));
            return Err(error.with_unread(lacking.lines));
        }
        if entry.left_out {
            let why = "a response with a password or another secret in it is left out of its events";
            return Err(incomplete(why.to_owned()));
        }
        self.check_diverted(id, view).map_or(Ok(done), Err)
    }
}

/// What rests on this command fails as well: the selection that it was to make, the result that was
/// to be remembered.
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
    let may_lack = |e: &&Error| matches!(e.kind(), ErrorKind::Incomplete | ErrorKind::Protocol);
    let is_failure = |e: &&Error| flight.invalid_source || detached && may_lack(e);
    if let Some(error) = overrun.as_ref().or(result.as_ref().err().filter(is_failure)) {
        return error.to_event(command);
    }
    let status = match result {
        Ok(done) => done.status.clone(),
        // A limit that was reported apart, or a row that could not be read, is not how the command
        // ended.
        Err(error) => match flight.ended.as_ref().or(error.status()) {
            Some(status) => status.clone(),
            None => return error.to_event(command),
        },
    };
    EventKind::Completed { command, status, detached }
}
