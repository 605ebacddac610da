//! Rows: what FETCH tells of a message. The view learns it first; then the row goes to its command; what it changed is told.
//!
//! In: a row, asked for or not. Out: what the view took from it as events, its data to whose it is.

use crate::command::Effect;
use crate::engine::Engine;
use crate::engine::inflight::flag_updates::FlagChange;
use crate::engine::submit::internal::InternalCommand;
use crate::types::{Answer, Event, EventKind, Seq, Uid, Untagged};

impl Engine {
    pub(in crate::engine) fn on_fetch(&mut self, mut response: Untagged) {
        let Answer::Fetch(row) = response.answer() else { return };
        if self.hear_row_of_opening(row) {
            return;
        }
        let Some(selection) = self.selected.current_mut() else { return self.on_unselected_data(response) };
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
            (Some(seq), _) if flags.is_some() => {
                if let Some((selection, uid)) = self.selected.current_mut().zip(uid) {
                    selection.in_step.has_flags(uid);
                }
                self.inflight.note_flag_update(seq, uid);
            }
            _ if learned.ahead => self.mark_behind(seq, uid, mod_seq),
            _ => {}
        }
        let (claimer, back) = self.route(response);
        let of_change =
            claimer.is_none_or(|id| matches!(self.inflight.effect(id), Some(Effect::Store(_)) | None));
        if let Some(selection) = self.selected.current_mut().filter(|_| of_change) {
            // It counts towards what is known up to (RFC 7162 section 6).
            selection.in_step.seen(mod_seq);
        }
        if let (Some(before), Some(flags), None) = (learned.flags, flags, learned.arrived) {
            let was_there = || self.was_there(uid);
            let FlagChange { report, cause } =
                self.inflight.flag_change(claimer, uid, before.as_ref(), &flags, was_there);
            let asker = claimer.and_then(|id| self.inflight.internal(id));
            let looked = matches!(asker, Some(InternalCommand::Look(_)));
            let while_disconnected =
                matches!(asker, Some(InternalCommand::Changes | InternalCommand::FillFlags(_)))
                    && self.selected.current().is_some_and(|s| s.filling.while_disconnected);
            if report
                && !(while_disconnected
                    && before.as_ref().is_some_and(|before| before.is_same_but_recent(&flags)))
            {
                if looked {
                    // The server had not reported it.
                    self.selected.note_lost_change();
                }
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
}
