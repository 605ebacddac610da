//! The result of a search that the server remembers, `$` (RFC 5182): whose it is at the moment, and who may use it.
//!
//! ```text
//!   SEARCH SAVE goes out ──> awaited ── OK ──> kept ──── the next SEARCH SAVE, the selection's end ──> void
//!                               ├── NO ──> empty (RFC 9051 section 6.4.4.1): nobody's
//!                               └── BAD ─> the one before is kept
//! ```
//!
//! What reads may go out behind a search that is awaited; if that fails, what it read is of other messages, and its result is
//! an error. Nothing that changes messages goes out before the OK.

use crate::command::{Messages, SaveState, SavedSearch};
use crate::engine::Engine;
use crate::engine::selection::Selected;
use crate::engine::submit::shared::Submission;
use crate::error::{Error, ErrorKind, Result};

/// Whose the server's remembered result is.
#[derive(Debug, Default)]
pub(in crate::engine) struct SavedResult {
    now: Option<SavedSearch>,
    /// The one before that, while the search is awaited: if it is answered BAD, it stays.
    before: Option<SavedSearch>,
}

impl SavedResult {
    /// The selection has ended.
    pub(in crate::engine) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Engine {
    /// A search whose result is to be remembered goes out.
    pub(in crate::engine) fn saving(&mut self, saved: SavedSearch) {
        self.selected.saved.before = self.selected.saved.now.replace(saved);
    }

    /// It was taken back before it went out: the server remembers what it did before.
    pub(in crate::engine) fn saving_withdrawn(&mut self, saved: &SavedSearch) {
        if self.selected.saved.now.as_ref() == Some(saved) {
            self.selected.saved.now = self.selected.saved.before.take();
        }
    }

    /// It has ended: by OK, or otherwise.
    pub(in crate::engine) fn saving_ended(&mut self, saved: &SavedSearch, failed: Option<&Error>) {
        saved.settle(if failed.is_some() { SaveState::Failed } else { SaveState::Kept });
        let before = self.selected.saved.before.take();
        let Some(why) = failed else { return };
        if self.selected.saved.now.as_ref() == Some(saved) {
            self.selected.saved.now = before.filter(|_| why.kind() == ErrorKind::Bad);
        }
        // What went out behind it has read something else.
        for id in self.inflight.users_of(saved) {
            self.inflight.invalidate(id, failed_search(why));
        }
    }

    /// Whether a command that names messages by `$` has to wait for the search.
    pub(in crate::engine) fn waits_for_saved(&self, next: &Submission, messages: Option<&Messages>) -> bool {
        let Some(Messages::Saved(saved)) = messages else { return false };
        !next.class.reads_only
            && saved.standing() == SaveState::Awaited
            && self.selected.saved.now.as_ref() == Some(saved)
    }
}

impl Selected {
    /// Whether `$` is what this handle stands for.
    pub(in crate::engine) fn check_saved(&self, saved: &SavedSearch) -> Result<()> {
        if saved.standing() == SaveState::Failed {
            return Err(no_search());
        }
        if self.saved.now.as_ref() != Some(saved) {
            let why = "the server has forgotten this result: another was saved, or the mailbox was left";
            return Err(Error::invalid(why));
        }
        Ok(())
    }
}

pub(in crate::engine) fn no_search() -> Error {
    Error::invalid("the search whose result it was to use has failed")
}

fn failed_search(why: &Error) -> Error {
    let message =
        format!("the search whose result it was to use has failed, so it was about other messages ({why})");
    match why.status() {
        Some(status) => Error::new(why.kind(), message).with_status(status.clone()),
        None => Error::new(why.kind(), message),
    }
}
