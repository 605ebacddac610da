//! Streamed uploads: literals whose octets are not in memory. One of them has the line for itself until all that was announced
//! has been written.
//!
//! ```text
//!             ┌── bytes ──┐
//!             v            │
//!   begun ─> Source ───────┴── its end, all given ──────────> the rest of the line
//!             ├── fails, ends early, has more, stalls, cancel:
//!             │     MULTIAPPEND ──> Padding ── filled ──────> ` {0}`, which cancels all ─> NO
//!             │     else ─────────> the connection is closed
//!             └── tagged NO or BAD meanwhile ──> Padding ───> the line's end
//!
//! Where more is left to fill up than `MAX_PADDING`, the connection is closed instead.
//! ```
//!
//! In: octets, by [`Engine::route`], from whoever polls what [`Engine::source`] names while there is room. Out: pieces in the
//! outbox, no more at a time than a window.

use std::collections::VecDeque;
use std::io;
use std::time::Instant;

use bytes::Bytes;

use crate::command::Taken;
use crate::engine::Engine;
use crate::engine::write::line::Dialogue;
use crate::error::{Error, ErrorKind, Sent};
use crate::types::{CloseReason, CommandId};
use crate::wire::encode::Fragment;

/// How many octets may wait to be written before the source is asked for more.
const WINDOW: usize = 64 << 10;

/// What a piece takes in memory beside its octets.
const PIECE_OVERHEAD: usize = 128;

/// How many octets are filled up for the sake of the connection when a source has failed.
const MAX_PADDING: u64 = 16 << 20;

/// What literals are filled up with: nobody will read it.
const PADDING: &[u8] = &[b' '; 16 << 10];

/// A piece of a line on its way.
pub(in crate::engine) enum Piece {
    Bytes(Bytes),
    /// Nothing goes on before the server's `+`.
    Wait,
    /// A literal that its source will give.
    Upload(Taken),
}

/// The pieces of a line, with the sources of the literals that are awaited.
pub(in crate::engine) fn pieces(fragments: Vec<Fragment>, sources: Vec<Taken>) -> VecDeque<Piece> {
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

/// A literal that is being given, and what comes after it.
pub(in crate::engine) struct Upload {
    id: CommandId,
    /// The tag of its line, until that has been answered.
    tag: Option<String>,
    rest: VecDeque<Piece>,
    last: bool,
    /// How many octets have been announced, and how many of them have not been given yet.
    size: u64,
    left: u64,
    /// Where they come from; without one they are filled up.
    source: Option<Taken>,
    /// All that was given has been written, and the source gives no more.
    starved_since: Option<Instant>,
}

impl Upload {
    pub(in crate::engine) fn new(
        id: CommandId,
        tag: Option<String>,
        source: Taken,
        rest: VecDeque<Piece>,
        last: bool,
    ) -> Self {
        let size = source.size();
        Self { id, tag, rest, last, size, left: size, source: Some(source), starved_since: None }
    }

    pub(in crate::engine) fn id(&self) -> CommandId {
        self.id
    }

    pub(in crate::engine) fn is_of(&self, tag: &str) -> bool {
        self.tag.as_ref().is_some_and(|mine| mine.eq_ignore_ascii_case(tag))
    }

    /// Asks the source for nothing more. It is the server alone that is waited for from now on.
    fn drop_source(&mut self) {
        self.source = None;
        self.starved_since = None;
    }

    /// What is wrong with what the source gave, if anything is.
    fn flaw(&self, given: &Option<io::Result<Bytes>>) -> Option<String> {
        let (size, left) = (self.size, self.left);
        match given {
            Some(Ok(bytes)) if bytes.len() as u64 > left => {
                Some(format!("the message's source has more than the {size} octets that were announced"))
            }
            // No literal may hold one (RFC 9051 section 9, CHAR8).
            Some(Ok(bytes)) if bytes.contains(&0) => Some("the message's source has a NUL in it".into()),
            Some(Ok(_)) => None,
            Some(Err(_)) => Some("the message's source failed".into()),
            None if left > 0 => {
                let given = size - left;
                Some(format!(
                    "the message's source ended after {given} of the {size} octets that were announced"
                ))
            }
            None => None,
        }
    }
}

impl Engine {
    /// The source that is to be asked for octets, if there is room for some.
    pub(crate) fn source(&mut self) -> Option<&mut Taken> {
        let waiting = self.outbox.len() + self.outbox.pieces() * PIECE_OVERHEAD;
        if waiting >= WINDOW || !self.lifecycle.may_write() {
            return None;
        }
        match &mut self.line {
            Some(Dialogue::Upload(upload)) => upload.source.as_mut(),
            _ => None,
        }
    }

    /// What the source gave: octets, a failure, or its end.
    pub(crate) fn handle_chunk(&mut self, given: Option<io::Result<Bytes>>) {
        let Some(Dialogue::Upload(upload)) = &mut self.line else { return };
        if upload.source.is_none() {
            return;
        }
        if let Some(flaw) = upload.flaw(&given) {
            let error = Error::new(ErrorKind::Source, flaw);
            return self.upload_failed(match given {
                Some(Err(cause)) => error.because(cause),
                _ => error,
            });
        }
        match given {
            Some(Ok(bytes)) => {
                // Nothing at all is no sign of life.
                if !bytes.is_empty() {
                    upload.starved_since = None;
                    upload.left -= bytes.len() as u64;
                    self.outbox.push(upload.id, bytes, false);
                }
            }
            _ => self.end_literal(),
        }
    }

    /// Writes what follows the literal.
    fn end_literal(&mut self) {
        if let Some(Dialogue::Upload(upload)) = self.line.take_if(|line| matches!(line, Dialogue::Upload(_)))
        {
            let Upload { id, tag, rest, last, .. } = upload;
            self.push_pieces(id, tag, rest, last);
        }
    }

    /// Fills up what nobody wants any more, or closes the connection if that is too much.
    pub(in crate::engine) fn fill_abandoned_literal(&mut self) {
        // One that failed has been looked at when it did; this one was refused.
        if let Some(Dialogue::Upload(upload)) = &self.line
            && upload.source.is_none()
            && upload.left > MAX_PADDING
        {
            let left = upload.left;
            return self.close(CloseReason::Upload(format!(
                "the server answered with {left} octets of the message still to come, too many to fill up"
            )));
        }
        while self.outbox.len() < WINDOW && self.lifecycle.may_write() {
            let Some(Dialogue::Upload(upload)) = &mut self.line else { return };
            if upload.source.is_some() {
                return;
            }
            let step = usize::try_from(upload.left).unwrap_or(usize::MAX).min(PADDING.len());
            if step == 0 {
                return self.end_literal();
            }
            upload.left -= step as u64;
            let bytes = Bytes::from_static(PADDING).slice(..step);
            self.outbox.push(upload.id, bytes, false);
        }
    }

    /// The octets that were announced will not come.
    fn upload_failed(&mut self, error: Error) {
        let can_cancel = self.session.can("MULTIAPPEND");
        let Some(Dialogue::Upload(upload)) = &mut self.line else { return };
        let id = upload.id;
        if !self.inflight.has(id) {
            return;
        }
        let error = error.with_sent(Sent::Partly);
        if !can_cancel || upload.left > MAX_PADDING {
            // A server that waits for octets takes nothing else, and would take the next command for them.
            let cause = std::error::Error::source(&error);
            let why = error.message();
            let reason = CloseReason::Upload(cause.map_or(why.to_owned(), |cause| format!("{why}: {cause}")));
            self.end_flight(id, Err(error.closed_by(&reason)));
            return self.close(reason);
        }
        self.inflight.fail(id, error);
        self.inflight.stop_lines(id);
        upload.drop_source();
        // RFC 3502 section 6.3.11: "A zero-length message literal argument is an error, and MUST return a NO. This can be
        // used to cancel the append." The NO may come in place of the `+`.
        let end = Bytes::from_static;
        upload.rest =
            [Piece::Bytes(end(b" {0}\r\n")), Piece::Wait, Piece::Bytes(end(b"\r\n"))].into_iter().collect();
        self.fill_abandoned_literal();
    }

    /// The server has answered before it was given all that was announced: it has to be given that all the same, for it takes
    /// what comes for the literal's octets. The command ends by its answer first; then they are filled up.
    pub(in crate::engine) fn upload_answered(&mut self) {
        let Some(Dialogue::Upload(upload)) = &mut self.line else { return };
        upload.tag = None;
        upload.drop_source();
        upload.rest = [Piece::Bytes(Bytes::from_static(b"\r\n"))].into_iter().collect();
    }

    /// A command that has been begun is cancelled: what is streamed of it is given up.
    pub(in crate::engine) fn cancel_upload(&mut self, id: CommandId) {
        let cancelled = || Error::new(ErrorKind::Source, "the upload was cancelled in the midst of it");
        match &mut self.line {
            Some(Dialogue::Upload(upload)) if upload.id == id && upload.source.is_some() => {
                self.upload_failed(cancelled());
            }
            // It waits for its `+`: then there is no octet of it.
            Some(Dialogue::Literal { id: mine, rest, .. }) if *mine == id => {
                let mut sources = rest.iter_mut().filter_map(|piece| match piece {
                    Piece::Upload(source) => Some(source),
                    _ => None,
                });
                sources.by_ref().for_each(Taken::give_up);
            }
            _ => {}
        }
    }

    /// Whether an upload waits for its source alone, and since when; then it is not the server that is silent.
    pub(in crate::engine) fn starved_since(&mut self, now: Instant) -> Option<Instant> {
        let empty = self.outbox.is_empty();
        match &mut self.line {
            Some(Dialogue::Upload(upload)) if upload.source.is_some() => {
                if empty {
                    upload.starved_since.get_or_insert(now);
                } else {
                    upload.starved_since = None;
                }
                upload.starved_since
            }
            _ => None,
        }
    }

    /// When the source has had its time.
    pub(in crate::engine) fn upload_deadline(&self) -> Option<Instant> {
        match &self.line {
            Some(Dialogue::Upload(upload)) if upload.source.is_some() => {
                upload.starved_since?.checked_add(self.settings.silence)
            }
            _ => None,
        }
    }

    /// The source gave nothing for too long.
    pub(in crate::engine) fn source_stalled(&mut self) {
        let waited = self.settings.silence;
        self.upload_failed(Error::new(
            ErrorKind::Source,
            format!("the message's source gave nothing for {waited:?}"),
        ));
    }
}
