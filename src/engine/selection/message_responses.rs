//! Responses about messages: the view learns them (`View::learn` finds rows that contradict it),
//! then they are routed, then what they have changed is reported.
//!
//! In: FETCH, EXISTS, RECENT, EXPUNGE, VANISHED, asked for or not. Out: what the view took from
//! them as events; to each command what it asked for; and what they lead to beyond the selection.

use super::{Now, Selected, Selection};
use crate::command::Effect;
use crate::engine::events::Output;
use crate::engine::inflight::{InFlight, Routed, vanished};
use crate::types::{
    Answer, CommandId, Event, EventKind, Flag, Limits, Message, Seq, Uid, UidSet, UidValidity, Untagged,
};
use crate::view::{FetchUpdate, Vanished};

/// What a response about messages leads to, beyond what the selection sees to itself.
#[must_use]
pub(crate) enum Outcome {
    Nothing,
    /// No mailbox is selected here: it is data like any other.
    Data(Box<Untagged>),
    /// Messages have arrived or were removed: what the view lacks may be another.
    CountChanged {
        /// Sequence numbers stand for other messages now.
        numbers_shifted: bool,
    },
    /// The response contradicts the view, or UIDVALIDITY has changed: the view is thrown away and
    /// queried again.
    Contradiction {
        what: String,
        exists: u32,
        uid_validity: Option<UidValidity>,
    },
    /// The mailbox has more messages than the limit allows.
    TooMany(u32),
}

/// Where responses go: to the commands in flight, and what they change to the events.
pub(crate) struct Targets<'a> {
    pub(crate) inflight: &'a mut InFlight,
    pub(crate) out: &'a mut Output,
    pub(crate) limits: &'a Limits,
}

impl Outcome {
    pub(super) fn contradiction(what: String, exists: u32) -> Self {
        Self::Contradiction { what, exists, uid_validity: None }
    }
}

impl Selected {
    /// Gives a response to the command that claims it.
    pub(crate) fn route(&mut self, response: Untagged, to: &mut Targets<'_>) -> Routed {
        let view = match &self.now {
            Now::Open(selection) => Some(&selection.view),
            _ => None,
        };
        let next = &mut self.next;
        to.inflight.route(response, view, to.limits, |claimer, response| {
            if let Some(opening) = next.as_mut().filter(|opening| opening.id == claimer) {
                opening.on_data(response);
                response.set_place(Some(opening.handle.shared_place()));
            }
        })
    }

    /// Reports a piece of a detached command's result; if there is no room for it, that ends there.
    pub(crate) fn report_row(&mut self, id: CommandId, event: Event, to: &mut Targets<'_>) {
        self.publish();
        if !to.out.report_row(event) {
            to.inflight.overrun(id, to.limits);
        }
    }

    /// Gives a response about messages to the command that claims it. Returns that command, or else
    /// the response.
    fn claim(&mut self, response: Untagged, to: &mut Targets<'_>) -> (Option<CommandId>, Option<Untagged>) {
        match self.route(response, to) {
            Routed::Unclaimed(back) => (None, Some(back)),
            Routed::Claimed(id) => (Some(id), None),
            Routed::Detached(id, event) => {
                self.report_row(id, event, to);
                (Some(id), None)
            }
        }
    }

    /// A response about messages.
    pub(crate) fn on_messages(&mut self, mut response: Untagged, to: &mut Targets<'_>) -> Outcome {
        match response.answer_mut() {
            Answer::Fetch(row) if self.is_qresync_row(row) => {
                self.next.iter_mut().for_each(|opening| opening.qresync.row(row, to.limits.unread));
                Outcome::Nothing
            }
            Answer::Fetch(_) => self.on_row(response, to),
            Answer::Exists(count) => {
                let count = *count;
                self.on_exists(count, response, to)
            }
            Answer::Expunge { seq, .. } => {
                let seq = *seq;
                self.on_expunge(seq, response, to)
            }
            // It never moves numbers (RFC 7162 section 3.2.10.1).
            Answer::Vanished { earlier: true, uids } => match self.on_vanished_earlier(uids) {
                true => Outcome::Nothing,
                false => Outcome::Data(Box::new(response)),
            },
            Answer::Vanished { uids, .. } => {
                let uids = std::mem::take(uids);
                self.on_vanished(uids, response, to)
            }
            // RECENT is of use with SELECT only: the recent flag of a message is among its flags.
            _ => {
                self.claim(response, to);
                Outcome::Nothing
            }
        }
    }

    /// So many messages are gone, and no mailbox is selected here: if one is being opened, it is of
    /// that one.
    fn on_unselected_removal(&mut self, by: u64) {
        if !self.is_orphaned() {
            self.next.iter_mut().for_each(|opening| opening.on_removed(by));
        }
    }

    /// Whether a row is of a mailbox that is being opened by QRESYNC: of a change since the state
    /// that SELECT was given.
    fn is_qresync_row(&self, row: &Message) -> bool {
        self.next.is_some() && self.is_qresync_data() && !row.has_data()
    }

    /// `VANISHED (EARLIER)`. Whether it was of a mailbox that is being opened.
    fn on_vanished_earlier(&mut self, uids: &UidSet) -> bool {
        let of_it = self.is_qresync_data();
        if let Some(opening) = self.next.as_mut().filter(|_| of_it)
            && let Some(state) = opening.handle.resume()
        {
            opening.qresync.vanished(uids, &state.uids);
        }
        of_it
    }

    /// Whether what is reported of messages is of the mailbox that is being opened by QRESYNC: a
    /// server that has it says `[CLOSED]` first (RFC 7162 section 3.2.11); where it does not, the
    /// UIDVALIDITY shows that it means the new one.
    fn is_qresync_data(&self) -> bool {
        let Some(opening) = self.next.as_ref().filter(|opening| opening.qresync.asked) else { return false };
        !self.may_be_selected() || opening.uid_validity().is_some()
    }

    /// A change of messages while no mailbox is selected here. After BAD to a SELECT the server may
    /// still report the mailbox before, which has no handle any more; else it is data like any
    /// other.
    fn unselected(&self, response: Untagged) -> Outcome {
        if self.is_orphaned() { Outcome::Nothing } else { Outcome::Data(Box::new(response)) }
    }

    /// A row of FETCH.
    fn on_row(&mut self, mut response: Untagged, to: &mut Targets<'_>) -> Outcome {
        let (Answer::Fetch(row), Now::Open(selection)) = (response.answer_mut(), &mut self.now) else {
            return self.unselected(response);
        };
        let learned = selection.learn(row);
        let exists = selection.view.len();
        if learned.grown && !learned.contradiction && exists > to.limits.messages {
            return Outcome::TooMany(exists);
        }
        let (seq, uid) = (row.seq(), row.uid());
        let (flags, mod_seq) = (row.flags().cloned(), row.mod_seq());
        let is_data = row.has_data();
        if !learned.contradiction {
            selection.report_learned(&learned, row, to.out);
            if let Some(seq) = seq.filter(|_| flags.is_some()) {
                to.inflight.note_flag_update(seq, uid);
            } else if learned.ahead {
                let marks_as_seen = || to.inflight.marks_as_seen(seq, uid);
                let held = to.inflight.has_silent_change(None);
                selection.mark_behind((seq, uid), mod_seq, marks_as_seen, held);
            }
        }
        let (claimer, back) = self.claim(response, to);
        if let (Now::Open(selection), false) = (&mut self.now, learned.contradiction) {
            // It counts only if it is surely no answer to a FETCH (RFC 7162 section 6): flags that
            // came unasked may have been taken for that.
            let counts = match claimer {
                Some(id) => matches!(to.inflight.effect(id), Some(Effect::Store(_)) | None),
                None => mod_seq.is_some() && !to.inflight.may_ask_for_mod_seq((seq, uid), flags.is_some()),
            };
            if counts {
                selection.note_mod_seq(mod_seq);
            }
            if let (Some(before), Some(flags), None) = (learned.flags, flags, learned.arrived) {
                let was_there = || selection.was_there(uid);
                let change = to.inflight.flag_change(claimer, uid, before.as_ref(), &flags, was_there);
                if change.report {
                    let kind = EventKind::FlagsChanged { seq, uid, flags, before, mod_seq };
                    let event = Event::new(kind).caused_by(change.cause);
                    selection.report_flags(event, change.caught_up, to.out);
                }
                if change.report && change.looked_back {
                    self.look_back.found();
                }
            }
        }
        if let Some(back) = back.filter(|_| is_data) {
            let place = back.place().cloned();
            self.report(Event::new(EventKind::Data(back.into_answer())).at(place), to.out);
        }
        if learned.contradiction {
            let (seq, uid) = (seq.map_or(0, Seq::get), uid.map_or(0, Uid::get));
            let what = format!("FETCH of message {seq} with UID {uid}, which it can't have");
            Outcome::contradiction(what, exists)
        } else if learned.grown {
            Outcome::CountChanged { numbers_shifted: false }
        } else {
            Outcome::Nothing
        }
    }

    fn on_exists(&mut self, count: u32, response: Untagged, to: &mut Targets<'_>) -> Outcome {
        if self.is_opening() {
            self.next.iter_mut().for_each(|opening| opening.on_data(&response));
            self.claim(response, to);
            return Outcome::Nothing;
        }
        if count > to.limits.messages {
            return Outcome::TooMany(count);
        }
        let Now::Open(selection) = &mut self.now else { return self.unselected(response) };
        let Ok(grown) = selection.view.exists(count) else {
            let what = format!("{count} EXISTS, and {} messages are known", selection.view.len());
            return Outcome::contradiction(what, count);
        };
        selection.unpublished |= grown;
        self.claim(response, to);
        if !grown {
            return Outcome::Nothing;
        }
        self.report(Event::new(EventKind::Exists { count }).at(self.place()), to.out);
        Outcome::CountChanged { numbers_shifted: false }
    }

    fn on_expunge(&mut self, seq: Seq, mut response: Untagged, to: &mut Targets<'_>) -> Outcome {
        let Now::Open(selection) = &mut self.now else {
            self.on_unselected_removal(1);
            return self.unselected(response);
        };
        let Ok(entry) = selection.view.expunge(seq) else {
            let exists = selection.view.len();
            return Outcome::contradiction(format!("{seq} EXPUNGE, and {exists} messages are known"), exists);
        };
        selection.unpublished = true;
        selection.note_removal(entry.uid);
        let uid = entry.uid;
        let was_deleted = entry.flags.as_ref().is_some_and(|flags| flags.contains(&Flag::Deleted));
        *response.answer_mut() = Answer::Expunge { seq, uid };
        let (claimer, _) = self.claim(response, to);
        let is_sure = |id: &CommandId| uid.is_some() && (was_deleted || to.inflight.names_messages(*id));
        let kind = EventKind::Expunged { seq: Some(seq), uid };
        self.report(Event::new(kind).at(self.place()).caused_by(claimer.filter(is_sure)), to.out);
        Outcome::CountChanged { numbers_shifted: true }
    }

    /// VANISHED, which names these (RFC 7162 section 3.2.10.2).
    fn on_vanished(&mut self, uids: UidSet, mut response: Untagged, to: &mut Targets<'_>) -> Outcome {
        let Now::Open(selection) = &mut self.now else {
            self.on_unselected_removal(uids.len());
            *response.answer_mut() = Answer::Vanished { earlier: false, uids };
            return self.unselected(response);
        };
        let gone = selection.vanished(&uids);
        // Its owner receives what was expunged, as the events report it: a range may name UIDs that
        // did not exist.
        let parts = match gone.iter().map(|gone| gone.uid).collect::<Option<UidSet>>() {
            Some(known) => to.inflight.parts_of_removed(known, self.view(), &response),
            None => vec![uids],
        };
        let mut causes = Vec::new();
        for part in parts {
            let (claimer, _) = self.claim(vanished(&response, &part), to);
            causes.extend(claimer.filter(|id| to.inflight.names_messages(*id)).map(|id| (part, id)));
        }
        self.report_vanished(&gone, &causes, to.out);
        let numbers_shifted = !gone.is_empty();
        Outcome::CountChanged { numbers_shifted }
    }

    /// Reports removals, each with its cause where that is sure.
    fn report_vanished(&mut self, gone: &[Vanished], causes: &[(UidSet, CommandId)], out: &mut Output) {
        let ranges = causes.iter().flat_map(|(set, id)| set.ranges().map(|r| (*r.start(), *r.end(), *id)));
        let mut by_range: Vec<(Uid, Uid, CommandId)> = ranges.collect();
        by_range.sort_unstable();
        let cause_of = |uid: Uid| {
            let at = by_range.partition_point(|(first, ..)| *first <= uid).checked_sub(1)?;
            by_range.get(at).filter(|(_, last, _)| uid <= *last).map(|(.., id)| *id)
        };
        let Now::Open(selection) = &mut self.now else { return };
        for Vanished { seq, uid } in gone.iter().copied() {
            let cause = uid.map_or_else(|| causes.first().map(|(_, id)| *id), cause_of);
            selection.report_event(Event::new(EventKind::Expunged { seq, uid }).caused_by(cause), out);
        }
        if gone.iter().any(|gone| gone.seq.is_none()) {
            // Who follows by number can't tell such a removal from one that a comparison found,
            // which is not counted any more.
            selection.report(EventKind::Exists { count: selection.view.len() }, out);
        }
    }
}

impl Selection {
    /// A row of FETCH. It gets the number and the UID that it lacks, unless it contradicts the
    /// view.
    fn learn(&mut self, row: &mut Message) -> FetchUpdate {
        let mut learned = self.view.learn(row);
        self.unpublished = true;
        if learned.contradiction {
            return learned;
        }
        let seq = row.seq().or_else(|| self.view.seq(row.uid()?));
        if seq.is_none() && row.uid().and(row.flags()).is_some() && self.view.unknown().is_some() {
            // A row without a number (RFC 9586 section 3) of a message that has no place yet: there
            // is nothing to compare its flags with, so they are a change.
            learned.flags.get_or_insert(None);
        }
        row.uid = row.uid().or_else(|| self.view.uid(seq?));
        row.seq = seq;
        learned
    }

    /// Reports what such a row has added.
    fn report_learned(&mut self, learned: &FetchUpdate, row: &Message, out: &mut Output) {
        if learned.grown {
            self.report(EventKind::Exists { count: self.view.len() }, out);
        }
        if let Some(uid) = learned.arrived {
            self.sync.note_arrival(uid);
            self.report(EventKind::Arrived { seq: row.seq(), uid, flags: row.flags().cloned() }, out);
        }
        if let (Some(_), Some(uid), Some(_)) = (row.seq(), row.uid(), row.flags()) {
            self.mod_seqs.has_flags(uid);
        }
    }

    /// VANISHED, which names these.
    fn vanished(&mut self, uids: &UidSet) -> Vec<Vanished> {
        let gone = self.view.vanished(uids);
        self.unpublished = true;
        gone.iter().for_each(|gone| self.note_removal(gone.uid));
        if gone.iter().any(|gone| gone.seq.is_none()) {
            // What was reported by number of flags is dropped: those of before may be older than
            // that.
            self.sync.compare_flags();
        }
        gone
    }

    /// The removal of this message was reported: it did not happen unseen before.
    fn note_removal(&mut self, uid: Option<Uid>) {
        if let Some(uid) = uid {
            self.mod_seqs.has_flags(uid);
            self.sync.note_removal(uid);
        }
    }

    /// Removals are no longer needed: no command waits that was submitted before one.
    pub(crate) fn forget_removals(&mut self) {
        self.view.forget_removals();
    }

    /// Messages that have arrived, and whose UIDs are known now.
    pub(super) fn report_arrivals(&mut self, out: &mut Output) {
        for (seq, uid, flags) in self.view.take_fresh() {
            self.sync.note_arrival(uid);
            self.report(EventKind::Arrived { seq: Some(seq), uid, flags }, out);
        }
    }
}
