//! Commands that have left this connection for another one of their account: where they are, and
//! their time limits.
//!
//! In: commands that leave and arrive. Out: for a token, the connection that has its command now.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::Shared;
use crate::types::CommandId;

/// The commands that have left, by their numbers here.
#[derive(Default)]
pub(super) struct Moved(BTreeMap<CommandId, Whereabouts>);

enum Whereabouts {
    /// It waits for a connection, until its time ends.
    Between(Option<(Instant, Duration)>),
    There(Weak<Shared>, CommandId),
}

impl Shared {
    /// This command leaves.
    pub(in crate::engine::submit) fn on_leave(&self, id: CommandId) {
        let mut inner = self.lock();
        let limit = inner.table.limits.get(id);
        inner.table.limits.remove(id);
        inner.moved.0.insert(id, Whereabouts::Between(limit));
    }

    /// It is under way there, by this number.
    pub(in crate::engine::submit) fn on_arrive(&self, id: CommandId, there: &Arc<Self>, as_id: CommandId) {
        let mut inner = self.lock();
        let before = inner.moved.0.insert(id, Whereabouts::There(Arc::downgrade(there), as_id));
        drop(inner);
        if let Some(Whereabouts::Between(Some((until, limit)))) = before {
            there.set_limit(as_id, Some(until), limit);
        }
    }

    /// It has ended between two connections.
    pub(in crate::engine::submit) fn on_lost(&self, id: CommandId) {
        self.lock().moved.0.remove(&id);
    }

    /// Until when a command may take that waits for a connection.
    pub(in crate::engine::submit) fn limit_of_moving(&self, id: CommandId) -> Option<(Instant, Duration)> {
        match self.lock().moved.0.get(&id) {
            Some(Whereabouts::Between(limit)) => *limit,
            _ => None,
        }
    }

    pub(super) fn set_limit_of_moving(&self, id: CommandId, until: Option<Instant>, limit: Duration) {
        if let Some(Whereabouts::Between(old)) = self.lock().moved.0.get_mut(&id) {
            *old = until.map(|until| (until, limit));
        }
    }

    /// Where this command is, if it has left: `None` within while it waits for a connection, and
    /// once that one has gone, too.
    pub(super) fn whereabouts(&self, id: CommandId) -> Option<Option<(Arc<Self>, CommandId)>> {
        match self.lock().moved.0.get(&id)? {
            Whereabouts::Between(_) => Some(None),
            Whereabouts::There(shared, id) => Some(shared.upgrade().map(|shared| (shared, *id))),
        }
    }
}
