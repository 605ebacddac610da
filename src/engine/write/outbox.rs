//! The outbox: bytes on their way to the socket, each chunk with the command that it belongs to.
//!
//! In: the fragments of lines that have been admitted. Out: bytes for the next write, many
//! commands' at once. A command none of whose bytes has been written can still be taken out.
//!
//! ```text
//!   chunks   │ line │ line │ literal ───────────── │ line │
//!   staged   └ copied for one write ┘ ^ what comes next
//! ```
//!
//! Small chunks are copied together, once, and the copy serves until all of it has been written,
//! however few bytes the socket takes at a time. It may hold a password, so it is wiped.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use zeroize::Zeroizing;

use crate::engine::write::wire_log;
use crate::types::CommandId;

/// A chunk of this length is worth a write of its own, uncopied.
const LARGE: usize = 16 << 10;

#[derive(Default)]
pub(crate) struct Outbox {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    /// A copy of what the first chunks hold, up to where they are large.
    staged: Zeroizing<Vec<u8>>,
    /// How much of the copy has been written.
    written: usize,
    /// What is added next begins a line.
    opening: bool,
}

#[derive(Debug)]
struct Chunk {
    id: CommandId,
    data: Bytes,
    /// Some of it has been written.
    begun: bool,
    /// A line begins with it, and so it with a tag.
    opens: bool,
    /// The command's last.
    last: bool,
    /// The log must not show it.
    hidden: bool,
}

impl Outbox {
    /// What is added next begins a line with a tag.
    pub(crate) fn open_line(&mut self) {
        self.opening = true;
    }

    /// Adds bytes; `last` if they end the command.
    pub(crate) fn push(&mut self, id: CommandId, data: Bytes, last: bool) {
        self.push_piece(id, data, last, false);
    }

    /// Adds bytes that the log may not show, if `hidden`.
    pub(crate) fn push_piece(&mut self, id: CommandId, data: Bytes, last: bool, hidden: bool) {
        // An empty literal; nothing would ever write it.
        if data.is_empty() {
            return;
        }
        self.bytes += data.len();
        let opens = std::mem::take(&mut self.opening);
        self.chunks.push_back(Chunk { id, data, begun: false, opens, last, hidden });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// In how many pieces they are.
    pub(crate) fn pieces(&self) -> usize {
        self.chunks.len()
    }

    /// Whether bytes of this command wait.
    pub(crate) fn holds(&self, id: CommandId) -> bool {
        self.chunks.iter().any(|chunk| chunk.id == id)
    }

    /// Whether the line with this tag waits, and not a byte of it has been written.
    pub(crate) fn has_yet_to_begin(&self, id: CommandId, tag: &str) -> bool {
        let is_its = |chunk: &Chunk| {
            let (written, behind) = chunk.data.split_at(tag.len().min(chunk.data.len()));
            written.eq_ignore_ascii_case(tag.as_bytes()) && behind.first() == Some(&b' ')
        };
        self.chunks.iter().any(|chunk| chunk.id == id && chunk.opens && !chunk.begun && is_its(chunk))
    }

    /// Takes out all that waits of this command, if none of that has been begun.
    pub(crate) fn withdraw(&mut self, id: CommandId) -> bool {
        if self.chunks.iter().any(|chunk| chunk.id == id && chunk.begun) {
            return false;
        }
        self.chunks.retain(|chunk| chunk.id != id);
        self.bytes = self.chunks.iter().map(|chunk| chunk.data.len()).sum();
        self.unstage();
        true
    }

    /// The next bytes for one write: small chunks together, up to `most` bytes; a large one by
    /// itself, uncopied.
    pub(crate) fn next_write(&mut self, most: usize) -> &[u8] {
        if self.written == self.staged.len() {
            self.stage(most);
        }
        match self.chunks.front() {
            Some(first) if self.staged.is_empty() => &first.data,
            _ => self.staged.get(self.written..).unwrap_or_default(),
        }
    }

    /// Copies the first chunks, if there is more than one to put together.
    fn stage(&mut self, most: usize) {
        self.unstage();
        // One that is begun is the rest of a large one, or of what was put together before.
        let is_large = |chunk: &Chunk| chunk.begun || chunk.data.len() >= LARGE.min(most);
        if self.chunks.len() < 2 || self.chunks.front().is_some_and(is_large) {
            return;
        }
        let mut room = most;
        let small = self.chunks.iter().take_while(|chunk| {
            let fits = !is_large(chunk) && chunk.data.len() <= room;
            room = room.saturating_sub(chunk.data.len());
            fits
        });
        let small: Vec<&Bytes> = small.map(|chunk| &chunk.data).collect();
        // Room is made at once, so that no copy of a secret is left behind where the buffer has
        // grown.
        let mut staged = Zeroizing::new(Vec::with_capacity(small.iter().map(|data| data.len()).sum()));
        small.into_iter().for_each(|data| staged.extend_from_slice(data));
        self.staged = staged;
    }

    fn unstage(&mut self) {
        self.staged = Zeroizing::default();
        self.written = 0;
    }

    /// This many bytes have been written. Of which commands, how many, and whether the last, goes
    /// to `report`.
    pub(crate) fn advance(&mut self, mut count: usize, mut report: impl FnMut(CommandId, usize, bool)) {
        self.bytes = self.bytes.saturating_sub(count);
        self.written = self.staged.len().min(self.written + count);
        if self.written == self.staged.len() {
            self.unstage();
        }
        while let Some(chunk) = self.chunks.front_mut() {
            if count == 0 && !chunk.data.is_empty() {
                break;
            }
            let step = count.min(chunk.data.len());
            if !chunk.begun {
                wire_log::sent(&chunk.data, chunk.hidden, chunk.opens);
            }
            count -= step;
            chunk.data.advance(step);
            chunk.begun = true;
            let (id, done) = (chunk.id, chunk.data.is_empty());
            report(id, step, done && chunk.last);
            if !done {
                break;
            }
            self.chunks.pop_front();
        }
        if self.chunks.is_empty() {
            // An idle connection holds no room for them.
            self.chunks = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advanced(outbox: &mut Outbox, count: usize) -> Vec<(CommandId, usize, bool)> {
        let mut written = Vec::new();
        outbox.advance(count, |id, count, whole| written.push((id, count, whole)));
        written
    }

    #[test]
    fn writes_many_commands_at_once_and_says_how_far_each_got() {
        let mut outbox = Outbox::default();
        let (a, b, c) = (CommandId(1), CommandId(2), CommandId(3));
        outbox.push(a, Bytes::from_static(b"one\r\n"), true);
        outbox.push(b, Bytes::from_static(b"two\r\n"), true);
        outbox.push(c, Bytes::from_static(b"three\r\n"), true);
        assert_eq!(outbox.next_write(100), b"one\r\ntwo\r\nthree\r\n");
        assert_eq!(advanced(&mut outbox, 7), [(a, 5, true), (b, 2, false)]);
        assert_eq!(outbox.next_write(100), b"o\r\nthree\r\n");
        assert!(!outbox.withdraw(b), "begun");
        assert!(outbox.withdraw(c));
        assert_eq!(outbox.next_write(100), b"o\r\n");
        assert_eq!(outbox.len(), 3);
        assert_eq!(advanced(&mut outbox, 3), [(b, 3, true)]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn copies_small_ones_once_however_little_is_written_at_a_time() {
        let mut outbox = Outbox::default();
        let text: Vec<u8> = (0..100).flat_map(|n: u8| vec![n; 10]).collect();
        for (n, piece) in (0..).zip(text.chunks(10)) {
            outbox.push(CommandId(n), Bytes::copy_from_slice(piece), true);
        }
        let at = outbox.next_write(500).as_ptr();
        let mut written = Vec::new();
        for step in 0..500 {
            let next = outbox.next_write(500);
            assert_eq!(next.as_ptr() as usize, at as usize + step, "the same copy");
            written.push(next[0]);
            advanced(&mut outbox, 1);
        }
        while !outbox.is_empty() {
            let next = outbox.next_write(500);
            written.push(next[0]);
            advanced(&mut outbox, 1);
        }
        assert_eq!(written, text);
    }

    #[test]
    fn knows_which_lines_have_not_begun() {
        let mut outbox = Outbox::default();
        let a = CommandId(1);
        for (line, opens) in [("A1 APPEND x {5}\r\n", true), ("A2 ab\r\n", false), ("A12 NOOP\r\n", true)] {
            if opens {
                outbox.open_line();
            }
            outbox.push(a, Bytes::from(line), false);
        }
        let yet = |outbox: &Outbox, tag: &str| outbox.has_yet_to_begin(a, tag);
        assert!(yet(&outbox, "A1") && yet(&outbox, "a12"));
        assert!(!yet(&outbox, "A2"), "it is a message that looks like a line");
        assert!(!outbox.has_yet_to_begin(CommandId(2), "A1"));
        advanced(&mut outbox, 1);
        assert!(!yet(&outbox, "A1") && yet(&outbox, "A12"));
    }

    #[test]
    fn a_large_one_is_not_copied() {
        let mut outbox = Outbox::default();
        let large = Bytes::from(vec![b'x'; LARGE]);
        outbox.push(CommandId(1), Bytes::from_static(b"small\r\n"), false);
        outbox.push(CommandId(1), large.clone(), false);
        outbox.push(CommandId(1), Bytes::from_static(b"\r\n"), true);
        assert_eq!(outbox.next_write(64 << 10), b"small\r\n");
        advanced(&mut outbox, 7);
        assert_eq!(outbox.next_write(64 << 10).as_ptr(), large.as_ptr());
        advanced(&mut outbox, 1);
        assert_eq!(outbox.next_write(64 << 10).as_ptr() as usize, large.as_ptr() as usize + 1);
        advanced(&mut outbox, LARGE - 1);
        assert_eq!(outbox.next_write(64 << 10), b"\r\n");
    }
}
