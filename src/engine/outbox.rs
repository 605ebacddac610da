//! The outbox: bytes on their way to the socket, each chunk with the command that it belongs to.
//!
//! In: the fragments of lines that have been admitted. Out: bytes for the next write, many commands' at
//! once. A command none of whose bytes has been written can still be taken out.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use crate::types::CommandId;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    chunks: VecDeque<Chunk>,
    bytes: usize,
}

#[derive(Debug)]
struct Chunk {
    id: CommandId,
    data: Bytes,
    /// Some of it has been written.
    begun: bool,
    /// The command's last.
    last: bool,
}

/// How far a command has been written by one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) id: CommandId,
    /// Its last byte went out.
    pub(crate) whole: bool,
}

impl Outbox {
    /// Adds bytes; `last` if they end the command.
    pub(crate) fn push(&mut self, id: CommandId, data: Bytes, last: bool) {
        self.bytes += data.len();
        self.chunks.push_back(Chunk { id, data, begun: false, last });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// Whether bytes of this command wait.
    pub(crate) fn holds(&self, id: CommandId) -> bool {
        self.chunks.iter().any(|chunk| chunk.id == id)
    }

    /// Takes out all that waits of this command, if none of that has been begun.
    pub(crate) fn withdraw(&mut self, id: CommandId) -> bool {
        if self.chunks.iter().any(|chunk| chunk.id == id && chunk.begun) {
            return false;
        }
        self.chunks.retain(|chunk| chunk.id != id);
        self.bytes = self.chunks.iter().map(|chunk| chunk.data.len()).sum();
        true
    }

    /// Copies what comes next, up to `most` bytes, for one write. A large chunk that comes first is given by
    /// itself, uncopied.
    pub(crate) fn next_write<'a>(&'a self, buffer: &'a mut BytesMut, most: usize) -> &'a [u8] {
        buffer.clear();
        match self.chunks.front() {
            Some(first) if first.data.len() >= most || self.chunks.len() == 1 => &first.data,
            _ => {
                // At once, so that no copy of a secret is left behind by growing.
                buffer.reserve(most);
                for chunk in &self.chunks {
                    let room = most - buffer.len();
                    buffer.extend_from_slice(&chunk.data[..chunk.data.len().min(room)]);
                    if chunk.data.len() >= room {
                        break;
                    }
                }
                buffer
            }
        }
    }

    /// This many bytes have been written.
    pub(crate) fn advance(&mut self, mut count: usize) -> Vec<Written> {
        let mut written = Vec::new();
        self.bytes = self.bytes.saturating_sub(count);
        while let Some(chunk) = self.chunks.front_mut() {
            if count == 0 && !chunk.data.is_empty() {
                break;
            }
            let step = count.min(chunk.data.len());
            count -= step;
            chunk.data.advance(step);
            chunk.begun = true;
            let (id, done) = (chunk.id, chunk.data.is_empty());
            let whole = done && chunk.last;
            written.push(Written { id, whole });
            if !done {
                break;
            }
            self.chunks.pop_front();
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_many_commands_at_once_and_says_how_far_each_got() {
        let mut outbox = Outbox::default();
        let (a, b, c) = (CommandId(1), CommandId(2), CommandId(3));
        outbox.push(a, Bytes::from_static(b"one\r\n"), true);
        outbox.push(b, Bytes::from_static(b"two\r\n"), true);
        outbox.push(c, Bytes::from_static(b"three\r\n"), true);
        let mut buffer = BytesMut::new();
        assert_eq!(outbox.next_write(&mut buffer, 100), b"one\r\ntwo\r\nthree\r\n");
        assert_eq!(outbox.next_write(&mut buffer, 7), b"one\r\ntw");
        assert_eq!(outbox.advance(7), [Written { id: a, whole: true }, Written { id: b, whole: false }]);
        assert!(!outbox.withdraw(b), "begun");
        assert!(outbox.withdraw(c));
        assert_eq!(outbox.next_write(&mut buffer, 100), b"o\r\n");
        assert_eq!(outbox.len(), 3);
        assert_eq!(outbox.advance(3), [Written { id: b, whole: true }]);
        assert!(outbox.is_empty());
    }
}
