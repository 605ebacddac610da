//! The result of a search that the server saves, `$` (RFC 5182): whose it is at the moment, and
//! which commands may use it.
//!
//! ```text
//!   SEARCH SAVE sent ──> awaited ── OK ──> kept ── the next SEARCH SAVE, the selection's end ──> invalid
//!                          ├── NO ──> empty (RFC 9051 section 6.4.4.1): of no search
//!                          └── BAD ─> the one before is kept
//! ```
//!
//! What reads may be sent behind a search that is awaited; if that fails, what it read is of other
//! messages, and its result is an error. Nothing that changes messages is sent before the OK.

use super::Selected;
use crate::command::{Messages, SaveState, SavedSearch};
use crate::engine::inflight::InFlight;
use crate::error::{Error, ErrorKind, Result};

/// Whose the server's saved result is.
#[derive(Debug, Default)]
pub(super) struct SavedResult {
    now: Option<SavedSearch>,
    /// The one before that, while the search is awaited: if it is answered BAD, it stays.
    before: Option<SavedSearch>,
}

impl Selected {
    /// Another search may have replaced the result that the server keeps.
    pub(crate) fn forget_saved(&mut self) {
        self.saved = SavedResult::default();
    }

    /// A search whose result is to be saved is sent.
    pub(crate) fn save_sent(&mut self, saved: SavedSearch) {
        self.saved.before = self.saved.now.replace(saved);
    }

    /// It was taken back before it was sent: the server keeps what it did before.
    pub(crate) fn save_withdrawn(&mut self, saved: &SavedSearch) {
        if self.saved.now.as_ref() == Some(saved) {
            self.saved.now = self.saved.before.take();
        }
    }

    /// It has ended: by OK, or otherwise. Then what was sent behind it has read something else.
    pub(crate) fn save_ended(
        &mut self,
        saved: &SavedSearch,
        failed: Option<&Error>,
        inflight: &mut InFlight,
    ) {
        saved.settle(if failed.is_some() { SaveState::Failed } else { SaveState::Kept });
        let before = self.saved.before.take();
        let Some(why) = failed else { return };
        if self.saved.now.as_ref() == Some(saved) {
            self.saved.now = before.filter(|_| why.kind() == ErrorKind::Bad);
        }
        let error = failed_search(why);
        for id in inflight.users_of(saved) {
            inflight.invalidate(id, error.clone());
        }
    }

    /// Whether a command that names these messages is to wait for the search, if it changes them.
    pub(crate) fn awaits_saved(&self, messages: Option<&Messages>) -> bool {
        let Some(Messages::Saved(saved)) = messages else { return false };
        saved.standing() == SaveState::Awaited && self.saved.now.as_ref() == Some(saved)
    }

    /// Whether `$` is what this handle stands for.
    pub(crate) fn check_saved(&self, saved: &SavedSearch) -> Result<()> {
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

pub(crate) fn no_search() -> Error {
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
