//! Untagged responses in wire order: the parts learn them, the command that claims one gets it, and
//! what they change is reported (ARCHITECTURE.md, section 7).
//!
//! ```text
//!   response ──┬── FETCH, EXISTS, EXPUNGE, VANISHED ──> selection ──┐
//!              ├── LIST, STATUS ──> mailboxes ──────────────────────┼──> inflight ──> slot
//!              ├── status responses ──> whatever their codes name ──┤       └── unclaimed ──> event
//!              └── what is data alone ──────────────────────────────┘
//! ```

use std::sync::Arc;
use std::time::Instant;

use crate::command::Effect;
use crate::engine::Engine;
use crate::engine::events::data_event;
use crate::engine::inflight::Routed;
use crate::engine::schedule::{other_uids, shifted_numbers};
use crate::engine::selection::{Outcome, Targets};
use crate::engine::submit::{EndCause, InternalCommand};
use crate::types::{
    Answer, Capabilities, CloseReason, Code, CommandId, Event, EventKind, ListEntry, MailboxStatus, Place,
    Status, StatusResponse, Untagged,
};

impl Engine {
    pub(super) fn handle_untagged(&mut self, mut response: Untagged, now: Instant) {
        // The mailbox that it is about: the one that it names, else the selected one, else none.
        let answer = response.answer();
        let place = match answer.is_about_selected() {
            true => self.selected.shared_place(),
            false => answer.mailbox().map(|name| Arc::new(Place { mailbox: name.clone(), selection: None })),
        };
        response.set_place(place);
        match response.answer() {
            Answer::Fetch(_)
            | Answer::Exists(_)
            | Answer::Recent(_)
            | Answer::Expunge { .. }
            | Answer::Vanished { .. } => {
                let (inflight, out) = (&mut self.inflight, &mut self.output);
                let mut to = Targets { inflight, out, limits: &self.settings.limits };
                let outcome = self.selected.on_messages(response, &mut to);
                self.see_to(outcome);
            }
            Answer::Status(status) => {
                let mut status = status.clone();
                self.writer.secrets().blank(&mut status);
                self.writer.secrets().mark(&mut response);
                self.on_status(response, &status, now);
            }
            Answer::Flags(_) => {
                self.selected.on_flags(response.answer());
                self.deliver(response);
            }
            Answer::List(entry) | Answer::Lsub(entry) => {
                let entry = entry.clone();
                self.on_list(&entry, response);
            }
            Answer::MailboxStatus(_) => self.on_mailbox_status(response),
            Answer::Capability(all) => {
                let all = all.clone();
                self.on_capabilities(all);
                // For all others it is a change of capabilities.
                _ = self.route(response);
            }
            Answer::Enabled(names) => {
                let names = names.clone();
                let (claimer, back) = self.route(response);
                // Believed only as the answer to an ENABLE of ours.
                if claimer.and_then(|id| self.inflight.class(id)).is_some_and(|class| class.ours) {
                    self.session.learn_enabled(names);
                } else if let Some(back) = back {
                    self.report(Event::new(EventKind::Data(back.into_answer())));
                }
            }
            Answer::ESearch(found) => {
                let tag = found.tag.as_deref();
                let owner = tag.and_then(|tag| self.scheduler.shared().owner(tag));
                let updated = tag.and_then(|tag| self.session.updated_search(tag));
                response.set_owner(owner.or(updated));
                self.deliver(response);
            }
            _ => {
                self.writer.secrets().mark(&mut response);
                self.deliver(response);
            }
        }
    }

    /// Gives a response to the command that claims it. Returns that command, or else the response.
    fn route(&mut self, response: Untagged) -> (Option<CommandId>, Option<Untagged>) {
        let limits = &self.settings.limits;
        let mut to = Targets { inflight: &mut self.inflight, out: &mut self.output, limits };
        match self.selected.route(response, &mut to) {
            Routed::Unclaimed(back) => (None, Some(back)),
            Routed::Claimed(id) => (Some(id), None),
            Routed::Detached(id, event) => {
                self.mailboxes.before_event(&event);
                self.report_mailboxes();
                let (inflight, out) = (&mut self.inflight, &mut self.output);
                let mut to = Targets { inflight, out, limits: &self.settings.limits };
                self.selected.report_row(id, event, &mut to);
                (Some(id), None)
            }
        }
    }

    /// Gives a response to its command; else it is data on the event stream.
    fn deliver(&mut self, response: Untagged) {
        let Some(back) = self.route(response).1 else { return };
        // A search whose result is kept up to date has ended, and is named all the same.
        let updated = back.owner().filter(|id| self.session.updated_tag(*id).is_some());
        let event = data_event(back, None).caused_by(updated);
        self.mailboxes.before_event(&event);
        self.report_mailboxes();
        self.report(event);
    }

    /// What a response about messages leads to beyond the selection.
    pub(super) fn see_to(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Data(response) => self.deliver(*response),
            Outcome::CountChanged { numbers_shifted } => {
                // Those of commands that are about to be written would hit others.
                if numbers_shifted && self.inflight.has_numbers() {
                    self.unsend(shifted_numbers);
                }
                self.selected.on_count_changed();
                self.sync();
            }
            Outcome::Contradiction { what, exists, uid_validity } => {
                match self.selected.resync(what, exists, uid_validity, &mut self.output) {
                    Err(reason) => self.close(reason),
                    Ok(None) => {}
                    Ok(Some(selection)) => {
                        if uid_validity.is_some() {
                            self.unsend(other_uids);
                        } else if self.inflight.has_numbers() {
                            self.unsend(shifted_numbers);
                        }
                        // What was still to be asked was about the messages as they were known.
                        self.forget_internal(selection);
                        self.sync();
                    }
                }
            }
            Outcome::TooMany(count) => {
                let most = self.settings.limits.messages;
                self.close(CloseReason::Limit(format!(
                    "a mailbox of {count} messages, more than {most} (Limits::messages)"
                )));
            }
        }
    }

    fn on_status(&mut self, mut response: Untagged, status: &StatusResponse, now: Instant) {
        self.on_code(status);
        if self.lifecycle.greeting().is_none() {
            return self.lifecycle.on_greeting(status.clone());
        }
        if status.status == Status::Bye {
            return self.lifecycle.on_bye(status, now);
        }
        let is_taken = match &status.code {
            Some(Code::NotificationOverflow) => {
                // A NOTIFY of which no byte has been written can't be meant.
                let in_flight = self.inflight.find_begun(|effect| matches!(effect, Effect::Notify(_)));
                let had = self.mailboxes.notify_overflowed(now, in_flight.is_some());
                self.report_mailboxes();
                had
            }
            // RFC 9585 section 4: it is about this command alone, and no event.
            Some(Code::InProgress(progress)) => {
                let owner = progress.tag.as_deref().and_then(|tag| self.scheduler.shared().owner(tag));
                owner.is_some_and(|owner| self.inflight.progress(owner, progress))
            }
            Some(Code::MessageLimit { .. }) => self.inflight.note_limit(status),
            // RFC 5267 section 4.3.1: it is about the search of this tag.
            Some(Code::NoUpdate(tag)) => {
                let owner = self.scheduler.shared().owner(tag);
                response.set_owner(owner);
                let is_asked =
                    |id: &CommandId| matches!(self.inflight.effect(*id), Some(Effect::KeepUpdated));
                if let Some(search) = owner.filter(is_asked) {
                    self.session.refuses_updates(search);
                } else if let Some(search) = self.session.updated_search(tag) {
                    self.session.ends_updates(search);
                }
                false
            }
            Some(Code::UidValidity(uid_validity)) => {
                let outcome = self.selected.on_uid_validity(*uid_validity);
                let is_other = !matches!(outcome, Outcome::Nothing);
                self.see_to(outcome);
                is_other
            }
            _ => false,
        };
        if is_taken {
            return;
        }
        let is_reported = self.selected.on_untagged_code(status.code.as_ref())
            || matches!(status.code, Some(Code::Alert | Code::Capability(_) | Code::Closed));
        let (_, back) = self.route(response);
        if let Some(response) = back.filter(|_| !is_reported) {
            let place = response.place().cloned();
            self.report(Event::new(EventKind::Notice(status.clone())).at(place));
        }
    }

    /// Codes that change the session, wherever they stand.
    pub(super) fn on_code(&mut self, status: &StatusResponse) {
        match &status.code {
            Some(Code::Alert) => self.report(Event::new(EventKind::Alert { text: status.text.clone() })),
            Some(Code::Capability(all)) => self.on_capabilities(all.clone()),
            _ => {
                let ended = self.selected.on_code(status);
                let is_replaced = self.selected.opening().is_some();
                let by = if is_replaced { EndCause::Another } else { EndCause::Server };
                self.selection_ended(ended, by, None);
            }
        }
    }

    /// What the server can do from here on. A list without any IMAP4… word, which each list must
    /// have (RFC 9051 section 7.2.2), is none: it is an event, and changes nothing.
    fn on_capabilities(&mut self, all: Capabilities) {
        if !all.is_whole() {
            return self.report(Event::new(EventKind::Data(Answer::Capability(all))));
        }
        let all = self.session.without_ignored(all);
        if self.session.learn_capabilities(&all) {
            self.scheduler.shared().set_capabilities(&all);
            if self.lifecycle.is_ready() {
                self.report(Event::new(EventKind::Capabilities(all)));
            }
        }
    }

    fn on_list(&mut self, entry: &ListEntry, response: Untagged) {
        let lsub = response.name() == "LSUB";
        // A deletion and a renaming are changes, whichever command gets the row.
        let is_change = self.mailboxes.reports_deletion(entry) || {
            let (claimer, back) = self.route(response);
            back.is_some() || claimer.is_some_and(|id| self.inflight.lists_change(id, entry, lsub))
        };
        if !is_change {
            return self.mailboxes.listed_as_answer(entry, lsub);
        }
        let inflight = &self.inflight;
        self.mailboxes.listed(entry, lsub, |id| inflight.has_begun(id));
        self.report_mailboxes();
    }

    fn on_mailbox_status(&mut self, response: Untagged) {
        let Answer::MailboxStatus(status) = response.answer() else { return };
        let status =
            MailboxStatus { name: self.mailboxes.as_named(&status.name), ..MailboxStatus::clone(status) };
        self.session.learn_append_limit(&status);
        // With NOTIFY it is an answer only if it holds all that was asked for.
        let unsolicited = self.mailboxes.watches_others() && !self.inflight.asks_for_status(&response);
        let (claimer, back) = if unsolicited { (None, Some(response)) } else { self.route(response) };
        let asker = claimer.and_then(|id| self.inflight.internal(id));
        if let Some(InternalCommand::DeselectedMailbox(selection)) = asker {
            self.mailboxes.deselected_answered(*selection, &status);
        }
        if back.is_some() {
            self.mailboxes.counted(status);
            self.report_mailboxes();
        }
    }

    /// Reports what changed in the last step, and queues what is to be asked.
    pub(super) fn report_mailboxes(&mut self) {
        let (events, requests) = self.mailboxes.take_reports();
        for event in events {
            self.session.forget_append_limits(&event);
            self.report(event);
        }
        for request in requests {
            self.scheduler.push_internal(request);
        }
    }
}
