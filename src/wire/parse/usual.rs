//! Items of a FETCH row in the form in which nearly all servers write them, read where they stand.
//!
//! In: the text of a row from an item on. Out: how much of it was read; what has another form, or
//! needs more than its bytes, is left to `fetch`, which reads all forms. A place in the text is a
//! count of bytes here, not an `Input`: a result of four words is written to memory and read back
//! for each item, which took a tenth of the time of a row of flags.

use super::Parser;
use crate::types::{Message, ModSeq, Timestamp, Uid};

/// More digits than this are left to `fetch`: fewer always fit.
const MAX_DIGITS: usize = 18;

/// How many bytes of an item were read, with the spaces after it.
#[inline]
pub(super) fn item(text: &[u8], parser: &mut Parser, message: &mut Message) -> Option<usize> {
    match text {
        [b'U', b'I', b'D', b' ', rest @ ..] => {
            let (value, length) = digits(rest);
            // Without a digit, and with a number that is no UID, `fetch` decides.
            let uid = Uid::new(u32::try_from(value).ok()?)?;
            let next = after(text, 4 + length)?;
            message.uid = Some(uid);
            Some(next)
        }
        [b'F', b'L', b'A', b'G', b'S', b' ', rest @ ..] => {
            let (flags, length) = parser.flags.known(rest)?;
            let next = after(text, 6 + length)?;
            message.flags = Some(flags.clone());
            Some(next)
        }
        [b'R', b'F', b'C', b'8', b'2', b'2', b'.', b'S', b'I', b'Z', b'E', b' ', rest @ ..] => {
            let (value, length @ 1..) = digits(rest) else { return None };
            let next = after(text, 12 + length)?;
            message.size = Some(value);
            Some(next)
        }
        [b'M', b'O', b'D', b'S', b'E', b'Q', b' ', b'(', rest @ ..] => {
            let (value, length) = digits(rest);
            let (b')', 1..) = (*rest.get(length)?, length) else { return None };
            let next = after(text, 9 + length)?;
            message.mod_seq = ModSeq::new(value);
            Some(next)
        }
        [b'I', rest @ ..] => {
            let date = rest.strip_prefix(b"NTERNALDATE \"")?;
            let (date, b'"') = (date.first_chunk::<26>()?, *date.get(26)?) else { return None };
            let (date, next) = (Timestamp::read_exact(date)?, after(text, 41)?);
            message.internal_date = Some(date);
            Some(next)
        }
        _ => None,
    }
}

/// The number that the text begins with, and how many digits it has; 0 if there is none, or more
/// than are looked at.
#[inline(always)]
fn digits(text: &[u8]) -> (u64, usize) {
    let (mut value, mut length) = (0u64, 0);
    for byte in text.iter().take(MAX_DIGITS + 1) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        length += 1;
    }
    if length > MAX_DIGITS { (0, 0) } else { (value, length) }
}

/// Where the next item begins, if the value ends here.
#[inline(always)]
fn after(text: &[u8], end: usize) -> Option<usize> {
    match text.get(end)? {
        b')' => Some(end),
        b' ' => {
            let spaces = text.get(end..)?.iter().take_while(|byte| **byte == b' ').count();
            Some(end + spaces)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::Limits;
    use crate::wire::input::Input;
    use crate::wire::parse::fetch;
    use crate::wire::parse::token::spaces;

    /// Names, values and what follows them, right and wrong.
    fn text() -> impl Strategy<Value = String> {
        let name =
            prop::sample::select(vec!["UID ", "FLAGS ", "RFC822.SIZE ", "MODSEQ ", "INTERNALDATE ", "uid "]);
        let value = prop_oneof![
            "[0-9]{0,21}",
            "\\([0-9]{0,21}\\)?",
            Just("4294967296".to_owned()),
            Just("NIL".to_owned()),
            Just("\"17-Jul-1996 02:44:25 -0700\"".to_owned()),
            Just("\"17-Jux-1996 02:44:25 -0700\"".to_owned()),
            Just("\" 1-Jul-1996 02:44:25 +0000\"".to_owned()),
            "\\((\\\\Seen|\\\\Deleted|Work|\"|NIL| ){0,4}\\)",
            "[ -~]{0,12}",
        ];
        let after = prop::sample::select(vec!["", " ", ")", "  UID 7)", ".5)", "e3 ", "(", "]", "\r"]);
        (name, value, after).prop_map(|(name, value, after)| format!("{name}{value}{after}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn an_item_is_read_as_by_the_grammar(text in text()) {
            let parser = || {
                let mut parser = Parser::new(&Limits::default());
                // Lists that are remembered.
                for list in ["(\\Seen)", "(\\Seen Work)", "()", "( )"] {
                    _ = parser.flags.read(Input::new(list.as_bytes(), &[]));
                }
                parser
            };
            let (mut here, mut there) = (Message::default(), Message::default());
            if let Some(read) = item(text.as_bytes(), &mut parser(), &mut here) {
                let all = Input::new(text.as_bytes(), &[]);
                let rest = fetch::any(all, &mut parser(), &mut there).map(|(rest, ())| spaces(rest));
                prop_assert_eq!(rest.map(|rest| text.len() - rest.text.len()).ok(), Some(read));
                prop_assert_eq!(here, there);
            } else {
                prop_assert_eq!(here, Message::default());
            }
        }
    }

    #[test]
    fn usual_items_are_read() {
        let mut parser = Parser::new(&Limits::default());
        _ = parser.flags.read(Input::new(b"(\\Seen)", &[]));
        for text in [
            "UID 4294967295)",
            "UID 1 FLAGS (\\Seen)",
            "FLAGS ())",
            "FLAGS (\\Seen) ",
            "RFC822.SIZE 0)",
            "MODSEQ (624140003)  UID",
            "INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")",
        ] {
            assert!(item(text.as_bytes(), &mut parser, &mut Message::default()).is_some(), "{text}");
        }
    }
}
