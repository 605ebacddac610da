//! Responses of one line that have arrived whole, as nearly all do: what the framer's steps come to
//! for these, in one.
//!
//! In: what has been received. Out: the line as a frame; or where it stands, so that a row can be
//! read without a copy of its text.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use super::{Frame, Framer, Literals, State, TEXT_BLOCK};

/// Where a line stands at the front of what has been received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WholeLine {
    /// Its length without its end.
    pub(crate) text: usize,
    /// Where the next one begins.
    pub(crate) next: usize,
}

impl Framer {
    /// The first line, if it is a response by itself.
    pub(crate) fn first_line(&self, src: &[u8]) -> Option<WholeLine> {
        if self.failed.is_some() || !matches!(self.state, State::Line) || !self.text.is_empty() {
            return None;
        }
        self.line_up_to(src, memchr(b'\n', src)?)
    }

    /// The line was read where it stood.
    pub(crate) fn skip_line(&mut self, line: WholeLine, src: &mut BytesMut) {
        src.advance(line.next);
        (self.line, self.total) = (0, 0);
    }

    /// The line that ends here, as a frame. Takes nothing if it needs more care.
    pub(super) fn whole_line(&mut self, src: &mut BytesMut, end: usize) -> Option<Frame> {
        let line = self.line_up_to(src, end)?;
        let text = src.get(..line.text)?;
        let text = if self.text.capacity() == 0 && line.next == src.len() {
            // The only one of its read: a block would be for this one alone.
            Bytes::copy_from_slice(text)
        } else {
            self.make_room(line.text);
            self.text.extend_from_slice(text);
            self.text.split().freeze()
        };
        self.skip_line(line, src);
        Some(Frame { text, literals: Literals::None })
    }

    /// The line that ends here; `None` if it needs more care: a partial response before it, an
    /// announcement, a limit that is near.
    #[inline]
    fn line_up_to(&self, src: &[u8], end: usize) -> Option<WholeLine> {
        if !self.text.is_empty() || end > TEXT_BLOCK / 2 {
            return None;
        }
        let mut line = src.get(..end)?;
        while let [rest @ .., b'\r'] = line {
            line = rest;
        }
        let room =
            self.line_limit.saturating_sub(self.line).min(self.response_limit.saturating_sub(self.total));
        let needs_care = matches!(line, [] | [.., b'}']) || end > room;
        (!needs_care).then_some(WholeLine { text: line.len(), next: end + 1 })
    }
}
