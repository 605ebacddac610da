//! FETCH (RFC 9051 section 6.4.5): items, sections and modifiers.

use super::command::{Fetch, FetchItem, Part as Partial};
use super::cursor::{Cursor, Read};
use crate::types::{Part, Section};

/// ` 1:3 (UID FLAGS BODY.PEEK[1.2]<0.100>) (CHANGEDSINCE 5)`.
pub(super) fn fetch(i: &mut Cursor<'_>, uid: bool) -> Read<Fetch> {
    i.space()?;
    let which = i.numbers()?;
    i.space()?;
    let items = if i.peek() == Some(b'(') { i.list(item)? } else { with_macro(i)? };
    let modifiers = i.options()?;
    Ok(Fetch { uid, which, items, modifiers })
}

/// One item, or a macro for several.
fn with_macro(i: &mut Cursor<'_>) -> Read<Vec<FetchItem>> {
    let item = item(i)?;
    let names: &[&str] = match &item {
        FetchItem::Name(name) if name == "ALL" => &["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"],
        FetchItem::Name(name) if name == "FAST" => &["FLAGS", "INTERNALDATE", "RFC822.SIZE"],
        FetchItem::Name(name) if name == "FULL" => {
            &["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"]
        }
        _ => return Ok(vec![item]),
    };
    Ok(names.iter().map(|name| FetchItem::Name((*name).to_owned())).collect())
}

pub(super) fn item(i: &mut Cursor<'_>) -> Read<FetchItem> {
    let name =
        i.run(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'), "an item")?.to_ascii_uppercase();
    if i.peek() == Some(b'[') {
        let start = *i;
        let section = section(i)?;
        let is_part = matches!(section, Section::Full | Section::Part(_));
        let part = if i.peek() == Some(b'<') { Some(partial(i)?) } else { None };
        let fits = match &*name {
            "BODY" | "BODY.PEEK" => true,
            "BINARY" | "BINARY.PEEK" => is_part,
            "BINARY.SIZE" => is_part && part.is_none(),
            _ => false,
        };
        return if fits { Ok(FetchItem::Section { name, section, part }) } else { start.fail("no section") };
    }
    let mut ahead = *i;
    if matches!(&*name, "ANNOTATION" | "PREVIEW") && ahead.take(" (") {
        return Ok(FetchItem::List(name, i.options()?));
    }
    Ok(FetchItem::Name(name))
}

/// The section that a URL names: `1.2.HEADER`, without brackets (RFC 5092, `enc-section`).
pub(crate) fn section_of(text: &str) -> Option<Section> {
    let written = format!("[{text}]");
    let mut i = Cursor::new(written.as_bytes(), true);
    section(&mut i).ok().filter(|_| i.end().is_ok())
}

/// `[1.2.HEADER.FIELDS (Date)]`.
fn section(i: &mut Cursor<'_>) -> Read<Section> {
    i.expect("[")?;
    let mut numbers: Vec<u32> = Vec::new();
    while i.peek().is_some_and(|b| b.is_ascii_digit()) {
        let start = *i;
        match i.number()? {
            0 => return start.fail("a part's number, which is not 0"),
            number => numbers.push(number),
        }
        if !i.take(".") {
            i.expect("]")?;
            return Ok(Part::from_numbers(numbers).map_or(Section::Full, Section::Part));
        }
    }
    let part = Part::from_numbers(numbers);
    if part.is_none() && i.take("]") {
        return Ok(Section::Full);
    }
    let start = *i;
    let of = |section: Section| match &part {
        Some(part) => section.of(part.clone()),
        None => section,
    };
    let section =
        match i.run(|b| b.is_ascii_alphabetic() || b == b'.', "a section")?.to_ascii_uppercase().as_str() {
            "HEADER" => of(Section::Header),
            "TEXT" => of(Section::Text),
            "MIME" => match part {
                Some(part) => Section::PartMime(part),
                None => return start.fail("a part before MIME"),
            },
            "HEADER.FIELDS" => of(Section::header_fields(fields(i)?)),
            "HEADER.FIELDS.NOT" => of(Section::header_fields_not(fields(i)?)),
            _ => return start.fail("a section"),
        };
    i.expect("]")?;
    Ok(section)
}

/// ` (Date "Subject")`.
fn fields(i: &mut Cursor<'_>) -> Read<Vec<String>> {
    i.space()?;
    i.list(|i| {
        let start = *i;
        match std::str::from_utf8(&i.astring()?) {
            Ok(name) => Ok(name.to_owned()),
            Err(_) => start.fail("a header field's name"),
        }
    })
}

/// `<0.100>`.
fn partial(i: &mut Cursor<'_>) -> Read<Partial> {
    i.expect("<")?;
    let origin = i.number()?;
    i.expect(".")?;
    let start = *i;
    let length = i.number()?;
    i.expect(">")?;
    if length == 0 { start.fail("a length that is not 0") } else { Ok(Partial { origin, length }) }
}
