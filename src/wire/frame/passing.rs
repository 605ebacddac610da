//! Literals that are handed out while they come: of a row of FETCH the framer offers each that is
//! long enough, and passes it on in pieces where someone takes it. Its row goes on without it.
//!
//! ```text
//!   Line ── {n}, n >= offer_from ──> Offered ── pass ──> Passing ── n bytes later ──> Line (NIL)
//!                                       └────── keep ──> Small or Large, as any other literal
//! ```

use bytes::{Bytes, BytesMut};

use super::{FrameError, Framer, LARGE_LITERAL, Literals, State};

/// A piece of at least this length is handed out as it was read. One that is shorter is copied,
/// since it would keep all of its read's memory alive.
pub(crate) const SHARED_PIECE: usize = 32 << 10;

/// A literal that is announced, and may be handed out while it comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer<'a> {
    /// The row up to the announcement.
    pub(crate) before: &'a [u8],
    /// The large literals in that.
    pub(crate) literals: &'a Literals,
    /// How many bytes the literal has.
    pub(crate) size: u64,
}

impl Framer {
    /// Literals of rows that are so long are offered; none is at first.
    pub(crate) fn offer_from(&mut self, size: u64) {
        self.offer_from = size.max(LARGE_LITERAL as u64);
    }

    /// Whether a literal of this size is to be offered: the response begins as a row of FETCH does.
    pub(super) fn is_offered(&self, size: u64) -> bool {
        let is_long = self.offer_from < u64::MAX && size >= self.offer_from;
        is_long && matches!(*self.text, [b'*', b' ', digit, ..] if digit.is_ascii_digit())
    }

    /// The literal that is offered: [`pass`](Self::pass) or [`keep`](Self::keep) it, for nothing is
    /// decoded before that.
    pub(crate) fn offered(&self) -> Option<Offer<'_>> {
        let State::Offered { size } = self.state else { return None };
        let before = self.text.get(..announcement(&self.text)).unwrap_or_default();
        Some(Offer { before, literals: &self.literals, size })
    }

    /// It is handed out piece by piece. In the row's text NIL takes its place; it counts against no
    /// limit.
    pub(crate) fn pass(&mut self) {
        let State::Offered { size } = self.state else { return };
        self.text.truncate(announcement(&self.text));
        self.text.extend_from_slice(b"NIL");
        self.segment = self.text.len();
        self.state = State::Passing { left: size };
    }

    /// It becomes a part of its frame, as other literals do.
    ///
    /// # Errors
    /// It exceeds a limit.
    pub(crate) fn keep(&mut self) -> Result<(), FrameError> {
        let State::Offered { size } = self.state else { return Ok(()) };
        self.state = State::Line;
        let result = self.begin_literal(size);
        self.note_failure(&result);
        result
    }

    /// The next piece of the literal that passes through, of what has been received; and whether it
    /// is the last.
    pub(crate) fn passing(&mut self, src: &mut BytesMut) -> Option<(Bytes, bool)> {
        let State::Passing { left } = &mut self.state else { return None };
        let count = usize::try_from(*left).unwrap_or(usize::MAX).min(src.len());
        if count == 0 {
            return None;
        }
        let piece = src.split_to(count);
        let piece = if count < SHARED_PIECE { Bytes::copy_from_slice(&piece) } else { piece.freeze() };
        *left -= count as u64;
        let is_last = *left == 0;
        if is_last {
            self.state = State::Line;
        }
        Some((piece, is_last))
    }
}

/// Where in a text the announcement at its end begins.
fn announcement(text: &[u8]) -> usize {
    let brace = text.iter().rposition(|b| *b == b'{').unwrap_or(text.len());
    let is_binary = text.get(..brace).is_some_and(|before| before.ends_with(b"~"));
    brace - usize::from(is_binary)
}
