//! Rows: what FETCH reports of a message. The view learns it first; then the row is routed to its
//! command; what it has changed is reported.
//!
//! In: a row, asked for or not. Out: what the view took from it as events, its data to whose it is.

use crate::command::Effect;
use crate::engine::Engine;
use crate::types::{Answer, Event, EventKind, Place, Seq, Uid, Untagged};

impl Engine {
    pub(in crate::engine) fn on_fetch(&mut self, mut response: Untagged) {
        let Answer::Fetch(row) = response.answer_mut() else { return };
        if self.selected.on_qresync_row(row, self.settings.limits.unread) {
            return;
        }
        let Some(selection) = self.selected.current_mut() else { return self.on_unselected_data(response) };
        let learned = selection.learn(row);
        let (exists, data, at) = (selection.view().len(), row.has_data(), (row.seq(), row.uid()));
        let (flags, mod_seq) = (row.flags().cloned(), row.mod_seq());
        if learned.contradiction {
            return self.on_contradictory_row(response, at, exists);
        }
        if learned.grown && self.is_too_large(exists) {
            return;
        }
        let (seq, uid) = at;
        let place = response.place().filter(|_| data).cloned();
        if let (Answer::Fetch(row), Some(selection)) = (response.answer(), self.selected.current_mut()) {
            selection.report_learned(&learned, row, &mut self.output);
        }
        if let Some(seq) = seq.filter(|_| flags.is_some()) {
            self.inflight.note_flag_update(seq, uid);
        } else if learned.ahead
            && let Some(selection) = self.selected.current_mut()
        {
            let marks_as_seen = || self.inflight.marks_as_seen(seq, uid);
            selection.mark_behind(at, mod_seq, marks_as_seen, self.inflight.has_silent_change(None));
        }
        let (claimer, back) = self.route(response);
        let effect = claimer.and_then(|id| self.inflight.effect(id));
        if matches!(effect, Some(Effect::Store(_)) | None)
            && let Some(selection) = self.selected.current_mut()
        {
            selection.note_mod_seq(mod_seq);
        }
        if let (Some(before), Some(flags), None) = (learned.flags, flags, learned.arrived)
            && let Some(selection) = self.selected.current_mut()
        {
            let was_there = || selection.was_there(uid);
            let change = self.inflight.flag_change(claimer, uid, before.as_ref(), &flags, was_there);
            if change.report {
                let kind = EventKind::FlagsChanged { seq, uid, flags, before, mod_seq };
                let event = Event::new(kind).caused_by(change.cause);
                selection.report_flags(event, change.caught_up, &mut self.output);
            }
            if change.report && change.looked_back {
                self.selected.note_lost_change();
            }
        }
        self.report_row_data(back.filter(|_| data), place);
        if learned.grown {
            self.on_count_changed();
        }
    }

    /// What the row says of the message can't be true.
    fn on_contradictory_row(
        &mut self,
        response: Untagged,
        (seq, uid): (Option<Seq>, Option<Uid>),
        exists: u32,
    ) {
        let (seq, uid) = (seq.map_or(0, Seq::get), uid.map_or(0, Uid::get));
        let what = format!("FETCH of message {seq} with UID {uid}, which it can't have");
        let Answer::Fetch(row) = response.answer() else { return };
        let (data, place) = (row.has_data(), response.place().cloned());
        let (_, back) = self.route(response);
        self.report_row_data(back.filter(|_| data), place);
        self.resync(what, exists, None);
    }

    /// Data that no command has asked for.
    fn report_row_data(&mut self, back: Option<Untagged>, place: Option<Place>) {
        if let Some(back) = back {
            self.report(Event::new(EventKind::Data(back.into_answer())).at(place));
        }
    }
}
