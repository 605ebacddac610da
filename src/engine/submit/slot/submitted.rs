//! A command with the slot of its token, as the driver holds it.
//!
//! In: what the driver asks of a command, and responses that are its own. Out: these in the slot,
//! and its end.

use std::sync::Arc;

use super::{End, ResultSlot, TokenState, Truncation};
use crate::command::{Claim, Command, Flow, Line, Messages, RowItems, Session};
use crate::engine::events::{Output, mark};
use crate::engine::submit::erased_command::ErasedCommand;
use crate::engine::submit::overrun::overrun;
use crate::engine::submit::scope::InScope;
use crate::error::{Error, Result, Sent};
use crate::types::{Done, Limits, MailboxName, Progress, StatusResponse, Untagged};

/// How many bytes of memory the place of a row takes.
pub(crate) const PLACE: usize = size_of::<Untagged>();

/// A command with the slot of its token; the engine's own have no token.
pub(crate) struct Submitted<C: Command> {
    command: C,
    slot: Option<Arc<ResultSlot<C>>>,
    /// The lease through which it was submitted: that is in use until the command has ended.
    scope: Option<InScope>,
}

impl<C: Command> Submitted<C> {
    pub(crate) fn new(command: C) -> (Self, Arc<ResultSlot<C>>) {
        let slot = ResultSlot::new();
        (Self { command, slot: Some(slot.clone()), scope: None }, slot)
    }

    /// The same, submitted through a lease.
    pub(crate) fn in_scope(self, scope: Option<InScope>) -> Self {
        Self { scope, ..self }
    }

    /// One of the engine's own.
    pub(crate) fn internal(command: C) -> Self {
        Self { command, slot: None, scope: None }
    }

    /// What has become of its token; one of the engine's own is always wanted.
    fn fate(&self) -> TokenState {
        self.slot.as_ref().map_or(TokenState::Held, |slot| slot.lock().fate)
    }
}

impl<C: Command> ErasedCommand for Submitted<C> {
    fn name(&self) -> &str {
        self.command.name()
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        self.command.mailbox()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.command.messages()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.command.encode(line, session)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        self.command.claims(response)
    }

    fn challenge(&mut self, text: &[u8], line: &mut Line) -> Result<()> {
        self.command.challenge(text, line)
    }

    fn awaits_challenge(&self) -> bool {
        self.command.awaits_challenge()
    }

    fn items_of(&self, response: &Untagged) -> RowItems {
        self.command.items_of(response)
    }

    fn line_ended(&mut self, at: usize) {
        self.command.line_ended(at);
    }

    fn trim(&self, response: &mut Untagged) -> bool {
        self.command.trim(response)
    }

    fn tolerates(&self, status: &StatusResponse) -> bool {
        self.command.tolerates(status)
    }

    fn receive(&mut self, response: Untagged, limits: &Limits, sent: Sent) -> Option<Untagged> {
        self.command.received(&response);
        let slot = self.slot.as_ref()?;
        let mut state = slot.lock();
        match state.fate {
            TokenState::Held if matches!(state.cut, Truncation::No) => {
                let (limit, most, item) = if state.streaming {
                    ("unread", limits.unread, 0)
                } else {
                    // All are made items before it is given out.
                    ("result", limits.result, size_of::<C::Item>())
                };
                let weight = PLACE + item + response.heap_size();
                // A piece that is larger than the whole room still passes, alone.
                let waiting = slot.backlog.bytes();
                if waiting == 0 || waiting + weight <= most {
                    state.items.push_back(response);
                    if let Some(response) = state.items.back_mut() {
                        response.set_weight(weight);
                    }
                    slot.backlog.add(weight, mark(limits));
                } else {
                    drop(state);
                    let error = overrun(limit, most).in_command(self.command.name()).with_sent(sent);
                    state = slot.lock();
                    // If it has been detached meanwhile, this row is lacking all the same.
                    state.cut = Truncation::Due(error);
                }
                None
            }
            TokenState::Detached if matches!(state.cut, Truncation::No) => Some(response),
            _ => None,
        }
    }

    fn hand_over(&self) {
        let Some(slot) = &self.slot else { return };
        let mut state = slot.lock();
        state.handed_over = true;
        // A reader that awaits the whole is woken by its end alone.
        let over = state.streaming || !matches!(state.cut, Truncation::No);
        let reader = if over { state.reader.take() } else { None };
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn progress(&self, progress: &Progress) {
        if let Some(slot) = &self.slot {
            slot.lock().progress = Some(progress.clone());
        }
    }

    fn overrun(&mut self, limits: &Limits) {
        let error = overrun("unread", limits.unread).in_command(self.command.name());
        if let Some(slot) = &self.slot {
            slot.lock().cut = Truncation::Due(error);
        }
    }

    fn overrun_detached(&self) -> Option<Error> {
        let state = self.slot.as_ref()?.lock();
        state.cut.error().filter(|_| state.fate == TokenState::Detached)
    }

    fn backed_up(&self, out: &Output) -> Option<u64> {
        let slot = self.slot.as_ref()?;
        let state = slot.lock();
        match state.fate {
            TokenState::Held if state.streaming && matches!(state.cut, Truncation::No) => {
                slot.backlog.is_full()
            }
            TokenState::Detached if matches!(state.cut, Truncation::No) => out.is_full(),
            _ => None,
        }
    }

    fn wanted(&self) -> bool {
        matches!(self.fate(), TokenState::Held | TokenState::Detached)
    }

    fn cancelled(&self) -> bool {
        self.fate() == TokenState::Cancelled
    }

    fn expire(&self, error: Error) -> bool {
        let Some(slot) = &self.slot else { return false };
        let mut state = slot.lock();
        if state.fate != TokenState::Held || !matches!(state.cut, Truncation::No) {
            return false;
        }
        state.fate = TokenState::Expired;
        state.end = Some(End::Failed(error.about(None, self.command.mailbox().cloned())));
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }

    fn detached(&self) -> bool {
        self.fate() == TokenState::Detached
    }

    fn end(self: Box<Self>, result: Result<Done>) {
        let Self { command, slot: Some(slot), scope: _scope } = *self else { return };
        slot.finish(match result {
            Ok(done) => End::Done(command, done),
            Err(error) => End::Failed(error.about(None, command.mailbox().cloned())),
        });
    }
}
