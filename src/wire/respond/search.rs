//! SEARCH, ESEARCH, SORT, THREAD, VANISHED, UIDBATCHES.

use super::out::Out;
use crate::types::{ESearch, ModSeq, NumberList, SearchNumbers, SortResult, Threads, UidBatches, UidSet};

/// `SEARCH 2 84 882 (MODSEQ 917162500)` (RFC 3501 section 7.2.5, RFC 7162 section 3.1.5): number by
/// number, because it has no ranges.
pub(super) fn search(found: &SearchNumbers, out: &mut Out) {
    out.raw("SEARCH");
    found.numbers.0.raw().iter().flat_map(|&(first, last)| first..=last).for_each(|n| {
        out.space().number(n);
    });
    mod_seq(found.mod_seq, out);
}

/// `SORT 5 3 4 1 (MODSEQ 917162500)` (RFC 5256 section 4, RFC 7162 section 3.1.6).
pub(super) fn sort(found: &SortResult, out: &mut Out) {
    out.raw("SORT");
    found.numbers.iter().for_each(|n| {
        out.space().number(n);
    });
    mod_seq(found.mod_seq, out);
}

fn mod_seq(value: Option<ModSeq>, out: &mut Out) {
    if let Some(value) = value {
        out.raw(" (MODSEQ ").number(value.get()).raw(")");
    }
}

/// `ESEARCH (TAG "A282") UID MIN 2 COUNT 3` (RFC 9051 section 9, `esearch-response`).
pub(super) fn esearch(found: &ESearch, out: &mut Out) {
    out.raw("ESEARCH");
    correlator(found, out);
    if found.uid {
        out.raw(" UID");
    }
    for (name, value) in [(" MIN ", found.min), (" MAX ", found.max), (" COUNT ", found.count)] {
        if let Some(value) = value {
            out.raw(name).number(value);
        }
    }
    match (&found.sorted, &found.all) {
        // RFC 5267 section 3.1: the order of SORT.
        (Some(sorted), _) => list(" ALL ", sorted, out),
        (None, Some(all)) => {
            out.raw(" ALL ").set(all.0.raw().iter().copied());
        }
        (None, None) => {}
    }
    if let Some(value) = found.mod_seq {
        out.raw(" MODSEQ ").number(value.get());
    }
    if let Some(part) = &found.partial {
        // RFC 9394 section 4.
        let (first, last) = part.range;
        out.raw(&format!(" PARTIAL ({first}:{last} "));
        if part.numbers.is_empty() {
            out.raw("NIL");
        } else {
            list("", &part.numbers, out);
        }
        out.raw(")");
    }
    changes(found, out);
    if !found.relevancy.is_empty() {
        // RFC 6203 section 4.
        out.raw(" RELEVANCY ").list(&found.relevancy, |score, out| out.number(*score));
    }
    for (name, value) in &found.other {
        out.space().word(name).space().bytes(value.as_bytes());
    }
}

/// `(TAG "A282" MAILBOX folder1 UIDVALIDITY 1)`: the command that is answered, and the mailbox (RFC
/// 7377 section 2.1).
fn correlator(found: &ESearch, out: &mut Out) {
    let mut gap = " (";
    if let Some(tag) = &found.tag {
        out.raw(std::mem::replace(&mut gap, " ")).raw("TAG ").string(tag.as_bytes());
    }
    if let Some(name) = &found.mailbox {
        out.raw(std::mem::replace(&mut gap, " ")).raw("MAILBOX ").mailbox(name);
    }
    if let Some(value) = found.uid_validity {
        out.raw(std::mem::replace(&mut gap, " ")).raw("UIDVALIDITY ").number(value.get());
    }
    if gap == " " {
        out.raw(")");
    }
}

/// `ADDTO (1 2733 1 2731:2732)` (RFC 5267 section 4.3); one item for each run of additions or
/// removals.
fn changes(found: &ESearch, out: &mut Out) {
    for run in found.changes.chunk_by(|a, b| a.added == b.added) {
        let added = run.first().is_some_and(|change| change.added);
        out.raw(if added { " ADDTO " } else { " REMOVEFROM " }).list(run, |change, out| {
            out.number(change.position).space();
            list("", &change.numbers, out);
            out
        });
    }
}

/// Numbers in their order, in ranges as they are stored.
fn list(name: &str, numbers: &NumberList, out: &mut Out) {
    out.raw(name).set(numbers.ranges());
}

/// `VANISHED (EARLIER) 300:310,405` (RFC 7162 section 3.2.10).
pub(super) fn vanished(earlier: bool, uids: &UidSet, out: &mut Out) {
    out.raw(if earlier { "VANISHED (EARLIER) " } else { "VANISHED " }).set(uids.raw().iter().copied());
}

/// `UIDBATCHES (TAG "A143") 215295:99696,99695:20351`.
pub(super) fn uid_batches(response: &UidBatches, out: &mut Out) {
    out.raw("UIDBATCHES");
    if let Some(tag) = &response.tag {
        out.raw(" (TAG ").string(tag.as_bytes()).raw(")");
    }
    if !response.batches.is_empty() {
        list(" ", &response.batches, out);
    }
}

/// `THREAD (2)(3 6 (4 23)(44 7 96))` (RFC 5256 section 5, `thread-data`). A message with one answer
/// is followed by it in the same list; of several, each begins a list of its own, as does a missing
/// message. Without recursion, because threads have no limit on their depth.
pub(super) fn threads(all: &Threads, out: &mut Out) {
    out.raw("THREAD");
    let nodes: Vec<(u32, u32)> = all.iter().map(|node| (node.depth, node.number.unwrap_or(0))).collect();
    let answers = answers(&nodes);
    // The depths of the nodes that began the lists that are open, and the nodes above the next.
    let (mut open, mut above): (Vec<u32>, Vec<usize>) = (Vec::new(), Vec::new());
    for (i, &(depth, number)) in nodes.iter().enumerate() {
        let at = |i: &usize| nodes.get(*i).copied().unwrap_or_default();
        above.truncate(above.iter().rposition(|i| at(i).0 < depth).map_or(0, |last| last + 1));
        let parent = above.last().copied();
        let goes_on = parent.is_some_and(|i| answers.get(i) == Some(&1) && at(&i).1 != 0) && number != 0;
        if goes_on {
            out.space().number(number);
        } else {
            while open.last().is_some_and(|&began| began >= depth) {
                open.pop();
                out.raw(")");
            }
            let is_first = parent.is_none_or(|parent| parent + 1 == i);
            let behind_number = is_first && parent.is_some_and(|i| at(&i).1 != 0);
            out.raw(if behind_number || i == 0 { " (" } else { "(" });
            open.push(depth);
            if number != 0 {
                out.number(number);
            }
        }
        above.push(i);
    }
    open.iter().for_each(|_| {
        out.raw(")");
    });
}

/// How many answers each message has.
fn answers(nodes: &[(u32, u32)]) -> Vec<usize> {
    let mut count = vec![0; nodes.len()];
    let mut above: Vec<(usize, u32)> = Vec::new();
    for (i, &(depth, _)) in nodes.iter().enumerate() {
        while above.last().is_some_and(|&(_, over)| over >= depth) {
            above.pop();
        }
        if let Some(answered) = above.last().and_then(|&(parent, _)| count.get_mut(parent)) {
            *answered += 1;
        }
        above.push((i, depth));
    }
    count
}
