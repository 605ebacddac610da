//! From commands to bytes: lines, dialogues that own the line (literal, SASL, upload, IDLE), the
//! outbox.
//!
//! In: lines of commands that admission lets go, `+`, chunks of uploads. Out: bytes, each with its
//! command.

mod command_lines;
mod dialogue;
mod idle;
mod outbox;
mod secret_pieces;
mod secrets;
mod upload;
mod user_commands;
mod wire_log;

use bytes::Bytes;

use self::dialogue::Dialogue;
pub(crate) use self::idle::{Idle, IdleStep, Surroundings};
use self::outbox::Outbox;
pub(crate) use self::secrets::Secrets;
use crate::types::CommandId;

/// How many bytes may wait to be written before no further line is made.
const SOFT_LIMIT: usize = 64 << 10;

/// What waits to be written, and the command that has the line for itself.
#[derive(Default)]
pub(crate) struct Writer {
    outbox: Outbox,
    line: Option<Dialogue>,
    /// What the server has been sent that it may not repeat in errors, events and traces.
    secrets: Secrets,
}

impl Writer {
    /// Whether nothing waits to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.outbox.is_empty()
    }

    /// How many bytes wait to be written.
    pub(crate) fn unwritten(&self) -> usize {
        self.outbox.len()
    }

    /// Whether so much waits that no further line is to be made.
    pub(crate) fn is_full(&self) -> bool {
        self.outbox.len() >= SOFT_LIMIT
    }

    /// The bytes of the next write, about `most` at most.
    pub(crate) fn next_write(&mut self, most: usize) -> &[u8] {
        self.outbox.next_write(most)
    }

    /// This many bytes have been written. Of which commands, how many, and whether the last, goes
    /// to `report`.
    pub(crate) fn advance(&mut self, count: usize, report: impl FnMut(CommandId, usize, bool)) {
        self.outbox.advance(count, report)
    }

    /// Whether bytes of this command wait.
    pub(crate) fn holds(&self, id: CommandId) -> bool {
        self.outbox.holds(id)
    }

    /// Whether the line with this tag waits, and not a byte of it has been written.
    pub(crate) fn has_yet_to_begin(&self, id: CommandId, tag: &str) -> bool {
        self.outbox.has_yet_to_begin(id, tag)
    }

    /// The log shows a response, if anyone listens: without what may be a secret, or the server's
    /// part of a login.
    pub(crate) fn log_received(&self, bytes: impl FnOnce() -> Bytes) {
        if !wire_log::is_on() {
            return;
        }
        let bytes = bytes();
        let is_challenge = bytes.starts_with(b"+") && matches!(self.line, Some(Dialogue::Challenge { .. }));
        wire_log::received(&bytes, is_challenge || self.secrets.are_in(&bytes));
    }

    /// What may be kept of what the server says.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// A command has ended: its line will not be repeated any more.
    pub(crate) fn forget_secrets(&mut self, id: CommandId) {
        self.secrets.forget(id);
    }

    /// Logging in is over.
    pub(crate) fn clear_secrets(&mut self) {
        self.secrets.clear();
    }

    /// Takes out all that waits of this command, if none of that has been begun; then the line is
    /// free.
    pub(crate) fn withdraw(&mut self, id: CommandId) -> bool {
        let withdrawn = self.outbox.withdraw(id);
        if withdrawn {
            self.line.take_if(|line| line.id() == id);
        }
        withdrawn
    }

    /// Nothing that waits can be written any more.
    pub(crate) fn discard(&mut self) {
        self.outbox = Outbox::default();
    }

    /// The connection has ended.
    pub(crate) fn close(&mut self) {
        self.discard();
        self.line = None;
    }
}
