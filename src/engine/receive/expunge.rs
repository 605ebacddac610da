//! Messages that vanished: expunges reported by UID (RFC 7162 section 3.2.10.2).
//!
//! In: a VANISHED that is not of the past. Out: the removals as events, and to each command what it
//! removed.

use crate::engine::Engine;
use crate::types::{Answer, CommandId, Event, EventKind, Uid, UidSet, Untagged};
use crate::view::Vanished;

impl Engine {
    pub(in crate::engine) fn on_vanished(&mut self, uids: &UidSet, response: Untagged) {
        let Some(selection) = self.selected.current_mut() else {
            self.selected.on_unselected_removal(uids.len());
            return self.on_unselected_data(response);
        };
        let gone = selection.vanished(uids);
        let place = response.place().cloned();
        let causes = if gone.iter().all(|gone| gone.uid.is_some()) {
            // Its owner receives what was expunged, as the events report it: a range may name UIDs
            // that did not exist.
            self.deliver_vanished(gone.iter().filter_map(|gone| gone.uid).collect(), response)
        } else {
            let claimer = self.route_or_discard(response).filter(|id| self.inflight.names_messages(*id));
            claimer.map(|id| (uids.clone(), id)).into_iter().collect()
        };
        let mut by_range: Vec<(Uid, Uid, CommandId)> = Vec::new();
        for (set, id) in &causes {
            by_range.extend(set.ranges().map(|range| (*range.start(), *range.end(), *id)));
        }
        by_range.sort_unstable();
        let cause_of = |uid: Uid| {
            let at = by_range.partition_point(|(first, ..)| *first <= uid).checked_sub(1)?;
            by_range.get(at).filter(|(_, last, _)| uid <= *last).map(|(.., id)| *id)
        };
        if !gone.is_empty() {
            self.on_numbers_shifted();
        }
        let numbers_lost = gone.iter().any(|gone| gone.seq.is_none());
        for Vanished { seq, uid } in gone {
            let cause = match uid {
                Some(uid) => cause_of(uid),
                None => causes.first().map(|(_, id)| *id),
            };
            self.report(Event::new(EventKind::Expunged { seq, uid }).at(place.clone()).caused_by(cause));
        }
        if let Some(selection) = self.selected.current_mut().filter(|_| numbers_lost) {
            // Who follows by number can't tell such a removal from one that a comparison found,
            // which is not counted any more.
            let count = selection.view().len();
            selection.report(EventKind::Exists { count }, &mut self.output);
        }
        self.on_count_changed();
    }

    /// Gives each command that named some of these its part: a server may report in one response
    /// what several of ours removed, and others besides. Returns the cause of each part, where it
    /// is sure.
    fn deliver_vanished(&mut self, uids: UidSet, mut response: Untagged) -> Vec<(UidSet, CommandId)> {
        // All that the server named is not copied for each part.
        *response.answer_mut() = Answer::Vanished { earlier: false, uids: UidSet::new() };
        let piece = |uids: &UidSet| {
            let mut response = response.clone();
            *response.answer_mut() = Answer::Vanished { earlier: false, uids: uids.clone() };
            response
        };
        let (mut parts, mut given) = (Vec::new(), UidSet::new());
        if !self.is_claimed_whole(&piece(&uids)) {
            for part in self.inflight.named_of_removed(&uids) {
                let part = part.difference(&part.intersection(&given));
                if !part.is_empty() && self.is_claimed_whole(&piece(&part)) {
                    part.ranges().for_each(|range| given.insert_range(range));
                    parts.push(part);
                }
            }
        }
        parts.extend(Some(uids.difference(&given)).filter(|rest| !rest.is_empty()));
        let mut causes = Vec::new();
        for part in parts {
            let claimer = self.route_or_discard(piece(&part));
            causes.extend(claimer.filter(|id| self.inflight.names_messages(*id)).map(|id| (part, id)));
        }
        causes
    }
}
