//! Resumption: a mailbox is selected of which something was known before. What came, went and changed since then is told,
//! at the cost of what changed where the server makes that possible.
//!
//! In: the state that SELECT was given, and what the server told up to its OK. Out: events marked as having happened while
//! away, and a view that knows what was known.
//!
//! ```text
//!   QRESYNC on, mod-sequence known ── VANISHED (EARLIER) and rows come with SELECT ── they add up to EXISTS ──> done
//!                                                                                  └─ they don't ─┐
//!   CONDSTORE, mod-sequence known ── all UIDs, compared ── FETCH (CHANGEDSINCE) ──────────────────<┘
//!   neither ──────────────────────── all UIDs, compared ── flags that were known, compared
//!   another UIDVALIDITY ──────────── nothing that was known means anything (RFC 9051 section 2.3.1.1)
//! ```
//!
//! A server that contradicts itself is asked anew in the same way; what was known up to then is compared.

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::types::{
    Event, EventKind, Flags, HeapSize, IncrementalSet, MailboxState, Message, ModSeq, RangeCollector, Seq,
    Uid, UidSet, UidValidity, Untagged,
};
use crate::view::View;

/// What was known before a view began.
#[derive(Debug)]
pub(in crate::engine) struct PriorState {
    pub(in crate::engine) uids: UidSet,
    pub(in crate::engine) flags: Vec<(Flags, UidSet)>,
    /// Messages that came after the view began, and have been told.
    pub(in crate::engine) arrived: IncrementalSet<Uid>,
    /// Messages that have gone since the view began, as has been told.
    pub(in crate::engine) gone: IncrementalSet<Uid>,
    /// Messages whose flags have been told as news since the view began.
    pub(in crate::engine) flags_told: IncrementalSet<Uid>,
    /// The flags of some changed whose UIDs were not known, and that has not been told.
    changed_by_number: bool,
    /// The changes happened before the mailbox was selected.
    pub(in crate::engine) while_disconnected: bool,
    /// Changes of flags can't be asked for by mod-sequence.
    pub(in crate::engine) flags_must_be_compared: bool,
}

impl PriorState {
    /// What this view knows, if it knows all that is there, or did and the others came after that: else what is found
    /// later might have been there all along.
    pub(in crate::engine) fn of(view: &View, all_were_known: bool) -> Option<Self> {
        let known = all_were_known || view.unknown().is_none() && view.len() > 0;
        known.then(|| Self {
            uids: view.uids(),
            flags: view.flag_groups(),
            arrived: IncrementalSet::default(),
            gone: IncrementalSet::default(),
            flags_told: IncrementalSet::default(),
            changed_by_number: false,
            while_disconnected: false,
            flags_must_be_compared: true,
        })
    }
}

/// What a SELECT with QRESYNC tells before its OK (RFC 7162 section 3.2.5).
#[derive(Debug, Default)]
pub(in crate::engine) struct QresyncData {
    /// It was asked for.
    pub(in crate::engine) asked: bool,
    vanished: RangeCollector<Uid>,
    rows: BTreeMap<Uid, (Flags, Option<ModSeq>)>,
    /// How many bytes of memory the rows take.
    held: usize,
    /// Something of it could not be read, or was too much: it is not all that there is.
    missed: bool,
}

impl QresyncData {
    pub(in crate::engine) fn new(asked: bool) -> Self {
        Self { asked, ..Self::default() }
    }

    /// Takes up `VANISHED (EARLIER)`, of those messages that were known: of others it may name billions.
    pub(in crate::engine) fn vanished(&mut self, uids: &UidSet, known: &UidSet) {
        self.vanished.add_set(&uids.intersection(known));
    }

    /// Takes up a row, as long as all of them take so many bytes of memory at the most.
    fn row(&mut self, row: &Message, most: usize) {
        /// Its place in a tree whose nodes are half full at the least.
        const PLACE: usize = 2 * size_of::<(Uid, (Flags, Option<ModSeq>))>();
        self.held = self.held.saturating_add(PLACE + row.flags().map_or(0, HeapSize::heap_size));
        match row.uid().zip(row.flags()) {
            Some((uid, flags)) if self.held <= most => {
                self.rows.insert(uid, (flags.clone(), row.mod_seq()));
            }
            _ => self.missed = true,
        }
    }

    /// Something may have been told that could not be read.
    pub(in crate::engine) fn miss(&mut self) {
        self.missed = true;
    }
}

/// How a selection can go on from a state.
enum ResumeStrategy {
    /// The server has told all: these are the messages now.
    SelectResponses(UidSet),
    /// UIDs are compared; changes of flags are asked for since this mod-sequence, if there were any.
    Changes(Option<ModSeq>),
    /// UIDs and flags are compared.
    Compare,
}

impl Engine {
    /// A mailbox was opened: goes on from what was known of it before, if that still means anything.
    pub(in crate::engine) fn resume(
        &mut self,
        state: &MailboxState,
        uid_validity: Option<UidValidity>,
        highest: Option<ModSeq>,
        reported: QresyncData,
    ) {
        let Some(selection) = self.selected.current_mut() else { return };
        let place = Some(selection.selection_handle.place.clone());
        if uid_validity != Some(state.uid_validity) {
            let kind = EventKind::UidValidityChanged { uid_validity };
            return self.report(Event::new(kind).at(place).while_away(true));
        }
        // QRESYNC contains CONDSTORE (RFC 7162 section 3.2.3).
        let condstore = self.session.can("CONDSTORE") || self.session.can("QRESYNC");
        let way = way(state, highest, &reported, &selection.view, condstore);
        let mut before = PriorState {
            uids: state.uids.clone(),
            flags: state.flags.clone(),
            arrived: IncrementalSet::default(),
            gone: IncrementalSet::default(),
            flags_told: IncrementalSet::default(),
            changed_by_number: false,
            while_disconnected: true,
            flags_must_be_compared: false,
        };
        (selection.filling.while_disconnected, selection.changed) = (true, true);
        match way {
            ResumeStrategy::SelectResponses(uids) if selection.view.fill(&uids).is_ok() => {
                selection.filling.before = Some(before);
                self.tell_resumed(state, reported.rows);
            }
            ResumeStrategy::SelectResponses(_) => selection.filling.before = Some(before),
            ResumeStrategy::Changes(since) => {
                selection.filling.changes_since = since;
                selection.filling.before = Some(before);
            }
            ResumeStrategy::Compare => {
                before.flags_must_be_compared = true;
                selection.filling.before = Some(before);
            }
        }
    }

    /// What came with SELECT tells all that is new: rows have the flags as they are now.
    fn tell_resumed(&mut self, state: &MailboxState, rows: BTreeMap<Uid, (Flags, Option<ModSeq>)>) {
        let Some(selection) = self.selected.current_mut() else { return };
        let (came, changed): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(uid, _)| !state.uids.contains(*uid));
        for (uid, (flags, _)) in came {
            if let Some(seq) = selection.view.seq(uid) {
                selection.view.set_flags(seq, flags);
            }
        }
        self.compare_with_before();
        let Some(selection) = self.selected.current_mut() else { return };
        let place = Some(selection.selection_handle.place.clone());
        for (uid, (flags, mod_seq)) in changed {
            let Some(selection) = self.selected.current_mut() else { return };
            let Some(seq) = selection.view.seq(uid) else { continue };
            if let Some(before) = selection.view.set_flags(seq, flags.clone())
                && before.as_ref().is_none_or(|before| !before.is_same_but_recent(&flags))
            {
                selection.changed = true;
                let (seq, uid) = (Some(seq), Some(uid));
                let kind = EventKind::FlagsChanged { seq, uid, flags, before, mod_seq };
                self.report(Event::new(kind).at(place.clone()).while_away(true));
            }
        }
    }

    /// Whether this message was there when the state was taken from which the selection goes on, if it does.
    pub(in crate::engine) fn was_there(&self, uid: Option<Uid>) -> bool {
        let state =
            self.selected.current().and_then(|selection| selection.selection_handle.plan.resume.as_ref());
        state.zip(uid).is_none_or(|(state, uid)| state.uids.contains(uid))
    }

    /// Whether what was known before is to be compared as soon as all UIDs are known, and these are asked.
    pub(in crate::engine) fn is_to_compare(&self) -> bool {
        let filling = self.selected.current().map(|selection| &selection.filling);
        filling.is_some_and(|filling| filling.before.is_some() && !filling.has_given_up())
    }

    /// Flags of a message changed whose UID is not known: to be told when they are compared.
    pub(in crate::engine) fn changed_by_number(&mut self, seq: Seq) {
        if let Some(selection) = self.selected.current_mut() {
            selection.view.flags_changed(seq);
            selection.filling.before.iter_mut().for_each(|before| before.changed_by_number = true);
        }
    }

    /// The server does not tell UIDs: flags that were to be told with them are told without.
    pub(in crate::engine) fn tell_changed_by_number(&mut self) {
        let Some(selection) = self.selected.current_mut() else { return };
        let Some(before) = &mut selection.filling.before else { return };
        if !std::mem::take(&mut before.changed_by_number) {
            return;
        }
        let place = Some(selection.selection_handle.place.clone());
        for (seq, uid, flags) in selection.view.take_changed() {
            self.note_flags(uid);
            let kind = EventKind::FlagsChanged { seq: Some(seq), uid, flags, before: None, mod_seq: None };
            self.report(Event::new(kind).at(place.clone()));
        }
    }

    /// All UIDs are known: tells what came and went since before, and recalls the flags of the others.
    pub(in crate::engine) fn compare_with_before(&mut self) {
        let Some(selection) = self.selected.current_mut() else { return };
        let Some(mut before) = selection.filling.before.take() else { return };
        before.uids = before.uids.difference(&before.gone.to_set());
        let now = selection.view.uids();
        // Flags that someone has asked for meanwhile, and that were an answer then.
        let read = match selection.view.flags_unknown() {
            all if all == selection.view.len() => UidSet::new(),
            _ => now.difference(&selection.view.uids_without_flags()).difference(&before.flags_told.to_set()),
        };
        // And those that changed just now, when the UID was not known.
        let just_now = selection.view.uids_of_changed();
        let mut unknown = just_now.intersection(&before.uids);
        // Flags that were told when the message had no place yet are not those of before, and asked.
        let reported = before.flags_told.to_set();
        let unplaced = if reported.is_empty() {
            reported
        } else {
            reported.intersection(&selection.view.uids_without_flags())
        };
        let mut news = Vec::new();
        for (flags, uids) in &before.flags {
            let there = uids.intersection(&now);
            let again =
                if before.flags_must_be_compared { there.clone() } else { there.intersection(&unplaced) };
            selection.filling.flags_due.union_with(&again);
            selection.view.recall_flags(&there.difference(&unplaced), flags);
            let view = &selection.view;
            let changed = |uid: Uid| Some((changed(view, uid, Some(flags))?, just_now.contains(uid)));
            news.extend(there.intersection(&read).iter().filter_map(changed));
            unknown = unknown.difference(uids);
        }
        let unknown = unknown.intersection(&read);
        news.extend(unknown.iter().filter_map(|uid| Some((changed(&selection.view, uid, None)?, true))));
        selection.changed = true;
        let place = Some(selection.selection_handle.place.clone());
        for uid in before.uids.difference(&now).iter() {
            let kind = EventKind::Expunged { seq: None, uid: Some(uid) };
            self.report(Event::new(kind).at(place.clone()).while_away(before.while_disconnected));
        }
        for uid in now.difference(&before.uids).difference(&before.arrived.to_set()).iter() {
            let Some(selection) = self.selected.current() else { return };
            let seq = selection.view.seq(uid);
            let flags = seq.and_then(|seq| selection.view.flags(seq));
            let kind = EventKind::Arrived { seq, uid, flags };
            self.report(Event::new(kind).at(place.clone()).while_away(before.while_disconnected));
        }
        for (kind, now) in news {
            self.report(Event::new(kind).at(place.clone()).while_away(before.while_disconnected && !now));
        }
    }

    /// A row that comes while a mailbox is being opened by QRESYNC: of a change since the state that SELECT was given.
    /// Whether it was one.
    pub(in crate::engine) fn hear_row_of_opening(&mut self, row: &Message) -> bool {
        let most = self.settings.limits.unread;
        let of_it = self.tells_of_opening() && !row.has_data();
        if let Some(opening) = self.selected.opening_mut().filter(|_| of_it) {
            opening.earlier.row(row, most);
        }
        of_it
    }

    /// `VANISHED (EARLIER)`: never moves numbers (RFC 7162 section 3.2.10.1).
    pub(in crate::engine) fn on_vanished_earlier(&mut self, uids: &UidSet, response: Untagged) {
        if !self.tells_of_opening() {
            return self.deliver(response);
        }
        if let Some(opening) = self.selected.opening_mut()
            && let Some(state) = &opening.selection_handle.plan.resume
        {
            opening.earlier.vanished(uids, &state.uids);
        }
    }

    /// Whether what is told of messages is of the mailbox that is being opened by QRESYNC: a server that has it says
    /// `[CLOSED]` first (RFC 7162 section 3.2.11); where it does not, the UIDVALIDITY shows that it speaks of the new one.
    fn tells_of_opening(&self) -> bool {
        let Some(opening) = self.selected.opening().filter(|o| o.earlier.asked) else { return false };
        self.selected.current().is_none() && !self.selected.is_orphaned() || opening.has_begun()
    }
}

/// The flags of a message are not what they were before.
fn changed(view: &View, uid: Uid, before: Option<&Flags>) -> Option<EventKind> {
    let seq = view.seq(uid)?;
    let is_new = |flags: &Flags| before.is_none_or(|before| !before.is_same_but_recent(flags));
    let (flags, before) = (view.flags(seq).filter(is_new)?, before.cloned());
    Some(EventKind::FlagsChanged { seq: Some(seq), uid: Some(uid), flags, before, mod_seq: None })
}

fn way(
    state: &MailboxState,
    highest: Option<ModSeq>,
    reported: &QresyncData,
    view: &View,
    condstore: bool,
) -> ResumeStrategy {
    let (Some(then), Some(now)) = (state.highest_mod_seq, highest) else { return ResumeStrategy::Compare };
    if now < then {
        // The server has begun to count anew.
        return ResumeStrategy::Compare;
    }
    if reported.asked && !reported.missed {
        let mut uids = state.uids.difference(&reported.vanished.clone().finish());
        uids.extend(reported.rows.keys().copied());
        if uids.len() == u64::from(view.len()) {
            return ResumeStrategy::SelectResponses(uids);
        }
    }
    // A change that came just now is not in the mod-sequence that was told before it.
    let changed = then < now || reported.missed || !reported.rows.is_empty();
    if reported.asked || condstore {
        ResumeStrategy::Changes(Some(then).filter(|_| changed))
    } else {
        ResumeStrategy::Compare
    }
}
