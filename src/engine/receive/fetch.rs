//! Rows: what FETCH tells of a message. The view learns it first; then the row goes to its command; what it changed is told.
//!
//! In: a row, asked for or not. Out: what the view took from it as events, its data to whose it is.

use crate::command::{Effect, FlagUse, Messages, Store};
use crate::engine::Engine;
use crate::engine::submit::internal::InternalCommand;
use crate::types::{
    Answer, CommandId, Event, EventKind, Flag, Flags, IncrementalSet, ModSeq, Seq, Uid, Untagged,
};

/// Messages whose flags were told, by number where the UID is not known.
#[derive(Debug, Default)]
pub(crate) struct ConcurrentFlagUpdates {
    uids: IncrementalSet<Uid>,
    seqs: IncrementalSet<Seq>,
}

impl ConcurrentFlagUpdates {
    fn add(&mut self, seq: Seq, uid: Option<Uid>) {
        match uid {
            Some(uid) => self.uids.insert(uid),
            None => self.seqs.insert(seq),
        }
    }

    pub(in crate::engine) fn has(&self, seq: Seq, uid: Option<Uid>) -> bool {
        uid.is_some_and(|uid| self.uids.contains(uid)) || self.seqs.contains(seq)
    }
}

impl Engine {
    pub(in crate::engine) fn on_fetch(&mut self, mut response: Untagged) {
        let Answer::Fetch(row) = response.answer() else { return };
        if self.hear_row_of_opening(row) {
            return;
        }
        let Some(selection) = &mut self.selection else { return self.on_unselected_data(response) };
        let mut learned = selection.view.learn(row);
        selection.changed = true;
        if learned.contradiction {
            let what = format!(
                "FETCH of message {} with UID {}, which it can't have",
                row.seq().map_or(0, Seq::get),
                row.uid().map_or(0, Uid::get)
            );
            let (exists, place, data) = (selection.view.len(), response.place().cloned(), row.has_data());
            let (_, back) = self.route(response);
            if let Some(back) = back.filter(|_| data) {
                self.report(Event::new(EventKind::Data(back.into_answer())).at(place));
            }
            return self.contradicted(what, exists);
        }
        let seq = row.seq().or_else(|| selection.view.seq(row.uid()?));
        if seq.is_none() && row.uid().and(row.flags()).is_some() && selection.view.unknown().is_some() {
            // A row without a number (RFC 9586 section 3) of a message that can't be placed yet: there is nothing to compare its
            // flags with, so they are news.
            learned.flags.get_or_insert(None);
        }
        let uid = row.uid().or_else(|| selection.view.uid(seq?));
        if let Answer::Fetch(row) = response.answer_mut() {
            row.uid = uid;
            row.seq = seq;
        }
        let Answer::Fetch(row) = response.answer() else { return };
        let (flags, mod_seq, data) = (row.flags().cloned(), row.mod_seq(), row.has_data());
        let place = response.place().cloned();
        if learned.grown {
            let count = selection.view.len();
            if self.is_too_large(count) {
                return;
            }
            self.report(Event::new(EventKind::Exists { count }).at(place.clone()));
        }
        if let Some(uid) = learned.arrived {
            self.note_arrival(uid);
            let kind = EventKind::Arrived { seq, uid, flags: flags.clone() };
            self.report(Event::new(kind).at(place.clone()));
        }
        match (seq, uid) {
            (Some(seq), _) if flags.is_some() => self.flags_told(seq, uid),
            _ if learned.ahead => self.mark_behind(seq, uid, mod_seq),
            _ => {}
        }
        let (claimer, back) = self.route(response);
        self.seen_mod_seq(claimer, mod_seq);
        if let (Some(before), Some(flags), None) = (learned.flags, flags, learned.arrived) {
            let (changes, cause) = self.flag_change(claimer, uid, before.as_ref(), &flags);
            let while_disconnected = self.tells_of_before(claimer);
            if changes
                && !(while_disconnected
                    && before.as_ref().is_some_and(|before| differ_by_recent(before, &flags)))
            {
                self.note_found(claimer);
                let kind = EventKind::FlagsChanged { seq, uid, flags, before, mod_seq };
                let event =
                    Event::new(kind).at(place.clone()).caused_by(cause).while_away(while_disconnected);
                match seq.filter(|_| uid.is_none() && self.is_to_compare()) {
                    // What they were before hangs on the UID.
                    Some(seq) => self.changed_by_number(seq),
                    None => {
                        self.note_flags(uid);
                        self.report(event);
                    }
                }
            }
        }
        if let Some(back) = back.filter(|_| data) {
            self.report(Event::new(EventKind::Data(back.into_answer())).at(place));
        }
        if learned.grown {
            self.on_count_changed();
        }
    }

    /// Flags of this message were told: what a silent STORE of it makes of them can't be said any more.
    fn flags_told(&mut self, seq: Seq, uid: Option<Uid>) {
        if let Some((selection, uid)) = self.selection.as_mut().zip(uid) {
            selection.in_step.has_flags(uid);
        }
        let inflight = &mut self.inflight;
        self.roster.flag_users.about(Some(seq), uid, |set| {
            for (_, id) in set {
                let Some(flight) = inflight.get_mut(id).filter(|f| f.begun) else { continue };
                let Effect::Store(store) = &flight.class.effect else { continue };
                let named = match &flight.messages {
                    Some(Messages::Seqs(set)) => set.is_open() || set.contains(seq),
                    Some(Messages::Uids(set)) => set.names_last() || uid.is_none_or(|uid| set.contains(uid)),
                    Some(Messages::SnapshotRange(_) | Messages::Saved(_)) | None => false,
                };
                if named && store.is_silent() {
                    flight.flag_updates.add(seq, uid);
                }
            }
        });
    }

    /// Whether flags that differ from what was known are news, and whose doing they surely are.
    fn flag_change(
        &self,
        claimer: Option<CommandId>,
        uid: Option<Uid>,
        before: Option<&Flags>,
        now: &Flags,
    ) -> (bool, Option<CommandId>) {
        let known_before = before.is_some();
        // More than it changes, or something else, is not surely its doing: others change flags, too.
        let explains = |store: &Store| match before {
            Some(before) => store.apply(Some(before)).is_some_and(|after| differ_by_recent(&after, now)),
            None => true,
        };
        let Some((id, flight)) = claimer.and_then(|id| Some((id, self.inflight.get(&id)?))) else {
            return (true, None);
        };
        match (&flight.own, &flight.class.effect) {
            (Some(InternalCommand::Flags(doing, _)), _) => {
                (true, doing.as_ref().filter(|(_, store)| explains(store)).map(|(id, _)| *id))
            }
            // Of a message that is new since then its coming is the news.
            (Some(InternalCommand::Changes), _) => (known_before || self.was_there(uid), None),
            (Some(InternalCommand::Look(look)), _) => (look.is_change(uid, before, now), None),
            (_, Effect::Store(store)) => {
                (true, Some(id).filter(|id| !self.uses_saved(*id) && explains(store)))
            }
            // It asked for flags, and nobody had known them: an answer, no change.
            (Some(_), _) => (known_before, None),
            _ if flight.class.flags == FlagUse::Reads => (known_before, None),
            // A FETCH that marks what it reads as seen.
            _ if flight.class.flags == FlagUse::Writes => {
                (true, Some(id).filter(|_| explains(&Store::add([Flag::Seen]))))
            }
            _ => (true, None),
        }
    }

    /// A change was told: if it was found by looking back, the server had lost it.
    fn note_found(&mut self, claimer: Option<CommandId>) {
        let own = claimer.and_then(|id| self.inflight.get(&id)).and_then(|f| f.own.as_ref());
        if matches!(own, Some(InternalCommand::Look(_))) {
            self.look.found();
        }
    }

    /// Whether this command asks for what happened before the mailbox was selected.
    fn tells_of_before(&self, claimer: Option<CommandId>) -> bool {
        let own = claimer.and_then(|id| self.inflight.get(&id)).and_then(|f| f.own.as_ref());
        matches!(own, Some(InternalCommand::Changes | InternalCommand::FillFlags(_)))
            && self.selection.as_ref().is_some_and(|s| s.filling.while_disconnected)
    }

    /// A row told a mod-sequence: of a change that nobody asked for, or that a STORE made, it counts towards what is
    /// known up to (RFC 7162 section 6).
    fn seen_mod_seq(&mut self, claimer: Option<CommandId>, mod_seq: Option<ModSeq>) {
        let flight = claimer.and_then(|id| self.inflight.get(&id));
        let change = flight.is_none_or(|f| matches!(f.class.effect, Effect::Store(_)));
        if let Some(selection) = self.selection.as_mut().filter(|_| change) {
            selection.in_step.seen(mod_seq);
        }
    }
}

/// Whether only `\Recent` has come or gone, which is about sessions and not about the message (RFC 3501 section 2.3.2).
pub(in crate::engine) fn differ_by_recent(before: &Flags, now: &Flags) -> bool {
    let (mut before, mut now) = (before.clone(), now.clone());
    before.remove(&Flag::Recent);
    now.remove(&Flag::Recent);
    before == now
}
