//! Long literals that are kept: read from the socket into the buffer that they end up in, without a
//! copy through the read buffer.

use bytes::BufMut;
use bytes::buf::Limit;

use super::{Framer, State};

/// With less to come a literal is read with what follows it, by one read.
const MIN_DIRECT: usize = 32 << 10;
/// How much room is made at once for a literal of which little has come.
const ROOM: usize = 64 << 10;

impl Framer {
    /// Where the next bytes can be read to, if a long literal is under way. All that was read
    /// before must have been decoded. What has been read is to be
    /// [noted](Self::note_direct_read).
    pub(crate) fn direct_room(&mut self) -> Option<Limit<&mut Vec<u8>>> {
        let State::Large { left, data } = &mut self.state else { return None };
        if *left < MIN_DIRECT {
            return None;
        }
        if data.len() == data.capacity() {
            // As where it is copied: never more than twice what has come, or one step.
            data.reserve_exact(ROOM.max(data.len()).min(*left));
        }
        let room = (data.capacity() - data.len()).min(*left);
        Some(data.limit(room))
    }

    /// So many bytes were read there.
    pub(crate) fn note_direct_read(&mut self, count: usize) {
        let State::Large { left, data } = &mut self.state else { return };
        *left = left.saturating_sub(count);
        if *left == 0 {
            let literal = std::mem::take(data);
            self.end_large(literal);
        }
    }

    /// All of a large literal has come.
    pub(super) fn end_large(&mut self, literal: Vec<u8>) {
        self.literals.push(literal.into());
        self.segment = self.text.len();
        self.state = State::Line;
    }
}
