//! LIST, STATUS and METADATA, and what else changes what is known of mailboxes that are not
//! selected.
//!
//! In: responses; the ends of NOTIFY and of commands that change mailboxes. Out: each response to
//! the command that claims it, else to [`Mailboxes`](crate::engine::mailboxes::Mailboxes); its
//! events to the stream, its commands to the queue.

use std::time::Instant;

use crate::command::{Effect, List, Notify, ResponseKinds};
use crate::engine::Engine;
use crate::engine::mailboxes::Request;
use crate::engine::submit::internal::InternalCommand;
use crate::types::{Answer, CommandId, Event, EventKind, ListEntry, MailboxStatus, Metadata, Untagged};

impl Engine {
    /// Reports what changed in the last step, and queues what is to be asked.
    pub(in crate::engine) fn report_mailboxes(&mut self) {
        let (events, requests) = self.mailboxes.take_reports();
        for event in events {
            self.session.forget_append_limits(&event);
            self.report(event);
        }
        for request in requests {
            match request {
                Request::Notify(notify) => self.queue_internal(InternalCommand::Notify, notify),
                Request::Subscription(mailbox) => {
                    let list = List::new(mailbox.as_str()).subscribed();
                    self.queue_internal(InternalCommand::Subscription { mailbox, found: false }, list);
                }
                Request::Status(selection, status) => {
                    self.queue_internal(InternalCommand::DeselectedMailbox(selection), status);
                }
            }
        }
    }

    /// An event is due: a LIST of the same mailbox that was deferred is reported before it.
    pub(in crate::engine) fn flush_deferred_of(&mut self, event: &Event) {
        if let Some(place) = event.place.as_ref().filter(|place| place.selection.is_none()) {
            self.mailboxes.before_event_of(&place.mailbox);
            self.report_mailboxes();
        }
    }

    /// The server has said OK to NOTIFY.
    pub(in crate::engine) fn notify_accepted(&mut self, id: CommandId, asked: Box<Notify>) {
        if self.mailboxes.notify_accepted(asked, self.inflight.internal(id).is_some()) {
            // A user's has replaced what was to be sent again.
            self.forget_notify();
            self.resync_selected();
        }
        if self.selected.is_orphaned() {
            self.mailboxes.watch_deselected();
        }
        self.report_mailboxes();
    }

    /// `[NOTIFICATIONOVERFLOW]`. Whether there was anything to lose.
    pub(in crate::engine) fn on_notify_overflow(&mut self, now: Instant) -> bool {
        // A NOTIFY of which no byte has been written can't be meant.
        let in_flight = self.inflight.find_begun(|effect| matches!(effect, Effect::Notify(_))).is_some();
        let had = self.mailboxes.notify_overflowed(now, in_flight);
        self.report_mailboxes();
        had
    }

    /// Takes a NOTIFY of the engine's own out of the queue.
    fn forget_notify(&mut self) {
        let is_notify = |internal: &InternalCommand| matches!(internal, InternalCommand::Notify);
        if let Some(next) = self.scheduler.take_internal(is_notify) {
            self.scheduler.shared().release(next.id);
        }
    }

    pub(in crate::engine) fn on_list(&mut self, entry: &ListEntry, response: Untagged) {
        let lsub = response.name() == "LSUB";
        let listed = self.mailboxes.reports_deletion(entry) || {
            let (claimer, back) = self.route(response);
            let asker = claimer.and_then(|id| self.inflight.internal(id));
            // What is not subscribed to is no answer to the engine's own question what is.
            let is_none =
                matches!(asker, Some(InternalCommand::Subscription { .. })) && !entry.has("\\Subscribed");
            // A renaming is a change, whichever command gets the row. (To SELECT, it says what
            // became of the name given.)
            let renamed =
                claimer.is_some_and(|id| self.inflight.opens(id).is_none()) && entry.renamed_from().is_some();
            back.is_some() || is_none && !lsub || renamed
        };
        if !listed {
            return self.mailboxes.listed_as_answer(entry, lsub);
        }
        let inflight = &self.inflight;
        self.mailboxes.listed(entry, lsub, |id| inflight.has_begun(id));
        self.report_mailboxes();
    }

    pub(in crate::engine) fn on_mailbox_status(&mut self, response: Untagged) {
        let Answer::MailboxStatus(status) = response.answer() else { return };
        let status = MailboxStatus { name: self.mailboxes.as_named(&status.name), ..status.clone() };
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

    /// Annotations that a command asked for, or that have changed (RFC 5464 section 4.4.2).
    pub(in crate::engine) fn on_metadata(&mut self, changed: Metadata, response: Untagged) {
        let place = response.place().cloned();
        if self.route(response).1.is_some() {
            let event = Event::new(EventKind::MetadataChanged(changed)).at(place);
            self.flush_deferred_of(&event);
            self.report(event);
        }
    }

    /// Asks for the STATUS of mailboxes that were deselected, as soon as no SELECT is unanswered
    /// and nothing waits to be sent. Whether there is something to send by that.
    pub(in crate::engine) fn ask_deselected(&mut self) -> bool {
        let may_be_asked = self.mailboxes.has_deselected()
            && self.selected.opening().is_none()
            && !self.selected.is_orphaned()
            && self.scheduler.queue_is_empty()
            && !self.scheduler.has_lines_due()
            && !self.lifecycle.is_logging_out();
        // Two that ask the same of one mailbox could take each other's answer for their own.
        if !may_be_asked || self.inflight.is_asked_by_users(ResponseKinds::STATUS) {
            return false;
        }
        let selected = self.selected.current().map(|open| &open.handle().place().mailbox);
        self.mailboxes.ask_deselected(selected, self.session.can("CONDSTORE"));
        self.report_mailboxes();
        !self.scheduler.queue_is_empty()
    }
}
