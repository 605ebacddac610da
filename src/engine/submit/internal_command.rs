//! Internal commands: queries for the view, IDLE, NOOP, NOTIFY again, LIST of a subscription,
//! STATUS of a deselected mailbox, LOGOUT.
//!
//! In: what a part wants to ask. Out: a request for the queue, with its place in it.
//!
//! They are commands like any other, without a token: their results go to the engine.

use std::sync::Arc;

use crate::command::{Class, Command};
use crate::engine::submit::erased_command::ErasedCommand;
use crate::engine::submit::query::Query;
use crate::engine::submit::selection_handle::SelectionHandle;
use crate::engine::submit::slot::Submitted;
use crate::types::{Answer, MailboxName, SelectionId};

/// What one of the engine's own commands is for.
#[derive(Debug)]
pub(crate) enum InternalCommand {
    /// What the view of the selected mailbox lacks, or may lack.
    Query(Query),
    /// IDLE of the engine's own accord.
    Idle,
    /// NOOP, where there is no IDLE.
    Poll,
    /// NOTIFY, after the server has forgotten it.
    Notify,
    /// `LIST (SUBSCRIBED)` or LSUB: whether this mailbox is still subscribed to.
    Subscription { mailbox: MailboxName, found: bool },
    /// STATUS of a mailbox that was deselected under NOTIFY, when this selection ended.
    DeselectedMailbox(SelectionId),
    /// LOGOUT, when the last handle has gone.
    Logout,
}

impl InternalCommand {
    /// Whether it asks for what the view lacks.
    pub(crate) fn fills(&self) -> bool {
        matches!(self, Self::Query(query) if query.fills())
    }

    /// Keeps this command's answer.
    pub(crate) fn received(&mut self, answer: &Answer) {
        match (self, answer) {
            (Self::Query(query), answer) => query.received(answer),
            // Where it is the answer it says so (RFC 5258 section 3.1).
            (Self::Subscription { mailbox, found }, Answer::List(entry)) => {
                *found |= entry.name == *mailbox && entry.has("\\Subscribed");
            }
            (Self::Subscription { mailbox, found }, Answer::Lsub(entry)) => {
                *found |= entry.name == *mailbox;
            }
            _ => {}
        }
    }
}

/// Where one of the engine's own commands is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueuePlace {
    Back,
    /// Before the first that ends the selection, after which it would have no meaning.
    BeforeSelectionEnds,
    /// Behind all that users submit, within reason.
    Background,
}

/// One of the engine's own commands that is to be queued.
pub(crate) struct InternalRequest {
    pub(super) internal: InternalCommand,
    pub(super) job: Box<dyn ErasedCommand>,
    pub(super) class: Class,
    pub(super) handle: Option<Arc<SelectionHandle>>,
    place: QueuePlace,
}

impl InternalRequest {
    /// In this selection; behind what is queued, unless it says [otherwise](Self::at).
    pub(crate) fn new(
        internal: InternalCommand,
        command: impl Command,
        handle: Option<Arc<SelectionHandle>>,
    ) -> Self {
        let class = command.class();
        let job = Box::new(Submitted::internal(command));
        Self { internal, job, class, handle, place: QueuePlace::Back }
    }

    /// A query for the view of this selection.
    pub(crate) fn query(query: Query, command: impl Command, handle: &Arc<SelectionHandle>) -> Self {
        Self::new(InternalCommand::Query(query), command, Some(Arc::clone(handle)))
    }

    pub(crate) fn at(self, place: QueuePlace) -> Self {
        Self { place, ..self }
    }

    pub(crate) fn place(&self) -> QueuePlace {
        self.place
    }
}
