//! Splits a client's bytes into commands: the server's half of the literal dialogue (RFC 9051
//! section 4.3, RFC 7888).
//!
//! A command ends with its line, unless that ends in `{n}` or `{n+}`: then `n` bytes follow, and
//! another line. With `{n}` the client waits for the server to accept the literal:
//!
//! ```text
//!    ---> Line -- CRLF --------------> a command
//!         | ^ \-- {n+} CRLF --> Literal --- complete ---> Line
//!         | |
//!         | +---- refuse(): the command is dropped
//!         +------ {n} CRLF --> Waiting -- accept() --> Literal
//! ```

use bytes::{Buf, BytesMut};

/// What the framer found in a client's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestFrame {
    /// A whole command, with its literals in place and without the last line end.
    Command(Vec<u8>),
    /// The client waits to send a literal of this many bytes: [`RequestFramer::accept`] or
    /// [`RequestFramer::refuse`].
    Literal(usize),
}

/// The client sends more than the server accepts, without asking: the connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a command of more than {0} bytes")]
pub(crate) struct TooLong(pub(crate) usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Line,
    Waiting { size: usize },
    Literal { left: usize },
}

/// Splits a stream of bytes into commands.
#[derive(Debug)]
pub(crate) struct RequestFramer {
    /// The partial command.
    text: Vec<u8>,
    /// Where in it the current line begins.
    line: usize,
    state: State,
    limit: usize,
    /// The longest line that is accepted, without literals.
    line_limit: usize,
    /// The largest literal that is accepted without waiting, plus one; 0 for none.
    plus_limit: usize,
}

impl RequestFramer {
    /// A framer that accepts commands of at most `limit` bytes, including their literals.
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

    /// Sets the most bytes of a command from now on.
    pub(crate) fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// How many bytes the partial command may still have.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.text.len())
    }

    /// Sets the most bytes of a line.
    pub(crate) fn lines_of(mut self, bytes: usize) -> Self {
        self.line_limit = bytes;
        self
    }

    /// Sets the most bytes of a literal that does not wait: 4096 with LITERAL- (RFC 7888 section
    /// 5), `None` without either extension.
    pub(crate) fn set_plus_limit(&mut self, bytes: Option<usize>) {
        // Even an empty literal must be refused where there is no extension.
        self.plus_limit = bytes.map_or(0, |bytes| bytes.saturating_add(1));
    }

    /// The partial command.
    pub(crate) fn begun(&self) -> &[u8] {
        &self.text
    }

    /// Takes bytes from the front of `src`. `None`: more bytes are needed, or the client waits for
    /// an answer to its literal.
    ///
    /// # Errors
    /// The command exceeds the limit, and the client does not wait for an answer.
    pub(crate) fn decode(&mut self, src: &mut BytesMut) -> Result<Option<RequestFrame>, TooLong> {
        while !src.is_empty() {
            match self.state {
                State::Waiting { .. } => return Ok(None),
                State::Literal { left } => {
                    let piece = left.min(src.len());
                    self.keep(src, piece)?;
                    self.literal_left(left - piece);
                }
                State::Line => {
                    let end = memchr::memchr(b'\n', src);
                    self.keep(src, end.map_or(src.len(), |end| end + 1))?;
                    if self.text.len() - self.line > self.line_limit {
                        return Err(TooLong(self.line_limit));
                    }
                    if end.is_some()
                        && let Some(found) = self.line_end()?
                    {
                        return Ok(Some(found));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Accepts the literal for which the client waits: the server has sent `+`.
    pub(crate) fn accept(&mut self) {
        if let State::Waiting { size } = self.state {
            self.literal_left(size);
        }
    }

    /// Refuses the literal for which the client waits: the server has sent NO or BAD, and the
    /// client begins a new command.
    pub(crate) fn refuse(&mut self) {
        if let State::Waiting { .. } = self.state {
            self.text.clear();
            self.literal_left(0);
        }
    }

    fn literal_left(&mut self, left: usize) {
        self.line = self.text.len();
        self.state = if left == 0 { State::Line } else { State::Literal { left } };
    }

    fn keep(&mut self, src: &mut BytesMut, bytes: usize) -> Result<(), TooLong> {
        if bytes > self.room() {
            return Err(TooLong(self.limit));
        }
        self.text.extend_from_slice(src.get(..bytes).unwrap_or_default());
        src.advance(bytes);
        Ok(())
    }

    fn line_end(&mut self) -> Result<Option<RequestFrame>, TooLong> {
        // A bare LF ends a line too: some servers would read a smuggled LF as the start of another
        // command.
        let line = self.text.get(self.line..).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let end = self.line + line.len();
        match announced(line) {
            None => {
                self.text.truncate(end);
                self.line = 0;
                Ok(Some(RequestFrame::Command(std::mem::take(&mut self.text))))
            }
            Some((size, true)) => {
                self.state = State::Waiting { size };
                Ok(Some(RequestFrame::Literal(size)))
            }
            Some((size, false)) if size > self.limit || size >= self.plus_limit => {
                Err(TooLong(self.limit.min(self.plus_limit.saturating_sub(1))))
            }
            Some((size, false)) => {
                self.literal_left(size);
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
