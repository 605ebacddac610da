//! Where the framer may cut lists of numbers that are too long for one line.
//!
//! The answer to a search is one line that grows with the mailbox. So that it can be parsed as it
//! arrives and never exceeds the limit on lines, the framer passes a long one on in pieces, each a
//! response by itself: `* SEARCH 1 2` and `* SEARCH 3 4` for `* SEARCH 1 2 3 4`. A server may split
//! its answer in the same way, so search commands join the pieces anyway.
//!
//! In: the text of a response so far. Out: where to cut it, and how the next piece begins.
//!
//! | response | cut at |
//! |---|---|
//! | `* SEARCH 1 2 3`, `* SORT 3 1 2` | a space between numbers |
//! | `* ESEARCH … ALL 1:3,5`, `* VANISHED 1:3,5`, `* VANISHED (EARLIER) 1:3,5` | a comma of the set |

/// A list of this many bytes is cut. Shorter ones, of some hundred thousand messages, stay whole,
/// unless `Limits::line` or `Limits::response` is lower.
pub(super) const PIECE: usize = 1 << 20;

/// The most bytes that the beginning repeated in each piece may have.
const MAX_BEGIN: usize = 1024;

/// Where a response is cut: the piece is `text[..end]`, and the next one is `text[..begin]`
/// followed by `text[next..]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) next: usize,
}

/// Where this text of an unfinished line may be cut; `None` if it is no list of numbers.
pub(super) fn cut(text: &[u8]) -> Option<Cut> {
    let head = text.get(..text.len().min(MAX_BEGIN))?;
    let mut words = Words { text: head, at: 0 };
    if words.next()? != b"*" {
        return None;
    }
    let keyword = words.next()?;
    let is = |name: &str| keyword.eq_ignore_ascii_case(name.as_bytes());
    let separator = if is("SEARCH") || is("SORT") {
        b' '
    } else if is("VANISHED") {
        let before = words.at;
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"(EARLIER)")) {
            words.at = before;
        }
        b','
    } else if is("ESEARCH") {
        // After the first word ALL. If that is in a quoted tag, what follows is no list up to the
        // text's end, and nothing is cut.
        while !words.next()?.eq_ignore_ascii_case(b"ALL") {}
        b','
    } else {
        return None;
    };
    let begin = words.skip_spaces();
    let list = text.get(begin..)?;
    let belongs = |b: &u8| match separator {
        b' ' => matches!(b, b'0'..=b'9' | b' ' | b'\t'),
        _ => matches!(b, b'0'..=b'9' | b':' | b','),
    };
    if !list.iter().all(belongs) {
        return None;
    }
    let at = begin + list.iter().rposition(|&b| b == separator)?;
    Some(Cut { begin, end: at, next: at + 1 }).filter(|cut| cut.end > begin)
}

/// The words at the beginning of a line.
struct Words<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    fn skip_spaces(&mut self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        self.at
    }

    /// The next word that is followed by a space.
    fn next(&mut self) -> Option<&'a [u8]> {
        let from = self.skip_spaces();
        let rest = self.text.get(from..)?;
        let length = rest.iter().position(|b| matches!(b, b' ' | b'\t'))?;
        self.at = from + length;
        rest.get(..length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The piece, and the beginning of the next one.
    fn cut_of(text: &str) -> Option<(&str, String)> {
        let cut = cut(text.as_bytes())?;
        Some((&text[..cut.end], format!("{}{}", &text[..cut.begin], &text[cut.next..])))
    }

    #[test]
    fn lists_are_cut_between_numbers() {
        let cases = [
            ("* SEARCH 1 2 34", "* SEARCH 1 2", "* SEARCH 34"),
            ("* search  1 2 ", "* search  1 2", "* search  "),
            ("* SORT 9 8 7", "* SORT 9 8", "* SORT 7"),
            ("* VANISHED 1:3,5,7", "* VANISHED 1:3,5", "* VANISHED 7"),
            ("* VANISHED (earlier) 1:3,5", "* VANISHED (earlier) 1:3", "* VANISHED (earlier) 5"),
            (
                "* ESEARCH (TAG \"a b\") UID COUNT 5 ALL 1,4:7,9:",
                "* ESEARCH (TAG \"a b\") UID COUNT 5 ALL 1,4:7",
                "* ESEARCH (TAG \"a b\") UID COUNT 5 ALL 9:",
            ),
        ];
        for (text, piece, next) in cases {
            assert_eq!(cut_of(text), Some((piece, next.to_owned())), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_cut() {
        let long = format!("* ESEARCH (TAG \"{}\") ALL 1,2", "a".repeat(MAX_BEGIN));
        for text in [
            "* SEARCH",
            "* SEARCH 12",
            "* SEARCH  12",
            "* SEARCH 1 2 (MODSEQ 5",
            "* SEARCH 1 x 2",
            "* ESEARCH (TAG \"ALL 1,2",
            "* ESEARCH UID PARTIAL (1:5 1,2",
            "* ESEARCH UID ALL 1,2 COUNT 5",
            "* VANISHED (EARLIER 1,2",
            "* LIST () \"/\" 1 2 3",
            "* 1 FETCH (BODY[] 1 2",
            "A1 SEARCH 1 2 3",
            "* THREAD (1 2)(3)",
            "+ SEARCH 1 2",
            "",
            &long,
        ] {
            assert_eq!(cut_of(text), None, "{text}");
        }
    }
}
