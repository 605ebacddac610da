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
//! In: commands in flight that have a line to write, and `+`. Out: bytes in the outbox.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::command::{Flow, Line};
use crate::engine::Engine;
use crate::engine::selection::access::refusal_of_verb;
use crate::engine::write::reserved;
use crate::engine::write::upload::{Piece, Upload, pieces};
use crate::error::{Error, Result, Sent};
use crate::types::{CommandId, Event, EventKind};
use crate::wire::encode::Fragment;

/// Who has the line for itself, and what it waits for.
pub(in crate::engine) enum Dialogue {
    /// A literal that waits for its `+`: it, and what comes after it (RFC 9051 section 4.3).
    Literal { id: CommandId, tag: Option<String>, rest: VecDeque<Piece>, last: bool },
    /// A literal that comes from its source.
    Upload(Upload),
    /// A SASL exchange.
    Challenge { id: CommandId },
    /// IDLE, from its line to our DONE.
    Idle { id: CommandId },
}

impl Dialogue {
    /// Whether the response with this tag ends it.
    pub(in crate::engine) fn is_ended_by(&self, id: CommandId, tag: &str) -> bool {
        match self {
            Self::Literal { tag: Some(mine), .. } => mine.eq_ignore_ascii_case(tag),
            Self::Upload(upload) => upload.is_of(tag),
            _ => self.id() == id,
        }
    }

    pub(in crate::engine) fn id(&self) -> CommandId {
        match self {
            Self::Literal { id, .. } | Self::Challenge { id } | Self::Idle { id } => *id,
            Self::Upload(upload) => upload.id(),
        }
    }
}

impl Engine {
    /// Makes and queues the next line of a command in flight.
    pub(in crate::engine) fn write_line(&mut self, id: CommandId) {
        let Some(class) = self.inflight.class(id).filter(|_| self.inflight.is_line_due(id)) else { return };
        let (ours, refusal) = (class.ours, self.refusal_of_line(id));
        let tag = self.shared.tag(id);
        let mut line = Line::new(Some(&tag), &self.session);
        let encoded = match refusal {
            Some(error) => Err(error),
            None => self.inflight.encode(id, &mut line, &self.session),
        };
        let made = encoded.and_then(|flow| {
            let sources = line.take_sources();
            self.secrets.add(id, line.take_secrets());
            let fragments = line.finish()?;
            if !ours {
                self.check_own_line(&verb_of(&fragments))?;
            }
            Ok((flow, pieces(fragments, sources)))
        });
        match made {
            Ok((flow, pieces)) => {
                let last = self.inflight.line_made(id, &tag, flow);
                if flow == Flow::More {
                    self.scheduler.continue_at_once(id);
                }
                self.outbox.open_line();
                self.push_pieces(id, Some(tag), pieces, last);
            }
            Err(error) => {
                self.shared.release_tag(&tag);
                if let Some(error) = self.inflight.line_failed(id, error) {
                    if self.inflight.has_begun(id) {
                        self.failed(id, &error);
                    }
                    self.end_flight(id, Err(error));
                }
            }
        }
    }

    /// Whether a line of a user's own command may go out that begins with this word.
    fn check_own_line(&mut self, verb: &str) -> Result<()> {
        if !is_name(verb) {
            // Some servers take a tab for a space, and a quoted string for the atom.
            return Err(Error::invalid("it does not begin with a command's name"));
        }
        reserved::check(verb)?;
        let refusal = self.selected.current().and_then(|s| refusal_of_verb(&s.selection_handle, verb));
        if let Some(refused) = refusal {
            return Err(refused);
        }
        if matches!(verb, "SEARCH" | "ESEARCH" | "SORT" | "THREAD") {
            // It may save its own result in place of ours (RFC 5182 section 2.1).
            self.selected.forget_saved();
        }
        Ok(())
    }

    /// Puts a line in the outbox, up to the first literal that must wait or that comes from elsewhere.
    pub(in crate::engine) fn push_pieces(
        &mut self,
        id: CommandId,
        tag: Option<String>,
        mut rest: VecDeque<Piece>,
        last: bool,
    ) {
        while let Some(piece) = rest.pop_front() {
            match piece {
                Piece::Bytes(bytes) => self.outbox.push(id, bytes, last && rest.is_empty()),
                Piece::Wait => {
                    self.line = Some(Dialogue::Literal { id, tag, rest, last });
                    return;
                }
                Piece::Upload(source) => {
                    self.line = Some(Dialogue::Upload(Upload::new(id, tag, source, rest, last)));
                    return;
                }
            }
        }
    }

    /// A `+` has come.
    pub(in crate::engine) fn handle_continuation(&mut self, text: &Bytes, now: Instant) {
        // Of an IDLE that was given up it is but our DONE that may still be there to write.
        let unwritten = |id| self.outbox.holds(id) && !self.idle.has_given_up(id);
        let heard_too_early = self.line.as_ref().is_some_and(|owner| unwritten(owner.id()));
        match self.line.take() {
            // What it answers has not been written yet, or nothing waits for it.
            Some(owner) if heard_too_early => {
                self.line = Some(owner);
                self.tell_stray_continuation(text);
            }
            None => self.tell_stray_continuation(text),
            Some(owner @ Dialogue::Upload(_)) => {
                self.line = Some(owner);
                self.tell_stray_continuation(text);
            }
            Some(Dialogue::Literal { id, tag, rest, last }) => {
                self.push_pieces(id, tag, rest, last);
                if self.line.is_none() && self.inflight.class(id).is_some_and(|class| class.dialogue) {
                    self.line = Some(Dialogue::Challenge { id });
                }
            }
            Some(Dialogue::Challenge { id }) => {
                self.line = Some(Dialogue::Challenge { id });
                self.answer_challenge(id, text);
            }
            Some(Dialogue::Idle { id }) => {
                self.line = Some(Dialogue::Idle { id });
                if !self.idle.accepted(id, now) {
                    self.tell_stray_continuation(text);
                }
            }
        }
    }

    fn answer_challenge(&mut self, id: CommandId, text: &Bytes) {
        let mut line = Line::new(None, &self.session);
        let Some(answered) = self.inflight.answer_challenge(id, text, &mut line) else { return };
        let made = answered.and_then(|last| {
            self.secrets.add(id, line.take_secrets());
            Ok((line.finish()?, last))
        });
        match made {
            Ok((fragments, last)) => self.push_pieces(id, None, pieces(fragments, Vec::new()), last),
            Err(error) => {
                // `*` gives the exchange up; the tagged BAD that follows ends the command (RFC 9051 section 6.2.2). A server that
                // has not accepted that is given it again.
                self.inflight.fail(id, error.with_sent(Sent::Partly));
                self.outbox.push(id, Bytes::from_static(b"*\r\n"), false);
            }
        }
    }

    fn tell_stray_continuation(&mut self, text: &Bytes) {
        let bytes = self.excerpt_without_secrets(&Bytes::from([b"+ ", &text[..]].concat()));
        let error = "no command waits for a continuation".to_owned();
        self.report(Event::new(EventKind::Unparsed { bytes, error }));
    }
}

/// Whether this is a command's name: an atom (RFC 9051 section 9, ATOM-CHAR).
fn is_name(verb: &str) -> bool {
    let is_special = |byte: u8| br#"(){%*"\]"#.contains(&byte);
    !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_graphic() && !is_special(byte))
}

/// The command's name as the server will read it, in capitals, `UID` aside.
fn verb_of(fragments: &[Fragment]) -> String {
    let first = fragments.first().map(Fragment::as_bytes).unwrap_or_default();
    let mut words = first.split(|byte| matches!(byte, b' ' | b'\r' | b'\n')).skip(1);
    let word = |word: Option<&[u8]>| String::from_utf8_lossy(word.unwrap_or_default()).to_ascii_uppercase();
    match word(words.next()) {
        uid if uid == "UID" => word(words.next()),
        verb => verb,
    }
}
