//! SEARCH, ESEARCH and VANISHED (RFC 3501 section 7.2.5, RFC 9051 section 7.3.4, RFC 7162 section 3.2.10).
//!
//! | seen | allowed by |
//! |---|---|
//! | no number at all, a space at the end, numbers behind `(MODSEQ 5)` | [`search`] |
//! | the tag without quotes | [`esearch`] |

use nom::Parser;
use nom::sequence::{delimited, preceded};

use super::set::{Gather, number_set, spaced, uid_set};
use super::string::astring;
use super::token::{Upper, close, closed, end, gap, name, number, number64, open, space, spaces};
use super::value;
use crate::types::{ESearch, ModSeq, NumberSet, SearchResult, UidSet};
use crate::wire::input::{Input, Parsed};

/// What stands behind `* SEARCH`.
pub(crate) fn search(i: Input<'_>) -> Parsed<'_, SearchResult> {
    let mut all = Gather::default();
    let mut result = SearchResult::default();
    let mut i = spaced(i, &mut all);
    while i.peek() == Some(b'(') {
        // RFC 7162 section 3.1.5: `(MODSEQ 917162500)`.
        let (rest, value) = delimited(open, preceded((name, space), number64), close).parse(i)?;
        result.mod_seq = ModSeq::new(value);
        i = spaced(rest, &mut all);
    }
    let (i, ()) = end(i)?;
    result.numbers = NumberSet(all.finish());
    Ok((i, result))
}

/// What stands behind `* ESEARCH`.
pub(crate) fn esearch(i: Input<'_>, depth: usize) -> Parsed<'_, ESearch> {
    let mut result = ESearch::default();
    let mut i = spaces(i);
    if i.peek() == Some(b'(') {
        let (mut at, ()) = open(i)?;
        while closed(at).is_none() {
            let (rest, label) = name(at)?;
            let (rest, ()) = gap(rest)?;
            let behind = if label.eq_ignore_ascii_case(b"TAG") {
                let (behind, tag) = astring(rest)?;
                result.tag = Some(tag.to_text());
                behind
            } else {
                other(rest, label, depth, &mut result)?.0
            };
            at = spaces(behind);
        }
        i = spaces(close(at)?.0);
    }
    while !i.text.is_empty() {
        let (rest, item) = name(i)?;
        let upper = Upper::new(item);
        if upper.as_bytes() == b"UID" {
            result.uid = true;
            i = spaces(rest);
            continue;
        }
        let (rest, ()) = gap(rest)?;
        let (rest, ()) = match upper.as_bytes() {
            b"MIN" => put(number(rest)?, &mut result.min),
            b"MAX" => put(number(rest)?, &mut result.max),
            b"ALL" => put(number_set(rest)?, &mut result.all),
            b"COUNT" => put(number(rest)?, &mut result.count),
            b"MODSEQ" => {
                let (rest, value) = number64(rest)?;
                result.mod_seq = ModSeq::new(value);
                (rest, ())
            }
            _ => other(rest, item, depth, &mut result)?,
        };
        i = spaces(rest);
    }
    Ok((i, result))
}

/// A value without a type.
fn other<'a>(i: Input<'a>, name: &[u8], depth: usize, result: &mut ESearch) -> Parsed<'a, ()> {
    let (rest, raw) = value::raw(i, depth)?;
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    result.other.push((text(name), text(&raw)));
    Ok((rest, ()))
}

fn put<'a, T>((rest, value): (Input<'a>, T), place: &mut Option<T>) -> (Input<'a>, ()) {
    *place = Some(value);
    (rest, ())
}

/// What stands behind `* VANISHED`: whether `(EARLIER)`, and which.
pub(crate) fn vanished(i: Input<'_>) -> Parsed<'_, (bool, UidSet)> {
    let mut i = spaces(i);
    let mut earlier = false;
    if i.peek() == Some(b'(') {
        let (rest, word) = delimited(open, name, close).parse(i)?;
        earlier = word.eq_ignore_ascii_case(b"EARLIER");
        i = spaces(rest);
    }
    let (i, uids) = uid_set(i)?;
    let (i, ()) = end(i)?;
    Ok((i, (earlier, uids)))
}
