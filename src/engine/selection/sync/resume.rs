//! Resumption: a mailbox is selected of which something was known before. What arrived, was
//! expunged and changed since then is reported, at the cost of what changed where the server makes
//! that possible.
//!
//! In: the state that SELECT was given, and what the server reported up to its OK. Out: events
//! marked as having happened while disconnected, and a view that has what was known.
//!
//! ```text
//!   QRESYNC on, mod-sequence known ── VANISHED (EARLIER), rows with SELECT ── add up to EXISTS ──> done
//!                                                                          └─ do not ──┐
//!   CONDSTORE, mod-sequence known ── all UIDs, compared ── FETCH (CHANGEDSINCE) ───────<┘
//!   neither ──────────────────────── all UIDs, compared ── flags that were known, compared
//!   another UIDVALIDITY ──────────── what was known has no meaning (RFC 9051 section 2.3.1.1)
//! ```
//!
//! What adds up without a single change may do so by chance, if UIDNEXT is beyond the last message:
//! one may have arrived and another one gone. Then the last messages are asked for.
//!
//! A server that contradicts itself is asked again in the same way; what was known is compared.

use std::collections::BTreeMap;

use super::{Selection, SyncState};
use crate::engine::events::Output;
use crate::engine::selection::opening::QresyncData;
use crate::types::{Event, EventKind, Flags, IncrementalSet, MailboxState, ModSeq, Uid, UidSet};
use crate::view::View;

/// What was known before a view began.
#[derive(Debug)]
pub(super) struct PriorState {
    uids: UidSet,
    flags: Vec<(Flags, UidSet)>,
    /// Messages that arrived after the view began, as has been reported.
    arrived: IncrementalSet<Uid>,
    /// Messages that were removed since the view began, as has been reported.
    removed: IncrementalSet<Uid>,
    /// Messages whose flags have been reported as changed since the view began.
    flags_reported: IncrementalSet<Uid>,
    /// The flags of some changed whose UIDs were not known, and that has not been reported.
    changed_by_number: bool,
    /// The changes happened before the mailbox was selected.
    while_disconnected: bool,
    /// Changes of flags can't be asked for by mod-sequence.
    flags_must_be_compared: bool,
}

impl PriorState {
    fn new(uids: UidSet, flags: Vec<(Flags, UidSet)>, while_disconnected: bool) -> Self {
        Self {
            uids,
            flags,
            arrived: IncrementalSet::default(),
            removed: IncrementalSet::default(),
            flags_reported: IncrementalSet::default(),
            changed_by_number: false,
            while_disconnected,
            flags_must_be_compared: !while_disconnected,
        }
    }

    /// What this view knows, if it knows all that is there, or did and the others arrived after
    /// that: else what is found later might have been there all along.
    pub(super) fn of(view: &View, all_were_known: bool) -> Option<Self> {
        let known = all_were_known || view.unknown().is_none() && view.len() > 0;
        known.then(|| Self::new(view.uids(), view.flag_groups(), false))
    }
}

/// How a selection can resume from a state.
enum ResumeStrategy {
    /// The server has reported all: these are the messages now.
    SelectResponses(UidSet),
    /// UIDs are compared; changes of flags are asked for since this mod-sequence, if there were
    /// any.
    Changes(Option<ModSeq>),
    /// UIDs and flags are compared.
    Compare,
}

impl SyncState {
    pub(in crate::engine::selection) fn has_prior(&self) -> bool {
        self.prior.is_some()
    }

    /// What was known before of flags may be older than what was reported since.
    pub(in crate::engine::selection) fn compare_flags(&mut self) {
        self.prior.iter_mut().for_each(|prior| prior.flags_must_be_compared = true);
    }

    /// This message arrived while the mailbox was selected: it is no change of the time before.
    pub(in crate::engine::selection) fn note_arrival(&mut self, uid: Uid) {
        self.prior.iter_mut().for_each(|prior| prior.arrived.insert(uid));
    }

    /// The removal of this message was reported as it happened.
    pub(in crate::engine::selection) fn note_removal(&mut self, uid: Uid) {
        self.prior.iter_mut().for_each(|prior| prior.removed.insert(uid));
    }

    /// Flags of this message were reported as changed: they are not once more when they are
    /// compared.
    pub(super) fn note_flags(&mut self, uid: Option<Uid>) {
        if let Some((prior, uid)) = self.prior.as_mut().zip(uid) {
            prior.flags_reported.insert(uid);
        }
    }
}

impl Selection {
    /// The mailbox was opened: resumes from what was known of it before, if that still means
    /// anything.
    pub(in crate::engine::selection) fn resume(
        &mut self,
        highest: Option<ModSeq>,
        reported: QresyncData,
        condstore: bool,
        out: &mut Output,
    ) {
        let handle = self.handle.clone();
        let Some(state) = handle.resume() else { return };
        let uid_validity = self.uid_validity;
        if uid_validity != Some(state.uid_validity) {
            let event = Event::new(EventKind::UidValidityChanged { uid_validity });
            return self.report_event(event.happened_while_disconnected(true), out);
        }
        let strategy = strategy(state, highest, &reported, &self.view, condstore);
        let mut prior = PriorState::new(state.uids.clone(), state.flags.clone(), true);
        (self.sync.while_disconnected, self.unpublished) = (true, true);
        let mut is_whole = false;
        match strategy {
            ResumeStrategy::SelectResponses(uids) => {
                is_whole = self.view.fill(&uids).is_ok();
                let behind = uids.last().map_or(Some(Uid::MIN), |last| Uid::new(last.get().checked_add(1)?));
                let may_be_more = reported.is_empty() && handle.get().uid_next > behind;
                self.sync.unsure_from = behind.filter(|_| is_whole && may_be_more);
            }
            ResumeStrategy::Changes(since) => self.sync.changes_since = since,
            ResumeStrategy::Compare => prior.flags_must_be_compared = true,
        }
        self.sync.prior = Some(Box::new(prior));
        if is_whole {
            self.report_resumed(state, reported.rows, out);
        }
    }

    /// What was reported with SELECT is all that is new: rows have the flags as they are now.
    fn report_resumed(
        &mut self,
        state: &MailboxState,
        rows: BTreeMap<Uid, (Flags, Option<ModSeq>)>,
        out: &mut Output,
    ) {
        let (arrived, changed): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(uid, _)| !state.uids.contains(*uid));
        for (uid, (flags, _)) in arrived {
            if let Some(seq) = self.view.seq(uid) {
                self.view.set_flags(seq, flags);
            }
        }
        self.compare_with_prior(out);
        for (uid, (flags, mod_seq)) in changed {
            let Some(seq) = self.view.seq(uid) else { continue };
            if let Some(before) = self.view.set_flags(seq, flags.clone())
                && before.as_ref().is_none_or(|before| !before.is_same_but_recent(&flags))
            {
                self.unpublished = true;
                let (seq, uid) = (Some(seq), Some(uid));
                let kind = EventKind::FlagsChanged { seq, uid, flags, before, mod_seq };
                self.report_event(Event::new(kind).happened_while_disconnected(true), out);
            }
        }
    }

    /// Reports flags of a message that have changed; `caught_up`: a query for what has changed
    /// since an earlier selection yielded them.
    pub(crate) fn report_flags(&mut self, event: Event, caught_up: bool, out: &mut Output) {
        let EventKind::FlagsChanged { seq, uid, flags, before, .. } = &event.kind else { return };
        let while_disconnected = caught_up && self.sync.while_disconnected;
        if while_disconnected && before.as_ref().is_some_and(|before| before.is_same_but_recent(flags)) {
            return;
        }
        let has_given_up = self.sync.has_given_up();
        if let (None, Some(seq), Some(prior)) = (uid, seq, &mut self.sync.prior)
            && !has_given_up
        {
            // What they were before depends on the UID: they are reported when they are compared.
            self.view.flags_changed(*seq);
            prior.changed_by_number = true;
            return;
        }
        self.sync.note_flags(*uid);
        self.report_event(event.happened_while_disconnected(while_disconnected), out);
    }

    /// The server does not report UIDs: flags that were to be reported with them are reported
    /// without.
    pub(super) fn report_changed_by_number(&mut self, out: &mut Output) {
        let Some(prior) = &mut self.sync.prior else { return };
        if !std::mem::take(&mut prior.changed_by_number) {
            return;
        }
        for (seq, uid, flags) in self.view.take_changed() {
            self.sync.note_flags(uid);
            let kind = EventKind::FlagsChanged { seq: Some(seq), uid, flags, before: None, mod_seq: None };
            self.report(kind, out);
        }
    }

    /// All UIDs are known: reports what arrived and was expunged since before, and recalls the
    /// flags of the others.
    pub(super) fn compare_with_prior(&mut self, out: &mut Output) {
        let Some(mut prior) = self.sync.prior.take() else { return };
        prior.uids = prior.uids.difference(&prior.removed.to_set());
        let now = self.view.uids();
        let changes = self.recall_flags(&prior, &now);
        self.unpublished = true;
        for uid in prior.uids.difference(&now).iter() {
            let event = Event::new(EventKind::Expunged { seq: None, uid: Some(uid) });
            self.report_event(event.happened_while_disconnected(prior.while_disconnected), out);
        }
        for uid in now.difference(&prior.uids).difference(&prior.arrived.to_set()).iter() {
            let seq = self.view.seq(uid);
            let flags = seq.and_then(|seq| self.view.flags(seq));
            let event = Event::new(EventKind::Arrived { seq, uid, flags });
            self.report_event(event.happened_while_disconnected(prior.while_disconnected), out);
        }
        for (kind, just_now) in changes {
            self.report_event(
                Event::new(kind).happened_while_disconnected(prior.while_disconnected && !just_now),
                out,
            );
        }
    }

    /// Recalls the flags of before. What has changed, and whether just now; what may have is asked.
    fn recall_flags(&mut self, prior: &PriorState, now: &UidSet) -> Vec<(EventKind, bool)> {
        let reported = prior.flags_reported.to_set();
        // Flags that someone has asked for meanwhile, and that were an answer then.
        let read = match self.view.flags_unknown() {
            all if all == self.view.len() => UidSet::new(),
            _ => now.difference(&self.view.uids_without_flags()).difference(&reported),
        };
        // And those that changed just now, when the UID was not known.
        let just_now = self.view.uids_of_changed();
        let mut unknown = just_now.intersection(&prior.uids);
        // Flags that were reported when the message had no place yet are not those of before, and
        // asked.
        let unplaced = if reported.is_empty() {
            reported
        } else {
            reported.intersection(&self.view.uids_without_flags())
        };
        let mut changes = Vec::new();
        for (flags, uids) in &prior.flags {
            let there = uids.intersection(now);
            let again =
                if prior.flags_must_be_compared { there.clone() } else { there.intersection(&unplaced) };
            self.sync.flags_due.union_with(&again);
            self.view.recall_flags(&there.difference(&unplaced), flags);
            let view = &self.view;
            let changed = |uid: Uid| Some((changed(view, uid, Some(flags))?, just_now.contains(uid)));
            changes.extend(there.intersection(&read).iter().filter_map(changed));
            unknown = unknown.difference(uids);
        }
        let unknown = unknown.intersection(&read);
        changes.extend(unknown.iter().filter_map(|uid| Some((changed(&self.view, uid, None)?, true))));
        changes
    }
}

/// The flags of a message are not what they were before.
fn changed(view: &View, uid: Uid, before: Option<&Flags>) -> Option<EventKind> {
    let seq = view.seq(uid)?;
    let is_new = |flags: &Flags| before.is_none_or(|before| !before.is_same_but_recent(flags));
    let (flags, before) = (view.flags(seq).filter(is_new)?, before.cloned());
    Some(EventKind::FlagsChanged { seq: Some(seq), uid: Some(uid), flags, before, mod_seq: None })
}

/// How to resume.
fn strategy(
    state: &MailboxState,
    highest: Option<ModSeq>,
    reported: &QresyncData,
    view: &View,
    condstore: bool,
) -> ResumeStrategy {
    let (Some(then), Some(now)) = (state.highest_mod_seq, highest) else { return ResumeStrategy::Compare };
    if now < then {
        // The server has begun to count again.
        return ResumeStrategy::Compare;
    }
    if reported.asked && !reported.missed {
        let uids = reported.apply_to(&state.uids);
        if uids.len() == u64::from(view.len()) {
            return ResumeStrategy::SelectResponses(uids);
        }
    }
    // A change of just now is not in the mod-sequence that was reported before it.
    let changed = then < now || reported.missed || !reported.rows.is_empty();
    if reported.asked || condstore {
        ResumeStrategy::Changes(Some(then).filter(|_| changed))
    } else {
        ResumeStrategy::Compare
    }
}
