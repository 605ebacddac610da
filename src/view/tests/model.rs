//! The view and its snapshots against a plain `Vec`, over random histories.
//!
//! The model has the mailbox as the server has it (each message with an identity of its own) and,
//! beside it, what the server has reported. The history is a sequence of responses; the view must
//! change as its documentation says, and snapshots must stay unaffected and differ by the changes
//! between them.

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::types::{Flag, MailboxName, SelectionId, UidSet};
use crate::view::snapshot::Snapshot;

/// Deterministic random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % n.max(1)
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }
}

/// A message as the server has it, and what the server has reported of it.
#[derive(Clone, Debug, PartialEq)]
struct Mail {
    /// Its identity for the client: another number if the client can no longer recognise it.
    identity: u64,
    uid: u32,
    reported: bool,
    fresh: bool,
    flags: Option<Flags>,
    mod_seq: Option<u64>,
}

impl Mail {
    fn known_uid(&self) -> Option<Uid> {
        self.reported.then(|| uid(self.uid))
    }
}

struct World {
    random: Random,
    view: View,
    mails: Vec<Mail>,
    identities: u64,
    next_uid: u32,
    /// Whether the opening included UIDNEXT.
    has_uid_next: bool,
    kept: Vec<(Snapshot, Vec<Mail>)>,
    slots: HashMap<u64, MessageKey>,
    /// The view's epoch at the last check: it changes when too many slots were invalidated.
    epoch: u64,
}

impl World {
    fn new(seed: u64, count: u32) -> Self {
        let mut world = Self {
            random: Random(seed),
            view: View::opened(count),
            mails: Vec::new(),
            identities: 0,
            next_uid: 1,
            has_uid_next: false,
            kept: Vec::new(),
            slots: HashMap::new(),
            epoch: 0,
        };
        world.arrive(count, false);
        world.has_uid_next = seed.is_multiple_of(2);
        world.view.begins_at(Uid::new(world.next_uid + 1).filter(|_| world.has_uid_next));
        world
    }

    fn arrive(&mut self, count: u32, fresh: bool) {
        for _ in 0..count {
            self.next_uid += 1 + self.random.below(3);
            self.identities += 1;
            let (identity, uid) = (self.identities, self.next_uid);
            self.mails.push(Mail { identity, uid, reported: false, fresh, flags: None, mod_seq: None });
        }
    }

    fn some_flags(&mut self) -> Flags {
        let all = [Flag::Seen, Flag::Flagged, Flag::Deleted, Flag::Recent];
        let mut flags: Flags = all.into_iter().filter(|_| self.random.chance(40)).collect();
        for _ in 0..self.random.below(3) {
            flags.insert(Flag::new(&format!("$k{}", self.random.below(200))));
        }
        flags
    }

    fn place(&mut self) -> Option<usize> {
        let len = u32::try_from(self.mails.len()).unwrap();
        (len > 0).then(|| self.random.below(len) as usize)
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..20 => self.exists(),
            20..40 => self.expunge(),
            40..75 => self.row(),
            75..83 => self.vanished(),
            83..85 => self.fill(),
            85..91 => self.fill_window(),
            91..94 => self.take_fresh(),
            94..96 => self.set_flags(),
            _ => self.look(),
        }
    }

    fn exists(&mut self) {
        let more = if self.mails.len() < 200 { self.random.below(4) } else { 0 };
        self.arrive(more, true);
        let count = u32::try_from(self.mails.len()).unwrap();
        assert_eq!(self.view.exists(count), Ok(more > 0));
        if count > 0 {
            assert_eq!(self.view.exists(count - 1), Err(Contradiction));
        }
    }

    fn expunge(&mut self) {
        let beyond = seq(self.view.len() + 1);
        assert_eq!(self.view.expunge(beyond), Err(Contradiction));
        let Some(at) = self.place() else { return };
        let mail = self.mails.remove(at);
        let entry = self.view.expunge(seq_at(at).unwrap()).unwrap();
        assert_eq!(entry, entry_of(&mail));
        assert_eq!(
            self.view.removed_since(self.view.removed() - 1),
            Some(&[u32::try_from(at + 1).unwrap()][..])
        );
    }

    fn row(&mut self) {
        let Some(at) = self.place() else { return };
        let (with_uid, with_flags, by_number) =
            (self.random.chance(60), self.random.chance(60), self.random.chance(85));
        let flags = with_flags.then(|| self.some_flags());
        let mod_seq = self.random.chance(30).then(|| u64::from(self.random.below(1000) + 1) << 30);
        let mail = &self.mails[at];
        let reported = Message {
            seq: by_number.then(|| seq_at(at).unwrap()),
            uid: (with_uid || !by_number).then(|| uid(mail.uid)),
            flags: flags.clone(),
            mod_seq: mod_seq.and_then(ModSeq::new),
            ..Message::default()
        };
        let placed = by_number || mail.reported || self.is_the_only_place(at);
        let update = self.view.learn(&reported);
        if !placed {
            return assert_eq!(update, FetchUpdate::default(), "its position is unknown");
        }
        let mail = &mut self.mails[at];
        let arrives = reported.uid.is_some() && !mail.reported && mail.fresh;
        if reported.uid.is_some() && !mail.reported {
            (mail.reported, mail.fresh) = (true, false);
        }
        let ahead = flags.is_none() && mail.flags.is_some() && mod_seq > mail.mod_seq;
        let expected = FetchUpdate {
            ahead,
            arrived: arrives.then(|| uid(mail.uid)),
            flags: flags.filter(|now| mail.flags.as_ref() != Some(now)).map(|now| mail.flags.replace(now)),
            ..FetchUpdate::default()
        };
        mail.mod_seq = mail.mod_seq.max(mod_seq);
        assert_eq!(update, expected);
    }

    /// Whether only this position fits a message whose UID arrives without its number; tried for
    /// each position.
    fn is_the_only_place(&self, at: usize) -> bool {
        let run = self.run(at);
        let before = run.start.checked_sub(1).map_or(0, |i| u64::from(self.mails[i].uid));
        let after = self.mails.get(run.end).map_or(1 << 32, |mail| u64::from(mail.uid));
        let this = u64::from(self.mails[at].uid);
        let places = run.clone().filter(|place| {
            let (lower, higher) = (place - run.start, run.end - 1 - place);
            before + (lower as u64) < this && this + (higher as u64) < after
        });
        places.count() == 1
    }

    /// The run of messages without known UID around this one.
    fn run(&self, at: usize) -> std::ops::Range<usize> {
        let start = self.mails[..at].iter().rposition(|mail| mail.reported).map_or(0, |i| i + 1);
        let end = self.mails[at..].iter().position(|mail| mail.reported).map_or(self.mails.len(), |i| at + i);
        start..end
    }

    fn vanished(&mut self) {
        let Some(first) = self.place() else { return };
        let mut named = UidSet::new();
        let share = self.random.below(100);
        for at in first..(first + self.random.below(20) as usize).min(self.mails.len()) {
            if self.random.chance(share) {
                named.insert(uid(self.mails[at].uid));
            }
        }
        // Servers may name UIDs that no message has, too; never in a gap with messages of unknown
        // UID, which such UIDs would be taken for.
        for at in 0..self.mails.len().saturating_sub(1) {
            let (this, next) = (&self.mails[at], &self.mails[at + 1]);
            if this.reported && next.reported && next.uid > this.uid + 1 && self.random.chance(1) {
                named.insert(uid(this.uid + 1));
            }
        }
        let mut expected = Vec::new();
        let mut at = 0;
        let mut left = Vec::new();
        while at < self.mails.len() {
            if self.mails[at].reported {
                let mail = self.mails[at].clone();
                match named.contains(uid(mail.uid)) {
                    true => expected.push(Vanished { seq: seq_at(at), uid: mail.known_uid() }),
                    false => left.push(mail),
                }
                at += 1;
                continue;
            }
            let run = self.run(at);
            at = run.end;
            let (go, stay): (Vec<Mail>, Vec<Mail>) =
                self.mails[run.clone()].iter().cloned().partition(|mail| named.contains(uid(mail.uid)));
            for (i, mail) in go.iter().enumerate() {
                let seq = seq_at(run.start + i).filter(|_| stay.is_empty());
                expected.push(Vanished { seq, uid: Some(uid(mail.uid)) });
            }
            // Without UIDNEXT expunged messages count as old ones, as long as there are any.
            let old = self.mails[run].iter().filter(|mail| !mail.fresh).count();
            let fresh = (0..).map(|i| i >= old.saturating_sub(go.len()));
            for (mut mail, fresh) in stay.into_iter().zip(fresh) {
                let fresh = if self.has_uid_next { mail.fresh } else { fresh };
                if !go.is_empty() {
                    self.identities += 1;
                    mail = Mail { identity: self.identities, fresh, flags: None, mod_seq: None, ..mail };
                }
                left.push(mail);
            }
        }
        expected.reverse();
        self.mails = left;
        assert_eq!(self.view.vanished(&named), expected);
    }

    fn fill(&mut self) {
        let mut uids: UidSet = self.mails.iter().map(|mail| uid(mail.uid)).collect();
        uids.insert(uid(self.next_uid + 1));
        assert_eq!(self.view.fill(&uids), Err(Contradiction), "one too many");
        uids.remove(uid(self.next_uid + 1));
        assert_eq!(self.view.fill(&uids), Ok(()));
        self.mails.iter_mut().for_each(|mail| mail.reported = true);
    }

    fn fill_window(&mut self) {
        let Some(first) = self.place() else { return };
        let last = (first + self.random.below(30) as usize).min(self.mails.len() - 1);
        let window = || seq_at(first).zip(seq_at(last)).unwrap();
        let mails = &mut self.mails;
        let mut uids: UidSet = mails[first..=last].iter().map(|mail| uid(mail.uid)).collect();
        if self.random.chance(50) {
            // The UID of another message: a contradiction where that message is known.
            let wrong = uids.first().unwrap();
            uids.remove(wrong);
            let other = if self.random.chance(50) { first.checked_sub(1) } else { Some(last + 1) };
            let Some(other) = other.and_then(|at| mails.get(at)) else { return };
            uids.insert(uid(other.uid));
            if other.reported && uids.len() == (last - first + 1) as u64 {
                assert_eq!(self.view.fill_window(window().0, window().1, &uids), Err(Contradiction));
            }
            return;
        }
        assert_eq!(self.view.fill_window(window().0, window().1, &uids), Ok(()));
        mails[first..=last].iter_mut().for_each(|mail| mail.reported = true);
    }

    fn take_fresh(&mut self) {
        let mut expected = Vec::new();
        for (at, mail) in self.mails.iter_mut().enumerate().filter(|(_, mail)| mail.fresh && mail.reported) {
            mail.fresh = false;
            expected.push((seq_at(at).unwrap(), uid(mail.uid), mail.flags.clone()));
        }
        assert_eq!(self.view.take_fresh(), expected);
    }

    fn set_flags(&mut self) {
        let Some(at) = self.place() else { return };
        let flags = self.some_flags();
        let before = self.mails[at].flags.replace(flags.clone());
        let differs = before.as_ref() != Some(&flags);
        assert_eq!(self.view.set_flags(seq_at(at).unwrap(), flags), differs.then_some(before));
    }

    /// Checks part of the view, and keeps a snapshot.
    fn look(&mut self) {
        assert_eq!(self.view.len() as usize, self.mails.len());
        let without_uid: Vec<Seq> =
            (0..).zip(&self.mails).filter(|(_, m)| !m.reported).filter_map(|(i, _)| seq_at(i)).collect();
        assert_eq!(self.view.unknown(), without_uid.first().copied().zip(without_uid.last().copied()));
        if let Some(at) = self.place() {
            let mail = &self.mails[at];
            let seq = seq_at(at).unwrap();
            assert_eq!(self.view.get(seq), Some(entry_of(mail)));
            assert_eq!(self.view.uid(seq), mail.known_uid());
            assert_eq!(self.view.seq(uid(mail.uid)), mail.reported.then_some(seq));
            let before = self.mails[..at].iter().rev().find_map(Mail::known_uid);
            assert_eq!(self.view.uid_before(seq), before);
            self.slots.insert(mail.identity, self.view.slot(seq).unwrap());
        }
        if self.epoch != self.view.mirror.epoch {
            self.epoch = self.view.mirror.epoch;
            self.slots.retain(|_, slot| self.view.seq_of_slot(*slot).is_some());
        }
        for (identity, slot) in &self.slots {
            let at = self.mails.iter().position(|mail| mail.identity == *identity);
            assert_eq!(self.view.seq_of_slot(*slot), at.and_then(seq_at));
        }
        if self.slots.len() > 10 {
            self.slots.clear();
        }
        if self.random.chance(30) {
            let place = Place { mailbox: MailboxName::from("INBOX"), selection: Some(SelectionId(1)) };
            self.kept.push((self.view.snapshot(place, UidValidity::new(1), None), self.mails.clone()));
        }
        if self.kept.len() > 5 {
            let i = self.random.below(6) as usize;
            let (old, then) = self.kept.swap_remove(i);
            check(&old, &then);
            let newer = self.kept.iter().max_by_key(|(_, mails)| mails.iter().map(|m| m.identity).max());
            let (new, now) = newer.unwrap();
            if old.mirror.epoch == new.mirror.epoch {
                check_diff(&old, &then, new, now);
                check_diff(new, now, &old, &then);
            }
        }
    }
}

fn entry_of(mail: &Mail) -> Entry {
    let mod_seq = mail.mod_seq.and_then(ModSeq::new);
    Entry { uid: mail.known_uid(), flags: mail.flags.clone(), mod_seq }
}

fn known(at: usize, mail: &Mail) -> SnapshotMessage {
    SnapshotMessage { seq: seq_at(at).unwrap(), entry: entry_of(mail) }
}

/// A snapshot must equal the mailbox of its time.
fn check(snapshot: &Snapshot, mails: &[Mail]) {
    let all: Vec<SnapshotMessage> = mails.iter().enumerate().map(|(at, mail)| known(at, mail)).collect();
    assert_eq!(snapshot.iter().collect::<Vec<_>>(), all);
    assert!(snapshot.iter().rev().eq(all.iter().rev().cloned()));
    let unseen = |known: &&SnapshotMessage| known.flags().is_some_and(|flags| !flags.is_seen());
    assert!(snapshot.unseen().eq(all.iter().filter(unseen).cloned()));
    assert_eq!(snapshot.unseen_count() as usize, all.iter().filter(unseen).count());
    assert_eq!(snapshot.flags_unknown() as usize, all.iter().filter(|known| known.flags().is_none()).count());
    assert_eq!(snapshot.is_complete(), mails.iter().all(|mail| mail.reported));
    assert!(snapshot.uids().iter().eq(mails.iter().filter_map(Mail::known_uid)));
    for known in all {
        assert_eq!(snapshot.flags(known.seq()).as_ref(), known.flags());
        assert_eq!(known.uid().and_then(|uid| snapshot.seq(uid)), known.uid().map(|_| known.seq()));
    }
}

/// The difference must be that of the identities.
fn check_diff(old: &Snapshot, then: &[Mail], new: &Snapshot, now: &[Mail]) {
    type Pair = (Option<SnapshotMessage>, Option<SnapshotMessage>);
    let mut pairs: BTreeMap<u64, Pair> = BTreeMap::new();
    then.iter()
        .enumerate()
        .for_each(|(i, mail)| pairs.entry(mail.identity).or_default().0 = Some(known(i, mail)));
    now.iter()
        .enumerate()
        .for_each(|(i, mail)| pairs.entry(mail.identity).or_default().1 = Some(known(i, mail)));
    let mut expected = Diff::default();
    for pair in pairs.into_values() {
        match pair {
            (Some(before), Some(after)) if before.flags() == after.flags() => {}
            (Some(before), Some(after)) => expected.changed.push(Changed { before, after }),
            (expunged, arrived) => {
                expected.expunged.extend(expunged);
                expected.arrived.extend(arrived);
            }
        }
    }
    expected.expunged.sort_by_key(SnapshotMessage::seq);
    expected.arrived.sort_by_key(SnapshotMessage::seq);
    expected.changed.sort_by_key(|changed| changed.after.seq());
    assert_eq!(old.diff(new), expected);
}

#[test]
fn behaves_as_a_plain_list_does() {
    for seed in 0..20 {
        let mut world = World::new(seed, u32::try_from(seed * 10).unwrap());
        (0..50_000).for_each(|_| world.step());
    }
}
