//! Cuts a client's bytes into commands: the server's half of the literal dialogue (RFC 9051 section 4.3, RFC 7888).
//!
//! A command ends with its line, unless that ends in `{n}` or `{n+}`: then `n` octets follow, and another line.
//! Before those of `{n}` the client waits to be told to go on:
//!
//! ```text
//!    ---> Line -- CRLF --------------> a command
//!         | ^ \-- {n+} CRLF --> Octets --- all there ---> Line
//!         | |
//!         | +---- refuse(): what was said is forgotten
//!         +------ {n} CRLF --> Waiting -- accept() --> Octets
//! ```

use bytes::{Buf, BytesMut};

/// What a client has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A whole command, its literals in their places, without the last line's end.
    Command(Vec<u8>),
    /// It wants to send a literal of so many octets, and waits: [`RequestFramer::accept`] or
    /// [`RequestFramer::refuse`].
    Literal(usize),
}

/// The client sends more than the server takes, without asking: the connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a command of more than {0} octets")]
pub(crate) struct TooLong(pub(crate) usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Line,
    Waiting { size: usize },
    Octets { left: usize },
}

/// Cuts a stream of bytes into commands.
#[derive(Debug)]
pub(crate) struct RequestFramer {
    /// The command begun.
    text: Vec<u8>,
    /// Where in it the line begins that is being read.
    line: usize,
    state: State,
    limit: usize,
    /// The longest line that is taken, literals apart.
    line_limit: usize,
    /// The largest literal that may come without a wait.
    plus_limit: usize,
}

impl RequestFramer {
    /// A framer that takes commands of at most `limit` octets, their literals among them.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            text: Vec::new(),
            line: 0,
            state: State::Line,
            limit,
            line_limit: limit,
            plus_limit: usize::MAX,
        }
    }

    /// Takes commands of at most so many octets from now on.
    pub(crate) fn set_limit(&mut self, octets: usize) {
        self.limit = octets;
    }

    /// How many octets the command begun may still have.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.text.len())
    }

    /// Takes lines of at most so many octets.
    pub(crate) fn lines_of(mut self, octets: usize) -> Self {
        self.line_limit = octets;
        self
    }

    /// Takes literals that do not wait of at most so many octets: 4096 with LITERAL- (RFC 7888 section 5), none
    /// without either extension.
    pub(crate) fn set_plus_limit(&mut self, octets: Option<usize>) {
        // A literal of none at all is one too: it must not be taken where there is no extension.
        self.plus_limit = octets.map_or(0, |octets| octets.saturating_add(1));
    }

    /// What has come of the command that is not whole yet.
    pub(crate) fn begun(&self) -> &[u8] {
        &self.text
    }

    /// Takes bytes from the front of `src`. `None`: more is needed, or the client waits for an answer to its
    /// literal.
    ///
    /// # Errors
    /// The command is longer than the limit, and the client will not stop to ask.
    pub(crate) fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Heard>, TooLong> {
        while !src.is_empty() {
            match self.state {
                State::Waiting { .. } => return Ok(None),
                State::Octets { left } => {
                    let piece = left.min(src.len());
                    self.keep(src, piece)?;
                    self.octets_left(left - piece);
                }
                State::Line => {
                    let end = memchr::memchr(b'\n', src);
                    self.keep(src, end.map_or(src.len(), |end| end + 1))?;
                    if self.text.len() - self.line > self.line_limit {
                        return Err(TooLong(self.line_limit));
                    }
                    if end.is_some()
                        && let Some(heard) = self.line_end()?
                    {
                        return Ok(Some(heard));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Lets the client send the literal that it waits with: the server has said `+`.
    pub(crate) fn accept(&mut self) {
        if let State::Waiting { size } = self.state {
            self.octets_left(size);
        }
    }

    /// Refuses the literal that the client waits with: the server has said NO or BAD, and the client begins a new
    /// command.
    pub(crate) fn refuse(&mut self) {
        if let State::Waiting { .. } = self.state {
            self.text.clear();
            self.octets_left(0);
        }
    }

    fn octets_left(&mut self, left: usize) {
        self.line = self.text.len();
        self.state = if left == 0 { State::Line } else { State::Octets { left } };
    }

    fn keep(&mut self, src: &mut BytesMut, octets: usize) -> Result<(), TooLong> {
        if octets > self.room() {
            return Err(TooLong(self.limit));
        }
        self.text.extend_from_slice(src.get(..octets).unwrap_or_default());
        src.advance(octets);
        Ok(())
    }

    fn line_end(&mut self) -> Result<Option<Heard>, TooLong> {
        // A bare LF ends a line too: who smuggles one in has begun another command with some servers.
        let line = self.text.get(self.line..).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let end = self.line + line.len();
        match announced(line) {
            None => {
                self.text.truncate(end);
                self.line = 0;
                Ok(Some(Heard::Command(std::mem::take(&mut self.text))))
            }
            Some((size, true)) => {
                self.state = State::Waiting { size };
                Ok(Some(Heard::Literal(size)))
            }
            Some((size, false)) if size > self.limit || size >= self.plus_limit => {
                Err(TooLong(self.limit.min(self.plus_limit.saturating_sub(1))))
            }
            Some((size, false)) => {
                self.octets_left(size);
                Ok(None)
            }
        }
    }
}

/// The literal that a line announces at its end: its size, and whether the client waits.
fn announced(line: &[u8]) -> Option<(usize, bool)> {
    let line = line.strip_suffix(b"}")?;
    let (line, waits) = line.strip_suffix(b"+").map_or((line, true), |line| (line, false));
    let digits = line.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, digits) = line.split_at_checked(line.len() - digits)?;
    if digits.is_empty() || !before.ends_with(b"{") {
        return None;
    }
    let size = std::str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX);
    Some((size, waits))
}
