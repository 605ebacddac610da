//! Lists of flags and of words.

use std::borrow::Cow;

use super::string::quoted;
use super::token::{closed, nil, open, spaces};
use crate::types::{Flag, Flags};
use crate::wire::input::{Input, Parsed, fail};

/// `(\Seen $Forwarded)` (RFC 9051 section 9, `flag-list`).
pub(crate) fn flags(i: Input<'_>, most: usize) -> Parsed<'_, Flags> {
    read(i, most, Flag::new)
}

/// The same as all of a response, where some leave out the parentheses.
pub(crate) fn flags_of_mailbox(i: Input<'_>, most: usize) -> Parsed<'_, Flags> {
    if i.peek() == Some(b'(') || nil(i).is_some() {
        return flags(i, most);
    }
    let (rest, all) = words(i, most)?;
    Ok((rest, all.iter().map(|name| Flag::new(name)).collect()))
}

fn read(i: Input<'_>, most: usize, flag: impl Fn(&str) -> Flag) -> Parsed<'_, Flags> {
    let mut all = Vec::new();
    let (rest, ()) = each(i, most, |name| all.push(flag(&String::from_utf8_lossy(name))))?;
    Ok((rest, all.into_iter().collect()))
}

/// How many lists of flags are remembered.
const REMEMBERED: usize = 32;
/// The longest that is, in octets.
const LONGEST_LIST: usize = 256;

/// The lists of flags that were read of late: most rows of a mailbox have one of a few. A list that is known costs
/// no allocation, and its keywords are shared by all messages that have them.
#[derive(Debug)]
pub(crate) struct FlagLists {
    /// How many flags a list may have.
    most: usize,
    /// Each in the place that its octets say; none before the first.
    slots: Vec<(Box<[u8]>, Flags)>,
}

impl FlagLists {
    /// None yet; a list may have so many flags.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, slots: Vec::new() }
    }

    /// The same as [`flags`].
    pub(crate) fn read<'a>(&mut self, i: Input<'a>) -> Parsed<'a, Flags> {
        if let [b'(', b')', text @ ..] = i.text {
            return Ok((Input { text, ..i }, Flags::new()));
        }
        let near = i.text.get(..LONGEST_LIST).unwrap_or(i.text);
        let Some(end) = memchr::memchr(b')', near) else { return flags(i, self.most) };
        // What is read of a list that ends at its first parenthesis hangs on no octet behind it.
        let list = i.text.get(..=end).unwrap_or_default();
        // Each list has two places, so that two that are told in turn don't drive each other out.
        let place = place(list);
        for place in [place, place ^ 1] {
            if let Some((known, flags)) = self.slots.get(place)
                && **known == *list
            {
                return Ok((i.skip(list.len()), flags.clone()));
            }
        }
        if list.contains(&b'"') {
            // It may go on behind that parenthesis, and be long: too much to look each flag up in what is remembered.
            return flags(i, self.most);
        }
        let (rest, flags) = read(i, self.most, |name| self.known(name).unwrap_or_else(|| Flag::new(name)))?;
        if i.until(rest).len() == list.len() {
            if self.slots.is_empty() {
                self.slots.resize(REMEMBERED, (Box::default(), Flags::new()));
            }
            // The newer of the two moves to the second place.
            let older = self.slots.get_mut(place).map(std::mem::take).unwrap_or_default();
            if let Some(second) = self.slots.get_mut(place ^ 1) {
                *second = older;
            }
            if let Some(first) = self.slots.get_mut(place) {
                *first = (list.into(), flags.clone());
            }
        }
        Ok((rest, flags))
    }

    /// A keyword that is remembered, spelt just so.
    fn known(&self, name: &str) -> Option<Flag> {
        let mut all = self.slots.iter().flat_map(|(_, flags)| flags.keywords());
        all.find(|known| ***known == *name).cloned().map(Flag::Keyword)
    }
}

/// Where a list is remembered.
fn place(list: &[u8]) -> usize {
    let ends = list.first_chunk::<8>().zip(list.last_chunk::<8>());
    let (first, last) = ends.map_or((0, 0), |(a, b)| (u64::from_le_bytes(*a), u64::from_le_bytes(*b)));
    let mixed = (first ^ last.rotate_left(23) ^ list.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 32).unwrap_or(0) % REMEMBERED
}

/// The same, as the server wrote them: the attributes of LIST.
pub(crate) fn attributes(i: Input<'_>, most: usize) -> Parsed<'_, Vec<String>> {
    let mut all = Vec::new();
    let (rest, ()) = each(i, most, |name| all.push(String::from_utf8_lossy(name).into_owned()))?;
    Ok((rest, all))
}

fn each<'a>(i: Input<'a>, most: usize, mut found: impl FnMut(&[u8])) -> Parsed<'a, ()> {
    if let Some(rest) = nil(i) {
        return Ok((rest, ()));
    }
    let (mut i, ()) = open(i)?;
    let mut count = 0;
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, ()));
        }
        let (rest, name) = flag(i)?;
        if !matches!(&*name, b"" | b"\\") {
            found(&name);
        }
        count += 1;
        if count > most {
            return fail(i, "a list of flags within Limits::words");
        }
        i = spaces(rest);
    }
}

/// One flag's name.
fn flag(i: Input<'_>) -> Parsed<'_, Cow<'_, [u8]>> {
    if i.peek() == Some(b'"') {
        return quoted(i).map(|(rest, name)| (rest, name.octets()));
    }
    let is_part = |b: u8| b > b' ' && !matches!(b, b'(' | b')' | b'"' | 0x7f);
    let (mut rest, name) = i.run(is_part);
    if name.is_empty() {
        return fail(i, "a flag");
    }
    // A bracket that opens in the flag and closes behind a space, on this side of the list's end.
    let opened = name.iter().rev().find(|b| matches!(b, b'[' | b']')) == Some(&b'[');
    let inside = |b: u8| b >= b' ' && !matches!(b, b'(' | b')' | b'"' | b'[' | b']');
    let (close, _) = rest.run(inside);
    if opened && close.peek() == Some(b']') {
        rest = close.run(is_part).0;
    }
    Ok((rest, Cow::Borrowed(i.until(rest))))
}

/// All words up to the end, whatever they are made of: `IMAP4rev1 LITERAL + IDLE`.
pub(crate) fn words(i: Input<'_>, most: usize) -> Parsed<'_, Vec<Cow<'_, str>>> {
    let mut all = Vec::new();
    for word in i.text.split(|b| *b == b' ').filter(|word| !word.is_empty()) {
        if all.len() == most {
            return fail(i, "a list of words within Limits::words");
        }
        all.push(String::from_utf8_lossy(word));
    }
    Ok((i.skip(i.text.len()), all))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 100;

    fn read(text: &str) -> Option<(String, usize)> {
        let (rest, flags) = flags(Input::new(text.as_bytes(), &[]), MOST).ok()?;
        Some((flags.to_string(), rest.text.len()))
    }

    #[test]
    fn usual_and_unusual_lists() {
        let cases = [
            ("()", "()"),
            ("(\\Seen \\FLAGGED)", "(\\Seen \\Flagged)"),
            ("( \\Answered \\* $Forwarded )", "(\\Answered \\* $Forwarded)"),
            ("(\\Seen \\ \\Deleted)", "(\\Seen \\Deleted)"),
            ("(OIB-Seen-[Some Mail]/All \\Seen)", "(\\Seen OIB-Seen-[Some Mail]/All)"),
            ("(a[b c)", "(a[b c)"),
            ("(\"$Junk\" {5})", "($Junk {5})"),
            ("NIL", "()"),
        ];
        for (text, flags) in cases {
            assert_eq!(read(text), Some((flags.to_owned(), 0)), "{text:?}");
        }
        for bad in ["(", "(\\Seen", "\\Seen)", "((a))"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn lists_that_are_remembered_are_read_as_others_are() {
        let mut lists = FlagLists::new(MOST);
        let texts = [
            "()",
            "(\\Seen)",
            "(\\Seen $A b)",
            "( \\Seen $A )",
            "(\"a)b\" c)",
            "NIL",
            "(",
            "(a[b c])",
            "($A $a)",
        ];
        for _ in 0..3 {
            for text in texts {
                for behind in ["", " UID 5)", ")"] {
                    let text = format!("{text}{behind}");
                    let i = Input::new(text.as_bytes(), &[]);
                    let plain = flags(i, MOST).map(|(rest, flags)| (rest.text, flags));
                    assert_eq!(lists.read(i).map(|(rest, flags)| (rest.text, flags)), plain, "{text}");
                }
            }
        }
        let two = [lists.read(Input::new(b"(x $Work)", &[])), lists.read(Input::new(b"($Work)", &[]))];
        let [Ok((_, a)), Ok((_, b))] = two else { panic!() };
        assert!(std::sync::Arc::ptr_eq(&a.keywords()[1], &b.keywords()[0]), "keywords are shared");
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let text = format!("({})", (0..=MOST).map(|n| format!("k{n}")).collect::<Vec<_>>().join(" "));
        assert_eq!(read(&text), None);
    }
}
