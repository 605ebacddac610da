//! A command with the slot of its token, as the driver holds it.
//!
//! In: what the driver asks of a command, and responses that are its own. Out: these in the slot,
//! and its end.

use std::sync::Arc;

use bytes::Bytes;

use super::{End, ResultSlot, SlotState, TokenState, Truncation};
use crate::command::{Claim, Command, Flow, Line, Messages, RowItems, Session};
use crate::engine::events::{Output, mark};
use crate::engine::submit::erased_command::ErasedCommand;
use crate::engine::submit::lease_scope::InScope;
#[cfg(feature = "account")]
use crate::engine::submit::lease_scope::Scope;
use crate::engine::submit::literal_channel::{LiteralChannel, LiteralFacts};
use crate::engine::submit::overrun::overrun;
use crate::error::{Error, Result, Sent};
use crate::types::{Answer, Done, Limits, MailboxName, Progress, StatusResponse, Untagged};
use crate::wire::RowHead;

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

    /// What a literal of this row is, if anything of the row was asked for.
    fn facts(&self, head: &mut RowHead, size: u64) -> Option<LiteralFacts> {
        if !self.command.trim(&mut head.row) {
            return None;
        }
        let Answer::Fetch(row) = head.row.answer() else { return None };
        let (seq, uid) = (row.seq(), row.uid());
        let RowHead { section, origin, is_binary, .. } = head.clone();
        Some(LiteralFacts { seq, uid, section, origin, is_binary, size })
    }

    /// What has become of its token; one of the engine's own is always wanted.
    fn fate(&self) -> TokenState {
        self.slot.as_ref().map_or(TokenState::Held, |slot| slot.lock().fate)
    }
}

impl<C: Command> ResultSlot<C> {
    /// The literal that comes now, or came last.
    fn literal(&self) -> Option<Arc<LiteralChannel>> {
        self.lock().literals.as_ref()?.current().cloned()
    }
}

impl<C> SlotState<C> {
    /// Whether a reader may still take what comes.
    fn is_read(&self) -> bool {
        self.fate == TokenState::Held && matches!(self.cut, Truncation::No)
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

    fn builds_on_the_whole(&self) -> bool {
        self.command.builds_on_the_whole()
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

    fn begin_literal(&mut self, mut head: RowHead, size: u64, limits: &Limits) -> bool {
        let Some(slot) = &self.slot else { return false };
        let mut state = slot.lock();
        if !state.literals.as_ref().is_some_and(|literals| literals.wants(size)) {
            return false;
        }
        let facts = if state.is_read() { self.facts(&mut head, size) } else { None };
        let begins = facts.is_some();
        if let Some(literals) = &mut state.literals {
            literals.begin(facts);
        }
        if begins {
            head.row.set_begins_literal();
            let weight = PLACE + head.row.heap_size();
            head.row.set_weight(weight);
            state.items.push_back(head.row);
            slot.backlog.add(weight, mark(limits));
        }
        true
    }

    fn literal_piece(&mut self, piece: Bytes, is_last: bool, limits: &Limits) {
        let Some(channel) = self.slot.as_ref().and_then(|slot| slot.literal()) else { return };
        channel.push(piece, limits);
        if is_last {
            channel.finish(Ok(()));
        }
    }

    fn hand_over(&self) {
        let Some(slot) = &self.slot else { return };
        let mut state = slot.lock();
        state.handed_over = true;
        // A reader that awaits the whole is woken by its end alone.
        let over = state.streaming || !matches!(state.cut, Truncation::No);
        let reader = if over { state.reader.take() } else { None };
        let literal = state.literals.as_ref().and_then(|literals| literals.current().cloned());
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        literal.into_iter().for_each(|literal| literal.hand_over());
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
        if let Some(literals) = state.literals.as_ref().map(|literals| literals.backlog()) {
            // A literal in hand is read on when its rows are not.
            let rows = slot.backlog.is_full().filter(|_| state.is_read());
            return rows.or(literals.is_full()).map(|_| slot.backlog.taken() + literals.taken());
        }
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
        let error = error.about(None, self.command.mailbox().cloned());
        let literal = state.literals.as_ref().and_then(|literals| literals.current().cloned());
        state.end = Some(End::Failed(error.clone()));
        let reader = state.reader.take();
        drop(state);
        literal.into_iter().for_each(|literal| literal.finish(Err(error.clone())));
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }

    fn detached(&self) -> bool {
        self.fate() == TokenState::Detached
    }

    #[cfg(feature = "account")]
    fn scope(&self) -> Option<&Arc<Scope>> {
        self.scope.as_ref().map(InScope::scope)
    }

    #[cfg(feature = "account")]
    fn enter(&mut self, scope: InScope) {
        self.scope = Some(scope);
    }

    fn end(self: Box<Self>, result: Result<Done>) {
        let Self { command, slot: Some(slot), scope: _scope } = *self else { return };
        if let (Err(error), Some(literal)) = (&result, slot.literal()) {
            literal.finish(Err(error.clone().about(None, command.mailbox().cloned())));
        }
        slot.finish(match result {
            Ok(done) => End::Done(command, done),
            Err(error) => End::Failed(error.about(None, command.mailbox().cloned())),
        });
    }
}
