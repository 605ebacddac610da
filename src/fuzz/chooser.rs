//! Turns a fuzzer's bytes into choices: numbers, texts and lists, of which the values of a round
//! trip are made.
//!
//! A value takes few bytes, so that changing one byte changes the value a little. After the end of
//! the bytes all are 0: the first of all choices, no text, an empty list; so every value is finite.

use bytes::Bytes;

use super::arguments::Written;

/// Texts that mean something somewhere.
const TEXTS: [&str; 21] = [
    "INBOX",
    "Drafts",
    "Entwürfe",
    "a&b",
    "STORAGE",
    "CONDSTORE",
    "UTF8=ACCEPT",
    "$Junk",
    "\\Seen",
    "/private/comment",
    "lrs",
    "imap://alice@host/INBOX/;UID=20",
    "",
    "NIL",
    "x y",
    "x\"y\\",
    "{3}",
    "{3+}",
    "x}\r\nA2 LOGOUT",
    "*%",
    "(]",
];

/// Bytes, taken from the front as choices are made; and the commands that have been made of them.
#[derive(Debug)]
pub(super) struct Chooser<'a> {
    bytes: &'a [u8],
    pub(super) written: Vec<Written>,
}

impl<'a> Chooser<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, written: Vec::new() }
    }
}

impl Chooser<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    /// A number below `bound`; at most 256 choices.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    pub(super) fn yes(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Of any size, small ones more often.
    pub(super) fn large(&mut self) -> u64 {
        let bytes = self.below(9);
        (0..bytes).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    pub(super) fn small(&mut self) -> u32 {
        let bytes = self.below(5);
        (0..bytes).fold(0, |number, _| number << 8 | u32::from(self.byte()))
    }

    /// Not 0.
    pub(super) fn positive(&mut self) -> u32 {
        self.small().max(1)
    }

    pub(super) fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.yes().then(|| make(self))
    }

    /// A list of at most `max` values.
    pub(super) fn list<T>(&mut self, max: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.below(max + 1);
        (0..count).map(|_| make(self)).collect()
    }

    /// The same with at least one value.
    pub(super) fn some<T>(&mut self, max: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.below(max) + 1;
        (0..count).map(|_| make(self)).collect()
    }

    /// Any bytes; sometimes so many that a literal of them gets a buffer of its own.
    pub(super) fn bytes(&mut self) -> Bytes {
        let length = match self.byte() {
            255 => 4095 + self.below(4),
            some => usize::from(some) % 64,
        };
        (0..length).map(|_| self.byte()).collect::<Vec<u8>>().into()
    }

    /// Any text; one that many commands take, or that others might fall for, more often.
    pub(super) fn text(&mut self) -> String {
        if let Some(choice @ 192..=254) = self.bytes.first() {
            let text = TEXTS[usize::from(*choice) % TEXTS.len()];
            self.byte();
            return text.to_owned();
        }
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Text of one line that begins with neither a space nor a code.
    pub(super) fn line(&mut self) -> String {
        self.text().replace(['\r', '\n', '\0'], ".").trim_start_matches([' ', '\t', '[']).to_owned()
    }

    /// A word that is not a known name.
    pub(super) fn word(&mut self) -> String {
        let bytes = self.bytes();
        let letters = bytes.iter().map(|b| char::from(if b.is_ascii_alphanumeric() { *b } else { b'-' }));
        "x-".chars().chain(letters).collect()
    }

    /// A value of an extension, which is kept as the server writes it.
    pub(super) fn raw(&mut self) -> String {
        self.one_of(&["5", "NIL", "(a (b \"c)\") {1}\r\n))", "\"x y\"", "()", "1:3,7"]).to_owned()
    }

    /// Ranges of numbers, in any order.
    pub(super) fn ranges(&mut self) -> Vec<(u32, u32)> {
        self.some(5, |from| {
            let first = from.positive();
            (first, first.saturating_add(u32::from(from.byte())))
        })
    }
}
