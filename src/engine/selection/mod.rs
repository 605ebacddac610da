//! The selected mailbox: how a selection begins and ends, its view, and up to which mod-sequence
//! that is complete.
//!
//! In: responses about messages, the ends of SELECT, CLOSE, STORE and searches. Out: the published
//! view, events, and queries (sync) for what the view lacks.
//!
//! ```text
//!                 no SELECT unanswered        SELECT sent             OK
//!   here, and     Nothing  <───────────────> Nothing + next ───────> Open
//!   at the        Open     <─── withdrawn,   Open + next    ───────> Open (the next)
//!   server        Orphaned       refused     Orphaned + next ──────> Open
//!
//!   Open ── CLOSE, UNSELECT, [CLOSED], NO to the next ──> Nothing
//!     └──── BAD to the next: the server may go on with it ──> Orphaned ── [CLOSED], NO to the next ──> Nothing
//! ```

mod contradiction;
mod lookups;
mod message_responses;
mod mod_sequences;
mod opening;
mod read_only;
mod saved_search;
mod sync;
mod transitions;

pub(crate) use self::message_responses::{Outcome, Targets};
pub(crate) use self::read_only::{read_only, uid_validity_error};
pub(crate) use self::saved_search::no_search;
pub(crate) use self::sync::SyncFacts;
pub(crate) use self::sync::look_back::LookBackFacts;

use std::sync::Arc;

use self::mod_sequences::ModSeqTracker;
use self::opening::Opening;
use self::saved_search::SavedResult;
use self::sync::SyncState;
use self::sync::look_back::LookBack;
use crate::engine::events::Output;
use crate::engine::submit::{InternalRequest, SelectionHandle, ViewFacts};
use crate::types::{CommandId, Event, EventKind, Place, SelectionId, UidValidity};
use crate::view::View;

/// The open selection, whether the server may still have a mailbox selected, and the SELECT that is
/// not answered.
#[derive(Default)]
pub(crate) struct Selected {
    now: Now,
    /// The mailbox whose SELECT has not been answered.
    next: Option<Box<Opening>>,
    saved: SavedResult,
    look_back: LookBack,
}

#[derive(Default)]
enum Now {
    #[default]
    Nothing,
    Open(Box<Selection>),
    /// A mailbox may be selected at the server, though none is here: SELECT was answered BAD.
    Orphaned,
}

/// The mailbox that is selected.
pub(crate) struct Selection {
    handle: Arc<SelectionHandle>,
    view: View,
    uid_validity: Option<UidValidity>,
    sync: SyncState,
    mod_seqs: ModSeqTracker,
    /// There is more to [`publish`](Self::publish) than was.
    unpublished: bool,
    /// [`Ready`](EventKind::Ready) has been reported.
    ready: bool,
    /// How often the server has contradicted itself, less one for each long calm since.
    contradictions: u32,
    /// How many commands have ended since the last contradiction, or since contradictions last
    /// fell.
    calm: u32,
    /// Commands of the engine's own that are to be queued.
    requests: Vec<InternalRequest>,
}

impl Selected {
    /// The selection that is open.
    pub(crate) fn current(&self) -> Option<&Selection> {
        if let Now::Open(selection) = &self.now { Some(selection) } else { None }
    }

    pub(crate) fn current_mut(&mut self) -> Option<&mut Selection> {
        if let Now::Open(selection) = &mut self.now { Some(selection) } else { None }
    }

    /// What is known of its messages.
    pub(crate) fn view(&self) -> Option<&View> {
        self.current().map(|selection| &selection.view)
    }

    /// The SELECT that has not been answered.
    pub(crate) fn opening(&self) -> Option<CommandId> {
        self.next.as_ref().map(|opening| opening.id)
    }

    /// Whether the server may mean the mailbox that is being opened: until the first byte of its
    /// SELECT has been written, it means the one that is selected, and that SELECT may still be
    /// taken back.
    pub(super) fn is_opening(&self) -> bool {
        self.next.as_ref().is_some_and(|opening| opening.has_begun)
    }

    /// The mailbox that untagged data is about which names none.
    pub(crate) fn place(&self) -> Option<Place> {
        self.shared_place().map(Arc::unwrap_or_clone)
    }

    /// The same for each response that is about it.
    pub(crate) fn shared_place(&self) -> Option<Arc<Place>> {
        let handle = self.current().map(Selection::handle).or_else(|| self.opening_handle());
        handle.map(SelectionHandle::shared_place)
    }

    /// The selection that it will make.
    pub(crate) fn opening_handle(&self) -> Option<&SelectionHandle> {
        self.next.as_ref().map(|opening| &*opening.handle)
    }

    /// Whether its SELECT may be refused for its parameters alone.
    pub(crate) fn opening_has_params(&self) -> bool {
        self.next.as_ref().is_some_and(|opening| opening.with_params)
    }

    /// Whether the server may have a mailbox selected, though none is open here.
    pub(crate) fn is_orphaned(&self) -> bool {
        matches!(self.now, Now::Orphaned)
    }

    /// Whether a mailbox may be selected at the server.
    pub(crate) fn may_be_selected(&self) -> bool {
        !matches!(self.now, Now::Nothing)
    }

    /// The UIDVALIDITY of the open mailbox, else of the one that is being opened.
    pub(crate) fn uid_validity(&self) -> Option<UidValidity> {
        match self.current() {
            Some(selection) => selection.uid_validity,
            None => self.opening_uid_validity(),
        }
    }

    pub(crate) fn opening_uid_validity(&self) -> Option<UidValidity> {
        self.next.as_ref()?.uid_validity()
    }

    /// Takes the commands of the engine's own that are to be queued.
    pub(crate) fn take_requests(&mut self) -> Vec<InternalRequest> {
        self.current_mut().map(|selection| std::mem::take(&mut selection.requests)).unwrap_or_default()
    }

    /// Reports an event; whoever reads it finds the view up to date.
    pub(crate) fn report(&mut self, event: Event, out: &mut Output) {
        self.publish();
        out.report(event);
    }

    /// Makes the view as it is now known to the handles.
    pub(crate) fn publish(&mut self) {
        self.current_mut().into_iter().for_each(Selection::publish);
    }
}

impl Selection {
    pub(crate) fn id(&self) -> SelectionId {
        self.handle.id()
    }

    pub(crate) fn handle(&self) -> &SelectionHandle {
        &self.handle
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    pub(crate) fn uid_validity(&self) -> Option<UidValidity> {
        self.uid_validity
    }

    /// Makes what is known now known to the handles, if it has changed.
    fn publish(&mut self) {
        if !std::mem::take(&mut self.unpublished) {
            return;
        }
        let highest = self.handle.get().highest_mod_seq;
        let latest = ViewFacts {
            snapshot: self.view.snapshot(self.handle.place().clone(), self.uid_validity, highest),
            removed: self.view.removed(),
            in_step: self.sync.is_in_step(),
            mod_seq: self.mod_seqs.claimed(),
            #[cfg(feature = "account")]
            reported: self.mod_seqs.so_far(),
        };
        self.handle.publish(latest);
    }

    /// Reports what happened in this mailbox.
    pub(crate) fn report(&mut self, kind: EventKind, out: &mut Output) {
        self.report_event(Event::new(kind), out);
    }

    fn report_event(&mut self, event: Event, out: &mut Output) {
        // Whoever reads it finds the view up to date.
        self.publish();
        out.report(event.at(Some(self.handle.place().clone())));
    }
}
