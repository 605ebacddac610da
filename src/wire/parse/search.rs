//! SEARCH, ESEARCH and VANISHED (RFC 3501 section 7.2.5, RFC 9051 section 7.3.4, RFC 7162 section
//! 3.2.10).

use nom::Parser;
use nom::combinator::opt;
use nom::sequence::{delimited, preceded, terminated};

use super::Rules;
use super::mailbox::listed_mailbox;
use super::set::{number_list, spaced, uid_set};
use super::string::{astring, loose};
use super::token::{
    Upper, close, closed, count, end, gap, name, nil, number, open, small_count, space, spaces,
};
use super::value;
use crate::types::{
    ESearch, ModSeq, NumberList, NumberSet, PartialResult, RangeCollector, ResultChange, SearchNumbers,
    UidSet, UidValidity,
};
use crate::wire::input::{Input, Parsed, fail};

/// The data of `* SEARCH`.
pub(crate) fn search(i: Input<'_>) -> Parsed<'_, SearchNumbers> {
    let mut all = RangeCollector::default();
    let mut result = SearchNumbers::default();
    let mut i = none(spaced(i, &mut all));
    while i.peek() == Some(b'(') {
        let (rest, value) = mod_seq(i)?;
        result.mod_seq = value;
        i = spaced(rest, &mut all);
    }
    let (i, ()) = end(i)?;
    result.numbers = NumberSet(all.finish());
    Ok((i, result))
}

/// The rest after NIL or `()`, which some servers send where nothing was found; otherwise the
/// input.
pub(crate) fn none(i: Input<'_>) -> Input<'_> {
    let empty = open(i).ok().and_then(|(inside, ())| closed(inside));
    nil(i).or(empty).map_or(i, spaces)
}

/// `(MODSEQ 917162500)` (RFC 7162 section 3.1.5).
pub(crate) fn mod_seq(i: Input<'_>) -> Parsed<'_, Option<ModSeq>> {
    let (inside, ()) = open(i)?;
    let (rest, word) = name(inside)?;
    if !word.eq_ignore_ascii_case(b"MODSEQ") {
        return fail(inside, "MODSEQ");
    }
    let (rest, value) = terminated(preceded(space, count), close).parse(rest)?;
    Ok((rest, value.and_then(ModSeq::new)))
}

/// The data of `* ESEARCH`.
pub(crate) fn esearch<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, ESearch> {
    let mut result = ESearch::default();
    let mut i = spaces(i);
    if i.peek() == Some(b'(') {
        let (mut at, ()) = open(i)?;
        while closed(at).is_none() {
            let (rest, label) = name(at)?;
            let (rest, ()) = gap(rest)?;
            let behind = match Upper::new(label).as_bytes() {
                b"TAG" => {
                    let (behind, tag) = astring(rest)?;
                    result.tag = Some(tag.to_text());
                    behind
                }
                // RFC 7377 section 2.1: the mailbox that was searched.
                b"MAILBOX" => {
                    let (behind, mailbox) = listed_mailbox(rest, rules)?;
                    result.mailbox = Some(mailbox);
                    behind
                }
                b"UIDVALIDITY" => {
                    let (behind, value) = small_count(rest)?;
                    result.uid_validity = value.and_then(UidValidity::new);
                    behind
                }
                _ => other(rest, label, rules, &mut result)?.0,
            };
            at = spaces(behind);
        }
        i = spaces(close(at)?.0);
    }
    while !i.text.is_empty() {
        if matches!(i.peek(), Some(b'(' | b')')) {
            i = spaces(i.skip(1));
            continue;
        }
        let (rest, item) = name(i)?;
        let upper = Upper::new(item);
        if upper.as_bytes() == b"UID" {
            result.uid = true;
            i = spaces(rest);
            continue;
        }
        // The last item lacks its value: nothing was found.
        if end(rest).is_ok() {
            break;
        }
        let (rest, ()) = gap(rest)?;
        let (rest, ()) = match upper.as_bytes() {
            b"MIN" => put_count(rest, &mut result.min)?,
            b"MAX" => put_count(rest, &mut result.max)?,
            b"ALL" => all(rest, &mut result)?,
            b"COUNT" => put_count(rest, &mut result.count)?,
            b"MODSEQ" => {
                // Also in parentheses, as in FETCH.
                let (rest, value) = delimited(opt(open), count, opt(close)).parse(rest)?;
                result.mod_seq = value.and_then(ModSeq::new);
                (rest, ())
            }
            b"PARTIAL" => put(partial(rest)?, &mut result.partial),
            b"ADDTO" => changes(rest, true, rules, &mut result)?,
            b"REMOVEFROM" => changes(rest, false, rules, &mut result)?,
            b"RELEVANCY" => relevancy(rest, &mut result)?,
            _ => other(rest, item, rules, &mut result)?,
        };
        i = spaces(rest);
    }
    Ok((i.skip(i.text.len()), result))
}

/// `5,10,1`: usually ascending; otherwise the order is that of SORT, and is kept.
fn all<'a>(i: Input<'a>, result: &mut ESearch) -> Parsed<'a, ()> {
    let behind = loose(i).ok().filter(|(_, text)| text.is_none_or(|text| text.bytes().is_empty()));
    if let Some((rest, _)) = behind {
        // NIL or an empty text: nothing was found.
        return Ok((rest, ()));
    }
    let (rest, list) = number_list(i)?;
    let ascending = list.ranges().map(|(_, last)| last).zip(list.ranges().skip(1)).all(|(a, (b, _))| a < b);
    result.all = Some(list.to_set());
    result.sorted = (!ascending).then_some(list);
    Ok((rest, ()))
}

/// `(-1:-100 42,9)`, or NIL for the numbers (RFC 9394 section 4, RFC 5267 section 5).
fn partial(i: Input<'_>) -> Parsed<'_, PartialResult> {
    let (i, ()) = open(i)?;
    let (i, first) = place(i)?;
    let (i, last) = if i.peek() == Some(b':') { place(i.skip(1))? } else { (i, first) };
    let i = spaces(i);
    let (i, numbers) = match nil(i) {
        Some(rest) => (rest, NumberList::new()),
        None if closed(i).is_some() => (i, NumberList::new()),
        None => number_list(i)?,
    };
    let (i, ()) = close(i)?;
    Ok((i, PartialResult::new((first, last), numbers)))
}

/// A place in a result, counted from its end if it is negative.
fn place(i: Input<'_>) -> Parsed<'_, i64> {
    let negative = i.peek() == Some(b'-');
    let (rest, value) = number(if negative { i.skip(1) } else { i })?;
    Ok((rest, if negative { -i64::from(value) } else { i64::from(value) }))
}

/// `(1 2733 1 2731:2732)` (RFC 5267 section 4.3).
fn changes<'a>(i: Input<'a>, added: bool, rules: &Rules, result: &mut ESearch) -> Parsed<'a, ()> {
    let (mut i, ()) = open(i)?;
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, ()));
        }
        let (rest, position) = number(i)?;
        let (rest, numbers) = number_list(spaces(rest))?;
        rules.room(i, result.changes.len())?;
        result.changes.push(ResultChange::new(added, position, numbers));
        i = spaces(rest);
    }
}

/// `(4 99 42)` (RFC 6203 section 4); above 100 counts as 100.
fn relevancy<'a>(i: Input<'a>, result: &mut ESearch) -> Parsed<'a, ()> {
    let (mut i, ()) = open(i)?;
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, ()));
        }
        let (rest, score) = number(i)?;
        result.relevancy.push(u8::try_from(score.min(100)).unwrap_or(100));
        i = spaces(rest);
    }
}

/// An unknown item with its value.
fn other<'a>(i: Input<'a>, name: &[u8], rules: &Rules, result: &mut ESearch) -> Parsed<'a, ()> {
    let (rest, raw) = value::raw(i, rules.depth)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    rules.room(i, result.other.len())?;
    result.other.push((text(name), text(&raw)));
    Ok((rest, ()))
}

fn put_count<'a>(i: Input<'a>, place: &mut Option<u32>) -> Parsed<'a, ()> {
    let (rest, value) = small_count(i)?;
    *place = value;
    Ok((rest, ()))
}

fn put<'a, T>((rest, value): (Input<'a>, T), place: &mut Option<T>) -> (Input<'a>, ()) {
    *place = Some(value);
    (rest, ())
}

/// The data of `* VANISHED`: whether it has `(EARLIER)`, and the UIDs.
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
