//! A command as the driver holds it, whatever its type.
//!
//! In: lines that are due, responses, the end. Out: bytes, claims, and what its token's slot keeps;
//! `slot/submitted.rs` has the one implementation.

#[cfg(feature = "account")]
use std::sync::Arc;

use bytes::Bytes;

use crate::command::{Claim, Flow, Line, Messages, RowItems, Session};
use crate::engine::events::Output;
#[cfg(feature = "account")]
use crate::engine::submit::lease_scope::{InScope, Scope};
use crate::error::{Error, Result, Sent};
use crate::types::{Done, Limits, MailboxName, Progress, StatusResponse, Untagged};
use crate::wire::RowHead;

/// A command as the driver holds it, whatever its type.
pub(crate) trait ErasedCommand: Send {
    fn name(&self) -> &str;
    fn mailbox(&self) -> Option<&MailboxName>;
    fn messages(&mut self) -> Option<&mut Messages>;
    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow>;
    fn claims(&self, response: &Untagged) -> Claim;
    fn challenge(&mut self, text: &[u8], line: &mut Line) -> Result<()>;
    fn awaits_challenge(&self) -> bool;
    /// Leaves out of a response that is this command's what it has not asked for. Whether anything
    /// is left.
    fn trim(&self, response: &mut Untagged) -> bool;
    /// Which items of a row this command has asked for, and which it has received of that message.
    fn items_of(&self, response: &Untagged) -> RowItems;
    /// The line at this place among those without a tagged response has got its own.
    fn line_ended(&mut self, at: usize);
    /// Whether the command goes on though one of its lines was refused so.
    fn tolerates(&self, status: &StatusResponse) -> bool;
    /// Whether its next line takes for granted that the last one has done all.
    fn builds_on_the_whole(&self) -> bool;
    /// Takes a response that is this command's; gives it back if its token was detached. `sent`: of
    /// the command.
    fn receive(&mut self, response: Untagged, limits: &Limits, sent: Sent) -> Option<Untagged>;
    /// A literal begins, of this size, in a row that is this command's: whether it takes it while
    /// it comes.
    fn begin_literal(&mut self, head: RowHead, size: u64, limits: &Limits) -> bool;
    /// The next bytes of that literal.
    fn literal_piece(&mut self, piece: Bytes, is_last: bool, limits: &Limits);
    /// Wakes a reader of rows: all that has come together is there.
    fn hand_over(&self);
    /// The server has said how far it has come.
    fn progress(&self, progress: &Progress);
    /// What was given back found no room: the result ends there.
    fn overrun(&mut self, limits: &Limits);
    /// The error of a detached result that found no room.
    fn overrun_detached(&self) -> Option<Error>;
    /// If too much of it is unread: how often a piece was read.
    fn backed_up(&self, out: &Output) -> Option<u64>;
    /// Whether someone may still read the result.
    fn wanted(&self) -> bool;
    fn cancelled(&self) -> bool;
    /// Its time has ended: its token fails with this, if someone holds it and it has not failed.
    /// Whether it has.
    fn expire(&self, error: Error) -> bool;
    fn detached(&self) -> bool;
    /// The lease through which it was submitted.
    #[cfg(feature = "account")]
    fn scope(&self) -> Option<&Arc<Scope>>;
    /// It has been submitted through another lease.
    #[cfg(feature = "account")]
    fn enter(&mut self, scope: InScope);
    fn end(self: Box<Self>, result: Result<Done>);
}
