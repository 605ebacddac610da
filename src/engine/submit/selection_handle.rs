//! One selection of a mailbox, as its handles see it.
//!
//! In: from the engine, what is known of the selection. Out: to any task, the same at the moment,
//! and a wake when it is complete or has ended. Its lock is held for a move and never across a
//! wake.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::engine::submit::selection_end_cause::EndCause;
use crate::error::Error;
use crate::types::{MailboxProperties, MailboxState, ModSeq, Place, SelectionId, Uid, UidValidity, ViewSync};
use crate::view::Snapshot;

/// What sequence numbers and UIDs meant when a command was submitted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SubmitFacts {
    pub(crate) exists: u32,
    pub(crate) removed: u64,
    pub(crate) opened: bool,
    /// UIDVALIDITY, as far as the submitter could know it: before SELECT has been answered, that of
    /// the state from which it resumes.
    pub(crate) uid_validity: Option<UidValidity>,
}

/// One selection of a mailbox, as its handles see it.
#[derive(Debug)]
pub(crate) struct SelectionHandle {
    place: Arc<Place>,
    id: SelectionId,
    options: SelectOptions,
    state: Mutex<HandleState>,
}

/// What its caller wants to be known of a mailbox that is to be selected.
#[derive(Debug, Default)]
pub(crate) struct SelectOptions {
    view_sync: Option<ViewSync>,
    resume: Option<MailboxState>,
}

impl SelectOptions {
    pub(crate) fn new(view_sync: Option<ViewSync>, resume: Option<MailboxState>) -> Self {
        Self { view_sync, resume }
    }
}

#[derive(Debug, Default)]
struct HandleState {
    published: HandleFacts,
    properties: Arc<MailboxProperties>,
    latest: Option<ViewFacts>,
    /// Why its SELECT has failed.
    refusal: Option<Error>,
    /// Who waits for the view to be complete.
    waiting: Vec<Waker>,
}

impl HandleState {
    /// Those that have nothing to wait for any more.
    fn wakes(&mut self) -> Vec<Waker> {
        let HandleFacts { ready, refused, ended, .. } = self.published;
        if ready || refused || ended.is_some() { std::mem::take(&mut self.waiting) } else { Vec::new() }
    }
}

/// The view as it is now.
#[derive(Clone, Debug)]
pub(crate) struct ViewFacts {
    pub(crate) snapshot: Snapshot,
    /// How many messages have been removed from it.
    pub(crate) removed: u64,
    /// Whether everything that was to be queried is known, so that reported changes keep it right.
    pub(crate) in_step: bool,
    /// All changes up to this mod-sequence are in it.
    pub(crate) mod_seq: Option<ModSeq>,
    /// The highest that the server has reported.
    #[cfg(feature = "account")]
    pub(crate) reported: Option<ModSeq>,
}

/// What became of waiting for a view.
#[derive(Debug)]
pub(crate) enum ReadyOutcome {
    /// It is complete.
    Complete,
    /// The server refuses to send what the view needs.
    Refused,
    /// The selection has ended: because its SELECT failed so, or otherwise.
    Ended(Option<Error>),
}

/// What is known of a selection at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HandleFacts {
    pub(crate) uid_next: Option<Uid>,
    /// How many messages there had been when UIDNEXT was sent, if that is sure: those that came
    /// later may have UIDs beyond it.
    pub(crate) ever_below: Option<u64>,
    pub(crate) highest_mod_seq: Option<ModSeq>,
    /// By EXAMINE, or as the server said last.
    pub(crate) read_only: bool,
    pub(crate) examined: bool,
    pub(crate) opened: bool,
    /// It is over, and why.
    pub(crate) ended: Option<EndCause>,
    /// All is known that is wanted.
    pub(crate) ready: bool,
    /// The server refuses to send it, and is not asked again before a message arrives or is
    /// expunged.
    pub(crate) refused: bool,
    /// Handles that users hold; while there are any, the SELECT is wanted.
    pub(crate) handles: usize,
    /// A command was submitted through it.
    pub(crate) used: bool,
}

impl SelectionHandle {
    pub(crate) fn new(place: Place, id: SelectionId, options: SelectOptions) -> Self {
        Self { place: Arc::new(place), id, options, state: Mutex::default() }
    }

    /// The mailbox and the selection of it.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The same for each response that is about it.
    pub(crate) fn shared_place(&self) -> Arc<Place> {
        self.place.clone()
    }

    pub(crate) fn id(&self) -> SelectionId {
        self.id
    }

    /// What was known of the mailbox before.
    pub(crate) fn resume(&self) -> Option<&MailboxState> {
        self.options.resume.as_ref()
    }

    /// How much the view learns; `None`: what the connection is set to.
    pub(crate) fn view_sync(&self) -> Option<ViewSync> {
        self.options.view_sync
    }

    fn lock(&self) -> MutexGuard<'_, HandleState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self) -> HandleFacts {
        self.lock().published
    }

    /// Changes what is known of it, and wakes those that have nothing to wait for any more.
    pub(crate) fn update(&self, change: impl FnOnce(&mut HandleFacts)) {
        let mut state = self.lock();
        change(&mut state.published);
        let woken = state.wakes();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    /// What the server has said of the mailbox.
    pub(crate) fn properties(&self) -> Arc<MailboxProperties> {
        self.lock().properties.clone()
    }

    /// What SELECT has said of it.
    pub(crate) fn set_properties(&self, properties: MailboxProperties) {
        let before = std::mem::replace(&mut self.lock().properties, Arc::new(properties));
        // What only it has held is freed outside the lock.
        drop(before);
    }

    /// Changes what the server has said of it: in place, so that a short response costs no copy of
    /// a long list of flags.
    pub(crate) fn update_properties(&self, learn: impl FnOnce(&mut MailboxProperties)) {
        learn(Arc::make_mut(&mut self.lock().properties));
    }

    /// Someone has got a handle.
    pub(crate) fn add_handle(&self) {
        self.update(|p| p.handles += 1);
    }

    /// One of its handles has been dropped.
    pub(crate) fn drop_handle(&self) {
        self.update(|p| p.handles = p.handles.saturating_sub(1));
    }

    /// A command is submitted through it.
    pub(crate) fn mark_used(&self) {
        self.update(|p| p.used = true);
    }

    /// The server does not report what is asked, or may do so again.
    pub(crate) fn set_stalled(&self, stalled: bool) {
        if self.get().refused != stalled {
            self.update(|p| p.refused = stalled);
        }
    }

    /// Its SELECT has failed, and so has all that hangs on it.
    pub(crate) fn refuse(&self, error: &Error) {
        self.lock().refusal.get_or_insert_with(|| error.clone());
        self.end(EndCause::NotOpened);
    }

    /// It is over; the first cause is the true one.
    pub(crate) fn end(&self, by: EndCause) {
        self.update(|p| _ = p.ended.get_or_insert(by));
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.get().ended.is_some()
    }

    /// The error of a command that was meant for it.
    pub(crate) fn ended_error(&self) -> Error {
        self.get().ended.unwrap_or(EndCause::Unknown).error()
    }

    /// Ready when the view is complete, or will not be: then with the error, if it is this
    /// mailbox's own.
    pub(crate) fn poll_ready(&self, cx: &Context<'_>) -> Poll<ReadyOutcome> {
        let mut state = self.lock();
        let HandleFacts { ready, refused, ended, .. } = state.published;
        if ended.is_some() {
            return Poll::Ready(ReadyOutcome::Ended(state.refusal.clone()));
        }
        if ready {
            return Poll::Ready(ReadyOutcome::Complete);
        }
        if refused {
            return Poll::Ready(ReadyOutcome::Refused);
        }
        if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// What is known of it now, for a command that is submitted.
    pub(crate) fn then(&self) -> SubmitFacts {
        let state = self.lock();
        let opened = state.published.opened;
        let before = self.resume().filter(|_| !opened).map(|state| state.uid_validity);
        let Some(ViewFacts { snapshot, removed, .. }) = &state.latest else {
            return SubmitFacts { opened, uid_validity: before, ..SubmitFacts::default() };
        };
        let uid_validity = snapshot.uid_validity().or(before);
        SubmitFacts { exists: snapshot.len(), removed: *removed, opened, uid_validity }
    }

    /// The view as it was published last; `None` until the mailbox has been opened.
    pub(crate) fn latest(&self) -> Option<ViewFacts> {
        self.lock().latest.clone()
    }

    /// Publishes a view.
    pub(crate) fn publish(&self, latest: ViewFacts) {
        let before = self.lock().latest.replace(latest);
        // What only it has held is freed outside the lock.
        drop(before);
    }

    /// Whether someone counts on this selection.
    pub(crate) fn is_wanted(&self) -> bool {
        let state = self.lock().published;
        state.used || state.handles > 0
    }
}
