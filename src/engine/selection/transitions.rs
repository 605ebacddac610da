//! How a selection begins and ends.
//!
//! In: SELECT sent, withdrawn, answered; `[CLOSED]`; the end of CLOSE or of the connection. Out: what is
//! selected now, and the selection that has ended by it.

use std::sync::Arc;

use super::mod_sequences::ModSeqTracker;
use super::opening::{Opening, SelectResponses};
use super::sync::SyncState;
use super::{Now, Selected, Selection};
use crate::engine::events::output::Output;
use crate::engine::log;
use crate::engine::submit::end_cause::EndCause;
use crate::engine::submit::selection_handle::{HandleFacts, SelectionHandle};
use crate::error::{Error, ErrorKind};
use crate::types::{CommandId, Event, EventKind, Message, Place, UidSet, Untagged, ViewSync};
use crate::view::View;

impl Selected {
    /// SELECT has been written, or is about to be; `with_params`: the server may refuse those; `qresync`:
    /// they are those of QRESYNC, if the selection resumes from a mod-sequence.
    pub(in crate::engine) fn select(
        &mut self,
        id: CommandId,
        handle: Arc<SelectionHandle>,
        read_only: bool,
        with_params: bool,
        qresync: bool,
    ) {
        let resumes = handle.resume().is_some_and(|state| state.highest_mod_seq.is_some());
        self.next = Some(Opening::new(id, handle, read_only, with_params, with_params && qresync && resumes));
    }

    /// The SELECT is taken back before any of it has been written.
    pub(in crate::engine) fn withdraw(&mut self, id: CommandId) -> Option<Arc<SelectionHandle>> {
        let opening = self.next.take_if(|opening| opening.id == id)?;
        opening.handle.end(EndCause::NotOpened);
        Some(opening.handle)
    }

    /// The SELECT was answered before it had been sent whole.
    pub(in crate::engine) fn on_select_cut_short(&mut self, id: CommandId) {
        self.next.iter_mut().filter(|opening| opening.id == id).for_each(|opening| opening.cut_short = true);
    }

    /// The server may have reported something of the opening mailbox that can't be used.
    pub(in crate::engine) fn miss_opening_data(&mut self) {
        self.next.iter_mut().for_each(|opening| opening.qresync.miss());
    }

    /// What the server reports of the mailbox that is being opened.
    pub(in crate::engine) fn on_opening_data(&mut self, response: &Untagged) {
        self.next.iter_mut().for_each(|opening| opening.on_data(response));
    }

    /// The same, if this command has claimed it: then the mailbox that it is about.
    pub(in crate::engine) fn on_claimed_data(
        &mut self,
        claimer: CommandId,
        response: &Untagged,
    ) -> Option<Place> {
        let opening = self.next.as_mut().filter(|opening| opening.id == claimer)?;
        opening.on_data(response);
        Some(opening.handle.place().clone())
    }

    /// So many messages are gone, and no mailbox is selected here: if one is being opened, it is of
    /// that one.
    pub(in crate::engine) fn on_unselected_removal(&mut self, by: u64) {
        if !self.is_orphaned() {
            self.next.iter_mut().for_each(|opening| opening.on_removed(by));
        }
    }

    /// A row while a mailbox is being opened by QRESYNC: of a change since the state that SELECT was
    /// given. Whether it was one; all such rows take so many bytes of memory at most.
    pub(in crate::engine) fn on_qresync_row(&mut self, row: &Message, most: usize) -> bool {
        let of_it = self.next.is_some() && self.is_qresync_data() && !row.has_data();
        if let Some(opening) = self.next.as_mut().filter(|_| of_it) {
            opening.qresync.row(row, most);
        }
        of_it
    }

    /// `VANISHED (EARLIER)`. Whether it was of a mailbox that is being opened.
    pub(in crate::engine) fn on_vanished_earlier(&mut self, uids: &UidSet) -> bool {
        let of_it = self.is_qresync_data();
        if let Some(opening) = self.next.as_mut().filter(|_| of_it)
            && let Some(state) = opening.handle.resume()
        {
            opening.qresync.vanished(uids, &state.uids);
        }
        of_it
    }

    /// Whether what is reported of messages is of the mailbox that is being opened by QRESYNC: a server
    /// that has it says `[CLOSED]` first (RFC 7162 section 3.2.11); where it does not, the UIDVALIDITY
    /// shows that it means the new one.
    fn is_qresync_data(&self) -> bool {
        let Some(opening) = self.next.as_ref().filter(|opening| opening.qresync.asked) else { return false };
        !self.may_be_selected() || opening.uid_validity().is_some()
    }

    /// An OK says how a mailbox is open: the one that is being opened, or the selected one.
    pub(in crate::engine) fn set_access(&mut self, read_only: bool, of_opening: bool) {
        match (&mut self.next, &self.now) {
            (Some(opening), _) if of_opening => opening.reported.read_only = Some(read_only),
            (_, Now::Open(selection)) => selection.handle.set_read_only(read_only),
            _ => {}
        }
    }

    /// `[CLOSED]`: what was reported until now was of the mailbox before (RFC 7162 section 3.2.11).
    pub(in crate::engine) fn on_closed_code(&mut self) -> Option<Selection> {
        self.next.iter_mut().for_each(|opening| opening.forget_reported());
        self.deselect()
    }

    /// No mailbox is selected any more, neither here nor at the server.
    pub(in crate::engine) fn deselect(&mut self) -> Option<Selection> {
        self.replace(Now::Nothing)
    }

    fn replace(&mut self, now: Now) -> Option<Selection> {
        match std::mem::replace(&mut self.now, now) {
            Now::Open(selection) => {
                self.forget_saved();
                Some(*selection)
            }
            Now::Nothing | Now::Orphaned => None,
        }
    }

    /// The selection has ended here, if there is one, and the server may go on with it.
    fn orphan(&mut self) -> Option<Selection> {
        let now = if self.may_be_selected() { Now::Orphaned } else { Now::Nothing };
        self.replace(now)
    }

    /// The SELECT was refused, and will be sent again. The selection that has ended by it.
    pub(in crate::engine) fn on_retry(&mut self) -> Option<Selection> {
        self.next = None;
        self.orphan()
    }

    /// The SELECT has failed. After NO nothing is selected (RFC 9051 section 6.3.2); after BAD, or NO in
    /// place of a `+`, the mailbox before may still be, but its handles are dead all the same. The
    /// selection that has ended by it.
    pub(in crate::engine) fn on_refused(&mut self, error: &Error) -> Option<Selection> {
        let opening = self.next.take()?;
        opening.handle.refuse(error);
        self.forget_saved();
        match error.kind() {
            ErrorKind::No if !opening.cut_short => self.deselect(),
            ErrorKind::No | ErrorKind::Bad => self.orphan(),
            // Its answer could not be read: it may have succeeded.
            _ => self.replace(Now::Orphaned),
        }
    }

    /// How many messages the mailbox has that is being opened.
    pub(in crate::engine) fn opening_size(&self) -> u32 {
        self.next.as_ref().and_then(|opening| opening.reported.exists).unwrap_or(0)
    }

    /// The SELECT has succeeded. The view learns so much of it, unless the SELECT said otherwise.
    pub(in crate::engine) fn open(
        &mut self,
        id: CommandId,
        view_sync: ViewSync,
        condstore: bool,
        out: &mut Output,
    ) {
        let Some(Opening { handle, read_only: examined, reported, qresync, .. }) = self.next.take() else {
            return;
        };
        let (first_new, ever_below) = (reported.first_new(), reported.below_uid_next());
        let exists = reported.exists.unwrap_or(0);
        let SelectResponses { uid_validity, uid_next, highest_mod_seq, read_only, .. } = reported;
        // What the server said last, in the OK as a rule.
        let read_only = read_only.unwrap_or(examined);
        let facts =
            HandleFacts { read_only, examined, uid_next, ever_below, highest_mod_seq, ..handle.get() };
        handle.set_selected(facts);
        self.look_back.begin(handle.id(), uid_validity, highest_mod_seq, uid_next);
        let wanted = match handle.view_sync().unwrap_or(view_sync) {
            // What was known can't be compared with nothing.
            ViewSync::Off if handle.resume().is_some() => ViewSync::Uids,
            wanted => wanted,
        };
        let mut view = if wanted == ViewSync::Off { View::off(exists) } else { View::opened(exists) };
        view.begins_at(first_new);
        let mut selection = Box::new(Selection {
            handle,
            view,
            uid_validity,
            sync: SyncState::new(wanted),
            mod_seqs: ModSeqTracker::new(highest_mod_seq),
            unpublished: true,
            contradictions: 0,
            calm: 0,
            ready: false,
            requests: Vec::new(),
        });
        // Its size first: a number that is submitted meanwhile means nothing without it.
        selection.publish();
        selection.handle.set_opened();
        log::selected(&selection.handle.place().mailbox, exists);
        let kind = EventKind::Opened { exists, uid_validity, uid_next, highest_mod_seq, read_only };
        selection.report_event(Event::new(kind).caused_by(Some(id)), out);
        selection.resume(highest_mod_seq, qresync, condstore, out);
        self.now = Now::Open(selection);
    }

    /// The connection has ended, and what was selected with it.
    pub(in crate::engine) fn on_connection_closed(&mut self) {
        let opening = self.next.take().map(|opening| opening.handle);
        let open = self.deselect().map(|selection| selection.handle);
        opening.into_iter().chain(open).for_each(|handle| handle.end(EndCause::Connection));
    }
}

impl Selection {
    /// It has ended, for this reason.
    pub(in crate::engine) fn on_ended(&self, by: EndCause) {
        self.handle.end(by);
        log::deselected(&self.handle.place().mailbox, by);
    }
}
