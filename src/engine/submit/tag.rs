//! The tags of our lines: `A1`, `A2` and so on. Digits behind a letter: no server takes that for
//! anything else.
//!
//! In: a number. Out: its text, without an allocation; and the number of a text.

use std::fmt;

/// The letter and the digits of the largest number.
const MAX_LEN: usize = 21;

/// A tag of ours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Right-aligned.
    text: [u8; MAX_LEN],
    start: u8,
}

impl Tag {
    pub(super) fn new(number: u64) -> Self {
        let (mut text, mut start, mut rest) = ([0; MAX_LEN], MAX_LEN, number);
        while let Some(at) = start.checked_sub(1).filter(|_| rest > 0 || start == MAX_LEN) {
            text[at] = b'0' + (rest % 10).to_le_bytes()[0];
            rest /= 10;
            start = at;
        }
        // There is room: the largest number has twenty digits.
        let at = start.saturating_sub(1);
        text[at] = b'A';
        Self { text, start: at.to_le_bytes()[0] }
    }

    pub(crate) fn as_str(&self) -> &str {
        let text = self.text.get(usize::from(self.start)..).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }

    /// The number of a tag of ours; `None` if it is written in any other way (`A05`), for then it
    /// is another's.
    pub(super) fn number_of(text: &str) -> Option<u64> {
        let digits = text.strip_prefix(['A', 'a'])?;
        let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        digits.parse().ok().filter(|_| plain)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_its_number_behind_a_letter() {
        for number in [1, 9, 10, 4_294_967_296, u64::MAX] {
            let tag = Tag::new(number);
            assert_eq!(tag.as_str(), format!("A{number}"));
            assert_eq!(Tag::number_of(tag.as_str()), Some(number));
            assert_eq!(Tag::number_of(&tag.as_str().to_lowercase()), Some(number));
        }
        for other in ["", "A", "B1", "A05", "A0", "A+1", "1", "A1 ", "A18446744073709551616"] {
            assert_eq!(Tag::number_of(other), None, "{other}");
        }
    }
}
