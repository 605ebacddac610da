//! Parses recorded server bytes as a connection does, for bug reports and for tests of servers.
//!
//! In: bytes received from a server. Out: each response with its position, from the framer and
//! grammar that a connection uses, but without the connection: no command is in flight, so nothing
//! is claimed, and no state is kept.
//!
//! ```
//! use imap_duplex::replay::{Replay, RecordedKind};
//! use imap_duplex::types::Limits;
//!
//! let recorded = b"* 3 EXISTS\r\n* 2 FETCH (UID)\r\nA7 OK done\r\n";
//! let all: Vec<_> = Replay::new(recorded, &Limits::default()).collect();
//! assert_eq!(all.len(), 3);
//! assert!(matches!(&all[0].what, RecordedKind::Untagged(response) if response.name() == "EXISTS"));
//! assert!(matches!(&all[1].what, RecordedKind::Unparsed { .. }));
//! assert_eq!(all[1].offset, 12);
//! ```

use bytes::{Bytes, BytesMut};

use crate::types::{Answer, CloseReason, Event, EventKind, Limits, StatusResponse, Untagged};
use crate::wire::frame::Framer;
use crate::wire::{Parser, Response};

/// How many bytes are passed to the framer at once.
const BLOCK: usize = 64 << 10;

/// Iterator over the responses of recorded bytes with their positions.
///
/// It ends after the last complete response; [`incomplete`](Self::incomplete) then returns where a
/// partial one begins. Where the framing is lost, as by a literal larger than [`Limits::literal`],
/// nothing more can be parsed: [`RecordedKind::Lost`] is the last item.
#[derive(Debug)]
pub struct Replay<'a> {
    /// The bytes that have not been passed to the framer.
    rest: &'a [u8],
    all: &'a [u8],
    /// The bytes that the framer has not consumed.
    block: BytesMut,
    framer: Framer,
    parser: Parser,
    /// Where the next response begins, or the empty lines before it.
    at: usize,
    lost: bool,
}

/// One response and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedResponse {
    /// The offset of its first byte from the start of the recorded bytes.
    pub offset: usize,
    /// Its length in bytes, including its line end and its literals.
    pub bytes: usize,
    /// The response itself.
    pub what: RecordedKind,
}

/// The kinds of responses, with their content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordedKind {
    /// `* …`: data, or a status response that ends no command. [`Answer::Other`] is a well-formed
    /// response of a kind unknown to this library.
    Untagged(Box<Untagged>),
    /// `A1 OK …`: the end of a command.
    #[non_exhaustive]
    Tagged {
        /// The command's tag, as the server wrote it.
        tag: String,
        /// How it ended.
        status: StatusResponse,
    },
    /// `+ …`: the server asks for the rest of a command.
    #[non_exhaustive]
    Continuation {
        /// The text after the `+`.
        text: Bytes,
    },
    /// A response that could not be parsed; the next one can be.
    #[non_exhaustive]
    Unparsed {
        /// Its bytes, without the line end.
        bytes: Bytes,
        /// The error, and where in the bytes it is.
        error: String,
    },
    /// The framing is lost here: a limit is exceeded, and the start of the next response is
    /// unknown. A connection ends at this point.
    #[non_exhaustive]
    Lost {
        /// The limit, and what exceeds it.
        error: String,
    },
}

impl<'a> Replay<'a> {
    /// Parses these bytes, which begin at the start of a response, within these limits.
    #[must_use]
    pub fn new(recorded: &'a [u8], limits: &Limits) -> Self {
        Self {
            rest: recorded,
            all: recorded,
            block: BytesMut::new(),
            framer: Framer::new(limits),
            parser: Parser::new(limits),
            at: 0,
            lost: false,
        }
    }

    /// The offset of a partial response at the end of the recorded bytes, once all responses before
    /// it have been returned. `None` if the bytes end with a complete response, or if the framing
    /// is lost. A last line without its line end is partial, because more of it could have
    /// followed.
    #[must_use]
    pub fn incomplete(&self) -> Option<usize> {
        let begun = self.rest.is_empty() && !self.lost && self.framer.is_partial(&self.block);
        begun.then(|| self.begin())
    }

    /// Switches mailbox names to UTF-8 once that is enabled. The recording has no commands, so the
    /// server's ENABLED alone decides.
    fn learn(&mut self, response: &Response) {
        if let Response::Untagged(untagged) = response
            && let Answer::Enabled(names) = untagged.answer()
        {
            let is_utf8 =
                |name: &String| ["UTF8=ACCEPT", "IMAP4rev2"].iter().any(|n| name.eq_ignore_ascii_case(n));
            if names.iter().any(is_utf8) {
                self.parser.set_utf8(true);
            }
        }
    }

    /// Where the next response begins: after empty lines, which belong to none. A CR without LF is
    /// no line end.
    fn begin(&self) -> usize {
        let mut rest = self.all.get(self.at..).unwrap_or_default();
        loop {
            let ends = rest.iter().take_while(|byte| **byte == b'\r').count();
            match rest.get(ends..) {
                Some([b'\n', behind @ ..]) => rest = behind,
                _ => return self.all.len().saturating_sub(rest.len()),
            }
        }
    }
}

impl Iterator for Replay<'_> {
    type Item = RecordedResponse;

    fn next(&mut self) -> Option<RecordedResponse> {
        if self.lost {
            return None;
        }
        loop {
            let what = match self.framer.decode(&mut self.block) {
                Ok(Some(frame)) => match self.parser.read(&frame) {
                    Ok(response) => {
                        self.learn(&response);
                        response.into()
                    }
                    Err(why) => RecordedKind::Unparsed {
                        bytes: frame.to_bytes(),
                        error: format!("{} (at byte {})", why.message, why.at),
                    },
                },
                Ok(None) if self.rest.is_empty() => return None,
                Ok(None) => {
                    let (block, rest) = self.rest.split_at(self.rest.len().min(BLOCK));
                    self.block.extend_from_slice(block);
                    self.rest = rest;
                    continue;
                }
                Err(error) => {
                    self.lost = true;
                    RecordedKind::Lost { error: error.to_string() }
                }
            };
            let offset = self.begin();
            // The lost part extends to the end.
            let left = if self.lost { 0 } else { self.rest.len() + self.block.len() };
            self.at = self.all.len().saturating_sub(left);
            return Some(RecordedResponse { offset, bytes: self.at.saturating_sub(offset), what });
        }
    }
}

impl From<Response> for RecordedKind {
    fn from(response: Response) -> Self {
        match response {
            Response::Untagged(untagged) => Self::Untagged(Box::new(untagged)),
            Response::Tagged { tag, status } => Self::Tagged { tag, status },
            Response::Continuation { text } => Self::Continuation { text },
        }
    }
}

impl RecordedResponse {
    /// Whether it could not be parsed.
    #[must_use]
    pub fn is_unparsed(&self) -> bool {
        matches!(self.what, RecordedKind::Unparsed { .. } | RecordedKind::Lost { .. })
    }

    /// Whether it is well-formed and of a kind unknown to this library.
    #[must_use]
    pub fn is_other(&self) -> bool {
        matches!(&self.what, RecordedKind::Untagged(untagged) if *untagged.answer() == Answer::Other)
    }

    /// The event that a connection reports for it when no command claims it and no mailbox is
    /// selected. `None` for responses that are no events: tagged responses and continuations.
    #[must_use]
    pub fn event(&self) -> Option<Event> {
        let kind = match &self.what {
            RecordedKind::Untagged(untagged) => match untagged.answer() {
                Answer::Status(status) => EventKind::Notice(*status.clone()),
                Answer::Other => EventKind::Unknown {
                    name: untagged.name().to_owned(),
                    bytes: untagged.raw().cloned().unwrap_or_default(),
                },
                answer => EventKind::Data(answer.clone()),
            },
            RecordedKind::Tagged { .. } | RecordedKind::Continuation { .. } => return None,
            RecordedKind::Unparsed { bytes, error } => {
                EventKind::Unparsed { bytes: bytes.clone(), error: error.clone() }
            }
            RecordedKind::Lost { error } => {
                EventKind::Closed { reason: CloseReason::Protocol(error.clone()) }
            }
        };
        Some(Event::new(kind))
    }
}

#[cfg(test)]
mod tests;
