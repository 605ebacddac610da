//! The data of SORT and THREAD (RFC 5256) and of UIDBATCHES.

use super::Rules;
use super::search::{mod_seq, none};
use super::set::{directed_list, range};
use super::string::astring;
use super::token::{close, closed, name, nil, number, open, spaces};
use crate::types::{NumberList, SortResult, Threads, UidBatches};
use crate::wire::input::{Input, Parsed, fail};

/// `2 84 882 (MODSEQ 917162500)` (RFC 5256 section 5, RFC 7162 section 3.1.6).
pub(crate) fn sort(i: Input<'_>) -> Parsed<'_, SortResult> {
    let mut result = SortResult::default();
    let mut i = none(spaces(i));
    while !i.text.is_empty() {
        if i.peek() == Some(b'(') {
            let (rest, value) = mod_seq(i)?;
            result.mod_seq = value;
            i = spaces(rest);
        } else {
            let (rest, (first, last)) = range(i)?;
            result.numbers.push(first, last);
            i = if rest.peek() == Some(b',') { rest.skip(1) } else { spaces(rest) };
        }
    }
    Ok((i, result))
}

/// `(2)(3 6 (4 23)(44 7 96))` (RFC 5256 section 5), without recursion.
pub(crate) fn thread<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Threads> {
    let mut threads = Threads::default();
    let mut i = nil(spaces(i)).map_or(spaces(i), spaces);
    // The depth of the next message in each open list.
    let mut open_at: Vec<u32> = Vec::new();
    while let Some(next) = i.peek() {
        match (next, open_at.last_mut()) {
            (b'(', last) => {
                let depth = last.map_or(0, |depth| *depth);
                // Each may stand for a missing message, which takes more memory than its
                // parenthesis.
                rules.room(i, open_at.len())?;
                i = spaces(i.skip(1));
                // A list that begins with lists: they answer a missing message.
                let has_root = i.peek() != Some(b'(');
                if !has_root {
                    threads.push(depth, 0);
                }
                open_at.push(if has_root { depth } else { depth.saturating_add(1) });
            }
            (b')', Some(_)) => {
                open_at.pop();
                i = spaces(i.skip(1));
            }
            (_, Some(depth)) => {
                let (rest, value) = number(i)?;
                threads.push(*depth, value);
                *depth = depth.saturating_add(1);
                i = spaces(rest);
            }
            (_, None) => return fail(i, "a thread in parentheses"),
        }
    }
    if open_at.is_empty() { Ok((i, threads)) } else { fail(i, ")") }
}

/// `(TAG "A143") 215295:99696,99695:20351,20350:1`.
pub(crate) fn uid_batches(i: Input<'_>) -> Parsed<'_, UidBatches> {
    let mut result = UidBatches::default();
    let mut i = spaces(i);
    if let Ok((inside, ())) = open(i) {
        i = inside;
        while closed(i).is_none() {
            let (rest, label) = name(i)?;
            let (rest, value) = astring(spaces(rest))?;
            if label.eq_ignore_ascii_case(b"TAG") {
                result.tag = Some(value.to_text());
            }
            i = spaces(rest);
        }
        i = spaces(close(i)?.0);
    }
    let (rest, batches) = if i.text.is_empty() { (i, NumberList::new()) } else { directed_list(i)? };
    result.batches = batches;
    Ok((rest, result))
}
