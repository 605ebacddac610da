//! Flags after a STORE of which the server says nothing (`.SILENT`), or too little: what it must
//! have made of them, and queries where that is not known.
//!
//! In: a STORE that has ended. Out: what it changed as events, in the view, or as a FETCH of the
//! engine's own.
//!
//! ```text
//!            ┌─ flags known, untouched meanwhile ────> reported at once, with the STORE as cause
//!   OK ──────┼─ not known ───────────────────────────> asked; what differs is reported, with the STORE as cause
//!            │                                         if that explains it
//!            └─ reported meanwhile, or being asked ──> asked; no cause is named
//!   NO, a limit ─ some may have been changed ────────> asked
//! ```

use super::{Selected, Selection};
use crate::command::{Fetch, Items, Messages, Store};
use crate::engine::events::Output;
use crate::engine::inflight::InFlight;
use crate::engine::submit::{InternalCommand, InternalRequest, Query, QueryFacts, QueuePlace};
use crate::types::{
    Code, CommandId, Done, Event, EventKind, IncrementalSet, ModifiedSet, Seq, SeqSet, StatusResponse, Uid,
    UidSet,
};

impl Selected {
    /// A STORE has succeeded. If it was silent, no response says what it changed.
    pub(crate) fn on_stored(
        &mut self,
        id: CommandId,
        store: &Store,
        done: &Done,
        inflight: &mut InFlight,
        out: &mut Output,
    ) {
        if !store.is_silent() {
            return;
        }
        if inflight.cut_short(id, done).is_some() {
            // Which of them it has changed is not known.
            return self.ask_flags_of(id, store, inflight);
        }
        let updates = inflight.take_flag_updates(id);
        let open = self.current_mut().filter(|open| !open.is_view_off());
        if let (Some(messages), Some(selection)) = (inflight.messages(id), open) {
            selection.on_stored(
                (id, store),
                messages,
                done,
                |seq, uid| updates.contains(Some(seq), uid),
                out,
            );
        }
    }

    /// A STORE may have changed some of its messages: asks what flags they have now.
    pub(crate) fn ask_flags_of(&mut self, id: CommandId, store: &Store, inflight: &InFlight) {
        if let Some(selection) = self.current_mut().filter(|open| !open.is_view_off()) {
            selection.ask_flags_of(id, store, inflight.messages(id).unwrap_or(&store.which));
        }
    }

    /// What flags messages have after a STORE was not asked: no message that the query names is
    /// there any more, or the numbers in it mean nothing. Then it is sent once all UIDs are known.
    pub(crate) fn on_unsent_verification(&mut self, nothing_left: bool, out: &mut Output) {
        let Some(open) = self.current_mut() else { return };
        if nothing_left {
            open.sync.settle_doubt();
            open.unpublished = true;
            open.report_ready(out);
        } else {
            open.sync.deferred_doubts += 1;
        }
    }
}

impl Selection {
    /// A silent STORE of these messages has succeeded: no response says what it changed. `touched`:
    /// the server has reported the flags of this message while it was in flight.
    fn on_stored(
        &mut self,
        (id, store): (CommandId, &Store),
        messages: &Messages,
        done: &Done,
        touched: impl Fn(Seq, Option<Uid>) -> bool,
        out: &mut Output,
    ) {
        // Messages that a conditional STORE left alone (RFC 7162 section 3.1.3).
        let left: Vec<_> = done.earlier.iter().chain([&done.status]).filter_map(modified).collect();
        let mut unknown = Unknown::default();
        // Flags that were reported meanwhile may be those from before the change or from after it;
        // and to flags that are being asked, because of an earlier STORE, nothing can be added.
        let mut in_doubt = Unknown::default();
        let mut changes = Vec::new();
        for seq in self.seqs_of(messages) {
            let uid = self.view.uid(seq);
            if left.iter().any(|set| names(set, messages, seq, uid)) {
                if uid.is_none() {
                    // Others have changed it, and its mod-sequence may have been reported
                    // meanwhile.
                    self.view.forget_flags_at(seq);
                }
                continue;
            }
            uid.into_iter().for_each(|uid| self.mod_seqs.has_flags(uid));
            let exact = store.apply(None).is_some();
            if uid.is_none() && self.sync.has_prior() {
                // What they were before depends on the UID, which is reported with the flags.
                unknown.add(seq, uid);
                continue;
            }
            if touched(seq, uid) || !exact && self.sync.is_doubtful(uid) {
                in_doubt.add(seq, uid);
                continue;
            }
            let before = self.view.get(seq).and_then(|entry| entry.flags.clone());
            let Some(flags) = store.apply(before.as_ref()) else {
                unknown.add(seq, uid);
                continue;
            };
            if let Some(before) = self.view.set_flags(seq, flags.clone()) {
                let seq = Some(seq);
                changes.push((uid, EventKind::FlagsChanged { seq, uid, flags, before, mod_seq: None }));
            }
        }
        self.add_unplaced(&mut unknown, messages);
        self.unpublished = true;
        for (uid, kind) in changes {
            self.sync.note_flags(uid);
            self.report_event(Event::new(kind).caused_by(Some(id)), out);
        }
        self.ask_flags(unknown, Some((id, store)));
        self.ask_flags(in_doubt, None);
    }

    /// A STORE may have changed some of these messages: asks what flags they have now.
    fn ask_flags_of(&mut self, id: CommandId, store: &Store, messages: &Messages) {
        let mut unknown = Unknown::default();
        for seq in self.seqs_of(messages) {
            unknown.add(seq, self.view.uid(seq));
        }
        self.add_unplaced(&mut unknown, messages);
        self.ask_flags(unknown, Some((id, store)));
    }

    /// UIDs that have no place in the view yet: their messages may be there all the same.
    fn add_unplaced(&self, unknown: &mut Unknown, messages: &Messages) {
        if let Messages::Uids(set) = messages
            && self.view.unknown().is_some()
        {
            unknown.uids.union_with(set);
        }
    }

    /// The server has answered such a query as far as its limit goes, the newest first (RFC 9738
    /// section
    /// 3.1): it is sent for the others. Whether it is deferred instead.
    pub(super) fn ask_flags_below(
        &mut self,
        cause: Option<(CommandId, Box<Store>)>,
        reported: &UidSet,
        asked: &QueryFacts,
    ) -> bool {
        let mut rest = Unknown::default();
        let goes_on = match (&asked.messages, asked.from) {
            (Some(Messages::Uids(set)), Some(from)) => {
                rest.uids = set.difference(&UidSet::from(from..)).difference(reported);
                rest.uids != *set
            }
            (Some(Messages::Seqs(set)), Some(from)) => self.view.seq(from).is_some_and(|seq| {
                rest.seqs = set.difference(&SeqSet::from(seq..));
                rest.seqs != *set
            }),
            // A refusal leaves the doubt.
            _ => false,
        };
        if !goes_on {
            let by_number = matches!(asked.messages, Some(Messages::Seqs(_)));
            self.sync.deferred_doubts += u32::from(by_number);
            return by_number;
        }
        // The new query is another doubt. Which number could not be read is not known: that one
        // remains.
        if !(asked.unread && rest.uids.is_empty()) {
            self.sync.settle_doubt();
        }
        self.ask_flags(rest, cause.as_ref().map(|(id, store)| (*id, &**store)));
        false
    }

    /// All UIDs are known: flags that could not be asked by number are asked by UID.
    pub(super) fn retry_flag_query(&mut self) {
        if self.sync.deferred_doubts == 0 {
            return;
        }
        for _ in 0..std::mem::take(&mut self.sync.deferred_doubts) {
            self.sync.settle_doubt();
        }
        self.unpublished = true;
        let uids = self.view.take_doubted();
        self.ask_flags(Unknown { uids, seqs: SeqSet::new() }, None);
    }

    fn ask_flags(&mut self, unknown: Unknown, cause: Option<(CommandId, &Store)>) {
        for which in [Messages::Uids(unknown.uids), Messages::Seqs(unknown.seqs)] {
            if which.is_empty() {
                continue;
            }
            if let Messages::Seqs(seqs) = &which {
                self.view.doubt_flags(seqs);
            }
            self.sync.doubt(&which);
            self.unpublished = true;
            let cause = cause.map(|(id, store)| (id, Box::new(store.of_none())));
            let query = Query::VerifyStore(cause, IncrementalSet::default());
            let fetch = Fetch::new(which, Items::new().flags());
            let (query, handle) = (InternalCommand::Query(query), Some(self.handle.clone()));
            let request = InternalRequest::new(query, fetch, handle).at(QueuePlace::BeforeSelectionEnds);
            self.requests.push(request);
        }
    }
}

/// Messages whose flags are to be asked, by number where the UID is not known.
#[derive(Debug, Default)]
struct Unknown {
    uids: UidSet,
    seqs: SeqSet,
}

impl Unknown {
    fn add(&mut self, seq: Seq, uid: Option<Uid>) {
        match uid {
            Some(uid) => self.uids.insert(uid),
            None => self.seqs.insert(seq),
        }
    }
}

fn modified(status: &StatusResponse) -> Option<&ModifiedSet> {
    if let Some(Code::Modified(set)) = &status.code { Some(set) } else { None }
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
