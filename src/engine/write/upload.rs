//! Streamed uploads: literals whose bytes are not in memory. One of them has the line for itself
//! until all that was announced has been written.
//!
//! ```text
//!             ┌── bytes ──┐
//!             v            │
//!   begun ─> Source ───────┴── its end, all given ──────────> the rest of the line
//!             ├── fails, ends early, has more, stalls, cancel:
//!             │     MULTIAPPEND ──> Padding ── filled ──────> ` {0}`, which cancels all ─> NO
//!             │     else ─────────> the connection is closed
//!             └── tagged NO or BAD meanwhile ──> Padding ───> the line's end
//! ```
//!
//! Where more is left to fill up than `MAX_PADDING`, the connection is closed instead.
//!
//! In: bytes, from the poller of what [`Writer::source`] names while there is room. Out: pieces in
//! the outbox, no more at a time than a window.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::command::Taken;
use crate::engine::write::Writer;
use crate::engine::write::dialogue::{Dialogue, LineRest};
use crate::error::{Error, ErrorKind, Result};
use crate::types::CommandId;
use crate::wire::encode::Fragment;

/// How many bytes may wait to be written before the source is asked for more.
const WINDOW: usize = 64 << 10;

/// What a piece takes in memory beside its bytes.
const PIECE_OVERHEAD: usize = 128;

/// How many bytes are filled up for the sake of the connection when a source has failed.
const MAX_PADDING: u64 = 16 << 20;

/// What literals are filled up with: they are not read.
const PADDING: &[u8] = &[b' '; 16 << 10];

/// A piece of a line on its way.
pub(crate) enum Piece {
    Bytes(Bytes),
    /// Nothing is written before the server's `+`.
    Wait,
    /// A literal that its source will give.
    Upload(Taken),
}

/// The pieces of a line, with the sources of the literals that are awaited.
pub(crate) fn pieces(fragments: Vec<Fragment>, sources: Vec<Taken>) -> VecDeque<Piece> {
    let mut sources = sources.into_iter();
    let mut pieces = VecDeque::new();
    for fragment in fragments {
        if matches!(fragment, Fragment::Literal { sync: true, .. } | Fragment::Awaited) {
            pieces.push_back(Piece::Wait);
        }
        pieces.extend(match fragment {
            Fragment::Text(text) => Some(Piece::Bytes(text.into())),
            // Wiped when the last of it has been written.
            Fragment::Secret(text) => Some(Piece::Bytes(Bytes::from_owner(text))),
            Fragment::Literal { data, .. } => Some(Piece::Bytes(data)),
            Fragment::Awaited => sources.next().map(Piece::Upload),
        });
    }
    pieces
}

/// A literal that is being given, and what follows it.
pub(crate) struct Upload {
    rest: LineRest,
    /// How many bytes have been announced, and how many of them have not been given yet.
    size: u64,
    left: u64,
    /// Where they come from; without one they are filled up.
    source: Option<Taken>,
    /// All that was given has been written, and the source gives no more.
    starved_since: Option<Instant>,
}

impl Upload {
    pub(super) fn new(rest: LineRest, source: Taken) -> Self {
        let size = source.size();
        Self { rest, size, left: size, source: Some(source), starved_since: None }
    }

    /// What follows it.
    pub(super) fn rest(&self) -> &LineRest {
        &self.rest
    }

    /// Asks the source for nothing more. It is the server alone that is waited for from now on.
    fn drop_source(&mut self) {
        self.source = None;
        self.starved_since = None;
    }

    /// What is wrong with what the source gave, if anything is.
    fn flaw(&self, given: &Option<io::Result<Bytes>>) -> Option<String> {
        let (size, left) = (self.size, self.left);
        let takes_nul = self.source.as_ref().is_some_and(Taken::takes_nul);
        match given {
            Some(Ok(bytes)) if bytes.len() as u64 > left => {
                Some(format!("the message's source has more than the {size} bytes that were announced"))
            }
            // A literal may hold none (RFC 9051 section 9, CHAR8), but for a literal8.
            Some(Ok(bytes)) if !takes_nul && bytes.contains(&0) => {
                Some("the message's source has a NUL in it".into())
            }
            Some(Ok(_)) => None,
            Some(Err(_)) => Some("the message's source failed".into()),
            None if left > 0 => {
                let given = size - left;
                Some(format!(
                    "the message's source ended after {given} of the {size} bytes that were announced"
                ))
            }
            None => None,
        }
    }

    /// The server answered before the whole literal was sent. The rest is filled up all the same,
    /// since the server reads the next bytes as the literal's. The command ends by that answer,
    /// before the filling is done.
    pub(super) fn on_answer(&mut self) {
        self.rest.tag = None;
        self.drop_source();
        self.rest.pieces = [Piece::Bytes(Bytes::from_static(b"\r\n"))].into_iter().collect();
    }

    /// Whether more bytes are left than are filled up for the sake of the connection.
    pub(crate) fn is_too_long_to_pad(&self) -> bool {
        self.left > MAX_PADDING
    }

    /// RFC 3502 section 6.3.11: "A zero-length message literal argument is an error, and MUST
    /// return a NO. This can be used to cancel the append." The NO may come in place of the `+`.
    pub(crate) fn cancel_append(&mut self) {
        self.drop_source();
        let end = Bytes::from_static;
        self.rest.pieces =
            [Piece::Bytes(end(b" {0}\r\n")), Piece::Wait, Piece::Bytes(end(b"\r\n"))].into_iter().collect();
    }
}

impl Writer {
    /// The upload that has the line.
    pub(crate) fn upload(&mut self) -> Option<&mut Upload> {
        match &mut self.line {
            Some(Dialogue::Upload(upload)) => Some(upload),
            _ => None,
        }
    }

    /// The source that is to be asked for bytes, if there is room for some.
    pub(crate) fn source(&mut self) -> Option<&mut Taken> {
        let waiting = self.outbox.len() + self.outbox.pieces() * PIECE_OVERHEAD;
        if waiting >= WINDOW { None } else { self.upload()?.source.as_mut() }
    }

    /// The source gave bytes, a failure, or its end. The error if that is not what was announced.
    pub(crate) fn on_chunk(&mut self, given: Option<io::Result<Bytes>>) -> Result<()> {
        let Some(upload) = self.upload().filter(|upload| upload.source.is_some()) else { return Ok(()) };
        if let Some(flaw) = upload.flaw(&given) {
            let error = Error::new(ErrorKind::Source, flaw);
            return Err(match given {
                Some(Err(cause)) => error.because(cause),
                _ => error,
            });
        }
        match given {
            // An empty chunk is no activity.
            Some(Ok(bytes)) if bytes.is_empty() => {}
            Some(Ok(bytes)) => {
                upload.starved_since = None;
                upload.left -= bytes.len() as u64;
                let id = upload.rest.id;
                self.outbox.push(id, bytes, false);
            }
            _ => self.end_literal(),
        }
        Ok(())
    }

    /// Writes what follows the literal.
    fn end_literal(&mut self) {
        if let Some(Dialogue::Upload(upload)) = self.line.take_if(|line| matches!(line, Dialogue::Upload(_)))
        {
            self.push_pieces(upload.rest);
        }
    }

    /// How many bytes are left of a literal that has no source any more, if they are too many to be
    /// filled up.
    pub(crate) fn unpaddable(&mut self) -> Option<u64> {
        let abandoned = self.upload().filter(|upload| upload.source.is_none())?;
        abandoned.is_too_long_to_pad().then_some(abandoned.left)
    }

    /// Fills up a literal that has no source any more, as far as there is room.
    pub(crate) fn pad(&mut self) {
        while self.outbox.len() < WINDOW {
            let Some(upload) = self.upload().filter(|upload| upload.source.is_none()) else { return };
            let step = usize::try_from(upload.left).unwrap_or(usize::MAX).min(PADDING.len());
            if step == 0 {
                return self.end_literal();
            }
            upload.left -= step as u64;
            let id = upload.rest.id;
            self.outbox.push(id, Bytes::from_static(PADDING).slice(..step), false);
        }
    }

    /// Whether this command's literal is being streamed, and is to fail. If it waits for its `+`,
    /// no byte of it is there, and its source is given up.
    pub(crate) fn cancel_upload(&mut self, cancelled: CommandId) -> bool {
        match &mut self.line {
            Some(Dialogue::Upload(upload)) => upload.rest.id == cancelled && upload.source.is_some(),
            Some(Dialogue::Literal(rest)) if rest.id == cancelled => {
                for piece in &mut rest.pieces {
                    if let Piece::Upload(source) = piece {
                        source.give_up();
                    }
                }
                false
            }
            _ => false,
        }
    }

    /// Whether an upload waits for its source alone, and since when; then it is not the server that
    /// is silent.
    pub(crate) fn starved_since(&mut self, now: Instant) -> Option<Instant> {
        let empty = self.outbox.is_empty();
        let upload = self.upload().filter(|upload| upload.source.is_some())?;
        upload.starved_since = empty.then(|| upload.starved_since.unwrap_or(now));
        upload.starved_since
    }

    /// When the source has had its time.
    pub(crate) fn upload_deadline(&self, silence: Duration) -> Option<Instant> {
        match &self.line {
            Some(Dialogue::Upload(upload)) => upload.starved_since?.checked_add(silence),
            _ => None,
        }
    }
}
