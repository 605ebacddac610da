//! The section of `BODY[…]<origin>` in responses (RFC 9051 section 9, `section`).

use super::Rules;
use super::string::astring;
use super::token::{Upper, byte, closed, number, number64, open, spaces};
use crate::types::{HeaderFields, Part, Section};
use crate::wire::input::{Input, Parsed, fail};

/// `[…]`. Fails for a section that the library does not know.
pub(crate) fn section<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Section> {
    let (i, ()) = byte(i, b'[', "[")?;
    let (i, part) = part(spaces(i))?;
    let (rest, word) = i.run(|b| b.is_ascii_alphabetic() || b == b'.');
    let (rest, section) = match (Upper::new(word).as_bytes(), part) {
        (b"", None) => (rest, Section::Full),
        (b"", Some(part)) => (rest, Section::Part(part)),
        (b"MIME", Some(part)) => (rest, Section::PartMime(part)),
        (b"HEADER", part) => (rest, of(Section::Header, part)),
        (b"TEXT", part) => (rest, of(Section::Text, part)),
        (b"HEADER.FIELDS", part) => fields(rest, false, rules).map(|(i, s)| (i, of(s, part)))?,
        (b"HEADER.FIELDS.NOT", part) => fields(rest, true, rules).map(|(i, s)| (i, of(s, part)))?,
        _ => return fail(i, "a section"),
    };
    let (rest, ()) = byte(spaces(rest), b']', "]")?;
    Ok((rest, section))
}

fn of(section: Section, part: Option<Part>) -> Section {
    match part {
        Some(part) => section.of(part),
        None => section,
    }
}

/// `1.2`, and the dot after it if a word follows.
fn part(i: Input<'_>) -> Parsed<'_, Option<Part>> {
    let mut numbers = Vec::new();
    let mut rest = i;
    while let Ok((behind, value)) = number(rest) {
        numbers.push(value);
        rest = behind;
        if behind.peek() != Some(b'.') {
            break;
        }
        rest = behind.skip(1);
    }
    if numbers.is_empty() {
        return Ok((i, None));
    }
    match Part::from_numbers(numbers) {
        Some(part) => Ok((rest, Some(part))),
        None => fail(i, "part numbers, which are never 0"),
    }
}

/// ` (Subject "Date")`.
fn fields<'a>(i: Input<'a>, not: bool, rules: &Rules) -> Parsed<'a, Section> {
    let (mut i, ()) = open(spaces(i))?;
    let mut names = Vec::new();
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, Section::HeaderFields(HeaderFields::new(names, not))));
        }
        let (rest, name) = astring(i)?;
        rules.room(i, names.len())?;
        names.push(name.to_text());
        i = spaces(rest);
    }
}

/// `<0>`: the offset of a partial body.
pub(crate) fn origin(i: Input<'_>) -> Parsed<'_, Option<u64>> {
    if i.peek() != Some(b'<') {
        return Ok((i, None));
    }
    let (rest, origin) = number64(i.skip(1))?;
    // Some servers repeat the length after a dot.
    let (rest, _) = rest.run(|b| b == b'.' || b.is_ascii_digit());
    let (rest, ()) = byte(rest, b'>', ">")?;
    Ok((rest, Some(origin)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { depth: 10, words: 10, entries: 10, line: 10_000, utf8: false };

    #[test]
    fn sections_round_trip() {
        let part = Part::new(4).child(2);
        for section in [
            Section::Full,
            Section::Header,
            Section::Text,
            Section::header_fields(["Date", "x\"y"]),
            Section::header_fields_not(["From"]),
            Section::Part(part.clone()),
            Section::PartMime(part.clone()),
            Section::Header.of(part.clone()),
            Section::Text.of(part.clone()),
            Section::header_fields(["To"]).of(part),
        ] {
            let text = format!("[{section}]");
            let (rest, read) = super::section(Input::new(text.as_bytes(), &[]), &RULES).unwrap();
            assert!(rest.text.is_empty());
            assert_eq!(read, section, "{text}");
        }
        for bad in ["[", "[FOO]", "[MIME]", "[0]", "[1.0]", "[HEADER.FIELDS]", "[4294967296]"] {
            assert!(super::section(Input::new(bad.as_bytes(), &[]), &RULES).is_err(), "{bad}");
        }
    }
}
