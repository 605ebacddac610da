//! Sets of message numbers. They become ranges while they are parsed, so that no set costs more
//! memory than its text.

use std::ops::RangeInclusive;

use super::token::{number, space, spaces};
use crate::types::{MessageNumber, NumberList, NumberSet, RangeCollector, Uid, UidSet};
use crate::wire::input::{Input, Parsed};

/// One end of a range; `*` is the largest number.
fn range_end(i: Input<'_>) -> Parsed<'_, u32> {
    if i.peek() == Some(b'*') { Ok((i.skip(1), u32::MAX)) } else { number(i) }
}

/// `3` or `3:5`; either end may be the larger one.
pub(crate) fn range(i: Input<'_>) -> Parsed<'_, (u32, u32)> {
    let (rest, first) = range_end(i)?;
    if rest.peek() != Some(b':') {
        return Ok((rest, (first, first)));
    }
    let (rest, last) = range_end(rest.skip(1))?;
    Ok((rest, (first, last)))
}

/// Calls `found` with each range of `1:3,7` (RFC 9051 section 9, `sequence-set`).
fn ranges<'a>(i: Input<'a>, mut found: impl FnMut(u32, u32)) -> Parsed<'a, ()> {
    let mut i = i;
    loop {
        let (rest, (first, last)) = range(i)?;
        found(first, last);
        if rest.peek() != Some(b',') {
            return Ok((rest, ()));
        }
        i = rest.skip(1);
    }
}

/// `1:3,7`.
pub(crate) fn uid_set(i: Input<'_>) -> Parsed<'_, UidSet> {
    let mut all = RangeCollector::default();
    let (rest, ()) = ranges(i, |first, last| all.add(first, last))?;
    Ok((rest, all.finish()))
}

/// The same, where it is not yet known whether these are UIDs.
pub(crate) fn number_set(i: Input<'_>) -> Parsed<'_, NumberSet> {
    uid_set(i).map(|(rest, set)| (rest, NumberSet(set)))
}

/// `7,1:3` in the server's order. A range counts as ascending whichever end comes first (RFC 5267
/// section 3.2).
pub(crate) fn number_list(i: Input<'_>) -> Parsed<'_, NumberList> {
    let mut all = NumberList::new();
    let (rest, ()) = ranges(i, |first, last| all.push(first.min(last), first.max(last)))?;
    Ok((rest, all))
}

/// The same, but each range in the server's direction.
pub(crate) fn directed_list(i: Input<'_>) -> Parsed<'_, NumberList> {
    let mut all = NumberList::new();
    let (rest, ()) = ranges(i, |first, last| all.push(first, last))?;
    Ok((rest, all))
}

/// `1:3,7` in the server's order, as COPYUID needs it (RFC 4315 section 3): up to a space or a
/// bracket. Any other text there, such as `*` or 0, is not a set of UIDs: they are unknown.
pub(crate) fn uids_to_end(i: Input<'_>) -> (Input<'_>, Option<Vec<RangeInclusive<Uid>>>) {
    let (rest, word) = i.run(|b| !matches!(b, b' ' | b']'));
    let mut all = Vec::new();
    let mut known = !word.contains(&b'*');
    let end =
        ranges(Input::new(word, &[]), |first, last| match Uid::from_u32(first).zip(Uid::from_u32(last)) {
            Some((first, last)) => all.push(first..=last),
            None => known = false,
        });
    known &= end.is_ok_and(|(rest, ())| rest.text.is_empty());
    (rest, known.then_some(all))
}

/// Collects numbers separated by spaces, up to anything else: `2 84 882` of SEARCH.
pub(crate) fn spaced<'a>(mut i: Input<'a>, all: &mut RangeCollector<Uid>) -> Input<'a> {
    i.text = plain_numbers(i.text, |number| all.add(number, number));
    loop {
        let next = space(i).and_then(|(rest, ())| ranges(rest, |first, last| all.add(first, last)));
        match next {
            Ok((rest, ())) => i = rest,
            Err(_) => return spaces(i),
        }
    }
}

/// The numbers at the front as nearly all servers write them: one space, a few digits, another
/// space. What stops it is left to the general way, the last number of a line too.
fn plain_numbers(mut text: &[u8], mut found: impl FnMut(u32)) -> &[u8] {
    while let [b' ', rest @ ..] = text {
        let (mut number, mut length) = (0u32, 0);
        for digit in rest.iter().take(MAX_PLAIN_DIGITS + 1).map(|byte| byte.wrapping_sub(b'0')) {
            if digit > 9 || length == MAX_PLAIN_DIGITS {
                break;
            }
            number = number * 10 + u32::from(digit);
            length += 1;
        }
        match rest.split_at_checked(length) {
            Some((digits, after @ [b' ', ..])) if !digits.is_empty() => {
                found(number);
                text = after;
            }
            _ => break,
        }
    }
    text
}

/// So many digits fit into 32 bits whatever they are.
const MAX_PLAIN_DIGITS: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Option<String> {
        let (rest, set) = uid_set(Input::new(text.as_bytes(), &[])).ok()?;
        rest.text.is_empty().then(|| set.to_string())
    }

    #[test]
    fn sets_are_sorted_and_merged() {
        for (text, read) in [
            ("1", "1"),
            ("3,2,1", "1:3"),
            ("10:7,1:2,9:12,3", "1:3,7:12"),
            ("5:*", "5:*"),
            ("1:4294967295", "1:*"),
            ("0:2", "1:2"),
        ] {
            assert_eq!(set(text), Some(read.to_owned()), "{text}");
        }
        for bad in ["", ",", "1,", "1:", "a", "4294967296"] {
            assert_eq!(set(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_with_spaces_are_read_up_to_anything_else() {
        for (text, read, rest) in [
            ("", "", ""),
            (" 2 84 882", "2,84,882", ""),
            (" 2 84  3 ", "2:3,84", ""),
            (" 999999999 4294967295 1", "1,999999999,*", ""),
            (" 1 2:4 9 (MODSEQ 7)", "1:4,9", "(MODSEQ 7)"),
            (" 1 0 2 x", "1:2", "x"),
            (" 1 4294967296 2", "1", "4294967296 2"),
            (" 1 2\t3", "1:2", "\t3"),
        ] {
            let mut all = RangeCollector::default();
            let left = spaced(Input::new(text.as_bytes(), &[]), &mut all).text;
            let read_as = (all.finish().to_string(), std::str::from_utf8(left).expect("ASCII"));
            assert_eq!(read_as, (read.to_owned(), rest), "{text:?}");
        }
    }

    /// Half a million numbers in descending order, no two adjacent: inserting them one by one would
    /// move a hundred billion ranges.
    #[test]
    fn descending_numbers_are_cheap() {
        let text: String = (1..500_000u32).rev().map(|n| format!(" {}", n * 2)).collect();
        let mut all = RangeCollector::default();
        assert!(spaced(Input::new(text.as_bytes(), &[]), &mut all).text.is_empty());
        assert_eq!(all.finish().len(), 499_999);
    }
}
