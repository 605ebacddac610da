//! The view against the rules of RFC 9051 and RFC 7162 for sequence numbers.

mod model;
mod snapshots;

use super::*;
use crate::types::{Flag, UidSet};

fn seq(n: u32) -> Seq {
    Seq::new(n).unwrap()
}

fn uid(n: u32) -> Uid {
    Uid::new(n).unwrap()
}

fn row(n: u32, u: Option<u32>, flags: Option<Flags>) -> Message {
    Message { seq: Some(seq(n)), uid: u.map(uid), flags, ..Message::default() }
}

fn filled(uids: &str) -> View {
    let set: UidSet = uids.parse().unwrap();
    let mut view = View::opened(u32::try_from(set.len()).unwrap());
    view.fill(&set).unwrap();
    view
}

fn uids(view: &View) -> Vec<u32> {
    view.mirror.messages.iter().map(|e| e.uid().map_or(0, Uid::get)).collect()
}

#[test]
fn removing_two_then_three_of_five_is_reported_as_two_and_two() {
    let mut view = filled("11:15");
    assert_eq!(view.expunge(seq(2)).unwrap().uid, Some(uid(12)));
    assert_eq!(view.expunge(seq(2)).unwrap().uid, Some(uid(13)));
    assert_eq!(uids(&view), [11, 14, 15]);
    assert_eq!(view.removed_since(0), Some(&[2, 2][..]));
    assert_eq!(view.seq(uid(15)), Some(seq(3)));
}

#[test]
fn expunge_beyond_the_end_is_a_contradiction() {
    let mut view = filled("1:3");
    assert_eq!(view.expunge(seq(4)), Err(Contradiction));
    assert_eq!(view.exists(2), Err(Contradiction));
    assert_eq!(view.exists(3), Ok(false));
    assert_eq!(uids(&view), [1, 2, 3]);
}

fn expunged_at(n: u32, u: u32) -> Vanished {
    Vanished { seq: Seq::new(n), uid: Uid::new(u) }
}

#[test]
fn vanished_moves_numbers_by_uid() {
    let mut view = filled("2,4,6,8,10");
    let expunged = view.vanished(&"3:4,8:4294967295".parse().unwrap());
    assert_eq!(expunged, [expunged_at(5, 10), expunged_at(4, 8), expunged_at(2, 4)]);
    assert_eq!(uids(&view), [2, 6]);
    assert_eq!(view.removed_since(0), Some(&[5, 4, 2][..]));
}

#[test]
fn vanished_among_messages_without_uid_is_counted_and_not_placed() {
    let mut view = filled("2,4");
    view.exists(5).unwrap();
    view.learn(&row(4, None, Some(Flag::Seen.into())));
    assert_eq!(view.vanished(&uid(9).into()), [expunged_at(0, 9)], "one of three, and which one is unknown");
    assert_eq!(uids(&view), [2, 4, 0, 0]);
    assert_eq!(
        [3, 4].map(|n| view.get(seq(n)).unwrap()),
        [Entry::default(), Entry::default()],
        "whose flags were these?"
    );
    assert_eq!(view.removed_since(0), None, "numbers of before can't be corrected");
    assert_eq!(view.vanished(&uid(3).into()), [], "there is no room for it between 2 and 4");
    assert_eq!(
        view.vanished(&"7:8".parse().unwrap()),
        [expunged_at(4, 8), expunged_at(3, 7)],
        "both: no doubt which"
    );
    assert_eq!(uids(&view), [2, 4]);
}

#[test]
fn vanished_may_name_more_than_there_is() {
    let mut view = filled("10,20,30");
    view.exists(4).unwrap();
    let expunged = view.vanished(&"1:100".parse().unwrap());
    assert_eq!(expunged, [expunged_at(4, 0), expunged_at(3, 30), expunged_at(2, 20), expunged_at(1, 10)]);
    assert_eq!(view.len(), 0);
}

#[test]
fn vanished_before_anything_is_known() {
    let mut view = View::opened(5);
    assert_eq!(view.vanished(&uid(2).into()), [expunged_at(0, 2)]);
    assert_eq!((view.len(), view.removed_since(0)), (4, None));
}

#[test]
fn a_row_has_uid_and_flags() {
    let mut view = filled("1:2");
    view.exists(3).unwrap();
    let seen = Flags::from(Flag::Seen);
    let learned = view.learn(&row(3, Some(7), Some(seen.clone())));
    assert_eq!(learned.arrived, Some(uid(7)));
    assert_eq!(learned.flags, Some(None), "not known before");
    assert_eq!(view.learn(&row(3, Some(7), Some(seen.clone()))), FetchUpdate::default(), "nothing new");
    let learned = view.learn(&row(3, None, Some(Flags::new())));
    assert_eq!(learned.flags, Some(Some(seen)));
}

#[test]
fn a_row_before_its_exists_grows_the_mailbox() {
    let mut view = filled("1:2");
    let learned = view.learn(&row(3, Some(9), None));
    assert!(learned.grown && learned.arrived == Some(uid(9)));
    assert_eq!(view.exists(3), Ok(false));
    assert!(view.learn(&row(4_000_000_000, Some(10), None)).contradiction, "no memory out of nothing");
    assert_eq!(view.len(), 3);
}

#[test]
fn uids_that_cannot_be_are_contradictions() {
    let mut view = filled("5:6");
    assert!(view.learn(&row(1, Some(6), None)).contradiction);
    view.exists(3).unwrap();
    assert!(view.learn(&row(3, Some(4), None)).contradiction, "UIDs ascend");
    assert_eq!(view.fill(&"5:9".parse().unwrap()), Err(Contradiction));
    assert_eq!(view.fill(&"5,7:8".parse().unwrap()), Err(Contradiction));
    assert_eq!(view.fill(&"5:7".parse().unwrap()), Ok(()));
    assert_eq!(view.take_fresh(), [(seq(3), uid(7), None)]);
    assert_eq!(view.take_fresh(), []);
}
