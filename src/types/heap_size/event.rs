//! What an event holds in memory.

use super::HeapSize;
use crate::types::{Event, EventKind};

impl HeapSize for Event {
    fn heap_size(&self) -> usize {
        let name = || {
            // All events of a selected mailbox share its name.
            let elsewhere = self.place.as_ref().filter(|place| place.selection.is_none());
            elsewhere.map_or(0, |place| place.mailbox.heap_size())
        };
        match &self.kind {
            EventKind::Opened { .. }
            | EventKind::Exists { .. }
            | EventKind::Expunged { .. }
            | EventKind::UidValidityChanged { .. }
            | EventKind::SelectionEnded
            | EventKind::Resumed { .. }
            | EventKind::Ready { .. }
            | EventKind::MailboxDeleted
            | EventKind::MailboxSubscribed { .. }
            | EventKind::MailboxNoAccess
            | EventKind::NotificationsLost { .. }
            | EventKind::Lagged(_)
            | EventKind::Closed { .. } => name(),
            EventKind::Arrived { flags, .. } => flags.heap_size(),
            EventKind::FlagsChanged { flags, before, .. } => flags.heap_size() + before.heap_size(),
            // What names its mailbox itself shares the name with its place.
            EventKind::Status(status) => status.heap_size(),
            EventKind::MailboxCreated(entry) => entry.heap_size(),
            EventKind::MetadataChanged(metadata) => metadata.heap_size(),
            EventKind::Data(answer) => answer.heap_size(),
            EventKind::MailboxRenamed { from } => name() + from.heap_size(),
            EventKind::Completed { command, status, .. } => name() + command.heap_size() + status.heap_size(),
            EventKind::Failed { command, reason, .. } => name() + command.heap_size() + reason.heap_size(),
            EventKind::Alert { text } => text.heap_size(),
            EventKind::Notice(status) => name() + status.heap_size(),
            EventKind::Capabilities(all) => all.heap_size(),
            EventKind::Contradiction { what } => what.heap_size(),
            EventKind::Unknown { name, bytes } => name.heap_size() + bytes.heap_size(),
            EventKind::Unparsed { bytes, error } => bytes.heap_size() + error.heap_size(),
        }
    }
}
