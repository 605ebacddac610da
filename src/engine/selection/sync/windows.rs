//! Which messages one question of the view is about: the newest of those that are due, as many as
//! one window takes.

use crate::command::Messages;
use crate::types::{Seq, Uid, UidSet};
use crate::view::View;

/// The UID from which on to ask, if it is the newest messages whose UIDs are unknown, and not too
/// many: if there are known ones before them, or if all were known once.
pub(super) fn newest(view: &View, last: Seq, all_were_known: bool, most: u32) -> Option<Uid> {
    let known = view.uid_before(last);
    let many = last.get() - known.and_then(|uid| view.seq(uid)).map_or(0, Seq::get);
    let newest = last.get() == view.len() && (known.is_some() || all_were_known) && many <= most;
    newest.then(|| Uid::new(known.map_or(0, Uid::get).saturating_add(1)))?
}

/// The first of the messages that were asked for whose UID is still unknown.
pub(super) fn unknown_of(view: &View, asked: Option<&Messages>) -> Option<Seq> {
    let (first, last) = match asked? {
        Messages::SnapshotRange(_) | Messages::Saved(_) => return None,
        Messages::Seqs(set) => (set.first()?, set.last()?),
        Messages::Uids(set) => {
            // The query began at the UID after a known message. If that one is gone, it is not
            // known which messages were asked for.
            let known = match Uid::new(set.first()?.get() - 1) {
                None => 0,
                Some(uid) => view.seq(uid)?.get(),
            };
            (Seq::new(known + 1)?, Seq::new(view.len())?)
        }
    };
    let (_, unknown) = view.unknown_before(Seq::new(last.get().checked_add(1)?))?;
    (unknown >= first).then_some(first)
}

/// The last ones of these UIDs.
pub(super) fn newest_of(uids: &UidSet, most: u32) -> UidSet {
    let mut window = Vec::new();
    let mut left = most;
    for range in uids.ranges().rev() {
        let (first, last) = (range.start().get(), range.end().get());
        let from = last.saturating_sub(left - 1).max(first);
        let from = Uid::new(from);
        if let Some(from) = from {
            window.push(from..=*range.end());
        }
        left -= last - from.map_or(last, Uid::get) + 1;
        if left == 0 {
            break;
        }
    }
    let mut set = UidSet::new();
    window.into_iter().rev().for_each(|range| set.insert_range(range));
    set
}
