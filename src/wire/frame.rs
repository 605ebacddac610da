//! The framer: cuts the server's bytes into complete responses, without understanding them.
//!
//! In come the bytes of the socket, in whatever pieces; out comes one [`Frame`] for each response, or a
//! [`FrameError`] where a response would pass one of the [`Limits`]. The only thing to know about IMAP
//! here is where a response ends: at the end of its line, unless the line ends in the announcement of a
//! literal, `{n}`; then `n` octets of any kind follow, and after them the response goes on.
//!
//! ```text
//!           line without announcement: a frame
//!          +---------------------------------+
//!          v                                 |
//!   ---> Line ----- {n}, n < 4096 ------> Small (into the text)
//!          | ^ <------ n octets later ------ |
//!          | |
//!          | +--------- n octets later ---- Large (into a buffer of its own)
//!          +---------- {n}, n >= 4096 --------^
//! ```
//!
//! The rules, all of which are the same however the bytes are cut:
//!
//! - A line ends with LF; CRs before it belong to the line's end. Empty lines between responses are
//!   skipped; they count as octets of the response that follows, so that an endless run of them ends.
//! - An announcement is `{n}`, `{n+}` or either after a `~` (RFC 9051 section 9, `literal`, `literal8`),
//!   at the very end of a line. Quotation marks are not looked at. A quoted string cannot hold a line's
//!   end, so a well-formed `"… {5}"` ends in `"`; and servers that forget to escape a quotation mark
//!   would throw any count of them out of step and cost us the framing of what follows.
//! - A line of human text is never followed by a literal, whatever it ends in (`* OK retry after {5}`):
//!   continuations (`+`), status responses (OK, NO, BAD, BYE, PREAUTH; untagged, or after a tag), and
//!   lines that some servers send with a response code first (`[COPYUID 1 2 3] {5}`). The grammar would
//!   allow a literal within a status response's code; no server is known to send one, and human text in
//!   braces is common.
//! - In all other lines, those of unknown kind among them, an announcement counts: were it passed over,
//!   the octets of a message, which anyone may have written, would be read as responses.
//! - A list of numbers (`* SEARCH`, `* SORT`, `* ESEARCH`, `* VANISHED`) of a mebibyte or more is handed
//!   on in pieces, each a frame by itself ([`list_piece`]): however many messages are
//!   found, the line passes no limit.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use super::list_piece::{self, Cut, PIECE};
use super::literals::Literals;
use crate::types::Limits;

/// A literal of so many octets or more gets a buffer of its own; a smaller one is kept in the text.
pub(crate) const LARGE_LITERAL: usize = 4096;

/// Texts share blocks of this size, so that rows that are read and dropped cost no allocation each. A
/// text that fills more than half of one has an allocation of its own. So nothing kept pins more.
const TEXT_BLOCK: usize = 4096;

/// How much of an offending response an error shows, in octets.
const EXCERPT: usize = 80;

/// One complete response, without its final line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// All but the large literals. A small literal stands right after its `{n}\r\n`, whose line end is
    /// written so whatever the server sent. After the `{n}\r\n` of a large one the text goes straight on.
    pub(crate) text: Bytes,
    /// The literals of [`LARGE_LITERAL`] octets or more, in their order.
    pub(crate) literals: Literals,
}

impl Frame {
    /// How long it is, its literals among it.
    pub(crate) fn octets(&self) -> usize {
        self.text.len() + self.literals.iter().map(Bytes::len).sum::<usize>()
    }

    /// The response as it came, its large literals put back in their places. A copy of just its size: the text may be part
    /// of a block, or have room for more.
    pub(crate) fn to_bytes(&self) -> Bytes {
        if self.literals.is_empty() {
            return Bytes::copy_from_slice(&self.text);
        }
        let mut whole = BytesMut::with_capacity(self.octets());
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

/// Why the framing is lost. The connection cannot go on: where the next response begins is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    /// Too much outside literals, maybe without any end.
    #[error(
        "the server sent a response of more than {limit} octets outside its literals (Limits::line); \
         it begins with \"{begin}\""
    )]
    Line {
        /// The limit, in octets.
        limit: usize,
        /// The first octets of the response, escaped.
        begin: String,
    },
    /// Too large a literal.
    #[error(
        "the server announced a literal of {announced} octets, more than {limit} (Limits::literal); \
         the response begins with \"{begin}\""
    )]
    Literal {
        /// What was announced; `u64::MAX` for that and more.
        announced: u64,
        /// The limit, in octets.
        limit: usize,
        /// The first octets of the response, escaped.
        begin: String,
    },
    /// Too large a response in all.
    #[error(
        "the server sent a response of more than {limit} octets, its literals among them \
         (Limits::response); it begins with \"{begin}\""
    )]
    Response {
        /// The limit, in octets.
        limit: usize,
        /// The first octets of the response, escaped.
        begin: String,
    },
}

/// Cuts a stream of bytes into [`Frame`]s. See the module's head for the rules.
#[derive(Debug)]
pub(crate) struct Framer {
    line_limit: usize,
    literal_limit: usize,
    response_limit: usize,
    /// A list of numbers is cut when its line has so many bytes.
    piece: usize,
    state: State,
    /// The text of the response begun, and room for more.
    text: BytesMut,
    /// Where in `text` the line that is being read begins: 0, or behind a literal.
    segment: usize,
    /// The large literals of the response begun.
    literals: Literals,
    /// Octets outside literals so far.
    line: usize,
    /// Octets so far in all, announced ones included.
    total: usize,
    /// Once lost, the framing stays lost.
    failed: Option<FrameError>,
}

#[derive(Debug)]
enum State {
    Line,
    Small { left: usize },
    Large { left: usize, data: Vec<u8> },
}

impl Framer {
    /// A framer at the beginning of a stream, which keeps these limits: `line`, `literal`, `response`.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            line_limit: limits.line,
            literal_limit: limits.literal,
            response_limit: limits.response,
            piece: PIECE.min(limits.line).min(limits.response),
            state: State::Line,
            text: BytesMut::new(),
            segment: 0,
            literals: Literals::None,
            line: 0,
            total: 0,
            failed: None,
        }
    }

    /// Takes bytes from the front of `src` up to the end of one response. `None`: `src` is used up, and
    /// more is needed. Nothing that is returned or kept shares memory with `src`.
    ///
    /// # Errors
    /// A response passes a limit; every later call gives the same error.
    pub(crate) fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.advance(src);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
            self.text = BytesMut::new();
            self.literals = Literals::None;
            self.state = State::Line;
        }
        result
    }

    /// Whether a response has begun and is not complete, `src` being what is left to decode: the end of
    /// the stream would cut it off.
    pub(crate) fn is_partial(&self, src: &BytesMut) -> bool {
        !matches!(self.state, State::Line)
            || self.text.iter().any(|&b| b != b'\r')
            || src.iter().any(|&b| b != b'\r' && b != b'\n')
    }

    /// How many octets are surely still to come for the large literal that is being read, so that reads
    /// can be sized; 0 outside of one. The server said so: allocate in bounded steps.
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
                State::Large { left, data } => {
                    let piece = src.len().min(*left);
                    if data.capacity() - data.len() < piece {
                        // Doubled as bytes come, but never past the literal's end: at no time more than
                        // twice what has arrived, and in the end no slack.
                        data.reserve_exact(piece.max(data.len()).min(*left));
                    }
                    data.extend_from_slice(src.get(..piece).unwrap_or_default());
                    src.advance(piece);
                    *left -= piece;
                    if *left == 0 {
                        self.literals.push(std::mem::take(data).into());
                        self.segment = self.text.len();
                        self.state = State::Line;
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

    /// A response of one line that is there as a whole, as nearly all are: what the steps of [`advance`](Self::advance)
    /// would give, in one. Takes nothing if the line needs more care: something begun before it, an announcement, a
    /// limit that is near.
    fn whole_line(&mut self, src: &mut BytesMut, end: usize) -> Option<Frame> {
        if !self.text.is_empty() || end > TEXT_BLOCK / 2 {
            return None;
        }
        let mut line = src.get(..end)?;
        while let [rest @ .., b'\r'] = line {
            line = rest;
        }
        let room =
            self.line_limit.saturating_sub(self.line).min(self.response_limit.saturating_sub(self.total));
        if matches!(line, [] | [.., b'}']) || end > room {
            return None;
        }
        self.make_room(line.len());
        self.text.extend_from_slice(line);
        src.advance(end + 1);
        (self.line, self.total) = (0, 0);
        Some(Frame { text: self.text.split().freeze(), literals: Literals::None })
    }

    /// How many bytes the line of a response that has no literal yet lacks of those that a list is cut at; `None` past
    /// that.
    fn room_before_cut(&self) -> Option<usize> {
        self.piece.checked_sub(self.line).filter(|room| *room > 0 && self.segment == 0)
    }

    /// Hands a list of numbers on as far as it has come. What is left begins the next piece.
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
    fn make_room(&mut self, octets: usize) {
        if octets > TEXT_BLOCK / 2 {
            self.text = BytesMut::with_capacity(octets);
        } else if self.text.capacity() < octets && !self.text.try_reclaim(TEXT_BLOCK) {
            self.text = BytesMut::with_capacity(TEXT_BLOCK);
        }
    }

    /// Takes a piece of a line in.
    fn take_text(&mut self, piece: &[u8]) -> Result<(), FrameError> {
        let line_room = self.line_limit.saturating_sub(self.line);
        let room = line_room.min(self.response_limit.saturating_sub(self.total));
        if piece.len() > room {
            // As much as would have been kept had it come byte by byte, so that the error is the same.
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
            // An allocation of its own: what follows must not keep it alive, nor it too much slack.
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

/// The size of the literal that this line announces at its end; what passes `u64` counts as its maximum.
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

/// Whether a response that begins with this line is a continuation or a status response: human text up
/// to the line's end (RFC 9051 sections 7.1, 7.6).
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
