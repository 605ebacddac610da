//! The selected mailbox: how a selection begins and ends, its view, and what may be claimed of it.
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

pub(in crate::engine) mod access;
pub(in crate::engine) mod mod_sequences;
pub(in crate::engine) mod saved_search;
pub(in crate::engine) mod select;
pub(in crate::engine) mod sync;

use self::saved_search::SavedResult;
use self::select::{Opening, Selection};
use self::sync::look_back::LookBack;
use crate::types::CommandId;
use crate::view::View;

/// What is selected here and at the server, and what is to be.
#[derive(Default)]
pub(in crate::engine) struct Selected {
    now: Now,
    /// The mailbox whose SELECT has not been answered.
    next: Option<Opening>,
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

impl Now {
    fn current(&self) -> Option<&Selection> {
        if let Self::Open(selection) = self { Some(selection) } else { None }
    }
}

impl Selected {
    /// The selection that is open.
    pub(in crate::engine) fn current(&self) -> Option<&Selection> {
        self.now.current()
    }

    /// What is known of its messages.
    pub(in crate::engine) fn view(&self) -> Option<&View> {
        self.current().map(|selection| &selection.view)
    }

    pub(in crate::engine) fn current_mut(&mut self) -> Option<&mut Selection> {
        if let Now::Open(selection) = &mut self.now { Some(selection) } else { None }
    }

    /// The mailbox whose SELECT has not been answered.
    pub(in crate::engine) fn opening(&self) -> Option<&Opening> {
        self.next.as_ref()
    }

    fn opening_of(&mut self, select: CommandId) -> Option<&mut Opening> {
        self.next.as_mut().filter(|opening| opening.id == select)
    }

    pub(in crate::engine) fn opening_mut(&mut self) -> Option<&mut Opening> {
        self.next.as_mut()
    }

    /// Whether the server may have a mailbox selected, though none is open here.
    pub(in crate::engine) fn is_orphaned(&self) -> bool {
        matches!(self.now, Now::Orphaned)
    }

    /// SELECT is sent.
    fn select(&mut self, opening: Opening) {
        self.next = Some(opening);
    }

    /// The SELECT is taken back before any of it has been written.
    pub(in crate::engine) fn withdraw(&mut self, id: CommandId) -> Option<Opening> {
        self.next.take_if(|opening| opening.id == id)
    }

    /// The SELECT has been answered.
    pub(in crate::engine) fn take_opening(&mut self) -> Option<Opening> {
        self.next.take()
    }

    /// The answer was OK.
    fn open(&mut self, selection: Selection) {
        self.now = Now::Open(Box::new(selection));
    }

    /// The selection has ended.
    pub(in crate::engine) fn take_current(&mut self) -> Option<Selection> {
        match std::mem::take(&mut self.now) {
            Now::Open(selection) => Some(*selection),
            other => {
                self.now = other;
                None
            }
        }
    }

    /// It has ended here alone: the server may still have it selected.
    fn orphan(&mut self) {
        self.now = Now::Orphaned;
    }

    /// The server has no mailbox selected that is not open here.
    pub(in crate::engine) fn forget_orphan(&mut self) {
        if self.is_orphaned() {
            self.now = Now::Nothing;
        }
    }

    /// Another search may have replaced the result that the server keeps.
    pub(in crate::engine) fn forget_saved(&mut self) {
        self.saved.forget();
    }

    /// The server has not reported a change that looking back has found.
    pub(in crate::engine) fn note_lost_change(&mut self) {
        self.look_back.found();
    }
}
