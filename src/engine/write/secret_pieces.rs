//! Finds whether a text contains a secret or a part of one.
//!
//! In: the forms of a secret. Out: whether a text has it in it, in capitals or not. A long one is
//! found by any part of it; a short one whole and as a word, for its parts are parts of ordinary
//! words, too; one of a letter or two only as an argument. A text costs the same for each of its
//! bytes, however many secrets there are and however long they are.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

/// A secret longer than this is found by any part of this length; others only whole, as a word.
const PART: usize = 8;

/// A secret of at most this length is matched only as an argument.
const ARGUMENT: usize = 2;

/// At most this many parts of a secret are kept; of a longer one every n-th, so that a match needs
/// a few bytes more than [`PART`].
const MAX_PARTS: usize = 4096;

/// A part of a secret, mixed so that none lies open in memory; or a whole short one, with its
/// length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SecretPiece {
    /// 0 for a part.
    whole: usize,
    mixed: u64,
}

pub(crate) struct SecretPieces {
    /// How many secrets have it.
    all: BTreeMap<SecretPiece, usize>,
    /// How many there are of each length, parts first.
    lengths: [usize; PART + 1],
    mixer: (u64, u64),
}

impl Default for SecretPieces {
    fn default() -> Self {
        let random = RandomState::new();
        let mixer = (random.hash_one(0), random.hash_one(1) | 1);
        Self { all: BTreeMap::new(), lengths: [0; PART + 1], mixer }
    }
}

impl SecretPieces {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds those of a form of a secret, to the list of what must be removed with it, too.
    pub(crate) fn add(&mut self, form: &[u8], added: &mut Vec<SecretPiece>) {
        let whole = if form.len() > PART { 0 } else { form.len() };
        let length = form.len().min(PART);
        if length == 0 {
            return;
        }
        let step = (form.len() - length + 1).div_ceil(MAX_PARTS);
        for part in form.windows(length).step_by(step) {
            let piece = self.piece(whole, part.iter().fold(0, |number, byte| appended(number, *byte)));
            *self.all.entry(piece).or_default() += 1;
            self.count(whole, 1);
            added.push(piece);
        }
    }

    pub(crate) fn remove(&mut self, pieces: impl IntoIterator<Item = SecretPiece>) {
        for piece in pieces {
            let Some(left) = self.all.get_mut(&piece) else { continue };
            *left -= 1;
            if *left == 0 {
                self.all.remove(&piece);
            }
            self.count(piece.whole, -1);
        }
    }

    /// Whether a text has one in it.
    pub(crate) fn are_in(&self, text: &[u8]) -> bool {
        if self.is_empty() {
            return false;
        }
        let words_end = text.iter().rposition(|byte| is_letter(*byte)).map_or(0, |at| at + 1);
        let mut number = 0;
        (1_usize..).zip(text).any(|(end, byte)| {
            number = appended(number, *byte);
            (0..).zip(self.lengths).any(|(whole, count)| {
                let length = if whole == 0 { PART } else { whole };
                let Some(start) = end.checked_sub(length).filter(|_| count > 0) else { return false };
                let piece = self.piece(whole, number & (u64::MAX >> (64 - 8 * length)));
                (whole == 0 || stands_alone(text, start, end, words_end)) && self.all.contains_key(&piece)
            })
        })
    }

    fn piece(&self, whole: usize, number: u64) -> SecretPiece {
        SecretPiece { whole, mixed: (number ^ self.mixer.0).wrapping_mul(self.mixer.1) }
    }

    fn count(&mut self, whole: usize, by: isize) {
        if let Some(count) = self.lengths.get_mut(whole) {
            *count = count.saturating_add_signed(by);
        }
    }
}

fn appended(number: u64, byte: u8) -> u64 {
    number << 8 | u64::from(byte.to_ascii_lowercase())
}

/// Letters and digits, those beyond ASCII among them.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// Whether this is no part of a longer word; if it is but a letter or two, whether it is an
/// argument: quoted, or the last word.
fn stands_alone(text: &[u8], start: usize, end: usize, words_end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| text.get(at)).copied();
    let after = text.get(end).copied();
    let is_joined = |outer: Option<u8>, inner: Option<&u8>| {
        outer.is_some_and(is_letter) && inner.copied().is_some_and(is_letter)
    };
    if is_joined(before, text.get(start)) || is_joined(after, text.get(end - 1)) {
        return false;
    }
    let is_quoted = before == Some(b'"') && after == Some(b'"');
    let is_last = before.is_none_or(|byte| byte.is_ascii_whitespace()) && end >= words_end;
    end - start > ARGUMENT || is_quoted || is_last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(forms: &[&str]) -> SecretPieces {
        let mut pieces = SecretPieces::default();
        forms.iter().for_each(|form| pieces.add(form.as_bytes(), &mut Vec::new()));
        pieces
    }

    fn assert_found(secret: &str, found: &[&str], not_found: &[&str]) {
        let of = pieces(&[secret]);
        for text in found {
            assert!(of.are_in(text.as_bytes()), "{secret} in {text}");
        }
        for text in not_found {
            assert!(!of.are_in(text.as_bytes()), "{secret} in {text}");
        }
    }

    #[test]
    fn parts_of_a_long_secret_are_found_and_nothing_else() {
        let found =
            ["correct-horse", "x CORRECT-HORSE y", "LOGIN alice correct-h", "1ect-horse2", "<rect-hor>"];
        assert_found("correct-horse", &found, &["", "no", "alice", "correct", "horse", "a correct answer"]);
        let text = ["x".repeat(100_000), "correct-".into()].concat();
        assert_found("correct-horse", &[&text], &[&"x".repeat(100_000)]);
    }

    #[test]
    fn a_short_secret_is_found_whole_and_as_a_word() {
        let found = ["LOGIN alice Login123", "\"login123\"", "is LOGIN123.", "login123"];
        assert_found("Login123", &found, &["Login failed.", "login1234", "xlogin123", "login12"]);
        assert_found("Mail2024", &["mail2024"], &["Mailbox is over quota", "2024"]);
        assert_found("xyz", &["xy xyz", "<xyz>"], &["1xyz2", "xy z", "xyzw", "grünxyz"]);
        assert_found("-x-y-", &["a-x-y-b", "-x-y-"], &["x-y"]);
        assert_found("grün", &["LOGIN a grün"], &["grüne", "gr\u{fc}"]);
    }

    #[test]
    fn a_secret_of_a_letter_or_two_is_found_as_an_argument() {
        let none = ["that was a bad password", "", "b", "LOGIN alice b", "alice-a", "it is not a \"b\""];
        assert_found("a", &["a", "LOGIN alice A", "LOGIN \"a\" \"b\"", "LOGIN alice a)."], &none);
        assert_found("xy", &["LOGIN alice \"xy\" (", "LOGIN xy\r\n"], &["xy is wrong", "1xy"]);
    }

    #[test]
    fn a_very_long_secret_is_found_by_little_more_than_a_part() {
        let secret: String = (0..20_000).map(|n| format!("{n}.")).collect();
        let of = pieces(&[&secret]);
        assert!(of.all.len() <= MAX_PARTS);
        assert!((0..secret.len() - 50).step_by(97).all(|at| of.are_in(&secret.as_bytes()[at..at + 50])));
        assert!(!of.are_in(b"something else altogether"));
    }

    #[test]
    fn what_two_secrets_have_stays_until_both_have_gone() {
        let mut pieces = SecretPieces::default();
        let (mut one, mut other) = (Vec::new(), Vec::new());
        pieces.add(b"correct-horse", &mut one);
        pieces.add(b"correct-", &mut other);
        pieces.add(b"a-correct-horse", &mut other);
        pieces.add(b"", &mut other);
        pieces.remove(one);
        assert!(pieces.are_in(b"correct-horse") && pieces.are_in(b"correct-"));
        pieces.remove(other);
        assert!(pieces.is_empty() && !pieces.are_in(b"correct-horse") && pieces.lengths == [0; PART + 1]);
    }
}
