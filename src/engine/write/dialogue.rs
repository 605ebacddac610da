//! Lines in the outbox, and the dialogues in which one command owns the line.
//!
//! ```text
//!              ┌── Literal ── `+` ──> the literal, the rest of the line ──┐
//!              ├── Upload ── bytes of its source ──> the rest of the line ┤
//!   line free ─┼── Challenge ── `+` ──> an answer ── … ── tagged ─────────┼─> line free
//!              └── Idle ── `+` ──> idling ── DONE ────────────────────────┘
//!                          (a tagged OK, NO or BAD ends any of them)
//! ```
//!
//! In: lines of commands in flight, `+`, tagged responses. Out: bytes in the outbox.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::engine::inflight::Written;
use crate::engine::submit::Tag;
use crate::engine::write::Writer;
use crate::engine::write::idle::Idle;
use crate::engine::write::upload::{Piece, Upload};
use crate::types::CommandId;

/// Who has the line for itself, and what it waits for.
pub(crate) enum Dialogue {
    /// A literal that waits for its `+`, and what follows the literal (RFC 9051 section 4.3).
    Literal(LineRest),
    /// A literal that is read from its source.
    Upload(Upload),
    /// A SASL exchange.
    Challenge { id: CommandId },
    /// IDLE, from its line to our DONE.
    Idle { id: CommandId },
}

impl Dialogue {
    /// Whether the response with this tag ends it.
    pub(crate) fn is_ended_by(&self, id: CommandId, tag: &str) -> bool {
        match self {
            Self::Literal(rest) if rest.tag.is_some() => rest.has_tag(tag),
            Self::Upload(upload) => upload.rest().has_tag(tag),
            _ => self.id() == id,
        }
    }

    pub(crate) fn id(&self) -> CommandId {
        match self {
            Self::Challenge { id } | Self::Idle { id } => *id,
            Self::Literal(rest) => rest.id,
            Self::Upload(upload) => upload.rest().id,
        }
    }
}

/// What is left of a line, or of the answer to a challenge.
pub(crate) struct LineRest {
    pub(super) id: CommandId,
    /// The tag of the line, until that has been answered.
    pub(super) tag: Option<Tag>,
    pub(super) pieces: VecDeque<Piece>,
    /// The command ends with it.
    pub(super) last: bool,
}

impl LineRest {
    fn has_tag(&self, tag: &str) -> bool {
        self.tag.as_ref().is_some_and(|mine| mine.as_str().eq_ignore_ascii_case(tag))
    }
}

/// What a `+` is the answer to.
pub(super) enum Continuation {
    /// A literal, which is on its way now.
    Literal(CommandId),
    Challenge(CommandId),
    Idle(CommandId),
    /// Nothing, or what has not been written yet.
    Stray,
}

impl Writer {
    /// Whether no command has the line for itself.
    pub(crate) fn is_line_free(&self) -> bool {
        self.line.is_none()
    }

    /// Writes a line, up to the first literal that must wait or has a source.
    pub(super) fn begin_line(&mut self, line: LineRest) {
        self.outbox.open_line();
        self.push_pieces(line);
    }

    /// Writes pieces of a command, up to the first literal that must wait or has a source.
    pub(super) fn push_pieces(&mut self, mut rest: LineRest) {
        // An answer in a dialogue has no tag, and is one to a challenge.
        let hidden = rest.tag.is_none() || self.secrets.has(rest.id);
        while let Some(piece) = rest.pieces.pop_front() {
            self.line = Some(match piece {
                Piece::Bytes(bytes) => {
                    let last = rest.last && rest.pieces.is_empty();
                    self.outbox.push_piece(rest.id, bytes, last, hidden);
                    continue;
                }
                Piece::Wait => Dialogue::Literal(rest),
                Piece::Upload(source) => Dialogue::Upload(Upload::new(rest, source)),
            });
            return;
        }
    }

    /// A command reads each `+` from here on, unless a literal of it waits first.
    pub(crate) fn begin_challenge(&mut self, id: CommandId) {
        self.line.get_or_insert(Dialogue::Challenge { id });
    }

    /// `*` gives an exchange up; the tagged BAD that follows ends the command (RFC 9051 section
    /// 6.2.2). A server that has not accepted that is sent it again.
    pub(super) fn cancel_challenge(&mut self, id: CommandId) {
        self.outbox.push(id, Bytes::from_static(b"*\r\n"), false);
    }

    pub(crate) fn begin_idle(&mut self, id: CommandId) {
        self.line = Some(Dialogue::Idle { id });
    }

    /// Writes DONE. The line is free by that.
    pub(super) fn leave_idle(&mut self, id: CommandId) {
        self.push_done(id);
        self.line.take_if(|line| matches!(line, Dialogue::Idle { .. }));
    }

    /// Writes DONE to a server that has not answered IDLE. Nothing may follow before the tagged
    /// line.
    pub(crate) fn push_done(&mut self, id: CommandId) {
        self.outbox.push(id, Bytes::from_static(b"DONE\r\n"), true);
    }

    /// A `+` has been received: a literal that waited for it is written.
    pub(super) fn on_continuation(&mut self, idle: &Idle) -> Continuation {
        let Some(id) = self.line.as_ref().map(Dialogue::id) else { return Continuation::Stray };
        // Of an IDLE that was given up only DONE may still wait.
        if self.outbox.holds(id) && !idle.has_given_up(id) {
            return Continuation::Stray;
        }
        match self.line.take_if(|line| matches!(line, Dialogue::Literal(_))) {
            Some(Dialogue::Literal(rest)) => {
                self.push_pieces(rest);
                Continuation::Literal(id)
            }
            _ => match &self.line {
                Some(Dialogue::Challenge { id }) => Continuation::Challenge(*id),
                Some(Dialogue::Idle { id }) => Continuation::Idle(*id),
                _ => Continuation::Stray,
            },
        }
    }

    /// A tagged response has been received. How much of its command had been written.
    pub(crate) fn end_dialogue(&mut self, id: CommandId, tag: &str) -> Written {
        match self.line.take_if(|line| line.is_ended_by(id, tag)) {
            Some(Dialogue::Upload(mut upload)) => {
                upload.on_answer();
                self.line = Some(Dialogue::Upload(upload));
                Written::CutShort
            }
            Some(Dialogue::Literal(_)) => Written::CutShort,
            _ if self.outbox.holds(id) => Written::Partly,
            _ => Written::All,
        }
    }
}
