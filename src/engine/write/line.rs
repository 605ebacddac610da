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
use crate::engine::inflight::entry::Next;
use crate::engine::log;
use crate::engine::schedule::resolve::uid_validity_error;
use crate::engine::selection::access::refusal_of_verb;
use crate::engine::submit::end_cause::EndCause;
use crate::engine::write::reserved;
use crate::engine::write::upload::{Piece, Upload, pieces};
use crate::error::{Error, Sent};
use crate::types::{Answer, CommandId, Event, EventKind};
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
        let refused = self.inflight.get(&id).and_then(|f| self.refusal_of_line(f));
        let Some(flight) = self.inflight.get_mut(&id).filter(|f| f.next == Next::Line) else { return };
        let tag = self.shared.tag(id);
        let mut line = Line::new(Some(&tag), &self.session);
        // A mailbox that is selected by now is none of its business.
        let ended =
            flight.selection_handle.as_ref().is_some_and(|selection_handle| selection_handle.has_ended());
        // And its UIDs may be other messages' by now.
        let stale = self.selection.as_ref().is_some_and(|s| {
            let its = flight
                .selection_handle
                .as_ref()
                .is_some_and(|selection_handle| selection_handle.id == s.selection_handle.id);
            its && flight.uid_validity.is_some() && flight.uid_validity != s.uid_validity
        });
        let encoded = if stale && flight.begun {
            Err(uid_validity_error())
        } else if let Some(refused) = refused {
            Err(refused)
        } else if ended {
            let error = flight
                .selection_handle
                .as_ref()
                .map_or_else(|| EndCause::Unknown.error(), |selection_handle| selection_handle.ended_error());
            Err(error.while_doing("between two of its lines"))
        } else {
            flight.job.encode(&mut line, &self.session)
        };
        let made = encoded.and_then(|flow| {
            let sources = line.take_sources();
            self.secrets.add(id, line.take_secrets());
            let fragments = line.finish()?;
            let verb = verb_of(&fragments);
            if !flight.class.ours && !is_name(&verb) {
                // Some servers take a tab for a space, and a quoted string for the atom.
                return Err(Error::invalid("it does not begin with a command's name"));
            }
            if !flight.class.ours {
                reserved::check(&verb)?;
            }
            if !flight.class.ours
                && let Some(refused) =
                    self.selection.as_ref().and_then(|s| refusal_of_verb(&s.selection_handle, &verb))
            {
                return Err(refused);
            }
            if !flight.class.ours && matches!(&*verb, "SEARCH" | "ESEARCH" | "SORT" | "THREAD") {
                // It may save its own result in place of ours (RFC 5182 section 2.1).
                self.remembered.forget();
            }
            Ok((flow, pieces(fragments, sources)))
        });
        match made {
            Ok((flow, pieces)) => {
                log::sending(id, &tag, flight);
                flight.tags.push(tag.clone());
                flight.next = match flow {
                    Flow::Last => Next::Nothing,
                    Flow::More => Next::Line,
                    Flow::AfterReply => Next::LineAfterReply,
                };
                if flight.next == Next::Line {
                    self.ready_to_continue.push_front(id);
                }
                let last = flow == Flow::Last && !flight.job.awaits_challenge();
                self.outbox.open_line();
                self.push_pieces(id, Some(tag), pieces, last);
            }
            Err(error) => {
                self.shared.release_tag(&tag);
                let error = error.in_command(flight.job.name()).with_sent(flight.sent());
                flight.next = Next::Nothing;
                if flight.tags.is_empty() {
                    // What its earlier lines achieved is not lost.
                    let done: Vec<_> = flight.replies.drain(..).map(Answer::Status).collect();
                    if flight.begun {
                        self.failed(id, &error);
                    }
                    self.end_flight(id, Err(error.add_answers(done)));
                } else {
                    flight.failure.get_or_insert(error);
                }
            }
        }
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
                if self.line.is_none() && self.inflight.get(&id).is_some_and(|f| f.class.dialogue) {
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
        let Some(flight) = self.inflight.get_mut(&id) else { return };
        if flight.failure.is_some() {
            // It has been given up, and the server has not listened.
            return self.outbox.push(id, Bytes::from_static(b"*\r\n"), false);
        }
        let mut line = Line::new(None, &self.session);
        let made = flight.job.challenge(text, &mut line).and_then(|()| {
            self.secrets.add(id, line.take_secrets());
            line.finish()
        });
        // The server wants more of it than it has.
        flight.whole = false;
        match made {
            Ok(fragments) => {
                let last = !flight.job.awaits_challenge();
                self.push_pieces(id, None, pieces(fragments, Vec::new()), last);
            }
            Err(error) => {
                // `*` gives the exchange up; the tagged BAD that follows ends the command (RFC 9051 section 6.2.2).
                flight.failure.get_or_insert(error.in_command(flight.job.name()).with_sent(Sent::Partly));
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
