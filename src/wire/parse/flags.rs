//! Lists of flags and of words.

use std::borrow::Cow;
use std::sync::Arc;

use super::string::quoted;
use super::token::{closed, nil, open};
use crate::types::{Flag, Flags};
use crate::wire::input::{Input, Parsed, fail};

/// `(\Seen $Forwarded)` (RFC 9051 section 9, `flag-list`).
pub(crate) fn flags(i: Input<'_>, max: usize) -> Parsed<'_, Flags> {
    read(i, max, Flag::new)
}

/// The same as the whole of a response, in which some servers omit the parentheses.
pub(crate) fn flags_of_mailbox(i: Input<'_>, max: usize) -> Parsed<'_, Flags> {
    if i.peek() == Some(b'(') || nil(i).is_some() {
        return flags(i, max);
    }
    let (rest, all) = words(i, max)?;
    Ok((rest, all.iter().map(|name| Flag::new(name)).collect()))
}

fn read(i: Input<'_>, max: usize, mut flag: impl FnMut(&str) -> Flag) -> Parsed<'_, Flags> {
    let mut all = Vec::new();
    let (rest, ()) = each(i, max, |name| all.push(flag(&String::from_utf8_lossy(name))))?;
    Ok((rest, all.into_iter().collect()))
}

/// How many lists of flags are remembered.
const REMEMBERED: usize = 32;
/// The longest list that is remembered, in bytes.
const MAX_LIST_LEN: usize = 256;

/// Recently parsed lists of flags: most rows of a mailbox have one of a few. A remembered list
/// costs no allocation, and its keywords are shared by all messages that have them.
#[derive(Debug)]
pub(crate) struct FlagLists {
    /// The most flags in a list.
    max: usize,
    none: Flags,
    /// Each list in the place that its bytes choose; allocated with the first.
    slots: Vec<(Box<[u8]>, Flags)>,
    /// Recently parsed keywords, each in the place that its name chooses; allocated with the first.
    keywords: Vec<Option<Arc<str>>>,
}

/// How many keywords are remembered.
const KEYWORDS: usize = 128;

impl FlagLists {
    /// Remembers nothing yet; a list may have this many flags.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, none: Flags::new(), slots: Vec::new(), keywords: Vec::new() }
    }

    /// A list that is remembered, or empty, at the beginning of the text, and its length.
    pub(super) fn known(&self, text: &[u8]) -> Option<(&Flags, usize)> {
        if let [b'(', b')', ..] = text {
            return Some((&self.none, 2));
        }
        let list = list_at(text)?;
        // Each list has two places, so that two that alternate don't evict each other.
        let place = place(list);
        let places = [place, place ^ 1].into_iter().filter_map(|place| self.slots.get(place));
        let mut known = places.filter(|(known, _)| **known == *list);
        known.next().map(|(_, flags)| (flags, list.len()))
    }

    /// The same as [`flags`].
    pub(crate) fn read<'a>(&mut self, i: Input<'a>) -> Parsed<'a, Flags> {
        if let Some((flags, length)) = self.known(i.text) {
            return Ok((i.skip(length), flags.clone()));
        }
        let Some(list) = list_at(i.text) else { return flags(i, self.max) };
        if list.contains(&b'"') {
            // It may continue after that parenthesis and be long: too long to look up each flag.
            return flags(i, self.max);
        }
        let max = self.max;
        let (rest, flags) = read(i, max, |name| self.flag(name))?;
        if i.until(rest).len() == list.len() {
            if self.slots.is_empty() {
                self.slots.resize(REMEMBERED, (Box::default(), Flags::new()));
            }
            // The older one moves to the second place.
            let place = place(list);
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

    /// The flag with this name. A keyword that is remembered in this exact spelling is shared. Each
    /// costs one look-up, however many are remembered.
    fn flag(&mut self, name: &str) -> Flag {
        if self.keywords.is_empty() {
            self.keywords.resize(KEYWORDS, None);
        }
        let mixed = name.bytes().fold(0u32, |sum, b| (sum ^ u32::from(b)).wrapping_mul(0x0100_0193));
        let place = self.keywords.get_mut((mixed ^ mixed >> 15) as usize % KEYWORDS);
        let Some(place) = place else { return Flag::new(name) };
        if let Some(known) = place.as_ref().filter(|known| ***known == *name) {
            return Flag::Keyword(known.clone());
        }
        let flag = Flag::new(name);
        if let Flag::Keyword(name) = &flag {
            *place = Some(name.clone());
        }
        flag
    }
}

/// The list that the text begins with, up to its first parenthesis: what is parsed of it depends on
/// no byte after that. `None` if it is too long to be remembered.
fn list_at(text: &[u8]) -> Option<&[u8]> {
    let near = text.get(..MAX_LIST_LEN).unwrap_or(text);
    text.get(..=memchr::memchr(b')', near)?)
}

/// The place of a list among those remembered. All bytes matter: keywords may differ in the middle
/// of a list.
fn place(list: &[u8]) -> usize {
    let (words, rest) = list.as_chunks::<8>();
    let rest = rest.iter().fold(0, |word, b| word << 8 | u64::from(*b));
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let mixed = words.fold(rest ^ list.len() as u64, |mixed, word| {
        (mixed.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 32).unwrap_or(0) % REMEMBERED
}

/// The same, as the server wrote them: the attributes of LIST.
pub(crate) fn attributes(i: Input<'_>, max: usize) -> Parsed<'_, Vec<String>> {
    let mut all = Vec::new();
    let (rest, ()) = each(i, max, |name| all.push(String::from_utf8_lossy(name).into_owned()))?;
    Ok((rest, all))
}

fn each<'a>(i: Input<'a>, max: usize, mut found: impl FnMut(&[u8])) -> Parsed<'a, ()> {
    if let Some(rest) = nil(i) {
        return Ok((rest, ()));
    }
    let (mut i, ()) = open(i)?;
    let mut count = 0;
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, ()));
        }
        if count == max {
            return fail(i, "a list of flags within Limits::words");
        }
        let (rest, name) = flag(i)?;
        // A control character is damage: such a keyword could not be sent back, so it is skipped.
        if !matches!(&*name, b"" | b"\\") && !name.iter().any(u8::is_ascii_control) {
            found(&name);
        }
        count += 1;
        i = rest.run(|b| matches!(b, b' ' | b'\t')).0;
    }
}

/// Whether this byte can be part of a flag. Line ends can't: they belong to literals, which no flag
/// is.
fn is_part(b: u8) -> bool {
    !matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' | b'"')
}

/// One flag's name.
fn flag(i: Input<'_>) -> Parsed<'_, Cow<'_, [u8]>> {
    if i.peek() == Some(b'"') {
        return quoted(i).map(|(rest, name)| (rest, name.bytes()));
    }
    let (mut rest, name) = i.run(is_part);
    if name.is_empty() {
        return fail(i, "a flag");
    }
    // A bracket may close after a space, within the list. It is searched for only if one is open,
    // and no further than to the next opening one, so that each byte is looked at twice at most.
    if name.iter().rev().find(|b| matches!(b, b'[' | b']')) == Some(&b'[') {
        let inside = |b: u8| b >= b' ' && !matches!(b, b'(' | b')' | b'"' | b'[' | b']');
        let (close, _) = rest.run(inside);
        if close.peek() == Some(b']') {
            rest = close.run(is_part).0;
        }
    }
    Ok((rest, Cow::Borrowed(i.until(rest))))
}

/// All words up to the end, of any bytes: `IMAP4rev1 LITERAL + IDLE`.
pub(crate) fn words(i: Input<'_>, max: usize) -> Parsed<'_, Vec<Cow<'_, str>>> {
    let mut all = Vec::new();
    for word in i.text.split(|b| *b == b' ').filter(|word| !word.is_empty()) {
        if all.len() == max {
            return fail(i, "a list of words within Limits::words");
        }
        all.push(String::from_utf8_lossy(word));
    }
    Ok((i.skip(i.text.len()), all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Answer, Code, Limits, Uid};
    use crate::wire::literals::Literals;
    use crate::wire::{Frame, Parser, Response};

    const MAX_WORDS: usize = 100;

    fn read(text: &str) -> Option<(String, usize)> {
        let (rest, flags) = flags(Input::new(text.as_bytes(), &[]), MAX_WORDS).ok()?;
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
            ("(\\Seen\t$A\t)", "(\\Seen $A)"),
            ("NIL", "()"),
        ];
        for (text, flags) in cases {
            assert_eq!(read(text), Some((flags.to_owned(), 0)), "{text:?}");
        }
        for bad in ["(", "(\\Seen", "\\Seen)", "((a))", "({3}\r\nabc)"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn lists_that_are_remembered_are_read_as_others_are() {
        let mut lists = FlagLists::new(MAX_WORDS);
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
                    let plain = flags(i, MAX_WORDS).map(|(rest, flags)| (rest.text, flags));
                    assert_eq!(lists.read(i).map(|(rest, flags)| (rest.text, flags)), plain, "{text}");
                }
            }
        }
        let two = [lists.read(Input::new(b"(x $Work)", &[])), lists.read(Input::new(b"($Work)", &[]))];
        let [Ok((_, a)), Ok((_, b))] = two else { panic!() };
        assert!(std::sync::Arc::ptr_eq(&a.keywords()[1], &b.keywords()[0]), "keywords are shared");
    }

    /// As Dovecot sends a keyword whose name is damaged on its disk.
    #[test]
    fn only_the_keyword_with_control_characters_is_skipped() {
        let list = b"(\\Answered a\x7fb \x80\x80\x85\x04 $Forwarded \x04 \\Seen\x01 Junk \0)";
        let i = Input::new(list, &[]);
        let (rest, read) = flags(i, MAX_WORDS).unwrap();
        assert_eq!((read.to_string().as_str(), rest.text), ("(\\Answered $Forwarded Junk)", &b""[..]));
        assert_eq!(FlagLists::new(MAX_WORDS).read(i).unwrap().1, read);
        assert_eq!(attributes(i, MAX_WORDS).unwrap().1, ["\\Answered", "$Forwarded", "Junk"]);
    }

    /// The same in whole responses, with the other items of a row.
    #[test]
    fn a_damaged_keyword_costs_neither_its_list_nor_its_row() {
        let read = |line: &'static [u8]| {
            let frame = Frame { text: bytes::Bytes::from_static(line), literals: Literals::None };
            match Parser::new(&Limits::default()).read(&frame) {
                Ok(Response::Untagged(response)) => response.into_answer(),
                other => panic!("{other:?}"),
            }
        };
        let Answer::Flags(flags) = read(b"* FLAGS (\\Answered \\Seen $Forwarded \x80\x80\x85\x04 Junk)")
        else {
            panic!()
        };
        assert_eq!(flags.to_string(), "(\\Seen \\Answered $Forwarded Junk)");
        let Answer::Status(status) = read(b"* OK [PERMANENTFLAGS (\\Seen \x80\x80\x85\x04 Junk \\*)] ok")
        else {
            panic!()
        };
        assert_eq!(
            status.code,
            Some(Code::PermanentFlags(Flags::from([Flag::Seen, "Junk".into(), Flag::Wildcard])))
        );
        let Answer::Fetch(row) = read(b"* 4 FETCH (UID 9 FLAGS (\\Seen \0\x04 Junk))") else { panic!() };
        assert_eq!((row.uid(), row.flags()), (Uid::new(9), Some(&Flags::from([Flag::Seen, "Junk".into()]))));
        let Answer::Fetch(row) = read(b"* 5 FETCH (UID 10 FLAGS (a\x7fb \\Seen))") else { panic!() };
        assert_eq!((row.uid(), row.flags()), (Uid::new(10), Some(&Flag::Seen.into())));
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let text = format!("({})", (0..=MAX_WORDS).map(|n| format!("k{n}")).collect::<Vec<_>>().join(" "));
        assert_eq!(read(&text), None);
    }
}
