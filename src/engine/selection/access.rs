//! Whether the selected mailbox may be changed. In one that is open for reading alone STORE, EXPUNGE and MOVE are not sent:
//! some servers say OK to them and do nothing, some do them all the same.
//!
//! ```text
//!   SELECT ────────> to be changed ── OK [READ-ONLY] ──> read only
//!                          ^                                 ^
//!                          └───────── OK [READ-WRITE] ───────┤
//!   EXAMINE ─────────────────────────────────────────────────┘
//! ```
//!
//! In: SELECT and EXAMINE, the codes of all OKs (RFC 9051 section 7.1: access can change while a mailbox is selected). Out:
//! what the handles tell, and the error of a command that is about to be sent.

use crate::engine::Engine;
use crate::engine::schedule::resolve::uid_validity_error;
use crate::engine::submit::selection_handle::{SelectionHandle, SelectionInfo};
use crate::error::{Error, ErrorKind};
use crate::types::CommandId;

/// What changes messages of the selected mailbox, as lines of users' own commands name it (REPLACE: RFC 8508).
const CHANGING: [&str; 4] = ["EXPUNGE", "MOVE", "REPLACE", "STORE"];

impl Engine {
    /// An OK says how the mailbox is open: the one that is being opened, else the selected one.
    pub(in crate::engine) fn hear_access(&mut self, read_only: bool) {
        if self.is_opening() {
            self.opening_access(read_only);
        } else if let Some(selection) = self.selected.current() {
            selection.selection_handle.update(|p| p.read_only = read_only);
        }
    }

    /// Whether it may only be read. Of a mailbox that is being opened it is our EXAMINE that counts until the server has
    /// answered.
    pub(in crate::engine) fn is_read_only(&self, selection_handle: &SelectionHandle) -> bool {
        let examining = self
            .selected
            .opening()
            .is_some_and(|o| o.selection_handle.id == selection_handle.id && o.is_examine());
        examining || selection_handle.get().read_only
    }

    /// Why the next line of a command may not go out: since its first one the mailbox is another, or its UIDVALIDITY or
    /// the access to it.
    pub(in crate::engine) fn refusal_of_line(&self, id: CommandId) -> Option<Error> {
        let selection_handle = self.inflight.selection_handle(id)?;
        let open = self.selected.current().filter(|s| s.selection_handle.id == selection_handle.id);
        if open.is_some_and(|s| self.inflight.is_stale(id, s.uid_validity)) {
            return Some(uid_validity_error());
        }
        let changes = self.inflight.class(id).is_some_and(|class| class.changes_messages);
        if changes && self.is_read_only(selection_handle) {
            return Some(read_only(selection_handle));
        }
        let ended = || selection_handle.ended_error().while_doing("between two of its lines");
        selection_handle.has_ended().then(ended)
    }
}

/// Why a line of a user's own command may not go out, which the server would apply to this selection.
pub(in crate::engine) fn refusal_of_verb(selection_handle: &SelectionHandle, verb: &str) -> Option<Error> {
    (CHANGING.contains(&verb) && selection_handle.get().read_only).then(|| read_only(selection_handle))
}

/// The error of a command that changes messages.
pub(in crate::engine) fn read_only(selection_handle: &SelectionHandle) -> Error {
    let SelectionInfo { examined, opened, .. } = selection_handle.get();
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
        .about(Some(&selection_handle.place.mailbox), None)
}
