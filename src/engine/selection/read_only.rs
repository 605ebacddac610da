//! Whether the selected mailbox may be changed. In one that is open for reading alone STORE,
//! EXPUNGE and MOVE are not sent: some servers say OK to them and do nothing, some do them all the
//! same.
//!
//! ```text
//!   SELECT ────────> to be changed ── OK [READ-ONLY] ──> read only
//!                          ^                                 ^
//!                          └───────── OK [READ-WRITE] ───────┤
//!   EXAMINE ─────────────────────────────────────────────────┘
//! ```
//!
//! In: what `transitions.rs` has noted of the selection; commands about to be sent. Out: an error
//! for those that may not.

use super::Selected;
use crate::engine::submit::{HandleFacts, SelectionHandle};
use crate::error::{Error, ErrorKind};
use crate::types::UidValidity;

/// What changes messages of the selected mailbox, as lines of users' own commands name it (REPLACE:
/// RFC 8508).
const CHANGING: [&str; 4] = ["EXPUNGE", "MOVE", "REPLACE", "STORE"];

impl Selected {
    /// Whether a mailbox is open for reading alone. Of one that is being opened it is our EXAMINE
    /// that counts until the server has answered.
    pub(crate) fn is_read_only(&self, handle: &SelectionHandle) -> bool {
        let examining =
            self.next.as_ref().is_some_and(|next| next.handle.id() == handle.id() && next.read_only);
        examining || handle.get().read_only
    }

    /// Whether nothing can be removed from a mailbox that is open: EXAMINE opened it. What SELECT
    /// has opened for reading alone may become writable at any moment (RFC 9051 section 7.1,
    /// READ-WRITE).
    pub(crate) fn is_examined(handle: &SelectionHandle) -> bool {
        let HandleFacts { examined, read_only, .. } = handle.get();
        examined && read_only
    }

    /// Why the next line of a command may not be sent: since its first one the mailbox is another,
    /// or its UIDVALIDITY or the access to it.
    pub(crate) fn refusal_of_line(
        &self,
        handle: &SelectionHandle,
        changes: bool,
        is_stale: impl FnOnce(Option<UidValidity>) -> bool,
    ) -> Option<Error> {
        if self.current().is_some_and(|open| open.id() == handle.id() && is_stale(open.uid_validity)) {
            return Some(uid_validity_error());
        }
        if changes && self.is_read_only(handle) {
            return Some(read_only(handle));
        }
        let ended = || handle.ended_error().while_doing("between two of its lines");
        handle.has_ended().then(ended)
    }

    /// Why a line of a user's own command may not be sent, which the server would apply to the
    /// selection.
    pub(crate) fn refusal_of_verb(&self, verb: &str) -> Option<Error> {
        let handle = self.current()?.handle();
        (CHANGING.contains(&verb) && handle.get().read_only).then(|| read_only(handle))
    }
}

pub(crate) fn uid_validity_error() -> Error {
    Error::invalid("its UIDs are of another UIDVALIDITY than the mailbox has: they name other messages")
}

/// The error of a command that changes messages.
pub(crate) fn read_only(handle: &SelectionHandle) -> Error {
    let HandleFacts { examined, opened, .. } = handle.get();
    let (why, hint) = if examined || !opened {
        ("the mailbox was opened for reading alone (EXAMINE)", "open it with SELECT to change something")
    } else {
        (
            "the mailbox is open for reading alone, as the server said ([READ-ONLY])",
            "select it again once it may be changed",
        )
    };
    Error::new(ErrorKind::ReadOnly, format!("not sent: {why}"))
        .advise(hint)
        .about(Some(&handle.place().mailbox), None)
}
