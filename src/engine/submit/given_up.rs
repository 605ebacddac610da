//! Commands whose results are not awaited any more: their tokens were dropped or cancelled, or
//! their time has ended.
//!
//! In: limits of tokens, what time it is. Out: what the engine is to take back, and the error of
//! each token that is overdue.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::types::CommandId;

/// When the time of commands ends.
#[derive(Default)]
pub(crate) struct TimeLimits {
    /// By time, with how long it was.
    limits: BTreeMap<(Instant, CommandId), Duration>,
    of: HashMap<CommandId, Instant>,
}

impl TimeLimits {
    /// The time of this command ends then, `limit` after it was asked for; or not at all.
    pub(crate) fn set(&mut self, id: CommandId, until: Option<Instant>, limit: Duration) {
        self.remove(id);
        if let Some(until) = until {
            self.of.insert(id, until);
            self.limits.insert((until, id), limit);
        }
    }

    /// This command has ended.
    pub(crate) fn remove(&mut self, id: CommandId) {
        if self.of.is_empty() {
            return;
        }
        if let Some(until) = self.of.remove(&id) {
            self.limits.remove(&(until, id));
        }
    }

    /// When the time of this command ends, and how long it was.
    #[cfg(feature = "account")]
    pub(crate) fn get(&self, id: CommandId) -> Option<(Instant, Duration)> {
        let until = *self.of.get(&id)?;
        self.limits.get(&(until, id)).map(|limit| (until, *limit))
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.limits.first_key_value().map(|((until, _), _)| *until)
    }

    /// Takes out those whose time has ended.
    fn take_overdue(&mut self, now: Instant) -> BTreeMap<CommandId, Duration> {
        let mut overdue = BTreeMap::new();
        while let Some(first) = self.limits.first_entry().filter(|first| first.key().0 <= now) {
            let ((_, id), limit) = first.remove_entry();
            self.of.remove(&id);
            overdue.insert(id, limit);
        }
        overdue
    }
}

/// Commands whose results are not awaited any more.
#[derive(Default)]
pub(crate) struct GivenUp {
    dropped: Vec<CommandId>,
    overdue: BTreeMap<CommandId, Duration>,
}

impl GivenUp {
    pub(crate) fn new(dropped: Vec<CommandId>, limits: &mut TimeLimits, now: Instant) -> Self {
        Self { dropped, overdue: limits.take_overdue(now) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.dropped.is_empty() && self.overdue.is_empty()
    }

    /// Those whose tokens were dropped or cancelled.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = CommandId> {
        self.dropped.iter().copied()
    }

    /// Those whose time has ended, and the error of each.
    pub(crate) fn overdue(&self) -> impl Iterator<Item = (CommandId, Error)> {
        self.overdue.iter().map(|(id, limit)| (*id, too_long(*limit)))
    }

    /// The error of this one, if its time has ended.
    pub(crate) fn error_of(&self, id: CommandId) -> Option<Error> {
        self.overdue.get(&id).copied().map(too_long)
    }
}

pub(crate) fn too_long(limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("it took longer than {limit:?}, the limit set for it"))
}
