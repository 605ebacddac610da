//! The selection: which mailbox is selected, its view, and how a selection begins and ends.
//!
//! ```text
//!            SELECT sent          OK                  [CLOSED], OK of the next,
//!   nothing ────────────> opening ──> open ── CLOSE, UNSELECT, NO to the next ──> ended
//!                            └── NO, BAD ──> ended
//! ```

use std::sync::Arc;

use crate::command::{Effect, Messages};
use crate::engine::Engine;
use crate::engine::log;
use crate::engine::selection::mod_sequences::ModSeqTracker;
use crate::engine::selection::sync::fill::SyncState;
use crate::engine::selection::sync::resume::QresyncData;
use crate::engine::submit::end_cause::EndCause;
use crate::engine::submit::selection_handle::{PublishedView, SelectionHandle};
use crate::error::ErrorKind;
use crate::types::{
    Answer, CloseReason, Code, CommandId, Event, EventKind, ModSeq, Place, Seq, SeqSet, Uid, UidValidity,
    Untagged, ViewSync,
};
use crate::view::View;

/// The mailbox that is selected.
pub(in crate::engine) struct Selection {
    pub(in crate::engine) selection_handle: Arc<SelectionHandle>,
    pub(in crate::engine) view: View,
    pub(in crate::engine) uid_validity: Option<UidValidity>,
    pub(in crate::engine) filling: SyncState,
    pub(in crate::engine) in_step: ModSeqTracker,
    /// There is more to [`publish`](Self::publish) than was.
    pub(in crate::engine) changed: bool,
    /// [`Ready`](EventKind::Ready) has been told.
    pub(in crate::engine) ready: bool,
    /// How often the server has said what can't be true, less one for each long calm since.
    contradictions: u32,
    /// How many commands have ended since the last time.
    calm: u32,
}

/// A mailbox whose SELECT has not been answered, and what was told of it.
pub(in crate::engine) struct Opening {
    pub(in crate::engine) id: CommandId,
    pub(in crate::engine) selection_handle: Arc<SelectionHandle>,
    /// It is an EXAMINE.
    read_only: bool,
    /// The server has answered it before it had all of it, so it has done nothing.
    cut_short: bool,
    reported: SelectResponses,
    pub(in crate::engine) earlier: QresyncData,
}

#[derive(Default)]
struct SelectResponses {
    exists: Option<u32>,
    uid_validity: Option<UidValidity>,
    uid_next: Option<Uid>,
    /// How many have come since that was told.
    came: u32,
    /// Since then the count has fallen without EXPUNGE: others may have come as well.
    fell: bool,
    highest_mod_seq: Option<ModSeq>,
    read_only: Option<bool>,
}

impl SelectResponses {
    /// No message that comes has a UID below this: each that came since UIDNEXT was told has taken one.
    fn first_new(&self) -> Option<Uid> {
        Uid::new(self.uid_next?.get().saturating_add(self.came))
    }

    /// How many messages there were when UIDNEXT was sent, if that is sure.
    fn below_uid_next(&self) -> Option<u64> {
        let exists = self.exists.unwrap_or(0);
        (!self.fell).then(|| u64::from(exists.saturating_sub(self.came)))
    }

    /// EXISTS. The first one counts all that there were before UIDNEXT, wherever that stands.
    fn set_exists(&mut self, count: u32) {
        if let Some(before) = self.exists.filter(|_| self.uid_next.is_some()) {
            self.came = self.came.saturating_add(count.saturating_sub(before));
            self.fell |= count < before;
        }
        self.exists = Some(count);
    }
}

/// How often a server may contradict itself in one selection; each time all is asked anew.
const MAX_CONTRADICTIONS: u32 = 20;

/// After so many commands without a contradiction one of them is forgotten: a connection lasts for weeks.
const CALM: u32 = 100;

impl Opening {
    /// The era of its UIDs, once that has been told.
    pub(in crate::engine) fn uid_validity(&self) -> Option<UidValidity> {
        self.reported.uid_validity
    }

    pub(in crate::engine) fn is_examine(&self) -> bool {
        self.read_only
    }

    /// Whether the server has said something of this mailbox.
    pub(in crate::engine) fn has_begun(&self) -> bool {
        self.reported.uid_validity.is_some()
    }
}

impl Selection {
    /// UIDNEXT, and how many messages there have been by now.
    pub(in crate::engine) fn set_uid_next(&self, reported: Option<Uid>) {
        let ever = Some(self.ever());
        self.selection_handle.update(|p| (p.uid_next, p.ever_below) = (reported, ever));
    }

    /// The last UID that a message can have, if none has come since UIDNEXT was told.
    pub(in crate::engine) fn last_below_uid_next(&self) -> Option<Uid> {
        let known = self.selection_handle.get();
        let has_all = known.ever_below.is_some_and(|below| self.ever() <= below);
        known.uid_next.filter(|_| has_all).and_then(|next| Uid::new(next.get() - 1))
    }

    /// How many messages there have been in this selection, those that have gone included.
    pub(in crate::engine) fn ever(&self) -> u64 {
        u64::from(self.view.len()) + self.view.removed()
    }

    /// The numbers of these messages, of those that are there.
    pub(in crate::engine) fn which(&self, messages: &Messages) -> Vec<Seq> {
        let len = self.view.len();
        let all: SeqSet = match (Seq::new(1), Seq::new(len)) {
            (Some(first), Some(last)) => (first..=last).into(),
            _ => return Vec::new(),
        };
        match messages {
            // Never of one that has been sent.
            Messages::SnapshotRange(_) | Messages::Saved(_) => Vec::new(),
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

    /// How many messages lack `\Seen`, if the flags of all are known.
    pub(in crate::engine) fn unseen(&self) -> Option<u32> {
        let known =
            self.view.unknown().is_none() && self.view.flags_unknown() == 0 && self.filling.open_doubts == 0;
        let groups = known.then(|| self.view.flag_groups())?;
        let unseen: u64 =
            groups.iter().filter(|(flags, _)| !flags.is_seen()).map(|(_, uids)| uids.len()).sum();
        u32::try_from(unseen).ok()
    }

    /// A command has ended, and nothing was contradicted.
    pub(in crate::engine) fn decay_contradictions(&mut self) {
        self.calm += 1;
        if self.calm >= CALM {
            (self.calm, self.contradictions) = (0, self.contradictions.saturating_sub(1));
        }
    }

    /// Whether all may be asked anew once more.
    pub(in crate::engine) fn may_begin_anew(&self) -> bool {
        self.contradictions < MAX_CONTRADICTIONS
    }

    /// Throws away what is known, for it to be asked for anew; and compared with this, unless the UIDs are of another era.
    pub(in crate::engine) fn reset_view(&mut self, exists: u32, is_uid_validity_changed: bool) {
        let (view, filling) = (&self.view, std::mem::take(&mut self.filling));
        let wanted = filling.wanted;
        self.filling =
            if is_uid_validity_changed { SyncState::new(wanted, None) } else { filling.begun_anew(view) };
        self.view = view.reopened(exists, is_uid_validity_changed || self.filling.before.is_some());
        if is_uid_validity_changed {
            self.view.begins_at(None);
        }
        self.in_step.resync();
        // Messages that the server has not reported may have come since UIDNEXT; with a new UIDVALIDITY it says nothing.
        self.selection_handle.update(|p| {
            (p.ready, p.ever_below) = (false, None);
            p.uid_next = p.uid_next.filter(|_| !is_uid_validity_changed);
        });
        self.changed = true;
    }

    /// Makes what is known now known to the handles, if it has changed. Before anything is told or ends that hangs on it.
    pub(in crate::engine) fn publish(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let (exists, removed) = (self.view.len(), self.view.removed());
        let uid_validity = self.uid_validity;
        let highest = self.selection_handle.get().highest_mod_seq;
        let latest = PublishedView {
            snapshot: self.view.snapshot(self.selection_handle.place.clone(), uid_validity, highest),
            in_step: self.filling.is_in_step(),
            mod_seq: self.in_step.claimed(),
        };
        self.selection_handle.publish(latest, |p| {
            p.exists = exists;
            p.removed = removed;
            p.uid_validity = uid_validity;
        });
    }
}

impl Engine {
    /// The SELECT has been written (or is about to be).
    pub(in crate::engine) fn begin_opening(
        &mut self,
        id: CommandId,
        selection_handle: Arc<SelectionHandle>,
        read_only: bool,
    ) {
        let asked =
            selection_handle.plan.resume.as_ref().is_some_and(|state| state.highest_mod_seq.is_some());
        let asked = asked && self.session.is_enabled("QRESYNC") && !self.session.bare_select;
        let earlier = QresyncData::new(asked);
        let (cut_short, reported) = (false, SelectResponses::default());
        self.selected.select(Opening { id, selection_handle, read_only, cut_short, reported, earlier });
    }

    /// A SELECT with parameters was answered BAD: a server that does not understand those that it offers is asked once more
    /// without them, and not again if that is why. Whether it will be.
    pub(in crate::engine) fn retry_select_without_params(&mut self, id: CommandId) -> bool {
        let Some(opening) = self.selected.opening_of(id) else { return false };
        if !opening.selection_handle.get().with_params || self.lifecycle.is_logging_out() {
            return false;
        }
        opening.selection_handle.update(|p| (p.bare, p.with_params) = (true, false));
        (opening.earlier, opening.reported) = (QresyncData::new(false), SelectResponses::default());
        self.orphan_selection(Some(id));
        true
    }

    /// The SELECT was answered before it had been sent whole.
    pub(in crate::engine) fn opening_cut_short(&mut self, id: CommandId) {
        if let Some(opening) = self.selected.opening_of(id) {
            opening.cut_short = true;
        }
    }

    /// Whether the next line of a command in flight may go out. A SELECT that is said again waits for all others, as any does
    /// that ends a selection; and for the rest of its first line, if the server has not waited for that.
    pub(in crate::engine) fn next_line_may_go(&self, id: CommandId) -> bool {
        let may_be_said = || !self.selected.is_orphaned() || self.inflight.len() == 1;
        !self.inflight.awaits_resend(id) || may_be_said() && !self.writer.holds(id)
    }

    /// Whether the server may speak of the mailbox that is being opened: until the first byte of its SELECT has been written, it
    /// speaks of the one that is selected, and that SELECT may still be taken back.
    pub(in crate::engine) fn is_opening(&self) -> bool {
        self.selected.opening().is_some_and(|opening| self.inflight.is_at_server(opening.id))
    }

    /// How the mailbox that is being opened may be used.
    pub(in crate::engine) fn opening_access(&mut self, read_only: bool) {
        if let Some(opening) = self.selected.opening_mut() {
            opening.reported.read_only = Some(read_only);
        }
    }

    /// What the server tells of the mailbox that is being opened.
    pub(in crate::engine) fn on_opening_data(&mut self, response: &Untagged) {
        let Some(Opening { reported, .. }) = self.selected.opening_mut() else { return };
        match response.answer() {
            Answer::Exists(count) => reported.set_exists(*count),
            Answer::Status(status) => match &status.code {
                Some(Code::UidValidity(uid_validity)) => reported.uid_validity = *uid_validity,
                Some(Code::UidNext(uid)) => {
                    (reported.uid_next, reported.came, reported.fell) = (*uid, 0, false);
                }
                Some(Code::HighestModSeq(mod_seq)) => reported.highest_mod_seq = *mod_seq,
                // One that was told was of the mailbox before.
                Some(Code::NoModSeq) => reported.highest_mod_seq = None,
                _ => {}
            },
            _ => {}
        }
    }

    /// So many messages are gone, and no mailbox is selected here: if one is being opened, it is of that one.
    pub(in crate::engine) fn decrement_pending_exists(&mut self, by: u64) {
        let orphaned = self.selected.is_orphaned();
        if let Some(opening) = self.selected.opening_mut().filter(|_| !orphaned) {
            let by = u32::try_from(by).unwrap_or(u32::MAX);
            opening.reported.exists = opening.reported.exists.map(|exists| exists.saturating_sub(by));
            opening.earlier.miss();
        }
    }

    /// `[CLOSED]`: what came until now was of the mailbox before (RFC 7162 section 3.2.11).
    pub(in crate::engine) fn selection_closed(&mut self) {
        if let Some(opening) = self.selected.opening_mut() {
            opening.reported = SelectResponses::default();
            opening.earlier = QresyncData::new(opening.earlier.asked);
        }
        self.end_selection(None);
        self.selected.forget_orphan();
    }

    pub(in crate::engine) fn end_selection(&mut self, cause: Option<CommandId>) {
        let Some(selection) = self.selected.take_current() else { return };
        let effect = cause.and_then(|id| self.inflight.effect(id));
        let by = match effect {
            Some(Effect::Deselect) => EndCause::Closing,
            None if self.selected.opening().is_none() => EndCause::Server,
            _ => EndCause::Another,
        };
        selection.selection_handle.end(by);
        log::deselected(&selection.selection_handle.place.mailbox, by);
        self.forget_internal(selection.selection_handle.id);
        self.selected.saved.forget();
        self.mailboxes.deselected(&selection);
        let place = Some(selection.selection_handle.place.clone());
        self.report(Event::new(EventKind::SelectionEnded).at(place).caused_by(cause));
    }

    /// The SELECT was refused. After NO nothing is selected (RFC 9051 section 6.3.2); after BAD, or NO in place of a `+`, the
    /// mailbox before may still be, but its handles are dead all the same.
    pub(in crate::engine) fn opening_failed(&mut self, why: ErrorKind) {
        let Some(opening) = self.selected.take_opening() else { return };
        opening.selection_handle.end(EndCause::NotOpened);
        // What was saved in it, too.
        self.selected.saved.forget();
        match why {
            ErrorKind::No if !opening.cut_short => {
                self.end_selection(Some(opening.id));
                self.selected.forget_orphan();
            }
            ErrorKind::No | ErrorKind::Bad => self.orphan_selection(Some(opening.id)),
            // Its answer could not be read: it may have succeeded.
            _ => {
                self.end_selection(Some(opening.id));
                self.selected.orphan();
            }
        }
    }

    /// The selection has ended for its handles, and the server may go on to speak of it.
    fn orphan_selection(&mut self, cause: Option<CommandId>) {
        let had_one = self.selected.current().is_some();
        self.end_selection(cause);
        if had_one {
            self.selected.orphan();
        }
    }

    /// The SELECT has succeeded.
    pub(in crate::engine) fn opened(&mut self, id: CommandId) {
        // Before it is taken out, so that its handles are told of the end, too.
        let exists = self.selected.opening().and_then(|opening| opening.reported.exists).unwrap_or(0);
        if self.is_too_large(exists) {
            return;
        }
        let Some(Opening { selection_handle, read_only, reported, earlier, .. }) =
            self.selected.take_opening()
        else {
            return;
        };
        self.end_selection(Some(id));
        self.session.bare_select |= selection_handle.get().bare;
        self.session.select_params |= selection_handle.get().with_params;
        let (first_new, ever_below) = (reported.first_new(), reported.below_uid_next());
        let examined = read_only;
        let SelectResponses { uid_validity, uid_next, highest_mod_seq, read_only, .. } = reported;
        // What the server said last, in the OK as a rule.
        let read_only = read_only.unwrap_or(examined);
        let wanted = match selection_handle.plan.view_sync.unwrap_or(self.settings.view_sync) {
            // What was known can't be compared with nothing.
            ViewSync::Off if selection_handle.plan.resume.is_some() => ViewSync::Uids,
            wanted => wanted,
        };
        let mut view = if wanted == ViewSync::Off { View::off(exists) } else { View::opened(exists) };
        view.begins_at(first_new);
        let mut selection = Selection {
            selection_handle: selection_handle.clone(),
            view,
            uid_validity,
            filling: SyncState::new(wanted, None),
            in_step: ModSeqTracker::new(highest_mod_seq),
            changed: true,
            contradictions: 0,
            calm: 0,
            ready: false,
        };
        selection_handle.update(|p| {
            (p.read_only, p.examined) = (read_only, examined);
            (p.uid_next, p.ever_below) = (uid_next, ever_below);
            p.highest_mod_seq = highest_mod_seq;
        });
        self.selected.look_back.begin(selection_handle.id, uid_validity, highest_mod_seq, uid_next);
        // Its size first: a number that is submitted meanwhile means nothing without it.
        selection.publish();
        selection_handle.update(|p| p.opened = true);
        // What went out behind SELECT was of this era.
        self.inflight.set_uid_validity(selection_handle.id, uid_validity);
        self.selected.open(selection);
        log::selected(&selection_handle.place.mailbox, exists);
        let kind = EventKind::Opened { exists, uid_validity, uid_next, highest_mod_seq, read_only };
        self.report(Event::new(kind).at(Some(selection_handle.place.clone())).caused_by(Some(id)));
        if let Some(state) = &selection_handle.plan.resume {
            self.resume(state, uid_validity, highest_mod_seq, earlier);
        }
        self.continue_sync();
    }

    /// The server has said what can't be true. What is known is thrown away, and asked for anew.
    pub(in crate::engine) fn contradicted(&mut self, what: String, exists: u32) {
        self.resync(what, exists, None);
    }

    /// What is known is thrown away; with a new era of the UIDs the mod-sequences begin anew, too.
    pub(in crate::engine) fn resync(&mut self, what: String, exists: u32, uid_validity: Option<UidValidity>) {
        if self.is_opening() {
            // The next SELECT is on its way, and without `[CLOSED]` an EXISTS of this mailbox may have been taken for the next
            // one's. This selection ends with the answer.
            return;
        }
        let Some(selection) = self.selected.current_mut() else { return };
        (selection.contradictions, selection.calm) = (selection.contradictions + 1, 0);
        if selection.contradictions > MAX_CONTRADICTIONS {
            return self
                .close(CloseReason::Protocol(format!("it contradicts itself again and again: {what}")));
        }
        tracing::warn!(target: "imap_duplex", mailbox = %selection.selection_handle.place.mailbox, what, "the server contradicts itself");
        selection.reset_view(exists, uid_validity.is_some());
        let place = Some(selection.selection_handle.place.clone());
        let uid_validity_changed = uid_validity.is_some();
        if uid_validity_changed {
            (selection.uid_validity, selection.in_step) = (uid_validity, ModSeqTracker::default());
            selection.selection_handle.update(|p| p.highest_mod_seq = None);
            self.report(Event::new(EventKind::UidValidityChanged { uid_validity }).at(place.clone()));
        }
        self.report(Event::new(EventKind::Contradiction { what }).at(place.clone()));
        self.report(Event::new(EventKind::Exists { count: exists }).at(place));
        if uid_validity_changed {
            self.on_uid_validity_changed();
        } else {
            self.on_numbers_shifted();
        }
        // What was still to be asked was about the messages as they were known.
        if let Some(id) = self.selected.current().map(|s| s.selection_handle.id) {
            self.forget_internal(id);
        }
        self.continue_sync();
    }

    /// The mailbox that untagged data is about which names none.
    pub(in crate::engine) fn place(&self) -> Option<Place> {
        let open = self.selected.current().map(|s| &s.selection_handle);
        let opening = || self.selected.opening().filter(|opening| !self.inflight.awaits_resend(opening.id));
        open.or_else(|| opening().map(|o| &o.selection_handle))
            .map(|selection_handle| selection_handle.place.clone())
    }
}
