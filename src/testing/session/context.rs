//! Results of SEARCH and SORT that are kept up to date (CONTEXT=SEARCH and CONTEXT=SORT, RFC 5267
//! section 4.3), until CANCELUPDATE or the end of the selection.
//!
//! In: the snapshot, after changes of it were reported, or right before a removal is. Out: ADDTO
//! and REMOVEFROM.

use std::collections::BTreeSet;

use crate::testing::world::World;
use crate::types::{Answer, Code, ESearch, NumberList, ResultChange, Status};
use crate::wire::request::{SearchKey, SortKey, Value};

use super::Session;
use super::acl::text_of;
use super::find::{Found, fixed, found_in};
use super::reply::{Done, Reply};
use super::search::ReturnOptions;
use super::snapshot::Snapshot;

/// How many results of a session are kept up to date (RFC 5267 section 4.3.1).
const MAX_CONTEXTS: usize = 8;

/// One result.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    tag: String,
    /// Whether its numbers are UIDs.
    uid: bool,
    keys: Vec<SearchKey>,
    order: Option<Vec<SortKey>>,
    /// The UIDs that the client knows of, in their order.
    uids: Vec<u32>,
}

impl Context {
    /// What is to be removed and added to get to this result. A result of SEARCH is in the order
    /// of the mailbox, where no position is needed; one of SORT gets them in such an order that
    /// each holds when it is applied.
    fn steps(&self, next: &[u32]) -> Vec<(bool, u32, Vec<u32>)> {
        let (before, after): (BTreeSet<_>, BTreeSet<_>) = (self.uids.iter().collect(), next.iter().collect());
        let is_gone = |uid: &u32| !after.contains(uid);
        let is_new = |uid: &u32| !before.contains(uid);
        if self.order.is_none() {
            let gone: Vec<u32> = self.uids.iter().copied().filter(is_gone).collect();
            let new: Vec<u32> = next.iter().copied().filter(is_new).collect();
            let steps = [(false, 0, gone), (true, 0, new)];
            return steps.into_iter().filter(|(_, _, uids)| !uids.is_empty()).collect();
        }
        // From the end, so that the positions of those before it hold.
        let mut steps: Vec<_> =
            runs(&self.uids, is_gone).into_iter().map(|(at, uids)| (false, at, uids)).rev().collect();
        steps.extend(runs(next, is_new).into_iter().map(|(at, uids)| (true, at, uids)));
        steps
    }
}

/// Runs of neighbours that fit, each with the position of its first, from 1.
fn runs(all: &[u32], fits: impl Fn(&u32) -> bool) -> Vec<(u32, Vec<u32>)> {
    let mut runs: Vec<(u32, Vec<u32>)> = Vec::new();
    let mut goes_on = false;
    for (at, uid) in all.iter().enumerate() {
        if !fits(uid) {
            goes_on = false;
            continue;
        }
        match runs.last_mut().filter(|_| goes_on) {
            Some((_, run)) => run.push(*uid),
            None => runs.push((Snapshot::seq(at), vec![*uid])),
        }
        goes_on = true;
    }
    runs
}

impl Session {
    /// RFC 5267 section 4.3: a tag stands for one result.
    pub(super) fn may_update(&self, tag: &str, options: &ReturnOptions) -> Result<(), Reply> {
        let contexts = self.selected.iter().flat_map(|snapshot| &snapshot.contexts);
        if options.update && contexts.into_iter().any(|context| context.tag == tag) {
            return Err(Reply::bad("Tag reuse"));
        }
        Ok(())
    }

    /// Keeps a result up to date from now on, or says that it does not.
    pub(super) fn keep_updated(&mut self, tag: &str, uid: bool, order: Option<&[SortKey]>, found: &Found) {
        let Some(snapshot) = &mut self.selected else { return };
        if snapshot.contexts.len() >= MAX_CONTEXTS {
            self.status(Status::No, Some(Code::NoUpdate(tag.to_owned())), "Too many contexts");
            return;
        }
        let keys = found.keys.iter().map(|key| fixed(key, snapshot)).collect();
        let uids = found.rows.iter().map(|row| row.1).collect();
        let order = order.map(<[SortKey]>::to_vec);
        snapshot.contexts.push(Context { tag: tag.to_owned(), uid, keys, order, uids });
    }

    /// CANCELUPDATE.
    pub(super) fn cancel_updates(&mut self, tags: &[Value]) -> Done {
        let tags: Option<Vec<String>> = tags.iter().map(text_of).collect();
        let tags = tags.filter(|tags| !tags.is_empty()).ok_or_else(|| Reply::bad("Tags were expected"))?;
        let Some(snapshot) = &mut self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        let is_known = |tag: &String| snapshot.contexts.iter().any(|context| context.tag == *tag);
        if !tags.iter().all(is_known) {
            return Err(Reply::bad("No result of such a command is kept up to date"));
        }
        snapshot.contexts.retain(|context| !tags.contains(&context.tag));
        Ok(Reply::ok("No further updates"))
    }

    /// Sends what has changed in the results, after the changes that brought it about.
    pub(super) fn update_contexts(&mut self, world: &World) {
        let Some(snapshot) = &mut self.selected else { return };
        if !std::mem::take(&mut snapshot.is_changed) {
            return;
        }
        for at in 0..snapshot.contexts.len() {
            let Some(snapshot) = &self.selected else { return };
            let Some(context) = snapshot.contexts.get(at) else { return };
            // The keys were checked when the command came.
            let terms = self.terms(world, &context.keys);
            let found = found_in(snapshot, &context.keys, context.order.as_deref(), &terms);
            let next = found.unwrap_or_default().into_iter().map(|row| row.1).collect();
            self.update_context(at, next);
        }
    }

    /// Takes a message out of the results before its removal is reported, so that its number still
    /// holds (RFC 5267 section 4.3.4).
    pub(super) fn leave_contexts(&mut self, uid: u32) {
        for at in 0..self.selected.as_ref().map_or(0, |snapshot| snapshot.contexts.len()) {
            let context = self.selected.as_ref().and_then(|snapshot| snapshot.contexts.get(at));
            let Some(context) = context.filter(|context| context.uids.contains(&uid)) else { continue };
            let next = context.uids.iter().copied().filter(|other| *other != uid).collect();
            self.update_context(at, next);
        }
    }

    fn update_context(&mut self, at: usize, next: Vec<u32>) {
        let Some(snapshot) = &mut self.selected else { return };
        let Some(context) = snapshot.contexts.get(at) else { return };
        let steps = context.steps(&next);
        let number = |uid: &u32| match context.uid {
            true => Some(*uid),
            false => snapshot.find(*uid).map(Snapshot::seq),
        };
        let change = |(added, position, uids): (bool, u32, Vec<u32>)| {
            let numbers: NumberList = uids.iter().filter_map(number).collect();
            ResultChange::new(added, position, numbers)
        };
        let changes: Vec<_> = steps.into_iter().map(change).collect();
        let response = ESearch { tag: Some(context.tag.clone()), uid: context.uid, ..ESearch::default() };
        if let Some(context) = snapshot.contexts.get_mut(at) {
            context.uids = next;
        }
        if !changes.is_empty() {
            self.answer("ESEARCH", Answer::ESearch(Box::new(ESearch { changes, ..response })));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::request::SortBy;

    /// Applies steps as RFC 5267 sections 4.3.3 and 4.3.4 say.
    fn applied(mut list: Vec<u32>, steps: Vec<(bool, u32, Vec<u32>)>) -> Vec<u32> {
        for (added, position, uids) in steps {
            let at = usize::try_from(position).unwrap();
            match (added, at.checked_sub(1)) {
                (true, Some(at)) => drop(list.splice(at..at, uids)),
                (false, Some(at)) => {
                    assert_eq!(list[at..at + uids.len()], uids[..]);
                    list.drain(at..at + uids.len());
                }
                (true, None) => {
                    list.extend(uids);
                    list.sort_unstable();
                }
                (false, None) => list.retain(|uid| !uids.contains(uid)),
            }
        }
        list
    }

    #[test]
    fn steps_lead_from_one_result_to_the_next() {
        let order = Some(vec![SortKey { by: SortBy::Size, reverse: false }]);
        let lists: [&[u32]; 6] = [&[], &[5], &[9, 2, 5, 7], &[2, 7], &[1, 9, 3, 4, 2, 5, 6, 7, 8], &[8, 1]];
        for before in lists {
            for after in lists {
                // What both have is in one order.
                if before.iter().filter(|n| after.contains(n)).ne(after.iter().filter(|n| before.contains(n)))
                {
                    continue;
                }
                let of = |order, list: &[u32]| Context {
                    tag: "a".into(),
                    uid: true,
                    keys: Vec::new(),
                    order,
                    uids: list.to_vec(),
                };
                let steps = of(order.clone(), before).steps(after);
                assert_eq!(applied(before.to_vec(), steps), after, "{before:?}");
                let sorted = |list: &[u32]| {
                    let mut list = list.to_vec();
                    list.sort_unstable();
                    list
                };
                let steps = of(None, &sorted(before)).steps(&sorted(after));
                assert_eq!(applied(sorted(before), steps), sorted(after), "{before:?}");
            }
        }
    }
}
