//! Rows of FETCH that are read ahead of the engine: the parser's instructions and the engine's do
//! not fit into a processor's first cache together, so some rows are read before the first of them
//! is handled.
//!
//! In: the bytes that have been read from the socket. Out: the row at their front, with its place.

use std::collections::VecDeque;

use super::codec::Codec;
use crate::types::Message;
use crate::wire::Parser;
use crate::wire::frame::WholeLine;

/// How many rows are read before the first of them is handled.
const MAX_ROWS: usize = 16;

/// The rows at the front of the bytes that have been read and not handled.
#[derive(Default)]
pub(super) struct RowsAhead {
    rows: VecDeque<(WholeLine, Box<Message>)>,
    /// What stands behind them is no row, or not whole.
    is_end: bool,
}

impl RowsAhead {
    /// The row at the front of these bytes, if one is there whole: as most responses of a large
    /// result are, it is one line, and is read where it stands, without a frame of its own. The
    /// caller takes it out of the bytes.
    #[inline]
    pub(super) fn next(
        &mut self,
        bytes: &[u8],
        codec: &Codec,
        parser: &mut Parser,
    ) -> Option<(WholeLine, Box<Message>)> {
        if self.rows.is_empty() && !std::mem::take(&mut self.is_end) {
            self.read(bytes, codec, parser);
        }
        self.rows.pop_front()
    }

    /// Reads the rows at the front. What one of them does can't change how the next is to be read.
    /// Not inlined: it is the parser's part, and stands apart from what is called for each row.
    #[inline(never)]
    fn read(&mut self, bytes: &[u8], codec: &Codec, parser: &mut Parser) {
        let mut rest = bytes;
        while self.rows.len() < MAX_ROWS {
            let line = codec.first_line(rest);
            let read = line.and_then(|line| Some((line, parser.read_row(rest.get(..line.text)?)?)));
            let Some((line, row)) = read else {
                self.is_end = !self.rows.is_empty();
                return;
            };
            self.rows.push_back((line, row));
            rest = rest.get(line.next..).unwrap_or_default();
        }
    }
}
