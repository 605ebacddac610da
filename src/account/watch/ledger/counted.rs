//! How often something has happened to each message, by numbers that many messages share.
//!
//! In: a message to which it has happened once more, or that is gone. Out: how often it has.

use crate::types::{Uid, UidSet};

/// How often this has happened to a message.
pub(super) fn counted(groups: &[(u32, UidSet)], uid: Uid) -> u32 {
    groups.iter().find(|(_, uids)| uids.contains(uid)).map_or(0, |(count, _)| *count)
}

/// Once more.
pub(super) fn count_up(groups: &mut Vec<(u32, UidSet)>, uid: Uid) {
    let count = counted(groups, uid).saturating_add(1);
    forget(groups, uid);
    match groups.iter_mut().find(|(group, _)| *group == count) {
        Some((_, uids)) => uids.insert(uid),
        None => groups.push((count, uid.into())),
    }
}

/// Of a message that is gone.
pub(super) fn forget(groups: &mut Vec<(u32, UidSet)>, uid: Uid) {
    for (_, uids) in groups.iter_mut().filter(|(_, uids)| uids.contains(uid)) {
        uids.remove(uid);
    }
    groups.retain(|(_, uids)| !uids.is_empty());
}
