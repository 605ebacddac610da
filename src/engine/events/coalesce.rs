//! Coalescing: which events a later one makes worthless. That is the count of a mailbox, the flags
//! of a message, a STATUS, capabilities. Where a slow reader leaves no room, the later event
//! replaces the earlier one, and no information is lost.
//!
//! In: events. Out: the state that each reports, and what the later must take over from the
//! earlier.

use std::collections::HashMap;

use crate::types::{Event, EventKind, MailboxName, SelectionId, Uid};

/// A state that one event reports completely: a later event of the same key supersedes an earlier
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Count(SelectionId),
    Flags(SelectionId, Uid),
    Status(MailboxName),
    Capabilities,
}

/// The state that an event reports completely, if it does.
pub(crate) fn key(event: &Event) -> Option<Key> {
    if event.while_disconnected {
        // A change of the time while disconnected is reported once, in its place.
        return None;
    }
    let selection = event.place.as_ref().and_then(|place| place.selection);
    match &event.kind {
        EventKind::Exists { .. } => selection.map(Key::Count),
        EventKind::FlagsChanged { uid: Some(uid), .. } => {
            selection.map(|selection| Key::Flags(selection, *uid))
        }
        EventKind::Status(status) => Some(Key::Status(status.name.clone())),
        EventKind::Capabilities(_) => Some(Key::Capabilities),
        _ => None,
    }
}

/// Which earlier events can't be coalesced with later ones because of events left out between them:
/// the same UID or name means another message or mailbox by then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Invalidation {
    flags: bool,
    statuses: bool,
}

impl Invalidation {
    /// What one event makes of those before it. Which mailbox it was about is not kept, so it is
    /// all of them.
    pub(crate) fn of(event: &Event) -> Self {
        use EventKind::{Contradiction, MailboxCreated, MailboxDeleted, MailboxRenamed, UidValidityChanged};
        Self {
            // A UID from before may be another message's.
            flags: matches!(event.kind, UidValidityChanged { .. } | Contradiction { .. }),
            // What was counted before is another mailbox's.
            statuses: matches!(event.kind, MailboxCreated(_) | MailboxDeleted | MailboxRenamed { .. }),
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        (self.flags, self.statuses) = (self.flags || other.flags, self.statuses || other.statuses);
    }
}

/// Where the last event stands of each state. Those of one kind are apart: what invalidates them
/// all costs nothing for the others.
#[derive(Debug, Default)]
pub(crate) struct LatestByKey {
    kinds: [HashMap<Key, u64>; 3],
}

const FLAGS: usize = 0;
const STATUSES: usize = 1;
const OTHERS: usize = 2;

impl Key {
    /// Its place among the kinds.
    fn kind(&self) -> usize {
        match self {
            Self::Flags(..) => FLAGS,
            Self::Status(_) => STATUSES,
            Self::Count(_) | Self::Capabilities => OTHERS,
        }
    }
}

impl LatestByKey {
    pub(crate) fn get(&self, key: &Key) -> Option<u64> {
        self.kinds[key.kind()].get(key).copied()
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        self.kinds[key.kind()].remove(key);
    }

    pub(crate) fn invalidate(&mut self, invalidates: Invalidation) {
        // What is removed here was inserted once: each entry is dropped at most once.
        if invalidates.flags {
            self.kinds[FLAGS] = HashMap::new();
        }
        if invalidates.statuses {
            self.kinds[STATUSES] = HashMap::new();
        }
    }

    /// Notes that this event stands at this place.
    pub(crate) fn note(&mut self, event: &Event, place: u64) {
        self.invalidate(Invalidation { statuses: false, ..Invalidation::of(event) });
        if let (
            EventKind::MailboxCreated(_) | EventKind::MailboxDeleted | EventKind::MailboxRenamed { .. },
            Some(name),
        ) = (&event.kind, event.mailbox())
        {
            // What was counted before is another mailbox's.
            self.remove(&Key::Status(name.clone()));
        }
        if let EventKind::MailboxRenamed { from } = &event.kind {
            self.remove(&Key::Status(from.clone()));
        }
        if let Some(key) = key(event) {
            self.kinds[key.kind()].insert(key, place);
        }
    }
}

/// Whether flags are what they were before.
pub(crate) fn is_undone(event: &Event) -> bool {
    matches!(&event.kind, EventKind::FlagsChanged { flags, before: Some(before), .. } if flags == before)
}

/// Whether the event with this key may be superseded, with this one before it. Events after a count
/// rely on it, and after an expunge without a number the count says how many messages are left.
pub(crate) fn may_go(key: &Key, before: Option<&Event>, is_last: bool) -> bool {
    let no_removal = before.is_some_and(|event| !matches!(event.kind, EventKind::Expunged { seq: None, .. }));
    !matches!(key, Key::Count(_)) || is_last && no_removal
}

/// How many items that the library has no name for one status may have after it has taken over
/// those of earlier ones.
const MAX_STATUS_ITEMS: usize = 100;

/// Whether the later would grow and grow by what it takes over from the earlier.
pub(crate) fn is_too_much(earlier: &Event, later: &Event) -> bool {
    match (&earlier.kind, &later.kind) {
        (EventKind::Status(earlier), EventKind::Status(later)) => {
            !earlier.other.is_empty() && earlier.other.len() + later.other.len() > MAX_STATUS_ITEMS
        }
        _ => false,
    }
}

/// The later of two events of one key takes over what only the earlier one says.
pub(crate) fn take_over(earlier: Event, later: &mut Event) {
    if earlier.cause != later.cause {
        // Two changes of different causes have no single cause.
        later.cause = None;
    }
    match (earlier.kind, &mut later.kind) {
        // Both changes as one.
        (EventKind::FlagsChanged { before: first, .. }, EventKind::FlagsChanged { before, .. }) => {
            *before = first
        }
        // A STATUS of an earlier mailbox of this name says nothing of this one (RFC 9051 section
        // 2.3.1.1).
        (EventKind::Status(earlier), EventKind::Status(later)) => {
            let is_another = |uid_validity| later.uid_validity.is_some_and(|now| now != uid_validity);
            if !earlier.uid_validity.is_some_and(is_another) {
                later.add_missing(earlier);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Flag, Flags, MailboxStatus, Place};

    #[test]
    fn flags_keep_what_they_were_before_both_and_counts_what_only_the_earlier_has() {
        let flags = |before: Option<Flags>, flags: Flags| EventKind::FlagsChanged {
            seq: None,
            uid: Uid::new(4),
            flags,
            before,
            mod_seq: None,
        };
        let ours = Some(crate::types::CommandId(1));
        let mut later = Event::new(flags(Some(Flag::Seen.into()), Flags::new())).caused_by(ours);
        take_over(Event::new(flags(None, Flag::Seen.into())), &mut later);
        assert_eq!(later, Event::new(flags(None, Flags::new())), "and not our doing alone");

        let mut earlier = MailboxStatus::new("Work");
        (earlier.messages, earlier.unseen) = (Some(3), Some(1));
        let mut later = MailboxStatus::new("Work");
        later.messages = Some(4);
        let mut event = Event::new(EventKind::Status(later.clone()));
        take_over(Event::new(EventKind::Status(earlier)), &mut event);
        later.unseen = Some(1);
        assert_eq!(event.kind, EventKind::Status(later));
    }

    #[test]
    fn what_is_of_another_selection_or_of_a_message_without_uid_is_of_no_key() {
        let place = |selection| Some(Place { mailbox: "INBOX".into(), selection });
        let exists = |selection| Event::new(EventKind::Exists { count: 1 }).at(place(selection));
        let (first, second) = (Some(SelectionId(1)), Some(SelectionId(2)));
        assert_ne!(key(&exists(first)), key(&exists(second)));
        assert_eq!(key(&exists(None)), None);
        assert_eq!(key(&exists(first).happened_while_disconnected(true)), None);
        let flags = Event::new(EventKind::FlagsChanged {
            seq: None,
            uid: None,
            flags: Flags::new(),
            before: None,
            mod_seq: None,
        });
        assert_eq!(key(&flags.at(place(first))), None);
    }
}
