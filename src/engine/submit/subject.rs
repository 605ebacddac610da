//! What the log says of a command: which one it is, and where it works.

use std::fmt::Display;

use tracing::field::{DisplayValue, display};

use crate::engine::submit::selection_handle::SelectionHandle;
use crate::engine::submit::slot::ErasedCommand;
use crate::types::CommandId;

/// Which command a line is about.
pub(in crate::engine) struct Subject<'a> {
    pub(in crate::engine) id: CommandId,
    pub(in crate::engine) job: &'a dyn ErasedCommand,
    pub(in crate::engine) selection_handle: Option<&'a SelectionHandle>,
    /// One of the engine's own.
    pub(in crate::engine) own: bool,
}

impl<'a> Subject<'a> {
    /// The mailbox that it names, else the one in which it works.
    pub(in crate::engine) fn mailbox(&self) -> Option<DisplayValue<impl Display + 'a>> {
        let selected = self.selection_handle.map(|selection_handle| &selection_handle.place().mailbox);
        self.job.mailbox().or(selected).map(|name| display(name.shown()))
    }
}
