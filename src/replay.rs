//! Recorded server bytes, read as a connection reads them: what a bug report and a test of a server need.
//!
//! In: bytes as they came from a server. Out: each response of them with its place, by the very framer and grammar that a
//! connection uses, but without a connection: no command is in flight, so nothing is claimed, and no state is kept.
//!
//! ```
//! use imap_duplex::replay::{Replay, What};
//! use imap_duplex::types::Limits;
//!
//! let recorded = b"* 3 EXISTS\r\n* 2 FETCH (UID)\r\nA7 OK done\r\n";
//! let all: Vec<_> = Replay::new(recorded, &Limits::default()).collect();
//! assert_eq!(all.len(), 3);
//! assert!(matches!(&all[0].what, What::Untagged(told) if told.name() == "EXISTS"));
//! assert!(matches!(&all[1].what, What::Unparsed { .. }));
//! assert_eq!(all[1].offset, 12);
//! ```

use bytes::{Bytes, BytesMut};

use crate::types::{Answer, CloseReason, Event, EventKind, Limits, StatusResponse, Untagged};
use crate::wire::frame::Framer;
use crate::wire::{Parser, Response};

/// How many octets go to the framer at once.
const BLOCK: usize = 64 << 10;

/// The responses of recorded bytes, one after the other, with their places.
///
/// It ends behind the last whole response; [`incomplete`](Self::incomplete) then says whether one had begun. Where the
/// framing is lost, as by a literal larger than [`Limits::literal`], nothing can be read any more:
/// [`What::Lost`] is the last item.
#[derive(Debug)]
pub struct Replay<'a> {
    /// What has not gone to the framer yet.
    rest: &'a [u8],
    all: &'a [u8],
    /// What the framer has not taken yet.
    block: BytesMut,
    framer: Framer,
    parser: Parser,
    /// Where the next response begins, or the line ends before it.
    at: usize,
    lost: bool,
}

/// One response, and where it stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Heard {
    /// Where it begins: the octets before it, from the start of the recorded bytes.
    pub offset: usize,
    /// How long it is, in octets, its line end and its literals among them.
    pub octets: usize,
    /// What it says.
    pub what: What,
}

/// What a response says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum What {
    /// `* …`: data, or a status response that ends no command. [`Answer::Other`] is a well-formed response of a
    /// kind that this library does not know.
    Untagged(Box<Untagged>),
    /// `A1 OK …`: the end of a command.
    #[non_exhaustive]
    Tagged {
        /// The command's tag, as the server wrote it.
        tag: String,
        /// How it ended.
        status: StatusResponse,
    },
    /// `+ …`: the server waits for more of a command.
    #[non_exhaustive]
    Continuation {
        /// What stands behind the `+`.
        text: Bytes,
    },
    /// A response that can't be read; the next one can.
    #[non_exhaustive]
    Unparsed {
        /// Its bytes, without the line's end.
        bytes: Bytes,
        /// What is wrong with them, and where.
        error: String,
    },
    /// The framing is lost here: a limit is passed, and where the next response begins is not known. A connection
    /// ends at this point.
    #[non_exhaustive]
    Lost {
        /// Which limit, and what passes it.
        error: String,
    },
}

impl<'a> Replay<'a> {
    /// Reads these bytes, which begin where a response does, within these limits.
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

    /// Where a response begins that the recorded bytes do not hold whole, once all that come before it have been read.
    /// `None` if they end where a response does, or if the framing is lost. A last line without its line end is
    /// incomplete: more of it could have come.
    #[must_use]
    pub fn incomplete(&self) -> Option<usize> {
        let begun = self.rest.is_empty() && !self.lost && self.framer.is_partial(&self.block);
        begun.then(|| self.begin())
    }

    /// Names come in UTF-8 once that is enabled. Nobody here knows who asked for it: a server that says so is believed.
    fn learn(&mut self, response: &Response) {
        if let Response::Untagged(told) = response
            && let Answer::Enabled(names) = told.answer()
        {
            let is_utf8 =
                |name: &String| ["UTF8=ACCEPT", "IMAP4rev2"].iter().any(|n| name.eq_ignore_ascii_case(n));
            if names.iter().any(is_utf8) {
                self.parser.set_utf8(true);
            }
        }
    }

    /// Where the next response begins: behind empty lines, which belong to none. A CR without LF is no line end.
    fn begin(&self) -> usize {
        let mut rest = self.all.get(self.at..).unwrap_or_default();
        loop {
            let ends = rest.iter().take_while(|octet| **octet == b'\r').count();
            match rest.get(ends..) {
                Some([b'\n', behind @ ..]) => rest = behind,
                _ => return self.all.len().saturating_sub(rest.len()),
            }
        }
    }
}

impl Iterator for Replay<'_> {
    type Item = Heard;

    fn next(&mut self) -> Option<Heard> {
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
                    Err(why) => What::Unparsed {
                        bytes: frame.to_bytes(),
                        error: format!("{} (at octet {})", why.message, why.at),
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
                    What::Lost { error: error.to_string() }
                }
            };
            let offset = self.begin();
            // What is lost reaches to the end: nothing behind it can be read.
            let left = if self.lost { 0 } else { self.rest.len() + self.block.len() };
            self.at = self.all.len().saturating_sub(left);
            return Some(Heard { offset, octets: self.at.saturating_sub(offset), what });
        }
    }
}

impl From<Response> for What {
    fn from(response: Response) -> Self {
        match response {
            Response::Untagged(untagged) => Self::Untagged(Box::new(untagged)),
            Response::Tagged { tag, status } => Self::Tagged { tag, status },
            Response::Continuation { text } => Self::Continuation { text },
        }
    }
}

impl Heard {
    /// Whether it could not be read.
    #[must_use]
    pub fn is_unparsed(&self) -> bool {
        matches!(self.what, What::Unparsed { .. } | What::Lost { .. })
    }

    /// Whether it is well-formed, and of a kind that this library does not know.
    #[must_use]
    pub fn is_other(&self) -> bool {
        matches!(&self.what, What::Untagged(told) if *told.answer() == Answer::Other)
    }

    /// The event that it is on a connection where no command claims it and no mailbox is selected. `None` for what is
    /// no event by itself: tagged responses and continuations.
    #[must_use]
    pub fn event(&self) -> Option<Event> {
        let kind = match &self.what {
            What::Untagged(told) => match told.answer() {
                Answer::Status(status) => EventKind::Notice(status.clone()),
                Answer::Other => EventKind::Unknown {
                    name: told.name().to_owned(),
                    bytes: told.raw().cloned().unwrap_or_default(),
                },
                answer => EventKind::Data(answer.clone()),
            },
            What::Tagged { .. } | What::Continuation { .. } => return None,
            What::Unparsed { bytes, error } => {
                EventKind::Unparsed { bytes: bytes.clone(), error: error.clone() }
            }
            What::Lost { error } => EventKind::Closed { reason: CloseReason::Protocol(error.clone()) },
        };
        Some(Event::new(kind))
    }
}

#[cfg(test)]
mod tests;
