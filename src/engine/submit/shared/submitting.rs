//! How a command gets into the queue and the tag table, and what its token asks for later.
//!
//! In: commands from any task; tokens that are dropped, cancelled or given a limit. Out: entries in
//! the queue and the tag table; the driver is woken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Origin, Record, Shared, Submission, blame};
use crate::command::Class;
use crate::engine::submit::erased_command::ErasedCommand;
use crate::engine::submit::selection_handle::SelectionHandle;
use crate::error::Error;
use crate::types::CommandId;

/// Whether it is taken up: if not, why, and the command.
pub(in crate::engine::submit) type TakenUp = Result<(), (Error, Box<dyn ErasedCommand>)>;

impl Shared {
    /// Takes a command: it is in the tag table before the driver can see it. Returns the error if
    /// it is refused.
    pub(crate) fn submit(
        &self,
        job: Box<dyn ErasedCommand>,
        class: Class,
        selection_handle: Option<Arc<SelectionHandle>>,
        opens: Option<Arc<SelectionHandle>>,
        origin: Origin,
    ) -> (CommandId, Option<Error>) {
        match self.take_up(job, class, [selection_handle, opens], origin) {
            (id, Ok(())) => (id, None),
            (id, Err((error, _))) => (id, Some(error)),
        }
    }

    /// The same; if it is refused, the command comes back with the error.
    pub(in crate::engine::submit) fn take_up(
        &self,
        job: Box<dyn ErasedCommand>,
        class: Class,
        [selection_handle, opens]: [Option<Arc<SelectionHandle>>; 2],
        origin: Origin,
    ) -> (CommandId, TakenUp) {
        let mut inner = self.lock();
        inner.next_id += 1;
        let id = CommandId(inner.next_id);
        let is_user = origin.is_user();
        let refused =
            inner.refusal(selection_handle.as_deref(), if is_user { self.most } else { usize::MAX });
        if let Some(error) = refused {
            drop(inner);
            return (id, Err((blame(error, &*job, selection_handle.as_deref()), job)));
        }
        selection_handle.iter().for_each(|handle| handle.mark_used());
        inner.table.commands.insert(id, Record { is_user });
        inner.table.users += usize::from(is_user);
        let submission = Box::new(Submission::new(id, job, class, [selection_handle, opens], origin));
        inner.submissions.push_back(submission);
        let driver = inner.driver.take();
        drop(inner);
        if let Some(driver) = driver {
            driver.wake();
        }
        (id, Ok(()))
    }

    /// A number for a command that is refused before it is submitted.
    pub(crate) fn number(&self) -> CommandId {
        let mut inner = self.lock();
        inner.next_id += 1;
        CommandId(inner.next_id)
    }

    /// A token was dropped or cancelled while its command was under way.
    pub(crate) fn give_up(&self, id: CommandId) {
        #[cfg(feature = "account")]
        if let Some(now) = self.whereabouts(id) {
            return now.map_or((), |(shared, id)| shared.give_up(id));
        }
        self.lock().given_up.push(id);
        self.wake_driver();
    }

    /// The token of this command fails at this time, `limit` after it was asked for; an earlier
    /// limit is dropped.
    pub(crate) fn set_limit(&self, id: CommandId, until: Option<Instant>, limit: Duration) {
        #[cfg(feature = "account")]
        if let Some(now) = self.whereabouts(id) {
            return match now {
                Some((shared, id)) => shared.set_limit(id, until, limit),
                None => self.set_limit_of_moving(id, until, limit),
            };
        }
        let mut inner = self.lock();
        if !inner.table.commands.contains_key(&id) {
            return;
        }
        inner.table.limits.set(id, until, limit);
        drop(inner);
        self.wake_driver();
    }
}
