//! What the ends of commands and the responses about the selected mailbox change in more than one part.
//!
//! In: a SELECT that has ended, a contradiction, a query that is answered. Out: the selection that is open,
//! what waited for another fails, and the next query is queued.

use std::time::Instant;

use crate::command::{Effect, SavedSearch, Store};
use crate::engine::Engine;
use crate::engine::selection::Selection;
use crate::engine::selection::sync::SyncFacts;
use crate::engine::selection::sync::look_back::LookBackFacts;
use crate::engine::submit::end_cause::EndCause;
use crate::engine::submit::internal::InternalCommand;
use crate::engine::submit::query::{Query, QueryFacts};
use crate::error::Error;
use crate::types::{CommandId, Done, Event, EventKind, Place, SelectionId, UidValidity};

impl Engine {
    /// Whether the server may mean the mailbox that is being opened: until the first byte of its SELECT
    /// has been written, it means the one that is selected, and that SELECT may still be taken back.
    pub(in crate::engine) fn is_opening(&self) -> bool {
        self.selected.opening().is_some_and(|select| self.inflight.has_begun(select))
    }

    /// The mailbox that untagged data is about which names none.
    pub(in crate::engine) fn place(&self) -> Option<Place> {
        let handle =
            self.selected.current().map(Selection::handle).or_else(|| self.selected.opening_handle());
        handle.map(|handle| handle.place().clone())
    }

    /// The SELECT has succeeded.
    pub(in crate::engine) fn opened(&mut self, id: CommandId) {
        // Before the selection is replaced, so that its handles get this cause, too.
        if self.is_too_large(self.selected.opening_size()) {
            return;
        }
        let ended = self.selected.deselect();
        self.selection_ended(ended, Some(id));
        let Some(handle) = self.inflight.opens(id) else { return };
        self.session.bare_select |= self.inflight.is_retry(id);
        self.session.select_params |= self.inflight.has_params(id);
        // What was sent behind SELECT meant this UIDVALIDITY.
        let (selection, uid_validity) = (handle.id(), self.selected.uid_validity());
        self.inflight.set_uid_validity(selection, uid_validity);
        let condstore = self.has_condstore();
        self.selected.open(id, self.settings.view_sync, condstore, &mut self.output);
        self.continue_sync();
    }

    /// A selection has ended.
    pub(in crate::engine) fn selection_ended(&mut self, ended: Option<Selection>, cause: Option<CommandId>) {
        let Some(selection) = ended else { return };
        let by = match cause.and_then(|id| self.inflight.effect(id)) {
            Some(Effect::Deselect) => EndCause::Closing,
            None if self.selected.opening().is_none() => EndCause::Server,
            _ => EndCause::Another,
        };
        selection.on_ended(by);
        self.forget_internal(selection.id());
        // What STATUS would say is counted from the flags of all messages.
        if self.session.can("NOTIFY") || self.mailboxes.is_notify_in_force() {
            self.mailboxes.deselected(selection.id(), selection.status());
        }
        let place = Some(selection.handle().place().clone());
        self.output.report(Event::new(EventKind::SelectionEnded).at(place).caused_by(cause));
    }

    /// A SELECT with parameters was answered BAD: some servers do not understand what they offer, so it is
    /// sent once more without. The server is back in the mailbox before, as after any BAD.
    pub(in crate::engine) fn retry_select(&mut self, id: CommandId) {
        let ended = self.selected.on_retry();
        self.selection_ended(ended, Some(id));
        if let Some(select) = self.inflight.take_for_retry(id) {
            self.scheduler.resubmit(select);
        }
    }

    /// The server has contradicted itself, or begun a new UIDVALIDITY: what is known is thrown away, and
    /// asked for again.
    pub(in crate::engine) fn resync(&mut self, what: String, exists: u32, uid_validity: Option<UidValidity>) {
        if self.is_opening() {
            // The next SELECT is on its way, and without `[CLOSED]` an EXISTS of this mailbox may have been
            // taken for the next one's. This selection ends with the answer.
            return;
        }
        let Some(selection) = self.selected.current_mut() else { return };
        let id = selection.id();
        if let Err(reason) = selection.resync(what, exists, uid_validity, &mut self.output) {
            return self.close(reason);
        }
        if uid_validity.is_some() {
            self.on_uid_validity_changed();
        } else {
            self.on_numbers_shifted();
        }
        // What was still to be asked was about the messages as they were known.
        self.forget_internal(id);
        self.continue_sync();
    }

    /// Changes of the selected mailbox may have been lost: what is known is compared with what is there.
    pub(in crate::engine) fn resync_selected(&mut self) {
        let is_replaced = self.selected.opening().is_some();
        let Some(selection) = self.selected.current_mut().filter(|_| !is_replaced) else { return };
        let id = selection.id();
        if selection.compare_again() {
            self.forget_internal(id);
            self.continue_sync();
        }
    }

    /// Takes back what the engine wanted to ask of a selection: if that goes on, all is asked again.
    fn forget_internal(&mut self, selection: SelectionId) {
        self.scheduler.take_internal_of(selection).into_iter().for_each(|next| self.withdraw(next));
    }

    /// A message has arrived, or was expunged.
    pub(in crate::engine) fn on_count_changed(&mut self) {
        self.selected.on_count_changed();
        self.continue_sync();
    }

    /// Asks for what the view lacks, unless that has been asked already.
    pub(in crate::engine) fn continue_sync(&mut self) {
        if !self.selected.lacks_something() {
            return;
        }
        let facts = self.sync_facts();
        if let Some(selection) = self.selected.current_mut() {
            selection.continue_sync(&facts, &mut self.output);
        }
        self.queue_requests();
    }

    fn sync_facts(&self) -> SyncFacts {
        let limit = self.session.capabilities().value("MESSAGELIMIT");
        SyncFacts {
            asked: self.scheduler.has_sync_query() || self.is_internal_in_flight(InternalCommand::fills),
            silent_change: self.inflight.has_silent_change(None),
            uid_only: self.session.is_enabled("UIDONLY"),
            numbers_move: self.mailboxes.moves_numbers(),
            condstore: self.has_condstore(),
            message_limit: limit.and_then(|limit| limit.parse().ok()),
            windows: self.settings.windows,
        }
    }

    /// QRESYNC contains CONDSTORE (RFC 7162 section 3.2.3).
    fn has_condstore(&self) -> bool {
        self.session.can("CONDSTORE") || self.session.can("QRESYNC")
    }

    /// Whether such a command of the engine's own is in flight in the selection, or without one.
    fn is_internal_in_flight(&self, is: impl Fn(&InternalCommand) -> bool) -> bool {
        let open = self.selected.current().map(Selection::id);
        self.inflight.internals().any(|(internal, of)| (of.is_none() || of == open) && is(internal))
    }

    /// Queues what is to be asked of the selected mailbox.
    fn queue_requests(&mut self) {
        for request in self.selected.take_requests() {
            self.scheduler.push_internal(request);
        }
    }

    /// A query has ended, in this selection.
    pub(in crate::engine) fn query_ended(&mut self, query: Query, of: SelectionId, asked: &QueryFacts) {
        if let Query::LookBack(look) = &query {
            return self.selected.on_looked_back(look, of, asked);
        }
        let uid_only = self.session.is_enabled("UIDONLY");
        // What one was answered of another selection is of no use.
        let Some(selection) = self.selected.current_mut().filter(|open| open.id() == of) else { return };
        let goes_on = selection.apply(query, asked, uid_only, &mut self.output);
        self.queue_requests();
        if goes_on {
            self.continue_sync();
        }
        let held = self.inflight.has_silent_change(None);
        if let Some(selection) = self.selected.current_mut() {
            selection.claim_mod_seq(held);
            selection.report_ready(&mut self.output);
        }
    }

    /// What flags messages have after a STORE could not be asked; `nothing_left`: because they are gone.
    pub(in crate::engine) fn on_unsent_verification(&mut self, nothing_left: bool) {
        if let Some(selection) = self.selected.current_mut() {
            selection.on_unsent_verification(nothing_left, &mut self.output);
        }
        self.continue_sync();
    }

    /// A STORE has succeeded. If it was silent, no response says what it changed.
    pub(in crate::engine) fn on_stored(&mut self, id: CommandId, store: &Store, done: &Done) {
        if !store.is_silent() {
            return;
        }
        if self.inflight.cut_short(id, done).is_some() {
            // Which of them it has changed is not known.
            return self.ask_flags_of(id, store);
        }
        let updates = self.inflight.take_flag_updates(id);
        if let (Some(messages), Some(selection)) = (self.inflight.messages(id), self.selected.current_mut()) {
            let touched = |seq, uid| updates.has(seq, uid);
            selection.on_stored((id, store), messages, done, touched, &mut self.output);
        }
        self.queue_requests();
    }

    /// A STORE may have changed some of its messages: asks what flags they have now.
    pub(in crate::engine) fn ask_flags_of(&mut self, id: CommandId, store: &Store) {
        if let Some(selection) = self.selected.current_mut() {
            selection.ask_flags_of(id, store, self.inflight.messages(id).unwrap_or(&store.which));
        }
        self.queue_requests();
    }

    /// A search whose result is saved has ended: by OK, or otherwise.
    pub(in crate::engine) fn save_ended(&mut self, saved: &SavedSearch, failed: Option<&Error>) {
        if let Some(error) = self.selected.save_ended(saved, failed) {
            for id in self.inflight.users_of(saved) {
                self.inflight.invalidate(id, error.clone());
            }
        }
    }

    /// A tagged response was received; it may have been this command's last.
    pub(in crate::engine) fn settle(&mut self, ended: Option<CommandId>) {
        let held = self.inflight.has_silent_change(ended);
        self.selected.current_mut().into_iter().for_each(|selection| selection.settle(held));
    }

    /// IDLE is about to begin: asks first for what the server may not report. Whether IDLE may follow at
    /// once.
    pub(in crate::engine) fn look_back(&mut self, now: Instant) -> bool {
        let looks = |own: &InternalCommand| matches!(own, InternalCommand::Query(Query::LookBack(_)));
        let facts = LookBackFacts {
            sync: self.sync_facts(),
            now,
            is_watched: self.mailboxes.is_notify_in_force(),
            is_looking: self.scheduler.has_internal(looks) || self.is_internal_in_flight(looks),
            interval: self.settings.idle_renew,
        };
        let may_follow = self.selected.look_back(&facts);
        self.queue_requests();
        may_follow
    }
}
