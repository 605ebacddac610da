//! Encodes the due line of a command into the outbox, and continues it on the server's `+` and with
//! an upload's bytes.
//!
//! In: commands whose next line is due, `+`. Out: lines in the outbox, or the error with which a
//! command ends.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::command::{Class, CommandName, Flow, Line, Messages, Session};
use crate::engine::inflight::InFlight;
use crate::engine::schedule::Scheduler;
use crate::engine::selection::Selected;
use crate::engine::submit::Shared;
use crate::engine::write::Writer;
use crate::engine::write::dialogue::{Continuation, LineRest};
use crate::engine::write::idle::Idle;
use crate::engine::write::upload::{Piece, pieces};
use crate::engine::write::user_commands;
use crate::error::{Error, Result, Sent};
use crate::types::{CloseReason, CommandId, EventKind};

impl Writer {
    /// The command that a line with this tag answers. What has not begun to be written can't have
    /// been read: a guess at a tag ends no command, which would go out all the same.
    pub(crate) fn answered_by(&self, tag: &str, inflight: &InFlight, shared: &Shared) -> Option<CommandId> {
        // One that has been written whole is not looked for in the outbox.
        shared.owner(tag).filter(|id| {
            let has_begun = inflight.has_begun(*id);
            !inflight.has(*id)
                || has_begun && (inflight.sent(*id) == Sent::Fully || !self.has_yet_to_begin(*id, tag))
        })
    }

    /// Makes and queues the next line of a command in flight, if one is due. The error with which
    /// the command ends, if it does.
    pub(crate) fn write_line(
        &mut self,
        id: CommandId,
        inflight: &mut InFlight,
        selected: &mut Selected,
        scheduler: &mut Scheduler,
        session: &Session,
    ) -> Option<Error> {
        let class = inflight.class(id).filter(|_| inflight.is_line_due(id))?;
        let changes = class.changes_messages;
        // Of the library's own commands there is nothing to check.
        let own = (!class.ours).then(|| class.clone());
        let refusal = inflight.selection_handle(id).and_then(|handle| {
            let is_stale = |uid_validity| inflight.is_stale(id, uid_validity);
            selected.refusal_of_line(handle, changes, is_stale)
        });
        let tag = scheduler.shared().tag(id);
        let mut line = Line::new(Some(tag.as_str()), session);
        let encoded = refusal.map_or_else(|| inflight.encode(id, &mut line, session), Err);
        let encoded = encoded.and_then(|flow| {
            line.command_name().map_or(Ok(()), |name| user_commands::check_login(name, session))?;
            Ok(flow)
        });
        let has_params = line.has_params();
        match encoded.and_then(|flow| Ok((flow, self.pieces(id, own.as_ref(), line, inflight, selected)?))) {
            Ok((flow, pieces)) => {
                let last = inflight.line_made(id, tag, flow, has_params);
                if flow == Flow::More {
                    scheduler.continue_at_once(id);
                }
                self.begin_line(LineRest { id, tag: Some(tag), pieces, last });
                None
            }
            Err(error) => {
                scheduler.shared().release_tag(tag.as_str());
                inflight.line_failed(id, error)
            }
        }
    }

    /// The pieces of a line that has been made; `own`: the class of a user's own command.
    fn pieces(
        &mut self,
        id: CommandId,
        own: Option<&Class>,
        mut line: Line,
        inflight: &InFlight,
        selected: &mut Selected,
    ) -> Result<VecDeque<Piece>> {
        let sources = line.take_sources();
        self.secrets.add(id, line.take_secrets());
        let names_numbers = line.names_numbers();
        let name = own.and_then(|_| line.command_name().cloned());
        let fragments = line.finish()?;
        if let Some(class) = own {
            let name = name.ok_or_else(|| {
                Error::invalid("its line does not begin with a command's name")
                    .advise("begin with `CommandLine::command`")
            })?;
            check_own_line(id, class, &name, names_numbers, inflight, selected)?;
        }
        Ok(pieces(fragments, sources))
    }

    /// A `+` has been received. What is to be reported of it, if nothing waits for one.
    pub(crate) fn handle_continuation(
        &mut self,
        text: &Bytes,
        idle: &mut Idle,
        inflight: &mut InFlight,
        session: &Session,
        now: Instant,
    ) -> Option<EventKind> {
        match self.on_continuation(idle) {
            Continuation::Challenge(id) => self.answer_challenge(id, text, inflight, session),
            Continuation::Idle(id) if idle.accepted(id, now) => {}
            Continuation::Literal(id) => {
                if inflight.class(id).is_some_and(|class| class.dialogue) {
                    self.begin_challenge(id);
                }
            }
            Continuation::Idle(_) | Continuation::Stray => {
                let bytes = self.secrets.excerpt(&Bytes::from([b"+ ", &text[..]].concat()));
                let error = "no command waits for a continuation".to_owned();
                return Some(EventKind::Unparsed { bytes, error });
            }
        }
        None
    }

    fn answer_challenge(&mut self, id: CommandId, text: &[u8], inflight: &mut InFlight, session: &Session) {
        let mut line = Line::new(None, session);
        let Some(answered) = inflight.answer_challenge(id, text, &mut line) else { return };
        let made = answered.and_then(|last| {
            self.secrets.add(id, line.take_secrets());
            Ok((line.finish()?, last))
        });
        match made {
            Ok((fragments, last)) => {
                let pieces = pieces(fragments, Vec::new());
                self.push_pieces(LineRest { id, tag: None, pieces, last });
            }
            Err(error) => {
                inflight.fail(id, error.with_sent(Sent::Partly));
                self.cancel_challenge(id);
            }
        }
    }

    /// The bytes of an upload that were announced will not be sent. The error with which its
    /// command ends, and the connection with it, if nothing else can be sent any more.
    pub(crate) fn fail_upload(
        &mut self,
        error: Error,
        can_cancel: bool,
        inflight: &mut InFlight,
    ) -> Option<(CommandId, Error, CloseReason)> {
        let upload = self.upload().filter(|upload| inflight.has(upload.rest().id))?;
        let (id, error) = (upload.rest().id, error.with_sent(Sent::Partly));
        if !can_cancel || upload.is_too_long_to_pad() {
            // A server that waits for bytes takes nothing else, and would take the next command for
            // them.
            let cause = std::error::Error::source(&error);
            let why = error.message();
            let reason = CloseReason::Upload(cause.map_or(why.to_owned(), |cause| format!("{why}: {cause}")));
            return Some((id, error.closed_by(&reason), reason));
        }
        upload.cancel_append();
        inflight.fail(id, error);
        inflight.stop_lines(id);
        None
    }
}

/// Whether a line of a user's own command may be sent that begins with this name.
fn check_own_line(
    id: CommandId,
    class: &Class,
    name: &CommandName,
    names_numbers: bool,
    inflight: &InFlight,
    selected: &mut Selected,
) -> Result<()> {
    let messages = inflight.messages(id);
    user_commands::check(name, class, inflight.selection_handle(id).is_some(), messages)?;
    if names_numbers && !matches!(messages, Some(Messages::Seqs(_))) {
        let why = "its line has sequence numbers that `Command::messages` does not return";
        return Err(Error::invalid(why).advise("return them there: they may be others by now"));
    }
    if let Some(refused) = selected.refusal_of_verb(&name.name) {
        return Err(refused);
    }
    if matches!(name.name.as_str(), "SEARCH" | "ESEARCH" | "SORT" | "THREAD") {
        // It may save its own result in place of ours (RFC 5182 section 2.1).
        selected.forget_saved();
    }
    Ok(())
}
