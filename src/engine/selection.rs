//! The selection: which mailbox is selected, its view, and how a selection begins and ends.
//!
//! ```text
//!            SELECT sent          OK                  [CLOSED], OK of the next,
//!   nothing ────────────> opening ──> open ── CLOSE, UNSELECT, NO to the next ──> ended
//!                            └── NO, BAD ──> ended
//! ```

use std::sync::Arc;

use super::Engine;
use super::own::Own;
use super::shared::Seat;
use crate::command::{Fetch, Items, Messages, Search};
use crate::error::ErrorKind;
use crate::types::{
    Answer, CloseReason, Code, CommandId, Done, Event, EventKind, ModSeq, Place, Seq, SeqSet, Uid, UidSet,
    UidValidity, Untagged,
};
use crate::view::View;

/// The mailbox that is selected.
pub(super) struct Selection {
    pub(super) seat: Arc<Seat>,
    pub(super) view: View,
    pub(super) uid_validity: Option<UidValidity>,
    /// How often the server has said what can't be true.
    contradictions: u32,
    /// How often in a row asking for unknown UIDs brought none.
    fruitless: u8,
}

/// A mailbox whose SELECT has not been answered, and what was told of it.
pub(super) struct Opening {
    pub(super) id: CommandId,
    pub(super) seat: Arc<Seat>,
    read_only: bool,
    told: Told,
}

#[derive(Default)]
struct Told {
    exists: u32,
    uid_validity: Option<UidValidity>,
    uid_next: Option<Uid>,
    highest_mod_seq: Option<ModSeq>,
}

/// How often a server may contradict itself in one selection; each time all is asked anew.
const MOST_CONTRADICTIONS: u32 = 20;

/// How often unknown UIDs are asked for without any becoming known.
const MOST_FRUITLESS: u8 = 2;

impl Selection {
    /// The numbers of these messages, of those that are there.
    pub(super) fn which(&self, messages: &Messages) -> Vec<Seq> {
        let len = self.view.len();
        let all: SeqSet = match (Seq::new(1), Seq::new(len)) {
            (Some(first), Some(last)) => (first..=last).into(),
            _ => return Vec::new(),
        };
        match messages {
            Messages::Seqs(set) if set.is_open() => {
                let mut set = set.clone();
                set.extend(Seq::new(len));
                set.intersection(&all).iter().collect()
            }
            Messages::Seqs(set) => set.intersection(&all).iter().collect(),
            Messages::Uids(set) if set.len() <= u64::from(len) => {
                set.iter().filter_map(|uid| self.view.seq(uid)).collect()
            }
            Messages::Uids(set) => {
                let last = Seq::new(len);
                let names = |seq: &Seq| {
                    self.view
                        .uid(*seq)
                        .is_some_and(|uid| set.contains(uid) || set.names_last() && Some(*seq) == last)
                };
                all.iter().filter(names).collect()
            }
        }
    }

    /// Makes what is known now known to the handles.
    pub(super) fn publish(&self) {
        let (exists, removed) = (self.view.len(), self.view.removed());
        let uid_validity = self.uid_validity;
        self.seat.update(|p| {
            p.exists = exists;
            p.removed = removed;
            p.uid_validity = uid_validity;
        });
    }
}

impl Engine {
    /// The SELECT has been written (or is about to be).
    pub(super) fn begin_opening(&mut self, id: CommandId, seat: Arc<Seat>, read_only: bool) {
        self.opening = Some(Opening { id, seat, read_only, told: Told::default() });
    }

    /// What the server tells of the mailbox that is being opened.
    pub(super) fn hear_opening(&mut self, heard: &Untagged) {
        let Some(Opening { told, .. }) = &mut self.opening else { return };
        match heard.answer() {
            Answer::Exists(count) => told.exists = *count,
            Answer::Status(status) => match &status.code {
                Some(Code::UidValidity(era)) => told.uid_validity = *era,
                Some(Code::UidNext(uid)) => told.uid_next = *uid,
                Some(Code::HighestModSeq(mod_seq)) => told.highest_mod_seq = *mod_seq,
                _ => {}
            },
            _ => {}
        }
    }

    /// `[CLOSED]`: what came until now was of the mailbox before (RFC 7162 section 3.2.11).
    pub(super) fn selection_closed(&mut self) {
        if let Some(opening) = &mut self.opening {
            opening.told = Told::default();
        }
        self.stray_selection = false;
        self.end_selection(None);
    }

    pub(super) fn end_selection(&mut self, cause: Option<CommandId>) {
        let Some(selection) = self.selection.take() else { return };
        selection.seat.update(|p| p.ended = true);
        self.forget_own(selection.seat.id);
        let place = Some(selection.seat.place.clone());
        self.tell(Event::new(EventKind::SelectionEnded).at(place).caused_by(cause));
    }

    /// The SELECT was refused. After NO nothing is selected (RFC 9051 section 6.3.2); after BAD the mailbox
    /// before may still be, but its handles are dead all the same.
    pub(super) fn opening_failed(&mut self, why: ErrorKind) {
        let Some(opening) = self.opening.take() else { return };
        opening.seat.update(|p| p.ended = true);
        self.stray_selection = match why {
            ErrorKind::No => false,
            ErrorKind::Bad => self.selection.is_some() || self.stray_selection,
            // Its answer could not be read: it may have succeeded.
            _ => true,
        };
        self.end_selection(Some(opening.id));
    }

    /// The SELECT has succeeded.
    pub(super) fn opened(&mut self, id: CommandId, done: &Done) {
        // Before it is taken out, so that its handles are told of the end, too.
        let exists = self.opening.as_ref().map_or(0, |opening| opening.told.exists);
        if self.is_too_large(exists) {
            return;
        }
        let Some(Opening { seat, read_only, told, .. }) = self.opening.take() else { return };
        self.end_selection(Some(id));
        self.stray_selection = false;
        let read_only = match done.status.code {
            Some(Code::ReadOnly) => true,
            Some(Code::ReadWrite) => false,
            _ => read_only,
        };
        let Told { exists, uid_validity, uid_next, highest_mod_seq } = told;
        let view = View::opened(exists);
        let selection = Selection { seat: seat.clone(), view, uid_validity, contradictions: 0, fruitless: 0 };
        // Its size first: a number that is submitted meanwhile means nothing without it.
        selection.publish();
        seat.update(|p| {
            p.opened = true;
            p.read_only = read_only;
            p.uid_next = uid_next;
            p.highest_mod_seq = highest_mod_seq;
        });
        self.selection = Some(selection);
        let kind = EventKind::Opened { exists, uid_validity, uid_next, highest_mod_seq, read_only };
        self.tell(Event::new(kind).at(Some(seat.place.clone())).caused_by(Some(id)));
        self.fill();
    }

    /// Asks for the UIDs of all messages.
    pub(super) fn fill(&mut self) {
        let Some(selection) = &self.selection else { return };
        if selection.view.len() > 0 && !self.has_own(|own| matches!(own, Own::Fill(_))) {
            let seat = selection.seat.clone();
            self.queue_own(Own::Fill(UidSet::new()), Search::all(), Some(seat));
        }
    }

    /// Asks for the UIDs that are not known, from the first such message on.
    pub(super) fn learn_unknown(&mut self) {
        let pending = |own: &Own| matches!(own, Own::Fill(_) | Own::Learn);
        if self.has_own(pending) {
            // Its end will look again.
            return;
        }
        let Some(selection) = &self.selection else { return };
        let Some((first, _)) = selection.view.unknown() else { return };
        let from = selection.view.uid_before(first).map_or(1, |uid| uid.get().saturating_add(1));
        let (Some(from), seat) = (Uid::new(from), selection.seat.clone()) else { return };
        self.queue_own(Own::Learn, Fetch::new(from.., Items::new().flags()), Some(seat));
    }

    /// One of the engine's own commands has ended.
    pub(super) fn own_ended(&mut self, own: Own, seat: Option<&Seat>, generation: u64, ok: bool) {
        let Some(selection) = &mut self.selection else { return };
        if seat.is_some_and(|seat| seat.id != selection.seat.id) {
            // What it heard is of another selection.
            return;
        }
        match own {
            Own::Fill(uids) => {
                // Taken only if it speaks of the mailbox as it is: nothing came or went in between.
                let fresh = generation == selection.view.generation();
                if ok && fresh && selection.view.fill(&uids).is_ok() {
                    selection.fruitless = 0;
                    let place = Some(selection.seat.place.clone());
                    let arrived = selection.view.take_fresh();
                    for (seq, uid, flags) in arrived {
                        let kind = EventKind::Arrived { seq: Some(seq), uid, flags };
                        self.tell(Event::new(kind).at(place.clone()));
                    }
                } else {
                    self.learn_unknown();
                }
            }
            Own::Learn => {
                let stuck = generation == selection.view.generation() && selection.view.unknown().is_some();
                selection.fruitless = if stuck || !ok { selection.fruitless + 1 } else { 0 };
                if selection.fruitless < MOST_FRUITLESS {
                    self.learn_unknown();
                }
            }
            Own::Flags(_) | Own::Idle | Own::Poll | Own::Logout => {}
        }
    }

    /// The mailbox grew: who came?
    pub(super) fn grown(&mut self) {
        if let Some(selection) = &mut self.selection {
            selection.fruitless = 0;
        }
        self.learn_unknown();
    }

    /// The server has said what can't be true. What is known is thrown away, and asked for anew.
    pub(super) fn contradicted(&mut self, what: String, exists: u32) {
        if self.opening.is_some() {
            // The next SELECT is on its way, and without `[CLOSED]` an EXISTS of this mailbox may have been taken for the next
            // one's. This selection ends with the answer.
            return;
        }
        let Some(selection) = &mut self.selection else { return };
        selection.contradictions += 1;
        if selection.contradictions > MOST_CONTRADICTIONS {
            return self
                .close(CloseReason::Protocol(format!("it contradicts itself again and again: {what}")));
        }
        tracing::warn!(mailbox = %selection.seat.place.mailbox, what, "the server contradicts itself");
        let removed = selection.view.removed();
        selection.view = View::reopened(exists, removed, selection.view.generation());
        selection.publish();
        let place = Some(selection.seat.place.clone());
        self.tell(Event::new(EventKind::Contradiction { what }).at(place.clone()));
        self.tell(Event::new(EventKind::Exists { count: exists }).at(place));
        self.fill();
    }

    /// The mailbox that untagged data is about which names none.
    pub(super) fn place(&self) -> Option<Place> {
        let open = self.selection.as_ref().map(|s| &s.seat);
        open.or(self.opening.as_ref().map(|o| &o.seat)).map(|seat| seat.place.clone())
    }
}
