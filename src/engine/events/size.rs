//! What an event holds in memory, so that what waits unread is bounded by what it takes.
//!
//! In: an event. Out: bytes, its place in the queue among them.

use crate::engine::events::queue::PLACE;
use crate::types::{Event, EventKind, Held};

/// How many bytes of memory an event takes while it waits.
pub(in crate::engine) fn weight(event: &Event) -> usize {
    let name = || {
        // The name of a selected mailbox is had by all that is told of it.
        let elsewhere = event.place.as_ref().filter(|place| place.selection.is_none());
        elsewhere.map_or(0, |place| place.mailbox.held())
    };
    PLACE
        + match &event.kind {
            EventKind::Opened { .. }
            | EventKind::Exists { .. }
            | EventKind::Removed { .. }
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
            EventKind::Arrived { flags, .. } => flags.held(),
            EventKind::FlagsChanged { flags, before, .. } => flags.held() + before.held(),
            // What names its mailbox itself shares the name with its place.
            EventKind::Status(status) => status.held(),
            EventKind::MailboxCreated(entry) => entry.held(),
            EventKind::MetadataChanged(told) => told.held(),
            EventKind::Data(answer) => answer.held(),
            EventKind::MailboxRenamed { from } => name() + from.held(),
            EventKind::Completed { command, status, .. } => name() + command.held() + status.held(),
            EventKind::Failed { command, reason, .. } => name() + command.held() + reason.held(),
            EventKind::Alert { text } => text.held(),
            EventKind::Notice(status) => name() + status.held(),
            EventKind::Capabilities(all) => all.held(),
            EventKind::Contradiction { what } => what.held(),
            EventKind::Unknown { name, bytes } => name.held() + bytes.held(),
            EventKind::Unparsed { bytes, error } => bytes.held() + error.held(),
        }
}
