//! A mailbox as one can follow it by events alone, from its opening on.

use std::collections::BTreeSet;

use super::notify_server::Counts;
use crate::types::{CommandId, Event, EventKind, Flags, MailboxName, SelectionId, Uid, ViewSync};
use crate::view::{Snapshot, SnapshotMessage};

/// A message as events report it; `None` is not reported.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) uid: Option<u32>,
    pub(super) flags: Option<Flags>,
    /// Not reported by an event, but queried: an event may still follow that reports no more than
    /// this.
    asked: bool,
}

#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The selection that is open, and its messages.
    pub(super) open: Option<(SelectionId, Vec<Seen>)>,
    name: Option<MailboxName>,
    /// How each command ended: its cause, and whether by a tagged response.
    pub(super) ends: Vec<(CommandId, bool)>,
    /// Data rows of detached commands.
    pub(super) data: Vec<(CommandId, Box<crate::types::Answer>)>,
    pub(super) notices: usize,
    /// How many messages were expunged whose UID was unknown.
    pub(super) removed_unknown: usize,
    pub(super) created: Vec<String>,
    pub(super) counts: Vec<Counts>,
    /// Some were expunged without a number: the count follows next.
    uncounted: bool,
    /// UIDVALIDITY has changed: that the view begins again is reported next.
    begins_again: bool,
    pub(super) closed: bool,
    /// The view is off: what flags were before is not known.
    off: bool,
    /// Events were left out, some of them perhaps of what is followed here, which has to be asked
    /// again.
    pub(super) lagged: bool,
    pub(super) stale: bool,
    /// A mailbox got another UIDVALIDITY while it was selected: its earlier messages are not
    /// reported again.
    pub(super) contradicted: bool,
    /// In which selection which messages have arrived.
    arrived: BTreeSet<(SelectionId, u32)>,
}

impl Replay {
    /// Of a client that fills its views so far in.
    pub(super) fn new(view_sync: ViewSync) -> Self {
        Self { off: view_sync == ViewSync::Off, ..Self::default() }
    }

    pub(super) fn has_arrived(&self, selection: SelectionId, uid: u32) -> bool {
        self.arrived.contains(&(selection, uid))
    }

    /// Follows one event, and stops the test at one that can't be true.
    pub(super) fn follow(&mut self, event: Event) {
        assert!(!self.closed, "nothing comes after Closed: {event:?}");
        let selection = event.place.as_ref().and_then(|p| p.selection);
        let in_mailbox = matches!(
            event.kind,
            EventKind::Exists { .. }
                | EventKind::Arrived { .. }
                | EventKind::Expunged { .. }
                | EventKind::FlagsChanged { .. }
                | EventKind::SelectionEnded
        );
        let shown = &event;
        use EventKind::{Closed, Exists, Expunged, Lagged};
        let may_follow = matches!(event.kind, Expunged { .. } | Exists { .. } | Lagged(_) | Closed { .. });
        assert!(!self.uncounted || may_follow, "how many are left comes first: {shown:?}");
        if self.stale && (in_mailbox || matches!(event.kind, EventKind::Opened { .. })) {
            // It is asked again once all has been read.
            return;
        }
        let messages = match &mut self.open {
            Some((open, messages)) if in_mailbox => {
                assert_eq!(selection, Some(*open), "an event of another selection: {shown:?}");
                messages
            }
            _ => {
                assert!(!in_mailbox, "an event of a mailbox that is not open: {shown:?}");
                &mut Vec::new()
            }
        };
        match &event.kind {
            EventKind::Opened { exists, .. } => {
                assert!(self.open.is_none(), "the selection before has not ended: {shown:?}");
                let id = selection.expect("an opening has its selection");
                self.open = Some((id, vec![Seen::default(); *exists as usize]));
                self.name = event.mailbox().cloned();
            }
            EventKind::SelectionEnded => self.open = None,
            EventKind::Exists { count } => {
                let begins_again = std::mem::take(&mut self.begins_again);
                if std::mem::take(&mut self.uncounted) {
                    assert!((*count as usize) < messages.len(), "fewer are left: {shown:?}");
                    *messages = Vec::new();
                }
                assert!(
                    begins_again || *count as usize >= messages.len(),
                    "EXISTS without a change: {shown:?}"
                );
                messages.resize(*count as usize, Seen::default());
            }
            EventKind::Arrived { seq, uid, flags } => {
                let at = seq.expect("its number is known").get() as usize - 1;
                let seen = messages.get_mut(at).unwrap_or_else(|| panic!("beyond the count: {shown:?}"));
                let uid_now = Some((*uid).into());
                assert!(seen.uid.is_none() || seen.asked && seen.uid == uid_now, "arrived twice: {shown:?}");
                self.arrived.extend(selection.map(|selection| (selection, (*uid).into())));
                seen.uid = Some((*uid).into());
                seen.flags = flags.clone().or(seen.flags.take());
            }
            // Messages expunged while disconnected were never in this list.
            EventKind::Expunged { seq: None, .. } if event.while_disconnected => {}
            EventKind::Expunged { seq: None, uid } => {
                // One of several whose UIDs are unreported: nothing reported by number means
                // anything now.
                self.removed_unknown += usize::from(uid.is_none());
                self.uncounted = true;
            }
            EventKind::Expunged { seq, uid } => {
                let at = seq.expect("its number is known").get() as usize - 1;
                assert!(at < messages.len(), "beyond the count: {shown:?}");
                let seen = messages.remove(at);
                self.removed_unknown += usize::from(uid.is_none());
                assert!(seen.uid.is_none() || seen.uid == uid.map(Into::into), "another message: {shown:?}");
            }
            EventKind::FlagsChanged { seq, uid, flags, before, .. } => {
                let at = seq.expect("its number is known").get() as usize - 1;
                let seen = messages.get_mut(at).unwrap_or_else(|| panic!("beyond the count: {shown:?}"));
                assert!(
                    seen.uid.is_none() || uid.is_none() || seen.uid == uid.map(Into::into),
                    "another message: {shown:?}"
                );
                assert_ne!(before.as_ref(), Some(flags), "no change: {shown:?}");
                let unknown = seen.flags.is_none() || self.off && before.is_none();
                let as_asked = seen.asked && seen.flags.as_ref() == Some(flags);
                // What was reported by number before the UID was known is reported again for
                // programs that keep flags by UID, as a change from what the state had.
                let right = unknown || as_asked || event.while_disconnected || seen.flags == *before;
                assert!(right, "not what was reported before: {shown:?}");
                seen.flags = Some(flags.clone());
            }
            _ => self.follow_other(event),
        }
    }

    /// Follows an event that is about no message.
    fn follow_other(&mut self, event: Event) {
        let shown = &event;
        match &event.kind {
            EventKind::Completed { .. } => self.ends.push((event.cause.expect("of a command"), true)),
            EventKind::Failed { .. } => self.ends.push((event.cause.expect("of a command"), false)),
            EventKind::Data(answer) => {
                let cause = event.cause.unwrap_or_else(|| panic!("unsolicited data: {shown:?}"));
                self.data.push((cause, Box::new(answer.clone())));
            }
            EventKind::MailboxCreated(entry) => self.created.push(entry.name.to_string()),
            EventKind::Resumed { .. } | EventKind::Ready { .. } => {}
            EventKind::UidValidityChanged { .. } if event.while_disconnected || self.stale => {}
            EventKind::UidValidityChanged { .. } => self.begins_again = true,
            EventKind::Contradiction { .. } if self.stale => {}
            EventKind::Contradiction { .. } => {
                assert!(self.begins_again, "it did not: {shown:?}");
                self.contradicted = true;
                if let Some((_, messages)) = &mut self.open {
                    messages.iter_mut().for_each(|seen| *seen = Seen::default());
                }
            }
            EventKind::Status(status) => {
                let count = status.messages.expect("it was reported");
                self.counts.push((status.name.to_string(), count, status.uid_next.map_or(0, Uid::get)));
            }
            EventKind::Notice(_) => self.notices += 1,
            EventKind::Lagged(lag) => {
                assert!(lag.events > 0, "nothing was left out: {shown:?}");
                self.lagged = true;
                // Of what it does not name nothing is missing.
                let named = |name: &MailboxName| lag.mailboxes.contains(name);
                let other = self.open.is_some() && !self.name.as_ref().is_some_and(named);
                self.stale |= lag.others || !other && !lag.mailboxes.is_empty();
                self.uncounted &= !self.stale;
            }
            EventKind::Closed { .. } => self.closed = true,
            _ => panic!("the server said nothing that could become this: {shown:?}"),
        }
    }

    /// What a handle says of the mailbox that is open, once all events up to now have been read.
    pub(super) fn asked_again(&mut self, open: Option<(SelectionId, MailboxName, Snapshot)>) {
        (self.stale, self.begins_again, self.uncounted) = (false, false, false);
        self.name = open.as_ref().map(|(_, name, _)| name.clone());
        self.open = open.map(|(id, _, snapshot)| {
            let seen = |known: SnapshotMessage| Seen {
                uid: known.uid().map(Into::into),
                flags: known.flags().cloned(),
                asked: true,
            };
            (id, snapshot.iter().map(seen).collect())
        });
    }
}
