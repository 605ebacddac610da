//! Flags after a STORE of which the server says nothing (`.SILENT`), or too little: what it must have made of them, and questions
//! where that can't be told.
//!
//! In: a STORE that has ended. Out: what it changed as events, in the view, or as a FETCH of the engine's own.
//!
//! ```text
//!            ┌─ flags known, untouched meanwhile ──> told at once, with the STORE as cause
//!   OK ──────┼─ not known ─────────────────────────> asked; what differs is told, with the STORE as cause if that explains it
//!            └─ told meanwhile, or being asked ────> asked; nobody is named
//!   NO, a limit ─ some may have been changed ──────> asked
//! ```

use crate::command::{Fetch, Items, Messages, Store};
use crate::engine::Engine;
use crate::engine::schedule::QueuePlace;
use crate::engine::selection::select::Selection;
use crate::engine::submit::internal::{InternalCommand, QueryOutcome};
use crate::types::{
    Code, CommandId, Done, Event, EventKind, IncrementalSet, ModifiedSet, Seq, SeqSet, Uid, UidSet, ViewSync,
};

impl Engine {
    /// A STORE has succeeded. If it was silent, nobody else will say what it changed.
    pub(in crate::engine) fn stored(&mut self, id: CommandId, store: &Store, done: &Done) {
        if !store.is_silent() || self.is_view_off() {
            return;
        }
        if self.inflight.cut_short(id, done).is_some() {
            // Which of them it has changed is not said.
            return self.ask_flags_of(id, store);
        }
        let messages = self.inflight.messages(id).cloned();
        let (Some(messages), Some(selection)) = (messages, self.selected.current_mut()) else { return };
        // Messages that a conditional STORE left alone (RFC 7162 section 3.1.3).
        let left: Vec<ModifiedSet> = done
            .earlier
            .iter()
            .chain([&done.status])
            .filter_map(|status| match &status.code {
                Some(Code::Modified(set)) => Some(set.clone()),
                _ => None,
            })
            .collect();
        let flag_updates = self.inflight.take_flag_updates(id);
        let mut untold = Untold::default();
        // Flags that were told meanwhile may be those from before the change or from after it; and to flags that are being
        // asked, because of an earlier STORE, nothing can be added.
        let mut in_doubt = Untold::default();
        let mut events = Vec::new();
        for seq in selection.which(&messages) {
            let uid = selection.view.uid(seq);
            if left.iter().any(|set| names(set, &messages, seq, uid)) {
                if uid.is_none() {
                    // Others have changed it, and its mod-sequence may have been told meanwhile.
                    selection.view.forget_flags_at(seq);
                }
                continue;
            }
            uid.into_iter().for_each(|uid| selection.in_step.has_flags(uid));
            let exact = store.apply(None).is_some();
            if uid.is_none() && selection.filling.before.is_some() {
                // What they were before hangs on the UID, which comes with the flags.
                untold.add(seq, uid);
                continue;
            }
            if flag_updates.has(seq, uid) || !exact && selection.filling.is_doubtful(uid) {
                in_doubt.add(seq, uid);
                continue;
            }
            let before = selection.view.get(seq).and_then(|entry| entry.flags.clone());
            match store.apply(before.as_ref()) {
                Some(flags) => {
                    if let Some(before) = selection.view.set_flags(seq, flags.clone()) {
                        let kind =
                            EventKind::FlagsChanged { seq: Some(seq), uid, flags, before, mod_seq: None };
                        let place = Some(selection.selection_handle.place.clone());
                        events.push((uid, Event::new(kind).at(place).caused_by(Some(id))));
                    }
                }
                None => untold.add(seq, uid),
            }
        }
        untold.add_unplaced(selection, &messages);
        selection.changed = true;
        for (uid, event) in events {
            self.note_flags(uid);
            self.report(event);
        }
        self.ask_flags(untold, Some((id, store)));
        self.ask_flags(in_doubt, None);
    }

    fn is_view_off(&self) -> bool {
        self.selected.current().is_some_and(|s| s.filling.wanted == ViewSync::Off)
    }

    /// Asks what flags these messages have now.
    pub(in crate::engine) fn ask_flags_of(&mut self, id: CommandId, store: &Store) {
        if self.is_view_off() {
            return;
        }
        let Some(selection) = self.selected.current() else { return };
        let messages = self.inflight.messages(id).unwrap_or(&store.which).clone();
        let mut untold = Untold::default();
        for seq in selection.which(&messages) {
            untold.add(seq, selection.view.uid(seq));
        }
        untold.add_unplaced(selection, &messages);
        self.ask_flags(untold, Some((id, store)));
    }

    /// The server has answered such a question as far as its limit goes, the newest first (RFC 9738 section 3.1): it is asked of
    /// the others.
    pub(in crate::engine) fn ask_flags_below(
        &mut self,
        doing: Option<(CommandId, Box<Store>)>,
        reported: &UidSet,
        asked: &QueryOutcome,
    ) {
        let Some(selection) = self.selected.current_mut() else { return };
        let by_number = matches!(asked.messages, Some(Messages::Seqs(_)));
        let Some(from) = asked.from else {
            // A refusal leaves the doubt.
            if by_number {
                self.defer_flag_query();
            }
            return;
        };
        let mut rest = Untold::default();
        let goes_on = match &asked.messages {
            Some(Messages::Uids(set)) => {
                rest.uids = set.difference(&UidSet::from(from..)).difference(reported);
                rest.uids != *set
            }
            Some(Messages::Seqs(set)) => selection.view.seq(from).is_some_and(|seq| {
                rest.seqs = set.difference(&SeqSet::from(seq..));
                rest.seqs != *set
            }),
            _ => false,
        };
        if !goes_on {
            if by_number {
                self.defer_flag_query();
            }
            return;
        }
        // The new question is another doubt. Which number could not be read is not known: that one remains.
        if !(asked.unread && rest.uids.is_empty()) {
            selection.filling.settle_doubt();
        }
        self.ask_flags(rest, doing.as_ref().map(|(id, store)| (*id, &**store)));
    }

    /// Flags in doubt can't be asked by number, for what was known by number is void, or have been so in vain.
    pub(in crate::engine) fn defer_flag_query(&mut self) {
        if let Some(selection) = self.selected.current_mut() {
            selection.filling.lost += 1;
            self.continue_sync();
        }
    }

    /// All UIDs are known: flags that could not be asked by number are asked by UID.
    pub(in crate::engine) fn retry_flag_query(&mut self) {
        let Some(selection) = self.selected.current_mut().filter(|selection| selection.filling.lost > 0)
        else {
            return;
        };
        for _ in 0..std::mem::take(&mut selection.filling.lost) {
            selection.filling.settle_doubt();
        }
        selection.changed = true;
        let uids = selection.view.take_doubted();
        self.ask_flags(Untold { uids, seqs: SeqSet::new() }, None);
    }

    /// One question for flags that were in doubt has found its answer.
    pub(in crate::engine) fn flags_settled(&mut self) {
        if let Some(selection) = self.selected.current_mut() {
            selection.filling.settle_doubt();
            selection.changed = true;
            self.report_ready();
        }
    }

    fn ask_flags(&mut self, untold: Untold, cause: Option<(CommandId, &Store)>) {
        let Some(selection_handle) = self.selected.current().map(|s| s.selection_handle.clone()) else {
            return;
        };
        for which in [Messages::Uids(untold.uids), Messages::Seqs(untold.seqs)] {
            if !which.is_empty() {
                if let Some(selection) = self.selected.current_mut() {
                    if let Messages::Seqs(seqs) = &which {
                        selection.view.doubt_flags(seqs);
                    }
                    selection.filling.doubt(&which);
                    selection.changed = true;
                }
                let fetch = Fetch::new(which, Items::new().flags());
                let cause = cause.map(|(id, store)| (id, Box::new(store.of_none())));
                let own = InternalCommand::Flags(cause, IncrementalSet::default());
                let (place, handle) = (QueuePlace::BeforeSelectionEnds, selection_handle.clone());
                self.scheduler.push_internal(place, own, fetch, Some(handle));
            }
        }
    }
}

/// Messages whose flags are to be asked, by number where the UID is not known.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Untold {
    uids: UidSet,
    seqs: SeqSet,
}

impl Untold {
    pub(in crate::engine) fn add(&mut self, seq: Seq, uid: Option<Uid>) {
        match uid {
            Some(uid) => self.uids.insert(uid),
            None => self.seqs.insert(seq),
        }
    }

    /// UIDs that the view can't place yet: their messages may be there all the same.
    fn add_unplaced(&mut self, selection: &Selection, messages: &Messages) {
        if let Messages::Uids(set) = messages
            && selection.view.unknown().is_some()
        {
            self.uids.union_with(set);
        }
    }
}

/// Whether a MODIFIED code names this message; its numbers are of the kind that the STORE used.
fn names(set: &ModifiedSet, messages: &Messages, seq: Seq, uid: Option<Uid>) -> bool {
    match (set, messages) {
        (ModifiedSet::Uids(set), _) => uid.is_some_and(|uid| set.contains(uid)),
        (ModifiedSet::Seqs(set), _) => set.contains(seq),
        (ModifiedSet::Numbers(set), Messages::Uids(_) | Messages::Saved(_)) => {
            uid.is_some_and(|uid| set.clone().into_uids().contains(uid))
        }
        (ModifiedSet::Numbers(set), Messages::Seqs(_)) => set.clone().into_seqs().contains(seq),
        (ModifiedSet::Numbers(_), Messages::SnapshotRange(_)) => false,
    }
}
