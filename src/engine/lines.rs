//! The lines of commands in flight, and what the server's `+` and an upload's source do to them.
//!
//! In: commands whose next line is due, `+`, chunks of a source. Out: lines in the writer, or the
//! error with which a command ends.

use std::io;
use std::time::Instant;

use bytes::Bytes;

use crate::command::{Class, CommandName, Flow, Line, Messages, Taken};
use crate::engine::Engine;
use crate::engine::write::line::Continuation;
use crate::engine::write::own_lines;
use crate::engine::write::upload::pieces;
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::types::{CloseReason, CommandId, Event, EventKind};

impl Engine {
    /// Makes and queues the next line of a command in flight.
    pub(in crate::engine) fn write_line(&mut self, id: CommandId) {
        let Some(class) = self.inflight.class(id).filter(|_| self.inflight.is_line_due(id)) else { return };
        let own = (!class.ours).then(|| class.clone());
        let changes = class.changes_messages;
        let refusal = self.inflight.selection_handle(id).and_then(|handle| {
            let is_stale = |uid_validity| self.inflight.is_stale(id, uid_validity);
            self.selected.refusal_of_line(handle, changes, is_stale)
        });
        let tag = self.scheduler.shared().tag(id);
        let mut line = Line::new(Some(&tag), &self.session);
        let encoded = match refusal {
            Some(error) => Err(error),
            None => self.inflight.encode(id, &mut line, &self.session),
        };
        let has_params = line.has_params();
        let made = encoded.and_then(|flow| {
            let sources = line.take_sources();
            self.secrets.add(id, line.take_secrets());
            let (name, names_numbers) = (line.command_name().cloned(), line.names_numbers());
            let fragments = line.finish()?;
            if let Some(class) = &own {
                self.check_own_line(id, class, name.as_ref(), names_numbers)?;
            }
            Ok((flow, pieces(fragments, sources)))
        });
        match made {
            Ok((flow, pieces)) => {
                let last = self.inflight.line_made(id, &tag, flow, has_params);
                if flow == Flow::More {
                    self.scheduler.continue_at_once(id);
                }
                self.writer.begin_line(id, tag, pieces, last);
            }
            Err(error) => {
                self.scheduler.shared().release_tag(&tag);
                if let Some(error) = self.inflight.line_failed(id, error) {
                    if self.inflight.has_begun(id) {
                        self.failed(id, &error);
                    }
                    self.end_flight(id, Err(error));
                }
            }
        }
    }

    /// Whether a line of a user's own command may be sent that begins with this name.
    fn check_own_line(
        &mut self,
        id: CommandId,
        class: &Class,
        name: Option<&CommandName>,
        names_numbers: bool,
    ) -> Result<()> {
        let Some(name) = name else {
            return Err(Error::invalid("it does not begin with a command's name"));
        };
        let messages = self.inflight.messages(id);
        let is_declared = matches!(messages, Some(Messages::Seqs(_)));
        own_lines::check(name, class, self.inflight.selection_handle(id).is_some(), messages)?;
        if names_numbers && !is_declared {
            return Err(Error::invalid(
                "it names messages by sequence number that `Command::messages` does not name: they may be others by now",
            ));
        }
        if let Some(refused) = self.selected.refusal_of_verb(&name.name) {
            return Err(refused);
        }
        if matches!(name.name.as_str(), "SEARCH" | "ESEARCH" | "SORT" | "THREAD") {
            // It may save its own result in place of ours (RFC 5182 section 2.1).
            self.selected.forget_saved();
        }
        Ok(())
    }

    /// A `+` has been received.
    pub(in crate::engine) fn handle_continuation(&mut self, text: &Bytes, now: Instant) {
        match self.writer.on_continuation(&self.idle) {
            Continuation::Challenge(id) => self.answer_challenge(id, text),
            Continuation::Idle(id) if self.idle.accepted(id, now) => {}
            Continuation::Literal(id) => {
                if self.inflight.class(id).is_some_and(|class| class.dialogue) {
                    self.writer.begin_challenge(id);
                }
            }
            Continuation::Idle(_) | Continuation::Stray => {
                let bytes = self.secrets.excerpt(&Bytes::from([b"+ ", &text[..]].concat()));
                let error = "no command waits for a continuation".to_owned();
                self.report(Event::new(EventKind::Unparsed { bytes, error }));
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
            Ok((fragments, last)) => self.writer.push_pieces(id, None, pieces(fragments, Vec::new()), last),
            Err(error) => {
                self.inflight.fail(id, error.with_sent(Sent::Partly));
                self.writer.cancel_challenge(id);
            }
        }
    }

    /// The source that is to be asked for bytes.
    pub(crate) fn source(&mut self) -> Option<&mut Taken> {
        if self.lifecycle.may_write() { self.writer.source() } else { None }
    }

    /// The source gave bytes, a failure, or its end.
    pub(crate) fn handle_chunk(&mut self, given: Option<io::Result<Bytes>>) {
        if let Err(error) = self.writer.on_chunk(given) {
            self.upload_failed(error);
        }
    }

    /// Fills up a literal that is no longer wanted, or closes the connection if that is too much.
    pub(in crate::engine) fn fill_abandoned_literal(&mut self) {
        // One that failed has been looked at when it did; this one was refused.
        if let Some(left) = self.writer.unpaddable() {
            return self.close(CloseReason::Upload(format!(
                "the server answered with {left} bytes of the message still to be sent, too many to fill up"
            )));
        }
        if self.lifecycle.may_write() {
            self.writer.pad();
        }
    }

    /// The bytes that were announced will not be sent.
    fn upload_failed(&mut self, error: Error) {
        let can_cancel = self.session.can("MULTIAPPEND");
        let Some(upload) = self.writer.upload() else { return };
        let id = upload.id();
        if !self.inflight.has(id) {
            return;
        }
        let error = error.with_sent(Sent::Partly);
        if !can_cancel || upload.is_too_long_to_pad() {
            // A server that waits for bytes takes nothing else, and would take the next command for
            // them.
            let cause = std::error::Error::source(&error);
            let why = error.message();
            let reason = CloseReason::Upload(cause.map_or(why.to_owned(), |cause| format!("{why}: {cause}")));
            self.end_flight(id, Err(error.closed_by(&reason)));
            return self.close(reason);
        }
        upload.cancel_append();
        self.inflight.fail(id, error);
        self.inflight.stop_lines(id);
        self.fill_abandoned_literal();
    }

    /// A command that has been begun is cancelled: what is streamed of it is given up.
    pub(in crate::engine) fn cancel_upload(&mut self, id: CommandId) {
        if self.writer.cancel_upload(id) {
            let what = "the upload was cancelled before its end";
            self.upload_failed(Error::new(ErrorKind::Source, what));
        }
    }

    /// The source gave nothing for too long.
    pub(super) fn source_stalled(&mut self) {
        let waited = self.settings.silence;
        self.upload_failed(Error::new(
            ErrorKind::Source,
            format!("the message's source gave nothing for {waited:?}"),
        ));
    }
}
