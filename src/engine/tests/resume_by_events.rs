//! Resumption as a program can follow it by events: the saved state, the events of the time since,
//! and the events after that add up to the mailbox. And snapshots, which never change.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::bits_of;
use super::world::World;
use crate::types::{Event, EventKind, MailboxState, SelectionId, Uid};
use crate::view::{Snapshot, SnapshotMessage};

/// A selection that resumes from a state.
#[derive(Debug)]
pub(super) struct Away {
    folder: usize,
    /// The state, and all that was reported since: flags by UID, `None` where they are unknown.
    known: BTreeMap<u32, Option<u8>>,
    /// What there was when the mailbox was opened.
    there: Vec<u32>,
    resumed: bool,
    /// Messages that were expunged while connected before their UID was reported.
    unknown_gone: usize,
}

/// A snapshot, and what it was when it was taken.
pub(super) struct Kept {
    snapshot: Snapshot,
    then: Vec<Message>,
}

type Message = (Option<u32>, Option<u8>);

fn plain(messages: impl Iterator<Item = SnapshotMessage>) -> Vec<Message> {
    messages.map(|known| (known.uid().map(Uid::get), known.flags().map(bits_of))).collect()
}

impl World {
    /// Keeps the state of a mailbox for a later SELECT.
    pub(super) fn save(&mut self, via: u8) {
        let Some((mailbox, folder)) = self.mailbox(via) else { return };
        if let Some(mut state) = mailbox.state() {
            if self.server.kind.forgets {
                // Later reports have a higher mod-sequence than what is never reported.
                state.highest_mod_seq = None;
            }
            self.saved[folder] = Some(state);
        }
    }

    /// What a state claims by its mod-sequence is in it: saved at this very moment, it loses
    /// nothing (contract, promise 5).
    pub(super) fn check_state(&self) {
        let Some((mailbox, folder)) = self.mailbox(0).filter(|_| !self.server.kind.forgets) else { return };
        let folder = &self.server.folders[folder];
        let Some(state) = mailbox.state().filter(|state| state.uid_validity.get() == folder.uid_validity)
        else {
            return;
        };
        let Some(mods) = state.highest_mod_seq.map(|mods| mods.get()).filter(|_| folder.keeps_mods) else {
            return;
        };
        for mail in folder.messages.iter().filter(|mail| mail.mods <= mods) {
            let uid = Uid::new(mail.uid).expect("a UID");
            assert!(state.uids.contains(uid), "{state:?} is without {mail:?}");
            let flags = state.flags_of(uid).map(bits_of);
            assert!(flags.is_none_or(|flags| flags == mail.flags), "{state:?} has other flags than {mail:?}");
        }
        let there = |uid: &u32| folder.messages.iter().any(|mail| mail.uid == *uid);
        for uid in state.uids.iter().map(Uid::get).filter(|uid| !there(uid)) {
            assert!(folder.removed_at(uid) > mods, "{state:?} has {uid}, which went");
        }
    }

    /// Takes a snapshot, and a copy of it that can't change.
    pub(super) fn take_snapshot(&mut self, via: u8) {
        let Some((mailbox, _)) = self.mailbox(via) else { return };
        let snapshot = mailbox.snapshot();
        let then = plain(snapshot.iter());
        self.kept.push(Kept { snapshot, then });
    }

    /// Follows an event in a selection that was resumed.
    pub(super) fn follow_resumption(&mut self, event: &Event) {
        if let (EventKind::Opened { uid_validity, .. }, Some(selection)) =
            (&event.kind, event.place.as_ref().and_then(|p| p.selection))
        {
            self.while_disconnected = self.opened_resuming(selection, *uid_validity);
            return;
        }
        if matches!(event.kind, EventKind::SelectionEnded | EventKind::UidValidityChanged { .. }) {
            self.while_disconnected = None;
        }
        let Some(while_disconnected) = &mut self.while_disconnected else {
            let void = matches!(event.kind, EventKind::UidValidityChanged { .. });
            return assert!(!event.while_disconnected || void, "nothing was known of before: {event:?}");
        };
        if event.while_disconnected {
            assert!(!while_disconnected.resumed, "all of the time before has been reported: {event:?}");
            return while_disconnected.follow_before(event, &self.server.response.flags);
        }
        while_disconnected.follow(event);
    }

    fn opened_resuming(
        &self,
        id: SelectionId,
        uid_validity: Option<crate::types::UidValidity>,
    ) -> Option<Away> {
        let state: &MailboxState =
            self.resumes.get(&id).filter(|state| Some(state.uid_validity) == uid_validity)?;
        let (folder, there) = self.opened_with.get(&id).expect("it was opened").clone();
        let flags = |uid: Uid| state.flags_of(uid).map(bits_of);
        let known = state.uids.iter().map(|uid| (uid.get(), flags(uid))).collect();
        Some(Away { folder, known, there, resumed: false, unknown_gone: 0 })
    }

    /// At the end of a program that came to rest.
    pub(super) fn check_resumption(&self) {
        let Some(while_disconnected) = &self.while_disconnected else { return };
        assert!(
            while_disconnected.resumed,
            "it came to rest, and Resumed was not reported: {while_disconnected:?}"
        );
        let folder = &self.server.folders[while_disconnected.folder];
        let known: Vec<u32> = while_disconnected.known.keys().copied().collect();
        let there: Vec<u32> = folder.messages.iter().map(|m| m.uid).collect();
        assert_eq!(known, there, "what is known from before and by events");
        for mail in &folder.messages {
            let flags = while_disconnected.known[&mail.uid];
            assert!(flags.is_none_or(|f| f == mail.flags), "{flags:?}, and it is {mail:?}");
        }
    }

    /// At the end of each program.
    pub(super) fn check_snapshots(&self) {
        for kept in &self.kept {
            assert_eq!(plain(kept.snapshot.iter()), kept.then, "a snapshot stays what it was");
        }
        for (at, old) in self.kept.iter().enumerate() {
            for new in &self.kept[at..] {
                check_diff(old, new, self.server.kind.qresync);
            }
        }
    }
}

impl Away {
    /// A change of the time before.
    fn follow_before(&mut self, event: &Event, response: &[(usize, u32, u8)]) {
        match &event.kind {
            EventKind::Expunged { uid, .. } => {
                let uid = uid.expect("it was known").get();
                assert!(self.known.remove(&uid).is_some(), "{uid} was not known: {event:?}");
                let live = self.unknown_gone > 0;
                assert!(live || !self.there.contains(&uid), "{uid} was still there: {event:?}");
            }
            EventKind::Arrived { uid, flags, .. } => {
                let uid = uid.get();
                assert!(self.there.contains(&uid), "{uid} was not there: {event:?}");
                assert!(self.known.insert(uid, flags.as_ref().map(bits_of)).is_none(), "known: {event:?}");
            }
            EventKind::FlagsChanged { uid, flags, before, .. } => {
                let uid = uid.expect("it is known").get();
                let known = self.known.get_mut(&uid).unwrap_or_else(|| panic!("not known: {event:?}"));
                assert_eq!(*known, before.as_ref().map(bits_of), "not what was known: {event:?}");
                let now = bits_of(flags);
                assert!(response.contains(&(self.folder, uid, now)), "no response said so: {event:?}");
                *known = Some(now);
            }
            _ => panic!("this can't have been while disconnected: {event:?}"),
        }
    }

    /// A change of this moment.
    fn follow(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Resumed { exists } => {
                assert!(!self.resumed, "resumed twice");
                self.resumed = true;
                assert_eq!(self.known.len(), *exists as usize, "all is known: {self:?}");
            }
            EventKind::Expunged { uid: None, .. } => self.unknown_gone += 1,
            EventKind::Expunged { uid: Some(uid), .. } => {
                let known = self.known.remove(&uid.get()).is_some();
                // A message that arrived since then may be expunged before its UID is reported.
                let came = !self.there.contains(&uid.get());
                assert!(known || came || !self.resumed, "{uid} was not known");
            }
            EventKind::Arrived { uid, flags, .. } => {
                let before = self.known.insert(uid.get(), flags.as_ref().map(bits_of));
                assert!(before.is_none() && !self.there.contains(&uid.get()), "it was there: {event:?}");
            }
            EventKind::FlagsChanged { uid: Some(uid), flags, .. } => {
                if let Some(known) = self.known.get_mut(&uid.get()) {
                    *known = Some(bits_of(flags));
                }
            }
            _ => {}
        }
    }
}

/// Compares the difference of two snapshots with that of a plain comparison, where UIDs identify
/// the messages.
fn check_diff(old: &Kept, new: &Kept, vanishes: bool) {
    let diff = old.snapshot.diff(&new.snapshot);
    let uids = |known: &[SnapshotMessage]| {
        known.iter().filter_map(SnapshotMessage::uid).map(Uid::get).collect::<BTreeSet<_>>()
    };
    let (came, went) = (uids(&diff.arrived), uids(&diff.expunged));
    let same_uid_validity = old.snapshot.uid_validity().is_some()
        && old.snapshot.uid_validity() == new.snapshot.uid_validity()
        && old.snapshot.mailbox() == new.snapshot.mailbox();
    if !same_uid_validity {
        let all = (diff.expunged.len(), diff.arrived.len());
        return assert_eq!(all, (old.then.len(), new.then.len()), "nothing can be recognised");
    }
    if !old.snapshot.is_complete() || !new.snapshot.is_complete() {
        let (a, b) = (old.then.len() - diff.expunged.len(), new.then.len() - diff.arrived.len());
        return assert_eq!(a, b, "as many stayed in both");
    }
    let table = |kept: &Kept| kept.then.iter().copied().collect::<BTreeMap<_, _>>();
    let (before, after) = (table(old), table(new));
    let only = |a: &BTreeMap<Option<u32>, Option<u8>>, b: &BTreeMap<Option<u32>, Option<u8>>| {
        a.keys().filter(|uid| !b.contains_key(*uid)).copied().flatten().collect::<BTreeSet<_>>()
    };
    // Which of several messages without UID a VANISHED meant is unknown: the others have been
    // expunged and have arrived.
    let unsure: BTreeSet<u32> = came.intersection(&went).copied().collect();
    assert!(unsure.is_empty() || vanishes, "came and went: {unsure:?}");
    assert_eq!(&came - &unsure, only(&after, &before), "what came");
    assert_eq!(&went - &unsure, only(&before, &after), "what went");
    let changed: BTreeSet<u32> = diff.changed.iter().filter_map(|c| c.after.uid()).map(Uid::get).collect();
    let differ = before.iter().filter(|(uid, flags)| after.get(uid).is_some_and(|now| now != *flags));
    let differ: BTreeSet<u32> = differ.filter_map(|(uid, _)| *uid).filter(|u| !unsure.contains(u)).collect();
    assert_eq!(changed, differ, "what changed");
}
