//! The framer: cuts the server's bytes into complete responses, without understanding them.
//!
//! The input is the bytes of the socket, in pieces of any size; the output is one [`Frame`] per
//! response, or a [`FrameError`] where a response would exceed one of the [`Limits`]. All that the
//! framer knows of IMAP is where a response ends: at the end of its line, unless the line ends in
//! the announcement of a literal, `{n}`; then `n` bytes of any kind follow, and after them the
//! response continues.
//!
//! ```text
//!           line without announcement: a frame
//!          +---------------------------------+
//!          v                                 |
//!   ---> Line ----- {n}, n < 4096 ------> Small (into the text)
//!          | ^ <------- n bytes later ------ |
//!          | |
//!          | +---------- n bytes later ---- Large (into a buffer of its own)
//!          +---------- {n}, n >= 4096 --------^
//! ```
//!
//! A long literal of a row may also be handed out while it comes ([`passing`]).
//!
//! The rules, which give the same frames however the bytes are split:
//!
//! - A line ends with LF; CRs before it belong to the line end. Empty lines between responses are
//!   skipped, but count as bytes of the response that follows, so that an endless run of them ends.
//! - An announcement is `{n}`, `{n+}` or either after a `~` (RFC 9051 section 9, `literal`,
//!   `literal8`), at the very end of a line. Quotation marks are ignored: a quoted string cannot
//!   contain a line end, so a well-formed `"… {5}"` ends in `"`; and counting them would lose the
//!   framing with servers that forget to escape one.
//! - A line of human text is never followed by a literal, whatever it ends in (`* OK retry after
//!   {5}`): continuations (`+`), status responses (OK, NO, BAD, BYE, PREAUTH; untagged, or after a
//!   tag), and lines that some servers begin with a response code (`[COPYUID 1 2 3] {5}`). The
//!   grammar would allow a literal within a status response's code; no server is known to send one,
//!   and human text in braces is common.
//! - In all other lines, including those of unknown kind, an announcement counts: if it were
//!   ignored, the bytes of a message, which anyone may have written, would be read as responses.
//! - A list of numbers (`* SEARCH`, `* SORT`, `* ESEARCH`, `* VANISHED`) of a mebibyte or more is
//!   cut into pieces, each a frame by itself ([`list_piece`]), so the line stays within the limits
//!   however many messages were found.

mod direct;
mod line;
mod passing;

pub(crate) use self::line::WholeLine;
pub(crate) use self::passing::{Offer, SHARED_PIECE};

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use super::list_piece::{self, Cut, PIECE};
use super::literals::Literals;
use crate::types::Limits;

/// A literal of this many bytes or more gets a buffer of its own; a smaller one is kept in the
/// text.
pub(crate) const LARGE_LITERAL: usize = 4096;

/// Texts share blocks of this size, so that rows that are parsed and dropped cost no allocation
/// each. A text that fills more than half a block has an allocation of its own, so that keeping a
/// text never keeps more than one block alive.
const TEXT_BLOCK: usize = 4096;

/// How many bytes of an offending response an error shows.
const EXCERPT: usize = 80;

/// One complete response, without its last line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Everything but the large literals. A small literal directly follows its `{n}\r\n`, in which
    /// the line end is always CRLF. After the `{n}\r\n` of a large one the text continues.
    pub(crate) text: Bytes,
    /// The literals of [`LARGE_LITERAL`] bytes or more, in order.
    pub(crate) literals: Literals,
}

impl Frame {
    /// Its length including its literals.
    fn length(&self) -> usize {
        self.text.len() + self.literals.iter().map(Bytes::len).sum::<usize>()
    }

    /// The response as received, with its large literals in place. A copy of exactly its size: the
    /// text may be part of a block, or have spare room.
    pub(crate) fn to_bytes(&self) -> Bytes {
        if self.literals.is_empty() {
            return Bytes::copy_from_slice(&self.text);
        }
        let mut whole = BytesMut::with_capacity(self.length());
        let mut rest = &self.text[..];
        for literal in &*self.literals {
            let large = |at: &usize| announced(&rest[..*at]) == u64::try_from(literal.len()).ok();
            let Some(end) = memchr::memmem::find_iter(rest, b"\r\n").find(large) else { break };
            let (line, behind) = rest.split_at(end + 2);
            whole.extend_from_slice(line);
            whole.extend_from_slice(literal);
            rest = behind;
        }
        whole.extend_from_slice(rest);
        whole.freeze()
    }
}

/// Why the framing is lost. The connection cannot continue, because the start of the next response
/// is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    /// Too many bytes outside literals, possibly without any line end.
    #[error(
        "the server sent a response of more than {limit} bytes outside its literals (Limits::line); \
         it begins with \"{begin}\""
    )]
    Line {
        /// The limit, in bytes.
        limit: usize,
        /// The beginning of the response, escaped.
        begin: String,
    },
    /// Too large a literal.
    #[error(
        "the server announced a literal of {announced} bytes, more than {limit} (Limits::literal); \
         the response begins with \"{begin}\""
    )]
    Literal {
        /// The announced length, at most `u64::MAX`.
        announced: u64,
        /// The limit, in bytes.
        limit: usize,
        /// The beginning of the response, escaped.
        begin: String,
    },
    /// Too large a response in all.
    #[error(
        "the server sent a response of more than {limit} bytes including its literals \
         (Limits::response); it begins with \"{begin}\""
    )]
    Response {
        /// The limit, in bytes.
        limit: usize,
        /// The beginning of the response, escaped.
        begin: String,
    },
}

impl FrameError {
    /// With these words in place of the first bytes.
    pub(crate) fn begun_with(mut self, words: &str) -> Self {
        let (Self::Line { begin, .. } | Self::Literal { begin, .. } | Self::Response { begin, .. }) =
            &mut self;
        words.clone_into(begin);
        self
    }
}

/// Splits a stream of bytes into [`Frame`]s. See the module's head for the rules.
#[derive(Debug)]
pub(crate) struct Framer {
    line_limit: usize,
    literal_limit: usize,
    response_limit: usize,
    /// The length of a line at which a list of numbers is cut.
    piece: usize,
    /// The size from which on literals of rows are offered.
    offer_from: u64,
    state: State,
    /// The text of the partial response, and spare room.
    text: BytesMut,
    /// Where in `text` the current line begins: 0, or after a literal.
    segment: usize,
    /// The large literals of the partial response.
    literals: Literals,
    /// Bytes outside literals so far.
    line: usize,
    /// All bytes so far, including announced ones.
    total: usize,
    /// Set once the framing is lost; it stays lost.
    failed: Option<FrameError>,
}

#[derive(Debug)]
enum State {
    Line,
    Small {
        left: usize,
    },
    Large {
        left: usize,
        data: Vec<u8>,
    },
    /// See [`passing`].
    Offered {
        size: u64,
    },
    Passing {
        left: u64,
    },
}

impl Framer {
    /// A framer at the beginning of a stream, with the limits `line`, `literal` and `response`.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            line_limit: limits.line,
            literal_limit: limits.literal,
            response_limit: limits.response,
            piece: PIECE.min(limits.line).min(limits.response),
            offer_from: u64::MAX,
            state: State::Line,
            text: BytesMut::new(),
            segment: 0,
            literals: Literals::None,
            line: 0,
            total: 0,
            failed: None,
        }
    }

    /// Takes bytes from the front of `src` up to the end of one response. `None`: `src` is used up,
    /// and more bytes are needed. Nothing that is returned or kept shares memory with `src`.
    ///
    /// # Errors
    /// A response exceeds a limit; every later call returns the same error.
    pub(crate) fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.advance(src);
        self.note_failure(&result);
        result
    }

    /// What is lost stays lost.
    fn note_failure<T>(&mut self, result: &Result<T, FrameError>) {
        if let Err(error) = result {
            self.failed = Some(error.clone());
            self.text = BytesMut::new();
            self.literals = Literals::None;
            self.state = State::Line;
        }
    }

    /// Whether the end of the stream would cut off a response that has begun; `src` is what is left
    /// to decode.
    pub(crate) fn is_partial(&self, src: &BytesMut) -> bool {
        !matches!(self.state, State::Line)
            || self.text.iter().any(|&b| b != b'\r')
            || src.iter().any(|&b| b != b'\r' && b != b'\n')
    }

    /// How many bytes of the current large literal are still missing, so that reads can be sized; 0
    /// outside one. The server chose this number: allocate in bounded steps.
    pub(crate) fn wanted(&self) -> usize {
        match self.state {
            State::Large { left, .. } => left,
            _ => 0,
        }
    }

    fn advance(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        while !src.is_empty() {
            match &mut self.state {
                State::Line => {
                    let end = memchr(b'\n', src);
                    if let Some(end) = end
                        && let Some(frame) = self.whole_line(src, end)
                    {
                        return Ok(Some(frame));
                    }
                    let piece = end.unwrap_or(src.len());
                    if let Some(room) = self.room_before_cut().filter(|room| *room <= piece) {
                        self.take_text(src.get(..room).unwrap_or_default())?;
                        src.advance(room);
                        if let Some(frame) = self.cut_list() {
                            return Ok(Some(frame));
                        }
                        continue;
                    }
                    self.take_text(src.get(..piece).unwrap_or_default())?;
                    src.advance(piece);
                    if end.is_some() {
                        src.advance(1);
                        if let Some(frame) = self.line_end()? {
                            return Ok(Some(frame));
                        }
                    }
                }
                State::Small { left } => {
                    let piece = src.len().min(*left);
                    self.text.extend_from_slice(src.get(..piece).unwrap_or_default());
                    src.advance(piece);
                    *left -= piece;
                    if *left == 0 {
                        self.segment = self.text.len();
                        self.state = State::Line;
                    }
                }
                State::Offered { .. } | State::Passing { .. } => return Ok(None),
                State::Large { left, data } => {
                    let piece = src.len().min(*left);
                    if data.capacity() - data.len() < piece {
                        // The buffer doubles as bytes arrive, but never beyond the literal's end:
                        // it never has more than twice the room of what has arrived, and in the end
                        // no slack.
                        data.reserve_exact(piece.max(data.len()).min(*left));
                    }
                    data.extend_from_slice(src.get(..piece).unwrap_or_default());
                    src.advance(piece);
                    *left -= piece;
                    if *left == 0 {
                        let literal = std::mem::take(data);
                        self.end_large(literal);
                    }
                }
            }
        }
        if self.text.is_empty() {
            // An idle connection holds no buffer.
            self.text = BytesMut::new();
        }
        Ok(None)
    }

    /// How many bytes the line of a response without a literal is short of the length at which
    /// lists are cut; `None` beyond it.
    fn room_before_cut(&self) -> Option<usize> {
        self.piece.checked_sub(self.line).filter(|room| *room > 0 && self.segment == 0)
    }

    /// Returns a list of numbers as far as it has arrived. The rest begins the next piece.
    fn cut_list(&mut self) -> Option<Frame> {
        let Cut { begin, end, next } = list_piece::cut(&self.text)?;
        let (begin, rest) = (self.text.get(..begin)?, self.text.get(next..)?);
        if begin.len() + rest.len() > self.piece / 2 {
            return None;
        }
        let mut following = BytesMut::with_capacity(TEXT_BLOCK);
        following.extend_from_slice(begin);
        following.extend_from_slice(rest);
        self.text.truncate(end);
        let frame = self.end_frame();
        (self.line, self.total) = (following.len(), following.len());
        self.text = following;
        Some(frame)
    }

    /// Makes room for the beginning of a text.
    fn make_room(&mut self, bytes: usize) {
        if bytes > TEXT_BLOCK / 2 {
            self.text = BytesMut::with_capacity(bytes);
        } else if self.text.capacity() < bytes && !self.text.try_reclaim(TEXT_BLOCK) {
            self.text = BytesMut::with_capacity(TEXT_BLOCK);
        }
    }

    /// Appends a piece of a line.
    fn take_text(&mut self, piece: &[u8]) -> Result<(), FrameError> {
        let line_room = self.line_limit.saturating_sub(self.line);
        let room = line_room.min(self.response_limit.saturating_sub(self.total));
        if piece.len() > room {
            // As much as would have been kept had the bytes arrived one by one, so that the error
            // is the same.
            self.text.extend_from_slice(piece.get(..room.min(EXCERPT)).unwrap_or_default());
            return Err(if room == line_room { self.line_error() } else { self.response_error() });
        }
        self.line += piece.len();
        self.total += piece.len();
        if self.text.is_empty() {
            self.make_room(piece.len());
        }
        self.text.extend_from_slice(piece);
        Ok(())
    }

    /// Decides at a line's end whether the response ends with it.
    fn line_end(&mut self) -> Result<Option<Frame>, FrameError> {
        let line = self.text.get(self.segment..).unwrap_or_default();
        let length = line.iter().rposition(|&b| b != b'\r').map_or(0, |last| last + 1);
        let line = line.get(..length).unwrap_or_default();
        let announced = announced(line).filter(|_| self.segment > 0 || !is_human(line));
        self.text.truncate(self.segment + length);
        match announced {
            Some(size) if self.is_offered(size) => {
                self.state = State::Offered { size };
                Ok(None)
            }
            Some(size) => self.begin_literal(size).map(|()| None),
            None if self.text.is_empty() => {
                if self.line >= self.line_limit {
                    return Err(self.line_error());
                }
                self.line += 1;
                self.total += 1;
                if self.text.capacity() > TEXT_BLOCK {
                    self.text = BytesMut::new();
                }
                Ok(None)
            }
            None => Ok(Some(self.end_frame())),
        }
    }

    fn begin_literal(&mut self, announced: u64) -> Result<(), FrameError> {
        let size = match usize::try_from(announced) {
            Ok(size) if size <= self.literal_limit => size,
            _ => {
                return Err(FrameError::Literal {
                    announced,
                    limit: self.literal_limit,
                    begin: self.excerpt(),
                });
            }
        };
        if size > self.response_limit.saturating_sub(self.total) {
            return Err(self.response_error());
        }
        self.total += size;
        self.text.extend_from_slice(b"\r\n");
        self.segment = self.text.len();
        self.state = match size {
            0 => State::Line,
            _ if size < LARGE_LITERAL => State::Small { left: size },
            _ => State::Large { left: size, data: Vec::new() },
        };
        Ok(())
    }

    fn end_frame(&mut self) -> Frame {
        let text = if self.text.len() <= TEXT_BLOCK / 2 && self.text.capacity() <= TEXT_BLOCK {
            self.text.split().freeze()
        } else {
            // An allocation of its own, so that later texts don't keep this one alive; copied if
            // most of it is slack.
            let whole = std::mem::take(&mut self.text);
            match whole.capacity() / 2 > whole.len() {
                true => Bytes::copy_from_slice(&whole),
                false => whole.freeze(),
            }
        };
        self.segment = 0;
        self.line = 0;
        self.total = 0;
        Frame { text, literals: std::mem::take(&mut self.literals) }
    }

    fn excerpt(&self) -> String {
        self.text.get(..EXCERPT).unwrap_or(&self.text).escape_ascii().to_string()
    }

    fn line_error(&self) -> FrameError {
        FrameError::Line { limit: self.line_limit, begin: self.excerpt() }
    }

    fn response_error(&self) -> FrameError {
        FrameError::Response { limit: self.response_limit, begin: self.excerpt() }
    }
}

/// The size of the literal that this line announces at its end; at most `u64::MAX`.
pub(crate) fn announced(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"}")?;
    // Servers must not send the plus (RFC 9051 section 4.3); it is harmless.
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let digits = line.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, digits) = line.split_at_checked(line.len() - digits)?;
    if digits.is_empty() || !before.ends_with(b"{") {
        return None;
    }
    let digit = |sum: u64, &b: &u8| sum.saturating_mul(10).saturating_add(u64::from(b - b'0'));
    Some(digits.iter().fold(0, digit))
}

/// Whether a response that begins with this line is a continuation or a status response: human text
/// up to the line's end (RFC 9051 sections 7.1, 7.6).
fn is_human(line: &[u8]) -> bool {
    let line = after_spaces(line);
    let rest = match line {
        [b'+' | b'[', ..] => return true,
        [b'*', rest @ ..] => rest,
        _ => {
            let tag = line.iter().take_while(|b| !matches!(b, b' ' | b'\t')).count();
            line.get(tag..).unwrap_or_default()
        }
    };
    let rest = after_spaces(rest);
    let word = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count();
    let word = rest.get(..word).unwrap_or_default();
    rest.starts_with(b"[")
        || ["OK", "NO", "BAD", "BYE", "PREAUTH"].iter().any(|s| word.eq_ignore_ascii_case(s.as_bytes()))
}

fn after_spaces(line: &[u8]) -> &[u8] {
    let spaces = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    line.get(spaces..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
