//! The head of a row of FETCH: what stands before a long literal, read before that has come.
//!
//! In: the row's text up to the announcement. Out: the row as far as it goes, and which section of
//! the message the literal is; nothing if it is none.

use bytes::Bytes;

use super::Parser;
use crate::types::{Answer, Message, Section, Untagged};
use crate::wire::LARGE_LITERAL;
use crate::wire::frame::{Frame, Offer};
use crate::wire::response::Response;

/// Stands for the literal while the head is read, and is recognised by where it is in memory.
static PLACEHOLDER: [u8; LARGE_LITERAL] = [0; LARGE_LITERAL];

/// A row up to one of its literals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowHead {
    /// Its items so far. Of the literal it has the section, without data.
    pub(crate) row: Untagged,
    /// The section that the literal is.
    pub(crate) section: Section,
    /// The offset of a partial answer.
    pub(crate) origin: Option<u64>,
    /// It is BINARY: decoded by the server.
    pub(crate) is_binary: bool,
}

impl Parser {
    /// Reads a row that goes as far as the announcement of a literal, if that is a section of a
    /// message: any other literal is of use only whole.
    pub(crate) fn read_head(&mut self, offer: Offer<'_>) -> Option<RowHead> {
        let text = [offer.before, format!("{{{LARGE_LITERAL}}}\r\n)").as_bytes()].concat();
        let mut literals = offer.literals.clone();
        literals.push(Bytes::from_static(&PLACEHOLDER));
        let Ok(Response::Untagged(mut row)) = self.read(&Frame { text: text.into(), literals }) else {
            return None;
        };
        let Answer::Fetch(message) = row.answer_mut() else { return None };
        let (section, origin, is_binary) = take_placeholder(message)?;
        Some(RowHead { row, section, origin, is_binary })
    }
}

/// The section whose data is the placeholder, which is removed.
fn take_placeholder(message: &mut Message) -> Option<(Section, Option<u64>, bool)> {
    let binary = message.extras.iter_mut().flat_map(|extras| extras.binary.last_mut());
    let body = message.contents.iter_mut().flat_map(|contents| contents.body.last_mut());
    let last = body.map(|data| (data, false));
    for (data, is_binary) in last.chain(binary.map(|data| (data, true))) {
        if data.data.as_ref().is_some_and(|data| std::ptr::eq(data.as_ptr(), PLACEHOLDER.as_ptr())) {
            data.data = None;
            return Some((data.section.clone(), data.origin, is_binary));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Limits, Part, Uid};
    use crate::wire::literals::Literals;

    fn head(text: &str) -> Option<RowHead> {
        let offer = Offer { before: text.as_bytes(), literals: &Literals::None, size: 5000 };
        Parser::new(&Limits::default()).read_head(offer)
    }

    #[test]
    fn a_literal_is_a_section_in_all_ways_of_writing_it() {
        for (text, section, origin, is_binary) in [
            ("* 3 FETCH (UID 7 BODY[] ", Section::Full, None, false),
            ("* 3 FETCH (UID 7 FLAGS (\\Seen) BODY[TEXT]<12> ", Section::Text, Some(12), false),
            ("* 3 FETCH (UID 7 RFC822 ", Section::Full, None, false),
            ("* 3 FETCH (UID 7 RFC822.HEADER ", Section::Header, None, false),
            ("* 3 FETCH (UID 7 BODY[] NIL BINARY[2] ", Section::Part(Part::new(2)), None, true),
            ("* 7 UIDFETCH (BODY[] ", Section::Full, None, false),
        ] {
            let head = head(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((&head.section, head.origin, head.is_binary), (&section, origin, is_binary), "{text}");
            let Answer::Fetch(row) = head.row.answer() else { panic!("{text}") };
            assert_eq!(row.uid(), Uid::new(7), "{text}");
            assert!(row.sections().iter().chain(row.binaries()).all(|data| data.data.is_none()), "{text}");
        }
    }

    #[test]
    fn what_is_no_section_is_not_taken_for_one() {
        for text in [
            "* 3 FETCH (UID 7 ENVELOPE (NIL ",
            "* 3 FETCH (UID 7 X-GM-THING ",
            "* 3 FETCH (UID 7 BODY[] \"x\" X-OTHER[] ",
            "* 3 FETCH (BODY[",
            "* 3 FETCH (BODYSTRUCTURE (\"TEXT\" ",
            "* LIST () \"/\" ",
            "* 3 EXISTS ",
            "",
        ] {
            assert_eq!(head(text), None, "{text}");
        }
    }
}
