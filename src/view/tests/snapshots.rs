//! Snapshots and their differences; slots; a view that only counts; rows without sequence numbers.

use super::*;
use crate::command::Messages;
use crate::types::{Flag, Flags, MailboxName, SelectionId, UidSet};

fn snapshot_in(view: &View, selection: u64, uid_validity: u32) -> Snapshot {
    let place = Place { mailbox: MailboxName::from("INBOX"), selection: Some(SelectionId(selection)) };
    view.snapshot(place, UidValidity::new(uid_validity), ModSeq::new(9))
}

fn snapshot(view: &View) -> Snapshot {
    snapshot_in(view, 1, 1)
}

fn by_uid(u: u32) -> Message {
    Message { uid: Some(uid(u)), flags: Some(Flag::Seen.into()), ..Message::default() }
}

fn seqs(known: &[SnapshotMessage]) -> Vec<u32> {
    known.iter().map(|known| known.seq().get()).collect()
}

#[test]
fn a_snapshot_stays_what_it_was() {
    let mut view = filled("2,4,6,8");
    view.learn(&row(2, None, Some(Flags::new())));
    let then = snapshot(&view);
    view.expunge(seq(1)).unwrap();
    view.learn(&row(1, None, Some(Flag::Seen.into())));
    view.exists(9).unwrap();
    assert_eq!((then.len(), then.is_empty(), then.is_complete()), (4, false, true));
    assert_eq!((then.uid(seq(2)), then.seq(uid(4))), (Some(uid(4)), Some(seq(2))));
    assert_eq!((then.uid(seq(5)), then.seq(uid(5))), (None, None));
    assert_eq!((then.flags(seq(1)), then.flags(seq(2))), (None, Some(Flags::new())), "not known, and none");
    assert_eq!((then.unseen_count(), then.flags_unknown()), (1, 3));
    assert_eq!(
        then.range(seq(3)..=seq(99)).map(|known| known.uid()).collect::<Vec<_>>(),
        [Some(uid(6)), Some(uid(8))]
    );
    assert_eq!(then.uids().to_string(), "2,4,6,8");
    assert_eq!((then.mailbox().as_str(), then.selection()), ("INBOX", Some(SelectionId(1))));
    assert_eq!((then.uid_validity(), then.highest_mod_seq()), (UidValidity::new(1), ModSeq::new(9)));
    assert_eq!(format!("{then:?}"), "Snapshot(INBOX: 4 messages)");
    assert!(!snapshot(&view).is_complete());
}

#[test]
fn numbers_of_a_snapshot_are_those_that_there_are() {
    let view = filled("1:20");
    let then = snapshot(&view);
    let of = |messages: Messages| match messages {
        Messages::SnapshotRange(slots) => view.seqs_of_slots(&slots).expect("valid slots").to_string(),
        other => other.to_string(),
    };
    assert_eq!(of(then.seqs(1..=10)), "1:10");
    assert_eq!(of(then.seqs(15..)), "15:20");
    assert_eq!(of(then.seqs(..3)), "1:2");
    assert_eq!(of(then.seqs(..)), "1:20", "as it was: no `*`");
    assert_eq!(of(then.seqs(21..)) + &of(then.seqs(..=0)) + &of(then.seqs(9..9)), "");
    assert!(snapshot(&View::opened(0)).seqs(..).is_empty());
    assert_eq!(of(snapshot(&View::off(9)).seqs(8..)), "8:9", "mere numbers");
}

#[test]
fn messages_without_uid_keep_their_identity() {
    let mut view = View::opened(5);
    let then = snapshot(&view);
    let third = view.slot(seq(3)).unwrap();
    view.expunge(seq(2)).unwrap();
    view.exists(6).unwrap();
    view.learn(&row(2, None, Some(Flag::Seen.into())));
    assert_eq!(view.seq_of_slot(third), Some(seq(2)));
    let now = snapshot(&view);
    let diff = then.diff(&now);
    assert_eq!((seqs(&diff.expunged), seqs(&diff.arrived)), (vec![2], vec![5, 6]));
    assert_eq!(diff.changed.len(), 1);
    assert_eq!((diff.changed[0].before.seq(), diff.changed[0].after.seq()), (seq(3), seq(2)));
    let back = now.diff(&then);
    assert_eq!((seqs(&back.expunged), seqs(&back.arrived)), (vec![5, 6], vec![2]));
    assert!(now.diff(&snapshot(&view)).is_empty());
    // One of six is expunged; which one is unknown.
    view.vanished(&uid(77).into());
    assert_eq!((view.seq_of_slot(third), now.seq_of_slot(third)), (None, Some(seq(2))));
    let diff = now.diff(&snapshot(&view));
    assert_eq!((diff.expunged.len(), diff.arrived.len()), (6, 5), "none can be recognised");
    let again = view.slot(seq(2)).unwrap();
    view.expunge(seq(1)).unwrap();
    assert_eq!(view.seq_of_slot(again), Some(seq(1)), "from then on they can");
}

#[test]
fn selections_are_compared_by_uid() {
    let mut old = filled("1:5");
    old.learn(&row(3, None, Some(Flag::Seen.into())));
    old.exists(6).unwrap();
    let mut new = filled("2:4,9");
    new.learn(&row(2, None, Some(Flag::Flagged.into())));
    let diff = snapshot_in(&old, 1, 7).diff(&snapshot_in(&new, 2, 7));
    assert_eq!((seqs(&diff.expunged), seqs(&diff.arrived)), (vec![1, 5, 6], vec![4]), "6 had no UID");
    assert_eq!(diff.changed.len(), 1);
    assert_eq!(diff.changed[0].after.uid(), Some(uid(3)));
    let diff = snapshot_in(&old, 1, 7).diff(&snapshot_in(&new, 2, 8));
    assert_eq!((diff.expunged.len(), diff.arrived.len()), (6, 4), "UIDs of another UIDVALIDITY mean nothing");
    // Another connection assigns the same selection numbers: the number alone means nothing.
    let diff = snapshot_in(&old, 1, 7).diff(&snapshot_in(&View::opened(6), 1, 7));
    assert_eq!((diff.expunged.len(), diff.arrived.len()), (6, 6));
}

#[test]
fn after_a_reset_it_is_compared_by_uid() {
    let mut view = filled("1:3");
    let then = snapshot(&view);
    let slot = view.slot(seq(2)).unwrap();
    view = view.reopened(3, true);
    assert_eq!((view.seq_of_slot(slot), view.removed_since(0)), (None, None));
    view.fill(&"2:4".parse().unwrap()).unwrap();
    let diff = then.diff(&snapshot(&view));
    assert_eq!((seqs(&diff.expunged), seqs(&diff.arrived)), (vec![1], vec![3]));
}

#[test]
fn slots_are_renumbered_before_they_run_out() {
    let mut view = filled("1:3");
    view.last_slot = u32::MAX - 1;
    let (slot, then) = (view.slot(seq(2)).unwrap(), snapshot(&view));
    view.exists(5).unwrap();
    assert_eq!(view.seq_of_slot(slot), None);
    assert_eq!(view.mirror.messages.iter().map(|entry| entry.slot).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(seqs(&then.diff(&snapshot(&view)).arrived), [4, 5], "by UID");
}

#[test]
fn many_invalidated_ranges_invalidate_all_slots() {
    let mut view = filled("1");
    view.exists(2000).unwrap();
    let slot = view.slot(seq(1)).unwrap();
    for n in 0..300 {
        view.vanished(&uid(10_000 + n).into());
        assert!(view.mirror.invalidated_ranges.len() <= 256, "the log is bounded");
    }
    assert_eq!(view.seq_of_slot(slot), None);
    assert_eq!(view.seq_of_slot(view.slot(seq(1)).unwrap()), Some(seq(1)));
}

#[test]
fn off_it_only_counts() {
    let mut view = View::off(5);
    assert_eq!((view.len(), view.unknown(), view.uid(seq(1)), view.seq(uid(1))), (5, None, None, None));
    assert_eq!((view.exists(7), view.exists(6)), (Ok(true), Err(Contradiction)));
    assert_eq!(view.expunge(seq(2)), Ok(Entry::default()));
    assert_eq!(view.expunge(seq(7)), Err(Contradiction));
    assert_eq!((view.len(), view.removed_since(0)), (6, Some(&[2][..])));
    let learned = view.learn(&row(8, Some(9), Some(Flag::Seen.into())));
    assert_eq!(learned, FetchUpdate { grown: true, flags: Some(None), ..FetchUpdate::default() });
    assert_eq!((view.get(seq(8)), view.get(seq(9))), (Some(Entry::default()), None));
    assert_eq!(view.set_flags(seq(8), Flags::new()), Some(None));
    assert!(view.learn(&row(4_000_000_000, None, None)).contradiction);
    assert_eq!(view.vanished(&"3,9".parse().unwrap()), [expunged_at(0, 9), expunged_at(0, 3)]);
    assert_eq!((view.len(), view.removed_since(1)), (6, None), "whose numbers moved?");
    assert_eq!(view.fill(&"1:6".parse().unwrap()), Ok(()));
    let then = snapshot(&view);
    assert_eq!(
        (then.len(), then.is_complete(), then.uids().is_empty(), then.flags_unknown()),
        (6, false, true, 6)
    );
    assert_eq!(seqs(&then.iter().collect::<Vec<_>>()), [1, 2, 3, 4, 5, 6]);
    assert_eq!(view.vanished(&UidSet::all()).len(), 6);
    assert_eq!((view.len(), then.diff(&snapshot(&view)).expunged.len()), (0, 6));
}

#[test]
fn a_row_without_number_is_placed_only_where_it_must_be() {
    // Known: 10 and 20; between them two without UID, and after them two.
    let mut view = View::opened(6);
    view.learn(&row(1, Some(10), None));
    view.learn(&row(4, Some(20), None));
    let mut row = |u: u32| {
        let learned = view.learn(&by_uid(u));
        (learned.flags.is_some(), uids(&view))
    };
    assert_eq!(row(15), (false, vec![10, 0, 0, 20, 0, 0]), "the second or the third");
    assert_eq!(row(11), (true, vec![10, 11, 0, 20, 0, 0]), "none can be before it");
    assert_eq!(row(15), (true, vec![10, 11, 15, 20, 0, 0]), "one is left");
    assert_eq!(row(30), (false, vec![10, 11, 15, 20, 0, 0]));
    assert_eq!(row(12), (false, vec![10, 11, 15, 20, 0, 0]), "no message can have it");
    assert_eq!(row(u32::MAX), (true, vec![10, 11, 15, 20, 0, u32::MAX]));
    assert_eq!(row(30), (true, vec![10, 11, 15, 20, 30, u32::MAX]));
}

#[test]
fn a_window_is_taken_if_it_fits() {
    let mut view = View::opened(10);
    view.learn(&row(4, Some(40), None));
    let mut fill = |first: u32, last: u32, set: &str| {
        let taken = view.fill_window(seq(first), seq(last), &set.parse().unwrap()).is_ok();
        (taken, uids(&view))
    };
    let before = vec![0, 0, 0, 40, 0, 0, 0, 0, 0, 0];
    assert_eq!(fill(8, 10, "50,60"), (false, before.clone()), "another count");
    assert_eq!(fill(9, 11, "50,60,70"), (false, before.clone()), "beyond the end");
    assert_eq!(fill(8, 10, "43,60,70"), (false, before.clone()), "three are between it and 40");
    assert_eq!(fill(3, 5, "39,41,42"), (false, before.clone()), "4 has 40");
    assert_eq!(fill(10, 8, "50,60,70"), (false, before));
    assert_eq!(fill(8, 10, "44,60,70"), (true, vec![0, 0, 0, 40, 0, 0, 0, 44, 60, 70]));
    assert_eq!(fill(2, 5, "2,3,40,41"), (true, vec![0, 2, 3, 40, 41, 0, 0, 44, 60, 70]));
    assert_eq!(fill(6, 7, "42,44"), (false, vec![0, 2, 3, 40, 41, 0, 0, 44, 60, 70]));
}

#[test]
fn keywords_of_a_snapshot_stay() {
    let keyword = |n: u32| Flags::from([Flag::Seen, Flag::new(&format!("$k{n}"))]);
    let mut view = filled("1:2");
    view.learn(&row(1, None, Some(keyword(0))));
    let then = snapshot(&view);
    for n in 1..5000 {
        assert_eq!(view.set_flags(seq(1), keyword(n)), Some(Some(keyword(n - 1))));
    }
    assert_eq!(
        (then.flags(seq(1)), view.get(seq(1)).unwrap().flags),
        (Some(keyword(0)), Some(keyword(4999)))
    );
    view.set_flags(seq(1), keyword(0));
    assert!(then.diff(&snapshot(&view)).is_empty(), "by another number, and the same");
}

#[test]
fn all_of_a_million_vanish() {
    let mut view = View::opened(1_000_000);
    view.learn(&row(500_000, Some(700_000), None));
    let expunged = view.vanished(&UidSet::all());
    assert_eq!((expunged.len(), view.len()), (1_000_000, 0));
    assert_eq!((expunged[0], expunged[500_000]), (expunged_at(1_000_000, 0), expunged_at(500_000, 700_000)));
}
