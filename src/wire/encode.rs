//! The encoder: writes one line of a command, argument by argument, as the fragments that are sent
//! to the server.
//!
//! Arguments may have any content; the result is a list of [`Fragment`]s: text, and literals, some
//! of which wait for the server's `+`. Each argument takes the shortest form that can hold it (RFC
//! 9051 section 4): an atom, a quoted string, a literal. An argument that no form can hold is
//! refused with an [`EncodeError`].
//!
//! Guarantee: whatever bytes the arguments have, the server reads one command. CR and LF appear in
//! text only as the line end of an announcement that the encoder wrote itself, or as the end of the
//! line; and no line ends in what a server would take for an announcement.
//!
//! The methods can be chained. After an error nothing more is written, and
//! [`finish`](Encoder::finish) returns the first error instead of fragments: half a line is never
//! sent.

use std::fmt;

use bytes::Bytes;
use zeroize::Zeroizing;

use super::utf7;
use crate::types::{Flag, Flags, MailboxName, MessageNumber, Set};

/// The longest string that is written in quotation marks (or as an atom), in bytes: lines should be
/// kept to about 1,000 bytes, and longer strings sent as literals (RFC 2683 section 3.2.1.5).
const MAX_INLINE: usize = 1000;

/// The longest literal that does not wait under LITERAL- (RFC 7888 section 5).
const MAX_LITERAL_MINUS: usize = 4096;

/// How this session sends literals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LiteralMode {
    /// The server asks for each with a `+` (RFC 9051 section 4.3).
    #[default]
    Sync,
    /// Those of up to 4,096 bytes are sent without waiting (LITERAL-, IMAP4rev2; RFC 7888 section
    /// 5).
    Minus,
    /// All are sent without waiting (LITERAL+; RFC 7888 section 3).
    Plus,
}

/// What the session allows in a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EncodeOptions {
    /// How literals are sent.
    pub(crate) literals: LiteralMode,
    /// Whether UTF8=ACCEPT or IMAP4rev2 has been enabled: UTF-8 in quoted strings and in mailbox
    /// names (RFC 6855 section 3, RFC 9051 sections 4.3 and 5.1).
    pub(crate) utf8: bool,
    /// Whether UIDONLY has been enabled: `*` is not to be used in any argument (RFC 9586 section
    /// 3).
    pub(crate) no_star: bool,
}

/// A piece of a command. The pieces are written one after the other; only a synchronising literal
/// waits.
#[derive(PartialEq, Eq)]
pub(crate) enum Fragment {
    /// Part of the line. Before a literal it ends in the announcement and CRLF.
    Text(Vec<u8>),
    /// Part of the line that must not be shown; wiped when dropped.
    Secret(Zeroizing<Vec<u8>>),
    /// A literal's bytes.
    Literal {
        /// The bytes; those of a secret are wiped when the last clone is dropped.
        data: Bytes,
        /// Whether they, even if there are none, may be sent only after the server's `+`.
        sync: bool,
    },
    /// A literal whose bytes are supplied by an upload after the server's `+`.
    Awaited,
}

impl Fragment {
    /// The bytes to send.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text,
            Self::Secret(text) => text,
            Self::Literal { data, .. } => data,
            Self::Awaited => &[],
        }
    }
}

impl fmt::Debug for Fragment {
    /// Shows text; of secrets nothing, and of literals, which may be secrets, only the length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text(\"{}\")", text.escape_ascii()),
            Self::Secret(_) => f.write_str("Secret(…)"),
            Self::Literal { data, sync } => {
                f.debug_struct("Literal").field("bytes", &data.len()).field("sync", sync).finish()
            }
            Self::Awaited => f.write_str("Awaited"),
        }
    }
}

/// Why an argument cannot be sent. Of a secret, only the position of the offending byte is shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodeError {
    /// A byte that this kind of argument has no form for.
    #[error("{what} can't hold the byte 0x{byte:02x}, which is at position {position} (from 0)")]
    Byte {
        /// The kind of argument.
        what: &'static str,
        /// The byte.
        byte: u8,
        /// Where it is in the argument, from 0.
        position: usize,
    },
    /// As `Byte`, in a secret.
    #[error("a secret has a byte that can't be sent, at position {position} (from 0)")]
    SecretByte {
        /// Where it is, from 0.
        position: usize,
    },
    /// An empty argument where the grammar requires content.
    #[error("{what} can't be empty")]
    Empty {
        /// The kind of argument.
        what: &'static str,
    },
    /// A flag that clients can't set.
    #[error("the flag {flag} can't be sent: {why}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// The reason.
        why: &'static str,
    },
    /// The line would end in `{5}` or the like.
    #[error(
        "the line ends like the announcement of a literal, so the server would take the next command for one"
    )]
    Announcement,
}

/// Writes one line of a command. See the module's head.
#[derive(Debug)]
pub(crate) struct Encoder {
    options: EncodeOptions,
    done: Vec<Fragment>,
    text: Text,
    error: Option<EncodeError>,
}

/// The text that is being written; a type of its own for its `Debug`.
#[derive(Default)]
struct Text(Vec<u8>);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl Encoder {
    /// An empty line.
    pub(crate) fn new(options: EncodeOptions) -> Self {
        Self { options, done: Vec::new(), text: Text::default(), error: None }
    }

    /// Ends the line with CRLF and returns its fragments.
    ///
    /// # Errors
    /// The first error of an argument; or the line ends in text that looks like the announcement of
    /// a literal.
    pub(crate) fn finish(mut self) -> Result<Vec<Fragment>, EncodeError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let is_text = |f: &&Fragment| !matches!(f, Fragment::Literal { .. } | Fragment::Awaited);
        let since_literal = self.done.iter().rev().take_while(is_text);
        let last = since_literal.flat_map(|f| f.as_bytes().iter().rev());
        if ends_in_announcement(self.text.0.iter().rev().chain(last).copied()) {
            return Err(EncodeError::Announcement);
        }
        self.text.0.extend_from_slice(b"\r\n");
        self.end_text();
        Ok(self.done)
    }

    /// Text as it is: keywords and their punctuation, a user's raw line. No CR, LF or NUL;
    /// non-ASCII bytes only with `utf8`.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        let utf8 = self.options.utf8;
        let fits = |b: u8| !matches!(b, 0 | b'\r' | b'\n') && (utf8 || b.is_ascii());
        self.checked("the text of a command", text.as_bytes(), fits)
    }

    /// An atom (RFC 9051 section 9, `atom`): a keyword, a name without quotes.
    pub(crate) fn atom(&mut self, atom: &str) -> &mut Self {
        self.not_empty("an atom", atom.as_bytes()).checked("an atom", atom.as_bytes(), is_atom_char)
    }

    /// A number.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.write(number.to_string().as_bytes())
    }

    /// One space.
    pub(crate) fn space(&mut self) -> &mut Self {
        self.write(b" ")
    }

    /// Begins a list: `(`.
    pub(crate) fn open(&mut self) -> &mut Self {
        self.write(b"(")
    }

    /// Ends a list: `)`.
    pub(crate) fn close(&mut self) -> &mut Self {
        self.write(b")")
    }

    /// A quoted string of any length, where the grammar allows nothing else (dates and the like):
    /// no CR, LF or NUL, UTF-8 only with `utf8`.
    pub(crate) fn quoted(&mut self, string: impl AsRef<[u8]>) -> &mut Self {
        let string = string.as_ref();
        match self.unquotable(string) {
            Some(position) => self.refuse("a quoted string", string, position),
            None => self.write(&quote(string)),
        }
    }

    /// A string that may be written as an atom (section 9, `astring`): any bytes but NUL.
    pub(crate) fn astring(&mut self, string: impl AsRef<[u8]>) -> &mut Self {
        self.astring_of("a string", string.as_ref(), is_astring_char)
    }

    /// A string, quoted or as a literal (section 9, `string`): any bytes but NUL.
    pub(crate) fn string(&mut self, string: impl AsRef<[u8]>) -> &mut Self {
        self.string_of("a string", string.as_ref())
    }

    /// A string, or NIL for `None` (section 9, `nstring`).
    pub(crate) fn nstring(&mut self, string: Option<impl AsRef<[u8]>>) -> &mut Self {
        match string {
            Some(string) => self.string(string),
            None => self.write(b"NIL"),
        }
    }

    /// A literal, whatever its content (section 9, `literal`): any bytes but NUL.
    pub(crate) fn literal(&mut self, data: impl Into<Bytes>) -> &mut Self {
        let data = data.into();
        match memchr::memchr(0, &data) {
            Some(position) => self.refuse("a literal", &data, position),
            None => self.push_literal("", data),
        }
    }

    /// A literal of any bytes, including NUL. The server must offer BINARY (RFC 3516 section 4.4;
    /// without waiting: RFC 7888 section 6).
    pub(crate) fn literal8(&mut self, data: impl Into<Bytes>) -> &mut Self {
        self.push_literal("~", data.into())
    }

    /// Announces a literal whose bytes are supplied later. It waits for the server's `+` even where
    /// that is not needed (RFC 7888 always allows the waiting form): what has not been asked for
    /// can still be refused or withdrawn.
    pub(crate) fn awaited(&mut self, length: u64, binary: bool) -> &mut Self {
        self.announce(Fragment::Awaited, if binary { "~" } else { "" }, length, true)
    }

    /// The name of a mailbox (section 9, `mailbox`): in the server's own spelling if that differs,
    /// else in modified UTF-7, or in UTF-8 with `utf8`.
    pub(crate) fn mailbox(&mut self, name: &MailboxName) -> &mut Self {
        const WHAT: &str = "a mailbox name";
        match name.wire() {
            Some(wire) => self.astring_of(WHAT, wire, is_astring_char),
            None if self.options.utf8 => self.astring_of(WHAT, name.as_str().as_bytes(), is_astring_char),
            None => self.astring_of(WHAT, &utf7::encode(name.as_str()), is_astring_char),
        }
    }

    /// A pattern of mailbox names, in which `*` and `%` stand for any text (section 9,
    /// `list-mailbox`).
    pub(crate) fn pattern(&mut self, pattern: &str) -> &mut Self {
        const WHAT: &str = "a pattern";
        let fits = |b| is_astring_char(b) || matches!(b, b'*' | b'%');
        match self.options.utf8 {
            true => self.astring_of(WHAT, pattern.as_bytes(), fits),
            false => self.astring_of(WHAT, &utf7::encode(pattern), fits),
        }
    }

    /// A flag (section 9, `flag`). `]` is allowed, because some servers have it in keywords;
    /// `\Recent` and `\*`, which only servers send, are not.
    pub(crate) fn flag(&mut self, flag: &Flag) -> &mut Self {
        const WHAT: &str = "a flag";
        match flag {
            Flag::Recent => {
                let why = "only a server may set it";
                return self.fail(EncodeError::Flag { flag: "\\Recent", why });
            }
            Flag::Wildcard => {
                let why = "in PERMANENTFLAGS it says that new keywords may be set";
                return self.fail(EncodeError::Flag { flag: "\\*", why });
            }
            _ => {}
        }
        let (backslash, atom) = match flag.as_str().strip_prefix('\\') {
            Some(atom) => ("\\", atom),
            None => ("", flag.as_str()),
        };
        match atom.bytes().position(|b| !is_astring_char(b)) {
            // The position counts from the start of the whole name.
            Some(at) => self.refuse(WHAT, flag.as_str().as_bytes(), at + backslash.len()),
            None => self.not_empty(WHAT, atom.as_bytes()).write(backslash.as_bytes()).write(atom.as_bytes()),
        }
    }

    /// Flags in parentheses (section 9, `flag-list`).
    pub(crate) fn flags(&mut self, flags: &Flags) -> &mut Self {
        self.open();
        for (i, flag) in flags.iter().enumerate() {
            if i > 0 {
                self.space();
            }
            self.flag(&flag);
        }
        self.close()
    }

    /// A set of message numbers (section 9, `sequence-set`), not empty.
    pub(crate) fn set<N: MessageNumber>(&mut self, set: &Set<N>) -> &mut Self {
        match set.is_empty() {
            true => self.fail(EncodeError::Empty { what: "a set of messages" }),
            // The same messages, by the largest number that there is.
            false if self.options.no_star => {
                self.write(set.to_string().replace('*', &u32::MAX.to_string()).as_bytes())
            }
            false => self.write(set.to_string().as_bytes()),
        }
    }

    /// A string that must not be shown and is wiped after use: a password. Any bytes but NUL.
    pub(crate) fn secret(&mut self, secret: &[u8]) -> &mut Self {
        if self.error.is_some() {
            return self;
        }
        if let Some(position) = memchr::memchr(0, secret) {
            return self.fail(EncodeError::SecretByte { position });
        }
        if secret.len() <= MAX_INLINE && self.unquotable(secret).is_none() {
            self.end_text();
            self.done.push(Fragment::Secret(quote(secret)));
            return self;
        }
        self.push_literal("", Bytes::from_owner(Zeroizing::new(secret.to_vec())))
    }

    /// A secret that is an atom or empty, such as base64 of SASL.
    pub(crate) fn secret_atom(&mut self, secret: &[u8]) -> &mut Self {
        if self.error.is_some() {
            return self;
        }
        if let Some(position) = secret.iter().position(|&b| !is_atom_char(b)) {
            return self.fail(EncodeError::SecretByte { position });
        }
        self.end_text();
        self.done.push(Fragment::Secret(Zeroizing::new(secret.to_vec())));
        self
    }

    /// Without quotes if all bytes fit, else as a string. NIL is written as a string, because not
    /// all servers know that no NIL is allowed here.
    fn astring_of(&mut self, what: &'static str, string: &[u8], fits: impl Fn(u8) -> bool) -> &mut Self {
        let bare = (1..=MAX_INLINE).contains(&string.len())
            && string.iter().all(|&b| fits(b))
            && !string.eq_ignore_ascii_case(b"NIL");
        if bare { self.write(string) } else { self.string_of(what, string) }
    }

    fn string_of(&mut self, what: &'static str, string: &[u8]) -> &mut Self {
        if let Some(position) = memchr::memchr(0, string) {
            return self.refuse(what, string, position);
        }
        if string.len() <= MAX_INLINE && self.unquotable(string).is_none() {
            return self.write(&quote(string));
        }
        self.push_literal("", Bytes::copy_from_slice(string))
    }

    /// The position of the first byte that no quoted string can hold in this session (section 9,
    /// `quoted`).
    fn unquotable(&self, string: &[u8]) -> Option<usize> {
        let valid = match std::str::from_utf8(string) {
            Ok(_) => string.len(),
            Err(error) => error.valid_up_to(),
        };
        let control = |b: u8| matches!(b, 0 | b'\r' | b'\n');
        let bad = |(at, &b): (usize, &u8)| control(b) || !(b.is_ascii() || self.options.utf8 && at < valid);
        string.iter().enumerate().position(bad)
    }

    /// Writes the announcement of a literal and adds it (section 4.3).
    fn push_literal(&mut self, prefix: &str, data: Bytes) -> &mut Self {
        let sync = match self.options.literals {
            LiteralMode::Sync => true,
            LiteralMode::Minus => data.len() > MAX_LITERAL_MINUS,
            LiteralMode::Plus => false,
        };
        let length = data.len() as u64;
        self.announce(Fragment::Literal { data, sync }, prefix, length, sync)
    }

    fn announce(&mut self, literal: Fragment, prefix: &str, length: u64, sync: bool) -> &mut Self {
        let plus = if sync { "" } else { "+" };
        self.write(format!("{prefix}{{{length}{plus}}}\r\n").as_bytes());
        if self.error.is_none() {
            self.end_text();
            self.done.push(literal);
        }
        self
    }

    fn checked(&mut self, what: &'static str, bytes: &[u8], fits: impl Fn(u8) -> bool) -> &mut Self {
        match bytes.iter().position(|&b| !fits(b)) {
            Some(position) => self.refuse(what, bytes, position),
            None => self.write(bytes),
        }
    }

    fn not_empty(&mut self, what: &'static str, bytes: &[u8]) -> &mut Self {
        if bytes.is_empty() { self.fail(EncodeError::Empty { what }) } else { self }
    }

    fn refuse(&mut self, what: &'static str, bytes: &[u8], position: usize) -> &mut Self {
        let byte = bytes.get(position).copied().unwrap_or_default();
        self.fail(EncodeError::Byte { what, byte, position })
    }

    fn fail(&mut self, error: EncodeError) -> &mut Self {
        self.error.get_or_insert(error);
        self
    }

    fn write(&mut self, bytes: &[u8]) -> &mut Self {
        if self.error.is_none() {
            self.text.0.extend_from_slice(bytes);
        }
        self
    }

    fn end_text(&mut self) {
        if !self.text.0.is_empty() {
            self.done.push(Fragment::Text(std::mem::take(&mut self.text.0)));
        }
    }
}

/// In quotation marks, with `"` and `\` escaped (section 9, `quoted`). The buffer is allocated at
/// its full size, because growing it would leave a copy of a secret behind.
fn quote(string: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut quoted = Zeroizing::new(Vec::with_capacity(2 * string.len() + 2));
    quoted.push(b'"');
    for &byte in string {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.push(b'"');
    quoted
}

/// Section 9, `ATOM-CHAR`: any CHAR except atom-specials.
fn is_atom_char(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

/// Section 9, `ASTRING-CHAR`.
fn is_astring_char(byte: u8) -> bool {
    is_atom_char(byte) || byte == b']'
}

/// Whether a line, read from its end, looks like the announcement of a literal: `}`, digits or
/// signs, `{`. Wider than the grammar, because servers may be.
fn ends_in_announcement(line_from_end: impl Iterator<Item = u8>) -> bool {
    let mut bytes = line_from_end.skip_while(|b| matches!(b, b' ' | b'\t'));
    bytes.next() == Some(b'}')
        && bytes.find(|b| !(b.is_ascii_digit() || matches!(b, b'+' | b'-' | b' '))) == Some(b'{')
}

#[cfg(test)]
mod tests;
