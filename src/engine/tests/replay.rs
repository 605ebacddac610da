//! A mailbox as one can follow it by events alone, from its opening on.

use crate::types::{CommandId, Event, EventKind, Flags, SelectionId};

/// A message as events told it; `None` is not told.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) uid: Option<u32>,
    pub(super) flags: Option<Flags>,
}

#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The selection that is open, and its messages.
    pub(super) open: Option<(SelectionId, Vec<Seen>)>,
    /// How each command ended: its cause, and whether by a tagged response.
    pub(super) ends: Vec<(CommandId, bool)>,
    /// Data rows of detached commands.
    pub(super) data: Vec<(CommandId, Box<crate::types::Answer>)>,
    pub(super) notices: usize,
    /// How many messages went whose UID was not known.
    pub(super) removed_unknown: usize,
    pub(super) created: Vec<String>,
    /// UIDVALIDITY has changed: that the view begins anew is told next.
    anew: bool,
    pub(super) closed: bool,
}

impl Replay {
    /// Follows one event, and stops the test at one that can't be true.
    pub(super) fn follow(&mut self, event: Event) {
        assert!(!self.closed, "nothing comes after Closed: {event:?}");
        let selection = event.place.as_ref().and_then(|p| p.selection);
        let in_mailbox = matches!(
            event.kind,
            EventKind::Exists { .. }
                | EventKind::Arrived { .. }
                | EventKind::Removed { .. }
                | EventKind::FlagsChanged { .. }
                | EventKind::SelectionEnded
        );
        let shown = &event;
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
            }
            EventKind::SelectionEnded => self.open = None,
            EventKind::Exists { count } => {
                let anew = std::mem::take(&mut self.anew);
                assert!(anew || *count as usize > messages.len(), "EXISTS that tells nothing new: {shown:?}");
                messages.resize(*count as usize, Seen::default());
            }
            EventKind::Arrived { seq, uid, flags } => {
                let at = seq.expect("its number is known").get() as usize - 1;
                let seen = messages.get_mut(at).unwrap_or_else(|| panic!("beyond the count: {shown:?}"));
                assert_eq!(seen.uid, None, "arrived twice: {shown:?}");
                seen.uid = Some((*uid).into());
                seen.flags = flags.clone().or(seen.flags.take());
            }
            // What went while away was never in this list.
            EventKind::Removed { seq: None, .. } if event.away => {}
            EventKind::Removed { seq: None, uid } => {
                // One of several whose UIDs have not been told: nothing that was told by number means anything now.
                self.removed_unknown += usize::from(uid.is_none());
                *messages = vec![Seen::default(); messages.len() - 1];
            }
            EventKind::Removed { seq, uid } => {
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
                assert!(seen.flags.is_none() || seen.flags == *before, "not what was told before: {shown:?}");
                seen.flags = Some(flags.clone());
            }
            EventKind::Completed { .. } => self.ends.push((event.cause.expect("of a command"), true)),
            EventKind::Failed { .. } => self.ends.push((event.cause.expect("of a command"), false)),
            EventKind::Data(answer) => {
                let cause = event.cause.unwrap_or_else(|| panic!("data that nobody asked for: {shown:?}"));
                self.data.push((cause, Box::new(answer.clone())));
            }
            EventKind::MailboxCreated(entry) => self.created.push(entry.name.to_string()),
            EventKind::Resumed { .. } => {}
            EventKind::UidValidityChanged { .. } if event.away => {}
            EventKind::UidValidityChanged { .. } => self.anew = true,
            EventKind::Contradiction { .. } => {
                assert!(self.anew, "it did not: {shown:?}");
                if let Some((_, messages)) = &mut self.open {
                    messages.iter_mut().for_each(|seen| *seen = Seen::default());
                }
            }
            EventKind::Notice(_) => self.notices += 1,
            EventKind::Closed { .. } => self.closed = true,
            _ => panic!("the server said nothing that could become this: {shown:?}"),
        }
    }
}
