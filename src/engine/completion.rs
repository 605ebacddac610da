//! The ends of commands, and what they change in more than one part: the session and the view
//! first, then the events, then the token; so that a task that awaits the token finds the events of
//! everything before it.
//!
//! In: tagged responses, commands that can't go on. Out: selections that begin and end, queries for
//! what the view lacks, results.

use std::time::Instant;

use bytes::Bytes;

use crate::command::{Effect, LoginState, Store};
use crate::engine::Engine;
use crate::engine::inflight::{Reply, Written};
use crate::engine::mailboxes::Mailboxes;
use crate::engine::schedule::withdrawn;
use crate::engine::selection::{Outcome, Selection, SyncFacts};
use crate::engine::submit::{EndCause, Ended, InternalCommand};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{
    CloseReason, CommandId, Done, Event, EventKind, Flag, SelectionId, Status, StatusResponse,
};

impl Engine {
    pub(super) fn handle_tagged(&mut self, tag: &str, status: StatusResponse, now: Instant) {
        let Some(id) = self.writer.answered_by(tag, &self.inflight, self.scheduler.shared()) else {
            // The server ended IDLE as our DONE was under way, and takes DONE for a command.
            let is_done = status.status == Status::Bad && tag.eq_ignore_ascii_case("DONE");
            if !(is_done && self.idle.forgive_done()) {
                let bytes = self.writer.secrets().excerpt(&Bytes::from(format!("{tag} {status}")));
                let error = "no command that has been sent has this tag".to_owned();
                self.report(Event::new(EventKind::Unparsed { bytes, error }));
            }
            return;
        };
        self.scheduler.shared().release_tag(tag);
        if status.status == Status::Ok && matches!(self.inflight.effect(id), Some(Effect::KeepUpdated)) {
            self.session.keeps_updated(id, tag);
        }
        if !self.inflight.ignores_code(id, &status) {
            self.on_code(&status);
        }
        self.selected.on_tagged(&self.inflight);
        let written = self.writer.end_dialogue(id, tag);
        if written == Written::CutShort {
            self.selected.on_select_cut_short(id);
        }
        let may_retry = !self.lifecycle.is_logging_out();
        match self.inflight.on_tagged(id, tag, status, written, may_retry, now) {
            Reply::More => {}
            Reply::NextLine => self.scheduler.continue_after_reply(id),
            Reply::Retry(select) => {
                // The server is back in the mailbox before, as after any BAD.
                let ended = self.selected.on_retry();
                self.selection_ended(ended, EndCause::Another, Some(id));
                self.scheduler.resubmit(select);
            }
            Reply::End { ok, result } => {
                if matches!(self.inflight.effect(id), Some(Effect::Idle)) {
                    self.idle.ended(id, ok, &mut self.writer, now);
                }
                self.finish(id, result, now);
            }
        }
    }

    /// A command has had its last tagged response.
    fn finish(&mut self, id: CommandId, result: Result<Done>, now: Instant) {
        // Before a command that was sent behind it can end.
        match &result {
            Ok(done) => self.apply(id, done),
            Err(error) => self.failed(id, error),
        }
        // What it has changed is in the view now, or held in doubt.
        self.selected.settle(Some(id), &self.inflight);
        let logged_out = matches!(self.inflight.effect(id), Some(Effect::Logout));
        let view = self.selected.view();
        let result = result.and_then(|done| {
            let result = self.inflight.complete(id, done, view);
            if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Protocol) {
                tracing::warn!(target: "imap_duplex", command = %id, "the server does not answer in order: it is given one such command at a time");
                self.session.out_of_order = true;
            }
            result
        });
        self.end(id, result);
        if logged_out {
            self.close(CloseReason::Logout);
        }
        self.lifecycle.on_activity(now);
    }

    /// What a command's OK changes.
    fn apply(&mut self, id: CommandId, done: &Done) {
        let (inflight, out) = (&mut self.inflight, &mut self.output);
        match inflight.effect(id).cloned().unwrap_or_default() {
            Effect::KeepUpdated => {}
            Effect::EndUpdates(search) => self.session.ends_updates(search),
            Effect::None
            | Effect::Idle
            | Effect::Enable
            | Effect::Logout
            | Effect::Move
            | Effect::Setting => {}
            Effect::StartTls => self.lifecycle.on_starttls(),
            #[cfg(feature = "compress")]
            Effect::Compress => self.session.compressed = true,
            Effect::Unauthenticate => self.logged_out(id),
            Effect::Login => {
                self.session.login = LoginState::LoggedIn;
                // Those from before it may no longer hold.
                if inflight.capabilities_epoch(id) == Some(self.session.capabilities_epoch) {
                    self.session.forget_capabilities();
                }
            }
            Effect::Select { .. } => self.opened(id),
            Effect::Deselect => {
                let ended = self.selected.deselect();
                self.selection_ended(ended, EndCause::Closing, Some(id));
            }
            Effect::Store(store) => {
                self.selected.on_stored(id, &store, done, inflight, out);
                self.scheduler.queue_requests(&mut self.selected);
            }
            Effect::Save(saved) => {
                // A part of the result is none to build on (RFC 9738 section 3.4).
                let cut = inflight.cut_short(id, done);
                let cut = cut.map(|(status, below)| Error::partial(status.clone(), below));
                self.selected.save_ended(&saved, cut.as_ref(), inflight);
            }
            Effect::Notify(asked) => {
                if self.mailboxes.notify_accepted(asked, inflight.internal(id).is_some()) {
                    // A user's has replaced what was to be sent again.
                    self.scheduler.forget_notify();
                    if let Some(selection) = self.selected.compare_again() {
                        self.forget_internal(selection);
                        self.sync();
                    }
                }
                if self.selected.is_orphaned() {
                    self.mailboxes.watch_deselected();
                }
                self.report_mailboxes();
            }
            effect @ (Effect::Create(_)
            | Effect::Delete(_)
            | Effect::Rename { .. }
            | Effect::Subscribe { .. }) => {
                self.mailboxes.command_succeeded(id, effect);
                self.report_mailboxes();
            }
        }
    }

    /// UNAUTHENTICATE has succeeded: what the session and the server had of each other is void (RFC
    /// 8437 section 4.1).
    fn logged_out(&mut self, id: CommandId) {
        let ended = self.selected.deselect();
        self.selection_ended(ended, EndCause::LoggedOut, Some(id));
        self.report_mailboxes();
        self.mailboxes = Mailboxes::default();
        if self.inflight.capabilities_epoch(id) == Some(self.session.capabilities_epoch) {
            self.session.forget_capabilities();
        }
        self.session.on_logged_out();
        self.scheduler.shared().set_capabilities(&self.session.capabilities);
        // What was to be asked about that user's mailboxes.
        for next in self.scheduler.take_questions() {
            self.fail_unsent(next, withdrawn());
        }
    }

    /// What the failure of a command changes of which something has been sent.
    pub(super) fn failed(&mut self, id: CommandId, error: &Error) {
        self.inflight.refuse(id);
        match self.inflight.effect(id).cloned().unwrap_or_default() {
            Effect::Save(saved) => self.selected.save_ended(&saved, Some(error), &mut self.inflight),
            Effect::Select { .. } => {
                let ended = self.selected.on_refused(error);
                self.selection_ended(ended, EndCause::Another, Some(id));
            }
            // RFC 3501 section 6.4.6: a NO may leave some messages changed; what they have now must
            // be asked.
            Effect::Store(store) if store.is_silent() => {
                self.selected.ask_flags_of(id, &store, &self.inflight)
            }
            // Of one done by steps, the silent STORE may have been the last that succeeded.
            Effect::Move if !self.session.can("MOVE") => {
                self.selected.ask_flags_of(id, &Store::add([Flag::Deleted]), &self.inflight);
            }
            Effect::Notify(asked) => {
                let refused = matches!(error.kind(), ErrorKind::No | ErrorKind::Bad);
                self.mailboxes.notify_failed(&asked, self.inflight.internal(id).is_some(), refused);
            }
            _ => self.mailboxes.command_failed(id),
        }
        self.scheduler.queue_requests(&mut self.selected);
        self.report_mailboxes();
    }

    /// Takes a command out of the tables and gives its token the result.
    pub(super) fn end(&mut self, id: CommandId, result: Result<Done>) {
        let Some((ended, internal)) = self.inflight.end(id, result, self.scheduler.shared()) else { return };
        self.mailboxes.command_ended(id);
        if self.lifecycle.is_ready() {
            // While logging in, what is said later may still be about an attempt that has failed.
            self.writer.forget_secrets(id);
        }
        self.give(ended);
        match internal {
            Some((InternalCommand::Query(query), facts)) => {
                let uid_only = self.session.is_enabled("UIDONLY");
                let goes_on = self.selected.apply(query, &facts, uid_only, &mut self.output);
                self.scheduler.queue_requests(&mut self.selected);
                if goes_on {
                    self.sync();
                }
                self.selected.on_query_applied(&self.inflight, &mut self.output);
            }
            Some((InternalCommand::DeselectedMailbox(selection), facts)) => {
                self.mailboxes.deselected_ended(selection, facts.ok);
            }
            Some((InternalCommand::Subscription { mailbox, found }, facts)) => {
                self.mailboxes.subscription_looked_up(mailbox, found, facts.ok);
            }
            _ => {}
        }
        self.report_mailboxes();
    }

    /// Reports how a command has ended, and gives its token the result.
    pub(super) fn give(&mut self, mut ended: Ended) {
        for event in ended.take_events() {
            self.report(event);
        }
        self.selected.publish();
        // Room first, so that who awaits the token finds it.
        self.scheduler.shared().release(ended.id());
        ended.give();
    }

    /// The SELECT has succeeded.
    fn opened(&mut self, id: CommandId) {
        // Before the selection is replaced, so that its handles get this cause, too.
        let count = self.selected.opening_size();
        if count > self.settings.limits.messages {
            return self.see_to(Outcome::TooMany(count));
        }
        let ended = self.selected.deselect();
        self.selection_ended(ended, EndCause::Another, Some(id));
        self.session.select_params = self.inflight.select_params(id).unwrap_or(self.session.select_params);
        let condstore = SyncFacts::of(&self.session).condstore;
        self.selected.open(id, self.settings.view_sync, condstore, &mut self.inflight, &mut self.output);
        self.sync();
    }

    /// A selection has ended, if one has; `cause`: the command that did it.
    pub(super) fn selection_ended(
        &mut self,
        ended: Option<Selection>,
        by: EndCause,
        cause: Option<CommandId>,
    ) {
        let Some(selection) = ended else { return };
        self.session.ends_all_updates();
        selection.on_ended(by);
        self.forget_internal(selection.id());
        // What STATUS would say is counted from the flags of all messages.
        if self.session.can("NOTIFY") || self.mailboxes.is_notify_in_force() {
            self.mailboxes.deselected(selection.id(), selection.status());
        }
        let place = Some(selection.handle().place().clone());
        self.output.report(Event::new(EventKind::SelectionEnded).at(place).caused_by(cause));
    }

    /// Takes back what the engine wanted to ask of a selection: if that goes on, all is asked
    /// again.
    pub(super) fn forget_internal(&mut self, selection: SelectionId) {
        for next in self.scheduler.take_internal_of(selection) {
            self.fail_unsent(next, withdrawn());
        }
    }

    /// Asks for what the view lacks, unless that has been asked already.
    pub(super) fn sync(&mut self) {
        if !self.selected.lacks_something() {
            return;
        }
        let facts = self.sync_facts();
        if let Some(selection) = self.selected.current_mut() {
            selection.continue_sync(&facts, &mut self.output);
        }
        self.scheduler.queue_requests(&mut self.selected);
    }

    pub(super) fn sync_facts(&self) -> SyncFacts {
        let of = self.selected.current().map(Selection::id);
        SyncFacts {
            asked: self.scheduler.has_sync_query() || self.inflight.has_internal(of, InternalCommand::fills),
            silent_change: self.inflight.has_silent_change(None),
            numbers_move: self.mailboxes.moves_numbers(),
            windows: self.settings.windows,
            ..SyncFacts::of(&self.session)
        }
    }
}
