//! Sections: pieces of a message by their number and name (RFC 9051 section 6.4.5.1).

use std::borrow::Cow;

use super::header::selected;
use super::tree::{Kind, Node};
use crate::types::{Part, Section};

/// The part with this number. In a message that is no multipart the content is part 1 (RFC 9051
/// section 6.4.5.1), likewise in a message within a message.
pub(super) fn part<'a>(root: &'a Node, number: &Part) -> Option<&'a Node> {
    let mut found = root;
    // Whether the next number counts as in a whole message.
    let mut is_whole = true;
    for number in number.numbers() {
        let index = usize::try_from(*number).ok()?.checked_sub(1)?;
        if !is_whole && let Kind::Message(inner) = &found.kind {
            found = inner;
            is_whole = true;
        }
        found = match &found.kind {
            Kind::Multipart(parts) => parts.get(index)?,
            _ if is_whole && index == 0 => found,
            _ => return None,
        };
        is_whole = false;
    }
    Some(found)
}

/// The bytes of a section; `None` if the message has no such part.
pub(super) fn section<'a>(bytes: &'a [u8], root: &'a Node, section: &Section) -> Option<Cow<'a, [u8]>> {
    let of = |range: &std::ops::Range<usize>| Cow::Borrowed(bytes.get(range.clone()).unwrap_or_default());
    // The message that a section names: only messages have HEADER and TEXT.
    let message = match section.part() {
        None => Some(root),
        Some(number) => match &part(root, number)?.kind {
            Kind::Message(inner) => Some(&**inner),
            _ => None,
        },
    };
    match section {
        Section::Full => Some(Cow::Borrowed(bytes)),
        Section::Part(number) => part(root, number).map(|part| of(&part.body)),
        Section::PartMime(number) => part(root, number).map(|part| of(&part.header)),
        Section::Header | Section::PartHeader(_) => message.map(|message| of(&message.header)),
        Section::Text | Section::PartText(_) => message.map(|message| of(&message.body)),
        Section::HeaderFields(fields) | Section::PartHeaderFields(_, fields) => {
            message.map(|message| Cow::Owned(selected(&of(&message.header), fields)))
        }
    }
}
