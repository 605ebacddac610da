//! The elements of commands (RFC 9051 section 9), parsed strictly.

use bytes::Bytes;

use super::value::{End, Numbers, Value};
use crate::types::{Flag, Flags};

/// A position in a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    /// Whether the client may write UTF-8: see [`request`](super::request).
    pub(super) utf8: bool,
}

/// A value, or what was expected and how many bytes were left there.
pub(super) type Read<T> = Result<T, (&'static str, usize)>;

/// How deep parentheses may nest.
pub(super) const DEPTH: usize = 50;

/// `CHAR` less `CTL` and space: the characters of words and tags, special ones included.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

/// `atom-specials` less the controls.
fn is_atom_special(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'{' | b' ' | b'%' | b'*' | b'"' | b'\\' | b']')
}

pub(super) fn is_atom_char(byte: u8) -> bool {
    is_printable(byte) && !is_atom_special(byte)
}

/// `ASTRING-CHAR`.
pub(super) fn is_astring_char(byte: u8) -> bool {
    is_atom_char(byte) || byte == b']'
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], utf8: bool) -> Self {
        Self { rest: bytes, utf8 }
    }

    pub(super) fn fail<T>(&self, expected: &'static str) -> Read<T> {
        Err((expected, self.rest.len()))
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Skips this text if it is next, ignoring case.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let fits = self.rest.get(..text.len()).is_some_and(|next| next.eq_ignore_ascii_case(text.as_bytes()));
        if fits {
            self.skip(text.len());
        }
        fits
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    pub(super) fn expect(&mut self, text: &'static str) -> Read<()> {
        if self.take(text) { Ok(()) } else { self.fail(text) }
    }

    /// Exactly one space.
    pub(super) fn space(&mut self) -> Read<()> {
        if self.take(" ") { Ok(()) } else { self.fail("a space") }
    }

    /// The end of the command.
    pub(super) fn end(&self) -> Read<()> {
        if self.rest.is_empty() { Ok(()) } else { self.fail("the end of the command") }
    }

    /// The rest.
    pub(super) fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The longest prefix whose bytes all fit; at least one byte.
    pub(super) fn run(&mut self, fits: impl Fn(u8) -> bool, expected: &'static str) -> Read<&'a str> {
        let length = self.rest.iter().position(|&b| !fits(b)).unwrap_or(self.rest.len());
        let text =
            self.rest.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        if text.is_empty() {
            return self.fail(expected);
        }
        self.skip(length);
        Ok(text)
    }

    /// `tag`: any `ASTRING-CHAR` but `+`.
    pub(super) fn tag(&mut self) -> Read<String> {
        self.run(|b| is_astring_char(b) && b != b'+', "a tag").map(str::to_owned)
    }

    pub(super) fn atom(&mut self) -> Read<&'a str> {
        self.run(is_atom_char, "an atom")
    }

    /// A name, in capitals.
    pub(super) fn name(&mut self) -> Read<String> {
        self.atom().map(str::to_ascii_uppercase)
    }

    /// `number`, or `number64` for a wide enough type.
    pub(super) fn number<N: std::str::FromStr>(&mut self) -> Read<N> {
        let start = *self;
        let digits = self.run(|b| b.is_ascii_digit(), "a number")?;
        digits.parse().or_else(|_| start.fail("a number that is not too large"))
    }

    /// `quoted`: no line end or NUL, a backslash only before `"` and `\`; UTF-8 as in RFC 9051
    /// section 4.3.
    pub(super) fn quoted(&mut self) -> Read<Bytes> {
        self.expect("\"")?;
        let mut text = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.skip(1);
                    break;
                }
                Some(b'\\') => {
                    self.skip(1);
                    match self.peek() {
                        Some(escaped @ (b'"' | b'\\')) => text.push(escaped),
                        _ => return self.fail("\\\" or \\\\"),
                    }
                    self.skip(1);
                }
                None | Some(b'\r' | b'\n' | 0) => return self.fail("the closing quote"),
                Some(byte) => {
                    text.push(byte);
                    self.skip(1);
                }
            }
        }
        match std::str::from_utf8(&text) {
            Ok(_) if self.utf8 || text.is_ascii() => Ok(text.into()),
            _ => self.fail(if self.utf8 { "UTF-8 in quotes" } else { "ASCII in quotes" }),
        }
    }

    /// `literal`: its bytes after `{5}` or `{5+}` and CRLF. No NUL.
    pub(super) fn literal(&mut self) -> Read<Bytes> {
        let start = *self;
        let bytes = self.counted()?;
        if bytes.contains(&0) { start.fail("a literal without NUL") } else { Ok(bytes) }
    }

    /// `literal8`: `~{5}`, and any bytes.
    pub(super) fn literal8(&mut self) -> Read<Bytes> {
        self.expect("~")?;
        self.counted()
    }

    fn counted(&mut self) -> Read<Bytes> {
        self.expect("{")?;
        let length: usize = self.number()?;
        self.take("+");
        self.expect("}")?;
        self.expect("\r\n")?;
        let Some(bytes) = self.rest.get(..length) else { return self.fail("the literal's bytes") };
        self.skip(length);
        Ok(Bytes::copy_from_slice(bytes))
    }

    pub(super) fn string(&mut self) -> Read<Bytes> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal(),
            _ => self.fail("a string"),
        }
    }

    pub(super) fn astring(&mut self) -> Read<Bytes> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => self.run(is_astring_char, "a string").map(|text| Bytes::copy_from_slice(text.as_bytes())),
        }
    }

    pub(super) fn nstring(&mut self) -> Read<Option<Bytes>> {
        if self.take("NIL") { Ok(None) } else { self.string().map(Some) }
    }

    /// `(…)` of at least one element, separated by spaces.
    pub(super) fn list<T>(&mut self, one: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        self.expect("(")?;
        let all = self.separated(one)?;
        self.expect(")")?;
        Ok(all)
    }

    /// At least one element, separated by spaces.
    pub(super) fn separated<T>(&mut self, mut one: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut all = vec![one(self)?];
        while self.take(" ") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    /// `flag`; `\*` is none. `]` is accepted, because keywords of some servers have it.
    fn flag(&mut self) -> Read<Flag> {
        let start = *self;
        let system = self.take("\\");
        let name = self.run(is_astring_char, "a flag")?;
        let flag = if system { Flag::new(&format!("\\{name}")) } else { Flag::new(name) };
        // RFC 9051 section 9, `flag`: \Recent is the server's to set.
        if flag == Flag::Recent { start.fail("a flag that a client may name") } else { Ok(flag) }
    }

    /// `flag-list`, which may be empty.
    pub(super) fn flags(&mut self) -> Read<Flags> {
        if self.take("()") {
            return Ok(Flags::new());
        }
        self.list(Self::flag).map(Flags::from_iter)
    }

    /// Flags without parentheses.
    pub(super) fn bare_flags(&mut self) -> Read<Flags> {
        self.separated(Self::flag).map(Flags::from_iter)
    }

    /// `sequence-set`.
    pub(super) fn numbers(&mut self) -> Read<Numbers> {
        if self.take("$") {
            return Ok(Numbers::Saved);
        }
        let mut ranges = Vec::new();
        loop {
            let first = self.range_end()?;
            let last = if self.take(":") { self.range_end()? } else { first };
            ranges.push((first, last));
            if !self.take(",") {
                return Ok(Numbers::Ranges(ranges));
            }
        }
    }

    fn range_end(&mut self) -> Read<End> {
        let start = *self;
        if self.take("*") {
            return Ok(End::Last);
        }
        match self.number()? {
            0 => start.fail("a number that is not 0"),
            number => Ok(End::Number(number)),
        }
    }

    /// A word, string or list; lists may nest `depth` deep.
    pub(super) fn value(&mut self, depth: usize) -> Read<Value> {
        match self.peek() {
            Some(b'(') if depth == 0 => self.fail("fewer parentheses within each other"),
            Some(b'(') if self.take("()") => Ok(Value::List(Vec::new())),
            Some(b'(') => self.list(|inner| inner.value(depth - 1)).map(Value::List),
            Some(b'"' | b'{') => self.string().map(Value::String),
            Some(b'~') if self.rest.starts_with(b"~{") => self.literal8().map(Value::String),
            // Flags, patterns, sets, sections and anything else without parentheses or quotes.
            _ => self
                .run(|b| is_printable(b) && !matches!(b, b'(' | b')' | b'"' | b'{'), "a value")
                .map(|word| Value::Word(word.to_owned())),
        }
    }

    /// `(…)` of any values, if that is next after a space.
    pub(super) fn options(&mut self) -> Read<Vec<Value>> {
        if !self.take(" ") {
            return Ok(Vec::new());
        }
        self.list(|inner| inner.value(DEPTH))
    }
}
