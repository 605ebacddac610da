//! One line of a command as it is being written, argument by argument; and secrets.
//!
//! A thin layer over the wire's encoder: it puts the spaces, and keeps the encoder out of the
//! public API.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Messages;
use super::search::Search;
use super::session::Session;
use super::source::{Source, Taken};
use crate::error::{Error, Result};
use crate::types::{Flag, Flags, MailboxName, Section};
use crate::wire::encode::{EncodeOptions, Encoder, Fragment, LiteralMode};

/// A line of a command that is being written.
///
/// Arguments are separated by single spaces, which are added automatically. Whatever bytes an
/// argument has, it stays one argument: what does not fit an atom or a quoted string is sent as a
/// literal, and what can't be written at all is an error of the whole line (RFC 9051 section 4).
pub struct Line {
    encoder: Encoder,
    /// Whether the next argument must be set apart.
    gap: bool,
    error: Option<Error>,
    /// The sources of literals that are announced, and not here, in their order.
    sources: Vec<Taken>,
    /// What is to be left out where a server's text is quoted.
    secrets: Vec<Zeroizing<Vec<u8>>>,
    /// It is a SELECT with parameters, which a server may refuse.
    has_params: bool,
    begin: Begin,
    /// It names messages by number.
    names_numbers: bool,
}

/// How a line has begun so far.
#[derive(Debug)]
enum Begin {
    /// Nothing has been written.
    Nothing,
    /// `UID`: the name follows.
    Uid,
    /// With a command's name.
    Named { name: CommandName, arguments: usize, after_uid: bool },
    /// With something else.
    Unnamed,
}

/// The name of a command, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandName {
    /// In capitals, without `UID`.
    pub(crate) name: String,
    /// `UID` stands before it.
    pub(crate) by_uid: bool,
}

impl Begin {
    /// Another argument follows: this keyword, if it is one.
    fn push(&mut self, word: Option<&str>) {
        let is_uid = word.is_some_and(|word| word.eq_ignore_ascii_case("UID"));
        let by_uid = matches!(self, Self::Uid);
        match (&mut *self, word) {
            (Self::Nothing, Some(_)) if is_uid => *self = Self::Uid,
            (Self::Nothing | Self::Uid, Some(word)) if is_name(word) => {
                let name = CommandName { name: word.to_ascii_uppercase(), by_uid };
                *self = Self::Named { name, arguments: 0, after_uid: false };
            }
            (Self::Nothing | Self::Uid, _) => *self = Self::Unnamed,
            (Self::Named { arguments, after_uid, .. }, _) => {
                *arguments += 1;
                *after_uid = is_uid;
            }
            (Self::Unnamed, _) => {}
        }
    }
}

/// Whether this is a command's name: an atom (RFC 9051 section 9, ATOM-CHAR). Some servers take a
/// tab for a space, and a quoted string for the atom.
pub(super) fn is_name(word: &str) -> bool {
    let is_special = |byte: u8| br#"(){%*"\]"#.contains(&byte);
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic() && !is_special(byte))
}

impl Line {
    pub(crate) fn new(tag: Option<&str>, session: &Session) -> Self {
        let literals = if session.capabilities().has("LITERAL+") {
            LiteralMode::Plus
        } else if session.can("LITERAL-") {
            LiteralMode::Minus
        } else {
            LiteralMode::Sync
        };
        let no_star = session.is_enabled("UIDONLY");
        let mut encoder = Encoder::new(EncodeOptions { literals, utf8: session.is_utf8(), no_star });
        if let Some(tag) = tag {
            encoder.text(tag);
        }
        Self {
            encoder,
            gap: tag.is_some(),
            error: None,
            sources: Vec::new(),
            secrets: Vec::new(),
            has_params: false,
            begin: Begin::Nothing,
            names_numbers: false,
        }
    }

    /// Begins the parameters of SELECT.
    pub(crate) fn open_params(&mut self) -> &mut Self {
        self.has_params = true;
        self.open()
    }

    pub(crate) fn has_params(&self) -> bool {
        self.has_params
    }

    /// The name with which it begins, if it begins with one.
    pub(crate) fn command_name(&self) -> Option<&CommandName> {
        if let Begin::Named { name, .. } = &self.begin { Some(name) } else { None }
    }

    /// Whether it names messages by number.
    pub(crate) fn names_numbers(&self) -> bool {
        self.names_numbers
    }

    /// The sources of the literals that are awaited in it.
    pub(crate) fn take_sources(&mut self) -> Vec<Taken> {
        std::mem::take(&mut self.sources)
    }

    /// The forms of the secrets in it, in which a server may echo them.
    pub(crate) fn take_secrets(&mut self) -> Vec<Zeroizing<Vec<u8>>> {
        std::mem::take(&mut self.secrets)
    }

    /// What is to be sent, CRLF included.
    pub(crate) fn finish(self) -> Result<Vec<Fragment>> {
        match self.error {
            Some(error) => Err(error),
            None => self.encoder.finish().map_err(|e| Error::invalid(e.to_string())),
        }
    }

    fn next(&mut self) -> &mut Encoder {
        self.begin.push(None);
        self.set_apart()
    }

    /// For the next argument, which is this keyword.
    fn next_word(&mut self, word: &str) -> &mut Encoder {
        self.begin.push(Some(word));
        self.set_apart()
    }

    fn set_apart(&mut self) -> &mut Encoder {
        if std::mem::replace(&mut self.gap, true) {
            self.encoder.space();
        }
        &mut self.encoder
    }

    /// An atom: a keyword, a command's name, a date. An error if it has a byte that atoms can't
    /// have.
    pub fn atom(&mut self, atom: &str) -> &mut Self {
        self.next_word(atom).atom(atom);
        self
    }

    /// The name of a command about messages, with `UID` before it if they are named by UID, and the
    /// messages: `UID COPY 4:7`.
    ///
    /// ```
    /// # use imap_duplex::command::{Line, Messages};
    /// fn copy(line: &mut Line, which: &Messages) {
    ///     line.command("COPY", which).mailbox(&"Drafts".into());
    /// }
    /// # let _ = copy;
    /// ```
    pub fn command(&mut self, name: &str, which: &Messages) -> &mut Self {
        if matches!(which, Messages::Uids(_) | Messages::Saved(_)) {
            self.atom("UID");
        }
        self.atom(name).messages(which)
    }

    /// A number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.next().number(number);
        self
    }

    /// A string of any bytes but NUL: quoted, or a literal.
    pub fn string(&mut self, string: impl AsRef<[u8]>) -> &mut Self {
        self.next().string(string);
        self
    }

    /// A string that may also be an atom.
    pub fn astring(&mut self, string: impl AsRef<[u8]>) -> &mut Self {
        self.next().astring(string);
        self
    }

    /// A string or, for `None`, `NIL`.
    pub fn nstring(&mut self, string: Option<impl AsRef<[u8]>>) -> &mut Self {
        self.next().nstring(string);
        self
    }

    /// A literal of any bytes but NUL. It is not copied.
    pub fn literal(&mut self, bytes: impl Into<Bytes>) -> &mut Self {
        self.next().literal(bytes);
        self
    }

    /// A literal of any bytes at all, for servers with BINARY (RFC 3516).
    pub fn literal8(&mut self, bytes: impl Into<Bytes>) -> &mut Self {
        self.next().literal8(bytes);
        self
    }

    /// A literal that its source will give, or a literal8. An error if the source has been read
    /// already.
    pub(crate) fn upload(&mut self, source: &Source, binary: bool) -> &mut Self {
        match source.take(binary) {
            Some(taken) => {
                self.sources.push(taken);
                self.next().awaited(source.size(), binary);
            }
            None => {
                let why = "the message's source has been read already, or is being read by another command";
                self.error.get_or_insert_with(|| Error::invalid(why));
            }
        }
        self
    }

    /// A mailbox's name, in the session's encoding.
    pub fn mailbox(&mut self, name: &MailboxName) -> &mut Self {
        self.next().mailbox(name);
        self
    }

    /// A pattern of mailbox names, in which `*` and `%` stand for others (RFC 9051 section 6.3.9).
    pub fn list_pattern(&mut self, pattern: &str) -> &mut Self {
        self.next().pattern(pattern);
        self
    }

    /// Flags in parentheses.
    pub fn flags(&mut self, flags: &Flags) -> &mut Self {
        self.next().flags(flags);
        self
    }

    /// An identifier of RFC 8474 (section 7, `objectid`). An error if it has other characters.
    pub(crate) fn object_id(&mut self, id: &str) -> &mut Self {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=255).contains(&id.len()) || !id.bytes().all(fits) {
            let why = format!("{:?} is no identifier of a message or thread", id.get(..80).unwrap_or(id));
            self.error.get_or_insert_with(|| Error::invalid(why));
        }
        self.atom(id)
    }

    /// One flag.
    pub(crate) fn flag(&mut self, flag: &Flag) -> &mut Self {
        self.next().flag(flag);
        self
    }

    /// A set of messages. An error if it is empty, and where the server would read UIDs as numbers
    /// or numbers as UIDs: see [`command`](Line::command). A search takes UIDs after the key `UID`.
    pub fn messages(&mut self, which: &Messages) -> &mut Self {
        if let Some(why) = self.is_misread(which) {
            self.error.get_or_insert_with(|| Error::invalid(why));
        }
        self.names_numbers |= matches!(which, Messages::Seqs(_));
        match which {
            Messages::Uids(set) => self.next().set(set),
            Messages::Seqs(set) => self.next().set(set),
            Messages::Saved(_) => self.next().text("$"),
            Messages::SnapshotRange(_) => {
                let why = "sequence numbers of a snapshot are valid only for commands of the mailbox that it was taken of";
                self.error.get_or_insert_with(|| Error::invalid(why));
                return self;
            }
        };
        self
    }

    /// Opens a list. What follows is in it until [`close`](Line::close).
    pub fn open(&mut self) -> &mut Self {
        self.next().open();
        self.gap = false;
        self
    }

    /// Closes a list.
    pub fn close(&mut self) -> &mut Self {
        self.encoder.close();
        self.gap = true;
        self
    }

    /// A string that must not show in any log: it is written like any other, and wiped after use.
    /// While its command is in flight, server texts that contain it are left out of errors and
    /// events; the command that claims such a response gets it whole. A secret of up to eight bytes
    /// is matched as a whole word, a longer one by each eight of its bytes.
    pub fn secret(&mut self, secret: &[u8]) -> &mut Self {
        self.conceal(secret).private(secret)
    }

    /// A string that is not shown in `Debug` of the line, and may be shown elsewhere: a user's
    /// name.
    pub(crate) fn private(&mut self, string: &[u8]) -> &mut Self {
        self.next().secret(string);
        self
    }

    /// Keeps this out of server texts that are quoted in errors and events: as it is, as a quoted
    /// string has it, in base64, alone or within more.
    pub(crate) fn conceal(&mut self, secret: &[u8]) -> &mut Self {
        let escaped = secret.iter().flat_map(|&byte| {
            let backslash = matches!(byte, b'"' | b'\\').then_some(b'\\');
            backslash.into_iter().chain([byte])
        });
        self.secrets.push(Zeroizing::new(escaped.collect()));
        // At whichever offset base64 encodes it: the characters before it differ, and are cut off.
        for (before, others) in [(0, 0), (1, 2), (2, 3)] {
            let padded = Zeroizing::new([&[0; 2][..before], secret].concat());
            let text = Zeroizing::new(BASE64.encode(&*padded));
            let text = text.as_bytes().get(others..).unwrap_or_default();
            // A few of its letters occur in many other words.
            if secret.is_empty() || before > 0 && text.len() <= 8 {
                continue;
            }
            self.secrets.push(Zeroizing::new(text.to_vec()));
        }
        self.secrets.push(Zeroizing::new(secret.to_vec()));
        self
    }

    /// Text of our own making: keywords with their punctuation, dates, sets.
    pub(crate) fn word(&mut self, word: &str) -> &mut Self {
        self.next_word(word).text(word);
        self
    }

    /// Text made by the library itself that belongs to the argument before.
    fn attach(&mut self, text: &str) -> &mut Self {
        self.encoder.text(text);
        self
    }

    /// Text in quotation marks, where the grammar allows no other form: dates with their time. An
    /// error if it has a byte that quoted strings can't have.
    ///
    /// ```
    /// # use imap_duplex::command::Line;
    /// fn received(line: &mut Line) {
    ///     line.quoted("17-Jul-1996 02:44:25 -0700");
    /// }
    /// # let _ = received;
    /// ```
    pub fn quoted(&mut self, text: &str) -> &mut Self {
        self.next().quoted(text);
        self
    }

    /// `[section]`, directly after the argument before: `BODY.PEEK[HEADER]`. An error if it names a
    /// header field that can't be.
    ///
    /// ```
    /// # use imap_duplex::{command::Line, types::Section};
    /// fn headers(line: &mut Line) {
    ///     line.open().atom("BODY.PEEK").section(&Section::Header).partial(0, 1024).close();
    /// }
    /// # let _ = headers;
    /// ```
    pub fn section(&mut self, section: &Section) -> &mut Self {
        if !section.is_writable() {
            let what = format!("the section {section} names a header field that can't be");
            self.error.get_or_insert_with(|| Error::invalid(what));
        }
        self.attach(&format!("[{section}]"))
    }

    /// `<origin.length>`, directly after the argument before: a part of a section.
    pub fn partial(&mut self, origin: u64, length: u32) -> &mut Self {
        self.attach(&format!("<{origin}.{length}>"))
    }

    /// The keys of a query, as SEARCH, SORT and THREAD take them, without a charset: name UTF-8
    /// before them if the query may have other than ASCII. An error if it builds on a saved result.
    /// The command's class has it too: [`Class::with_search`](super::Class::with_search).
    ///
    /// ```
    /// # use imap_duplex::command::{Line, Search};
    /// /// `UID SORT (SUBJECT) UTF-8 UNSEEN` (RFC 5256).
    /// fn sort(line: &mut Line, query: &Search) {
    ///     line.atom("UID").atom("SORT").open().atom("SUBJECT").close();
    ///     line.atom("UTF-8").search(query);
    /// }
    /// # let _ = sort;
    /// ```
    pub fn search(&mut self, query: &Search) -> &mut Self {
        if let Err(error) = query.encode_keys(self) {
            self.error.get_or_insert(error);
        }
        self
    }

    /// A SASL answer in base64; an empty one is an empty line.
    pub(crate) fn hidden(&mut self, base64: &str) -> &mut Self {
        self.secrets.push(Zeroizing::new(base64.as_bytes().to_vec()));
        self.next().secret_atom(base64.as_bytes());
        self
    }

    /// A whole line of the user's. An error if it would be more than one.
    pub(crate) fn verbatim(&mut self, line: &str) -> &mut Self {
        let mut words = line.splitn(3, ' ');
        let is_uid = |word: &&str| word.eq_ignore_ascii_case("UID");
        let first = words.next();
        self.begin.push(first);
        if first.as_ref().is_some_and(is_uid) {
            self.begin.push(words.next());
        }
        self.set_apart().text(line);
        self
    }

    /// Why the server would read these as other messages.
    fn is_misread(&self, which: &Messages) -> Option<&'static str> {
        let Begin::Named { name, arguments, after_uid } = &self.begin else { return None };
        let is_key = matches!(name.name.as_str(), "SEARCH" | "SORT" | "THREAD");
        match which {
            Messages::Uids(_) if !name.by_uid && !after_uid => {
                Some("UIDs in a command by number: the server would take them for sequence numbers")
            }
            Messages::Seqs(_) if *after_uid || name.by_uid && *arguments == 0 && !is_key => {
                Some("sequence numbers in a command by UID: the server would take them for UIDs")
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("text", &self.encoder).finish_non_exhaustive()
    }
}

/// A password or another text that must not be shown: `Debug` hides it, and it is wiped when
/// dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}
