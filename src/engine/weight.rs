//! What an event holds in memory, so that what waits unread is bounded by what it takes.
//!
//! In: an event; how long the response is that it was made of. Out: octets, roughly: what the event has of its own, and for
//! what is told as it came the length of the response.

use super::pressure::ROW;
use crate::types::{Event, EventKind, Flags, StatusResponse};

/// What an event holds, in octets, roughly. `octets` is how long the response is that it tells of: not all events have one.
pub(super) fn weight(event: &Event, octets: usize) -> usize {
    let flags = |flags: &Option<Flags>| flags.as_ref().map_or(0, Flags::held);
    // Codes are kept as they came.
    let status = |told: &StatusResponse| told.text.len() + if told.code.is_some() { octets } else { 0 };
    let own = match &event.kind {
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
        | EventKind::Closed { .. } => 0,
        EventKind::Arrived { flags: told, .. } => flags(told),
        EventKind::FlagsChanged { flags: now, before, .. } => now.held() + flags(before),
        EventKind::Status(status) => status.held(),
        EventKind::MailboxCreated(entry) => entry.held(),
        EventKind::MailboxRenamed { from } => from.as_str().len(),
        EventKind::MetadataChanged(_) | EventKind::Data(_) => octets,
        EventKind::Completed { command, status: told, .. } => command.len() + status(told),
        EventKind::Failed { command, reason, .. } => command.len() + reason.len(),
        EventKind::Alert { text } => text.len(),
        EventKind::Notice(told) => status(told),
        EventKind::Capabilities(all) => all.held(),
        EventKind::Contradiction { what } => what.len(),
        EventKind::Unknown { name, bytes } => name.len() + bytes.len(),
        EventKind::Unparsed { bytes, error } => bytes.len() + error.len(),
    };
    // The name of a selected mailbox is shared by all that is told of it.
    let elsewhere = event.place.as_ref().filter(|place| place.selection.is_none());
    ROW + own + elsewhere.map_or(0, |place| place.mailbox.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::types::{Flag, MailboxStatus, Uid};

    #[test]
    fn counts_what_is_held_and_not_the_response_that_came_last() {
        let of = |kind| weight(&Event::new(kind), 1 << 20);
        let many: Flags = (0..1000).map(|n| Flag::new(&format!("k{n:03}"))).collect();
        let uid = Uid::new(1).unwrap();
        assert!(of(EventKind::Arrived { seq: None, uid, flags: Some(many.clone()) }) >= 36_000);
        let change =
            |flags, before| EventKind::FlagsChanged { seq: None, uid: None, flags, before, mod_seq: None };
        assert!(of(change(many.clone(), Some(many))) >= 72_000);
        assert_eq!(of(change(Flag::Seen.into(), None)), ROW);
        let failed = Error::new(ErrorKind::No, "no").to_event("NOOP".into());
        assert!((ROW + 6..ROW + 100).contains(&of(failed)));
        let mut status = MailboxStatus::new("a");
        status.other = (0..1000).map(|n| (format!("X{n}"), "1".into())).collect();
        assert!(of(EventKind::Status(status)) >= 48_000);
    }
}
